"""Sortea los montajes de «predice y verás»: diez para antes del curso y diez para después.

Cada uno es un sujeto de prueba sobre un fondo vacío. Se toman de los que la red publicada responde sin dudar
mucho, tantos de cada casilla (clase del sujeto × respuesta) como dice `CELLS`; si de una no hay bastantes, no
se escribe nada. Ningún individuo sale dos veces, tampoco de una tanda a otra.

Con esas casillas, quien diga siempre la clase del sujeto, siempre la otra o siempre la misma palabra acierta
exactamente la mitad, lo mismo que, de media, quien responda al azar.
Uso: python pesos/sortear.py real|embebido
"""

import json
import os
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from gradcam_helpers import data, experiment, foresight, models
from gradcam_helpers.engine import weights

SEED = 16
CELLS = {(0, 0): 2, (0, 1): 2, (1, 0): 3, (1, 1): 3}  # de cada tanda
COUNT = 120  # imágenes de prueba entre las que se sortea
FIRST = 6  # las primeras, que las lecciones enseñan: sus individuos no entran
PLACES = slice(1, None, 2)  # los fondos que no usa el experimento de la lección 5
DOUBT = 0.1  # lo menos que se aparta la probabilidad de 0,5: así ningún procesador cambia la respuesta


def draw(probabilities: np.ndarray, labels: np.ndarray, identities: np.ndarray) -> dict[str, list]:
    """Los montajes de cada tanda, como parejas (sujeto, fondo), barajados.

    Argumentos:
        probabilities: (N, B, 2), las de `experiment.swap_backgrounds`.
        labels, identities: (N,), la clase y el individuo de cada sujeto.

    Errores:
        ValueError: de una casilla no hay bastantes.
    """
    generator = np.random.default_rng(SEED)
    answers, clear = probabilities.argmax(axis=2), probabilities.max(axis=2) >= 0.5 + DOUBT
    clear[np.isin(identities, identities[:FIRST])] = False
    pairs = {cell: (labels == cell[0])[:, np.newaxis] & (answers == cell[1]) & clear for cell in CELLS}
    rounds = {moment: [] for moment in foresight.MOMENTS}
    for cell in sorted(CELLS, key=lambda each: pairs[each].sum()):  # primero, la más escasa
        for chosen in list(rounds.values()) * CELLS[cell]:
            free = np.unique(identities[pairs[cell].any(axis=1)])
            if len(free) == 0:
                raise ValueError(f"De la casilla {cell} no hay bastantes montajes.")
            theirs = identities == generator.choice(free)
            chosen.append(generator.choice(np.argwhere(pairs[cell] & theirs[:, np.newaxis])).tolist())
            for each in pairs.values():
                each[theirs] = False
    return {moment: generator.permutation(chosen).tolist() for moment, chosen in rounds.items()}


def main() -> None:
    source = data.prepare_source(sys.argv[1])
    images, labels = data.load_images(source, data.TEST_SPLIT, COUNT)
    masks = data.load_masks(source, data.TEST_SPLIT, COUNT)
    identities = data.load_identities(source, data.TEST_SPLIT, COUNT)
    backgrounds, _ = data.load_backgrounds()
    network = models.load_published(weights.weights_path(source.key))
    places = np.arange(len(backgrounds))[PLACES]
    answers = experiment.swap_backgrounds(network.predict_on_batch, images, masks, backgrounds[places])
    drawn = draw(answers, labels, identities)
    montages = {
        moment: [[subject, int(places[place])] for subject, place in pairs] for moment, pairs in drawn.items()
    }
    path = foresight.montages_path(source.key)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(montages, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(partial, path)
    print(f"{path.name}: {len(montages)} tandas de {sum(CELLS.values())} montajes.")


if __name__ == "__main__":
    main()
