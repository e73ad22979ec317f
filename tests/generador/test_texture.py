"""El ruido fractal: media y desviación, espectro, costuras, interpolación y repeticiones."""

import numpy as np
import pytest

from generador import texture
from generador.texture import SIDE, SLOPES, linear, sample, solid

NAMES = list(SLOPES)


@pytest.mark.parametrize("name", NAMES)
def test_texture_has_mean_0_and_deviation_1(name):
    values = texture.texture(name)
    assert (values.dtype, values.shape) == (np.float32, (SIDE, SIDE))
    assert values.mean() == pytest.approx(0, abs=1e-3)
    assert values.std() == pytest.approx(1, abs=1e-3)
    assert np.abs(values).max() < 6


@pytest.mark.parametrize("name", NAMES)
def test_texture_is_always_the_same(name):
    before = texture.texture(name).copy()
    texture.texture.cache_clear()
    assert np.array_equal(texture.texture(name), before)


def test_textures_do_not_resemble_each_other():
    values = [texture.texture(name).ravel() for name in NAMES]
    assert np.abs(np.corrcoef(values) - np.eye(3)).max() < 0.15


@pytest.mark.parametrize("name", NAMES)
def test_spectrum_falls_as_its_slope_says(name):
    power = np.abs(np.fft.fft2(texture.texture(name))) ** 2
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(SIDE), np.fft.fftfreq(SIDE)))
    middle = (frequency > 8 / SIDE) & (frequency < 0.4)
    slope, _ = np.polyfit(np.log(frequency[middle]), np.log(power[middle]), 1)
    assert slope == pytest.approx(-SLOPES[name] - 1, abs=0.1)


@pytest.mark.parametrize("name", NAMES)
def test_no_seam_where_the_texture_repeats(name):
    values = texture.texture(name)
    for axis in (0, 1):
        edge = np.take(values, 0, axis) - np.take(values, -1, axis)
        inside = np.diff(values, axis=axis)
        assert edge.std() < 1.3 * inside.std()
    u, v = np.random.default_rng(0).uniform(-2000, 2000, (2, 400)).astype(np.float32)
    assert np.allclose(sample(name, u + SIDE, v - 3 * SIDE), sample(name, u, v), atol=0.02)


@pytest.mark.parametrize("name", NAMES)
def test_a_texture_does_not_resemble_itself_elsewhere(name):
    spectrum = np.fft.rfft2(texture.texture(name))
    resemblance = np.fft.irfft2(np.abs(spectrum) ** 2, (SIDE, SIDE)) / SIDE**2
    across = np.minimum(np.arange(SIDE), SIDE - np.arange(SIDE))
    far = np.hypot(across, across[:, np.newaxis]) > SIDE / 3
    assert resemblance[0, 0] == pytest.approx(1, abs=1e-3)
    assert resemblance[far].max() < 0.35


def test_sample_interpolates_between_four_pixels():
    values = texture.texture("fina")
    assert sample("fina", 7, 5) == values[5, 7]
    assert sample("fina", 7.5, 5) == pytest.approx(values[5, 7:9].mean(), abs=1e-5)
    assert sample("fina", 7.25, 5.75) == pytest.approx(
        np.array([0.25, 0.75]) @ values[5:7, 7:9] @ [0.75, 0.25], abs=1e-5
    )
    assert sample("fina", SIDE - 0.5, 9) == pytest.approx(values[9, [-1, 0]].mean(), abs=1e-5)


@pytest.mark.parametrize("shape", [(), (1,), (1023,), (1024,), (1025,), (7, 300), (2, 3, 5)])
def test_sample_takes_any_shape(shape):
    u, v = np.random.default_rng(1).uniform(0, SIDE, (2, *shape)).astype(np.float32)
    found = sample("media", u, v)
    assert (found.dtype, found.shape) == (np.float32, shape)
    alone = [sample("media", *place) for place in zip(u.ravel(), v.ravel(), strict=True)][:50]
    assert np.array_equal(found.ravel()[:50], np.array(alone, np.float32).ravel())


def test_sample_combines_rows_and_columns():
    u, v = np.arange(4.0)[np.newaxis], np.arange(3.0)[:, np.newaxis]
    assert np.allclose(sample("suave", u, v), texture.texture("suave")[:3, :4], atol=1e-6)


POINTS = np.random.default_rng(2).uniform(-1, 1, (3, 4000)).astype(np.float32)
OFFSET = np.array([10, 200, 30, 400, 50, 100], np.float32)


@pytest.mark.parametrize("name", NAMES)
def test_solid_noise_has_deviation_1_and_depends_on_its_offset(name):
    values = solid(name, POINTS, 240, OFFSET)
    assert values.shape == (4000,)
    assert values.std() == pytest.approx(1, abs=0.2)
    assert np.array_equal(values, solid(name, POINTS, 240, OFFSET))
    others = solid(name, POINTS, 240, OFFSET + np.array([211, 17, 89, 301, 140, 37], np.float32))
    assert abs(np.corrcoef(values, others)[0, 1]) < 0.5


def test_solid_noise_changes_as_much_along_each_axis():
    changes = [
        (solid("media", POINTS + step, 100, OFFSET) - solid("media", POINTS, 100, OFFSET)).std()
        for step in np.eye(3, dtype=np.float32)[..., np.newaxis] / 100  # un píxel de textura
    ]
    assert max(changes) < 1.1 * min(changes)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_solid_noise_does_not_repeat_where_its_textures_do(axis):
    step = np.zeros((3, 1), np.float32)
    step[axis] = SIDE / 100
    again = np.corrcoef(solid("fina", POINTS, 100, OFFSET), solid("fina", POINTS + step, 100, OFFSET))[0, 1]
    assert again < 0.45  # una de las tres sí se repite


def test_linear_undoes_the_gamma_of_srgb():
    assert np.array_equal(linear(0, 0, 0), np.zeros(3, np.float32))
    assert np.array_equal(linear(255, 255, 255), np.ones(3, np.float32))
    assert np.allclose(linear(188, 99, 137), (0.51, 0.125, 0.256), atol=0.01)  # mitad, octava y cuarta parte
