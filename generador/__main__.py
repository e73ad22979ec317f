"""Rehace los datos embebidos, o dibuja una hoja con una muestra de ellos.

python -m generador datos [carpeta]
python -m generador hoja fichero.png
"""

import argparse
import os
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
            print(f"Sonda de {name} en {split}: exactitud {accuracy:.3f} ({verdict})")


def make_sheet(path: Path) -> None:
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


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m generador", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True, metavar="orden")
    data = commands.add_parser("datos", help="dibuja el conjunto y lo escribe en el formato de TFDS")
    data.add_argument("carpeta", type=Path, nargs="?", default=DATA_DIR)
    sheet = commands.add_parser("hoja", help="dibuja una muestra en una sola imagen")
    sheet.add_argument("fichero", type=Path)
    arguments = parser.parse_args()
    if arguments.command == "datos":
        make_data(arguments.carpeta)
    else:
        make_sheet(arguments.fichero)


if __name__ == "__main__":
    main()
