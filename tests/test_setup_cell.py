"""La celda de preparación: dentro de una copia del curso no descarga nada; sola, lo descarga."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted(  # sin las copias que JupyterLab guarda al abrirlos
    path for path in (ROOT / "notebooks").rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts
)


def setup_source(path):
    cells = nbformat.read(path, as_version=4).cells
    (source,) = (cell.source for cell in cells if "preparacion" in cell.metadata.get("tags", []))
    return source


@pytest.fixture(scope="module")
def bare_clone(tmp_path_factory):
    """Repositorio local que hace de remoto, con el módulo de ayuda tal como está ahora."""
    folder = tmp_path_factory.mktemp("remoto")
    work = folder / "trabajo"
    shutil.copytree(ROOT / "gradcam_helpers", work / "gradcam_helpers")
    identity = ["-c", "user.name=prueba", "-c", "user.email=prueba@example.org"]
    for command in (
        ["init", "--quiet", "--initial-branch=main"],
        ["add", "."],
        [*identity, "commit", "--quiet", "--message=curso"],
        ["clone", "--quiet", "--bare", ".", str(folder / "curso.git")],
    ):
        subprocess.run(["git", *command], cwd=work, check=True)
    return folder / "curso.git"


@pytest.fixture
def remote(monkeypatch):
    """Hace que git busque en la carpeta dada lo que el cuaderno pide a GitHub."""

    def point_to(folder):
        monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
        monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.{folder.as_uri()}.insteadOf")
        monkeypatch.setenv("GIT_CONFIG_VALUE_0", "https://github.com/TU_USUARIO/curso-gradcam")

    return point_to


def run_alone(path, folder, times=1):
    """Ejecuta la preparación de un cuaderno copiado, él solo, en una carpeta; da lo que escribe cada vez."""
    shutil.copy(path, folder)
    check = "import gradcam_helpers\nprint(gradcam_helpers.__file__)"
    cells = [nbformat.v4.new_code_cell(setup_source(path)) for _ in range(times)]
    notebook = nbformat.v4.new_notebook(cells=[*cells, nbformat.v4.new_code_cell(check)])
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": folder}}).execute()
    return ["".join(output.get("text", "") for output in cell.outputs) for cell in notebook.cells]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_alone_downloads_the_course(path, tmp_path, bare_clone, remote):
    remote(bare_clone)
    first, second, imported = run_alone(path, tmp_path, times=2)
    assert first.startswith("Este cuaderno está solo: descargo el curso de https://github.com/")
    assert second == ""
    assert Path(imported.strip()) == tmp_path / "curso-gradcam" / "gradcam_helpers" / "__init__.py"


def test_a_remote_that_does_not_answer_gives_one_line(tmp_path, remote):
    remote(tmp_path / "no-hay")
    with pytest.raises(CellExecutionError) as failure:
        run_alone(NOTEBOOKS[0], tmp_path)
    assert failure.value.ename == "SystemExit"
    assert failure.value.evalue.startswith("No se pudo descargar el curso (fatal:")
    assert "\n" not in failure.value.evalue


def test_remains_of_an_interrupted_download_are_named(tmp_path, bare_clone, remote):
    remote(bare_clone)
    (tmp_path / "curso-gradcam" / ".git").mkdir(parents=True)
    with pytest.raises(CellExecutionError) as failure:
        run_alone(NOTEBOOKS[0], tmp_path)
    assert failure.value.evalue.endswith("Si existe curso-gradcam, bórrala.")


@pytest.mark.parametrize("start", [".", "notebooks", "fuentes", "gradcam_helpers"])
def test_in_a_copy_of_the_course_it_finds_it_from_any_folder(start, tmp_path):
    script = setup_source(NOTEBOOKS[0]) + "\nimport gradcam_helpers; print(gradcam_helpers.__file__)"
    environment = {**os.environ, "PATH": str(tmp_path)}  # sin git: no puede descargar
    run = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT / start,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(run.stdout.strip()) == ROOT / "gradcam_helpers" / "__init__.py"
