"""Los pesos publicados: la red de la lección 2, entrenada con cada conjunto de datos, en 4 MB.

La red ocupa 91 MB, casi todos de `densa`. De su matriz solo unas pocas direcciones llevan lo aprendido, y se
publica la de rango 8 más parecida (Eckart y Young, 1936): un producto U·Vᵀ, en coma flotante de 16 bits; los
demás pesos van enteros. Junto a cada fichero, su ficha: la suma de comprobación y lo que se midió con ella.
"""

import hashlib
import io
import json
import zipfile
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parent.parent / "pesos"
MAXIMUM_BYTES = 4_200_000  # de un fichero, y de lo que contiene
FACTORED = "densa/kernel"  # el peso que se publica en dos factores, U (entradas, rango) y V (salidas, rango)
ROWS = 4096  # filas que se rehacen de una vez: caben en la memoria caché del procesador


class DamagedWeights(OSError):
    """Los pesos publicados faltan o no son los que se publicaron."""


def weights_path(key: str) -> Path:
    """El fichero de pesos de una fuente de datos, «real» o «embebido»."""
    return FOLDER / f"original-{key}.npz"


def read_card(path: Path) -> dict:
    """La ficha de un fichero de pesos: de qué datos salen, su licencia, su suma SHA-256 y sus medidas.

    Errores:
        DamagedWeights: falta o no se puede leer.
    """
    try:
        return dict(json.loads(path.with_suffix(".json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        raise _damaged(path, "no se puede leer su ficha") from None


def read_weights(path: Path) -> dict[str, np.ndarray]:
    """Los pesos de la red, por el nombre con que los conoce Keras («densa/kernel»…), en float32.

    Errores:
        DamagedWeights: el fichero falta, es demasiado grande o no es el que se publicó.
    """
    try:
        with open(path, "rb") as file:
            content = file.read(MAXIMUM_BYTES + 1)
    except OSError as error:
        raise _damaged(path, f"no se puede leer ({error.strerror})") from None
    if len(content) > MAXIMUM_BYTES:
        raise _damaged(path, f"ocupa más de {MAXIMUM_BYTES} bytes")
    if hashlib.sha256(content).hexdigest() != read_card(path).get("sha256"):
        raise _damaged(path, "su suma SHA-256 no es la de su ficha")
    try:
        arrays = _unpack(content)
        arrays[FACTORED] = rebuild_kernel(arrays.pop(f"{FACTORED}/U"), arrays.pop(f"{FACTORED}/V"))
    except Exception as error:
        # Según lo que haya en el fichero, NumPy y zipfile fallan de formas muy distintas.
        raise _damaged(path, f"no contiene los pesos de la red ({type(error).__name__})") from None
    return arrays


def _unpack(content: bytes) -> dict[str, np.ndarray]:
    if sum(item.file_size for item in zipfile.ZipFile(io.BytesIO(content)).infolist()) > MAXIMUM_BYTES:
        raise MemoryError
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return dict(arrays)


def rebuild_kernel(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """El producto U·Vᵀ en float32, siempre el mismo hasta el último bit.

    El producto de dos números de 16 bits es exacto en 32, y los de cada posición se suman en orden: el
    resultado no depende del procesador, de los hilos ni de la biblioteca de álgebra.

    Argumentos:
        left, right: U (entradas, rango) y V (salidas, rango), float16.
    """
    left, right = left.astype(np.float32), right.astype(np.float32)
    kernel = np.zeros((len(left), len(right)), np.float32)
    for start in range(0, len(left), ROWS):
        block = kernel[start : start + ROWS]
        for column, row in zip(left[start : start + ROWS].T, right.T, strict=True):
            block += np.outer(column, row)
    return kernel


def _damaged(path: Path, what: str) -> DamagedWeights:
    return DamagedWeights(
        f"La red publicada «{path.name}» no se puede usar: {what}. Viene con el curso: descárgalo otra vez, "
        "o entrena la tuya en la lección 2."
    )
