"""Grad-CAM: sus identidades, cálculos independientes, y los errores de quien lo usa."""

import numpy as np
import pytest

from gradcam_helpers import cam, models
from gradcam_helpers.backend import keras, tf

LAYERS = ("primera", "segunda")


@pytest.fixture(scope="module")
def model():
    """La red del curso en pequeño; con activaciones suaves, para poder derivarla también por diferencias."""
    keras.utils.set_random_seed(3)
    inputs = keras.Input((12, 10, 3), name="imagen")
    features = keras.layers.Conv2D(4, 3, padding="same", activation="softplus", name="primera")(inputs)
    features = keras.layers.MaxPooling2D(2, name="agrupamiento")(features)
    features = keras.layers.Conv2D(5, 3, padding="same", activation="softplus", name="segunda")(features)
    hidden = keras.layers.Dropout(0.5)(keras.layers.Flatten(name="aplanar")(features))
    hidden = keras.layers.Dense(6, activation="tanh")(hidden)
    return keras.Model(inputs, keras.layers.Dense(3, activation="softmax", name="salida")(hidden))


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(5).random((4, 12, 10, 3), np.float32)


@pytest.fixture(scope="module")
def explainer(model):
    return cam.Explainer(model)


def linear_head(weights: np.ndarray, activation="softmax"):
    """Una convolución que deja pasar cada canal, y una densa con los pesos dados sobre sus valores."""
    height, width, channels, classes = weights.shape
    identity = np.eye(channels, dtype=np.float32)[np.newaxis, np.newaxis]
    network = keras.Sequential(
        [
            keras.Input((height, width, channels)),
            keras.layers.Conv2D(channels, 1, use_bias=False, name="paso"),
            keras.layers.Flatten(),
            keras.layers.Dense(classes, activation=activation),
        ]
    )
    network.set_weights([identity, weights.reshape(-1, classes), np.zeros(classes)])
    return network


def reference_map(model, image, layer, target):
    """Grad-CAM de una imagen por otro camino: la red partida en dos y derivadas numéricas centradas."""
    features = keras.Model(model.inputs[0], model.get_layer(layer).output)
    position = model.layers.index(model.get_layer(layer))
    body = keras.Sequential([keras.Input(features.output_shape[1:]), *model.layers[position + 1 : -1]])
    kernel, bias = (weight.astype(np.float64) for weight in model.layers[-1].get_weights())
    activations = features(image[np.newaxis]).numpy()[0]
    step = 1e-3
    shifts = step * np.eye(activations.size, dtype=np.float32).reshape(-1, *activations.shape)
    plus, minus = (
        body(activations + sign * shifts).numpy().astype(np.float64) @ kernel + bias for sign in (1, -1)
    )
    gradient = ((plus - minus)[:, target] / (2 * step)).reshape(activations.shape)
    alpha = gradient.mean(axis=(0, 1))
    return (activations * alpha).sum(axis=-1)


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("target", range(3))
def test_agrees_with_numerical_differentiation(model, explainer, images, layer, target):
    raw = explainer.explain(images[:1], layer=layer, target=target).raw[0]
    expected = reference_map(model, images[0], layer, target)
    assert np.abs(raw - expected).max() < 0.02 * np.abs(expected).max()


def test_closed_form_of_a_linear_head():
    generator = np.random.default_rng(0)
    weights = generator.normal(size=(5, 4, 3, 2)).astype(np.float32)
    images = generator.normal(size=(2, 5, 4, 3)).astype(np.float32)
    for target in (0, 1):
        raw = cam.Explainer(linear_head(weights)).explain(images, target=target).raw
        alpha = weights[..., target].mean(axis=(0, 1))
        assert np.allclose(raw, images @ alpha, atol=1e-5)


