"""Una imagen completa: quién, en qué postura, con qué encuadre, sobre qué fondo y con qué luz."""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from generador import background, shading
from generador.chance import Chance
from generador.geometry import Camera, bounds, rotate, rotation, silhouette, unit
from generador.horse import Horse, HorseFigure
from generador.human import Human, HumanFigure
from generador.surface import Surface, visible_surface

SIZE = 300
FRAMINGS = ("whole", "half", "head")
TRIAL_SCALE, TRIAL_SIZE = 80, 300  # píxeles por metro y lado de la imagen de tanteo: cabe cualquier cuerpo
SMALLEST_REGION = 8  # píxeles: una mota o un poro menor es un defecto del dibujo
AREAS = (0.12, 0.17)  # parte de la imagen que ocupa quien sale entero, sea caballo o persona


@dataclass(frozen=True)
class Picture:
    """Una imagen y la verdad sobre ella.

    Atributos:
        image: uint8 (300, 300, 3), sRGB.
        parts: uint8 (300, 300): 0 fondo, 1 cabeza, 2 tronco, 3 extremidades, 4 pelo, crines y cola.
    """

    image: np.ndarray
    parts: np.ndarray


def compose(individual: Horse | Human, framing: str, kind: str | None, chance: Chance) -> Picture:
    """Una imagen de ese individuo: elige postura, punto de vista, lugar y luz.

    Argumentos:
        framing: de `FRAMINGS`.
        kind: tipo de fondo, de `background.KINDS`; con None, blanco puro y sin sombra.
    """
    place = np.random.default_rng(chance.session.integers(2**32))  # el del fondo: igual en toda la sesión
    tilt, sun = rotation("x", place.uniform(0.0, 0.11)), _sun(place)
    if isinstance(individual, Horse):
        sideways = chance.pick((0, np.pi)) + chance.between(-0.6, 0.6)
        facing = -np.pi / 2 + chance.between(-0.8, 0.8)
        view = tilt @ rotation("y", sideways if chance.happens(0.9) else facing)
        figure = HorseFigure(individual, chance)
    else:
        aside = chance.between(-0.6, 0.6) if chance.happens(0.75) else chance.between(-1.2, 1.2)
        view = tilt @ rotation("y", -np.pi / 2 + aside)
        figure = HumanFigure(individual, view, chance)
    camera = frame(figure, framing, view, chance)
    return render(figure, camera, kind, sun, place, blur=0.0 if framing == "whole" else 1.6)


def empty(kind: str, random: np.random.Generator) -> Picture:
    """Un fondo de ese tipo, sin nadie."""
    distance = random.uniform(5, 8)
    view = rotation("x", random.uniform(0.0, 0.10))
    camera = Camera(view, np.array([0, 0.9, 0]), distance, 130 * distance, (SIZE / 2, SIZE / 2))
    image = background.paint(kind, camera, random)
    return Picture(np.rint(image * 255).astype(np.uint8), np.zeros((SIZE, SIZE), np.uint8))


def frame(figure, framing: str, view: np.ndarray, chance: Chance) -> Camera:
    """La cámara que da ese encuadre; `view` es la rotación del marco del cuerpo al de la vista."""
    between = chance.between
    if framing != "whole":
        target, extent = figure.focus[framing]
        distance = max(extent, 0.8) * between(3, 4.5)
        scale = SIZE / extent * between(0.92, 1.08)
        center = SIZE / 2 + between(-15, 15), SIZE / 2 + between(-10, 10)
        return Camera(view, np.asarray(target), distance, scale * distance, center)
    distance = between(5, 8)
    trial = Camera(view, np.array([0, 0.9, 0]), distance, TRIAL_SCALE * distance, (0, 0), TRIAL_SIZE)
    capsules = figure.body.capsules()
    low, high = bounds(capsules, trial)
    covered = silhouette(capsules, replace(trial, center=tuple(-low))).sum()
    zoom = min(np.sqrt(between(*AREAS) * SIZE**2 / covered), 0.97 * SIZE / (high - low).max())
    spare = (SIZE - (high - low) * zoom) * [between(-0.2, 0.2), between(-0.2, 0.2)]
    center = SIZE / 2 - (low + high) / 2 * zoom + spare
    return Camera(view, trial.target, distance, trial.focal * zoom, tuple(center))


