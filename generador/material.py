"""Lo que se pinta sobre una superficie: color, relieve menudo y brillo de cada punto."""

from dataclasses import dataclass

import numpy as np

from generador.surface import Surface


@dataclass
class Material:
    """El aspecto de los M puntos de una superficie; se modifica al pintarlo.

    Atributos:
        color: reflectancia lineal, (3, M).
        normals: vectores normales en el marco de la vista, con su relieve, sin normalizar, (3, M).
        gloss: intensidad del reflejo, (M,).
        sharpness: exponente del reflejo: más alto, más pequeño y nítido, (M,).
        softness: cuánto se cuela la luz más allá de la línea de sombra, (M,); la piel, más que la tela.
        parts: parte del cuerpo de cada punto, uint8 (M,).
    """

    color: np.ndarray
    normals: np.ndarray
    gloss: np.ndarray
    sharpness: np.ndarray
    softness: np.ndarray
    parts: np.ndarray

    @classmethod
    def of(cls, surface: Surface, part_of_group: np.ndarray) -> "Material":
        """El de una superficie sin pintar; `part_of_group` da la parte de cada grupo anatómico, (G,)."""
        count = surface.pixels.size
        totals = np.zeros((int(part_of_group.max()) + 1, count), np.float32)
        for part, weight in zip(part_of_group, surface.groups, strict=True):
            totals[part] += weight
        return cls(
            color=surface.color.copy(),
            normals=surface.normals.copy(),
            gloss=np.full(count, 0.03, np.float32),
            sharpness=np.full(count, 18, np.float32),
            softness=np.full(count, 0.12, np.float32),
            parts=totals.argmax(axis=0).astype(np.uint8),
        )

    def cover(self, opacity: np.ndarray, color) -> None:
        """Pinta encima con esa opacidad (M,), de 0 a 1, y ese color lineal: (3,) o (3, M)."""
        color = np.asarray(color, np.float32)
        color = color[:, np.newaxis] if color.ndim == 1 else color
        self.color += opacity.astype(np.float32) * (color - self.color)


def inside(distance: np.ndarray, scale: float) -> np.ndarray:
    """Opacidad, con el borde suavizado, de una forma dada por cuánto se entra en ella, en metros, (M,).

    Argumentos:
        scale: píxeles por metro.
    """
    return np.clip(distance * np.float32(scale) + np.float32(0.5), 0, 1)


def ellipse(across: np.ndarray, up: np.ndarray, radii: tuple[float, float], scale: float) -> np.ndarray:
    """Opacidad de una elipse de esos radios, en metros; la que no llena un píxel, se desvanece."""
    small = min(radii)
    reached = np.hypot(across / np.float32(radii[0]), up / np.float32(radii[1]))
    return inside((1 - reached) * np.float32(small), scale) * min(1.0, 2.2 * small * scale)


def stroke(distance: np.ndarray, thickness: float, scale: float) -> np.ndarray:
    """Opacidad de un trazo de ese grosor, en metros, alrededor de la línea de distancia cero."""
    return inside(thickness / 2 - np.abs(distance), scale) * min(1.0, 1.4 * thickness * scale)
