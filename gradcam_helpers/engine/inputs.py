"""Comprobaciones de lo que se recibe: cada una lo devuelve en la forma que se usa, o dice qué falla."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from gradcam_helpers.engine.anatomy import Anatomy
from gradcam_helpers.engine.backend import keras
from gradcam_helpers.engine.explanation import SCORES

IMAGE_SHAPE = (300, 300, 3)  # de las imágenes del curso


def check_images(images, expected: tuple | None = None) -> np.ndarray:
    """Un lote de imágenes, float32 (N, alto, ancho, canales).

    Argumentos:
        expected: alto, ancho y canales que espera la red, con None donde vale cualquiera.
    """
    images = as_array("Las imágenes", images)
    if expected is not None and not _fits(images.shape, expected):
        sizes = ", ".join("?" if size is None else str(size) for size in expected)
        raise ValueError(
            f"El modelo espera un lote de forma (N, {sizes}), y este es de forma {images.shape}. "
            "¿Falta «data.prepare_image»?"
        )
    if images.ndim != 4:
        raise ValueError(
            f"Hace falta un lote de imágenes (N, alto, ancho, canales), y este es {images.shape}."
        )
    if images.size == 0:
        raise ValueError("El lote está vacío: hace falta al menos una imagen.")
    if images.dtype.kind != "f":
        raise TypeError(
            f"Las imágenes deben ser flotantes, y son «{images.dtype}». ¿Falta «data.prepare_image»?"
        )
    return check_real("Las imágenes", images)


def images_of(batch):
    """Las imágenes de un lote de un conjunto.

    Van delante, como en `(images, labels)` o `((images, extra), labels)`, o en un diccionario, con el nombre
    que les da TFDS, «image».
    """
    while isinstance(batch, tuple | list | Mapping):
        place = "image" if isinstance(batch, Mapping) else 0
        if isinstance(batch, Mapping) and place not in batch:
            raise ValueError(
                f"El lote es un diccionario ({', '.join(map(str, batch))}) sin entrada «image»: no se sabe "
                "cuáles son las imágenes."
            )
        if not len(batch):
            raise ValueError("El lote está vacío: hace falta al menos una imagen.")
        batch = batch[place]
    return batch


def _fits(shape: tuple, expected: tuple) -> bool:
    if len(shape) != 4:
        return False
    return all(size in (None, found) for size, found in zip(expected, shape[1:], strict=True))


def check_heatmaps(heatmaps, shape: tuple[int, ...]) -> np.ndarray:
    """Mapas de calor a la resolución de las imágenes: float32 de esa forma, (N, alto, ancho), entre 0 y 1."""
    heatmaps = check_real("Los mapas", heatmaps)
    if heatmaps.shape != shape:
        raise ValueError(
            f"Hace falta un mapa por imagen y a su resolución, {shape}, y estos son {heatmaps.shape}. "
            "¿Falta «formulas.resize_heatmaps»?"
        )
    if heatmaps.min() < 0 or heatmaps.max() > 1:
        raise ValueError(
            f"Los mapas van de 0 a 1, y estos van de {heatmaps.min():g} a {heatmaps.max():g}. "
            "Usa «Explanation.heatmap» o «formulas.normalize»."
        )
    return heatmaps


def check_maps(maps) -> np.ndarray:
    """Mapas (..., alto, ancho), en float32, con alguna posición al menos."""
    maps = check_real("Los mapas", maps)
    if maps.ndim < 2 or maps.size == 0:
        raise ValueError(f"Hacen falta mapas (..., alto, ancho), con alguno al menos, y son {maps.shape}.")
    return maps


def check_masks(masks) -> np.ndarray:
    """Máscaras, bool (N, alto, ancho)."""
    masks = as_array("Las máscaras", masks)
    if masks.dtype != bool or masks.ndim != 3 or masks.size == 0:
        raise ValueError(
            "Las máscaras deben ser bool (N, alto, ancho), con una al menos, "
            f"y son {masks.dtype} {masks.shape}."
        )
    return masks


def as_array(what: str, values) -> np.ndarray:
    """Los valores en una matriz, si son todos de la misma forma."""
    try:
        return np.asarray(values)
    except ValueError:
        shapes = ", ".join(dict.fromkeys(map(_shape, values)))
        raise ValueError(f"{what}: hay varias formas ({shapes}), y debe ser una sola.") from None


def _shape(value) -> str:
    try:
        return str(np.shape(value))
    except ValueError:
        return "irregular"


def check_titles(titles, count: int) -> list:
    """Un rótulo por imagen, y alguna imagen."""
    titles = list(titles)
    if len(titles) != count or count == 0:
        found = f"{count} imágenes y {len(titles)} rótulos"
        raise ValueError(f"Hace falta alguna imagen y un rótulo para cada una, y hay {found}.")
    return titles


def check_color(what: str, array, batch: bool = False) -> np.ndarray:
    """Una imagen en color, uint8 (alto, ancho, 3); con `batch`, también un lote de ellas."""
    array = as_array(what, array)
    dimensions = (3, 4) if batch else (3,)
    if array.dtype != np.uint8 or array.ndim not in dimensions or array.shape[-1] != 3 or array.size == 0:
        form = "(alto, ancho, 3) o (N, alto, ancho, 3)" if batch else "(alto, ancho, 3)"
        raise ValueError(f"{what} debe ser uint8 {form}, y es {array.dtype} {array.shape}.")
    return array


def check_path(path) -> Path:
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"Hace falta la ruta de un fichero, y esto es «{type(path).__name__}».")
    return Path(path)


def check_count(name: str, value) -> int:
    """Un número entero desde 1: de imágenes por lote, de épocas, de columnas…"""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise ValueError(f"«{name}» debe ser un número entero desde 1, y es {value!r}.")
    return int(value)


def check_seed(value) -> int:
    """Una semilla: un número entero desde 0."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
        raise ValueError(f"La semilla debe ser un número entero desde 0, y es {value!r}.")
    return int(value)


