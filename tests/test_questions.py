"""El cuaderno de preguntas: un índice que lleva a todas, respuestas cortas y celdas que se bastan solas."""

import ast
import builtins
import re
from pathlib import Path

import nbformat
import pytest

from medidas.lessons import FOLDED, NOT_READ

CELLS = nbformat.read(Path(__file__).resolve().parent.parent / "notebooks" / "preguntas.ipynb", 4).cells
# Lleva un ancla propia: con las de los títulos, JupyterLab no encuentra los que tienen acentos.
QUESTION = re.compile(r'<a id="(\w+)"></a>\n\n## (¿.+)')
MOST_WORDS, MOST_LINES = 90, 12  # de una respuesta y de su celda, sin contar las líneas en blanco


def heading(cell) -> str:
    """El título de la pregunta que abre una celda, o nada."""
    found = QUESTION.match(cell.source) if cell.cell_type == "markdown" else None
    return found.group(2) if found else ""


PLACES = [place for place, cell in enumerate(CELLS) if heading(cell)]
PREPARATION = [cell.source for cell in CELLS[: PLACES[0]] if cell.cell_type == "code"]
ENDS = [*PLACES[1:], len(CELLS)]
QUESTIONS = {heading(CELLS[start]): CELLS[start:end] for start, end in zip(PLACES, ENDS, strict=True)}
each_question = pytest.mark.parametrize("question", QUESTIONS)


def code_of(question: str) -> str:
    (code,) = (cell.source for cell in QUESTIONS[question] if cell.cell_type == "code")
    return code


def names(source: str) -> tuple[set[str], set[str]]:
    """Los nombres que un programa define, en cualquier sitio, y los que lee."""
    nodes = list(ast.walk(ast.parse(source)))
    found = [node for node in nodes if isinstance(node, ast.Name)]
    defined = {node.id for node in found if isinstance(node.ctx, ast.Store)}
    defined |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    defined |= {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
    imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    defined |= {alias.asname or alias.name for node in imports for alias in node.names}
    return defined, {node.id for node in found if isinstance(node.ctx, ast.Load)}


def test_the_index_leads_to_every_question_in_order():
    entries = re.findall(r"^- \[(.+)\]\(#(.+)\)$", CELLS[0].source, flags=re.MULTILINE)
    anchors = [QUESTION.match(cells[0].source).group(1) for cells in QUESTIONS.values()]
    assert entries == list(zip(QUESTIONS, anchors, strict=True))
    assert all(anchor.isascii() for anchor in anchors) and len(set(anchors)) == len(anchors)


@each_question
def test_the_answer_is_short(question):
    text = NOT_READ.sub(" ", FOLDED.sub(" ", QUESTION.sub("", QUESTIONS[question][0].source)))
    assert 0 < sum(any(map(str.isalnum, word)) for word in text.split()) <= MOST_WORDS


@each_question
def test_one_short_cell_shows_it(question):
    code = code_of(question)
    assert sum(bool(line.strip()) for line in code.splitlines()) <= MOST_LINES
    assert "assert " in code or "print(" in code


@each_question
def test_the_cell_runs_after_the_preparation_alone(question):
    known = set().union(*(names(source)[0] for source in PREPARATION))
    defined, read = names(code_of(question))
    assert read <= known | defined | set(dir(builtins))
