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
# # Preguntas de quien usa Grad-CAM
#
# [![Abrir en Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/TU_USUARIO/curso-gradcam/blob/main/notebooks/preguntas.ipynb)
# [![Abrir en Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/TU_USUARIO/curso-gradcam/main?urlpath=lab/tree/notebooks/preguntas.ipynb)
# [Descargar el cuaderno](https://github.com/TU_USUARIO/curso-gradcam/raw/main/notebooks/preguntas.ipynb)
#
# **Duración:** un par de minutos por pregunta · CPU
#
# Las preguntas que hace una y otra vez quien aplica Grad-CAM a su propia red. Cada una trae una respuesta corta y una
# celda que la demuestra; todas funcionan por separado, después de la preparación, y en cualquier orden.
#
# **Que funcione**
#
# - [¿Qué capa elijo?](#capa)
# - [¿Por qué no encuentra la capa de una red que lleva otra dentro?](#anidada)
# - [¿Por qué hoy no existe la capa conv2d_5?](#nombres)
# - [¿Cómo le paso mis propias imágenes?](#imagenes)
# - [¿Por qué sale un mapa vacío, o lleno de NaN?](#vacio)
# - [¿Por qué se me acaba la memoria?](#memoria)
#
# **Qué derivar**
#
# - [¿Derivo el logit o la probabilidad?](#logit)
# - [¿Y si mi red acaba en una sola sigmoide?](#sigmoide)
# - [¿Y si tiene varias salidas?](#salidas)
#
# **Cómo leer lo que sale**
#
# - [¿Por qué me da el mismo mapa para todas las clases?](#clases)
# - [¿Por qué HiResCAM y Grad-CAM dan lo mismo?](#hirescam)
# - [¿La ReLU va antes o después de normalizar?](#relu)
# - [¿Puedo comparar el brillo de dos mapas?](#brillo)
# - [¿Cómo resumo los mapas de todo un conjunto?](#conjunto)
# - [¿Y si mi red acierta, pero el mapa es absurdo?](#absurdo)

# %% [markdown]
# ## Preparación
#
# La celda de la lección 1, la red del curso con cuarenta imágenes de prueba, y una red pequeña, de pesos al azar,
# a la que cada pregunta pone un final. Las redes de `keras.applications` se crean con `weights=None`, que no
# descarga nada; con `weights="imagenet"` se hace lo mismo.

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
from gradcam_helpers import cam, data, formulas, metrics, models, plots, randomization
import keras
import numpy as np
import tensorflow as tf

source = data.prepare_source()
print(source)

# %%
model = models.load_trained(source)
explainer = cam.Explainer(model)
images, labels = data.load_images(source, "test", count=40)
masks = data.load_masks(source, "test", count=40)

# %%
layers = keras.layers
keras.utils.set_random_seed(1)
small = np.random.default_rng(1).random((3, 32, 32, 3), np.float32)


def network(*last, **options):
    """Dos convoluciones, con pesos al azar, y las capas que se le den."""
    convolutions = [
        layers.Conv2D(8, 3, activation="relu", name="primera"),
        layers.MaxPooling2D(2),
        layers.Conv2D(16, 3, activation="relu", name="segunda"),
    ]
    return keras.Sequential([keras.Input((32, 32, 3)), *convolutions, *last], **options)


# %% [markdown]
# <a id="capa"></a>
#
# ## ¿Qué capa elijo?
#
# La última que conserva *dónde* está cada cosa, **después** de su normalización y su activación: de las capas
# finales, Selvaraju y otros (2017) esperan el mejor compromiso entre significado y detalle espacial. Es una
# convención, no una ley. Si pides la convolución por su nombre, mira qué la sigue: aquí, una normalización y una ReLU6,
# que apaga valores que en el mapa de `Conv_1` contarían. Si pruebas varias capas, enséñalas todas: quedarse con la que
# gusta es elegir la respuesta. La [lección 3](03_gradcam_paso_a_paso.ipynb) compara seis.

# %%
mobile = keras.applications.MobileNetV2((96, 96, 3), weights=None, classes=5)
print("Por omisión:", cam.Explainer(mobile).default_layer)
picture = np.random.default_rng(1).random((1, 96, 96, 3), np.float32)
for name in ("Conv_1", "out_relu"):
    maps = keras.Model(mobile.input, mobile.get_layer(name).output)(picture).numpy()
    print(f"{name}: {maps.shape[1]} × {maps.shape[2]},", end=" ")
    print("con valores negativos" if maps.min() < 0 else "sin valores negativos")

