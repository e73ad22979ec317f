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
# # 04 · El explorador: seis descubrimientos
#
# [![Abrir en Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/TU_USUARIO/curso-gradcam/blob/main/notebooks/04_explorador.ipynb)
# [![Abrir en Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/TU_USUARIO/curso-gradcam/main?urlpath=lab/tree/notebooks/04_explorador.ipynb)
# [Descargar el cuaderno](https://github.com/TU_USUARIO/curso-gradcam/raw/main/notebooks/04_explorador.ipynb)
#
# **Duración:** 50 min · CPU

# %% [markdown]
# ## Preguntas
#
# - ¿Qué ve la red en cada capa?
# - ¿Cambia el mapa si preguntamos por otra clase, con otro método o por la probabilidad?
# - ¿Qué mira la red cuando se equivoca?
# - ¿Qué significa un mapa vacío?

# %% [markdown]
# ## Objetivos
#
# Al terminar podrás:
#
# 1. explorar una red cambiando la imagen, la capa, la clase y el método, y predecir el efecto;
# 2. leer el medidor de completitud: cuánto del logit recoge una capa;
# 3. reconocer cuándo engaña una explicación que deriva la probabilidad;
# 4. interpretar un mapa vacío y un mapa que señala el fondo.

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
from gradcam_helpers import cam, data, explorer, formulas, metrics, models, plots
import cv2
import keras
import numpy as np

source = data.prepare_source()
print(source)

# %% [markdown]
# La red es la que guardó la lección 2; si no está, la que se publica con el curso.

# %%
model = models.load_trained(source)

# %% [markdown]
# Leemos cien imágenes de prueba con su máscara, es decir, los píxeles que son del caballo o de la persona, y
# pedimos a la red sus predicciones.

# %%
images, labels = data.load_images(source, "test", count=100)
masks = data.load_masks(source, "test", count=100)
probabilities = model.predict(data.prepare_image(images), batch_size=8, verbose=0)
predicted = probabilities.argmax(axis=1)
print(images.shape, masks.shape, probabilities.shape)

# %% [markdown]
# Son cien imágenes, cien máscaras del mismo tamaño y dos probabilidades por imagen.

# %%
wrong = predicted != labels
print(f"Se equivoca en {wrong.sum()} de {len(labels)}.")

# %% [markdown]
# En el cuarto descubrimiento veremos qué mira la red en esos errores.

# %% [markdown]
# ## El explorador
#
# El explorador reúne en un panel lo que en la lección 3 hacíamos celda a celda:
#
# | control | qué cambia |
# |---|---|
# | **Mostrar**, **solo errores de la red** | qué imágenes recorre el control siguiente |
# | **Imagen** | la imagen que se explica; el número es su orden entre las que pasan el filtro, y el del título, su posición entre las cien |
# | **Capa** | la capa convolucional de la que sale el mapa; debajo se lee cuántas posiciones tienen sus mapas y cuántos filtros hay |
# | **Clase** | la clase por la que se pregunta: la predicha u otra |
# | **Método** | la fórmula; todas están en `gradcam_helpers/formulas.py` |
# | **Derivar** | el logit de la clase o su probabilidad; Score-CAM usa el elegido sin derivarlo, y Eigen-CAM no usa ninguno |
# | **Opacidad**, **contorno del sujeto** | solo el dibujo, no la explicación; la opacidad, en tanto por ciento |
# | **Tu foto** | sube una foto (JPEG, PNG o WebP), que se centra en un cuadrado blanco de 300 × 300 |
#
# Se usan también con el teclado: el tabulador pasa de un control a otro, las flechas mueven los controles
# deslizantes, y la barra espaciadora pulsa los botones y marca las casillas. En JupyterLab, mientras un botón del
# panel tiene el foco, las flechas y las letras son órdenes del cuaderno, y `x` corta la celda: si te ocurre, `z` lo
# deshace.
#
# Tu foto va a la memoria del núcleo, el programa que ejecuta las celdas: el curso no la escribe en el disco. En
# Colab o Binder, eso sí, el núcleo está en un ordenador ajeno, y si guardas el cuaderno con el estado de sus
# controles, se guarda también lo que muestra el panel.

# %%
explainer = cam.Explainer(model)
board = explorer.Explorer(explainer, images, labels, data.CLASS_NAMES, predicted, masks)

