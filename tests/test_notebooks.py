"""Los cuadernos publicados: iguales a su fuente, ligeros, limpios y con enlaces que llevan a su sitio."""

import base64
import copy
import itertools
import json
import re
import tomllib
from pathlib import Path

import jupytext
import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted(path for path in (ROOT / "fuentes").rglob("*.py") if path.parent.name[0] != ".")
NOTEBOOKS = sorted(  # sin las copias que JupyterLab guarda al abrirlos
    path for path in (ROOT / "notebooks").rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts
)
LESSONS = [path for path in NOTEBOOKS if path.parent == ROOT / "notebooks" and path.name[0].isdigit()]
EXERCISES = [path for path in NOTEBOOKS if path.parent.name == "ejercicios"]  # derivados: no tienen fuente
LARGEST_FIGURE = 300_000  # bytes
LARGEST_PICTURE = 150_000  # bytes de una imagen que se enlaza
# Los apartados que tiene cada lección, en este orden; la de bienvenida no enseña nada todavía.
LESSON = ["Preguntas", "Objetivos", "Preparación", "Límites", "Ejercicios", "Lo que hemos visto"]
WELCOME = ["Preparación", "Mira y mueve", "Lo que sabrás hacer", "El recorrido", "Cómo se usa", "Créditos"]
EMBEDDED_DATA = "Datos: horses_or_humans_embebido, "

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
each_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)


def content(notebook):
    """Lo que una pareja debe compartir: núcleo y, de cada celda, tipo, texto y etiquetas."""
    cells = [(cell.cell_type, cell.source, tuple(cell.metadata.get("tags", ()))) for cell in notebook.cells]
    return dict(notebook.metadata["kernelspec"]), cells


