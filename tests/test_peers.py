"""La comparación con otras herramientas, sin ellas: su entorno, sus tablas y los límites."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement

from medidas.pares import inputs, limits, measures, parity
from medidas.pares.workers import PEERS, Worker

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = [
    ROOT / "medidas/pares" / name for name in ("requirements.txt", "requirements-sin-dependencias.txt")
]


def requirements(path: Path) -> list[Requirement]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("path", REQUIREMENTS, ids=lambda path: path.stem)
def test_every_peer_is_pinned_and_no_host_is_named(path):
    assert "://" not in path.read_text(encoding="utf-8")
    for requirement in requirements(path):
        assert re.fullmatch(r"==[\d.]+", str(requirement.specifier)), requirement


def test_peers_neither_change_the_versions_of_the_course_nor_are_its_dependencies():
    peers = {requirement.name for path in REQUIREMENTS for requirement in requirements(path)}
    lock = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert not peers & set(re.findall(r"^([\w.-]+)==", lock, flags=re.MULTILINE))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = project["dependencies"] + sum(project["optional-dependencies"].values(), [])
    assert not peers & {Requirement(dependency).name for dependency in declared}


def test_the_difference_is_that_of_the_worst_image():
    theirs = np.array([[[1, -4]], [[10, 0]]], np.float32)
    assert parity.relative_difference(theirs, theirs) == 0
    assert parity.relative_difference(theirs + [[[1, 0]], [[0, 1]]], theirs) == 0.25
    with pytest.raises(ValueError, match="formas"):
        parity.relative_difference(theirs[:1], theirs)


@pytest.mark.parametrize(
    ("difference", "deviation", "fails", "result"),
    [
        (1e-6, "", False, "coincide"),
        (1e-3, "", True, "MAL"),
        (np.nan, "", True, "MAL"),
        (1e-3, "suma 1", False, "se aparta: suma 1"),
        (1e-6, "suma 1", True, "MAL, no se aparta: suma 1"),
        (np.nan, "suma 1", True, "MAL, no se aparta: suma 1"),
    ],
)
def test_a_pair_agrees_or_deviates_as_expected(difference, deviation, fails, result):
    row = parity.Row("herramienta", "Grad-CAM", "capa", "con signo", difference, deviation)
    assert (row.fails, row.result) == (fails, result)


def test_measures_are_taken_in_turns_after_warming_up(monkeypatch):
    monkeypatch.setattr(measures, "PAUSE", 0)
    calls = []

    def task(name):
        return lambda: calls.append(name) or float(len(calls))

    times = measures.take_turns({"a": task("a"), "b": task("b")}, rounds=2, warm_ups=1)
    assert "".join(calls) == "ababab"
    assert times == {"a": [3, 5], "b": [4, 6]}


class InstantWorker:
    """Un proceso que responde siempre 1 ms."""

    def call(self, name, *_arguments):
        return ["bloque1_conv1", "bloque1_conv2"] if name == "get_layers" else 1.0


@pytest.fixture
def instant_times(monkeypatch):
    monkeypatch.setattr(measures, "PAUSE", 0)
    workers = {name: InstantWorker() for name in ("course", *PEERS)}
    return {section: run(workers) for section, (_, run) in measures.SECTIONS.items()}


def test_every_limit_finds_what_it_compares(instant_times):
    checks = list(limits.check(instant_times, {32: (1, 500), 2000: (9, 599)}))
    assert len(checks) == len(limits.RATIOS) + 2
    by_bound = {check.bound: check for check in checks}
    assert by_bound["≤ 1.25"].holds and by_bound["≤ 1.25"].value == 1
    assert not by_bound["≥ 3"].holds
    assert by_bound["< 100"].holds and by_bound["< 100"].value == 99
    assert str(by_bound["≥ 3"]).endswith("| 1.00 | ≥ 3 | MAL |")


def test_only_what_was_measured_is_checked(instant_times):
    (check,) = limits.check({"capas": instant_times["capas"]}, {})
    assert check.holds
    assert list(limits.check({}, {})) == []


def test_ratios_are_taken_within_each_round():
    slowing_down = {"a": [2.0, 20.0, 30.0], "b": [1.0, 10.0, 10.0]}
    assert limits.median_ratio(slowing_down, "a", "b") == 2


def test_a_process_that_dies_is_reported(tmp_path):
    with Worker("captum", tmp_path / "entradas.npz") as worker:
        worker._executor.submit(os._exit, 1)
        with pytest.raises(ChildProcessError, match="«captum» terminó de golpe en «logits»"):
            worker.call("logits")


def test_inputs_are_read_as_they_were_written(embedded_source, tmp_path):
    path = tmp_path / "entradas.npz"
    inputs.write(path, 4)
    read = inputs.read(path)
    assert sum(weight.size for weight in read.weights.values()) == 22_717_090
    assert read.weights["densa/kernel"].shape == (37 * 37 * 128, 128)
    assert (read.images.shape, read.images.dtype, read.images.max()) == ((4, 300, 300, 3), np.float32, 1)
    assert read.targets.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize(("program", "message"), [("parity", "ningún método"), ("bench", "ningún apartado")])
def test_what_cannot_be_asked_for(program, message):
    command = [sys.executable, "-m", f"medidas.pares.{program}", "otro"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 1
    assert re.fullmatch(f"No hay {message} «otro».*\n", run.stderr)
