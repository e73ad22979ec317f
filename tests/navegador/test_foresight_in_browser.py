"""Predice y verás: las diez se responden con los botones, y al terminar se ven las respuestas y el código."""

import time

import numpy as np
import pytest
from playwright.sync_api import expect

from gradcam_helpers import data, foresight
from tests.navegador.board import PATIENCE, Board
from tests.navegador.expected import FINISH, IMAGE, NEXT
from tests.navegador.layout import crowded, faint
from tests.navegador.notebook import Notebook, write

PREPARE = """import os, sys; sys.path.insert(0, "..")
os.environ["GRADCAM_MODELOS"] = "predicciones"  # lo que se guarda no llega a las lecciones
from gradcam_helpers import data, foresight

source = data.prepare_source()"""
BOARD = """quiz = foresight.Quiz(source, "antes")
foresight.QuestionBoard(quiz, data.CLASS_NAMES)"""
PATH = "notebooks/predicciones.ipynb"


@pytest.fixture
def notebook(browser, server):
    write(server.folder / PATH, (PREPARE, BOARD))
    notebook = Notebook(browser, server, PATH)
    notebook.run_all()
    yield notebook
    notebook.check()
    notebook.close()


@pytest.fixture(scope="module")
def pictures():
    return foresight._load_montages(data.prepare_source("embebido"), "antes")[0]


def click(root, name: str) -> None:
    root.get_by_role("button", name=name, exact=True).click()


def shown_board(notebook: Notebook) -> Board:
    ((_, root),) = notebook.views()
    return Board(root)


def wait_for_picture(board: Board, picture: np.ndarray) -> None:
    deadline = time.monotonic() + PATIENCE
    while not np.array_equal(board.look().pictures[0], picture):
        assert time.monotonic() < deadline, "No llega a verse la imagen."
        time.sleep(0.02)


def test_the_ten_are_answered_with_the_buttons(notebook, pictures, captures):
    board = shown_board(notebook)
    root, number = board.root, board.root.locator(".widget-readout")
    finish = root.get_by_role("button", name=FINISH, exact=True)
    for order, picture in enumerate(pictures, start=1):
        wait_for_picture(board, picture)
        expect(number).to_have_text(str(order))
        expect(root.locator(".mod-active")).to_have_count(0)
        expect(finish).to_be_disabled()
        click(root, data.CLASS_NAMES[order % 2])
        expect(root.locator(".mod-active")).to_have_text(data.CLASS_NAMES[order % 2])
        expect(root.get_by_text(f"Llevas {order} de 10.")).to_be_visible()
        click(root, NEXT)

    board.press(IMAGE, "Home")
    board.press(IMAGE, "ArrowRight")
    # El número cambia en el navegador; la imagen, cuando responde el núcleo.
    wait_for_picture(board, pictures[1])
    expect(number).to_have_text("2")
    expect(root.locator(".mod-active")).to_have_text("caballo")
    root.get_by_role("button", name="persona", exact=True).press("Enter")
    expect(root.locator(".mod-active")).to_have_text("persona")

    click(root, FINISH)
    expect(root.get_by_text("Tu código de «antes»")).to_be_visible()
    assert notebook.execute("print(quiz.guesses)").strip() == "[1, 1, 1, 0, 1, 0, 1, 0, 1, 0]"
    expect(finish).to_be_disabled()
    code, hits = notebook.execute("print(quiz.round.code, quiz.round.hits)").split()
    text = root.inner_text()
    assert code in text and f"Aciertas {hits} de 10" in text
    assert text.count("✓") == int(hits) and text.count("✗") == 10 - int(hits)
    assert crowded(root) == [] and faint(root) == []
    notebook.capture(captures / "predicciones.png")

    notebook.run_from(1)
    again = shown_board(notebook).root
    expect(again.get_by_text("Tanda terminada, y guardada")).to_be_visible()
    assert code in again.inner_text()
    for name in data.CLASS_NAMES:
        expect(again.get_by_role("button", name=name, exact=True)).to_be_disabled()
