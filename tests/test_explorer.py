"""Los controles: lo que se ve coincide con lo que devuelven las funciones que hay debajo.

Estas pruebas valen para ipywidgets 7 y 8, y se ejecutan con los dos: véase `make test-colab`.
"""

import asyncio
import html
import io
import re
import threading
import weakref
from datetime import datetime

import cv2
import ipywidgets as widgets
import numpy as np
import pytest
from PIL import Image

from gradcam_helpers import cam, data, explorer, plots
from gradcam_helpers.engine import canvas, passes, photos, turns, wording
from gradcam_helpers.engine.backend import keras, tf
from gradcam_helpers.engine.gallery import ALL_CLASSES

# Lo que falla en otro hilo no llega a la prueba: que sea un error.
pytestmark = pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")

LABELS = np.array([0, 1, 1, 0, 1])
PREDICTED = np.array([0, 0, 1, 1, 1])


@pytest.fixture(autouse=True)
def nothing_fails_in_the_background(caplog):
    """Lo que falla en una llamada aplazada no llega a quien la encargó: `asyncio` solo lo anota."""
    yield
    assert not [each for each in caplog.get_records("call") if each.levelname == "ERROR"]


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (5, 300, 300, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def masks():
    masks = np.zeros((5, 300, 300), bool)
    for position, mask in enumerate(masks):
        mask[50 : 150 + 20 * position, 60:200] = True
    return masks


def network(activation="softmax"):
    keras.utils.set_random_seed(4)
    return keras.Sequential(
        [
            keras.Input((300, 300, 3)),
            keras.layers.Conv2D(2, 3, strides=10, activation="relu", name="una"),
            keras.layers.Conv2D(3, 3, activation="relu", name="otra"),
            keras.layers.Flatten(),
            keras.layers.Dense(2, activation=activation),
        ]
    )


@pytest.fixture(scope="module")
def explainer():
    return cam.Explainer(network())


@pytest.fixture
def board(explainer, images, masks):
    return explorer.Explorer(explainer, images, LABELS, data.CLASS_NAMES, PREDICTED, masks)


def decode(picture):
    return cv2.cvtColor(
        cv2.imdecode(np.frombuffer(picture.value, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB
    )


def visible(widget):
    return widget.layout.display != "none"


def jpeg(image) -> bytes:
    content = io.BytesIO()
    Image.fromarray(image).save(content, "JPEG", quality=95)
    return content.getvalue()


def upload(board, name: str, content: bytes):
    """Lo que hace el navegador al elegir un fichero."""
    control = board._upload
    if hasattr(control, "_counter"):  # ipywidgets 7
        control.metadata, control.data = [{"name": name, "size": len(content)}], [content]
        control._counter += 1
    else:
        facts = {"name": name, "type": "", "size": len(content), "last_modified": datetime.now()}
        control.value = [{**facts, "content": memoryview(content)}]


# La imagen


def test_slider_shows_the_image_it_points_at(images):
    browser = explorer.ImageBrowser(images, LABELS, data.CLASS_NAMES)
    for position in (0, 3, 1):
        browser._chooser._slider.value = position
        assert browser.position == position
        assert np.array_equal(decode(browser._picture), images[position])
        assert browser._caption.value == f"Imagen {position}: {data.CLASS_NAMES[LABELS[position]]}"


def test_filter_leaves_only_one_class(images):
    browser = explorer.ImageBrowser(images, LABELS, data.CLASS_NAMES)
    chooser = browser._chooser
    chooser._slider.value = 3
    chooser._filter.value = "persona"
    assert (chooser._slider.max, browser.position) == (2, 1)
    chooser._slider.value = 2
    assert np.array_equal(decode(browser._picture), images[4])


def test_filter_keeps_the_image_if_it_passes(images):
    browser = explorer.ImageBrowser(images, LABELS, data.CLASS_NAMES)
    chooser = browser._chooser
    chooser._slider.value = 4
    for choice, value in (("persona", 2), (ALL_CLASSES, 4)):
        chooser._filter.value = choice
        assert (chooser._slider.value, browser.position) == (value, 4)
        assert np.array_equal(decode(browser._picture), images[4])


def test_without_images(images):
    with pytest.raises(ValueError, match="No hay imágenes"):
        explorer.ImageBrowser(images[:0], LABELS[:0], data.CLASS_NAMES)


# El panel


def test_board_agrees_with_the_explainer_after_any_moves(explainer, images, masks, board):
    generator = np.random.default_rng(3)
    methods = [method for method in explorer.METHOD_CHOICES if method != explorer.SLOW_METHOD]
    controls = {
        board._chooser._slider: range(5),
        board._layer: explainer.layer_names,
        board._target: board._target.options,
        board._method: methods,
        board._score: list(wording.SCORE_CHOICES),
        board._opacity: range(0, 101, 10),
        board._outline: [False, True],
    }
    for _ in range(60):
        control = list(controls)[generator.integers(len(controls))]
        control.value = controls[control][generator.integers(len(controls[control]))]
        check(board, explainer, images, masks)


def check(board, explainer, images, masks):
    """Todo lo que se ve es lo que devuelven las funciones con el valor actual de los controles."""
    position = board._chooser.position
    chosen = board._target.value
    explanation = explainer.explain(
        data.prepare_image(images[position]),
        layer=board._layer.value,
        target=None if chosen == explorer.PREDICTED else data.CLASS_NAMES.index(chosen),
        method=board._method.value,
        score=wording.SCORE_CHOICES[board._score.value],
    )
    name = data.CLASS_NAMES[explanation.target[0]]
    picture = images[position]
    if visible(board._views.overlay):
        overlay = plots.overlay(picture, explanation.heatmap[0], board._opacity.value / 100)
        if board._outline.value:
            overlay = plots.draw_outline(overlay, masks[position])
        # La probabilidad se deriva por otro camino: cambia el redondeo.
        assert np.abs(decode(board._views.overlay).astype(int) - overlay).max() <= 1
    assert visible(board._views.overlay) == (not explanation.empty[0])
    assert visible(board._views.instead) == explanation.empty[0]
    if board._outline.value:
        picture = plots.draw_outline(picture, masks[position])
    assert np.array_equal(decode(board._views.picture), picture)
    assert wording.describe_map(explanation, name) in board._views.overlay_caption.value
    sizes = {"una": "30 × 30 posiciones, 2 filtros", "otra": "28 × 28 posiciones, 3 filtros"}
    assert board._layer_facts.value == sizes[board._layer.value]
    assert f"Imagen {position}: {data.CLASS_NAMES[LABELS[position]]}" in board._views.picture_caption.value
    for probability in explanation.probabilities[0]:
        assert f"{probability:.4f}" in board._views.scores.value
    assert f"logit de «{name}»" in board._views.meter.value


def test_basic_board_has_only_image_and_layer(explainer, images):
    basic = explorer.Explorer(explainer, images, LABELS, data.CLASS_NAMES, basic=True)
    shown = list(descendants(basic))
    assert basic._layer in shown and basic._chooser in shown and basic._views.scores in shown
    assert basic._views.meter not in shown
    for hidden in (basic._target, basic._method, basic._score, basic._opacity, basic._outline):
        assert hidden not in shown


def test_outline_is_offered_only_with_masks(explainer, images, board):
    without = explorer.Explorer(explainer, images, LABELS, data.CLASS_NAMES)
    assert without._outline not in list(descendants(without))
    assert board._outline in list(descendants(board))


def descendants(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from descendants(child)


def test_only_a_new_image_runs_the_network(explainer, images, masks, board, monkeypatch):
    recorded = []
    record = cam.Explainer.record
    monkeypatch.setattr(cam.Explainer, "record", lambda *given: recorded.append(1) or record(*given))
    for target in (0, 1):
        board._recording.complete(target)
    monkeypatch.setattr(passes.Passes, "gradients", lambda *_: pytest.fail("se usa la red"))
    board._layer.value = "una"
    board._target.value = "persona"
    board._method.value = "LayerCAM"
    board._score.value = "probabilidad"
    board._opacity.value = 20
    board._outline.value = True
    assert not recorded
    monkeypatch.undo()
    check(board, explainer, images, masks)
    monkeypatch.setattr(cam.Explainer, "record", lambda *given: recorded.append(1) or record(*given))
    board._chooser._slider.value = 2
    assert len(recorded) == 1


@pytest.mark.parametrize("score", ["logit", "probabilidad"])
def test_a_new_image_goes_through_the_network_once(explainer, images, masks, board, monkeypatch, score):
    board._score.value = score
    passed, gradients = [], passes.Passes.gradients
    monkeypatch.setattr(passes.Passes, "gradients", lambda *given: passed.append(1) or gradients(*given))
    board._chooser._slider.value = 2
    assert len(passed) == 1
    monkeypatch.undo()
    check(board, explainer, images, masks)


def test_two_boards_do_not_disturb_each_other(explainer, images, masks, board):
    other = explorer.Explorer(explainer, images, LABELS, data.CLASS_NAMES, PREDICTED, masks)
    board._chooser._slider.value = 3
    other._method.value = "HiResCAM"
    check(board, explainer, images, masks)
    check(other, explainer, images, masks)
    assert (other._chooser.position, board._method.value) == (0, "Grad-CAM")


def test_a_new_board_frees_what_the_others_recorded(explainer, images, masks, board):
    explorer.Explorer(explainer, images, LABELS, data.CLASS_NAMES)
    assert board._recording is None
    board._layer.value = "una"
    check(board, explainer, images, masks)


def test_choose_places_the_controls(explainer, images, masks, board):
    board.choose(image=3, layer="una", target="persona", method="XGrad-CAM", score="probabilidad")
    assert board._chooser.position == 3
    values = [control.value for control in (board._layer, board._target, board._method, board._score)]
    assert values == ["una", "persona", "XGrad-CAM", "probabilidad"]
    check(board, explainer, images, masks)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"layer": "ninguna"}, "«Capa» puede ser una, otra, y se pide «ninguna»"),
        ({"target": "gato"}, "«Clase» puede ser predicha, caballo, persona"),
        ({"method": "CAM"}, "«Método» puede ser Grad-CAM"),
        ({"score": "probability"}, "«Derivar» puede ser logit, probabilidad"),
        ({"image": 9}, "van de la 0 a la 4"),
    ],
)
def test_choose_rejects_what_does_not_exist_and_changes_nothing(board, wrong, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        board.choose(**{"image": 2, "layer": "una", **wrong})
    assert (board._chooser.position, board._layer.value) == (0, "otra")


def test_one_label_and_one_mask_for_each_image(explainer, images, masks):
    with pytest.raises(ValueError, match="5 imágenes, 5 etiquetas, 2 máscaras"):
        explorer.Explorer(explainer, images, LABELS, data.CLASS_NAMES, PREDICTED, masks[:2])
    with pytest.raises(ValueError, match="5 imágenes, 4 etiquetas"):
        explorer.Explorer(explainer, images, LABELS[:4], data.CLASS_NAMES)


def against(position):
    """Una red en la que nada apoya la clase de esa posición: todos sus pesos son negativos."""
    model = network(activation=None)
    kernel, bias = model.layers[-1].get_weights()
    signs = np.ones(2)
    signs[position] = -1
    model.layers[-1].set_weights([np.abs(kernel) * signs, bias])
    return cam.Explainer(model)


def test_empty_map_is_said_in_place_of_the_picture(images):
    board = explorer.Explorer(against(0), images, LABELS, data.CLASS_NAMES)
    assert visible(board._views.overlay) and not visible(board._views.instead)
    board._target.value = "caballo"
    assert visible(board._views.instead) and not visible(board._views.overlay)
    assert "Mapa vacío" in board._views.instead.value
    board._target.value = "persona"
    assert visible(board._views.overlay) and not visible(board._views.instead)


def test_network_with_values_that_are_not_finite_is_said(images):
    model = network()
    model.layers[-1].set_weights([np.full((2352, 2), np.nan), np.zeros(2)])
    board = explorer.Explorer(cam.Explainer(model), images, LABELS, data.CLASS_NAMES)
    assert "no son finitos" in board._views.instead.value
    assert visible(board._views.instead) and not visible(board._views.overlay)
    assert board._views.scores.value == "" and board._views.meter.layout.visibility == "hidden"
    assert np.array_equal(decode(board._views.picture), images[0])


# Otras redes y otras imágenes


def other_network(shape, classes, outputs=None, depth=2):
    """Una red que recibe imágenes de esa forma, con `depth` convoluciones."""
    keras.utils.set_random_seed(7)
    convolution = {"padding": "same", "activation": "relu"}
    hidden = [keras.layers.Conv2D(4, 3, name=f"conv{position}", **convolution) for position in range(depth)]
    last = keras.layers.Dense(outputs or classes, activation="sigmoid" if outputs == 1 else "softmax")
    return keras.Sequential([keras.Input(shape), *hidden, keras.layers.GlobalAveragePooling2D(), last])


def names(count):
    return [f"clase {number}" for number in range(count)]


def pictures(*shape):
    return np.random.default_rng(1).integers(0, 256, (3, *shape, 3), dtype=np.uint8)


def grey_and_small(image):
    """La preparación de una red de un canal, sin el eje del lote."""
    return cv2.resize(image, (16, 16)).mean(axis=2, keepdims=True) / 127.5 - 1


def whole(image):
    return np.float32(image[np.newaxis]) / 255


def halves(image):
    """Un lote de una imagen, de 0 a 1, con la mitad de las filas y de las columnas."""
    return np.float32(image[np.newaxis, ::2, ::2]) / 255


@pytest.mark.parametrize(
    ("size", "prepare", "shape", "classes", "outputs"),
    [
        ((32, 32), whole, (32, 32, 3), 10, None),
        ((60, 120), halves, (30, 60, 3), 3, None),
        ((500, 200), halves, (None, None, 3), 2, 1),
        ((28, 28), grey_and_small, (16, 16, 1), 10, None),
    ],
)
def test_any_network_with_its_own_pictures(size, prepare, shape, classes, outputs):
    explainer = cam.Explainer(other_network(shape, classes, outputs))
    images, masks = pictures(*size), np.zeros((3, *size), bool)
    masks[:, : size[0] // 2, : size[1] // 2] = True
    board = explorer.Explorer(
        explainer, images, [0, -1, 1], names(classes), [1, 1, 1], masks, prepare=prepare
    )
    for position in range(3):
        board.choose(image=position, target="clase 1")
        batch = np.float32(prepare(images[position]))
        explanation = explainer.explain(batch if batch.ndim == 4 else batch[np.newaxis], target=1)
        picture = canvas.enlarge(images[position])
        assert np.array_equal(decode(board._views.picture), picture)
        assert visible(board._views.overlay) == (not explanation.empty[0])
        if not explanation.empty[0]:
            expected = plots.overlay(picture, explanation.heatmap[0])
            assert np.abs(decode(board._views.overlay).astype(int) - expected).max() <= 1
        caption = ["clase 0", "sin clase", "clase 1"][position]
        assert f"Imagen {position}: {caption}" in board._views.picture_caption.value
        assert ("verdadera" in board._views.scores.value) == (position != 1)
    board._outline.value = True
    outlined = plots.draw_outline(canvas.enlarge(images[2]), canvas.enlarge(masks[2]))
    assert np.array_equal(decode(board._views.picture), outlined)
    height, width = canvas.display_size(size)
    for view in (board._views.picture, board._views.overlay):
        assert (int(view.height), int(view.width)) == (height, width)
    photo = pictures(90, 70)[0]
    upload(board, "mía.jpg", jpeg(photo))
    fitted = canvas.enlarge(photos.read_photo(jpeg(photo), size))
    assert np.array_equal(decode(board._views.picture), fitted)
    board._method.value = explorer.SLOW_METHOD
    assert "Score-CAM" in board._views.overlay_caption.value


@pytest.mark.parametrize(("classes", "kind"), [(3, widgets.ToggleButtons), (1000, widgets.Dropdown)])
def test_the_control_of_the_class_fits_however_many_there_are(classes, kind):
    explainer = cam.Explainer(other_network((32, 32, 3), classes))
    board = explorer.Explorer(explainer, pictures(32, 32), [0, 1, 2], names(classes), prepare=whole)
    assert isinstance(board._target, kind)
    board._target.value = f"clase {classes - 1}"
    assert f"«clase {classes - 1}»" in board._views.overlay_caption.value
    assert board._views.scores.value.count("<tr>") < 12
    with pytest.raises(ValueError, match="«Clase» puede ser predicha, clase 0") as refusal:
        board.choose(target="clase")
    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize(("depth", "kind"), [(13, widgets.SelectionSlider), (52, widgets.Dropdown)])
def test_the_control_of_the_layer_fits_however_many_there_are(depth, kind):
    explainer = cam.Explainer(other_network((32, 32, 3), 2, depth=depth))
    board = explorer.Explorer(explainer, pictures(32, 32), [0, 1, 0], data.CLASS_NAMES, prepare=whole)
    assert isinstance(board._layer, kind) and board._layer.value == f"conv{depth - 1}"
    board._layer.value = "conv3"
    assert "en conv3" in board._views.overlay_caption.value


def test_of_many_classes_only_the_seen_one_is_recorded_in_advance(monkeypatch):
    monkeypatch.setattr(turns, "CALM", turns.PAUSE)
    explainer = cam.Explainer(other_network((32, 32, 3), 10))
    board = explorer.Explorer(explainer, pictures(32, 32), [0, 1, 2], names(10), prepare=whole)

    async def main():
        board.choose(image=2, target="clase 4")
        await asyncio.sleep(20 * turns.PAUSE)

    asyncio.run(main())
    assert board._recording._gradients.keys() == {("conv0", "logit", 4), ("conv1", "logit", 4)}


def test_the_first_map_is_of_the_default_layer():
    maps = (
        keras.layers.Conv2D(4, 3, name="conv"),
        keras.layers.BatchNormalization(),
        keras.layers.ReLU(name="relu"),
    )
    last = keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)
    explainer = cam.Explainer(keras.Sequential([keras.Input((32, 32, 3)), *maps, *last]))
    board = explorer.Explorer(explainer, pictures(32, 32), [0, 1, 0], data.CLASS_NAMES, prepare=whole)
    assert board._layer.options == ("conv", "relu")
    assert board._layer.value == explainer.default_layer == "relu"


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (lambda image: image, "deben ser flotantes"),
        (lambda image: np.float32(image[:20]), "(1, 20, 300, 3)"),
        (lambda image: np.float32(image[..., :1]), "(1, 300, 300, 1)"),
        (lambda image: data.prepare_image(image[1:]), "(299, 300, 3)"),
        (lambda image: np.float32([image, image]), "debe dar una sola, y da 2"),
        (lambda image: np.full(image.shape, np.nan), "no son finitos"),
    ],
)
def test_a_preparation_that_does_not_serve_is_said_at_once(explainer, images, prepare, message):
    with pytest.raises(ValueError, match=f"«prepare».*{re.escape(message)}"):
        explorer.Explorer(explainer, images, LABELS, data.CLASS_NAMES, prepare=prepare)


