"""El panel de los rangos: en qué imágenes cambia la respuesta si una capa de la red se reduce."""

from collections.abc import Mapping

import cv2
import ipywidgets as widgets
import numpy as np

from gradcam_helpers.engine.canvas import encode_png
from gradcam_helpers.engine.controls import FOCUS_STYLE, controls_layout, stop
from gradcam_helpers.engine.gallery import check_pictures

TILE, COLUMNS = 36, 18  # píxeles de cada miniatura, y cuántas por fila
FADED = 0.8  # lo que se aclaran las imágenes cuya respuesta no cambia
FRAME = 3  # píxeles del marco de las que cambian


class RankBoard(widgets.VBox):
    """Elige el rango de una capa y muestra en qué imágenes responde la red otra cosa que entera.

    Argumentos:
        images: uint8 (N, alto, ancho, 3), en cualquier orden.
        answers: de cada rango, de menor a mayor, a lo que responde la red, int (N,). El último es el de la
            red entera.

    Errores:
        ValueError: las imágenes son de otra forma o tipo, o no hay una respuesta por imagen y rango.
    """

    def __init__(self, images: np.ndarray, answers: Mapping[int, np.ndarray]):
        self._images = check_pictures(images)
        self._answers = _check_answers(answers, len(self._images))
        whole = list(self._answers.values())[-1]
        self._order = np.argsort(whole, kind="stable")  # juntas, las de la misma respuesta
        self._tiles = shrink(self._images[self._order])
        ranks = [str(rank) for rank in self._answers]
        self._rank = stop("Rango", ranks, ranks[-1])
        self._picture, self._caption = widgets.Image(format="png"), widgets.HTML()
        self._picture.layout.max_width = "100%"
        self._rank.observe(self._show, names="value")
        self._show()
        style = widgets.HTML(FOCUS_STYLE, layout=widgets.Layout(display="none"))
        controls = widgets.VBox([style, self._rank], layout=controls_layout())
        super().__init__([controls, self._caption, self._picture])

    def _show(self, _=None) -> None:
        rank = int(self._rank.value)
        changed = changed_answers(self._answers, rank)
        self._caption.value = describe_rank(rank, changed)
        self._picture.value = encode_png(mosaic(self._tiles, changed[self._order]))


def changed_answers(answers: Mapping[int, np.ndarray], rank: int) -> np.ndarray:
    """En qué imágenes se responde con ese rango otra cosa que con el último, bool (N,)."""
    return answers[rank] != list(answers.values())[-1]


def describe_rank(rank: int, changed: np.ndarray) -> str:
    """Lo que se lee de un rango: «Rango 1: la misma respuesta […] en 118 de 120 imágenes (98 %).»."""
    same, count = np.sum(~changed), len(changed)
    share = f"{100 * same / count:.0f}\u00a0%"
    return f"Rango {rank}: la misma respuesta que la red entera en {same} de {count} imágenes ({share})."


def shrink(images: np.ndarray) -> np.ndarray:
    """Miniaturas, uint8 (N, TILE, TILE, 3)."""
    return np.stack([cv2.resize(image, (TILE, TILE), interpolation=cv2.INTER_AREA) for image in images])


def mosaic(tiles: np.ndarray, changed: np.ndarray) -> np.ndarray:
    """Las miniaturas en filas de `COLUMNS`: enmarcadas las que cambian, y aclaradas las demás.

    Devuelve uint8 (filas · TILE, COLUMNS · TILE, 3).
    """
    rows = -(-len(tiles) // COLUMNS)
    places = np.full((rows * COLUMNS, TILE, TILE, 3), 255, np.uint8)
    faded = np.rint(tiles + FADED * (255.0 - tiles)).astype(np.uint8)
    framed = np.zeros_like(tiles)
    inside = slice(FRAME, -FRAME)
    framed[:, inside, inside] = tiles[:, inside, inside]
    places[: len(tiles)] = np.where(changed[:, None, None, None], framed, faded)
    grid = places.reshape(rows, COLUMNS, TILE, TILE, 3).swapaxes(1, 2)
    return grid.reshape(rows * TILE, COLUMNS * TILE, 3)


def _check_answers(answers: Mapping[int, np.ndarray], count: int) -> dict[int, np.ndarray]:
    if not answers:
        raise ValueError("No hay ningún rango que elegir: «answers» está vacío.")
    checked = {rank: np.asarray(each) for rank, each in answers.items()}
    for rank, each in checked.items():
        if each.shape != (count,):
            raise ValueError(
                f"Hace falta una respuesta por imagen, con forma ({count},), y las de rango {rank} "
                f"tienen forma {each.shape}."
            )
    return checked
