"""Los controles: lo que se ve coincide con lo que devuelven las funciones que hay debajo."""

import cv2
import numpy as np
import pytest

from gradcam_helpers import cam, data, explorer, plots
from gradcam_helpers.backend import keras

LABELS = np.array([0, 1, 1, 0, 1])


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (5, 300, 300, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def explainer():
    keras.utils.set_random_seed(4)
    network = keras.Sequential(
        [
            keras.Input((300, 300, 3)),
            keras.layers.Conv2D(2, 3, strides=10, activation="relu", name="una"),
            keras.layers.Conv2D(3, 3, activation="relu", name="otra"),
            keras.layers.Flatten(),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    return cam.Explainer(network)


def decode(picture):
    return cv2.cvtColor(
        cv2.imdecode(np.frombuffer(picture.value, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB
    )


def test_png_keeps_every_pixel(images):
    class Picture:
        value = explorer.encode_png(images[0])

    assert np.array_equal(decode(Picture), images[0])


def test_select_class():
    assert explorer.select_class(LABELS, data.CLASS_NAMES, "persona").tolist() == [1, 2, 4]
    assert explorer.select_class(LABELS, data.CLASS_NAMES, explorer.ALL_CLASSES).tolist() == [0, 1, 2, 3, 4]


def test_slider_shows_the_image_it_points_at(images):
    browser = explorer.ImageBrowser(images, LABELS, data.CLASS_NAMES)
    for position in (0, 3, 1):
        browser._slider.value = position
        assert browser.position == position
        assert np.array_equal(decode(browser._picture), images[position])
        assert browser._caption.value == f"Imagen {position}: {data.CLASS_NAMES[LABELS[position]]}"


def test_filter_leaves_only_one_class(images):
    browser = explorer.ImageBrowser(images, LABELS, data.CLASS_NAMES)
    browser._slider.value = 4
    browser._filter.value = "persona"
    assert (browser._slider.max, browser.position) == (2, 1)
    browser._slider.value = 2
    assert np.array_equal(decode(browser._picture), images[4])
    browser._filter.value = explorer.ALL_CLASSES
    assert (browser._slider.max, browser.position) == (4, 0)
    assert np.array_equal(decode(browser._picture), images[0])


def test_filter_offers_only_the_classes_there_are(images):
    browser = explorer.ImageBrowser(images[1:3], LABELS[1:3], data.CLASS_NAMES)
    assert browser._filter.options == (explorer.ALL_CLASSES, "persona")


def test_without_images(images):
    with pytest.raises(ValueError, match="No hay imágenes"):
        explorer.ImageBrowser(images[:0], LABELS[:0], data.CLASS_NAMES)


def test_each_change_is_announced_once(images):
    browser = explorer.ImageBrowser(images, LABELS, data.CLASS_NAMES)
    seen = []
    browser.on_change(lambda: seen.append(browser.position))
    browser._slider.value = 4
    browser._filter.value = "persona"
    browser._filter.value = "caballo"
    assert seen == [4, 1, 0]


@pytest.mark.parametrize("layer", ["una", "otra"])
def test_heatmap_is_that_of_the_explainer(explainer, images, layer):
    browser = explorer.HeatmapBrowser(explainer, images, LABELS, data.CLASS_NAMES)
    browser._layer.value = layer
    browser._browser._slider.value = 3
    explanation = explainer.explain(data.prepare_image(images[3]), layer=layer)
    assert np.array_equal(decode(browser._picture), plots.overlay(images[3], explanation.heatmap[0]))
    assert browser._caption.value == explorer.describe_prediction(explanation, data.CLASS_NAMES)


def test_description_warns_of_an_empty_map():
    zeros = np.zeros((1, 2, 2), np.float32)
    scores = np.array([[0.25, 0.75]], np.float32)
    empty = cam.Explanation(
        "una", "Grad-CAM", "logit", zeros, zeros, np.array([True]), np.array([1]), scores, scores
    )
    text = explorer.describe_prediction(empty, data.CLASS_NAMES)
    assert "Clase explicada: persona" in text
    assert "caballo 0.250, persona 0.750" in text
    assert "Mapa vacío" in text
