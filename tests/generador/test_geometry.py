"""Giros, extremidades que se doblan, marcos, cápsulas y cámaras."""

import numpy as np
import pytest

from generador.geometry import Body, Frame, bend, bounds, rotate, rotation, silhouette, unit
from generador.surface import visible_surface

AXES = {"x": np.array([1.0, 0, 0]), "y": np.array([0, 1.0, 0]), "z": np.array([0, 0, 1.0])}


@pytest.mark.parametrize("axis", AXES)
def test_rotation_is_orthonormal_and_leaves_its_axis(axis):
    matrix = rotation(axis, 0.7)
    assert np.allclose(matrix @ matrix.T, np.eye(3))
    assert np.isclose(np.linalg.det(matrix), 1)
    assert np.allclose(matrix @ AXES[axis], AXES[axis])


@pytest.mark.parametrize("axis", AXES)
def test_angles_of_the_same_axis_add_up(axis):
    assert np.allclose(rotation(axis, 0.4) @ rotation(axis, -1.5), rotation(axis, -1.1))


@pytest.mark.parametrize(("axis", "before", "after"), [("x", "y", "z"), ("y", "z", "x"), ("z", "x", "y")])
def test_a_quarter_turn_takes_each_axis_to_the_next(axis, before, after):
    assert np.allclose(rotation(axis, np.pi / 2) @ AXES[before], AXES[after])


def test_unit_keeps_the_direction():
    vector = unit((3, -4, 12))
    assert np.allclose(vector * 13, (3, -4, 12))


# --- Extremidades -------------------------------------------------------------------------------------

LENGTHS = (0.44, 0.35)


def lengths_of(start, middle, end):
    return np.linalg.norm(middle - start), np.linalg.norm(end - middle)


@pytest.mark.parametrize("seed", range(20))
def test_bend_reaches_the_target_with_its_two_bones(seed):
    random = np.random.default_rng(seed)
    start, pole = random.normal(size=(2, 3))
    target = start + random.uniform(0.15, 0.75) * unit(random.normal(size=3))
    middle, end = bend(start, target, LENGTHS, pole)
    assert np.allclose(end, target)
    assert np.allclose(lengths_of(start, middle, end), LENGTHS)


@pytest.mark.parametrize("seed", range(20))
def test_bend_points_its_joint_to_the_pole(seed):
    random = np.random.default_rng(seed)
    start, pole = random.normal(size=(2, 3))
    target = start + 0.5 * unit(random.normal(size=3))
    middle, end = bend(start, target, LENGTHS, pole)
    elbow = np.cross(
        np.cross(end - start, middle - start), end - start
    )  # el lado al que sale la articulación
    assert np.dot(elbow, pole) > 0
    assert np.isclose(np.dot(np.cross(end - start, pole), middle - start), 0)  # en el plano del polo


def test_bend_stretches_towards_a_target_that_is_too_far():
    start, target = np.zeros(3), np.array([0, -3.0, 4.0])
    middle, end = bend(start, target, LENGTHS, (1, 0, 0))
    assert np.allclose(unit(end), unit(target))
    assert 0.99 * sum(LENGTHS) < np.linalg.norm(end) < sum(LENGTHS)
    assert np.allclose(lengths_of(start, middle, end), LENGTHS)


def test_bend_folds_towards_a_target_that_is_too_near():
    start, target = np.zeros(3), np.array([0, -0.01, 0.0])
    middle, end = bend(start, target, LENGTHS, (1, 0, 0))
    assert np.allclose(unit(end), unit(target))
    assert np.linalg.norm(end) == pytest.approx(LENGTHS[0] - LENGTHS[1], abs=0.002)
    assert np.allclose(lengths_of(start, middle, end), LENGTHS)


# --- Marcos y cápsulas --------------------------------------------------------------------------------


def test_frame_goes_and_comes_back():
    frame = Frame(np.array([0.3, 1.7, -0.2]), rotation("y", 0.8) @ rotation("z", -0.4))
    places = np.random.default_rng(0).normal(size=(5, 3))
    assert np.allclose(frame.to_local(frame.points(*places).T.astype(np.float32)), places.T, atol=1e-6)
    assert np.allclose(frame.points((0, 0, 0)), frame.origin)
    assert np.allclose(frame.points((1, 2, 3))[0] - frame.origin, frame.direction(1, 2, 3))


def test_rotate_is_a_product_of_matrices():
    matrix, vectors = rotation("x", 0.3) @ rotation("y", 2), np.random.default_rng(1).normal(size=(3, 50))
    assert np.allclose(rotate(matrix, vectors.astype(np.float32)), matrix @ vectors, atol=1e-6)


