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
# **Duración:** 50 min · CPU

# %% [markdown]
# ## Preguntas
#
# - ¿Qué región de la imagen asocia la red a su predicción?
# - ¿Cómo se calcula ese mapa, número a número?
# - ¿Qué podemos afirmar al verlo, y qué no?

# %% [markdown]
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
from gradcam_helpers import cam, data, explorer, models, plots
import cv2
import keras
import numpy as np
import tensorflow as tf

source = data.prepare_source()
print(source)

# %% [markdown]
# La red es la que guardó la lección 2. Si no está, la celda siguiente carga la que se publica con el curso,
# entrenada con la misma receta y los mismos datos.

# %%
model = models.load_trained(source)

# %% [markdown]
# ## Elegir una imagen
#
# Usaremos imágenes de prueba, que la red no ha visto. Elige una con el control; las celdas siguientes
# trabajarán con ella. Si cambias de imagen, ejecuta de nuevo desde la celda de la figura 1 hacia abajo.

# %%
images, labels = data.load_images(source, "test", count=100)
browser = explorer.ImageBrowser(images, labels, data.CLASS_NAMES)

# %% tags=["remove_output", "nbval-ignore-output"]
browser

# %%
image = images[browser.position]
true_name = data.CLASS_NAMES[labels[browser.position]]
figure = plots.show_images([image], [f"Imagen {browser.position}: {true_name}"])

# %% [markdown]
# **Figura 1.** La imagen elegida, de 300 × 300 píxeles, con su clase verdadera.

# %% [markdown]
# ### Adaptarla a la red
#
# La red se entrenó con lotes de valores entre 0 y 1. Hay que hacer tres cosas: convertir la imagen en una
# matriz de números reales, dividir entre 255 y añadir al principio la dimensión del lote.

# %%
array = keras.utils.img_to_array(image)
batch = np.expand_dims(array / 255, axis=0)
print(image.shape, image.dtype, "→", batch.shape, batch.dtype)

# %% [markdown]
# La forma pasa de (300, 300, 3) a (1, 300, 300, 3): un lote de una imagen. `data.prepare_image` hace lo
# mismo y, además, avisa si la imagen no tiene la forma o el intervalo que la red espera.

# %%
assert np.array_equal(batch, data.prepare_image(image))

# %% [markdown]
# **Predice.** ¿Qué dirá la red? ¿Con qué confianza?

# %%
probabilities = model.predict(batch, verbose=0)[0]
for name, probability in zip(data.CLASS_NAMES, probabilities):
    print(f"{name}: {probability:.4f}")

# %% [markdown]
# Las dos probabilidades suman 1. Ya tenemos la predicción; ahora queremos su porqué.

# %% [markdown]
# ## La intuición
#
# La **última capa convolucional** es un buen lugar donde preguntar: sus mapas de características responden
# a patrones complejos y todavía conservan *dónde* está cada cosa. Después, la red los aplana y la posición
# deja de verse.
#
# Grad-CAM (Selvaraju y otros, 2017) hace dos preguntas sobre esos mapas:
#
# 1. **¿dónde** responde cada filtro? Lo dicen sus activaciones, $A_k$;
# 2. **¿cuánto importa** cada filtro para la clase? Lo dice el gradiente de la puntuación de la clase
#    respecto de $A_k$.
#
# El mapa de calor es la suma de los mapas, cada uno con el peso que le da su gradiente.

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
# La salida de la primera parte es la entrada de la segunda: 128 mapas de 75 × 75. ¿Predicen juntas lo mismo
# que la red entera?

# %%
together = classifier(features(batch)).numpy()
assert np.allclose(together, model(batch).numpy(), atol=1e-6)
print("Las dos mitades, juntas, predicen lo mismo.")

# %% [markdown]
# Cortar la red no la ha cambiado: las capas son las mismas, con los mismos pesos.

# %% [markdown]
# ### 2. Hacia delante, con la cinta grabando
#
# `tf.GradientTape` («cinta de gradientes») graba las operaciones para derivarlas después. Las activaciones
# no son pesos de la red, así que hay que pedirle que las observe: `tape.watch(activations)`.
#
# Queremos los **logits**, los valores de la última capa *antes* de la softmax, la función que los convierte
# en probabilidades. No le quitamos a la red esa activación, lo que cambiaría sus predicciones: evaluamos la
# capa a mano, $y = h W + b$, donde $h$ es la salida de `densa` (128 números), y $W$ y $b$, los pesos y
# sesgos de `salida`. Por eso `body` es `classifier` sin la última capa. Con `training=False`, el *dropout*
# no apaga nada.

