"""Si un mapa depende de lo aprendido: la correlación de rangos y la aleatorización en cascada."""

import random

import numpy as np
import pytest
from toy_models import network_with_a_network_inside, random_images

from gradcam_helpers import cam, models, randomization
from gradcam_helpers.engine.backend import keras, tf

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")  # ninguna división entre cero, ni callada


@pytest.fixture
def images():
    images = random_images(4, 6, 5, 3)
    images.setflags(write=False)
    return images


@pytest.fixture(scope="module")
def model():
    return network_with_a_network_inside()


# --- Correlación de rangos ----------------------------------------------------------------------------


def test_rank_correlation_by_hand():
    first, second = np.array([[[1, 2, 3, 4, 5]]]), np.array([[[5, 6, 7, 8, 7]]])
    # Rangos: 1, 2, 3, 4, 5 y 1, 2, 3.5, 5, 3.5.
    assert np.allclose(randomization.rank_correlation(first, second), 8 / np.sqrt(10 * 9.5))


def test_without_ties_it_is_the_formula_of_the_differences():
    generator = np.random.default_rng(7)
    first, second = (np.stack([generator.permutation(30) for _ in range(5)]) for _ in range(2))
    expected = 1 - 6 * ((first - second) ** 2).sum(axis=1) / (30 * (30**2 - 1))
    maps = first.reshape(5, 6, 5), second.reshape(5, 6, 5)
    assert np.allclose(randomization.rank_correlation(*maps), expected)


def slow_ranks(values):
    return [
        sum(other < value for other in values) + sum(other == value for other in values) / 2
        for value in values
    ]


def test_with_ties_it_is_the_correlation_of_the_mean_ranks():
    generator = np.random.default_rng(8)
    first, second = generator.integers(-3, 4, (2, 6, 5, 7))
    found = randomization.rank_correlation(first, second)
    assert found.dtype == np.float64
    for value, one, other in zip(found, first, second, strict=True):
        assert np.isclose(value, np.corrcoef(slow_ranks(one.ravel()), slow_ranks(other.ravel()))[0, 1])


def test_only_the_order_matters():
    heatmaps = np.random.default_rng(2).random((4, 6, 5))
    assert np.allclose(randomization.rank_correlation(heatmaps, np.exp(5 * heatmaps) - 9), 1)
    assert np.allclose(randomization.rank_correlation(heatmaps, -(heatmaps**3)), -1)


def test_a_constant_map_orders_nothing():
    heatmaps = np.random.default_rng(2).random((4, 6, 5))
    some = heatmaps * np.array([1, 0, 1, 1])[:, np.newaxis, np.newaxis]
    for pair in ((some, heatmaps), (heatmaps, some)):
        assert np.array_equal(np.isnan(randomization.rank_correlation(*pair)), [False, True, False, False])
    assert np.isnan(randomization.rank_correlation(np.full((1, 3, 3), 0.1), np.full((1, 3, 3), 0.7))).all()


@pytest.mark.parametrize(
    ("first", "second", "error", "message"),
    [
        (np.ones((1, 2, 3)), np.ones((1, 3, 2)), ValueError, r"\(1, 2, 3\) y \(1, 3, 2\)"),
        (np.ones((2, 3)), np.ones((2, 3)), ValueError, r"\(N, alto, ancho\)"),
        (np.ones((0, 2, 3)), np.ones((0, 2, 3)), ValueError, "con alguno al menos"),
        (np.ones((1, 2, 3)), np.full((1, 2, 3), np.nan), ValueError, "no son finitos"),
        (np.full((1, 2, 3), "a"), np.ones((1, 2, 3)), TypeError, "números reales"),
    ],
)
def test_rank_correlation_rejects(first, second, error, message):
    with pytest.raises(error, match=message):
        randomization.rank_correlation(first, second)


# --- Aleatorización en cascada ------------------------------------------------------------------------

# Las capas con pesos de la red de estas pruebas, de la última a la primera, y cuántos pesos tiene cada una.
CASCADE = {"salida": 2, "ultima": 2, "normalizacion": 4, "separable": 3, "primera": 2}


