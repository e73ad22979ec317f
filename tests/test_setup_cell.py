"""La celda de preparación: dentro de una copia del curso no descarga nada; sola, lo descarga."""

import os
import shutil
import signal
import subprocess
import sys
import time
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


def failure_of(folder):
    """Lo que se lee cuando la preparación no puede seguir: una sola línea, y nada nuevo en la carpeta."""
    before = sorted(path.name for path in folder.iterdir())
    with pytest.raises(CellExecutionError) as failure:
        run_alone(NOTEBOOKS[0], folder)
    assert failure.value.ename == "SystemExit"
    assert "\n" not in failure.value.evalue
    assert sorted({path.name for path in folder.iterdir()} - {NOTEBOOKS[0].name}) == before
    return failure.value.evalue


def test_a_remote_that_does_not_exist_gives_one_line(tmp_path, remote):
    remote(tmp_path / "no-hay")
    line = failure_of(tmp_path)
    assert line.startswith("No se pudo descargar el curso (fatal: ")
    assert line.endswith("Comprueba la conexión y esa dirección, y repite la celda.")


def test_nothing_else_is_read_beside_that_line(tmp_path, remote):
    remote(tmp_path / "no-hay")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(setup_source(NOTEBOOKS[0]))])
    client = NotebookClient(
        notebook, timeout=120, allow_errors=True, resources={"metadata": {"path": tmp_path}}
    )
    client.execute()
    (cell,) = notebook.cells
    assert [output.get("name", output.output_type) for output in cell.outputs] == ["stdout", "error"]


def test_without_network_git_says_that_it_finds_no_server(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "url.https://no-hay.invalid/.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "https://github.com/")
    assert "Could not resolve host: no-hay.invalid" in failure_of(tmp_path)


def test_without_git_it_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "git" in failure_of(tmp_path).partition(")")[0]


@pytest.mark.skipif(os.name == "nt", reason="el git de mentira es un guion de sh")
def test_an_interrupted_download_leaves_nothing_that_looks_like_the_course(tmp_path, bare_clone, remote):
    slow_git = tmp_path / "bin" / "git"
    slow_git.parent.mkdir()
    slow_git.write_text('#!/bin/sh\nfor last; do :; done\nmkdir -p "$last/gradcam_helpers"\nsleep 60\n')
    slow_git.chmod(0o755)
    folder = tmp_path / "sola"
    folder.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", setup_source(NOTEBOOKS[0])],
        cwd=folder,
        env={**os.environ, "PATH": f"{slow_git.parent}{os.pathsep}{os.environ['PATH']}"},
        start_new_session=True,
    )
    deadline = time.monotonic() + 30
    while not list(folder.glob("*/curso/gradcam_helpers")):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    remote(bare_clone)
    first, _ = run_alone(NOTEBOOKS[0], folder)
    assert first.startswith("Este cuaderno está solo")


@pytest.mark.parametrize(
    "content",
    [".git/HEAD", "apuntes.txt", "gradcam_helpers/__init__.py"],
    ids=["clon a medias", "propia", "sin acabar"],
)
def test_a_folder_with_the_name_of_the_course_is_not_touched(content, tmp_path, bare_clone, remote):
    remote(bare_clone)
    (tmp_path / "curso-gradcam" / content).parent.mkdir(parents=True)
    (tmp_path / "curso-gradcam" / content).write_text("lo de antes")
    assert failure_of(tmp_path) == (
        "«curso-gradcam» no contiene el curso: cámbiale el nombre y repite la celda."
    )
    assert (tmp_path / "curso-gradcam" / content).read_text() == "lo de antes"


def test_a_copy_of_another_address_is_named(tmp_path, bare_clone, remote):
    subprocess.run(["git", "clone", "--quiet", bare_clone, "curso-gradcam"], cwd=tmp_path, check=True)
    line, _ = run_alone(NOTEBOOKS[0], tmp_path)
    assert line.strip() == (f"Uso el curso que ya hay en «curso-gradcam», descargado de {bare_clone}")


def test_in_a_folder_of_drive_with_spaces_in_its_name(tmp_path, bare_clone, remote):
    remote(bare_clone)
    folder = tmp_path / "MyDrive" / "Colab Notebooks"
    folder.mkdir(parents=True)
    _, imported = run_alone(NOTEBOOKS[0], folder)
    assert Path(imported.strip()).is_relative_to(folder / "curso-gradcam")
    assert sorted(path.name for path in folder.iterdir()) == [NOTEBOOKS[0].name, "curso-gradcam"]


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
