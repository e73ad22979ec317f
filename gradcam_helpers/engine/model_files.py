"""El fichero de un modelo, que puede venir de cualquiera: qué es y qué trae, antes de que Keras lo lea."""

import tempfile
import zipfile
import zlib
from pathlib import Path

import h5py

from gradcam_helpers.engine.backend import keras

MAXIMUM_BYTES = 1_000_000_000  # de un modelo que se carga: la red del curso ocupa 91 MB
CONFIGURATION, WEIGHTS = "config.json", "model.weights.h5"  # lo que hay dentro de un `.keras`
SAVE_AGAIN = "Vuelve a guardar el modelo desde Keras, con un nombre que acabe en «.keras»."
COPY_AGAIN = "Cópialo o guárdalo otra vez; si es el de la lección 2, repítela, o cámbiale el nombre."


def read_model(path: Path) -> keras.Model:
    """Lee un modelo sin compilar, con el `safe_mode` de Keras: el código que traiga no se ejecuta.

    Vale un `.keras`, también desempaquetado en una carpeta, o un `.h5`. Lo reconoce por su contenido.

    Errores:
        ValueError: es otra cosa, que se nombra; está dañado, trae código o pasa de `MAXIMUM_BYTES`; o Keras
            no sabe construirlo.
    """
    try:
        if path.is_dir():
            return _read_folder(path)
        if zipfile.is_zipfile(path):
            return _read_zip(path)
        if h5py.is_hdf5(path):
            return _read_hdf5(path)
    except (OSError, zipfile.BadZipFile, zlib.error) as error:
        raise _damaged(path, type(error).__name__) from None
    raise _not_a_model(path)


def _read_zip(path: Path) -> keras.Model:
    with zipfile.ZipFile(path) as bundle, tempfile.TemporaryDirectory() as folder:
        if CONFIGURATION not in bundle.namelist():
            raise ValueError(f"«{path}» es un zip sin ningún modelo de Keras dentro. {SAVE_AGAIN}")
        _check_size(path, sum(item.file_size for item in bundle.infolist()))
        # Desde una carpeta, Keras lee los pesos del disco; desde el zip, antes los copia en memoria.
        bundle.extractall(folder)
        return _load(path, Path(folder))


def _read_folder(path: Path) -> keras.Model:
    if (path / "saved_model.pb").exists():
        raise ValueError(
            f"«{path}» es un modelo en el formato SavedModel de TensorFlow, que Keras 3 ya no carga. "
            "Ábrelo con la versión que lo guardó y guárdalo como «.keras» o «.h5»."
        )
    if not (path / CONFIGURATION).is_file():
        raise ValueError(f"«{path}» es una carpeta, y no un modelo de Keras. Indica el fichero.")
    _check_size(path, sum(file.stat().st_size for file in path.rglob("*")))
    return _load(path, path)


def _load(path: Path, folder: Path) -> keras.Model:
    if (folder / WEIGHTS).is_file():
        _check_size(path, _unpacked_bytes(folder / WEIGHTS))
    return _build(path, folder)


def _read_hdf5(path: Path) -> keras.Model:
    if path.suffix not in (".h5", ".hdf5"):
        raise ValueError(f"«{path}» es un fichero HDF5: cambia su nombre por «{path.stem}.h5» y cárgalo así.")
    with h5py.File(path) as content:
        has_model = "model_config" in content.attrs
        only_weights = "layers" in content or "layer_names" in content.attrs
    if not has_model:
        found = "solo los pesos de un modelo" if only_weights else "datos, pero ningún modelo de Keras"
        raise ValueError(f"«{path}» contiene {found}. {SAVE_AGAIN}")
    _check_size(path, _unpacked_bytes(path))
    return _build(path, path)


def _unpacked_bytes(path: Path) -> int:
    """Lo que ocupan en memoria los datos de un HDF5, que pueden estar comprimidos."""
    sizes = []
    with h5py.File(path) as content:
        content.visititems(lambda _, item: sizes.append(getattr(item, "nbytes", 0)))
    return sum(sizes)


def _check_size(path: Path, size: int) -> None:
    if size > MAXIMUM_BYTES:
        raise ValueError(
            f"«{path}» es demasiado grande: ocuparía {size / 1e6:.0f} MB, y se cargan modelos "
            f"de hasta {MAXIMUM_BYTES / 1e6:.0f} MB."
        )


def _build(path: Path, place: Path) -> keras.Model:
    try:
        model = keras.saving.load_model(place, compile=False, safe_mode=True)
    except (OSError, MemoryError):
        raise
    except Exception as error:
        # Keras falla de formas muy distintas según lo que falte o sobre en el fichero.
        if "safe_mode" in str(error):
            raise ValueError(
                f"«{path}» trae código (una capa «Lambda», por ejemplo), que aquí no se ejecuta. "
                "Cámbiala por una capa de Keras y vuelve a guardar el modelo."
            ) from None
        raise ValueError(
            f"Keras no sabe construir el modelo de «{path}» ({type(error).__name__}). Puede tener capas "
            "propias, ser de otra versión de Keras o haberse guardado a medias."
        ) from None
    if not isinstance(model, keras.Model):
        raise ValueError(f"«{path}» no contiene un modelo de Keras, sino «{type(model).__name__}».")
    return model


def _damaged(path: Path, reason: str) -> ValueError:
    return ValueError(f"«{path}» está dañado o cortado ({reason}). {COPY_AGAIN}")


def _not_a_model(path: Path) -> ValueError:
    with open(path, "rb") as file:
        start = file.read(512)
    if not start:
        return ValueError(f"«{path}» está vacío. {COPY_AGAIN}")
    if start.startswith((b"PK\x03\x04", b"\x89HDF")):
        return _damaged(path, "le falta una parte")
    if start.lstrip()[:5].lower() in (b"<!doc", b"<html"):
        return ValueError(f"«{path}» es una página web: lo que se descargó no es el modelo.")
    return ValueError(f"«{path}» no es un modelo de Keras: ni «.keras» ni «.h5». {SAVE_AGAIN}")
