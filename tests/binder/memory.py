"""La memoria de un proceso y de los que nacen de él, medida mientras corren, y su límite."""

import os
import signal
import subprocess
import threading
from collections import Counter
from pathlib import Path
from typing import NamedTuple

PERIOD = 0.1  # segundos entre dos medidas


def children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *children(child)]
    return found


class Occupied(NamedTuple):
    """Bytes; de lo que varios procesos comparten, a cada uno le toca su parte (PSS)."""

    fixed: int  # lo que el sistema no puede quitar: si no cabe, mata el proceso
    files: int  # código y ficheros leídos: si hace falta sitio, se sueltan y se vuelven a leer


def occupied(pid: int) -> Occupied:
    """Lo que ocupan el proceso y sus descendientes."""
    sizes = Counter()
    for process in [pid, *children(pid)]:
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()[1:]:
            name, size, _ = line.split()
            sizes[name] += 1024 * int(size)
    return Occupied(sizes["Pss_Anon:"] + sizes["Pss_Shmem:"], sizes["Pss_File:"])


class Watch:
    """Vigila varios procesos: guarda lo más que ocuparon a la vez y los termina si pasan del límite."""

    def __init__(self, limit: int):
        self.limit, self.peak, self.exceeded = limit, Occupied(0, 0), False
        self.processes: list[subprocess.Popen] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def start(self, command: list[str], **options) -> subprocess.Popen:
        process = subprocess.Popen(command, start_new_session=True, **options)
        self.processes.append(process)
        return process

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        self._end()

    def _look(self) -> None:
        while not self._stop.wait(PERIOD):
            try:
                running = [occupied(process.pid) for process in self.processes if process.poll() is None]
            except (FileNotFoundError, ProcessLookupError):  # uno terminó mientras se medía
                continue
            total = Occupied(*map(sum, zip(*running, strict=True))) if running else Occupied(0, 0)
            self.peak = max(self.peak, total)
            if total.fixed > self.limit:
                self.exceeded = True
                self._end()
                return

    def _end(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
                process.wait()
