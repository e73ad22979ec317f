"""Una imagen completa: el encuadre, el recorte limpio, la sombra en el suelo y lo que comparte una sesión."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from generador import background, plan, scene
from generador.chance import Chance
from generador.geometry import bounds, rotation, silhouette, unit
from generador.horse import HorseFigure
from generador.human import HumanFigure
from generador.scene import AREAS, FRAMINGS, SIZE, SMALLEST_REGION
from generador.surface import Surface

SUN = unit((0.5, 0.8, 0.6))
VIEWS = {0: rotation("x", 0.05) @ rotation("y", 0.3), 1: rotation("x", 0.05) @ rotation("y", -np.pi / 2)}


def chance(number):
    return Chance(np.random.default_rng([1, number]), np.random.default_rng([2, number]))


def figure_and_camera(label, number, framing):
    drawn = chance(number)
    if label == 0:
        figure = HorseFigure(plan.individual(0, number), drawn)
    else:
        figure = HumanFigure(plan.individual(1, number), VIEWS[1], drawn)
    return figure, scene.frame(figure, framing, VIEWS[label], drawn)


# --- El encuadre --------------------------------------------------------------------------------------


@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("number", range(12))
def test_whole_body_fits_in_the_picture_and_takes_its_share(label, number):
    figure, camera = figure_and_camera(label, number, "whole")
    low, high = bounds(figure.body.capsules(), camera)
    assert 0 <= low.min() and high.max() <= SIZE
    share = silhouette(figure.body.capsules(), camera).mean()
    widest = (high - low).max() / SIZE
    assert share < AREAS[1] * 1.05
    assert share > AREAS[0] * 0.95 or widest == pytest.approx(0.97, abs=0.02)


def test_a_long_thin_body_also_fits_in_the_picture(capsule):
    pole = SimpleNamespace(body=capsule((0, 0, 0), (0, 2, 0), 0.02))
    low, high = bounds(pole.body.capsules(), scene.frame(pole, "whole", VIEWS[0], chance(0)))
    assert 0 <= low.min() and high.max() <= SIZE
    assert (high - low).max() == pytest.approx(0.97 * SIZE, rel=0.02)


@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("framing", ["half", "head"])
def test_closer_framings_center_their_point_and_take_in_their_extent(label, framing):
    for number in range(8):
        figure, camera = figure_and_camera(label, number, framing)
        point, extent = figure.focus[framing]
        column, row = camera.project(camera.to_view(np.asarray(point)))
        assert abs(column - SIZE / 2) <= 15 and abs(row - SIZE / 2) <= 10
        assert 0.9199 < camera.scale * extent / SIZE < 1.0801
        assert camera.distance > 2 * extent  # si no, la perspectiva deforma


# --- El recorte ---------------------------------------------------------------------------------------


def surface_of(mask):
    """Una superficie que cubre esa máscara, y cuyos píxeles de alrededor están en la lista sin cubrir."""
    listed = cv2.dilate(mask.astype(np.uint8), np.ones((9, 9))).reshape(-1) > 0
    pixels = np.flatnonzero(listed)
    nothing = np.zeros((3, pixels.size), np.float32)
    coverage = mask.reshape(-1)[pixels].astype(np.float32)
    return Surface(pixels, coverage, nothing[0], nothing, nothing, nothing, nothing[:1])


def tidied(mask):
    surface = surface_of(mask)
    result = np.zeros(SIZE * SIZE, np.float32)
    result[surface.pixels] = scene._tidy(surface)
    return result.reshape(SIZE, SIZE)


@pytest.fixture
def square():
    mask = np.zeros((SIZE, SIZE), bool)
    mask[100:200, 100:200] = True
    return mask


@pytest.mark.parametrize("size", [1, SMALLEST_REGION - 1, SMALLEST_REGION, 30])
def test_small_specks_go_and_larger_ones_stay(square, size):
    speck = square.copy()
    speck[50, 50 : 50 + size] = True
    assert np.array_equal(tidied(speck), speck if size >= SMALLEST_REGION else square)


@pytest.mark.parametrize("size", [1, SMALLEST_REGION - 1, SMALLEST_REGION, 30])
def test_small_pores_are_filled_and_larger_ones_stay(square, size):
    pore = square.copy()
    pore[150, 150 : 150 + size] = False
    assert np.array_equal(tidied(pore), pore if size >= SMALLEST_REGION else square)


def test_diagonal_neighbours_belong_to_the_body_and_close_a_pore(square):
    chain = square.copy()
    for step in range(4):  # toca la esquina del cuadrado y se aleja en diagonal
        chain[99 - step, 99 - step] = True
    assert np.array_equal(tidied(chain), chain)
    pores = square.copy()
    for step in range(10):  # diez huecos de un píxel que solo se tocan por la esquina
        pores[120 + step, 120 + step] = False
    assert np.array_equal(tidied(pores), square)


def test_tidying_keeps_soft_edges(square):
    surface = surface_of(square)
    surface.coverage[:] = np.where(surface.coverage > 0, 0.7, 0.3)
    assert np.array_equal(scene._tidy(surface), surface.coverage)


# --- La imagen ----------------------------------------------------------------------------------------


def render(label, framing, kind, number=3, seed=5, blur=0.0):
    figure, camera = figure_and_camera(label, number, framing)
    picture = scene.render(figure, camera, kind, SUN, np.random.default_rng(seed), blur)
    return picture, camera


@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("framing", FRAMINGS)
def test_without_background_everything_else_is_pure_white(label, framing):
    picture, _ = render(label, framing, None)
    assert (picture.image.dtype, picture.image.shape) == (np.uint8, (SIZE, SIZE, 3))
    assert (picture.parts.dtype, picture.parts.shape) == (np.uint8, (SIZE, SIZE))
    assert np.all(picture.image[picture.parts == 0] == 255)
    assert (picture.image[picture.parts > 0] < 250).mean() > 0.9


@pytest.mark.parametrize("label", [0, 1])
def test_subject_is_the_same_on_white_and_on_a_background_with_the_same_light(label):
    (white, _), (studio, _) = render(label, "whole", None), render(label, "whole", "estudio")
    assert np.array_equal(white.parts, studio.parts)
    inner = cv2.erode((white.parts > 0).astype(np.uint8), np.ones((5, 5)), borderValue=0) > 0
    different = (white.image != studio.image).any(axis=-1)[inner]
    assert different.mean() < 0.005  # por una rendija entre dos cápsulas se entrevé el fondo


@pytest.mark.parametrize("kind", background.KINDS)
def test_body_darkens_the_ground_and_nothing_else(kind):
    picture, camera = render(0, "whole", kind)
    scenery = background.paint(kind, camera, np.random.default_rng(5))
    canvas = background.Canvas(camera, np.random.default_rng(0))
    outside = cv2.dilate((picture.parts > 0).astype(np.uint8), np.ones((7, 7))) == 0
    change = picture.image.astype(int).mean(axis=-1) - 255 * scenery.mean(axis=-1)
    assert change[outside].max() <= 1
    assert (change[outside] < -10).sum() > 100
    above = outside & (canvas.row < canvas.horizon)
    assert np.abs(change[above]).max() <= 1


def test_shadow_falls_on_the_side_opposite_to_the_sun():
    figure, camera = figure_and_camera(1, 3, "whole")
    sides = []
    for side in (-1, 1):
        picture = scene.render(figure, camera, "duna", unit((side, 0.8, 0.4)), np.random.default_rng(5), 0)
        scenery = background.paint("duna", camera, np.random.default_rng(5))
        outside = cv2.dilate((picture.parts > 0).astype(np.uint8), np.ones((7, 7))) == 0
        darkened = np.maximum(scenery.mean(axis=-1) - picture.image.mean(axis=-1) / 255, 0) * outside
        feet = camera.project(camera.to_view(np.zeros(3)))[0]
        sides.append((darkened.sum(axis=0) * (np.arange(SIZE) + 0.5 - feet)).sum() / darkened.sum())
    assert sides[0] > 5 and sides[1] < -5


@pytest.mark.parametrize("kind", ["bosque", "playa"])
def test_without_feet_there_is_no_shadow(kind):
    picture, camera = render(1, "head", kind, blur=1.6)
    scenery = background.blur(background.paint(kind, camera, np.random.default_rng(5)), 1.6)
    outside = cv2.dilate((picture.parts > 0).astype(np.uint8), np.ones((7, 7))) == 0
    assert np.abs(picture.image / 255 - scenery)[outside].max() <= 0.51 / 255


@pytest.mark.parametrize("kind", background.KINDS)
def test_empty_background_has_nobody(kind):
    picture = scene.empty(kind, np.random.default_rng(0))
    assert (picture.image.dtype, picture.image.shape) == (np.uint8, (SIZE, SIZE, 3))
    assert not picture.parts.any()
    assert np.array_equal(picture.image, scene.empty(kind, np.random.default_rng(0)).image)
    assert not np.array_equal(picture.image, scene.empty(kind, np.random.default_rng(1)).image)


# --- La sesión ----------------------------------------------------------------------------------------


@pytest.fixture
def without_drawing(monkeypatch):
    """En lugar de dibujar, `plan.draw` da lo que se iba a dibujar."""

    def arguments(figure, camera, kind, sun, place, blur):
        return dict(camera=camera, kind=kind, sun=sun, place=place.bit_generator.state, blur=blur)

    monkeypatch.setattr(scene, "render", arguments)


def drawn_of(split, label, individual):
    return [
        plan.draw(one)
        for one in plan.plans()
        if (one.split, one.label, one.individual) == (split, label, individual)
    ]


@pytest.mark.parametrize("label", [0, 1])
def test_pictures_of_a_session_share_place_and_light(without_drawing, label):
    first, *others = drawn_of("train", label, 5)
    assert len(others) == plan.TRAIN_PICTURES - 1
    for other in others:
        assert (other["kind"], other["place"]) == (first["kind"], first["place"])
        assert np.array_equal(other["sun"], first["sun"])
        assert not np.array_equal(other["camera"].center, first["camera"].center)
        turned = first["camera"].rotation.T @ other["camera"].rotation
        assert 0 < np.arccos((np.trace(turned) - 1) / 2) < 0.3  # radianes


@pytest.mark.parametrize("label", [0, 1])
def test_test_pictures_form_no_session(without_drawing, label):
    pictures = drawn_of("test", label, plan.TEST_INDIVIDUALS * 2 + 5)
    assert len(pictures) == plan.TEST_PICTURES
    assert {picture["kind"] for picture in pictures} == {None}
    suns = np.array([picture["sun"] for picture in pictures])
    assert np.linalg.norm(suns[1:] - suns[:-1], axis=1).min() > 0.02


def test_sessions_do_not_share_their_place_nor_their_light(without_drawing):
    first = [drawn_of("train", label, number)[0] for label in (0, 1) for number in range(10)]
    assert len({str(picture["place"]) for picture in first}) == 20
    assert len({str(picture["sun"]) for picture in first}) == 20


def test_sun_is_high_and_in_front(without_drawing):
    for number in range(30):
        x, y, z = scene._sun(np.random.default_rng(number))
        assert np.hypot(np.hypot(x, y), z) == pytest.approx(1)
        assert 0.5 < y < 0.9 and z > 0.2


def test_only_closer_framings_have_a_blurred_background(without_drawing):
    blurs = {(one.framing, plan.draw(one)["blur"]) for one in plan.plans()[::7] if one.label >= 0}
    assert blurs == {("whole", 0.0), ("half", 1.6), ("head", 1.6)}


@pytest.mark.parametrize("label", [0, 1])
def test_subjects_look_both_ways(without_drawing, label):
    cameras = [plan.draw(one)["camera"] for one in plan.plans()[::6] if one.label == label]
    ahead = np.array([camera.rotation @ (1, 0, 0) for camera in cameras])
    assert (ahead[:, 0] < -0.3).sum() > 3 and (ahead[:, 0] > 0.3).sum() > 3
    if label == 1:
        assert ahead[:, 2].min() > 0.3  # las personas dejan ver la cara
