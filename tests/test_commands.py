"""Las órdenes: make en una copia que no instala nada, y la imagen de Binder."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

pytestmark = pytest.mark.skipif(os.name == "nt", reason="make y Binder son de Linux y macOS")


@pytest.fixture(scope="module")
def dockerfile():
    """La imagen que Binder construiría, descrita por su propia herramienta."""
    run = subprocess.run(
        [sys.executable, "-m", "repo2docker", "--no-build", "--debug", str(ROOT)],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout + run.stderr


def test_binder_uses_its_own_folder_and_version_of_python(dockerfile):
    assert 'pip install --no-cache-dir -r "binder/requirements.txt"' in dockerfile
    assert "Building conda environment for python=3.12\n" in dockerfile
    assert "RUN ./binder/postBuild" in dockerfile
    assert "Python version unspecified" not in dockerfile


def post_build(prefix, home, **variables):
    """Ejecuta lo último que hace la imagen de Binder, con su carpeta personal."""
    (prefix / "bin").mkdir(parents=True)
    (prefix / "bin" / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (prefix / "bin" / "python").chmod(0o755)
    environment = {"NB_PYTHON_PREFIX": str(prefix), "HOME": str(home), "PATH": "/usr/bin:/bin", **variables}
    return subprocess.run(
        [ROOT / "binder" / "postBuild"], cwd=ROOT, env=environment, capture_output=True, text=True
    )


def test_post_build_sets_preferences_and_says_in_one_line_why_there_are_no_real_data(
    dockerfile, tmp_path, home
):
    assert re.search(r"ENV NB_PYTHON_PREFIX", dockerfile)
    # Un intermediario que no existe: ningún servidor responde.
    run = post_build(tmp_path, home, https_proxy="http://127.0.0.1:9", http_proxy="http://127.0.0.1:9")
    assert run.returncode == 0, run.stderr
    downloading, why, source = run.stdout.splitlines()
    assert downloading.startswith("Descargo horses_or_humans, unos 150 MB")
    assert why.startswith("Uso los datos embebidos, porque los reales no se pueden usar ahora.")
    assert source.startswith("Datos: horses_or_humans_embebido")
    assert not (home / "tensorflow_datasets").exists()
    assert "es_ES" in (tmp_path / "share/jupyter/lab/settings/overrides.json").read_text()
    assert "max_message_size" in (tmp_path / "etc/jupyter/jupyter_server_config.json").read_text()


def test_post_build_leaves_the_real_data_in_the_home_of_the_image(tmp_path, home, tiny_dataset):
    shutil.copytree(tiny_dataset, home / "tensorflow_datasets")
    run = post_build(tmp_path, home)
    assert run.stdout.startswith("Datos: horses_or_humans, las imágenes originales."), run.stderr


@pytest.fixture
def copy(tmp_path):
    folder = tmp_path / "una copia"
    folder.mkdir()
    shutil.copy(ROOT / "Makefile", folder)
    shutil.copytree(ROOT / "binder", folder / "binder")
    shutil.copy(ROOT / "pyproject.toml", folder)
    (folder / "requirements.txt").write_text("")
    (folder / "tests" / "colab").mkdir(parents=True)
    (folder / "tests" / "colab" / "requirements.txt").write_text("")
    return folder


def make(folder, *arguments):
    # Como desde una terminal: sin lo que hereda de «make test», y con los mensajes propios de make en inglés.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    environment = {**inherited, "LC_ALL": "C.UTF-8"}
    return subprocess.run(["make", *arguments], cwd=folder, env=environment, capture_output=True, text=True)


def fake_python(folder, body):
    path = folder / "python-de-prueba"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return f"PYTHON=./{path.name}"


def message(run):
    (line,) = (line for line in run.stderr.splitlines() if not line.startswith("make: "))
    return line


@pytest.mark.parametrize("version", [(3, 10), (3, 14)])
def test_python_too_old_or_too_new(copy, version):
    pretend = f"import sys; sys.version_info = {(*version, 0)}; exec(sys.argv[1])"
    run = make(copy, ".venv/listo", fake_python(copy, f'exec {sys.executable} -c "{pretend}" "$2"'))
    assert run.returncode != 0
    assert (
        f"necesita Python 3.11, 3.12 o 3.13, y «./python-de-prueba» es el {version[0]}.{version[1]}"
        in message(run)
    )


def test_python_missing(copy):
    run = make(copy, ".venv/listo", "PYTHON=no-hay-tal-python")
    assert message(run).startswith("No se encuentra «no-hay-tal-python»")


def test_python_without_venv(copy):
    body = f'case "$2" in *ensurepip*) exit 1;; *) exec {sys.executable} "$@";; esac'
    run = make(copy, ".venv/listo", fake_python(copy, body))
    assert "le falta el módulo venv" in message(run)


def test_python_of_colab_missing_or_of_another_version(copy):
    run = make(copy, ".venv-colab/listo", "PYTHON_COLAB=no-hay-tal-python")
    assert "Colab usa Python 3.13, y «no-hay-tal-python» no funciona" in message(run)
    pretend = "import sys; sys.version_info = (3, 12, 0); exec(sys.argv[1])"
    fake_python(copy, f'exec {sys.executable} -c "{pretend}" "$2"')
    run = make(copy, ".venv-colab/listo", "PYTHON_COLAB=./python-de-prueba")
    assert message(run) == "Colab usa Python 3.13, y «./python-de-prueba» es el 3.12."
    assert not (copy / ".venv-colab").exists()


def test_interrupted_installation_is_repaired_and_a_finished_one_is_not_repeated(copy):
    python = f"PYTHON={sys.executable}"
    (copy / "requirements.txt").write_text("./no-hay-tal-paquete\n")
    assert make(copy, ".venv/listo", python).returncode != 0
    assert not (copy / ".venv" / "listo").exists()
    (copy / ".venv" / "resto").touch()
    (copy / "requirements.txt").write_text("")
    assert make(copy, ".venv/listo", python).returncode == 0
    assert not (copy / ".venv" / "resto").exists()
    assert (copy / ".venv/share/jupyter/lab/settings/overrides.json").exists()
    assert "up to date" in make(copy, ".venv/listo").stdout


def test_environment_whose_python_is_gone_is_repaired(copy):
    (copy / ".venv-colab" / "bin").mkdir(parents=True)
    (copy / ".venv-colab" / "bin" / "python").symlink_to(copy / "no-hay-tal-python")
    (copy / ".venv-colab" / "listo").touch()
    assert "-m venv --clear .venv-colab" in make(copy, "--dry-run", "test-colab").stdout
    (copy / ".venv-colab" / "bin" / "python").unlink()
    (copy / ".venv-colab" / "bin" / "python").symlink_to(sys.executable)
    assert "-m venv --clear .venv-colab" not in make(copy, "--dry-run", "test-colab").stdout


def test_one_command_changes_the_address_everywhere(tmp_path):
    ignored = shutil.ignore_patterns(".git", ".venv*", "modelos", "__pycache__", ".*_cache")
    shutil.copytree(ROOT, tmp_path, ignore=ignored, dirs_exist_ok=True)
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    subprocess.run(["git", "add", "."], cwd=tmp_path, check=True)
    assert make(tmp_path, "direccion", "REPO=ana/curso", "REF=otoño").returncode == 0
    text = (tmp_path / "notebooks" / "01_datos.ipynb").read_text(encoding="utf-8")
    assert "github/ana/curso/blob/otoño/notebooks/01_datos.ipynb" in text
    assert "gh/ana/curso/otoño?urlpath" in text
    assert 'REFERENCE = \\"otoño\\"' in text
    left = subprocess.run(
        ["git", "grep", "-l", "TU_USUARIO/curso-gradcam"], cwd=tmp_path, capture_output=True, text=True
    )
    assert left.stdout == ""
