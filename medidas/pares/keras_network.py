"""La red que se compara, en Keras."""

import numpy as np

from gradcam_helpers import models
from gradcam_helpers.engine.backend import keras, tf
from medidas.pares.tool import THREADS

tf.config.threading.set_intra_op_parallelism_threads(THREADS)
tf.config.threading.set_inter_op_parallelism_threads(THREADS)


def build(weights: dict[str, np.ndarray]) -> keras.Model:
    """La red del curso con esos pesos."""
    model = models.build_model()
    for weight in model.weights:
        weight.assign(weights[weight.path])
    return model


def without_softmax(model: keras.Model) -> keras.Model:
    """Una copia que da logits, para las herramientas que derivan lo que la red devuelve."""
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    copy.layers[-1].activation = keras.activations.linear
    return copy
