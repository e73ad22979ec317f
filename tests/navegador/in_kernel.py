"""Se ejecuta en el núcleo de una lección: guarda con qué se construyó cada panel, para repetir sus cuentas.

Recibe `folder`, una carpeta que existe, y escribe en JSON, para el identificador de cada panel, el nombre de
la red que explica, o None si solo muestra imágenes.
"""

import gc
import hashlib
import json
from pathlib import Path

import numpy as np

from gradcam_helpers import bench, explorer, models

BOARDS = (explorer.Explorer, explorer.ImageBrowser, explorer.RankBoard, bench.Bench)


def save(folder: Path) -> dict[str, str | None]:
    # Una lección no da nombre a todos sus paneles: se buscan entre todos los objetos.
    found = [each for each in gc.get_objects() if type(each) in BOARDS]
    return {each.model_id: save_board(each, folder) for each in found}


def save_board(board, folder: Path) -> str | None:
    if type(board) is explorer.RankBoard:
        ranks, answers = zip(*board._answers.items(), strict=True)
        return np.savez(folder / f"{board.model_id}.npz", images=board._images, ranks=ranks, answers=answers)
    arrays = {"images": board._images, "labels": board._chooser.labels, "predicted": board._chooser.predicted}
    arrays["masks"] = getattr(board, "_masks", None)
    if type(board) is bench.Bench:
        places = {name: background for name, background in board.places.items() if background is not None}
        arrays |= {"names": np.array(list(places)), "backgrounds": np.stack(list(places.values()))}
    known = {name: values for name, values in arrays.items() if values is not None}
    np.savez(folder / f"{board.model_id}.npz", **known)
    return save_network(board._explainer.model, folder) if hasattr(board, "_explainer") else None


def save_network(network, folder: Path) -> str:
    """La guarda con un nombre que depende de sus pesos: las lecciones comparten casi siempre la misma."""
    content = hashlib.sha256(b"".join(weight.numpy().tobytes() for weight in network.weights))
    path = folder / f"{content.hexdigest()}.keras"
    if not path.exists():
        models.save_model(network, path)
    return path.name


print(json.dumps(save(Path(folder))))  # noqa: F821  la da quien lo ejecuta
