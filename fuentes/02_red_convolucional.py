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
# # 02 · Una red neuronal convolucional
#
# [![Abrir en Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/TU_USUARIO/curso-gradcam/blob/main/notebooks/02_red_convolucional.ipynb)
# [![Abrir en Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/TU_USUARIO/curso-gradcam/main?urlpath=lab/tree/notebooks/02_red_convolucional.ipynb)
# [Descargar el cuaderno](https://github.com/TU_USUARIO/curso-gradcam/raw/main/notebooks/02_red_convolucional.ipynb)
#
# **Duración:** 50 min, de los que unos 5 son de entrenamiento · CPU
#
# ![La imagen, de 300 × 300 × 3, pasa por tres bloques, que dan 150 × 150 × 32, 75 × 75 × 64 y 37 × 37 × 128; aplanar los convierte en una lista de 175 232 números, densa da 128 y salida, 2](https://github.com/TU_USUARIO/curso-gradcam/raw/main/figuras/red.png)
#
# Esta es la red que construiremos y entrenaremos: 22 millones de parámetros para distinguir caballos de
# personas. Mediremos la sospecha de la lección 1, que sobre blanco acierta menos, y cuántos parámetros bastan
# para responder.

# %% [markdown]
# ## Preguntas
#
# - ¿Qué hace cada parte de la red con la imagen?
# - ¿Acierta lo mismo en la prueba que con imágenes parecidas a las del entrenamiento?
# - ¿Dónde están sus parámetros, y hacen falta todos?

# %% [markdown]
# ## Objetivos
#
# Al terminar podrás:
#
# 1. preparar lotes de imágenes sin malgastar memoria ni equivocarte al contar épocas;
# 2. calcular la forma, los parámetros y el campo receptivo de cada capa;
# 3. entrenar la red, medirla en datos que no ha visto y guardarla;
# 4. reducir una capa y comprobar qué respuestas cambian.

# %% [markdown]
# ## Preparación
#
# Es la celda de la lección 1: ejecútala sin más.

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
import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

source = data.prepare_source()
print(source)

# %% [markdown]
# ## Los datos, listos para entrenar
#
# ### Tres partes, cada una para una cosa
#
# Con `as_supervised=True`, TensorFlow Datasets entrega pares `(imagen, etiqueta)`. Pedimos tres conjuntos:
#
# - **entrenamiento**: el 80 % de `train`, con el que la red ajusta sus pesos;
# - **validación**: el otro 20 % de `train`, con el que vigilamos cómo va y tomamos decisiones;
# - **prueba**: `test`, que no tocaremos hasta el final.
#
# Usar la prueba como validación es un error frecuente: quien decide mirando la prueba acaba ajustándose a
# ella y pierde la única medida imparcial que tenía.

# %%
training_set, validation_set, test_set = tfds.load(
    source.name,
    data_dir=source.data_dir,
    split=["train[:80%]", "train[80%:]", "test"],
    as_supervised=True,
    download=False,
    read_config=tfds.ReadConfig(try_autocache=False),
)

# %% [markdown]
# El último argumento impide que TensorFlow Datasets decida por su cuenta qué guarda en memoria.
#
# ### Lote, paso y época
#
# La red no aprende imagen a imagen, sino en **lotes** (*batches*). Cada lote es un **paso**, y una **época**,
# una vuelta por todas las imágenes: tantos pasos como lotes.
#
# Un error frecuente es contar imágenes en lugar de lotes. Ocurre con `repeat()`, que da vueltas sin fin y
# obliga a decir a mano cuántos pasos dura la época:

# %%
images, batch = 1000, 64
print(f"Pasos de una época: {int(np.ceil(images / batch))}")
print(f"Si contamos imágenes, cada «época» da {images * batch / images:.0f} vueltas.")

