"""Las respuestas de la lección 1: los datos."""

import collections
import itertools

import numpy as np
import tensorflow as tf

from tests.ejercicios.answer import Answer

LABELS = np.array([0, 1, 0, 0, 1, 0])
KNOWN = {"labels": LABELS, "identities": np.array(["a", "x", "b", "a", "x", "c"])}
UNKNOWN = {"labels": LABELS, "identities": np.arange(6)}
ENDS = slice(10), slice(-10, None)
turns = itertools.count()  # hace de sorteo sin semilla: nunca da dos veces lo mismo


def corners(images, size=10):
    patches = [
        images[:, :size, :size],
        images[:, :size, -size:],
        images[:, -size:, :size],
        images[:, -size:, -size:],
    ]
    return np.mean(patches, axis=(2, 3, 4))  # (4, imágenes)


def count_corners_one_by_one(images):
    white = 0
    for image in images:
        top, bottom = image[:10], image[-10:]
        patches = [top[:, :10], top[:, -10:], bottom[:, :10], bottom[:, -10:]]
        white += any(patch.mean() > 250 for patch in patches)
    return white / len(images) * 100


def means(images, labels, dtype=np.uint8, **options):
    return np.stack([images[labels == label].mean(axis=0, **options) for label in (0, 1)]).astype(dtype)


def running_means(images, labels):
    total, counts = np.zeros((2, *images.shape[1:])), np.zeros(2)
    for image, label in zip(images, labels, strict=True):
        total[label] += image
        counts[label] += 1
    return np.rint(total / counts[:, None, None, None]).astype(np.uint8)


