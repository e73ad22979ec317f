"""Medidas de una explicación: si es fiel a la red, si señala al sujeto y si depende de los pesos.

Todas dan un valor por imagen. Donde no hay nada que medir, como en un mapa vacío, el valor es NaN:
`np.nanmean` promedia los demás y `np.isnan` cuenta los que faltan.

Los mapas llegan entre 0 y 1 y a la resolución de la imagen: `Explanation.heatmap`, después de
`formulas.resize_heatmaps`. Solo la aleatorización en cascada los admite de otro modo.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from gradcam_helpers.engine.backend import keras
from gradcam_helpers.engine.passes import CHUNK

STEPS = 50  # pasos de una curva: cada uno cambia el 2 % de los píxeles
BLUR_SIZE, BLUR_SIGMA = 11, 5  # en píxeles: el desenfoque del código de RISE
UNCHANGED = 0.99  # correlación desde la que dos mapas se ven iguales


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
            canales) le dé puntuaciones (M, clases).
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
    if not isinstance(steps, int | np.integer) or not 1 <= steps <= pixels:
        raise ValueError(f"«steps» debe ser un número entero entre 1 y {pixels} (los píxeles), y es {steps}.")
    changed = np.arange(steps + 1) * pixels // steps
    position = _positions(heatmaps)

    def partly_changed(frames):
        image, step = np.divmod(frames, steps + 1)
        finished = position[image] < changed[step, np.newaxis, np.newaxis]
        return np.where(finished[..., np.newaxis], finish[image], start[image])

    scores = _class_scores(predict, partly_changed, np.repeat(target, steps + 1)).reshape(-1, steps + 1)
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
    images = _check_images(images)
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
    original = _class_scores(predict, lambda chosen: images[chosen], target)
    if original.min() < 0 or original.max() > 1.001:  # el redondeo puede pasar de 1 por muy poco
        raise ValueError(
            "Hacen falta probabilidades, entre 0 y 1, y «predict» da puntuaciones "
            f"de {original.min():g} a {original.max():g}. ¿Son logits?"
        )
    explained = _class_scores(predict, lambda chosen: images[chosen] * heatmaps[chosen, ..., None], target)
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
    heatmaps, masks = _check_masks(heatmaps, masks)
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
    heatmaps, masks = _check_masks(heatmaps, masks)
    inside = np.sum(heatmaps, axis=(1, 2), where=masks, dtype=np.float64)
    total = np.sum(heatmaps, axis=(1, 2), dtype=np.float64)
    nothing = _is_empty(heatmaps) | _is_empty(masks)
    return np.where(nothing, np.nan, inside / np.where(nothing, 1, total))


# --- Aleatorización: ¿depende el mapa de lo que la red ha aprendido? ----------------------------------


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
    network = _copy(model)
    original = np.asarray(explain(model, images))
    if original.shape[:1] != (len(images),):
        raise ValueError(f"«explain» debe dar un mapa por imagen ({len(images)}), y da {original.shape}.")
    layers = list(_layers_with_weights(network))[::-1]
    generator = np.random.default_rng(seed)
    similarity = [rank_correlation(original, explain(network, images))]
    for layer in layers:
        _reinitialize(layer, generator)
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
    first, second = _check_real("Los mapas", first), _check_real("Los mapas", second)
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


def _copy(model: keras.Model) -> keras.Model:
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


def _layers_with_weights(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """Las capas con pesos, de la primera a la última; también las de un modelo que está dentro de otro."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _layers_with_weights(layer)
        elif layer.weights:
            yield layer


def _reinitialize(layer: keras.layers.Layer, generator: np.random.Generator) -> None:
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


# --- Lo que comparten ---------------------------------------------------------------------------------


