"""Carga TensorFlow, Keras y TFDS, sin los avisos de arranque; los demás módulos los toman de aquí.

Lo que se puede arreglar sin instalar nada se arregla. Si no basta, el error dice en una línea qué paquetes
no encajan y con qué orden se arregla, y lleva detrás el de la biblioteca, entero.
"""

import contextlib
import importlib
import importlib.metadata
import importlib.resources.abc
import importlib.util
import logging
import os
import re
import sys
import tempfile
import traceback
from collections.abc import Iterator
from types import ModuleType

# De cada biblioteca, la versión más antigua con la que funciona el curso, como en pyproject.toml.
OLDEST = {"tensorflow": "2.20", "keras": "3.13", "tensorflow_datasets": "4.9.9"}
# Y algo que tiene si se ha cargado entera: cuando TFDS falla, lo anota y sigue, a medio cargar.
ESSENTIAL = {"tensorflow": "function", "keras": "Model", "tensorflow_datasets": "builder"}
# Con esta variable, protobuf no compara su versión con la que generó los ficheros de otros paquetes.
PROTOBUF_SWITCH = "TEMPORARILY_DISABLE_PROTOBUF_VERSION_CHECK"

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

chosen = os.environ.setdefault("KERAS_BACKEND", "tensorflow")
if chosen != "tensorflow":
    raise ImportError(
        f"El curso usa Keras sobre TensorFlow, y KERAS_BACKEND pide «{chosen}». "
        "Quita esa variable de entorno, reinicia el núcleo y vuelve a empezar."
    )


class BrokenLibrary(ImportError):
    """Falta una de las bibliotecas del curso, o lo que hay instalado no le deja funcionar."""


def broken(name: str, error: Exception) -> BrokenLibrary:
    """El error que dice qué no encaja y cómo se arregla, para lanzarlo `from error`.

    Argumentos:
        name: la biblioteca que ha fallado, con el nombre con que se importa.
        error: lo que ha pasado.
    """
    misfits = _misfits(name, error)
    packages = "; ".join(text for text, _ in misfits)
    command = " ".join(f'"{requirement}"' for _, requirement in misfits)
    return BrokenLibrary(
        f"No se puede usar {name}: {first_line(error)}. No encaja lo que hay instalado: {packages}. "
        f"Ejecuta en una celda «%pip install --upgrade {command}», reinicia el núcleo y vuelve a empezar.",
        name=name,
    )


def first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")


def _misfits(name: str, error: Exception) -> list[tuple[str, str]]:
    """Los paquetes que no son como los piden las bibliotecas: lo que pasa, y lo que hay que pedir a pip."""
    found = []
    with contextlib.suppress(ImportError):  # `packaging` puede ser uno de los que faltan
        from packaging.requirements import Requirement

        for distribution in filter(_installed, map(_distribution, OLDEST)):
            for requirement in map(Requirement, importlib.metadata.requires(distribution) or ()):
                if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                    version = _installed(requirement.name)
                    if not version or not requirement.specifier.contains(version, prereleases=True):
                        wanted = f"{requirement.name}{requirement.specifier}"
                        state = f"hay {version}" if version else "no está"
                        found.append((f"{distribution} pide {wanted} y {state}", wanted))
    missing = getattr(error, "name", None) if isinstance(error, ModuleNotFoundError) else None
    package = (missing or name).partition(".")[0]
    if not found or (missing and not any(_distribution(package) in wanted for _, wanted in found)):
        state = f"falta {package}" if missing else f"{package} {_installed(_distribution(package))}"
        wanted = f"{_distribution(package)}>={OLDEST[package]}" if package in OLDEST else package
        found.insert(0, (state, wanted))
    return found


def _distribution(name: str) -> str:
    """El paquete de pip de una biblioteca; de TensorFlow hay dos."""
    name = name.replace("_", "-")
    return f"{name}-cpu" if not _installed(name) and _installed(f"{name}-cpu") else name


