"""Un proceso para cada herramienta, que atiende las peticiones de una en una.

En un mismo proceso, los hilos de TensorFlow y los de torch compiten por los núcleos, y las dos bibliotecas
chocan hasta al cargarse. Separadas y por turnos, la que no trabaja no gasta, y cada una mide como si fuera la
única.
"""

import importlib
import os
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from importlib import metadata
from multiprocessing import get_context
from pathlib import Path

from medidas.pares import inputs

# Cada módulo de «tools», y el paquete del que sale la herramienta.
PEERS = {
    "xplique": "xplique",
    "tf_keras_vis": "tf-keras-vis",
    "captum": "captum",
    "pytorch_grad_cam": "grad-cam",
}


def name_of(peer: str) -> str:
    """El nombre con el que se conoce una herramienta."""
    return peer.replace("_", "-")


def title(peer: str) -> str:
    """Su nombre y su versión."""
    return f"{name_of(peer)} {metadata.version(PEERS[peer])}"


def write_inputs(path: Path, count: int) -> None:
    """`inputs.write` en otro proceso: este no carga ni TensorFlow ni torch."""
    with ProcessPoolExecutor(1, get_context("spawn"), _silence) as executor:
        executor.submit(inputs.write, path, count).result()


class Worker:
    """El proceso de una herramienta: la clase `Tool` de un módulo de «tools»."""

    def __init__(self, module: str, path: Path):
        self._module = module
        self._arguments = f"medidas.pares.tools.{module}", path
        self._executor = ProcessPoolExecutor(1, get_context("spawn"), _silence)

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_):
        self._executor.shutdown()

    def call(self, name: str, *arguments):
        """Lo que devuelve ese método de la herramienta.

        Errores:
            ChildProcessError: el proceso terminó sin responder. Los de la herramienta llegan tal cual.
        """
        try:
            return self._executor.submit(_call, *self._arguments, name, *arguments).result()
        except BrokenProcessPool:
            raise ChildProcessError(f"El proceso de «{self._module}» terminó de golpe en «{name}».") from None


_tools = {}  # en el proceso de una herramienta, ella misma


def _call(module: str, path: Path, name: str, *arguments):
    if module not in _tools:
        _tools[module] = importlib.import_module(module).Tool(inputs.read(path))
    return getattr(_tools[module], name)(*arguments)


def _silence() -> None:
    """Calla los avisos y barras de progreso de las bibliotecas; los errores se devuelven a quien llama."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
