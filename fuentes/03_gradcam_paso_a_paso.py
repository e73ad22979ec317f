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
# # 03 · Mapas de calor con Grad-CAM, paso a paso
#
# [![Abrir en Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/TU_USUARIO/curso-gradcam/blob/main/notebooks/03_gradcam_paso_a_paso.ipynb)
# [![Abrir en Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/TU_USUARIO/curso-gradcam/main?urlpath=lab/tree/notebooks/03_gradcam_paso_a_paso.ipynb)
# [Descargar el cuaderno](https://github.com/TU_USUARIO/curso-gradcam/raw/main/notebooks/03_gradcam_paso_a_paso.ipynb)
#
# **Duración:** 45 min · CPU

# %% [markdown]
# ## Preguntas
#
# - ¿Qué región de la imagen asocia la red a su predicción?
# - ¿Cómo se calcula ese mapa, número a número?
# - ¿Qué podemos afirmar al verlo, y qué no?
#
# ## Objetivos
#
# Al terminar podrás:
#
# 1. partir una red en dos: la que extrae características y la que clasifica;
# 2. calcular el mapa de Grad-CAM de una imagen con `GradientTape`;
# 3. explicar por qué se derivan los *logits* y no las probabilidades;
# 4. comparar mapas de varias capas y decir qué no demuestran.

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
from gradcam_helpers import cam, data, explorer, models, plots
import cv2
import keras
import numpy as np
import tensorflow as tf

source = data.prepare_source()
print(source)

# %%
model = models.load_trained(source)
images, labels = data.load_images(source, "test", count=100)
browser = explorer.ImageBrowser(images, labels, data.CLASS_NAMES)

# %% [markdown]
# La red es la que guardó la lección 2 o, si no está, la que se publica con el curso, entrenada con la misma
# receta y los mismos datos.
#
# ## Elegir una imagen
#
# Son imágenes de prueba: la red no las ha visto. Elige una con el control; si más adelante la cambias, ejecuta
# de nuevo desde la celda de la figura 1.

# %% tags=["remove_output", "nbval-ignore-output"]
browser

# %%
image = images[browser.position]
true_name = data.CLASS_NAMES[labels[browser.position]]
figure = plots.show_images([image], [f"Imagen {browser.position}: {true_name}"])

# %% [markdown]
# **Figura 1.** La imagen elegida, de 300 × 300 píxeles, con su clase verdadera.
#
# La red espera un lote de valores entre 0 y 1: hay que pasar a números reales, dividir entre 255 y añadir la
# dimensión del lote.

# %%
array = keras.utils.img_to_array(image)
batch = np.expand_dims(array / 255, axis=0)
print(image.shape, image.dtype, "→", batch.shape, batch.dtype)

# %% [markdown]
# Un lote de una imagen. `data.prepare_image` hace lo mismo y avisa si la imagen no tiene la forma o el
# intervalo que la red espera.

# %%
assert np.array_equal(batch, data.prepare_image(image))

# %% [markdown]
# **Predice.** ¿Qué dirá la red? ¿Con qué confianza?

# %%
probabilities = model.predict(batch, verbose=0)[0]
for name, probability in zip(data.CLASS_NAMES, probabilities):
    print(f"{name}: {probability:.4f}")

# %% [markdown]
# Las dos probabilidades suman 1. Ya tenemos la predicción: busquemos la región que la red asocia a ella.
#
# <details><summary>Lo que se ve con los datos embebidos</summary>
#
# La primera imagen es una persona, y la red lo dice casi sin dudar: da
# 0,9995<!-- persona: --> a «persona» y 0,0005<!-- caballo: --> a «caballo».
#
# </details>

# %% [markdown]
# ## La intuición
#
# Grad-CAM (Selvaraju y otros, 2017) pregunta a la **última capa convolucional**. De ella el artículo espera los
# patrones más complejos, y sus mapas de características aún conservan *dónde* está cada cosa: después, la red
# los aplana. Las preguntas son dos:
#
# 1. **¿dónde** responde cada filtro? Lo dicen sus activaciones, $A_k$;
# 2. **¿cuánto importa** cada filtro para la clase? Lo dice el gradiente, respecto de $A_k$, de la puntuación que
#    la red da a la clase.
#
# El mapa de calor es la suma de los mapas de características, **ponderada** por el promedio de esos gradientes.

# %% [markdown]
# ## Paso a paso
#
# ### 1. Partir la red
#
# Cortamos por `bloque3_conv2`: la primera parte da las características y la segunda clasifica a partir de
# ellas.

