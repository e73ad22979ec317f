"""Los datos: de dónde salen, qué pasa si están dañados, y cómo se leen, se recortan y se preparan."""

import shutil

import cv2
import numpy as np
import pytest

from gradcam_helpers import data
from gradcam_helpers.engine import backend, download
from gradcam_helpers.engine.backend import tfds


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
    assert without_network == [home / "tensorflow_datasets"]
    message = "Uso los datos embebidos, porque los reales no se pueden usar ahora. No hay red.\n"
    assert capsys.readouterr().out == message


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
    assert data.prepare_source(argument) == embedded_source
    assert capsys.readouterr().out == ""
    assert without_network == []


@pytest.mark.parametrize("choice", ["auto", "real"])
def test_data_in_the_home_folder_are_used_in_silence(choice, without_network, tiny_dataset, home, capsys):
    shutil.copytree(tiny_dataset, home / "tensorflow_datasets")
    source = data.prepare_source(choice)
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


def test_no_images_on_request(source):
    with pytest.raises(ValueError, match="al menos una imagen.*0"):
        data.load_images(source, "train", count=0)


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


def test_training_pictures_of_the_real_data_have_no_mask(tiny_source):
    with pytest.raises(ValueError, match="La imagen 0 de «train» no tiene máscara.*El fondo no es blanco"):
        data.load_masks(tiny_source, "train")


def test_calculated_mask_is_the_stored_one(embedded_source):
    images, _ = data.load_images(embedded_source, "test")
    masks = data.load_masks(embedded_source, "test")
    for image, mask in zip(images, masks, strict=True):
        assert np.array_equal(data.subject_mask(image), mask)


BROWN, WHITE = (120, 80, 40), (255, 255, 255)


def canvas(color=WHITE):
    return np.full((300, 300, 3), color, np.uint8)


def rectangle(image, color, top, bottom, left, right):
    image[top:bottom, left:right] = color
    return image


def test_subject_is_what_is_not_white():
    mask = data.subject_mask(rectangle(canvas(), BROWN, 50, 250, 100, 200))
    assert mask.dtype == bool
    assert np.array_equal(np.argwhere(mask)[[0, -1]], [[50, 100], [249, 199]])
    assert mask.sum() == 200 * 100


def test_any_size():
    image = rectangle(np.full((40, 60, 3), 255, np.uint8), BROWN, 10, 20, 10, 30)
    assert data.subject_mask(image).sum() == 10 * 20


def test_noise_of_a_compressed_white_is_background():
    noise = np.random.default_rng(3).integers(246, 256, (300, 300, 3), dtype=np.uint8)
    assert data.subject_mask(rectangle(noise, BROWN, 50, 250, 100, 200)).sum() == 200 * 100


def test_smaller_things_are_not_the_subject():
    image = rectangle(canvas(), BROWN, 50, 250, 100, 200)
    rectangle(image, BROWN, 10, 30, 10, 90)
    assert data.subject_mask(image).sum() == 200 * 100


def test_gap_between_the_legs_is_background():
    image = rectangle(canvas(), BROWN, 50, 250, 100, 200)
    rectangle(image, WHITE, 150, 240, 140, 160)  # cerrado también por abajo
    mask = data.subject_mask(image)
    assert not mask[150:240, 140:160].any()
    assert mask.sum() == 200 * 100 - 90 * 20


@pytest.mark.parametrize("shirt", [(235, 240, 250), (225, 225, 225), (230, 225, 215)])
def test_light_clothes_are_subject(shirt):
    image = rectangle(canvas(), BROWN, 50, 250, 100, 200)
    rectangle(image, shirt, 80, 150, 120, 180)
    assert data.subject_mask(image).sum() == 200 * 100


@pytest.mark.parametrize("white_horse", [(230, 230, 230), (240, 236, 228), (150, 150, 150)])
def test_white_horse_is_subject(white_horse):
    assert data.subject_mask(rectangle(canvas(), white_horse, 50, 250, 100, 200)).sum() == 200 * 100


def test_color_keeps_a_blurred_subject():
    image = cv2.GaussianBlur(rectangle(canvas(), (235, 225, 210), 50, 250, 100, 200), (0, 0), 6)
    assert data.subject_mask(image)[50:250, 100:200].all()