def test_one_name_for_each_class_of_the_network(explainer, images):
    with pytest.raises(ValueError, match="La red distingue 2 clases y hay 3 nombres"):
        explorer.Explorer(explainer, images, LABELS, [*data.CLASS_NAMES, "gato"])


# La foto


@pytest.fixture
def photo():
    return np.random.default_rng(5).integers(0, 256, (90, 120, 3), dtype=np.uint8)


def test_photo_is_shown_and_explained(explainer, board, photo):
    content = jpeg(photo)
    upload(board, "caballo.jpg", content)
    expected = photos.read_photo(content)
    assert np.array_equal(decode(board._views.picture), expected)
    heatmap = explainer.explain(data.prepare_image(expected)).heatmap[0]
    assert np.array_equal(decode(board._views.overlay), plots.overlay(expected, heatmap))
    assert "Tu foto" in board._views.picture_caption.value
    assert "verdadera" not in board._views.scores.value


def test_photo_has_no_outline(board, photo):
    board._outline.value = True
    upload(board, "caballo.jpg", jpeg(photo))
    assert np.array_equal(decode(board._views.picture), photos.read_photo(jpeg(photo)))
    assert board._outline.disabled
    board._chooser._slider.value = 1
    assert not board._outline.disabled


@pytest.mark.parametrize("back", ["slider", "filter", "choose"])
def test_back_to_the_images(explainer, images, masks, board, photo, back):
    upload(board, "caballo.jpg", jpeg(photo))
    if back == "slider":
        board._chooser._slider.value = 2
    elif back == "filter":
        board._chooser._filter.value = "persona"
    else:
        board.choose(image=0)
    check(board, explainer, images, masks)


