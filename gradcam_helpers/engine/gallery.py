"""Lo que recorre un panel: imágenes, etiquetas y nombres de las clases, comprobados antes de mostrar nada."""

from collections.abc import Callable, Iterable

import numpy as np

from gradcam_helpers.engine.inputs import as_array, check_images

UNLABELLED = -1  # la etiqueta de una imagen cuya clase no se sabe, o que no tiene; la misma que en TFDS
# Lo que se lee entre los nombres de las clases.
ALL_CLASSES, NO_CLASS, PREDICTED = "todas", "sin clase", "predicha"


def name_of(label: int, class_names: list[str]) -> str:
    """El nombre de una clase, o que la imagen no tiene ninguna."""
    return NO_CLASS if label == UNLABELLED else class_names[label]


def check_class_names(class_names) -> list[str]:
    """El nombre de cada clase, en el orden de las etiquetas; ninguno vacío ni repetido."""
    if isinstance(class_names, str) or not isinstance(class_names, Iterable):
        raise TypeError(f"Hace falta una lista con el nombre de cada clase, y se da «{class_names}».")
    names = list(class_names)
    wrong = [name for name in names if not isinstance(name, str) or not name.strip()]
    if wrong or not names:
        found = f"uno es {wrong[0]!r}" if wrong else "no hay ninguno"
        raise ValueError(f"El nombre de cada clase debe ser un texto que no esté vacío, y {found}.")
    repeated = [name for name in names if names.count(name) > 1]
    if repeated:
        raise ValueError(
            f"Dos clases se llaman «{repeated[0]}»: no se podrían distinguir. Dales nombres distintos."
        )
    reserved = [name for name in names if name in (ALL_CLASSES, NO_CLASS, PREDICTED)]
    if reserved:
        raise ValueError(f"El panel usa «{reserved[0]}» para otra cosa: da otro nombre a esa clase.")
    return [str(name) for name in names]


def check_labels(labels, class_names: list[str]) -> np.ndarray:
    """La clase verdadera de cada imagen, int64 (N,); `UNLABELLED` donde no la hay."""
    labels = _whole_numbers("Las etiquetas", labels)
    if len(labels) == 0:
        raise ValueError("No hay imágenes que recorrer.")
    outside = labels[(labels < UNLABELLED) | (labels >= len(class_names))]
    if outside.size:
        raise ValueError(
            f"Con {len(class_names)} nombres de clases, las etiquetas van de 0 a {len(class_names) - 1}, o "
            f"son {UNLABELLED} si la imagen no tiene clase, y alguna es {outside[0]}."
        )
    return labels.astype(np.int64)


def check_predicted(predicted, labels: np.ndarray, class_names: list[str]) -> np.ndarray:
    """La clase que se predice para cada imagen, int64 (N,)."""
    predicted = _whole_numbers("Las predicciones", predicted)
    if len(predicted) != len(labels):
        raise ValueError(
            f"Hace falta una predicción por imagen: hay {len(predicted)} para {len(labels)} imágenes."
        )
    outside = predicted[(predicted < 0) | (predicted >= len(class_names))]
    if outside.size:
        raise ValueError(
            f"Con {len(class_names)} nombres de clases, las predicciones van de 0 a {len(class_names) - 1}, "
            f"y alguna es {outside[0]}."
        )
    return predicted.astype(np.int64)


def check_pictures(images) -> np.ndarray:
    """Las imágenes, uint8 (N, alto, ancho, 3)."""
    images = as_array("Las imágenes de un panel", images)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != 3:
        raise ValueError(
            "Las imágenes de un panel deben ser uint8 (N, alto, ancho, 3), sin preparar para la red, y son "
            f"{images.dtype} {images.shape}."
        )
    if images.size == 0:
        raise ValueError("No hay imágenes que recorrer.")
    return images


def check_counts(images: np.ndarray, labels, masks=None) -> None:
    """Que haya una etiqueta y, si se dan, una máscara por imagen."""
    counts = {"imágenes": images, "etiquetas": labels} | ({} if masks is None else {"máscaras": masks})
    if len({len(values) for values in counts.values()}) > 1:
        found = ", ".join(f"{len(values)} {name}" for name, values in counts.items())
        raise ValueError(f"Debe haber una etiqueta y una máscara por imagen, y hay {found}.")


def check_subjects(masks, images: np.ndarray) -> np.ndarray:
    """La máscara de cada sujeto, bool (N, alto, ancho), del tamaño de las imágenes."""
    masks = as_array("Las máscaras", masks)
    if masks.dtype != bool or masks.shape != images.shape[:-1]:
        raise ValueError(
            f"Las máscaras deben ser bool {images.shape[:-1]}, como las imágenes, y son {masks.dtype} "
            f"{masks.shape}."
        )
    return masks


def check_backgrounds(backgrounds, kinds, images: np.ndarray) -> np.ndarray:
    """Los fondos, uint8 (B, alto, ancho, 3), del tamaño de las imágenes y con un tipo cada uno."""
    backgrounds = as_array("Los fondos", backgrounds)
    if backgrounds.dtype != np.uint8 or backgrounds.ndim != 4 or backgrounds.shape[1:] != images.shape[1:]:
        raise ValueError(
            "Los fondos deben ser uint8 y del tamaño de las imágenes: estas son "
            f"{images.dtype} {images.shape}, y los fondos, {backgrounds.dtype} {backgrounds.shape}."
        )
    if len(backgrounds) != len(kinds):
        raise ValueError(f"Hace falta un tipo por fondo: hay {len(kinds)} para {len(backgrounds)} fondos.")
    return backgrounds


def check_classes(class_names: list[str], classes: int) -> None:
    """Que haya un nombre por clase de la red."""
    if len(class_names) != classes:
        raise ValueError(f"La red distingue {classes} clases y hay {len(class_names)} nombres de clases.")


def prepare_one(prepare: Callable, image: np.ndarray) -> np.ndarray:
    """Lo que da una preparación con una imagen, como lote de una; puede darla sola."""
    prepared = np.asarray(prepare(image))
    return prepared[np.newaxis] if prepared.ndim == 3 else prepared


def check_prepare(prepare: Callable, image: np.ndarray, expected: tuple) -> None:
    """Que lo que se prepara de una imagen sea lo que espera la red: alto, ancho y canales."""
    try:
        prepared = check_images(prepare_one(prepare, image), expected)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"La preparación, «prepare», no sirve con estas imágenes y esta red. {error}"
        ) from error
    if len(prepared) != 1:
        raise ValueError(f"De una imagen, «prepare» debe dar una sola, y da {len(prepared)}.")


def _whole_numbers(what: str, values) -> np.ndarray:
    """Un número entero por imagen, (N,)."""
    values = as_array(what, values)
    if values.ndim != 1:
        raise ValueError(
            f"{what} deben ser un número por imagen, con forma (N,), y su forma es {values.shape}. Si hay un "
            "número por clase, falta «.argmax(axis=1)»."
        )
    if values.dtype.kind not in "iu":
        raise TypeError(
            f"{what} deben ser enteros, la posición de la clase entre los nombres, y son «{values.dtype}»."
        )
    return values