# %%
body = keras.Sequential([keras.Input(last_convolution.output.shape[1:]), *rest[:-1]])
output = model.layers[-1]

activations = features(batch)
with tf.GradientTape() as tape:
    tape.watch(activations)
    hidden = body(activations, training=False)
    logits = tf.matmul(hidden, output.kernel) + output.bias
    predicted = int(tf.argmax(logits[0]))
    score = logits[:, predicted]

assert np.allclose(tf.nn.softmax(logits), model(batch), atol=1e-6)

# %% [markdown]
# La softmax de nuestros logits es la predicción de la red: la cuenta está bien hecha. Veamos qué clase
# ganó.

# %%
print("Clase predicha:", data.CLASS_NAMES[predicted])
for name, logit in zip(data.CLASS_NAMES, logits[0].numpy()):
    print(f"logit de {name}: {logit:+.2f}")

# %% [markdown]
# La clase predicha es la de mayor logit. Un logit es un número cualquiera, positivo o negativo, y los dos
# no tienen por qué sumar 1.
#
# #### ¿Qué hay en las activaciones?
#
# Dibujemos los ocho mapas con mayor respuesta de los 128:

# %%
strongest = np.argsort(activations.numpy()[0].max(axis=(0, 1)))[::-1][:8]
maps = [activations.numpy()[0, :, :, k] for k in strongest]
figure = plots.show_activations(maps, [f"filtro {k}" for k in strongest])

# %% [markdown]
# **Figura 2.** Los ocho mapas de características más activos de `bloque3_conv2`, con una escala común:
# oscuro, sin respuesta; claro, respuesta alta. ¿Qué destaca cada filtro? Busca contornos, partes del
# cuerpo, fondo…
#
# ### 3. Los gradientes
#
# Ahora derivamos: ¿cuánto cambiaría el logit si cambiara un poco cada valor de cada mapa?

# %%
gradients = tape.gradient(score, activations)
print("Activaciones:", activations.shape)
print("Gradientes:  ", gradients.shape)

# %% [markdown]
# El gradiente tiene **la misma forma** que las activaciones: un número por cada valor.
#
# #### ¿Por qué el logit y no la probabilidad?
#
# Cuando la red está muy segura, la softmax se satura: la probabilidad vale casi 1 y apenas puede cambiar,
# así que su gradiente se desvanece. El del logit, no. Comparémoslos:

# %%
with tf.GradientTape() as probability_tape:
    probability_tape.watch(activations)
    probability = classifier(activations, training=False)[:, predicted]
probability_gradients = probability_tape.gradient(probability, activations)

print(f"Probabilidad de la clase: {float(probability[0]):.4f}")
print(f"Mayor gradiente del logit:           {np.abs(gradients).max():.2e}")
print(f"Mayor gradiente de la probabilidad:  {np.abs(probability_gradients).max():.2e}")

# %% [markdown]
# Que el segundo sea menor no sería grave por sí mismo: al normalizar el mapa, la escala se pierde. Hay dos
# razones de más peso:
#
# - con dos clases, el gradiente de la probabilidad $p$ es $p(1-p)$ por el gradiente de la **diferencia** de
#   los dos logits: responde a otra pregunta;
# - cuando la red está tan segura que $p$ se redondea a 1, la cuenta ya no deriva la diferencia, sino solo el
#   otro logit, y al normalizar puede salir un mapa verosímil y falso; con más seguridad todavía, también la
#   otra probabilidad se redondea a 0 y no queda nada que normalizar.
#
# Veámoslo. Multiplicar los logits por un número no cambia la clase predicha, solo la seguridad. ¿Qué factor
# queda con cada uno?

# %%
for scale in (0.25, 0.5, 1, 4, 16):
    p = tf.nn.softmax(scale * logits)[0, predicted].numpy()
    print(f"logits × {scale:5.2f}: p = {p:.4f}, p(1 − p) = {p * (1 - p):.1e}")