def test_light_reflections_are_subject():
    image = rectangle(canvas(), BROWN, 50, 250, 100, 200)
    rectangle(image, WHITE, 100, 102, 130, 133)
    assert data.subject_mask(image).sum() == 200 * 100


@pytest.mark.parametrize("darkest", [210, 150, 90])
def test_soft_shadow_is_background(darkest):
    shadow = np.full((300, 300), 255, np.uint8)
    cv2.ellipse(shadow, (120, 245), (90, 25), 0, 0, 360, darkest, -1)
    image = np.repeat(cv2.GaussianBlur(shadow, (0, 0), 8)[..., np.newaxis], 3, axis=2)
    rectangle(image, BROWN, 50, 250, 100, 130)
    rectangle(image, BROWN, 50, 250, 160, 190)
    rectangle(image, BROWN, 50, 100, 130, 160)
    assert data.subject_mask(image).sum() == 2 * 200 * 30 + 50 * 30


@pytest.mark.parametrize("coverage", [0.1, 0.5, 0.9])
def test_halo_goes_to_whichever_it_resembles(coverage):
    image = rectangle(canvas(), np.uint8((1 - coverage) * 255 + coverage * np.array(BROWN)), 49, 251, 99, 201)
    mask = data.subject_mask(rectangle(image, BROWN, 50, 250, 100, 200))
    assert mask.sum() == (202 * 102 if coverage >= 0.5 else 200 * 100)


def test_subject_may_reach_the_border():
    mask = data.subject_mask(rectangle(canvas(), BROWN, 200, 300, 0, 150))
    assert mask.sum() == 100 * 150


def test_subject_mask_leaves_the_image_as_it_was():
    image = rectangle(canvas(), BROWN, 50, 250, 100, 200)
    image.setflags(write=False)
    assert np.array_equal(data.subject_mask(image), data.subject_mask(image.copy()))


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (canvas((90, 140, 60)), "El fondo no es blanco: solo lo es el 0 % del borde"),
        (rectangle(canvas(), BROWN, 0, 300, 0, 160), "El fondo no es blanco: solo lo es el 48 % del borde"),
        (canvas(), "toda blanca"),
        (canvas((250, 248, 247)), "toda blanca"),
        (rectangle(canvas(), BROWN, 100, 102, 100, 103), "toda blanca"),
        (canvas().astype(np.float32), r"uint8 \(alto, ancho, 3\), y es float32 \(300, 300, 3\)"),
        (canvas()[..., 0], r"y es uint8 \(300, 300\)"),
        (canvas()[np.newaxis], r"y es uint8 \(1, 300, 300, 3\)"),
        (canvas()[:0], r"y es uint8 \(0, 300, 3\)"),
    ],
)
def test_subject_mask_rejects(image, message):
    with pytest.raises(ValueError, match=message):
        data.subject_mask(image)


# --- Fondos -------------------------------------------------------------------------------------------


def test_backgrounds_come_with_their_kind(embedded_source):
    images, kinds = data.load_backgrounds()
    assert (images.dtype, images.shape) == (np.uint8, (7, 300, 300, 3))
    assert sorted(kinds) == ["blanco", "bosque", "desierto", "duna", "estudio", "playa", "pradera"]
    names = (
        tfds.builder(embedded_source.name, data_dir=embedded_source.data_dir)
        .info.features["background"]
        .names
    )
    stored = tfds.load(embedded_source.name, split="fondos", data_dir=embedded_source.data_dir)
    expected = {
        example["image"].tobytes(): int(example["background"]) for example in stored.as_numpy_iterator()
    }
    for image, kind in zip(images, kinds, strict=True):
        assert names.index(kind) == expected[image.tobytes()]


def test_backgrounds_are_there_also_with_the_real_data(tiny_source, embedded_source, monkeypatch):
    monkeypatch.setenv("GRADCAM_DATOS", "real")
    assert len(data.load_backgrounds()[0]) == 7


