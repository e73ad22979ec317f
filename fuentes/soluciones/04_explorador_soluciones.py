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
# # 04 · El explorador: soluciones
#
# [![Abrir en Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/TU_USUARIO/curso-gradcam/blob/main/notebooks/soluciones/04_explorador_soluciones.ipynb)
# [![Abrir en Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/TU_USUARIO/curso-gradcam/main?urlpath=lab/tree/notebooks/soluciones/04_explorador_soluciones.ipynb)
# [Descargar el cuaderno](https://github.com/TU_USUARIO/curso-gradcam/raw/main/notebooks/soluciones/04_explorador_soluciones.ipynb)
#
# **Duración:** 70 min · CPU · Lección: [04 · El explorador](../04_explorador.ipynb)
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
from gradcam_helpers import cam, data, explorer, formulas, metrics, models, plots
from gradcam_helpers.checks import comprobar
import cv2
import keras
import numpy as np
import tensorflow as tf

source = data.prepare_source()
print(source)
model = models.load_trained(source)
explainer = cam.Explainer(model)

# %%
images, labels = data.load_images(source, "test", count=32)
masks = data.load_masks(source, "test", count=32)
batches = data.load_batches(source, "test[:32]", batch_size=4)
predicted = model.predict(batches, verbose=0).argmax(axis=1)

# %% [markdown]
# ## 04-1 · Tres copias de la red
#
# Predecir · media · 10 min
#
# Tres copias de la red solo se distinguen de ella en los logits:
#
# - **por 2** multiplica los dos por 2;
# - **más 3** suma 3 a los dos;
# - **más persona** suma a los dos el logit de «persona» de la red original.
#
# Explicamos el logit de «caballo», en la misma imagen. ¿Qué cambia en cada copia? Puede cambiar esto:
# `"probabilidades"`; de Grad-CAM, `"mapa con signo"` y `"mapa normalizado"`, y `"lo que falta"`, la tercera barra
# del medidor de completitud.
#
# **Entrega:** `changes`, un diccionario: de cada copia, la lista de lo que cambia; vacía, `[]`, si no cambia nada.
#
# <details><summary>Pista</summary>
#
# Escribe los dos logits de cada copia con los de la original, $y_0$ e $y_1$. ¿Cuál es su diferencia, que es lo que
# mira la softmax? ¿Cuál es el gradiente del primero, del que sale el mapa?
#
# </details>
# <details><summary>Un error frecuente</summary>
#
# Creer que, si dos redes dan las mismas probabilidades a cualquier imagen, dan también los mismos mapas.
#
# </details>

# %%
changes = {
    # <solución> "por 2": ...,
    "por 2": ["probabilidades", "mapa con signo", "lo que falta"],
    # </solución>
    # <solución> "más 3": ...,
    "más 3": ["lo que falta"],
    # </solución>
    # <solución> "más persona": ...,
    "más persona": ["mapa con signo", "mapa normalizado", "lo que falta"],
    # </solución>
}
comprobar("04-1", changes)

# %% [markdown] tags=["solucion"]
# - **por 2:** la diferencia de los logits es el doble, y cambian las probabilidades. El gradiente es el doble, y el
#   mapa con signo, también; normalizar quita ese 2. Lo que falta es el doble, como todo lo que se mide en logits.
# - **más 3:** el gradiente de una constante es 0, y los mapas son los mismos. Lo que falta crece en 3: es un sesgo más.
# - **más persona:** la diferencia es la misma, y las probabilidades, también. Pero ahora el primer logit es
#   $y_0 + y_1$, y su mapa, por linealidad, la suma de los dos.
#
# La última copia responde siempre lo mismo que la red, y su mapa es otro. El mapa de **un** logit no está decidido por
# las respuestas; el de la **diferencia** de los logits, sí.

# %% [markdown]
# Cuando la respuesta esté bien, aquí se ven las tres copias. Cada una cambia solo los pesos de la última capa.