def test_body_joins_the_points_with_capsules():
    body = Body(("cabeza", "cola"))
    path = np.arange(12.0).reshape(4, 3)
    body.add("cola", path, (0.1, 0.2, 0.3, 0.4), [(1, 0, 0), (0, 1, 0), (0, 0, 1)], side=(0, 3, 4), width=0.5)
    body.add("cabeza", path[:2], 0.7, (1, 1, 1), flat=True)
    capsules = body.capsules()
    assert np.array_equal(capsules.start, [*path[:3], path[0]])
    assert np.array_equal(capsules.end, [*path[1:], path[1]])
    assert np.allclose(capsules.radius, (0.1, 0.2, 0.3, 0.7))
    assert np.allclose(capsules.end_radius, (0.2, 0.3, 0.4, 0.7))
    assert np.array_equal(capsules.color, [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1)])
    assert np.allclose(capsules.side[0], (0, 0.6, 0.8))
    assert capsules.width.tolist() == [0.5, 0.5, 0.5, 1]
    assert capsules.group.tolist() == [1, 1, 1, 0]
    assert capsules.flat.tolist() == [False, False, False, True]


def test_some_capsules_keep_all_their_attributes():
    body = Body(("cabeza",))
    body.add("cabeza", np.eye(3), (0.1, 0.2, 0.3), (1, 1, 1))
    last = body.capsules().select(np.array([False, True]))
    assert (last.start.tolist(), last.end.tolist()) == ([[0, 1, 0]], [[0, 0, 1]])
    assert (last.radius.tolist(), last.end_radius.tolist()) == ([0.2], [0.3])


# --- Cámaras ------------------------------------------------------------------------------------------


def test_camera_looks_at_its_target_from_its_distance(looking):
    camera = looking(target=(0.2, 1.4, -0.3), turn=0.9, tilt=0.1, distance=7)
    view = camera.to_view(camera.target)
    assert np.allclose(view, (0, 0, -7))
    assert np.allclose(camera.project(view), camera.center)
    assert np.allclose(camera.to_view(camera.position), 0)
    assert np.linalg.norm(camera.position - camera.target) == pytest.approx(7)


def test_camera_sees_each_side_where_it_is(looking):
    camera = looking()
    column, row = camera.project(camera.to_view(camera.target + np.array([0.1, 0, 0])))
    assert (column > camera.center[0], row) == (True, pytest.approx(camera.center[1]))
    column, row = camera.project(camera.to_view(camera.target + np.array([0, 0.1, 0])))
    assert (column, row < camera.center[1]) == (pytest.approx(camera.center[0]), True)


def test_a_metre_measures_the_scale(looking):
    camera = looking(turn=0.6, scale=95)
    ends = camera.target + np.array([[0, 0.5, 0], [0, -0.5, 0]])
    places = camera.project(camera.to_view(ends))
    assert np.linalg.norm(places[0] - places[1]) == pytest.approx(camera.scale) == pytest.approx(95)


def test_a_camera_that_looks_down_is_higher(looking):
    assert looking(tilt=0.1).position[1] - looking().position[1] == pytest.approx(6 * np.sin(0.1))


def test_view_goes_and_comes_back(looking):
    camera = looking(turn=-1.2, tilt=0.08)
    points = np.random.default_rng(2).normal(size=(50, 3))
    assert np.allclose(camera.to_body(camera.to_view(points).T.astype(np.float32)), points.T, atol=1e-5)


def test_ray_of_a_pixel_is_projected_at_its_middle(looking):
    camera = looking(turn=0.4, tilt=0.1)
    pixels = np.array([0, 299, 300, 45_150, 89_999])
    for depth in (0.5, 3, 40):
        places = camera.project((camera.rays(pixels) * depth).T)
        assert np.allclose(places, np.stack([pixels % 300, pixels // 300], axis=1) + 0.5, atol=1e-3)


def test_bounds_of_a_ball_are_those_of_its_circle(looking, capsule):
    camera = looking(scale=100)
    low, high = bounds(capsule((0, 1, 0), (0, 1, 0), 0.4).capsules(), camera)
    assert np.allclose(low, np.array(camera.center) - 40)
    assert np.allclose(high, np.array(camera.center) + 40)


def test_bounds_are_those_of_all_the_capsules(looking, capsule):
    camera = looking(scale=100)
    body = capsule((-0.6, 1, 0), (0, 1, 0), (0.1, 0.3))
    low, high = bounds(capsule((0.5, 1.2, 0), (0.5, 1.2, 0), 0.2, beside=body).capsules(), camera)
    assert np.allclose(low - camera.center, (-70, -40))
    assert np.allclose(high - camera.center, (70, 30))


@pytest.mark.parametrize("turn", [0, 0.7, 1.5])
def test_silhouette_is_that_of_the_visible_surface(looking, capsule, turn):
    camera = looking(turn=turn)
    body = capsule((-0.5, 0.9, 0.1), (0.4, 1.3, -0.2), (0.15, 0.3))
    capsule((0.4, 1.3, -0.2), (0.5, 0.4, 0.3), (0.2, 0.1), beside=body)
    surface = visible_surface(body, camera)
    seen = np.zeros(300 * 300, bool)
    seen[surface.pixels[surface.coverage > 0.5]] = True
    outline = silhouette(body.capsules(), camera).reshape(-1) > 0
    assert (seen & outline).sum() / (seen | outline).sum() > 0.92
