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
# # 04 · El explorador
#
# [![Abrir en Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/TU_USUARIO/curso-gradcam/blob/main/notebooks/04_explorador.ipynb)
# [![Abrir en Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/TU_USUARIO/curso-gradcam/main?urlpath=lab/tree/notebooks/04_explorador.ipynb)
# [Descargar el cuaderno](https://github.com/TU_USUARIO/curso-gradcam/raw/main/notebooks/04_explorador.ipynb)
#
# **Duración:** 50 min · CPU

# %% [markdown]
# ## Preguntas
#
# - ¿Cambia el mapa con la capa, la clase y el método?
# - ¿Qué significa un mapa vacío? ¿Y cuándo es falso un mapa?
# - ¿Señalan el fondo los mapas cuando la red se equivoca?
#
# ## Objetivos
#
# Al terminar podrás:
#
# 1. explorar una red cambiando la imagen, la capa, la clase y el método, y predecir el efecto;
# 2. leer el medidor de completitud: cuánto del logit recoge una capa;
# 3. comparar la relevancia que cae en una zona con la que le toca;
# 4. reconocer un mapa vacío, y cuándo engaña el de la probabilidad;
# 5. decir por qué no basta un mapa para acusar al fondo.

# %% [markdown]
# ## Preparación
#
# La celda de la lección 1, cien imágenes de prueba con su máscara (los píxeles del sujeto) y la red: la que
# guardó la lección 2 o, si no está, la que se publica con el curso.

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
from gradcam_helpers import cam, data, explorer, formulas, metrics, models, plots
import itertools
import cv2
import keras
import numpy as np

source = data.prepare_source()
print(source)

# %%
model = models.load_trained(source)
images, labels = data.load_images(source, "test", count=100)
masks = data.load_masks(source, "test", count=100)
batches = data.load_batches(source, "test[:100]", batch_size=4)  # de cuatro en cuatro
probabilities = model.predict(batches, verbose=0)
predicted = probabilities.argmax(axis=1)

# %%
explainer = cam.Explainer(model)
board = explorer.Explorer(
    explainer, images, labels, data.CLASS_NAMES, predicted, masks
)

# %% [markdown]
# ## El explorador
#
# **Predice antes de mover.** Si cambias solo **Clase**, ¿qué cambiará: el mapa, las probabilidades, las barras
# de abajo?

# %% tags=["remove_output", "nbval-ignore-output"]
board

# %% [markdown]
# ![El panel, con la imagen de un caballo y, a su lado, el mapa de Grad-CAM superpuesto; a la izquierda, los controles de imagen, capa, clase, método, puntuación y opacidad; debajo, las tres barras del medidor de completitud](https://github.com/TU_USUARIO/curso-gradcam/raw/main/figuras/explorador.png)
#
# Así se ve el panel en marcha. Más abajo vuelve a aparecer el mismo.
#
# <details><summary>Respuesta</summary>
#
# Cambian las barras, que hablan de la clase elegida, y el mapa, salvo con Eigen-CAM, que no la mira. Las
# probabilidades no: son la respuesta a la imagen.
#
# </details>
#
# <details><summary>Los controles, uno a uno</summary>
#
# | control | qué cambia |
# |---|---|
# | **Mostrar**, **solo errores de la red** | qué imágenes recorre el control siguiente |
# | **Imagen** | cuál se explica |
# | **Capa**, **Clase** | de qué capa sale el mapa, y por qué clase se pregunta |
# | **Método**, **Derivar** | la fórmula, y si deriva el logit o la probabilidad |
# | **Opacidad**, **contorno del sujeto** | solo el dibujo |
#
# </details>
#
# <details><summary>Con el teclado, y qué pasa con tu foto</summary>
#
# El tabulador cambia de control, las flechas mueven los deslizantes y la barra espaciadora pulsa y marca. En
# JupyterLab, con un botón enfocado, `x` corta la celda, y `z` lo deshace.
#
# «Tu foto» (JPEG, PNG o WebP) se centra en un cuadrado blanco. Va a la memoria del programa que ejecuta las
# celdas, que en Colab o Binder está en un equipo ajeno; el curso no la escribe en el disco. Si guardas el cuaderno
# con el estado de sus controles, se guarda también lo que muestra el panel.
#
# </details>

# %% [markdown]
# ## Métodos distintos pueden dar casi el mismo mapa
#
# El panel ofrece siete métodos; sus fórmulas están en `gradcam_helpers/formulas.py`:
#
# - **un peso por filtro**, del gradiente: Grad-CAM, Grad-CAM++ y XGrad-CAM;
# - **un peso por filtro**, sin gradiente: Eigen-CAM, que no mira la clase, y Score-CAM, que tarda más porque hace
#   una predicción por filtro;
# - **un peso por posición** de cada filtro: HiResCAM y LayerCAM.
#
# **Predice.** Con el caballo que la red reconoce con más seguridad, ¿qué mapas se parecerán más al de Grad-CAM?

