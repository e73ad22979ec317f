"""Los entornos: mismas dependencias en todas partes, y una importación ligera y callada."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
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


def test_every_dependency_says_what_it_is_for():
    lines = (ROOT / "environment.yml").read_text(encoding="utf-8").splitlines()
    packages = [line for line in lines if line.startswith("      - ")]
    for line in packages:
        previous = lines[lines.index(line) - 1]
        assert " # " in line or "#" in previous or "tensorflow-cpu" in previous, line


LOCKS = {"requirements.txt": LESSONS + TESTS, "binder/requirements.txt": LESSONS}


def locked(path):
    """Las versiones exactas de un fichero, en pares (nombre, versión); un nombre puede tener varias."""
    text = (ROOT / path).read_text(encoding="utf-8")
    return re.findall(r"^([\w.-]+)==([^\s;]+)", text, flags=re.MULTILINE)


@pytest.mark.parametrize("path", LOCKS)
def test_lock_has_every_dependency_within_its_bounds(path):
    for requirement in map(Requirement, LOCKS[path]):
        versions = [version for name, version in locked(path) if name == requirement.name.lower()]
        assert versions and all(Version(version) in requirement.specifier for version in versions), (
            requirement
        )


@pytest.mark.parametrize("path", LOCKS)
def test_lock_gives_every_hash_and_names_no_host(path):
    text = (ROOT / path).read_text(encoding="utf-8")
    packages = re.split(r"\n(?=\S)", text.strip())
    assert len(packages) == len(locked(path))
    assert all("--hash=sha256:" in package for package in packages)
    assert "://" not in text


def test_binder_installs_the_same_versions_without_the_test_tools():
    binder = set(locked("binder/requirements.txt"))
    added = {name for name, _ in binder - set(locked("requirements.txt"))}
    assert added == {Requirement(line).name for line in declared("binder/requirements.in")}
    assert not {Requirement(dependency).name for dependency in TESTS} & {name for name, _ in binder}


def declared(path):
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


def test_importing_the_package_does_not_load_anything_heavy():
    script = "import sys, gradcam_helpers; print({'tensorflow', 'keras', 'numpy'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def test_importing_the_modules_is_silent():
    script = (
        "from gradcam_helpers import data, models, formulas, cam, metrics, plots, explorer; import tensorflow"
    )
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert (run.stdout, run.stderr) == ("", "")
