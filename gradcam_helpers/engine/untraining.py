"""Copias de una red: con sus pesos, o con otros al azar, que no han aprendido nada."""

import contextlib
import hashlib
import random
from collections.abc import Callable, Iterator

import numpy as np

from gradcam_helpers.engine.anatomy import check_model
from gradcam_helpers.engine.backend import keras


def copy_model(model: keras.Model) -> keras.Model:
    """Una red nueva con la misma forma y los mismos pesos."""
    network = _clone(model, lambda layer: layer.get_config(), seed=0)  # sus pesos no se usan
    network.set_weights(model.get_weights())
    return network


def untrained_copy(model: keras.Model, seed: int) -> keras.Model:
    """Una red nueva con la misma forma y pesos al azar, de los inicializadores de cada capa.

    La misma semilla da siempre los mismos, tenga la red las capas que tenga.
    """
    digest = _digest(_draw(model, seed))
    network = _draw(model, seed)
    if _digest(network) != digest:
        # Alguna capa propia sortea con los generadores de TensorFlow, que no se pueden dejar como estaban.
        keras.utils.set_random_seed(seed)
        network = _draw(model, seed)
    return network


def layers_with_weights(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """Las capas con pesos, de la primera a la última; también las de un modelo que está dentro de otro."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from layers_with_weights(layer)
        elif layer.weights:
            yield layer


def _draw(model: keras.Model, seed: int) -> keras.Model:
    generator = np.random.default_rng(seed)
    return _clone(model, lambda layer: _reseeded(layer.get_config(), generator), seed)


def _reseeded(config, generator: np.random.Generator):
    """La misma configuración con otras semillas, también las de las capas y los inicializadores de dentro.

    Un inicializador que trae la suya daría los pesos de antes de entrenar.
    """
    if isinstance(config, dict):
        return {
            name: int(generator.integers(2**31))
            if name == "seed" and isinstance(value, int | None)
            else _reseeded(value, generator)
            for name, value in config.items()
        }
    if isinstance(config, list | tuple):
        return type(config)(_reseeded(value, generator) for value in config)
    return config


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Siembra los generadores de Python y de NumPy, de donde salen las semillas de Keras, y los restaura."""
    python, numpy = random.getstate(), np.random.get_state()
    random.seed(seed)
    np.random.seed(seed % 2**32)
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)


def _clone(model: keras.Model, configure: Callable, seed: int) -> keras.Model:
    """Una red con la misma forma y, en cada capa, la configuración que dé `configure(capa)`.

    Una capa propia puede sortear sin que su semilla esté en la configuración: para eso es `seed`.
    """
    check_model(model)

    def another(layer):
        return type(layer).from_config(configure(layer))

    # Así encuentra Keras las clases propias que van dentro de otra capa.
    classes = {type(layer).__name__: type(layer) for layer in model._flatten_layers(include_self=False)}
    own = {name: kind for name, kind in classes.items() if not kind.__module__.startswith("keras.")}
    try:
        with keras.saving.custom_object_scope(own), _seeded(seed):
            network = keras.models.clone_model(model, clone_function=another, recursive=True)
        if [weight.shape for weight in network.weights] != [weight.shape for weight in model.weights]:
            raise TypeError("pesos de otra forma")
    except Exception as error:
        # Keras falla de formas muy distintas con los modelos que definen su propia clase.
        raise ValueError(
            f"Keras no puede copiar «{model.name}» ({type(error).__name__}). Debe estar construida y ser "
            "«Sequential» o «Functional», y cada capa propia, decir sus argumentos en «get_config»."
        ) from None
    return network


def _digest(network: keras.Model) -> bytes:
    """Una suma de todos los pesos: guardar otra copia ocuparía tanto como la red."""
    digest = hashlib.sha256()
    for weight in network.weights:
        digest.update(np.ascontiguousarray(keras.ops.convert_to_numpy(weight)).tobytes())
    return digest.digest()