# %%
last_convolution = model.get_layer("bloque3_conv2")
features = keras.Model(model.input, last_convolution.output)

position = model.layers.index(last_convolution)
rest = model.layers[position + 1 :]
classifier = keras.Sequential([keras.Input(last_convolution.output.shape[1:]), *rest])

print("Características:", features.input_shape, "→", features.output_shape)
print("Clasificador:   ", classifier.input_shape, "→", classifier.output_shape)

# %% [markdown]
# La salida de la primera es la entrada de la segunda: 128 mapas de 75 × 75. Las capas son las mismas, con los
# mismos pesos, así que juntas deben predecir lo que la red entera:

# %%
activations = features(batch)
assert np.allclose(classifier(activations), model(batch), atol=1e-6)

# %% [markdown]
# Se cumple. Dibujemos, de los 128 mapas, los ocho con mayor respuesta:

# %%
strongest = np.argsort(activations.numpy()[0].max(axis=(0, 1)))[::-1][:8]
maps = [activations.numpy()[0, :, :, k] for k in strongest]
figure = plots.show_activations(maps, [f"filtro {k}" for k in strongest])

# %% [markdown]
# **Figura 2.** Los ocho mapas de características más activos de `bloque3_conv2`, con una escala común: oscuro,
# sin respuesta; claro, respuesta alta. ¿Qué destaca cada filtro: contornos, partes del cuerpo, fondo?
#
# <details><summary>Lo que se ve con los datos embebidos</summary>
#
# Los ocho se parecen mucho: responden al contorno izquierdo de la cabeza y, menos, al del cuerpo y al marco de la
# imagen. Ninguno responde al blanco liso. Los filtros más activos no son ocho detectores distintos.
#
# </details>

# %% [markdown]
# ### 2. Puntuar la clase y derivar
#
# `tf.GradientTape` («cinta de gradientes») graba las operaciones para derivarlas después. Las activaciones no
# son pesos, así que hay que pedirle que las observe.
#
# La puntuación es el **logit**, el valor de la última capa *antes* de la softmax, $y = h W + b$: $h$ es la
# salida de `densa`, y $W$ y $b$, los pesos y sesgos de `salida`. Lo calculamos a mano, sin cambiar la red; por
# eso `body` es el clasificador sin su última capa.

# %%
body = keras.Sequential([keras.Input(last_convolution.output.shape[1:]), *rest[:-1]])
output = model.layers[-1]

with tf.GradientTape() as tape:
    tape.watch(activations)
    hidden = body(activations, training=False)  # el dropout no apaga nada
    logits = tf.matmul(hidden, output.kernel) + output.bias
    predicted = int(tf.argmax(logits[0]))
    score = logits[:, predicted]
gradients = tape.gradient(score, activations)

assert np.allclose(tf.nn.softmax(logits), model(batch), atol=1e-6)
print("Clase predicha:", data.CLASS_NAMES[predicted])
print("Activaciones:", activations.shape, "Gradientes:", gradients.shape)

# %% [markdown]
# La softmax de los logits es la predicción: la cuenta está bien hecha. El gradiente tiene la forma de las
# activaciones: dice cuánto cambiaría el logit si cambiara un poco cada valor de cada mapa.
#
# ¿Por qué no derivar la probabilidad? Más abajo haremos la cuenta.

# %% [markdown]
# ### 3. Promediar: un peso por filtro
#
# Grad-CAM resume el gradiente de cada filtro en su promedio en las $Z = 75 \cdot 75$ posiciones, donde $y_c$ es
# el logit de la clase explicada:
#
# $$\alpha_k = \frac{1}{Z}\sum_{i,j}\frac{\partial y_c}{\partial A_{ijk}}$$

# %%
alpha = tf.reduce_mean(gradients, axis=(1, 2))
print("Pesos:", alpha.shape)

# %% [markdown]
# Quedan 128 pesos, uno por filtro. Se promedia en filas y columnas, `(1, 2)`; con `(0, 1, 2)` mezclaríamos las
# imágenes del lote, un error frecuente. La cuenta es la de un promedio global (*global average pooling*), pero
# la red no la hace: tras `bloque3_conv2` tiene un agrupamiento.
#
# ### 4. Ponderar y sumar
#
# Multiplicamos cada mapa por su peso y sumamos los 128:
#
# $$M_{ij} = \sum_k \alpha_k A_{ijk}$$