# %%
# El más seguro es aquel cuya otra probabilidad es menor: esa no se redondea.
horse, person = (
    int(np.argmin(np.where(labels == i, probabilities[:, 1 - i], 1))) for i in (0, 1)
)
one = data.prepare_image(images[horse])
methods = [name for name in explorer.METHOD_CHOICES if name != explorer.SLOW_METHOD]
compared = [explainer.explain(one, method=name, target=0) for name in methods]


# %%
def title(text, empty):
    """El rótulo de un mapa; avisa si está vacío."""
    return f"{text} (vacío)" if empty else text


def correlate(one, other):
    """La correlación de dos mapas; NaN si alguno es constante, como los vacíos."""
    if not one.std() or not other.std():
        return np.nan
    return np.corrcoef(one.ravel(), other.ravel())[0, 1]


heatmaps = [explanation.heatmap[0] for explanation in compared]
titles = [title(explanation.method, explanation.empty[0]) for explanation in compared]
pictures = [images[horse]] * len(methods)
figure = plots.show_overlays(pictures, heatmaps, titles, columns=3, percentile=99.5)

for name, heatmap in zip(methods[1:], heatmaps[1:]):
    print(f"Correlación de {name} con Grad-CAM: {correlate(heatmap, heatmaps[0]):.2f}")

# %% [markdown]
# **Figura 1.** La misma imagen y la misma capa, `bloque3_conv2`, según seis métodos (todos menos Score-CAM); de
# cada uno, el mapa solo y superpuesto. Para que unos pocos píxeles no dejen a oscuras el resto, todo lo que pasa del
# percentil 99,5 se ve del mismo color; las cuentas usan el mapa entero. Es una sola imagen.
#
# <details><summary>Lo que se ve con los datos embebidos</summary>
#
# Tres mapas son casi el de Grad-CAM: los de Grad-CAM++, 1,00<!-- Correlación de Grad-CAM++ con Grad-CAM: -->;
# XGrad-CAM, 1,00<!-- Correlación de XGrad-CAM con Grad-CAM: -->, y Eigen-CAM,
# 1,00<!-- Correlación de Eigen-CAM con Grad-CAM: -->. Se apartan los que
# ponderan cada posición: HiResCAM, 0,58<!-- Correlación de HiResCAM con Grad-CAM: -->, y LayerCAM,
# 0,68<!-- Correlación de LayerCAM con Grad-CAM: -->.
#
# </details>
#
# <details><summary>De dónde sale cada método</summary>
#
# Grad-CAM: Selvaraju y otros, 2017. Grad-CAM++: Chattopadhay y otros, 2018
# ([arXiv:1710.11063](https://arxiv.org/abs/1710.11063)). HiResCAM: Draelos y Carin, 2020
# ([arXiv:2011.08891](https://arxiv.org/abs/2011.08891)). LayerCAM: Jiang y otros, 2021. XGrad-CAM: Fu y otros,
# 2020 ([arXiv:2008.02312](https://arxiv.org/abs/2008.02312)). Eigen-CAM: Muhammad y Yeasin, 2020
# ([arXiv:2008.00299](https://arxiv.org/abs/2008.00299)). Score-CAM: Wang y otros, 2020
# ([arXiv:1910.01279](https://arxiv.org/abs/1910.01279)).
#
# </details>

# %% [markdown]
# ## El medidor de completitud
#
# Las tres barras del panel responden a una pregunta: ¿cuánto del logit $y$ recoge esta capa? Son $y$, lo que
# recoge y lo que **falta**.
#
# **HiResCAM** multiplica cada activación por **su propio** gradiente: $M_{ij} = \sum_k g_{ijk} A_{ijk}$. La suma
# del mapa con signo es lo que la capa recoge. Nuestra red es lineal a trozos: por eso lo que falta hasta $y$
# viene solo de los sesgos de las capas siguientes.
#
# **Predice.** ¿Faltará más en la primera capa o en la última?

# %%
ends = ["bloque1_conv1", "bloque3_conv2"]
for each in explainer.explain(one, layer=ends, method="HiResCAM", target=0):
    logit, total = each.logits[0, 0], each.raw[0].sum()
    gap = logit - total
    assert np.isclose(gap, cam.completeness_gap(each)[0], atol=1e-3)
    print(f"{each.layer}: suma {total:.3f}, falta {gap:.3f}, logit {logit:.3f}")

