"""Los fondos: su intervalo, su azar, el horizonte de su cámara y lo que distingue a unos tipos de otros."""

import numpy as np
import pytest

from generador.background import HORIZON_LIMITS, KINDS, LIGHTS, Canvas, blur, paint


def painted(kind, camera, seed=0):
    return paint(kind, camera, np.random.default_rng(seed))


@pytest.mark.parametrize("kind", KINDS)
def test_background_fills_the_picture_with_colors_from_0_to_1(kind, looking):
    for seed, tilt in ((0, 0.0), (1, 0.05), (2, 0.11)):
        image = painted(kind, looking(tilt=tilt), seed)
        assert (image.dtype, image.shape) == (np.float32, (300, 300, 3))
        assert np.isfinite(image).all()
        assert 0 <= image.min() and image.max() <= 1
        assert image.std() > 0.01


@pytest.mark.parametrize("kind", KINDS)
def test_same_seed_paints_the_same_and_another_does_not(kind, looking):
    camera = looking(tilt=0.05)
    image = painted(kind, camera, 3)
    assert np.array_equal(image, painted(kind, camera, 3))
    assert np.abs(image - painted(kind, camera, 4)).mean() > 0.005


def test_texture_of_a_background_depends_on_its_seed(looking):
    first, again, other = (Canvas(looking(), np.random.default_rng(seed)) for seed in (0, 0, 1))
    for texture in (
        lambda canvas: canvas.noise("fina", 1, 1),
        lambda canvas: canvas.profile("fina", 2),
        lambda canvas: canvas.ground_noise("fina", 90)[200:],
    ):
        assert np.array_equal(texture(first), texture(again))
        assert abs(np.corrcoef(texture(first).ravel(), texture(other).ravel())[0, 1]) < 0.3


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_its_light(kind):
    light = LIGHTS[kind]
    assert 0 < light.shadow < 1
    for color in (light.sun, light.sky, light.ground):
        assert color.shape == (3,) and 0 < color.min()
    assert light.sun.mean() > light.sky.mean() > light.ground.mean()


@pytest.mark.parametrize("tilt", [0.0, 0.04, 0.1])
def test_horizon_is_where_the_ground_ends(looking, tilt):
    camera = looking(turn=0.8, tilt=tilt, distance=6, scale=130)
    canvas = Canvas(camera, np.random.default_rng(0))
    ahead = camera.rotation.T @ (0, 0, -1.0)
    far = camera.position + 1e6 * ahead / np.hypot(ahead[0], ahead[2]) * [1, 0, 1]  # a la altura de la cámara
    assert canvas.horizon == pytest.approx(camera.project(camera.to_view(far))[1], abs=0.01)


@pytest.mark.parametrize(("tilt", "limit"), [(0.8, HORIZON_LIMITS[0]), (-0.8, HORIZON_LIMITS[1])])
def test_there_is_always_some_sky_and_some_ground(looking, tilt, limit):
    assert Canvas(looking(tilt=tilt), np.random.default_rng(0)).horizon == pytest.approx(300 * limit)


def test_ground_is_seen_in_perspective(looking):
    canvas = Canvas(looking(distance=6, scale=100), np.random.default_rng(0))
    near, far = (np.flatnonzero(canvas.row[:, 0] > canvas.horizon + depth)[0] for depth in (100, 50))
    assert canvas.distance[far, 0] / canvas.distance[near, 0] == pytest.approx(2, rel=0.03)
    width = np.ptp(canvas.across, axis=1)
    assert width[far] / width[near] == pytest.approx(2, rel=0.03)


def test_distant_ground_has_less_texture(looking):
    canvas = Canvas(looking(), np.random.default_rng(0))
    rows = canvas.ground_noise("fina", 90).std(axis=1)
    assert rows[int(canvas.horizon) + 3] < 0.2 * rows[-1]


@pytest.mark.parametrize("amount", [0.0, 0.3, 1.0])
def test_cover_mixes_what_there_was_with_the_new(looking, amount):
    canvas = Canvas(looking(), np.random.default_rng(0))
    canvas.color[:] = (0.2, 0.4, 0.6)
    canvas.cover(np.full((300, 300), amount), np.array([1.0, 0.0, 0.5], np.float32))
    expected = (1 - amount) * np.array([0.2, 0.4, 0.6]) + amount * np.array([1, 0, 0.5])
    assert np.allclose(canvas.color, expected, atol=1e-5)


def test_cover_below_paints_under_its_line(looking):
    canvas = Canvas(looking(), np.random.default_rng(0))
    canvas.cover_below(np.linspace(50, 250, 300), np.ones(3, np.float32))
    assert np.allclose(canvas.color[..., 0].sum(axis=0), 300 - np.linspace(50, 250, 300), atol=0.51)
    assert canvas.color[:49].max() == 0 and canvas.color[252:].min() == 1


def test_fill_goes_from_one_color_at_the_top_to_another_at_the_horizon(looking):
    canvas = Canvas(looking(), np.random.default_rng(0))
    canvas.fill((255, 0, 51), (0, 255, 51))
    assert np.allclose(canvas.color[0], (1, 0, 0.2), atol=1e-5)
    assert np.allclose(canvas.color[int(canvas.horizon) + 1 :], (0, 1, 0.2), atol=1e-5)
    assert np.all(np.diff(canvas.color[: int(canvas.horizon), 0, 1]) > 0)


def test_blur_keeps_the_color_and_softens(looking):
    image = painted("bosque", looking())
    assert blur(image, 0.0) is image
    soft = blur(image, 1.6)
    assert soft.mean() == pytest.approx(image.mean(), abs=0.002)
    assert np.abs(np.diff(soft, axis=0)).mean() < 0.5 * np.abs(np.diff(image, axis=0)).mean()


def test_kinds_are_told_apart_by_their_colors(looking):
    """La media de cuatro de cada tipo, en nueve zonas, basta para reconocer otros cuatro."""
    camera = looking(tilt=0.05)
    zones = np.array(
        [
            [painted(kind, camera, seed).reshape(3, 100, 3, 100, 3).mean(axis=(1, 3)) for seed in range(8)]
            for kind in KINDS
        ]
    ).reshape(len(KINDS), 8, -1)
    known = zones[:, :4].mean(axis=1)
    distances = np.linalg.norm(zones[:, 4:, np.newaxis] - known, axis=-1)
    recognized = distances.argmin(axis=-1) == np.arange(len(KINDS))[:, np.newaxis]
    assert recognized.mean() > 0.8 and recognized.mean(axis=1).min() >= 0.5