def test_back_to_the_only_image_that_passes_the_filters(explainer, images, masks, board, photo):
    board._chooser._filter.value = "persona"
    board._chooser._errors.value = True
    assert board._chooser._slider.max == 0
    upload(board, "caballo.jpg", jpeg(photo))
    board._chooser._filter.value = ALL_CLASSES
    assert board._chooser.position == 1
    check(board, explainer, images, masks)


def test_filtering_without_changing_the_image_records_nothing_anew(board):
    recording = board._recording
    board._chooser._filter.value = "caballo"
    assert board._recording is recording


def test_bad_photo_is_said_and_the_image_stays(images, board):
    upload(board, "<b>.jpg", b"esto no es una foto")
    assert "«&lt;b&gt;.jpg»" in board._views.notice.value
    assert "no se reconoce" in board._views.notice.value
    assert np.array_equal(decode(board._views.picture), images[0])


def test_the_notice_goes_away_with_the_next_move(board):
    upload(board, "mala.jpg", b"esto no es una foto")
    board._layer.value = "una"
    assert board._views.notice.value == ""


def test_same_photo_can_be_uploaded_again(images, board, photo):
    upload(board, "caballo.jpg", jpeg(photo))
    board._chooser._slider.value = 2
    upload(board, "caballo.jpg", jpeg(photo))
    assert np.array_equal(decode(board._views.picture), photos.read_photo(jpeg(photo)))
    assert not board._upload.value and not getattr(board._upload, "data", None)