# %% [markdown]
# La cuenta a mano coincide con la del módulo de ayuda. El medidor usa siempre el logit y HiResCAM: no cambia con
# **Método** ni con **Derivar**. El mapa de XGrad-CAM con signo suma lo mismo; el de Grad-CAM, con los gradientes
# promediados, no tiene por qué.
#
# <details><summary>Lo que se ve con los datos embebidos</summary>
#
# La última capa lo recoge casi todo: faltan 0,005<!-- bloque3_conv2: suma 5.439, falta -->. A la primera le faltan
# 0,550<!-- bloque1_conv1: suma 4.894, falta --> de 5,444<!-- falta 0.550, logit -->. No es una ley: los sesgos pueden
# compensarse.
#
# </details>

# %% [markdown]
# ## Dentro del sujeto, la relevancia sigue los bordes
#
# Un mapa que señale al sujeto cae en bordes, porque el sujeto los tiene. Para saber si los prefiere, miremos solo
# **dentro** de él. Llamamos bordes al 10 % de píxeles con más contraste de la imagen: ¿qué parte de la relevancia
# del sujeto cae en ellos?
#
# **Predice antes de mover.** ¿Más en `bloque1_conv2` o en `bloque3_conv2`? La celda coloca el panel; mueve
# **Capa** de un extremo a otro.

# %% tags=["remove_output", "nbval-ignore-output"]
board.choose(horse, "bloque1_conv2", "caballo", "HiResCAM", "logit")
board

