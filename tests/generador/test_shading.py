"""Luz y sombra: la ley de Lambert, quién tapa a quién y hacia dónde caen las sombras."""

import dataclasses

import numpy as np
import pytest

from generador.background import Light
from generador.geometry import unit
from generador.material import Material
from generador.shading import SHADOW_DISTANCE, ShadowCaster, occlusion, shade, smooth_over
from generador.surface import visible_surface

NONE = np.zeros(3, np.float32)
SUN_ONLY = Light(sun=np.float32([1.0, 0.9, 0.8]), sky=NONE, ground=NONE, shadow=0.5)
UP, FACING = (0, 1, 0), (0, 0, 1)


def material(normals, color=(0.4, 0.4, 0.4), softness=0.0, gloss=0.0):
    normals = np.array(normals, np.float32).reshape(-1, 3).T
    count = normals.shape[1]
    return Material(
        color=np.broadcast_to(np.float32(color), (count, 3)).T.copy(),
        normals=normals,
        gloss=np.full(count, gloss, np.float32),
        sharpness=np.full(count, 18, np.float32),
        softness=np.full(count, softness, np.float32),
        parts=np.ones(count, np.uint8),
    )


def lit(matter, light=SUN_ONLY, sun=FACING, shadow=0.0, open_sky=1.0):
    ones = np.ones(matter.parts.size, np.float32)
    return shade(matter, light, unit(sun), shadow * ones, open_sky * ones)


# --- El color de un punto -----------------------------------------------------------------------------


def test_light_falls_with_the_cosine():
    cosines = np.array([1, 0.8, 0.5, 0.1])
    tilted = [(0, np.sqrt(1 - cosine**2), cosine) for cosine in cosines]
    for position, cosine in enumerate(cosines):
        darker = lit(material(FACING, color=np.float32(0.4) * np.float32(cosine)))
        assert np.allclose(lit(material(tilted))[:, position], darker[:, 0], atol=1e-5)


def test_what_faces_away_from_the_light_is_black():
    assert not lit(material([(0, 0, -1), (0.6, 0, -0.8)])).any()


def test_length_of_the_normal_does_not_matter():
    assert np.allclose(lit(material((0, 0.3, 0.4))), lit(material((0, 3, 4))), atol=1e-5)


def test_shadow_leaves_fifteen_hundredths_of_the_sun():
    shadowed, darker = lit(material(FACING), shadow=1), lit(material(FACING, color=(0.06, 0.06, 0.06)))
    assert np.allclose(shadowed, darker, atol=1e-5)


def test_side_towards_the_light_is_the_bright_one():
    sides = material([(-0.8, 0, 0.6), (0.8, 0, 0.6), (0, 0.8, 0.6), (0, -0.8, 0.6)])
    for sun, brightest in (((-1, 0, 0.2), 0), ((1, 0, 0.2), 1), ((0, 1, 0.2), 2), ((0, -1, 0.2), 3)):
        assert lit(sides, sun=sun).sum(axis=0).argmax() == brightest


def test_sky_lights_from_above_and_ground_from_below():
    light = Light(sun=NONE, sky=np.float32([0.1, 0.2, 0.6]), ground=np.float32([0.5, 0.3, 0.1]), shadow=0)
    above, below = lit(material([(0, 0.99, 0.14), (0, -0.99, 0.14)]), light).T
    assert above[2] > 2 * above[0] and below[0] > 1.4 * below[2]


def test_hollows_receive_less_sky_and_the_same_sun():
    light = dataclasses.replace(SUN_ONLY, sky=np.float32([0.3, 0.3, 0.3]))
    assert np.all(lit(material(FACING), light, open_sky=0.5) < lit(material(FACING), light))
    assert np.allclose(lit(material(FACING), open_sky=0.5), lit(material(FACING)))


def test_gloss_shines_halfway_between_the_light_and_the_eye():
    sun, halfway = unit((1, 0, 1)), unit(unit((1, 0, 1)) + FACING)
    matte, glossy = (
        lit(material([halfway, sun, FACING], gloss=gloss), sun=sun).sum(axis=0) for gloss in (0, 0.2)
    )
    assert (glossy - matte).argmax() == 0
    assert np.all(glossy > matte)


def test_softness_lets_reddish_light_past_the_edge_of_the_shadow():
    red, green, blue = lit(material((1, 0, -0.1), softness=0.3))[:, 0]
    assert red / SUN_ONLY.sun[0] > green / SUN_ONLY.sun[1] > blue / SUN_ONLY.sun[2] > 0
    assert not lit(material((1, 0, -0.1))).any()


def test_colors_never_leave_the_screen():
    random = np.random.default_rng(0)
    light = Light(*np.full((3, 3), 4, np.float32), shadow=0)
    strong = material(random.normal(size=(500, 3)), color=(1, 1, 1), gloss=2, softness=0.2)
    found = lit(strong, light, sun=(0.3, 0.5, 0.8))
    assert (found.dtype, found.shape) == (np.float32, (3, 500))
    assert 0 <= found.min() and found.max() == 1


# --- Las sombras --------------------------------------------------------------------------------------

SUNS = [(0, 1, 0), (0.5, 1, 0), (-0.4, 0.8, 0.6), (1, 0.7, -0.5)]
RADIUS, HEIGHT = 0.2, 1.0


@pytest.fixture
def ball(capsule):
    return capsule((0, HEIGHT, 0), (0, HEIGHT, 0), RADIUS)