# %%
if comprobar.hecho("04-1"):
    output = model.layers[-1]
    kernel, bias = output.get_weights()
    heads = {
        "original": (kernel, bias),
        "por 2": (2 * kernel, 2 * bias),
        "más 3": (kernel, bias + 3),
        "más persona": (kernel + kernel[:, 1:], bias + bias[1]),
    }
    chosen = data.prepare_image(images[np.flatnonzero(labels == 0)[0]])
    raw_maps = []
    for head in heads.values():
        last = keras.layers.Dense(2, activation="softmax", name="salida_copia")
        copy = keras.Model(model.input, last(output.input))
        last.set_weights(head)
        raw_maps.append(cam.Explainer(copy).explain(chosen, target=0).raw[0])
    figure = plots.show_signed_maps(raw_maps, list(heads), "Grad-CAM con signo", 4)

# %% [markdown]
# **Figura 1.** Grad-CAM con signo del logit de «caballo» en la red y en tres copias, con una escala común: en rojo, lo
# positivo; en azul, lo negativo. La última da a cualquier imagen las mismas probabilidades que la primera.

# %% [markdown]
# ## 04-2 · HiResCAM y lo que falta
#
# Completar · media · 10 min
#
# De una capa recibes las activaciones y los gradientes del logit, los dos de forma (N, alto, ancho, filtros), y los
# logits, de forma (N,). Calcula el mapa de HiResCAM de cada imagen, con signo, y lo que le falta a su suma para llegar
# al logit.
#
# **Entrega:** `account(activations, gradients, logits)`, que devuelve dos cosas: los mapas, de forma (N, alto, ancho), y
# lo que falta, de forma (N,), en las unidades del logit. Los dos pueden ser negativos.
#
# <details><summary>Pista</summary>
#
# $M_{ij} = \sum_k g_{ijk} A_{ijk}$: cada activación, por su propio gradiente, y se suma el último eje. Después, ¿qué ejes
# hay que sumar para que quede un número por imagen?
#
# </details>
# <details><summary>Un error frecuente</summary>
#
# Sumar el mapa después de la ReLU. La relevancia que se dibuja no suma el logit: lo suma el mapa con signo.
#
# </details>


# %%
def account(activations, gradients, logits):
    # <solución> return ...
    maps = np.sum(gradients * activations, axis=-1)
    return maps, logits - np.sum(maps, axis=(1, 2))
    # </solución>


comprobar("04-2", account)

# %% [markdown] tags=["solucion"]
# El gradiente no se promedia: cada activación se multiplica por el suyo. La suma de todo el mapa con signo es lo que la
# capa recoge. En una red lineal a trozos, lo que falta es lo que aportan los sesgos de las capas siguientes: por eso la
# comprobación puede calcularlo por otro camino, y por eso le falta todo el logit a una imagen que no activa nada.

# %% [markdown]
# Cuando la función esté bien, aquí se usa con la red y se compara con el explicador del curso.

# %%
if comprobar.hecho("04-2"):
    layer = model.get_layer("bloque3_conv2")
    until_layer = keras.Model(model.input, layer.output)
    after_layer = keras.Model(layer.output, model.layers[-1].input)
    kernel, bias = model.layers[-1].get_weights()
    two = data.prepare_image(images[:2])

    activations = until_layer(two)
    with tf.GradientTape() as tape:
        tape.watch(activations)
        logits = (after_layer(activations) @ kernel + bias)[:, 0]
    gradients = tape.gradient(logits, activations)

    maps, missing = account(activations.numpy(), gradients.numpy(), logits.numpy())
    course = explainer.explain(two, layer.name, target=0, method="HiResCAM")
    assert np.allclose(maps, course.raw, atol=1e-3)
    assert np.allclose(missing, cam.completeness_gap(course), atol=1e-2)
    print("Coincide con el explicador del curso, en el mapa y en lo que falta.")

# %% [markdown]
# ## 04-3 · Cuántas veces su superficie
#
# Encontrar el error · media · 15 min
#
# Un compañero mide cuántas veces se lleva el sujeto la relevancia que le toca: la parte del mapa que cae en él, entre
# la parte de la imagen que ocupa. Con sus imágenes, cuadradas, y sus mapas, positivos, todo va bien. Su función tiene
# tres errores. Encuéntralos y escribe otra sin ellos.


# %%
def times_with_errors(raw, mask):
    large = cv2.resize(raw, mask.shape)
    share = large[mask].sum() / (large.sum() + 1e-7)
    return share / mask.mean()