# Dentro de un núcleo, que tiene un bucle de eventos


def in_a_loop(steps):
    async def main():
        steps()
        await asyncio.sleep(20 * turns.PAUSE)

    asyncio.run(main())


def test_of_many_quick_moves_only_the_last_is_computed(explainer, images, masks, board, monkeypatch):
    recorded = []
    record = cam.Explainer.record
    monkeypatch.setattr(cam.Explainer, "record", lambda *given: recorded.append(1) or record(*given))

    def drag():
        for position in (1, 2, 3, 4, 3):
            board._chooser._slider.value = position
        board._layer.value = "una"

    in_a_loop(drag)
    assert len(recorded) == 1
    check(board, explainer, images, masks)
    assert board._chooser.position == 3


class Judge:
    """Anota la capa de cada trozo de Score-CAM que se calcula, y lee el título del mapa."""

    def __init__(self, board, monkeypatch):
        self.board, self.layers = board, []
        self.score = passes.Passes.score_filters
        monkeypatch.setattr(turns, "SPELL", 0)  # un filtro de cada vez, por pequeña que sea la red
        monkeypatch.setattr(turns, "CALM", 3 * turns.PAUSE)
        monkeypatch.setattr(turns, "REST", turns.PAUSE)
        monkeypatch.setattr(passes.Passes, "score_filters", lambda *given: self.judge(*given))

    def judge(self, network, image, maps, *options):
        steps = self.score(network, image, maps, *options)
        while True:
            try:
                progress = next(steps)
            except StopIteration as end:
                return end.value
            self.layers.append({30: "una", 28: "otra"}[maps.shape[0]])
            yield progress

    @property
    def title(self) -> str:
        return html.unescape(self.board._views.overlay_caption.value)