@pytest.mark.parametrize("sun", SUNS)
def test_light_is_looked_from_with_a_rotation(ball, sun):
    matrix = ShadowCaster(ball, unit(sun)).camera.rotation
    assert np.allclose(matrix @ matrix.T, np.eye(3))
    assert np.isclose(np.linalg.det(matrix), 1)
    assert np.allclose(matrix[2], unit(sun))


@pytest.mark.parametrize("sun", SUNS)
def test_what_is_behind_the_body_is_in_shadow(ball, capsule, sun):
    direction, other = unit(sun), np.array([0.5, 1.7, -0.3])
    caster = ShadowCaster(capsule(other, other, RADIUS, beside=ball), direction)
    aside = 1.3 * RADIUS * unit(np.cross(direction, (0.3, -0.2, 1)))
    for center in (np.array([0, HEIGHT, 0]), other):
        behind, before = center - 0.3 * direction, center + 0.3 * direction
        points = np.stack([behind, before, behind + aside])
        assert caster.on_itself(points.T.astype(np.float32)).tolist() == [1, 0, 0]


@pytest.mark.parametrize("sun", SUNS)
def test_a_ball_has_a_bright_half_and_a_dark_half(ball, sun):
    direction = unit(sun)
    normals = np.random.default_rng(1).normal(size=(3, 2000))
    normals /= np.linalg.norm(normals, axis=0)
    points = np.array([[0], [HEIGHT], [0]]) + RADIUS * normals
    shadow = ShadowCaster(ball, direction).on_itself(points.astype(np.float32))
    facing = direction @ normals
    assert shadow[facing > 0.2].max() == 0
    assert shadow[facing < -0.3].min() == 1


def ground_grid(side=4.0, count=200):
    """Puntos del suelo, (3, count, count), y el área de cada uno."""
    line = np.linspace(-side / 2, side / 2, count, dtype=np.float32)
    x, z = np.meshgrid(line, line)
    return np.stack([x, np.zeros_like(x), z]), (side / (count - 1)) ** 2


@pytest.mark.parametrize("sun", SUNS)
def test_shadow_of_a_ball_falls_opposite_to_the_light(ball, sun):
    direction = unit(sun)
    points, area = ground_grid()
    shadow = ShadowCaster(ball, direction).on_ground(points, blur=1.0)
    x, z = ((shadow * axis).sum() / shadow.sum() for axis in (points[0], points[2]))
    assert np.allclose((x, z), -HEIGHT / direction[1] * direction[[0, 2]], atol=0.02)
    # La silueta es un octógono; en el suelo se alarga, y crece un poco: los rayos no son del todo paralelos.
    octagon = 2 * np.sqrt(2) * RADIUS**2
    growth = (1 + HEIGHT / direction[1] / SHADOW_DISTANCE) ** 2
    assert shadow.sum() * area == pytest.approx(octagon / direction[1] * growth, rel=0.05)
    assert 0 <= shadow.min() and shadow.max() > 0.99


def test_blur_softens_the_edge_of_the_shadow(ball):
    points, _ = ground_grid(side=1)
    sharp, soft = (ShadowCaster(ball, np.array([0, 1.0, 0])).on_ground(points, blur) for blur in (0.5, 4))
    assert np.abs(np.diff(soft)).max() < 0.3 * np.abs(np.diff(sharp)).max()
    assert soft.sum() == pytest.approx(sharp.sum(), rel=0.02)


def test_thin_things_give_no_shadow(ball, capsule):
    body = capsule((1, 0.5, 0), (1, 1.5, 0), 0.01, beside=ball)
    behind = np.array([[0.9, 1.0, 0.0], [-0.3, 0.5, 0.0]], np.float32).T
    shadow = ShadowCaster(body, unit((1, 0.0001, 0))).on_itself(behind)
    assert shadow[0] == 0


# --- Los huecos ---------------------------------------------------------------------------------------


@pytest.fixture
def relief(looking, capsule):
    """Una superficie que llena casi toda la imagen, para ponerle otra profundidad."""
    return visible_surface(capsule((0, 1, 0), (0, 1, 0), 1.0), looking())


def test_average_of_a_constant_is_that_constant(relief):
    values = np.full(relief.pixels.size, 3.7, np.float32)
    assert np.allclose(smooth_over(relief, values, 5, 300), 3.7, atol=1e-4)


def test_average_does_not_look_outside_the_surface(relief):
    row, column = np.divmod(relief.pixels, 300)
    chosen = relief.pixels[column < 150]
    left = dataclasses.replace(relief, pixels=chosen)
    values = row[column < 150].astype(np.float32)
    smooth = smooth_over(left, values, 3, 300)
    assert np.abs(smooth - values)[(row[column < 150] > 60) & (row[column < 150] < 220)].max() < 1.5


def test_flat_surface_receives_all_the_light(relief):
    flat = dataclasses.replace(relief, depth=np.full_like(relief.depth, 6))
    assert np.allclose(occlusion(flat, 120, 300), 1, atol=1e-3)


def test_hollows_receive_less_light_and_bumps_do_not(relief):
    row, column = np.divmod(relief.pixels, 300)
    for sign, darkens in ((1, True), (-1, False)):
        bump = sign * 0.1 * np.exp(-((row - 150) ** 2 + (column - 150) ** 2) / (2 * 5**2))
        carved = dataclasses.replace(relief, depth=(6 + bump).astype(np.float32))
        sky = occlusion(carved, 120, 300)
        middle = sky[(row == 150) & (column == 150)]
        assert (middle < 0.9) == darkens
        assert 0.4 < sky.min() <= sky.max() <= 1
        far = np.hypot(row - 150, column - 150) > 60
        assert sky[far].min() > 0.98
