"""La red del curso: su forma, su entrenamiento y lo que sobrevive al guardarla."""

import errno
import zipfile

import numpy as np
import pytest

from gradcam_helpers import data, models
from gradcam_helpers.engine import weights
from gradcam_helpers.engine.backend import keras, tf


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(1)
    return models.build_model()


@pytest.fixture
def small():
    """Un modelo pequeño para las pruebas que guardan y cargan."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input((8, 8, 3))
    features = keras.layers.Conv2D(4, 3, name="convolucion")(inputs)
    outputs = keras.layers.Dense(2, name="salida")(keras.layers.Flatten(name="aplanar")(features))
    return keras.Model(inputs, outputs)


def test_parameters_are_those_of_the_original(network):
    counts = [layer.count_params() for layer in network.layers if layer.count_params()]
    assert counts == [896, 9248, 18496, 36928, 73856, 147584, 22429824, 258]
    assert network.count_params() == 22_717_090


def test_shapes_halve_in_each_block(network):
    sizes = [network.get_layer(f"bloque{block}_pool").output.shape[1] for block in (1, 2, 3)]
    assert sizes == [150, 75, 37]
    assert network.get_layer("bloque3_conv2").output.shape == (None, 75, 75, 128)


def test_the_network_does_not_depend_on_how_keras_is_configured(network):
    keras.config.set_image_data_format("channels_first")
    try:
        again = models.build_model()
    finally:
        keras.config.set_image_data_format("channels_last")
    assert [layer.output.shape for layer in again.layers] == [layer.output.shape for layer in network.layers]
    assert again.count_params() == 22_717_090
    again.set_weights(network.get_weights())
    images = np.random.default_rng(0).random((1, 300, 300, 3), np.float32)
    assert np.array_equal(again(images), network(images))


def test_names_do_not_depend_on_how_many_were_built(network):
    again = models.build_model()
    assert [layer.name for layer in again.layers] == [layer.name for layer in network.layers]


def test_one_regularization_layer_only(network):
    assert [layer.rate for layer in network.layers if isinstance(layer, keras.layers.Dropout)] == [0.5]


def test_compiled_as_in_the_original(network):
    models.compile_model(network, steps=8)
    assert isinstance(network.optimizer, keras.optimizers.Adam)
    assert isinstance(network.loss, keras.losses.SparseCategoricalCrossentropy)


def test_training_writes_one_line_per_epoch(small, capsys):
    small.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    batches = tf.data.Dataset.from_tensors((np.zeros((2, 8, 8, 3), np.float32), [0, 1]))
    history = models.train(small, batches, batches, epochs=2)
    output = capsys.readouterr()
    assert [line[:10] for line in output.out.splitlines()] == ["Época 1/2 ", "Época 2/2 "]
    assert "validación" in output.out
    assert output.err == ""
    assert len(history.history["val_accuracy"]) == 2


def test_each_source_has_its_own_file(monkeypatch, tmp_path, root):
    real, other = (data.Source(key, "", "", "") for key in ("real", "embebido"))
    assert models.model_path(real) != models.model_path(other)
    monkeypatch.delenv("GRADCAM_MODELOS")
    monkeypatch.chdir(tmp_path)
    assert models.model_path(real) == root / "modelos" / "original-real.keras"


def test_empty_variable_means_the_folder_of_the_repository(monkeypatch, root):
    monkeypatch.setenv("GRADCAM_MODELOS", "")
    assert models.model_path(data.Source("real", "", "", "")).parent == root / "modelos"


def test_loaded_model_answers_bit_for_bit(small, tmp_path):
    small.compile("adam", "sparse_categorical_crossentropy")
    images = np.random.default_rng(0).random((3, 8, 8, 3), np.float32)
    small.fit(images, np.array([0, 1, 0]), verbose=0)
    before = small.predict_on_batch(images)
    restored = models.load_model(models.save_model(small, tmp_path / "nueva" / "red.keras"))
    assert np.array_equal(restored.predict_on_batch(images), before)
    assert [layer.name for layer in restored.layers] == [layer.name for layer in small.layers]
    assert type(restored) is type(small)


def test_saving_leaves_the_model_ready_to_go_on(small, tmp_path):
    small.compile("adam", "sparse_categorical_crossentropy")
    models.save_model(small, tmp_path / "red.keras")
    assert small.compiled
    small.fit(np.zeros((1, 8, 8, 3)), np.array([0]), verbose=0)


def test_file_holds_the_weights_without_the_optimizer(small, tmp_path):
    bare = models.save_model(small, tmp_path / "antes.keras").stat().st_size
    small.compile("adam", "sparse_categorical_crossentropy")
    small.fit(np.zeros((1, 8, 8, 3)), np.array([0]), verbose=0)
    assert abs(models.save_model(small, tmp_path / "despues.keras").stat().st_size - bare) < 100


def test_failed_save_keeps_the_previous_file(small, tmp_path, monkeypatch):
    path = models.save_model(small, tmp_path / "red.keras")
    before = path.read_bytes()

    def disk_full(*arguments, **options):
        raise OSError(errno.ENOSPC, "No queda espacio en el dispositivo")

    monkeypatch.setattr(zipfile.ZipFile, "open", disk_full)
    with pytest.raises(OSError, match="No se pudo guardar el modelo.*espacio"):
        models.save_model(small, path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["red.keras"]


def test_name_must_end_in_keras(small, tmp_path):
    with pytest.raises(ValueError, match="«.keras».*«red.h5»"):
        models.save_model(small, tmp_path / "red.h5")
    assert not list(tmp_path.iterdir())


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="No hay ningún modelo en «.*red.keras».*lección 2"):
        models.load_model(tmp_path / "red.keras")


@pytest.mark.parametrize("kept", [0, 100, -100])
def test_truncated_file(small, tmp_path, kept):
    path = models.save_model(small, tmp_path / "red.keras")
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ValueError, match="red.keras».*cortado"):
        models.load_model(path)


def test_damaged_weights(small, tmp_path):
    path = models.save_model(small, tmp_path / "red.keras")
    content = bytearray(path.read_bytes())
    start = content.index(b"HDF")
    content[start : start + 4000] = bytes(4000)
    path.write_bytes(content)
    with pytest.raises(ValueError, match="no se puede cargar como modelo de Keras.*Cámbiale el nombre"):
        models.load_model(path)


def test_foreign_zip(tmp_path):
    path = tmp_path / "red.keras"
    with zipfile.ZipFile(path, "w") as bundle:
        bundle.writestr("hola.txt", "hola")
    with pytest.raises(ValueError, match="no se puede cargar como modelo de Keras.*Cámbiale el nombre"):
        models.load_model(path)


def test_bomb_is_not_unpacked(tmp_path, monkeypatch):
    path = tmp_path / "red.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("model.weights.h5", bytes(1_000_000))
    monkeypatch.setattr(models, "MAXIMUM_BYTES", 999_999)
    monkeypatch.setattr(zipfile.ZipFile, "extractall", lambda *arguments: pytest.fail("lo desempaqueta"))
    with pytest.raises(ValueError, match="demasiado grande"):
        models.load_model(path)


def test_model_with_code_is_refused(tmp_path):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: x + 1)])
    model.save(tmp_path / "red.keras")
    with pytest.raises(ValueError, match="no se puede cargar como modelo de Keras.*Cámbiale el nombre"):
        models.load_model(tmp_path / "red.keras")


READINGS = " Las figuras publicadas son de la red del curso y los datos embebidos."


def test_lesson_model_is_loaded_when_it_is_there(small, tmp_path, monkeypatch, capsys, tiny_source):
    monkeypatch.setenv("GRADCAM_MODELOS", str(tmp_path))
    models.save_model(small, models.model_path(tiny_source))
    assert models.load_trained(tiny_source).count_params() == small.count_params()
    assert capsys.readouterr().out == (f"Red: la tuya, de la lección 2 (original-real.keras).{READINGS}\n")


@pytest.mark.parametrize(("fixture", "told"), [("embedded_source", ""), ("tiny_source", READINGS)])
def test_without_a_network_of_that_source_the_published_one_is_taken(
    fixture, told, request, small, tmp_path, monkeypatch, capsys
):
    source = request.getfixturevalue(fixture)
    other = {"real": "embebido", "embebido": "real"}[source.key]
    monkeypatch.setenv("GRADCAM_MODELOS", str(tmp_path))
    models.save_model(small, tmp_path / f"original-{other}.keras")
    capsys.readouterr()  # lo que escribe TFDS al preparar el conjunto diminuto
    model = models.load_trained(source)
    published = models.load_published(weights.weights_path(source.key))
    for one, same in zip(model.weights, published.weights, strict=True):
        assert np.array_equal(one.numpy(), same.numpy())
    assert capsys.readouterr().out == (
        f"Red: la publicada con el curso, ya entrenada con estos datos.{told}\n"
    )
    assert [file.name for file in tmp_path.iterdir()] == [f"original-{other}.keras"]
