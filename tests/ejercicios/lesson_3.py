"""Las respuestas de la lección 3: Grad-CAM, paso a paso."""

import numpy as np
import tensorflow as tf

from tests.ejercicios.answer import Answer

RIGHT = [
    Answer("03-1", lambda gradients: gradients.mean(axis=(1, 2))),
    Answer("03-1", lambda gradients: tf.reduce_mean(gradients, axis=[1, 2])),
]
WRONG = [
    Answer("03-1", lambda gradients: gradients.mean(axis=(0, 1, 2)), "el eje del lote"),
    Answer("03-1", lambda gradients: gradients.mean(axis=3), "promediaste los filtros"),
    Answer("03-1", lambda gradients: gradients.sum(axis=(1, 2)), "sumaste en lugar de promediar"),
    Answer("03-1", lambda gradients: np.abs(gradients).mean(axis=(1, 2)), "el valor absoluto"),
    Answer("03-1", lambda gradients: np.maximum(gradients, 0).mean(axis=(1, 2)), "la ReLU al gradiente"),
    Answer("03-1", lambda gradients: gradients.max(axis=(1, 2)), "el máximo en lugar del promedio"),
]
