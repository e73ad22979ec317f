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
# # 03 · Mapas de calor con Grad-CAM: soluciones
#
# [![Abrir en Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/TU_USUARIO/curso-gradcam/blob/main/notebooks/soluciones/03_gradcam_paso_a_paso_soluciones.ipynb)
# [![Abrir en Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/TU_USUARIO/curso-gradcam/main?urlpath=lab/tree/notebooks/soluciones/03_gradcam_paso_a_paso_soluciones.ipynb)
# [Descargar el cuaderno](https://github.com/TU_USUARIO/curso-gradcam/raw/main/notebooks/soluciones/03_gradcam_paso_a_paso_soluciones.ipynb)
#
# **Duración:** 105 min · CPU · Lección: [03 · Mapas de calor con Grad-CAM, paso a paso](../03_gradcam_paso_a_paso.ipynb)
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
from gradcam_helpers import cam, data, explorer, formulas, hunt, models, plots
from gradcam_helpers.checks import comprobar
from matplotlib import colormaps
import cv2
import keras
import numpy as np
import tensorflow as tf

# %% [markdown]
# ## 03-1 · De una imagen a un lote
#
# Modificar · media · 15 min
#
# La lección calculó el mapa de **una** imagen. Aquí está, en una función: recibe activaciones y gradientes de
# forma (alto, ancho, filtros) y da un mapa de 0 a 1.

# %%
def grad_cam_of_one(activations, gradients):
    alpha = np.mean(gradients, axis=(0, 1))
    raw = np.sum(alpha * activations, axis=-1)
    positive = np.maximum(raw, 0)
    maximum = positive.max()
    return positive / maximum if maximum > 0 else np.zeros_like(positive)

# %% [markdown]
# Escribe la que recibe un **lote**, (N, alto, ancho, filtros), con un mapa por imagen. Cada mapa debe ser el
# mismo que saldría con su imagen sola.
#
# **Entrega:** `grad_cam(activations, gradients)`, que devuelve mapas de forma (N, alto, ancho), entre 0 y 1.
#
# <details><summary>Pista</summary>
#
# Los ejes de las posiciones ya no son 0 y 1. `keepdims=True` deja los ejes que se promedian con tamaño 1, y así
# se puede multiplicar. Para la salvaguarda ya no sirve un `if`: unos mapas pueden estar vacíos y otros no. Mira
# los argumentos `out` y `where` de `np.divide`, que van juntos: donde `where` no deja dividir queda lo que haya en
# `out`, y sin `out`, números sin inicializar. O usa la función `np.where`.
#
# </details>
# <details><summary>Un error frecuente</summary>
#
# Promediar en `(0, 1, 2)`, o dividir entre `positive.max()` a secas. Con un lote de una imagen no se nota; con
# varias, cada mapa depende de las demás.
#
# </details>

# %%
def grad_cam(activations, gradients):
    # <solución> return ...
    weights = np.mean(gradients, axis=(1, 2), keepdims=True)
    signed = np.sum(weights * activations, axis=-1)
    support = np.maximum(signed, 0)
    highest = support.max(axis=(1, 2), keepdims=True)
    empty = np.zeros_like(support)
    return np.divide(support, highest, out=empty, where=highest > 0)
    # </solución>


comprobar("03-1", grad_cam)

# %% [markdown] tags=["solucion"]
# Con el lote, todos los ejes se corren un lugar: las posiciones son `(1, 2)`. El eje 0 no se promedia ni entra en
# el máximo, porque cada imagen es un caso aparte. `where` deja sin dividir los mapas vacíos, que conservan los
# ceros de `out`. Sumar `1e-8` al divisor evita el NaN, pero apaga los mapas de gradiente pequeño.

