"""El explorador, a fondo: prisas, fotos, mapas vacíos, varios a la vez, reinicios, temas y letra ampliada."""

import time
from itertools import groupby

import numpy as np
import pytest
from PIL import ExifTags, Image

from gradcam_helpers import explorer
from gradcam_helpers.engine import photos
from gradcam_helpers.engine.gallery import ALL_CLASSES
from medidas.navegador.latency import MEGABYTES, memory_growth
from tests.navegador.board import jpeg
from tests.navegador.expected import (
    ERRORS,
    FILTER,
    IMAGE,
    LAYER,
    METHOD,
    OPACITY,
    OUTLINE,
    SCORE,
    TARGET,
    UPLOAD,
)
from tests.navegador.layout import crowded, faint
from tests.navegador.notebook import DARK, LIGHT, Notebook, write

PREPARE = """import sys; sys.path.insert(0, "..")
from gradcam_helpers import cam, data, explorer, models
import keras, numpy as np, time

class Counter(cam.Explainer):
    recorded, pause = 0, 0

    def record(self, *arguments):
        self.recorded += 1
        time.sleep(self.pause)
        return super().record(*arguments)

source = data.prepare_source()
images, labels = data.load_images(source, count=60)
masks = data.load_masks(source, count=60)
explainer = Counter(models.load_trained(source))
predicted = explainer.model.predict(data.prepare_image(images), batch_size=8, verbose=0).argmax(axis=1)

# Con pesos negativos desde una capa que acaba en ReLU, nada favorece a la clase 0: su mapa está vacío.
simple = keras.Sequential([
    keras.Input((300, 300, 3)),
    keras.layers.Conv2D(4, 9, strides=9, activation="relu", name="convolucion"),
    keras.layers.GlobalAveragePooling2D(),
    keras.layers.Dense(2, activation="softmax"),
])
simple.layers[-1].set_weights([np.tile([-1.0, 1.0], (4, 1)), np.zeros(2)])"""
BOARD = """board = explorer.Explorer(explainer, images, labels, data.CLASS_NAMES, predicted, masks)
board"""
OTHER = """other = explorer.Explorer(cam.Explainer(simple), images[::-1], labels[::-1], data.CLASS_NAMES)
other"""
PATH = "notebooks/explorador.ipynb"
CELLS = (PREPARE, BOARD, "board", OTHER)


@pytest.fixture(scope="module")
def opened(browser, server):
    write(server.folder / PATH, CELLS)
    notebook = Notebook(browser, server, PATH)
    notebook.run_all()
    yield notebook
    notebook.close()


@pytest.fixture
def notebook(opened):
    """El cuaderno de estas pruebas, con paneles nuevos."""
    opened.run_from(1)
    yield opened
    opened.zoom(1)
    opened.use_theme(LIGHT)
    opened.check()


@pytest.fixture
def boards(notebook, boards_of):
    """El panel, su segunda vista y otro panel, de otra red."""
    return [board for _, board in boards_of(notebook)]


def turned() -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    return jpeg(exif=exif)


def test_last_position_wins_when_dragging_fast(notebook, boards):
    board, *_ = boards
    board.settle()
    # Una red lenta, para que el arrastre la adelante por rápido que sea el equipo.
    recorded = int(notebook.execute("explainer.pause = 0.3; print(explainer.recorded)"))
    board.drag(IMAGE, 0, 1, steps=59, pause=0.01)
    assert board.state()[IMAGE] == "59"
    board.settle()
    # Unas posiciones las descarta ipywidgets, en el navegador; otras, el panel: véase test_explorer.py.
    assert 0 < int(notebook.execute("explainer.pause = 0; print(explainer.recorded)")) - recorded < 30


def test_last_position_wins_when_a_key_is_held_down(notebook, boards):
    board, *_ = boards
    board.focus(IMAGE)
    for _ in range(40):
        notebook.page.keyboard.down("ArrowRight")
        time.sleep(0.03)
    notebook.page.keyboard.up("ArrowRight")
    assert board.state()[IMAGE] == "40"
    board.settle()


def test_the_image_control_follows_the_filters(boards):
    """También al pasar de pocas imágenes a muchas, señala la que se ve."""
    board, *_ = boards
    for choice in ("caballo", ALL_CLASSES, "persona", ALL_CLASSES):
        board.choose(FILTER, choice)
        board.settle()
        board.press(ERRORS, "Space")
        board.settle()
        board.press(IMAGE, "End")
        board.settle()
        board.press(ERRORS, "Space")
        board.settle()