def test_with_global_average_pooling_it_is_class_activation_mapping():
    keras.utils.set_random_seed(2)
    network = keras.Sequential(
        [
            keras.Input((6, 7, 3)),
            keras.layers.Conv2D(4, 3, activation="relu", padding="same", name="ultima"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    images = np.random.default_rng(0).random((2, 6, 7, 3), np.float32)
    activations = keras.Model(network.inputs[0], network.get_layer("ultima").output)(images).numpy()
    for target in (0, 1):
        class_map = activations @ network.layers[-1].kernel.numpy()[:, target]
        raw = cam.Explainer(network).explain(images, target=target).raw
        assert np.allclose(6 * 7 * raw, class_map, atol=1e-5)


@pytest.mark.parametrize("layer", LAYERS)
def test_each_image_of_a_batch_is_explained_as_if_it_were_alone(explainer, images, layer):
    targets = [0, 1, 2, 1]
    together = explainer.explain(images, layer=layer, target=targets)
    for index, target in enumerate(targets):
        alone = explainer.explain(images[index : index + 1], layer=layer, target=target)
        assert np.allclose(together.raw[index], alone.raw[0], rtol=1e-4, atol=1e-6)
        assert together.target[index] == target


def test_linearity_in_the_logits(model, images):
    weights = model.layers[-1].get_weights()
    first, second = (cam.Explainer(model).explain(images, target=target).raw for target in (0, 1))
    combined = keras.models.clone_model(model)
    combined.set_weights(model.get_weights())
    kernel, bias = (weight.copy() for weight in weights)
    kernel[:, 2], bias[2] = 2 * kernel[:, 0] - 3 * kernel[:, 1], 2 * bias[0] - 3 * bias[1]
    combined.layers[-1].set_weights([kernel, bias])
    raw = cam.Explainer(combined).explain(images, target=2).raw
    assert np.allclose(raw, 2 * first - 3 * second, rtol=1e-3, atol=1e-6)


def two_classes(scale: float):
    """Cabeza lineal de dos clases y una imagen cuya diferencia de logits vale `scale`."""
    weights = np.random.default_rng(1).normal(size=(4, 4, 2, 2)).astype(np.float32)
    image = np.random.default_rng(2).random((1, 4, 4, 2), np.float32)
    logits = image.reshape(1, -1) @ weights.reshape(-1, 2)
    return linear_head(weights * scale / (logits[0, 1] - logits[0, 0])), image


@pytest.mark.parametrize("gap", [0.5, 2, 6])
def test_probability_of_two_classes(gap):
    network, image = two_classes(gap)
    explainer = cam.Explainer(network)
    first, second = (explainer.explain(image, target=target, score="probability").raw for target in (0, 1))
    logit = [explainer.explain(image, target=target) for target in (0, 1)]
    p0, p1 = logit[0].probabilities[0]
    expected = p0 * p1 * (logit[1].raw - logit[0].raw)
    rounding = 1e-4 * np.abs(expected).max()
    assert np.allclose(second, expected, rtol=1e-3, atol=rounding)
    assert np.allclose(first, -second, rtol=1e-3, atol=rounding)


def test_when_the_network_is_very_sure_only_the_logit_explains():
    network, image = two_classes(200)
    explainer = cam.Explainer(network)
    assert explainer.explain(image, target=1, score="probability").empty.all()
    sure = explainer.explain(image, target=1).raw
    calm_network, _ = two_classes(2)
    calm = cam.Explainer(calm_network).explain(image, target=1).raw
    assert np.allclose(sure, 100 * calm, rtol=1e-4)


def test_predicted_class_by_default(model, explainer, images):
    explanation = explainer.explain(images)
    predicted = model(images).numpy().argmax(axis=1)
    assert np.array_equal(explanation.target, predicted)
    assert np.allclose(explanation.raw, explainer.explain(images, target=predicted).raw)


def test_last_convolution_by_default(explainer, images):
    assert explainer.layer_names == list(LAYERS)
    assert explainer.explain(images).layer == "segunda"


def test_several_layers_in_one_call(explainer, images):
    together = explainer.explain(images, layer=list(LAYERS), target=1)
    for layer, explanation in zip(LAYERS, together, strict=True):
        alone = explainer.explain(images, layer=layer, target=1)
        assert explanation.layer == layer
        assert np.allclose(explanation.raw, alone.raw, rtol=1e-4, atol=1e-7)


def test_the_same_layer_twice(explainer, images):
    first, second = explainer.explain(images, layer=["primera", "primera"])
    assert np.array_equal(first.raw, second.raw)


def test_the_size_of_the_chunks_does_not_matter(explainer, images, monkeypatch):
    whole = explainer.explain(images, target=[0, 1, 2, 0])
    monkeypatch.setattr(cam, "CHUNK", 3)
    in_chunks = explainer.explain(images, target=[0, 1, 2, 0])
    assert np.array_equal(in_chunks.target, whole.target)
    assert np.allclose(in_chunks.raw, whole.raw, rtol=1e-4, atol=1e-6)
    assert np.allclose(in_chunks.logits, whole.logits, rtol=1e-4, atol=1e-6)


def test_layers_that_are_not_convolutions_but_have_maps(explainer, images):
    assert explainer.explain(images, layer="agrupamiento").raw.shape == (4, 6, 5)


def test_scores_are_those_of_the_model(model, explainer, images):
    explanation = explainer.explain(images)
    assert np.allclose(explanation.probabilities, model(images), atol=1e-6)
    assert np.allclose(tf.nn.softmax(explanation.logits), explanation.probabilities, atol=1e-6)


def test_types_and_range(explainer, images):
    explanation = explainer.explain(images, layer="primera")
    assert explanation.raw.shape == explanation.heatmap.shape == (4, 12, 10)
    for values in (explanation.raw, explanation.heatmap, explanation.logits, explanation.probabilities):
        assert values.dtype == np.float32
    assert explanation.target.dtype == np.int64
    assert explanation.heatmap.min() >= 0
    assert np.allclose(explanation.heatmap.max(axis=(1, 2))[~explanation.empty], 1)


def test_heatmap_is_the_positive_part_over_its_maximum():
    raw = np.array([[[-1, 2], [4, 0]], [[-1, -2], [-3, -4]], [[0, 0], [0, 0]]], np.float32)
    heatmap, empty = cam.normalize(raw)
    assert np.array_equal(heatmap[0], [[0, 0.5], [1, 0]])
    assert not heatmap[1:].any()
    assert np.array_equal(empty, [False, True, True])


def test_tiny_values_do_not_disappear():
    heatmap, empty = cam.normalize(np.full((1, 2, 2), 1e-30, np.float32))
    assert np.array_equal(heatmap, np.ones((1, 2, 2)))
    assert not empty[0]


def bilinear(values, shape):
    """Cada píxel, a mano: la media de las cuatro casillas que rodean su centro, según lo cerca que estén."""
    resized = np.empty(shape)
    for row, column in np.ndindex(shape):
        y, x = (
            np.clip((place + 0.5) * before / after - 0.5, 0, before - 1)
            for place, before, after in zip((row, column), values.shape, shape, strict=True)
        )
        top, left = int(y), int(x)
        bottom, right = min(top + 1, values.shape[0] - 1), min(left + 1, values.shape[1] - 1)
        upper = values[top, left] * (left + 1 - x) + values[top, right] * (x - left)
        lower = values[bottom, left] * (left + 1 - x) + values[bottom, right] * (x - left)
        resized[row, column] = upper * (top + 1 - y) + lower * (y - top)
    return resized


def test_resized_heatmaps_are_interpolated_between_the_centers_of_the_cells():
    maps = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)
    resized = cam.resize_heatmaps(maps, (30, 40))
    assert (resized.dtype, resized.shape) == (np.float32, (3, 30, 40))
    for each, values in zip(resized, maps, strict=True):
        assert np.allclose(each, bilinear(values, (30, 40)), atol=1e-5)


def test_resizing_stays_within_the_values():
    resized = cam.resize_heatmaps(np.ones((1, 7, 9), bool), (30, 31))
    assert np.array_equal(resized, np.ones((1, 30, 31)))


def test_a_class_that_nothing_supports_gives_an_empty_map():
    weights = np.stack([np.ones((3, 3, 1)), -np.ones((3, 3, 1))], axis=-1).astype(np.float32)
    explanation = cam.Explainer(linear_head(weights)).explain(np.ones((1, 3, 3, 1), np.float32), target=1)
    assert explanation.empty[0]
    assert not explanation.heatmap.any()
    assert np.all(explanation.raw < 0)


def test_explaining_does_not_touch_the_model(model, images):
    model = keras.models.clone_model(model)
    model.compile("adam", "sparse_categorical_crossentropy")
    weights = [weight.copy() for weight in model.get_weights()]
    prediction = model.predict_on_batch(images)
    attributes = [set(vars(layer)) for layer in model.layers]
    inbound = [len(layer._inbound_nodes) for layer in model.layers]
    optimizer, policy = model.optimizer, keras.mixed_precision.dtype_policy()
    cam.Explainer(model).explain(images, layer=list(LAYERS))
    assert all(np.array_equal(a, b) for a, b in zip(weights, model.get_weights(), strict=True))
    assert np.array_equal(model.predict_on_batch(images), prediction)
    assert [set(vars(layer)) for layer in model.layers] == attributes
    assert [len(layer._inbound_nodes) for layer in model.layers] == inbound
    assert model.compiled and model.optimizer is optimizer
    assert keras.mixed_precision.dtype_policy() == policy
    assert model.layers[-1].activation is keras.activations.softmax


def test_new_weights_are_seen_without_building_again(model, images):
    network = keras.models.clone_model(model)
    explainer = cam.Explainer(network)
    before = explainer.explain(images, target=0).raw
    network.layers[-1].set_weights([2 * weight for weight in network.layers[-1].get_weights()])
    assert np.allclose(explainer.explain(images, target=0).raw, 2 * before, rtol=1e-4, atol=1e-6)


def test_another_class_or_batch_compiles_nothing_anew(model, images):
    explainer = cam.Explainer(model)
    for batch, target in ((images, 0), (images[:1], 1), (images[:3], [0, 1, 2]), (images, None)):
        explainer.explain(batch, target=target)
    (compiled,) = explainer._compiled.values()
    assert isinstance(compiled, tf.types.experimental.ConcreteFunction)  # no se puede volver a trazar


def test_visiting_many_layers_warns_of_nothing(images, capfd, caplog):
    network = keras.Sequential([keras.Input((12, 10, 3))])
    for _ in range(8):
        network.add(keras.layers.Conv2D(3, 3, padding="same"))
    network.add(keras.layers.Flatten())
    network.add(keras.layers.Dense(2))
    explainer = cam.Explainer(network)
    for layer in explainer.layer_names:
        explainer.explain(images, layer=layer)
    assert not caplog.records and capfd.readouterr().err == ""


def test_course_network_splits_into_the_same_map():
    keras.utils.set_random_seed(1)
    network = models.build_model()
    images = np.random.default_rng(0).random((2, 300, 300, 3), np.float32)
    explanation = cam.Explainer(network).explain(images, target=[1, 0])
    features = keras.Model(network.inputs[0], network.get_layer("bloque3_conv2").output)
    rest = network.layers[network.layers.index(network.get_layer("bloque3_conv2")) + 1 :]
    activations = features(images)
    with tf.GradientTape() as tape:
        tape.watch(activations)
        hidden = activations
        for layer in rest[:-1]:
            hidden = layer(hidden, training=False)
        logits = hidden @ rest[-1].kernel + rest[-1].bias
        score = logits[0, 1] + logits[1, 0]
    alpha = tape.gradient(score, activations).numpy().mean(axis=(1, 2))
    expected = np.einsum("nhwk,nk->nhw", activations.numpy(), alpha)
    assert np.allclose(explanation.raw, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"layer": "quinta"}, ValueError, "ninguna capa «quinta».*primera, segunda"),
        ({"layer": ["primera", "quinta"]}, ValueError, "ninguna capa «quinta»"),
        ({"layer": "aplanar"}, ValueError, "«aplanar».*no da mapas.*primera, segunda"),
        ({"layer": "imagen"}, ValueError, "«imagen».*no da mapas"),
        ({"layer": ""}, ValueError, "ninguna capa «»"),
        ({"layer": []}, ValueError, "lista de capas está vacía.*primera, segunda"),
        ({"layer": [3]}, ValueError, "ninguna capa «3»"),
        ({"target": 3}, ValueError, "clases 0 a 2.*«3»"),
        ({"target": -1}, ValueError, "clases 0 a 2.*«-1»"),
        ({"target": [0, 1]}, ValueError, r"una por imagen \(4\)"),
        ({"target": 1.5}, TypeError, "número entero"),
        ({"score": "logits"}, ValueError, "logit o probability.*«logits»"),
    ],
)
def test_rejects_options(explainer, images, options, error, message):
    with pytest.raises(error, match=message):
        explainer.explain(images, **options)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda x: x[0], ValueError, r"\(N, 12, 10, 3\).*\(12, 10, 3\)"),
        (lambda x: x[:, :5], ValueError, r"\(4, 5, 10, 3\)"),
        (lambda x: x[:0], ValueError, "vacío"),
        (lambda x: (x * 255).astype(np.uint8), TypeError, "«uint8».*prepare_image"),
        (lambda x: np.where(x > 0.5, np.nan, x), ValueError, "NaN"),
        (lambda x: np.where(x > 0.5, np.inf, x), ValueError, "infinito"),
    ],
)
def test_rejects_images(explainer, images, change, error, message):
    with pytest.raises(error, match=message):
        explainer.explain(change(images))


def test_rejects_a_network_that_diverged(model, images):
    diverged = keras.models.clone_model(model)
    diverged.set_weights([weight * np.nan for weight in diverged.get_weights()])
    with pytest.raises(ValueError, match="no son finitos.*entrenamiento"):
        cam.Explainer(diverged).explain(images)


def test_rejects_a_single_output():
    network = keras.Sequential(
        [keras.Input((4, 4, 1)), keras.layers.Conv2D(2, 3), keras.layers.Flatten(), keras.layers.Dense(1)]
    )
    with pytest.raises(ValueError, match="dos o más clases"):
        cam.Explainer(network)


def test_rejects_what_is_not_a_model():
    with pytest.raises(TypeError, match="«str»"):
        cam.Explainer("modelo.keras")


def test_rejects_a_model_without_convolutions():
    network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    with pytest.raises(ValueError, match="no tiene capas convolucionales"):
        cam.Explainer(network)


def test_rejects_a_model_that_is_not_built():
    with pytest.raises(ValueError, match="construido"):
        cam.Explainer(keras.Sequential([keras.layers.Conv2D(2, 3), keras.layers.Dense(2)]))
