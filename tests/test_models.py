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


@pytest.mark.parametrize("wrong", ["real", None])
def test_the_file_is_of_a_source(wrong):
    with pytest.raises(TypeError, match=f"prepare_source», y esto es «{type(wrong).__name__}»"):
        models.model_path(wrong)


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


# --- Guardar: todo, o nada ----------------------------------------------------------------------------


def several(kind):
    """Una red con varias entradas o salidas, y con qué llamarla."""
    generator = np.random.default_rng(0)
    image, data_row = keras.Input((8, 8, 3), name="imagen"), keras.Input((4,), name="datos")
    pixels, row = generator.random((2, 8, 8, 3), np.float32), generator.random((2, 4), np.float32)
    flat = keras.layers.Flatten()(image)
    both = keras.layers.concatenate([flat, data_row])
    dense = keras.layers.Dense
    if kind == "dos salidas":
        return keras.Model(image, [dense(2)(flat), dense(3)(flat)]), pixels
    if kind == "dos entradas":
        return keras.Model([image, data_row], dense(2)(both)), [pixels, row]
    if kind == "diccionarios":
        inputs, outputs = {"imagen": image, "datos": data_row}, {"a": dense(2)(both), "b": [dense(1)(flat)]}
        return keras.Model(inputs, outputs), {"imagen": pixels, "datos": row}
    sequential = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), dense(2)])
    if kind == "secuencial, dentro de otra":
        keras.Model(image, sequential(image))
    return sequential, pixels


@pytest.mark.parametrize(
    "kind",
    ["dos salidas", "dos entradas", "diccionarios", "secuencial", "secuencial, dentro de otra"],
)
def test_every_input_and_output_is_saved(kind, tmp_path):
    network, inputs = several(kind)
    loaded = models.load_model(models.save_model(network, tmp_path / "red.keras"))
    expected, found = network(inputs), loaded(inputs)
    keras.tree.assert_same_structure(expected, found)
    for one, other in zip(keras.tree.flatten(expected), keras.tree.flatten(found), strict=True):
        assert np.array_equal(one, other)


class OwnClass(keras.Model):
    """No tiene entradas ni salidas que Keras conozca."""

    def __init__(self):
        super().__init__(name="propia")
        self.dense = keras.layers.Dense(2)

    def call(self, inputs):
        return self.dense(inputs)


class OwnCall(keras.Model):
    """Funcional, pero su `call` no es lo que dicen sus capas."""

    def call(self, inputs, training=None, mask=None):
        return 2 * super().call(inputs)


class OwnWeights(keras.Model):
    """Funcional, con una capa que no está entre la entrada y la salida."""

    def __init__(self, **options):
        super().__init__(**options)
        self.beside = keras.layers.Dense(2)
        self.beside.build((None, 3))


class Unsaveable(keras.layers.Layer):
    def call(self, inputs):
        return inputs

    def get_config(self):
        raise NotImplementedError


def unsaveable(kind, small):
    if kind == "capa":
        return keras.Model(small.input, Unsaveable()(small.output))
    if kind == "sin construir":
        return keras.Sequential([keras.layers.Dense(2)])
    if kind == "clase propia":
        return OwnClass()
    own = OwnCall if kind == "call propio" else OwnWeights
    return own(inputs=small.input, outputs=small.output)


@pytest.mark.parametrize("kind", ["capa", "sin construir", "clase propia", "call propio", "pesos aparte"])
def test_what_cannot_be_saved_whole_touches_nothing(kind, small, tmp_path):
    path = models.save_model(small, tmp_path / "red.keras")
    before = path.read_bytes()
    with pytest.raises(ValueError, match="no se puede guardar entera|no sabe guardar"):
        models.save_model(unsaveable(kind, small), path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["red.keras"]


def test_only_models_are_saved(tmp_path):
    with pytest.raises(TypeError, match="modelo de Keras.*«str»"):
        models.save_model("red", tmp_path / "red.keras")
    assert not list(tmp_path.iterdir())


# --- La misma red en cualquier equipo -----------------------------------------------------------------


def train_a_little():
    keras.utils.set_random_seed(3)
    network = models.build_model()
    images = np.random.default_rng(0).random((2, 300, 300, 3), np.float32)
    models.compile_model(network, steps=2)
    network.train_on_batch(images, np.array([0, 1]))
    return network.get_config(), type(network.optimizer), network.get_weights()


@pytest.fixture(scope="module")
def trained_a_little():
    return train_a_little()


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("image_data_format", "channels_first"),
        ("floatx", "float64"),
        ("floatx", "float16"),
        ("dtype_policy", "mixed_float16"),
        ("dtype_policy", "float64"),
    ],
)
def test_network_does_not_depend_on_the_settings_of_keras(setting, value, trained_a_little):
    restore = getattr(keras.config, setting)()
    getattr(keras.config, f"set_{setting}")(value)
    try:
        found = train_a_little()
    finally:
        getattr(keras.config, f"set_{setting}")(restore)
    assert found[:2] == trained_a_little[:2]
    for one, other in zip(found[2], trained_a_little[2], strict=True):
        assert one.dtype == np.float32
        assert np.array_equal(one, other)


@pytest.mark.parametrize("value", [0, -1, 1.5, "2", True])
def test_steps_and_epochs_are_counted_from_one(small, value):
    with pytest.raises(ValueError, match="«steps» debe ser un número entero desde 1"):
        models.compile_model(small, value)
    assert not small.compiled
    models.compile_model(small, 1)
    with pytest.raises(ValueError, match="«epochs» debe ser un número entero desde 1"):
        models.train(small, None, epochs=value)


@pytest.mark.parametrize("wrong", [None, "red.keras"])
def test_only_models_are_trained(wrong):
    for use in (lambda: models.compile_model(wrong, 1), lambda: models.train(wrong, [])):
        with pytest.raises(TypeError, match=f"modelo de Keras.*«{type(wrong).__name__}»"):
            use()


@pytest.mark.parametrize("wrong", [None, 5, b"red.keras"])
def test_a_path_is_a_path(small, wrong):
    for use in (lambda: models.save_model(small, wrong), lambda: models.load_model(wrong)):
        with pytest.raises(TypeError, match=f"la ruta de un fichero, y esto es «{type(wrong).__name__}»"):
            use()


def test_an_uncompiled_network_is_not_trained(small):
    with pytest.raises(ValueError, match="no está compilada.*compile_model"):
        models.train(small, None)


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
