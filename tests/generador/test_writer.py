"""Escribir el conjunto: siempre los mismos bytes, y la versión anterior intacta si algo falla."""

import os
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from generador import writer
from generador.background import KINDS
from generador.plan import LABELS, SPLITS, WHITE, Plan, plans
from generador.scene import FRAMINGS, Picture
from gradcam_helpers.data import EMBEDDED_DIR
from gradcam_helpers.engine.backend import tf, tfds

IMAGES = ("image", "mask", "parts")


# --- Las mismas imágenes ------------------------------------------------------------------------------


def unlike(first: Plan, second: Plan) -> int:
    return sum(
        getattr(first, name) != getattr(second, name) for name in ("split", "label", "framing", "kind")
    )


def varied_plans(count: int) -> list[int]:
    """Posiciones de unos cuantos planes: cada uno, el que menos se parece a los ya elegidos."""
    chosen, positions = plans(), [0]
    while len(positions) < count:
        novelty = [sum(unlike(plan, chosen[position]) for position in positions) for plan in chosen]
        novelty = [0 if position in positions else value for position, value in enumerate(novelty)]
        positions.append(int(np.argmax(novelty)))
    return positions


DRAW = """
import pickle, sys
from generador import plan, writer
chosen = [plan.plans()[int(position)] for position in sys.argv[2:]]
drawn = writer.examples(chosen) if sys.argv[1] == "several" else map(writer.example, chosen)
sys.stdout.buffer.write(pickle.dumps(list(drawn)))
"""


def check_drawn_again(drawn, expected, same_bits):
    for encoded, example in zip(drawn, expected, strict=True):
        again = type(example)(example.plan, encoded)
        assert np.array_equal(again.mask, example.mask), example.plan
        assert np.array_equal(again.parts, example.parts), example.plan
        assert np.abs(again.image.astype(int) - example.image).mean() < 0.5, example.plan
        if same_bits:
            assert encoded == example.encoded, example.plan


def test_pictures_drawn_again_are_the_stored_ones(stored, run_python, same_bits):
    positions = varied_plans(12)
    chosen = [stored[position] for position in positions]
    assert len(chosen) == 12
    assert {example.plan.split for example in chosen} == set(SPLITS)
    assert {example.plan.label for example in chosen} == {*range(len(LABELS)), -1}
    assert {example.plan.framing for example in chosen} == set(FRAMINGS)
    assert {example.plan.kind for example in chosen} == {*KINDS, WHITE}
    run = run_python("-c", DRAW, "one", *positions)
    assert run.stderr == b""
    check_drawn_again(pickle.loads(run.stdout), chosen, same_bits)


def test_several_processes_draw_the_same_and_in_order(stored, run_python, same_bits):
    positions = varied_plans(6)
    run = run_python("-c", DRAW, "several", *positions)
    assert run.returncode == 0, run.stderr.decode()
    check_drawn_again(pickle.loads(run.stdout), [stored[position] for position in positions], same_bits)
    bar = run.stderr.decode().strip()
    assert bar.startswith("Dibujo las imágenes") and "6/6" in bar


# --- Los mismos ficheros ------------------------------------------------------------------------------