def render(
    figure, camera: Camera, kind: str | None, sun: np.ndarray, place: np.random.Generator, blur: float
) -> Picture:
    """Dibuja la figura sobre un fondo de ese tipo; con None, sobre blanco puro y sin sombra en el suelo."""
    light = background.LIGHTS[kind or "estudio"]
    surface = visible_surface(figure.body, camera)
    material = figure.material(surface, camera.scale)
    caster = shading.ShadowCaster(figure.body, unit(camera.rotation.T @ sun))
    shadow = shading.smooth_over(surface, caster.on_itself(surface.points), 1.5, SIZE)
    open_sky = shading.occlusion(surface, camera.scale, SIZE)
    color = shading.shade(material, light, sun, shadow, open_sky)
    coverage = _tidy(surface)
    solid = coverage >= 0.5
    parts = np.zeros(SIZE * SIZE, np.uint8)
    parts[surface.pixels[solid]] = material.parts[solid]
    if kind is None:
        canvas = np.ones((SIZE * SIZE, 3), np.float32)
        canvas[surface.pixels[solid]] = color.T[solid]
    else:
        scenery = background.blur(background.paint(kind, camera, place), blur)
        scenery = _with_shadow(scenery, figure.body, camera, caster, light)
        canvas = scenery.reshape(-1, 3)
        opacity = coverage[:, np.newaxis]
        canvas[surface.pixels] = canvas[surface.pixels] * (1 - opacity) + color.T * opacity
    image = np.rint(np.clip(canvas, 0, 1) * 255).astype(np.uint8).reshape(SIZE, SIZE, 3)
    return Picture(image, parts.reshape(SIZE, SIZE))


def _tidy(surface: Surface) -> np.ndarray:
    """La parte de cada píxel que cubre el cuerpo, sin motas ni poros donde dos cápsulas casi se tocan."""
    coverage = np.zeros(SIZE * SIZE, np.float32)
    coverage[surface.pixels] = surface.coverage
    for inside, connectivity in ((True, 8), (False, 4)):
        present = ((coverage >= 0.5) == inside).astype(np.uint8).reshape(SIZE, SIZE)
        _, regions, statistics, _ = cv2.connectedComponentsWithStats(present, connectivity=connectivity)
        small = statistics[:, cv2.CC_STAT_AREA] < SMALLEST_REGION
        coverage[(small[regions] & (present > 0)).reshape(-1)] = not inside
    return coverage[surface.pixels]


def _sun(random: np.random.Generator) -> np.ndarray:
    """Dirección hacia el sol, en la vista: alto y de cara al sujeto, más o menos de lado."""
    azimuth, height = random.uniform(-1.1, 1.1), random.uniform(0.55, 1.05)
    return np.array([np.sin(azimuth) * np.cos(height), np.sin(height), np.cos(azimuth) * np.cos(height)])


def _with_shadow(scenery: np.ndarray, body, camera: Camera, caster, light) -> np.ndarray:
    """El fondo con la sombra que el cuerpo echa en el suelo, y más oscuro donde lo pisa."""
    feet = camera.project(camera.to_view(np.zeros(3)))
    if feet[1] > 1.1 * SIZE:
        return scenery
    rays = rotate(camera.rotation.T, camera.rays(np.arange(SIZE**2))).reshape(3, SIZE, SIZE)
    position = camera.position.astype(np.float32)
    ground = position[:, np.newaxis, np.newaxis] + rays * (
        position[1] / np.maximum(-rays[1], np.float32(1e-3))
    )
    overhead = shading.ShadowCaster(body, np.array([0.0, 1, 0]))
    shadow = light.shadow * caster.on_ground(ground, 1.2)
    shadow = 1 - (1 - shadow) * (1 - 0.35 * overhead.on_ground(ground, 4))
    shadow = shadow * (rays[1] < -0.01)
    return scenery * (1 - shadow[..., np.newaxis] * np.array([1.0, 0.95, 0.88], np.float32))