def check_real(what: str, values) -> np.ndarray:
    """Números reales y finitos, en float32."""
    values = as_array(what, values)
    if values.dtype.kind not in "buif":
        raise TypeError(f"{what}: hacen falta números reales, y son de tipo «{values.dtype}».")
    values = values.astype(np.float32, copy=False)
    if not np.isfinite(values).all():
        raise ValueError(f"{what}: hay valores que no son finitos (NaN o infinito).")
    return values


def check_targets(target, count: int, classes: int) -> tuple[np.ndarray, tuple[int, ...]]:
    """Las clases que se explican, int64 (count, T), con −1 si es la predicha; y la forma en que se piden."""
    if target is None:
        return np.full((count, 1), -1), (count,)
    target = _whole_numbers(target)
    one_per_image = target.shape in ((), (count,))
    if not one_per_image and (target.ndim != 2 or len(target) != count or target.size == 0):
        raise ValueError(
            f"Hace falta una clase para todo el lote, una por imagen ({count},) o varias por imagen "
            f"({count}, T); la forma de estas es {target.shape}."
        )
    if target.min() < 0 or target.max() >= classes:
        raise ValueError(f"El modelo distingue las clases 0 a {classes - 1}, y se pide «{target}».")
    shape = (count,) if one_per_image else target.shape
    per_image = target[:, np.newaxis] if target.shape == (count,) else target
    return np.broadcast_to(per_image, (count, 1) if one_per_image else shape).astype(np.int64), shape


def check_one_target_each(target, count: int) -> np.ndarray:
    """La clase que se mide en cada imagen, int64 (count,). Que exista lo dirá la respuesta de la red."""
    target = _whole_numbers(target)
    if target.shape not in ((), (count,)):
        raise ValueError(
            f"Hace falta una clase para todo el lote o una por imagen ({count}); estas son {target.shape}."
        )
    if target.min() < 0:
        raise ValueError(f"Las clases se cuentan desde 0, y se pide la {target.min()}.")
    return np.broadcast_to(target, (count,)).astype(np.int64)


