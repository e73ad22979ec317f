"""El conjunto guardado, entero: lo que contiene, sus máscaras, sus imágenes y cómo se lee."""

import re
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from generador.background import KINDS
from generador.plan import (
    BACKGROUNDS_PER_KIND,
    FRAMING_SHARES,
    LABELS,
    TRAIN_PICTURES,
    TRAIN_SESSIONS,
    WHITE,
    individual,
)
from generador.scene import SMALLEST_REGION
from generador.writer import NAME, VERSION
from gradcam_helpers import data
from gradcam_helpers.engine.backend import tfds

FOLDER = data.EMBEDDED_DIR / NAME / VERSION
HEAD, TRUNK, LIMBS, HAIR = 1, 2, 3, 4
VISIBLE = 100  # píxeles desde los que una parte se ve


def of_split(stored, split):
    return [example for example in stored if example.plan.split == split]


# --- Lo que contiene ----------------------------------------------------------------------------------


def test_each_split_has_its_pictures_and_half_are_of_each_class(stored):
    counts = Counter((example.plan.split, int(example.encoded["label"])) for example in stored)
    expected = {("train", 0): 252, ("train", 1): 252, ("test", 0): 60, ("test", 1): 60, ("fondos", -1): 24}
    assert counts == expected


def test_labels_identities_and_backgrounds_are_those_of_the_plan(stored):
    for example in stored:
        plan, encoded = example.plan, example.encoded
        found = encoded["label"], encoded["identity"], encoded["background"]
        assert found == (plan.label, plan.identity, plan.kind)


@pytest.mark.parametrize("label", range(len(LABELS)))
def test_test_has_other_individuals_and_train_has_at_least_forty(stored, label):
    train, test = (
        {example.encoded["identity"] for example in of_split(stored, split) if example.plan.label == label}
        for split in ("train", "test")
    )
    assert len(train) >= 40 and len(test) >= 20
    assert not train & test
    assert all(re.fullmatch(rf"{LABELS[label]}-\d\d", identity) for identity in train | test)


@pytest.mark.parametrize("label", range(len(LABELS)))
def test_backgrounds_of_train_are_the_documented_ones(stored, label):
    train = [example.encoded for example in of_split(stored, "train") if example.plan.label == label]
    pictures = Counter(encoded["background"] for encoded in train)
    assert pictures == {kind: TRAIN_PICTURES * counts[label] for kind, counts in TRAIN_SESSIONS.items()}
    sessions = Counter(kind for _, kind in {(one["identity"], one["background"]) for one in train})
    assert sessions == {kind: counts[label] for kind, counts in TRAIN_SESSIONS.items()}


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("label", range(len(LABELS)))
def test_framings_have_their_shares(stored, split, label):
    framings = [example.plan.framing for example in of_split(stored, split) if example.plan.label == label]
    for framing, share in FRAMING_SHARES.items():
        assert framings.count(framing) / len(framings) == pytest.approx(share, abs=0.02)


def test_empty_backgrounds_are_four_of_each_kind_without_anybody(stored):
    empty = of_split(stored, "fondos")
    kinds = Counter(example.encoded["background"] for example in empty)
    assert kinds == dict.fromkeys(KINDS, BACKGROUNDS_PER_KIND)
    for example in empty:
        assert example.encoded["label"] == -1 and example.encoded["identity"] == ""
        assert not example.mask.any() and not example.parts.any()


def test_no_picture_is_repeated(stored):
    assert len({example.encoded["image"] for example in stored}) == len(stored)


# --- Las máscaras -------------------------------------------------------------------------------------


def smallest_region(mask, connectivity):
    count, _, statistics, _ = cv2.connectedComponentsWithStats(
        mask.astype(np.uint8), connectivity=connectivity
    )
    return statistics[1:, cv2.CC_STAT_AREA].min() if count > 1 else 0


def test_masks_are_all_or_nothing_and_say_where_there_are_parts(subjects):
    for example in subjects:
        mask, parts = example.mask, example.parts
        assert (mask.dtype, mask.shape) == (parts.dtype, parts.shape) == (np.uint8, (300, 300))
        assert set(np.unique(mask)) == {0, 255}
        assert np.array_equal(mask > 0, parts > 0)
        assert parts.max() <= HAIR


