"""Cronometra el motor del curso junto a otras herramientas: la misma red, las mismas imágenes, dos hilos.

Las medidas se toman por turnos, para que un cambio de velocidad del equipo afecte a todas por igual. Escribe
una tabla por apartado y los límites, guarda todas las medidas en `medidas/resultados/bench.json` y acaba con
error si algún límite no se cumple.
Uso: python -m medidas.pares.bench [apartado…]
"""

import argparse
import contextlib
import json
import os
import platform
import statistics
import sys
import tempfile
from importlib import metadata
from pathlib import Path

import numpy as np

from medidas.pares import limits, measures
from medidas.pares.measures import Times
from medidas.pares.tool import THREADS
from medidas.pares.workers import PEERS, Worker, title, write_inputs

RESULTS = Path(__file__).resolve().parent.parent / "resultados" / "bench.json"
COUNT = 16  # imágenes
BUSY = 0.5  # carga del equipo a partir de la cual se avisa


def print_times(times: Times) -> None:
    """Una línea por medida: mediana, mínimo, máximo y cociente con la predicción, que es la primera."""
    print("| | mediana (ms) | mínimo–máximo | × predicción |\n|---|---|---|---|")
    first = next(iter(times))
    for name, values in times.items():
        ratio = f"{limits.median_ratio(times, name, first):.2f}" if first in measures.PREDICTIONS else "–"
        spread = f"{_short(min(values))}–{_short(max(values))}"
        print(f"| {name} | {_short(statistics.median(values))} | {spread} | {ratio} |")
    print(flush=True)


def _short(milliseconds: float) -> str:
    return f"{milliseconds:.0f}" if milliseconds >= 10 else f"{milliseconds:.1f}"


def print_stream(stream: dict[int, tuple[float, float]]) -> None:
    print("| imágenes | segundos | MB residentes |\n|---|---|---|")
    for count, (seconds, megabytes) in stream.items():
        print(f"| {count} | {seconds:.1f} | {megabytes:.0f} |")
    counts = list(stream)[1:]  # la primera vez se traza la función
    slope, _ = np.polyfit(counts, [stream[count][0] for count in counts], 1)
    print(f"\nCada imagen más cuesta {1000 * slope:.1f} ms.\n", flush=True)


def measure(sections: list[str], path: Path) -> tuple[dict[str, Times], dict[int, tuple[float, float]]]:
    """Mide los apartados y escribe la tabla de cada uno en cuanto la tiene."""
    times, stream = {}, {}
    with contextlib.ExitStack() as stack:
        workers = {name: stack.enter_context(Worker(name, path)) for name in ("course", *PEERS)}
        for section in sections:
            if section in measures.SECTIONS:
                heading, run = measures.SECTIONS[section]
                print(f"### {heading}\n")
                times[section] = run(workers)
                print_times(times[section])
    if measures.STREAM in sections:
        print(f"### {measures.STREAM_TITLE}\n")
        with Worker("course", path) as course:
            stream = measures.stream(course)
        print_stream(stream)
    return times, stream


def versions() -> dict[str, str]:
    return {name: metadata.version(name) for name in ("keras", "numpy", "torch", *PEERS.values())}


def save(times: dict[str, Times], stream: dict, checks: list[limits.Check]) -> None:
    RESULTS.parent.mkdir(exist_ok=True)
    record = {
        "python": platform.python_version(),
        "versions": versions(),
        "threads": THREADS,
        "milliseconds": times,
        "stream": {count: {"seconds": s, "resident_megabytes": mb} for count, (s, mb) in stream.items()},
        "limits": [vars(check) for check in checks],
    }
    RESULTS.write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(f"\nLas medidas, una a una: {RESULTS.relative_to(RESULTS.parent.parent.parent)}")


def chosen_sections() -> list[str]:
    names = [*measures.SECTIONS, measures.STREAM]
    parser = argparse.ArgumentParser(description="Cronometra el motor del curso junto a otras herramientas.")
    parser.add_argument(
        "sections", nargs="*", metavar="apartado", help=f"por omisión, todos: {', '.join(names)}"
    )
    sections = parser.parse_args().sections or names
    for section in sections:
        if section not in names:
            sys.exit(f"No hay ningún apartado «{section}». Los hay: {', '.join(names)}.")
    return sections


def main() -> None:
    sections = chosen_sections()
    load = os.getloadavg()[0]
    if load > BUSY:
        print(f"Aviso: el equipo está ocupado (carga {load:.1f}). Los tiempos saldrán altos y dispersos.\n")
    print(f"Con {THREADS} hilos: {', '.join(map(title, PEERS))}.\n", flush=True)
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "entradas.npz")
            write_inputs(path, COUNT)
            times, stream = measure(sections, path)
    except OSError as error:
        sys.exit(f"No se pudo terminar de medir. {error}")
    checks = list(limits.check(times, stream))
    print("### Límites\n\n| | valor | debe ser | |\n|---|---|---|---|", *checks, sep="\n")
    save(times, stream, checks)
    failed = sum(not check.holds for check in checks)
    if failed:
        sys.exit(f"No se cumplen {failed} límites. Si el equipo estaba ocupado, repite la medida.")


if __name__ == "__main__":
    main()