# %% [markdown]
# ## 03-2 · Derivar el logit
#
# Completar · media · 10 min
#
# Las activaciones de la última convolución entran en `body`, que da la salida de la penúltima capa; `output` es
# la última, una densa con softmax y con sus pesos en `output.kernel` y `output.bias`. Deriva el logit de la clase
# `target` respecto de las activaciones, sin cambiar ninguna de las dos partes.
#
# **Entrega:** `logit_gradient(body, output, activations, target)`, que devuelve el gradiente, con la forma de las
# activaciones: (N, alto, ancho, filtros). `target` es un entero, la misma clase para todo el lote.
#
# <details><summary>Pista</summary>
#
# Es el paso 2 de la lección. Dentro del `with` de la cinta hay que pedirle que observe las activaciones, llamar a
# `body` con el *dropout* apagado y hacer la cuenta $h W + b$. La puntuación es una columna de los logits.
#
# </details>
# <details><summary>Un error frecuente</summary>
#
# Llamar a `output(hidden)` y derivar lo que da: ya lleva la softmax. O quitársela con
# `output.activation = None`: funciona, pero quien use después la red recibirá logits donde esperaba
# probabilidades.
#
# </details>

# %%
def logit_gradient(body, output, activations, target):
    # <solución> return ...
    with tf.GradientTape() as tape:
        tape.watch(activations)
        hidden = body(activations, training=False)
        logits = tf.matmul(hidden, output.kernel) + output.bias
        score = logits[:, target]
    return tape.gradient(score, activations)
    # </solución>


comprobar("03-2", logit_gradient)

# %% [markdown] tags=["solucion"]
# `score` tiene un número por imagen, y la cinta deriva su suma. No los mezcla: el logit de una imagen no depende
# de las activaciones de otra. `training=False` deja encendido lo que el *dropout* apagaría, y el mapa es siempre
# el mismo.

# %% [markdown]
# ## 03-3 · Tres errores al superponer
#
# Encontrar el error · media · 15 min
#
# Esta función quiere mezclar una imagen con los colores de su mapa, y tiene **tres** errores. Con las imágenes del
# curso, que son cuadradas, solo se ven dos.

# %%
def faulty_overlay(image, heatmap, opacity):
    height, width = image.shape[:2]
    large = cv2.resize(heatmap, (height, width))
    colors = colormaps["inferno"](large)[:, :, :3] * 255
    blended = image + (1 - opacity) * colors
    return blended.astype(int).astype(np.uint8)

# %%
source = data.prepare_source()
print(source)
model = models.load_trained(source)
explainer = cam.Explainer(model)
images, labels = data.load_images(source, "test", count=20)
batch = data.prepare_image(images)

# %%
explained = explainer.explain(batch[:4])
example = int(np.argmin(explained.empty))  # la primera cuyo mapa no está vacío
image, heatmap = images[example], explained.heatmap[example]
pair = [faulty_overlay(image, heatmap, 0.3), plots.overlay(image, heatmap, 0.3)]
figure = plots.show_images(pair, ["faulty_overlay", "plots.overlay"])

# %% [markdown]
# **Figura 1.** La misma imagen y el mismo mapa de Grad-CAM, con opacidad 0,3. A la izquierda, lo que hace la
# función con errores; a la derecha, lo que debe salir: la imagen se reconoce, y encima se ven los colores del
# mapa.
#
# Escribe la función sin errores. No vale llamar a `plots.overlay`: la idea es encontrarlos. Al pasar a uint8, lo
# que excede de 255 vuelve a empezar en 0; no es un cuarto error, sino la consecuencia de uno de los tres.
#
# **Entrega:** `overlay(image, heatmap, opacity)`, que recibe una imagen uint8 (alto, ancho, 3), un mapa de 0 a 1
# de cualquier tamaño y una opacidad de 0 (solo la imagen) a 1 (solo el mapa), y devuelve uint8 (alto, ancho, 3).
#
# <details><summary>Pista</summary>
#
# Prueba con casos de los que sabes el resultado: opacidad 0, opacidad 1, una imagen toda blanca y una imagen de
# 20 × 50 píxeles. ¿Qué da `np.array([256]).astype(np.uint8)`?
#
# </details>
# <details><summary>Un error frecuente</summary>
#
# Probar solo con imágenes cuadradas. NumPy da la forma como (alto, ancho); OpenCV pide el tamaño como (ancho,
# alto).
#
# </details>

