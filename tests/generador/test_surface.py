"""La superficie visible, contra la intersección exacta de cada rayo con esferas, elipsoides y conos."""

import numpy as np
import pytest

from generador.geometry import unit
from generador.surface import FAR, TOLERANCE, front, visible_surface

CENTER = np.array([0.1, 1.2, -0.2])


def ball(capsule, center=CENTER, radius=0.4, **rest):
    return capsule(center, center, radius, **rest)


def ray_meets_ellipsoid(camera, pixels, center, radius, side=(0, 0, 1), width=1.0):
    """Profundidad (M,) a la que cada rayo entra en un elipsoide (NaN si no lo toca) y su normal, en la vista.

    Es una esfera estirada `width` veces hacia `side`: encogiéndola, la ecuación es la de una esfera.
    """
    side = camera.rotation @ unit(side)
    shrink = np.eye(3) + (1 / width - 1) * np.outer(side, side)
    ray, middle = shrink @ camera.rays(pixels).astype(float), shrink @ camera.to_view(center)
    a, b, c = (ray**2).sum(axis=0), middle @ ray, middle @ middle - radius**2
    with np.errstate(invalid="ignore"):
        depth = (b - np.sqrt(b**2 - a * c)) / a
    normal = shrink @ (ray * depth - middle[:, np.newaxis])
    return depth, normal / np.linalg.norm(normal, axis=0)


def inner(surface, depth=None, steepest=0.35):
    """Los puntos que no están en el borde: allí, una décima de píxel cambia mucho la profundidad."""
    facing = (surface.coverage == 1) & (surface.normals[2] > steepest)
    return facing if depth is None else facing & np.isfinite(depth)


def seen(surface, size=300) -> np.ndarray:
    """Máscara bool (size²,) de los píxeles cubiertos a medias o más."""
    mask = np.zeros(size * size, bool)
    mask[surface.pixels[surface.coverage >= 0.5]] = True
    return mask


def degrees_between(first, second):
    return np.degrees(np.arccos(np.clip((first * second).sum(axis=0), -1, 1)))


# --- Una sola cápsula ---------------------------------------------------------------------------------

SHAPES = {  # radio, dirección en que se estira y cuánto
    "esfera": (0.4, (0, 0, 1), 1.0),
    "estrecha": (0.4, (1, 0.3, -0.2), 0.5),
    "ancha": (0.3, (0.2, 1, 0.4), 1.4),
    "achatada hacia la cámara": (0.4, (0, 0, 1), 0.55),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("turn", "tilt"), [(0, 0), (0.8, 0.1)])
def test_ellipsoid_is_where_each_ray_meets_it(looking, capsule, shape, turn, tilt):
    radius, side, width = SHAPES[shape]
    camera = looking(turn=turn, tilt=tilt)
    surface = visible_surface(ball(capsule, radius=radius, side=side, width=width), camera)
    depth, normal = ray_meets_ellipsoid(camera, surface.pixels, CENTER, radius, side, width)
    chosen = inner(surface, depth)
    assert chosen.sum() > 2000
    assert np.abs(surface.depth - depth)[chosen].max() < 1 / camera.scale  # un píxel
    assert np.abs(surface.depth - depth)[chosen].mean() < 0.0005
    assert degrees_between(surface.normals, normal)[chosen].max() < 1.5


@pytest.mark.parametrize("shape", SHAPES)
def test_ellipsoid_covers_the_pixels_whose_ray_meets_it(looking, capsule, shape):
    radius, side, width = SHAPES[shape]
    camera = looking(turn=0.8, tilt=0.1)
    found = seen(visible_surface(ball(capsule, radius=radius, side=side, width=width), camera))
    depth, _ = ray_meets_ellipsoid(camera, np.arange(300 * 300), CENTER, radius, side, width)
    expected = np.isfinite(depth)
    assert (found ^ expected).sum() < 0.4 * np.sqrt(
        4 * np.pi * expected.sum()
    )  # menos de medio píxel de borde


def test_coverage_adds_up_to_the_area_of_the_circle(looking, capsule):
    for radius in (0.05, 0.2, 0.5):
        # De lejos, para que la perspectiva no cuente.
        surface = visible_surface(ball(capsule, radius=radius), looking(CENTER, distance=60, scale=90))
        assert surface.coverage.sum() == pytest.approx(np.pi * (90 * radius) ** 2, rel=0.02)


