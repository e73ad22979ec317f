"""Las acciones de GitHub: órdenes que existen, los permisos justos y nada que otros puedan cambiar."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
EVERY = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)


def jobs(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]


def runs(path):
    """Lo que ejecuta cada paso, con las órdenes que da la matriz."""
    for job in jobs(path).values():
        orders = [case["order"] for case in job.get("strategy", {}).get("matrix", {}).get("include", [])]
        for step in job["steps"]:
            for order in orders or [""]:
                yield step.get("run", "").replace("${{ matrix.order }}", order)


def test_there_are_workflows():
    assert {path.stem for path in WORKFLOWS} == {"direccion", "pruebas", "semanal"}


@EVERY
def test_they_call_orders_of_the_makefile(path):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    orders = set(re.findall(r"^([\w-]+):", makefile, flags=re.MULTILINE))
    called = {order for run in runs(path) for order in re.findall(r"\bmake ([\w-]+)", run)}
    assert called <= orders
    assert called or path.stem == "direccion"


@EVERY
def test_the_only_permission_to_write_is_to_publish_the_address(path):
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    writing = {name for name, job in workflow["jobs"].items() if "permissions" in job}
    assert writing == ({"direccion"} if path.stem == "direccion" else set())
    assert "secrets" not in path.read_text(encoding="utf-8")


@EVERY
def test_actions_are_fixed_by_their_hash_and_say_their_version(path):
    uses = re.findall(r"uses: (.*)", path.read_text(encoding="utf-8"))
    assert uses
    for use in uses:
        assert re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+", use), use


@EVERY
def test_no_name_that_others_choose_is_written_into_a_script(path):
    """El nombre de una rama, por ejemplo, solo llega en una variable de entorno."""
    expressions = {text for run in runs(path) for text in re.findall(r"\$\{\{ (.*?) \}\}", run)}
    assert expressions <= {"matrix.python"}


@EVERY
def test_they_end_by_themselves(path):
    assert "concurrency" in yaml.safe_load(path.read_text(encoding="utf-8"))
    for name, job in jobs(path).items():
        assert job["timeout-minutes"] <= 90, name


def test_windows_does_what_the_readme_says():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    _, *lines = re.search(r"```powershell\n(.*?)```", readme, flags=re.DOTALL).group(1).splitlines()
    said = [line for line in lines if "jupyter lab " not in line]
    (script,) = {run for run in runs(ROOT / ".github/workflows/pruebas.yml") if "Scripts" in run}
    done = script.splitlines()
    assert done[2:] == said
