"""Lo que se pinta: qué parte es cada punto, opacidades, y áreas de las formas con su borde suavizado."""

import numpy as np
import pytest

from generador.material import Material, ellipse, inside, stroke
from generador.surface import visible_surface

SCALE = 200.0  # píxeles por metro


def grid(side=1.0):
    """Coordenadas, en metros, de los centros de los píxeles de un cuadrado."""
    middles = (np.arange(side * SCALE, dtype=np.float32) + 0.5) / np.float32(SCALE) - np.float32(side / 2)
    return np.meshgrid(middles, middles)


@pytest.fixture
def surface(looking, capsule):
    """Dos bolas separadas, una de cada grupo."""
    body = capsule((-0.4, 1, 0), (-0.4, 1, 0), 0.3, color=(1, 0, 0))
    capsule((0.4, 1, 0), (0.4, 1, 0), 0.3, group="dos", color=(0, 0, 1), beside=body)
    return visible_surface(body, looking())


def test_part_of_a_point_is_that_of_its_group(surface):
    parts = Material.of(surface, np.array([3, 1])).parts
    assert parts.dtype == np.uint8
    assert np.array_equal(parts, np.where(surface.points[0] < 0, 3, 1))


def test_groups_of_the_same_part_add_up(surface):
    surface.groups[:] = [[0.45], [0.55]]
    divided = np.concatenate([surface.groups[:1], surface.groups[1:] * 0.6, surface.groups[1:] * 0.4])
    object.__setattr__(surface, "groups", divided)
    assert set(Material.of(surface, np.array([2, 1, 1])).parts) == {1}
    assert set(Material.of(surface, np.array([2, 1, 4])).parts) == {2}


def test_painting_leaves_the_surface_as_it_was(surface):
    before = surface.color.copy(), surface.normals.copy()
    material = Material.of(surface, np.array([1, 2]))
    material.cover(np.ones(surface.pixels.size), (0.1, 0.2, 0.3))
    material.normals += 1
    assert np.array_equal(before[0], surface.color) and np.array_equal(before[1], surface.normals)


def test_opacity_goes_from_nothing_to_everything(surface):
    material = Material.of(surface, np.array([1, 2]))
    before, count = material.color.copy(), surface.pixels.size
    material.cover(np.zeros(count), (1, 1, 1))
    assert np.array_equal(material.color, before)
    material.cover(np.full(count, 0.25), (0, 1, 0))
    assert np.allclose(material.color, 0.75 * before + [[0], [0.25], [0]], atol=1e-6)
    material.cover(np.ones(count), (0.1, 0.2, 0.3))
    assert np.allclose(material.color, [[0.1], [0.2], [0.3]], atol=1e-6)


def test_color_may_change_from_point_to_point(surface):
    material = Material.of(surface, np.array([1, 2]))
    colors = np.random.default_rng(0).random(material.color.shape)
    material.cover(np.ones(surface.pixels.size), colors)
    assert np.allclose(material.color, colors, atol=1e-6)


def test_edge_takes_one_pixel():
    distance = np.array([-1, -0.5, -0.25, 0, 0.25, 0.5, 1], np.float32) / np.float32(SCALE)
    assert np.allclose(inside(distance, SCALE), [0, 0, 0.25, 0.5, 0.75, 1, 1], atol=1e-6)


@pytest.mark.parametrize("radii", [(0.1, 0.1), (0.3, 0.1), (0.05, 0.2)])
def test_ellipse_has_its_area(radii):
    across, up = grid()
    assert ellipse(across, up, radii, SCALE).sum() / SCALE**2 == pytest.approx(
        np.pi * radii[0] * radii[1], rel=0.02
    )


def test_ellipse_is_as_wide_and_as_tall_as_its_radii():
    across, up = grid()
    opaque = ellipse(across, up, (0.3, 0.1), SCALE) > 0.5
    assert np.ptp(across[opaque]) == pytest.approx(0.6, abs=0.01)
    assert np.ptp(up[opaque]) == pytest.approx(0.2, abs=0.01)


def test_stroke_has_its_thickness_on_both_sides_of_its_line():
    across, up = grid()
    painted = stroke(up - 0.2 * across, 0.04, SCALE)
    assert painted.sum(axis=0) / SCALE == pytest.approx(0.04, abs=0.003)
    assert np.abs((painted * (up - 0.2 * across)).sum()) < 0.01


@pytest.mark.parametrize(
    "shape",
    [
        lambda here, size: ellipse(here, here, (size / 2, size / 2), SCALE),
        lambda here, size: ellipse(here, here, (size / 2, 10 * size), SCALE),
        lambda here, size: stroke(here, size, SCALE),
    ],
)
def test_what_does_not_fill_a_pixel_fades(shape):
    here = np.zeros(1, np.float32)
    peaks = [float(shape(here, pixels / SCALE)[0]) for pixels in (0.02, 0.2, 0.5, 3)]
    assert peaks == sorted(peaks)
    assert peaks[0] < 0.05 and peaks[-1] == 1