# %%
weighted = alpha[:, tf.newaxis, tf.newaxis, :] * activations
raw = tf.reduce_sum(weighted, axis=-1).numpy()[0]
figure = plots.show_signed_maps([raw], ["Antes de la ReLU"], "Grad-CAM con signo")

# %% [markdown]
# **Figura 3.** De 128 mapas hemos pasado a uno, con signo: en rojo, las zonas que apoyan la clase; en azul, las
# que van en contra; en blanco, las indiferentes. Sus valores no suman el logit: los gradientes se han promediado.
#
# <details><summary>Lo que se ve con los datos embebidos</summary>
#
# Todo es rojo, en distinto grado: según Grad-CAM, nada de esta imagen va en contra de «persona».
#
# </details>
#
# ### 5. ReLU y normalización, con una salvaguarda
#
# Grad-CAM se queda con lo que **apoya** la clase, $\max(M, 0)$, y divide entre el máximo. Llamamos
# **relevancia** al resultado, de 0 a 1. Si nada apoya la clase, el máximo es 0, y $0/0$ no es un número: el
# mapa **vacío** hay que devolverlo vacío, y decirlo.

# %%
positive = np.maximum(raw, 0)
maximum = positive.max()
heatmap = positive / maximum if maximum > 0 else np.zeros_like(positive)
assert 0 <= heatmap.min() <= heatmap.max() <= 1

# %% [markdown]
# Tiene un precio: cada mapa se divide entre **su propio** máximo, así que los colores de dos imágenes no se
# pueden comparar.
#
# ### 6. Ampliar y superponer
#
# El mapa mide 75 × 75. OpenCV, que pide el tamaño como (ancho, alto), lo amplía sin añadir detalle. Después le
# damos color y lo mezclamos con la imagen. La claridad de *inferno* crece de forma uniforme; la de *jet*, muy
# usado, sube y baja, y dibuja fronteras donde no las hay.

# %%
from matplotlib import colormaps

OPACITY = 0.5
large = cv2.resize(heatmap, (300, 300), interpolation=cv2.INTER_LINEAR)
colors = colormaps["inferno"](large)[:, :, :3] * 255
blended = np.rint((1 - OPACITY) * image + OPACITY * colors).astype(np.uint8)
assert np.array_equal(blended, plots.overlay(image, heatmap, OPACITY))

# %%
title = f"Grad-CAM de «{data.CLASS_NAMES[predicted]}»"
figure = plots.show_overlays([image], [heatmap], [title])

# %% [markdown]
# **Figura 4.** A la izquierda, el mapa solo, con los colores de la barra: oscuro, sin relevancia; claro, el
# máximo **de este mapa**. A la derecha, mezclado con la imagen: sobre el blanco, los colores se aclaran, y el
# gris es relevancia cero.
#
# **Predice.** A ojo, ¿qué parte de toda la relevancia cae fuera del caballo o de la persona, en el fondo?

# %%
background = ~data.load_masks(source, "test", count=100)[browser.position]
print(f"El fondo ocupa: {100 * background.mean():.0f} %")
if maximum > 0:
    share = large[background].sum() / large.sum()
    print(f"Relevancia en el fondo: {100 * share:.0f} %")

# %% [markdown]
# <details><summary>Lo que se ve con los datos embebidos</summary>
#
# Lo más claro es el contorno izquierdo de la cabeza. Sin embargo, el 47 %<!-- Relevancia en el fondo: --> de la
# relevancia cae en el fondo, que ocupa el 54 %<!-- El fondo ocupa: -->: cada píxel blanco tiene poca, pero son
# muchos. El ojo busca el máximo y no ve la suma.
#
# </details>

# %% [markdown]
# ## Comprobación
#
# Todo lo anterior cabe en una llamada al módulo de ayuda:

# %%
explainer = cam.Explainer(model)
explanation = explainer.explain(batch, layer="bloque3_conv2")

tolerance = 1e-4 * np.abs(raw).max()
assert explanation.target[0] == predicted
assert np.allclose(explanation.raw[0], raw, atol=tolerance)
assert np.allclose(explanation.heatmap[0], heatmap, atol=1e-3)
print("El módulo de ayuda da el mismo mapa:", explanation.heatmap.shape)

# %% [markdown]
# Coinciden, salvo el redondeo. Lee `grad_cam` en `gradcam_helpers/formulas.py`: `alpha` es el paso 3, y
# `_weighted_sum`, el 4.
#
# **Predice.** ¿Cómo será el mapa de la **otra** clase?

