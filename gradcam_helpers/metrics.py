"""Medidas de un mapa: si es fiel a la red y si señala al sujeto; y el intervalo de su media.

Todas dan un valor por imagen, salvo `bootstrap_interval`, que los resume. Donde no hay nada que medir, como
en un mapa vacío, el valor es NaN: `np.nanmean` promedia los demás y `np.isnan` cuenta los que faltan.

Los mapas llegan entre 0 y 1 y a la resolución de la imagen: `Explanation.heatmap`, después de
`formulas.resize_heatmaps`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from gradcam_helpers.engine.inputs import (
    check_heatmaps,
    check_images,
    check_masks,
    check_one_target_each,
    check_real,
)
from gradcam_helpers.engine.scoring import class_scores, model_behind

STEPS = 50  # pasos de una curva: cada uno cambia el 2 % de los píxeles
BLUR_SIZE, BLUR_SIGMA = 11, 5  # en píxeles: el desenfoque del código de RISE
RESAMPLES = 2_000  # remuestreos de un intervalo
TAILS = 2.5, 97.5  # percentiles que encierran el 95 %


# --- Fidelidad: ¿cambia la respuesta de la red cuando se toca lo que el mapa señala? ------------------


@dataclass(frozen=True)
class Curve:
    """Puntuación de la clase mientras se insertan o se borran píxeles, del más al menos relevante.

    Atributos:
        fraction: parte de los píxeles que ya ha cambiado, de 0 a 1; float64 (pasos + 1,).
        scores: puntuación de la clase en cada paso, float64 (N, pasos + 1); NaN donde el mapa está vacío.
    """

    fraction: np.ndarray
    scores: np.ndarray

    @property
    def area(self) -> np.ndarray:
        """Área bajo cada curva, por la regla del trapecio; float64 (N,)."""
        return np.trapezoid(self.scores, self.fraction, axis=1)


def insertion(predict: Callable, images, heatmaps, target, baseline=None, steps: int = STEPS) -> Curve:
    """Parte de la imagen desenfocada y descubre sus píxeles: cuanto mayor es el área, mejor el mapa.

    Petsiuk y otros, «RISE: Randomized Input Sampling for Explanation of Black-box Models», BMVC 2018,
    arXiv:1806.07421. La puntuación es la que da `predict`; en el artículo, la probabilidad de la clase.

    Argumentos:
        predict: la red, que da probabilidades, o cualquier función que a un lote float32 (M, alto, ancho,
            canales) le dé puntuaciones (M, clases). Una sola columna es la probabilidad de la clase 1, y la
            de la 0, lo que le falta hasta 1; de una red que da logits se miden −y e y, como en `Explainer`.
        images: float32 (N, alto, ancho, canales), como las espera `predict`.
        heatmaps: (N, alto, ancho) entre 0 y 1. Los píxeles empatados van de izquierda a derecha y de arriba
            abajo: en los ceros que deja la ReLU, el orden no significa nada.
        target: clase que se mide, una para todas las imágenes o una por imagen: `Explanation.target`.
        baseline: lo que hay donde aún no está la imagen: un número, un color o imágenes, en la escala de
            `images`. Por omisión, `blur(images)`. Si la curva ya empieza alta, eso no oculta la clase.
        steps: en cuántos pasos se cambian los píxeles, desde 1 hasta uno por píxel. RISE da 224.

    Errores:
        TypeError: argumentos de otro tipo.
        ValueError: formas o intervalos que no encajan, valores que no son finitos o una clase que no existe.
    """
    images, heatmaps, target = _check_inputs(predict, images, heatmaps, target)
    hidden = _check_baseline(blur(images) if baseline is None else baseline, images)
    return _curve(predict, hidden, images, heatmaps, target, steps)


def deletion(predict: Callable, images, heatmaps, target, baseline=0.0, steps: int = STEPS) -> Curve:
    """Parte de la imagen y borra sus píxeles: cuanto menor es el área, mejor el mapa.

    El artículo, los argumentos y los errores son los de `insertion`, pero `baseline` es 0 por omisión: negro
    en la red del curso. RISE también pone ceros, en imágenes a las que ha restado el color medio.
    """
    images, heatmaps, target = _check_inputs(predict, images, heatmaps, target)
    return _curve(predict, images, _check_baseline(baseline, images), heatmaps, target, steps)


def _curve(predict, start, finish, heatmaps, target, steps) -> Curve:
    """Puntuaciones mientras los píxeles pasan de `start` a `finish` por orden de relevancia."""
    pixels = heatmaps[0].size
    if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or not 1 <= steps <= pixels:
        raise ValueError(f"«steps» debe ser un número entero entre 1 y {pixels} (los píxeles), y es {steps}.")
    changed = np.arange(steps + 1) * pixels // steps
    position = _positions(heatmaps)

    def partly_changed(frames):
        image, step = np.divmod(frames, steps + 1)
        finished = position[image] < changed[step, np.newaxis, np.newaxis]
        return np.where(finished[..., np.newaxis], finish[image], start[image])

    scores = class_scores(predict, partly_changed, np.repeat(target, steps + 1)).reshape(-1, steps + 1)
    scores[_is_empty(heatmaps)] = np.nan
    return Curve(changed / pixels, scores)


def _positions(heatmaps: np.ndarray) -> np.ndarray:
    """Puesto de cada píxel por su relevancia, desde 0, el más relevante; int64 (N, alto, ancho)."""
    order = np.argsort(-heatmaps.reshape(len(heatmaps), -1), axis=1, kind="stable")
    return np.argsort(order, axis=1).reshape(heatmaps.shape)  # la inversa de una permutación


def blur(images) -> np.ndarray:
    """Imágenes desenfocadas como en RISE: filtro gaussiano de 11 × 11 píxeles y σ = 5, de borde reflejado.

    Argumentos:
        images: float32 (N, alto, ancho, canales).

    Devuelve lo mismo que recibe, en imágenes nuevas.
    """
    images = check_images(images)
    blurred = [cv2.GaussianBlur(image, (BLUR_SIZE, BLUR_SIZE), BLUR_SIGMA) for image in images]
    return np.stack(blurred).reshape(images.shape)


@dataclass(frozen=True)
class ConfidenceChange:
    """Cuánto cambia la probabilidad de la clase al dejar solo lo que el mapa señala. Todo float64 (N,).

    Atributos:
        original: probabilidad Y de la clase en la imagen.
        explained: probabilidad O en la imagen multiplicada por su mapa; NaN donde el mapa está vacío.
        drop: max(0, Y − O) / Y; NaN donde el mapa está vacío. Su media es la caída media (*average drop*).
        increase: 1 si Y < O y 0 si no; NaN donde el mapa está vacío. Su media es el aumento medio
            (*average increase*).
    """

    original: np.ndarray
    explained: np.ndarray
    drop: np.ndarray
    increase: np.ndarray


def confidence_change(predict: Callable, images, heatmaps, target) -> ConfidenceChange:
    """Compara la probabilidad de la clase en la imagen y en la imagen multiplicada por su mapa.

    Un buen mapa da poca caída y mucho aumento. Lo que el mapa apaga queda en 0: negro, en la red del curso.

    Chattopadhay y otros, «Grad-CAM++: Improved Visual Explanations for Deep Convolutional Networks»,
    WACV 2018, arXiv:1710.11063, que da las medias en tanto por ciento.

    Los argumentos y los errores son los de `insertion`; `predict` debe dar probabilidades, no logits.
    """
    images, heatmaps, target = _check_inputs(predict, images, heatmaps, target)
    original = class_scores(predict, lambda chosen: images[chosen], target, probabilities=True)
    explained = class_scores(
        predict, lambda chosen: images[chosen] * heatmaps[chosen, ..., None], target, probabilities=True
    )
    explained[_is_empty(heatmaps)] = np.nan
    # De una probabilidad que ya es 0 no puede caer nada.
    drop = np.maximum(0, original - explained) / np.where(original > 0, original, 1)
    increase = np.where(np.isnan(explained), np.nan, original < explained)
    return ConfidenceChange(original, explained, drop, increase)


# --- Localización: ¿señala el mapa al sujeto? ---------------------------------------------------------


def pointing_game(heatmaps, masks) -> np.ndarray:
    """¿Cae el máximo del mapa dentro del sujeto? 1 si acierta, 0 si falla.

    Zhang y otros, «Top-Down Neural Attention by Excitation Backprop», IJCV 2018, pero sin su margen de 15
    píxeles en torno al sujeto. Entre varios máximos iguales cuenta el primero, de izquierda a derecha y de
    arriba abajo.

    Argumentos:
        heatmaps: (N, alto, ancho) entre 0 y 1.
        masks: bool (N, alto, ancho), cierto en el sujeto, como las de `data.load_masks`.

    Devuelve float64 (N,); NaN donde el mapa o la máscara están vacíos.

    Errores:
        TypeError: los mapas no contienen números.
        ValueError: formas, tipos o intervalos que no encajan, o un lote vacío.
    """
    masks = check_masks(masks)
    heatmaps = check_heatmaps(heatmaps, masks.shape)
    peaks = heatmaps.reshape(len(heatmaps), -1).argmax(axis=1)
    hits = masks.reshape(len(masks), -1)[np.arange(len(masks)), peaks]
    return np.where(_is_empty(heatmaps) | _is_empty(masks), np.nan, hits)


def energy_pointing_game(heatmaps, masks) -> np.ndarray:
    """¿Qué parte del mapa cae dentro del sujeto? Su suma en la máscara entre su suma total, de 0 a 1.

    Un mapa uniforme da la parte de la imagen que ocupa el sujeto: con ese valor hay que comparar.

    Wang y otros, «Score-CAM: Score-Weighted Visual Explanations for Convolutional Neural Networks», CVPRW
    2020, arXiv:1910.01279, pero con la máscara del sujeto en lugar del rectángulo que lo encierra.

    Los argumentos, lo que devuelve y los errores son los de `pointing_game`.
    """
    masks = check_masks(masks)
    heatmaps = check_heatmaps(heatmaps, masks.shape)
    inside = np.sum(heatmaps, axis=(1, 2), where=masks, dtype=np.float64)
    total = np.sum(heatmaps, axis=(1, 2), dtype=np.float64)
    nothing = _is_empty(heatmaps) | _is_empty(masks)
    return np.where(nothing, np.nan, inside / np.where(nothing, 1, total))


# --- De muchas imágenes: ¿cuánto vale la media? -------------------------------------------------------


def bootstrap_interval(values, groups=None) -> tuple[float, float]:
    """Intervalo de confianza del 95 % de una media, por remuestreo (*bootstrap*, método del percentil).

    Se sortean, con reposición, tantos grupos como hay, y se promedian todos sus valores; así muchas veces,
    siempre con la misma semilla. Las fotos de un mismo individuo se parecen: contarlas como independientes
    daría un intervalo demasiado estrecho. Por eso se sortean individuos y no fotos.

    Efron y Tibshirani, «An Introduction to the Bootstrap», Chapman & Hall, 1993.

    Argumentos:
        values: números (N,); los NaN, donde no había nada que medir, no cuentan.
        groups: el grupo de cada valor, (N,), como el individuo de cada foto. Por omisión, cada uno el suyo.

    Devuelve `(low, high)`; NaN si no hay al menos dos grupos, de los que poder sacar un intervalo.

    Errores:
        ValueError: los valores no forman una lista o no son finitos, o no hay un grupo por valor.
    """
    values = np.asarray(values, np.float64)
    groups = np.arange(values.size) if groups is None else np.asarray(groups)
    if values.ndim != 1 or groups.shape != values.shape:
        raise ValueError(
            "Hacen falta una lista de valores, (N,), y un grupo por valor, "
            f"y son {values.shape} y {groups.shape}."
        )
    if np.isinf(values).any():
        raise ValueError("Los valores contienen infinitos, de los que no hay media.")
    known = ~np.isnan(values)
    if len(np.unique(groups[known])) < 2:
        return np.nan, np.nan
    times, group = draw_groups(groups[known])
    totals, sizes = np.bincount(group, values[known]), np.bincount(group)
    low, high = np.percentile(times @ totals / (times @ sizes), TAILS)
    return float(low), float(high)


def draw_groups(groups) -> tuple[np.ndarray, np.ndarray]:
    """Sorteos, con reposición, de tantos grupos como hay; los mismos siempre.

    Argumentos:
        groups: el grupo de cada valor, (N,), con uno al menos.

    Devuelve `(times, group)`: cuántas veces sale cada grupo en cada sorteo, int64 (RESAMPLES, grupos), y el
    número del grupo de cada valor, int64 (N,).
    """
    names, group = np.unique(groups, return_inverse=True)
    chances = np.full(len(names), 1 / len(names))
    return np.random.default_rng(0).multinomial(len(names), chances, RESAMPLES), group


# --- Lo que comparten ---------------------------------------------------------------------------------


def _is_empty(maps: np.ndarray) -> np.ndarray:
    """Mapas, o máscaras, todo ceros: bool (N,)."""
    return ~maps.any(axis=(1, 2))


def _check_inputs(predict, images, heatmaps, target) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if not callable(predict):
        raise TypeError(f"«predict» debe ser la red o una función, y es «{type(predict).__name__}».")
    shape = getattr(model_behind(predict), "input_shape", None)
    images = check_images(images, shape[1:] if isinstance(shape, tuple) and len(shape) == 4 else None)
    return images, check_heatmaps(heatmaps, images.shape[:3]), check_one_target_each(target, len(images))


def _check_baseline(baseline, images: np.ndarray) -> np.ndarray:
    baseline = check_real("«baseline»", baseline)
    try:
        return np.broadcast_to(baseline, images.shape)
    except ValueError:
        raise ValueError(
            "«baseline» debe ser un número, un color o imágenes como las dadas: "
            f"no encaja {baseline.shape} con {images.shape}."
        ) from None