async def until(condition):
    """Espera, con un límite, mientras el bucle atiende lo demás."""
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(turns.PAUSE / 2)
    pytest.fail("no llega")


@pytest.fixture
def judge(board, monkeypatch):
    return Judge(board, monkeypatch)


def test_score_cam_shows_its_progress_over_another_map_that_says_its_name(
    explainer, images, masks, board, judge
):
    titles = []
    board._views.overlay_caption.observe(lambda _: titles.append(judge.title), names="value")
    grad_cam = board._views.overlay.value

    async def main():
        board._method.value = explorer.SLOW_METHOD
        await until(lambda: "2 de 3 filtros" in judge.title)
        assert board._views.overlay.value == grad_cam and visible(board._views.overlay)
        await until(lambda: "Score-CAM del logit" in judge.title)

    asyncio.run(main())
    waits = [
        wording.describe_wait("Score-CAM", "Grad-CAM", "otra", progress)
        for progress in (None, (1, 3), (2, 3), (3, 3))
    ]
    assert [re.sub("<[^>]*>", "", title) for title in titles[:4]] == waits
    assert judge.layers == ["otra"] * 3
    check(board, explainer, images, masks)


def test_score_cam_yields_to_the_next_move_and_goes_on_where_it_was(board, judge):
    async def main():
        board._method.value = explorer.SLOW_METHOD
        await until(lambda: "1 de 3" in judge.title)
        board._layer.value = "una"
        await until(lambda: "en una" in judge.title)
        assert judge.layers == ["otra"]  # ni un trozo más desde que se movió la capa
        await until(lambda: "1 de 2" in judge.title)
        board._method.value = "HiResCAM"
        await until(lambda: "HiResCAM" in judge.title)
        await asyncio.sleep(10 * turns.PAUSE)
        assert judge.layers == ["otra", "una"]
        board.choose(layer="otra", method=explorer.SLOW_METHOD)
        await until(lambda: "Score-CAM del logit" in judge.title)

    asyncio.run(main())
    assert judge.layers == ["otra", "una", "otra", "otra"]


