"""Ruido fractal: la irregularidad de la hierba, el pelaje, la tela y las nubes."""

from functools import cache

import cv2
import numpy as np

SIDE = 512  # píxeles de cada textura, que se repite sin costura
SLOPES = {"suave": 2.6, "media": 1.7, "fina": 0.7}  # cuánto pesa lo grande sobre lo menudo
ROW = 1024  # cv2.remap no admite filas de más de 32 767 puntos


def linear(red: float, green: float, blue: float) -> np.ndarray:
    """Reflectancia lineal, float32 (3,), de un color sRGB de 0 a 255."""
    return ((np.array([red, green, blue]) / 255) ** 2.2).astype(np.float32)


@cache
def texture(name: str) -> np.ndarray:
    """Textura float32 (SIDE, SIDE) de media 0 y desviación 1, cuyo espectro decae según `SLOPES`."""
    random = np.random.default_rng(list(SLOPES).index(name)).random((SIDE, SIDE)) - 0.5
    vertical = np.fft.fftfreq(SIDE)[:, np.newaxis]
    horizontal = np.fft.rfftfreq(SIDE)[np.newaxis]
    frequency = np.maximum(np.hypot(vertical, horizontal), 2 / SIDE)
    values = np.fft.irfft2(np.fft.rfft2(random) / frequency ** (SLOPES[name] / 2 + 0.5), (SIDE, SIDE))
    values -= values.mean()
    return (values / values.std()).astype(np.float32)


def sample(name: str, u, v) -> np.ndarray:
    """La textura en las coordenadas (u, v), en píxeles suyos y de cualquier forma; interpolada, float32."""
    u, v = (np.asarray(values, np.float32) for values in np.broadcast_arrays(u, v))
    count = u.size
    rows = -(-count // ROW)
    maps = np.zeros((2, rows * ROW), np.float32)
    for row, values in zip(maps, (u, v), strict=True):
        flat = values.reshape(-1)
        row[:count] = flat - np.floor(flat * np.float32(1 / SIDE)) * np.float32(SIDE)
    maps = maps.reshape(2, rows, ROW)
    found = cv2.remap(texture(name), maps[0], maps[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    return found.reshape(-1)[:count].reshape(u.shape)


def solid(name: str, points: np.ndarray, density: float, offset: np.ndarray) -> np.ndarray:
    """Ruido en el espacio, casi igual en todas las direcciones: suma de tres texturas planas oblicuas.

    Argumentos:
        points: posiciones (3, M).
        density: píxeles de textura por unidad de longitud.
        offset: desplazamiento (6,), en píxeles, para que cada objeto tenga el suyo.
    """
    x, y, z = points * np.float32(density)
    first = sample(name, x + 0.31 * z + offset[0], y - 0.27 * x + offset[1])
    second = sample(name, y + 0.29 * x + offset[2], z - 0.33 * y + offset[3])
    third = sample(name, z + 0.26 * y + offset[4], x - 0.30 * z + offset[5])
    return (first + second + third) * np.float32(1 / np.sqrt(3))
