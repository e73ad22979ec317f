"""Luz y sombra: del material de cada punto a su color en la imagen."""

import cv2
import numpy as np

from generador.background import Light
from generador.geometry import Body, Camera, rotate, silhouette, unit
from generador.material import Material
from generador.surface import FAR, Surface, front

SHADOW_SIZE = 128  # lado de lo que «ve» la luz
SHADOW_DISTANCE = 60.0  # metros: los rayos llegan casi paralelos
SHADOW_RADIUS = 0.025  # metros: lo más delgado no da sombra apreciable
SHADOW_BIAS = 0.04  # metros por los que una superficie no se da sombra a sí misma


class ShadowCaster:
    """Lo que una luz lejana ve del cuerpo: lo que no ve está en sombra.

    Argumentos:
        body: el cuerpo que da sombra.
        direction: hacia la luz, unitario, en el marco del cuerpo, (3,).
    """

    def __init__(self, body: Body, direction: np.ndarray):
        capsules = body.capsules()
        self._capsules = capsules.select(np.maximum(capsules.radius, capsules.end_radius) > SHADOW_RADIUS)
        points = np.concatenate([capsules.start, capsules.end])
        low, high = points.min(axis=0), points.max(axis=0)
        scale = SHADOW_SIZE / (np.linalg.norm(high - low) + 0.6)
        self.camera = Camera(
            rotation=_looking_from(direction),
            target=(low + high) / 2,
            distance=SHADOW_DISTANCE,
            focal=scale * SHADOW_DISTANCE,
            center=(SHADOW_SIZE / 2, SHADOW_SIZE / 2),
            size=SHADOW_SIZE,
        )

    def on_itself(self, points: np.ndarray) -> np.ndarray:
        """Cuánta sombra hay en esos puntos (3, M) del cuerpo, de 0 a 1."""
        seen = front(self._capsules, self.camera)
        nearest = np.where(seen.inside > 0, seen.depth, FAR).reshape(SHADOW_SIZE, SHADOW_SIZE)
        depth, column, row = self._place(points)
        column, row = (np.clip(np.rint(place), 0, SHADOW_SIZE - 1).astype(int) for place in (column, row))
        return np.clip((depth - nearest[row, column] - SHADOW_BIAS) / 0.03, 0, 1)

    def on_ground(self, points: np.ndarray, blur: float) -> np.ndarray:
        """Cuánta sombra cae en esos puntos (3, H, W) del suelo, de 0 a 1."""
        _, column, row = self._place(points)
        shadow = cv2.GaussianBlur(silhouette(self._capsules, self.camera).astype(np.float32), (0, 0), blur)
        return cv2.remap(shadow, column, row, cv2.INTER_LINEAR)

    def _place(self, points: np.ndarray):
        centered = points.reshape(3, -1) - self.camera.target.astype(np.float32)[:, np.newaxis]
        x, y, z = rotate(self.camera.rotation, centered).reshape(points.shape)
        depth = np.float32(self.camera.distance) - z
        scale = np.float32(self.camera.focal) / depth
        middle = np.float32(SHADOW_SIZE / 2 - 0.5)
        return depth, middle + x * scale, middle - y * scale


def _looking_from(direction: np.ndarray) -> np.ndarray:
    """Una rotación (3, 3) cuyo eje z apunta hacia la luz."""
    helper = np.array([0.0, 1, 0]) if abs(direction[1]) < 0.95 else np.array([1.0, 0, 0])
    across = unit(np.cross(helper, direction))
    return np.stack([across, np.cross(direction, across), direction])


def smooth_over(surface: Surface, values: np.ndarray, sigma: float, size: int) -> np.ndarray:
    """Promedia valores (M,) con los de su entorno en la imagen, sin salirse de la superficie."""
    grid, weight = np.zeros((2, size * size), np.float32)
    grid[surface.pixels], weight[surface.pixels] = values, 1
    blurred = cv2.GaussianBlur(np.stack([grid, weight], axis=-1).reshape(size, size, 2), (0, 0), sigma)
    blurred = blurred.reshape(-1, 2)[surface.pixels]
    return blurred[:, 0] / np.maximum(blurred[:, 1], 1e-3)


def occlusion(surface: Surface, scale: float, size: int) -> np.ndarray:
    """Cuánta luz ambiente llega a cada punto, de 0 a 1: menos donde lo de alrededor está más cerca."""
    open_sky = np.ones_like(surface.depth)
    for radius in (0.03, 0.08):
        sigma = float(np.clip(radius * scale, 0.8, 12))
        hollow = (surface.depth - smooth_over(surface, surface.depth, sigma, size)) * np.float32(
            scale / sigma
        )
        open_sky *= 1 - 0.30 * np.clip(hollow / 1.6, 0, 1)
    return open_sky


def shade(
    material: Material, light: Light, sun: np.ndarray, shadow: np.ndarray, open_sky: np.ndarray
) -> np.ndarray:
    """El color sRGB, de 0 a 1, de cada punto: float32 (3, M).

    Argumentos:
        sun: dirección unitaria hacia la luz, en el marco de la vista, (3,).
        shadow: sombra arrojada, de 0 a 1, (M,).
        open_sky: luz ambiente que llega, de 0 a 1, (M,).
    """
    x, y, z = material.normals
    length = np.sqrt(x * x + y * y + z * z) + np.float32(1e-6)
    x, y, z = x / length, y / length, z / length
    sun = sun.astype(np.float32)
    facing = x * sun[0] + y * sun[1] + z * sun[2]
    lit = 1 - np.float32(0.85) * shadow
    halfway = unit(sun + [0, 0, 1]).astype(np.float32)
    mirrored = np.clip(x * halfway[0] + y * halfway[1] + z * halfway[2], 0, 1)
    highlight = material.gloss * mirrored**material.sharpness * lit * open_sky
    rim = np.float32(0.08) * (1 - np.clip(z, 0, 1)) ** 3
    up = (0.5 + 0.5 * y) * open_sky
    down = (0.5 - 0.5 * y) * open_sky
    result = np.empty_like(material.color)
    for channel, spread in enumerate((1.6, 1.0, 0.8)):  # la luz que se cuela bajo la piel es rojiza
        soft = material.softness * np.float32(spread)
        direct = np.clip((facing + soft) / (1 + soft), 0, 1) * lit
        ambient = light.sky[channel] * up + light.ground[channel] * down
        diffuse = material.color[channel] * (ambient + light.sun[channel] * direct)
        result[channel] = diffuse + highlight * light.sun[channel] + rim * light.sky[channel] * open_sky
    return _tone(result)


def _tone(linear: np.ndarray) -> np.ndarray:
    """De luz lineal a sRGB, comprimiendo con suavidad lo más claro, como una película."""
    compressed = linear * (1 + 0.12 * linear) / (1 + 0.42 * linear)
    return np.clip(compressed * np.float32(1.18), 0, 1) ** np.float32(1 / 2.2)