# %% [markdown]
# <a id="anidada"></a>
#
# ## ¿Por qué no encuentra la capa de una red que lleva otra dentro?
#
# Así queda una red con una columna preentrenada. `get_layer` solo busca en el modelo de fuera («No such layer»), y
# unir la entrada de fuera con la salida de una capa de dentro falla («is not connected to `inputs`»; antes, «Graph
# disconnected»), porque la columna tiene su propia entrada. No hay que rehacer la red ni entrenarla de nuevo: calcula
# los mapas con la columna y deriva a través de lo que la sigue. El módulo de ayuda llama a esa capa
# «columna/segunda».

# %%
column = network(name="columna")
head = keras.Sequential([layers.Flatten(), layers.Dense(4)])
whole = keras.Sequential([keras.Input((32, 32, 3)), column, head])
nested = cam.Explainer(whole)
print(nested.layer_names)

maps = column(small)
with tf.GradientTape() as tape:
    tape.watch(maps)
    score = head(maps)[:, 0]
raw = formulas.grad_cam(maps, tape.gradient(score, maps))
assert np.allclose(raw, nested.explain(small, target=0).raw, atol=1e-5)

# %% [markdown]
# <a id="nombres"></a>
#
# ## ¿Por qué hoy no existe la capa conv2d_5?
#
# Keras numera las capas sin nombre y sigue contando durante toda la sesión: si construyes dos veces la misma red, los
# nombres cambian. Entonces pedir `conv2d_5` falla o, peor, da con otra capa. Pon tú los nombres, con `name=`, o pide la
# capa por su puesto: `model.layers[k]`.

# %%
twice = []
for _ in range(2):
    unnamed = [layers.Conv2D(2, 3), layers.Conv2D(2, 3)]
    built = keras.Sequential([keras.Input((8, 8, 3)), *unnamed])
    twice.append({layer.name for layer in built.layers})
print("Nombres en común:", len(twice[0] & twice[1]))

# %% [markdown]
# <a id="imagenes"></a>
#
# ## ¿Cómo le paso mis propias imágenes?
#
# Como las vio al entrenar; si no, nada avisa, y la respuesta y el mapa pueden ser otros. Cada familia tiene su
# `preprocess_input`. El de EfficientNet no hace nada, porque la red lleva dentro una capa `Rescaling`: dividir antes
# entre 255 sería hacerlo dos veces. Los de MobileNetV2 y ResNet50, si reciben un arreglo float32, **lo modifican**: dales
# una copia, y superpón el mapa a la original. Comprueba además el orden de los colores (OpenCV lee azul, verde, rojo) y el del
# tamaño. A la red del curso, `data.prepare_image`.

# %%
picture = np.array([[[[255, 255, 255], [0, 0, 0]]]], np.float32)
for name in ("mobilenet_v2", "resnet50", "efficientnet"):
    mine = picture.copy()
    ready = getattr(keras.applications, name).preprocess_input(mine)
    changed = "lo modifica" if (mine != picture).any() else "no lo modifica"
    print(f"{name}: de {ready.min():.0f} a {ready.max():.0f}; {changed}")

inside = keras.applications.EfficientNetB0(weights=None).layers
assert any(isinstance(layer, layers.Rescaling) for layer in inside)

# %% [markdown]
# <a id="vacio"></a>
#
# ## ¿Por qué sale un mapa vacío, o lleno de NaN?
#
# **Vacío**: en ningún punto de esa capa, según ese método, lo que apoya la clase supera a lo que va en contra. No es
# una red que no mira: enseña el mapa con signo. **NaN**: 0/0, al dividir un mapa vacío entre su máximo. Sumar un épsilon
# quita el NaN, pero calla que está vacío; recortar hasta un máximo negativo y dividir entre él lo llena de **unos**. Si
# los NaN ya están en las activaciones, búscalos antes: en los pesos o en la imagen. Más, en la
# [lección 4](04_explorador.ipynb).

# %%
raw = -np.random.default_rng(1).random((1, 5, 5), np.float32)  # nada a favor
positive = np.maximum(raw, 0)
with np.errstate(invalid="ignore"):
    print("Sin salvaguarda:", (positive / positive.max()).max())
