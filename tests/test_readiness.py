"""Lo que la lección 0 dice del equipo."""

import psutil
import pytest

from gradcam_helpers import readiness


@pytest.mark.parametrize(
    ("free", "start", "end"),
    [
        (7.94e9, "Memoria: quedan 7,9 GB libres;", "basta para todas las lecciones."),
        (2.0e9, "Memoria: quedan 2,0 GB libres;", "basta para todas las lecciones."),
        (1.9e9, "Memoria: quedan 1,9 GB libres;", "menos la 2. Antes de abrirla, apaga los demás núcleos."),
        (
            0.4e9,
            "Memoria: quedan 0,4 GB libres;",
            "Cierra otros programas y apaga los núcleos de otros cuadernos.",
        ),
    ],
)
def test_it_says_what_the_memory_is_enough_for(free, start, end):
    line = readiness.describe_memory(free)
    assert line.startswith(start)
    assert line.endswith(end)


def test_the_limit_of_binder_counts_and_not_what_the_machine_has(monkeypatch):
    monkeypatch.delenv("MEM_LIMIT", raising=False)
    own = psutil.Process().memory_info().rss
    machine = readiness.free_memory()
    assert 0 < machine <= psutil.virtual_memory().total
    monkeypatch.setenv("MEM_LIMIT", str(own + 10**9))
    assert readiness.free_memory() <= 10**9
    monkeypatch.setenv("MEM_LIMIT", "1000")
    assert readiness.free_memory() == 0
    monkeypatch.setenv("MEM_LIMIT", str(10**15))
    assert readiness.free_memory() == pytest.approx(machine, rel=0.5)


def test_a_process_that_ends_meanwhile_does_not_count(monkeypatch):
    def gone(process):
        raise psutil.NoSuchProcess(process.pid)

    monkeypatch.setattr(psutil.Process, "memory_info", gone)
    enough = psutil.virtual_memory()._replace(available=10**12)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: enough)
    monkeypatch.setenv("MEM_LIMIT", "2147483648")
    assert readiness.free_memory() == 2147483648


def test_two_lines_name_the_versions_and_the_memory():
    versions, memory = readiness.describe_computer().splitlines()
    assert versions.startswith("Versiones: Python 3.")
    assert "TensorFlow 2." in versions and "Keras 3." in versions
    assert versions.endswith("el curso se prueba con ellas.")
    assert memory.startswith("Memoria: quedan ")


def test_versions_newer_than_those_of_the_course_are_told_apart(monkeypatch):
    monkeypatch.setattr(readiness.keras, "__version__", "4.0.0")
    versions, _ = readiness.describe_computer().splitlines()
    assert versions.endswith("son más nuevas que las que el curso prueba.")
