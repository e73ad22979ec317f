"""Descargar el conjunto de datos sin esperar a un servidor colgado y sin dejar nada a medias."""

import contextlib
import errno
import hashlib
import io
import os
import queue
import shutil
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from tqdm.auto import tqdm

from gradcam_helpers.engine.backend import first_line, tfds

try:
    import fcntl
except ImportError:  # en Windows
    fcntl = None

PATIENCE = 8.0  # segundos en los que han de llegar MINIMUM_BYTES; si no, el servidor está colgado
MINIMUM_BYTES = 40_000
CHUNK = 65_536  # bytes que se leen de una vez

PREFIX = ".descarga-"  # de las carpetas provisionales
TOKEN = "en-uso"  # fichero que tiene abierto el proceso que trabaja en una de ellas

REASONS = {
    errno.ENOSPC: "el disco está lleno",
    errno.EROFS: "es de solo lectura",
    errno.EACCES: "no tienes permiso",
    errno.ENOTDIR: "no es una carpeta",
}


def download_dataset(builder: type[tfds.core.DatasetBuilder], data_dir: Path) -> None:
    """Descarga los ficheros de un conjunto, los convierte con TFDS y lo deja en `data_dir`.

    Trabaja en una carpeta provisional de `data_dir` y la borra al terminar, acabe como acabe. La que deja
    un proceso al que mataron la borra la descarga siguiente.

    Errores:
        ConnectionError: no se llega al servidor, se cuelga o no envía lo que debe.
        OSError: no hay espacio, no se puede escribir o los ficheros no se pueden convertir.
    """
    try:
        with _created(data_dir, data_dir / builder.name):
            _remove_leftovers(data_dir)
            _check_space(builder, data_dir)
            with _provisional_folder(data_dir) as folder:
                for url, expected in builder.url_infos.items():
                    _fetch(url, expected, folder / expected.filename)
                _put_in_place(_convert(builder, folder), data_dir / builder.name / str(builder.VERSION))
    except OSError as error:
        if error.errno is None:  # ya dice qué pasó
            raise
        reason = REASONS.get(error.errno, error.strerror)
        raise OSError(
            f"No se pudo escribir en «{data_dir}»: {reason}. No ha quedado nada a medias. Corrígelo, "
            "o señala con TFDS_DATA_DIR otra carpeta."
        ) from None


@contextlib.contextmanager
def _created(*folders: Path) -> Iterator[None]:
    """Crea las carpetas que falten y, si algo falla, quita las que creó."""
    new = [folder for folder in folders if not folder.exists()]
    try:
        for folder in new:
            folder.mkdir(exist_ok=True)
        yield
    except BaseException:
        for folder in reversed(new):
            with contextlib.suppress(OSError):  # no se llegó a crear, o ya la usa otro proceso
                folder.rmdir()
        raise


