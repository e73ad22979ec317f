"""El conjunto de datos del curso: encontrarlo o descargarlo, y preparar sus imágenes para la red."""

import os
import shutil
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

# `backend`, antes que TFDS: quien importa TensorFlow primero decide si salen sus avisos.
from gradcam_helpers.backend import tf

import tensorflow_datasets as tfds  # isort: skip

IMAGE_SHAPE = (300, 300, 3)
CLASS_NAMES = ("caballo", "persona")  # en el orden de las etiquetas: 0, horses; 1, humans

TRAINING_SPLIT = "train[:80%]"
VALIDATION_SPLIT = "train[80%:]"
TEST_SPLIT = "test"

CONNECTION_TIMEOUT = 5.0  # segundos


@dataclass(frozen=True)
class Source:
    """Un conjunto de datos que TFDS puede leer sin descargar nada más.

    Atributos:
        key: nombre corto, con el que se guardan los modelos entrenados con él.
        name: nombre del conjunto en TFDS.
        data_dir: carpeta que se pasa a TFDS como `data_dir`.
        licence: autor y licencia.
    """

    key: str
    name: str
    data_dir: str
    licence: str

    def __str__(self) -> str:
        return f"Datos: {self.name}, las imágenes originales. Licencia: {self.licence}."


def prepare_source() -> Source:
    """Deja listo `horses_or_humans`: lo busca, lo descarga si falta y comprueba que está entero.

    Lo busca en la carpeta de la variable de entorno `TFDS_DATA_DIR` o, sin ella, en
    `tensorflow_datasets` de la carpeta personal. La descarga (unos 150 MB) se hace en una carpeta
    provisional y se pone en su sitio cuando está completa: si se interrumpe, no queda nada a medias.

    Errores:
        FileNotFoundError: `TFDS_DATA_DIR` señala una carpeta que no existe.
        ConnectionError: no están los datos y no se pudieron descargar.
        OSError: los datos están, pero dañados o incompletos; o no se pudieron escribir.
    """
    data_dir = _data_dir()
    builder = _open_builder(data_dir)
    if not builder.is_prepared():
        _download(builder, data_dir)
        builder = _open_builder(data_dir)
    _check_records(builder)
    return Source("real", builder.name, str(data_dir), "L. Moroney, CC BY 2.0")


def _data_dir() -> Path:
    chosen = os.environ.get("TFDS_DATA_DIR")
    if not chosen:
        return Path.home() / "tensorflow_datasets"
    folder = Path(chosen).expanduser()
    if not folder.is_dir():
        raise FileNotFoundError(
            f"La variable TFDS_DATA_DIR señala «{chosen}», que no es una carpeta. "
            "Corrígela, o quítala para usar la carpeta personal."
        )
    return folder


def _open_builder(data_dir: Path) -> tfds.core.DatasetBuilder:
    try:
        return tfds.builder("horses_or_humans", data_dir=str(data_dir))
    except Exception as error:
        # Una ficha dañada se descubre al leerla, con errores de la biblioteca que la interprete.
        raise _damaged(data_dir / "horses_or_humans", _first_line(error)) from None


def _download(builder: tfds.core.DatasetBuilder, data_dir: Path) -> None:
    _check_connection(next(iter(builder.url_infos)))
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
            prefix=".descarga-", dir=data_dir, ignore_cleanup_errors=True
        ) as partial:
            tfds.builder(builder.name, data_dir=partial).download_and_prepare()
            finished = Path(partial, builder.name, str(builder.version))
            _put_in_place(finished, data_dir / builder.name / str(builder.version))
    except Exception as error:
        # La descarga y la conversión fallan de muchas maneras, con clases de varias bibliotecas: la red, las
        # sumas de control… El disco se distingue por su código de error.
        if isinstance(error, OSError) and error.errno is not None:
            raise OSError(f"No se pudo escribir en «{data_dir}»: {error.strerror}.") from None
        raise ConnectionError(
            f"No se pudo descargar «{builder.name}» en «{data_dir}»: {_first_line(error)} "
            "No ha quedado nada a medias: vuelve a intentarlo."
        ) from None


