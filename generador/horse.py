"""Caballos: individuos distintos, en posturas distintas, con su pelaje."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from generador.chance import Chance
from generador.geometry import Body, Frame, bend, rotation, unit
from generador.material import Material, ellipse, inside, stroke
from generador.surface import Surface
from generador.texture import linear, sample, solid

GROUPS = ("head", "trunk", "leg", "hoof", "mane", "tail")
PARTS = np.array([1, 2, 3, 3, 4, 4])
HEAD, TRUNK, LEG, HOOF, MANE, TAIL = range(len(GROUPS))

WHITE = linear(226, 222, 216)
BLACK = linear(10, 8, 8)
HORN = linear(58, 50, 46)
# cuerpo, extremos de las patas, crines
COATS = {
    "castaño": (linear(122, 70, 40), linear(34, 27, 23), linear(26, 20, 18)),
    "castaño oscuro": (linear(84, 52, 36), linear(28, 23, 21), linear(22, 18, 16)),
    "alazán": (linear(142, 84, 50), linear(132, 80, 50), linear(158, 100, 62)),
    "alazán tostado": (linear(104, 62, 44), linear(96, 58, 42), linear(120, 78, 56)),
    "palomino": (linear(198, 160, 112), linear(186, 150, 108), linear(230, 216, 192)),
    "bayo": (linear(188, 148, 98), linear(62, 48, 40), linear(44, 34, 29)),
    "tordo": (linear(152, 151, 153), linear(92, 91, 95), linear(66, 64, 68)),
    "tordo claro": (linear(210, 207, 202), linear(180, 176, 172), linear(188, 182, 174)),
    "negro": (linear(50, 44, 42), linear(38, 34, 33), linear(26, 23, 23)),
    "ruano": (linear(140, 112, 104), linear(56, 44, 42), linear(62, 48, 46)),
}
PATTERNS = ("liso", "liso", "liso", "pío", "moteado")
GAITS = {"quieto": (0.05, 0.0), "paso": (0.20, 0.10), "trote": (0.30, 0.24), "galope": (0.40, 0.30)}
LOCKS = 12  # mechones de las crines


@dataclass(frozen=True)
class Horse:
    """Un individuo: lo que no cambia de una imagen a otra.

    Atributos:
        coat, pattern: claves de `COATS` y `PATTERNS`.
        blaze: media anchura de la mancha blanca de la cara, en metros; 0, sin mancha.
        socks: calcetines blancos de cada pata, bool (4,).
        girth, legs, neck: proporciones respecto del caballo medio.
        mane_side: lado al que caen las crines, 1 o −1.
        mane_length: metros.
        marks: desplazamiento del dibujo del pelaje, (6,).
    """

    coat: str
    pattern: str
    blaze: float
    socks: np.ndarray
    girth: float
    legs: float
    neck: float
    mane_side: int
    mane_length: float
    marks: np.ndarray

    @classmethod
    def random(cls, coat: str, random: np.random.Generator) -> "Horse":
        return cls(
            coat=coat,
            pattern=PATTERNS[random.integers(len(PATTERNS))],
            blaze=float(random.choice([0, 0, 0.018, 0.034])),
            socks=random.random(4) < random.choice([0, 0.3, 0.9]),
            girth=random.uniform(0.94, 1.08),
            legs=random.uniform(0.95, 1.05),
            neck=random.uniform(0.94, 1.06),
            mane_side=int(random.choice([-1, 1])),
            mane_length=random.uniform(0.14, 0.26),
            marks=(random.random(6) * 512).astype(np.float32),
        )


class HorseFigure:
    """Un caballo en una postura.

    Atributos:
        body: sus cápsulas.
        focus: por encuadre, el punto del cuerpo que se centra y los metros que abarca.
    """

    def __init__(self, horse: Horse, chance: Chance):
        self.horse, self._chance = horse, chance
        self._coat, self._points, self._hair = COATS[horse.coat]
        self.body = Body(GROUPS)
        self._build_trunk()
        self._build_neck()
        self._build_head()
        self._build_mane()
        self._build_tail()
        self._build_legs()
        poll = self._crest[-1]
        self.focus = {
            "half": ((np.array([0.50, 1.22, 0.0]) + poll) / 2, 1.65),
            "head": (0.45 * poll + 0.55 * self._head.points((0.25, -0.08, 0))[0], 1.05),
        }

    def _build_trunk(self) -> None:
        girth, trunk = self.horse.girth, partial(self.body.add, "trunk", color=self._coat)
        heights = (-0.60, 1.29), (-0.40, 1.32), (-0.12, 1.28), (0.14, 1.235), (0.38, 1.235), (0.54, 1.25)
        radii = (0.19, 0.225, 0.235 * girth, 0.275 * girth, 0.265 * girth, 0.20)
        trunk([(x, y, 0) for x, y in heights], radii, width=0.86, blend=0.035)
        trunk([(0.20, 1.44, 0), (0.42, 1.47, 0)], (0.08, 0.10), width=0.6, blend=0.05)  # cruz
        for side in (-1, 1):
            trunk([(0.56, 1.20, 0.085 * side), (0.56, 1.11, 0.09 * side)], (0.12, 0.09), blend=0.05)  # pecho

    def _build_neck(self) -> None:
        between = self._chance.between
        lift = between(-1.05, -0.55) if self._chance.happens(0.14) else between(-0.18, 0.34)
        turn, length = between(-0.35, 0.35), 0.76 * self.horse.neck
        base = np.array([0.50, 1.34, 0.0])
        middle = base + 0.5 * length * np.array([np.cos(0.70 + 0.7 * lift), np.sin(0.70 + 0.7 * lift), 0])
        along = rotation("y", turn) @ np.array([np.cos(0.98 + lift), np.sin(0.98 + lift), 0])
        poll = middle + 0.52 * length * along
        self._crest = base, middle, poll
        path = [base + [-0.06, -0.05, 0], middle, poll]
        self.body.add("trunk", path, (0.235, 0.155, 0.100), self._coat, width=0.60, blend=0.04)
        pitch = 0.45 * lift - between(0.75, 1.10)
        self._head = Frame(poll + [0.01, 0.01, 0], rotation("y", turn * 1.6) @ rotation("z", pitch))

    def _build_head(self) -> None:
        coat, at = self._coat, self._head.points
        muzzle = 0.45 * coat + 0.55 * linear(66, 56, 54)
        head = partial(self.body.add, "head", side=self._head.direction(0, 0, 1), blend=0.018)
        face = at((0, -0.03, 0), (0.15, -0.03, 0), (0.36, -0.052, 0), (0.52, -0.072, 0))
        head(face, (0.088, 0.098, 0.066, 0.056), [coat, coat, 0.6 * coat + 0.4 * muzzle], width=0.78)
        head(at((0.09, -0.12, 0), (0.16, -0.125, 0)), (0.112, 0.088), coat, width=0.58)  # quijada
        jaw = at((0.16, -0.145, 0), (0.47, -0.118, 0))
        head(jaw, (0.052, 0.038), 0.7 * coat + 0.3 * muzzle, width=0.78)
        head(at((0.51, -0.070, 0), (0.555, -0.095, 0)), (0.060, 0.050), muzzle, width=0.95)
        head(at((0.50, -0.135, 0), (0.53, -0.132, 0)), 0.034, muzzle)  # labio
        back = self._chance.between(-0.06, 0.05)
        for side in (-1, 1):
            nostril = at((0.552, -0.058, 0.030 * side), (0.535, -0.050, 0.034 * side))
            self.body.add("head", nostril, 0.021, muzzle, blend=0.012)
            eye = at((0.15, 0.012, 0.060 * side), (0.195, 0.008, 0.058 * side))
            self.body.add("head", eye, 0.027, coat, blend=0.012)
            cheek = at((0.22, -0.055, 0.050 * side), (0.36, -0.062, 0.040 * side))
            self.body.add("head", cheek, (0.024, 0.016), coat, blend=0.016)
            ear = at(
                (-0.02, 0.06, 0.052 * side),
                (-0.02 + back / 2, 0.145, 0.074 * side),
                (back, 0.225, 0.062 * side),
            )
            outward = self._head.direction(0.75, 0, 0.66 * side)
            self.body.add("head", ear, (0.030, 0.033, 0.006), coat, side=outward, width=0.55, blend=0.008)

    def _build_mane(self) -> None:
        """Mechones que nacen en la cresta del cuello y caen a un lado, con un flequillo entre las orejas."""
        base, middle, poll = self._crest
        between, at = self._chance.between, self._head.points
        mane = partial(self.body.add, "mane", color=self._hair)
        crest = [
            base + [-0.10, 0.205, 0],
            0.5 * (base + middle) + [-0.11, 0.165, 0],
            middle + [-0.105, 0.110, 0],
            0.5 * (middle + poll) + [-0.085, 0.090, 0],
            poll + [-0.06, 0.075, 0],
            *at((0.0, 0.062, 0)),
        ]
        mane(crest, (0.022, 0.030, 0.034, 0.034, 0.034, 0.030), blend=0.016)
        for position in np.linspace(0.0, 1.0, LOCKS):
            root = _along(crest, position)
            fall = self.horse.mane_length * (1 - 0.25 * position) * between(0.75, 1.25)
            out = self.horse.mane_side * np.interp(position, [0, 0.5, 1], [0.125, 0.095, 0.068])
            knee = root + [between(-0.01, 0.02), -0.42 * fall, out]
            tip = root + [between(-0.03, 0.05), -fall, out * 1.15]
            mane([root, knee, tip], (0.034, 0.036, 0.006), width=0.5, blend=0.010)
        forelock, across = (
            at((-0.01, 0.07, 0), (0.10, 0.078, 0), (0.19, 0.052, 0)),
            self._head.direction(0, 0, 1),
        )
        mane(forelock, (0.034, 0.030, 0.008), side=across, width=1.2, blend=0.012)

    def _build_tail(self) -> None:
        between = self._chance.between
        raised, sway = between(0, 1), between(-0.12, 0.12)
        path = np.array([-0.77, 1.42, 0.0]) + np.array(
            [
                (0.08, -0.03, 0),
                (-0.08, 0.07 * raised, 0),
                (-0.16 - 0.17 * raised, -0.18 + 0.12 * raised, sway * 0.4),
                (-0.19 - 0.27 * raised, -0.46 + 0.14 * raised, sway * 0.8),
                (-0.18 - 0.29 * raised, -0.80 + 0.16 * raised, sway),
            ]
        )
        for _ in range(3):
            stray = [[between(-reach, reach) for _ in range(3)] for reach in (0, 0, 0.035, 0.06, 0.075)]
            self.body.add("tail", path + stray, (0.036, 0.044, 0.048, 0.040, 0.006), self._hair, blend=0.016)

    def _build_legs(self) -> None:
        gait = self._chance.pick(list(GAITS))
        reach, lift = GAITS[gait]
        # Fase de cada pata: delantera izquierda y derecha, trasera izquierda y derecha.
        beat = np.array([0, np.pi, 0.3, np.pi + 0.3] if gait == "galope" else [0, np.pi, np.pi, 0])
        still = np.array([self._chance.between(0, 2 * np.pi) for _ in range(4)])
        phases = still if gait == "quieto" else self._chance.free(0, 2 * np.pi) + beat
        for leg, phase in enumerate(phases):
            side = -1 if leg % 2 == 0 else 1
            forward, height = reach * np.cos(phase), 0.165 + lift * max(0.0, np.sin(phase))
            low = WHITE if self.horse.socks[leg] else self._points
            build = self._build_front_leg if leg < 2 else self._build_hind_leg
            self._build_lower_leg(*build(side, forward, height), height, low)

    def _build_front_leg(self, side: int, forward: float, height: float):
        """La parte alta de una pata delantera; da la rodilla y el menudillo."""
        coat, points, legs = self._coat, self._points, self.horse.legs
        withers, shoulder = np.array([0.42, 1.42, 0.085 * side]), np.array([0.57, 1.18, 0.135 * side])
        elbow = np.array([0.43 + 0.12 * forward, 0.95, 0.155 * side])
        target = np.array([0.50 + 1.15 * forward, height, 0.125 * side])
        knee, fetlock = bend(elbow, target, (0.44 * legs, 0.35 * legs), (1, 0.1, 0))
        self.body.add("trunk", [withers, shoulder], (0.10, 0.13), coat, width=0.72, blend=0.05)
        self.body.add("trunk", [shoulder, elbow], (0.125, 0.120), coat, width=0.75, blend=0.045)
        path, dark = [elbow, 0.55 * elbow + 0.45 * knee, knee], 0.4 * coat + 0.6 * points
        self.body.add("leg", path, (0.116, 0.076, 0.049), [coat, dark], width=0.82, blend=0.024)
        along = 0.03 * unit(fetlock - knee)
        self.body.add("leg", [knee - along, knee + along], (0.051, 0.047), points, blend=0.015)
        return knee, fetlock

    def _build_hind_leg(self, side: int, forward: float, height: float):
        """La parte alta de una pata trasera; da el corvejón y el menudillo."""
        coat, points, legs = self._coat, self._points, self.horse.legs
        hip, buttock = np.array([-0.54, 1.31, 0.11 * side]), np.array([-0.68, 1.25, 0.095 * side])
        stifle = np.array([-0.38 + 0.20 * forward, 1.00, 0.155 * side])
        target = np.array([-0.66 + 1.1 * forward, height, 0.125 * side])
        hock, fetlock = bend(stifle, target, (0.51 * legs, 0.41 * legs), (-1, 0.15, 0))
        thigh = 0.4 * (hip - [0, 0.06, 0]) + 0.6 * stifle
        self.body.add("trunk", [hip, thigh, stifle], (0.185, 0.180, 0.135), coat, width=0.70, blend=0.045)
        gaskin = 0.55 * stifle + 0.45 * hock
        self.body.add("trunk", [buttock, gaskin], (0.145, 0.095), coat, width=0.72, blend=0.05)
        path, dark = [stifle, 0.5 * (stifle + hock), hock], 0.4 * coat + 0.6 * points
        self.body.add("leg", path, (0.130, 0.080, 0.048), [coat, dark], width=0.78, blend=0.026)
        heel = [hock + [-0.035, 0.035, 0], hock + 0.06 * unit(fetlock - hock)]
        self.body.add("leg", heel, (0.036, 0.046), points, blend=0.016)
        return hock, fetlock

    def _build_lower_leg(self, knee: np.ndarray, fetlock: np.ndarray, height: float, low: np.ndarray) -> None:
        add, cannon = self.body.add, [knee, 0.5 * (knee + fetlock), fetlock]
        add("leg", cannon, (0.043, 0.032, 0.036), [self._points, low], width=0.86, blend=0.014)
        add("leg", [fetlock + [-0.012, 0, 0], fetlock + [0, -0.01, 0]], 0.039, low, blend=0.014)
        fold = np.clip((height - 0.165) * 3.2, 0, 1.3)
        slope = rotation("z", -fold) @ np.array([0.55, -0.83, 0])
        coronet = fetlock + 0.09 * slope
        add("leg", [fetlock, coronet], (0.037, 0.040), low, blend=0.012)
        hoof = [coronet + 0.008 * slope, coronet + 0.062 * slope]
        add("hoof", hoof, (0.046, 0.060), HORN, blend=0.006, flat=True)

    def material(self, surface: Surface, scale: float) -> Material:
        """Pinta el pelaje sobre la superficie visible; `scale`, píxeles por metro."""
        material = Material.of(surface, PARTS)
        marks = self.horse.marks
        coarse = solid("media", surface.points, 90, marks)
        fine = solid("fina", surface.points, 260, marks[::-1])
        # El pelo corto apenas brilla, y su relieve deshace el reflejo.
        material.gloss[:], material.sharpness[:] = 0.05, 9
        material.color *= 1 + 0.05 * coarse + 0.05 * fine
        material.normals[0] += 0.05 * coarse + 0.05 * fine
        material.normals[1] += 0.05 * solid("media", surface.points, 110, marks + 99)
        self._paint_pattern(material, surface, coarse)
        self._paint_face(material, surface, scale, coarse)
        material.cover(np.clip(surface.groups[HOOF] * 4 - 1.5, 0, 1), HORN)
        self._paint_hair(material, surface)
        return material

    def _paint_pattern(self, material: Material, surface: Surface, coarse: np.ndarray) -> None:
        points, marks = surface.points, self.horse.marks
        if self.horse.pattern == "pío":
            patches = solid("suave", points, 30, marks) + 0.05 * coarse
            material.cover(np.clip((patches - 0.15) * 14, 0, 1), WHITE)
        elif self.horse.pattern == "moteado":
            blanket = np.clip((-0.18 - points[0]) * 6 + (points[1] - 1.1) * 4 + 0.6 * coarse, 0, 1)
            material.cover(0.9 * blanket, WHITE)
            spots = np.clip((solid("media", points, 46, marks) - 0.8) * 5, 0, 1)
            material.cover(spots * blanket, 0.5 * self._coat + 0.5 * linear(30, 25, 23))
        if self.horse.coat.startswith("tordo"):
            dapples = np.abs(solid("media", points, 48, marks))
            material.color *= 1 + 0.20 * np.clip(0.7 - dapples, -0.6, 0.7) * surface.groups[TRUNK]

    def _paint_face(self, material: Material, surface: Surface, scale: float, coarse: np.ndarray) -> None:
        """Mancha, ojos, ollares y boca."""
        x, y, z = self._head.to_local(surface.points)
        head, dark = surface.groups[HEAD] > 0.5, linear(34, 25, 21)
        if self.horse.blaze:
            width = self.horse.blaze * (1 + 0.25 * coarse) * np.clip((0.50 - x) * 6, 0.45, 1)
            front = (y > -0.05) & (x > 0.06) & (x < 0.50)
            material.cover(inside(width - np.abs(z), scale) * front * surface.groups[HEAD], WHITE)
        lateral = head & (np.abs(z) > 0.035)
        material.cover(0.75 * ellipse(x - 0.172, y - 0.012, (0.029, 0.021), scale) * lateral, dark)
        eye = ellipse(x - 0.172, y - 0.010, (0.021, 0.0155), scale) * lateral
        material.cover(eye, BLACK)
        material.gloss += 0.5 * eye
        material.sharpness += 40 * eye
        glint = ellipse(x - 0.178, y - 0.016, (0.0050, 0.0045), scale) * lateral
        material.cover(glint, linear(225, 228, 235))
        nostril = ellipse(x - 0.556 + 0.6 * (y + 0.06), y + 0.062, (0.014, 0.019), scale)
        material.cover(nostril * head * (np.abs(z) > 0.018), BLACK)
        mouth = stroke(y + 0.119 - 0.18 * (x - 0.50), 0.005, scale) * head
        material.cover(0.8 * mouth * (x > 0.47) * (np.abs(z) > 0.012), dark)

    def _paint_hair(self, material: Material, surface: Surface) -> None:
        """Crines y cola: hebras que cuelgan, finas a lo ancho y largas a lo largo; el borde las sigue."""
        base, _, poll = self._crest
        x, y, z = surface.points
        ahead, up = unit(poll - base)[:2].astype(np.float32)
        on_tail = surface.groups[TAIL] > surface.groups[MANE]
        across = np.where(on_tail, x + 0.6 * y + 0.8 * z, ahead * x + up * y + 0.7 * z)
        along = np.where(on_tail, y, ahead * y - up * x)
        strands = 0.6 * sample("fina", 300 * across, 14 * along) + 0.7 * sample(
            "media", 110 * across, 8 * along
        )
        weight = surface.groups[MANE] + surface.groups[TAIL]
        opacity = np.clip((weight - 0.45 + 0.10 * strands) * 7, 0, 1)
        shade = np.clip(1 + 0.28 * strands, 0.4, 1.8)
        material.cover(opacity, self._hair[:, np.newaxis] * shade + 0.012 * np.maximum(strands, 0))
        material.normals[0] += opacity * 0.24 * strands
        material.gloss += opacity * 0.05


def _along(path, position: float) -> np.ndarray:
    """El punto de una línea quebrada que está a esa fracción de sus tramos, de 0 a 1."""
    steps = len(path) - 1
    index = min(int(position * steps), steps - 1)
    rest = position * steps - index
    return (1 - rest) * np.asarray(path[index]) + rest * np.asarray(path[index + 1])
