"""Las soluciones, con los datos reales y su red: todas las comprobaciones dicen «bien» también allí."""

import nbformat
import pytest
from nbclient import NotebookClient

from ejercicios.derivar import SOLUTIONS
from tests.test_exercises import answers, right_answers

PATHS = sorted(SOLUTIONS.glob("*.ipynb"))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_solutions_are_right_with_the_real_data(path):
    notebook = nbformat.read(path, as_version=4)
    expected = right_answers(notebook)
    NotebookClient(notebook, timeout=900, resources={"metadata": {"path": path.parent}}).execute()
    outputs = [output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", [])]
    read = [text for text in outputs if text.startswith("Datos: ")]
    assert all(text.startswith("Datos: horses_or_humans,") for text in read)
    assert answers(notebook) == expected