# %% [markdown]
# **Entrega:** `times_its_area(raw, mask)`, que recibe el mapa con signo, (h, w), y la máscara, bool (alto, ancho), y
# devuelve un número: 1 si el sujeto recibe lo que le toca. La relevancia es lo positivo del mapa, antes de ampliarlo por
# interpolación lineal. Si no hay nada positivo, devuelve `np.nan`.
#
# <details><summary>Pista</summary>
#
# Prueba su función con tres casos: un mapa de 4 × 6 y una máscara de 18 × 12; un mapa con algo positivo dentro del sujeto
# y algo negativo fuera; un mapa con todo a 0. ¿Qué debería dar cada uno?
#
# </details>
# <details><summary>Un error frecuente</summary>
#
# Dar 0 cuando el mapa está vacío. Un 0 dice «toda la relevancia cae en el fondo» y, al promediar, cuenta como si se
# hubiera medido.
#
# </details>


# %%
def times_its_area(raw, mask):
    # <solución> return ...
    relevance = cv2.resize(np.maximum(raw, 0), mask.shape[::-1])
    if not relevance.any():
        return np.nan
    return relevance[mask].sum() / relevance.sum() / mask.mean()
    # </solución>


comprobar("04-3", times_its_area)

# %% [markdown] tags=["solucion"]
# Los tres errores:
#
# 1. `cv2.resize` recibe (ancho, alto), y `mask.shape` es (alto, ancho). En una imagen cuadrada no se nota.
# 2. Lo negativo del mapa entra en las dos sumas. La «parte» puede salir negativa, o mayor que 1.
# 3. Con `1e-7`, un mapa vacío da 0 en lugar de «no se sabe». Y un mapa con signo puede valer mucho menos que `1e-7`: no
#    está normalizado.

# %% [markdown]
# Cuando la función esté bien, aquí se compara con `metrics.energy_pointing_game`, que mide la misma parte.

# %%
if comprobar.hecho("04-3"):
    maps = explainer.explain(data.prepare_image(images[:4]), method="HiResCAM")
    large = formulas.resize_heatmaps(maps.heatmap, masks.shape[1:])
    shares = metrics.energy_pointing_game(large, masks[:4])
    for raw, mask, share in zip(maps.raw, masks, shares):
        expected = share / mask.mean()
        assert np.isclose(times_its_area(raw, mask), expected, equal_nan=True)
    print("Coincide con la medida del curso en cuatro imágenes.")

# %% [markdown]
# ## 04-4 · Dos métodos que se contradicen
#
# Interpretar · media · 10 min
#
# Busca en el panel una imagen y una capa en que Grad-CAM y HiResCAM se contradigan sobre el fondo: según uno, el fondo
# recibe más de lo que le toca por su superficie (más de 1,1 veces); según el otro, menos (menos de 0,9). Se explica la
# clase **predicha**.
#
# **Predice antes de mover.** ¿Habrá más contradicciones entre los aciertos o entre los errores de la red?

# %% tags=["remove_output", "nbval-ignore-output"]
board = explorer.Explorer(explainer, images, labels, data.CLASS_NAMES, predicted, masks)
board

# %% [markdown]
# **Entrega:** `found`, el número de la imagen y el nombre de la capa: `(12, "bloque2_conv1")`.
#
# <details><summary>Pista</summary>
#
# Marca **contorno del sujeto** y deja **Clase** en la predicha. Elige HiResCAM y busca una imagen con casi todo lo claro
# dentro del contorno; pasa entonces a Grad-CAM. Empieza por la última capa y por los errores; si los mapas salen
# vacíos, ve hacia las anteriores. Lo que no se decide a ojo lo dice la celda.
#
# </details>
# <details><summary>Un error frecuente</summary>
#
# Mirar si el fondo está más claro que el sujeto. El fondo ocupa casi siempre mucho más, y con un mapa uniforme se
# lleva casi todo: hay que compararlo con lo que le toca.
#
# </details>


