"""El paquete de los alumnos no necesita el generador, ni el generador el paquete."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


def imported(path: Path) -> set[str]:
    """Los paquetes que nombra un módulo en sus importaciones, también dentro de una función."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize(
    ("package", "other"), [("gradcam_helpers", "generador"), ("generador", "gradcam_helpers")]
)
def test_neither_imports_the_other(package, other):
    modules = sorted((ROOT / package).rglob("*.py"))
    assert len(modules) > 5
    assert [path.name for path in modules if other in imported(path)] == []


def test_whoever_imports_all_of_the_course_does_not_load_the_generator():
    script = (
        "import importlib, pkgutil, sys, gradcam_helpers\n"
        "for module in pkgutil.walk_packages(gradcam_helpers.__path__, 'gradcam_helpers.'):\n"
        "    importlib.import_module(module.name)\n"
        "print([name for name in sys.modules if name.split('.')[0] == 'generador'])"
    )
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert (run.returncode, run.stdout.strip()) == (0, "[]"), run.stderr


def test_tests_leave_the_environment_as_it_was(run_python):
    """Los cuadernos son pruebas de la misma orden, y no deben heredar lo que el generador elige para él."""
    script = (
        "import os, sys, cv2\nbefore = dict(os.environ)\nsys.path.insert(0, 'tests/generador')\n"
        "import conftest\nassert 'generador.__main__' in sys.modules\nassert dict(os.environ) == before"
    )
    run = run_python("-c", script)
    assert run.returncode == 0, run.stderr.decode()
