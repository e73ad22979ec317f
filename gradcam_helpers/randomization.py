"""¿Depende un mapa de lo que la red ha aprendido? Se le quita poco a poco, y se ve si el mapa cambia."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gradcam_helpers.engine.backend import keras
from gradcam_helpers.engine.inputs import as_array, check_real, check_seed
from gradcam_helpers.engine.untraining import copy_model, layers_with_weights, untrained_copy

UNCHANGED = 0.99  # correlación desde la que dos mapas se ven iguales


@dataclass(frozen=True)
class Randomization:
    """Cuánto se parecen los mapas a los originales según pierde la red lo que ha aprendido.

    Atributos:
        layers: nombre de las capas con pesos, en el orden en que se aleatorizan: de la última a la primera.
        similarity: correlación de rangos con el mapa original, de −1 a 1; float64 (capas + 1, N). En la fila
            k, la red tiene k capas al azar; en la 0, ninguna. NaN donde uno de los dos mapas es constante.
    """

    layers: tuple[str, ...]
    similarity: np.ndarray

    @property
    def unchanged(self) -> np.ndarray:
        """Cierto donde el mapa es el mismo en todos los pasos: no depende de los pesos. Bool (N,).

        Ese método no supera la prueba. Que el mapa cambie no basta: hay que ver cuánto cae la correlación.
        """
        return (self.similarity > UNCHANGED).all(axis=0)


def cascading_randomization(model: keras.Model, images, explain: Callable, seed: int = 0) -> Randomization:
    """Pone al azar los pesos, capa a capa desde la última, y compara cada vez los mapas con los originales.

    Los pesos nuevos salen de los inicializadores de cada capa y se acumulan: al final, toda la red está sin
    entrenar. Se hace en una copia; la red recibida no cambia. El parecido es la correlación de rangos de
    Spearman, una de las medidas del artículo.

    Adebayo y otros, «Sanity Checks for Saliency Maps», NeurIPS 2018, arXiv:1810.03292.

    Argumentos:
        model: red de Keras, `Sequential` o `Functional`, ya construida.
        images: lote de N imágenes, tal como lo espera `explain`.
        explain: función que da mapas (N, alto, ancho), con signo o sin él y a cualquier resolución, como
            `lambda model, images: cam.Explainer(model).explain(images, target=target).raw`. Con la clase
            fija: la que predice la red cambia con los pesos, y el mapa respondería a otra pregunta.
        seed: semilla de los pesos nuevos. La misma semilla da siempre el mismo resultado.

    Errores:
        TypeError: `model` no es un modelo de Keras, o `explain` no es una función.
        ValueError: Keras no sabe copiar la red, o los mapas no tienen la forma debida o no son finitos.
    """
    if not callable(explain):
        raise TypeError(f"«explain» debe ser una función, y es «{type(explain).__name__}».")
    seed, images = check_seed(seed), as_array("Las imágenes", images)
    if images.ndim == 0 or len(images) == 0:
        raise ValueError("Hace falta un lote de imágenes, con alguna al menos.")
    network, untrained = copy_model(model), untrained_copy(model, seed)
    original = np.asarray(explain(model, images))
    if original.shape[:1] != (len(images),):
        raise ValueError(f"«explain» debe dar un mapa por imagen ({len(images)}), y da {original.shape}.")
    layers = list(layers_with_weights(network))[::-1]
    fresh_layers = list(layers_with_weights(untrained))[::-1]
    similarity = [rank_correlation(original, explain(network, images))]
    for layer, fresh in zip(layers, fresh_layers, strict=True):
        layer.set_weights(fresh.get_weights())
        similarity.append(rank_correlation(original, explain(network, images)))
    return Randomization(tuple(layer.name for layer in layers), np.stack(similarity))


def rank_correlation(first, second) -> np.ndarray:
    """Correlación de rangos de Spearman entre mapas: 1 si ordenan igual los píxeles, −1 si al revés.

    Argumentos:
        first, second: mapas (N, alto, ancho), con signo o sin él.

    Devuelve float64 (N,); NaN donde alguno de los dos mapas es constante, porque no ordena nada.

    Errores:
        TypeError: los mapas no contienen números.
        ValueError: formas distintas, un lote vacío o valores que no son finitos.
    """
    first, second = check_real("Los mapas", first), check_real("Los mapas", second)
    if first.ndim != 3 or first.shape != second.shape or first.size == 0:
        raise ValueError(
            "Hacen falta dos lotes de mapas de la misma forma (N, alto, ancho), con alguno al menos; "
            f"estos son {first.shape} y {second.shape}."
        )
    first, second = (np.stack([_centered_ranks(each) for each in maps]) for maps in (first, second))
    scale = np.sqrt(np.sum(first**2, axis=1) * np.sum(second**2, axis=1))
    constant = scale == 0
    return np.where(constant, np.nan, np.sum(first * second, axis=1) / np.where(constant, 1, scale))


def _centered_ranks(values: np.ndarray) -> np.ndarray:
    """Rango de cada valor, menos el rango medio; los empatados comparten la media de los suyos."""
    _, group, count = np.unique(values.ravel(), return_inverse=True, return_counts=True)
    rank = np.cumsum(count) - (count - 1) / 2
    return rank[group] - (values.size + 1) / 2
