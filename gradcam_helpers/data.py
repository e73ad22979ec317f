"""Los datos del curso, de sus dos fuentes: imágenes, máscaras de los sujetos y fondos."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gradcam_helpers.engine import backend, download
from gradcam_helpers.engine.backend import tf, tfds
from gradcam_helpers.engine.inputs import IMAGE_SHAPE, as_array, check_count
from gradcam_helpers.engine.stored import check_split, check_stored
from gradcam_helpers.engine.subjects import WHITE, replace_background, subject_mask  # noqa: F401

CLASS_NAMES = ("caballo", "persona")  # en el orden de las etiquetas: 0, horses; 1, humans

TRAINING_SPLIT = "train[:80%]"
VALIDATION_SPLIT = "train[80%:]"
TEST_SPLIT = "test"
BACKGROUND_SPLIT = "fondos"  # solo en los datos embebidos

CHOICES = ("auto", "real", "embebido")
REAL_NAME = "horses_or_humans"
EMBEDDED_DIR = Path(__file__).resolve().parent / "datos"


@dataclass(frozen=True)
class Source:
    """Un conjunto de datos que TFDS puede leer sin descargar nada más.

    Atributos:
        key: «real» o «embebido»; con él se distinguen los modelos entrenados con cada uno.
        name: nombre del conjunto en TFDS.
        data_dir: carpeta que se pasa a TFDS como `data_dir`.
        licence: autor y licencia.
    """

    key: str
    name: str
    data_dir: str
    licence: str

    def __str__(self) -> str:
        origin = "originales" if self.key == "real" else "generadas por el propio curso"
        return f"Datos: {self.name}, las imágenes {origin}. Licencia: {self.licence}."


def prepare_source(choice: str | None = None, download: bool = False) -> Source:
    """Deja listos los datos del curso y comprueba que están enteros.

    Los reales, `horses_or_humans`, se buscan en la carpeta de la variable de entorno `TFDS_DATA_DIR` o,
    sin ella, en `tensorflow_datasets` de la carpeta personal. Los embebidos vienen con el curso.

    Argumentos:
        choice: «real», «embebido» o «auto»; por omisión, lo que diga la variable de entorno
            `GRADCAM_DATOS` y, sin ella, «auto»: los reales, si ya están en este equipo, y si no, los
            embebidos. De los que están y no se pueden usar, un mensaje dice por qué. Con «real», si
            faltan, se descargan (unos 150 MB). Si `TFDS_DATA_DIR` señala una carpeta, «auto» es «real».
        download: descarga los reales también con «auto», si faltan; si no se puede, un mensaje dice por
            qué y se usan los embebidos.

    Errores:
        ValueError: no existe esa elección.
        FileNotFoundError: `TFDS_DATA_DIR` señala una carpeta que no existe.
        ConnectionError: no están los datos y no se pudieron descargar.
        BrokenLibrary: a TFDS le falta algo para funcionar.
        OSError: los datos están, pero dañados o incompletos; o no se pudieron escribir.
    """
    if choice is None:
        choice = os.environ.get("GRADCAM_DATOS") or "auto"
    if choice not in CHOICES:
        raise ValueError(
            f"Los datos pueden ser {', '.join(CHOICES[:-1])} o {CHOICES[-1]}, y se pide «{choice}». "
            "Corrige el argumento o la variable GRADCAM_DATOS."
        )
    try:
        if choice == "embebido":
            return _embedded_source()
        if choice == "real" or os.environ.get("TFDS_DATA_DIR"):
            return _real_source()
        return _real_or_embedded_source(download)
    except ImportError as error:  # TFDS importa muchas cosas cuando las usa
        raise backend.broken("tensorflow_datasets", error) from error


def _real_or_embedded_source(may_download: bool) -> Source:
    try:
        if may_download or _has_real_data():
            return _real_source()
    except OSError as error:
        reason = str(error)
    except Exception as error:
        # De una biblioteca que no funciona como debe se puede esperar cualquier error.
        if isinstance(error, ImportError):
            error = backend.broken("tensorflow_datasets", error)
        reason = f"No es por la conexión: TFDS no funciona como debe. {backend.first_line(error)}."
    else:
        return _embedded_source()
    print(f"Uso los datos embebidos, porque los reales no se pueden usar ahora. {reason}")
    return _embedded_source()


def _real_source() -> Source:
    data_dir = _data_dir()
    builder = tfds.builder_cls(REAL_NAME)
    if not _has_real_data():
        print(f"Descargo {REAL_NAME}, unos 150 MB: solo hace falta una vez.", flush=True)
        download.download_dataset(builder, data_dir)
    repair = "Cambia el nombre de esa carpeta, y la lección 1 los descargará de nuevo."
    check_stored(REAL_NAME, data_dir, repair)
    return Source("real", REAL_NAME, str(data_dir), "L. Moroney, CC BY 2.0")


def _has_real_data() -> bool:
    """Si está la ficha de los datos reales, que aparece en su carpeta cuando ya está todo lo demás."""
    version = str(tfds.builder_cls(REAL_NAME).VERSION)
    return os.path.isfile(_data_dir() / REAL_NAME / version / "dataset_info.json")


def _embedded_source() -> Source:
    name = "horses_or_humans_embebido"
    check_stored(name, EMBEDDED_DIR, "Vienen con el curso: descárgalo otra vez.")
    return Source("embebido", name, str(EMBEDDED_DIR), "CC BY 4.0")


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


def check_source(source: Source) -> None:
    """Que sea una fuente.

    Errores:
        TypeError: es otra cosa.
    """
    if not isinstance(source, Source):
        raise TypeError(f"Hace falta una fuente, de «prepare_source», y esto es «{type(source).__name__}».")


def _builder(source: Source) -> tfds.core.DatasetBuilder:
    check_source(source)
    return tfds.builder(source.name, data_dir=source.data_dir)


def _read(source: Source, split: str, *features: str) -> tf.data.Dataset:
    """Tuplas con esas características de cada ejemplo; las demás imágenes no se decodifican."""
    builder = _builder(source)
    check_split(builder.info.splits, split)
    skipped = {
        name: tfds.decode.SkipDecoding()
        for name, feature in builder.info.features.items()
        if isinstance(feature, tfds.features.Image) and name not in features
    }
    # TFDS guarda por su cuenta en memoria los conjuntos pequeños; aquí decide quien llama.
    read_config = tfds.ReadConfig(try_autocache=False)
    dataset = builder.as_dataset(split=split, decoders=skipped, read_config=read_config)
    return dataset.map(lambda example: tuple(example[name] for name in features))


def _take(source: Source, split: str, count: int | None, *features: str) -> Iterator[tuple]:
    """Esas características de los primeros `count` ejemplos, o de todos, en NumPy."""
    limit = -1 if count is None else check_count("count", count)
    return _read(source, split, *features).take(limit).as_numpy_iterator()


def load_images(source: Source, split: str = TEST_SPLIT, count: int | None = None):
    """Lee imágenes en memoria, en el orden en que están guardadas.

    Argumentos:
        split: parte del conjunto, en la notación de TFDS (`"test"`, `"train[:10%]"`…).
        count: cuántas; por omisión, todas. Cada una ocupa 270 kB.

    Devuelve `(images, labels)`: uint8 (N, 300, 300, 3) e int64 (N,).
    """
    images, labels = zip(*_take(source, split, count, "image", "label"), strict=True)
    return np.stack(images), np.array(labels)


def load_batches(source: Source, split: str, batch_size: int, shuffle: bool = False) -> tf.data.Dataset:
    """Lotes para entrenar o evaluar, con los mismos pasos que en la lección 2.

    Argumentos:
        split: parte del conjunto, en la notación de TFDS.
        batch_size: imágenes por lote; el último puede quedar más corto.
        shuffle: guarda las imágenes en memoria (270 kB cada una) y las baraja en cada época.

    Devuelve pares `(images, labels)`: float32 (N, 300, 300, 3) entre 0 y 1, e int64 (N,).
    """
    batch_size = check_count("batch_size", batch_size)
    dataset = _read(source, split, "image", "label")
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
    array = as_array("Las imágenes", image)
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
    return np.divide(batch, np.float32(255), dtype=np.float32)  # en una sola copia: cien ocupan 108 MB


def load_masks(source: Source, split: str = TEST_SPLIT, count: int | None = None) -> np.ndarray:
    """Máscaras de los sujetos, en el orden de `load_images`: bool (N, 300, 300).

    Los datos embebidos las traen. Las de los reales se calculan con `subject_mask`, que necesita un fondo
    blanco: solo las hay de la parte de prueba.

    Errores:
        ValueError: alguna imagen no trae máscara ni tiene fondo blanco.
    """
    if "mask" in _builder(source).info.features:
        return np.stack([mask[..., 0] > 0 for (mask,) in _take(source, split, count, "mask")])
    masks = []
    for position, (image,) in enumerate(_take(source, split, count, "image")):
        try:
            masks.append(subject_mask(image))
        except ValueError as error:
            raise ValueError(f"La imagen {position} de «{split}» no tiene máscara. {error}") from None
    return np.stack(masks)


def load_identities(source: Source, split: str = TEST_SPLIT, count: int | None = None) -> np.ndarray:
    """El individuo de cada imagen, en el orden de `load_images`: (N,), un nombre o un número por individuo.

    Los datos reales no lo dicen: entonces cada imagen cuenta como un individuo.
    """
    known = "identity" in _builder(source).info.features
    examples = _take(source, split, count, "identity" if known else "label")
    return np.array([name.decode() if known else order for order, (name,) in enumerate(examples)])


def load_kinds(source: Source, split: str = TEST_SPLIT, count: int | None = None) -> list[str]:
    """El tipo de fondo de cada imagen («bosque», «duna»… o «blanco»), en el orden de `load_images`.

    Errores:
        ValueError: los datos reales no lo dicen.
    """
    features = _builder(source).info.features
    if "background" not in features:
        raise ValueError(f"«{source.name}» no dice qué fondo tiene cada imagen: usa los datos embebidos.")
    names = features["background"].names
    return [names[kind] for (kind,) in _take(source, split, count, "background")]


def load_backgrounds() -> tuple[np.ndarray, list[str]]:
    """Los fondos sin sujeto, que vienen con los datos embebidos y valen para las dos fuentes.

    Devuelve `(images, kinds)`: uint8 (N, 300, 300, 3) y el tipo de cada fondo («bosque», «duna»…); los de un
    mismo tipo, seguidos.
    """
    source = _embedded_source()
    images, _ = load_images(source, BACKGROUND_SPLIT)
    kinds = load_kinds(source, BACKGROUND_SPLIT)
    names = _builder(source).info.features["background"].names
    order = np.argsort([names.index(kind) for kind in kinds], kind="stable")
    return images[order], [kinds[each] for each in order]