print("Con épsilon:", (positive / (positive.max() + 1e-8)).max())
print("Recortado:", (np.clip(raw, 0, raw.max()) / raw.max()).max())
heatmap, empty = formulas.normalize(raw)
print("Con salvaguarda:", heatmap.max(), "y avisa" if empty.all() else "")

# %% [markdown]
# <a id="memoria"></a>
#
# ## ¿Por qué se me acaba la memoria?
#
# De cada imagen del lote se guardan los mapas de características de la capa, su gradiente y lo que la red necesita para
# derivar. Construye el explicador una sola vez, fuera del bucle; explica lote a lote, y quédate solo con los mapas de
# calor: un número por posición, en lugar de uno por filtro y posición. Repartir en lotes no cambia el resultado; si en
# tu código lo cambia, busca un promedio en `axis=(0, 1, 2)`, que mezcla las imágenes. Score-CAM no deriva, pero hace una
# predicción por filtro.

# %%
shape = model.get_layer("bloque1_conv1").output.shape[1:]
print(f"Activaciones, por imagen: {4 * np.prod(shape) / 1e6:.1f} MB")
print(f"Su mapa: {4 * np.prod(shape[:2]) / 1e6:.2f} MB")

of_three = cam.Explainer(network(layers.Flatten(), layers.Dense(3)))
batches = tf.data.Dataset.from_tensor_slices(small).batch(2)
parts = [each.raw for each in of_three.explain_dataset(batches, target=0)]
together = of_three.explain(small, target=0).raw
assert np.allclose(np.concatenate(parts), together, atol=1e-5)

# %% [markdown]
# <a id="logit"></a>
#
# ## ¿Derivo el logit o la probabilidad?
#
# El logit, como el artículo. Con dos clases, el mapa de la probabilidad $p$ es $p(1-p)$ por el de la **diferencia** de
# los logits. Es otra pregunta, *por qué esta y no la otra*, y con la red muy segura ese factor se redondea a 0, o el mapa
# sale falso ([lección 4](04_explorador.ipynb)). Hazla con la diferencia. Tampoco el logit es intocable: sumar a todos una
# misma función de la imagen no cambia ninguna respuesta, pero puede cambiar sus mapas; el de la diferencia, no (Srinivas
# y Fleuret, 2021).

# %%
two = network(layers.Flatten(), layers.Dense(2, activation="softmax"))
weights = two.layers[-1].get_weights()
for factor in (1, 10_000):  # la misma red, más segura
    two.layers[-1].set_weights([factor * each for each in weights])
    surer = cam.Explainer(two)
    of_p = surer.explain(small, target=1, score="probability")
    of_gap = surer.explain(small, target=lambda y: y[:, 1] - y[:, 0])
    p = surer.explain(small, target=1).probabilities[:, 1, np.newaxis, np.newaxis]
    assert np.allclose(of_p.raw, p * (1 - p) * of_gap.raw, atol=1e-5)
    print(f"Logits × {factor}: queda algo de p, {of_p.raw.any()};", end=" ")
    print(f"de la diferencia, {of_gap.raw.any()}")

# %% [markdown]
# <a id="sigmoide"></a>
#
# ## ¿Y si mi red acaba en una sola sigmoide?
#
# Su único logit, $y$, es el de la clase 1; el de la clase 0 es $-y$. Con Grad-CAM, los dos mapas con signo son opuestos:
# cada uno enseña lo que el otro borra. Si todo apoya a una clase, el de la otra está vacío, y es correcto. Hay dos errores
# frecuentes. El `argmax` de una sola salida vale siempre 0: no es la clase predicha. Y la softmax de una sola salida vale
# siempre 1: su gradiente es 0.

# %%
one = network(layers.Flatten(), layers.Dense(1, activation="sigmoid"))
both = cam.Explainer(one).explain(small, target=[[0, 1]] * 3)
assert np.allclose(both.raw[:, 0], -both.raw[:, 1], atol=1e-6)
assert np.allclose(both.probabilities[:, 1:], one(small), atol=1e-6)
print("argmax:", one.predict(small, verbose=0).argmax(axis=1))
print("softmax:", tf.nn.softmax(one(small)).numpy().ravel())

# %% [markdown]
# <a id="salidas"></a>
#
# ## ¿Y si tiene varias salidas?
#
# Elige una: `keras.Model(entrada, salidas[k])` comparte capas y pesos, y no hay que entrenar. En una regresión se deriva
# el propio número; la ReLU solo deja lo que lo sube, así que mira el mapa con signo. Si una imagen puede llevar varias
# etiquetas (una sigmoide por cada una), pide un mapa por etiqueta, `target=[[0, 2]] * N`: no se excluyen, y dos pueden
# señalar lo mismo. Con varias **entradas**, haz una red de una que deje fijas las demás.

