"""Cada cuaderno, él solo y entero, con los paquetes de Colab: sin errores ni avisos que inquieten a nadie."""

import importlib.metadata
import os
import re
import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
EXERCISES = sorted(  # y sus soluciones
    path for folder in ("ejercicios", "soluciones") for path in (ROOT / "notebooks" / folder).glob("*.ipynb")
)
LESSON_1 = ROOT / "notebooks" / "01_datos.ipynb"


def test_the_environment_is_that_of_the_list():
    lock = (ROOT / "tests/colab/requirements.txt").read_text(encoding="utf-8")
    installed = {
        canonicalize_name(each.name): each.version
        for each in importlib.metadata.distributions()
        if each.name != "pip"
    }
    assert installed == dict(re.findall(r"^(\S+)==(\S+)", lock, flags=re.MULTILINE))


def run_alone(path, folder):
    """Ejecuta en esa carpeta una copia del cuaderno; da lo que escribe, por `stdout` y por `stderr`."""
    shutil.copy(path, folder)
    notebook = nbformat.read(folder / path.name, as_version=4)
    client = NotebookClient(notebook, timeout=900, resources={"metadata": {"path": folder}})
    # Bajo pytest, ipykernel no recogería en el cuaderno lo que escriben las bibliotecas de C++.
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    with open(folder.with_suffix(".stderr"), "w+", encoding="utf-8") as kernel:
        client.execute(env=environment, stderr=kernel)
        kernel.seek(0)
        written = {"stdout": "", "stderr": kernel.read()}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "stream":
                written[output.name] += output.text
    assert (folder / "curso-gradcam" / "gradcam_helpers").is_dir()
    return written


@pytest.fixture
def embedded(colab, monkeypatch) -> None:
    monkeypatch.setenv("GRADCAM_DATOS", "embebido")


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_with_the_embedded_data(path, embedded, folder):
    assert run_alone(path, folder)["stderr"] == ""


@pytest.mark.parametrize("path", EXERCISES, ids=lambda path: path.stem)
def test_an_exercise_with_the_embedded_data(path, embedded, folder):
    assert run_alone(path, folder)["stderr"] == ""


def test_lesson_1_downloads_the_real_data(network, folder, home):
    written = run_alone(LESSON_1, folder)
    assert "Datos: horses_or_humans, las imágenes originales" in written["stdout"]
    for split, count in zip(("train", "test"), network.pictures.values(), strict=True):
        assert f"{split:6s} {count} imágenes" in written["stdout"]
    assert network.requests == list(network.pictures)
    assert (home / "tensorflow_datasets/horses_or_humans/3.0.0/dataset_info.json").is_file()
    assert written["stderr"] == ""


def test_lesson_1_without_a_network(colab, folder, home, monkeypatch):
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # donde no escucha nadie
    written = run_alone(LESSON_1, folder)
    (line,) = (line for line in written["stdout"].splitlines() if "embebidos" in line)
    assert line.startswith("Uso los datos embebidos, porque los reales no se pueden usar ahora. ")
    assert "Connection refused" in line
    assert "Datos: horses_or_humans_embebido" in written["stdout"]
    assert not (home / "tensorflow_datasets").exists()
    assert written["stderr"] == ""