def test_while_moves_keep_coming_score_cam_does_not_begin(explainer, images, masks, board, judge):
    async def main():
        board._method.value = explorer.SLOW_METHOD
        for step in range(30):
            board._chooser._slider.value = step % 5
            await asyncio.sleep(turns.PAUSE)
        assert not judge.layers
        await until(lambda: "Score-CAM del logit" in judge.title)

    asyncio.run(main())
    check(board, explainer, images, masks)


def test_score_cam_of_an_image_that_is_no_longer_seen_is_dropped(board, judge):
    async def main():
        board._method.value = explorer.SLOW_METHOD
        await until(lambda: "1 de 3" in judge.title)
        board._chooser._slider.value = 2
        await until(lambda: "Score-CAM del logit" in judge.title)

    asyncio.run(main())
    assert judge.layers == ["otra"] * 4


def test_a_notice_stays_while_score_cam_is_computed(board, judge):
    async def main():
        board._method.value = explorer.SLOW_METHOD
        await until(lambda: "1 de 3" in judge.title)
        upload(board, "mala.jpg", b"esto no es una foto")
        await until(lambda: "Score-CAM del logit" in judge.title)
        assert "mala.jpg" in board._views.notice.value

    asyncio.run(main())


def test_without_a_loop_score_cam_is_computed_at_once(explainer, images, masks, board):
    board._method.value = explorer.SLOW_METHOD
    check(board, explainer, images, masks)


