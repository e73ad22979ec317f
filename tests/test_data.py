"""Los datos: de dónde salen, qué pasa si están dañados, y cómo se leen, se recortan y se preparan."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from gradcam_helpers import data
from gradcam_helpers.engine import backend, download
from gradcam_helpers.engine.backend import tf, tfds


def test_real_source_is_found_in_the_folder_of_the_variable(tiny_source, tiny_dataset):
    assert (tiny_source.key, tiny_source.data_dir) == ("real", str(tiny_dataset))


def test_embedded_source_is_read_with_a_builder_of_tfds(embedded_source, embedded_dataset):
    assert (embedded_source.key, embedded_source.data_dir) == ("embebido", str(embedded_dataset))
    builder = tfds.builder(embedded_source.name, data_dir=embedded_source.data_dir)
    assert builder.info.full_name == "horses_or_humans_embebido/1.0.0"
    assert builder.info.features["label"].names == ["horses", "humans"]


def test_embedded_data_are_looked_for_inside_the_package(root):
    assert data.EMBEDDED_DIR == root / "gradcam_helpers" / "datos"


def test_source_says_its_data_and_its_licence_in_one_line(tiny_source, embedded_source):
    assert str(tiny_source) == (
        "Datos: horses_or_humans, las imágenes originales. Licencia: L. Moroney, CC BY 2.0."
    )
    assert str(embedded_source) == (
        "Datos: horses_or_humans_embebido, las imágenes generadas por el propio curso. Licencia: CC BY 4.0."
    )


@pytest.fixture
def without_network(home, monkeypatch):
    """Cualquier descarga falla; da las carpetas donde se intentó."""
    attempts = []

    def fail(builder, data_dir):
        attempts.append(data_dir)
        raise ConnectionError("No hay red.")

    monkeypatch.setattr(download, "download_dataset", fail)
    return attempts


NO_CHOICE, EMPTY = None, ""


@pytest.mark.parametrize(
    ("argument", "variable"),
    [("auto", NO_CHOICE), ("auto", "real"), ("auto", "embebido"), (None, "auto")]
    + [(None, NO_CHOICE), (None, EMPTY)],
)
def test_auto_without_real_data_takes_the_embedded(
    argument, variable, without_network, embedded_source, home, monkeypatch, capsys
):
    if variable is not NO_CHOICE:
        monkeypatch.setenv("GRADCAM_DATOS", variable)
    assert data.prepare_source(argument) == embedded_source
    assert without_network == []
    assert capsys.readouterr().out == ""
    assert data.prepare_source(argument, download=True) == embedded_source
    assert without_network == [home / "tensorflow_datasets"]
    first, second = capsys.readouterr().out.splitlines()
    assert first == "Descargo horses_or_humans, unos 150 MB: solo hace falta una vez."
    assert second == "Uso los datos embebidos, porque los reales no se pueden usar ahora. No hay red."


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ModuleNotFoundError("No module named 'termcolor'", name="termcolor"), "falta termcolor"),
        (AttributeError("module 'x' has no attribute 'core'"), "module 'x' has no attribute 'core'"),
        (RuntimeError("dos\nlíneas"), "dos"),
    ],
    ids=["falta", "a medias", "otro"],
)
def test_auto_tells_a_broken_library_from_a_lost_connection(
    error, told, embedded_source, home, monkeypatch, capsys
):
    def fail(name):
        raise error

    monkeypatch.setattr(tfds, "builder_cls", fail)
    assert data.prepare_source("auto") == embedded_source
    (line,) = capsys.readouterr().out.splitlines()
    assert "No es por la conexión: TFDS no funciona como debe." in line
    assert told in line


@pytest.mark.parametrize("choice", ["real", "embebido"])
def test_a_library_that_is_missing_is_not_taken_for_damaged_data(
    choice, embedded_source, tiny_source, monkeypatch
):
    def fail(name, data_dir):
        raise ModuleNotFoundError("No module named 'termcolor'", name="termcolor")

    monkeypatch.setattr(tfds, "builder", fail)
    with pytest.raises(backend.BrokenLibrary, match='falta termcolor.*%pip install --upgrade "termcolor"'):
        data.prepare_source(choice)


@pytest.mark.parametrize(("argument", "variable"), [("real", "embebido"), (None, "real")])
def test_real_without_real_data_is_an_error(
    argument, variable, without_network, embedded_source, monkeypatch
):
    monkeypatch.setenv("GRADCAM_DATOS", variable)
    with pytest.raises(ConnectionError, match="No hay red"):
        data.prepare_source(argument)


@pytest.mark.parametrize(("argument", "variable"), [("embebido", "real"), (None, "embebido")])
def test_embedded_does_not_look_for_the_real(
    argument, variable, without_network, embedded_source, tiny_dataset, monkeypatch, capsys
):
    monkeypatch.setenv("GRADCAM_DATOS", variable)
    monkeypatch.setenv("TFDS_DATA_DIR", str(tiny_dataset))
    assert data.prepare_source(argument, download=True) == embedded_source
    assert capsys.readouterr().out == ""
    assert without_network == []


@pytest.mark.parametrize("download", [False, True])
@pytest.mark.parametrize("choice", ["auto", "real"])
def test_data_in_the_home_folder_are_used_in_silence(
    choice, download, without_network, tiny_dataset, home, capsys
):
    shutil.copytree(tiny_dataset, home / "tensorflow_datasets")
    source = data.prepare_source(choice, download)
    assert (source.key, source.data_dir) == ("real", str(home / "tensorflow_datasets"))
    assert capsys.readouterr().out == ""
    assert without_network == []


@pytest.mark.parametrize("choice", ["auto", "real"])
def test_with_the_variable_of_tfds_every_fault_is_an_error(
    choice, without_network, embedded_source, tmp_path, monkeypatch
):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    with pytest.raises(ConnectionError, match="No hay red"):
        data.prepare_source(choice)
    assert without_network == [tmp_path]


def test_damaged_copy_in_the_home_folder(embedded_source, tiny_dataset, home, capsys):
    folder = shutil.copytree(tiny_dataset, home / "tensorflow_datasets") / "horses_or_humans"
    next(folder.glob("3.0.0/*test*")).unlink()
    with pytest.raises(OSError, match="dañados"):
        data.prepare_source("real")
    assert data.prepare_source("auto") == embedded_source
    assert f"Los datos de «{folder}» están dañados: la parte «test»" in capsys.readouterr().out


@pytest.mark.parametrize("choice", ["sintético", "REAL", ""])
def test_another_choice(choice, home, monkeypatch):
    with pytest.raises(ValueError, match=f"auto, real o embebido, y se pide «{choice}»"):
        data.prepare_source(choice)
    if choice:
        monkeypatch.setenv("GRADCAM_DATOS", choice)
        with pytest.raises(ValueError, match=f"«{choice}».*GRADCAM_DATOS"):
            data.prepare_source()


@pytest.mark.parametrize("choice", ["auto", "real"])
def test_folder_that_does_not_exist(choice, monkeypatch, tmp_path):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "nada"))
    with pytest.raises(FileNotFoundError, match="TFDS_DATA_DIR.*nada.*no es una carpeta"):
        data.prepare_source(choice)


def test_embedded_data_that_are_missing(monkeypatch, tmp_path):
    monkeypatch.setattr(data, "EMBEDDED_DIR", tmp_path)
    with pytest.raises(
        FileNotFoundError, match="No está la carpeta.*Vienen con el curso: descárgalo otra vez"
    ):
        data.prepare_source("embebido")


def test_embedded_data_that_are_damaged(embedded_dataset, monkeypatch, tmp_path):
    monkeypatch.setattr(data, "EMBEDDED_DIR", shutil.copytree(embedded_dataset, tmp_path / "copia"))
    next(data.EMBEDDED_DIR.glob("*/*/*fondos*")).write_bytes(b"")
    with pytest.raises(OSError, match="dañados: la parte «fondos» tiene 0 imágenes.*descárgalo otra vez"):
        data.prepare_source("embebido")


@pytest.fixture
def damaged_copy(tiny_dataset, tmp_path, monkeypatch):
    """Copia del conjunto diminuto que una prueba puede estropear; da su carpeta de registros."""
    copy = shutil.copytree(tiny_dataset, tmp_path / "copia")
    monkeypatch.setenv("TFDS_DATA_DIR", str(copy))
    monkeypatch.setenv("GRADCAM_DATOS", "real")
    return copy / "horses_or_humans" / "3.0.0"


def test_changed_byte(damaged_copy):
    record = next(damaged_copy.glob("*train*"))
    content = bytearray(record.read_bytes())
    content[len(content) // 2] ^= 0xFF
    record.write_bytes(content)
    with pytest.raises(OSError, match="dañados: la parte «train».*Cambia el nombre de esa carpeta"):
        data.prepare_source()


def test_truncated_record(damaged_copy):
    record = next(damaged_copy.glob("*test*"))
    record.write_bytes(record.read_bytes()[:-1000])
    with pytest.raises(OSError, match="dañados: la parte «test»"):
        data.prepare_source()


def test_missing_record(damaged_copy):
    next(damaged_copy.glob("*test*")).unlink()
    with pytest.raises(OSError, match="dañados: la parte «test»"):
        data.prepare_source()


def test_fewer_images_than_the_card_says(damaged_copy):
    record = next(damaged_copy.glob("*test*"))
    content = record.read_bytes()
    length = int.from_bytes(content[:8], "little") + 16  # longitud, suma, datos, suma
    record.write_bytes(content[length:])
    with pytest.raises(OSError, match="tiene 3 imágenes y debería tener 4"):
        data.prepare_source()


def test_damaged_card(damaged_copy):
    (damaged_copy / "dataset_info.json").write_text("{")
    with pytest.raises(OSError, match="No se entiende la ficha.*dañada.*Cambia el nombre de esa carpeta"):
        data.prepare_source()


@pytest.mark.parametrize("kind", ["array_record", "parquet"])
def test_healthy_data_of_another_format_are_called_by_their_name(damaged_copy, kind):
    card = damaged_copy / "dataset_info.json"
    content = json.loads(card.read_text())
    card.write_text(json.dumps(content | {"fileFormat": kind}))
    for record in damaged_copy.glob("*.tfrecord-*"):
        record.rename(damaged_copy / record.name.replace(".tfrecord", f".{kind}"))
    with pytest.raises(OSError, match=f"están en el formato «{kind}».*TFDS_DATA_DIR") as failure:
        data.prepare_source()
    assert "dañad" not in str(failure.value)


@pytest.mark.parametrize(
    "names", ["humans\nhorses\n", "caballos\npersonas\n", None, "horses\n", "horses\nhumans\ndogs\n", ""]
)
def test_labels_that_are_not_those_of_the_course(embedded_dataset, tmp_path, monkeypatch, names):
    copy = shutil.copytree(embedded_dataset, tmp_path / "copia")
    monkeypatch.setattr(data, "EMBEDDED_DIR", copy)
    (file,) = copy.glob("*/*/label.labels.txt")
    file.unlink() if names is None else file.write_text(names)
    with pytest.raises(OSError, match="No se entiende la ficha|deben ser horses, humans, por ese orden"):
        data.prepare_source("embebido")


def test_data_without_permission(damaged_copy, monkeypatch):
    def refuse(files):
        raise tf.errors.PermissionDeniedError(None, None, f"{files[0]}; Permission denied")

    monkeypatch.setattr(tf.data, "TFRecordDataset", refuse)  # quien administra el equipo lo lee todo
    with pytest.raises(OSError, match="No hay permiso para leer") as failure:
        data.prepare_source()
    assert "dañad" not in str(failure.value)


@pytest.fixture(params=["real", "embebido"])
def source(request):
    """Cada una de las dos fuentes."""
    return request.getfixturevalue({"real": "tiny_source", "embebido": "embedded_source"}[request.param])


def test_images_and_batches_are_the_same_pictures(source):
    images, labels = data.load_images(source, "train")
    count = {"real": 8, "embebido": 4}[source.key]
    assert (images.dtype, images.shape) == (np.uint8, (count, 300, 300, 3))
    assert (labels.dtype, sorted(set(labels))) == (np.int64, [0, 1])
    batches = list(data.load_batches(source, "train", batch_size=3))
    assert [len(batch) for batch, _ in batches] == ([3, 3, 2] if count == 8 else [3, 1])
    assert np.array_equal(np.concatenate([batch for batch, _ in batches]), data.prepare_image(images))
    assert np.array_equal(np.concatenate([batch for _, batch in batches]), labels)


def test_fewer_images_on_request(source):
    assert len(data.load_images(source, "train", count=3)[0]) == 3


@pytest.mark.parametrize("count", [0, -1, 2.5, "3", True])
def test_counts_start_at_one(source, count):
    with pytest.raises(ValueError, match="«count» debe ser un número entero desde 1"):
        data.load_images(source, "train", count=count)
    with pytest.raises(ValueError, match="«count» debe ser un número entero desde 1"):
        data.load_masks(source, "test", count=count)
    with pytest.raises(ValueError, match="«batch_size» debe ser un número entero desde 1"):
        data.load_batches(source, "train", batch_size=count)


READERS = {
    "load_images": data.load_images,
    "load_masks": data.load_masks,
    "load_batches": lambda source, split: data.load_batches(source, split, batch_size=2),
}
every_reader = pytest.mark.parametrize("read", READERS.values(), ids=READERS.keys())


@every_reader
@pytest.mark.parametrize("split", ["validation", "", "train[", "train[:300%]", "test[200:]", 7, ["train"]])
def test_a_part_that_does_not_exist(source, read, split):
    with pytest.raises(ValueError, match="no es una parte de los datos: las hay .*train, .*«.*80%.»"):
        read(source, split)


@every_reader
@pytest.mark.parametrize("split", ["test[:0]", "train[90%:10%]", "test[:1%]"])
def test_a_part_without_images(source, read, split):
    with pytest.raises(ValueError, match="no hay ninguna imagen"):
        read(source, split)


@every_reader
@pytest.mark.parametrize("wrong", ["real", None, 3, Path("datos")])
def test_a_source_is_one_of_prepare_source(read, wrong):
    with pytest.raises(TypeError, match=f"prepare_source», y esto es «{type(wrong).__name__}»"):
        read(wrong, "test")


def test_parts_of_tfds_are_understood(source):
    images, _ = data.load_images(source, "train[50%:]+test[:1]")
    assert len(images) == {"real": 5, "embebido": 3}[source.key]


def test_shuffle_keeps_every_picture_with_its_label(source):
    images, labels = data.load_images(source, "train")
    expected = {image.tobytes(): label for image, label in zip(images, labels, strict=True)}
    batches = data.load_batches(source, "train", batch_size=8, shuffle=True)
    shuffled, shuffled_labels = next(iter(batches))
    restored = np.rint(shuffled.numpy() * 255).astype(np.uint8)
    found = {image.tobytes(): label for image, label in zip(restored, shuffled_labels.numpy(), strict=True)}
    assert found == expected


def test_training_and_validation_do_not_overlap(source):
    training, _ = data.load_images(source, data.TRAINING_SPLIT)
    validation, _ = data.load_images(source, data.VALIDATION_SPLIT)
    assert len(training) + len(validation) == len(data.load_images(source, "train")[0])
    assert not {image.tobytes() for image in training} & {image.tobytes() for image in validation}


IMAGE = np.arange(300 * 300 * 3, dtype=np.uint32).reshape(300, 300, 3).astype(np.uint8)


@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.float32, np.float64])
def test_prepare_image_gives_a_batch_between_0_and_1(kind):
    batch = data.prepare_image(IMAGE.astype(kind))
    assert (batch.dtype, batch.shape) == (np.float32, (1, 300, 300, 3))
    assert (batch.min(), batch.max()) == (0, 1)
    assert batch[0, 0, 1, 2] == np.float32(5) / np.float32(255)


def test_prepare_image_takes_a_batch_and_leaves_it_as_it_was():
    images = np.stack([IMAGE, 255 - IMAGE])
    before = images.copy()
    assert data.prepare_image(images).shape == (2, 300, 300, 3)
    assert np.array_equal(images, before)


def test_a_black_image_is_valid():
    assert not data.prepare_image(np.zeros((300, 300, 3), np.float32)).any()


@pytest.mark.parametrize(
    ("image", "error", "message"),
    [
        (np.zeros((224, 224, 3), np.uint8), ValueError, r"\(300, 300, 3\).*\(224, 224, 3\)"),
        (np.zeros((300, 300), np.uint8), ValueError, "forma"),
        (np.zeros((0, 300, 300, 3), np.uint8), ValueError, "vacío"),
        (np.full((300, 300, 3), "a"), TypeError, "números reales"),
        ("foto.jpg", TypeError, "números reales"),
        (None, TypeError, "números reales"),
        ([IMAGE, IMAGE[1:]], ValueError, "varias formas"),
        (np.ones((300, 300, 3), bool), TypeError, "bool"),
        (np.full((300, 300, 3), np.nan), ValueError, "NaN"),
        (IMAGE.astype(float) + 1, ValueError, "de 1 a 256"),
        (IMAGE.astype(float) - 1, ValueError, "de -1 a 254"),
        (IMAGE / 255, ValueError, "ya dividida entre 255"),
        (np.stack([IMAGE, IMAGE / 255]), ValueError, "ya dividida entre 255"),
    ],
)
def test_prepare_image_rejects(image, error, message):
    with pytest.raises(error, match=message):
        data.prepare_image(image)


# --- Máscaras -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("split", ["train", "test"])
def test_stored_masks_come_in_the_order_of_the_images(embedded_source, split):
    images, _ = data.load_images(embedded_source, split)
    masks = data.load_masks(embedded_source, split)
    assert (masks.dtype, masks.shape) == (bool, (4, 300, 300))
    # Los sujetos de la muestra son oscuros, y su fondo no.
    assert all(
        image[mask].max() < 128 <= image[~mask].max() for image, mask in zip(images, masks, strict=True)
    )
    assert len({mask.sum() for mask in masks}) == 4


def test_masks_of_the_real_data_are_calculated(tiny_source, embedded_source, monkeypatch):
    pictures, _ = data.load_images(embedded_source, "test")
    read = data._read
    monkeypatch.setattr(data, "_read", lambda _, *rest: read(embedded_source, *rest))
    masks = data.load_masks(tiny_source, "test", count=3)
    assert np.array_equal(masks, [data.subject_mask(picture) for picture in pictures[:3]])


def test_identities_come_in_the_order_of_the_images(embedded_source):
    _, labels = data.load_images(embedded_source, "test")
    identities = data.load_identities(embedded_source, "test")
    assert set(identities) == {f"sujeto {position}" for position in range(4)}
    assert [int(name.split()[1]) % 2 for name in identities] == labels.tolist()
    assert list(data.load_identities(embedded_source, "test", count=2)) == list(identities[:2])


def test_without_identities_each_picture_counts_as_an_individual(tiny_source):
    images, _ = data.load_images(tiny_source, "test")
    assert len(set(data.load_identities(tiny_source, "test"))) == len(images) > 1


def test_training_pictures_of_the_real_data_have_no_mask(tiny_source):
    with pytest.raises(ValueError, match="La imagen 0 de «train» no tiene máscara.*El fondo no es blanco"):
        data.load_masks(tiny_source, "train")


# --- Fondos -------------------------------------------------------------------------------------------


def kind_names(source):
    """Los nombres de los tipos de fondo, en el orden en que los numeran los datos."""
    return tfds.builder(source.name, data_dir=source.data_dir).info.features["background"].names


def test_backgrounds_come_with_their_kind(embedded_source):
    images, kinds = data.load_backgrounds()
    assert (images.dtype, images.shape) == (np.uint8, (7, 300, 300, 3))
    assert sorted(kinds) == ["blanco", "bosque", "desierto", "duna", "estudio", "playa", "pradera"]
    names = kind_names(embedded_source)
    stored = tfds.load(embedded_source.name, split="fondos", data_dir=embedded_source.data_dir)
    expected = {
        example["image"].tobytes(): int(example["background"]) for example in stored.as_numpy_iterator()
    }
    for image, kind in zip(images, kinds, strict=True):
        assert names.index(kind) == expected[image.tobytes()]


def test_backgrounds_of_a_kind_come_together(embedded_source):
    assert data.load_backgrounds()[1] == kind_names(embedded_source)


def test_kinds_come_in_the_order_of_the_images(embedded_source):
    images, _ = data.load_images(embedded_source, "train")
    stored = tfds.load(embedded_source.name, split="train", data_dir=embedded_source.data_dir)
    expected = {
        example["image"].tobytes(): kind_names(embedded_source)[example["background"]]
        for example in stored.as_numpy_iterator()
    }
    kinds = data.load_kinds(embedded_source, "train")
    assert kinds == [expected[image.tobytes()] for image in images]
    assert data.load_kinds(embedded_source, "train", count=2) == kinds[:2]
    assert set(data.load_kinds(embedded_source)) == {"blanco"}


def test_real_data_do_not_say_their_kind(tiny_source):
    with pytest.raises(ValueError, match="«horses_or_humans» no dice qué fondo.*embebidos"):
        data.load_kinds(tiny_source)


def test_backgrounds_are_there_also_with_the_real_data(tiny_source, embedded_source, monkeypatch):
    monkeypatch.setenv("GRADCAM_DATOS", "real")
    assert len(data.load_backgrounds()[0]) == 7