WRITE = """
import pathlib, sys
import generador.__main__  # al importarse, elige cómo se escriben los ejemplos
from generador import plan, writer
chosen = [plan.plans()[position] for position in (0, 300, 504, 560, 624)]
writer.write(chosen, [writer.example(one) for one in chosen], pathlib.Path(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def written_twice(tmp_path_factory, run_python) -> list[Path]:
    """Las carpetas donde dos procesos han escrito las mismas cinco imágenes."""
    folders = [tmp_path_factory.mktemp("escrito") for _ in range(2)]
    with ThreadPoolExecutor() as both:
        for run in both.map(lambda folder: run_python("-c", WRITE, folder), folders):
            assert run.returncode == 0, run.stderr.decode()
    return [folder / writer.NAME / writer.VERSION for folder in folders]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def records(path: Path) -> list[bytes]:
    """Los registros de un fichero: cada uno va entre su longitud y su suma, y otra suma."""
    content, position, found = path.read_bytes(), 0, []
    while position < len(content):
        length = int.from_bytes(content[position : position + 8], "little")
        found.append(content[position + 12 : position + 12 + length])
        position += length + 16
    return found


def test_writing_twice_gives_the_same_files(written_twice):
    first, again = map(contents, written_twice)
    assert len(first) == 8
    assert first == again


def test_records_and_cards_are_those_of_the_stored_set(written_twice, same_bits):
    stored = EMBEDDED_DIR / writer.NAME / writer.VERSION
    for name in ("LICENSE", "features.json", "label.labels.txt", "background.labels.txt"):
        assert (written_twice[0] / name).read_bytes() == (stored / name).read_bytes()
    for split, count in (("train", 2), ("test", 2), ("fondos", 1)):
        name = f"{writer.NAME}-{split}.tfrecord-00000-of-00001"
        written = records(written_twice[0] / name)
        assert len(written) == count
        if same_bits:
            assert set(written) <= set(records(stored / name))


# --- Cómo se guarda cada imagen -----------------------------------------------------------------------


def synthetic(split: str, label: int, number: int = 0) -> tuple[Plan, Picture]:
    """Un plan, y una imagen con más rojo que verde y más verde que azul."""
    random = np.random.default_rng([label + 1, number])
    image = np.repeat(np.repeat(random.integers(0, 80, (30, 30, 3), dtype=np.uint8), 10, 0), 10, 1)
    image += np.array([160, 80, 0], np.uint8)
    parts = np.zeros((300, 300), np.uint8)
    if label >= 0:
        parts[50:250, 100:200] = np.repeat([1, 2, 3, 4], 50)[:, np.newaxis]
    return Plan(split, number, label, 3, "whole", "duna"), Picture(image, parts)


@pytest.mark.parametrize("split", SPLITS)
def test_masks_are_exact_and_say_where_there_is_a_part(split):
    plan, picture = synthetic(split, 0)
    encoded = writer.encode(plan, picture)
    parts, mask = (decoded(encoded[name]) for name in ("parts", "mask"))
    assert np.array_equal(parts, picture.parts)
    assert np.array_equal(mask, 255 * (picture.parts > 0))
    assert (encoded["label"], encoded["identity"], encoded["background"]) == (0, "horses-03", "duna")


def decoded(content: bytes) -> np.ndarray:
    """Una imagen, decodificada por TensorFlow."""
    image = tf.io.decode_image(content).numpy()
    return image[..., 0] if image.shape[-1] == 1 else image


def test_test_pictures_are_exact_and_the_others_almost():
    for split, most in (("train", 4), ("test", 0), ("fondos", 4)):
        plan, picture = synthetic(split, 0)
        error = np.abs(decoded(writer.encode(plan, picture)["image"]).astype(int) - picture.image)
        assert error.mean() <= most
        assert (split == "test") == (error.max() == 0)


# --- Escribir sobre lo anterior -----------------------------------------------------------------------


def examples(*splits: str, seed: int = 0) -> tuple[list[Plan], list[dict]]:
    pairs = [synthetic(split, number % 2, number + seed) for number, split in enumerate(splits)]
    return [plan for plan, _ in pairs], [writer.encode(plan, picture) for plan, picture in pairs]


def test_what_is_written_is_read_by_tfds(tmp_path):
    chosen, drawn = examples("train", "test", "test", "fondos")
    folder = writer.write(chosen, drawn, tmp_path / "una" / "carpeta nueva")
    assert folder == tmp_path / "una" / "carpeta nueva" / writer.NAME / writer.VERSION
    builder = tfds.builder_from_directory(folder)
    sizes = {name: split.num_examples for name, split in builder.info.splits.items()}
    assert sizes == {"train": 1, "test": 2, "fondos": 1}
    (example,) = builder.as_dataset(split="train").as_numpy_iterator()
    expected = {name: decoded(drawn[0][name]) for name in IMAGES}
    assert np.array_equal(example["image"], expected["image"])
    assert np.array_equal(example["mask"][..., 0], expected["mask"])
    assert np.array_equal(example["parts"][..., 0], expected["parts"])
    assert (example["label"], example["identity"].decode()) == (0, "horses-03")
    assert builder.info.features["background"].int2str(example["background"]) == "duna"


def test_the_new_set_takes_the_place_of_the_old_one(tmp_path):
    writer.write(*examples("train", "test", "fondos"), tmp_path)
    before = contents(tmp_path)
    folder = writer.write(*examples("train", "test", seed=5), tmp_path)
    after = contents(tmp_path)
    assert not any("fondos" in name for name in after)
    assert all(before[name] != after[name] for name in after if "tfrecord" in name)
    assert os.listdir(tmp_path) == [writer.NAME] and os.listdir(folder.parent) == [writer.VERSION]


def broken_example(drawn, monkeypatch):
    drawn[-1]["label"] = 7


def missing_example(drawn, monkeypatch):
    del drawn[-1]


def failed_replacement(drawn, monkeypatch):
    def replace(source, target):
        if Path(source).parent.name == writer.NAME and Path(source).parents[1] != Path(target).parents[1]:
            if Path(target).name == writer.VERSION:
                raise OSError("No se puede.")
        original(source, target)

    original = os.replace
    monkeypatch.setattr(writer.os, "replace", replace)


@pytest.mark.parametrize("fault", [broken_example, missing_example, failed_replacement])
@pytest.mark.parametrize("already", [True, False])
def test_a_fault_leaves_the_old_set_as_it_was_and_nothing_half_done(tmp_path, monkeypatch, fault, already):
    if already:
        writer.write(*examples("train", "test", "fondos"), tmp_path)
    before = contents(tmp_path)
    chosen, drawn = examples("train", "train", "test", "test", seed=5)
    fault(drawn, monkeypatch)
    with pytest.raises((ValueError, OSError)):
        writer.write(chosen, drawn, tmp_path)
    assert contents(tmp_path) == before
    assert not list(tmp_path.glob(".*"))
