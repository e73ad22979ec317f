"""Los datos que TFDS ha guardado en una carpeta: si son los del curso, si están enteros y en qué partes."""

from pathlib import Path

from gradcam_helpers.engine import backend
from gradcam_helpers.engine.backend import tf, tfds

LABEL_NAMES = ["horses", "humans"]  # las clases, en el orden de las etiquetas


def check_stored(name: str, data_dir: Path, repair: str) -> None:
    """Lee todos los registros con sus sumas de control (medio segundo) sin decodificar las imágenes.

    Argumentos:
        repair: qué hacer si están dañados.

    Errores:
        FileNotFoundError: no está la carpeta.
        OSError: están dañados, no son los del curso o no hay permiso para leerlos.
    """
    folder = data_dir / name
    if not folder.is_dir():
        raise FileNotFoundError(f"No está la carpeta «{folder}», con los datos. {repair}")
    try:
        info = tfds.builder(name, data_dir=str(data_dir)).info
    except ImportError:
        raise
    except Exception as error:
        # Una ficha dañada se descubre al leerla, con errores de la biblioteca que la interprete.
        raise OSError(
            f"No se entiende la ficha de los datos de «{folder}»: está dañada o es de otra versión de TFDS "
            f"({backend.first_line(error)}). {repair}"
        ) from None
    _check_kind(folder, info)
    for split_name, split in info.splits.items():
        files = [str(path) for path in split.filepaths]
        try:
            found = int(tf.data.TFRecordDataset(files).reduce(0, lambda count, _: count + 1))
        except tf.errors.PermissionDeniedError:
            raise OSError(f"No hay permiso para leer los datos de «{folder}». Pídelo o dalo.") from None
        except tf.errors.OpError as error:
            what = f"la parte «{split_name}» no se puede leer ({backend.first_line(error)})"
            raise _damaged(folder, what, repair) from None
        if found != split.num_examples:
            what = f"la parte «{split_name}» tiene {found} imágenes y debería tener {split.num_examples}"
            raise _damaged(folder, what, repair)


def _check_kind(folder: Path, info: tfds.core.DatasetInfo) -> None:
    """Que los datos sean los que el curso sabe leer: unos que estén sanos pueden ser otra cosa."""
    if info.file_format is not tfds.core.FileFormat.TFRECORD:
        raise OSError(
            f"Los datos de «{folder}» están en el formato «{info.file_format.value}», y el curso los lee en "
            "«tfrecord». Señala otra carpeta con TFDS_DATA_DIR."
        )
    missing = [name for name in ("image", "label") if name not in info.features]
    if missing:
        raise OSError(f"A los datos de «{folder}» les falta «{missing[0]}»: no son los del curso.")
    names = getattr(info.features["label"], "names", None)
    if names != LABEL_NAMES:
        found = ", ".join(names or ["ninguna"])
        raise OSError(
            f"Las clases de los datos de «{folder}» deben ser {', '.join(LABEL_NAMES)}, por ese orden, "
            f"y «label.labels.txt» dice: {found}."
        )


def _damaged(folder: Path, what: str, repair: str) -> OSError:
    return OSError(f"Los datos de «{folder}» están dañados: {what}. {repair}")


def check_split(splits: tfds.core.splits.SplitDict, split: str) -> None:
    """Que exista esa parte, o ese trozo, y que tenga alguna imagen."""
    try:
        count = splits[split].num_examples
    except Exception:
        # TFDS tiene un error para cada forma de no entender una parte.
        raise ValueError(
            f"«{split}» no es una parte de los datos: las hay {', '.join(splits)}, y trozos suyos, como "
            f"«{next(iter(splits))}[:80%]»."
        ) from None
    if count < 1:
        raise ValueError(f"En la parte «{split}» no hay ninguna imagen.")