# %%
def overlay(image, heatmap, opacity):
    # <solución> return ...
    rows, columns = image.shape[:2]
    large = cv2.resize(heatmap, (columns, rows))
    colors = 255 * colormaps["inferno"](large)[:, :, :3]
    mixed = (1 - opacity) * image + opacity * colors
    return np.rint(mixed).astype(np.uint8)
    # </solución>


comprobar("03-3", overlay)

# %% [markdown] tags=["solucion"]
# 1. El tamaño: OpenCV lo pide como (ancho, alto).
# 2. La opacidad multiplicaba a la imagen que no era: con 0 debe quedar la imagen sola.
# 3. La imagen se sumaba entera. Donde es blanca, 255 más algo no cabe en uint8 y vuelve a empezar en 0: de ahí
#    las manchas. Si los dos pesos suman 1, la mezcla no pasa nunca de 255.

# %% [markdown]
# ## 03-4 · El punto más claro y la suma
#
# Interpretar · media · 15 min
#
# El ojo va a lo más claro. Busca en el panel una imagen y una capa cuyo mapa tenga **el punto más claro en el
# sujeto** y, sin embargo, **dos tercios o más de la relevancia en el fondo**. Calcúlalo a ojo antes de comprobar:
# después se te dirá la cifra.

# %% tags=["remove_output", "nbval-ignore-output"]
explorer.Explorer(explainer, images, labels, data.CLASS_NAMES, basic=True)

# %% [markdown]
# **Entrega:** `found`, una pareja: el número de la imagen, de 0 a 19, y el nombre de la capa, como en los
# controles. Por ejemplo, `(0, "bloque1_conv1")`.
#
# <details><summary>Pista</summary>
#
# El fondo es grande: basta con que tenga un poco de relevancia en casi todas partes. Sobre el fondo blanco, lo que
# no tiene ninguna se ve gris: busca mapas cuyo fondo no esté todo tan apagado, y que aun así tengan el máximo
# dentro. Empieza por las capas de los dos primeros bloques; las parejas que sirven son pocas.
#
# </details>
# <details><summary>Un error frecuente</summary>
#
# Fiarse del color. Un tono oscuro que ocupa tres cuartas partes de la imagen suma más que una mancha clara.
#
# </details>

# %%
masks = data.load_masks(source, "test", count=20)
# <solución> found = ...
found = (2, "bloque2_conv2")
# </solución>

comprobar("03-4", found, explainer=explainer, batch=batch, masks=masks)

# %% [markdown] tags=["solucion"]
# Hay más de un mapa así. Esta pareja vale con las dos redes publicadas; con la tuya puede que no. «El mapa señala
# al sujeto» y «la mayor parte de la relevancia está en el fondo» pueden ser ciertas a la vez: la primera habla de
# un punto y la segunda, de una suma. La lección 4 mide las dos.

# %% [markdown]
# ## 03-5 · Una frase de más
#
# Interpretar · media · 10 min

# %%
shown = [0, 1, 2, 3]
titles = [
    f"«{data.CLASS_NAMES[answer]}»"
    + ("" if answer == true_class else f", y es «{data.CLASS_NAMES[true_class]}»")
    + (" (vacío)" if empty else "")
    for answer, true_class, empty in zip(explained.target, labels, explained.empty)
]
figure = plots.show_overlays(images[shown], explained.heatmap[shown], titles)

