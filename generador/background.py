"""Fondos: seis tipos de lugar, vistos por la misma cámara que el sujeto, y la luz que hay en cada uno."""

from dataclasses import dataclass

import cv2
import numpy as np

from generador.geometry import Camera
from generador.texture import sample

KINDS = ("bosque", "pradera", "desierto", "estudio", "playa", "duna")
HORIZON_LIMITS = (0.16, 0.72)  # fracción de la altura: deja siempre algo de cielo y algo de suelo


@dataclass(frozen=True)
class Light:
    """La luz de un lugar. Los colores son lineales.

    Atributos:
        sun: color de la luz directa, (3,); su intensidad va dentro.
        sky, ground: luz ambiente que llega de arriba y de abajo, (3,).
        shadow: cuánto oscurece el suelo la sombra, de 0 a 1.
    """

    sun: np.ndarray
    sky: np.ndarray
    ground: np.ndarray
    shadow: float


LIGHTS = {
    kind: Light(np.float32(sun), np.float32(sky), np.float32(ground), shadow)
    for kind, sun, sky, ground, shadow in (
        ("bosque", (1.06, 1.01, 0.92), (0.34, 0.36, 0.39), (0.22, 0.20, 0.16), 0.55),
        ("pradera", (1.10, 1.05, 0.95), (0.35, 0.38, 0.42), (0.20, 0.21, 0.14), 0.55),
        ("desierto", (1.12, 1.03, 0.90), (0.35, 0.36, 0.39), (0.24, 0.20, 0.16), 0.55),
        ("estudio", (1.03, 1.01, 0.97), (0.38, 0.39, 0.41), (0.22, 0.21, 0.19), 0.30),
        ("playa", (1.10, 1.05, 0.97), (0.36, 0.38, 0.42), (0.25, 0.22, 0.18), 0.50),
        ("duna", (1.08, 1.03, 0.96), (0.34, 0.36, 0.39), (0.23, 0.21, 0.18), 0.50),
    )
}


class Canvas:
    """La imagen de un fondo mientras se pinta: color de 0 a 1 y coordenadas del suelo bajo cada píxel.

    Argumentos:
        camera: la que mira; fija la altura del horizonte y la perspectiva del suelo.
        random: generador de números aleatorios de este fondo.
    """

    def __init__(self, camera: Camera, random: np.random.Generator):
        size = camera.size
        self.size, self.random = size, random
        self.offset = random.random(12).astype(np.float32) * 512
        self.column = np.arange(size, dtype=np.float32)[np.newaxis]
        self.row = np.arange(size, dtype=np.float32)[:, np.newaxis]
        # La cámara no se ladea: el horizonte es la fila de los rayos horizontales.
        horizon = camera.center[1] - camera.focal * camera.rotation[2, 1] / camera.rotation[1, 1]
        self.horizon = np.float32(np.clip(horizon, HORIZON_LIMITS[0] * size, HORIZON_LIMITS[1] * size))
        below = np.maximum(self.row - self.horizon, 0.5)
        height = np.float32(1.5)
        self.distance = height * np.float32(camera.focal) / below
        self.across = (self.column - np.float32(size / 2)) * height / below
        self.below = (below / size).astype(np.float32)
        self.color = np.zeros((size, size, 3), np.float32)
        self._focal = np.float32(camera.focal)

    def between(self, low: float, high: float) -> np.float32:
        return np.float32(low + (high - low) * self.random.random())

    def choose(self, *choices):
        return choices[int(self.random.random() * len(choices))]

    def noise(self, name: str, across: float, down: float, at: int = 0) -> np.ndarray:
        """Textura pegada a la imagen; `across` y `down`, píxeles de textura por píxel."""
        u = self.column * np.float32(across) + self.offset[at]
        v = self.row * np.float32(down) + self.offset[at + 1]
        return sample(name, u, v)

    def profile(self, name: str, across: float, at: int = 0) -> np.ndarray:
        """Una línea de textura, (size,): sirve de contorno de montes y copas."""
        return sample(name, self.column * np.float32(across) + self.offset[at], self.offset[at + 1])[0]

    def ground_noise(self, name: str, density: float, at: int = 0) -> np.ndarray:
        """Textura tendida en el suelo, `density` píxeles por metro; se apaga a lo lejos, si se apelmaza."""
        density = np.float32(density)
        values = sample(
            name,
            self.across * density + self.offset[at],
            self.distance * density + self.offset[at + 1],
        )
        footprint = density * self.distance**2 / (np.float32(1.5) * self._focal)
        return values * np.minimum(1, 2 / footprint)

    def fill(self, top, bottom) -> None:
        """Degradado de arriba al horizonte, en colores sRGB de 0 a 255."""
        position = np.clip(self.row / self.horizon, 0, 1)[..., np.newaxis]
        self.color[:] = _mix(_rgb(top), _rgb(bottom), position)

    def cover(self, opacity: np.ndarray, color) -> None:
        """Pinta encima; `opacity` es (size, size), y `color`, uno solo o (size, size, 3) de 0 a 1."""
        self.color = _mix(self.color, color, np.clip(opacity, 0, 1)[..., np.newaxis].astype(np.float32))

    def cover_below(self, edge: np.ndarray, color) -> None:
        """Pinta por debajo de una línea de filas (size,), con el borde suavizado."""
        self.cover(np.clip(self.row - edge[np.newaxis] + 0.5, 0, 1), color)

    def clouds(self, amount: float, color) -> None:
        depth = self.row / self.horizon
        large = sample(
            "suave", self.column * 0.9 + self.offset[0], self.row * (2.4 - 0.9 * depth) + self.offset[1]
        )
        small = self.noise("media", 1.3, 2.6, at=2)
        self.cover(np.clip((large + 0.35 * small - 1 + amount) * 0.5, 0, 0.85), _rgb(color))

    def ridge(self, height: float, roughness: float, color, texture: float = 0.06, at: int = 4) -> None:
        """Una fila de montes que asoma `height` píxeles sobre el horizonte."""
        top = np.maximum(height + roughness * self.profile("suave", 0.5, at), 0)
        shade = 1 + texture * self.noise("media", 1.5, 2.4, at=at + 2)[..., np.newaxis]
        self.cover_below(self.horizon - top, _rgb(color) * shade)

    def ground(self, color: np.ndarray, wobble: float = 0.0) -> None:
        edge = self.horizon + wobble * self.profile("media", 2.0, at=6)
        self.cover_below(edge, color)


