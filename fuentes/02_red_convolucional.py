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

# %% [markdown]
# ## Preguntas
#
# - ¿Qué hace cada parte de una red convolucional con la imagen?
# - ¿Dónde están sus millones de parámetros?
# - ¿Acierta lo mismo con imágenes parecidas a las del entrenamiento que con las de prueba?

# %% [markdown]
# ## Objetivos
#
# Al terminar podrás:
#
# 1. preparar lotes de imágenes sin malgastar memoria ni equivocarte al contar épocas;
# 2. calcular la forma de la salida y los parámetros de cada capa;
# 3. entrenar la red, leer sus curvas de aprendizaje y medirla en datos que no ha visto;
# 4. guardar la red y volver a cargarla con las mismas respuestas.

# %% [markdown]
# ## Preparación
#
# Es la celda de la lección 1: ejecútala sin más.

# %% tags=["preparacion"]
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
from gradcam_helpers import data, models, plots
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
# Con `as_supervised=True`, TensorFlow Datasets entrega pares `(imagen, etiqueta)`, lo que necesita el
# aprendizaje supervisado. Pedimos tres conjuntos:
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
# El último argumento impide que TensorFlow Datasets guarde los conjuntos en memoria por su cuenta:
# preferimos decidirlo nosotros.
#
# ### Lote, paso y época
#
# La red no aprende imagen a imagen, sino en **lotes** (*batches*): grupos pequeños. Cada lote es un
# **paso**, y una **época**, una vuelta por todas las imágenes. Los pasos de una época son, pues, el número
# de imágenes dividido entre el tamaño del lote y redondeado hacia arriba.
#
# A veces se añade `repeat()`, que da vueltas sin fin, y entonces hay que decir a mano cuántos pasos dura la
# época. Ahí acecha un error: poner **el número de imágenes** en lugar del número de lotes. El curso
# original daba 1027 pasos de 64 imágenes por «época», con 1027 imágenes. ¿Cuántas veces veía cada una?

# %%
images, batch, steps = 1027, 64, 1027
print(f"Pasos de una época de verdad: {int(np.ceil(images / batch))}")
print(f"Vueltas en cada «época» de {steps} pasos: {steps * batch / images:.0f}")

# %% [markdown]
# Cada «época» equivalía en realidad a 64 vueltas, y el original entrenaba tres: 192 vueltas. Sin
# `repeat()`, Keras cuenta los lotes por sí mismo y el error no puede ocurrir. Es lo que haremos.

# %% [markdown]
# ### Qué guardar en memoria
#
# Leer y decodificar cada imagen en cada época es trabajo repetido; `cache()` lo hace una vez y guarda el
# resultado. También hay que **normalizar**, es decir, llevar los píxeles de 0…255 a 0…1.
#
# **Predice.** ¿Qué conviene hacer antes, `cache()` o normalizar?

# %%
values = len(training_set) * 300 * 300 * 3
print(f"En uint8, antes de normalizar:    {values * 1 / 1e6:5.0f} MB")
print(f"En float32, después de normalizar: {values * 4 / 1e6:4.0f} MB")

# %% [markdown]
# Un `float32` ocupa cuatro bytes y un `uint8`, uno. Guardar antes de normalizar ocupa la **cuarta parte**
# de la memoria, y dividir entre 255 es casi gratis. Por eso el orden es:
#
# 1. `cache()`: guarda las imágenes en `uint8`;
# 2. `shuffle()`: las baraja de nuevo en cada época;
# 3. `batch()`: las agrupa en lotes;
# 4. `map()`: normaliza cada lote;
# 5. `prefetch()`: prepara el lote siguiente mientras la red trabaja con el actual.

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
# La semilla de `set_random_seed` hace que el barajado y los pesos iniciales se repitan de una ejecución a
# otra. Solo se guarda y se baraja el entrenamiento: la validación se lee una vez por época y su orden no
# importa.
#
# El módulo de ayuda ofrece estos mismos pasos en `data.load_batches`. Comprobemos con `assert`, que calla
# si se cumple, que el primer lote es igual:

# %%
validation_batch, _ = next(iter(validation))
helper_batch, _ = next(iter(data.load_batches(source, "train[80%:]", BATCH_SIZE)))
assert np.array_equal(validation_batch, helper_batch)
print("Lote:", validation_batch.shape, validation_batch.dtype.name)
print("¿Entre 0 y 1?", 0 <= np.min(validation_batch) <= np.max(validation_batch) <= 1)

# %% [markdown]
# El lote tiene forma (imágenes, filas, columnas, canales), y los dos caminos coinciden.

