"""Las comprobaciones de los ejercicios de la lección 3: Grad-CAM, paso a paso."""

import numpy as np

from gradcam_helpers.engine.answers import Exercise, expect
from gradcam_helpers.engine.attempt import call


def _maps():
    """Tres imágenes, de 5 × 4 posiciones y 6 filtros: activaciones que no son negativas y sus gradientes."""
    random = np.random.default_rng(3)
    activations = random.random((3, 5, 4, 6), np.float32)
    return activations, random.normal(size=activations.shape).astype(np.float32)


def average_gradients(answer):
    _, gradients = _maps()
    expected = gradients.mean(axis=(1, 2))
    weights = call(answer, gradients)
    expect(
        weights,
        expected,
        "Los pesos",
        {
            "Parece que promediaste también el eje del lote: cada imagen tiene sus propios pesos, y los "
            "tuyos mezclan las tres.": gradients.mean(axis=(0, 1, 2)),
            "Parece que promediaste los filtros: hace falta un peso por filtro, y has dado un valor por "
            "posición.": gradients.mean(axis=3),
            "Parece que sumaste en lugar de promediar: cada peso es tantas veces mayor como posiciones "
            "hay.": gradients.sum(axis=(1, 2)),
            "Parece que tomaste el valor absoluto antes de promediar: los pesos conservan el signo.": np.abs(
                gradients
            ).mean(axis=(1, 2)),
            "Parece que aplicaste la ReLU al gradiente: aquí los pesos conservan el signo.": np.maximum(
                gradients, 0
            ).mean(axis=(1, 2)),
            "Parece que tomaste el máximo en lugar del promedio.": gradients.max(axis=(1, 2)),
        },
    )
    return "la forma, un peso por imagen y filtro", "que es el promedio en filas y columnas, con su signo"


EXERCISES = {
    "03-1": Exercise("Promediar el gradiente", average_gradients),
}
