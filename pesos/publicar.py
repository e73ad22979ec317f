"""Publica una red ya entrenada: la de la lección 2, con `densa` reducida a rango 8, en un fichero de 4 MB.

Entrena la receta de la lección desde su semilla, factoriza, escribe los pesos en `gradcam_helpers/pesos/` y
mide qué acierta la red publicada y en qué cambian sus respuestas y sus mapas. Todo queda en su ficha.
Uso: python pesos/publicar.py real|embebido
"""

import contextlib
import hashlib
import io
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from gradcam_helpers import cam, data, models
from gradcam_helpers.engine import weights
from gradcam_helpers.engine.backend import keras
from medidas.training import train

RANK = 8


def factor(kernel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """U (entradas, rango) y V (salidas, rango), float16: U·Vᵀ es lo más parecido a la matriz con ese rango.

    V son los vectores propios de WᵀW de mayor valor propio, y U = W·V: la descomposición en valores
    singulares, truncada, sin descomponer una matriz de 175 232 filas.
    """
    kernel = kernel.astype(np.float64)
    _, vectors = np.linalg.eigh(kernel.T @ kernel)  # de menor a mayor valor propio
    right = vectors[:, : -RANK - 1 : -1]
    return (kernel @ right).astype(np.float16), right.astype(np.float16)


def pack(model: keras.Model) -> bytes:
    """El contenido del fichero de pesos de una red."""
    arrays = {weight.path: weight.numpy() for weight in model.weights}
    left, right = factor(arrays.pop(weights.FACTORED))
    file = io.BytesIO()
    np.savez(file, **arrays, **{f"{weights.FACTORED}/U": left, f"{weights.FACTORED}/V": right})
    return file.getvalue()


def compare(trained: keras.Model, published: keras.Model, source: data.Source, split: str) -> dict:
    """Lo que acierta la red publicada en una parte de los datos, y en qué se aparta de la que se entrenó.

    El parecido de dos mapas es la correlación de los de Grad-CAM, con signo, de la clase que elige la
    red entrenada.
    """
    original, copy = cam.Explainer(trained), cam.Explainer(published)
    correct, agree, change, similarity = [], [], [], []
    for images, labels in data.load_batches(source, split, models.BATCH_SIZE).as_numpy_iterator():
        before = original.explain(images)
        after = copy.explain(images, target=before.target)
        answers = after.logits.argmax(axis=1)
        correct.extend(answers == labels)
        agree.extend(answers == before.target)
        change.extend(np.abs(after.probabilities - before.probabilities).max(axis=1))
        similarity.extend(
            np.corrcoef(one.ravel(), other.ravel())[0, 1]
            for one, other in zip(before.raw, after.raw, strict=True)
        )
    return {
        "pictures": len(correct),
        "accuracy": round(float(np.mean(correct)), 4),
        "agreement": round(float(np.mean(agree)), 4),
        "largest_probability_change": round(float(np.max(change)), 4),
        "median_map_correlation": round(float(np.median(similarity)), 4),
        "worst_map_correlation": round(float(np.min(similarity)), 4),
    }


def report(split: str, figures: dict) -> None:
    print(
        f"{split}: {figures['pictures']} imágenes, exactitud {figures['accuracy']:.4f}\n"
        f"  al pasar a rango {RANK}:\n"
        f"  respuestas iguales, {100 * figures['agreement']:.2f} %\n"
        f"  mayor cambio de una probabilidad, {figures['largest_probability_change']:.4f}\n"
        f"  correlación de los mapas, mediana {figures['median_map_correlation']:.4f}, "
        f"la peor {figures['worst_map_correlation']:.4f}",
        flush=True,
    )


def publish(source: data.Source, trained: keras.Model, path: Path) -> None:
    """Escribe los pesos y su ficha; si algo falla, queda lo que hubiera."""
    content = pack(trained)
    if len(content) > weights.MAXIMUM_BYTES:
        raise SystemExit(f"Los pesos ocupan {len(content)} bytes: más de {weights.MAXIMUM_BYTES}.")
    card = {
        "source": source.name,
        "licence": source.licence,
        "recipe": {"seed": models.SEED, "epochs": models.EPOCHS, "rank": RANK},
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    with _together(path, path.with_suffix(".json")) as (new_weights, new_card):
        new_weights.write_bytes(content)
        _write(new_card, card)
        published = models.load_published(new_weights)
        card["splits"] = {}
        for split in (data.VALIDATION_SPLIT, data.TEST_SPLIT):
            card["splits"][split] = compare(trained, published, source, split)
            report(split, card["splits"][split])
        _write(new_card, card)
    print(f"{path.name}: {len(content) / 1e6:.2f} MB")


@contextlib.contextmanager
def _together(*paths: Path) -> Iterator[list[Path]]:
    """Ficheros provisionales con esos nombres, que ocupan su sitio si todo acaba bien."""
    with tempfile.TemporaryDirectory(prefix=".pesos-", dir=paths[0].parent) as folder:
        partial = [Path(folder, path.name) for path in paths]
        yield partial
        for new, path in zip(partial, paths, strict=True):
            os.replace(new, path)


def _write(path: Path, card: dict) -> None:
    path.write_text(json.dumps(card, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    if len(sys.argv) != 2 or sys.argv[1] not in ("real", "embebido"):
        raise SystemExit(__doc__)
    source = data.prepare_source(sys.argv[1])
    print(source)
    weights.FOLDER.mkdir(exist_ok=True)
    publish(source, train(source), weights.weights_path(source.key))


if __name__ == "__main__":
    main()
