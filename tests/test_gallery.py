"""Lo que recorre un panel: lo que no encaja se dice en una línea, antes de mostrar nada."""

import re

import numpy as np
import pytest

from gradcam_helpers import data, explorer
from gradcam_helpers.engine import gallery
from gradcam_helpers.engine.gallery import NO_CLASS, UNLABELLED

IMAGES = np.random.default_rng(0).integers(0, 256, (4, 20, 30, 3), dtype=np.uint8)
LABELS = np.array([0, 1, UNLABELLED, 1])


def refused(error, message):
    return pytest.raises(error, match=f"^[^\n]*{re.escape(message)}[^\n]*$")


@pytest.mark.parametrize(
    ("names", "error", "message"),
    [
        (["a", "b", "a"], ValueError, "Dos clases se llaman «a»"),
        (["a", ""], ValueError, "uno es ''"),
        (["a", "  "], ValueError, "uno es '  '"),
        ([0, 1], ValueError, "uno es 0"),
        ([], ValueError, "no hay ninguno"),
        ("caballo", TypeError, "una lista con el nombre de cada clase, y se da «caballo»"),
        (None, TypeError, "una lista con el nombre de cada clase, y se da «None»"),
        (["todas", "b"], ValueError, "El panel usa «todas»"),
        (["a", "predicha"], ValueError, "El panel usa «predicha»"),
        (["a", NO_CLASS], ValueError, "El panel usa «sin clase»"),
    ],
)
def test_names_that_do_not_serve(names, error, message):
    with refused(error, message):
        explorer.ImageBrowser(IMAGES, [0, 1, 0, 1], names)


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        ([0, 1, 9, 0], ValueError, "Con 2 nombres de clases, las etiquetas van de 0 a 1"),
        ([0, 1, -2, 0], ValueError, "alguna es -2"),
        (np.array([0, 1, 255, 0], np.uint8), ValueError, "alguna es 255"),
        (np.array([0, 2**64 - 1, 0, 0], np.uint64), ValueError, f"alguna es {2**64 - 1}"),
        ([0.0, 1.0, 0.0, 1.0], TypeError, "deben ser enteros"),
        ([True, False, True, False], TypeError, "deben ser enteros"),
        (["caballo", "persona", "caballo", "caballo"], TypeError, "deben ser enteros"),
        ([0, None, 1, 0], TypeError, "deben ser enteros"),
        (np.eye(4, 2), ValueError, "falta «.argmax(axis=1)»"),
        (1, ValueError, "un número por imagen"),
        ([0, 1], ValueError, "4 imágenes, 2 etiquetas"),
    ],
)
def test_labels_that_do_not_serve(labels, error, message):
    with refused(error, message):
        explorer.ImageBrowser(IMAGES, labels, data.CLASS_NAMES)


def test_ten_classes_and_two_names():
    with refused(ValueError, "Con 2 nombres de clases"):
        explorer.ImageBrowser(np.zeros((10, 8, 8, 3), np.uint8), np.arange(10), data.CLASS_NAMES)


@pytest.mark.parametrize(
    ("predicted", "error", "message"),
    [
        ([0, 1, 2, 0], ValueError, "las predicciones van de 0 a 1, y alguna es 2"),
        ([0, 1, -1, 0], ValueError, "alguna es -1"),
        (np.full((4, 2), 0.5), ValueError, "falta «.argmax(axis=1)»"),
        ([0.2, 0.7, 0.1, 0.9], TypeError, "Las predicciones deben ser enteros"),
    ],
)
def test_predictions_that_do_not_serve(predicted, error, message):
    with refused(error, message):
        gallery.check_predicted(predicted, LABELS, list(data.CLASS_NAMES))


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (IMAGES / 255, "sin preparar para la red, y son float64 (4, 20, 30, 3)"),
        (IMAGES[..., 0], "y son uint8 (4, 20, 30)"),
        (IMAGES[..., :1], "y son uint8 (4, 20, 30, 1)"),
        (IMAGES[0], "y son uint8 (20, 30, 3)"),
        ([IMAGES[0], IMAGES[0, :9]], "varias formas"),
        (IMAGES[:0], "No hay imágenes"),
    ],
)
def test_pictures_that_do_not_serve(images, message):
    with refused(ValueError, message):
        explorer.ImageBrowser(images, LABELS, data.CLASS_NAMES)


@pytest.mark.parametrize("masks", [np.zeros((4, 20, 30)), np.zeros((4, 30, 20), bool), [[True]] * 4])
def test_masks_that_do_not_serve(masks):
    with refused(ValueError, "Las máscaras deben ser bool (4, 20, 30), como las imágenes"):
        gallery.check_subjects(masks, IMAGES)


def test_lists_are_as_good_as_arrays():
    browser = explorer.ImageBrowser(list(IMAGES), LABELS.tolist(), np.array(data.CLASS_NAMES))
    browser._chooser._filter.value = "persona"
    assert (browser._chooser._slider.max, browser.position) == (1, 1)


def test_a_picture_without_class_says_so():
    browser = explorer.ImageBrowser(IMAGES, LABELS, data.CLASS_NAMES)
    captions = []
    for position in range(4):
        browser._chooser._slider.value = position
        captions.append(browser._caption.value)
    assert captions == ["Imagen 0: caballo", "Imagen 1: persona", "Imagen 2: sin clase", "Imagen 3: persona"]


def test_empty_backgrounds_are_nobody(embedded_source):
    images, labels = data.load_images(embedded_source, data.BACKGROUND_SPLIT)
    browser = explorer.ImageBrowser(images, labels, data.CLASS_NAMES)
    assert browser._caption.value == "Imagen 0: sin clase"
    assert list(browser._chooser._filter.options) == ["todas", "sin clase"]