# %%
two = explainer.explain(batch, target=[[predicted, 1 - predicted]])
titles = [f"A favor de «{data.CLASS_NAMES[i]}»" for i in two.target[0]]
figure = plots.show_signed_maps(two.raw[0], titles, "Grad-CAM con signo")

correlation = np.corrcoef(two.raw[0, 0].ravel(), two.raw[0, 1].ravel())[0, 1]
print(f"Correlación de los dos mapas: {correlation:.2f}")

# %% [markdown]
# **Figura 5.** Los mapas de las dos clases antes de la ReLU, con una escala común: a la izquierda, el de la
# clase predicha. Si uno es el negativo del otro, la correlación se acerca a −1.
#
# <details><summary>Lo que se ve con los datos embebidos</summary>
#
# Uno es el negativo del otro: la correlación es −1,00<!-- Correlación de los dos mapas: -->. Preguntar por «caballo»
# no añade nada a lo que ya decía el mapa de «persona».
#
# </details>

# %% [markdown]
# ### El gradiente de la probabilidad se apaga
#
# ¿Por qué derivar el logit y no la probabilidad $p$? Con dos clases, el gradiente de $p$ es $p(1-p)$ por el
# gradiente de la **diferencia** de los logits. ¿Cuánto queda de ese factor cuando la red está más segura?
# Separemos los logits y miremos las dos probabilidades.
#
# **Predice.** ¿Cuál se redondeará antes del todo: la que se acerca a 1 o la que se acerca a 0?

# %%
for gap in (2, 8, 30, 120):
    p, other = tf.nn.softmax([gap, 0.0]).numpy()
    numbers = f"p = {p:.4f}, la otra = {other:.0e}, p(1 − p) = {p * (1 - p):.0e}"
    print(f"diferencia {gap}: {numbers}")

# %% [markdown]
# <details><summary>Respuesta</summary>
#
# La que se acerca a 1. Con una diferencia de 30, $p$ se redondea a 1 y $1-p$, a 0, pero la otra probabilidad
# todavía no: el gradiente del logit de la clase desaparece y el del otro se queda **solo**. Al normalizar sale
# un mapa verosímil y falso. Con 120 ya no queda nada. El gradiente del logit no pasa por la softmax, y nada de
# esto le ocurre.
#
# </details>
#
# Derivar la probabilidad creyendo derivar el logit es un error frecuente: la lección 4 enseña el mapa falso.

# %% [markdown]
# ## Explora
#
# **Predice antes de mover.** En la lección 2 calculamos el campo receptivo: cada valor de la primera capa
# depende de 3 × 3 píxeles; cada uno de la última, de 32 × 32. ¿Qué aspecto tendrá el mapa de `bloque1_conv1`?

# %% tags=["remove_output", "nbval-ignore-output"]
explorer.Explorer(explainer, images, labels, data.CLASS_NAMES, basic=True)

# %%
by_layer = explainer.explain(batch, layer=explainer.layer_names)
titles = [
    f"{one.layer}, {one.raw.shape[1]} × {one.raw.shape[2]}"
    + (" (vacío)" if one.empty[0] else "")
    for one in by_layer
]
heatmaps = [one.heatmap[0] for one in by_layer]
figure = plots.show_overlays([image] * len(heatmaps), heatmaps, titles)

# %% [markdown]
# **Figura 6.** El mismo Grad-CAM en las seis capas convolucionales, de la primera (arriba a la izquierda) a la
# última (abajo a la derecha). «(vacío)» avisa de que nada en esa capa apoya la clase, según Grad-CAM.
#
# <details><summary>Lo que se ve con los datos embebidos</summary>
#
# Las dos primeras capas iluminan la cara y el pelo, zonas de color; desde el segundo bloque manda el contorno
# izquierdo de la cabeza, cada vez más grueso. Ninguna está vacía, y solo en la última deja de ser negro el fondo.
#
# </details>
#
# En las primeras capas, un solo peso por filtro dice poco: un filtro de bordes o de claridad responde en toda la
# imagen, importe allí o no.

# %% [markdown]
# ### Seis mapas no resuelven la sospecha del fondo
#
# La lección 1 dejó una sospecha: que la red se apoye en el fondo. En las imágenes de validación hay paisajes u
# otros fondos; en las de prueba, solo blanco.
#
# **Predice.** ¿Caerá la relevancia fuera del caballo o de la persona? ¿Más en las que tienen paisaje?