def test_images_chosen_in_a_row_do_not_pile_up(board, monkeypatch):
    """En una celda el bucle no descansa: lo que se le encarga no debe retener lo anotado de cada imagen."""
    recordings = weakref.WeakSet()
    record = cam.Explainer.record

    def watched(*given):
        recording = record(*given)
        recordings.add(recording)
        return recording

    monkeypatch.setattr(cam.Explainer, "record", watched)

    async def cell():
        for position in range(5):
            board.choose(image=position)
        assert len(recordings) == 1

    asyncio.run(cell())


def test_moves_are_attended_while_they_keep_coming(board):
    """Quien arrastra sin parar ve pasar imágenes: las peticiones no se aplazan sin fin."""
    seen = set()

    async def main():
        for step in range(30):
            board._opacity.value = 3 * step
            seen.add(board._views.overlay.value)
            await asyncio.sleep(turns.PAUSE / 2)

    asyncio.run(main())
    assert len(seen) > 3


@pytest.mark.parametrize("moved", [False, True])
def test_other_layers_are_recorded_when_calm(board, monkeypatch, moved):
    monkeypatch.setattr(turns, "CALM", 5 * turns.PAUSE)
    monkeypatch.setattr(turns, "REST", turns.PAUSE)
    recordings = []

    async def main():
        for position in (4, 2) if moved else (4,):
            board._chooser._slider.value = position
            await asyncio.sleep(3 * turns.PAUSE)
            recordings.append(board._recording)
        await asyncio.sleep(20 * turns.PAUSE)

    asyncio.run(main())
    complete = [len(recording._gradients) == 4 for recording in recordings]  # dos capas y dos clases
    assert complete == ([False, True] if moved else [True])