# %%
inputs = keras.Input((32, 32, 3))
trunk = network(layers.GlobalAveragePooling2D())(inputs)
kind = layers.Dense(3, activation="softmax")(trunk)
age = layers.Dense(1)(trunk)
both = keras.Model(inputs, [kind, age])

of_kind = cam.Explainer(keras.Model(inputs, both.outputs[0])).explain(small)
of_age = cam.Explainer(keras.Model(inputs, both.outputs[1]))
of_age = of_age.explain(small, target=lambda y: y[:, 0])
assert np.allclose(of_kind.probabilities, both(small)[0], atol=1e-6)
print("Mapas:", of_kind.raw.shape, of_age.raw.shape)

# %% [markdown]
# <a id="clases"></a>
#
# ## ¿Por qué me da el mismo mapa para todas las clases?
#
# Mira primero si pides cada clase: por omisión se explica la predicha. Después, el método. Eigen-CAM no mira la clase.
# Grad-CAM++ equivale, en la práctica, a Grad-CAM con solo los gradientes positivos (Lerma y Lucas, 2022): ningún filtro
# resta, y casi todos suman en todas las clases. Lo mismo pasa con los gradientes «guiados» que ofrecen algunas bibliotecas.
# Con Grad-CAM, dos mapas parecidos no son siempre un error: un filtro puede apoyar a las dos clases.

# %%
ten, pair = data.prepare_image(images[:10]), [[0, 1]] * 10
maps = {
    method: explainer.explain(ten, target=pair, method=method).raw
    for method in ("Grad-CAM", "Grad-CAM++", "Eigen-CAM")
}
for method, raw in maps.items():
    likeness = randomization.rank_correlation(raw[:, 0], raw[:, 1])
    print(f"{method}, correlación de rangos: {np.median(likeness):.2f}")
heatmaps = np.concatenate([formulas.normalize(raw[0])[0] for raw in maps.values()])
titles = [f"{method}, «{name}»" for method in maps for name in data.CLASS_NAMES]
figure = plots.show_overlays([images[0]] * 6, heatmaps, titles)

# %% [markdown]
# **Figura 1.** Una imagen de prueba y los mapas de sus dos clases en `bloque3_conv2`: «caballo», a la izquierda; «persona»,
# a la derecha. De arriba abajo, Grad-CAM, Grad-CAM++ y Eigen-CAM. Un mapa negro está vacío. Encima, la mediana de diez
# imágenes: 1, mapas que ordenan igual los puntos; −1, al revés.
#
# <details><summary>Lo que se ve con los datos embebidos</summary>
#
# Con Grad-CAM, los mapas de las dos clases son casi opuestos, −0,98<!-- Grad-CAM, correlación de rangos: -->, y el de
# «caballo» está vacío. Con Grad-CAM++ apenas cambian, 0,97<!-- Grad-CAM++, correlación de rangos: -->; con Eigen-CAM, nada,
# 1,00<!-- Eigen-CAM, correlación de rangos: -->.
#
# </details>

# %% [markdown]
# <a id="hirescam"></a>
#
# ## ¿Por qué HiResCAM y Grad-CAM dan lo mismo?
#
# Porque a esa capa la sigue un promedio global (*global average pooling*): todas las posiciones de un filtro reciben el
# mismo gradiente, y promediarlo no cambia nada (Draelos y Carin, 2020). Da igual qué venga después; si es una sola densa,
# los dos son además el CAM de Zhou y otros (2016), salvo un factor. Pasa en lo que recibe ese promedio, como la última
# activación de ResNet50 o MobileNetV2. No pasa, en general, antes, ni en VGG o la red del curso, que aplanan.

# %%
for reduce in (layers.GlobalAveragePooling2D(), layers.Flatten()):
    last = layers.Dense(8, activation="tanh"), layers.Dense(3)
    of_three = cam.Explainer(network(reduce, *last))
    averaged = of_three.explain(small, target=0).raw
    by_place = of_three.explain(small, target=0, method="HiResCAM").raw
    same = np.allclose(averaged, by_place, atol=1e-4 * np.abs(averaged).max())
    print(f"{type(reduce).__name__}: {'iguales' if same else 'distintos'}")