# %% [markdown]
# **Figura 2.** Cuatro imágenes de prueba. De cada una, a la izquierda, el mapa de Grad-CAM de la clase predicha,
# la del rótulo, en `bloque3_conv2`; a la derecha, el mapa sobre la imagen. Cada mapa se divide entre su propio
# máximo. «…, y es…» avisa de que la red se equivoca; «(vacío)», de que en esa capa nada apoya la clase, según
# Grad-CAM.
#
# Alguien enseña esta figura y escribe: «La red ha aprendido qué es un caballo y qué es una persona: mira al
# sujeto, el fondo no le importa y, por tanto, acertará también con otros fondos». ¿Qué dejarías de esa frase?
#
# **Entrega:** `reading`, un texto de cuatro a ocho frases: qué se ve en la figura, qué parte de la frase no se sigue
# de ella, y por qué, y qué habría que hacer para saberlo.
#
# <details><summary>Pista</summary>
#
# La frase afirma cuatro cosas: que la red ha aprendido las clases, que mira al sujeto, que el fondo no le importa y
# que acertará con otros fondos. Para cada una, pregúntate qué figura la haría falsa, y si esta podría haberlo
# enseñado. ¿Qué fondos hay en estas cuatro imágenes?
#
# </details>
# <details><summary>Un error frecuente</summary>
#
# Cambiar una afirmación de más por otra: «la red se fija en el fondo» tampoco se sigue de estos mapas.
#
# </details>
# <details><summary>Rúbrica</summary>
#
# Un punto por cada cosa; con cuatro está bien.
#
# 1. Describe dónde es claro el mapa, en cada imagen, y si hay alguno vacío.
# 2. Advierte si la red se equivoca en alguna imagen y, si la hay, dice dónde es claro su mapa: en el margen, por
#    ejemplo, ya no se puede decir que mire al sujeto.
# 3. Distingue el punto más claro de la suma: lo oscuro del fondo, que es grande, puede sumar más.
# 4. Dice que la figura no puede responder por otros fondos: en las imágenes de prueba todos son blancos.
# 5. Dice que una zona clara no es una causa: el mapa sale de una aproximación lineal, con un peso por filtro y
#    sin lo que va en contra.
# 6. Propone algo que cambie la imagen y mire la predicción, como poner el mismo sujeto sobre otros fondos, y dice
#    qué resultado desmentiría la frase.
#
# </details>

# %%
# <solución> reading = ...
reading = """
Con los datos embebidos, en tres mapas lo más claro sigue el borde del sujeto; en el
cuarto está en el margen de la imagen, y la red toma el caballo por una persona. De los
otros tres no se sigue que el fondo no importe: una relevancia baja en muchos píxeles
puede sumar más que una mancha clara, y la ReLU ha borrado lo que iba en contra. Tampoco
que la red vaya a acertar con otros fondos: aquí todos son blancos, y la figura sería la
misma si fallara con un prado. Que una zona sea clara no la convierte en causa. Para
saberlo pondría los mismos sujetos sobre muchos fondos y contaría los aciertos: si bajan
mucho en alguno, la frase es falsa.
"""
# </solución>

comprobar("03-5", reading)

# %% [markdown] tags=["solucion"]
# Es una respuesta posible, con los seis puntos de la rúbrica. Un contraejemplo basta para negar «mira al sujeto»;
# ningún mapa basta para afirmarlo. La lección 5 hace el experimento.

# %% [markdown]
# ## 03-6 · La cacería
#
# Encontrar el error · difícil · 45 min
#
# Nueve funciones dicen ser Grad-CAM. **Ocho tienen un error clásico; una, ninguno.** Están en `hunt.SUSPECTS`, de
# la A a la I. Las nueve se usan igual, `suspect(model, images, target=None)`: deben explicar la clase que se pide o,
# si no se pide ninguna, la predicha, y devolver mapas de 0 a 1, (N, alto, ancho), del tamaño de las imágenes.
# Empecemos por mirarlas.

# %%
suspects = list(hunt.SUSPECTS.values())
one = batch[example : example + 1]
maps = np.concatenate([suspect(model, one) for suspect in suspects])
figure = plots.show_overlays([image] * 9, maps, list(hunt.SUSPECTS), columns=3)

# %% [markdown]
# **Figura 3.** Los mapas de las nueve sospechosas para una misma imagen de prueba, en `bloque3_conv2`. Varios son
# iguales a la vista, y los que cambian no dicen cuál es el bueno.
#
# A ojo no hay pruebas. Un error se delata en una red de la que **sabemos** lo que debe salir: una convolución, un
# promedio global y una densa. En ella Grad-CAM es CAM: el mapa de una clase es la suma de las activaciones,
# ponderadas con los pesos de esa clase en la densa, y normalizada.