# %%
def background_times(position, layer):
    """Las veces que el fondo recibe lo que le toca, con Grad-CAM y con HiResCAM."""
    one, background = data.prepare_image(images[position]), ~masks[[position]]
    times = []
    for method in ("Grad-CAM", "HiResCAM"):
        heatmap = explainer.explain(one, layer, method=method).heatmap
        large = formulas.resize_heatmaps(heatmap, background.shape[1:])
        share = metrics.energy_pointing_game(large, background)[0]
        times.append(share / background.mean())
    return times


# <solución> found = ...
def disagree(position, layer):
    times = background_times(position, layer)
    return min(times) < 0.9 and max(times) > 1.1


numbers, layers = range(len(images)), explainer.layer_names[::-1]
found = next((i, layer) for layer in layers for i in numbers if disagree(i, layer))
# </solución>
given = {"layers": explainer.layer_names, "measure": background_times}
comprobar("04-4", found, count=len(images), **given)

# %% [markdown] tags=["solucion"]
# Aquí la busca un programa, para que valga con cualquier red. Con el panel se llega antes de lo que parece, y por eso
# es peligroso: entre tantas imágenes, capas y métodos, casi siempre hay alguna combinación que dice lo que queríamos oír.

# %%
if comprobar.hecho("04-4"):
    position, layer = found
    one = data.prepare_image(images[position])
    pair = [explainer.explain(one, layer, method=m) for m in ("Grad-CAM", "HiResCAM")]
    outlined = [plots.draw_outline(images[position], masks[position])] * 2
    names = [each.method for each in pair]
    figure = plots.show_overlays(outlined, [each.heatmap[0] for each in pair], names)

# %% [markdown]
# **Figura 2.** La imagen encontrada, con el contorno del sujeto y el mapa de la clase predicha según los dos métodos: el
# mapa solo y superpuesto.

# %% [markdown]
# ## 04-5 · Un mapa que tiene que salir vacío
#
# Diseñar · difícil · 20 min
#
# Tras `bloque3_conv2` ponemos un promedio global y una densa de dos salidas, los logits de «caballo» y de «persona».
# Elige sus pesos y sus sesgos para que el mapa de Grad-CAM de «persona» salga vacío en **cualquier** imagen; el de
# «caballo», en ninguna en que algo se active; y la red responda «persona» a unas imágenes y «caballo» a otras. Todos los
# filtros deben contar: ningún peso puede ser 0.
#
# **Entrega:** `empty_by_design(means)`, que recibe lo que da el promedio global en N imágenes, de forma (N, filtros) y
# nunca negativo, y devuelve los pesos, de forma (filtros, 2), y los sesgos, de forma (2,). La columna 0 es «caballo».
#
# <details><summary>Pista</summary>
#
# Tras un promedio global, lo que pesa un filtro en el mapa de una clase tiene el signo de su peso en la densa. Eso decide
# los pesos. Un sesgo no tiene gradiente y no entra en ningún mapa, pero sí en la respuesta: ¿cuánto debe valer para
# que quede entre las imágenes que más activan los filtros y las que menos?
#
# </details>
# <details><summary>Un error frecuente</summary>
#
# Poner solo los pesos. Si todo lo que se activa va en contra de «persona» y nada la apoya, la red no la responde nunca.
#
# </details>


# %%
def empty_by_design(means):
    # <solución> return ...
    kernel = np.ones((means.shape[1], 2))
    kernel[:, 1] = -1
    # La diferencia de los logits es 2 · suma − sesgo: en la mitad de las imágenes, < 0.
    bias = np.array([0, 2 * np.median(means.sum(axis=1))])
    return kernel, bias
    # </solución>


comprobar("04-5", empty_by_design)

# %% [markdown] tags=["solucion"]
# Con todos los pesos de «persona» negativos y activaciones que no lo son, cada punto de su mapa es negativo o 0: la ReLU
# lo borra. Y, sin embargo, la red responde «persona» a la mitad de las imágenes, y lo hace **por lo que ve**: por lo
# poco que activa los filtros que van en contra. Un mapa vacío no es una red que no mira.

# %% [markdown]
# Cuando el diseño esté bien, aquí se construye la red y se explican las dos clases en una imagen a la que responde
# «persona».