# %% [markdown]
# **Predice antes de mover.** Si cambias solo la clase, ¿qué cambiará: el mapa, las probabilidades, las barras
# de abajo?

# %% tags=["remove_output", "nbval-ignore-output"]
board

# %% [markdown]
# Cambian el mapa, salvo con Eigen-CAM, y las barras, que hablan de la clase elegida. Las probabilidades no: son la
# respuesta de la red a la imagen, se pregunte por la clase que se pregunte.
#
# El panel vuelve a aparecer más abajo, y es el mismo: en todos los sitios se ve lo último que se le ha pedido.
# Ejecuta la lección celda a celda.
#
# La rejilla siguiente muestra, sin controles, una parte de lo que se ve en el panel: seis métodos con una misma
# imagen, el caballo al que la red da más probabilidad de serlo.

# %%
horse, person = (int(np.argmax((labels == i) * probabilities[:, i])) for i in (0, 1))
one = data.prepare_image(images[horse])
methods = [method for method in explorer.METHOD_CHOICES if method != explorer.SLOW_METHOD]
compared = [explainer.explain(one, method=method, target=0) for method in methods]


def title(text, empty):
    """El rótulo de un mapa; avisa si está vacío."""
    return f"{text} (vacío)" if empty else text


heatmaps = [explanation.heatmap[0] for explanation in compared]
titles = [title(explanation.method, explanation.empty[0]) for explanation in compared]
figure = plots.show_overlays([images[horse]] * len(methods), heatmaps, titles)

# %% [markdown]
# **Figura 1.** La misma imagen y la misma capa, `bloque3_conv2`, según seis métodos: arriba, Grad-CAM,
# Grad-CAM++ y HiResCAM; abajo, LayerCAM, XGrad-CAM y Eigen-CAM. Sobre el blanco, el gris es relevancia cero; el
# lila, baja; el rosa, media, y el naranja y el amarillo claros, alta. ¿Cuáles se parecen entre sí?
#
# Los seis parten de las mismas activaciones y se distinguen en los pesos. Grad-CAM, Grad-CAM++ y XGrad-CAM dan uno
# a cada filtro; HiResCAM y LayerCAM, uno a cada posición de cada filtro; Eigen-CAM da también uno a cada filtro,
# pero sin gradientes y sin mirar la clase. Falta Score-CAM, que hace una predicción por filtro y tarda más:
# pruébalo en el panel.

# %% [markdown]
# ### El medidor de completitud
#
# Debajo de las imágenes, tres barras responden a una pregunta: ¿cuánto del logit $y$ recoge esta capa?
#
# La suma de cada activación por su gradiente, $\sum A \cdot g$, es lo que la capa aporta según la aproximación
# lineal de la red en torno a esta imagen. Nuestra red es lineal a trozos (convoluciones, capas densas, ReLU y
# máximos), así que lo que **falta**, $y - \sum A \cdot g$, viene solo de los sesgos de las capas siguientes.
#
# Esa suma tiene su mapa. **HiResCAM** multiplica cada activación por **su propio** gradiente, sin promediar, y
# suma los filtros: $M_{ij} = \sum_k g_{ijk} A_{ijk}$. La suma de todo el mapa, antes de la ReLU, es
# $\sum A \cdot g$. Hagamos la cuenta:

# %%
first, last = explainer.explain(one, layer=["bloque1_conv1", "bloque3_conv2"], method="HiResCAM")
logit = last.logits[0, last.target[0]]
gaps = [logit - explanation.raw[0].sum() for explanation in (first, last)]

for gap, explanation in zip(gaps, (first, last)):
    assert np.isclose(gap, cam.completeness_gap(explanation)[0], atol=1e-3)
print("La cuenta a mano y la del módulo de ayuda coinciden.")

# %%
print(f"Logit de «{data.CLASS_NAMES[last.target[0]]}»: {logit:+.3f}")
for gap, explanation in zip(gaps, (first, last)):
    print(f"{explanation.layer}: activación × gradiente {logit - gap:+.3f}, falta {gap:+.3f}")