def paint(kind: str, camera: Camera, random: np.random.Generator) -> np.ndarray:
    """Pinta un fondo del tipo pedido: float32 (size, size, 3), en sRGB de 0 a 1."""
    canvas = Canvas(camera, random)
    _PAINTERS[kind](canvas)
    return np.clip(canvas.color, 0, 1)


def blur(image: np.ndarray, sigma: float) -> np.ndarray:
    """Desenfoca el fondo, como una cámara que enfoca de cerca."""
    return cv2.GaussianBlur(image, (0, 0), sigma) if sigma > 0 else image


def _meadow(canvas: Canvas) -> None:
    canvas.fill((88, 140, 210), (206, 223, 238))
    canvas.clouds(canvas.between(-0.2, 0.7), (250, 250, 252))
    canvas.ridge(canvas.between(6, 26), 14, (122, 132, 152))
    canvas.ridge(canvas.between(3, 12), 7, (92, 116, 82), texture=0.10, at=5)
    _tree_line(canvas, canvas.between(-4, 12))
    base = _rgb((150, 142, 84) if canvas.random.random() < 0.25 else (98, 120, 56))
    patches = canvas.ground_noise("suave", 14)[..., np.newaxis]
    tufts = canvas.ground_noise("media", 90, at=2)[..., np.newaxis]
    # De cerca, las briznas se ven de pie: textura pegada a la imagen y estirada hacia arriba.
    blades = canvas.noise("fina", 1.5, 0.55, at=4)[..., np.newaxis]
    near = np.clip(canvas.below * 3, 0, 1)[..., np.newaxis]
    tint = 1 + np.array([0.07, 0.04, 0.0], np.float32) * patches + 0.10 * tufts + 0.10 * near * blades
    canvas.ground(base * tint * (0.82 + 0.24 * near), wobble=0.6)


def _tree_line(canvas: Canvas, height: float) -> None:
    crowns = 7 * canvas.profile("media", 1.1, at=8) + height
    leaves = 1 + 0.22 * canvas.noise("fina", 1.4, 1.4, at=6)[..., np.newaxis]
    canvas.cover_below(canvas.horizon - np.maximum(crowns, 1), _rgb((50, 70, 42)) * leaves)