def test_a_layer_that_cannot_be_explained_is_said_only_when_chosen(images, monkeypatch):
    monkeypatch.setattr(turns, "CALM", turns.PAUSE)
    inputs = keras.Input((300, 300, 3))
    stopped = keras.layers.Conv2D(3, 3, padding="same", name="parada")(inputs)
    added = keras.layers.Add()([inputs, keras.layers.Lambda(tf.stop_gradient)(stopped)])
    ones = {"kernel_initializer": "ones"}  # con todos los pesos positivos, ningún mapa sale vacío
    hidden = keras.layers.Conv2D(2, 3, strides=20, name="una", **ones)(added)
    model = keras.Model(inputs, keras.layers.Dense(2, **ones)(keras.layers.Flatten()(hidden)))
    board = explorer.Explorer(cam.Explainer(model), images, LABELS, data.CLASS_NAMES)

    async def main():
        for layer, said in (("una", ""), ("parada", "«parada»"), ("una", "")):
            board._layer.value = layer
            board._chooser._slider.value += 1
            await asyncio.sleep(20 * turns.PAUSE)
            assert visible(board._views.instead) == bool(said) and said in board._views.instead.value

    asyncio.run(main())


@pytest.mark.parametrize("calm", [0.001, 60])
def test_threads_do_not_disturb_each_other(explainer, images, masks, board, monkeypatch, calm):
    """JupyterLab mueve los controles desde un hilo y ejecuta las celdas en otro."""
    monkeypatch.setattr(turns, "CALM", calm)

    def move(control, values):
        async def main():
            for value in values:
                control.value = value
                await asyncio.sleep(0.005)
            await asyncio.sleep(20 * turns.PAUSE)

        asyncio.run(main())

    moves = [
        (board._chooser._slider, [step % 5 for step in range(60)]),
        (board._layer, ["una", "otra"] * 30),
        (board._method, ["LayerCAM", "HiResCAM", "Grad-CAM"] * 20),
    ]
    threads = [threading.Thread(target=move, args=each) for each in moves]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check(board, explainer, images, masks)


def test_a_busy_thread_does_not_hold_back_the_moves_of_another(explainer, images, masks, board):
    def move():
        board._chooser._slider.value = 3

    async def busy():
        board._chooser._slider.value = 1
        mover = threading.Thread(target=in_a_loop, args=(move,))
        mover.start()
        mover.join()  # este bucle no atiende nada mientras tanto
        check(board, explainer, images, masks)

    asyncio.run(busy())


def test_choose_does_not_wait(explainer, images, masks, board):
    def steps():
        board.choose(image=4, layer="una")
        check(board, explainer, images, masks)

    in_a_loop(steps)
    check(board, explainer, images, masks)