def neighbours(mask):
    """Los píxeles de fuera que tocan la máscara por un lado o por una esquina, calculados uno a uno."""
    found = {}
    for row, column in np.argwhere(~mask):
        window = mask[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
        if window.any():
            inside = np.argwhere(window) + (max(row - 1, 0), max(column - 1, 0))
            distances = np.abs(inside - (row, column)).sum(axis=1)
            found[row, column] = [tuple(place) for place in inside[distances == distances.min()]]
    return found


def test_every_subject_is_identical_on_every_background(embedded_source):
    images, _ = data.load_images(embedded_source, "test")
    masks = data.load_masks(embedded_source, "test")
    backgrounds, _ = data.load_backgrounds()
    for image, mask in zip(images, masks, strict=True):
        ring = np.zeros_like(mask)
        ring[tuple(zip(*neighbours(mask), strict=True))] = True
        for pasted, background in zip(
            data.replace_background(image, mask, backgrounds), backgrounds, strict=True
        ):
            assert np.array_equal(pasted[mask], image[mask])
            assert np.array_equal(pasted[~mask & ~ring], background[~mask & ~ring])


def test_ring_is_half_background_and_half_the_nearest_pixel_of_the_subject(embedded_source):
    images, _ = data.load_images(embedded_source, "test", count=1)
    masks = data.load_masks(embedded_source, "test", count=1)
    backgrounds, _ = data.load_backgrounds()
    pasted = data.replace_background(images[0], masks[0], backgrounds[0]).astype(int)
    ring = neighbours(masks[0])
    assert len(ring) > 300
    for place, nearest in ring.items():
        halves = [(images[0][pixel].astype(int) + backgrounds[0][place]) // 2 for pixel in nearest]
        assert any(np.array_equal(pasted[place], half) for half in halves)


def test_one_image_or_many_on_one_background_or_many(embedded_source):
    images, _ = data.load_images(embedded_source, "test")
    masks = data.load_masks(embedded_source, "test")
    backgrounds = data.load_backgrounds()[0][:4]
    alone = data.replace_background(images[1], masks[1], backgrounds[1])
    assert (alone.dtype, alone.shape) == (np.uint8, (300, 300, 3))
    assert np.array_equal(data.replace_background(images, masks, backgrounds)[1], alone)
    assert np.array_equal(data.replace_background(images, masks, backgrounds[1])[1], alone)
    assert np.array_equal(data.replace_background(images[1], masks[1], backgrounds)[1], alone)
    assert data.replace_background(images[:1], masks[:1], backgrounds[1]).shape == (1, 300, 300, 3)


def test_replacing_twice_gives_the_same_and_changes_nothing_else(embedded_source):
    images, _ = data.load_images(embedded_source, "test")
    masks = data.load_masks(embedded_source, "test")
    backgrounds = data.load_backgrounds()[0][:4]
    arguments = images, masks, backgrounds
    before = [argument.copy() for argument in arguments]
    assert np.array_equal(data.replace_background(*arguments), data.replace_background(*arguments))
    assert all(map(np.array_equal, arguments, before))


def test_a_subject_that_fills_the_image_and_no_subject():
    image, background = canvas(BROWN), canvas((1, 2, 3))
    everything, nothing = np.ones((300, 300), bool), np.zeros((300, 300), bool)
    assert np.array_equal(data.replace_background(image, everything, background), image)
    assert np.array_equal(data.replace_background(image, nothing, background), background)


@pytest.mark.parametrize(
    ("image", "mask", "background", "message"),
    [
        (canvas() / 255, canvas()[..., 0] > 0, canvas(), "La imagen debe ser uint8.*float64"),
        (canvas(), canvas()[..., 0], canvas(), r"La máscara debe ser bool \(300, 300\).*y es uint8"),
        (canvas(), canvas() > 0, canvas(), r"La máscara debe ser bool.*y es bool \(300, 300, 3\)"),
        (
            np.stack([canvas()] * 2),
            canvas()[..., 0] > 0,
            canvas(),
            r"La máscara debe ser bool \(2, 300, 300\)",
        ),
        (canvas(), canvas()[..., 0] > 0, canvas()[:200], r"Los fondos deben ser del tamaño.*\(200, 300, 3\)"),
        (canvas(), canvas()[..., 0] > 0, canvas()[..., 0], r"El fondo debe ser uint8.*\(300, 300\)"),
    ],
)
def test_replace_background_rejects(image, mask, background, message):
    with pytest.raises(ValueError, match=message):
        data.replace_background(image, mask, background)


def test_as_many_backgrounds_as_images():
    images, backgrounds = np.stack([canvas()] * 3), np.stack([canvas()] * 2)
    with pytest.raises(ValueError, match="uno para todas o uno por imagen"):
        data.replace_background(images, images[..., 0] > 0, backgrounds)