# %% [markdown]
# <a id="relu"></a>
#
# ## ¿La ReLU va antes o después de normalizar?
#
# Antes. Primero se borra lo que va en contra; después se divide entre el máximo, y el cero sigue siendo cero. Si antes se
# lleva el mapa a 0…1 con su mínimo y su máximo, ya no queda nada negativo que borrar: se ilumina lo indiferente y parte de
# lo que va en contra, y hasta un mapa sin nada a favor tiene un punto que vale 1.

# %%
ten, pair = data.prepare_image(images[:10]), [[0, 1]] * 10
signed = explainer.explain(ten, target=pair).raw
against = (signed < 0).mean(axis=(2, 3))
position, target = np.unravel_index(against.argmax(), against.shape)
raw = signed[position, target]
right, _ = formulas.normalize(raw)
wrong = np.maximum((raw - raw.min()) / (raw.max() - raw.min()), 0)
titles = ["ReLU y después máximo", "0…1 y después ReLU"]
figure = plots.show_overlays([images[position]] * 2, [right, wrong], titles)
print(f"A favor de «{data.CLASS_NAMES[target]}»: {100 * (raw > 0).mean():.0f} %")
for title, heatmap in zip(titles, (right, wrong)):
    print(f"{title}, iluminado: {100 * (heatmap > 0).mean():.0f} %")

# %% [markdown]
# **Figura 2.** El mismo mapa con signo, normalizado de las dos maneras: a la izquierda, bien; a la derecha, mal. Es el que
# más puntos tiene en contra de los veinte de diez imágenes y dos clases.
#
# <details><summary>Lo que se ve con los datos embebidos</summary>
#
# Nada apoya a «caballo», 0 %<!-- A favor de «caballo»: -->. Normalizado bien, el mapa está vacío. Normalizado mal, ilumina el
# 100 %<!-- 0…1 y después ReLU, iluminado: --> de los puntos: parece una explicación, y nada en él está a favor.
#
# </details>

# %% [markdown]
# <a id="brillo"></a>
#
# ## ¿Puedo comparar el brillo de dos mapas?
#
# No: cada uno se divide entre su propio máximo. En la celda, una imagen y la misma a la mitad de claridad: el logit se
# reduce a la mitad y el mapa de calor es **el mismo**. Para comparar, usa `raw` y una escala común, con la misma red, capa,
# clase y método. Aun así, los valores de Grad-CAM no son partes del logit. Los de HiResCAM suman lo que la capa recoge de
# él, y en una red lineal a trozos solo faltan los sesgos: [lección 4](04_explorador.ipynb).

# %%
of_three = cam.Explainer(network(layers.Flatten(), layers.Dense(3)))  # aún sin sesgos
bright, dim = (of_three.explain(each, target=0) for each in (small, small / 2))
assert np.allclose(bright.heatmap, dim.heatmap, atol=1e-4)
print(f"Logits: × {np.median(dim.logits / bright.logits):.2f}")
print(f"Mapas con signo: × {np.median(dim.raw / bright.raw):.2f}")
print("Mapas de calor: los mismos")

# %% [markdown]
# <a id="conjunto"></a>
#
# ## ¿Cómo resumo los mapas de todo un conjunto?
#
# No promedies los dibujos: cada sujeto está en su sitio y cada mapa, en su escala. Decide antes **una pregunta con número**,
# como qué parte de la relevancia cae en el sujeto. Da la media; su intervalo, sorteando individuos y no fotos; lo que daría
# un mapa uniforme, y cuántos están vacíos. Ni un 100 % probaría que la red usa al sujeto: eso lo dice un experimento
# ([lección 5](05_experimento.ipynb)). Una media esconde, además, que haya varias estrategias; SpRAy agrupa los mapas para
# buscarlas (Lapuschkin y otros, 2019).

# %%
batches = data.load_batches(source, "test[:40]", batch_size=8)
each_batch = explainer.explain_dataset(batches, method="HiResCAM")
heatmaps = np.concatenate([each.heatmap for each in each_batch])
large = formulas.resize_heatmaps(heatmaps, (300, 300))
shares = 100 * metrics.energy_pointing_game(large, masks)  # NaN si está vacío
who = data.load_identities(source, "test", count=40)
low, high = metrics.bootstrap_interval(shares, who)
known = ~np.isnan(shares)
print(f"En el sujeto: {shares[known].mean():.0f} % [{low:.0f}, {high:.0f}]")
print(f"Con un mapa uniforme: {100 * masks[known].mean():.0f} %")
print(f"Mapas vacíos: {np.sum(~known)} de {len(known)}")

