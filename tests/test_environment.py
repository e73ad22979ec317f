"""Los entornos: mismas dependencias en todas partes, y una importación ligera y callada."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LESSONS = PROJECT["dependencies"]
TESTS = PROJECT["optional-dependencies"]["pruebas"]


def conda(path):
    """Las versiones de Python y los paquetes de pip de un environment.yml."""
    environment = yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))
    python, _, packages = environment["dependencies"]
    return python, packages["pip"]


def test_conda_has_the_same_dependencies():
    python, packages = conda("environment.yml")
    assert python == f"python{PROJECT['requires-python']}"
    assert sorted(packages) == sorted(LESSONS + TESTS)


def test_binder_has_those_of_the_lessons():
    python, packages = conda("binder/environment.yml")
    assert SpecifierSet(PROJECT["requires-python"]).contains(python.removeprefix("python="))
    assert sorted(packages) == sorted(LESSONS)


@pytest.mark.parametrize("path", ["environment.yml", "binder/environment.yml"])
def test_every_dependency_says_what_it_is_for(path):
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    packages = [line for line in lines if line.startswith("      - ")]
    for line in packages:
        previous = lines[lines.index(line) - 1]
        assert " # " in line or "#" in previous or "tensorflow-cpu" in previous, line


def lock():
    return (ROOT / "requirements.txt").read_text(encoding="utf-8")


def test_lock_has_every_dependency_with_its_hash_and_names_no_host():
    pinned = dict(re.findall(r"^([\w.-]+)==(\S+)", lock(), flags=re.MULTILINE))
    for dependency in LESSONS + TESTS:
        name = re.match(r"[\w.-]+", dependency).group().lower()
        assert name in pinned, name
    assert lock().count("--hash=sha256:") >= len(pinned)
    assert "://" not in lock()


def test_lock_is_for_the_bounds_of_the_project():
    pinned = re.findall(r"^([\w.-]+)==([^\s;]+)", lock(), flags=re.MULTILINE)
    bounds = {
        requirement.name.lower(): requirement.specifier for requirement in map(Requirement, LESSONS + TESTS)
    }
    for name, version in pinned:
        if name in bounds:
            assert Version(version) in bounds[name], name


def test_importing_the_package_does_not_load_anything_heavy():
    script = "import sys, gradcam_helpers; print({'tensorflow', 'keras', 'numpy'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def test_importing_the_modules_is_silent():
    script = (
        "from gradcam_helpers import data, models, cam, metrics, plots, photos, explorer; import tensorflow"
    )
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert (run.stdout, run.stderr) == ("", "")
