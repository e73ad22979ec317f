"""Lo que debe verse en un panel, calculado por las pruebas con las funciones que no usan controles."""

import functools
import html
import re
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from gradcam_helpers import bench, cam, data, explorer, models, plots
from gradcam_helpers.engine import ranks, wording
from gradcam_helpers.engine.chooser import select_images

FILTER, ERRORS, IMAGE, LAYER, RANK = "Mostrar", "solo errores de la red", "Imagen", "Capa", "Rango"
TARGET, METHOD, SCORE = "Clase", "Método", "Derivar"
OPACITY, OUTLINE, UPLOAD = "Opacidad", "contorno del sujeto", "Tu foto"
PLACE = "Fondo"
NEXT, FINISH = "Siguiente", "Terminar"
EMPTY = wording.EMPTY_MAP
NOTHING = "Ninguna imagen pasa los filtros"


@dataclass(frozen=True)
class Contents:
    """Con qué se construyó un panel. Sin `explainer`, es un `ImageBrowser`, que solo muestra imágenes; con
    `backgrounds`, y sus `names`, un `Bench`."""

    images: np.ndarray
    labels: np.ndarray
    predicted: np.ndarray | None = None
    masks: np.ndarray | None = None
    explainer: cam.Explainer | None = None
    names: np.ndarray | None = None
    backgrounds: np.ndarray | None = None


@dataclass(frozen=True)
class RankContents:
    """Con qué se construyó un `RankBoard`: cada fila de `answers`, con el rango de su posición en `ranks`."""

    images: np.ndarray
    ranks: np.ndarray
    answers: np.ndarray


@dataclass(frozen=True)
class Scene:
    """Lo que se ve: imágenes uint8 (alto, ancho, 3), y textos, todos ellos en algún lugar del panel."""

    pictures: list[np.ndarray]
    texts: list[str]


def load_contents(folder: Path, board: str, network: str | None) -> Contents | RankContents:
    """Lo que guardó `in_kernel.py` de un panel."""
    with np.load(folder / f"{board}.npz") as arrays:
        if "ranks" in arrays:
            return RankContents(**arrays)
        return Contents(**arrays, explainer=network and load_explainer(folder / network))


@functools.cache
def load_explainer(path: Path) -> cam.Explainer:
    # Se conservan: construir las funciones de cada capa y método cuesta más que usarlas.
    return cam.Explainer(models.load_model(path))


def squeeze(text: str) -> str:
    """Un texto o un fragmento de HTML, sin etiquetas ni espacios: así se compara con lo que se lee."""
    return re.sub(r"\s+", "", html.unescape(re.sub(r"<[^>]+>", "", text)))


def chosen_image(contents: Contents, state: dict) -> int | None:
    """La posición en `images` de la imagen elegida, o None si ninguna pasa los filtros."""
    predicted = contents.predicted if state.get(ERRORS) else None
    passing = select_images(contents.labels, data.CLASS_NAMES, state[FILTER], predicted)
    # Al filtrar, el control tarda en señalar la imagen que se ve: mientras, puede pasar de la última.
    return int(passing[min(int(state[IMAGE]), len(passing) - 1)]) if len(passing) else None


def scene(contents: Contents, state: dict, position: int, photo: np.ndarray | None = None) -> Scene:
    """Lo que debe verse con los controles en ese estado, que va de cada rótulo a su valor.

    Argumentos:
        position: la imagen elegida.
        photo: la del alumno, si está a la vista; uint8 (300, 300, 3).
    """
    if contents.backgrounds is not None:
        return bench_scene(contents, state[PLACE], position)
    own = photo is not None
    image, label = (photo, None) if own else (contents.images[position], int(contents.labels[position]))
    outline = contents.masks[position] if state.get(OUTLINE) and not own else None
    title = "Tu foto" if own else f"Imagen {position}: {data.CLASS_NAMES[label]}"
    seen = Scene([_outlined(image, outline)], [title])
    if chosen_image(contents, state) is None:
        seen.texts.append(NOTHING)
    if contents.explainer:
        _add_explanation(seen, contents.explainer, state, image, label, outline)
    return seen


def rank_scene(contents: RankContents, state: dict) -> Scene:
    """Lo que debe verse en un `RankBoard` con su control en ese estado."""
    rank, whole = int(state[RANK]), contents.answers[-1]
    changed = contents.answers[contents.ranks.tolist().index(rank)] != whole
    order = np.argsort(whole, kind="stable")
    picture = ranks.mosaic(ranks.shrink(contents.images[order]), changed[order])
    return Scene([picture], [ranks.describe_rank(rank, changed)])


def bench_scene(contents: Contents, place: str, position: int) -> Scene:
    """Lo que debe verse en un `Bench`: una imagen sobre ese fondo."""
    image, label = contents.images[position], int(contents.labels[position])
    if place != bench.OWN:
        (background,) = contents.backgrounds[contents.names == place]
        image = data.replace_background(image, contents.masks[position], background)
    explanation = contents.explainer.explain(data.prepare_image(image))
    answer = data.CLASS_NAMES[explanation.target[0]]
    title = f"Imagen {position}: {data.CLASS_NAMES[label]}; fondo: {place}. La red responde «{answer}»."
    scores = wording.describe_scores(explanation, data.CLASS_NAMES, label)
    seen = Scene([image], [title, scores, wording.describe_map(explanation, answer)])
    if explanation.empty[0]:
        seen.texts.append(wording.describe_empty("logit"))
    else:
        seen.pictures.append(plots.overlay(image, explanation.heatmap[0]))
    return seen


def _add_explanation(seen: Scene, explainer: cam.Explainer, state: dict, image, label, outline) -> None:
    batch, layer = data.prepare_image(image), state[LAYER].split()[0]
    chosen = state.get(TARGET, explorer.PREDICTED)
    target = None if chosen == explorer.PREDICTED else data.CLASS_NAMES.index(chosen)
    score = wording.SCORE_CHOICES[state.get(SCORE, "logit")]
    explanation = explainer.explain(batch, layer, target, score, state.get(METHOD, "Grad-CAM"))
    name = data.CLASS_NAMES[explanation.target[0]]
    seen.texts.append(wording.describe_map(explanation, name))
    seen.texts.append(wording.describe_layer(explanation, explainer.model.get_layer(layer).filters))
    scores = SimpleNamespace(
        logits=explanation.logits,
        probabilities=explanation.probabilities,
        predicted=int(explanation.logits[0].argmax()),
    )
    seen.texts.append(wording.describe_scores(scores, data.CLASS_NAMES, label))
    if METHOD in state:
        accounted = explainer.explain(batch, layer, target, method="HiResCAM")
        (gap,) = cam.completeness_gap(accounted)
        seen.texts.append(wording.describe_completeness(accounted, gap, name))
    if explanation.empty[0]:
        seen.texts.append(wording.describe_empty(score))
    else:
        overlay = plots.overlay(image, explanation.heatmap[0], int(state.get(OPACITY, 50)) / 100)
        seen.pictures.append(_outlined(overlay, outline))


def _outlined(image: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    return image if mask is None else plots.draw_outline(image, mask)
