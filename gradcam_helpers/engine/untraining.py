"""Quitar a una copia de una red lo que ha aprendido, capa a capa."""

from collections.abc import Iterator

import numpy as np

from gradcam_helpers.engine.backend import keras


def copy_model(model: keras.Model) -> keras.Model:
    """Una red nueva con la misma forma y los mismos pesos."""
    if not isinstance(model, keras.Model):
        raise TypeError(f"Hace falta un modelo de Keras, y esto es «{type(model).__name__}».")
    try:
        network = keras.models.clone_model(model)
        network.set_weights(model.get_weights())
    except Exception as error:
        # Keras falla de formas muy distintas con los modelos que definen su propia clase.
        raise ValueError(
            f"Keras no puede copiar «{model.name}» ({type(error).__name__}). Debe estar construida y ser "
            "«Sequential» o «Functional»."
        ) from None
    return network


def layers_with_weights(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """Las capas con pesos, de la primera a la última; también las de un modelo que está dentro de otro."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from layers_with_weights(layer)
        elif layer.weights:
            yield layer


def reinitialize(layer: keras.layers.Layer, generator: np.random.Generator) -> None:
    """Da a la capa los pesos de otra igual recién construida, que salen de sus propios inicializadores."""
    config = layer.get_config()
    for value in config.values():
        options = value.get("config") if isinstance(value, dict) else None
        if isinstance(options, dict) and "seed" in options:
            # Sin otra semilla, un inicializador que la trae daría los pesos de antes de entrenar.
            options["seed"] = int(generator.integers(2**31))
    fresh = type(layer).from_config(config)
    fresh.build_from_config(layer.get_build_config())
    layer.set_weights(fresh.get_weights())