# %% [markdown]
# Entre la primera capa y la salida hay más sesgos que entre la última y la salida. Eso no obliga a que falte
# más: son términos con signo y pueden compensarse. ¿Qué dicen tus cifras?
#
# El medidor habla siempre del logit y usa siempre HiResCAM: cambia con la imagen, la capa y la clase, pero no
# con **Método** ni con **Derivar**. El mapa de XGrad-CAM del logit, antes de la ReLU, suma lo mismo; el de Grad-CAM,
# con los gradientes promediados, no tiene por qué parecerse al logit. Las tres cifras están redondeadas: pueden no
# cuadrar en la última.

# %% [markdown]
# ## Primer descubrimiento: las primeras capas ven bordes
#
# **Predice antes de mover.** Con HiResCAM, ¿qué señalará `bloque1_conv2`? ¿Se parecerá al caballo entero o a
# su silueta?
#
# La celda coloca el panel. Mueve **Capa** de un extremo a otro y compara.

# %% tags=["remove_output", "nbval-ignore-output"]
board.choose(image=horse, layer="bloque1_conv2", target="caballo", method="HiResCAM", score="logit")
board

# %%
far_layers = ["bloque1_conv2", "bloque3_conv2"]
maps = []
for explanation in explainer.explain(one, layer=far_layers, method="HiResCAM", target=0):
    limit = np.quantile(np.abs(explanation.raw), 0.999)
    maps.append(np.clip(explanation.raw[0] / limit, -1, 1))
figure = plots.show_signed_maps(maps, far_layers, "Contribución, recortada")

# %% [markdown]
# **Figura 2.** HiResCAM, antes de la ReLU, en una de las primeras capas y en la última, cada mapa con su escala
# (un valor de cada mil la supera): en rojo, a favor de la clase; en azul, en contra. El grano de la derecha es
# mayor porque ese mapa mide 75 de lado, y el otro, 300. El punteado viene del agrupamiento, que solo deja pasar
# el gradiente al mayor valor de cada cuadro de 2 × 2. ¿Sigue la relevancia los contornos?
#
# Midámoslo. El filtro de Sobel da el contraste de cada píxel con sus vecinos; llamemos borde al 10 % de píxeles
# con más contraste:

# %%
def edges(image):
    """El 10 % de píxeles con más contraste de una imagen, como mucho."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    contrast = np.hypot(cv2.Sobel(grey, -1, 1, 0), cv2.Sobel(grey, -1, 0, 1))
    return contrast > np.quantile(contrast, 0.9)


# %%
white_edges = 255 * edges(images[horse]).astype(np.uint8)
figure = plots.show_images([images[horse], cv2.cvtColor(white_edges, cv2.COLOR_GRAY2RGB)], ["imagen", "bordes"])

# %% [markdown]
# **Figura 3.** La imagen y, en blanco, los píxeles que llamamos borde. ¿Qué parte de la relevancia cae en ellos?
# Si se repartiera por igual en toda la imagen, un 10 % como mucho.

# %%
large = formulas.resize_heatmaps(last.heatmap, (300, 300))
region = edges(images[horse])
by_hand = large[0, region].sum() / large[0].sum()
assert np.isclose(by_hand, metrics.energy_pointing_game(large, region[np.newaxis])[0])
print("La cuenta a mano y la del módulo de ayuda coinciden.")

# %% [markdown]
# `metrics.energy_pointing_game` hace esa división para muchos mapas a la vez. De los vacíos, que no tienen
# relevancia que repartir, da NaN: los dejamos fuera de la media.

# %%
def mean_share(heatmaps, regions):
    """La parte media de la relevancia que cae en cada región, en tanto por ciento."""
    large = formulas.resize_heatmaps(heatmaps, (300, 300))
    shares = metrics.energy_pointing_game(large, np.array(regions))
    known = shares[~np.isnan(shares)]
    return f"{100 * known.mean():.0f} %" if len(known) else "(mapas vacíos)"


# %%
some = data.prepare_image(images[:20])
some_edges = [edges(image) for image in images[:20]]
for explanation in explainer.explain(some, layer=far_layers, method="HiResCAM"):
    print(f"{explanation.layer}: en los bordes, {mean_share(explanation.heatmap, some_edges)}")

# %% [markdown]
# Compara cada cifra con el 10 %: si lo supera, la relevancia positiva se concentra en los bordes. No prueba que
# el contraste cause la predicción: los bordes están en el caballo o en la persona, y casi cualquier mapa que
# señale al uno o a la otra superará el 10 %, también el de la última capa.
#
# Lo que distingue a `bloque1_conv2` es lo poco que abarca: cada activación depende de 5 × 5 píxeles, donde no
# cabe una cabeza, solo un trozo de contorno, de textura o de color liso. El gradiente que la multiplica sí depende
# de toda la imagen: el mapa dice **qué bordes** aprovechan las capas siguientes.

# %% [markdown]
# ## Segundo descubrimiento: el último bloque ve partes
#
# **Predice antes de mover.** Cada activación de `bloque3_conv2` depende de 32 × 32 píxeles. ¿Qué partes de un
# caballo o de una persona caben en una zona así?
#
# Recorre varias imágenes de una clase y busca lo que se repite.

# %% tags=["remove_output", "nbval-ignore-output"]
board.choose(image=horse, layer="bloque3_conv2", target=explorer.PREDICTED, method="Grad-CAM", score="logit")
board

# %% [markdown]
# Un mapa de calor mezcla 128 filtros. Para ver qué hace cada uno, elijamos los dos que más responden a esta
# imagen:

# %%
features = keras.Model(model.input, model.get_layer("bloque3_conv2").output)
filters = np.argsort(features(one).numpy()[0].max(axis=(0, 1)))[::-1][:2]
print("Filtros:", filters.tolist())

# %% [markdown]
# Y busquemos, en otros cuatro caballos, la zona en que cada filtro responde más. Cada posición de esta capa
# corresponde a 4 × 4 píxeles; recortamos un cuadrado de 64 × 64, el doble de ancho y de alto que lo que ve el
# filtro. Si se sale de la imagen, lo que falta repite su borde.

# %%
def patch(image, response, radius=32):
    """Recorte alrededor del máximo de un mapa de características, con lo que ve el filtro enmarcado."""
    row, column = np.unravel_index(response.argmax(), response.shape)
    padded = np.pad(image, ((radius, radius), (radius, radius), (0, 0)), mode="edge")
    top, left = 4 * row + 2, 4 * column + 2  # así, lo que ve el filtro queda en el centro
    crop = padded[top : top + 2 * radius, left : left + 2 * radius].copy()
    for start, end in ((0, 63), (16, 47)):
        cv2.rectangle(crop, (start, start), (end, end), (128, 128, 128))
    return crop


# %%
horses = [i for i in np.flatnonzero(labels == 0).tolist() if i != horse][::5][:4]
responses = features(data.prepare_image(images[horses])).numpy()[..., filters]
patches = [patch(images[i], responses[j, :, :, k]) for k in (0, 1) for j, i in enumerate(horses)]
titles = [f"filtro {k}, imagen {i}" for k in filters for i in horses]
figure = plots.show_images(patches, titles)

# %% [markdown]
# **Figura 4.** Cada fila es un filtro de `bloque3_conv2`; cada columna, una imagen, recortada donde más responde
# el filtro. El cuadrado gris interior marca los 32 × 32 píxeles que ve. ¿Se repite algo en una fila: un casco,
# una oreja, un trozo de lomo, un contorno con la misma inclinación? ¿Hay algún filtro que responda al fondo?
#
# «Parte» es una lectura nuestra. El filtro responde a un patrón de claridad y color, y no siempre le
# encontraremos un nombre.

# %% [markdown]
# ## Tercer descubrimiento: un caballo y una persona en la misma imagen
#
# Grad-CAM explica **una clase**. Si en la imagen están las dos, ¿señalará cada mapa a la suya? Montemos una
# imagen así con el caballo y la persona que la red reconoce con más seguridad, a mitad de tamaño.

# %%
both = np.full((300, 300, 3), 255, np.uint8)
for left, index in ((0, horse), (150, person)):
    both[75:225, left : left + 150] = cv2.resize(images[index], (150, 150), interpolation=cv2.INTER_AREA)

# %% [markdown]
# **Predice.** ¿Qué clase dirá la red? ¿Qué mitad señalará el mapa de «caballo»? ¿Y el de «persona»?

# %%
two_maps = [
    explainer.explain(data.prepare_image(both), target=[[0, 1]], method=method)
    for method in ("Grad-CAM", "HiResCAM")
]
titles = [
    title(f"{maps.method}, «{name}», p = {probability:.2f}", empty)
    for maps in two_maps
    for name, probability, empty in zip(data.CLASS_NAMES, maps.probabilities[0], maps.empty[0])
]
heatmaps = np.concatenate([maps.heatmap[0] for maps in two_maps])
figure = plots.show_overlays([both] * 4, heatmaps, titles, columns=2)

# %% [markdown]
# **Figura 5.** Los mapas de «caballo», a la izquierda, y de «persona», a la derecha, en `bloque3_conv2`: arriba,
# con Grad-CAM; abajo, con HiResCAM. En los cuatro, el caballo ocupa la mitad izquierda de la imagen y la
# persona, la derecha. ¿Está cada mapa en su mitad? Midámoslo: qué parte de la relevancia cae en lo que no es blanco
# de cada mitad, y cuánta en lo blanco. La primera línea dice qué parte de la imagen ocupa cada región, que es lo
# que le tocaría si la relevancia se repartiera por igual.

# %% tags=["nbval-ignore-output"]
white = both.min(axis=-1) >= data.WHITE
left_half = np.tile(np.arange(300) < 150, (300, 1))
regions = {"izquierda": left_half & ~white, "derecha": ~left_half & ~white, "blanco": white}
areas = [f"{where} {100 * region.mean():.0f} %" for where, region in regions.items()]
print("Superficie:", ", ".join(areas))
for maps in two_maps:
    for name, heatmap in zip(data.CLASS_NAMES, maps.heatmap[0]):
        shares = [f"{where} {mean_share([heatmap], [region])}" for where, region in regions.items()]
        print(f"{maps.method}, «{name}»:", ", ".join(shares))

# %% [markdown]
# Si el mapa de una clase cae en la mitad de la otra, o en el blanco, no es un fallo del dibujo, pero tampoco
# prueba que la red use esa zona: Grad-CAM da a cada filtro **un solo peso** para toda la imagen, y un filtro que
# responde al blanco lo ilumina entero. HiResCAM pesa cada posición por separado: ¿cae en lo blanco más relevancia de
# la que le toca por su superficie, o menos?
#
# Además, con dos clases, lo que apoya a una suele restar a la otra, y a la red puede bastarle con reconocer una
# de ellas.

# %% [markdown]
# ## Cuarto descubrimiento: qué mira la red cuando se equivoca
#
# **Predice antes de mover.** ¿Dónde caerá la relevancia de la clase equivocada: sobre el animal o la persona, o
# en el fondo?
#
# La celda coloca el panel en el peor error: aquel en que la red da más probabilidad a la clase equivocada. Míralo;
# después marca **solo errores de la red** y **contorno del sujeto**, y recorre los demás.

# %% tags=["remove_output", "nbval-ignore-output"]
confidence = probabilities.max(axis=1)
worst = int(np.argmin(np.where(wrong, -confidence, 1)))
board.choose(worst, "bloque3_conv2", explorer.PREDICTED, "Grad-CAM", "logit")
board

# %%
answer = f"«{data.CLASS_NAMES[predicted[worst]]}», y es {data.CLASS_NAMES[labels[worst]]}"
print(f"Imagen {worst}: {answer}. Probabilidad: {confidence[worst]:.4f}")

batch = data.prepare_image(images[worst])
explained = [explainer.explain(batch, method=method) for method in ("Grad-CAM", "HiResCAM")]
heatmaps = [explanation.heatmap[0] for explanation in explained]
titles = [title(explanation.method, explanation.empty[0]) for explanation in explained]
figure = plots.show_overlays([images[worst]] * 2, heatmaps, titles)

# %% [markdown]
# **Figura 6.** El peor error, con el mapa de la clase **equivocada**, según dos métodos. El marco distinto junto a
# los bordes, si lo ves, se debe al relleno de las convoluciones. (Si la red acierta todas, es una imagen bien
# clasificada.)
#
# ¿Señalan el fondo los mapas de los errores más que los de los aciertos? Comparemos unos y otros **con la misma
# respuesta**, la de ese error, para que todos los mapas expliquen la misma clase. Aun así, el error no queda
# aislado: con dos clases, los aciertos son todos de una clase verdadera y los errores, de la otra, con otra
# silueta. La diferencia puede deberse a lo uno o a lo otro.

# %%
same_answer = predicted == predicted[worst]
for name, chosen in (("aciertos", same_answer & ~wrong), ("errores", same_answer & wrong)):
    group = np.flatnonzero(chosen)[:30]
    if not len(group):
        continue
    print(f"{name}: {len(group)} imágenes; el fondo ocupa el {100 * (~masks[group]).mean():.0f} %")
    for method in ("Grad-CAM", "HiResCAM"):
        heatmaps = explainer.explain(data.prepare_image(images[group]), method=method).heatmap
        print(f"  {method}: en el fondo, {mean_share(heatmaps, ~masks[group])} de la relevancia")

# %% [markdown]
# Lee las cifras por parejas: si la parte de relevancia que cae en el fondo supera a la parte de la imagen que
# este ocupa, el mapa se inclina hacia el fondo; si es menor, hacia el caballo o la persona. Y compara los dos
# métodos: lo que Grad-CAM ve en el fondo y no ve HiResCAM puede venir del peso único de cada filtro. Si se inclinan
# a lados contrarios, estos mapas no permiten decir qué mira la red cuando se equivoca; si coinciden, la lectura es
# más firme.
#
# En las imágenes de prueba el fondo es blanco, a lo sumo con alguna sombra. Lejos de la silueta, cada trozo es igual
# en un caballo que en una persona: lo más que puede decir a la red, que tiene un peso por posición, es que ahí no
# hay nadie. Cerca sí hay diferencias, porque cada activación depende de 32 × 32 píxeles y el mapa desborda el
# contorno. Mucha relevancia lejos de la silueta haría más verosímil la sospecha de la lección 1: la de que la red se
# apoya en el fondo. No la probaría: un mapa no es un experimento.

# %% [markdown]
# ## Quinto descubrimiento: con la red muy segura, el mapa de la probabilidad engaña
#
# La lección 3 avisaba: si la red está muy segura, derivar la probabilidad puede dar un mapa vacío o falso.
# Provoquémoslo con una copia de la red cuyos logits son los de la original **multiplicados por un número**. Su
# predicción es siempre la misma, con más seguridad. La copia comparte con ella todas las capas menos la última; la
# red original no cambia.

# %%
def more_confident(model, factor):
    """Una red que comparte todas las capas con otra, salvo la última, cuyos logits multiplica."""
    output = model.layers[-1]
    scaled = keras.layers.Dense(2, activation="softmax", name="salida_segura")
    network = keras.Model(model.input, scaled(output.input))
    scaled.set_weights([factor * weights for weights in output.get_weights()])
    return network


# %% [markdown]
# ¿Con qué imagen? Con dos clases, y mientras no haya redondeo, el mapa de Grad-CAM de la probabilidad es el de la
# **diferencia** de los dos logits: el factor $p(1-p)$ desaparece al normalizar. De las cuarenta primeras imágenes,
# tomemos aquella en que ese mapa y el del logit de la otra clase, cambiado de signo, son más distintos; enseguida
# veremos por qué.

# %%
both_classes = np.stack([predicted, 1 - predicted], axis=1)
some = data.prepare_image(images[:40])
pairs = explainer.explain(some, target=both_classes[:40])
of_class, of_other = pairs.raw[:, 0], pairs.raw[:, 1]
(of_difference, no_difference), (opposite, no_opposite) = map(formulas.normalize, (of_class - of_other, -of_other))

gaps = np.abs(np.diff(pairs.logits, axis=1))[:, 0]
change = np.abs(of_difference - opposite).mean(axis=(1, 2))
position = int(np.argmax(np.where(no_difference | no_opposite | (gaps > 15), 0, change)))
print(f"Imagen {position}: sus logits se diferencian en {gaps[position]:.1f}")

# %% [markdown]
# Elegimos los factores para que esa diferencia pase a ser 30 y 120.
#
# **Predice.** De los seis mapas siguientes, ¿cuáles serán iguales?

# %%
networks = [model, *(more_confident(model, goal / gaps[position]) for goal in (30, 120))]
heatmaps, titles = [], []
for score, name in (("logit", "logit"), ("probability", "prob.")):
    for network in networks:
        explanation = cam.Explainer(network).explain(some[position : position + 1], score=score)
        heatmaps.append(explanation.heatmap[0])
        gap = abs(np.diff(explanation.logits[0])[0])
        titles.append(title(f"{name}, dif. {gap:.0f}", explanation.empty[0]))
figure = plots.show_overlays([images[position]] * 6, heatmaps, titles)

# %% [markdown]
# **Figura 7.** Arriba, el mapa del logit; abajo, el de la probabilidad. De izquierda a derecha, la red cada vez
# más segura; cada rótulo dice la diferencia entre los dos logits.
#
# Los tres de arriba son iguales. El primero de abajo puede distinguirse del de encima sin ser falso, porque
# responde a otra pregunta, la de la diferencia. El segundo sí lo es: como $p$ se redondea a 1, desaparece lo que
# aporta el logit de la clase y solo queda el de la otra, cambiado de signo. En el tercero no queda nada.

# %%
of_logit, wrong_map, no_map = heatmaps[:3], heatmaps[4], heatmaps[5]
assert all(np.allclose(each, of_logit[0], atol=1e-3) for each in of_logit)
assert np.allclose(wrong_map, opposite[position], atol=1e-2)
assert not no_map.any()
print("Logit: siempre el mismo. Probabilidad: el de la otra clase con el signo cambiado, y luego ninguno.")

# %% [markdown]
# Lo peligroso es el mapa del centro de la fila de abajo: nada en el dibujo avisa de que es falso. Para reconocerlo,
# mira la tabla del panel: si en la probabilidad se lee 1.0000, desconfía, deriva el logit y compara. Hemos elegido
# la imagen en que más se nota; en otras, los dos mapas pueden parecerse y el error pasa inadvertido.
#
# **Predice antes de mover.** El panel siguiente es otro: explica esa red. Al cambiar **Derivar**, ¿cambiará el mapa?
# ¿Y el medidor?

# %%
sure_board = explorer.Explorer(cam.Explainer(networks[1]), images, labels, data.CLASS_NAMES, predicted, masks)
sure_board.choose(image=position)

# %% tags=["remove_output", "nbval-ignore-output"]
sure_board

# %% [markdown]
# Cambia el mapa; el medidor no, porque habla siempre del logit.

# %% [markdown]
# ## Sexto descubrimiento: un mapa vacío
#
# Grad-CAM borra lo negativo. Si el mapa no tiene ningún valor positivo, queda **vacío**. ¿Ocurre de verdad?
#
# **Predice.** Contaremos los mapas vacíos de las cien imágenes. ¿En qué clase habrá más, en la predicha o en la
# otra?

# %%
empty = explainer.explain(data.prepare_image(images), target=both_classes).empty
for name, count in zip(("la clase predicha", "la otra clase"), empty.sum(axis=0)):
    print(f"De {name}: {count} mapas vacíos de {len(images)}")

# %% [markdown]
# Solemos esperar más en la otra clase, la que pierde. Si en tu red hay muchos de la **predicha**, recuerda que
# Grad-CAM promedia: un filtro puede apoyarla donde está activo y tener, aun así, un gradiente medio negativo.
#
# Para estar seguros de ver uno, construyamos una red en la que tiene que salir. Ponemos otro final a las
# activaciones de `bloque3_conv2`: un promedio global y una capa densa en la que todos los pesos de una clase son
# **negativos**. El peso $\alpha_k$ de esa clase es negativo en todos los filtros y, como las activaciones nunca
# son negativas, el mapa no puede ser positivo en ningún sitio.

# %%
pooled = keras.layers.GlobalAveragePooling2D()(features.output)
ending = keras.layers.Dense(2, name="final")
against = keras.Model(features.input, ending(pooled))
ending.set_weights([np.tile([1.0, -1.0], (128, 1)), np.zeros(2)])

maps = cam.Explainer(against).explain(one, target=[[0, 1]])
print("¿Vacío?", dict(zip(data.CLASS_NAMES, maps.empty[0].tolist())))

# %% [markdown]
# Lo está el de «persona», cuyos pesos son negativos; el de «caballo», no.

# %%
titles = [f"Logit de «{name}»" for name in data.CLASS_NAMES]
figure = plots.show_signed_maps(maps.raw[0], titles, "Contribución al logit")

# %% [markdown]
# **Figura 8.** Los mapas de las dos clases antes de la ReLU, en la red construida: en rojo, lo que apoya la clase;
# en azul, lo que va en contra. Cada uno es el negativo del otro. El de «persona» no tiene nada positivo y, tras
# la ReLU, queda a cero.
#
# Un mapa vacío **no** dice que la red no haya mirado nada. Si se deriva el logit, dice que, en esa capa y según
# ese método, en ningún punto lo que apoya la clase supera a lo que va en contra. Si se deriva la probabilidad,
# puede ser solo redondeo, como en la figura 7. Por eso el panel lo anuncia en lugar de dibujar la imagen sola,
# que se confundiría con un mapa cuya relevancia no se aprecia.
#
# Si la cuenta de la otra clase no dio cero, el panel muestra el primero de esos mapas. Recorre las imágenes sin
# cambiar **Clase** y busca más: ¿qué responde la red en ellas?

# %% tags=["remove_output", "nbval-ignore-output"]
shown = int(np.argmax(empty[:, 1]))
board.choose(shown, "bloque3_conv2", data.CLASS_NAMES[1 - predicted[shown]], "Grad-CAM", "logit")
board

# %% [markdown]
# ## Límites
#
# - **Un panel invita a buscar el mapa que nos da la razón.** Con siete métodos, seis capas, dos clases y dos
#   formas de derivar hay muchos mapas por imagen: decide antes qué vas a mirar y anota también lo que no encaja.
# - **Unas pocas imágenes no son una medida.** Las cifras de esta lección salen de cien como mucho, y de una sola
#   red.
# - **Grad-CAM puede señalar donde la red no mira.** Da un solo peso a cada filtro; compáralo con HiResCAM antes
#   de sacar conclusiones.
# - **La completitud no es fidelidad.** Que los valores de un mapa sumen el logit no prueba que cada uno esté
#   en su sitio.
# - **Con tu foto la red está fuera de lugar.** Solo conoce imágenes sintéticas y siempre responderá «caballo»
#   o «persona», aunque en la foto no haya ninguno.

# %% [markdown]
# ## Ejercicios
#
# 1. Busca en el panel una imagen en la que Grad-CAM y HiResCAM señalen zonas distintas en `bloque3_conv2`.
#    ¿Cuál de los dos mapas suma lo que dice la segunda barra del medidor? *Pista:* suma el `raw` de cada
#    explicación.
# 2. Sube una foto tuya, o de un objeto cualquiera. ¿Qué predice la red y con qué seguridad? ¿Qué señala?
# 3. Repite la figura 5 con el caballo a la derecha y la persona a la izquierda. ¿Cambian de lado los mapas?
#    *Pista:* cambia `((0, horse), (150, person))` por `((150, horse), (0, person))`.
# 4. ¿A partir de qué diferencia cambia el mapa de la probabilidad? *Pista:* prueba diferencias de 5 a 30 con
#    `more_confident` y compara cada mapa con el de la probabilidad de la red original:
#    `np.corrcoef(a.ravel(), b.ravel())[0, 1]`.

# %% [markdown]
# ## Lo que hemos visto
#
# 1. Las activaciones de las primeras capas abarcan pocos píxeles, donde solo caben bordes o texturas; las del último
#    bloque, zonas donde caben partes. La capa, la clase y el método cambian el mapa.
# 2. El medidor dice cuánto del logit recoge una capa y cuánto falta por los sesgos de las siguientes.
# 3. Antes de decir que la red mira el fondo cuando se equivoca, hay que comparar la relevancia que cae en él con
#    lo que ocupa, y Grad-CAM con HiResCAM. Si los dos métodos no coinciden, los mapas no bastan para saberlo.
# 4. Con la red muy segura, el mapa de la probabilidad puede ser falso o vacío; el del logit no cambia.
# 5. Un mapa vacío del logit significa que en ningún punto lo que apoya la clase supera a lo que va en contra; uno
#    que señala el fondo, que hay algo que investigar, empezando por compararlo con HiResCAM.

# %% [markdown]
# ## Para seguir
#
# - R. L. Draelos y L. Carin (2020). *Use HiResCAM instead of Grad-CAM for faithful explanations of
#   convolutional neural networks*. [arXiv:2011.08891](https://arxiv.org/abs/2011.08891).
# - P.-T. Jiang y otros (2021). *LayerCAM: Exploring Hierarchical Class Activation Maps for Localization*.
#   IEEE Transactions on Image Processing 30.
# - S. Lapuschkin y otros (2019). *Unmasking Clever Hans predictors and assessing what machines really learn*.
#   Nature Communications 10. [arXiv:1902.10178](https://arxiv.org/abs/1902.10178).
# - Lección anterior: [03 · Mapas de calor con Grad-CAM, paso a paso](03_gradcam_paso_a_paso.ipynb).