# %%
familiar, familiar_labels = data.load_images(source, data.VALIDATION_SPLIT, count=3)
pictures = np.concatenate([familiar, images[:3]])
truth = [*familiar_labels, *labels[:3]]
compared = explainer.explain(data.prepare_image(pictures))
titles = [
    f"«{data.CLASS_NAMES[answer]}»"
    + ("" if answer == true_class else f", y es {data.CLASS_NAMES[true_class]}")
    + (" (vacío)" if empty else "")
    for answer, true_class, empty in zip(compared.target, truth, compared.empty)
]
figure = plots.show_overlays(pictures, compared.heatmap, titles, columns=3)

# %% [markdown]
# **Figura 7.** Grad-CAM de la clase predicha, la del rótulo, en `bloque3_conv2`. Arriba, tres imágenes de
# validación; abajo, tres de prueba. ¿Hay relevancia en el suelo, el cielo o la vegetación? ¿Y en el blanco?
#
# <details><summary>Lo que se ve con los datos embebidos</summary>
#
# La red acierta las seis. En la primera destacan las patas y, menos, la hierba; en la segunda, las montañas y el
# torso; en la tercera, la persona. Sobre blanco, lo más claro sigue la silueta. No se puede concluir.
#
# </details>
#
# A ojo no se suma: la lección 4 lo hará, con muchas más imágenes.

# %% [markdown]
# ## Límites
#
# Este mapa **no** demuestra que:
#
# - **la zona marcada sea la causa.** Sale de una aproximación lineal en torno a esta imagen; para hablar de
#   causas hay que cambiar la imagen y ver si cambia la predicción;
# - **el resto no importe.** La ReLU borra lo que va en contra, y el promedio olvida *dónde* importaba cada
#   filtro. No perdería nada si a la capa le siguieran un promedio global y una densa; no es nuestro caso;
# - **la red esté más segura cuanto más brille el mapa.** Cada uno se normaliza con su máximo;
# - **los bordes sean exactos.** Un mapa de 75 × 75 ampliado es borroso;
# - **la red razone bien.** Un mapa convincente puede acompañar a una predicción equivocada, y al revés.

# %% [markdown]
# ## Ejercicios
#
# Están en [su cuaderno](ejercicios/03_gradcam_paso_a_paso_ejercicios.ipynb), que dice de cada respuesta si vale y, si
# no, por qué puede ser:
#
# 1. **De una imagen a un lote:** escribir Grad-CAM para muchas imágenes a la vez, sin mezclarlas.
# 2. **Derivar el logit:** usar la cinta de gradientes sin cambiar la red.
# 3. **Tres errores al superponer:** encontrar lo que falla al mezclar un mapa con su imagen.
# 4. **El punto más claro y la suma:** leer un mapa con el explorador.
# 5. **Una frase de más:** decir qué se puede afirmar de cuatro mapas.
# 6. **La cacería:** de nueve funciones que dicen ser Grad-CAM, hallar la única sin errores.
#
# Después de intentarlos, compara con [las soluciones](soluciones/03_gradcam_paso_a_paso_soluciones.ipynb).

# %% [markdown]
# ## Lo que hemos visto
#
# 1. Una red se puede cortar por una capa sin que cambie lo que predice.
# 2. Grad-CAM: derivar el logit, promediar por filtro, ponderar los mapas, sumar, ReLU y normalizar.
# 3. Se deriva el logit: el gradiente de la probabilidad se desvanece, o se falsea por redondeo, cuando la red
#    está muy segura.
# 4. Cada capa da un mapa distinto, y ninguno demuestra una causa. El ojo ve el máximo de un mapa y no su suma: la
#    sospecha del fondo sigue abierta.

# %% [markdown]
# ## Para seguir
#
# - R. R. Selvaraju y otros (2017). *Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
#   Localization*. ICCV. [arXiv:1610.02391](https://arxiv.org/abs/1610.02391).
# - B. Zhou y otros (2016). *Learning Deep Features for Discriminative Localization*. CVPR.
#   [arXiv:1512.04150](https://arxiv.org/abs/1512.04150): CAM, el método del que parte Grad-CAM.
# - F. Santiago, curso M72.1.09, Facultad de Ciencias Económicas de la Universidad de Buenos Aires: la narración
#   original.
# - Lección anterior: [02 · Una red neuronal convolucional](02_red_convolucional.ipynb). Lección siguiente:
#   [04 · El explorador](04_explorador.ipynb).
