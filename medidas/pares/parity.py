"""Compara los mapas del curso con los de otras herramientas: la misma red, las mismas imágenes y clases.

Escribe una tabla en Markdown, y acaba con error si alguna discrepa donde debería coincidir.
Uso: python -m medidas.pares.parity [método…]
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from medidas.pares.tool import Pair
from medidas.pares.workers import PEERS, Worker, title, write_inputs

COUNT = 4  # imágenes: Score-CAM hace 128 predicciones con cada una
TOLERANCE = 1e-4  # relativa: por debajo, la diferencia es de redondeo
# Los de alguna de las herramientas: CAM no lo trae ninguna.
METHODS = ("Grad-CAM", "Grad-CAM++", "HiResCAM", "LayerCAM", "XGrad-CAM", "Score-CAM", "Eigen-CAM")


@dataclass(frozen=True)
class Row:
    """Una línea de la tabla.

    Atributos:
        what: el método, o los logits.
        layer: capa de los mapas.
        level: en qué punto se comparan.
        difference: la mayor, relativa.
        deviation: en qué se aparta la herramienta; vacío si debe coincidir.
    """

    tool: str
    what: str
    layer: str
    level: str
    difference: float
    deviation: str = ""

    @property
    def fails(self) -> bool:
        """Discrepa sin motivo conocido; o coincide, y entonces el motivo ya no es cierto."""
        agrees = self.difference <= TOLERANCE
        return not np.isfinite(self.difference) or agrees == bool(self.deviation)

    @property
    def result(self) -> str:
        if not self.deviation:
            return "MAL" if self.fails else "coincide"
        return f"{'MAL, no se aparta' if self.fails else 'se aparta'}: {self.deviation}"

    def __str__(self) -> str:
        cells = self.tool, self.what, self.layer, self.level, f"{self.difference:.1e}", self.result
        return f"| {' | '.join(cells)} |"


HEADER = """\
| herramienta | mapa | capa | se compara | mayor diferencia relativa | resultado |
|---|---|---|---|---|---|"""


def relative_difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    """La de la peor imagen: la mayor diferencia, dividida entre el mayor valor absoluto de `theirs`.

    Argumentos:
        ours, theirs: (N, …), de la misma forma.
    """
    if ours.shape != theirs.shape:
        raise ValueError(f"No se pueden comparar mapas de formas {ours.shape} y {theirs.shape}.")
    axes = tuple(range(1, theirs.ndim))
    return float((np.abs(ours - theirs).max(axis=axes) / np.abs(theirs).max(axis=axes)).max())


def compare(peer: str, worker: Worker, course: Worker, methods: Sequence[str]) -> Iterator[Row]:
    """Las líneas de una herramienta: sus logits y, de esos métodos, los que tenga."""
    name = title(peer)
    difference = relative_difference(course.call("logits"), worker.call("logits"))
    yield Row(name, "logits", "salida", "–", difference)
    pairs: Sequence[Pair] = worker.call("get_pairs")
    for pair in pairs:
        if pair.method in methods:
            theirs = worker.call("maps", pair.method, pair.layer)
            raw = course.call("maps", pair.method, pair.layer)
            difference = relative_difference(worker.call("at_its_level", pair.method, raw), theirs)
            yield Row(name, pair.method, pair.layer, pair.level, difference, pair.deviation)


def rows(methods: Sequence[str]) -> Iterator[Row]:
    """Las líneas de todas las herramientas, cada una en cuanto se tiene."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "entradas.npz")
        write_inputs(path, COUNT)
        with Worker("course", path) as course:
            for peer in PEERS:
                with Worker(peer, path) as worker:
                    yield from compare(peer, worker, course, methods)


def main() -> None:
    parser = argparse.ArgumentParser(description="Compara los mapas del curso con los de otras herramientas.")
    parser.add_argument(
        "methods", nargs="*", metavar="método", help=f"por omisión, todos: {', '.join(METHODS)}"
    )
    methods = parser.parse_args().methods or METHODS
    for method in methods:
        if method not in METHODS:
            sys.exit(f"No hay ningún método «{method}» que comparar. Los hay: {', '.join(METHODS)}.")
    print(f"Se compara en {COUNT} imágenes; coinciden los mapas que difieren en {TOLERANCE:g} o menos.\n")
    print(HEADER)
    failed = 0
    try:
        for row in rows(methods):
            print(row, flush=True)
            failed += row.fails
    except OSError as error:
        sys.exit(f"\nNo se pudo terminar la comparación. {error}")
    if failed:
        sys.exit(f"\nHay {failed} resultados que no son los esperados.")


if __name__ == "__main__":
    main()
