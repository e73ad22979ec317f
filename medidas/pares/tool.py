"""Lo que cada herramienta ofrece a la comparación: sus mapas y tareas que se puedan cronometrar."""

import time
from dataclasses import dataclass

import numpy as np

from medidas.pares.inputs import Inputs

THREADS = 2  # hilos de cada herramienta
LAST_CONVOLUTION = "bloque3_conv2"

# La capa en la que se compara un método, si no es la última convolución. HiResCAM y LayerCAM usan el
# gradiente posición a posición. El agrupamiento lo manda entero a la mayor de sus cuatro activaciones y,
# si dos casi empatan, gana una u otra según redondee cada biblioteca: en la última convolución, dos cuentas
# correctas discrepan en alguna posición. A la salida del agrupamiento, no.
LAYERS = {"HiResCAM": "bloque3_pool", "LayerCAM": "bloque3_pool"}


@dataclass(frozen=True)
class Pair:
    """Un método que una herramienta y el curso tienen en común.

    Atributos:
        method: nombre del método en el curso.
        level: en qué punto se comparan los mapas.
        deviation: en qué se aparta la herramienta del artículo; vacío si debe coincidir.
        only_layer: la capa en que se compara, si no es la de ese método en las demás herramientas.
    """

    method: str
    level: str
    deviation: str = ""
    only_layer: str = ""

    @property
    def layer(self) -> str:
        return self.only_layer or LAYERS.get(self.method, LAST_CONVOLUTION)


class Tool:
    """Una herramienta con la red y las imágenes que comparten todas.

    Cada una añade las tareas que se cronometran: métodos que acaban con el resultado en la memoria de NumPy.
    """

    pairs: tuple[Pair, ...] = ()

    def __init__(self, inputs: Inputs):
        self.inputs = inputs

    def get_pairs(self) -> tuple[Pair, ...]:
        return self.pairs

    def logits(self) -> np.ndarray:
        """Lo que la red de esta herramienta da a las imágenes, float32 (N, clases)."""
        raise NotImplementedError

    def maps(self, method: str, layer: str) -> np.ndarray:
        """Los mapas de la herramienta: uno por imagen, de su clase de `inputs.targets`."""
        raise NotImplementedError

    def at_its_level(self, method: str, raw: np.ndarray) -> np.ndarray:
        """Los mapas con signo del curso, (N, alto, ancho), tras lo que la herramienta hace a los suyos."""
        return raw

    def milliseconds(self, task: str, *arguments) -> float:
        """Lo que tarda una de sus tareas."""
        run = getattr(self, task)
        start = time.perf_counter()
        run(*arguments)
        return 1000 * (time.perf_counter() - start)