def test_own_photo(boards):
    board, *_ = boards
    for content in (turned(), jpeg()):
        board.upload("mi foto.jpg", content)
        board.settle(photos.read_photo(content))
        board.press(LAYER, "ArrowLeft")
        board.settle(photos.read_photo(content))
    board.press(IMAGE, "ArrowRight")
    board.settle()


@pytest.mark.parametrize(
    "name, content",
    [
        ("cortada.jpg", jpeg()[:3000]),
        ("disfrazada.jpg", b"Esto no es una foto."),
        ("vacía.jpg", b""),
        ("enorme.jpg", jpeg() + bytes(12_000_000)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_photo_gives_one_line_and_changes_nothing(boards, name, content):
    board, *_ = boards
    before = board.settle()
    board.upload(name, content)
    with pytest.raises(ValueError) as refusal:
        photos.read_photo(content)
    board.root.get_by_text(f"«{name}»: {refusal.value}").wait_for()
    after = board.settle()
    assert all(np.array_equal(*pair) for pair in zip(before.pictures, after.pictures, strict=True))
    board.upload("buena.jpg", turned())
    board.settle(photos.read_photo(turned()))


def test_score_cam(boards):
    *_, other = boards
    for method in (explorer.SLOW_METHOD, "Grad-CAM"):
        other.choose(METHOD, method)
        other.settle()


def test_score_cam_shows_its_progress_and_yields_to_the_next_move(boards):
    board, *_ = boards
    board.choose(METHOD, explorer.SLOW_METHOD)
    board.root.get_by_text("filtros… Entretanto, Grad-CAM en bloque3_conv2").wait_for()
    board.press(LAYER, "ArrowLeft")
    board.root.get_by_text("filtros… Entretanto, Grad-CAM en bloque3_conv1").wait_for()
    board.choose(METHOD, "LayerCAM")
    board.settle()
    board.choose(METHOD, explorer.SLOW_METHOD)
    board.settle()


def test_empty_map_is_not_drawn(boards):
    *_, other = boards
    assert len(other.settle().pictures) == 2
    other.choose(TARGET, "caballo")
    seen = other.settle()
    assert len(seen.pictures) == 1
    other.choose(TARGET, "persona")
    assert len(other.settle().pictures) == 2


def test_views_of_a_board_stay_in_step_and_boards_do_not_disturb_each_other(boards):
    board, view, other = boards
    before = other.settle()
    for mover, key in ((board, "ArrowRight"), (view, "End"), (board, "ArrowLeft")):
        mover.press(IMAGE, key)
        mover.press(OPACITY, key)
        mover.settle()
        assert board.state() == view.state()
        view.settle(), board.settle()
    after = other.settle()
    assert all(np.array_equal(*pair) for pair in zip(before.pictures, after.pictures, strict=True))
    other.press(IMAGE, "ArrowRight")
    for each in boards:
        each.settle()


def test_restart_and_run_all_bring_everything_back(notebook, boards, boards_of):
    boards[0].press(IMAGE, "End")
    boards[0].settle()
    notebook.restart()
    notebook.run_all()
    again = [board for _, board in boards_of(notebook)]
    assert len(again) == len(boards)
    for board in again:
        board.settle()
        assert board.state()[IMAGE] == "0"


def test_many_random_moves(notebook, boards):
    board, *_ = boards
    # El tiempo no es cosa de una prueba: lo juzga «make medidas-navegador».
    growth, _ = memory_growth(board, notebook.kernel_process())
    assert growth < MEGABYTES
    board.settle()


def test_the_tab_key_goes_through_the_controls_as_they_are_read(boards):
    board, *_ = boards
    board.settle()
    order = [FILTER, ERRORS, IMAGE, LAYER, TARGET, METHOD, SCORE, OPACITY, OUTLINE, UPLOAD]
    board.focus(FILTER)
    visited = [board.focused()]
    while visited[-1] != UPLOAD and len(visited) < 60:
        board.page.keyboard.press("Tab")
        visited.append(board.focused())
    # Los valores que se pueden escribir y cada botón son una parada más del mismo control.
    assert list(dict.fromkeys(visited)) == order
    assert len(list(groupby(visited))) == len(order)


@pytest.mark.parametrize("theme", [LIGHT, DARK])
@pytest.mark.parametrize("zoom", [1, 2])
def test_can_be_read(notebook, boards, captures, theme, zoom):
    board, _, other = boards
    notebook.use_theme(theme)
    notebook.zoom(zoom)
    other.choose(TARGET, "caballo")
    for each in (board, other):
        each.settle()
    notebook.capture(captures / f"explorador-{theme.split()[-1].lower()}-{zoom}.png")
    for each in (board, other):
        assert crowded(each.root) == []
        assert faint(each.root) == []
