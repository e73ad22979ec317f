"""Segundos, memoria máxima y extensión de cada lección, ejecutada sola: núcleo nuevo y sin modelos guardados.

La memoria es la residente del núcleo: en total, y la anónima, que no cuenta las páginas de las bibliotecas,
porque el sistema puede descartarlas. También se mide cuánto se tarda en ver el primer mapa de calor desde que
se abre la lección, si sus celdas se ejecutan sin pausa. Solo en Linux.
Uso: python medidas/lessons.py [03_gradcam_paso_a_paso…]
"""

import os
import re
import sys
import tempfile
import threading
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
HEATMAP = "plots.show_overlays("  # lo que llama la celda que dibuja mapas de calor
FOLDED = re.compile(r"<details>.*?</details>", re.DOTALL)
NOT_READ = re.compile(r"<!--.*?-->|<[^>]+>|\]\([^)]*\)", re.DOTALL)  # comentarios, etiquetas y direcciones
INTERVAL = 0.02  # segundos entre lecturas de la memoria anónima


def length(notebook) -> tuple[int, int, int]:
    """Palabras a la vista, palabras plegadas y celdas; las del código no se cuentan."""

    def words(text):
        return sum(any(map(str.isalnum, word)) for word in NOT_READ.sub(" ", text).split())

    text = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return words(FOLDED.sub(" ", text)), words(" ".join(FOLDED.findall(text))), len(notebook.cells)


def memory(process: int, field: str) -> float:
    """Un campo de /proc/PID/status, en MB."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise KeyError(field)


def watch_anonymous(process: int, peak: list[float], stop: threading.Event) -> None:
    while not stop.wait(INTERVAL):
        try:
            peak[0] = max(peak[0], memory(process, "RssAnon"))
        except (OSError, KeyError):
            return


def measure(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=1800, resources={"metadata": {"path": path.parent}})
    start, first_map = time.perf_counter(), ""
    with client.setup_kernel():
        process = client.km.provisioner.pid
        anonymous, stop = [0.0], threading.Event()
        watcher = threading.Thread(target=watch_anonymous, args=(process, anonymous, stop))
        watcher.start()
        for index, cell in enumerate(notebook.cells):
            client.execute_cell(cell, index)
            if not first_map and cell.cell_type == "code" and HEATMAP in cell.source:
                first_map = f"   primer mapa a los {time.perf_counter() - start:.1f} s"
        total = memory(process, "VmHWM")
        stop.set()
        watcher.join()
    seconds = time.perf_counter() - start
    seen, folded, cells = length(notebook)
    print(
        f"{path.stem:28s} {seconds:6.0f} s   {total:6.0f} MB en total   {anonymous[0]:6.0f} MB anónimos"
        f"   {seen} palabras, {folded} plegadas, {cells} celdas{first_map}",
        flush=True,
    )


def main() -> None:
    chosen = [NOTEBOOKS / f"{name}.ipynb" for name in sys.argv[1:]]
    for path in chosen or sorted(NOTEBOOKS.glob("*.ipynb")):
        with tempfile.TemporaryDirectory(prefix="modelos-") as folder:
            os.environ["GRADCAM_MODELOS"] = folder
            measure(path)


if __name__ == "__main__":
    main()