def test_masks_have_no_specks_nor_pores(subjects):
    for example in subjects:
        mask = example.mask > 0
        assert smallest_region(mask, 8) >= SMALLEST_REGION, example.plan
        assert smallest_region(~mask, 4) >= SMALLEST_REGION, example.plan


def expected_parts(plan):
    """Cabeza y tronco, siempre; de cerca, un caballo no enseña las patas; quien va rapado no tiene pelo."""
    parts = {HEAD, TRUNK}
    if plan.label == 1 or plan.framing != "head":
        parts.add(LIMBS)
    if plan.label == 0 or individual(1, plan.individual).look.style != "rapado":
        parts.add(HAIR)
    return parts


def test_every_part_that_should_be_seen_is_seen_and_no_other(subjects):
    for example in subjects:
        areas = np.bincount(example.parts.ravel(), minlength=HAIR + 1)
        expected = expected_parts(example.plan)
        assert {part for part in range(1, HAIR + 1) if areas[part] >= VISIBLE} == expected, example.plan
        assert not any(areas[part] for part in range(1, HAIR + 1) if part not in expected), example.plan


def test_closer_framings_show_a_larger_head(subjects):
    for label in range(len(LABELS)):
        heads = {framing: [] for framing in FRAMING_SHARES}
        for example in subjects:
            if example.plan.label == label:
                heads[example.plan.framing].append((example.parts == HEAD).sum())
        whole, half, head = (np.median(areas) for areas in heads.values())
        assert head > 1.5 * half > 3 * whole


def test_whole_subjects_do_not_touch_the_border(subjects):
    for example in subjects:
        if example.plan.framing == "whole":
            mask = example.mask
            assert not any(side.any() for side in (mask[0], mask[-1], mask[:, 0], mask[:, -1])), example.plan


def test_whole_horses_and_people_take_up_as_much(subjects):
    areas = {
        label: [
            (example.mask > 0).mean()
            for example in subjects
            if (example.plan.framing, example.plan.label) == ("whole", label)
        ]
        for label in range(len(LABELS))
    }
    assert np.mean(areas[0]) == pytest.approx(np.mean(areas[1]), rel=0.15)
    assert 0.1 < np.min([min(values) for values in areas.values()])
    assert np.max([max(values) for values in areas.values()]) < 0.21


# --- Las imágenes -------------------------------------------------------------------------------------


def test_test_pictures_are_pure_white_outside_the_mask(stored):
    for example in of_split(stored, "test"):
        assert example.encoded["background"] == WHITE
        assert np.all(example.image[example.mask == 0] == 255), example.plan


def test_train_pictures_are_not_white(stored):
    for example in of_split(stored, "train"):
        assert (example.image[example.mask == 0].min(axis=-1) >= 250).mean() < 0.2, example.plan


def test_subjects_have_light_and_shadow(subjects):
    for example in subjects:
        brightness = example.image[example.mask > 0].mean(axis=-1)
        assert brightness.std() > 8, example.plan
        assert 20 < brightness.mean() < 235, example.plan


def test_calculated_masks_of_test_are_almost_the_true_ones(stored):
    overlaps = []
    for example in of_split(stored, "test"):
        found, true = data.subject_mask(example.image), example.mask > 0
        overlaps.append((found & true).sum() / (found | true).sum())
    assert np.mean(overlaps) > 0.995 and np.min(overlaps) > 0.98


def jpeg_segments(content):
    """Pares (marca, contenido) de la cabecera de un JPEG."""
    assert content[:2] == b"\xff\xd8"
    position, segments = 2, []
    while content[position : position + 2] != b"\xff\xda":  # empiezan los píxeles
        length = int.from_bytes(content[position + 2 : position + 4])
        segments.append((content[position + 1], content[position + 4 : position + 2 + length]))
        position += 2 + length
    return segments


def quantization(content):
    """Las tablas de cuantización de un JPEG, (T, 64)."""
    tables = b"".join(values for mark, values in jpeg_segments(content) if mark == 0xDB)
    return np.frombuffer(tables, np.uint8).reshape(-1, 65)[:, 1:].astype(int)


