"""Si este equipo puede con el curso, en palabras."""

import os
import platform

import psutil
from packaging.specifiers import SpecifierSet

from gradcam_helpers.engine.backend import BOUNDS, keras, tf

GIGABYTE = 1e9
ENOUGH = 1.5 * GIGABYTE  # lo que ocupa, como mucho, cualquier lección menos la 2
TRAINING = 2.0 * GIGABYTE  # lo que ocupa la lección 2, que entrena


def describe_computer() -> str:
    """Las versiones y la memoria de este equipo, y si bastan: una línea para cada cosa."""
    versions = f"Python {platform.python_version()}, TensorFlow {tf.__version__} y Keras {keras.__version__}"
    known = all(SpecifierSet(BOUNDS[each.__name__]).contains(each.__version__) for each in (tf, keras))
    verdict = "el curso se prueba con ellas" if known else "son más nuevas que las que el curso prueba"
    return f"Versiones: {versions}; {verdict}.\n{describe_memory(free_memory())}"


def free_memory() -> float:
    """Bytes libres: los del equipo o, donde `MEM_LIMIT` pone un límite, como en Binder, los de este."""
    free = psutil.virtual_memory().available
    if limit := os.environ.get("MEM_LIMIT"):
        free = min(free, float(limit) - sum(_resident(process) for process in psutil.process_iter()))
    return max(0.0, free)


def describe_memory(free: float) -> str:
    """Para qué lecciones basta esa memoria, en bytes, y qué hacer si no."""
    size = f"{free / GIGABYTE:.1f}".replace(".", ",")
    if free >= TRAINING:
        verdict = "basta para todas las lecciones."
    elif free >= ENOUGH:
        verdict = "basta para todas las lecciones menos la 2. Antes de abrirla, apaga los demás núcleos."
    else:
        verdict = "es poca. Cierra otros programas y apaga los núcleos de otros cuadernos."
    return f"Memoria: quedan {size} GB libres; {verdict}"


def _resident(process: psutil.Process) -> int:
    try:
        return process.memory_info().rss
    except psutil.Error:  # ya ha acabado, o es de otra persona
        return 0