# %%
if comprobar.hecho("04-5"):
    last_maps = model.get_layer("bloque3_conv2").output
    pooled = keras.layers.GlobalAveragePooling2D(name="promedio_global")(last_maps)
    means = keras.Model(model.input, pooled).predict(batches, verbose=0)
    dense = keras.layers.Dense(2, activation="softmax", name="salida_vacia")
    network = keras.Model(model.input, dense(pooled))
    dense.set_weights([np.asarray(each) for each in empty_by_design(means)])

    answers = network.predict(batches, verbose=0).argmax(axis=1)
    chosen = data.prepare_image(images[np.flatnonzero(answers == 1)[0]])
    both = cam.Explainer(network).explain(chosen, target=[[0, 1]])
    titles = [
        f"«{name}»" + (" (vacío)" if empty else "")
        for name, empty in zip(data.CLASS_NAMES, both.empty[0])
    ]
    figure = plots.show_signed_maps(both.raw[0], titles, "Grad-CAM con signo")

# %% [markdown]
# **Figura 3.** Grad-CAM con signo de las dos clases en la red diseñada, en una imagen a la que responde «persona»: en
# rojo, lo positivo; en azul, lo negativo. El mapa de la clase que responde no tiene nada rojo.

# %% [markdown]
# ## 04-6 · Un informe que dice demasiado
#
# Interpretar · media · 10 min
#
# Un informe dice: «Hemos buscado en el panel y hemos encontrado un error de la red en que el fondo se lleva 1,4 veces la
# relevancia que le toca, según Grad-CAM. **Por tanto, la red se equivoca porque mira el fondo**». ¿Qué está medido y
# qué no? ¿Qué harías para saberlo?
#
# **Entrega:** `reading`, un texto de cuatro a ocho frases.
#
# <details><summary>Pista</summary>
#
# Mira tu respuesta a 04-4: ¿qué diría el informe con el otro método? ¿Cuántas imágenes son? ¿Cómo se eligió? ¿Qué
# tendría que ocurrir si la causa fuera el fondo y lo cambiáramos?
#
# </details>
# <details><summary>Un error frecuente</summary>
#
# Rechazar el informe diciendo que Grad-CAM «está mal». Que otro método lo contradiga no dice cuál acierta: dice que los
# mapas no bastan.
#
# </details>
# <details><summary>Rúbrica</summary>
#
# Un punto por cada idea, dicha con tus palabras:
#
# 1. **Qué está medido:** en una imagen, con un método, una capa y una clase, el fondo recibe más relevancia que con un
#    mapa uniforme.
# 2. **Un mapa no es una causa:** señalar una zona no prueba que cambiarla cambie la respuesta.
# 3. **Es un caso, y elegido:** se buscó lo que se quería encontrar. Hacen falta todos los errores, un intervalo y los
#    aciertos de la misma respuesta para comparar.
# 4. **Otro método u otra capa** pueden decir lo contrario, y el informe no lo cuenta; tampoco cuántos mapas salen vacíos.
# 5. **El experimento:** cambiar solo el fondo y mirar si cambia la respuesta, con un pronóstico que pueda fallar.
#
# Con tres puntos está bien; con cinco, muy bien. Resta uno si dice que el fondo **no** influye: tampoco se ha medido.
#
# </details>

# %%
# <solución> reading = ...
reading = """
Está medido que, en esa imagen, en esa capa y según Grad-CAM, el fondo recibe 1,4 veces
lo que le daría un mapa uniforme. No está medido que el fondo cause el error: un mapa
señala una zona, y no dice qué pasaría si cambiara. Además, es un solo caso, y se buscó
hasta encontrarlo. Habría que medir todos los errores, con su intervalo, y los aciertos
de la misma respuesta, y contar los mapas vacíos. En otras imágenes HiResCAM dice lo
contrario que Grad-CAM, y no sabemos cuál acierta. Para saberlo, cambiaría solo el fondo:
si es la causa, con otro fondo la respuesta debería dejar de ser errónea. Si no cambia,
el informe estaba equivocado en ese caso.
"""
# </solución>
comprobar("04-6", reading)

# %% [markdown] tags=["solucion"]
# No hay una sola respuesta buena. Esta tiene los cinco puntos de la rúbrica. La lección 5 hace el experimento.

# %% [markdown]
# ## Resumen

# %%
comprobar.resumen("04")
