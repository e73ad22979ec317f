"""Las versiones de Colab: qué se toma de su lista, y qué se dice si la lista no vale."""

import os
import re
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.colab import versions

ROOT = Path(__file__).resolve().parent.parent
FREEZE = """\
# Do not modify this file directly

Curso_Red==2.0
-e git+https://example.org/otro.git#egg=otro
google-colab @ file:///colabtools/dist/google_colab-1.0.0.tar.gz
ipykernel==6.0
kernel_gateway @ git+https://example.org/kernel_gateway@b134e99
metadatos==1.5
nbclient==0.5
protocolo==5.29.6
pytest==8.0
sobra==9.0
tensorflow==2.20.0
"""
PACKAGES = {
    "curso-red": ("2.0", ["protocolo>=5", "metadatos[rapido]", "de-windows; sys_platform == 'win32'"]),
    "ipykernel": ("6.0", ["falta-en-colab"]),
    "metadatos": ("1.5", ["protocolo>=6.31", "curso-red; extra == 'rapido'", "lento; extra == 'lento'"]),
    "nbclient": ("0.5", []),
    "protocolo": ("5.29.6", []),
    "pytest": ("8.0", ["antiguo; python_version < '3.13'"]),
    "sobra": ("9.0", []),
    "tensorflow-cpu": ("2.20.0", []),
}
DECLARED = ["tensorflow-cpu>=2.20", "curso-red>=1", "jupyterlab>=4"]


@pytest.fixture
def index(tmp_path, monkeypatch):
    """Un índice local con `PACKAGES`, el único en el que busca pip."""
    folder = tmp_path / "indice"
    folder.mkdir()
    for name, (version, requirements) in PACKAGES.items():
        stem = f"{name.replace('-', '_')}-{version}"
        required = "".join(f"Requires-Dist: {each}\n" for each in requirements)
        with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as wheel:
            information = f"{stem}.dist-info"
            metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{required}"
            wheel.writestr(f"{information}/METADATA", metadata + "Provides-Extra: rapido\n")
            wheel.writestr(f"{information}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
            wheel.writestr(f"{information}/RECORD", "")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def target(tmp_path, monkeypatch):
    """El fichero que se escribiría, con lo que ya tenía, y un curso que declara otras cosas."""
    target = tmp_path / "destino" / "requirements.txt"
    target.parent.mkdir()
    target.write_text("lo de antes\n")
    declared = tmp_path / "pyproject.toml"
    declared.write_text(f"[project]\ndependencies = {DECLARED!r}\n")
    monkeypatch.setattr(versions, "TARGET", target)
    monkeypatch.setattr(versions, "PYPROJECT", declared)
    return target


@pytest.fixture
def freeze(tmp_path):
    def write(text):
        path = tmp_path / "lista.txt"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return write


@pytest.mark.parametrize("place", [str, lambda path: Path(path).as_uri()], ids=["ruta", "dirección"])
def test_everything_the_course_reaches_with_the_versions_of_the_list(place, index, target, freeze, capsys):
    """También lo que no encaja (`metadatos` pide otro `protocolo`), y nada que Colab no tenga."""
    versions.main([place(freeze(FREEZE))])
    text = target.read_text()
    expected = {name: version for name, (version, _) in PACKAGES.items() if name != "sobra"}
    assert dict(re.findall(r"^(\S+)==(\S+) \\$", text, flags=re.MULTILINE)) == expected
    assert len(re.findall(r"^    --hash=sha256:[0-9a-f]{64}$", text, flags=re.MULTILINE)) == len(expected)
    assert "Colab no lo tiene: falta-en-colab, jupyterlab.\n" in text
    assert "Colab no tiene: falta-en-colab, jupyterlab." in capsys.readouterr().out
    assert [path.name for path in target.parent.iterdir()] == [target.name]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no está la versión de tensorflow, ipykernel, nbclient, pytest: no es la lista de Colab"),
        ("# solo un comentario\n", "no está la versión de tensorflow"),
        ("<!doctype html>\n<p>404\n", "su línea 1 dice «<!doctype html>»"),
        (FREEZE + "numpy>=2\n", f"su línea {FREEZE.count(chr(10)) + 1} dice «numpy>=2»"),
        (b"\x89PNG\r\n\x1a\n\xff", "no es un texto"),
        (FREEZE.replace("tensorflow==2.20.0", "tensorflow @ file:///tf.whl"), "la versión de tensorflow: no"),
        (FREEZE.replace("protocolo==5.29.6", "protocolo @ file:///p.whl"), "no da la versión de protocolo"),
        (FREEZE.replace("protocolo==5.29.6", "protocolo==7.0"), "pip no encuentra lo que dice la lista"),
    ],
)
def test_a_list_that_is_not_valid_changes_nothing(text, message, index, target, freeze):
    with pytest.raises(SystemExit, match=re.escape(message)) as failure:
        versions.main([freeze(text)])
    assert "\n" not in str(failure.value)
    assert target.read_text() == "lo de antes\n"
    assert [path.name for path in target.parent.iterdir()] == [target.name]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([""], "Di dónde está la lista de Colab"),
        (["/no/hay/lista.txt"], "No se pudo leer la lista «/no/hay/lista.txt»: No such file"),
        (["/"], "No se pudo leer la lista «/»"),
        (["http://127.0.0.1:9/lista"], "No se pudo leer la lista «http://127.0.0.1:9/lista»: .*refused"),
        (["file:///no/hay"], "No se pudo leer la lista «file:///no/hay»"),
        (["esquema://lista"], "No se pudo leer la lista «esquema://lista»"),
    ],
)
def test_a_list_that_cannot_be_read(arguments, message, target, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with pytest.raises(SystemExit, match=message) as failure:
        versions.main(arguments)
    assert "\n" not in str(failure.value)
    assert target.read_text() == "lo de antes\n"


def test_stored_versions_are_within_the_bounds_of_the_course():
    text = (ROOT / "tests/colab/requirements.txt").read_text(encoding="utf-8")
    stored = dict(re.findall(r"^(\S+)==(\S+)", text, flags=re.MULTILINE))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    requirements = [Requirement(line) for line in project["dependencies"]]
    shared = [each for each in requirements if canonicalize_name(each.name) in stored]
    assert {"tensorflow-cpu", "keras", "ipywidgets"} <= {each.name for each in shared}
    for each in shared:
        assert stored[canonicalize_name(each.name)] in each.specifier, each
    assert "://" not in text