@pytest.fixture
def trained(model):
    """La red con otros pesos que los de sus inicializadores, como los que deja un entrenamiento."""
    network = keras.models.clone_model(model)
    generator = np.random.default_rng(9)
    network.set_weights(
        [
            generator.uniform(0.1, 0.5, weight.shape) * generator.choice([-1, 1])
            for weight in model.get_weights()
        ]
    )
    variance = network.get_layer("interior").get_layer("normalizacion").moving_variance
    variance.assign(np.abs(variance))
    return network


def grad_cam(network, images):
    return cam.Explainer(network).explain(images, layer="ultima", target=1).raw


def edges(network, images):
    """Un «método» que solo mira la imagen."""
    return np.abs(np.diff(images.mean(axis=3), axis=2))


class Weights:
    """Un «método» que anota las redes que explica y sus pesos de entonces."""

    def __init__(self):
        self.networks, self.seen = [], []

    def __call__(self, network, images):
        self.networks.append(network)
        self.seen.append(network.get_weights())
        return edges(network, images)


def randomized(network, images, seed=0):
    """Los pesos de la red en cada paso de la cascada, y el resultado."""
    explain = Weights()
    result = randomization.cascading_randomization(network, images, explain, seed)
    assert [each is network for each in explain.networks] == [True] + [False] * (len(result.layers) + 1)
    return explain.seen[1:], result  # los primeros son los de la red original


def test_a_method_that_looks_only_at_the_image_does_not_change_and_fails(trained, images):
    result = randomization.cascading_randomization(trained, images, edges)
    assert result.similarity.shape == (6, 4)
    assert np.allclose(result.similarity, 1)
    assert result.unchanged.all()


def test_grad_cam_changes(trained, images):
    result = randomization.cascading_randomization(trained, images, grad_cam)
    assert np.allclose(result.similarity[0], 1)  # aún no se ha aleatorizado nada
    assert np.nanmean(result.similarity[-1]) < 0.5
    assert not result.unchanged.any()


def test_one_step_that_changes_is_enough_to_not_be_unchanged():
    similarity = np.array([[1, 1, 1, 1], [1, 0.9, 1, np.nan], [1, 1, 0.2, 1]])
    unchanged = randomization.Randomization(("b", "a"), similarity).unchanged
    assert np.array_equal(unchanged, [True, False, False, False])


def test_similarity_is_with_the_original_map(trained, images):
    maps = iter(np.random.default_rng(0).normal(size=(7, 4, 3, 3)))
    given = []

    def explain(network, images):
        given.append(next(maps))
        return given[-1]

    similarity = randomization.cascading_randomization(trained, images, explain).similarity
    for row, each in zip(similarity, given[1:], strict=True):
        assert np.array_equal(row, randomization.rank_correlation(given[0], each))


def test_layers_are_randomized_from_the_last_to_the_first_and_stay_so(trained, images):
    steps, result = randomized(trained, images)
    assert result.layers == tuple(CASCADE)
    original, randomized_weights = trained.get_weights(), 0
    assert len(steps) == len(CASCADE) + 1
    for step, count in zip(steps, (0, *CASCADE.values()), strict=True):
        randomized_weights += count
        changed = [not np.array_equal(a, b) for a, b in zip(step, original, strict=True)]
        untouched = len(original) - randomized_weights
        assert changed == [False] * untouched + [True] * randomized_weights
    for earlier, later, count in zip(steps[1:], steps[2:], np.cumsum(list(CASCADE.values())), strict=False):
        assert all(map(np.array_equal, earlier[-count:], later[-count:]))


def test_new_weights_come_from_the_initializers_of_each_layer(trained, images):
    steps, _ = randomized(trained, images)
    first, first_bias, *_, scale, offset, mean, variance, last, last_bias, _, _ = steps[-1]
    assert not first_bias.any() and not last_bias.any()
    assert np.all(scale == 1) and np.all(variance == 1) and not offset.any() and not mean.any()
    for kernel, inputs in ((first, 3), (last, 4)):
        limit = np.sqrt(6 / (9 * inputs + 9 * 4))  # Glorot uniforme
        assert 0.8 * limit < np.abs(kernel).max() <= limit
        assert np.abs(kernel.mean()) < 0.2 * limit


