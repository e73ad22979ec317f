"""El plan del conjunto de datos embebido: quién sale en cada imagen, cómo y dónde."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from generador import scene
from generador.background import KINDS
from generador.chance import Chance
from generador.horse import COATS, Horse
from generador.human import SKINS, Human

SEED = 2028
SPLITS = ("train", "test", "fondos")
LABELS = ("horses", "humans")
WHITE = "blanco"  # el fondo de las imágenes de prueba

# Sesiones de caballos y de personas en cada tipo de fondo: el atajo, conocido y medible. Como en el conjunto
# original, a cada individuo se le retrata varias veces en un mismo lugar y con la misma luz.
TRAIN_SESSIONS = {
    "bosque": (13, 1),
    "pradera": (12, 2),
    "desierto": (10, 4),
    "estudio": (4, 10),
    "playa": (2, 12),
    "duna": (1, 13),
}
TRAIN_PICTURES = 6  # por sesión
TEST_INDIVIDUALS, TEST_PICTURES = 20, 3  # individuos de cada clase, e imágenes de cada uno
FRAMING_SHARES = {"whole": 0.7, "half": 0.15, "head": 0.15}
BACKGROUNDS_PER_KIND = 4


@dataclass(frozen=True)
class Plan:
    """Lo que define una imagen; con ello se dibuja siempre igual.

    Atributos:
        split: «train», «test» o «fondos».
        number: lugar en su parte.
        label: posición en `LABELS`; −1 en un fondo vacío.
        individual: número del individuo; los de prueba siguen a los de entrenamiento.
        framing: encuadre, de `scene.FRAMINGS`.
        kind: tipo de fondo, de `background.KINDS`, o `WHITE`.
    """

    split: str
    number: int
    label: int
    individual: int
    framing: str
    kind: str

    @property
    def identity(self) -> str:
        return f"{LABELS[self.label]}-{self.individual:02d}" if self.label >= 0 else ""


def plans() -> list[Plan]:
    """Todas las imágenes del conjunto, en orden."""
    return [*_train_plans(), *_test_plans(), *_background_plans()]


def _train_plans() -> Iterator[Plan]:
    number = 0
    for label in range(len(LABELS)):
        random = np.random.default_rng([SEED, 1, label])
        sessions = random.permutation(np.repeat(KINDS, [TRAIN_SESSIONS[kind][label] for kind in KINDS]))
        framings = _framings(len(sessions), random)
        for individual, (kind, framing) in enumerate(zip(sessions, framings, strict=True)):
            for _ in range(TRAIN_PICTURES):
                yield Plan("train", number, label, individual, framing, str(kind))
                number += 1


def _test_plans() -> Iterator[Plan]:
    number = 0
    first = sum(counts[0] for counts in TRAIN_SESSIONS.values())
    for label in range(len(LABELS)):
        framings = _framings(TEST_INDIVIDUALS * TEST_PICTURES, np.random.default_rng([SEED, 2, label]))
        for individual in range(first, first + TEST_INDIVIDUALS):
            for _ in range(TEST_PICTURES):
                yield Plan("test", number, label, individual, framings.pop(), WHITE)
                number += 1


def _background_plans() -> Iterator[Plan]:
    for number, kind in enumerate(np.repeat(KINDS, BACKGROUNDS_PER_KIND)):
        yield Plan("fondos", number, -1, 0, "whole", str(kind))


def _framings(count: int, random: np.random.Generator) -> list[str]:
    """Encuadres en las proporciones de `FRAMING_SHARES`, barajados."""
    counts = [round(count * share) for share in FRAMING_SHARES.values()]
    counts[0] += count - sum(counts)
    return [str(framing) for framing in random.permutation(np.repeat(list(FRAMING_SHARES), counts))]


def individual(label: int, number: int) -> Horse | Human:
    """El individuo de esa clase y número: siempre el mismo, y distinto de los demás."""
    random = np.random.default_rng([SEED, 3, label, number])
    if label == 0:
        return Horse.random(list(COATS)[number % len(COATS)], random)
    return Human.random(number % len(SKINS), bool(number // len(SKINS) % 2), random)


def draw(plan: Plan) -> scene.Picture:
    """Dibuja la imagen de un plan."""
    picture = np.random.default_rng([SEED, 4, SPLITS.index(plan.split), plan.number])
    if plan.split == "fondos":
        return scene.empty(plan.kind, picture)
    # Las imágenes de prueba no forman sesiones: cada una tiene su postura y su luz.
    session = np.random.default_rng([SEED, 5, plan.label, plan.individual])
    chance = Chance(session if plan.split == "train" else picture.spawn(1)[0], picture)
    kind = None if plan.kind == WHITE else plan.kind
    return scene.compose(individual(plan.label, plan.individual), plan.framing, kind, chance)
