"""Milisegundos que cuesta dibujar cada imagen de los datos embebidos, en un núcleo y por encuadre.

Uso: python medidas/generator.py
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import generador  # noqa: F401 (antes que NumPy y OpenCV, para los que elige instrucciones)

# isort: split
import cv2
import numpy as np

from generador.plan import Plan, draw, plans

EVERY = 6  # se mide una de cada tantas imágenes del plan
TITLES = {"whole": "entero", "half": "medio cuerpo", "head": "cabeza"}


def title(plan: Plan) -> str:
    return TITLES[plan.framing] if plan.label >= 0 else "fondo vacío"


def milliseconds(plan: Plan) -> float:
    start = time.perf_counter()
    draw(plan)
    return 1000 * (time.perf_counter() - start)


def report(name: str, times: list[float]) -> None:
    figures = np.mean(times), np.median(times), np.percentile(times, 95)
    print(f"{name:12s} {len(times):8d}" + "".join(f" {figure:8.1f}" for figure in figures))


def main() -> None:
    cv2.setNumThreads(1)
    chosen = plans()[::EVERY]
    draw(chosen[0])  # prepara las texturas, que sirven para todas
    times = {}
    for plan in chosen:
        times.setdefault(title(plan), []).append(milliseconds(plan))
    print(f"{'encuadre':12s} {'imágenes':>8} {'media':>8} {'mediana':>8} {'p95':>8}   (ms)")
    for name in (*TITLES.values(), "fondo vacío"):
        report(name, times[name])
    report("todas", sum(times.values(), []))


if __name__ == "__main__":
    main()