def test_an_initializer_with_its_own_seed_is_random_too(model, images):
    steps, _ = randomized(model, images)  # sin entrenar: sus pesos son los del inicializador
    assert not np.array_equal(steps[1][-2], model.get_weights()[-2])


def test_two_equal_layers_get_different_weights():
    inputs = keras.Input((6, 6, 2))
    features = keras.layers.Conv2D(2, 3)(keras.layers.Conv2D(2, 3)(inputs))
    network = keras.Model(inputs, features)
    steps, _ = randomized(network, np.random.default_rng(0).random((1, 6, 6, 2), np.float32))
    first, _, second, _ = steps[-1]
    assert not np.array_equal(first, second)


def test_the_seed_alone_decides_the_weights(trained, images):
    weights = []
    for seed, global_seed in ((4, 1), (4, 2), (5, 2)):
        keras.utils.set_random_seed(global_seed)
        weights.append(randomized(trained, images, seed)[0][-1])
    assert all(map(np.array_equal, weights[0], weights[1]))
    assert not np.array_equal(weights[0][0], weights[2][0])


class Block(keras.layers.Layer):
    """Una capa propia con otras dentro, que no están en su configuración."""

    def __init__(self, filters, **options):
        super().__init__(**options)
        self.filters = filters
        self.inner = [keras.layers.Conv2D(filters, 1), keras.layers.Conv2D(filters, 1)]

    def call(self, inputs):
        return self.inner[1](self.inner[0](inputs))

    def compute_output_shape(self, shape):
        return *shape[:-1], self.filters

    def get_config(self):
        return {**super().get_config(), "filters": self.filters}


class Scale(keras.layers.Layer):
    """Una capa propia con un peso que sale de una función cualquiera."""

    def __init__(self, draw, **options):
        super().__init__(**options)
        self.draw = draw

    def build(self, shape):
        self.scale = self.add_weight(
            shape=shape[-1:], initializer=lambda shape, dtype: keras.ops.cast(self.draw(shape), dtype)
        )

    def call(self, inputs):
        return inputs * self.scale

    def get_config(self):
        return {**super().get_config(), "draw": self.draw}


def through_rows(layer):
    """La capa vale para secuencias: cada fila de la imagen, una."""

    def apply(features):
        shape = features.shape[1:]
        flat = keras.layers.Reshape((shape[0], shape[1] * shape[2]))(features)
        sequence = layer(flat)
        return keras.layers.Reshape((shape[0], 1, sequence.shape[-1]))(sequence)

    return apply


UNUSUAL = {
    "Bidirectional": lambda: through_rows(
        keras.layers.Bidirectional(keras.layers.LSTM(3, return_sequences=True))
    ),
    "TimeDistributed": lambda: through_rows(keras.layers.TimeDistributed(keras.layers.Dense(3))),
    "TimeDistributed(Conv1D)": lambda: keras.layers.TimeDistributed(keras.layers.Conv1D(3, 2)),
    "RNN(cells)": lambda: through_rows(
        keras.layers.RNN([keras.layers.GRUCell(3), keras.layers.LSTMCell(2)], return_sequences=True)
    ),
    "SpectralNormalization": lambda: keras.layers.SpectralNormalization(keras.layers.Conv2D(3, 2)),
    "MultiHeadAttention": lambda: lambda maps: keras.layers.MultiHeadAttention(2, 3)(maps, maps),
    "Block": lambda: Block(3),
    "TimeDistributed(Block)": lambda: (
        lambda maps: keras.layers.Reshape((6, 5, 3))(
            keras.layers.TimeDistributed(Block(3))(keras.layers.Reshape((1, 6, 5, 4))(maps))
        )
    ),
    "numpy": lambda: Scale(lambda shape: np.random.normal(size=shape)),
    "keras.random": lambda: Scale(keras.random.normal),
    "tf.random": lambda: Scale(tf.random.normal),
    "model": lambda: keras.Sequential([keras.Input((6, 5, 4)), Block(3), keras.layers.Conv2D(2, 2)]),
}


