"""Rehace los datos embebidos, o dibuja una hoja con una muestra de ellos.

python -m generador datos [carpeta]
python -m generador hoja fichero.png
"""

import contextlib
import os
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

from generador import probes, writer
from generador.plan import plans

# En C++, Protocol Buffers escribe los campos de cada ejemplo en un orden distinto cada vez; en Python,
# siempre en el mismo, y así se repiten los ficheros.
os.environ.setdefault("PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION", "python")

DATA_DIR = Path(__file__).resolve().parent.parent / "gradcam_helpers" / "datos"
SHEET_SIDE = 12  # imágenes por fila y por columna de la hoja


def make_data(data_dir: Path) -> None:
    with contextlib.suppress(OSError):  # si no se puede crear, lo dice la comprobación
        data_dir.mkdir(parents=True, exist_ok=True)
    _check_folder(data_dir)
    chosen = plans()
    drawn = list(writer.examples(chosen))
    folder = writer.write(chosen, drawn, data_dir)
    size = sum(path.stat().st_size for path in folder.iterdir())
    print(f"{len(chosen)} imágenes, {size / 1e6:.1f} MB en {folder}")
    for split in ("train", "test"):
        part = [(plan, encoded) for plan, encoded in zip(chosen, drawn, strict=True) if plan.split == split]
        for name, accuracy in probes.measure(*zip(*part, strict=True)).items():
            limit = probes.LIMITS[name]
            verdict = "bien" if accuracy <= limit else f"MAL: el límite es {limit}"
            print(f"Sonda del {name} en «{split}»: exactitud {accuracy:.3f} ({verdict})")


def make_sheet(path: Path) -> None:
    if path.is_dir() or not cv2.haveImageWriter(str(path)):
        raise SystemExit(f"«{path}» no sirve: da el nombre de una imagen, como «hoja.png».")
    _check_folder(path.parent)
    if path.exists() and not os.access(path, os.W_OK):
        raise SystemExit(f"«{path}» está protegido: da otro nombre.")
    random = np.random.default_rng(0)
    subjects = [plan for plan in plans() if plan.label >= 0]
    chosen = [subjects[index] for index in random.permutation(len(subjects))[: SHEET_SIDE**2]]
    images = [
        cv2.imdecode(np.frombuffer(encoded["image"], np.uint8), cv2.IMREAD_COLOR)
        for encoded in writer.examples(chosen)
    ]
    rows = [np.hstack(images[start : start + SHEET_SIDE]) for start in range(0, len(images), SHEET_SIDE)]
    if not cv2.imwrite(str(path), np.vstack(rows)):
        raise SystemExit(f"No se pudo escribir «{path}».")


def _check_folder(folder: Path) -> None:
    """Si en esa carpeta no se puede escribir, se detiene ahora, y no después de dibujar."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError:
        raise SystemExit(
            f"No se puede escribir en «{folder}»: comprueba que es una carpeta y que tienes permiso."
        ) from None


def main() -> None:
    match sys.argv[1:]:
        case arguments if {"-h", "--help"} & set(arguments):
            print(__doc__)
        case ["datos"]:
            make_data(DATA_DIR)
        case ["datos", folder]:
            make_data(Path(folder))
        case ["hoja", file]:
            make_sheet(Path(file))
        case arguments:
            order = " ".join(["python -m generador", *arguments])
            raise SystemExit(f"No se entiende «{order}».\n\n{__doc__}")


if __name__ == "__main__":
    main()