def _class_scores(predict, build: Callable, target: np.ndarray) -> np.ndarray:
    """Puntuación de la clase `target[i]` en la imagen i de las M que da `build(índices)`; float64 (M,).

    Se construyen y se puntúan de `CHUNK` en `CHUNK`, para que nunca estén todas en memoria.
    """
    scores = np.empty(len(target))
    for start in range(0, len(target), CHUNK):
        chosen = np.arange(start, min(start + CHUNK, len(target)))
        outputs = np.asarray(predict(build(chosen)))
        if outputs.ndim != 2 or len(outputs) != len(chosen):
            raise ValueError(
                f"A un lote de {len(chosen)} imágenes, «predict» debe darle puntuaciones "
                f"({len(chosen)}, clases), y da {outputs.shape}."
            )
        if target.max() >= outputs.shape[1]:
            raise ValueError(f"Las clases van de 0 a {outputs.shape[1] - 1}, y se pide la {target.max()}.")
        scores[chosen] = outputs[np.arange(len(chosen)), target[chosen]]
        if not np.isfinite(scores[chosen]).all():
            raise ValueError("La red da valores que no son finitos. ¿Falló su entrenamiento?")
    return scores


def _is_empty(maps: np.ndarray) -> np.ndarray:
    """Mapas, o máscaras, todo ceros: bool (N,)."""
    return ~maps.any(axis=(1, 2))


def _check_inputs(predict, images, heatmaps, target) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if not callable(predict):
        raise TypeError(f"«predict» debe ser la red o una función, y es «{type(predict).__name__}».")
    images = _check_images(images)
    return images, _check_heatmaps(heatmaps, images.shape[:3]), _check_target(target, len(images))


def _check_images(images) -> np.ndarray:
    images = np.asarray(images)
    if images.ndim != 4 or images.size == 0:
        raise ValueError(
            "Hace falta un lote de imágenes (N, alto, ancho, canales), con una al menos; "
            f"este es {images.shape}."
        )
    if images.dtype.kind != "f":
        raise TypeError(
            f"Las imágenes deben ser flotantes, y son «{images.dtype}». ¿Falta «data.prepare_image»?"
        )
    return _check_real("Las imágenes", images)


def _check_heatmaps(heatmaps, shape: tuple[int, ...]) -> np.ndarray:
    heatmaps = _check_real("Los mapas", heatmaps)
    if heatmaps.shape != shape:
        raise ValueError(
            f"Hace falta un mapa por imagen y a su resolución, {shape}, y estos son {heatmaps.shape}. "
            "¿Falta «cam.resize_heatmaps»?"
        )
    if heatmaps.min() < 0 or heatmaps.max() > 1:
        raise ValueError(
            f"Los mapas van de 0 a 1, y estos van de {heatmaps.min():g} a {heatmaps.max():g}. "
            "Usa «Explanation.heatmap» o «cam.normalize»."
        )
    return heatmaps


def _check_masks(heatmaps, masks) -> tuple[np.ndarray, np.ndarray]:
    masks = np.asarray(masks)
    if masks.dtype != bool or masks.ndim != 3 or masks.size == 0:
        raise ValueError(
            "Las máscaras deben ser bool (N, alto, ancho), con una al menos, "
            f"y son {masks.dtype} {masks.shape}."
        )
    return _check_heatmaps(heatmaps, masks.shape), masks


def _check_target(target, count: int) -> np.ndarray:
    """Una clase por imagen, int64 (count,)."""
    target = np.asarray(target)
    if target.dtype.kind not in "iu":
        raise TypeError(f"La clase debe ser un número entero, y es «{target.dtype}».")
    if target.shape not in ((), (count,)):
        raise ValueError(
            f"Hace falta una clase para todo el lote o una por imagen ({count}); estas son {target.shape}."
        )
    if target.min() < 0:
        raise ValueError(f"Las clases se cuentan desde 0, y se pide la {target.min()}.")
    return np.broadcast_to(target, (count,)).astype(np.int64)


def _check_baseline(baseline, images: np.ndarray) -> np.ndarray:
    baseline = _check_real("«baseline»", baseline)
    try:
        return np.broadcast_to(baseline, images.shape)
    except ValueError:
        raise ValueError(
            "«baseline» debe ser un número, un color o imágenes como las dadas: "
            f"no encaja {baseline.shape} con {images.shape}."
        ) from None


def _check_real(what: str, values) -> np.ndarray:
    """Los valores en float32, si son números reales y finitos."""
    values = np.asarray(values)
    if values.dtype.kind not in "buif":
        raise TypeError(f"{what}: hacen falta números reales, y son de tipo «{values.dtype}».")
    values = values.astype(np.float32, copy=False)
    if not np.isfinite(values).all():
        raise ValueError(f"{what}: hay valores que no son finitos (NaN o infinito).")
    return values
