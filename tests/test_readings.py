"""Las lecturas: lo que se dice, plegado, de una figura o de una cuenta es lo que la salida guardada muestra.

Cada cifra de una lectura lleva detrás, en un comentario que no se ve, el texto que la precede en la salida:
«el 92 %<!-- Grad-CAM, fondo: -->» cita el número que sigue a «Grad-CAM, fondo:». Las lecturas de los datos
embebidos citan lo que imprimen las celdas de encima; las demás, las tablas de `medidas/resultados` que llevan
el nombre de la lección.
"""

import itertools
import re
from pathlib import Path

import nbformat
import pytest

from medidas.lessons import FOLDED, NOTEBOOKS, length

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "medidas" / "resultados"

READING = re.compile(r"<details><summary>Lo que se ve con ([^<]+)</summary>(.*?)</details>", re.DOTALL)
EMBEDDED = "los datos embebidos"
# Los millares se separan con un espacio duro; los decimales, con una coma.
QUOTED = re.compile(r"([+−]?\d+(?:\u00a0\d{3})*(?:,\d+)?)(?:\s%)?<!--\s*(.+?)\s*-->", re.DOTALL)
PRINTED = re.compile(r"[+−-]?\d+(?:\.\d+)?")
# Números que no salen de ninguna cuenta: los de un nombre, una fórmula o una referencia.
NAMES = re.compile(r"`[^`]*`|\$[^$]*\$|\b(?:[Ff]igura|[Ll]ección)\s\d+")
LONGEST = 2000, 700, 65  # palabras a la vista, palabras plegadas y celdas
WIDEST = 88  # caracteres de una línea de código

LESSONS = sorted(NOTEBOOKS.glob("*.ipynb"))  # y el de preguntas
each_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)


def flat(text: str) -> str:
    """Sin los espacios repetidos ni los saltos de línea."""
    return " ".join(text.split())


def outputs_of(cell) -> str:
    texts = [output.get("text", output.get("data", {}).get("text/plain", "")) for output in cell.outputs]
    return "\n".join(texts)


def results_of(lesson: str) -> str:
    return "\n".join(table.read_text(encoding="utf-8") for table in sorted(RESULTS.glob(f"{lesson}*.txt")))


def faults(reading: str, shown: str) -> list[str]:
    """Lo que una lectura dice y `shown` no muestra, o dice sin citar de dónde sale."""
    shown, found = flat(shown), []
    for number, label in QUOTED.findall(reading):
        places = [match.end() for match in re.finditer(re.escape(flat(label)), shown)]
        if len(places) != 1:
            found.append(f"«{label}» está {len(places)} veces en la salida: debe estar una.")
            continue
        printed = PRINTED.search(shown, places[0])
        said = number.replace("\u00a0", "").replace(",", ".").replace("−", "-")
        if not printed or printed.group().replace("−", "-") != said:
            found.append(f"«{label}» va seguido de «{shown[places[0] : places[0] + 20]}», y se lee {number}.")
    rest = NAMES.sub(" ", QUOTED.sub(" ", reading))
    return found + [f"«{number}» no dice de dónde sale." for number in re.findall(r"\S*\d\S*", rest)]


@each_lesson
def test_every_number_of_a_reading_is_in_the_saved_output(path):
    shown = ""
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            shown += f"\n{outputs_of(cell)}"
        elif cell.cell_type == "markdown":
            for where, reading in READING.findall(cell.source):
                assert faults(reading, shown if where == EMBEDDED else results_of(path.stem)) == []


@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        ("Cae el 92 %<!-- Grad-CAM, fondo: --> en el fondo de la figura 3.", 0),
        ("Los 22\u00a0717\u00a0090<!-- En total: --> de `capa1`.", 0),
        ("Baja −0,5<!-- cambio -->.", 0),
        ("Cae el 91 %<!-- Grad-CAM, fondo: -->.", 1),
        ("Cae el 9 %<!-- Grad-CAM, fondo: -->.", 1),
        ("Cae el 92 %<!-- fondo: -->.", 1),
        ("Cae el 92 %<!-- LayerCAM, fondo: -->.", 1),
        ("Cae el 92 %.", 1),
    ],
)
def test_a_false_reading_is_noticed(reading, expected):
    shown = "Grad-CAM, fondo: 92 %\nHiResCAM, fondo:   57 %\nEn total: 22717090\ncambio -0.5"
    assert len(faults(reading, shown)) == expected


@each_lesson
def test_every_prediction_is_answered_before_the_next_one(path):
    asked = False
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type != "markdown":
            continue
        for piece in re.findall(r"<details>|\*\*Predice", cell.source):
            assert not (asked and piece == "**Predice"), cell.source
            asked = piece == "**Predice"
    assert not asked


@each_lesson
def test_folded_blocks_are_drawn_as_markdown(path):
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            blocks = FOLDED.findall(cell.source)
            assert cell.source.count("<details>") == cell.source.count("</details>") == len(blocks)
            for block in blocks:
                # Sin líneas en blanco alrededor, lo de dentro se lee como HTML.
                assert re.fullmatch(r"<details><summary>.+?</summary>\n\n.+\n\n</details>", block, re.DOTALL)


@each_lesson
def test_is_short(path):
    for what, limit in zip(length(nbformat.read(path, as_version=4)), LONGEST, strict=True):
        assert what <= limit


@each_lesson
def test_code_is_narrow(path):
    cells = nbformat.read(path, as_version=4).cells
    code = itertools.chain.from_iterable(
        cell.source.splitlines() for cell in cells if cell.cell_type == "code"
    )
    assert [line for line in code if len(line) > WIDEST] == []
