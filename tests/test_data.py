"""El conjunto de datos: de dónde sale, qué pasa cuando falla, y cómo se preparan las imágenes."""

import errno
import shutil
import time
import urllib.error
from pathlib import Path

import numpy as np
import pytest

from gradcam_helpers import data


def test_source_is_found_in_the_folder_of_the_variable(tiny_source, tiny_dataset):
    assert tiny_source.data_dir == str(tiny_dataset)
    assert "CC BY 2.0" in str(tiny_source)


def test_folder_that_does_not_exist(monkeypatch, tmp_path):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "nada"))
    with pytest.raises(FileNotFoundError, match="TFDS_DATA_DIR.*nada.*no es una carpeta"):
        data.prepare_source()


@pytest.fixture
def damaged_copy(tiny_dataset, tmp_path, monkeypatch):
    """Copia del conjunto diminuto que una prueba puede estropear; da su carpeta de registros."""
    copy = shutil.copytree(tiny_dataset, tmp_path / "copia")
    monkeypatch.setenv("TFDS_DATA_DIR", str(copy))
    return copy / "horses_or_humans" / "3.0.0"


def test_changed_byte(damaged_copy):
    record = next(damaged_copy.glob("*train*"))
    content = bytearray(record.read_bytes())
    content[len(content) // 2] ^= 0xFF
    record.write_bytes(content)
    with pytest.raises(OSError, match="dañados: la parte «train».*Borra esa carpeta"):
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
    with pytest.raises(OSError, match="dañados.*Borra esa carpeta"):
        data.prepare_source()


def test_without_network_nor_data(monkeypatch, tmp_path):
    def refuse(*arguments, **options):
        raise urllib.error.URLError("no hay red")

    monkeypatch.setattr(data.urllib.request, "urlopen", refuse)
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    start = time.monotonic()
    with pytest.raises(ConnectionError, match="No están los datos y no hay conexión"):
        data.prepare_source()
    assert time.monotonic() - start < 10
    assert not list(tmp_path.iterdir())


def test_a_server_that_answers_with_an_error_is_not_lack_of_network(monkeypatch):
    def forbid(request, timeout):
        raise urllib.error.HTTPError(request.full_url, 403, "Forbidden", {}, None)

    monkeypatch.setattr(data.urllib.request, "urlopen", forbid)
    data._check_connection("https://example.org/datos.zip")


@pytest.mark.parametrize(
    ("fault", "expected", "message"),
    [
        (OSError(errno.ENOSPC, "disco lleno"), OSError, "No se pudo escribir en.*disco lleno"),
        (OSError(errno.EROFS, "solo lectura"), OSError, "No se pudo escribir en.*solo lectura"),
        (ValueError("suma de control"), ConnectionError, "No se pudo descargar.*suma de control"),
        (KeyboardInterrupt(), KeyboardInterrupt, None),
    ],
)
def test_failed_download_leaves_nothing(monkeypatch, tmp_path, fault, expected, message):
    written = []

    def fail(builder):
        partial = Path(builder.data_dir)
        partial.mkdir(parents=True)
        (partial / "a medias").touch()
        written.append(partial)
        raise fault

    monkeypatch.setattr(data, "_check_connection", lambda url: None)
    monkeypatch.setattr(data.tfds.core.DatasetBuilder, "download_and_prepare", fail)
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    with pytest.raises(expected, match=message) as failure:
        data.prepare_source()
    assert failure.type is expected
    assert written and not list(tmp_path.iterdir())


@pytest.mark.parametrize("remains", [False, True])
def test_finished_download_is_put_in_its_place(monkeypatch, tmp_path, tiny_dataset, remains):
    if remains:  # de una conversión anterior, que murió antes de escribir la ficha
        (tmp_path / "horses_or_humans" / "3.0.0" / "resto").mkdir(parents=True)

    def copy(builder):
        shutil.copytree(tiny_dataset / "horses_or_humans" / "3.0.0", builder.data_dir)

    monkeypatch.setattr(data, "_check_connection", lambda url: None)
    monkeypatch.setattr(data.tfds.core.DatasetBuilder, "download_and_prepare", copy)
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    source = data.prepare_source()
    assert len(data.load_images(source, "train")[0]) == 8
    assert [path.name for path in tmp_path.iterdir()] == ["horses_or_humans"]


def test_images_and_batches_are_the_same_pictures(tiny_source):
    images, labels = data.load_images(tiny_source, "train")
    assert (images.dtype, images.shape) == (np.uint8, (8, 300, 300, 3))
    batches = list(data.load_batches(tiny_source, "train", batch_size=3))
    assert [len(batch) for batch, _ in batches] == [3, 3, 2]
    assert np.array_equal(np.concatenate([batch for batch, _ in batches]), data.prepare_image(images))
    assert np.array_equal(np.concatenate([batch for _, batch in batches]), labels)


def test_fewer_images_on_request(tiny_source):
    assert len(data.load_images(tiny_source, "train", count=3)[0]) == 3


def test_no_images_on_request(tiny_source):
    with pytest.raises(ValueError, match="al menos una imagen.*0"):
        data.load_images(tiny_source, "train", count=0)


def test_shuffle_keeps_every_picture_with_its_label(tiny_source):
    images, labels = data.load_images(tiny_source, "train")
    expected = {image.tobytes(): label for image, label in zip(images, labels, strict=True)}
    batches = data.load_batches(tiny_source, "train", batch_size=8, shuffle=True)
    shuffled, shuffled_labels = next(iter(batches))
    restored = np.rint(shuffled.numpy() * 255).astype(np.uint8)
    found = {image.tobytes(): label for image, label in zip(restored, shuffled_labels.numpy(), strict=True)}
    assert found == expected


def test_training_and_validation_do_not_overlap(tiny_source):
    training, _ = data.load_images(tiny_source, data.TRAINING_SPLIT)
    validation, _ = data.load_images(tiny_source, data.VALIDATION_SPLIT)
    assert len(training) + len(validation) == 8
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
