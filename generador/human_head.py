"""La cabeza de una persona: cráneo, facciones, peinado, y la cara y el pelo que se pintan encima."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from generador.chance import Chance
from generador.geometry import Body, Frame
from generador.material import Material, ellipse, inside, stroke
from generador.texture import linear, sample

LONG_STYLES = ("melena", "larga", "moño", "coleta", "flequillo")
SHORT_STYLES = ("corto", "corto", "tupé", "rizado", "rapado")
VOLUMES = {"rizado": 0.024, "corto": 0.006, "tupé": 0.008}  # metros que el pelo abulta
LENGTHS = {"melena": 0.10, "flequillo": 0.16, "larga": 0.26}  # metros que cae por debajo de la nuca
EYE, MOUTH = (0.0035, 0.0315), -0.0665  # altura y lado de los ojos, y altura de la boca, en metros


@dataclass(frozen=True)
class Look:
    """Lo que distingue una cabeza de otra.

    Atributos:
        woman: decide las proporciones y los peinados entre los que se elige.
        skin, hair, iris: colores lineales, (3,).
        style: peinado, de `LONG_STYLES` o `SHORT_STYLES`.
        beard: de 0, afeitado, a 1, barba cerrada.
    """

    woman: bool
    skin: np.ndarray
    hair: np.ndarray
    iris: np.ndarray
    style: str
    beard: float


class Head:
    """Una cabeza en un cuerpo; sus grupos anatómicos son «head», «ear», «scalp» y «locks».

    Argumentos:
        frame: su marco: el origen, entre los oídos; x hacia la nariz, y hacia la coronilla.
    """

    def __init__(self, look: Look, body: Body, frame: Frame, chance: Chance):
        self.look, self.frame = look, frame
        self._body, self._chance = body, chance
        self._skin = partial(body.add, "head", color=look.skin)
        self._across = frame.direction(0, 0, 1)
        self._build_skull()
        self._build_features()
        self._build_hair()

    def _build_skull(self) -> None:
        at, jaw = self.frame.points, 0.0 if self.look.woman else 0.004
        bone = partial(self._skin, side=self._across, blend=0.007)
        flesh = partial(self._skin, blend=0.010)
        bone(at((-0.022, 0.032, 0), (0.002, 0.030, 0)), 0.086, width=0.84)
        bone(at((0.050, 0.036, 0), (0.046, 0.052, 0)), 0.032, width=1.45)  # frente
        bone(at((0.026, 0.010, 0), (0.034, -0.052, 0)), (0.056, 0.040 + jaw), width=0.96)
        bone(at((0.062, -0.088, 0), (0.050, -0.090, 0)), (0.015 + jaw, 0.018 + jaw), width=1.15)  # mentón
        for side in (-1, 1):
            corner = (-0.004, -0.058, (0.036 + jaw) * side)
            flesh(at(corner, (0.054, -0.088, 0.010 * side)), (0.016 + jaw, 0.014))
            flesh(at(corner, (-0.004, -0.010, 0.050 * side)), 0.017)
            flesh(at((0.056, -0.018, 0.036 * side), (0.026, -0.008, 0.050 * side)), 0.018)  # pómulo
            flesh(at((0.062, -0.054, 0.020 * side), (0.050, -0.044, 0.030 * side)), 0.017)  # mejilla
            ear, outward = (
                at((-0.006, -0.026, 0.074 * side), (-0.020, 0.014, 0.086 * side)),
                self.frame.direction(0.35, 0, side),
            )
            self._body.add("ear", ear, (0.014, 0.021), self.look.skin, side=outward, width=0.45, blend=0.004)

    def _build_features(self) -> None:
        """Arco de las cejas, nariz, labios y globos de los ojos."""
        at, fine = self.frame.points, partial(self._skin, blend=0.006)
        fine(at((0.074, 0.024, -0.028), (0.074, 0.024, 0.028)), 0.009 if self.look.woman else 0.012)
        fine(at((0.079, 0.014, 0), (0.097, -0.030, 0), (0.095, -0.036, 0)), (0.0080, 0.0108, 0.0110))
        fine(at((0.078, -0.062, -0.013), (0.078, -0.062, 0.013)), 0.009)
        fine(at((0.074, -0.072, -0.010), (0.074, -0.072, 0.010)), 0.009)
        for side in (-1, 1):
            fine(at((0.086, -0.038, 0.011 * side), (0.078, -0.036, 0.014 * side)), 0.008)  # aleta
            fine(at((0.060, 0.004, 0.031 * side), (0.060, 0.003, 0.032 * side)), 0.015)

    def _build_hair(self) -> None:
        style, at = self.look.style, self.frame.points
        if style == "rapado":
            return
        volume = VOLUMES.get(style, 0.010)
        scalp = partial(self._body.add, "scalp", color=self.look.hair, side=self._across, blend=0.008)
        scalp(at((-0.026, 0.038, 0), (-0.006, 0.042, 0)), 0.087 + volume, width=0.86)
        scalp(at((-0.050, -0.025, 0), (-0.040, 0.02, 0)), (0.052 + volume, 0.066), width=1.06)
        locks = partial(self._body.add, "locks", color=self.look.hair, side=self._across, blend=0.010)
        if style == "corto":
            self._build_tufts(locks)
        elif style == "tupé":
            locks(at((0.045, 0.108, -0.028), (0.045, 0.112, 0.030)), 0.026)
            locks(at((0.000, 0.118, 0), (-0.030, 0.110, 0)), 0.040, width=1.3)
        elif style == "moño":
            locks(at((-0.098, 0.085, 0), (-0.100, 0.088, 0)), 0.042)
        elif style == "coleta":
            path = at((-0.098, 0.06, 0), (-0.135, 0.02, 0), (-0.140, -0.08, 0), (-0.120, -0.17, 0))
            locks(path, (0.026, 0.036, 0.034, 0.008))
        elif style in LENGTHS:
            self._build_long_hair(locks, LENGTHS[style])

    def _build_tufts(self, locks) -> None:
        between = self._chance.between
        for across in np.linspace(-0.055, 0.055, 8):
            front = 0.052 - 9 * across**2
            tip = (front + between(-0.02, 0.01), 0.116 + between(-0.006, 0.008), across * 1.05)
            locks(self.frame.points((front, 0.082, across), tip), (0.017, 0.007))

    def _build_long_hair(self, locks, length: float) -> None:
        at, between = self.frame.points, self._chance.between
        down = np.array([0, -length, 0])
        for across in np.linspace(-0.078, 0.078, 7):
            behind = -0.072 + 0.052 * (across / 0.078) ** 2
            root, middle = at(
                (behind, 0.06 - 0.2 * abs(across), 0.9 * across), (behind - 0.010, -0.055, across * 1.12)
            )
            tip = middle + between(0.85, 1.1) * down + self.frame.direction(-0.012, 0, across * 0.25)
            locks([root, middle, tip], (0.034, 0.036, 0.014))
        for side in (-1, 1):  # los mechones que enmarcan la cara
            path = at(
                (0.035, 0.098, 0.030 * side), (0.030, 0.040, 0.076 * side), (0.006, -0.06, 0.086 * side)
            )
            locks([*path, path[-1] + 0.75 * down], (0.016, 0.018, 0.024, 0.008))
        if self.look.style == "flequillo":
            for across in np.linspace(-0.04, 0.04, 5):
                path = at((0.050, 0.105, 0.8 * across), (0.080, 0.078, across), (0.086, 0.042, 1.1 * across))
                locks(path, (0.016, 0.014, 0.007))

    def paint(
        self, material: Material, points: np.ndarray, weights: dict, scale: float, fine: np.ndarray
    ) -> None:
        """Pinta la cara y el pelo.

        Argumentos:
            points: posiciones en el marco del cuerpo, (3, M).
            weights: peso (M,) de cada grupo anatómico.
            scale: píxeles por metro.
            fine: ruido fino en esos puntos, (M,).
        """
        x, y, z = self.frame.to_local(points)
        head = weights["head"] + weights["scalp"]
        face, skin = head > 0.5, self.look.skin
        front = face & (x > 0.035)
        blush = np.exp(-(((np.abs(z) - 0.040) / 0.020) ** 2) - ((y + 0.026) / 0.020) ** 2)
        material.cover(0.22 * blush * front, skin * np.float32([1.15, 0.72, 0.68]))
        if self.look.beard:
            self._paint_beard(material, (x, y, z), face, fine)
        self._paint_mouth(material, y - MOUTH, z, front, scale)
        for side in (-1, 1):
            eye = front & (z * side > 0)
            self._paint_eye(material, y - EYE[0], z * side - EYE[1], eye, scale)
            self._paint_brow(material, y, z * side - EYE[1], eye, scale, fine)
            nostril = ellipse(z - 0.0075 * side, y + 0.0445, (0.0042, 0.0026), scale)
            material.cover(0.85 * nostril * front, 0.22 * skin)
        self._paint_hair(material, (x, y, z), head, weights, scale)

    def _paint_eye(self, material: Material, y, outward, where, scale: float) -> None:
        """Un ojo; `y` y `outward` se miden desde su centro, hacia arriba y hacia fuera de la cara."""
        skin, lash = self.look.skin, linear(24, 18, 16)
        bow, tilt = 1 - (outward / 0.0160) ** 2, 0.06 * outward
        upper, lower = 0.0080 * bow + tilt, -0.0054 * bow + tilt
        hollow = np.exp(-((outward / 0.021) ** 2) - ((y - 0.006) / 0.012) ** 2)
        material.cover(0.22 * hollow * where, 0.55 * skin)
        # De lejos, el blanco del ojo apenas se distingue.
        opening = inside(np.minimum(upper - y, y - lower), scale) * where * min(1.0, scale / 350)
        material.cover(opening, linear(196, 192, 186))
        gaze = outward - 0.0006
        for radius, color in ((0.0063, self.look.iris), (0.0030, linear(8, 7, 7))):
            material.cover(opening * ellipse(gaze, y - 0.0012, (radius, radius), scale), color)
        glint = ellipse(gaze - 0.0022, y - 0.0036, (0.0014, 0.0014), scale)
        material.cover(opening * glint, linear(240, 240, 240))
        lid = where * (np.abs(outward) < 0.0165)
        thickness = 0.0026 if self.look.woman else 0.0018
        material.cover(0.9 * stroke(y - upper, thickness, scale) * lid, lash)
        material.cover(0.35 * stroke(y - lower, 0.0010, scale) * lid, lash)
        material.cover(0.45 * stroke(y - upper - 0.0042, 0.0014, scale) * lid, 0.45 * skin)

    def _paint_brow(self, material: Material, y, outward, where, scale: float, fine: np.ndarray) -> None:
        height, thickness = (0.0195, 0.0046) if self.look.woman else (0.0173, 0.0066)
        arch = height + 0.0052 * (1 - ((outward - 0.003) / 0.022) ** 2)
        taper = np.clip((0.024 - outward) / 0.020, 0.25, 1) * np.clip((outward + 0.021) / 0.006, 0, 1)
        hairs = np.clip(0.78 + 0.15 * fine, 0, 1) * min(1.0, scale * 0.012)
        brow = inside(thickness * taper / 2 - np.abs(y - arch), scale) * (np.abs(outward) < 0.024)
        material.cover(brow * where * hairs, 0.55 * self.look.hair + 0.02 * self.look.skin)

    def _paint_mouth(self, material: Material, y, z, front, scale: float) -> None:
        skin, red = self.look.skin, 0.62 if self.look.woman else 0.30
        y = y - 2.2 * z * z
        bow = np.clip(1 - (z / 0.0235) ** 2, 0, 1)
        cleft = 1 - 0.30 * np.exp(-((z / 0.0035) ** 2))
        lips = inside(np.minimum(0.0068 * bow * cleft - y, y + 0.0088 * bow), scale) * front * (bow > 0)
        tint = red * np.float32([1.0, 0.45, 0.45]) + (1 - red) * np.float32([0.95, 0.70, 0.66])
        material.cover(0.8 * lips, tint * skin)
        material.gloss += 0.05 * lips
        material.cover(0.85 * stroke(y, 0.0018, scale) * front * (bow > 0), 0.18 * skin)
        below = np.exp(-((z / 0.014) ** 2) - ((y + 0.0155) / 0.004) ** 2)
        material.cover(0.25 * below * front, 0.5 * skin)

    def _paint_beard(self, material: Material, local, face, fine: np.ndarray) -> None:
        x, y, z = local
        jaw = np.clip((-0.022 - y - 0.35 * (x - 0.03) + 0.002 * fine) * 90, 0, 1)
        lips = np.exp(-((z / 0.022) ** 4) - ((y - MOUTH) / 0.0095) ** 4)
        area = jaw * (1 - lips) * face * (x > -0.005) * np.clip((0.074 - np.abs(z)) * 120, 0, 1)
        strength = (0.30 if self.look.beard < 0.5 else 0.88) * np.clip(0.85 + 0.10 * fine, 0, 1)
        material.cover(area * strength, 0.8 * self.look.hair + 0.02 * self.look.skin)

    def _paint_hair(self, material: Material, local, head: np.ndarray, weights: dict, scale: float) -> None:
        """El pelo, con hebras; en el cuero cabelludo, solo por encima de una línea irregular."""
        x, y, z = local
        curly, shaved = self.look.style == "rizado", self.look.style == "rapado"
        across = z + 0.8 * x
        strands = 0.6 * sample("fina", 270 * across, (150 if curly else 14) * y)
        strands += 0.7 * sample("media", 100 * across, (90 if curly else 9) * y)
        temples = np.maximum(0.018 - np.abs(np.abs(z) - 0.042), 0)
        line = np.minimum(0.541 * y - 0.841 * x + 0.0225 - 0.35 * temples, y + 0.078) + 0.0030 * strands
        line = np.minimum(line, 1.3 * (y + 0.012) - x)  # por debajo de la oreja, solo en la nuca
        grown = inside(line, min(scale, 350)) * np.clip((head - 0.5) * 6 + 0.5, 0, 1)
        locks = np.clip((weights["locks"] - 0.45 + 0.08 * strands) * 8, 0, 1)
        opacity = np.maximum(grown * (0.75 if shaved else 1), locks)
        shade = np.clip(1 + 0.30 * strands, 0.4, 1.9)
        material.cover(opacity, self.look.hair[:, np.newaxis] * shade + 0.008 * np.maximum(strands, 0))
        material.normals[0] += opacity * (0.35 if curly else 0.22) * strands
        material.normals[1] += opacity * (0.30 if curly else 0.0) * strands
        material.softness -= 0.12 * opacity
        material.gloss += 0.05 * opacity
        hairy = (opacity > 0.5) & (not shaved)
        material.parts[hairy] = 4
        material.parts[~hairy & (head + weights["ear"] > 0.5)] = 1
