"""Figuras: la mezcla de imagen y mapa, y que cada figura se entienda sola."""

import cv2
import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot

from gradcam_helpers import experiment, plots

matplotlib.use("agg")

IMAGE = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
HEATMAP = np.linspace(0, 1, 20, dtype=np.float32).reshape(4, 5)
MASK = np.pad(np.ones((14, 20), bool), ((6, 10), (8, 12)))


@pytest.fixture(autouse=True)
def close_figures():
    yield
    pyplot.close("all")


def test_overlay_without_opacity_is_the_image():
    assert np.array_equal(plots.overlay(IMAGE, HEATMAP, 0), IMAGE)


def test_overlay_with_full_opacity_is_the_colored_map():
    first = np.rint(np.array(matplotlib.colormaps["inferno"](0.0)[:3]) * 255)
    assert np.array_equal(plots.overlay(IMAGE, HEATMAP, 1)[0, 0], first)


def test_overlay_is_halfway_between_both():
    ends = plots.overlay(IMAGE, HEATMAP, 0).astype(int) + plots.overlay(IMAGE, HEATMAP, 1)
    assert np.abs(2 * plots.overlay(IMAGE, HEATMAP, 0.5).astype(int) - ends).max() <= 2


def test_overlay_leaves_its_inputs_alone():
    before = IMAGE.copy(), HEATMAP.copy()
    plots.overlay(IMAGE, HEATMAP)
    assert np.array_equal(IMAGE, before[0]) and np.array_equal(HEATMAP, before[1])


@pytest.mark.parametrize(
    ("image", "heatmap", "opacity", "message"),
    [
        (IMAGE, HEATMAP, 1.5, "0 a 1.*1.5"),
        (IMAGE / 255, HEATMAP, 0.5, "uint8"),
        (IMAGE[..., 0], HEATMAP, 0.5, "uint8"),
        (IMAGE, HEATMAP * 2, 0.5, "entre 0 y 1"),
        (IMAGE, HEATMAP - 0.5, 0.5, "entre 0 y 1"),
        (IMAGE, HEATMAP * np.nan, 0.5, "entre 0 y 1"),
        (IMAGE, HEATMAP[np.newaxis], 0.5, r"\(alto, ancho\)"),
    ],
)
def test_overlay_rejects(image, heatmap, opacity, message):
    with pytest.raises(ValueError, match=message):
        plots.overlay(image, heatmap, opacity)


def test_outline_is_drawn_around_the_mask_and_nowhere_else():
    outlined = plots.draw_outline(IMAGE, MASK)
    changed = (outlined != IMAGE).any(axis=-1)
    mask = MASK.astype(np.uint8)
    near = cv2.dilate(mask, np.ones((5, 5))) > cv2.erode(mask, np.ones((7, 7)))
    assert not changed[~near].any()
    border = mask > cv2.erode(mask, np.ones((3, 3)))
    assert (outlined[border] == 255).all()
    assert not np.shares_memory(outlined, IMAGE)


def test_outline_of_an_empty_mask_changes_nothing():
    assert np.array_equal(plots.draw_outline(IMAGE, np.zeros_like(MASK)), IMAGE)


def test_overlay_of_a_mask():
    assert plots.overlay(IMAGE, np.ones((4, 5), bool)).shape == IMAGE.shape


def labels_of_bars(figure):
    return [axis.get_ylabel() for axis in figure.axes if axis.get_label() == "<colorbar>"]


@pytest.mark.parametrize(
    "figure",
    [
        lambda: plots.show_overlays([IMAGE], [HEATMAP], ["uno"]),
        lambda: plots.show_signed_maps([HEATMAP - 0.5], ["uno"], "Contribución"),
        lambda: plots.show_activations([HEATMAP, HEATMAP], ["uno", "dos"]),
        lambda: plots.show_activations([HEATMAP * 0], ["muerto"]),
        lambda: plots.show_confusion_matrix(np.array([[3, 1], [0, 2]]), ["a", "b"]),
    ],
)
def test_maps_have_a_color_bar_with_its_label(figure):
    (label,) = labels_of_bars(figure())
    assert label


