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
# Todas las lecciones empiezan con esta celda. Si el cuaderno está en una copia del curso, encuentra en ella
# el módulo de ayuda `gradcam_helpers`; si está solo, como en Colab, descarga primero el curso.

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

# %% [markdown]
# De `gradcam_helpers` usaremos hoy tres módulos: `data` (el conjunto de datos), `plots` (figuras) y
# `explorer` (controles deslizantes). Los demás paquetes son de uso general:
#
# | paquete | para qué |
# |---|---|
# | TensorFlow y Keras | construir y entrenar la red |
# | TensorFlow Datasets | obtener el conjunto de datos |
# | NumPy | hacer cuentas con matrices |
# | OpenCV | cambiar el tamaño de imágenes y mapas |
# | Matplotlib | dibujar figuras |
# | ipywidgets | poner controles deslizantes en el cuaderno |

# %%
from gradcam_helpers import data, explorer, plots
import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

# %% tags=["nbval-ignore-output"]
for package in (tf, keras, tfds, np):
    print(f"{package.__name__:20s} {package.__version__}")

# %% [markdown]
# Las versiones concretas pueden ser otras: el curso funciona con TensorFlow 2.20 y 2.21.

# %% [markdown]
# ## Por qué explicar
#
# Una red neuronal convolucional (*convolutional neural network*, CNN) transforma los píxeles de una imagen
# en una predicción mediante millones de multiplicaciones. Conocemos todos sus números y, sin embargo,
# mirarlos no nos dice **por qué** respondió «caballo». En ese sentido es una **caja negra**.
#
# Ribeiro, Singh y Guestrin (2016) distinguen dos confianzas que conviene no mezclar:
#
# - **confiar en una predicción**, lo bastante para actuar según ella: tratar a un paciente, conceder un
#   crédito;
# - **confiar en un modelo**, lo bastante para ponerlo en servicio con datos que nunca ha visto.
#
# Medir la exactitud en un conjunto de prueba ayuda a lo segundo, pero no lo garantiza: una red puede
# acertar **por la razón equivocada**. En el ejemplo de esos autores, un clasificador separaba lobos de
# perros esquimales mirando si había nieve en el fondo. Lo habían entrenado así a propósito, para observar
# cuánta confianza le daban las personas antes y después de ver qué miraba.
#
# Una explicación sirve, por tanto, para cuatro cosas:
#
# 1. decidir si **nos fiamos** de una predicción antes de actuar;
# 2. decidir si un modelo está listo para **ponerse en servicio**;
# 3. elegir entre dos modelos que aciertan lo mismo;
# 4. **corregir** un modelo del que no nos fiamos hasta que merezca confianza.
#
# La explicación que construiremos es **visual**: un *mapa de calor* (*heatmap*) sobre la imagen que señala
# las regiones que, según una aproximación, pesan en la predicción. Primero necesitamos imágenes.

# %% [markdown]
# ## El conjunto de datos
#
# Usaremos `horses_or_humans`, de Laurence Moroney: imágenes de caballos y de personas **generadas por
# ordenador**, con muchas posturas, individuos y fondos. TensorFlow Datasets lo describe en su
# [catálogo](https://www.tensorflow.org/datasets/catalog/horses_or_humans), y el autor lo publica con
# licencia [CC BY 2.0](https://creativecommons.org/licenses/by/2.0/deed.es): se puede usar y modificar si se
# le cita.
#
# `data.prepare_source(download=True)` lo busca en este equipo; si no está, lo descarga (unos 150 MB) y
# comprueba que llegó entero. Si no se puede, porque no hay conexión o la descarga falla, lo dice y recurre a
# los datos **embebidos**: otras imágenes de caballos y personas, dibujadas por un programa del propio curso,
# que vienen con él y se leen de la misma forma. Todo lo que diremos vale para los dos conjuntos.

# %%
source = data.prepare_source(download=True)

# %%
print(source)

# %% [markdown]
# Verás esa línea al principio de cada lección: dice qué datos se usan y con qué licencia. Las demás lecciones
# no descargan nada: usan los originales si ya están en el equipo y, si no, los embebidos. (En Colab cada
# cuaderno tiene un equipo propio y vacío: serán los embebidos.) Los cuadernos se publican con los resultados
# de los embebidos. Para elegir tú los datos, escribe `data.prepare_source("embebido")` **en todas las
# lecciones**; con `"real"`, los originales, descargados si faltan, o un error.

