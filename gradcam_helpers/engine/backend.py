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

# De cada biblioteca, las versiones con las que funciona el curso, como en pyproject.toml.
BOUNDS = {"tensorflow": ">=2.20,<2.22", "keras": ">=3.13,<4", "tensorflow_datasets": ">=4.9.9,<5"}
# Y algo que tiene si se ha cargado entera: cuando TFDS falla, lo anota y sigue, a medio cargar.
ESSENTIAL = {"tensorflow": "function", "keras": "Model", "tensorflow_datasets": "builder"}
# Con esta variable, protobuf no compara su versión con la que generó los ficheros de otros paquetes.
PROTOBUF_SWITCH = "TEMPORARILY_DISABLE_PROTOBUF_VERSION_CHECK"

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

chosen = os.environ["KERAS_BACKEND"] = os.environ.get("KERAS_BACKEND") or "tensorflow"
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
    misfits = _misfits(error)
    if misfits:
        facts = "; ".join(misfits.values())
        problem, option, requirements = f"No encaja lo que hay instalado: {facts}.", "--upgrade", misfits
    else:
        problem, option = "Quizá está mal instalada.", "--force-reinstall"
        requirements = [f"{_distribution(name)}{BOUNDS[name]}"]
    command = " ".join(f'"{requirement}"' for requirement in requirements)
    return BrokenLibrary(
        f"No se puede usar {name}: {first_line(error)}. {problem} Ejecuta en una celda "
        f"«%pip install {option} {command}», reinicia el núcleo (en Colab, la sesión) y vuelve a empezar.",
        name=name,
    )


def first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")


def _misfits(error: Exception) -> dict[str, str]:
    """Lo que hay que pedir a pip para que las bibliotecas tengan lo que piden, y qué pasa ahora con ello."""
    found = {}
    with contextlib.suppress(ImportError):  # `packaging` puede ser uno de los que faltan
        from packaging.requirements import Requirement

        wanted = [Requirement(f"{_distribution(name)}{bounds}") for name, bounds in BOUNDS.items()]
        for distribution in filter(_installed, map(_distribution, BOUNDS)):
            wanted += map(Requirement, importlib.metadata.requires(distribution) or ())
        for requirement in wanted:
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                version = _installed(requirement.name)
                if not version or not requirement.specifier.contains(version, prereleases=True):
                    text = f"{requirement.name}{requirement.specifier}"
                    found[text] = f"hace falta {text} y {f'hay {version}' if version else 'no está'}"
    if missing := re.search(r"No module named '([\w.]+)'", str(error)):
        parts = missing[1].replace("_", "-").split(".")
        if not any(re.match(r"[\w.-]+", text)[0] in (*parts, f"{parts[0]}-cpu") for text in found):
            top = missing[1].partition(".")[0]
            packages = importlib.metadata.packages_distributions().get(top, [top])
            found |= {f"{package}{BOUNDS.get(top, '')}": f"falta {top}" for package in packages}
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
    _forget_half_imported(name)  # quizá la importó antes quien estudia
    try:
        module = importlib.import_module(name)
        if not hasattr(module, ESSENTIAL[name]) and not logged:
            raise BrokenLibrary(
                f"«{module.__file__}» se llama como {name} y se importa en su lugar. "
                "Cámbiale el nombre, reinicia el núcleo y vuelve a empezar.",
                name=name,
            )
        getattr(module, ESSENTIAL[name])
        _check_version(module)
    except BrokenLibrary:
        raise
    except Exception as error:
        _forget_half_imported(name)
        cause = logged[-1] if logged and isinstance(error, AttributeError) else error
        raise broken(_culprit(cause) or name, cause) from cause
    return module


def _culprit(error: Exception) -> str | None:
    """La biblioteca en la que ha fallado algo: al importar una se importan otras."""
    modules = [
        frame.f_globals["__name__"].partition(".")[0] for frame, _ in traceback.walk_tb(error.__traceback__)
    ]
    return next((module for module in reversed(modules) if module in BOUNDS), None)


def _forget_half_imported(name: str) -> None:
    """Quita una biblioteca que está a medias, para importarla otra vez desde el principio.

    Solo le pasa a la que anota un fallo y sigue. De la que falla, Python ya quita lo que hace falta; y quitar
    las partes de TensorFlow sería peor: cargarlas dos veces mata el proceso.
    """
    if name in sys.modules and not hasattr(sys.modules[name], ESSENTIAL[name]):
        for loaded in [module for module in sys.modules if f"{module}.".startswith(f"{name}.")]:
            del sys.modules[loaded]


def _check_version(module: ModuleType) -> None:
    oldest = re.search(r">=([\d.]+)", BOUNDS[module.__name__])[1]
    version, lowest = (
        [int(number) for number in re.findall(r"\d+", text)[:3]] for text in (module.__version__, oldest)
    )
    if version < lowest:
        raise ImportError(f"el curso necesita al menos la versión {oldest}, y hay {module.__version__}")


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
        modules = [_import(name, logged) for name in BOUNDS]
    for error in logged:
        print(f"Al cargar TensorFlow, Keras y TFDS hubo un error: {first_line(error)}.", file=sys.stderr)
    return modules


tf, keras, tfds = _load()