@pytest.mark.filterwarnings("ignore:`build")  # una capa propia sin «build», que Keras echa en falta
@pytest.mark.parametrize("kind", UNUSUAL)
def test_the_seed_decides_the_weights_of_any_layer(kind, images):
    inputs = keras.Input((6, 5, 3))
    features = UNUSUAL[kind]()(keras.layers.Conv2D(4, 3, padding="same", name="ultima")(inputs))
    network = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(features)))
    results = []
    for seed in (3, 3, 4):
        keras.utils.set_random_seed(len(results))
        steps, result = randomized(network, images, seed)
        results.append(steps[-1])
        assert all(map(np.array_equal, steps[0], network.get_weights()))
    assert all(map(np.array_equal, results[0], results[1]))
    for original, one, other in zip(network.get_weights(), results[0], results[2], strict=True):
        constant = {*original.flat} <= {0, 1}  # un sesgo, que empieza siempre igual
        assert np.array_equal(original, one) == constant
        assert np.array_equal(one, other) == constant


def test_the_maps_of_a_seed_are_identical(images):
    inputs = keras.Input((6, 5, 3))
    normalized = keras.layers.SpectralNormalization(keras.layers.Conv2D(3, 2))
    features = normalized(Block(4)(keras.layers.Conv2D(4, 3, name="ultima")(inputs)))
    network = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(features)))
    first, again = (
        randomization.cascading_randomization(network, images, grad_cam, seed=3).similarity for _ in range(2)
    )
    assert np.array_equal(first, again)


@pytest.mark.parametrize("seed", [-1, 1.5, "3", None, True])
def test_a_seed_is_a_whole_number(trained, images, seed):
    with pytest.raises(ValueError, match="La semilla debe ser un número entero desde 0"):
        randomization.cascading_randomization(trained, images, edges, seed)


def test_the_generators_of_others_go_on_as_before(trained, images):
    keras.utils.set_random_seed(1)
    expected = np.random.random(), random.random()
    keras.utils.set_random_seed(1)
    randomization.cascading_randomization(trained, images, edges)
    assert (np.random.random(), random.random()) == expected


def test_randomizing_does_not_touch_the_model(trained, images):
    trained.compile("adam", "sparse_categorical_crossentropy")
    weights, prediction = trained.get_weights(), trained.predict_on_batch(images)
    inbound = [len(layer._inbound_nodes) for layer in trained.layers]
    randomization.cascading_randomization(trained, images, grad_cam)
    assert all(map(np.array_equal, weights, trained.get_weights()))
    assert np.array_equal(trained.predict_on_batch(images), prediction)
    assert [len(layer._inbound_nodes) for layer in trained.layers] == inbound
    assert trained.compiled


def test_a_network_that_was_saved(trained, images, tmp_path):
    loaded = models.load_model(models.save_model(trained, tmp_path / "red.keras"))
    saved, result = randomized(loaded, images)
    assert result.layers == tuple(CASCADE)
    for weight, expected in zip(saved[-1], randomized(trained, images)[0][-1], strict=True):
        assert np.array_equal(weight, expected)


class Subclass(keras.Model):
    def __init__(self):
        super().__init__(name="propia")
        self.dense = keras.layers.Dense(2)

    def call(self, inputs):
        return self.dense(inputs)


@pytest.mark.parametrize(
    ("network", "explain", "error", "message"),
    [
        ("red.keras", edges, TypeError, "modelo de Keras.*«str»"),
        (Subclass(), edges, ValueError, "no puede copiar «propia».*Functional"),
        (None, "grad_cam", TypeError, "«explain».*«str»"),
        (
            None,
            lambda network, images: edges(network, images)[0],
            ValueError,
            r"un mapa por imagen \(4\), y da \(6, 4\)",
        ),
        (None, lambda network, images: edges(network, images)[:2], ValueError, r"\(4\), y da \(2, 6, 4\)"),
        (None, lambda network, images: edges(network, images) * np.nan, ValueError, "no son finitos"),
        (None, lambda network, images: images, ValueError, r"\(N, alto, ancho\).*\(4, 6, 5, 3\)"),
    ],
)
def test_randomization_rejects(trained, images, network, explain, error, message):
    with pytest.raises(error, match=message):
        randomization.cascading_randomization(network or trained, images, explain)


def test_randomization_rejects_an_empty_batch(trained, images):
    with pytest.raises(ValueError, match="con alguna al menos"):
        randomization.cascading_randomization(trained, images[:0], edges)