@contextlib.contextmanager
def _provisional_folder(data_dir: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=data_dir, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with _in_use(folder):
            yield folder


@contextlib.contextmanager
def _in_use(folder: Path) -> Iterator[None]:
    """Marca una carpeta provisional mientras dura; si el proceso muere, el sistema quita la marca.

    Errores:
        BlockingIOError: la está usando otro proceso.
    """
    with open(folder / TOKEN, "w") as token:
        if fcntl:
            fcntl.flock(token, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def _remove_leftovers(data_dir: Path) -> None:
    """Borra las carpetas provisionales que dejaron procesos a los que mataron."""
    for folder in data_dir.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):  # está en uso
            with _in_use(folder):
                pass
            (folder / TOKEN).unlink()  # Windows no deja borrar un fichero que otro proceso tiene abierto
            shutil.rmtree(folder)


def _check_space(builder: type[tfds.core.DatasetBuilder], data_dir: Path) -> None:
    # Lo convertido ocupa como lo descargado, y al final están los dos.
    needed = 2 * sum(int(expected.size) for expected in builder.url_infos.values())
    free = shutil.disk_usage(data_dir).free
    if free < needed:
        raise OSError(
            f"En el disco de «{data_dir}» faltan {(needed - free) / 1e6:.0f} MB: la descarga necesita "
            f"{needed / 1e6:.0f} MB y hay {free / 1e6:.0f} MB libres. Haz sitio, o señala con TFDS_DATA_DIR "
            "una carpeta de otro disco."
        )


def _fetch(url: str, expected: tfds.download.checksums.UrlInfo, path: Path) -> None:
    """Descarga un fichero y comprueba que es el esperado, byte a byte."""
    size = int(expected.size)  # TFDS escribe los suyos en MiB
    digest, received = hashlib.sha256(), 0
    bar = tqdm(desc=f"Descargando {expected.filename}", total=size, unit="B", unit_scale=True, leave=False)
    with bar, open(path, "wb") as file, contextlib.closing(_stream(url)) as chunks:
        for chunk in chunks:
            received += len(chunk)
            if received > size:
                raise _failed(url, f"el servidor envía más de los {size} bytes anunciados")
            file.write(chunk)
            digest.update(chunk)
            bar.update(len(chunk))
    if received < size:
        raise _failed(url, f"se cortó y llegaron {received} de {size} bytes")
    if digest.hexdigest() != expected.checksum:
        raise _failed(url, "llegó dañado o es otro fichero: su suma SHA-256 no es la esperada")


def _stream(url: str) -> Iterator[bytes]:
    """Los bytes de un fichero según llegan, sin esperar más de `PATIENCE` a los `MINIMUM_BYTES` siguientes.

    Habla con el servidor otro hilo: los tiempos de espera de una conexión no acotan la búsqueda del nombre
    del servidor ni una respuesta que llega con cuentagotas.
    """
    chunks, abandoned = queue.Queue(maxsize=16), threading.Event()
    threading.Thread(target=_receive, args=(url, chunks, abandoned), daemon=True).start()
    try:
        received, deadline = 0, time.monotonic() + PATIENCE
        while True:
            try:
                chunk = chunks.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise _failed(url, "el servidor no responde o va demasiado lento") from None
            if isinstance(chunk, Exception):
                raise _failed(url, _describe(chunk))
            if not chunk:
                return
            received += len(chunk)
            if received >= MINIMUM_BYTES:
                received, deadline = 0, time.monotonic() + PATIENCE
            yield chunk
    finally:
        abandoned.set()
        with contextlib.suppress(queue.Empty):  # el otro hilo quizá espera sitio para dejar su último trozo
            while True:
                chunks.get_nowait()


def _receive(url: str, chunks: queue.Queue, abandoned: threading.Event) -> None:
    """Deja en `chunks` lo que envía el servidor y, al final, b"" o la excepción que lo impidió."""
    try:
        # Este plazo no decide nada: hace que un hilo abandonado termine.
        with urllib.request.urlopen(url, timeout=2 * PATIENCE) as response:
            while not abandoned.is_set() and (chunk := response.read1(CHUNK)):
                chunks.put(chunk)
        chunks.put(b"")
    except Exception as error:
        chunks.put(error)


def _describe(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"el servidor respondió con el error {error.code}"
    return f"falló la conexión ({getattr(error, 'reason', error)})"


def _failed(url: str, what: str) -> ConnectionError:
    return ConnectionError(
        f"No se pudo descargar «{Path(urlsplit(url).path).name}» de {urlsplit(url).hostname}: {what}. "
        "No ha quedado nada a medias. Vuelve a intentarlo, o señala con TFDS_DATA_DIR una carpeta que ya "
        "tenga los datos."
    )


def _convert(builder: type[tfds.core.DatasetBuilder], folder: Path) -> Path:
    """Convierte los ficheros descargados en `folder`; devuelve la carpeta del conjunto."""
    # TFDS busca en `manual_dir` los ficheros por su nombre antes de descargarlos.
    config = tfds.download.DownloadConfig(manual_dir=folder, try_download_gcs=False)
    tfds.disable_progress_bar()  # sus barras y sus avisos están en inglés
    try:
        converter = builder(data_dir=folder)
        with contextlib.redirect_stdout(io.StringIO()):
            converter.download_and_prepare(download_config=config)
        return Path(converter.data_dir)
    except ImportError:
        raise
    except Exception as error:
        # Convierten varias bibliotecas, cada una con sus errores; los del disco traen su código.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise OSError(
            f"TFDS no pudo convertir los datos descargados: {first_line(error)}. "
            "No ha quedado nada a medias. Vuelve a intentarlo."
        ) from None
    finally:
        tfds.enable_progress_bar()


def _put_in_place(finished: Path, target: Path) -> None:
    if target.exists() and not (target / "dataset_info.json").exists():
        shutil.rmtree(target)  # restos de una conversión anterior, sin ficha: TFDS tampoco los usa
    if not target.exists():  # si otro proceso terminó antes, vale su copia
        os.replace(finished, target)
