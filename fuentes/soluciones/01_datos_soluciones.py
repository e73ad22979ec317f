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
# # 01 · Los datos: soluciones
#
# [![Abrir en Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/TU_USUARIO/curso-gradcam/blob/main/notebooks/soluciones/01_datos_soluciones.ipynb)
# [![Abrir en Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/TU_USUARIO/curso-gradcam/main?urlpath=lab/tree/notebooks/soluciones/01_datos_soluciones.ipynb)
# [Descargar el cuaderno](https://github.com/TU_USUARIO/curso-gradcam/raw/main/notebooks/soluciones/01_datos_soluciones.ipynb)
#
# **Duración:** 70 min · CPU · Lección: [01 · Los datos: caballos y personas](../01_datos.ipynb)
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
from gradcam_helpers import data, explorer, plots
from gradcam_helpers.checks import comprobar
import numpy as np

source = data.prepare_source()
print(source)

COUNT = 60
images, labels = data.load_images(source, "train", count=COUNT)

# %% [markdown]
# `images` y `labels` son las 60 primeras imágenes de entrenamiento y sus clases: 0, caballo, y 1, persona.

# %% [markdown]
# ## 01-1 · Contar las imágenes de cada clase
#
# Completar · fácil · 5 min
#
# ¿Están equilibradas las clases? Para saberlo se cuentan. Completa la función de modo que valga para cualquier número de
# clases.
#
# **Entrega:** `count_per_class(labels, classes)`, que recibe las etiquetas, enteros de 0 a `classes` − 1, y el número de
# clases; devuelve cuántas imágenes tiene cada clase, de forma (classes,).
#
# <details><summary>Pista</summary>
#
# `np.bincount` cuenta cuántas veces sale cada entero desde 0. ¿Qué da si la última clase no sale ninguna vez? Mira su
# argumento `minlength`.
#
# </details>
#
# <details><summary>Un error frecuente</summary>
#
# Contar solo las clases que aparecen, como hace `np.unique`: una clase sin imágenes desaparece de la lista, y los números
# que la siguen cambian de clase.
#
# </details>

# %%
def count_per_class(labels, classes):
    # <solución> return ...
    return np.bincount(labels, minlength=classes)
    # </solución>


comprobar("01-1", count_per_class)

# %%
if comprobar.hecho("01-1"):
    for name, number in zip(data.CLASS_NAMES, count_per_class(labels, 2)):
        print(f"{name}: {number} de {COUNT}")

# %% [markdown] tags=["solucion"]
# `np.bincount` da un número por entero hasta el mayor que encuentra, y `minlength` obliga a llegar a todas las clases. Si
# hay tantas imágenes de una como de otra, quien responda siempre lo mismo acertará la mitad: esa es la cifra con la que
# comparar una exactitud.

# %% [markdown]
# ## 01-2 · El porcentaje de esquinas blancas
#
# Completar · media · 10 min
#
# La lección distingue el entrenamiento de la prueba por sus esquinas. Escribe esa medida en una función. Una esquina son
# 10 × 10 píxeles con sus tres canales; es blanca si su valor medio **pasa de** 250. Basta una, porque el sujeto puede
# tapar las demás.
#
# **Entrega:** `white_corner_percentage(images)`, que recibe un lote uint8 (N, alto, ancho, 3) y devuelve qué porcentaje
# de las imágenes, de 0 a 100 y sin redondear, tiene alguna esquina blanca.
#
# <details><summary>Pista</summary>
#
# Recorta las cuatro esquinas de todo el lote a la vez: `images[:, :10, :10]` es la primera. El valor medio de cada una
# tiene forma (N,); ¿qué eje queda al promediar los demás? La media de unos valores verdaderos o falsos es su proporción.
#
# </details>
#
# <details><summary>Un error frecuente</summary>
#
# Exigir el valor 255. Una imagen que se ha guardado comprimida, o se ha reducido, tiene blancos de 254 o de 252.
#
# </details>

# %%
def white_corner_percentage(images):
    # <solución> return ...
    corners = [
        images[:, rows, columns]
        for rows in (slice(None, 10), slice(-10, None))
        for columns in (slice(None, 10), slice(-10, None))
    ]
    lightest = np.mean(corners, axis=(2, 3, 4)).max(axis=0)
    return 100 * np.mean(lightest > 250)
    # </solución>


comprobar("01-2", white_corner_percentage)

# %%
if comprobar.hecho("01-2"):
    test_images, _ = data.load_images(source, "test", count=COUNT)
    print(f"Entrenamiento: {white_corner_percentage(images):.0f} %")
    print(f"Prueba: {white_corner_percentage(test_images):.0f} %")

# %% [markdown] tags=["solucion"]
# `np.mean(…, axis=(2, 3, 4))` promedia filas, columnas y canales, y deja (4, N): una media por esquina e imagen. El
# máximo en el eje de las esquinas dice si alguna pasa del límite. `np.mean` convierte a flotante antes de sumar; una suma
# hecha en uint8 se desbordaría.

