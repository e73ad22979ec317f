"""El panel de los rangos: qué imágenes se marcan, y qué se lee.

Estas pruebas valen para ipywidgets 7 y 8, y se ejecutan con los dos: véase `make test-colab`.
"""

import cv2
import numpy as np
import pytest

from gradcam_helpers import explorer
from gradcam_helpers.engine import ranks

IMAGES = np.random.default_rng(4).integers(0, 256, (20, 72, 72, 3), dtype=np.uint8)
WHOLE = np.arange(20) % 2
ANSWERS = {0: np.zeros(20, int), 1: np.where(np.arange(20) == 5, 0, WHOLE), 128: WHOLE}


def decode(picture) -> np.ndarray:
    content = cv2.imdecode(np.frombuffer(picture.value, np.uint8), cv2.IMREAD_COLOR)
    return cv2.cvtColor(content, cv2.COLOR_BGR2RGB)


def tile(picture: np.ndarray, position: int) -> np.ndarray:
    """La miniatura que ocupa una posición, contando por filas."""
    row, column = divmod(position, ranks.COLUMNS)
    top, left = row * ranks.TILE, column * ranks.TILE
    return picture[top : top + ranks.TILE, left : left + ranks.TILE]


def test_a_change_is_what_the_last_rank_does_not_answer():
    assert np.flatnonzero(ranks.changed_answers(ANSWERS, 1)).tolist() == [5]
    assert np.array_equal(ranks.changed_answers(ANSWERS, 0), WHOLE == 1)
    assert not ranks.changed_answers(ANSWERS, 128).any()


def test_the_caption_counts_the_answers_that_stay():
    changed = np.arange(8) < 3
    assert "Rango 4: la misma respuesta que la red entera en 5 de 8 imágenes (62\u00a0%)." == (
        ranks.describe_rank(4, changed)
    )


def test_the_mosaic_frames_what_changes_and_fades_the_rest():
    tiles = ranks.shrink(IMAGES)
    changed = np.arange(20) == 18
    picture = ranks.mosaic(tiles, changed)
    assert picture.shape == (2 * ranks.TILE, ranks.COLUMNS * ranks.TILE, 3)
    inside = slice(ranks.FRAME, -ranks.FRAME)
    framed = tile(picture, 18)
    assert np.array_equal(framed[inside, inside], tiles[18][inside, inside])
    framed = framed.copy()
    framed[inside, inside] = 0
    assert not framed.any()
    faded = tile(picture, 3).astype(float)
    assert np.abs(faded - (tiles[3] * (1 - ranks.FADED) + 255 * ranks.FADED)).max() <= 0.5
    assert (tile(picture, 20) == 255).all()


def test_thumbnails_are_averages_of_the_pictures():
    blocks = IMAGES.reshape(20, 36, 2, 36, 2, 3).mean(axis=(2, 4))
    assert np.abs(ranks.shrink(IMAGES) - blocks).max() <= 0.5


def test_the_board_shows_what_the_functions_give():
    board = explorer.RankBoard(IMAGES, ANSWERS)
    assert board._rank.value == "128"
    horses_first = np.r_[0:20:2, 1:20:2]
    for rank in (0, 128, 1):
        board._rank.value = str(rank)
        changed = ranks.changed_answers(ANSWERS, rank)
        expected = ranks.mosaic(ranks.shrink(IMAGES[horses_first]), changed[horses_first])
        assert np.array_equal(decode(board._picture), expected)
        assert board._caption.value == ranks.describe_rank(rank, changed)


@pytest.mark.parametrize(
    ("images", "answers", "message"),
    [
        (IMAGES, {}, "ningún rango"),
        (IMAGES, {1: WHOLE, 2: WHOLE[:-1]}, r"\(20,\).*rango 2.*\(19,\)"),
        (IMAGES, {1: np.eye(20, 2)}, r"\(20,\).*rango 1.*\(20, 2\)"),
        (IMAGES / 255, ANSWERS, "uint8"),
    ],
)
def test_the_board_rejects(images, answers, message):
    with pytest.raises(ValueError, match=message):
        explorer.RankBoard(images, answers)
