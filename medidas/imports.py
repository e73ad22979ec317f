"""Milisegundos que añade a la importación lo que la vigila y la arregla, sin las bibliotecas: la mediana.

Cada vez, en un proceso nuevo que tiene ya cargadas las bibliotecas: queda lo que hace el curso.
Uso: python medidas/imports.py
"""

import subprocess
import sys
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
TIMES = 7
PROGRAM = """
import time
import gradcam_helpers, keras, tensorflow, tensorflow_datasets
tensorflow_datasets.builder
start = time.perf_counter()
from gradcam_helpers.engine import backend
print(1000 * (time.perf_counter() - start))
"""


def main() -> None:
    times = []
    for _ in range(TIMES):
        command = [sys.executable, "-c", PROGRAM]
        run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        times.append(float(run.stdout))
    print(f"importación   lo que añade el curso {median(times):.1f} ms   máximo {max(times):.1f} ms")


if __name__ == "__main__":
    main()