# %% [markdown]
# ## 01-3 · Una media que no es la media
#
# Encontrar el error · media · 15 min
#
# La imagen media de una clase es la media, píxel a píxel, de sus imágenes. Esta función quiere calcularla y tiene **dos
# errores**. Ninguno da un mensaje, pero el resultado los delata:

# %%
def faulty_mean_images(images, labels):
    total = np.zeros((2, *images.shape[1:]), np.uint8)
    for image, label in zip(images, labels):
        total[label] += image
    return total // len(images)


faulty = faulty_mean_images(images, labels)
print(f"Valor medio de las imágenes: {images.mean():.0f}")
print(f"Valor medio de lo que da la función: {faulty.mean():.0f}")
figure = plots.show_images(faulty, data.CLASS_NAMES, title="Esto no es una media")

# %% [markdown]
# **Figura 1.** Lo que da la función con errores, para cada clase: dos imágenes casi negras.
#
# **Entrega:** `mean_images(images, labels)`, que devuelve la imagen media de la clase 0 y la de la 1, uint8 (2, alto,
# ancho, 3).
#
# <details><summary>Pista</summary>
#
# Prueba con pocas imágenes: `np.uint8(200) + np.uint8(100)` no da 300. ¿Por qué? Y si una clase tiene 28 imágenes de las
# 60, ¿entre cuánto hay que dividir su suma?
#
# </details>
#
# <details><summary>Un error frecuente</summary>
#
# Devolver la media sin convertirla a uint8: Matplotlib toma los flotantes por valores de 0 a 1 y dibuja una imagen blanca.
#
# </details>

# %%
def mean_images(images, labels):
    # <solución> return ...
    means = [images[labels == label].mean(axis=0) for label in (0, 1)]
    return np.rint(means).astype(np.uint8)
    # </solución>


comprobar("01-3", mean_images)

# %%
if comprobar.hecho("01-3"):
    figure = plots.show_images(mean_images(images, labels), data.CLASS_NAMES)

# %% [markdown]
# **Figura 2.** La imagen media de cada clase, cuando la función está bien. ¿Qué se reconoce, el sujeto o el fondo?

# %% [markdown] tags=["solucion"]
# Un uint8 llega a 255 y vuelve a empezar: la suma de unas pocas imágenes ya lo desborda. `mean` suma en flotante. Y la
# suma de cada clase se divide entre las imágenes de esa clase.
#
# Con los datos embebidos se reconocen las dos siluetas, porque los sujetos están casi siempre en el centro. Y el fondo
# medio no es el mismo: más verde detrás de los caballos, más claro y arenoso detrás de las personas.

# %% [markdown]
# ## 01-4 · Dos imágenes del mismo individuo
#
# Predecir · fácil · 10 min
#
# **Predice antes de mover.** Si un conjunto tiene mil imágenes, ¿tiene mil individuos? Recorre las 60 y busca dos que
# muestren **al mismo** caballo o a la misma persona. Fíjate después en el fondo de las dos.
#
# Los datos originales no dicen quién es quién: con ellos solo se comprueba que las dos imágenes sean de la misma clase.
#
# **Entrega:** `pair`, dos posiciones distintas entre paréntesis, de 0 a 59: las que se leen **debajo** de la imagen.
#
# <details><summary>Pista</summary>
#
# Muestra una sola clase. De las personas, apunta el color del pelo y de la ropa; de los caballos, el del pelaje y el de
# las crines. Entre los datos embebidos hay varias parejas: bastan las primeras diez imágenes de una clase para que
# alguna se repita más adelante.
#
# </details>
#
# <details><summary>Un error frecuente</summary>
#
# Anotar la posición del control. Si solo se muestra una clase, el control cuenta las de esa clase; el número que vale es
# el que hay debajo de la imagen.
#
# </details>

# %% tags=["remove_output", "nbval-ignore-output"]
explorer.ImageBrowser(images, labels, data.CLASS_NAMES)

# %%
identities = data.load_identities(source, "train", count=COUNT)

# <solución> pair = (..., ...)
pair = (4, 30)
# </solución>
comprobar("01-4", pair, identities=identities, labels=labels)

# %% [markdown] tags=["solucion"]
# Con los datos embebidos, hay otras parejas, como 3 y 31, o 27 y 48. En ellas, el individuo aparece siempre en el mismo
# tipo de paisaje: quien lo reconozca, o reconozca el paisaje, acierta. Por eso una imagen nueva de un individuo conocido no
# es un examen. Con los originales la pareja es otra, como 14 y 15, y hay que fiarse de la vista.