# %% [markdown]
# ### Cargar con TensorFlow Datasets
#
# `tfds.load` da el conjunto como un `tf.data.Dataset`, una secuencia de ejemplos que se leen según se
# piden. Dos argumentos importan ahora:
#
# - `shuffle_files=True` lee en orden aleatorio los ficheros en que está partido el conjunto. No baraja
#   imagen a imagen; de eso se ocupará la lección 2;
# - `with_info=True` devuelve además la **ficha** del conjunto.

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
# La ficha dice cuántas clases hay y cómo se llaman:

# %%
label = info.features["label"]
print("Clases:", label.num_classes)
print("Nombres:", label.names)

# %% [markdown]
# La etiqueta 0 es `horses` (caballos) y la 1, `humans` (personas). El número de cada clase es su posición
# en esa lista. En las figuras escribiremos los nombres en español:

# %%
print(dict(enumerate(data.CLASS_NAMES)))

# %% [markdown]
# También dice cuántas imágenes hay en cada parte:

# %%
for name, split in info.splits.items():
    print(f"{name:6s} {split.num_examples} imágenes")

# %% [markdown]
# Hay muchas más para entrenar (`train`) que para la prueba final (`test`), y en total son pocas para una
# red grande. (La parte `fondos`, de los datos embebidos, contiene fondos sin nadie: la usaremos más
# adelante.)
#
# ¿Y cómo es un ejemplo? Pidamos uno:

# %%
example = next(iter(train))
image = example["image"]
print("¿Trae imagen y etiqueta?", {"image", "label"} <= example.keys())
print("Forma de la imagen:", image.shape)
print("Tipo de sus valores:", image.dtype.name)

# %% [markdown]
# Cada imagen tiene forma **(300, 300, 3)**: 300 filas, 300 columnas y tres canales, rojo, verde y azul. Sus
# valores son enteros sin signo de 8 bits (`uint8`), de 0 a 255.

# %% [markdown]
# **Predice.** ¿Cuánta memoria ocupa una imagen? ¿Y mil? Haz la cuenta antes de ejecutar la celda.

# %%
bytes_per_image = np.prod(image.shape) * image.dtype.size
print(f"Una imagen: {bytes_per_image / 1e3:.0f} kB")
print(f"Mil imágenes: {1000 * bytes_per_image / 1e6:.0f} MB")

# %% [markdown]
# Un byte por valor: 300 × 300 × 3 = 270 000 bytes. Recuérdalo: en la lección 2 decidirá qué guardamos en
# memoria.

# %% [markdown]
# ### Ejemplos
#
# `tfds.show_examples` dibuja los primeros ejemplos con su etiqueta. Los barajamos un poco, para ver más
# variedad, y decimos qué característica es la imagen, porque un conjunto puede tener varias:

# %% tags=["nbval-ignore-output"]
keys = {"image_key": "image", "label_key": "label"}
shuffled = train.shuffle(100, seed=1)
figure = tfds.show_examples(shuffled, info, rows=2, cols=4, plot_scale=2.2, **keys)

# %% [markdown]
# **Figura 1.** Ocho ejemplos de entrenamiento, con el nombre y el número de su clase. Son imágenes
# sintéticas de caballos y personas en posturas, encuadres y fondos variados.

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
# Son 60 imágenes de cada parte, todas de la misma forma.
#
# **Predice antes de mover.** Elige una clase y recorre sus imágenes de **entrenamiento**. ¿Qué fondo
# esperas detrás de los caballos? ¿Y detrás de las personas?

# %% tags=["remove_output", "nbval-ignore-output"]
explorer.ImageBrowser(train_images, train_labels, data.CLASS_NAMES)

# %% [markdown]
# Ahora, el mismo control con las imágenes de **prueba**. ¿Qué cambia?

# %% tags=["remove_output", "nbval-ignore-output"]
explorer.ImageBrowser(test_images, test_labels, data.CLASS_NAMES)

# %% [markdown]
# La rejilla siguiente pone juntas cuatro imágenes de cada parte.

# %% tags=["nbval-ignore-output"]
def pick(labels, per_class=2):
    """Posiciones de unas cuantas imágenes de cada clase."""
    classes = [np.flatnonzero(labels == index)[::5][:per_class] for index in (0, 1)]
    return np.concatenate(classes)


