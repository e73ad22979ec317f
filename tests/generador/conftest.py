"""Lo que comparten las pruebas del generador: el conjunto guardado, cuerpos sencillos y procesos limpios."""

import importlib
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest


def import_without_consequences(module: str) -> None:
    """Al importarse, el generador fija variables de entorno; las deja como estaban.

    Los cuadernos son pruebas de la misma orden, corren en otros procesos y no deben heredarlas.
    """
    before = set(os.environ)
    importlib.import_module(module)
    for name in set(os.environ) - before:
        del os.environ[name]


import_without_consequences("generador.__main__")

CHOSEN_BY_THE_GENERATOR = (
    "NPY_DISABLE_CPU_FEATURES",
    "OPENCV_CPU_DISABLE",
    "OPENCV_IPP",
    "OPENCV_LOG_LEVEL",
    "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION",
)


@pytest.fixture(scope="session")
def run_python() -> Callable[..., subprocess.CompletedProcess]:
    """Ejecuta un programa en un proceso nuevo, donde el generador elige las instrucciones del procesador."""
    root = Path(__file__).resolve().parent.parent.parent
    environment = {name: value for name, value in os.environ.items() if name not in CHOSEN_BY_THE_GENERATOR}

    def run(*arguments) -> subprocess.CompletedProcess:
        command = [sys.executable, *map(str, arguments)]
        return subprocess.run(command, cwd=root, env=environment, capture_output=True)

    return run


@pytest.fixture(scope="session")
def same_bits() -> bool:
    """¿Salen aquí las imágenes iguales bit a bit? Lo promete el generador en Linux con x86-64."""
    return sys.platform == "linux" and platform.machine() == "x86_64"


# --- Cuerpos y cámaras --------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def looking() -> Callable:
    """Una cámara girada `turn` radianes alrededor del sujeto, que mira `tilt` radianes hacia abajo."""
    from generador.geometry import Camera, rotation

    def camera(target=(0.0, 1.0, 0.0), turn=0.0, tilt=0.0, distance=6.0, scale=120.0, size=300) -> Camera:
        view = rotation("x", tilt) @ rotation("y", turn)
        middle = (size / 2 + 3.25, size / 2 - 7.5)  # descentrada: nada debe depender de que no lo esté
        return Camera(view, np.array(target), distance, scale * distance, middle, size)

    return camera


@pytest.fixture(scope="session")
def capsule() -> Callable:
    """Un cuerpo con una cápsula gris en el grupo «uno», o con varias, añadidas al de `beside`."""
    from generador.geometry import Body

    def add(start, end, radii, *, beside: Body | None = None, group="uno", color=(0.5, 0.5, 0.5), **rest):
        body = beside or Body(("uno", "dos"))
        rest = {"blend": 0.01, **rest}
        body.add(group, [np.array(start, float), np.array(end, float)], radii, color, **rest)
        return body

    return add


# --- El conjunto guardado -----------------------------------------------------------------------------


def decode(encoded: bytes) -> np.ndarray:
    """RGB uint8 (300, 300, 3), o uint8 (300, 300) si es una máscara."""
    image = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_UNCHANGED)
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB) if image.ndim == 3 else image


@dataclass(frozen=True)
class Stored:
    """Un ejemplo guardado, con sus imágenes sin decodificar, y el plan con que se dibujó."""

    plan: object
    encoded: dict

    @property
    def image(self) -> np.ndarray:
        return decode(self.encoded["image"])

    @property
    def mask(self) -> np.ndarray:
        return decode(self.encoded["mask"])

    @property
    def parts(self) -> np.ndarray:
        return decode(self.encoded["parts"])


def read(data_dir: Path, split: str) -> list[dict]:
    """Los ejemplos de esa parte, en el orden del fichero y sin decodificar sus imágenes."""
    from generador.writer import NAME
    from gradcam_helpers.engine.backend import tfds

    builder = tfds.builder(NAME, data_dir=data_dir)
    encoded = dict.fromkeys(("image", "mask", "parts"), tfds.decode.SkipDecoding())
    read_config = tfds.ReadConfig(try_autocache=False)
    found = builder.as_dataset(split=split, decoders=encoded, read_config=read_config).as_numpy_iterator()
    kinds = builder.info.features["background"].names
    return [
        {**example, "identity": example["identity"].decode(), "background": kinds[example["background"]]}
        for example in found
    ]


@pytest.fixture(scope="session")
def stored(tmp_path_factory) -> list[Stored]:
    """Los ejemplos guardados, en el orden del plan.

    TFDS los baraja según su parte y su número: se escriben otra vez los mismos planes, con su posición en el
    texto, y el orden en que se leen dice cuál es cada uno.
    """
    from generador import writer
    from generador.plan import SPLITS, plans
    from gradcam_helpers.data import EMBEDDED_DIR

    chosen = plans()
    blank = {
        name: cv2.imencode(".png", np.zeros((300, 300, channels), np.uint8))[1].tobytes()
        for name, channels in {"image": 3, "mask": 1, "parts": 1}.items()
    }
    numbered = [
        {**blank, "label": plan.label, "identity": str(position), "background": plan.kind}
        for position, plan in enumerate(chosen)
    ]
    shuffled = tmp_path_factory.mktemp("orden")
    writer.write(chosen, numbered, shuffled)
    positions = [int(example["identity"]) for split in SPLITS for example in read(shuffled, split)]
    encoded = [example for split in SPLITS for example in read(EMBEDDED_DIR, split)]
    ordered = dict(zip(positions, encoded, strict=True))
    return [Stored(plan, ordered[position]) for position, plan in enumerate(chosen)]


@pytest.fixture(scope="session")
def subjects(stored) -> list[Stored]:
    return [example for example in stored if example.plan.label >= 0]