# %% tags=["identidades"]
random = np.random.default_rng(6)
pictures = random.random((3, 12, 8, 3)).astype("float32")
filters = random.normal(size=(3, 3, 3, 4))
mixed = random.normal(size=(4, 2))  # pesos de la densa: de 4 filtros a 2 clases


def build(kernel):
    """La red de juguete, con esos pesos en la densa."""
    convolution = keras.layers.Conv2D(4, 3, padding="same", activation="relu")
    average = keras.layers.GlobalAveragePooling2D()
    output = keras.layers.Dense(2, activation="softmax")
    network = keras.Sequential([keras.Input((12, 8, 3)), convolution, average, output])
    network.set_weights([filters, np.zeros(4), kernel, np.zeros(2)])
    return network

# %% [markdown]
# Una **identidad** es algo que toda Grad-CAM sin errores cumple. Estas cuatro están escritas; cada una recibe una
# sospechosa y devuelve True o False, según la cumpla o no. Cada una construye su red: así, ninguna cambia la de las
# demás.

# %% tags=["identidades"]
def same(one, other):
    return np.shape(one) == np.shape(other) and np.allclose(one, other, atol=1e-3)


def has_image_shape(suspect):
    """Un mapa por imagen, de su tamaño."""
    return suspect(build(mixed), pictures).shape == pictures.shape[:3]


def reaches_one(suspect):
    """El máximo de cada mapa que no está vacío es 1."""
    maps = suspect(build(mixed), pictures, target=[0, 1, 0])
    return same(maps.max(axis=(1, 2)), [1, 1, 1])


def explains_predicted(suspect):
    """Si no se dice la clase, es la predicha."""
    toy = build(mixed)
    predicted = np.argmax(toy(pictures), axis=-1)
    return same(suspect(toy, pictures), suspect(toy, pictures, target=predicted))


def equals_cam(suspect, kernel):
    """Con promedio global y una densa, el mapa de la clase 1 es el de CAM."""
    toy = build(kernel)
    activations = toy.layers[0](pictures[:1]).numpy()
    cam_map, _ = formulas.normalize(activations @ kernel[:, 1])
    return same(suspect(toy, pictures[:1], target=1), cam_map)

# %% [markdown]
# Completa otras dos:
#
# - `alone_or_together`: explicada sola, cada imagen da el mismo mapa que dentro del lote. Da a cada imagen una
#   clase distinta, como en `classes`: así los gradientes de una y otra no se parecen;
# - `stays_when_sure`: si se multiplican por 1000 los pesos de la densa, y con ellos los logits, la red predice lo
#   mismo, mucho más segura, y el mapa normalizado de la clase 1 no cambia. Esa red es `build(1000 * mixed)`; no hace
#   falta cambiar los pesos de otra.

# %% tags=["identidades"]
def alone_or_together(suspect):
    toy, classes = build(mixed), [0, 1, 0]
    together = suspect(toy, pictures, target=classes)
    # <solución> return ...
    alone = [
        suspect(toy, pictures[i : i + 1], target=classes[i])[0] for i in range(3)
    ]
    return same(together, alone)
    # </solución>


def stays_when_sure(suspect):
    # <solución> return ...
    surest = suspect(build(1000 * mixed), pictures, target=1)
    return same(suspect(build(mixed), pictures, target=1), surest)
    # </solución>

# %% [markdown]
# La de CAM se prueba con tres densas: una en que todos los filtros apoyan la clase 1, otra en que todos van en
# contra, y otra en que hay de todo. **Predice.** ¿Qué debe salir cuando todo va en contra?
#
# <details><summary>Respuesta</summary>
#
# Un mapa vacío: todo ceros. Es el caso en que más implementaciones fallan.
#
# </details>

# %% tags=["identidades"]
for_class_1 = np.abs(mixed) * [0, 1]