chosen_train, chosen_test = pick(train_labels), pick(test_labels)
images = np.concatenate([train_images[chosen_train], test_images[chosen_test]])
chosen_labels = [*train_labels[chosen_train], *test_labels[chosen_test]]
parts = ["entrenamiento"] * len(chosen_train) + ["prueba"] * len(chosen_test)
titles = [f"{part}: {data.CLASS_NAMES[i]}" for part, i in zip(parts, chosen_labels)]
figure = plots.show_images(images, titles, title="¿Qué cambia de una fila a otra?")

# %% [markdown]
# **Figura 2.** Arriba, cuatro imágenes de entrenamiento; abajo, cuatro de prueba. Arriba hay paisajes u
# otros fondos; abajo, los caballos y las personas están sobre fondo blanco.
#
# ¿Es casualidad, o pasa en todas? No hace falta mirarlas una a una: midamos el valor medio de los píxeles
# de las cuatro esquinas, que casi siempre son fondo. La variable `rows` reúne las 10 primeras posiciones y
# las 10 últimas; la usamos primero para las filas y luego para las columnas.

# %%
def corner_brightness(images, size=10):
    """Valor medio de los píxeles de las cuatro esquinas de cada imagen."""
    rows = np.r_[0:size, -size:0]
    return images[:, rows][:, :, rows].mean(axis=(1, 2, 3))


for name, part in (("entrenamiento", train_images), ("prueba", test_images)):
    white = np.mean(corner_brightness(part) > 200)
    print(f"{name}: ¿esquinas casi blancas en más del 80 %? {white > 0.8}")

# %% [markdown]
# En más del 80 % de las 60 imágenes de prueba las esquinas son casi blancas; en las de entrenamiento, no.
# El caballo o la persona llega a veces hasta una esquina, y por eso no pedimos el 100 %.
#
# Es decir: **la red aprenderá con fondos variados y se examinará sobre fondo blanco.** De ahí la primera
# sospecha del curso: si en el entrenamiento el fondo ayuda a adivinar la clase, la red puede apoyarse en
# él, y sobre blanco acertará menos. Apúntala: la primera mitad la exploras en el ejercicio 2 y la
# segunda la medirá la lección 2.

# %% [markdown]
# ## Límites
#
# - Son imágenes sintéticas: lo que aprendamos aquí no dice cuánto acertaría la red con fotografías.
# - Hemos mirado 60 imágenes de cada parte, no todas.
# - Que los fondos difieran no demuestra que la red los use. Es una sospecha, y se comprueba con medidas.

# %% [markdown]
# ## Ejercicios
#
# 1. Cuenta cuántas de las 60 imágenes de entrenamiento son de cada clase. ¿Están equilibradas? *Pista:*
#    `np.bincount`.
# 2. Recorre los caballos de entrenamiento y apunta el fondo de diez; haz lo mismo con las personas.
#    ¿Podrías adivinar la clase mirando solo el fondo?
# 3. Calcula la imagen media de cada clase en el entrenamiento, `train_images[train_labels ==
#    0].mean(axis=0)`, y muéstrala con `plots.show_images`, después de convertirla a `uint8`. ¿Qué se
#    reconoce en ella?

# %% [markdown]
# ## Lo que hemos visto
#
# 1. Explicar sirve para decidir si nos fiamos de una predicción o de un modelo, para elegir entre dos y
#    para corregirlos.
# 2. `tfds.load` da las imágenes y, con `with_info=True`, la ficha del conjunto.
# 3. Hay dos clases y las imágenes son de 300 × 300 píxeles con tres canales, en `uint8`.
# 4. El entrenamiento tiene fondos variados y la prueba, fondo blanco: una diferencia que habrá que
#    investigar.

# %% [markdown]
# ## Para seguir
#
# - M. T. Ribeiro, S. Singh y C. Guestrin (2016). *«Why Should I Trust You?»: Explaining the Predictions of
#   Any Classifier*. KDD. [arXiv:1602.04938](https://arxiv.org/abs/1602.04938).
# - L. Moroney (2019). *Horses or Humans Dataset*. [Ficha en el catálogo de TensorFlow
#   Datasets](https://www.tensorflow.org/datasets/catalog/horses_or_humans).
# - Lección siguiente: [02 · Una red neuronal convolucional](02_red_convolucional.ipynb).