def _whole_numbers(target) -> np.ndarray:
    if callable(target):
        raise TypeError("Aquí hace falta una clase: una función solo se explica con «Explainer.explain».")
    target = as_array("Las clases", target)
    if target.dtype.kind not in "iu":
        raise TypeError(f"La clase debe ser un número entero, y es «{target.dtype}».")
    return target


def check_request(
    anatomy: Anatomy, layers: Sequence[str], score: str, method: str, methods: Sequence[str], target=None
) -> None:
    """Que la puntuación y el método existan, valgan para esas capas y vayan juntos."""
    _check_choice("score", score, SCORES)
    _check_choice("method", method, methods)
    if callable(target) and score != "logit":
        raise ValueError("Con una función se deriva la función misma: quita «score».")
    if method != "CAM":
        return
    for name in layers:
        if not anatomy.feeds_global_average(name):
            raise ValueError(
                f"CAM necesita que a «{name}» la sigan un promedio global y una capa densa, y no es así. "
                "Grad-CAM vale para cualquier capa."
            )
    if score != "logit":
        raise ValueError("CAM solo se define para el logit: quita «score».")


def check_layers(anatomy: Anatomy, layers) -> tuple[list[str], bool]:
    """Los nombres de las capas que se piden, y si se pide una sola, sin lista."""
    if isinstance(layers, list | tuple):
        if not layers:
            raise ValueError(f"La lista de capas está vacía. {_choices(anatomy)}")
        return [check_layer(anatomy, layer) for layer in layers], False
    return [check_layer(anatomy, layers)], True


def check_layer(anatomy: Anatomy, layer) -> str:
    """El nombre de una capa que se puede explicar, pedida por él, por la capa misma o por su puesto."""
    name = _layer_name(anatomy, layer)
    times = len(anatomy.calls(name))
    if times == 0 or not anatomy.gives_maps(name):
        raise ValueError(
            f"La capa «{name}» no da mapas de características en este modelo. {_choices(anatomy)}"
        )
    if times > 1:
        raise ValueError(f"El modelo usa {times} veces la capa «{name}»: para explicarla debe usarla una.")
    if not anatomy.decides(name):
        raise ValueError(f"No hay gradiente en «{name}»: la predicción no depende de esa capa.")
    return name


def _layer_name(anatomy: Anatomy, layer) -> str:
    if layer is None:
        return anatomy.default_layer
    if isinstance(layer, str):
        if layer in anatomy.layers:
            return layer
    elif isinstance(layer, int | np.integer) and not isinstance(layer, bool):
        if -len(anatomy.layer_names) <= layer < len(anatomy.layer_names):
            return anatomy.layer_names[layer]
    elif isinstance(layer, keras.Operation):
        for name, each in anatomy.layers.items():
            if each is layer:
                return name
        raise ValueError(f"La capa «{layer.name}» no es de este modelo. {_choices(anatomy)}")
    else:
        raise TypeError(
            "Una capa se pide por su nombre, por la capa misma o por su puesto en «layer_names», y esto es "
            f"«{type(layer).__name__}»."
        )
    raise ValueError(f"El modelo no tiene ninguna capa «{layer}». {_choices(anatomy)}")


def _choices(anatomy: Anatomy) -> str:
    return f"Se pueden explicar, entre otras: {', '.join(anatomy.layer_names)}."


def _check_choice(name: str, value, choices: Sequence[str]) -> None:
    if value not in choices:
        raise ValueError(f"«{name}» debe ser {', '.join(choices[:-1])} o {choices[-1]}, y es «{value}».")


def check_answers(*answers: np.ndarray) -> tuple[np.ndarray, ...]:
    """Lo que ha calculado la red, si es finito."""
    if not all(np.isfinite(values).all() for values in answers):
        raise ValueError("La red da valores que no son finitos. ¿Falló su entrenamiento?")
    return answers
