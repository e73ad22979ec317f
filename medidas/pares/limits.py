"""Los límites que el motor debe cumplir, y si los cumple.

Casi todos son cocientes entre dos medidas de una misma ronda, que no dependen de lo rápido que sea el equipo.
"""

import statistics
from collections.abc import Iterator
from dataclasses import dataclass

from medidas.pares import measures
from medidas.pares.measures import COURSE, FORWARD, Times

MEGABYTES = 100  # de más, entre explicar 32 imágenes y 2 000
SECONDS = 0.3  # al construir el motor, con su prueba


@dataclass(frozen=True)
class RatioLimit:
    """Cota superior de la mediana de `numerator` / `denominator` en un apartado; inferior, si `at_least`."""

    section: str
    numerator: str
    denominator: str
    bound: float
    at_least: bool = False


RATIOS = (
    RatioLimit("gradcam-1", COURSE, measures.BY_HAND, 1.05),
    RatioLimit("gradcam-16", COURSE, measures.BY_HAND, 1.05),
    RatioLimit("gradcam-1", COURSE, FORWARD, 1.25),
    RatioLimit("gradcam-16", COURSE, FORWARD, 1.12),
    RatioLimit("gradcam-1", "xplique", COURSE, 1, at_least=True),
    RatioLimit("gradcam-16", "xplique", COURSE, 1, at_least=True),
    RatioLimit("gradcam-1", "tf-keras-vis", COURSE, 3, at_least=True),
    RatioLimit("gradcam-16", "tf-keras-vis", COURSE, 4, at_least=True),
    RatioLimit("gradcam-1", "pytorch-grad-cam", COURSE, 3, at_least=True),
    RatioLimit("gradcam-16", "pytorch-grad-cam", COURSE, 4, at_least=True),
    RatioLimit("capas", measures.ALL_LAYERS, FORWARD, 2.2),
    RatioLimit("scorecam", COURSE, measures.FORWARD_PER_FILTER, 1),
    RatioLimit("scorecam", "tf-keras-vis", COURSE, 2, at_least=True),
)


@dataclass(frozen=True)
class Check:
    """Un límite ya comprobado: lo que se mide, su valor, la cota y si se cumple."""

    what: str
    value: float
    bound: str
    holds: bool

    def __str__(self) -> str:
        return f"| {self.what} | {self.value:.2f} | {self.bound} | {'bien' if self.holds else 'MAL'} |"


def median_ratio(times: Times, numerator: str, denominator: str) -> float:
    """Mediana de los cocientes de cada ronda."""
    return statistics.median(a / b for a, b in zip(times[numerator], times[denominator], strict=True))


def check(times: dict[str, Times], stream: dict[int, tuple[float, float]]) -> Iterator[Check]:
    """Comprueba los límites de los apartados que se han medido."""
    for limit in RATIOS:
        if limit.section in times:
            title, _ = measures.SECTIONS[limit.section]
            value = median_ratio(times[limit.section], limit.numerator, limit.denominator)
            holds = value >= limit.bound if limit.at_least else value <= limit.bound
            bound = f"{'≥' if limit.at_least else '≤'} {limit.bound:g}"
            yield Check(f"{title}: {limit.numerator} / {limit.denominator}", value, bound, holds)
    if "construccion" in times:
        seconds = statistics.median(times["construccion"][measures.BUILD]) / 1000
        yield Check("Construir el motor, en segundos", seconds, f"< {SECONDS}", seconds < SECONDS)
    if stream:
        added = stream[max(stream)][1] - stream[min(stream)][1]
        what = f"MB residentes de más al explicar {max(stream)} imágenes en vez de {min(stream)}"
        yield Check(what, added, f"< {MEGABYTES}", added < MEGABYTES)
