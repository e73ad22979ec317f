"""Los cuadernos de ejercicios, que salen de los de soluciones: nadie los escribe a mano.

En una celda de código, lo que hay que escribir está entre dos marcas; en su lugar queda el hueco que dice la
primera o, si no dice ninguno, `...`:

    # <solución> return ...
    return gradients.mean(axis=(1, 2))
    # </solución>

Una celda de texto con la etiqueta `solucion` no pasa al cuaderno de ejercicios.
Uso, para escribirlos todos, sin ejecutar: python -m ejercicios.derivar
"""

import copy
import re
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
SOLUTIONS = ROOT / "notebooks" / "soluciones"
EXERCISES = ROOT / "notebooks" / "ejercicios"

REGION = re.compile(
    r"^(?P<indent>[ ]*)# <solución>(?:[ ](?P<gap>[^\n]+))?\n(?P<body>.*?)^[ ]*# </solución>$",
    re.MULTILINE | re.DOTALL,
)
MARK = re.compile(r"<(/?)solución>")


def exercise_path(solution: Path) -> Path:
    """Dónde está el cuaderno de ejercicios que sale de ese, de soluciones."""
    return EXERCISES / solution.name.replace("_soluciones", "_ejercicios")


def derive(solution: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """El cuaderno de ejercicios, sin ejecutar.

    Errores:
        ValueError: una marca está sola, o no hay ninguna.
    """
    exercise = copy.deepcopy(solution)
    # Al guardarlo, Jupytext no debe escribirle una fuente.
    exercise.metadata["jupytext"] = {"formats": "ipynb"}
    exercise.cells = [cell for cell in exercise.cells if "solucion" not in cell.metadata.get("tags", [])]
    regions = 0
    for cell in exercise.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            cell.source, count = REGION.subn(_gap, cell.source)
            regions += count
        if lone := MARK.search(cell.source):
            raise ValueError(f"La marca «{lone.group()}» no tiene pareja en esta celda:\n{cell.source}")
    if not regions:
        raise ValueError("El cuaderno no tiene ninguna solución marcada.")
    first = exercise.cells[0]
    first.source = first.source.replace("soluciones", "ejercicios")
    return exercise


def hidden_lines(solution: nbformat.NotebookNode) -> list[str]:
    """Las líneas, sin sangrar, que el cuaderno de ejercicios no debe enseñar."""
    bodies = [region["body"] for cell in solution.cells for region in REGION.finditer(cell.source)]
    return [line.strip() for body in bodies for line in body.splitlines()]


def _gap(region: re.Match) -> str:
    return f"{region['indent']}{region['gap'] or '...'}"


def main() -> None:
    EXERCISES.mkdir(exist_ok=True)
    for path in sorted(SOLUTIONS.glob("*.ipynb")):
        nbformat.write(derive(nbformat.read(path, as_version=4)), exercise_path(path))


if __name__ == "__main__":
    main()
