"""Cuerpos hechos de cápsulas, y cámaras que los miran.

Una cápsula es un segmento con un radio en cada extremo y, si se quiere, más ancho o estrecho hacia un lado.

Marcos de referencia, en metros:
    cuerpo  x hacia delante, y hacia arriba, z hacia la derecha del sujeto; el suelo es y = 0
    vista   x hacia la derecha, y hacia arriba, z hacia quien mira; la cámara está en el origen
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np


def rotation(axis: str, angle: float) -> np.ndarray:
    """Matriz (3, 3) que gira `angle` radianes alrededor del eje «x», «y» o «z»."""
    first, second = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = np.cos(angle)
    matrix[second, first] = np.sin(angle)
    matrix[first, second] = -matrix[second, first]
    return matrix


def unit(vector) -> np.ndarray:
    """El vector (3,), con longitud 1."""
    vector = np.asarray(vector, float)
    return vector / np.linalg.norm(vector)


def bend(start, target, lengths: tuple[float, float], pole) -> tuple[np.ndarray, np.ndarray]:
    """Dobla una extremidad de dos huesos para que su extremo alcance `target`, o se acerque cuanto pueda.

    Argumentos:
        start, target: puntos (3,): la primera articulación y adonde debe llegar la última.
        lengths: longitudes de los dos huesos.
        pole: dirección (3,) hacia la que apunta la articulación del medio.

    Devuelve los puntos (3,) de las articulaciones segunda y tercera.
    """
    start, target = np.asarray(start, float), np.asarray(target, float)
    first, second = lengths
    span = np.clip(np.linalg.norm(target - start), abs(first - second) + 1e-3, 0.998 * (first + second))
    along = unit(target - start)
    advance = (first**2 - second**2 + span**2) / (2 * span)
    height = np.sqrt(max(first**2 - advance**2, 0.0))
    across = unit(pole - np.dot(pole, along) * along)
    return start + along * advance + across * height, start + along * span


@dataclass(frozen=True)
class Frame:
    """El marco de una parte del cuerpo, como la cabeza: su origen (3,) y sus ejes, las columnas de (3, 3)."""

    origin: np.ndarray
    axes: np.ndarray

    def points(self, *places) -> np.ndarray:
        """Puntos (K, 3) del cuerpo, de K lugares (x, y, z) de este marco."""
        return self.origin + np.array(places) @ self.axes.T

    def to_local(self, points: np.ndarray) -> np.ndarray:
        """Puntos (3, M) del cuerpo, en este marco; float32."""
        centered = points - self.origin.astype(np.float32)[:, np.newaxis]
        return rotate(self.axes.T, centered)

    def direction(self, x: float, y: float, z: float) -> np.ndarray:
        return self.axes @ np.array([x, y, z])


def rotate(matrix: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Aplica una matriz (3, 3) a vectores (3, M); float32.

    Componente a componente y no con `@`: así el resultado no depende de la biblioteca de álgebra del equipo.
    """
    m = matrix.astype(np.float32)
    return np.stack([m[i, 0] * vectors[0] + m[i, 1] * vectors[1] + m[i, 2] * vectors[2] for i in range(3)])


@dataclass(frozen=True)
class Capsules:
    """N cápsulas. Todo son arrays de N filas; las posiciones, en metros.

    Atributos:
        start, end: extremos del segmento, (N, 3).
        radius, end_radius: radios en esos extremos, (N,).
        width: anchura relativa hacia `side`; 1 es una sección circular, (N,).
        side: dirección unitaria en la que se aplica `width`, (N, 3).
        blend: longitud en que se funde con las vecinas, (N,).
        flat: bool (N,); cierto si el extremo final se corta en plano.
        color: reflectancia lineal, (N, 3).
        group: número del grupo anatómico, (N,).
    """

    start: np.ndarray
    end: np.ndarray
    radius: np.ndarray
    end_radius: np.ndarray
    width: np.ndarray
    side: np.ndarray
    blend: np.ndarray
    flat: np.ndarray
    color: np.ndarray
    group: np.ndarray

    def select(self, kept: np.ndarray) -> "Capsules":
        return Capsules(*(values[kept] for values in vars(self).values()))


