"""Los controles: lo que reciben los navegadores."""

import cv2
import numpy as np

from gradcam_helpers.engine.controls import encode_png


def test_png_keeps_every_pixel():
    image = np.random.default_rng(0).integers(0, 256, (30, 20, 3), dtype=np.uint8)
    decoded = cv2.imdecode(np.frombuffer(encode_png(image), np.uint8), cv2.IMREAD_COLOR)
    assert np.array_equal(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), image)