# %% [markdown]
# Quien pidiera tres épocas entrenaría 192. Sin `repeat()`, Keras cuenta los lotes por sí mismo.
#
# ### Qué guardar en memoria
#
# Leer y decodificar las imágenes en cada época es trabajo repetido; `cache()` lo hace una vez y guarda el
# resultado. También hay que **normalizar**: llevar los píxeles de 0…255 a 0…1.
#
# **Predice.** ¿Qué conviene hacer antes, `cache()` o normalizar?

# %%
values = len(training_set) * 300 * 300 * 3
print(f"En uint8, antes de normalizar:    {values * 1 / 1e6:5.0f} MB")
print(f"En float32, después de normalizar: {values * 4 / 1e6:4.0f} MB")

# %% [markdown]
# <details><summary>Respuesta</summary>
#
# `cache()`. Un `float32` ocupa cuatro bytes y un `uint8`, uno: guardar antes de normalizar ocupa la cuarta
# parte de la memoria, y dividir entre 255 en cada época cuesta poco.
#
# </details>
#
# El orden es, pues: guardar, barajar en cada época, agrupar en lotes, normalizar y preparar el lote siguiente
# mientras la red trabaja.

# %%
BATCH_SIZE = models.BATCH_SIZE
print("Imágenes por lote:", BATCH_SIZE)


def normalize(images, labels):
    return tf.cast(images, tf.float32) / 255, labels


keras.utils.set_random_seed(models.SEED)
training = training_set.cache().shuffle(len(training_set))
training = training.batch(BATCH_SIZE).map(normalize).prefetch(1)
validation = validation_set.batch(BATCH_SIZE).map(normalize).prefetch(1)

# %% [markdown]
# La semilla hace que el barajado y los pesos iniciales se repitan. El módulo de ayuda da estos mismos pasos en
# `data.load_batches`. Comprobémoslo con `assert`, que calla si se cumple:

# %%
validation_batch, _ = next(iter(validation))
helper_batch, _ = next(iter(data.load_batches(source, "train[80%:]", BATCH_SIZE)))
assert np.array_equal(validation_batch, helper_batch)
print("Lote:", validation_batch.shape, validation_batch.dtype.name)
print("¿Entre 0 y 1?", 0 <= np.min(validation_batch) <= np.max(validation_batch) <= 1)

# %% [markdown]
# El lote tiene forma (imágenes, filas, columnas, canales), y en él los dos caminos coinciden.
#
# ## La red, pieza a pieza
#
# ### La intuición
#
# La red tiene dos mitades: tres bloques **extraen características** y dos capas densas **clasifican**. En cada
# bloque hay dos capas convolucionales y un agrupamiento (*pooling*).
#
# - Una **capa convolucional** desliza *filtros* de 3 × 3 por lo que recibe. Cada filtro responde donde
#   encuentra su patrón y da un *mapa de características* (*feature map*), que con el relleno `same` mide lo
#   mismo que la entrada.
# - La **ReLU** pone a cero las respuestas negativas.
# - El **agrupamiento** se queda con el mayor valor de cada cuadro de 2 × 2: conserva la cuarta parte.
# - Una **capa densa** suma, con pesos, todos los valores que recibe. La última da un número por clase, su
#   *logit*. La **softmax** convierte los logits $y$ en
#   probabilidades, positivas y que suman 1: $p_i = e^{y_i} / \sum_j e^{y_j}$.
#
# ### Paso a paso: un bloque

# %%
block = [
    keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
    keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
    keras.layers.MaxPooling2D(2),
]
shape = (None, 300, 300, 3)
for layer in block:
    shape = layer.compute_output_shape(shape)
    print(f"{type(layer).__name__:13s} → {shape}")

# %% [markdown]
# `None` es el número de imágenes del lote, que puede ser cualquiera. Las convoluciones dan 32 canales, uno por
# filtro; el agrupamiento deja 150 × 150.
#
# **Predice.** Tras el segundo bloque quedarán 75 × 75. ¿Y tras el tercero, si 75 es impar?

# %%
size = 300
for number in (1, 2, 3):
    size = size // 2
    print(f"Tras el bloque {number}: {size} × {size}")

