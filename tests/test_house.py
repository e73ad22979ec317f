"""La casa: qué módulos hay en cada piso, y cuáles puede importar cada uno."""

import ast
import re
from pathlib import Path

import pytest

import gradcam_helpers
from gradcam_helpers import engine

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "gradcam_helpers"
LONGEST = 300  # líneas de un módulo del piso de arriba


def table(package) -> list[str]:
    """Los módulos de la tabla de su docstring, en orden."""
    return re.findall(r"^    (\w+) {2,}\S", package.__doc__, flags=re.MULTILINE)


UPSTAIRS, DOWNSTAIRS = table(gradcam_helpers), [f"engine.{name}" for name in table(engine)]
ORDER = DOWNSTAIRS + UPSTAIRS


def imported(source: str) -> set[str]:
    """Los módulos del curso que importa un programa, sin el nombre del paquete: «cam», «engine.passes»."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            names |= {f"{module}.{alias.name}" for alias in node.names}
    own = [name.split(".")[1:] for name in names if name.startswith((".", "gradcam_helpers"))]
    return {".".join(parts[: 2 if parts[:1] == ["engine"] else 1]) for parts in own}


def path(module: str) -> Path:
    return PACKAGE / f"{module.replace('.', '/')}.py"


@pytest.mark.parametrize(
    ("source", "modules"),
    [
        ("from gradcam_helpers import cam, data", {"cam", "data"}),
        ("from gradcam_helpers.cam import Explainer", {"cam"}),
        ("import gradcam_helpers.cam as one", {"cam"}),
        ("def late():\n    from gradcam_helpers.engine import passes", {"engine.passes"}),
        ("from gradcam_helpers.engine.passes import CHUNK", {"engine.passes"}),
        ("import gradcam_helpers.engine.passes", {"engine.passes"}),
        ("from gradcam_helpers import engine", {"engine"}),
        ("from . import cam", {""}),  # no es ningún módulo: así no se importa en el curso
        ("import keras\nfrom pathlib import Path", set()),
    ],
)
def test_every_way_of_importing_is_seen(source, modules):
    assert imported(source) == modules


@pytest.mark.parametrize(("package", "names"), [(PACKAGE, UPSTAIRS), (PACKAGE / "engine", table(engine))])
def test_the_table_of_each_floor_names_its_modules(package, names):
    assert sorted(names) == sorted(file.stem for file in package.glob("*.py") if file.stem != "__init__")


@pytest.mark.parametrize("module", ORDER)
def test_each_module_imports_only_those_above_it_and_nothing_from_upstairs(module):
    assert imported(path(module).read_text()) <= set(ORDER[: ORDER.index(module)])


@pytest.mark.parametrize("lesson", sorted((ROOT / "fuentes").rglob("*.py")), ids=lambda lesson: lesson.stem)
def test_lessons_do_not_go_downstairs(lesson):
    assert imported(lesson.read_text()) <= set(UPSTAIRS)


@pytest.mark.parametrize("module", UPSTAIRS)
def test_upstairs_modules_are_short(module):
    assert len(path(module).read_text().splitlines()) <= LONGEST


def test_the_readme_names_every_module_upstairs():
    named = re.findall(r"^\| `(\w+)\.py` \|", (ROOT / "README.md").read_text(), flags=re.MULTILINE)
    assert named == UPSTAIRS


TEXTS = [
    *PACKAGE.rglob("*.py"),
    *(ROOT / "fuentes").rglob("*.py"),
    *(ROOT / "generador").rglob("*.py"),
    *ROOT.glob("*.md"),
    ROOT / "Makefile",
]


DELETE = re.compile(r"\b(bórra|elimína)l[oa]s?\b|\b(borra|elimina) es[aet]", flags=re.IGNORECASE)


@pytest.mark.parametrize("advice", ["Bórralo y repite.", "Borra esa carpeta", "elimínalas", "elimina este"])
def test_advice_to_delete_is_seen(advice):
    assert DELETE.search(advice)


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: str(text.relative_to(ROOT)))
def test_nobody_is_told_to_delete_anything(text):
    """Lo que parece dañado puede estar sano, y no tener copia."""
    assert not DELETE.search(text.read_text())