# %% [markdown]
# ## 01-5 · Repartir individuos, no imágenes
#
# Diseñar · difícil · 20 min
#
# Para vigilar el entrenamiento se aparta una parte del conjunto, la *validación*, que la red no estudia. Si un individuo
# tiene imágenes en las dos partes, la red se examina de alguien a quien ya conoce. Diseña un reparto en el que eso no
# ocurra: aparta **la quinta parte de los individuos**, redondeada al entero más cercano, con todas sus imágenes.
#
# **Entrega:** `validation_mask(identities)`, que recibe el individuo de cada imagen, (N,), textos o números, en cualquier
# orden; devuelve, de cada imagen, si es de validación: bool (N,). Con los mismos individuos debe salir siempre lo mismo.
#
# <details><summary>Pista</summary>
#
# Dos pasos: elegir a quién se aparta y marcar sus imágenes. `np.unique` da la lista de individuos, sin repetir, y
# `np.isin` dice qué elementos están en una lista. Si los sorteas, `np.random.default_rng(0)` repite siempre el mismo sorteo.
# Un `set` de textos no sirve: al reiniciar el núcleo, cambia de orden.
#
# </details>
#
# <details><summary>Un error frecuente</summary>
#
# Tomar las últimas imágenes, como `train[80%:]`. Es lo más cómodo, y es lo que hace la lección 2: en ella verás qué
# consecuencias tiene.
#
# </details>

# %%
def validation_mask(identities):
    # <solución> return ...
    individuals = np.unique(identities)
    order = np.random.default_rng(0).permutation(individuals)
    aside = order[: round(len(individuals) / 5)]
    return np.isin(identities, aside)
    # </solución>


comprobar("01-5", validation_mask)

# %%
if comprobar.hecho("01-5"):
    everyone = data.load_identities(source, "train")
    by_position = np.arange(len(everyone)) >= int(0.8 * len(everyone))
    print(f"{len(everyone)} imágenes, {len(np.unique(everyone))} individuos")
    by_individual = np.array(validation_mask(everyone), bool)
    parts = {"posición": by_position, "individuos": by_individual}
    for name, mask in parts.items():
        known = np.isin(everyone[mask], everyone[~mask])
        print(f"Validación por {name}: {100 * known.mean():.0f} % de imágenes de conocidos")

# %% [markdown]
# Lee la última cuenta, cuando la función esté bien: qué parte de las imágenes de validación es de individuos que también
# están en el entrenamiento. Si hay tantos individuos como imágenes, es que los datos no dicen quién es quién, y de los
# ceros no se puede concluir nada.

# %% [markdown] tags=["solucion"]
# Con los datos embebidos, todas las imágenes de `train[80%:]` son de individuos que están también en `train[:80%]`: su
# exactitud será optimista. Al repartir individuos no queda ninguna. Aún se puede mejorar: sortear dentro de cada clase,
# para que las dos queden igual de representadas. En scikit-learn lo hace `StratifiedGroupKFold`.

# %% [markdown]
# ## 01-6 · Tres cuentas antes de entrenar
#
# Interpretar · media · 10 min
#
# Te dan un conjunto de radiografías de tórax de dos hospitales, con la etiqueta «neumonía» o «sana», y quieren que entrenes
# una red. Antes de entrenar, ¿qué **tres cuentas** harías sobre los datos, y qué resultado de cada una te haría desconfiar?
#
# **Entrega:** `counts`, un texto de cinco a diez líneas.
#
# <details><summary>Pista</summary>
#
# Repasa las cuentas de este cuaderno: clases, esquinas, medias e individuos. ¿Cuál es aquí el «fondo blanco»? ¿Y quién es
# el «individuo»?
#
# </details>
#
# <details><summary>Un error frecuente</summary>
#
# Dar cuentas sin decir qué resultado preocuparía: una cuenta que no puede salir mal no avisa de nada.
#
# </details>
#
# <details><summary>Rúbrica</summary>
#
# Un punto por cada una:
#
# 1. Cuenta algo por clase, y dice con qué exactitud habría que comparar.
# 2. Cuenta por clase algo que **no** es la enfermedad: el hospital, el aparato, las marcas, el brillo. Si una clase
#    viene casi toda de un hospital, la red puede reconocer el hospital.
# 3. Cuenta pacientes, no radiografías, y comprueba que ninguno esté en dos partes.
# 4. Cada cuenta lleva el resultado que haría desconfiar, y ninguna mira la parte de prueba para decidir.
#
# </details>

# %%
# <solución> counts = ...
counts = """
Cuántas radiografías sanas y con neumonía hay en cada parte: si hay nueve sanas por
cada enferma, responder siempre «sana» acierta el 90 %, y con eso hay que comparar.
Cuántas de cada clase vienen de cada hospital: si casi todas las neumonías son de
uno, la red puede aprender su aparato o sus marcas, y no la enfermedad.
Cuántos pacientes hay, y cuántos están en más de una parte: debe ser ninguno; si no,
la validación examina a conocidos.
"""
# </solución>
comprobar("01-6", counts)

# %% [markdown] tags=["solucion"]
# Ha ocurrido: Zech y otros (2018) vieron que una red podía reconocer de qué hospital venía una radiografía, y que las que
# detectaban neumonías solían acertar menos fuera de los hospitales con los que se habían entrenado ([PLOS Medicine
# 15](https://doi.org/10.1371/journal.pmed.1002683)).

# %% [markdown]
# ## Resumen

# %%
comprobar.resumen("01")
