"""¿Delata algo la clase, aparte de la forma? Dos clasificadores lineales que solo ven color o tamaño."""

from collections.abc import Sequence

import cv2
import numpy as np

from generador.plan import Plan

FOLDS = 6
LIMITS = {"color": 0.75, "tamaño": 0.65}  # exactitud por encima de la cual la pista es demasiado buena


def linear_probe(features: np.ndarray, labels: np.ndarray, groups: np.ndarray) -> float:
    """Exactitud de un clasificador lineal por mínimos cuadrados, en validación cruzada por grupos.

    Argumentos:
        features: (N, F).
        labels: 0 o 1, (N,).
        groups: número del individuo, (N,): ninguno está a la vez en el ajuste y en la evaluación.
    """
    correct = 0
    for fold in range(FOLDS):
        held_out = groups % FOLDS == fold
        mean, deviation = features[~held_out].mean(axis=0), features[~held_out].std(axis=0) + 1e-9
        inputs = np.column_stack([(features - mean) / deviation, np.ones(len(features))])
        weights, *_ = np.linalg.lstsq(inputs[~held_out], 2.0 * labels[~held_out] - 1, rcond=None)
        correct += int(((inputs[held_out] @ weights > 0) == labels[held_out]).sum())
    return correct / len(labels)


def measure(chosen: Sequence[Plan], drawn: Sequence[dict]) -> dict[str, float]:
    """Exactitud de las dos sondas: una ve la media y la desviación del color del sujeto; otra, su área."""
    colors, areas = [], []
    for encoded in drawn:
        image = cv2.imdecode(np.frombuffer(encoded["image"], np.uint8), cv2.IMREAD_COLOR)
        mask = cv2.imdecode(np.frombuffer(encoded["mask"], np.uint8), cv2.IMREAD_GRAYSCALE) > 0
        subject = image[mask] / 255
        colors.append([*subject.mean(axis=0), *subject.std(axis=0)])
        areas.append([mask.mean()])
    labels = np.array([plan.label for plan in chosen])
    groups = np.array([plan.individual for plan in chosen])
    return {
        "color": linear_probe(np.array(colors), labels, groups),
        "tamaño": linear_probe(np.array(areas), labels, groups),
    }