def test_jpeg_quality_is_at_least_90(stored):
    options = [cv2.IMWRITE_JPEG_QUALITY, 50]  # con ella, las tablas son las de la norma, sin escalar
    standard = quantization(cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8), options)[1].tobytes())
    assert standard[0, 0] == 16 and standard[1, 63] == 99
    quality_90 = np.maximum((standard * 20 + 50) // 100, 1)
    for example in stored:
        if example.plan.split != "test":
            tables = quantization(example.encoded["image"])
            assert tables.shape == (2, 64)
            assert np.all(tables <= quality_90), example.plan


def png_chunks(content):
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    position, kinds = 8, set()
    while position < len(content):
        kinds.add(content[position + 4 : position + 8])
        position += 12 + int.from_bytes(content[position : position + 4])
    return kinds


def test_images_are_jpeg_or_png_and_carry_nothing_else(stored):
    drawing = {b"IHDR", b"IDAT", b"IEND"}
    jfif, tables = 0xE0, {0xDB, 0xC0, 0xC4}  # cuantización, tamaño y Huffman: ni comentarios ni EXIF
    for example in stored:
        assert png_chunks(example.encoded["mask"]) == png_chunks(example.encoded["parts"]) == drawing
        if example.plan.split == "test":
            assert png_chunks(example.encoded["image"]) == drawing
        else:
            assert {mark for mark, _ in jpeg_segments(example.encoded["image"])} == {jfif, *tables}


# --- La carpeta ---------------------------------------------------------------------------------------


def test_folder_is_small_and_has_only_the_files_of_tfds():
    records = [f"{NAME}-{split}.tfrecord-00000-of-00001" for split in ("train", "test", "fondos")]
    cards = ["LICENSE", "background.labels.txt", "dataset_info.json", "features.json", "label.labels.txt"]
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted(cards + records)
    assert [path.relative_to(data.EMBEDDED_DIR) for path in data.EMBEDDED_DIR.glob("*/*")] == [
        Path(NAME, VERSION)
    ]
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= 20e6


def test_files_name_no_machine(root):
    absolute = re.compile(r"[\"'\s](/[a-z]+/|[A-Za-z]:\\)")
    for path in FOLDER.iterdir():
        content = path.read_bytes()
        for place in (str(root), str(Path.home())):
            assert len(place) < 5 or place.encode() not in content, path.name
        if ".tfrecord" not in path.name:
            assert not absolute.search(content.decode()), path.name


@pytest.mark.parametrize("open_builder", ["name", "folder"])
def test_builders_of_tfds_describe_it(open_builder):
    if open_builder == "name":
        builder = tfds.builder(NAME, data_dir=data.EMBEDDED_DIR)
    else:
        builder = tfds.builder_from_directory(FOLDER)
    info = builder.info
    assert (info.full_name, info.supervised_keys) == (f"{NAME}/{VERSION}", ("image", "label"))
    assert info.redistribution_info.license == "CC BY 4.0"
    assert "máscara exacta" in info.description
    shapes = {name: feature.shape for name, feature in info.features.items()}
    assert shapes == {
        "image": (300, 300, 3),
        "label": (),
        "mask": (300, 300, 1),
        "parts": (300, 300, 1),
        "identity": (),
        "background": (),
    }
    assert all(info.features[name].dtype == np.uint8 for name in ("image", "mask", "parts"))
    assert info.features["label"].names == ["horses", "humans"]
    assert info.features["background"].names == [*KINDS, "blanco"]
    assert {name: split.num_examples for name, split in info.splits.items()} == {
        "train": 504,
        "test": 120,
        "fondos": 24,
    }


def test_it_is_read_as_pairs_of_image_and_label(stored):
    dataset = tfds.load(NAME, split="test", data_dir=data.EMBEDDED_DIR, as_supervised=True)
    pairs = {image.tobytes(): int(label) for image, label in dataset.take(10).as_numpy_iterator()}
    images = {example.image.tobytes(): example.plan.label for example in of_split(stored, "test")}
    assert len(pairs) == 10
    assert all(images[image] == label for image, label in pairs.items())


def test_the_course_reads_images_masks_and_backgrounds(stored):
    source = data.prepare_source("embebido")
    assert (source.name, source.licence) == (NAME, "CC BY 4.0")
    images, labels = data.load_images(source, "test", count=5)
    masks = data.load_masks(source, "test", count=5)
    expected = {example.image.tobytes(): example for example in of_split(stored, "test")}
    for image, label, mask in zip(images, labels, masks, strict=True):
        example = expected[image.tobytes()]
        assert label == example.plan.label and np.array_equal(mask, example.mask > 0)
    backgrounds, kinds = data.load_backgrounds()
    assert len(backgrounds) == 24 and Counter(kinds) == dict.fromkeys(KINDS, 4)
