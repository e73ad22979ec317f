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
# # 01 · Los datos: caballos y personas
#
# [![Abrir en Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/TU_USUARIO/curso-gradcam/blob/main/notebooks/01_datos.ipynb)
# [![Abrir en Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/TU_USUARIO/curso-gradcam/main?urlpath=lab/tree/notebooks/01_datos.ipynb)
# [Descargar el cuaderno](https://github.com/TU_USUARIO/curso-gradcam/raw/main/notebooks/01_datos.ipynb)
#
# **Duración:** 30 min · CPU
#
# ![Cinco caballos, en el desierto, el bosque y la pradera, y cinco personas, en dunas, la playa y el desierto](https://github.com/TU_USUARIO/curso-gradcam/raw/main/figuras/datos.png)
#
# La red de la bienvenida aprendió a distinguir caballos de personas con imágenes como estas. ¿Podrías hacerlo tú
# sin mirar a los caballos ni a las personas?

# %% [markdown]
# ## Preguntas
#
# - ¿Por qué no basta con que una red acierte?
# - ¿Qué contiene el conjunto de datos con el que trabajaremos?
# - ¿Se parecen las imágenes de entrenamiento a las de prueba?

# %% [markdown]
# ## Objetivos
#
# Al terminar podrás:
#
# 1. decir para qué sirve explicar la predicción de una red;
# 2. cargar un conjunto de datos con TensorFlow Datasets y leer su ficha;
# 3. describir las imágenes: cuántas son, de qué tamaño y de qué clases;
# 4. comparar el conjunto de entrenamiento con el de prueba y formular una sospecha.

# %% [markdown]
# ## Preparación
#
# Todas las lecciones empiezan con esta celda, que busca el paquete de ayuda `gradcam_helpers` y, si el cuaderno
# está solo, como en Colab, descarga el curso.

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

# %% [markdown]
# De él usaremos hoy tres módulos: `data` (el conjunto de datos), `plots` (figuras) y `explorer` (controles).

# %% tags=["nbval-ignore-output"]
from gradcam_helpers import data, explorer, plots
import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

for package in (tf, keras, tfds, np):
    print(f"{package.__name__:20s} {package.__version__}")

# %% [markdown]
# Tus versiones pueden ser otras: el curso funciona con TensorFlow 2.20 y 2.21.

# %% [markdown]
# ## Acertar no basta
#
# Una red neuronal convolucional (*convolutional neural network*, CNN) transforma los píxeles de una imagen
# en una predicción con millones de multiplicaciones. Conocemos todos sus números y, sin embargo, mirarlos no
# nos dice **por qué** respondió «caballo». En ese sentido es una **caja negra**.
#
# La **exactitud** (*accuracy*), la proporción de aciertos, tampoco lo dice: una red puede acertar **por la razón
# equivocada**. Ribeiro, Singh y Guestrin (2016) entrenaron a propósito un clasificador que separaba lobos de
# perros esquimales por la nieve del fondo. Querían medir cuánto se fiaba la gente de él antes y después de
# saber qué miraba.
#
# Para ellos, explicar sirve para cuatro cosas: decidir si **nos fiamos** de una predicción, decidir si un modelo
# está listo para **ponerse en servicio**, **elegir** entre varios y **corregir** el que no merece confianza.
# Nuestra explicación será un *mapa de calor* (*heatmap*); pero antes necesitamos imágenes.

# %% [markdown]
# ## El conjunto de datos
#
# Usaremos `horses_or_humans`, de Laurence Moroney: imágenes de caballos y de personas **generadas por
# ordenador**. Está en el [catálogo de TensorFlow
# Datasets](https://www.tensorflow.org/datasets/catalog/horses_or_humans), con licencia [CC BY
# 2.0](https://creativecommons.org/licenses/by/2.0/deed.es): se puede usar y modificar si se cita al autor.
#
# La celda siguiente lo busca en este equipo y, si no está, lo descarga (unos 150 MB). Si no puede, lo dice y
# recurre a los datos **embebidos**, es decir, incluidos en el curso: otras imágenes de caballos y personas,
# dibujadas por un programa propio, que se leen de la misma forma. El texto de las lecciones vale para los
# dos.

# %%
source = data.prepare_source(download=True)

# %%
print(source)

# %% [markdown]
# Verás esa línea en cada lección: dice qué datos se usan y con qué licencia. Los cuadernos se publican con
# los resultados de los embebidos.
#
# <details><summary>Elegir los datos</summary>
#
# Solo esta lección descarga. Las demás usan los datos originales si ya están en el equipo y, si no, los
# embebidos; en Colab, donde cada cuaderno tiene un equipo propio y vacío, serán los embebidos. Para elegirlos
# tú, escribe `data.prepare_source("embebido")` en **todas** las lecciones. Con `"real"` se usan los originales,
# que se descargan si faltan; si no se puede, da un error.
#
# </details>