# %% [markdown]
# <details><summary>Respuesta</summary>
#
# La última fila y la última columna quedan sin pareja y se descartan: de 75 se pasa a 37.
#
# </details>
#
# ### Los parámetros
#
# Un filtro de 3 × 3 sobre $c$ canales tiene $9c$ pesos y un sesgo (*bias*). Una capa densa tiene un peso
# por cada par entrada–salida y un sesgo por salida.
#
# **Predice.** ¿Qué capa tendrá más parámetros?

# %%
def convolution_parameters(channels, filters):
    return 3 * 3 * channels * filters + filters


def dense_parameters(inputs, outputs):
    return inputs * outputs + outputs


channels = (3, 32, 32, 64, 64, 128, 128)
parameters = [convolution_parameters(a, b) for a, b in zip(channels, channels[1:])]
parameters += [dense_parameters(37 * 37 * 128, 128), dense_parameters(128, 2)]
print("Por capas:", parameters)
print("En total:", sum(parameters))
print(f"En la primera densa, el {100 * parameters[-2] / sum(parameters):.1f} %")

# %% [markdown]
# <details><summary>Respuesta</summary>
#
# La primera densa, con el 98,7 % de los 22 717 090. Las seis convoluciones juntas, que son las que *miran*,
# suman poco más del 1 %.
#
# </details>
#
# ¿Coincide la red que construye el módulo de ayuda? Su código cabe en una pantalla: ábrelo en
# `gradcam_helpers/models.py`.

# %%
model = models.build_model()
assert [layer.count_params() for layer in model.layers if layer.weights] == parameters
model.summary(line_length=72)

# %% [markdown]
# Keras llama MB a 1 048 576 bytes: sus 86,66 MB son 91 millones de bytes. `aplanar` (*flatten*) pone en una lista los 37 × 37 × 128 valores;
# `dropout` apaga al azar la mitad mientras se entrena, lo que dificulta memorizar: es una *regularización*.
#
# ### Cada valor de la última convolución depende de 32 × 32 píxeles
#
# El *campo receptivo* (*receptive field*) de un valor es el cuadro de la imagen del que depende. Cada capa de
# $k × k$ lo agranda en $k - 1$ posiciones, y tras cada agrupamiento una posición mide el doble en la imagen:

# %%
field = jump = 1
for layer in model.layers[1:10]:
    size, step = (2, 2) if "pool" in layer.name else (3, 1)
    field += (size - 1) * jump
    jump *= step
    print(f"{layer.name}: {field} × {field}")

# %% [markdown]
# La última convolución es `bloque3_conv2`. Ninguno de sus valores abarca la imagen: la capa que junta lo que hay
# en sitios lejanos es `densa`.

# %% [markdown]
# ## Entrenar
#
# La **pérdida** (*loss*) mide cuánto se equivoca la red. Usamos la entropía cruzada, $-\log p$ de la clase
# verdadera: vale 0 si la red le da probabilidad 1 y crece sin límite si le da casi 0. Su **gradiente** dice
# cuánto cambiaría al variar un poco cada peso; el *optimizador* mueve los pesos en sentido contrario. Es el
# descenso de gradiente, del que usaremos una variante, Adam.
#
# Los lotes son pequeños, para que el entrenamiento quepa en 2 GB de memoria, y dan un gradiente ruidoso. Por
# eso la tasa de aprendizaje, que dice cuánto se mueven los pesos en cada paso, es menor que la habitual, 0,001, y
# **baja** hasta 0, con la forma de medio coseno. Para trazarla hay que saber cuántos pasos habrá:

