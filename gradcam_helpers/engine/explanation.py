"""Una explicación, y las fórmulas que hacen falta para llegar a ella."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

SCORES = ("logit", "probability")


@dataclass(frozen=True)
class Explanation:
    """El mapa de una capa para cada imagen de un lote de N; o T mapas por imagen, si se pidieron T clases.

    Atributos:
        layer, method, score: capa, método y puntuación («logit» o «probability») con que se hizo.
        raw: mapa con signo, float32 (N, alto, ancho) o (N, T, alto, ancho), a la resolución de la capa.
        heatmap: el mismo tras la ReLU y dividido entre su máximo: float32 entre 0 y 1.
        empty: bool (N,) o (N, T); cierto donde nada de `raw` es positivo. Ahí `heatmap` es todo ceros.
        target: clase explicada, int64 (N,) o (N, T); o la función que se explica.
        logits, probabilities: salida de la red antes y después de la última activación, float32 (N, clases).
            Si la red no da probabilidades, se supone la activación; si se explica una función, son None.
        proved: si se ha podido probar que esos logits son los de la red.
    """

    layer: str
    method: str
    score: str
    raw: np.ndarray
    heatmap: np.ndarray
    empty: np.ndarray
    target: np.ndarray | Callable
    logits: np.ndarray
    probabilities: np.ndarray | None
    proved: bool = True


@dataclass(frozen=True)
class Formulas:
    """Las cuentas que llevan de lo que da la red a una explicación. Aquí se reciben: se escriben arriba.

    Atributos:
        by_gradient: la de cada método que usa gradientes. Recibe activaciones y gradientes, (N, alto, ancho,
            filtros), y da mapas con signo, (N, alto, ancho).
        by_filter: la de cada método que usa una predicción por filtro. En lugar de gradientes recibe
            puntuaciones, (N, filtros).
        normalize: de mapas con signo, los mapas de calor y cuáles están vacíos.
    """

    by_gradient: Mapping[str, Callable]
    by_filter: Mapping[str, Callable]
    normalize: Callable

    @property
    def methods(self) -> tuple[str, ...]:
        return (*self.by_gradient, *self.by_filter)

    def explanation(self, layer: str, method: str, score: str, raw, target, shape, *outputs) -> Explanation:
        """De mapas (N, T, alto, ancho) y clases (N, T), la explicación, con la forma en que se pidieron."""
        raw = raw.reshape(*shape, *raw.shape[-2:])
        return Explanation(layer, method, score, raw, *self.normalize(raw), target.reshape(shape), *outputs)