# %% [markdown]
# ### Cargar con TensorFlow Datasets
#
# `tfds.load` da el conjunto como un `tf.data.Dataset`, una secuencia de ejemplos que se leen según se piden.
# Con `shuffle_files=True` lee en orden aleatorio los archivos en que está partido; no baraja imagen a imagen,
# que es cosa de la lección 2. Con `with_info=True` devuelve además la **ficha** del conjunto.

# %%
(train, test), info = tfds.load(
    source.name,
    data_dir=source.data_dir,
    split=["train", "test"],
    shuffle_files=True,
    with_info=True,
    download=False,
)

# %% [markdown]
# La ficha dice qué clases hay y cuántas imágenes tiene cada parte:

# %%
print("Clases:", info.features["label"].names)
for name, split in info.splits.items():
    print(f"{name:6s} {split.num_examples} imágenes")

# %% [markdown]
# El número de cada clase es su posición en la lista: 0, `horses` (caballos), y 1, `humans` (personas). En las
# figuras escribiremos los nombres en español, los de `data.CLASS_NAMES`.
#
# Hay muchas más imágenes para entrenar (`train`) que para la prueba final (`test`). Si ves una parte `fondos`,
# es de los datos embebidos: fondos vacíos, sin caballo ni persona, para el experimento de la lección 5.
#
# ¿Y cómo es un ejemplo? Pidamos uno:

# %%
example = next(iter(train))
image = example["image"]
print("¿Trae imagen y etiqueta?", {"image", "label"} <= example.keys())
print("Forma de la imagen:", image.shape)
print("Tipo de sus valores:", image.dtype.name)

# %% [markdown]
# Cada imagen tiene 300 filas, 300 columnas y tres canales: rojo, verde y azul. Sus valores son enteros sin
# signo de 8 bits (`uint8`), de 0 a 255. En todo el curso llamaremos **sujeto** al caballo o a la persona de la
# imagen, y **fondo**, a lo demás.
#
# **Predice.** ¿Cuánta memoria ocupa una imagen? ¿Y mil? Haz la cuenta antes de ejecutar la celda.

# %%
bytes_per_image = np.prod(image.shape) * image.dtype.size
print(f"Una imagen: {bytes_per_image / 1e3:.0f} kB")
print(f"Mil imágenes: {1000 * bytes_per_image / 1e6:.0f} MB")

# %% [markdown]
# <details><summary>Respuesta</summary>
#
# Un byte por valor: 300 · 300 · 3 = 270 000 bytes. En la lección 2, esa cuenta decidirá qué guardamos en memoria.
#
# </details>

# %% [markdown]
# ### Ejemplos
#
# `tfds.show_examples` dibuja los primeros ejemplos. Los barajamos, para ver más variedad, y decimos qué
# característica es la imagen y cuál la etiqueta, porque un conjunto puede tener varias:

# %% tags=["nbval-ignore-output"]
keys = {"image_key": "image", "label_key": "label"}
shuffled = train.shuffle(100, seed=1)
figure = tfds.show_examples(shuffled, info, rows=2, cols=4, plot_scale=2.2, **keys)

# %% [markdown]
# **Figura 1.** Ocho ejemplos de entrenamiento, con el nombre inglés y el número de su clase. Los sujetos varían
# en postura y encuadre, y los fondos, en paisaje y color.

# %% [markdown]
# ## Explora
#
# Leamos 60 imágenes de cada parte para recorrerlas con calma.

# %%
train_images, train_labels = data.load_images(source, "train", count=60)
test_images, test_labels = data.load_images(source, "test", count=60)
print("Entrenamiento:", train_images.shape, train_images.dtype)
print("Prueba:       ", test_images.shape, test_images.dtype)

# %% [markdown]
# **Predice antes de mover.** ¿Qué fondo esperas detrás de los caballos? ¿Y detrás de las personas? Elige
# después una clase y recorre sus imágenes de **entrenamiento**.

# %% tags=["remove_output", "nbval-ignore-output"]
explorer.ImageBrowser(train_images, train_labels, data.CLASS_NAMES)

# %% [markdown]
# <details><summary>Lo que se ve con los datos embebidos</summary>
#
# Detrás de los caballos abundan el bosque, la pradera y el desierto; detrás de las personas, la playa, las
# dunas y el estudio. Hay excepciones: alguna persona en el bosque, algún caballo en la playa. El fondo no
# basta para saber la clase, pero ayuda a adivinarla.
#
# </details>

# %% [markdown]
# **Predice antes de mover.** Las imágenes de la bienvenida eran de **prueba**. ¿Recuerdas su fondo? ¿Será el mismo
# en todas y para las dos clases?

# %% tags=["remove_output", "nbval-ignore-output"]
explorer.ImageBrowser(test_images, test_labels, data.CLASS_NAMES)

# %% [markdown]
# <details><summary>Respuesta</summary>
#
# El mismo: todos los sujetos están sobre blanco.
#
# </details>
#
# Pongamos juntas cuatro imágenes de cada parte.