# %%
EPOCHS = models.EPOCHS
steps = EPOCHS * len(training)
print(f"{EPOCHS} épocas de {len(training)} lotes: {steps} pasos")
schedule = keras.optimizers.schedules.CosineDecay(models.LEARNING_RATE, steps)
for step in (0, steps // 2, steps):
    print(f"Tasa en el paso {step:4d}: {float(schedule(step)):.1e}")

# %% [markdown]
# A mitad de camino la tasa vale la mitad, y al final, 0. `compile_model` usa esta misma curva. En un procesador
# de dos núcleos, cada época dura alrededor de un minuto con los datos embebidos, y de dos con los originales.

# %% tags=["nbval-ignore-output"]
models.compile_model(model, steps)
history = models.train(model, training, validation, epochs=EPOCHS)

# %% [markdown]
# Los valores exactos varían de un equipo a otro.

# %% tags=["nbval-ignore-output"]
figure = plots.show_learning_curves(history.history)

# %% [markdown]
# **Figura 1.** Curvas de aprendizaje: a la izquierda, la exactitud por época; a la derecha, la pérdida. Línea
# continua con círculos, entrenamiento; línea discontinua con cuadrados, validación.
#
# Si la validación empeora varias épocas seguidas mientras el entrenamiento mejora, hay **sobreajuste**
# (*overfitting*): la red memoriza. ¿Lo hay aquí? La validación puede ir por delante: el *dropout* solo actúa
# al entrenar, y la cifra de entrenamiento promedia toda la época.
#
# <details><summary>Lo que se ve con los datos embebidos</summary>
#
# No se ve: en la tercera época la exactitud es 0,973<!-- Época 3/3 · entrenamiento: exactitud --> en el
# entrenamiento y 0,990<!-- pérdida 0.125 · validación: exactitud --> en la validación, y las dos pérdidas siguen
# bajando. Pero tres puntos son pocos para descartarlo, y esta validación es optimista, como dicen los límites.
#
# </details>

# %% [markdown]
# ## La prueba
#
# **Predice.** Ya sabes cómo va la red en validación. ¿Cuánto acertará en la prueba, sobre fondo blanco?

# %%
test = test_set.batch(BATCH_SIZE).map(normalize).prefetch(1)
probabilities = model.predict(test, verbose=0)
predicted = probabilities.argmax(axis=1)
truth = np.concatenate([labels for _, labels in test])
hits = predicted == truth

# %% [markdown]
# Con otras imágenes habría salido otra cifra. Para ver cuánto puede variar, repetimos la cuenta diez mil veces
# con imágenes sorteadas entre las mismas, con repetición: es el *bootstrap* (Efron, 1979). Entre los dos
# límites queda el 95 % de los resultados.

# %% tags=["nbval-ignore-output"]
generator = np.random.default_rng(0)
repeated = generator.choice(hits, (10_000, len(hits))).mean(axis=1)
low, high = np.percentile(repeated, [2.5, 97.5])
print(f"Exactitud en validación: {history.history['val_accuracy'][-1]:.2f}")
print(f"Exactitud en prueba: {hits.mean():.2f} (límites: {low:.2f} y {high:.2f})")

# %% [markdown]
# <details><summary>Lo que se ve con los datos embebidos</summary>
#
# En validación, 0,99<!-- Exactitud en validación: -->; en la prueba, 0,82<!-- Exactitud en prueba: -->, cuando
# responder siempre lo mismo daría la mitad. El sorteo de imágenes no basta para explicar la caída: la cifra de
# validación queda fuera de los límites de la de prueba, 0,76<!-- Exactitud en prueba: 0.82 (límites: --> y
# 0,89<!-- Exactitud en prueba: 0.82 (límites: 0.76 y -->.
#
# </details>
#
# La exactitud conjunta esconde *qué* falla. La **matriz de confusión** lo separa por clases:

# %% tags=["nbval-ignore-output"]
confusion = np.zeros((2, 2), dtype=int)
np.add.at(confusion, (truth, predicted), 1)
for name, row, index in zip(data.CLASS_NAMES, confusion, (0, 1)):
    print(f"Aciertos, {name}: {row[index]} de {row.sum()}")
figure = plots.show_confusion_matrix(confusion, data.CLASS_NAMES)

# %% [markdown]
# **Figura 2.** Cada fila es la clase verdadera y cada columna, la predicha; el color y el número dicen
# cuántas imágenes hay. Los aciertos están en la diagonal. ¿Se reparten los errores, o caen en una fila?
#
# <details><summary>Lo que se ve con los datos embebidos</summary>
#
# Caen todos en una: la red acierta las 60<!-- Aciertos, persona: --> personas, y de los
# 60<!-- Aciertos, caballo: 39 de --> caballos, 39<!-- Aciertos, caballo: -->. En la prueba se inclina por
# «persona».
#
# </details>
#
# ¿Y duda la red cuando falla? Su *confianza* es la probabilidad que da a la clase elegida:

# %% tags=["nbval-ignore-output"]
confidence = probabilities.max(axis=1)
wrong = predicted != truth
print(f"Confianza media al acertar: {confidence[~wrong].mean():.2f}")
if wrong.any():
    print(f"Confianza media al fallar: {confidence[wrong].mean():.2f}")
print(f"Errores: {wrong.sum()}")
print(f"De ellos, con confianza mayor que 0,9: {np.sum(wrong & (confidence > 0.9))}")

# %% [markdown]
# <details><summary>Lo que se ve con los datos embebidos</summary>
#
# Algo: la confianza media baja de 0,95<!-- Confianza media al acertar: --> a
# 0,81<!-- Confianza media al fallar: -->. Pero de los 21<!-- Errores: --> errores,
# 7<!-- De ellos, con confianza mayor que 0,9: --> pasan de nueve décimas: una confianza alta no garantiza el
# acierto.
#
# </details>
#
# Si hay distancia entre validación y prueba, ¿se debe al fondo, o a que los individuos son otros? La matriz no
# lo dice. Los mapas de la lección 3 darán indicios de **qué mira** la red; el experimento de la 5 cambiará solo
# el fondo.

# %% [markdown]
# ## Guardar y cargar
#
# Keras guarda la arquitectura y los pesos en un archivo `.keras`; el formato anterior, `.h5`, está en desuso.
# Comprimirlo en un zip ahorraría poco: los pesos parecen ruido. Guardamos la red sin el estado del optimizador,
# que ocupa el doble que ella y solo sirve para seguir entrenando.

# %% tags=["nbval-ignore-output"]
path = models.save_model(model, models.model_path(source))
print(f"{path.name}: {path.stat().st_size / 1e6:.0f} MB")

# %% [markdown]
# Son 22,7 millones de números de 4 bytes. ¿Responde igual la red cargada? Exijamos que, en un lote, sea así
# **bit a bit**:

# %%
restored = models.load_model(path)
before = model.predict_on_batch(validation_batch)
assert np.array_equal(before, restored.predict_on_batch(validation_batch))
print("Las dos redes dan las mismas probabilidades.")

# %% [markdown]
# Las lecciones siguientes cargarán ese archivo. Para llevártelo, pulsa el enlace en JupyterLab o Binder:

# %% tags=["remove_output", "nbval-ignore-output"]
from IPython.display import FileLink

FileLink(os.path.relpath(path))

# %% [markdown]
# <details><summary>En Colab, o con poca memoria</summary>
#
# En Colab, donde cada cuaderno tiene su propia máquina, el archivo está en el panel «Archivos», dentro de
# `curso-gradcam/modelos`: descárgalo y súbelo a la misma carpeta en la lección 3, después de la celda de
# preparación. Si no, usará la red que se publica con el curso, entrenada con esta misma receta.
#
# Si tu equipo tiene poca memoria, como en Binder, apaga este *núcleo*, el proceso que ejecuta las celdas,
# antes de abrir otra lección: en JupyterLab, con la orden «Apagar Kernel» del menú «Kernel».
#
# </details>

# %% [markdown]
# ## ¿Hacen falta 22 millones?
#
# Los pesos de `densa` son una matriz $W$ de 175 232 filas y 128 columnas. Toda matriz es una suma de matrices
# sencillas, de *rango* 1: cada una, el producto de una columna por una fila. Su *valor singular* dice cuánto pesa
# en la suma. Las $r$ de mayor valor singular suman la matriz de rango $r$ más parecida (Eckart y Young, 1936).
#
# Para hallarlas basta $W^\top W$, que es de 128 × 128: sus valores propios son los cuadrados de los valores
# singulares, y sus vectores propios, las filas que buscamos.

# %% tags=["nbval-ignore-output"]
def decompose(kernel):
    """Valores singulares, de mayor a menor, y la fila de cada uno, (128, 128)."""
    squares, vectors = np.linalg.eigh(kernel.T @ kernel)
    values = np.sqrt(np.maximum(squares, 0))  # al redondear, un 0 puede salir negativo
    return values[::-1], vectors[:, ::-1]


kernel, bias = model.get_layer("densa").get_weights()
singular_values, directions = decompose(kernel)
initialize = keras.initializers.GlorotUniform(seed=1)
untrained_values, _ = decompose(initialize(kernel.shape).numpy())
for position in (1, 2, 3, 128):
    print(f"Valor singular {position}: {singular_values[position - 1]:.1f}"
          f" (sin entrenar: {untrained_values[position - 1]:.1f})")

# %% [markdown]
# <details><summary>Lo que se ve con los datos embebidos</summary>
#
# El primero, 6,4<!-- Valor singular 1: -->, sobresale. Unos pocos más superan el mayor de una matriz sin
# entrenar, 1,5<!-- Valor singular 1: 6.4 (sin entrenar: -->; el último, 1,4<!-- Valor singular 128: -->, vale lo
# que valdría en ella: casi todos se parecen a los suyos.
#
# </details>
#
# ¿Qué responde la red si a `densa` le dejamos rango $r$? Si las columnas de $V_r$ son las $r$ primeras
# direcciones, la matriz reducida es $W V_r V_r^\top$. Basta calcular $xW$ una vez por imagen $x$, ya aplanada:

# %%
flat = keras.Model(model.input, model.get_layer("aplanar").output)
sums = np.concatenate([flat.predict_on_batch(images) @ kernel for images, _ in test])
output_kernel, output_bias = model.get_layer("salida").get_weights()


def answer(rank):
    """Lo que responde la red en la prueba con `densa` reducida a ese rango."""
    kept = directions[:, :rank]
    hidden = np.maximum(sums @ kept @ kept.T + bias, 0)  # la ReLU de «densa»
    return (hidden @ output_kernel + output_bias).argmax(axis=1)


assert np.array_equal(answer(128), predicted)
print("Con rango 128, la red responde lo mismo que entera.")
answers = {rank: answer(rank) for rank in (0, 1, 2, 3, 4, 8, 16, 32, 64, 128)}

# %% [markdown]
# **Predice antes de mover.** ¿Qué rango hace falta para que se conserven nueve de cada diez respuestas? Con
# rango 0, `densa` no recibe nada de la imagen y la red responde siempre lo mismo: compara con él.

# %% tags=["remove_output", "nbval-ignore-output"]
test_images, _ = data.load_images(source, "test")
explorer.RankBoard(test_images, answers)

# %% [markdown]
# Las miniaturas son las imágenes de prueba, agrupadas por lo que responde la red entera: con marco negro, las
# que cambian de respuesta; claras, las que no. Contémoslas:

# %% tags=["nbval-ignore-output"]
agreement = {rank: np.mean(each == predicted) for rank, each in answers.items()}
for rank, share in agreement.items():
    numbers, right = rank * sum(kernel.shape), np.mean(answers[rank] == truth)
    print(f"Rango {rank}, {numbers} números: {100 * share:.0f} % iguales, "
          f"{100 * right:.0f} % de aciertos")
figure = plots.show_ranks(singular_values, untrained_values, agreement)

# %% [markdown]
# **Figura 3.** A la izquierda, los 128 valores singulares de `densa`: círculos, entrenada; cuadrados, sin
# entrenar. A la derecha, el porcentaje de imágenes de prueba con la misma respuesta que la red entera, según
# el rango; la línea discontinua es el de la red que no mira la imagen.
#
# <details><summary>Lo que se ve con los datos embebidos</summary>
#
# Basta rango uno: con 175 360<!-- Rango 1, --> números, menos del uno por ciento de los de la matriz, se
# conserva el 99 %<!-- Rango 1, 175360 números: --> de las respuestas; sin mirar la imagen, el
# 32 %<!-- Rango 0, 0 números: -->. Hay una comparación más exigente: responder siempre «persona» conservaría dos de
# cada tres. Más rango no siempre conserva más: con dos, el 98 %<!-- Rango 2, 350720 números: -->. La matriz reducida
# es la más parecida en sus números, no en sus respuestas.
#
# </details>
#
# Las mismas respuestas no hacen la misma red. ¿Son también las mismas **razones**? Contar respuestas no lo
# dice: hacen falta mapas, y empiezan en la lección 3.

# %% [markdown]
# ## Límites
#
# - Cada individuo sale en varias imágenes. Como los de la validación están también en el entrenamiento, la
#   cifra de validación es **optimista**. Y los límites de la prueba, que toman por independientes imágenes que
#   se parecen, están demasiado juntos.
# - Una sola red y una sola semilla: con otra, todo lo medido en la prueba puede variar varios puntos.
# - Que pocas direcciones basten para **responder** no prueba que basten para **aprender**: han salido de
#   entrenar la matriz entera.

# %% [markdown]
# ## Ejercicios
#
# Están en [su cuaderno](ejercicios/02_red_convolucional_ejercicios.ipynb), que dice de cada respuesta si vale y, si
# no, por qué puede ser:
#
# 1. **Contar los parámetros de cualquier red:** también con un cuarto bloque.
# 2. **Elegir la época:** con la validación, no con la prueba.
# 3. **Cuatro errores que no avisan:** reparar la preparación de los lotes.
# 4. **Reducir una matriz:** por otro camino, y con una imagen.
# 5. **El rango que basta:** leerlo en el control.
# 6. **Lo que dice una caída:** leer dos exactitudes.
#
# Después de intentarlos, compara con [las soluciones](soluciones/02_red_convolucional_soluciones.ipynb).

# %% [markdown]
# ## Lo que hemos visto
#
# 1. Guardar las imágenes antes de normalizarlas ocupa la cuarta parte; los pasos de una época son sus lotes.
# 2. Cada valor de la última convolución depende de 32 × 32 píxeles, y casi todos los parámetros están en una
#    capa densa.
# 3. La exactitud se mide también en la prueba, por clase y con sus límites; una red puede fallar con mucha
#    confianza. Un archivo `.keras` la devuelve bit a bit.
# 4. Una red puede responder casi lo mismo con una matriz mucho más sencilla.

# %% [markdown]
# ## Para seguir
#
# - F. Santiago, curso M72.1.09, Facultad de Ciencias Económicas de la Universidad de Buenos Aires: la
#   narración y la red originales.
# - D. P. Kingma y J. Ba (2015). *Adam: A Method for Stochastic Optimization*. ICLR.
#   [arXiv:1412.6980](https://arxiv.org/abs/1412.6980).
# - I. Loshchilov y F. Hutter (2017). *SGDR: Stochastic Gradient Descent with Warm Restarts*. ICLR.
#   [arXiv:1608.03983](https://arxiv.org/abs/1608.03983): la tasa de aprendizaje con forma de coseno.
# - N. Srivastava y otros (2014). *Dropout: A Simple Way to Prevent Neural Networks from Overfitting*. JMLR
#   15.
# - B. Efron (1979). *Bootstrap Methods: Another Look at the Jackknife*. The Annals of Statistics 7.
# - C. Eckart y G. Young (1936). *The Approximation of One Matrix by Another of Lower Rank*. Psychometrika 1.
# - Lección siguiente: [03 · Mapas de calor con Grad-CAM, paso a paso](03_gradcam_paso_a_paso.ipynb).