# %% [markdown]
# Con logits grandes el factor se desploma, y lo que queda en el gradiente es redondeo. Derivar la
# probabilidad creyendo derivar el logit es un error frecuente.

# %% [markdown]
# ### 4. Promediar: un peso por filtro
#
# Grad-CAM resume el gradiente de cada filtro en un número, su promedio en las $Z = 75 \cdot 75$ posiciones:
#
# $$\alpha_k = \frac{1}{Z}\sum_{i,j}\frac{\partial y_c}{\partial A_{ijk}}$$
#
# donde $y_c$ es el logit de la clase explicada.

# %%
alpha = tf.reduce_mean(gradients, axis=(1, 2))
print("Pesos:", alpha.shape)

# %% [markdown]
# Quedan 128 pesos por imagen, uno por filtro. Fíjate en los ejes: se promedia en filas y columnas, `(1,
# 2)`, **no** en el eje 0. Si incluyéramos el lote, `(0, 1, 2)`, mezclaríamos imágenes distintas.
#
# Este promedio es lo mismo que una capa de *promedio global* (*global average pooling*) aplicada a los
# gradientes:

# %%
pooled = keras.layers.GlobalAveragePooling2D()(gradients)
assert np.allclose(alpha, pooled, atol=1e-7)
print("Capa que sigue en la red:", rest[0].name)

# %% [markdown]
# Coincide, pero no confundas la operación con la red: aquí la capa que sigue a `bloque3_conv2` es un
# agrupamiento y después vienen `aplanar` y las densas. Si la red tuviera promedio global, el gradiente de
# un filtro sería igual en todas sus posiciones y promediar no perdería nada. En la nuestra cambia de una a
# otra, y el promedio lo olvida: es una aproximación.
#
# ### 5. Pesar y sumar
#
# Multiplicamos cada mapa por su peso y sumamos los 128:
#
# $$M_{ij} = \sum_k \alpha_k A_{ijk}$$

# %%
weighted = alpha[:, tf.newaxis, tf.newaxis, :] * activations
raw = tf.reduce_sum(weighted, axis=-1).numpy()[0]
print("Mapa:", raw.shape)

# %% [markdown]
# De 128 mapas hemos pasado a uno. ¿Y si promediáramos los filtros en lugar de sumarlos? El mapa sería 128
# veces menor, y al normalizarlo daría igual. La suma es la fórmula del artículo.

# %%
mean_map = tf.reduce_mean(weighted, axis=-1).numpy()[0]
assert np.allclose(mean_map * 128, raw, rtol=1e-4, atol=1e-6)

# %% [markdown]
# El mapa tiene signo: hay zonas que apoyan la clase y otras que van en contra. Para verlo, repitamos los
# pasos 2 a 5 con la **otra** clase.

# %%
with tf.GradientTape() as other_tape:
    other_tape.watch(activations)
    other_logits = tf.matmul(body(activations, training=False), output.kernel)
    other_score = other_logits[:, 1 - predicted] + output.bias[1 - predicted]
other_alpha = tf.reduce_mean(other_tape.gradient(other_score, activations), axis=(1, 2))
other_weighted = other_alpha[:, tf.newaxis, tf.newaxis, :] * activations
other_raw = tf.reduce_sum(other_weighted, axis=-1).numpy()[0]

# %%
titles = [f"A favor de «{data.CLASS_NAMES[i]}»" for i in (predicted, 1 - predicted)]
figure = plots.show_signed_maps([raw, other_raw], titles, "Contribución al logit")

# %% [markdown]
# **Figura 3.** Los mapas de las dos clases antes de la ReLU, con una escala común: a la izquierda, el de la
# clase predicha. En rojo, las zonas que apoyan la clase; en azul, las que van en contra; en blanco, las
# indiferentes. A menudo uno parece el negativo del otro, como es de esperar si solo hay dos clases.
#
# ### 6. ReLU
#
# Grad-CAM se queda con lo que **apoya** la clase y pone a cero lo negativo, $\max(M, 0)$:

# %%
positive = np.maximum(raw, 0)
assert positive.min() >= 0

# %% [markdown]
# ### 7. Normalizar, con una salvaguarda
#
# Dividimos entre el máximo para que el mapa vaya de 0 a 1. Pero si nada apoya la clase el máximo es 0, y
# $0/0$ no es un número. Ese mapa **vacío** hay que devolverlo vacío, y decirlo:

# %%
maximum = positive.max()
heatmap = positive / maximum if maximum > 0 else np.zeros_like(positive)
print("¿Entre 0 y 1?", bool(0 <= heatmap.min() <= heatmap.max() <= 1))

# %% [markdown]
# Se cumple. Recuerda el precio: cada mapa se divide entre **su propio** máximo, así que los colores de dos
# imágenes distintas no se pueden comparar.
#
# ### 8. Ampliar y superponer
#
# El mapa mide 75 × 75 y la imagen, 300 × 300. OpenCV lo amplía por interpolación. Cuidado: `cv2.resize`
# pide el tamaño como (ancho, alto).

# %%
large = cv2.resize(heatmap, (300, 300), interpolation=cv2.INTER_LINEAR)
print(heatmap.shape, "→", large.shape)

# %% [markdown]
# Ampliar no añade detalle: a cada valor del mapa le tocan 4 × 4 píxeles, aunque resume una zona mayor, su
# campo receptivo.
#
# Por último, damos color al mapa y lo mezclamos con la imagen, con opacidad 0,5. Usamos el mapa de colores
# *inferno*, en el que la claridad crece de forma uniforme; el popular *jet* inventa fronteras donde no las
# hay.

# %%
from matplotlib import colormaps

OPACITY = 0.5
colors = colormaps["inferno"](large)[:, :, :3] * 255
blended = np.rint((1 - OPACITY) * image + OPACITY * colors).astype(np.uint8)
assert np.array_equal(blended, plots.overlay(image, heatmap, OPACITY))

# %%
title = f"Grad-CAM de «{data.CLASS_NAMES[predicted]}»"
figure = plots.show_overlays([image], [heatmap], [title])

# %% [markdown]
# **Figura 4.** La imagen con el mapa superpuesto. La barra da la escala: oscuro, sin relevancia; claro, el
# máximo **de este mapa**. Al mezclarse, los colores se aclaran donde la imagen es blanca: ahí, el gris es
# relevancia cero. ¿Está la relevancia sobre el caballo o la persona, o en el fondo?

# %% [markdown]
# ## Comprobación
#
# Todo lo anterior cabe en una llamada al módulo de ayuda. Construimos una vez el explicador de la red y le
# preguntamos cuanto queramos:

# %%
explainer = cam.Explainer(model)
explanation = explainer.explain(batch, layer="bloque3_conv2")

tolerance = 1e-4 * np.abs(raw).max()
assert explanation.target[0] == predicted
assert np.allclose(explanation.raw[0], raw, atol=tolerance)
assert np.allclose(explanation.heatmap[0], heatmap, atol=1e-3)
print("El módulo de ayuda da el mismo mapa:", explanation.heatmap.shape)

# %% [markdown]
# Los dos mapas coinciden salvo el redondeo. Ya podemos usar el módulo sabiendo lo que hace: lee `grad_cam`
# en `gradcam_helpers/formulas.py` y busca $\alpha_k$ (`einsum` multiplica y suma sobre `k`, como el paso 5).

# %% [markdown]
# ## Explora
#
# **Predice antes de mover.** Cada valor de la primera capa ve 3 × 3 píxeles; cada uno de la última, 32 ×
# 32. ¿Qué aspecto tendrá el mapa de `bloque1_conv1`?

# %% tags=["remove_output", "nbval-ignore-output"]
explorer.Explorer(explainer, images, labels, data.CLASS_NAMES, basic=True)

# %% [markdown]
# La rejilla siguiente muestra las seis capas para la imagen de la figura 1.

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
# **Figura 5.** El mismo Grad-CAM en las seis capas convolucionales, de la primera (arriba a la izquierda) a
# la última (abajo a la derecha). Los mapas de las primeras siguen bordes, texturas y zonas lisas; los de la
# última, más gruesos, suelen señalar partes. En cualquiera de ellos puede aparecer el fondo entero.
#
# El artículo elige la última capa por su equilibrio entre significado y detalle espacial. En las primeras,
# además, un promedio por filtro dice poco, porque un filtro que detecta bordes o claridad responde por toda
# la imagen. Un rótulo «(vacío)» avisa de que nada en esa capa apoya la clase, según Grad-CAM.

