"""Lo que comparten las pruebas del navegador: JupyterLab, con una red del curso ya guardada, y Chromium."""

from pathlib import Path

import pytest

from tests.navegador import lab
from tests.navegador.board import find_boards

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="session")
def browser():
    with lab.run_browser() as browser:
        yield browser


@pytest.fixture(scope="session")
def server(browser, course_network, tmp_path_factory):
    """JupyterLab, con los datos embebidos y la red entrenada unas decenas de pasos."""
    from gradcam_helpers import models

    folder = tmp_path_factory.mktemp("navegador")
    networks = folder / "redes"
    models.save_model(course_network, networks / "original-embebido.keras")
    with lab.run_lab(folder, GRADCAM_DATOS="embebido", GRADCAM_MODELOS=str(networks)) as server:
        yield server


@pytest.fixture(scope="session")
def captures() -> Path:
    folder = HERE / "capturas"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def boards_of(tmp_path_factory):
    """Los paneles que muestra un cuaderno: `(identificador en el núcleo, panel)`, por orden."""
    folder = tmp_path_factory.mktemp("paneles")
    return lambda notebook: find_boards(notebook, folder)
