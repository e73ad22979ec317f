"""Las sospechosas de la cacería, en los ejercicios de la lección 3: nueve Grad-CAM; una, sin ningún error.

Cada una es la misma cuenta con un solo paso cambiado por otro. Con las imágenes del curso, de una en una, sus
mapas se parecen: lo que las distingue son las identidades que cumple la buena y ellas no.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from gradcam_helpers.engine.backend import keras, tf

MAPS = (1, 2)  # los ejes de las posiciones
BATCH = (0, 1, 2)


@dataclass(frozen=True, repr=False)  # escrito, una sospechosa no debe confesar
class GradCam:
    """Una Grad-CAM de la última convolución de un clasificador que acaba en una densa con softmax.

    Atributos, los pasos de la cuenta:
        choose: de los logits (N, clases), la clase que se explica si no se pide ninguna, (N,).
        score: de los logits, los números (N, clases) que se derivan.
        weigh: del gradiente (N, alto, ancho, filtros), un peso por filtro, listo para el producto.
        rectify: del mapa con signo (N, alto, ancho), lo que apoya la clase.
        scale: de lo que apoya la clase, el mapa de calor.
        size: del alto y el ancho de la imagen, lo que se pide a OpenCV.
    """

    choose: Callable = lambda logits: tf.argmax(logits, axis=-1)
    score: Callable = lambda logits: logits
    weigh: Callable = lambda gradients: tf.reduce_mean(gradients, MAPS, keepdims=True)
    rectify: Callable = tf.nn.relu
    scale: Callable = lambda positive: tf.math.divide_no_nan(
        positive, tf.reduce_max(positive, MAPS, keepdims=True)
    )
    size: Callable = lambda height, width: (width, height)

    def __call__(self, model: keras.Model, images, target=None) -> np.ndarray:
        """Los mapas de calor de unas imágenes, float32 (N, alto, ancho), del tamaño de estas.

        Argumentos:
            model: un clasificador como el del curso.
            images: float32 (N, alto, ancho, 3).
            target: la clase que se explica, una para todas o una por imagen; por omisión, la predicha.
        """
        images, output = tf.convert_to_tensor(images), model.layers[-1]
        *_, convolution = (layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D))
        body = keras.Model(model.inputs, [convolution.output, output.input])
        with tf.GradientTape() as tape:
            tape.watch(images)
            activations, hidden = body(images, training=False)
            logits = tf.matmul(hidden, output.kernel) + output.bias
            chosen = self.choose(logits) if target is None else np.broadcast_to(target, len(images))
            score = tf.gather(self.score(logits), chosen, axis=1, batch_dims=1)
        weights = self.weigh(tape.gradient(score, activations))
        heatmaps = self.scale(self.rectify(tf.reduce_sum(weights * activations, axis=-1)))
        size = self.size(*images.shape[1:3])
        return np.stack([cv2.resize(heatmap, size) for heatmap in heatmaps.numpy()])


NO_MISTAKE = "no se equivoca"
# Lo que hace mal cada una. Las dos últimas no están entre las sospechosas: son veredictos de más.
MISTAKES = {
    NO_MISTAKE: GradCam(),
    "deriva la probabilidad": GradCam(score=tf.nn.softmax),
    "promedia el lote": GradCam(weigh=lambda gradients: tf.reduce_mean(gradients, BATCH)),
    "rectifica el gradiente": GradCam(
        weigh=lambda gradients: tf.reduce_mean(tf.nn.relu(gradients), MAPS, keepdims=True)
    ),
    "toma el valor absoluto": GradCam(rectify=tf.abs),
    "divide sin salvaguarda": GradCam(
        scale=lambda positive: positive / tf.reduce_max(positive, MAPS, keepdims=True)
    ),
    "divide por el máximo del lote": GradCam(
        scale=lambda positive: tf.math.divide_no_nan(positive, tf.reduce_max(positive))
    ),
    "supone la clase 0": GradCam(choose=lambda logits: tf.zeros(len(logits), tf.int64)),
    "cambia alto por ancho": GradCam(size=lambda height, width: (height, width)),
    "no pondera los filtros": GradCam(weigh=tf.ones_like),
    "eleva el gradiente al cuadrado": GradCam(
        weigh=lambda gradients: tf.reduce_mean(gradients**2, MAPS, keepdims=True)
    ),
}

# En qué identidades del cuaderno falla cada una. Las pruebas lo comprueban.
EVIDENCE = {
    NO_MISTAKE: (),
    "deriva la probabilidad": ("red segura", "a favor y en contra"),
    "promedia el lote": ("sola o en lote",),
    "rectifica el gradiente": ("a favor y en contra",),
    "toma el valor absoluto": ("todo en contra", "a favor y en contra"),
    "divide sin salvaguarda": ("todo en contra",),
    "divide por el máximo del lote": ("máximo", "sola o en lote"),
    "supone la clase 0": ("clase por omisión",),
    "cambia alto por ancho": ("forma", "máximo", "todo a favor", "todo en contra", "a favor y en contra"),
    "no pondera los filtros": ("todo a favor", "todo en contra", "a favor y en contra"),
    "eleva el gradiente al cuadrado": ("todo a favor", "todo en contra", "a favor y en contra"),
}

# Quién es quién.
LINEUP = {
    "A": "divide por el máximo del lote",
    "B": "deriva la probabilidad",
    "C": "divide sin salvaguarda",
    "D": "supone la clase 0",
    "E": "toma el valor absoluto",
    "F": NO_MISTAKE,
    "G": "promedia el lote",
    "H": "cambia alto por ancho",
    "I": "rectifica el gradiente",
}