# %% tags=["nbval-ignore-output"]
def pick(labels):
    """Dos imágenes de cada clase: la primera y la sexta."""
    horses, people = (np.flatnonzero(labels == index) for index in (0, 1))
    return [horses[0], horses[5], people[0], people[5]]


chosen_train, chosen_test = pick(train_labels), pick(test_labels)
images = [*train_images[chosen_train], *test_images[chosen_test]]
titles = [f"entrenamiento: {data.CLASS_NAMES[i]}" for i in train_labels[chosen_train]]
titles += [f"prueba: {data.CLASS_NAMES[i]}" for i in test_labels[chosen_test]]
figure = plots.show_images(images, titles, title="¿Qué cambia de una fila a otra?")

# %% [markdown]
# **Figura 2.** Arriba, dos caballos y dos personas del entrenamiento, con paisajes u otros fondos; abajo,
# otros tantos de la prueba, sobre fondo blanco.

# %% [markdown]
# ### La prueba tiene esquinas blancas; el entrenamiento, casi nunca
#
# ¿Pasa en todas? Midámoslo sin mirarlas una a una. Calculamos el valor medio de los píxeles de cada esquina y
# nos quedamos con la más clara, porque el sujeto puede tapar alguna. Si pasa de 250, la llamamos blanca.

# %%
def lightest_corner(images, size=10):
    """Valor medio, de 0 a 255, de la esquina más clara de cada imagen."""
    corners = [
        images[:, :size, :size],
        images[:, :size, -size:],
        images[:, -size:, :size],
        images[:, -size:, -size:],
    ]
    return np.mean(corners, axis=(2, 3, 4)).max(axis=0)


for name, part in (("entrenamiento", train_images), ("prueba", test_images)):
    white = lightest_corner(part) > 250
    print(f"Alguna esquina blanca, {name}: {100 * np.mean(white):.0f} %")

# %% [markdown]
# <details><summary>Lo que se ve con los datos embebidos</summary>
#
# En el entrenamiento, en el 0 %<!-- Alguna esquina blanca, entrenamiento: --> de las imágenes; en la prueba,
# en el 100 %<!-- Alguna esquina blanca, prueba: -->. No es una diferencia de grado: este rasgo separa por completo
# las dos partes.
#
# </details>
#
# **La red aprenderá con fondos variados y se examinará sobre blanco.** De ahí la sospecha que recorre el curso: si
# en el entrenamiento el fondo ayuda a adivinar la clase, la red puede apoyarse en él y acertar menos sobre blanco.
# La lección 2 medirá si acierta menos, y la 5, si es por el fondo.

# %% [markdown]
# ## Límites
#
# - Son imágenes sintéticas: lo que aprendamos aquí no dice cuánto acertaría la red con fotografías.
# - Hemos medido 60 imágenes de cada parte, no todas, y de cada una, las esquinas, no el fondo entero.
# - Que los fondos difieran no demuestra que la red los use. Es una sospecha, y se comprueba con medidas.

# %% [markdown]
# ## Ejercicios
#
# Están en [su cuaderno](ejercicios/01_datos_ejercicios.ipynb), que dice de cada respuesta si vale y, si
# no, por qué puede ser:
#
# 1. **Contar las imágenes de cada clase:** ver si están equilibradas, también si falta alguna clase.
# 2. **El porcentaje de esquinas blancas:** llevar la medida de la lección a una función.
# 3. **Una media que no es la media:** encontrar dos errores que no dan ningún mensaje.
# 4. **Dos imágenes del mismo individuo:** mirar si cada imagen es de alguien distinto.
# 5. **Repartir individuos, no imágenes:** apartar una parte para vigilar, sin conocidos.
# 6. **Tres cuentas antes de entrenar:** decir qué mirarías en otro conjunto de datos.
#
# Después de intentarlos, compara con [las soluciones](soluciones/01_datos_soluciones.ipynb).

# %% [markdown]
# ## Lo que hemos visto
#
# 1. Explicar sirve para decidir si nos fiamos de una predicción o de un modelo, para elegir entre dos y
#    para corregirlos.
# 2. `tfds.load` da las imágenes y, con `with_info=True`, la ficha del conjunto.
# 3. Hay dos clases y las imágenes son de 300 × 300 píxeles con tres canales, en `uint8`.
# 4. El entrenamiento tiene fondos variados y la prueba, fondo blanco: la red puede apoyarse en algo que en la
#    prueba no estará.

# %% [markdown]
# ## Para seguir
#
# - M. T. Ribeiro, S. Singh y C. Guestrin (2016). *«Why Should I Trust You?»: Explaining the Predictions of
#   Any Classifier*. KDD. [arXiv:1602.04938](https://arxiv.org/abs/1602.04938).
# - L. Moroney (2019). *Horses or Humans Dataset*. [Ficha en el catálogo de TensorFlow
#   Datasets](https://www.tensorflow.org/datasets/catalog/horses_or_humans).
# - Lección siguiente: [02 · Una red neuronal convolucional](02_red_convolucional.ipynb).