# %% [markdown]
# ### ¿Y los fondos?
#
# En la lección 1 sospechamos que la red podía apoyarse en el fondo. En las imágenes de validación hay
# paisajes u otros fondos; en las de prueba, solo blanco.
#
# **Predice.** ¿Caerá la relevancia fuera del caballo o de la persona? ¿Más en las que tienen paisaje?

# %%
familiar, familiar_labels = data.load_images(source, data.VALIDATION_SPLIT, count=3)
pictures = np.concatenate([familiar, images[:3]])
truth = [*familiar_labels, *labels[:3]]
compared = explainer.explain(data.prepare_image(pictures))
titles = [
    f"«{data.CLASS_NAMES[predicted_class]}»"
    + ("" if predicted_class == true_class else f", y es {data.CLASS_NAMES[true_class]}")
    for predicted_class, true_class in zip(compared.target, truth)
]
figure = plots.show_overlays(pictures, compared.heatmap, titles)

# %% [markdown]
# **Figura 6.** Grad-CAM de la clase predicha, la del rótulo, en `bloque3_conv2`. Arriba, tres imágenes de
# validación; abajo, tres de prueba, sobre blanco. ¿Hay relevancia en el suelo, el cielo o la vegetación? ¿Y,
# abajo, en el blanco? Si en algún rótulo hay un error, fíjate en qué señala ese mapa.
#
# Seis mapas pueden reforzar la sospecha o debilitarla, pero no la prueban: habría que cambiar el fondo y
# ver si cambia la predicción.

# %% [markdown]
# ## Límites
#
# Este mapa **no** demuestra que:
#
# - **la zona marcada sea la causa.** El mapa sale de una aproximación lineal en torno a esta imagen; para
#   hablar de causas hay que cambiar la imagen y ver si cambia la predicción;
# - **el resto no importe.** La ReLU borra lo que va en contra, y el promedio de cada filtro olvida *dónde*
#   importaba;
# - **la red esté más segura cuanto más brille el mapa.** Cada mapa se normaliza con su máximo;
# - **los bordes sean exactos.** Un mapa de 75 × 75 ampliado es borroso;
# - **la red razone bien.** Un mapa convincente puede acompañar a una predicción equivocada, y al revés.

# %% [markdown]
# ## Ejercicios
#
# 1. Explica la clase **no** predicha en las seis capas: pasa `target=1 - predicted` a `explainer.explain`.
#    ¿Hay algún mapa vacío? *Pista:* mira su `raw` con `plots.show_signed_maps`.
# 2. Busca en las imágenes un error de la red y mira su mapa. ¿Qué observas? *Pista:* compara `labels` con
#    `explainer.explain(data.prepare_image(images[:20])).target`; si no hay ninguno, sigue con
#    `images[20:40]`.
# 3. Cambia la ReLU por el valor absoluto en `other_raw`, el mapa de la otra clase, y compara los dos
#    resultados. ¿Qué significaría entonces una zona clara?

# %% [markdown]
# ## Lo que hemos visto
#
# 1. Una red se puede cortar por una capa sin que cambie lo que predice.
# 2. Grad-CAM: derivar el logit, promediar por filtro, pesar los mapas, sumar, ReLU y normalizar.
# 3. Se deriva el logit: el gradiente de la probabilidad mezcla las dos clases y se desvanece, o se falsea
#    por redondeo, cuando la red está muy segura.
# 4. Las capas del principio suelen dar mapas de bordes y texturas y las del final, mapas de partes; ninguno
#    demuestra una causa, y la sospecha del fondo sigue abierta.

# %% [markdown]
# ## Para seguir
#
# - R. R. Selvaraju y otros (2017). *Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
#   Localization*. ICCV. [arXiv:1610.02391](https://arxiv.org/abs/1610.02391).
# - B. Zhou y otros (2016). *Learning Deep Features for Discriminative Localization*. CVPR.
#   [arXiv:1512.04150](https://arxiv.org/abs/1512.04150): CAM, el método del que parte Grad-CAM.
# - F. Santiago, curso M72.1.09, Facultad de Ciencias Económicas de la Universidad de Buenos Aires: la
#   narración original.
# - Lección anterior: [02 · Una red neuronal convolucional](02_red_convolucional.ipynb). Lección siguiente:
#   [04 · El explorador: seis descubrimientos](04_explorador.ipynb).
