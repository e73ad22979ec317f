"""Antes de cualquier prueba, también de un cuaderno suelto: los datos, y una carpeta de modelos nueva."""

import os
import platform
import sys
import tempfile
from pathlib import Path

import pytest


def pytest_configure(config):
    # Los resultados publicados son los de los datos embebidos: compararlos exige usar los mismos.
    if getattr(config.option, "nbval", False):
        os.environ["GRADCAM_DATOS"] = "embebido"
        # Y un equipo como el que las calculó: en los demás los cuadernos se ejecutan, sin comparar.
        config.option.nbval_lax = (sys.platform, platform.machine()) != ("linux", "x86_64")
    config.models_folder = tempfile.TemporaryDirectory(prefix="modelos-")


@pytest.hookimpl(tryfirst=True)  # antes de que nbval arranque el núcleo del cuaderno, que hereda la variable
def pytest_runtest_setup(item):
    # Una por fichero: ninguno toca las redes de «modelos», ni usa la que entrena el cuaderno de la lección 2.
    folder = Path(item.config.models_folder.name, item.path.relative_to(item.config.rootpath))
    os.environ["GRADCAM_MODELOS"] = str(folder)


def pytest_unconfigure(config):
    config.models_folder.cleanup()