def overflowing_means(images, labels, divisor=None):
    total = np.zeros((2, *images.shape[1:]), np.uint8)
    for image, label in zip(images, labels, strict=True):
        total[label] += image
    counts = np.bincount(labels)[:, None, None, None]
    return (total // (divisor or counts)).astype(np.uint8)


def first_fifth(identities):
    individuals = np.unique(identities)
    return np.isin(identities, individuals[: round(len(individuals) / 5)])


def drawn_fifth(identities):
    individuals = sorted(set(identities.tolist()))
    aside = np.random.default_rng(0).choice(individuals, round(0.2 * len(individuals)), replace=False)
    return [name in aside for name in identities]


def another_fifth(identities):
    individuals = np.roll(np.unique(identities), next(turns))
    return np.isin(identities, individuals[: round(len(individuals) / 5)])


def every_pixel_above(images):
    patches = [images[:, rows, columns] for rows in ENDS for columns in ENDS]
    return 100 * np.any([(patch > 250).all(axis=(1, 2, 3)) for patch in patches], axis=0).mean()


def every_channel_above(images):
    patches = [images[:, rows, columns].mean(axis=(1, 2)) for rows in ENDS for columns in ENDS]
    return 100 * np.any([(color > 250).all(axis=1) for color in patches], axis=0).mean()


def rounded(images):
    return round(100 * np.mean(corners(images).max(axis=0) > 250))


def whole_part(images):
    return 100 * np.sum(corners(images).max(axis=0) > 250) // len(images)


def overflowing_with_many(images, labels):
    """La suma cabe en uint16 si cada clase tiene menos de 258 imágenes."""
    return np.stack(
        [images[labels == label].sum(axis=0, dtype=np.uint16) // sum(labels == label) for label in (0, 1)]
    ).astype(np.uint8)


def without_the_border(images):
    """Con «-10:-1» en lugar de «-10:»."""
    ends = slice(10), slice(-10, -1)
    patches = [images[:, rows, columns] for rows in ends for columns in ends]
    return 100 * np.any([patch.mean(axis=(1, 2, 3)) > 250 for patch in patches], axis=0).mean()


def fifth_rounded_down(identities):
    individuals = np.unique(identities)
    return np.isin(identities, individuals[: len(individuals) // 5])


def drawn_with_repetition(identities):
    individuals = np.unique(identities)
    chosen = np.random.default_rng(0).choice(individuals, round(0.2 * len(individuals)))
    return np.isin(identities, chosen)


RIGHT = [
    Answer("01-1", lambda labels, classes: np.bincount(labels, minlength=classes)),
    Answer("01-1", lambda labels, classes: [np.sum(labels == each) for each in range(classes)]),
    Answer("01-1", lambda labels, classes: tf.math.bincount(labels, minlength=classes)),
    Answer("01-2", lambda images: 100 * np.mean(corners(images).max(axis=0) > 250)),
    Answer("01-2", count_corners_one_by_one),
    Answer("01-3", means),
    Answer("01-3", running_means),
    Answer("01-4", (0, 3), given=KNOWN),
    Answer("01-4", np.array([4, 1]), given=KNOWN),
    Answer("01-4", [0, 2], given=UNKNOWN),
    Answer("01-5", first_fifth),
    Answer("01-5", drawn_fifth),
]
WRONG = [
    Answer("01-2", every_pixel_above, "El porcentaje: da"),
    Answer("01-2", every_channel_above, "que cada canal pase de 250"),
    Answer("01-2", rounded, "Parece que redondeas"),
    Answer("01-2", whole_part, "quitas los decimales"),
    Answer(
        "01-2", lambda images: 100 * np.mean(corners(images)[:2].max(axis=0) > 250), "izquierda y arriba a la"
    ),
    Answer("01-3", overflowing_with_many, "tras 65 535 viene el 0"),
    Answer("01-2", without_the_border, "El porcentaje: da"),
    Answer("01-5", fifth_rounded_down, "De 13 individuos deben apartarse 3"),
    Answer("01-5", drawn_with_repetition, "con reposición"),
    Answer("01-1", lambda labels, classes: np.bincount(labels), "Falta la última clase"),
    Answer("01-1", lambda labels, classes: np.unique(labels, return_counts=True)[1], "sin imágenes: parece"),
    Answer("01-1", lambda labels, classes: list(collections.Counter(labels).values()), "la forma debe ser"),
    Answer("01-1", lambda labels, classes: np.unique(labels), "qué clases hay"),
    Answer("01-1", lambda labels, classes: np.bincount(labels, minlength=classes) / 7, "la proporción"),
    Answer("01-1", lambda labels, classes: np.bincount(labels, minlength=classes) / 0.07, "el porcentaje"),
    Answer("01-1", lambda labels, classes: np.bincount(labels, minlength=classes + 1)[1:], "desde 1"),
    Answer("01-1", lambda labels, classes: len(labels), "el total"),
    Answer("01-2", lambda images: np.mean(corners(images).max(axis=0) > 250), "la proporción"),
    Answer("01-2", lambda images: np.sum(corners(images).max(axis=0) > 250), "cuántas imágenes"),
    Answer("01-2", lambda images: 100 * np.mean(corners(images)[0] > 250), "arriba a la izquierda"),
    Answer("01-2", lambda images: 100 * np.mean(corners(images)[3] > 250), "abajo a la derecha"),
    Answer("01-2", lambda images: 100 * np.mean(corners(images).mean(axis=0) > 250), "su promedio: basta"),
    Answer("01-2", lambda images: 100 * np.mean(corners(images) > 250), "cuentas esquinas"),
    Answer("01-2", lambda images: 100 * np.mean(corners(images).max(axis=0) >= 250), "no pasa de 250"),
    Answer("01-2", lambda images: 100 * np.mean(corners(images).max(axis=0) == 255), "el valor 255"),
    Answer("01-2", lambda images: 100 * np.mean(corners(images, 1).max(axis=0) > 250), "un solo píxel"),
    Answer("01-2", lambda images: 100 * np.mean(corners(images[..., :1]).max(axis=0) > 250), "un solo canal"),
    Answer("01-2", lambda images: 100 * np.mean(corners(images).max(axis=0) <= 250), "al revés"),
    Answer("01-3", lambda images, labels: overflowing_means(images, labels, len(images)), "además se divide"),
    Answer("01-3", overflowing_means, "tras 255 viene el 0"),
    Answer("01-3", lambda images, labels: means(images, labels, dtype=float), "conviértela al final"),
    Answer("01-3", lambda images, labels: means(images, labels)[::-1], "están cambiadas"),
    Answer(
        "01-3",
        lambda images, labels: np.stack(
            [images[labels == each].sum(axis=0) / len(images) for each in (0, 1)]
        ),
        "todas las imágenes: cada clase tiene las suyas",
    ),
    Answer("01-3", lambda images, labels: [images.mean(axis=0)] * 2, "todas las imágenes juntas"),
    Answer(
        "01-3", lambda images, labels: [images[labels == each].mean() for each in (0, 1)], "todos los ejes"
    ),
    Answer("01-3", lambda images, labels: means(images / 255, labels), "de 0 a 1"),
    Answer("01-4", (2, 2), "son la misma", given=KNOWN),
    Answer("01-4", (0, 1), "la misma clase, así que", given=KNOWN),
    Answer("01-4", (0, 2), "De la imagen 0 sí hay otra", given=KNOWN),
    Answer("01-4", (2, 5), "busca una pareja distinta", given=KNOWN),
    Answer("01-4", (0, 6), "van de 0 a 5", given=KNOWN),
    Answer("01-4", 3, "dos números enteros", given=KNOWN),
    Answer("01-4", (1, 2), "La imagen 1 y la 2 no son", given=UNKNOWN),
    Answer("01-5", lambda names: np.arange(len(names)) >= 0.8 * len(names), "por posición"),
    Answer("01-5", lambda names: np.random.default_rng(0).random(len(names)) < 0.2, "imagen a imagen"),
    Answer("01-5", lambda names: ~first_fifth(names), "al revés"),
    Answer("01-5", lambda names: np.isin(names, np.unique(names)[: len(names) // 5]), "la de los individuos"),
    Answer("01-5", lambda names: np.flatnonzero(first_fifth(names)), "das las posiciones"),
    Answer("01-5", lambda names: np.unique(names) < "individuo-c", "un valor por individuo"),
    Answer("01-5", lambda names: np.isin(names, names[:1]), "¿Sorteas cada individuo"),
    Answer("01-5", lambda names: names == "", "del mismo lado"),
    Answer("01-5", another_fifth, "Fija la semilla"),
]