def test_each_map_is_shown_alone_beside_its_overlay():
    figure = plots.show_overlays([IMAGE, IMAGE // 2], [HEATMAP, HEATMAP / 2], ["uno", "dos"])
    alone, mixed = ([axis.images[0] for axis in figure.axes[first:4:2]] for first in (0, 1))
    for picture, image, heatmap in zip(mixed, (IMAGE, IMAGE // 2), (HEATMAP, HEATMAP / 2), strict=True):
        assert np.array_equal(picture.get_array(), plots.overlay(image, heatmap))
    assert [axis.get_title("left") for axis in figure.axes[:4:2]] == ["uno", "dos"]
    assert [float(picture.get_array().max()) for picture in alone] == [1, 0.5]


def test_a_few_pixels_do_not_eat_the_scale():
    spiked = np.full((20, 10), 0.1)
    spiked[0, 0] = 1
    figure = plots.show_overlays([IMAGE], [spiked], ["uno"], percentile=99)
    alone, mixed = (axis.images[0].get_array() for axis in figure.axes[:2])
    assert np.allclose(alone, np.ones((20, 10)))
    assert np.array_equal(mixed, plots.overlay(IMAGE, np.ones((20, 10))))
    assert spiked[1, 1] == 0.1
    assert labels_of_bars(figure) == ["Relevancia (1 = percentil 99 de cada mapa)"]


def test_an_empty_map_stays_empty():
    figure = plots.show_overlays([IMAGE], [HEATMAP * 0], ["uno"], percentile=99.5)
    assert not figure.axes[0].images[0].get_array().any()
    assert labels_of_bars(figure) == ["Relevancia (1 = percentil 99,5 de cada mapa)"]


def test_the_bar_shows_the_colors_of_the_maps_alone():
    figure = plots.show_overlays([IMAGE] * 2, [HEATMAP, HEATMAP / 2], ["uno", "dos"])
    (bar,) = (axis for axis in figure.axes if axis.get_label() == "<colorbar>")
    painted = {tuple(color) for color in bar.collections[-1].to_rgba(np.linspace(0, 1, 256), bytes=True)}
    for axis in figure.axes[:4:2]:
        picture = axis.images[0]
        assert {
            tuple(color) for color in picture.to_rgba(picture.get_array(), bytes=True).reshape(-1, 4)
        } <= painted
        assert picture.get_clim() == (0, 1)


def test_wide_grids_fit_on_the_page():
    for columns in (1, 2, 3):
        figure = plots.show_overlays([IMAGE] * 3, [HEATMAP] * 3, ["uno", "dos", "tres"], columns)
        assert figure.get_figwidth() <= plots.WIDEST + 1


def test_grid_shows_every_image_with_its_title():
    figure = plots.show_images([IMAGE] * 5, list("abcde"), columns=3, title="Cinco")
    assert [axis.get_title() for axis in figure.axes if axis.images] == list("abcde")


@pytest.mark.parametrize(
    ("figure", "message"),
    [
        (lambda: plots.show_images([], []), "alguna imagen.*hay 0 imágenes"),
        (lambda: plots.show_images([IMAGE] * 3, ["a", "b"]), "hay 3 imágenes y 2 rótulos"),
        (lambda: plots.show_images([IMAGE], ["a", "b"]), "hay 1 imágenes y 2 rótulos"),
        (lambda: plots.show_images([IMAGE], ["a"], columns=0), "«columns».*desde 1"),
        (lambda: plots.show_overlays([IMAGE], [], ["a"]), "un mapa por imagen"),
        (lambda: plots.show_overlays([IMAGE], [HEATMAP], ["a"], percentile=0), "percentil debe pasar de 0"),
        (lambda: plots.show_overlays([IMAGE], [HEATMAP], ["a"], percentile="9"), "percentil debe"),
        (lambda: plots.show_overlays([IMAGE], [HEATMAP], []), "hay 1 imágenes y 0 rótulos"),
        (lambda: plots.show_signed_maps([], [], "valor"), "alguna imagen"),
        (lambda: plots.show_signed_maps([HEATMAP], [], "valor"), "hay 1 imágenes y 0 rótulos"),
        (lambda: plots.show_activations([], []), "alguna imagen"),
        (lambda: plots.show_activations([HEATMAP], ["a"], columns="2"), "«columns»"),
        (lambda: plots.show_learning_curves({}), "falta «accuracy»"),
        (lambda: plots.show_learning_curves({"accuracy": [1.0]}), "falta «loss»"),
        (lambda: plots.show_learning_curves({"accuracy": [], "loss": []}), "alguna época"),
        (lambda: plots.draw_outline(IMAGE, MASK[1:]), "del tamaño de la imagen"),
        (lambda: plots.overlay(IMAGE, HEATMAP, "0.5"), "va de 0 a 1, y es '0.5'"),
        (lambda: plots.show_confusion_matrix(np.eye(3), ["a", "b"]), r"\(3, 3\), y hay 2 nombres"),
        (lambda: plots.show_confusion_matrix(np.eye(2), list("abcdefghij")), "hay 10 nombres"),
        (lambda: plots.show_confusion_matrix(np.zeros((2, 3)), ["a", "b"]), r"\(2, 3\)"),
        (lambda: plots.show_confusion_matrix([[1], [2, 3]], ["a", "b"]), "varias formas"),
    ],
)
def test_what_does_not_fit_is_said_before_drawing(figure, message):
    with pytest.raises(ValueError, match=message):
        figure()
    assert not pyplot.get_fignums()


def test_curves_show_training_and_validation():
    history = {"accuracy": [0.5, 1], "val_accuracy": [0.4, 0.8], "loss": [1, 0], "val_loss": [2, 1]}
    for axis in plots.show_learning_curves(history).axes:
        assert [text.get_text() for text in axis.get_legend().get_texts()] == ["entrenamiento", "validación"]
        assert axis.get_xlabel() == "Época" and axis.get_title()


def test_curves_without_validation():
    figure = plots.show_learning_curves({"accuracy": [0.5], "loss": [1]})
    assert [len(axis.lines) for axis in figure.axes] == [1, 1]


def test_confusion_matrix_writes_each_count():
    figure = plots.show_confusion_matrix(np.array([[3, 1], [0, 2]]), ["a", "b"])
    assert [text.get_text() for text in figure.axes[0].texts] == ["3", "1", "0", "2"]


def test_a_path_shows_every_step_and_an_arrow_between_each_two():
    steps = [(str(number), f"paso {number}", f"¿pregunta {number}?") for number in range(1, 6)]
    texts = [text.get_text() for text in plots.show_path(steps, columns=3).axes[0].texts]
    for number, name, question in steps:
        assert f"{number} · {name}" in texts and question in texts
    assert sum(text in "→↵" for text in texts) == len(steps) - 1


def test_ranks_are_drawn_against_their_baselines():
    values, untrained = np.array([7.0, 3, 2]), np.array([1.5, 1.4, 1.3])
    figure = plots.show_ranks(values, untrained, {0: 0.5, 1: 0.9, 3: 1.0})
    spectrum, shares = figure.axes
    drawn = {line.get_label(): line.get_ydata().tolist() for line in spectrum.lines}
    assert drawn == {"entrenada": [7, 3, 2], "sin entrenar": [1.5, 1.4, 1.3]}
    curve, baseline = shares.lines
    assert (curve.get_xdata().tolist(), curve.get_ydata().tolist()) == ([1, 3], [90, 100])
    assert set(baseline.get_ydata()) == {50}
    assert len(plots.show_ranks(values, untrained, {1: 0.9, 3: 1.0}).axes[1].lines) == 1


def test_hits_are_drawn_with_their_interval_and_each_class_with_its_own_mark():
    rows = [
        experiment.Row(name, kind, hits, (hits - 0.1, hits + 0.05), hits)
        for name, hits in (("caballo", 0.9), ("persona", 0.4))
        for kind in ("bosque", "duna", "playa")
    ]
    (axis,) = plots.show_hits(rows).axes
    assert [label.get_text() for label in axis.get_xticklabels()] == ["bosque", "duna", "playa"]
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["caballo", "persona"]
    marks = set()
    for container, hits in zip(axis.containers, (90, 40), strict=True):
        line, _, (bars,) = container.lines
        assert np.allclose(line.get_ydata(), hits)
        assert all(np.allclose(ends[:, 1], (hits - 10, hits + 5)) for ends in bars.get_segments())
        marks.add((line.get_marker(), line.get_color()))
    assert len({mark for mark, _ in marks}) == len({color for _, color in marks}) == 2


def test_hits_that_do_not_vary_are_drawn_although_rounding_leaves_them_out_of_their_interval():
    third = 1 / 3
    for interval in ((np.nextafter(third, 1), third), (third, np.nextafter(third, 0))):
        (axis,) = plots.show_hits([experiment.Row("caballo", "bosque", third, interval, third)]).axes
        assert np.allclose(axis.containers[0].lines[0].get_ydata(), 100 * third)