# %% [markdown]
# ## La red, pieza a pieza
#
# ### La intuición
#
# La red tiene dos mitades. La primera **extrae características**: tres bloques, cada uno con dos capas
# convolucionales y un agrupamiento (*pooling*). La segunda **clasifica**: aplana el resultado y lo pasa por
# dos capas densas.
#
# - Una **capa convolucional** desliza *filtros* pequeños, de 3 × 3 píxeles, por la imagen. Cada filtro
#   responde donde encuentra su patrón, y produce un *mapa de características* (*feature map*). Con el
#   relleno `same`, el mapa mide lo mismo que la entrada.
# - La **ReLU** pone a cero las respuestas negativas.
# - El **agrupamiento** se queda con el mayor valor de cada cuadro de 2 × 2: el mapa pierde la mitad del
#   alto y la mitad del ancho, así que conserva **la cuarta parte** de los valores.
# - La última **capa densa** da un número por clase, su *logit*. La **softmax** convierte los logits $y$ en
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
# El primer valor, `None`, es el número de imágenes del lote, que puede ser cualquiera. Las convoluciones
# mantienen 300 × 300 y pasan de 3 canales a 32, uno por filtro; el agrupamiento deja 150 × 150.
#
# **Predice.** Tras el segundo bloque quedarán 75 × 75. ¿Y tras el tercero, si 75 es impar?

# %%
size = 300
for number in (1, 2, 3):
    size = size // 2
    print(f"Tras el bloque {number}: {size} × {size}")

# %% [markdown]
# La última fila y la última columna quedan sin pareja y se descartan: de 75 se pasa a 37. A cambio de
# perder resolución, cada valor resume una zona mayor de la imagen: su *campo receptivo* (*receptive field*)
# crece.

# %% [markdown]
# ### Los parámetros
#
# Un filtro de 3 × 3 sobre $c$ canales tiene $9c$ pesos y un sesgo (*bias*). Una capa densa tiene un peso
# por cada par entrada–salida y un sesgo por salida. Con eso basta para contarlos todos:

# %%
def convolution_parameters(channels, filters):
    return 3 * 3 * channels * filters + filters


def dense_parameters(inputs, outputs):
    return inputs * outputs + outputs


channels = (3, 32, 32, 64, 64, 128, 128)
parameters = [convolution_parameters(a, b) for a, b in zip(channels, channels[1:])]
parameters += [dense_parameters(37 * 37 * 128, 128), dense_parameters(128, 2)]
print("Por capas:", parameters)
print("En total: ", sum(parameters))

# %% [markdown]
# Son 22 717 090. ¿Coincide la red que construye el módulo de ayuda? Su código cabe en una pantalla: ábrelo
# en `gradcam_helpers/models.py`.

# %%
model = models.build_model()
assert [layer.count_params() for layer in model.layers if layer.count_params()] == parameters
model.summary(line_length=72)

# %% [markdown]
# Lee la tabla de arriba abajo: 300 → 150 → 75 → 37. Keras separa los millares con comas y llama MB a
# 1 048 576 bytes: sus 86.66 MB son los 91 MB, de un millón de bytes, que veremos al guardar la red. Las
# capas llevan nombres fijos, como `bloque3_conv2`, para poder pedirlas después.
#
# ¿Cómo se reparten los parámetros?

# %%
dense_share = model.get_layer("densa").count_params() / model.count_params()
print(f"La capa «densa» tiene el {100 * dense_share:.1f} % de los parámetros.")

# %% [markdown]
# Python escribe los decimales con punto: 98.7 es nuestro 98,7.
#
# Casi todos los parámetros están en una sola capa densa; las seis convoluciones juntas, que son las que
# *miran*, suman poco más del 1 %. En el clasificador conviene fijarse en otras dos capas:
#
# - `aplanar` (*flatten*) convierte los 37 × 37 × 128 valores en una lista, sin parámetros;
# - `dropout` apaga al azar la mitad de esos valores mientras se entrena. Es una *regularización*: dificulta
#   memorizar.
#
# El texto del curso original anuncia una capa de regularización **en cada bloque**; su código tiene una
# sola, y está aquí, en el clasificador. Conviene fiarse de `summary()` antes que del texto.

# %% [markdown]
# ## Entrenar
#
# La **pérdida** (*loss*) mide cuánto se equivoca la red. Usamos la entropía cruzada, $-\log p$ de la clase
# verdadera: vale 0 si la red le da probabilidad 1 y crece sin límite si le da casi 0. El **gradiente** de
# la pérdida dice cuánto cambiaría al variar un poco cada peso; el *optimizador*, Adam, mueve los pesos en
# sentido contrario: es el descenso de gradiente. Seguimos también la **exactitud** (*accuracy*), la
# proporción de aciertos.
#
# Entrenamos con lotes pequeños para que el entrenamiento quepa en 2 GB de memoria. Un lote pequeño da un
# gradiente más ruidoso, y por eso la tasa de aprendizaje, que dice cuánto se mueven los pesos en cada paso,
# es menor que la habitual de Adam y además **baja** poco a poco hasta 0, con la forma de medio coseno. Para
# trazar esa curva hay que saber de antemano cuántos pasos durará el entrenamiento:

# %%
EPOCHS = models.EPOCHS
steps = EPOCHS * len(training)
print(f"{EPOCHS} épocas de {len(training)} lotes: {steps} pasos")

# %%
schedule = keras.optimizers.schedules.CosineDecay(models.LEARNING_RATE, steps)
for step in (0, steps // 2, steps):
    print(f"Tasa en el paso {step:4d}: {float(schedule(step)):.1e}")

# %% [markdown]
# A mitad de camino la tasa vale la mitad, y al final, 0: los últimos pasos solo retocan. `compile_model`
# usa esta misma curva. Cada época dura alrededor de un minuto con los datos embebidos, y unos dos con los
# originales, en un procesador de dos núcleos.

# %% tags=["nbval-ignore-output"]
models.compile_model(model, steps)
history = models.train(model, training, validation, epochs=EPOCHS)

# %% [markdown]
# Cada línea es una época. La pérdida de entrenamiento debería bajar; la de validación puede dar saltos,
# porque se mide en pocas imágenes. Los valores exactos varían de un equipo a otro.

# %% [markdown]
# ### Curvas de aprendizaje

# %% tags=["nbval-ignore-output"]
figure = plots.show_learning_curves(history.history)

# %% [markdown]
# **Figura 1.** A la izquierda, la exactitud por época; a la derecha, la pérdida. Línea continua con
# círculos: entrenamiento; línea discontinua con cuadrados: validación.
#
# Si la curva de validación se separa hacia peor mientras la de entrenamiento mejora, hay **sobreajuste**
# (*overfitting*): la red memoriza. Una subida suelta no lo prueba; varias seguidas, sí. Y si la validación
# va por delante al principio, no tiene por qué ser un error: el *dropout* solo actúa al entrenar, y la
# cifra de entrenamiento promedia toda la época.

# %% [markdown]
# ## La prueba
#
# **Predice.** Ya sabes cómo va la red en validación. ¿Cuánto acertará en la prueba, sobre fondo blanco?

# %% tags=["nbval-ignore-output"]
test = test_set.batch(BATCH_SIZE).map(normalize).prefetch(1)
probabilities = model.predict(test, verbose=0)
predicted = probabilities.argmax(axis=1)
truth = np.concatenate([labels for _, labels in test])

# %% tags=["nbval-ignore-output"]
validation_accuracy = model.evaluate(validation, verbose=0)[1]
print(f"Exactitud en validación: {validation_accuracy:.3f}")
print(f"Exactitud en prueba:     {np.mean(predicted == truth):.3f}")

# %% [markdown]
# Compara las dos cifras. Nosotros medimos, con cualquiera de los dos conjuntos y esta receta, en torno a
# 0,99 en validación y entre 0,8 y 0,9 en la prueba.
#
# La exactitud conjunta esconde *qué* falla. Mirémosla por clase, y en una **matriz de confusión**:

# %% tags=["nbval-ignore-output"]
confusion = np.zeros((2, 2), dtype=int)
np.add.at(confusion, (truth, predicted), 1)
for name, row, index in zip(data.CLASS_NAMES, confusion, (0, 1)):
    print(f"{name}: {row[index]} aciertos de {row.sum()} ({row[index] / row.sum():.2f})")

# %% tags=["nbval-ignore-output"]
figure = plots.show_confusion_matrix(confusion, data.CLASS_NAMES)

# %% [markdown]
# **Figura 2.** Cada fila es la clase verdadera y cada columna, la predicha; el color y el número dicen
# cuántas imágenes hay. Los aciertos están en la diagonal. Si casi todos los errores caen en una fila, la
# red tiende a responder la otra clase.
#
# ¿Y duda la red cuando falla? Su *confianza* es la probabilidad que da a la clase elegida:

# %% tags=["nbval-ignore-output"]
confidence = probabilities.max(axis=1)
wrong = predicted != truth
print(f"Confianza media al acertar: {confidence[~wrong].mean():.3f}")
if wrong.any():
    print(f"Confianza media al fallar:  {confidence[wrong].mean():.3f}")
sure = np.sum(wrong & (confidence > 0.9))
print(f"Errores con confianza mayor que 0,9: {sure} de {wrong.sum()}")

# %% [markdown]
# Una red puede estar muy segura **y** equivocada, así que la confianza no basta para saber cuándo fiarse. Y
# si hay distancia entre validación y prueba, ¿a qué se debe: al fondo, a los individuos? Dejamos la
# pregunta abierta: para responderla hay que ver **qué mira** la red, y eso empieza en la lección 3.

# %% [markdown]
# ## Guardar y cargar
#
# Keras guarda la red en un fichero `.keras`: la arquitectura y los pesos. El formato antiguo, `.h5`, está
# en desuso y Keras recomienda dejarlo.
#
# Guardamos la red sin el estado del optimizador, que solo sirve para seguir entrenando. Adam lleva dos
# números más por parámetro: con ellos, el fichero ocuparía el triple.

# %% tags=["nbval-ignore-output"]
path = models.save_model(model, models.model_path(source))
print(f"{path.name}: {path.stat().st_size / 1e6:.0f} MB")

# %%
print(f"Los pesos solos: {model.count_params() * 4 / 1e6:.0f} MB")

# %% [markdown]
# El fichero ocupa lo que los pesos: 22,7 millones de números de 4 bytes. Comprimirlo apenas ahorraría
# espacio, porque los pesos parecen ruido, sin patrones que un compresor aproveche. (Un `.keras` es un
# fichero zip que guarda sus partes sin comprimir.) Compruébalo con los pesos de una capa:

# %% tags=["nbval-ignore-output"]
import zlib

weights = model.get_layer("bloque3_conv2").get_weights()[0].tobytes()
print(f"Comprimidos, ocupan el {100 * len(zlib.compress(weights)) / len(weights):.0f} %")

# %% [markdown]
# Cuanto más cerca del 100 %, menos se gana al comprimir. ¿Responde igual la red cargada que la guardada?
# Exijamos que sea así **bit a bit**:

# %%
restored = models.load_model(path)
before, after = (network.predict_on_batch(validation_batch) for network in (model, restored))
assert np.array_equal(before, after)
print("Las dos redes dan las mismas probabilidades.")

# %% [markdown]
# Coinciden hasta el último bit. Para llevarte el fichero, pulsa el enlace en JupyterLab o Binder. En Colab
# lo encontrarás en el panel «Archivos», dentro de `curso-gradcam/modelos`.

# %% tags=["remove_output", "nbval-ignore-output"]
from IPython.display import FileLink

FileLink(os.path.relpath(path))

# %% [markdown]
# La lección 3 cargará este fichero. En Colab, donde cada cuaderno tiene su propia máquina, descárgalo y
# súbelo allí a `curso-gradcam/modelos` después de la celda de preparación; si no, la lección 3 usará la red
# que se publica con el curso, entrenada con esta misma receta. Si tu equipo tiene poca memoria, como en
# Binder, **apaga antes este núcleo**: en JupyterLab, con la orden «Apagar Kernel» (*Shut Down Kernel*) del
# menú «Kernel».

# %% [markdown]
# ## Límites
#
# - Validación y entrenamiento salen de las mismas imágenes, barajadas. A cada individuo se le retrata varias
#   veces en el mismo sitio, y unas caen en una parte y otras en la otra: la validación es **optimista**.
# - Una sola red y una sola semilla: con otra, la exactitud en la prueba puede variar varios puntos.
# - La matriz de confusión dice en qué falla la red, no por qué.

# %% [markdown]
# ## Ejercicios
#
# 1. ¿Cuántos parámetros tendría la red si el primer bloque tuviera 64 filtros por capa? Calcúlalo con las
#    funciones de la lección. *Pista:* cambia también la entrada del bloque 2.
# 2. ¿Y si hubiera un cuarto bloque, de 128 filtros? ¿Por qué el total **baja**? *Pista:* mira cuánto mide
#    el mapa que se aplana.
# 3. Añade `.repeat()` a `training` y entrena una época con `steps_per_epoch=20`, llamando a `model.fit`.
#    ¿Cuántas imágenes ve? (La tasa de aprendizaje ya ha llegado a 0: la red no cambiará.)

# %% [markdown]
# ## Lo que hemos visto
#
# 1. Guardar las imágenes antes de normalizarlas ocupa la cuarta parte de la memoria; los pasos de una época
#    son sus lotes.
# 2. La imagen pasa de 300 × 300 a 37 × 37 en tres bloques; un filtro de 3 × 3 sobre $c$ canales tiene
#    $9c + 1$ parámetros, y casi todos están en una capa densa.
# 3. Si la validación empeora mientras el entrenamiento mejora, hay sobreajuste; la exactitud se mide
#    también en la prueba y por clase, y una red puede fallar con mucha confianza.
# 4. Un fichero `.keras` devuelve la misma red, bit a bit.

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
# - Lección siguiente: [03 · Mapas de calor con Grad-CAM, paso a paso](03_gradcam_paso_a_paso.ipynb).