# %%
def edges(image):
    """El 10 % de píxeles con más contraste, según el filtro de Sobel."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    contrast = np.hypot(cv2.Sobel(grey, -1, 1, 0), cv2.Sobel(grey, -1, 0, 1))
    return contrast > np.quantile(contrast, 0.9)


layers = ["bloque1_conv2", "bloque3_conv2"]
pair = explainer.explain(one, layer=layers, method="HiResCAM", target=0)
clipped = [each.raw[0] / np.quantile(np.abs(each.raw), 0.999) for each in pair]
pictures = [np.clip(each, -1, 1) for each in clipped]
figure = plots.show_signed_maps(pictures, layers, "Aportación, recortada")

# %% [markdown]
# **Figura 2.** HiResCAM con signo en una de las primeras capas y en la última, cada mapa con su escala, de la que
# se sale un valor de cada mil: en rojo, a favor de «caballo»; en azul, en contra. El punteado viene del
# agrupamiento, que solo deja pasar el gradiente al mayor valor de cada cuadro de 2 × 2.
#
# <details><summary>Lo que se ve con los datos embebidos</summary>
#
# En ambas, la cara, las patas y la cola apoyan «caballo»; el lomo y el vientre van en contra.
#
# </details>
#
# Hagamos la cuenta a mano con esta imagen:

# %%
large = formulas.resize_heatmaps(pair[0].heatmap, (300, 300))
inside, region = large * masks[horse], edges(images[horse])[np.newaxis]
by_hand = inside[region].sum() / inside.sum()
assert np.isclose(by_hand, metrics.energy_pointing_game(inside, region)[0])

# %% [markdown]
# `metrics.energy_pointing_game` (Wang y otros, 2020) la hace para muchas. De cuarenta daremos la media, su
# intervalo del 95 % y cuántas veces es lo que **le toca**: lo que daría un mapa uniforme. El intervalo sortea
# individuos, no fotos. Los datos reales no dicen quién es quién: ahí sortea fotos, y queda demasiado estrecho.

# %%
who = data.load_identities(source, "test", count=100)


def tell(what, shares, due, who):
    """Escribe una media, su intervalo del 95 % y cuántas veces es lo que le toca."""
    known = ~np.isnan(shares)  # un mapa vacío no cuenta, ni lo que le toca
    if not known.any():
        return print(f"{what}: todos los mapas están vacíos")
    low, high = 100 * np.array(metrics.bootstrap_interval(shares, who))
    mean, due_mean = 100 * shares[known].mean(), 100 * due[known].mean()
    times = f"{mean / due_mean:.1f} veces lo que le toca"
    print(f"{what}: {mean:.0f} % [{low:.0f}, {high:.0f}], {times}")


# %%
subjects = masks[:40]
regions = np.array([edges(image) for image in images[:40]])
generator = np.random.default_rng(0)


def in_edges(heatmaps):
    """Qué parte de la relevancia del sujeto cae en los bordes, imagen a imagen."""
    large = formulas.resize_heatmaps(heatmaps, (300, 300))
    return metrics.energy_pointing_game(large * subjects, regions)


due = in_edges(np.ones(subjects.shape, np.float32))
tell("Mapa uniforme", due, due, who[:40])
noise = in_edges(generator.random(subjects.shape, np.float32))
tell("Ruido", noise, due, who[:40])
batch = data.prepare_image(images[:40])
early, late = explainer.explain(batch, layer=layers, method="HiResCAM")
del batch  # ocupa 43 MB
for each in (early, late):
    tell(f"En {each.layer}", in_edges(each.heatmap), due, who[:40])

# %% [markdown]
# <details><summary>Lo que se ve con los datos embebidos</summary>
#
# En `bloque1_conv2`, el 68 %<!-- En bloque1_conv2: --> de la relevancia del sujeto cae en sus bordes, de
# 62<!-- En bloque1_conv2: 68 % [ --> a 73<!-- En bloque1_conv2: 68 % [62, -->; en `bloque3_conv2`, el
# 60 %<!-- En bloque3_conv2: -->, de 55<!-- En bloque3_conv2: 60 % [ --> a 65<!-- En bloque3_conv2: 60 % [55, -->. A un
# mapa uniforme le toca el 45 %<!-- Mapa uniforme: -->: las dos los prefieren.
#
# </details>
#
# Que dos intervalos se solapen no dice que las capas empaten: las imágenes son las mismas, y hay que restar una a
# una. Además, un mapa de 75 × 75, ampliado, se sale de un borde fino: reduzcamos también el de `bloque1_conv2`.

# %%
whole = early.heatmap
small = [cv2.resize(each, (75, 75), interpolation=cv2.INTER_AREA) for each in whole]
for name, heatmaps in (("entero", whole), ("reducido", np.array(small))):
    points = 100 * (in_edges(heatmaps) - in_edges(late.heatmap))
    low, high = metrics.bootstrap_interval(points, who[:40])
    mean = np.nanmean(points)
    print(f"Más en bloque1_conv2, {name}: {mean:.0f} puntos [{low:.0f}, {high:.0f}]")

# %% [markdown]
# <details><summary>Lo que se ve con los datos embebidos</summary>
#
# Entero, `bloque1_conv2` saca 8<!-- Más en bloque1_conv2, entero: --> puntos, de
# 3<!-- Más en bloque1_conv2, entero: 8 puntos [ --> a 12<!-- Más en bloque1_conv2, entero: 8 puntos [3, -->. Reducido,
# 2<!-- Más en bloque1_conv2, reducido: -->, de −1<!-- Más en bloque1_conv2, reducido: 2 puntos [ --> a
# 5<!-- Más en bloque1_conv2, reducido: 2 puntos [-1, -->: a igual tamaño, no se puede decir.
#
# </details>
#
# Que la relevancia siga el contraste no prueba que el contraste cause la respuesta.

# %% [markdown]
# ## El último bloque abarca zonas mayores
#
# Cada activación de `bloque1_conv2` depende de 5 × 5 píxeles, donde cabe un trozo de contorno; cada una de
# `bloque3_conv2`, de 32 × 32. ¿Qué cabe ahí? Tomemos el filtro que más responde a cuatro caballos y otros dos,
# lo más distintos posible, de los cuarenta que más responden. Recortemos cada imagen donde más responde cada uno.
#
# **Predice.** ¿Será cada filtro el detector de una parte: una pata, una oreja, la cola?

# %%
features = keras.Model(model.input, model.get_layer("bloque3_conv2").output)
four = [i for i in np.flatnonzero(labels == 0).tolist() if i != horse][:20:5]
responses = features(data.prepare_image(images[four])).numpy()

strongest = np.argsort(responses.max(axis=(1, 2)).mean(axis=0))[::-1][:40]
filters = [strongest[0]]
for _ in range(2):  # el que menos se parece a los ya elegidos
    likeness = [
        max(correlate(responses[..., k], responses[..., each]) for each in filters)
        for k in strongest
    ]
    filters.append(strongest[np.nanargmin(likeness)])
for one_filter, other in itertools.combinations(filters, 2):
    correlation = correlate(responses[..., one_filter], responses[..., other])
    print(f"Filtros {one_filter} y {other}, correlación: {correlation:.2f}")

# %%
def patch(image, response, radius=32):
    """Recorte de 64 × 64 donde más responde un filtro; el marco, lo que abarca."""
    row, column = np.unravel_index(response.argmax(), response.shape)
    padded = np.pad(image, ((radius, radius), (radius, radius), (0, 0)), mode="edge")
    top, left = 4 * row + 2, 4 * column + 2  # cada posición es de 4 × 4 píxeles
    crop = padded[top : top + 2 * radius, left : left + 2 * radius].copy()
    for start, end in ((0, 63), (16, 47)):
        cv2.rectangle(crop, (start, start), (end, end), (128, 128, 128))
    return crop


places = [(k, j) for k in filters for j in range(len(four))]
patches = [patch(images[four[j]], responses[j, :, :, k]) for k, j in places]
titles = [f"filtro {k}, imagen {four[j]}" for k, j in places]
figure = plots.show_images(patches, titles)

# %% [markdown]
# **Figura 3.** Cada fila es un filtro; cada columna, un caballo, recortado donde más responde el filtro. El
# cuadrado interior marca los 32 × 32 píxeles de los que depende esa respuesta.
#
# <details><summary>Lo que se ve con los datos embebidos</summary>
#
# No. Los tres responden a patas, cola y hocico, pero no a lo mismo: cambia en qué lado del cuadro queda el borde con
# el blanco. Los filtros 62<!-- Filtros 7 y 126, correlación: 0.68 Filtros --> y 126<!-- Filtros 7 y 126, correlación: 0.68
# Filtros 62 y --> apenas se
# parecen: 0,05<!-- Filtros 62 y 126, correlación: -->. En el cuadro cabe un casco; una cabeza, no.
#
# </details>
#
# «Parte» sería una lectura nuestra: un filtro responde a un patrón de claridad y color.

# %% [markdown]
# ## Un caballo y una persona en la misma imagen
#
# Grad-CAM explica **una clase**. Si en la imagen hay un caballo y una persona, ¿señalará a cada uno el mapa de su
# clase? Montemos una con los dos que la red reconoce con más seguridad, a mitad de tamaño.
#
# **Predice.** ¿Qué mitad señalará el mapa de «caballo»? ¿Y el de «persona»?

# %%
both = np.full((300, 300, 3), 255, np.uint8)
for left, index in ((0, horse), (150, person)):
    small = cv2.resize(images[index], (150, 150), interpolation=cv2.INTER_AREA)
    both[75:225, left : left + 150] = small

two_maps = [
    explainer.explain(data.prepare_image(both), target=[[0, 1]], method=name)
    for name in ("Grad-CAM", "HiResCAM")
]
titles = [
    title(f"{maps.method}, «{name}»", empty)
    for maps in two_maps
    for name, empty in zip(data.CLASS_NAMES, maps.empty[0])
]
heatmaps = np.concatenate([maps.heatmap[0] for maps in two_maps])
figure = plots.show_overlays([both] * 4, heatmaps, titles, percentile=99.5)

# %% [markdown]
# **Figura 4.** Los mapas de «caballo», a la izquierda, y de «persona», a la derecha, en `bloque3_conv2`: arriba,
# con Grad-CAM; abajo, con HiResCAM. En la imagen, el caballo está a la izquierda y la persona, a la derecha.
#
# Midamos qué parte de la relevancia cae en cada uno y en el blanco. «Imagen entera» es lo que daría un mapa
# uniforme; «sujetos», uno uniforme sobre los dos.

# %%
white = both.min(axis=-1) >= data.WHITE
left_half = np.tile(np.arange(300) < 150, (300, 1))
places = np.array([left_half & ~white, ~left_half & ~white, white])


def where(what, heatmap):
    """Escribe qué parte de un mapa cae en el caballo, en la persona y en el blanco."""
    if heatmap.any():
        repeated = np.repeat(heatmap[np.newaxis], 3, axis=0)
        shares = 100 * metrics.energy_pointing_game(repeated, places)
        what += ": caballo {:.0f} %, persona {:.0f} %, blanco {:.0f} %".format(*shares)
    print(what)


where("Imagen entera", np.ones((300, 300), np.float32))
where("Sujetos", (~white).astype(np.float32))
where("Ruido", np.random.default_rng(0).random((300, 300), np.float32))
for text, heatmap in zip(titles, formulas.resize_heatmaps(heatmaps, (300, 300))):
    where(text, heatmap)

# %% [markdown]
# <details><summary>Lo que se ve con los datos embebidos</summary>
#
# Con Grad-CAM, el de «caballo» se reparte: 34 %<!-- Grad-CAM, «caballo»: caballo --> en el caballo y
# 32 %<!-- Grad-CAM, «caballo»: caballo 34 %, persona --> en la persona, cuando les tocan
# 4 %<!-- Imagen entera: caballo --> y 4 %<!-- Imagen entera: caballo 4 %, persona -->. El de «persona» cae entero,
# 100 %<!-- Grad-CAM, «persona»: caballo 0 %, persona 0 %, blanco -->, en el blanco. HiResCAM dice otra cosa: en
# «persona», 19 %<!-- HiResCAM, «persona»: caballo 10 %, persona --> en la persona y
# 10 %<!-- HiResCAM, «persona»: caballo --> en el caballo. Ninguno los separa bien.
#
# </details>
#
# Un mapa que cae en la otra mitad no es un fallo del dibujo, ni prueba que la red use esa zona. Grad-CAM da a
# cada filtro **un solo peso** para toda la imagen: un filtro que responde al blanco lo ilumina entero.

# %% [markdown]
# ## Con la red muy segura, el mapa de la probabilidad puede engañar
#
# La lección 3 avisaba. Con dos clases, el mapa de la probabilidad es el de la **diferencia** de los logits; si
# $p$ se redondea a 1, solo queda el logit de la otra clase, cambiado de signo.
#
# Calculemos los dos mapas en `bloque3_conv1` y **elijamos** la imagen en que más se distinguen: es un caso
# extremo.

# %%
both_classes = np.stack([predicted, 1 - predicted], axis=1)
middle, last = explainer.explain(
    data.prepare_image(images),
    layer=["bloque3_conv1", "bloque3_conv2"],
    target=both_classes,
)
of_class, of_other = middle.raw[:, 0], middle.raw[:, 1]
right, no_right = formulas.normalize(of_class - of_other)
false, no_false = formulas.normalize(-of_other)

gaps = np.abs(np.diff(middle.logits, axis=1))[:, 0]
change = np.abs(right - false).mean(axis=(1, 2))
position = int(np.argmax(np.where(no_right | no_false | (gaps > 15), 0, change)))
answer, truth = (data.CLASS_NAMES[i[position]] for i in (predicted, labels))
print(f"Imagen {position}: la red dice «{answer}», y es «{truth}».")

# %% [markdown]
# La hacemos más segura con una copia de la red cuyos logits son los de la original **multiplicados por un
# número**: la respuesta es la misma. Elegimos dos números, para que los logits se separen 30 y 120.
#
# **Predice.** ¿Cambiará el mapa del logit? ¿Y el de la probabilidad?

# %%
def more_confident(model, factor):
    """Una red con las mismas capas, salvo la última, cuyos logits multiplica."""
    output = model.layers[-1]
    scaled = keras.layers.Dense(2, activation="softmax", name="salida_segura")
    network = keras.Model(model.input, scaled(output.input))
    scaled.set_weights([factor * weights for weights in output.get_weights()])
    return network


# %%
surer = [more_confident(model, goal / gaps[position]) for goal in (30, 120)]
explainers = [explainer, *map(cam.Explainer, surer)]
chosen_image = data.prepare_image(images[position])
of_logit, of_probability = (
    [each.explain(chosen_image, "bloque3_conv1", score=score) for each in explainers]
    for score in ("logit", "probability")
)

# %%
heatmaps = [each.heatmap[0] for each in (of_logit[0], *of_probability)]
names = ["logit", "probabilidad", "probabilidad, dif. 30", "probabilidad, dif. 120"]
empties = [of_logit[0].empty[0], *(each.empty[0] for each in of_probability)]
titles = [title(*each) for each in zip(names, empties)]
figure = plots.show_overlays([images[position]] * 4, heatmaps, titles)

# %% [markdown]
# **Figura 5.** Arriba, los mapas del logit y de la probabilidad en la red original; abajo, los de la
# probabilidad en las dos copias, cada vez más seguras. El tercero es **falso**; del cuarto no queda nada.

# %%
for each in of_logit:
    assert np.allclose(each.heatmap[0], heatmaps[0], atol=1e-3)
assert np.allclose(heatmaps[2], false[position], atol=1e-2) and empties[3]
print("Logit: siempre el mismo. Probabilidad: la otra clase, y luego nada.")

correlation = correlate(heatmaps[1], heatmaps[2])
print(f"Correlación del mapa falso con el verdadero: {correlation:.2f}")
if not (no_right | no_false).all():
    median = np.nanmedian([*map(correlate, right, false)])
    print(f"Mediana de todas las imágenes: {median:.2f}")

# %% [markdown]
# <details><summary>Lo que se ve con los datos embebidos</summary>
#
# El mapa verdadero señala el blanco; el falso, el contorno del caballo. No se parecen: su correlación es
# −0,22<!-- Correlación del mapa falso con el verdadero: -->. En la mayoría de las imágenes apenas se nota: la mediana
# es 1,00<!-- Mediana de todas las imágenes: -->.
#
# </details>
#
# Nada en el dibujo avisa de que es falso. Si en el panel se lee una probabilidad de 1.0000, deriva el logit y
# compara.

# %% [markdown]
# ## Un mapa vacío no es una red que no mira
#
# Grad-CAM borra lo negativo. Si no hay nada positivo, el mapa queda **vacío**.
#
# **Predice.** Contaremos los vacíos de las cien imágenes en `bloque3_conv2`. ¿Habrá más en la clase predicha o en
# la otra?

# %%
empty = last.empty
for name, count in zip(("la clase predicha", "la otra clase"), empty.sum(axis=0)):
    print(f"De {name}: {count} vacíos")

shown = int(np.argmax(empty @ [2, 1]))  # mejor, uno de la clase predicha
titles = [
    title(f"«{data.CLASS_NAMES[i]}»", is_empty)
    for i, is_empty in zip(both_classes[shown], empty[shown])
]
figure = plots.show_signed_maps(last.raw[shown], titles, "Grad-CAM con signo")

# %% [markdown]
# **Figura 6.** Grad-CAM con signo, de la clase predicha y de la otra, en una imagen con algún mapa vacío, si la
# hay. El vacío no tiene nada rojo: tras la ReLU, queda a cero.
#
# <details><summary>Lo que se ve con los datos embebidos</summary>
#
# De la otra clase hay 54<!-- De la otra clase: -->; de la predicha, 11<!-- De la clase predicha: -->. Así pasa en la
# figura: la red responde «persona», y su mapa no señala nada.
#
# </details>
#
# Un mapa vacío del logit dice que, en esa capa y según ese método, en ningún punto lo que apoya la clase supera a
# lo que va en contra. Puede pasarle a la clase **predicha**: un filtro puede apoyarla donde está activo y tener
# un gradiente medio negativo. Si se deriva la probabilidad, puede ser solo redondeo.

# %% [markdown]
# ## Los errores: estos mapas no bastan
#
# Llega la pregunta de la lección 1: ¿se apoya la red en el fondo? Si es así, los mapas de sus errores deberían
# señalarlo.
#
# **Predice antes de mover.** ¿Dónde caerá la relevancia de la clase equivocada: en el sujeto o en el fondo? El
# panel muestra el error más seguro. Cambia **Método**; después marca **solo errores de la red**.

# %% tags=["remove_output", "nbval-ignore-output"]
wrong = predicted != labels
confidence = probabilities.max(axis=1)
worst = int(np.argmax(np.where(wrong, confidence, 0)))
board.choose(worst, "bloque3_conv2", explorer.PREDICTED, "Grad-CAM", "logit")
board

# %%
lit = np.where(wrong, last.heatmap[:, 0].mean(axis=(1, 2)), -1)
examples = [worst, int(np.argmax(lit))]
methods = ("Grad-CAM", "HiResCAM")
two = data.prepare_image(images[examples])
explained = [explainer.explain(two, method=name) for name in methods]
heatmaps = [each.heatmap[i] for i in (0, 1) for each in explained]
titles = [title(each.method, each.empty[i]) for i in (0, 1) for each in explained]
pictures = images[np.repeat(examples, 2)]
figure = plots.show_overlays(pictures, heatmaps, titles, percentile=99.5)

# %% [markdown]
# **Figura 7.** Dos errores, con el mapa de la clase **equivocada** según dos métodos: arriba, el más seguro; abajo,
# aquel en que el de Grad-CAM ilumina más superficie.
#
# <details><summary>Lo que se ve con los datos embebidos</summary>
#
# Arriba, Grad-CAM se queda en un punto, junto a la grupa; abajo, ilumina casi todo el blanco. HiResCAM señala las dos
# veces partes del caballo.
#
# </details>
#
# Dos imágenes elegidas no bastan. Comparemos todos los errores con los aciertos de **la misma respuesta**, para que los
# mapas expliquen la misma clase.

# %%
def in_background(name, group):
    """Escribe qué parte de la relevancia de un grupo de imágenes cae en el fondo."""
    background, individuals = ~masks[group], who[group]
    due = background.mean(axis=(1, 2))
    print(f"{name}: {group.sum()} imágenes de {len(set(individuals))} individuos")
    print(f"{name}, el fondo ocupa: {100 * due.mean():.0f} %")
    shares = metrics.energy_pointing_game(
        np.random.default_rng(0).random(background.shape, np.float32), background
    )
    tell(f"{name}, ruido", shares, due, individuals)
    for method in methods:
        maps = explainer.explain(data.prepare_image(images[group]), method=method)
        large = formulas.resize_heatmaps(maps.heatmap, (300, 300))
        shares = metrics.energy_pointing_game(large, background)
        tell(f"{name}, {method}", shares, due, individuals)
        print(f"{name}, {method}, mapas vacíos: {maps.empty.sum()}")


# %%
same_answer = predicted == predicted[worst]
print(f"La red dice «{data.CLASS_NAMES[predicted[worst]]}».")
groups = {"Aciertos": same_answer & ~wrong, "Errores": same_answer & wrong}
for name, group in groups.items():
    if group.any():
        in_background(name, group)

# %% [markdown]
# Más de 1 vez es inclinarse hacia el fondo; menos, hacia el sujeto. Un mapa uniforme sobre el sujeto daría 0 %. Los
# vacíos no entran en la media.
#
# <details><summary>Lo que se ve con los datos embebidos</summary>
#
# El fondo ocupa el 73 %<!-- Errores, el fondo ocupa: --> de los errores. Grad-CAM deja vacíos
# 7<!-- Errores, Grad-CAM, mapas vacíos: --> de 13<!-- Errores: --> mapas; en los demás, el fondo atrae el
# 92 %<!-- Errores, Grad-CAM: --> de la relevancia, de 80<!-- Errores, Grad-CAM: 92 % [ --> a
# 100<!-- Errores, Grad-CAM: 92 % [80, -->: más de lo que le toca. Según HiResCAM, el 46 %<!-- Errores, HiResCAM: -->,
# de 40<!-- Errores, HiResCAM: 46 % [ --> a 51<!-- Errores, HiResCAM: 46 % [40, -->: menos. **Se contradicen.** En los
# aciertos, los dos se inclinan hacia el sujeto: 64 %<!-- Aciertos, Grad-CAM: --> y 39 %<!-- Aciertos, HiResCAM: -->,
# donde el fondo ocupa el 79 %<!-- Aciertos, el fondo ocupa: -->.
#
# </details>
#
# Si dos métodos razonables responden lo contrario, o uno deja todo vacío, **estos mapas no bastan**. Y si coinciden,
# tampoco es un experimento: errores y aciertos son de clases verdaderas distintas, con otra silueta. Para saber si el fondo
# decide hay que cambiarlo y mirar la respuesta. Es lo que hará la lección 5.

# %% [markdown]
# ## Límites
#
# - **Un panel invita a buscar el mapa que nos da la razón.** Con siete métodos, seis capas y dos clases hay
#   muchos mapas por imagen: decide antes qué vas a mirar y anota también lo que no encaja.
# - **Cien imágenes son pocas, y la red es una sola.** Los intervalos hablan de otros individuos, no de otras redes.
# - **Grad-CAM puede señalar donde la red no mira** (Draelos y Carin, 2020).
# - **La completitud no es fidelidad.** Que un mapa sume el logit no prueba que cada valor esté en su sitio.
# - **Con tu foto la red está fuera de lugar.** Siempre responderá «caballo» o «persona».

# %% [markdown]
# ## Ejercicios
#
# Están en el [cuaderno de ejercicios](ejercicios/04_explorador_ejercicios.ipynb), que dice qué falla y por qué puede
# ser. Después de intentarlo, mira las [soluciones](soluciones/04_explorador_soluciones.ipynb).
#
# 1. **Tres copias de la red:** predecir qué mapas cambian cuando cambian los logits.
# 2. **HiResCAM y lo que falta:** calcular a mano el mapa y el medidor de completitud.
# 3. **Cuántas veces su superficie:** encontrar tres errores que no se ven con imágenes cuadradas.
# 4. **Dos métodos que se contradicen:** buscar con el panel una imagen en que discrepan sobre el fondo.
# 5. **Un mapa que tiene que salir vacío:** diseñar una red que responde una clase cuyo mapa no señala nada.
# 6. **Un informe que dice demasiado:** separar lo que un mapa mide de lo que no.

# %% [markdown]
# ## Lo que hemos visto
#
# 1. La capa, la clase y el método cambian el mapa; métodos distintos pueden dar casi el mismo.
# 2. El medidor dice cuánto del logit recoge una capa y cuánto falta, por los sesgos de las siguientes.
# 3. La relevancia que cae en una zona no dice nada sin lo que le toca y un intervalo.
# 4. Un mapa vacío no es una red que no mira; el de una probabilidad que se redondea a 1 puede ser falso.
# 5. Sobre el fondo, los mapas no bastan: hace falta un experimento.

# %% [markdown]
# ## Para seguir
#
# - R. L. Draelos y L. Carin (2020). *Use HiResCAM instead of Grad-CAM for faithful explanations of convolutional
#   neural networks*. [arXiv:2011.08891](https://arxiv.org/abs/2011.08891).
# - S. Lapuschkin y otros (2019). *Unmasking Clever Hans predictors and assessing what machines really learn*.
#   Nature Communications 10. [arXiv:1902.10178](https://arxiv.org/abs/1902.10178).
# - B. Efron y R. Tibshirani (1993). *An Introduction to the Bootstrap*. Chapman & Hall: los intervalos.
# - Lección anterior: [03 · Mapas de calor con Grad-CAM, paso a paso](03_gradcam_paso_a_paso.ipynb). Lección
#   siguiente: [05 · El experimento](05_experimento.ipynb).
