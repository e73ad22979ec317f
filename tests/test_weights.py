"""Los pesos publicados: pequeños, sin código, iguales en todas partes; y si están dañados, se dice."""

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from gradcam_helpers import data, models
from gradcam_helpers.engine import weights
from pesos import publicar

KEYS = ("real", "embebido")


@pytest.fixture
def copy(tmp_path):
    """Una copia de los pesos publicados y de su ficha, que una prueba puede estropear."""
    path = weights.weights_path("embebido")
    for file in (path, path.with_suffix(".json")):
        shutil.copy(file, tmp_path)
    return tmp_path / path.name


def republish(path, content):
    """Cambia los pesos, y la suma de la ficha para que encajen."""
    path.write_bytes(content)
    card = weights.read_card(path) | {"sha256": hashlib.sha256(content).hexdigest()}
    path.with_suffix(".json").write_text(json.dumps(card), encoding="utf-8")


def packed(**arrays):
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


# --- Lo que se publica --------------------------------------------------------------------------------


@pytest.mark.parametrize("key", KEYS)
def test_files_are_small_and_hold_every_weight_of_the_network(key):
    path = weights.weights_path(key)
    assert path.stat().st_size < 4_200_000
    arrays = weights.read_weights(path)
    expected = {weight.path: tuple(weight.shape) for weight in models.build_model().weights}
    assert {name: array.shape for name, array in arrays.items()} == expected
    assert {array.dtype for array in arrays.values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize("key", KEYS)
def test_kernel_has_rank_8(key):
    kernel = weights.read_weights(weights.weights_path(key))[weights.FACTORED].astype(np.float64)
    values = np.sqrt(np.maximum(np.linalg.eigvalsh(kernel.T @ kernel)[::-1], 0))
    assert values[7] > 100 * values[8]


@pytest.mark.parametrize("key", KEYS)
def test_card_tells_what_the_factoring_changed(key):
    card = weights.read_card(weights.weights_path(key))
    assert set(card["splits"]) == {data.VALIDATION_SPLIT, data.TEST_SPLIT}
    for figures in card["splits"].values():
        assert figures["agreement"] > 0.97
        assert 0 < figures["largest_probability_change"] < 0.1
        assert -1 <= figures["worst_map_correlation"] <= figures["median_map_correlation"] <= 1


def test_network_of_the_real_data_gives_credit():
    assert weights.read_card(weights.weights_path("real"))["licence"] == "L. Moroney, CC BY 2.0"


# --- Factorizar y rehacer -----------------------------------------------------------------------------


def test_factors_are_the_closest_of_their_rank():
    kernel = np.random.default_rng(0).normal(size=(60, 20)) * np.geomspace(1, 0.01, 20)
    left, right = (factor.astype(np.float64) for factor in publicar.factor(kernel))
    rows, values, columns = np.linalg.svd(kernel, full_matrices=False)
    closest = (rows[:, :8] * values[:8]) @ columns[:8]
    assert (left.shape, right.shape) == ((60, 8), (20, 8))
    assert np.allclose(left @ right.T, closest, atol=2e-3 * values[0])
    assert np.isclose(np.linalg.norm(left @ right.T - kernel), np.linalg.norm(values[8:]), rtol=1e-3)


def test_kernel_is_the_product_of_its_factors():
    generator = np.random.default_rng(0)
    left, right = (generator.normal(size=(rows, 8)).astype(np.float16) for rows in (weights.ROWS + 5, 7))
    exact = left.astype(np.float64) @ right.astype(np.float64).T
    kernel = weights.rebuild_kernel(left, right)
    assert kernel.dtype == np.float32
    assert np.allclose(kernel, exact, atol=1e-5)


def test_kernel_is_the_same_bit_for_bit_with_any_number_of_threads(root):
    script = (
        "import hashlib; from gradcam_helpers.engine import weights\n"
        "kernel = weights.read_weights(weights.weights_path('embebido'))['densa/kernel']\n"
        "print(hashlib.sha256(kernel.tobytes()).hexdigest())"
    )
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    runs = [
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=root,
            env={**os.environ, **dict.fromkeys(threads, count)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for count in ("1", "2", "5")
    ]
    kernel = weights.read_weights(weights.weights_path("embebido"))[weights.FACTORED]
    assert set(runs) == {hashlib.sha256(kernel.tobytes()).hexdigest() + "\n"}


def test_every_position_is_added_in_order():
    generator = np.random.default_rng(0)
    left, right = (generator.normal(size=(rows, 8)).astype(np.float16) for rows in (30, 11))
    kernel = weights.rebuild_kernel(left, right)
    for row, column in np.ndindex(kernel.shape):
        total = np.float32(0)
        for one, other in zip(left[row].astype(np.float32), right[column].astype(np.float32), strict=True):
            total += one * other
        assert kernel[row, column] == total


# --- Publicar -----------------------------------------------------------------------------------------


@pytest.fixture
def published(course_network, embedded_source, tmp_path):
    path = tmp_path / "original-embebido.npz"
    publicar.publish(embedded_source, course_network, path)
    return path


def test_published_network_has_the_weights_of_the_trained_one(published, course_network):
    copy = models.load_published(published)
    for weight, other in zip(course_network.weights, copy.weights, strict=True):
        if weight.path != weights.FACTORED:
            assert np.array_equal(weight.numpy(), other.numpy()), weight.path


def test_card_measures_every_picture_of_both_splits(published, embedded_source):
    copy = models.load_published(published)
    splits = weights.read_card(published)["splits"]
    for split in (data.VALIDATION_SPLIT, data.TEST_SPLIT):
        images, labels = data.load_images(embedded_source, split)
        right = copy.predict(data.prepare_image(images), batch_size=4, verbose=0).argmax(axis=1) == labels
        assert splits[split]["pictures"] == len(labels)
        assert splits[split]["accuracy"] == round(right.mean(), 4)


def test_failure_keeps_the_previous_files(course_network, embedded_source, copy, monkeypatch):
    before = {path.name: path.read_bytes() for path in copy.parent.iterdir()}

    def fail(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(publicar, "compare", fail)
    with pytest.raises(KeyboardInterrupt):
        publicar.publish(embedded_source, course_network, copy)
    assert {path.name: path.read_bytes() for path in copy.parent.iterdir()} == before


# --- Lo dañado ----------------------------------------------------------------------------------------


def assert_refused(path, told):
    with pytest.raises(weights.DamagedWeights, match=f"«{path.name}» no se puede usar: {told}.*descárgalo"):
        models.load_published(path)


def test_missing_weights(copy):
    copy.unlink()
    assert_refused(copy, "no se puede leer")


def test_missing_card(copy):
    copy.with_suffix(".json").unlink()
    assert_refused(copy, "no se puede leer su ficha")


@pytest.mark.parametrize("text", ["", "{", "[1]", "null"])
def test_damaged_card(copy, text):
    copy.with_suffix(".json").write_text(text)
    assert_refused(copy, "no se puede leer su ficha")


@pytest.mark.parametrize("kept", [0, 1000, -1])
def test_truncated_weights(copy, kept):
    copy.write_bytes(copy.read_bytes()[:kept])
    assert_refused(copy, "su suma SHA-256")


def test_changed_byte(copy):
    content = bytearray(copy.read_bytes())
    content[len(content) // 2] ^= 1
    copy.write_bytes(content)
    assert_refused(copy, "su suma SHA-256")


def test_too_large(copy):
    republish(copy, bytes(weights.MAXIMUM_BYTES + 1))
    assert_refused(copy, "ocupa más de 4200000 bytes")


def test_bomb_is_not_unpacked(copy):
    republish(copy, packed(bomba=np.zeros(5_000_000, np.uint8)))
    assert copy.stat().st_size < 10_000
    assert_refused(copy, r"no contiene los pesos de la red \(MemoryError\)")


def test_code_is_not_executed(copy, tmp_path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "trampa"),)

    republish(copy, packed(trampa=np.array([Trap()], object)))
    assert_refused(copy, "no contiene los pesos de la red")
    assert not (tmp_path / "trampa").exists()


def test_other_contents(copy):
    republish(copy, packed(a=np.zeros(3)))
    assert_refused(copy, "no contiene los pesos de la red")
    republish(copy, b"hola")
    assert_refused(copy, "no contiene los pesos de la red")
