"""Las imágenes de un panel: lo que llega al navegador, y a qué tamaño."""

import cv2
import numpy as np
import pytest

from gradcam_helpers.engine.canvas import DISPLAY_SIZE, display_size, encode_png, enlarge, picture


def test_png_keeps_every_pixel():
    image = np.random.default_rng(0).integers(0, 256, (30, 20, 3), dtype=np.uint8)
    decoded = cv2.imdecode(np.frombuffer(encode_png(image), np.uint8), cv2.IMREAD_COLOR)
    assert np.array_equal(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), image)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((300, 300), (300, 300)), ((32, 32), (300, 300)), ((200, 400), (150, 300)), ((3000, 1), (300, 1))],
)
def test_pictures_keep_their_proportions(shape, expected):
    assert display_size(shape) == expected
    shown = picture(shape)
    assert (int(shown.height), int(shown.width)) == expected


@pytest.mark.parametrize("shape", [(1, 1), (28, 40, 3), (150, 3), (151, 30, 3), (300, 300, 3), (900, 20)])
def test_small_pictures_are_enlarged_without_mixing_pixels(shape):
    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    larger = enlarge(image)
    times = len(larger) // len(image)
    assert np.array_equal(larger[times // 2 :: times, times // 2 :: times], image)
    assert np.array_equal(np.unique(larger), np.unique(image))
    longest = max(image.shape[:2])
    assert longest >= DISPLAY_SIZE or DISPLAY_SIZE / 2 < max(larger.shape[:2]) <= DISPLAY_SIZE