def test_coverage_falls_by_one_in_one_pixel_of_edge(looking, capsule):
    camera = looking(CENTER, distance=60)
    surface = visible_surface(ball(capsule), camera)
    row, column = np.divmod(surface.pixels, 300)
    away = np.hypot(column + 0.5 - camera.center[0], row + 0.5 - camera.center[1])
    assert np.allclose(surface.coverage, np.clip(0.4 * 120 - away + 0.5, 0, 1), atol=0.05)


def test_points_are_in_the_rays_and_on_the_ball(looking, capsule):
    camera = looking(turn=2, tilt=0.1)
    surface = visible_surface(ball(capsule), camera)
    view = camera.to_view(surface.points.T)
    assert np.allclose(-view[:, 2], surface.depth, atol=1e-5)
    middles = np.stack([surface.pixels % 300, surface.pixels // 300], axis=1) + 0.5
    assert np.allclose(camera.project(view), middles, atol=0.01)
    away = np.linalg.norm(surface.points - CENTER[:, np.newaxis], axis=0)
    assert np.allclose(away[inner(surface)], 0.4, atol=0.002)


def entered(capsules, points):
    """Cuánto entra cada punto (3, M) en cada cápsula, (N, M), según la definición de cápsula."""
    result = []
    for start, end, first, last, width, side in zip(
        capsules.start,
        capsules.end,
        capsules.radius,
        capsules.end_radius,
        capsules.width,
        capsules.side,
        strict=True,
    ):
        span = end - start
        along = np.clip((points.T - start) @ span / (span @ span), 0, 1)
        offset = points.T - start - along[:, np.newaxis] * span
        offset += (1 / width - 1) * np.outer(offset @ side, side)
        result.append(first + (last - first) * along - np.linalg.norm(offset, axis=1))
    return np.array(result)


def march(camera, pixels, inside, nearest=4.5, farthest=7.5):
    """Profundidad (M,) a la que cada rayo entra donde `inside(points)` es positivo: por pasos y bisección."""
    rays = camera.rays(pixels).astype(float)

    def value(depth):
        return inside(camera.rotation.T @ (rays * depth) + camera.position[:, np.newaxis])

    low = np.full(len(pixels), nearest)
    for depth in np.arange(nearest, farthest, 0.01):
        before = value(low) < 0
        low = np.where(before & (value(low + 0.01) < 0), depth, low)
    high = low + 0.01
    for _ in range(15):
        middle = (low + high) / 2
        outside = value(middle) < 0
        low, high = np.where(outside, middle, low), np.where(outside, high, middle)
    return low


def check_where_rays_enter(surface, camera, inside):
    """Cada punto está en la superficie donde `inside`, en metros, cambia de signo, y es el más cercano."""
    places = np.random.default_rng(0).choice(np.flatnonzero(inner(surface)), 200, replace=False)
    away = np.abs(inside(surface.points[:, places].astype(float))) * camera.scale
    assert away.max() < 1.2  # píxeles
    assert away.mean() < TOLERANCE / 2
    error = np.abs(surface.depth[places] - march(camera, surface.pixels[places], inside))
    assert error.max() < 2 / camera.scale  # dos píxeles donde la superficie se ve muy de lado
    assert error.mean() < 0.2 / camera.scale


@pytest.mark.parametrize("turn", [0, 0.9, 1.4])
@pytest.mark.parametrize("width", [1.0, 0.6, 1.3])
def test_tapered_capsule_is_where_each_ray_enters_it(looking, capsule, turn, width):
    camera = looking(turn=turn, tilt=0.1)
    body = capsule((-0.5, 0.8, 0.1), (0.5, 1.3, -0.1), (0.15, 0.35), width=width, side=(0.5, 0.1, 1))
    surface = visible_surface(body, camera)
    check_where_rays_enter(surface, camera, lambda points: entered(body.capsules(), points)[0])


def test_end_on_capsule_shows_its_nearest_end(looking, capsule):
    camera = looking(CENTER)
    surface = visible_surface(capsule(CENTER - [0, 0, 0.5], CENTER + [0, 0, 0.5], 0.3), camera)
    depth, _ = ray_meets_ellipsoid(camera, surface.pixels, CENTER + [0, 0, 0.5], 0.3)
    chosen = inner(surface, depth)
    assert surface.depth.min() == pytest.approx(6 - 0.5 - 0.3, abs=0.002)
    assert np.abs(surface.depth - depth)[chosen].max() < 0.005


@pytest.mark.parametrize("flat", [False, True])
def test_flat_end_has_no_dome(looking, capsule, flat):
    camera = looking(CENTER, distance=60, scale=100)
    surface = visible_surface(capsule(CENTER, CENTER - [0, 0.6, 0], 0.3, flat=flat), camera)
    rows = surface.pixels[surface.coverage >= 0.5] // 300 + 0.5 - camera.center[1]
    assert rows.min() == pytest.approx(-30, abs=1)
    assert rows.max() == pytest.approx(60 if flat else 90, abs=1)


def test_nothing_is_seen_of_a_body_out_of_the_picture(looking, capsule):
    surface = visible_surface(ball(capsule, center=(9, 1, 0)), looking())
    assert surface.pixels.size == 0 and surface.points.shape == (3, 0)


# --- Varias cápsulas ----------------------------------------------------------------------------------


@pytest.mark.parametrize("copies", [2, 5])
def test_copies_of_a_ball_swell_by_the_logarithm_of_their_number(looking, capsule, copies):
    camera, body = looking(), None
    for _ in range(copies):
        body = ball(capsule, blend=0.03, beside=body)
    surface = visible_surface(body, camera)
    away = np.linalg.norm(surface.points - CENTER[:, np.newaxis], axis=0)[inner(surface)]
    assert away.mean() == pytest.approx(0.4 + 0.03 * np.log(copies), abs=0.0005)


def test_union_is_where_its_logarithm_changes_sign(looking, capsule):
    camera, blend = looking(turn=0.5), 0.06
    body = ball(capsule, center=(-0.2, 1, 0), radius=0.3, blend=blend)
    capsule((0.2, 1.1, 0), (0.5, 1.4, 0.2), (0.25, 0.1), blend=blend, beside=body)
    surface = visible_surface(body, camera)

    def union(points):
        capsules = body.capsules()
        capsules.end[0] += 1e-9  # para no dividir entre cero
        return blend * np.log(np.exp(entered(capsules, points) / blend).sum(axis=0))

    check_where_rays_enter(surface, camera, union)


def test_union_contains_its_capsules(looking, capsule):
    camera = looking()
    first = dict(center=(-0.25, 1, 0), radius=0.3, blend=0.08)
    second = dict(center=(0.25, 1, 0), radius=0.3, blend=0.08)
    alone = [seen(visible_surface(ball(capsule, **one), camera)) for one in (first, second)]
    together = seen(visible_surface(ball(capsule, **second, beside=ball(capsule, **first)), camera))
    assert not (alone[0] & ~together).any() and not (alone[1] & ~together).any()
    assert (together & ~alone[0] & ~alone[1]).sum() > 20  # lo que rellena el ángulo entre las dos


def test_capsules_that_are_far_apart_do_not_touch_each_other(looking, capsule):
    camera = looking()
    left, right = np.array([-0.6, 1, 0]), np.array([0.6, 1, 0.3])
    body = ball(capsule, center=left, radius=0.3, color=(1, 0, 0))
    ball(capsule, center=right, radius=0.3, color=(0, 0, 1), group="dos", beside=body)
    surface = visible_surface(body, camera)
    on_the_right = surface.points[0] > 0
    for center, where, color in ((left, ~on_the_right, (1, 0, 0)), (right, on_the_right, (0, 0, 1))):
        depth, _ = ray_meets_ellipsoid(camera, surface.pixels, center, 0.3)
        chosen = inner(surface, depth) & where
        assert np.abs(surface.depth - depth)[chosen].max() < 0.004
        assert np.allclose(surface.color[:, chosen], np.array(color)[:, np.newaxis], atol=1e-3)
    assert np.allclose(surface.groups, [~on_the_right, on_the_right], atol=1e-3)


def test_the_nearest_capsule_hides_the_others(looking, capsule):
    camera = looking(CENTER)
    body = ball(capsule, color=(1, 0, 0))
    ball(capsule, center=CENTER + [0, 0, 1.5], radius=0.2, color=(0, 1, 0), group="dos", beside=body)
    surface = visible_surface(body, camera)
    middle = surface.pixels == int(camera.center[1]) * 300 + int(camera.center[0])
    assert surface.depth[middle] == pytest.approx(6 - 1.5 - 0.2, abs=0.002)
    assert np.allclose(surface.color[:, middle].T, (0, 1, 0), atol=1e-3)
    assert np.allclose(surface.groups[:, middle].T, (0, 1), atol=1e-3)


def test_equal_capsules_share_color_and_group_in_equal_parts(looking, capsule):
    body = ball(capsule, color=(0.8, 0.2, 0), blend=0.03)
    ball(capsule, color=(0, 0.6, 0.4), group="dos", blend=0.03, beside=body)
    surface = visible_surface(body, looking())
    assert np.allclose(surface.color, [[0.4], [0.4], [0.2]], atol=1e-5)
    assert np.allclose(surface.groups, 0.5, atol=1e-5)


def test_order_of_the_capsules_does_not_matter(looking, capsule):
    pieces = [
        dict(center=(0, 1, 0), radius=0.3, color=(1, 0, 0)),
        dict(center=(0.25, 1.2, 0.1), radius=0.2, color=(0, 1, 0), group="dos"),
        dict(center=(-0.3, 0.8, 0.2), radius=0.25, color=(0, 0, 1)),
    ]
    surfaces = []
    for order in (pieces, pieces[::-1]):
        body = None
        for piece in order:
            body = ball(capsule, **piece, blend=0.05, beside=body)
        surfaces.append(visible_surface(body, looking()))
    first, second = surfaces
    assert np.array_equal(first.pixels, second.pixels)
    for attribute in ("coverage", "depth", "normals", "color", "groups"):
        assert np.allclose(getattr(first, attribute), getattr(second, attribute), atol=1e-4), attribute


def test_weights_and_normals_are_normalized(looking, capsule):
    body = capsule((-0.5, 0.9, 0.1), (0.4, 1.3, -0.2), (0.15, 0.3), blend=0.04)
    capsule((0.4, 1.3, -0.2), (0.5, 0.4, 0.3), (0.2, 0.1), group="dos", blend=0.02, beside=body)
    surface = visible_surface(body, looking(turn=0.4))
    assert np.all(np.diff(surface.pixels) > 0)
    assert (surface.coverage.min(), surface.coverage.max()) == (0, 1)
    assert np.allclose(surface.groups.sum(axis=0), 1, atol=1e-5)
    assert np.allclose(np.linalg.norm(surface.normals, axis=0), 1, atol=1e-3)
    assert surface.normals[2][surface.coverage == 1].min() > -0.1  # de lo que se ve, nada mira hacia atrás


def test_front_is_the_nearest_capsule_without_blending(looking, capsule):
    camera = looking(CENTER, distance=60)
    body = ball(capsule, center=CENTER - [0.3, 0, 0], radius=0.2)
    ball(capsule, center=CENTER + [0.3, 0, 0.1], radius=0.3, beside=body)
    found = front(body.capsules(), camera)
    row, column = np.divmod(np.arange(300 * 300), 300)
    away = [
        np.hypot(column + 0.5 - camera.center[0] - side * 36, row + 0.5 - camera.center[1])
        for side in (-1, 1)
    ]
    inside = np.maximum(0.2 * 120 - away[0], 0.3 * 120 - away[1])
    near = inside > -1
    assert np.allclose(found.inside[near], inside[near], atol=0.15)
    left, _ = ray_meets_ellipsoid(camera, np.arange(300 * 300), CENTER - [0.3, 0, 0], 0.2)
    right, _ = ray_meets_ellipsoid(camera, np.arange(300 * 300), CENTER + [0.3, 0, 0.1], 0.3)
    deep = inside > 2
    assert np.allclose(found.depth[deep], np.fmin(left, right)[deep], atol=0.01)
    assert found.depth[0] == FAR