identities = {
    "forma": has_image_shape,
    "máximo": reaches_one,
    "sola o en lote": alone_or_together,
    "clase por omisión": explains_predicted,
    "red segura": stays_when_sure,
    "todo a favor": lambda suspect: equals_cam(suspect, for_class_1),
    "todo en contra": lambda suspect: equals_cam(suspect, -for_class_1),
    "a favor y en contra": lambda suspect: equals_cam(suspect, mixed),
}

# %%
hunt.interrogate(identities)

# %% [markdown]
# Si todas fallan en una de las que has escrito, o no falla ninguna, desconfía de tu prueba.
#
# Fallar en una identidad prueba que hay un error; cuál es, hay que razonarlo. Estos son los veredictos posibles, y
# hay más que sospechosas: alguno no le toca a nadie.

# %%
print("\n".join(hunt.VERDICTS))

# %% [markdown]
# **Entrega:** `verdicts`, un diccionario de cada letra a uno de esos textos, distinto para cada una. Puedes dejar
# `...` en las que no sepas: se te dirá cuántos veredictos se sostienen y, de los que no, por qué.
#
# <details><summary>Pista</summary>
#
# Ve veredicto a veredicto y pregúntate en qué identidades fallaría quien se equivoca así. Si dos sospechosas
# fallan en «sola o en lote», ¿qué otra las separa? Cuando «todo en contra» falla, mira el mapa que da
# `suspect(build(-for_class_1), pictures[:1], target=1)`, con esa sospechosa como `suspect`. Un NaN y un mapa claro
# no son el mismo error.
#
# </details>
# <details><summary>Un error frecuente</summary>
#
# Creer que lo que pasa una prueba está bien. Con filtros que solo apoyan la clase, el valor absoluto y la ReLU dan
# lo mismo: hace falta un caso en que no lo den.
#
# </details>

# %%
verdicts = {
    # <solución> "A": ..., "B": ..., "C": ...,
    "A": "divide por el máximo del lote",
    "B": "deriva la probabilidad",
    "C": "divide sin salvaguarda",
    # </solución>
    # <solución> "D": ..., "E": ..., "F": ...,
    "D": "supone la clase 0",
    "E": "toma el valor absoluto",
    "F": "no se equivoca",
    # </solución>
    # <solución> "G": ..., "H": ..., "I": ...,
    "G": "promedia el lote",
    "H": "cambia alto por ancho",
    "I": "rectifica el gradiente",
    # </solución>
}

comprobar("03-6", verdicts)

# %% [markdown] tags=["solucion"]
# | | prueba | por qué | arreglo |
# |---|---|---|---|
# | A | «sola o en lote» y «máximo» | el mapa de una imagen se divide entre el máximo de otra | el máximo, en los ejes `(1, 2)` |
# | B | «red segura» y «a favor y en contra» | con los logits muy separados, el gradiente de $p$ se redondea, y el mapa se vacía o es otro; sin separarlos, es el mapa de la **diferencia** de los logits | derivar el logit |
# | C | «todo en contra», y sale NaN | $0/0$ | dividir solo donde el máximo es positivo |
# | D | «clase por omisión» | explica la clase 0 aunque se prediga la 1 | `tf.argmax` de los logits |
# | E | «todo en contra», y sale un mapa claro; «a favor y en contra» | pinta igual lo que apoya y lo que va en contra | ReLU |
# | F | ninguna | | |
# | G | «sola o en lote», y no «máximo» | los pesos de cada imagen son el promedio de los de todas | promediar en `(1, 2)` |
# | H | «forma», y cuanto compara mapas con los de CAM | OpenCV pide (ancho, alto) | `(width, height)` |
# | I | «a favor y en contra», y no «todo en contra» | los filtros que van en contra pesan 0 en lugar de restar | la ReLU, al mapa y no al gradiente |
#
# F no ha fallado en ninguna. Eso no demuestra que esté bien: demuestra que no comete los errores que estas pruebas
# saben ver. «No pondera los filtros» y «eleva el gradiente al cuadrado» habrían fallado en «todo a favor» sin
# fallar en «forma», y ninguna lo ha hecho.

# %% [markdown]
# ## Resumen

# %%
comprobar.resumen("03")
