"""Elegir una imagen: qué dejan pasar los filtros y adónde va el control deslizante.

Estas pruebas valen para ipywidgets 7 y 8, y se ejecutan con los dos: véase `make test-colab`.
"""

import ipywidgets as widgets
import numpy as np
import pytest

from gradcam_helpers import data
from gradcam_helpers.engine.chooser import ImageChooser, select_images
from gradcam_helpers.engine.gallery import ALL_CLASSES, NO_CLASS, UNLABELLED

LABELS = np.array([0, 1, 1, 0, 1])
PREDICTED = np.array([0, 0, 1, 1, 1])


def visible(widget):
    return widget.layout.display != "none"


@pytest.mark.parametrize(
    ("choice", "predicted", "expected"),
    [
        (ALL_CLASSES, None, [0, 1, 2, 3, 4]),
        ("persona", None, [1, 2, 4]),
        (ALL_CLASSES, PREDICTED, [1, 3]),
        ("persona", PREDICTED, [1]),
        ("caballo", LABELS, []),
    ],
)
def test_select_images(choice, predicted, expected):
    assert select_images(LABELS, data.CLASS_NAMES, choice, predicted).tolist() == expected


@pytest.mark.parametrize(
    ("choice", "predicted", "expected"),
    [
        (ALL_CLASSES, None, [0, 1, 2]),
        (NO_CLASS, None, [1]),
        ("persona", None, [2]),
        (ALL_CLASSES, [1, 1, 1], [0]),
        (NO_CLASS, [0, 1, 1], []),
    ],
)
def test_an_image_without_class_is_of_none_and_is_no_error(choice, predicted, expected):
    labels = np.array([0, UNLABELLED, 1])
    predicted = None if predicted is None else np.array(predicted)
    assert select_images(labels, data.CLASS_NAMES, choice, predicted).tolist() == expected


def test_with_a_single_image_left_the_slider_rests():
    chooser = ImageChooser(LABELS, data.CLASS_NAMES, PREDICTED)
    chooser._filter.value, chooser._errors.value = "persona", True
    assert chooser._slider.disabled and not visible(chooser._nothing)


def test_filter_offers_only_the_classes_there_are():
    chooser = ImageChooser(LABELS[1:3], data.CLASS_NAMES)
    assert list(chooser._filter.options) == [ALL_CLASSES, "persona"]


def test_filter_offers_the_images_without_class():
    chooser = ImageChooser([0, UNLABELLED], data.CLASS_NAMES, [1, 1])
    assert set(chooser._filter.options) == {ALL_CLASSES, "caballo", NO_CLASS}
    chooser._errors.value = True
    assert (chooser._slider.max, chooser.position) == (0, 0)
    chooser.choose(1)
    assert chooser.describe(1) == "Imagen 1: sin clase" and chooser.true_class(1) is None


@pytest.mark.parametrize(("count", "kind"), [(2, widgets.ToggleButtons), (10, widgets.Dropdown)])
def test_filter_fits_whatever_the_number_of_classes(count, kind):
    names = [f"clase {number}" for number in range(count)]
    chooser = ImageChooser(np.arange(count), names)
    assert isinstance(chooser._filter, kind)
    chooser._filter.value = names[-1]
    assert (chooser._slider.max, chooser.position) == (0, count - 1)


def test_errors_are_offered_only_when_predictions_are_known():
    without = ImageChooser(LABELS, data.CLASS_NAMES)
    assert without._errors not in without.children
    chooser = ImageChooser(LABELS, data.CLASS_NAMES, PREDICTED)
    assert chooser._errors in chooser.children
    chooser._errors.value = True
    assert (chooser._slider.max, chooser.position) == (1, 1)
    chooser._slider.value = 1
    assert chooser.position == 3
    chooser._filter.value = "persona"
    assert (chooser._slider.max, chooser.position) == (0, 1)


def test_without_any_image_left_the_slider_rests_and_it_is_said():
    chooser = ImageChooser(LABELS, data.CLASS_NAMES, LABELS)
    chooser._slider.value = 2
    chooser._errors.value = True
    assert chooser._slider.disabled and visible(chooser._nothing)
    assert chooser.position == 2
    chooser._errors.value = False
    assert not chooser._slider.disabled and not visible(chooser._nothing)
    assert (chooser._slider.max, chooser.position) == (4, 2)


def test_each_choice_is_announced_once():
    chooser = ImageChooser(LABELS, data.CLASS_NAMES, PREDICTED)
    seen = []
    chooser.on_change(lambda: seen.append(chooser.position))
    chooser._slider.value = 4
    chooser._filter.value = "persona"
    chooser._filter.value = "caballo"
    chooser._errors.value = True
    assert seen == [4, 4, 0, 3]


def test_choosing_an_image_removes_the_filters():
    chooser = ImageChooser(LABELS, data.CLASS_NAMES, PREDICTED)
    chooser._filter.value, chooser._errors.value = "persona", True
    chooser.choose(3)
    assert chooser.position == 3
    assert (chooser._filter.value, chooser._errors.value) == (ALL_CLASSES, False)


@pytest.mark.parametrize("position", [-1, 5])
def test_choosing_an_image_that_does_not_exist(position):
    with pytest.raises(ValueError, match="van de la 0 a la 4"):
        ImageChooser(LABELS, data.CLASS_NAMES).choose(position)


def test_one_prediction_for_each_image():
    with pytest.raises(ValueError, match="hay 2 para 5 imágenes"):
        ImageChooser(LABELS, data.CLASS_NAMES, PREDICTED[:2])
