"""El panel del experimento: lo que se ve es lo que dan las funciones que hay debajo, sin navegador.

Estas pruebas valen para ipywidgets 7 y 8, y se ejecutan con los dos: véase `make test-colab`.
"""

import asyncio

import cv2
import numpy as np
import pytest

from gradcam_helpers import bench, cam, data, experiment, plots
from gradcam_helpers.engine import wording
from gradcam_helpers.engine.backend import keras

LABELS, KINDS = np.array([0, 1, 1]), ["bosque", "duna", "bosque"]
NAMES = ["el suyo", "blanco", "bosque 1", "duna 1", "bosque 2"]


@pytest.fixture(autouse=True)
def nothing_fails_in_the_background(caplog):
    """Lo que falla en una llamada aplazada no llega a quien la encargó: `asyncio` solo lo anota."""
    yield
    assert not [each for each in caplog.get_records("call") if each.levelname == "ERROR"]


@pytest.fixture(scope="module")
def pictures():
    """Tres imágenes y tres fondos."""
    return np.random.default_rng(0).integers(0, 256, (2, 3, 300, 300, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def masks():
    masks = np.zeros((3, 300, 300), bool)
    for position, mask in enumerate(masks):
        mask[50 : 150 + 20 * position, 60:200] = True
    return masks


@pytest.fixture(scope="module")
def explainer():
    keras.utils.set_random_seed(4)
    network = keras.Sequential(
        [
            keras.Input((300, 300, 3)),
            keras.layers.Conv2D(3, 3, strides=10, activation="relu", name="una"),
            keras.layers.Flatten(),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    return cam.Explainer(network)


@pytest.fixture
def arguments(explainer, pictures, masks):
    images, backgrounds = pictures
    return {
        "explainer": explainer,
        "images": images,
        "labels": LABELS,
        "class_names": data.CLASS_NAMES,
        "masks": masks,
        "backgrounds": backgrounds,
        "kinds": KINDS,
    }


@pytest.fixture
def board(arguments):
    return bench.Bench(**arguments)


def decode(picture):
    return cv2.cvtColor(
        cv2.imdecode(np.frombuffer(picture.value, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB
    )


def check(board, arguments, position, place):
    """Que se vea esa imagen sobre ese fondo, y lo que responde la red."""
    white = np.full((300, 300, 3), 255, np.uint8)
    background = dict(zip(NAMES, [None, white, *arguments["backgrounds"]], strict=True))[place]
    picture, explanation = experiment.try_background(
        arguments["explainer"], arguments["images"][position], arguments["masks"][position], background
    )
    views, label = board._views, int(LABELS[position])
    answer = data.CLASS_NAMES[explanation.target[0]]
    assert np.array_equal(decode(views.picture), picture)
    title = f"Imagen {position}: {data.CLASS_NAMES[label]}; fondo: {place}. La red responde «{answer}»."
    assert title in views.picture_caption.value
    assert views.scores.value == wording.describe_scores(explanation, data.CLASS_NAMES, label)
    assert wording.describe_map(explanation, answer) in views.overlay_caption.value
    if explanation.empty[0]:
        assert "Mapa vacío" in views.instead.value
        assert views.overlay.layout.display == "none"
    else:
        assert np.array_equal(decode(views.overlay), plots.overlay(picture, explanation.heatmap[0]))
        assert views.instead.layout.display == "none"


def test_starts_with_the_first_picture_on_its_own_background(board, arguments):
    assert list(board.places) == NAMES
    check(board, arguments, 0, "el suyo")


def test_any_move_is_answered(board, arguments):
    generator = np.random.default_rng(3)
    for _ in range(12):
        if generator.random() < 0.5:
            board._place.value = str(generator.choice(NAMES))
        else:
            board._chooser._slider.value = int(generator.integers(3))
        check(board, arguments, board._chooser.position, board._place.value)


def test_an_empty_map_is_said_and_not_drawn(arguments):
    network = keras.models.clone_model(arguments["explainer"].model)
    convolution, *_, output = network.layers
    convolution.set_weights([np.abs(convolution.get_weights()[0]), np.ones(3)])
    output.set_weights([-np.abs(output.get_weights()[0]), np.zeros(2)])
    arguments["explainer"] = cam.Explainer(network)
    board = bench.Bench(**arguments)
    assert "Mapa vacío" in board._views.instead.value
    check(board, arguments, 0, "el suyo")


def test_the_filter_leaves_only_one_class(board, arguments):
    board._chooser._filter.value = "persona"
    check(board, arguments, 1, "el suyo")


def test_choose_places_the_controls(board, arguments):
    board.choose(2, "duna 1")
    check(board, arguments, 2, "duna 1")
    board.choose(place="blanco")
    check(board, arguments, 2, "blanco")
    board.choose(image=1)
    check(board, arguments, 1, "blanco")


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"place": "selva"}, "«Fondo» puede ser el suyo, blanco, bosque 1, .*, y se pide «selva»"),
        ({"image": 3}, "van de la 0 a la 2, y se pide la 3"),
    ],
)
def test_what_does_not_exist_cannot_be_chosen(board, arguments, choice, message):
    board.choose(1, "duna 1")
    with pytest.raises(ValueError, match=message):
        board.choose(**choice)
    check(board, arguments, 1, "duna 1")


def test_in_a_notebook_only_the_last_of_many_moves_is_attended(board, arguments, monkeypatch):
    attended = []
    original = experiment.try_background
    monkeypatch.setattr(
        experiment, "try_background", lambda *given: attended.append(given) or original(*given)
    )

    async def drag():
        for name in NAMES[1:]:
            board._place.value = name
        await asyncio.sleep(0.5)

    asyncio.run(drag())
    assert len(attended) == 1
    check(board, arguments, 0, NAMES[-1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": np.zeros((3, 300, 300, 3))}, "uint8"),
        ({"masks": np.zeros((2, 300, 300), bool)}, "una máscara por imagen"),
        ({"masks": np.zeros((3, 300, 300))}, "Las máscaras deben ser bool"),
        ({"labels": LABELS[:2]}, "una etiqueta"),
        ({"backgrounds": np.zeros((3, 300, 300, 3))}, "Los fondos deben ser uint8"),
        ({"backgrounds": np.zeros((3, 200, 300, 3), np.uint8)}, "del tamaño de las imágenes"),
        ({"kinds": KINDS[:2]}, "un tipo por fondo: hay 2 para 3"),
        ({"class_names": ["una", "dos", "tres"]}, "distingue 2 clases y hay 3 nombres"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, change, message):
    with pytest.raises(ValueError, match=message):
        bench.Bench(**(arguments | change))