def _forest(canvas: Canvas) -> None:
    canvas.fill((48, 78, 112), (92, 120, 124))
    depth = canvas.row / canvas.horizon
    clumps = canvas.noise("media", 1.3, 1.3, at=0)
    leaves = canvas.noise("fina", 1.5, 1.5, at=2)
    shade = np.clip(1 + 0.25 * clumps + 0.42 * leaves, 0.1, 2)[..., np.newaxis]
    canvas.cover(1.0 + 0.75 * clumps + 0.5 * (depth - 0.4), _rgb((46, 64, 38)) * shade)
    for width in sorted(canvas.between(2, 15) for _ in range(int(canvas.between(8, 16)))):
        _trunk(canvas, width)
    dapple = np.clip(canvas.ground_noise("suave", 30) * 1.2 + 0.2, 0, 1)[..., np.newaxis]
    litter = canvas.ground_noise("media", 110, at=2)[..., np.newaxis]
    crumbs = canvas.ground_noise("fina", 300, at=4)[..., np.newaxis]
    moss = np.clip(0.5 + 0.6 * canvas.ground_noise("suave", 40, at=6), 0, 1)[..., np.newaxis]
    soil = _mix(_rgb((96, 80, 62)), _rgb((74, 84, 48)), moss) * (1 + 0.18 * litter + 0.14 * crumbs)
    canvas.ground(soil * (0.48 + 0.50 * dapple), wobble=2)
    ferns = 9 * canvas.profile("media", 2.2, at=8) + canvas.between(2, 9)
    fringe = np.clip(canvas.row - (canvas.horizon - ferns)[np.newaxis], 0, 1) * np.exp(
        -np.maximum(canvas.row - canvas.horizon, 0) / 7
    )
    canvas.cover(fringe, _rgb((52, 68, 38)) * shade)


def _trunk(canvas: Canvas, width: np.float32) -> None:
    """Un tronco; los más anchos están más cerca y por eso nacen más abajo."""
    middle = canvas.between(0, canvas.size)
    lean = canvas.between(-0.03, 0.03) * (canvas.row - canvas.horizon)
    sway = 2 * sample("suave", middle, canvas.row * 0.7)
    side = (canvas.column - middle - lean - sway) / width
    bark = sample("fina", canvas.column * 2 + middle, canvas.row * 0.45 + middle)
    shade = 0.72 - 0.38 * side + 0.22 * bark - 0.25 * np.abs(side) ** 3
    opacity = np.clip((1 - np.abs(side)) * width * 0.7, 0, 1) * (canvas.row < canvas.horizon + 1.2 * width)
    canvas.cover(opacity, _rgb((88, 72, 60)) * np.clip(shade, 0.1, 1.3)[..., np.newaxis])


def _desert(canvas: Canvas) -> None:
    dusk = canvas.random.random() < 0.4
    if dusk:
        canvas.fill((66, 74, 100), (232, 176, 128))
    else:
        canvas.fill((104, 146, 198), (232, 222, 206))
    canvas.clouds(canvas.between(-0.5, 0.4), (250, 226, 204))
    canvas.ridge(canvas.between(10, 34), 16, (124, 96, 84), at=4)
    canvas.ridge(canvas.between(2, 10), 6, (112, 80, 62), texture=0.1, at=3)
    base = _rgb(canvas.choose((150, 104, 74), (176, 136, 98)))
    patches = canvas.ground_noise("suave", 10)[..., np.newaxis]
    gravel = canvas.ground_noise("media", 70, at=2)[..., np.newaxis]
    stones = np.clip(canvas.ground_noise("fina", 60, at=4) - 1.6, 0, 1)[..., np.newaxis]
    near = np.clip(canvas.below * 2, 0, 1)[..., np.newaxis]
    canvas.ground(base * (0.88 + 0.16 * near + 0.08 * patches + 0.11 * gravel - 0.5 * stones), wobble=1)


def _studio(canvas: Canvas) -> None:
    shade = canvas.between(0.55, 0.80)
    tint = _rgb(canvas.choose((255, 255, 255), (255, 250, 240), (240, 246, 255), (248, 244, 250)))
    vertical = (canvas.row - canvas.horizon) / canvas.size
    # Un papel continuo: no hay arista entre pared y suelo, solo un cambio de luz.
    floor = 1 / (1 + np.exp(-vertical * 22))
    middle = (canvas.column / canvas.size - 0.5) ** 2 + (canvas.row / canvas.size - 0.45) ** 2
    glow = shade * (1.10 - 0.55 * middle) * (0.94 + 0.12 * floor)
    canvas.color[:] = tint * np.clip(glow, 0, 1)[..., np.newaxis]
    canvas.color *= 1 + 0.006 * canvas.noise("fina", 1, 1)[..., np.newaxis]