def _installed(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _import(name: str, logged: list[Exception]) -> ModuleType:
    """Importa una biblioteca entera; o nada de ella, y `BrokenLibrary`.

    Argumentos:
        logged: los errores que se van anotando; son la causa de que falte algo.
    """
    if not hasattr(sys.modules.get(name), ESSENTIAL[name]):
        _forget(name)  # quien la importó antes la dejó a medias
    try:
        module = importlib.import_module(name)
        getattr(module, ESSENTIAL[name])
        _check_version(module)
    except Exception as error:
        _forget(name)
        cause = logged[-1] if logged and isinstance(error, AttributeError) else error
        raise broken(_culprit(cause) or name, cause) from cause
    return module


def _culprit(error: Exception) -> str | None:
    """La biblioteca en la que ha fallado algo: al importar una se importan otras."""
    modules = [
        frame.f_globals["__name__"].partition(".")[0] for frame, _ in traceback.walk_tb(error.__traceback__)
    ]
    return next((module for module in reversed(modules) if module in OLDEST), None)


def _forget(name: str) -> None:
    for loaded in [module for module in sys.modules if f"{module}.".startswith(f"{name}.")]:
        del sys.modules[loaded]


def _check_version(module: ModuleType) -> None:
    version, oldest = (
        [int(number) for number in re.findall(r"\d+", text)[:3]]
        for text in (module.__version__, OLDEST[module.__name__])
    )
    if version < oldest:
        raise ImportError(
            f"el curso necesita al menos la versión {OLDEST[module.__name__]}, y hay {module.__version__}"
        )


@contextlib.contextmanager
def _logged_errors() -> Iterator[list[Exception]]:
    """Da la lista en la que guarda, sin mostrarlos, los errores que se anotan con absl, como hace TFDS."""
    errors = []

    def keep(record: logging.LogRecord) -> bool:
        if record.levelno < logging.ERROR:
            return True
        errors.append(record.exc_info[1] if record.exc_info else RuntimeError(record.getMessage()))
        return False

    try:
        from absl.logging import get_absl_logger
    except ImportError:  # ya fallará TensorFlow, que la usa
        yield errors
        return
    get_absl_logger().addFilter(keep)
    try:
        yield errors
    finally:
        get_absl_logger().removeFilter(keep)


@contextlib.contextmanager
def _tolerant_protobuf() -> Iterator[None]:
    """Si protobuf rechaza un fichero por la versión que lo generó, usa `PROTOBUF_SWITCH` y sigue.

    Sus versiones van por delante de las que admite TensorFlow, y los ficheros, que solo describen datos, se
    leen igual.
    """
    try:
        from google.protobuf import runtime_version
    except ImportError:  # es anterior a esa comprobación; si falta, ya fallará quien la use
        yield
        return
    validate = runtime_version.ValidateProtobufRuntimeVersion

    def validate_or_switch(*versions) -> None:
        try:
            validate(*versions)
        except runtime_version.VersionError:
            os.environ[PROTOBUF_SWITCH] = "true"

    runtime_version.ValidateProtobufRuntimeVersion = validate_or_switch
    try:
        yield
    finally:
        runtime_version.ValidateProtobufRuntimeVersion = validate


def _provide_importlib_resources() -> None:
    """TFDS usa `importlib_resources` sin declararla; la biblioteca estándar tiene lo mismo."""
    if importlib.util.find_spec("importlib_resources") is None:
        sys.modules["importlib_resources"] = importlib.resources
        sys.modules["importlib_resources.abc"] = importlib.resources.abc


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Aparta lo que se escribe en el descriptor 2; si hay un error, se lo pone como nota."""
    # TensorFlow escribe ahí sus avisos antes de atender a TF_CPP_MIN_LOG_LEVEL.
    stderr_copy = os.dup(2)
    with tempfile.TemporaryFile() as written:
        os.dup2(written.fileno(), 2)
        try:
            yield
        except Exception as error:
            written.seek(0)
            if text := written.read().decode(errors="replace").strip():
                error.add_note(text)
            raise
        finally:
            os.dup2(stderr_copy, 2)
            os.close(stderr_copy)


def _load() -> list[ModuleType]:
    with _quiet(), _tolerant_protobuf(), _logged_errors() as logged:
        _provide_importlib_resources()
        modules = [_import(name, logged) for name in OLDEST]
    for error in logged:
        print(f"Al cargar TensorFlow, Keras y TFDS hubo un error: {first_line(error)}.", file=sys.stderr)
    return modules


tf, keras, tfds = _load()
