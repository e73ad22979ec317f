"""Cada lección, en JupyterLab: se ejecuta entera, y todos sus controles hacen lo que dicen, sin un error."""

from itertools import pairwise

import numpy as np
import pytest

from gradcam_helpers import explorer
from gradcam_helpers.engine import photos
from tests.navegador.board import BUTTONS, CHECKBOX, FILE, SLIDER, Board, jpeg
from tests.navegador.expected import ERRORS, IMAGE, METHOD, Scene
from tests.navegador.lab import ROOT
from tests.navegador.notebook import Notebook

LESSONS = sorted((ROOT / "notebooks").glob("0*.ipynb"))
TRAINS = "02_red_convolucional"
# Cuatro minutos de entrenamiento no caben aquí: se parte de la red publicada, y se dan dos pasos por época.
HURRY = """import sys; sys.path.insert(0, "..")
from gradcam_helpers import models
from gradcam_helpers.engine import weights
whole = models.train

def train(model, training, validation, epochs):
    model.set_weights(models.load_published(weights.weights_path("embebido")).get_weights())
    return whole(model, training.take(2), validation, epochs)

models.train = train"""
FEW = 5  # posiciones que se recorren de cada control deslizante, además de los extremos: todas las capas


def drag_slider(board: Board, label: str):
    for start, end in ((0, 1), (1, 0.3)):
        board.drag(label, start, end)
        yield


def press_slider(board: Board, label: str):
    for key in ("Home", "ArrowUp", "ArrowDown", "End", "ArrowLeft"):
        board.press(label, key)
        yield
    board.press(label, "Home")
    for _ in range(FEW):
        board.press(label, "ArrowRight")
        yield


def options(board: Board, label: str) -> list[str]:
    """Las de un grupo, de la última a la primera. Score-CAM, que tarda, se prueba aparte y una sola vez."""
    return [option for option in board.options(label)[::-1] if option != explorer.SLOW_METHOD]


def click_buttons(board: Board, label: str):
    for option in options(board, label):
        board.choose(label, option)
        yield


def press_buttons(board: Board, label: str):
    for key in ("Enter", "Space"):
        for option in options(board, label):
            board.control(label).get_by_role("button", name=option, exact=True).press(key)
            yield


def click_checkbox(board: Board, label: str):
    for _ in range(2):
        board.control(label).locator("input").click()
        yield


def press_checkbox(board: Board, label: str):
    for _ in range(2):
        board.press(label, "Space")
        yield


# Con el ratón y con el teclado. Primero los botones, que acaban en la clase predicha: de otra, el mapa puede
# estar vacío, y la opacidad no cambiaría nada.
WAYS = {
    BUTTONS: (click_buttons, press_buttons),
    SLIDER: (drag_slider, press_slider),
    CHECKBOX: (click_checkbox, press_checkbox),
}


def changes(before: Scene, after: Scene) -> bool:
    """¿Se ve alguna imagen distinta?"""
    pairs = zip(before.pictures, after.pictures, strict=False)
    return len(before.pictures) != len(after.pictures) or not all(np.array_equal(*pair) for pair in pairs)


def check_every_control(board: Board) -> None:
    for kind, ways in WAYS.items():
        for label in board.labels(kind):
            if label == ERRORS:  # al filtrar, un error seguiría a la vista
                board.go_to_hit()
            scenes = [board.settle()]
            for move in ways:
                states = [board.state()[label]]
                for _ in move(board, label):
                    scenes.append(board.settle())
                    states.append(board.state()[label])
                assert len(set(states)) > 1, f"«{label}» no se mueve: {move.__name__}"
            assert any(changes(*pair) for pair in pairwise(scenes)), f"«{label}» no cambia nada"


def check_photo(board: Board) -> None:
    before = board.settle()
    board.upload("degradado.jpg", jpeg())
    assert changes(before, board.settle(photos.read_photo(jpeg())))
    board.press(IMAGE, "ArrowRight")
    board.settle()


def check_slow_method(board: Board) -> None:
    for method in (explorer.SLOW_METHOD, board.options(METHOD)[0]):
        board.choose(METHOD, method)
        board.settle()


def check_in_step(view: Board, board: Board) -> None:
    """Dos vistas del mismo panel: lo que se mueve en una se mueve en la otra."""
    for key in ("Home", "ArrowRight"):
        view.press(IMAGE, key)
        view.settle()
        board.settle()
    assert view.state() == board.state()


@pytest.fixture(params=LESSONS, ids=lambda path: path.stem)
def lesson(request, browser, server):
    notebook = Notebook(browser, server, f"notebooks/{request.param.name}")
    yield notebook
    notebook.check()
    notebook.close()


def test_every_control_of_the_lesson(lesson, boards_of, captures):
    if TRAINS in lesson.name:
        lesson.execute(HURRY)
    lesson.run_all()
    lesson.capture(captures / f"{lesson.name}.png")
    checked = {}
    for model, board in boards_of(lesson):
        if model in checked:
            check_in_step(board, checked[model])
        else:
            check_every_control(board)
            if board.labels(FILE):
                check_photo(board)
                check_slow_method(board)
            checked[model] = board
    assert checked