def _beach(canvas: Canvas) -> None:
    canvas.fill((72, 126, 204), (184, 212, 236))
    canvas.clouds(canvas.between(-0.2, 0.6), (250, 251, 253))
    if canvas.random.random() < 0.6:
        canvas.ridge(canvas.between(2, 16), 12, (112, 128, 150))
    sand = _rgb(canvas.choose((224, 204, 172), (216, 192, 156), (230, 214, 186)))
    patches = canvas.ground_noise("suave", 14)[..., np.newaxis]
    ripples = canvas.ground_noise("media", 90, at=2)[..., np.newaxis]
    grains = canvas.ground_noise("fina", 260, at=4)[..., np.newaxis]
    canvas.ground(sand * (0.97 + 0.05 * patches + 0.05 * ripples + 0.03 * grains))
    _sea(canvas, canvas.between(24, 60))


def _sea(canvas: Canvas, width: np.float32) -> None:
    """Una franja de agua, `width` píxeles bajo el horizonte, con espuma y la arena mojada de la orilla."""
    tilt = canvas.between(-0.10, 0.10) * (canvas.column[0] - canvas.size / 2)
    shore = canvas.horizon + width + tilt + 2.5 * canvas.profile("suave", 1.2, at=8)
    past = canvas.row - shore[np.newaxis]
    wet = 0.28 * np.exp(-np.maximum(past, 0) / 14) * (past > 0)
    canvas.color *= 1 - wet[..., np.newaxis]
    position = np.clip((canvas.row - canvas.horizon) / width, 0, 1)[..., np.newaxis]
    waves = sample("media", canvas.across * 3 + canvas.offset[3], canvas.row * 3.5)[..., np.newaxis]
    water = _mix(_rgb((44, 98, 150)), _rgb((122, 174, 188)), position) * (1 + 0.10 * waves)
    crests = np.clip(sample("media", canvas.column * 0.5 + canvas.offset[1], canvas.row * 5) - 1.1, 0, 1)
    crests = crests * np.clip((canvas.row - canvas.horizon) / 12, 0, 1)
    foam = np.maximum(crests, 0.85 * np.exp(-(((past + 2) / 2.2) ** 2)))[..., np.newaxis]
    canvas.cover(np.clip(0.5 - past, 0, 1) * (canvas.row >= canvas.horizon), _mix(water, 0.95, foam))


def _dune(canvas: Canvas) -> None:
    canvas.fill((150, 164, 182), (206, 210, 212))
    slope = canvas.between(-0.35, 0.35) * (canvas.column[0] - canvas.size / 2)
    crest = canvas.horizon - 24 - slope - 30 * _smooth(canvas.profile("suave", 0.30, at=4), 16)
    back = crest - canvas.between(4, 34) + 24 * _smooth(canvas.profile("suave", 0.45, at=6), 12)
    folds = canvas.noise("media", 0.7, 1.4, at=0)
    grain = canvas.noise("fina", 1.0, 1.6, at=2)
    fall = np.clip((canvas.row - canvas.size / 2) / (canvas.size / 2), -1, 1)
    shade = 1 + 0.06 * folds + 0.04 * grain - 0.14 * fall
    canvas.cover_below(back, _rgb((182, 172, 160)) * shade[..., np.newaxis])
    waves = canvas.row * 0.42 + 5 * canvas.noise("suave", 0.6, 0.5, at=8) + 0.02 * canvas.column
    ripples = 0.07 * np.sin(waves) * np.clip(1.6 * canvas.below, 0, 1)
    canvas.cover_below(crest, _rgb((204, 192, 174)) * (shade + ripples)[..., np.newaxis])


def _smooth(line: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(line[np.newaxis], (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)[0]


_PAINTERS = {
    "bosque": _forest,
    "pradera": _meadow,
    "desierto": _desert,
    "estudio": _studio,
    "playa": _beach,
    "duna": _dune,
}


def _rgb(color) -> np.ndarray:
    return np.asarray(color, np.float32) / 255


def _mix(first, second, amount):
    return first + (second - first) * amount
