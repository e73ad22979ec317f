"""El experimento del fondo: el mismo sujeto sobre muchos fondos, y qué responde la red.

Un mapa señala una zona; si esa zona decide la respuesta, se sabe cambiándola, y solo a ella.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from gradcam_helpers import cam, data, metrics
from gradcam_helpers.engine.inputs import check_answers
from gradcam_helpers.engine.passes import CHUNK


def try_background(
    explainer: cam.Explainer, image: np.ndarray, mask: np.ndarray, background: np.ndarray | None = None
) -> tuple[np.ndarray, cam.Explanation]:
    """Una prueba: el sujeto sobre un fondo, y el Grad-CAM de lo que responde la red.

    Argumentos:
        image, mask: uint8 (300, 300, 3) y bool (300, 300), cierta en el sujeto.
        background: uint8 (300, 300, 3); si no se da, la imagen se queda con el suyo.

    Devuelve `(picture, explanation)`: la imagen que ha visto la red, y su explicación.

    Errores:
        ValueError: los de `data.replace_background`.
    """
    picture = image if background is None else data.replace_background(image, mask, background)
    return picture, explainer.explain(data.prepare_image(picture))


def ask(predict: Callable, images: np.ndarray) -> np.ndarray:
    """Lo que responde la red a unas imágenes, que se preparan y se le dan de pocas en pocas.

    Argumentos:
        predict: da probabilidades (M, clases) a un lote float32 (M, 300, 300, 3): `model.predict_on_batch`.
        images: uint8 (N, 300, 300, 3).

    Devuelve las probabilidades, float32 (N, clases).

    Errores:
        ValueError: los de `data.prepare_image`, o la red da valores que no son finitos.
    """
    starts = range(0, max(1, len(images)), CHUNK)
    answers = [np.asarray(predict(data.prepare_image(images[start : start + CHUNK]))) for start in starts]
    return np.concatenate(check_answers(*answers))


def swap_backgrounds(
    predict: Callable, images: np.ndarray, masks: np.ndarray, backgrounds: np.ndarray
) -> np.ndarray:
    """Todas las pruebas: cada sujeto sobre cada fondo.

    Argumentos:
        predict: como en `ask`.
        images, masks: uint8 (N, 300, 300, 3) y bool (N, 300, 300).
        backgrounds: uint8 (B, 300, 300, 3).

    Devuelve las probabilidades, float32 (N, B, clases).

    Errores:
        ValueError: los de `data.replace_background` y los de `ask`, no hay fondos o sujetos, o no hay una
            máscara por sujeto.
    """
    if np.ndim(images) != 4 or len(images) == 0 or len(masks) != len(images):
        raise ValueError(
            "Hace falta un lote de imágenes (N, 300, 300, 3), con una al menos, y una máscara por imagen: "
            f"son {np.shape(images)} y {np.shape(masks)}."
        )
    if np.ndim(backgrounds) != 4 or len(backgrounds) == 0:
        raise ValueError(
            f"Hace falta un lote de fondos (B, 300, 300, 3), con uno al menos, y es {np.shape(backgrounds)}."
        )
    answers = [ask(predict, data.replace_background(images, masks, each)) for each in backgrounds]
    return np.stack(answers, axis=1)


@dataclass(frozen=True)
class Row:
    """Lo que responde la red a los sujetos de una clase sobre los fondos de un tipo.

    Atributos:
        class_name, kind: la clase y el tipo de fondo.
        hits: parte de aciertos, de 0 a 1.
        interval: entre qué valores cae, con un 95 % de confianza, si los individuos fueran otros.
        probability: la media de la probabilidad de la clase verdadera.
    """

    class_name: str
    kind: str
    hits: float
    interval: tuple[float, float]
    probability: float

    def __str__(self) -> str:
        low, high = self.interval
        return (
            f"{self.class_name}, {self.kind}: acierta el {100 * self.hits:.0f} % "
            f"(de {100 * low:.0f} a {100 * high:.0f}); P media {self.probability:.2f}"
        )


def tabulate(
    probabilities: np.ndarray, labels: np.ndarray, kinds: Sequence[str], identities: np.ndarray
) -> list[Row]:
    """Los aciertos por clase y tipo de fondo, en el orden en que aparecen los tipos.

    El intervalo remuestrea individuos, no imágenes: las de un mismo individuo se parecen, y contarlas como
    si fueran independientes lo haría parecer más estrecho de lo que es.

    De una clase sin sujetos no hay filas.

    Argumentos:
        probabilities: (N, B, 2), las de `swap_backgrounds`.
        labels: int (N,), la clase verdadera de cada sujeto.
        kinds: el tipo de cada fondo (B,).
        identities: (N,), quién es cada sujeto: `data.load_identities`.

    Errores:
        ValueError: no hay una etiqueta y un individuo por sujeto, un tipo por fondo o una probabilidad por
            clase.
    """
    labels, identities = np.asarray(labels), np.asarray(identities)
    shape = (len(labels), len(kinds))
    if probabilities.ndim != 3 or probabilities.shape[:2] != shape or len(identities) != shape[0]:
        raise ValueError(
            "Hacen falta una etiqueta y un individuo por sujeto, y un tipo por fondo: las probabilidades son "
            f"{probabilities.shape}, y hay {len(labels)} etiquetas, {len(identities)} individuos "
            f"y {len(kinds)} tipos."
        )
    if probabilities.shape[2] != len(data.CLASS_NAMES):
        raise ValueError(
            f"Hace falta una probabilidad por clase, {len(data.CLASS_NAMES)}, y hay {probabilities.shape[2]}."
            " De una red con una sola salida, une «1 − p» y «p» en el último eje."
        )
    hits = probabilities.argmax(axis=2) == labels[:, np.newaxis]
    rows = []
    for label, class_name in enumerate(data.CLASS_NAMES):
        ours = labels == label
        if not ours.any():
            continue
        for kind in dict.fromkeys(kinds):
            there = np.array([each == kind for each in kinds])
            per_subject = hits[ours][:, there].mean(axis=1)
            interval = metrics.bootstrap_interval(per_subject, groups=identities[ours])
            probability = probabilities[ours][:, there, label].mean()
            rows.append(Row(class_name, kind, per_subject.mean(), interval, float(probability)))
    return rows


def number_kinds(kinds: Sequence[str]) -> list[str]:
    """Un nombre por fondo: «bosque 1», «bosque 2»…, según su tipo."""
    return [f"{kind} {list(kinds[: place + 1]).count(kind)}" for place, kind in enumerate(kinds)]


def concordance(
    shares: np.ndarray, dependence: np.ndarray, identities: np.ndarray
) -> tuple[float, tuple[float, float]]:
    """¿Ordena un mapa a los sujetos según lo que cada respuesta depende del fondo? Al azar, 0,5.

    De todas las parejas en que uno depende más que otro, la parte en que `shares` es mayor en el que depende
    más; un empate cuenta la mitad. Es el índice C de Harrell y otros, «Evaluating the Yield of Medical
    Tests», JAMA 1982; si la dependencia es de sí o no, es el área bajo la curva ROC.

    Argumentos:
        shares: (N,), por ejemplo la parte de la relevancia que cae en el fondo.
        dependence: (N,), en qué parte de los fondos cambia la respuesta.
        identities: (N,), quién es cada sujeto: `data.load_identities`.

    Devuelve el índice y su intervalo del 95 %, en el que se remuestrean individuos; NaN donde no hay parejas,
    y en el intervalo, si no hay al menos dos individuos.

    Errores:
        ValueError: no hay un valor de cada por sujeto, o alguno no es finito.
    """
    shares, dependence = np.asarray(shares, np.float64), np.asarray(dependence, np.float64)
    if shares.ndim != 1 or not shares.shape == dependence.shape == np.shape(identities):
        raise ValueError(
            "Hacen falta una parte, una dependencia y un individuo por sujeto, y sus formas son "
            f"{shares.shape}, {dependence.shape} y {np.shape(identities)}."
        )
    if not (np.isfinite(shares).all() and np.isfinite(dependence).all()):
        raise ValueError("Hay valores que no son finitos: deja fuera los mapas vacíos, que dan NaN.")
    pairs = (dependence[:, np.newaxis] > dependence).astype(np.float64)
    order = np.sign(shares[:, np.newaxis] - shares)
    right = pairs * (order + 1) / 2
    if not pairs.any():
        return np.nan, (np.nan, np.nan)
    index = float(right.sum() / pairs.sum())
    drawn, group = metrics.draw_groups(identities)
    if drawn.shape[1] < 2:
        return index, (np.nan, np.nan)
    times = drawn[:, group].astype(np.float64)  # cuántas veces sale cada sujeto en cada sorteo
    every, hits = (((times @ matrix) * times).sum(axis=1) for matrix in (pairs, right))
    some = every > 0  # puede salir siempre el mismo individuo
    low, high = np.percentile(hits[some] / every[some], metrics.TAILS)
    return index, (float(low), float(high))
