"""Lo que comparten todas las herramientas: los pesos de una red, unas imágenes y la clase que se explica."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

WEIGHT = "peso:"
# Los logits de una red sin entrenar casi no se apartan de cero: Score-CAM pesaría igual todos los filtros.
# Con la última capa multiplicada por esto, distan entre sí unas 10 unidades, como en una red entrenada.
LOGIT_SCALE = 200


@dataclass(frozen=True)
class Inputs:
    """La red y las imágenes.

    Atributos:
        weights: cada peso de la red del curso, por su nombre en Keras («bloque1_conv1/kernel»…).
        images: float32 (N, 300, 300, 3), entre 0 y 1.
        targets: clase que se explica en cada imagen, int64 (N,).
    """

    weights: dict[str, np.ndarray]
    images: np.ndarray
    targets: np.ndarray


def write(path: Path, count: int) -> None:
    """Construye la red, sin entrenar, lee `count` imágenes embebidas de prueba y lo guarda todo."""
    from gradcam_helpers import data, models
    from gradcam_helpers.engine.backend import keras

    keras.utils.set_random_seed(models.SEED)
    weights = {WEIGHT + weight.path: weight.numpy() for weight in models.build_model().weights}
    weights[f"{WEIGHT}salida/kernel"] *= LOGIT_SCALE
    images, _ = data.load_images(data.prepare_source("embebido"), data.TEST_SPLIT, count)
    # Clases alternas: quien explique la misma en todo el lote, o promedie el lote, no coincidirá.
    np.savez(path, images=data.prepare_image(images), targets=np.arange(count) % 2, **weights)


def read(path: Path) -> Inputs:
    """Lo que guardó `write`, sin cargar Keras."""
    with np.load(path) as arrays:
        weights = {name.removeprefix(WEIGHT): arrays[name] for name in arrays if name.startswith(WEIGHT)}
        return Inputs(weights, arrays["images"], arrays["targets"])
