# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 02 · Una red neuronal convolucional: soluciones
#
# [![Abrir en Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/TU_USUARIO/curso-gradcam/blob/main/notebooks/soluciones/02_red_convolucional_soluciones.ipynb)
# [![Abrir en Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/TU_USUARIO/curso-gradcam/main?urlpath=lab/tree/notebooks/soluciones/02_red_convolucional_soluciones.ipynb)
# [Descargar el cuaderno](https://github.com/TU_USUARIO/curso-gradcam/raw/main/notebooks/soluciones/02_red_convolucional_soluciones.ipynb)
#
# **Duración:** 65 min · CPU · Lección: [02 · Una red neuronal convolucional](../02_red_convolucional.ipynb)
#
# Escribe tu respuesta en lugar de cada `...` y ejecuta la celda: `comprobar` dice qué ha probado de ella y, si no vale,
# por qué puede ser. Puedes intentarlo cuantas veces quieras. Nada se envía a ningún sitio ni se guarda fuera de este
# cuaderno.

# %% [markdown]
# ## Preparación

# %% cellView="form" jupyter={"source_hidden": true} tags=["preparacion"]
# @title Buscar el curso y, si este cuaderno está solo, descargarlo
import os, subprocess, sys, tempfile, warnings
from pathlib import Path

REPOSITORY = "https://github.com/TU_USUARIO/curso-gradcam"
REFERENCE = "main"

course = Path.cwd() / "curso-gradcam"
places = [Path.cwd(), *Path.cwd().parents, course]
module = Path("gradcam_helpers", "data.py")
root = next((place for place in places if (place / module).is_file()), None)
warnings.filterwarnings("ignore", "To exit")  # lo que Jupyter añade a «sys.exit»
if root is None and course.exists():
    sys.exit(f"«{course.name}» no contiene el curso: cámbiale el nombre "
             "y repite la celda.")
if root is None:
    root = course
    print(f"Este cuaderno está solo: descargo el curso de {REPOSITORY}")
    os.environ |= {"GIT_TERMINAL_PROMPT": "0"}
    os.environ |= {"GIT_HTTP_LOW_SPEED_LIMIT": "1000", "GIT_HTTP_LOW_SPEED_TIME": "30"}
    with tempfile.TemporaryDirectory(dir=".") as folder:
        folder = os.path.relpath(folder)  # la ruta entera puede llevar espacios
        clone = f"git clone --quiet --depth 1 --branch {REFERENCE} {REPOSITORY}"
        status, output = subprocess.getstatusoutput(f"{clone} {folder}/curso")
        if status:
            reason = output[max(0, output.find("fatal")):].partition("\n")[0]
            sys.exit(f"No se pudo descargar el curso ({reason or 'git no responde'}). "
                     "Comprueba la conexión y esa dirección, y repite la celda.")
        os.rename(f"{folder}/curso", root)
elif root == course:
    config = f"git -C {course.name} config remote.origin.url"
    status, origin = subprocess.getstatusoutput(config)
    if status == 0 and origin != REPOSITORY:
        print(f"Uso el curso que ya hay en «{course.name}», descargado de {origin}")
sys.path.insert(0, str(root))

# %%
from gradcam_helpers import data, explorer, models, plots
from gradcam_helpers.checks import comprobar
import keras
import numpy as np
import tensorflow as tf

source = data.prepare_source()
print(source)

# %% [markdown]
# Aquí no se entrena nada: el último control usa una red ya entrenada.

# %% [markdown]
# ## 02-1 · Contar los parámetros de cualquier red
#
# Modificar · media · 10 min
#
# La lección cuenta los parámetros de **su** red. Modifica la cuenta para que valga con cualquier número de bloques. Cada
# bloque son dos convoluciones de 3 × 3, con relleno `same`, y un agrupamiento de 2 × 2; después van `aplanar`, una densa
# de 128 y la salida, de 2. Las imágenes son cuadradas y en color.
#
# **Predice** además: si a la red del curso se le añade un cuarto bloque de 128 filtros, ¿el total sube o baja?
#
# **Entrega:** `count_parameters(filters, size)`, que recibe los filtros de cada bloque, como `(32, 64, 128)`, y el lado de
# las imágenes, como 300; devuelve el número de parámetros, un entero.
#
# <details><summary>Pista</summary>
#
# Recorre los bloques y lleva dos cuentas: cuántos canales entran en el siguiente y cuánto mide el lado. Dentro de un
# bloque, la segunda convolución ya no recibe los canales de entrada, sino los filtros de la primera. Con `(32, 64, 128)` y
# 300 debe salir el total de la lección.
#
# </details>
#
# <details><summary>Un error frecuente</summary>
#
# Olvidar los sesgos: hay uno por filtro y uno por salida, no uno por peso ni uno por canal. Son pocos, y por eso su falta
# no salta a la vista en un total de millones.
#
# </details>

