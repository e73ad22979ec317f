"""El fichero de un modelo: lo sano se lee, y lo demás se llama por su nombre."""

import json
import pickle
import zipfile

import h5py
import numpy as np
import pytest

from gradcam_helpers import models
from gradcam_helpers.engine import model_files
from gradcam_helpers.engine.backend import keras


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).random((3, 8, 8, 3), np.float32)


@pytest.fixture(scope="module")
def network(images):
    """Una red pequeña, entrenada un paso: con un optimizador que guardar."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input((8, 8, 3))
    features = keras.layers.Conv2D(4, 3, name="convolucion")(inputs)
    outputs = keras.layers.Dense(2, name="salida")(keras.layers.Flatten(name="aplanar")(features))
    network = keras.Model(inputs, outputs)
    network.compile("adam", "sparse_categorical_crossentropy")
    network.fit(images, np.array([0, 1, 0]), verbose=0)
    return network


@pytest.fixture
def path(network, tmp_path):
    return models.save_model(network, tmp_path / "red.keras")


def refusal(path) -> str:
    """El aviso que da un fichero que no se carga: nombra el fichero y nunca manda borrarlo."""
    with pytest.raises(ValueError, match=path.name) as failure:
        models.load_model(path)
    message = str(failure.value)
    assert "borra" not in message.lower().replace("ó", "o")
    assert "\n" not in message
    return message


def in_a_file(network, path):
    network.save(path)


def in_a_folder(network, path):
    keras.saving.save_model(network, path, zipped=False)


@pytest.mark.filterwarnings("ignore")  # Keras avisa de que el formato HDF5 es antiguo
@pytest.mark.parametrize(
    ("name", "save"),
    [("red.h5", in_a_file), ("red.hdf5", in_a_file), ("red.keras", in_a_file), ("carpeta", in_a_folder)],
)
def test_whatever_keras_saves_is_loaded(network, images, tmp_path, name, save):
    save(network, tmp_path / name)
    loaded = models.load_model(tmp_path / name)
    assert np.array_equal(loaded.predict_on_batch(images), network.predict_on_batch(images))
    assert not loaded.compiled


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="No hay ningún modelo en «.*red.keras».*lección 2"):
        models.load_model(tmp_path / "red.keras")


@pytest.mark.parametrize(("kept", "message"), [(0, "vacío"), (100, "cortado"), (-100, "cortado")])
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["red.keras", "red.h5"])
def test_truncated_file(network, tmp_path, name, kept, message):
    path = tmp_path / name
    network.save(path)
    path.write_bytes(path.read_bytes()[:kept])
    assert message in refusal(path)


def test_damaged_weights(path):
    content = bytearray(path.read_bytes())
    start = content.index(b"HDF")
    content[start : start + 4000] = bytes(4000)
    path.write_bytes(content)
    assert "está dañado" in refusal(path)


def test_foreign_zip(tmp_path):
    path = tmp_path / "red.keras"
    with zipfile.ZipFile(path, "w") as bundle:
        bundle.writestr("hola.txt", "hola")
    assert "zip sin ningún modelo" in refusal(path)


def test_savedmodel(network, tmp_path):
    network.export(tmp_path / "guardada", verbose=False)
    assert "SavedModel de TensorFlow" in refusal(tmp_path / "guardada")


def test_a_folder(tmp_path):
    assert "es una carpeta" in refusal(tmp_path)


def test_only_the_weights(network, tmp_path):
    network.save_weights(tmp_path / "red.weights.h5")
    assert "solo los pesos" in refusal(tmp_path / "red.weights.h5")


def test_other_hdf5(tmp_path):
    with h5py.File(tmp_path / "datos.h5", "w") as content:
        content["medidas"] = np.arange(3)
    assert "datos, pero ningún modelo" in refusal(tmp_path / "datos.h5")


@pytest.mark.filterwarnings("ignore")
def test_hdf5_of_another_name_says_what_it_is(network, tmp_path):
    network.save(tmp_path / "red.h5")
    (tmp_path / "red.h5").rename(tmp_path / "modelo.bin")
    assert "es un fichero HDF5: cambia su nombre por «modelo.h5»" in refusal(tmp_path / "modelo.bin")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"  <!DOCTYPE html><title>Iniciar sesi\xf3n</title>", "página web"),
        (b"<html></html>", "página web"),
        (pickle.dumps([1, 2]), "no es un modelo de Keras"),
        (b"hola", "no es un modelo de Keras"),
    ],
)
def test_something_else(tmp_path, content, message):
    path = tmp_path / "red.keras"
    path.write_bytes(content)
    assert message in refusal(path)


def rewrite(path, change) -> None:
    """Cambia la configuración que hay dentro de un `.keras`."""
    with zipfile.ZipFile(path) as bundle:
        files = {name: bundle.read(name) for name in bundle.namelist()}
    files["config.json"] = json.dumps(change(json.loads(files["config.json"])))
    with zipfile.ZipFile(path, "w") as bundle:
        for name, content in files.items():
            bundle.writestr(name, content)


def test_a_class_that_is_not_here(path):
    def unknown(config):
        config["config"]["layers"][1] |= {"module": "otro", "class_name": "Capa", "registered_name": "Capa"}
        return config

    rewrite(path, unknown)
    assert "no sabe construir el modelo" in refusal(path)


def test_a_layer_is_not_a_model(path):
    rewrite(path, lambda _: keras.saving.serialize_keras_object(keras.layers.ReLU()))
    assert "no contiene un modelo de Keras, sino «ReLU»" in refusal(path)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["red.keras", "red.h5"])
def test_code_is_refused_and_not_run(name, tmp_path):
    network = keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: x + 1)])
    network.save(tmp_path / name)
    assert "trae código" in refusal(tmp_path / name)


def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch):
    path = tmp_path / "red.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("config.json", "{}")
        bundle.writestr("model.weights.h5", bytes(1_000_000))
    monkeypatch.setattr(model_files, "MAXIMUM_BYTES", 999_999)
    monkeypatch.setattr(zipfile.ZipFile, "extractall", lambda *arguments: pytest.fail("lo desempaqueta"))
    assert "demasiado grande" in refusal(path)


@pytest.mark.parametrize("name", ["red.h5", "red.keras"])
def test_compressed_numbers_are_counted_unpacked(path, tmp_path, monkeypatch, name):
    """Dentro de un HDF5, los ceros se comprimen mil veces."""
    weights = tmp_path / "ceros.h5"
    with h5py.File(weights, "w") as content:
        content.attrs["model_config"] = "{}"
        content.create_dataset("ceros", data=np.zeros(1_000_000, np.float32), compression="gzip")
    assert weights.stat().st_size < 100_000
    if name == "red.keras":
        with zipfile.ZipFile(tmp_path / name, "w") as bundle:
            bundle.writestr("config.json", "{}")
            bundle.write(weights, "model.weights.h5")
    else:
        weights.rename(tmp_path / name)
    monkeypatch.setattr(model_files, "MAXIMUM_BYTES", 3_999_999)
    monkeypatch.setattr(keras.saving, "load_model", lambda *arguments, **options: pytest.fail("lo carga"))
    assert "demasiado grande" in refusal(tmp_path / name)
