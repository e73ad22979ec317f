"""Los cuadernos de ejercicios: salen de los de soluciones, no las enseñan y esperan sin quejarse."""

import json
import re
from pathlib import Path

import nbformat
import pytest

from ejercicios import derivar
from gradcam_helpers import checks
from tests.test_notebooks import content

SOLUTIONS = sorted(derivar.SOLUTIONS.glob("*.ipynb"))
SHORTEST = 8  # caracteres de una línea que delata una solución; «total = 0» no lo hace
CALL = re.compile(r'comprobar\("(\d\d-\d)"')
LESSONS = ["01", "02", "03", "04", "05"]

each_solution = pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)


def read(path: Path):
    return nbformat.read(path, as_version=4)


def written(notebook) -> str:
    """Todo lo que un cuaderno enseña: sus celdas y sus salidas."""
    return nbformat.writes(nbformat.v4.new_notebook(cells=notebook.cells))


def answers(notebook) -> list[str]:
    """Lo que han contestado las comprobaciones, en orden."""
    outputs = [output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", [])]
    return re.findall(r"^(\d\d-\d · [^.]+\.)", "\n".join(outputs), flags=re.MULTILINE)


def test_every_lesson_has_its_exercises():
    assert [path.stem[:2] for path in SOLUTIONS] == LESSONS
    found = sorted(path.name for path in derivar.EXERCISES.glob("*.ipynb"))
    assert found == [derivar.exercise_path(path).name for path in SOLUTIONS]


@each_solution
def test_exercises_are_what_derivation_gives(path):
    derived, kept = derivar.derive(read(path)), read(derivar.exercise_path(path))
    assert content(kept) == content(derived)
    assert [cell.id for cell in kept.cells] == [cell.id for cell in derived.cells]
    assert kept.metadata["jupytext"] == {"formats": "ipynb"}


@each_solution
def test_no_solution_leaks(path):
    shown = written(read(derivar.exercise_path(path)))
    hidden = [line for line in derivar.hidden_lines(read(path)) if len(line) >= SHORTEST]
    assert hidden
    for line in hidden:
        assert json.dumps(line, ensure_ascii=False)[1:-1] not in shown, line
    assert "solución>" not in shown


@each_solution
def test_every_exercise_is_checked_once_and_in_order(path):
    lesson = path.stem[:2]
    keys = [key for key in checks.EXERCISES if key.startswith(lesson)]
    assert 4 <= len(keys) <= 6
    code = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "code")
    assert CALL.findall(code) == keys


@each_solution
def test_every_exercise_says_what_it_asks(path):
    text = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    lesson = path.stem[:2]
    for key, exercise in checks.EXERCISES.items():
        if not key.startswith(lesson):
            continue
        (statement,) = re.findall(
            rf"^## {key} · {re.escape(exercise.title)}\n(.*?)(?=^## |\Z)", text, re.M | re.S
        )
        kind = r"(predecir|completar|modificar|encontrar el error|diseñar|interpretar)"
        assert re.search(rf"^{kind} · (fácil|media|difícil) · \d+ min$", statement.lower(), re.M), key
        for piece in ("**Entrega:**", "<summary>Pista</summary>", "<summary>Un error frecuente</summary>"):
            assert statement.count(piece) == 1, (key, piece)
        assert statement.count("<summary>Rúbrica</summary>") == (exercise.check is None), key


@each_solution
def test_at_least_one_is_open_and_one_is_played(path):
    ours = [exercise for key, exercise in checks.EXERCISES.items() if key.startswith(path.stem[:2])]
    assert any(exercise.check is None for exercise in ours)
    shown = [cell for cell in read(path).cells if "remove_output" in cell.metadata.get("tags", [])]
    assert shown  # el control que se mueve


def right_answers(notebook) -> list[str]:
    """Lo que deben contestar las comprobaciones de un cuaderno de soluciones."""
    keys = CALL.findall("\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code"))
    opened = "es una respuesta abierta, y aquí no se corrige: compárala con la rúbrica."
    return [f"{key} · {'bien.' if checks.EXERCISES[key].check else opened}" for key in keys]


@each_solution
def test_solutions_are_right_and_untouched_exercises_wait(path):
    expected = right_answers(read(path))
    assert answers(read(path)) == expected
    waiting = [f"{line.split()[0]} · todavía sin responder." for line in expected]
    assert answers(read(derivar.exercise_path(path))) == waiting


def notebook(*sources, tags=()):
    cells = [nbformat.v4.new_markdown_cell("# 01 · Soluciones de «soluciones/01_soluciones.ipynb»")]
    cells += [nbformat.v4.new_code_cell(source) for source in sources]
    cells.append(nbformat.v4.new_markdown_cell("Por qué.", metadata={"tags": list(tags)}))
    return nbformat.v4.new_notebook(cells=cells)


def test_a_gap_takes_the_place_of_a_solution():
    source = "def f(x):\n    # <solución> return ...\n    y = x\n    return y\n    # </solución>\n\n\nf(1)"
    derived = derivar.derive(notebook(source))
    assert derived.cells[1].source == "def f(x):\n    return ...\n\n\nf(1)"


def test_the_default_gap_is_an_ellipsis():
    derived = derivar.derive(
        notebook("# <solución>\nx = 1\n# </solución>\n# <solución> y = ...\ny = 2\n# </solución>")
    )
    assert derived.cells[1].source == "...\ny = ..."


def test_the_explanation_of_a_solution_stays_with_it():
    source = "# <solución>\nx = 1\n# </solución>"
    assert len(derivar.derive(notebook(source, tags=["solucion"])).cells) == 2
    assert len(derivar.derive(notebook(source)).cells) == 3


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("# <solución>\nx = 1", "«<solución>» no tiene pareja"),
        ("x = 1\n# </solución>", "«</solución>» no tiene pareja"),
        ("x = 1", "ninguna solución"),
    ],
)
def test_a_mark_alone_is_an_error(source, message):
    with pytest.raises(ValueError, match=message):
        derivar.derive(notebook(source))
