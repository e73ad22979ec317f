"""Antes de cualquier prueba, también de un cuaderno suelto: los datos, y una carpeta de modelos nueva."""

import os
import tempfile


def pytest_configure(config):
    # Los resultados publicados son los de los datos embebidos: compararlos exige usar los mismos.
    if getattr(config.option, "nbval", False):
        os.environ["GRADCAM_DATOS"] = "embebido"
    # Los cuadernos corren en otros procesos y heredan la variable: así ninguno toca las redes de «modelos».
    config.models_folder = tempfile.TemporaryDirectory(prefix="modelos-")
    os.environ["GRADCAM_MODELOS"] = config.models_folder.name


def pytest_unconfigure(config):
    config.models_folder.cleanup()