def code_cells(path):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def address():
    """Repositorio («usuario/nombre») y rama, del único lugar donde se deciden."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    pattern = r"https://github\.com/([^/]+/[^/]+)/tree/(.+)"
    return re.fullmatch(pattern, project["project"]["urls"]["Repository"]).groups()


def test_every_source_has_its_notebook():
    def names(paths, folder):
        return [path.relative_to(ROOT / folder).with_suffix("") for path in paths]

    paired = [path for path in NOTEBOOKS if path not in EXERCISES]
    assert names(SOURCES, "fuentes") == names(paired, "notebooks")
    assert SOURCES


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_notebook_equals_its_source(source):
    path = ROOT / "notebooks" / source.relative_to(ROOT / "fuentes").with_suffix(".ipynb")
    assert content(nbformat.read(path, as_version=4)) == content(jupytext.read(source))


@pytest.mark.parametrize("change", ["word", "tag", "kernel", "cell"])
def test_comparison_notices(change):
    notebook = jupytext.read(SOURCES[0])
    altered = copy.deepcopy(notebook)
    if change == "word":
        altered.cells[-1].source = altered.cells[-1].source.replace("siguiente", "anterior")
    elif change == "tag":
        altered.cells[-1].metadata["tags"] = ["otra"]
    elif change == "kernel":
        altered.metadata["kernelspec"]["name"] = "otro"
    else:
        del altered.cells[3]
    assert content(altered) != content(notebook)


@each_notebook
def test_is_light(path):
    assert path.stat().st_size < 1_000_000


@each_notebook
def test_is_clean(path):
    notebook = nbformat.read(path, as_version=4)
    assert "widgets" not in notebook.metadata
    for cell in code_cells(path):
        assert "execution" not in cell.metadata
        for output in cell.outputs:
            assert output.output_type != "error"
            assert output.get("name") != "stderr"
            assert "application/vnd.jupyter.widget-view+json" not in output.get("data", {})
            text = json.dumps(output)
            assert not re.search(r"/(home|root|work|tmp|Users|content)/", text), text


@each_notebook
def test_was_executed_from_top_to_bottom(path):
    for number, cell in enumerate(code_cells(path), start=1):
        # Al quitar la salida de una celda se quita también su número.
        expected = None if "remove_output" in cell.metadata.get("tags", []) else number
        assert cell.execution_count == expected


@each_notebook
def test_cells_without_saved_output_are_not_compared(path):
    for cell in code_cells(path):
        tags = cell.metadata.get("tags", [])
        if "remove_output" in tags:
            assert "nbval-ignore-output" in tags
            assert cell.outputs == []


def figures(cell):
    """Los PNG guardados con una celda."""
    pictures = [output.get("data", {}).get("image/png") for output in cell.get("outputs", [])]
    return [base64.b64decode(picture) for picture in pictures if picture]


@each_notebook
def test_outputs_are_those_of_the_embedded_data(path):
    # Las imágenes reales no se publican: una sola línea dice de qué datos es todo lo que se ve.
    texts = [output.get("text", "") for cell in code_cells(path) for output in cell.outputs]
    reads = any("prepare_source(" in cell.source for cell in code_cells(path))
    assert [text.startswith(EMBEDDED_DATA) for text in texts if text.startswith("Datos: ")] == [True] * reads


@each_notebook
def test_every_figure_is_published_and_light(path):
    for cell in code_cells(path):
        # En un cuaderno de ejercicios, la figura de lo que falta por hacer espera a que esté hecho.
        waits = path in EXERCISES and "comprobar.hecho(" in cell.source
        assert len(figures(cell)) == (0 if waits else cell.source.count("figure = ")), cell.source
        assert all(len(picture) < LARGEST_FIGURE for picture in figures(cell)), cell.source


@each_notebook
def test_every_figure_has_its_caption_below(path):
    cells = nbformat.read(path, as_version=4).cells
    number = 0
    for cell, below in itertools.pairwise(cells):
        if figures(cell):
            number += 1
            assert below.source.startswith(f"**Figura {number}.** ")


@each_notebook
def test_no_picture_comes_from_elsewhere(path):
    for cell in nbformat.read(path, as_version=4).cells:
        assert "data:image" not in cell.source and not cell.get("attachments")
        assert "data:image" not in json.dumps(cell.get("outputs", []))


@each_notebook
def test_linked_pictures_are_those_of_the_course_and_are_described(path):
    """Por su dirección, para que se vean también en Colab, adonde solo llega el cuaderno."""
    repository, reference = address()
    where = f"https://github.com/{repository}/raw/{reference}/figuras/"
    for cell in nbformat.read(path, as_version=4).cells:
        for text, link in re.findall(r"!\[([^]]*)\]\(([^)]*)\)", cell.source):
            if re.search(r"badge(_logo)?\.svg$", link):
                continue
            assert text and link.startswith(where)
            assert 0 < (ROOT / "figuras" / link.removeprefix(where)).stat().st_size < LARGEST_PICTURE


@each_notebook
def test_setup_cell_is_the_same_everywhere(path):
    (setup,) = (cell for cell in code_cells(path) if "preparacion" in cell.metadata.get("tags", []))
    (first,) = (cell for cell in code_cells(LESSONS[0]) if "preparacion" in cell.metadata.get("tags", []))
    assert setup.source == first.source
    # Se ejecuta sin leerla: JupyterLab y Colab la enseñan plegada.
    assert setup.metadata["jupyter"]["source_hidden"] and setup.metadata["cellView"] == "form"
    assert setup.source.startswith("# @title ")
    repository, reference = address()
    assert f'REPOSITORY = "https://github.com/{repository}"' in setup.source
    assert f'REFERENCE = "{reference}"' in setup.source


@each_lesson
def test_lesson_follows_the_template(path):
    text = "\n".join(
        cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"
    )
    headings = re.findall(r"^## (.+)$", text, flags=re.MULTILINE)
    template = WELCOME if path == LESSONS[0] else LESSON
    assert [heading for heading in headings if heading in template] == template
    assert headings[-1] == "Para seguir"
    assert text.startswith(f"# {path.stem[:2]} · ")


@each_notebook
def test_badges_open_their_own_notebook(path):
    repository, reference = address()
    where = path.relative_to(ROOT).as_posix()
    links = re.findall(r"\]\((https://[^)]*\.ipynb)\)", nbformat.read(path, as_version=4).cells[0].source)
    assert links == [
        f"https://colab.research.google.com/github/{repository}/blob/{reference}/{where}",
        f"https://mybinder.org/v2/gh/{repository}/{reference}?urlpath=lab/tree/{where}",
        f"https://github.com/{repository}/raw/{reference}/{where}",
    ]


def test_badges_of_the_readme_open_the_notebook_of_their_row():
    rows = [line for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines() if "badge" in line]
    assert len(rows) == len(LESSONS)
    repository, reference = address()
    for row, path in zip(rows, LESSONS, strict=True):
        where = path.relative_to(ROOT).as_posix()
        links = re.findall(r"\]\(([^)]*\.ipynb)\)", row)
        exercises = [each for each in EXERCISES if each.stem == f"{path.stem}_ejercicios"]
        assert links == [
            where,
            f"https://colab.research.google.com/github/{repository}/blob/{reference}/{where}",
            f"https://mybinder.org/v2/gh/{repository}/{reference}?urlpath=lab/tree/{where}",
            *(each.relative_to(ROOT).as_posix() for each in exercises),
        ]


@pytest.mark.parametrize(
    "path",
    [*NOTEBOOKS, ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "DOCENTES.md"],
    ids=lambda path: path.name,
)
def test_local_links_lead_somewhere(path):
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        text = "\n".join(
            cell.source for cell in nbformat.reads(text, as_version=4).cells if cell.cell_type == "markdown"
        )
    for link in re.findall(r"\]\(([^)#\s]+)\)", text):
        if not link.startswith("https://"):
            assert (path.parent / link).exists(), link
