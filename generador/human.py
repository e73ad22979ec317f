"""Personas: individuos distintos, en posturas distintas, con su ropa."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from generador.chance import Chance
from generador.geometry import Body, Frame, bend, rotation, unit
from generador.human_head import LONG_STYLES, SHORT_STYLES, Head, Look
from generador.material import Material, inside, stroke
from generador.surface import Surface
from generador.texture import linear, solid

PART_OF_GROUP = {
    "head": 1, "ear": 1, "scalp": 4, "locks": 4, "neck": 2, "torso": 2, "skirt": 2, "left arm": 3,
    "right arm": 3, "hand": 3, "left leg": 3, "right leg": 3, "shoe": 3,
}  # fmt: skip
SKINS = [
    linear(*color)
    for color in (
        (232, 188, 160), (222, 174, 142), (206, 154, 120), (186, 132, 98), (150, 102, 72), (118, 80, 58),
        (92, 64, 48),
    )
]  # fmt: skip
DARK_SKIN = 4  # desde esta, ni pelo ni ojos claros
HAIRS = [
    linear(*color)
    for color in (
        (30, 23, 20), (52, 36, 27), (86, 58, 38), (122, 84, 50), (186, 150, 100), (128, 66, 38),
        (156, 152, 148),
    )
]  # fmt: skip
IRISES = [linear(58, 38, 24), linear(70, 48, 30), linear(58, 84, 108), linear(72, 92, 66)]
CLOTHES = [
    linear(*color)
    for color in (
        (50, 48, 50), (96, 94, 96), (160, 156, 152), (226, 222, 214), (104, 74, 54), (190, 158, 118),
        (140, 104, 76), (78, 62, 54), (58, 84, 134), (96, 132, 168), (146, 58, 50), (106, 44, 54),
        (74, 108, 78), (196, 164, 84), (100, 74, 112), (70, 126, 126), (188, 118, 72),
    )
]  # fmt: skip
SMALLEST_CONTRAST = 0.22  # entre dos prendas, o entre una prenda y la piel; de 0 a 1,7
LEATHER = linear(44, 34, 28)
TOPS = ("sin mangas", "manga corta", "manga corta", "manga larga", "manga larga", "chaqueta")
# Hasta dónde llega la manga: 0, el hombro; 1, el codo; 2, la muñeca.
SLEEVES = {"sin mangas": 0.0, "manga corta": 0.55, "manga larga": 1.93, "chaqueta": 1.93}
POSES = ("caídos", "caídos", "en jarras", "cruzados", "en alto", "abiertos", "tendidos")  # de los brazos
ONE_ARMED = ("en alto", "tendidos")
FACE_CLEARANCE = 0.20  # metros que un brazo debe apartarse del centro de la cara, vista por la cámara


@dataclass(frozen=True)
class Human:
    """Un individuo: lo que no cambia de una imagen a otra.

    Atributos:
        look: su cabeza.
        build: corpulencia respecto de la media.
        top: prenda de arriba, de `TOPS`.
        dress: lleva vestido, en lugar de dos prendas.
        shorts: el pantalón es corto.
        striped: la prenda de arriba, de rayas.
        top_color, inner_color, bottom_color, shoe_color: colores lineales, (3,); el segundo, el de las
            rayas y el de debajo de la chaqueta.
        marks: desplazamiento de las arrugas, (6,).
    """

    look: Look
    build: float
    top: str
    dress: bool
    shorts: bool
    striped: bool
    top_color: np.ndarray
    inner_color: np.ndarray
    bottom_color: np.ndarray
    shoe_color: np.ndarray
    marks: np.ndarray

    @classmethod
    def random(cls, skin: int, woman: bool, random: np.random.Generator) -> "Human":
        """Un individuo con esa piel, posición en `SKINS`; lo demás, al azar."""

        def pick(choices):
            return choices[random.integers(len(choices))]

        def cloth(*others):
            return pick([color for color in CLOTHES if all(_differ(color, other) for other in others)])

        complexion = SKINS[skin] * np.float32(random.uniform(0.94, 1.06))
        top_color = cloth(complexion)
        look = Look(
            woman=woman,
            skin=complexion,
            hair=pick(HAIRS[:3] if skin >= DARK_SKIN else HAIRS),
            iris=pick(IRISES[:2] if skin >= DARK_SKIN else IRISES),
            style=pick(LONG_STYLES if woman else SHORT_STYLES),
            beard=0.0 if woman else float(random.choice([0, 0, 0.35, 1.0])),
        )
        return cls(
            look=look,
            build=random.uniform(0.93, 1.10),
            top=pick(TOPS),
            dress=bool(woman and random.random() < 0.3),
            shorts=bool(random.random() < 0.25),
            striped=bool(random.random() < 0.2),
            top_color=top_color,
            inner_color=cloth(top_color),
            bottom_color=np.float32(0.85) * cloth(top_color, complexion),
            shoe_color=np.float32(0.6) * pick(CLOTHES),
            marks=(random.random(6) * 512).astype(np.float32),
        )


class HumanFigure:
    """Una persona en una postura que deja ver la cara.

    La piel, el pelo y el calzado son cápsulas; la ropa se pinta sobre la piel, y así sus bordes no dependen
    de cómo se funden las cápsulas.

    Argumentos:
        view: rotación (3, 3) del marco del cuerpo al de la vista; con ella se descartan las posturas en las
            que un brazo tapa la cara.

    Atributos:
        body, focus: como en `HorseFigure`.
    """

    def __init__(self, human: Human, view: np.ndarray, chance: Chance):
        self.human, self._chance = human, chance
        self.body = Body(tuple(PART_OF_GROUP))
        self._build_torso()
        self._build_head()
        self._build_arms(view)
        self._build_legs()
        if human.dress:
            self._build_skirt()
        self.focus = {
            "half": (np.array([0, 1.30, 0]), 1.05),
            "head": (0.75 * self._head.frame.origin + 0.25 * self._chest, 0.62),
        }

    def _build_torso(self) -> None:
        woman, build, between = self.human.look.woman, self.human.build, self._chance.between
        self._turn = rotation("y", between(-0.22, 0.22))
        self._pelvis, self._chest = np.array([0, 0.965, 0.0]), np.array([between(-0.03, 0.03), 1.28, 0.0])
        self._shoulder = (0.158 if woman else 0.188) * (0.5 + 0.5 * build)
        pelvis, chest = self._pelvis, self._chest
        torso = partial(self.body.add, "torso", color=self.human.look.skin, blend=0.025)
        hips, waist = (1.36, 0.088) if woman else (1.26, 0.102)
        torso([pelvis - [0, 0.03, 0], pelvis + [0, 0.05, 0]], (0.110 * build, 0.106 * build), width=hips)
        trunk = [
            pelvis + [0, 0.06, 0],
            pelvis + [0, 0.17, 0],
            chest - [0, 0.02, 0],
            chest + [-0.01, 0.085, 0],
        ]
        radii = (0.098 * build, waist * build, 0.106 * build, 0.088)
        torso(trunk, radii, width=1.30 if woman else 1.40)
        ends = [self._turned(-0.012, 0.122, (self._shoulder - 0.045) * side) for side in (-1, 1)]
        torso(ends, 0.052, blend=0.03)
        top = chest + [-0.018, 0.148, 0]
        for end in ends:  # trapecios: la línea que baja del cuello al hombro
            torso([top, 0.75 * end + 0.25 * top], (0.042, 0.046))
        for side in (-1, 1):
            front = self._turned(*(0.062, -0.018, 0.066 * side) if woman else (0.040, 0.045, 0.075 * side))
            torso([front, front], 0.060 if woman else 0.070)

    def _turned(self, x: float, y: float, z: float) -> np.ndarray:
        """Un punto del pecho, que puede estar girado respecto de la pelvis."""
        return self._chest + self._turn @ np.array([x, y, z])

    def _build_head(self) -> None:
        look, between = self.human.look, self._chance.between
        base = self._chest + [-0.022, 0.165, 0]
        nod = rotation("y", between(-0.45, 0.45)) @ rotation("z", between(-0.15, 0.12))
        frame = Frame(base + [0.024, 0.180, 0], self._turn @ nod)
        thickness = 0.046 if look.woman else 0.056
        neck = [base - [0, 0.03, 0], *frame.points((-0.016, -0.045, 0))]
        self.body.add("neck", neck, (thickness + 0.008, thickness), look.skin, blend=0.02)
        self._head = Head(look, self.body, frame, self._chance)

    def _build_arms(self, view: np.ndarray) -> None:
        busy, between = self._chance.pick((-1, 1)), self._chance.between
        first = self._chance.pick(range(len(POSES)))
        reach = {side: [between(0, 1) for _ in range(3)] for side in (-1, 1)}
        for pose in (*POSES[first:], *POSES[:first]):
            self._arms = {
                side: self._arm(
                    pose if pose not in ONE_ARMED or side == busy else "caídos", side, *reach[side]
                )
                for side in (-1, 1)
            }
            if not any(self._hides_face(joints, view) for joints in self._arms.values()):
                break
        for name, joints in zip(("left arm", "right arm"), self._arms.values(), strict=True):
            self._build_arm(name, *joints)

    def _arm(self, pose: str, side: int, first: float, second: float, third: float):
        """Hombro, codo y muñeca en esa postura; los tres últimos argumentos, de 0 a 1, la varían."""
        shoulder = self._turned(-0.012, 0.118, side * self._shoulder)
        pole = np.array([-0.6, -0.3, 0.7 * side])
        if pose == "caídos":
            target = shoulder + [-0.08 + 0.18 * first, -0.535, side * (0.05 + 0.07 * third)]
        elif pose == "en jarras":
            target = self._pelvis + [0.05, 0.09, side * 0.175 * self.human.build]
            pole = np.array([-0.5, 0, side])
        elif pose == "cruzados":
            target = self._chest + [0.165 + 0.035 * (side > 0), -0.075 - 0.02 * side, -side * 0.02]
            pole = np.array([-0.1, -1, 0.8 * side])
        elif pose == "en alto":
            target = shoulder + [0.15 * first, 0.25 + 0.25 * second, side * (0.20 + 0.22 * third)]
            pole = np.array([-0.2, -0.3, side])
        elif pose == "abiertos":
            target = shoulder + [0.15 * first, -0.22 + 0.27 * second, side * (0.38 + 0.12 * third)]
            pole = np.array([-0.4, -0.8, 0])
        else:  # tendidos
            target = shoulder + [0.22 + 0.20 * first, -0.38 + 0.23 * second, side * (-0.05 + 0.23 * third)]
            pole = np.array([-0.3, -1, 0.4 * side])
        return shoulder, *bend(shoulder, target, (0.285, 0.255), pole)

    def _hides_face(self, joints, view: np.ndarray) -> bool:
        """¿Pasa el brazo, visto por la cámara, por delante de la cara o pegado a ella?"""
        shoulder, elbow, wrist = joints
        hand = wrist + 0.17 * unit(wrist - elbow)
        steps = np.linspace(0, 1, 8)[:, np.newaxis]
        path = np.concatenate([shoulder + steps[3:] * (elbow - shoulder), elbow + steps * (hand - elbow)])
        x, y, z = view @ (path - self._head.frame.origin).T
        return bool(np.any((np.hypot(x, y) < FACE_CLEARANCE) & (z > -0.12)))

    def _build_arm(self, name: str, shoulder, elbow, wrist) -> None:
        woman, sleeve = self.human.look.woman, self._sleeve
        size = (0.84 if woman else 1.05) * self.human.build
        upper, lower = 0.006 * (sleeve > 0.3), 0.008 * (sleeve > 1.5)
        path = [shoulder, 0.5 * (shoulder + elbow), elbow, 0.72 * elbow + 0.28 * wrist, wrist]
        radii = size * np.array([0.056, 0.047, 0.039, 0.042, 0.027]) + [upper, upper, lower, lower, lower]
        self.body.add(name, path, radii, self.human.look.skin, blend=0.012)
        self._build_hand(wrist, unit(wrist - elbow), 0.9 if woman else 1.0)

    @property
    def _sleeve(self) -> float:
        return SLEEVES["sin mangas" if self.human.dress else self.human.top]

    def _build_hand(self, wrist: np.ndarray, along: np.ndarray, size: float) -> None:
        palm = unit(np.cross(along, [0.3, 0.2, 1.0]))
        across = np.cross(along, palm)
        hand = partial(self.body.add, "hand", color=self.human.look.skin, blend=0.004)
        path = [wrist, wrist + 0.075 * size * along]
        hand(path, (0.027 * size, 0.032 * size), side=palm, width=0.55, blend=0.010)
        for finger in (-1.5, -0.5, 0.5, 1.5):
            root = wrist + size * (0.085 * along + 0.0145 * finger * across)
            reach = (0.062 - 0.006 * abs(finger)) * unit(along + 0.10 * finger * across + 0.30 * palm)
            hand([root, root + size * reach], (0.0095 * size, 0.0075 * size))
        thumb = [0.025 * along + 0.022 * across, 0.078 * along + 0.055 * across]
        hand([wrist + size * place for place in thumb], (0.013 * size, 0.009 * size), blend=0.006)

    def _build_legs(self) -> None:
        human, between = self.human, self._chance.between
        walking = self._chance.happens(0.45)
        stride, lift = between(0.14, 0.28) if walking else between(-0.05, 0.05), between(0.0, 0.08) * walking
        spread = between(0.0, 0.08)
        if human.dress:
            stride, spread = 0.35 * stride, 0.4 * spread
        hips = 0.094 if human.look.woman else 0.088
        self._legs = {}
        for name, side in (("left leg", -1), ("right leg", 1)):
            hip = self._pelvis + [0, -0.045, side * hips * human.build]
            height = 0.085 + lift * (side * stride < 0)
            ankle = np.array([side * stride - 0.02, height, side * (hips + spread)])
            self._legs[side] = hip, *bend(hip, ankle, (0.445, 0.435), (1, 0, 0.2 * side))
            self._build_leg(name, side, *self._legs[side])

    def _build_leg(self, name: str, side: int, hip, knee, ankle) -> None:
        human, thigh, calf = self.human, 0.5 * (hip + knee), 0.65 * knee + 0.35 * ankle
        if human.dress or human.shorts:
            calf = calf + [-0.014, 0, 0]
            radii = [0.096, 0.076, 0.052, 0.052, 0.036]
        else:  # el pantalón cae recto: disimula rodilla y pantorrilla
            radii = [0.098, 0.082, 0.066, 0.060, 0.052]
        path = [hip, thigh, knee, calf, ankle + [0, 0.02, 0]]
        self.body.add(name, path, human.build * np.array(radii), human.look.skin, blend=0.020)
        shoe = partial(self.body.add, "shoe", color=human.shoe_color, blend=0.012)
        toe = rotation("y", -0.22 * side) @ np.array([1.0, 0, 0])
        sole = ankle + np.array([[-0.038, -0.045, 0], [0, -0.048, 0], [0, -0.056, 0]])
        shoe(sole + [0 * toe, 0.07 * toe, 0.150 * toe], (0.040, 0.038, 0.028), width=1.05)
        shoe([ankle + [0, -0.035, 0], ankle + [0, 0.012, 0]], (0.044, 0.040))

    def _build_skirt(self) -> None:
        build, length = self.human.build, self._chance.between(0.30, 0.52)
        waist = self._pelvis + [0, 0.02, 0]
        self._hem = waist[1] - length  # altura del bajo
        radii = (0.132 * build, 0.17 * build + 0.10 * length)
        path = [waist, waist + [0.015, -length, 0]]
        self.body.add("skirt", path, radii, self.human.look.skin, width=1.30, blend=0.016, flat=True)

    def material(self, surface: Surface, scale: float) -> Material:
        """Pinta piel, ropa, cara y pelo sobre la superficie visible; `scale`, píxeles por metro."""
        material = Material.of(surface, np.array(list(PART_OF_GROUP.values())))
        weights = dict(zip(PART_OF_GROUP, surface.groups, strict=True))
        coarse = solid("media", surface.points, 70, self.human.marks)
        fine = solid("fina", surface.points, 240, self.human.marks[::-1])
        material.color *= 1 + 0.025 * coarse + 0.02 * fine
        material.softness[:], material.gloss[:], material.sharpness[:] = 0.22, 0.05, 14
        self._paint_clothes(material, surface.points, weights, scale, fine)
        self._head.paint(material, surface.points, weights, scale, fine)
        return material

    def _paint_clothes(
        self, material: Material, points: np.ndarray, weights: dict, scale: float, fine
    ) -> None:
        """Viste todo menos lo que va desnudo: así dos prendas vecinas no dejan piel entre ellas."""
        human = self.human
        arms, legs = (
            {side: weights[f"{word} {limb}"] for side, word in ((-1, "left"), (1, "right"))}
            for limb in ("arm", "leg")
        )
        trunk = weights["torso"] + weights["skirt"] + legs[-1] + legs[1]
        dressed = _crisp(trunk + weights["neck"] + arms[-1] + arms[1])
        dressed *= 1 - inside(self._neckline(points), scale)
        for side in (-1, 1):
            dressed *= 1 - inside(self._bare_arm(points, arms[side], self._arms[side]), scale)
            dressed *= 1 - inside(self._bare_leg(points, legs[side], self._legs[side]), scale)
        tucked = human.top in ("sin mangas", "manga corta")
        waist = self._pelvis[1] + (0.075 if tucked else -0.02)
        below = inside(waist - points[1], scale) * _crisp(trunk) * (not human.dress)
        self._paint_fabric(material, points, dressed, fine)
        self._paint_top(material, points, dressed * (1 - below), weights["torso"], scale, fine)
        material.cover(dressed * below, human.bottom_color[:, np.newaxis] * (1 + 0.05 * fine))
        if tucked and not human.dress:
            material.cover(stroke(points[1] - waist, 0.032, scale) * _crisp(weights["torso"]), LEATHER)
        material.cover(_crisp(weights["shoe"]), human.shoe_color)

    def _neckline(self, points: np.ndarray) -> np.ndarray:
        """Cuánto se entra, en metros, en el escote: un óvalo alrededor del cuello, más bajo por delante."""
        x, y, z = points - _column(self._chest + [-0.012, 0.170, 0])
        drop = 0.075 if self.human.look.woman or self._sleeve == 0 else 0.040
        reach = np.sqrt((x / 0.085) ** 2 + (z / 0.080) ** 2 + (np.minimum(y, 0) / drop) ** 2)
        return (1 - reach) * 0.07 + np.maximum(y - 0.01, 0)

    def _bare_arm(self, points: np.ndarray, weight: np.ndarray, joints) -> np.ndarray:
        """Cuánto se entra, en metros, en la parte del brazo que la manga no cubre."""
        if self._sleeve > 0:
            return np.minimum((_advance(points, joints) - self._sleeve) * 0.27, (weight - 0.4) * 0.1)
        # Sin mangas, la sisa es el corte de un tubo alrededor del brazo con el torso.
        shoulder, elbow, _ = joints
        along, offset = _column(unit(elbow - shoulder)), points - _column(shoulder)
        advance = (offset * along).sum(axis=0)
        away = np.sqrt(((offset - np.maximum(advance, 0) * along) ** 2).sum(axis=0))
        return np.maximum(0.062 * self.human.build - away, np.minimum(advance - 0.06, (weight - 0.5) * 0.1))

    def _bare_leg(self, points: np.ndarray, weight: np.ndarray, joints) -> np.ndarray:
        """Cuánto se entra, en metros, en la parte de la pierna que queda al aire."""
        if self.human.dress:
            return np.minimum(self._hem + 0.02 - points[1], (weight - 0.4) * 0.1)
        if self.human.shorts:
            return np.minimum((_advance(points, joints) - 0.72) * 0.44, (weight - 0.4) * 0.1)
        return np.full_like(weight, -1)

    def _paint_fabric(self, material: Material, points: np.ndarray, cloth: np.ndarray, fine) -> None:
        """Arrugas, más anchas que altas; la tela no tiene el brillo ni la blandura de la piel."""
        marks = self.human.marks
        squeezed = points * _column([0.8, 1.5, 0.8])
        folds, sags = solid("suave", squeezed, 120, marks + 31), solid("suave", squeezed, 130, marks + 7)
        creases = solid("media", squeezed, 110, marks + 77)
        material.normals[0] += cloth * (0.07 * folds + 0.06 * creases)
        material.normals[1] += cloth * (0.07 * sags + 0.05 * fine)
        material.softness -= 0.16 * cloth
        material.gloss -= 0.035 * cloth

    def _paint_top(self, material, points, cover, torso, scale: float, fine) -> None:
        human = self.human
        color = human.top_color[:, np.newaxis] * (1 + 0.05 * fine)
        if human.striped:
            period = 0.066  # metros
            edge = np.sin(points[1] * (2 * np.pi / period)) * period / (2 * np.pi)
            color += (human.inner_color[:, np.newaxis] - color) * inside(edge, scale)
        material.cover(cover, color)
        if human.top != "chaqueta" or human.dress:
            return
        x, y, z = Frame(self._chest, self._turn).to_local(points)
        opening = 0.028 + 0.22 * np.maximum(y, 0) + 0.02 * np.maximum(-y, 0)
        front = cover * (x > 0) * (torso > 0.4)
        material.cover(front * inside(opening - np.abs(z), scale), human.inner_color)
        material.cover(0.6 * front * stroke(np.abs(z) - opening, 0.010, scale), 0.4 * human.top_color)


def _differ(first: np.ndarray, second: np.ndarray) -> bool:
    """¿Se distinguen a simple vista dos colores lineales, (3,)?"""
    return bool(np.linalg.norm(first ** (1 / 2.2) - second ** (1 / 2.2)) > SMALLEST_CONTRAST)


def _column(vector) -> np.ndarray:
    return np.asarray(vector, np.float32)[:, np.newaxis]


def _crisp(weight: np.ndarray) -> np.ndarray:
    """De peso de un grupo anatómico a opacidad: cambia deprisa donde el grupo deja de dominar."""
    return np.clip((weight - 0.5) * 8 + 0.5, 0, 1)


def _advance(points: np.ndarray, joints) -> np.ndarray:
    """Por dónde va un punto de una extremidad: 0, la primera articulación; 1, la segunda; 2, la última."""
    total = np.zeros(points.shape[1], np.float32)
    for first, last in zip(joints[:-1], joints[1:], strict=True):
        span = last - first
        offset = points - _column(first)
        total += np.clip((offset * _column(span / np.dot(span, span))).sum(axis=0), 0, 1)
    return total