# %% [markdown]
# <details><summary>Lo que se ve con los datos embebidos</summary>
#
# En el sujeto cae el 59 %<!-- En el sujeto: -->, de 57<!-- En el sujeto: 59 % [ --> a
# 62<!-- En el sujeto: 59 % [57, -->; con un mapa uniforme, el 22 %<!-- Con un mapa uniforme: -->. Ninguno está vacío. HiResCAM
# prefiere al sujeto; aun así, la lección 5 encuentra que el fondo cambia respuestas.
#
# </details>

# %% [markdown]
# <a id="absurdo"></a>
#
# ## ¿Y si mi red acierta, pero el mapa es absurdo?
#
# Puede fallar el código, el método, la red o lo que esperabas; una imagen no lo decide. El **código**: si el mapa no
# cambia al poner los pesos al azar, no depende de lo aprendido (Adebayo y otros, 2018); que cambie no basta. El
# **método**: la red de la celda solo lee la esquina, y Grad-CAM señala una mancha que, tapada, no cambia el logit; Draelos
# y Carin (2020) dan otros casos. La **red**: puede acertar con un atajo. Para saberlo, cambia la imagen y mira la
# respuesta ([lección 5](05_experimento.ipynb)).

# %%
picture = np.full((12, 12, 3), 64, np.uint8)
picture[5:9, 6:10] = 255  # una mancha
last = [layers.Conv2D(1, 1, activation="relu"), layers.Flatten(), layers.Dense(2)]
corner = keras.Sequential([keras.Input((12, 12, 3)), *last])
reads = np.zeros((144, 2))
reads[0, 0] = 1  # la clase 0 solo lee la esquina
corner.set_weights([np.ones((1, 1, 3, 1)) / 3, np.zeros(1), reads, np.zeros(2)])
shown, covered = np.float32([[picture], [np.full_like(picture, 64)]]) / 255
assert corner(shown)[0, 0] == corner(covered)[0, 0]
of_corner, methods = cam.Explainer(corner), ["Grad-CAM", "HiResCAM"]
maps = [of_corner.explain(shown, target=0, method=each).heatmap[0] for each in methods]
figure = plots.show_overlays([picture] * 2, maps, methods)

# %% [markdown]
# **Figura 3.** Una mancha clara, y una red cuyo logit es la claridad de la esquina superior izquierda y nada
# más. Grad-CAM, a la izquierda, señala la mancha; HiResCAM, a la derecha, la esquina. Basta para saber que Grad-CAM puede
# señalar lo que la red no lee, y no para fiarse siempre de HiResCAM.

# %% [markdown]
# ## Para seguir
#
# - R. R. Selvaraju y otros (2017). *Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
#   Localization*. ICCV. [arXiv:1610.02391](https://arxiv.org/abs/1610.02391).
# - B. Zhou y otros (2016). *Learning Deep Features for Discriminative Localization*. CVPR.
#   [arXiv:1512.04150](https://arxiv.org/abs/1512.04150).
# - J. Adebayo y otros (2018). *Sanity Checks for Saliency Maps*. NeurIPS.
#   [arXiv:1810.03292](https://arxiv.org/abs/1810.03292); en el curso,
#   `randomization.cascading_randomization`.
# - R. L. Draelos y L. Carin (2020). *Use HiResCAM instead of Grad-CAM for faithful explanations of convolutional
#   neural networks*. [arXiv:2011.08891](https://arxiv.org/abs/2011.08891).
# - S. Srinivas y F. Fleuret (2021). *Rethinking the Role of Gradient-based Attribution Methods for Model
#   Interpretability*. ICLR. [arXiv:2006.09128](https://arxiv.org/abs/2006.09128).
# - M. Lerma y M. Lucas (2022). *Grad-CAM++ is Equivalent to Grad-CAM with Positive Gradients*.
#   [arXiv:2205.10838](https://arxiv.org/abs/2205.10838).
# - S. Lapuschkin y otros (2019). *Unmasking Clever Hans predictors and assessing what machines really learn*.
#   Nature Communications 10. [arXiv:1902.10178](https://arxiv.org/abs/1902.10178).
# - El curso, desde el principio: [00 · Bienvenida](00_bienvenida.ipynb).