def _put_in_place(finished: Path, target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    if target.exists() and not (target / "dataset_info.json").exists():
        shutil.rmtree(target)  # restos de una conversión anterior, sin ficha: TFDS tampoco los usa
    if not target.exists():  # si otro núcleo terminó antes, vale su copia
        os.replace(finished, target)


def _check_connection(url: str) -> None:
    # TFDS reintenta durante minutos cuando no hay red; esto lo averigua en segundos.
    host = urlsplit(url).hostname
    request = urllib.request.Request(url, method="HEAD")
    try:
        urllib.request.urlopen(request, timeout=CONNECTION_TIMEOUT).close()
    except urllib.error.HTTPError:
        return  # el servidor contesta: si algo falla, lo dirá la descarga
    except OSError:
        raise ConnectionError(
            f"No están los datos y no hay conexión con {host} para descargarlos. Conéctate y vuelve a "
            "ejecutar la celda, o señala con TFDS_DATA_DIR una carpeta que ya los tenga."
        ) from None


def _check_records(builder: tfds.core.DatasetBuilder) -> None:
    """Lee todos los registros con sus sumas de control (medio segundo) sin decodificar las imágenes."""
    for name, split in builder.info.splits.items():
        files = [str(path) for path in split.filepaths]
        try:
            found = int(tf.data.TFRecordDataset(files).reduce(0, lambda count, _: count + 1))
        except tf.errors.OpError as error:
            raise _damaged(
                builder.data_dir, f"la parte «{name}» no se puede leer ({_first_line(error)})"
            ) from None
        if found != split.num_examples:
            raise _damaged(
                builder.data_dir,
                f"la parte «{name}» tiene {found} imágenes y debería tener {split.num_examples}",
            )


def _damaged(folder: str | Path, what: str) -> OSError:
    return OSError(
        f"Los datos de «{folder}» están dañados: {what}. "
        "Borra esa carpeta y vuelve a ejecutar la celda para descargarlos de nuevo."
    )


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


def _load(source: Source, split: str) -> tf.data.Dataset:
    # TFDS guarda por su cuenta en memoria los conjuntos pequeños; aquí decide quien llama.
    read_config = tfds.ReadConfig(try_autocache=False)
    return tfds.load(
        source.name,
        data_dir=source.data_dir,
        split=split,
        as_supervised=True,
        download=False,
        read_config=read_config,
    )


def load_images(source: Source, split: str = TEST_SPLIT, count: int | None = None):
    """Lee imágenes en memoria, en el orden en que están guardadas.

    Argumentos:
        split: parte del conjunto, en la notación de TFDS (`"test"`, `"train[:10%]"`…).
        count: cuántas; por omisión, todas. Cada una ocupa 270 kB.

    Devuelve `(images, labels)`: uint8 (N, 300, 300, 3) e int64 (N,).
    """
    if count is not None and count < 1:
        raise ValueError(f"Hay que leer al menos una imagen, y se piden {count}.")
    dataset = _load(source, split)
    pairs = list(dataset.take(-1 if count is None else count).as_numpy_iterator())
    images, labels = zip(*pairs, strict=True)
    return np.stack(images), np.array(labels)


def load_batches(source: Source, split: str, batch_size: int, shuffle: bool = False) -> tf.data.Dataset:
    """Lotes para entrenar o evaluar, con los mismos pasos que en la lección 2.

    Argumentos:
        split: parte del conjunto, en la notación de TFDS.
        batch_size: imágenes por lote; el último puede quedar más corto.
        shuffle: guarda las imágenes en memoria (270 kB cada una) y las baraja en cada época.

    Devuelve pares `(images, labels)`: float32 (N, 300, 300, 3) entre 0 y 1, e int64 (N,).
    """
    dataset = _load(source, split)
    if shuffle:
        dataset = dataset.cache().shuffle(len(dataset))
    return dataset.batch(batch_size).map(normalize).prefetch(1)


def normalize(images, labels):
    """Lleva los píxeles de 0…255 (uint8) a 0…1 (float32); las etiquetas no cambian."""
    return tf.cast(images, tf.float32) / 255, labels


def prepare_image(image) -> np.ndarray:
    """Adapta una imagen, o un lote, a lo que espera la red del curso.

    Argumentos:
        image: (300, 300, 3) o (N, 300, 300, 3), con valores de 0 a 255; enteros o flotantes.

    Devuelve un lote float32 (N, 300, 300, 3) con valores entre 0 y 1.

    Errores:
        TypeError: los valores no son números.
        ValueError: forma o intervalo distintos, valores que no son finitos, o lote vacío.
    """
    array = np.asarray(image)
    if array.dtype.kind not in "uif":
        raise TypeError(f"La imagen debe contener números reales, y es de tipo «{array.dtype}».")
    batch = array[np.newaxis] if array.ndim == 3 else array
    if batch.shape[1:] != IMAGE_SHAPE:
        raise ValueError(
            f"La red espera imágenes de forma {IMAGE_SHAPE}, solas o en lote, y esta es {array.shape}."
        )
    if len(batch) == 0:
        raise ValueError("El lote está vacío: hace falta al menos una imagen.")
    if not np.isfinite(batch).all():
        raise ValueError("La imagen contiene valores que no son finitos (NaN o infinito).")
    low, high = batch.min(), batch.max()
    if low < 0 or high > 255:
        raise ValueError(f"Los píxeles deben estar entre 0 y 255, y van de {low:g} a {high:g}.")
    maximum = batch.max(axis=(1, 2, 3))
    if array.dtype.kind == "f" and np.any((maximum > 0) & (maximum <= 1)):
        raise ValueError(
            "Ningún píxel pasa de 1: la imagen parece ya dividida entre 255. Pásala con valores de 0 a 255."
        )
    return batch.astype(np.float32) / np.float32(255)
