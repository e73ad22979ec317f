"""TensorFlow, Keras y TFDS: se cargan en silencio, se arreglan si se puede o dicen qué no encaja."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from gradcam_helpers.engine import backend

ROOT = Path(__file__).resolve().parent.parent

# Como en Colab: un protobuf anterior al que generó los ficheros de tensorflow-metadata.
OLD_PROTOBUF = """
from google.protobuf import runtime_version
runtime_version.MAJOR, runtime_version.MINOR, runtime_version.PATCH = 5, 29, 6
"""
ABSENT = """
from importlib.machinery import PathFinder
find_spec = PathFinder.find_spec
PathFinder.find_spec = lambda name, *rest: (
    None if name.partition(".")[0] in {names} else find_spec(name, *rest)
)
"""
USE = """
from gradcam_helpers import data
from gradcam_helpers.engine import backend
from gradcam_helpers.engine.backend import tfds
builder = tfds.builder_cls("horses_or_humans")
print(len(builder.url_infos), len(data.load_images(data.prepare_source("embebido"), count=2)[0]))
"""


def run(script, **environment):
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )


def message(process):
    """La última línea del error, que es la que se lee."""
    assert process.returncode != 0, process.stdout
    *_, last = (line for line in process.stderr.splitlines() if "BrokenLibrary: " in line)
    return last.partition("BrokenLibrary: ")[2]


@pytest.fixture
def fake_library(tmp_path):
    """Pone delante de las instaladas una biblioteca con ese código."""

    def write(name, code):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(code, encoding="utf-8")
        return {"PYTHONPATH": str(tmp_path)}

    return write


def test_nothing_is_touched_when_all_is_well():
    process = run(
        "import os, sys, importlib_resources\n"
        "from google.protobuf import runtime_version\n"
        "before = runtime_version.ValidateProtobufRuntimeVersion\n"
        "from gradcam_helpers.engine import backend\n"
        "print(backend.PROTOBUF_SWITCH in os.environ, sys.modules['importlib_resources'].__name__,\n"
        "      runtime_version.ValidateProtobufRuntimeVersion is before)"
    )
    assert (process.stdout, process.stderr) == ("False importlib_resources True\n", "")


@pytest.mark.parametrize(
    "preparation",
    [
        OLD_PROTOBUF,
        ABSENT.format(names=["importlib_resources"]),
        OLD_PROTOBUF + ABSENT.format(names=["importlib_resources"]),
    ],
    ids=["protobuf", "importlib_resources", "los dos"],
)
def test_what_can_be_repaired_is_repaired_in_silence(preparation):
    process = run(preparation + USE)
    assert (process.stdout, process.stderr) == ("2 2\n", "")


def test_without_the_repair_protobuf_leaves_tfds_half_imported():
    process = run(OLD_PROTOBUF + "import tensorflow_datasets\ntensorflow_datasets.builder")
    assert "has no attribute 'builder'" in process.stderr


def test_a_library_left_half_imported_is_imported_again():
    process = run(
        OLD_PROTOBUF
        + "import tensorflow_datasets\nassert not hasattr(tensorflow_datasets, 'builder')"
        + USE
        + "import tensorflow_datasets\nassert tensorflow_datasets is tfds"
    )
    assert process.stdout == "2 2\n", process.stderr


def test_an_error_that_a_library_only_logs_is_raised_with_its_text(fake_library):
    environment = fake_library(
        "tensorflow_datasets",
        "from absl import logging\n"
        "try:\n"
        "    raise ValueError('falta una pieza\\ncon su detalle')\n"
        "except ValueError as error:\n"
        "    logging.exception(error)\n",
    )
    process = run("from gradcam_helpers import data", **environment)
    assert message(process).startswith("No se puede usar tensorflow_datasets: falta una pieza. Quizá")
    assert '%pip install --force-reinstall "tensorflow-datasets>=4.9.9,<5"' in message(process)
    assert "con su detalle" in process.stderr
    assert "AttributeError" not in process.stderr


def test_an_error_logged_by_a_library_that_works_is_told_in_one_line(fake_library):
    environment = fake_library(
        "tensorflow_datasets",
        "from absl import logging\nlogging.error('algo raro')\nbuilder, __version__ = None, '4.9.10'",
    )
    process = run("from gradcam_helpers.engine import backend", **environment)
    assert process.stderr == "Al cargar TensorFlow, Keras y TFDS hubo un error: algo raro.\n"


@pytest.mark.parametrize("name", ["tensorflow", "keras", "tensorflow_datasets"])
def test_a_library_that_fails_leaves_nothing_behind_and_its_text_is_not_lost(name, fake_library):
    code = "import os\nos.write(2, b'desde las profundidades')\nraise OSError('libfalta.so: no such file')"
    script = (
        "import sys\n"
        "try:\n"
        "    from gradcam_helpers.engine import backend\n"
        "except ImportError as error:\n"
        f"    print({name!r} in sys.modules, error.name, 'desde las profundidades' in error.__notes__[0])\n"
        "    raise"
    )
    process = run(script, **fake_library(name, code))
    assert process.stdout == f"False {name} True\n"
    assert message(process).startswith(f"No se puede usar {name}: libfalta.so: no such file. Quizá")


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("keras", "keras>=3.13,<4"),
        ("tensorflow_datasets", "tensorflow-datasets>=4.9.9,<5"),
        ("promise", "promise"),
        ("absl", "absl-py"),  # el nombre de pip no es el del módulo
    ],
)
def test_what_is_missing_is_named_with_the_command_that_brings_it(name, wanted):
    process = run(ABSENT.format(names=[name]) + USE)
    assert f"falta {name}" in message(process)
    assert f'%pip install --upgrade "{wanted}"' in message(process)


@pytest.mark.parametrize("name", ["keras", "ml_dtypes", "promise"])
def test_the_cell_that_fails_can_be_repeated(name):
    """Tras instalar lo que falta se repite la celda, y cargar TensorFlow dos veces mata el proceso."""
    attempt = (
        "try:\n"
        "    from gradcam_helpers.engine import backend\n"
        "    assert backend.tfds.builder_cls('horses_or_humans').url_infos\n"
        "except ImportError:\n"
        "    print('falla')\n"
    )
    process = run(ABSENT.format(names=[name]) + attempt + attempt)
    assert (process.returncode, process.stdout) == (0, "falla\nfalla\n"), process.stderr


def test_a_file_of_the_student_with_the_name_of_a_library_is_named(fake_library):
    process = run("from gradcam_helpers.engine import backend", **fake_library("tensorflow_datasets", ""))
    assert "__init__.py» se llama como tensorflow_datasets" in message(process)
    assert "pip" not in message(process)


def test_versions_that_do_not_fit_are_named():
    script = (
        "import importlib.metadata as metadata\n"
        "version = metadata.version\n"
        "metadata.version = lambda name: '5.29.6' if name == 'protobuf' else version(name)\n"
    )
    broken = ABSENT.format(names=["tensorflow_metadata"])
    process = run(script + broken + USE)
    assert "y hay 5.29.6" in message(process)
    assert '"protobuf<8.0.0,>=6.31.1"' in message(process)
    assert "falta tensorflow_metadata" in message(process)


@pytest.mark.parametrize(
    ("name", "version"), [("tensorflow", "2.9.1"), ("keras", "2.15.0"), ("tensorflow_datasets", "4.9.2")]
)
def test_a_version_too_old_is_refused(name, version, fake_library):
    code = f"__version__ = {version!r}\nfunction = Model = builder = data = None\n"
    assert f"y hay {version}. Quizá" in message(
        run("from gradcam_helpers.engine import backend", **fake_library(name, code))
    )


def test_bounds_are_those_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    bounds = {
        requirement.name: requirement.specifier for requirement in map(Requirement, project["dependencies"])
    }
    for name, specifier in backend.BOUNDS.items():
        assert SpecifierSet(specifier) == bounds[name.replace("_", "-")]


def test_an_empty_choice_of_backend_is_none():
    process = run(
        "from gradcam_helpers.engine import backend; print(backend.keras.backend.backend())", KERAS_BACKEND=""
    )
    assert process.stdout == "tensorflow\n", process.stderr


def test_another_keras_backend_is_refused():
    process = run("from gradcam_helpers.engine import backend", KERAS_BACKEND="numpy")
    assert process.returncode != 0
    assert "KERAS_BACKEND pide «numpy»" in process.stderr.splitlines()[-1]