class Body:
    """Cápsulas que se van añadiendo, cada una en un grupo anatómico.

    Argumentos:
        groups: nombres de los grupos; la superficie dice a cuál pertenece cada punto.
    """

    def __init__(self, groups: Sequence[str]):
        self.groups = tuple(groups)
        self._rows = []

    def add(
        self,
        group: str,
        points,
        radii,
        color,
        *,
        width: float = 1.0,
        side=(0.0, 0.0, 1.0),
        blend: float = 0.03,
        flat: bool = False,
    ) -> None:
        """Añade las cápsulas que unen una sucesión de K puntos.

        Argumentos:
            radii: uno para todos los puntos, o K.
            color: uno para todas las cápsulas, o K − 1.
            width, side, blend, flat: los atributos de `Capsules`.
        """
        count = len(points) - 1
        radii = np.broadcast_to(radii, count + 1)
        colors = np.broadcast_to(color, (count, 3))
        number = self.groups.index(group)
        for index in range(count):
            ends = points[index], points[index + 1], radii[index], radii[index + 1]
            self._rows.append((*ends, width, unit(side), blend, flat, colors[index], number))

    def capsules(self) -> Capsules:
        return Capsules(*(np.array(column) for column in zip(*self._rows, strict=True)))


@dataclass(frozen=True)
class Camera:
    """Una cámara estenopeica.

    Atributos:
        rotation: (3, 3), del marco del cuerpo al de la vista.
        target: punto (3,) del cuerpo hacia el que mira.
        distance: metros de la cámara a ese punto.
        focal: distancia focal, en píxeles.
        center: píxel (columna, fila) donde cae ese punto.
        size: lado de la imagen, en píxeles.
    """

    rotation: np.ndarray
    target: np.ndarray
    distance: float
    focal: float
    center: tuple[float, float]
    size: int = 300

    @property
    def scale(self) -> float:
        """Píxeles por metro a la distancia del punto al que mira."""
        return self.focal / self.distance

    @property
    def position(self) -> np.ndarray:
        """Dónde está la cámara, en el marco del cuerpo, (3,)."""
        return self.target + self.rotation.T @ np.array([0, 0, self.distance])

    def to_view(self, points: np.ndarray) -> np.ndarray:
        """Puntos (…, 3) del cuerpo, en el marco de la vista."""
        return (points - self.target) @ self.rotation.T - np.array([0, 0, self.distance])

    def to_body(self, points: np.ndarray) -> np.ndarray:
        """Puntos (3, M) de la vista, en el marco del cuerpo; float32."""
        return rotate(self.rotation.T, points) + self.position.astype(np.float32)[:, np.newaxis]

    def project(self, points: np.ndarray) -> np.ndarray:
        """Columna y fila (…, 2) de unos puntos (…, 3) de la vista."""
        depth = np.maximum(-points[..., 2], 1e-3)
        column = self.center[0] + self.focal * points[..., 0] / depth
        row = self.center[1] - self.focal * points[..., 1] / depth
        return np.stack([column, row], axis=-1)

    def rays(self, pixels: np.ndarray) -> np.ndarray:
        """Direcciones (3, M) de la vista, con z = −1, de unos píxeles dados por su índice (M,)."""
        row, column = np.divmod(pixels.astype(np.int32), np.int32(self.size))
        across = (column.astype(np.float32) + np.float32(0.5 - self.center[0])) / np.float32(self.focal)
        up = (np.float32(self.center[1] - 0.5) - row.astype(np.float32)) / np.float32(self.focal)
        return np.stack([across, up, np.full_like(across, -1)])


def bounds(capsules: Capsules, camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Caja que ocupan las cápsulas en la imagen: dos esquinas (columna, fila)."""
    places, radii = _circles(capsules, camera)
    return (places - radii[..., np.newaxis]).min(axis=(0, 1)), (places + radii[..., np.newaxis]).max(
        axis=(0, 1)
    )


def silhouette(capsules: Capsules, camera: Camera) -> np.ndarray:
    """Silueta aproximada, uint8 (size, size), 0 o 1: la envolvente de los dos extremos de cada cápsula."""
    places, radii = _circles(capsules, camera)
    angles = np.linspace(0, 2 * np.pi, 9)[:-1]
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    outlines = (places[:, :, np.newaxis] + radii[..., np.newaxis, np.newaxis] * circle).astype(np.int32)
    filled = np.zeros((camera.size, camera.size), np.uint8)
    for outline in np.concatenate(outlines, axis=1):
        cv2.fillConvexPoly(filled, cv2.convexHull(outline), 1)
    return filled


def _circles(capsules: Capsules, camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Los extremos de cada cápsula en la imagen: centros (2, N, 2) y radios (2, N), en píxeles."""
    ends = camera.to_view(np.stack([capsules.start, capsules.end]))
    radii = np.stack([capsules.radius, capsules.end_radius]) * np.minimum(capsules.width, 1)
    return camera.project(ends), radii * camera.focal / -ends[..., 2]
