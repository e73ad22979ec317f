"""Las tablas que cita la lección 5: su experimento con otras semillas y con los datos reales.

Con los embebidos entrena la receta de la lección 2 con varias semillas, si no se guardaron ya en
`modelos/semillas/`; con los reales usa la red publicada. Hace lo mismo que la lección: los mismos sujetos
y los mismos fondos. Escribe `medidas/resultados/05_experimento-*.txt`, que se publica; ninguna imagen.
Uso: python -m medidas.experimento.tables semillas|reales
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from gradcam_helpers import cam, data, experiment, formulas, metrics, models
from gradcam_helpers.engine import weights
from gradcam_helpers.engine.backend import keras
from medidas.training import train

ROOT = Path(__file__).resolve().parent.parent.parent
RESULTS = ROOT / "medidas" / "resultados"
NETWORKS = ROOT / "modelos" / "semillas"
SEEDS = (1, 2)  # la publicada es la 7: con ella, tres
SUBJECTS = 120
METHODS = ("Grad-CAM", "HiResCAM", "LayerCAM")


def trained(source: data.Source, seed: int) -> keras.Model:
    path = NETWORKS / f"{source.key}-{seed}.keras"
    if not path.is_file():
        models.save_model(train(source, seed), path)
    return models.load_model(path)


def report(name: str, model: keras.Model, source: data.Source) -> Iterator[str]:
    """Las líneas de la tabla de una red, cada una con su nombre delante."""
    images, labels = data.load_images(source, data.TEST_SPLIT, SUBJECTS)
    masks = data.load_masks(source, data.TEST_SPLIT, SUBJECTS)
    identities = data.load_identities(source, data.TEST_SPLIT, SUBJECTS)
    backgrounds, kinds = data.load_backgrounds()
    white = np.full((1, *data.IMAGE_SHAPE), 255, np.uint8)
    places, place_kinds = np.concatenate([white, backgrounds[::2]]), ["blanco", *kinds[::2]]
    answers = experiment.swap_backgrounds(model.predict_on_batch, images, masks, places)
    for row in experiment.tabulate(answers, labels, place_kinds, identities):
        yield f"{name}, {row}"
    empty = experiment.ask(model.predict_on_batch, backgrounds[::2]).argmax(axis=1)
    horses = f"fondos vacíos en que responde «{data.CLASS_NAMES[0]}»"
    yield f"{name}, {horses}: {np.sum(empty == 0)} de {len(empty)}"
    yield from compare_methods(name, model, images, masks, labels, identities, answers)


def compare_methods(name, model, images, masks, labels, identities, answers) -> Iterator[str]:
    """Cuánto acierta cada método en qué respuestas dependen más del fondo, entre las de una misma clase.

    Entre todas, y solo entre los aciertos: un error es de otra clase, y su silueta, otra.
    """
    on_white = answers[:, 0].argmax(axis=1)
    dependence = (answers[:, 1:].argmax(axis=2) != on_white[:, np.newaxis]).mean(axis=1)
    answer = np.argmax([dependence[on_white == each].sum() for each in range(answers.shape[2])])
    chosen = np.flatnonzero(on_white == answer)
    shares = background_shares(model, images[chosen], masks[chosen])
    shares["la duda, sin mapa"] = 1 - answers[chosen, 0].max(axis=1)
    right = labels[chosen] == answer
    for which, among in {"todos": right | True, "solo aciertos": right}.items():
        yield f"{name}, {which}, se comparan: {among.sum()}, de respuesta «{data.CLASS_NAMES[answer]}»"
        for what, share in shares.items():
            known = among & ~np.isnan(share)  # los mapas vacíos no cuentan
            some = chosen[known]
            index, (low, high) = experiment.concordance(share[known], dependence[some], identities[some])
            interval = f"(de {100 * low:.0f} a {100 * high:.0f})"
            result = "mapas vacíos" if np.isnan(index) else f"{100 * index:.0f} % {interval}"
            yield f"{name}, {which}, {what} ordena bien: {result}; sujetos, {known.sum()}"


def background_shares(model: keras.Model, images: np.ndarray, masks: np.ndarray) -> dict[str, np.ndarray]:
    """Sobre blanco, la parte de la relevancia que cada método pone en el fondo, y la de un mapa uniforme."""
    white = np.full(data.IMAGE_SHAPE, 255, np.uint8)
    seen, outside = data.prepare_image(data.replace_background(images, masks, white)), ~masks
    explainer, shares = cam.Explainer(model), {}
    for method in METHODS:
        heatmaps = explainer.explain(seen, method=method).heatmap
        large = formulas.resize_heatmaps(heatmaps, outside.shape[1:])
        shares[method] = metrics.energy_pointing_game(large, outside)
    return shares | {"un mapa uniforme": outside.mean(axis=(1, 2))}


def write(path: Path, lines: Iterator[str]) -> None:
    """Escribe la tabla cuando ya está entera, y la va enseñando."""
    table = []
    for line in lines:
        print(line, flush=True)
        table.append(line)
    path.parent.mkdir(exist_ok=True)
    partial = path.with_suffix(".parcial")
    partial.write_text("\n".join(table) + "\n", encoding="utf-8")
    os.replace(partial, path)


def of_seeds() -> Iterator[str]:
    source = data.prepare_source("embebido")
    for seed in SEEDS:
        yield from report(f"Semilla {seed}", trained(source, seed), source)


def of_real_data() -> Iterator[str]:
    source = data.prepare_source("real")
    yield from report("Reales", models.load_published(weights.weights_path(source.key)), source)


TABLES = {"semillas": of_seeds, "reales": of_real_data}


def main() -> None:
    if len(sys.argv) != 2 or sys.argv[1] not in TABLES:
        raise SystemExit(__doc__)
    write(RESULTS / f"05_experimento-{sys.argv[1]}.txt", TABLES[sys.argv[1]]())


if __name__ == "__main__":
    main()