# %%
def count_parameters(filters, size):
    # <solución> return ...
    total, channels = 0, 3
    for each in filters:
        total += 3 * 3 * channels * each + each
        total += 3 * 3 * each * each + each
        channels, size = each, size // 2
    total += size * size * channels * 128 + 128
    return total + 128 * 2 + 2
    # </solución>


comprobar("02-1", count_parameters)

# %%
if comprobar.hecho("02-1"):
    for filters in ((32, 64, 128), (64, 64, 128), (32, 64, 128, 128)):
        print(f"{filters}: {count_parameters(filters, 300)} parámetros")

# %% [markdown] tags=["solucion"]
# Con el cuarto bloque **baja**, y mucho: sus dos convoluciones añaden unos 295 000 parámetros, pero el mapa que se aplana
# pasa de 37 × 37 a 18 × 18, y `densa`, que tiene casi todos, se queda en la cuarta parte. Doblar los filtros del primer
# bloque, en cambio, apenas se nota.

# %% [markdown]
# ## 02-2 · Elegir la época
#
# Completar · fácil · 5 min
#
# Has entrenado varias épocas y has guardado la red de cada una. ¿Con cuál te quedas? Con la de **menor pérdida de
# validación**. Junto a ella, alguien ha anotado también lo que cada red acierta en la prueba.
#
# **Entrega:** `choose_epoch(history)`, que recibe un diccionario de listas, con un valor por época: `loss`, `accuracy`,
# `val_loss`, `val_accuracy`, `test_loss` y `test_accuracy`. Devuelve el número de la época elegida; la primera es la 1.
#
# <details><summary>Pista</summary>
#
# `np.argmin` da la posición del menor valor de una lista. ¿Desde qué número cuenta?
#
# </details>
#
# <details><summary>Un error frecuente</summary>
#
# Elegir la época que más acierta en la prueba, «porque es lo que importa». Entre varias redes, alguna acierta más ahí por
# suerte; al elegirla, la cifra de la prueba deja de ser una medida imparcial.
#
# </details>

# %%
def choose_epoch(history):
    # <solución> return ...
    return 1 + np.argmin(history["val_loss"])
    # </solución>


comprobar("02-2", choose_epoch)

# %% [markdown] tags=["solucion"]
# Se decide con la validación, que para eso está, y la prueba se mira una vez, al final. Se prefiere la pérdida a la
# exactitud porque es más fina: con cien imágenes, la exactitud solo puede tomar ciento un valores, y empata a menudo.

# %% [markdown]
# ## 02-3 · Cuatro errores que no avisan
#
# Encontrar el error · media · 15 min
#
# Esta función prepara los lotes para entrenar. Tiene **cuatro errores**, y ninguno da un mensaje:

# %%
def faulty_prepare(images, labels, batch_size):
    dataset = tf.data.Dataset.from_tensor_slices((images, labels))
    dataset = dataset.batch(batch_size, drop_remainder=True).shuffle(len(images))
    dataset = dataset.map(lambda x, y: (tf.cast(x // 255, tf.float32), y))
    return dataset.repeat()


tf.random.set_seed(1)  # el mismo sorteo cada vez que se ejecute la celda
numbers = np.arange(10)
pictures = np.full((10, 2, 2, 3), 200, np.uint8)
for batch, labels in faulty_prepare(pictures, numbers, 4).take(5):
    print("etiquetas:", labels.numpy(), "· valor de un píxel:", batch.numpy()[0, 0, 0, 0])

# %% [markdown]
# Son diez imágenes iguales, de valor 200, con una etiqueta cada una, de 0 a 9, para seguirles la pista. ¿Qué cuatro
# errores delatan esas líneas?
#
# **Entrega:** `prepare(images, labels, batch_size)`, sin los errores: un `tf.data.Dataset` de parejas (imágenes,
# etiquetas). En cada época, cada imagen sale una vez, barajada; los lotes son de `batch_size`, salvo el último, si no se
# llena; los valores son float32, de 0 a 1.
#
# <details><summary>Pista</summary>
#
# Mira qué etiquetas van juntas, cuáles no salen nunca, cuándo acaba una época y si la imagen es de verdad negra. Tres de
# los errores se corrigen borrando o cambiando de sitio; el otro, con un carácter de menos.
#
# </details>
#
# <details><summary>Un error frecuente</summary>
#
# Pensar que da igual barajar antes o después de `batch`. Después, los lotes cambian de sitio, pero cada uno lleva siempre
# las mismas imágenes.
#
# </details>

# %%
def prepare(images, labels, batch_size):
    # <solución> return ...
    pairs = tf.data.Dataset.from_tensor_slices((images, labels))
    batches = pairs.shuffle(len(images)).batch(batch_size)
    return batches.map(lambda x, y: (tf.cast(x, tf.float32) / 255, y))
    # </solución>


comprobar("02-3", prepare)

# %% [markdown] tags=["solucion"]
# `drop_remainder` redondea hacia abajo y pierde imágenes; `shuffle` después de `batch` baraja lotes; `//` divide sin
# decimales y deja negras casi todas las imágenes; `repeat`, sin más, hace que la época no acabe. La red entrenaría con
# todo ello sin quejarse.

# %% [markdown]
# ## 02-4 · Reducir una matriz
#
# Completar · difícil · 15 min
#
# La lección reduce la matriz de `densa` con los vectores propios de $W^\top W$. Hay otro camino: la *descomposición en
# valores singulares*, $W = U S V^\top$. Las columnas de $U$ y las filas de $V^\top$ son las direcciones; la diagonal de
# $S$, los valores singulares, de mayor a menor. Con las $r$ primeras se obtiene la matriz de rango $r$ más parecida.
#
# **Entrega:** `truncate(matrix, rank)`, que devuelve esa matriz, de la misma forma que `matrix`. El rango va de 1 al menor
# de sus dos lados.
#
# <details><summary>Pista</summary>
#
# `np.linalg.svd(matrix, full_matrices=False)` da tres cosas: $U$, la lista de los valores singulares y $V^\top$, ya
# traspuesta. Con rango 1, la respuesta es el primer valor por el producto de la primera columna por la primera fila. Con
# todo el rango, debe salir la matriz de partida.
#
# </details>
#
# <details><summary>Un error frecuente</summary>
#
# Tomar columnas de $V^\top$ como si fuera $V$. Las formas encajan, y el resultado es una matriz del rango pedido que no se
# parece a la de partida.
#
# </details>

# %%
def truncate(matrix, rank):
    # <solución> return ...
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    return (left[:, :rank] * values[:rank]) @ right[:rank]
    # </solución>


comprobar("02-4", truncate)

# %%
test_images, _ = data.load_images(source, "test")
if comprobar.hecho("02-4"):
    ranks = (1, 5, 20, 300)
    channels = np.moveaxis(test_images[0].astype(float), -1, 0)
    reduced = [np.stack([truncate(each, r) for each in channels], -1) for r in ranks]
    pictures = np.clip(np.rint(reduced), 0, 255).astype(np.uint8)
    titles = [f"rango {rank}" for rank in ranks]
    figure = plots.show_images(pictures, titles, title="¿Desde qué rango lo reconoces?")

# %% [markdown]
# **Figura 1.** Una imagen de la prueba, cuando la función está bien: cada canal, que es una matriz de 300 × 300, se ha
# reducido al rango que dice el rótulo. Con 300 no se quita nada.

# %% [markdown] tags=["solucion"]
# `left[:, :rank] * values[:rank]` multiplica cada columna por su valor singular; el producto por las filas suma las $r$
# matrices de rango 1. Una imagen necesita bastante rango para que se la reconozca. ¿Y una capa de la red?

# %% [markdown]
# ## 02-5 · El rango que basta
#
# Predecir · media · 10 min
#
# La celda siguiente carga una red entrenada y reduce su capa `densa` a varios rangos, como en la lección. Al ejecutarla
# sabrás si la red es la publicada, que ya se guardó reducida a rango 8, o la tuya.

# %%
model = models.load_trained(source)
flat = keras.Model(model.input, model.get_layer("aplanar").output)
kernel, bias = model.get_layer("densa").get_weights()
output_kernel, output_bias = model.get_layer("salida").get_weights()
_, vectors = np.linalg.eigh(kernel.T @ kernel)
directions = vectors[:, ::-1]
batches = np.split(test_images, range(8, len(test_images), 8))
sums = np.concatenate(
    [flat.predict_on_batch(data.prepare_image(batch)) @ kernel for batch in batches]
)


def answer(rank):
    kept = directions[:, :rank]
    hidden = np.maximum(sums @ kept @ kept.T + bias, 0)
    return (hidden @ output_kernel + output_bias).argmax(axis=1)


answers = {rank: answer(rank) for rank in (*range(9), 16, 32, 64, 128)}

# %% [markdown]
# **Predice antes de mover.** Si con un rango no cambia ninguna respuesta, ¿puede cambiar alguna con otro mayor?

# %% tags=["remove_output", "nbval-ignore-output"]
explorer.RankBoard(test_images, answers)

# %% [markdown]
# **Entrega:** `stable_rank`, un entero: el menor rango del control **desde el que** no cambia ninguna respuesta, ni con él
# ni con ninguno mayor.
#
# <details><summary>Pista</summary>
#
# Empieza por el final, por el rango 128, y baja hasta que cambie alguna respuesta.
#
# </details>
#
# <details><summary>Un error frecuente</summary>
#
# Empezar por el rango 0, subir y detenerse en el primero con el que no cambia nada. La matriz reducida se parece cada vez
# más a la entera; sus respuestas, no siempre.
#
# </details>

# %%
# <solución> stable_rank = ...
same = [np.array_equal(each, answers[128]) for each in answers.values()]
stable_rank = next(rank for k, rank in enumerate(answers) if all(same[k:]))
# </solución>
comprobar("02-5", stable_rank, answers=answers)

# %%
if comprobar.hecho("02-5"):
    for rank in range(9):
        changed = np.sum(answers[rank] != answers[128])
        print(f"Rango {rank}, respuestas que cambian: {changed}")

# %% [markdown] tags=["solucion"]
# El control lo da sin escribir código; aquí se calcula, para que valga con cualquier red. Con la publicada y los datos
# embebidos, con rango 2 no cambia ninguna respuesta y con rango 3 vuelven a cambiar dos: añadir una dirección acerca la
# matriz, y puede llevar al otro lado una imagen que estaba cerca del límite.

# %% [markdown]
# ## 02-6 · Lo que dice una caída
#
# Interpretar · media · 10 min
#
# Una red como la de la lección acierta 0,99 en la validación y 0,82 en la prueba, con 120 imágenes y límites de 0,76 y
# 0,89. La prueba tiene fondo blanco e individuos nuevos. ¿Qué dicen esas cifras, qué **no** dicen, y qué medirías para
# saber más?
#
# **Entrega:** `reading`, un texto de cinco a diez líneas.
#
# <details><summary>Pista</summary>
#
# ¿Cuántas cosas cambian a la vez de la validación a la prueba? Para saber cuál importa, ¿qué habría que dejar igual?
#
# </details>
#
# <details><summary>Un error frecuente</summary>
#
# «La red mira el fondo.» Puede ser; pero la caída se vería también si solo le costaran los individuos nuevos.
#
# </details>
#
# <details><summary>Rúbrica</summary>
#
# Un punto por cada una:
#
# 1. La caída no es cosa del sorteo de imágenes: 0,99 queda fuera de los límites. Pero estos toman por independientes
#    imágenes que se parecen, y están demasiado juntos.
# 2. La cifra de validación es optimista: sus individuos están también en el entrenamiento.
# 3. Nombra al menos dos causas posibles, el fondo y los individuos, y dice que las cifras no las separan.
# 4. Propone una medida en la que solo cambie **una**: los mismos sujetos sobre otros fondos, o individuos nuevos sobre
#    fondos conocidos.
#
# </details>

# %%
# <solución> reading = ...
reading = """
La red acierta menos en la prueba, y el sorteo de imágenes no lo explica: 0,99 queda
fuera de los límites, aunque estos sean demasiado estrechos, porque hay varias
imágenes de cada individuo.
Las cifras no dicen por qué. Cambian dos cosas a la vez, el fondo y los individuos, y además la
validación es optimista, porque a sus individuos la red ya los conoce.
Mediría los mismos sujetos de la prueba sobre paisajes: si la exactitud sube, el
fondo contaba. Y apartaría individuos enteros para la validación: si su exactitud
baja, contaba conocerlos.
"""
# </solución>
comprobar("02-6", reading)

# %% [markdown] tags=["solucion"]
# La lección 5 hace la primera de esas medidas. Aún hay más causas posibles, como que un fondo liso cambie el brillo medio
# de la imagen: por eso conviene cambiar una sola cosa cada vez, y decir cuál.

# %% [markdown]
# ## Resumen

# %%
comprobar.resumen("02")
