"""El motor: vale para cualquier clasificador, no lo cambia, no repite trabajo y avisa de lo que no puede."""

import weakref

import numpy as np
import pytest
from toy_models import (
    Counter,
    assert_same_map,
    linear_head,
    network_with_infinite_activations,
    pooled_network,
    random_images,
    smooth_network,
    state,
    with_random_weights,
)

from gradcam_helpers import cam
from gradcam_helpers.engine import passes
from gradcam_helpers.engine.backend import keras, tf

layers = keras.layers
WITHOUT_CAM = [method for method in cam.METHODS if method != "CAM"]


@pytest.fixture(scope="module")
def network():
    return smooth_network()


@pytest.fixture(scope="module")
def images():
    return random_images(4, 12, 10, 3)


@pytest.fixture(scope="module")
def explainer(network):
    return cam.Explainer(network)


# Lo que devuelve


def test_explains_the_predicted_class_by_default(network, explainer, images):
    explanation = explainer.explain(images)
    predicted = network(images).numpy().argmax(axis=1)
    assert explanation.target.tolist() == predicted.tolist()
    assert np.array_equal(explanation.raw, explainer.explain(images, target=predicted).raw)


def test_explains_the_last_convolution_by_default(explainer, images):
    assert explainer.layer_names == ["primera", "segunda"]
    assert explainer.explain(images).layer == "segunda"


def test_the_last_convolution_is_the_last_one_with_a_map():
    inputs = keras.Input((8, 8, 3))
    features = layers.Conv2D(4, 3, name="mapa")(inputs)
    pooled = layers.GlobalAveragePooling2D(keepdims=True)(features)
    outputs = layers.Flatten()(layers.Conv2D(2, 1, name="un_punto")(pooled))
    network = keras.Model(inputs, layers.Activation("softmax")(outputs))
    assert cam.Explainer(network).layer_names == ["mapa"]


def test_counts_the_filters_of_a_layer(explainer):
    for layer in explainer.layer_names:
        assert explainer.count_filters(layer) == explainer.model.get_layer(layer).filters
    with pytest.raises(ValueError, match="«aplanar» no da mapas.*primera, segunda"):
        explainer.count_filters("aplanar")


@pytest.mark.parametrize(
    ("target", "shape"),
    [(2, (4,)), (np.int32(2), (4,)), ([0, 1, 2, 1], (4,)), ([[0, 1]] * 4, (4, 2)), ([[1]] * 4, (4, 1))],
)
@pytest.mark.parametrize("method", ["Grad-CAM", "Score-CAM"])
def test_the_target_gives_its_shape_to_the_maps(explainer, images, target, shape, method):
    explanation = explainer.explain(images, layer="primera", target=target, method=method)
    assert explanation.target.shape == explanation.empty.shape == shape
    assert explanation.raw.shape == explanation.heatmap.shape == (*shape, 12, 10)
    assert np.array_equal(explanation.target, np.broadcast_to(target, shape))
    per_image = explanation.target.reshape(4, -1)
    for position, classes in enumerate(per_image):
        for column, one in enumerate(classes):
            alone = explainer.explain(images, layer="primera", target=int(one), method=method).raw[position]
            assert_same_map(explanation.raw.reshape(4, -1, 12, 10)[position, column], alone)


def test_types_and_range(explainer, images):
    explanation = explainer.explain(images, target=[[0, 1, 2]] * 4, method="HiResCAM")
    for values in (explanation.raw, explanation.heatmap, explanation.logits, explanation.probabilities):
        assert values.dtype == np.float32
    assert explanation.target.dtype == np.int64
    assert explanation.empty.dtype == bool
    assert explanation.heatmap.min() == 0 and explanation.heatmap.max() == 1
    assert (explanation.layer, explanation.method, explanation.score) == ("segunda", "HiResCAM", "logit")


def test_the_scores_are_those_of_the_model(network, explainer, images):
    explanation = explainer.explain(images)
    assert np.allclose(explanation.probabilities, network(images), atol=1e-6)
    before_last = keras.Model(network.inputs[0], network.layers[-1].input)(images)
    kernel, bias = network.layers[-1].get_weights()
    assert np.allclose(explanation.logits, before_last.numpy() @ kernel + bias, atol=1e-5)


@pytest.mark.parametrize("method", WITHOUT_CAM)
def test_several_layers_in_one_call(explainer, images, method):
    names = ["segunda", "agrupamiento", "primera"]
    together = explainer.explain(images, layer=names, target=1, method=method)
    assert [explanation.layer for explanation in together] == names
    for name, explanation in zip(names, together, strict=True):
        alone = explainer.explain(images, layer=name, target=1, method=method)
        assert_same_map(explanation.raw, alone.raw)


def test_the_same_layer_twice(explainer, images):
    first, second = explainer.explain(images, layer=["primera", "primera"])
    assert np.array_equal(first.raw, second.raw)


def test_a_list_of_one_layer_gives_a_list(explainer, images):
    (explanation,) = explainer.explain(images, layer=("primera",))
    assert explanation.layer == "primera"


@pytest.mark.parametrize("method", WITHOUT_CAM)
def test_the_size_of_the_chunks_does_not_matter(explainer, images, method, monkeypatch):
    whole = explainer.explain(images, target=[[0, 1], [2, 1], [0, 2], [1, 0]], method=method)
    monkeypatch.setattr(passes, "CHUNK", 3)
    monkeypatch.setattr(passes, "FILTERS", 3)
    in_chunks = explainer.explain(images, target=whole.target, method=method)
    assert np.array_equal(in_chunks.target, whole.target)
    assert_same_map(in_chunks.raw, whole.raw)
    assert np.allclose(in_chunks.logits, whole.logits, atol=1e-5)


class AtMost(layers.Layer):
    """No deja pasar más de esas imágenes a la vez."""

    def __init__(self, limit, **options):
        super().__init__(**options)
        self.limit = limit

    def call(self, inputs):
        with tf.control_dependencies([tf.debugging.assert_less_equal(tf.shape(inputs)[0], self.limit)]):
            return tf.identity(inputs)


@pytest.mark.parametrize("method", WITHOUT_CAM)
def test_no_more_than_a_chunk_goes_through_the_network_at_once(method):
    limit = passes.FILTERS if method == "Score-CAM" else passes.CHUNK
    network = keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            AtMost(limit),
            layers.Conv2D(2 * limit + 3, 3),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )
    explainer, images = cam.Explainer(network), random_images(passes.CHUNK + 3, 6, 6, 1)
    assert explainer.explain(images, method=method).raw.shape == (passes.CHUNK + 3, 4, 4)


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
@pytest.mark.parametrize("method", ["Grad-CAM", "Score-CAM"])
def test_images_of_any_precision(explainer, images, method, dtype):
    rounded = images.astype(np.float16)
    raw = explainer.explain(rounded.astype(dtype), target=0, method=method).raw
    assert_same_map(raw, explainer.explain(rounded.astype(np.float32), target=0, method=method).raw)


# Para qué modelos: el mapa no depende de cómo esté escrita la red


def maps(network, images, layer="segunda", **options):
    """De cada imagen, el mapa de las clases 0 y 1."""
    return cam.Explainer(network).explain(images, layer=layer, target=[[0, 1]] * len(images), **options).raw


HEADS = {
    "densa con softmax": lambda: [layers.Dense(3, activation="softmax")],
    "Softmax": lambda: [layers.Dense(3), layers.Softmax()],
    "Activation softmax": lambda: [layers.Dense(3), layers.Activation("softmax")],
    "logits": lambda: [layers.Dense(3)],
    "Activation linear": lambda: [layers.Dense(3), layers.Activation("linear", dtype="float32")],
}


@pytest.mark.parametrize("head", HEADS)
def test_softmax_in_the_last_dense_or_apart_or_none(network, explainer, images, head):
    other = smooth_network(*HEADS[head]())
    for score in cam.SCORES:
        assert_same_map(maps(other, images, score=score), maps(network, images, score=score))
    explanation, expected = cam.Explainer(other).explain(images), explainer.explain(images)
    assert np.allclose(explanation.logits, expected.logits, atol=1e-5)
    assert np.allclose(explanation.probabilities, expected.probabilities, atol=1e-6)


@pytest.mark.parametrize("head", HEADS)
def test_cam_of_any_head(head):
    images = random_images(2, 6, 7, 3)
    raw = maps(pooled_network(*HEADS[head]()), images, layer="ultima", method="CAM")
    assert_same_map(raw, maps(pooled_network(), images, layer="ultima", method="CAM"))


@pytest.mark.parametrize(
    "last",
    [
        lambda: [layers.Dense(3, activation="sigmoid")],
        lambda: [layers.Dense(3), layers.Activation("sigmoid")],
    ],
)
def test_sigmoid_with_several_outputs(network, images, last):
    network_of_sigmoids = smooth_network(*last())
    explanation = cam.Explainer(network_of_sigmoids).explain(images)
    assert np.allclose(explanation.probabilities, network_of_sigmoids(images), atol=1e-6)
    assert_same_map(maps(network_of_sigmoids, images), maps(network, images))
    # La probabilidad de una clase no depende de las demás: su derivada es la del logit por p(1 − p).
    p = explanation.probabilities[:, :2, np.newaxis, np.newaxis]
    expected = p * (1 - p) * maps(network, images)
    assert_same_map(maps(network_of_sigmoids, images, score="probability"), expected)


@pytest.mark.parametrize(
    "last",
    [
        lambda: [layers.Dense(1, activation="sigmoid")],
        lambda: [layers.Dense(1), layers.Activation("sigmoid")],
        lambda: [layers.Dense(1)],
    ],
)
def test_one_output_distinguishes_two_classes(images, last):
    one_output = smooth_network(*last())
    two_outputs = smooth_network(layers.Dense(2, activation="softmax"))
    kernel, bias = one_output.get_layer(index=-1 if len(last()) == 1 else -2).get_weights()
    halves = np.array([[-0.5, 0.5]])
    two_outputs.layers[-1].set_weights([kernel @ halves, bias @ halves])
    explanation = cam.Explainer(one_output).explain(images)
    expected = cam.Explainer(two_outputs).explain(images)
    assert explanation.logits.shape == (4, 2)
    assert np.array_equal(explanation.target, expected.target)
    assert np.allclose(explanation.logits, 2 * expected.logits, atol=1e-5)
    assert np.allclose(explanation.probabilities, expected.probabilities, atol=1e-6)
    raw = maps(one_output, images)
    assert np.array_equal(raw[:, 0], -raw[:, 1])
    assert_same_map(raw, 2 * maps(two_outputs, images))
    assert_same_map(
        maps(one_output, images, score="probability"), maps(two_outputs, images, score="probability")
    )


def test_cam_of_one_output():
    network = pooled_network(layers.Dense(1, activation="sigmoid"))
    images = random_images(2, 6, 7, 3)
    raw = maps(network, images, layer="ultima", method="CAM")
    features = keras.Model(network.inputs[0], network.get_layer("ultima").output)(images).numpy()
    class_map = features @ network.layers[-1].kernel.numpy()[:, 0]
    assert_same_map(raw, np.stack([-class_map, class_map], axis=1))


def sequential_twin(network):
    return keras.Sequential([keras.Input(network.input_shape[1:]), *network.layers[1:]])


def unbuilt_then_called(network):
    twin = keras.models.clone_model(keras.Sequential(network.layers[1:]))
    twin(np.zeros((1, *network.input_shape[1:]), np.float32))
    twin.set_weights(network.get_weights())
    return twin


def grown_layer_by_layer(network):
    """Con `add`: Keras construye la red otra vez cada vez que crece."""
    twin = keras.Sequential([keras.Input(network.input_shape[1:])])
    for layer in network.layers[1:]:
        twin.add(layer.__class__.from_config(layer.get_config()))
    twin.set_weights(network.get_weights())
    return twin


def with_one_input_in_a_list(network):
    return keras.Model([network.inputs[0]], [network.outputs[0]])


def with_one_input_in_a_dictionary(network):
    return keras.Model({"imagen": network.inputs[0]}, network.outputs[0])


def compiled_with_xla(network):
    twin = keras.models.clone_model(network)
    twin.set_weights(network.get_weights())
    twin.compile("adam", "sparse_categorical_crossentropy", jit_compile=True)
    return twin


def compiled_to_run_eagerly(network):
    twin = keras.models.clone_model(network)
    twin.set_weights(network.get_weights())
    twin.compile("adam", "sparse_categorical_crossentropy", run_eagerly=True)
    return twin


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "rewrite",
    [
        sequential_twin,
        unbuilt_then_called,
        grown_layer_by_layer,
        with_one_input_in_a_list,
        with_one_input_in_a_dictionary,
        compiled_with_xla,
        compiled_to_run_eagerly,
    ],
)
def test_the_way_the_model_is_written_does_not_matter(network, images, rewrite):
    assert_same_map(maps(rewrite(network), images), maps(network, images))


def test_a_model_loaded_from_a_file(network, images, tmp_path):
    network.save(tmp_path / "red.keras")
    loaded = keras.saving.load_model(tmp_path / "red.keras")
    assert np.array_equal(maps(loaded, images), maps(network, images))


def test_a_nested_sequential_model_loaded_from_a_file(network, images, tmp_path):
    column = keras.Sequential(network.layers[1:4], name="columna")
    nested = keras.Sequential([keras.Input((12, 10, 3)), column, *network.layers[4:]])
    nested.save(tmp_path / "red.keras")
    explainer = cam.Explainer(keras.saving.load_model(tmp_path / "red.keras"))
    assert explainer.layer_names == ["columna/primera", "columna/segunda"]
    for layer in ("primera", "segunda"):
        raw = explainer.explain(images, layer=f"columna/{layer}", target=0).raw
        assert_same_map(raw, maps(network, images, layer=layer)[:, 0])


def test_models_within_models_within_models(network, images):
    first, second = (keras.Input(shape) for shape in ((12, 10, 3), (12, 10, 3)))
    inner = keras.Model(first, network.layers[1](first), name="dentro")
    outputs = network.layers[3](network.layers[2](inner(second)))
    column = keras.Model(second, outputs, name="columna")
    inputs = keras.Input((6, 5, 5))
    hidden = inputs
    for layer in network.layers[4:]:
        hidden = layer(hidden)
    head = keras.Model(inputs, hidden, name="cabeza")
    nested = keras.Sequential([keras.Input((12, 10, 3)), column, head])
    explainer = cam.Explainer(nested)
    assert explainer.layer_names == ["columna/dentro/primera", "columna/segunda"]
    paths = (*explainer.layer_names, "columna/dentro", "columna")
    explanations = explainer.explain(images, layer=paths, target=[[0, 1]] * 4)
    for name, explanation in zip(["primera", "segunda"] * 2, explanations, strict=True):
        assert_same_map(explanation.raw, maps(network, images, layer=name))


# Contra el gradiente de un sesgo


def through_the_bias(network, bias, activations, image, target):
    """Grad-CAM de una imagen sin mirar dentro de la red: lo que mueve un sesgo mueve todo su mapa.

    Vale para una capa sin activación y un modelo que dé los logits: ∂y/∂b es la suma de los gradientes.
    """
    with tf.GradientTape() as tape:
        logit = network(image[np.newaxis], training=False)[0, target]
    alpha = tape.gradient(logit, bias).numpy() / np.prod(activations.shape[:2])
    return activations @ alpha


def residual_network():
    inputs = keras.Input((9, 7, 2))
    trunk = layers.Conv2D(4, 3, padding="same", name="tronco")(inputs)
    branch = layers.Conv2D(4, 3, padding="same", name="rama")(layers.ReLU()(trunk))
    features = layers.ReLU()(layers.Add()([trunk, branch]))
    return keras.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling2D()(features)))


def separable_network():
    return keras.Sequential(
        [
            keras.Input((10, 8, 1)),
            layers.Rescaling(1 / 2, offset=-1),
            layers.DepthwiseConv2D(3, depth_multiplier=4, name="por_canal"),
            layers.BatchNormalization(name="normalizacion"),
            layers.ReLU(),
            layers.SpatialDropout2D(0.5),
            layers.SeparableConv2D(5, 3, name="separable"),
            layers.LeakyReLU(),
            layers.Conv2DTranspose(3, 2, strides=2, name="transpuesta"),
            layers.Activation("gelu"),
            layers.AveragePooling2D(2),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(2),
        ]
    )


def network_of_any_size():
    return keras.Sequential(
        [
            keras.Input((None, None, 2)),
            layers.RandomFlip(),
            layers.Conv2D(4, 3, name="primera"),
            layers.ReLU(),
            layers.Conv2D(5, 3, strides=2, name="segunda"),
            layers.ReLU(),
            layers.GlobalMaxPooling2D(),
            layers.Dense(3),
        ]
    )


def network_that_ends_in_a_global_average():
    return keras.Sequential(
        [
            keras.Input((8, 9, 2)),
            layers.Conv2D(4, 3, name="primera"),
            layers.ReLU(),
            layers.Conv2D(3, 1, name="clases"),
            layers.GlobalAveragePooling2D(),
        ]
    )


@pytest.mark.parametrize(
    ("build", "layer", "size"),
    [
        (residual_network, "tronco", (9, 7, 2)),
        (residual_network, "rama", (9, 7, 2)),
        (separable_network, "por_canal", (10, 8, 1)),
        (separable_network, "normalizacion", (10, 8, 1)),
        (separable_network, "separable", (10, 8, 1)),
        (separable_network, "transpuesta", (10, 8, 1)),
        (network_of_any_size, "primera", (9, 6, 2)),
        (network_of_any_size, "segunda", (13, 8, 2)),
        (network_that_ends_in_a_global_average, "primera", (8, 9, 2)),
        (network_that_ends_in_a_global_average, "clases", (8, 9, 2)),
    ],
)
def test_every_kind_of_layer_and_branch(build, layer, size):
    network, images = with_random_weights(build()), random_images(2, *size)
    features = keras.Model(network.inputs[0], network.get_layer(layer).output)(images, training=False).numpy()
    (bias,) = (weight for weight in network.get_layer(layer).weights if weight.name in ("bias", "beta"))
    raw = cam.Explainer(network).explain(images, layer=layer, target=1).raw
    for position in range(2):
        expected = through_the_bias(network, bias, features[position], images[position], 1)
        assert_same_map(raw[position], expected)


@pytest.fixture(scope="module")
def backbone():
    """MobileNetV2 diminuta, con pesos al azar."""
    keras.utils.set_random_seed(4)
    backbone = keras.applications.MobileNetV2((64, 48, 3), alpha=0.35, include_top=False, weights=None)
    for weight in backbone.weights:
        if weight.name in ("beta", "gamma"):
            weight.assign_add(np.random.default_rng(4).normal(0, 0.3, weight.shape))
    return backbone


@pytest.fixture(scope="module")
def transferred(backbone):
    """Un clasificador de logits con la red preentrenada dentro, como en el aprendizaje por transferencia."""
    inputs = keras.Input((64, 48, 3))
    features = backbone(layers.Rescaling(2.0, offset=-1)(inputs), training=False)
    hidden = layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(features))
    network = keras.Model(inputs, layers.Dense(3)(hidden))
    network.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return network


@pytest.fixture(scope="module")
def transferred_explainer(transferred):
    return cam.Explainer(transferred)


def test_a_backbone_within_the_model(backbone, transferred, transferred_explainer):
    images = random_images(2, 64, 48, 3)
    # Una suma no tiene sesgo: el de su última rama hace lo mismo.
    biased = {
        "Conv_1_bn": "Conv_1_bn",
        "block_15_add": "block_15_project_BN",
        "block_6_depthwise_BN": "block_6_depthwise_BN",
        "block_2_project_BN": "block_2_project_BN",
    }
    explanations = transferred_explainer.explain(
        images, layer=[f"{backbone.name}/{layer}" for layer in biased], target=2
    )
    outputs = [backbone.get_layer(layer).output for layer in biased]
    features = keras.Model(backbone.inputs[0], outputs)(2 * images - 1, training=False)
    for layer, activations, explanation in zip(biased, features, explanations, strict=True):
        beta = backbone.get_layer(biased[layer]).beta
        for position in range(2):
            expected = through_the_bias(transferred, beta, activations[position].numpy(), images[position], 2)
            assert_same_map(explanation.raw[position], expected, tolerance=1e-3)


def test_cam_of_a_backbone(backbone, transferred, transferred_explainer):
    images = random_images(2, 64, 48, 3)
    features = backbone(2 * images - 1, training=False).numpy()
    expected = features @ transferred.layers[-1].kernel.numpy()[:, 1]
    paths = [f"{backbone.name}/out_relu", backbone.name]
    for explanation in transferred_explainer.explain(images, layer=paths, target=1, method="CAM"):
        assert_same_map(explanation.raw, expected)


@pytest.mark.parametrize("method", WITHOUT_CAM)
def test_input_of_any_size(method):
    explainer = cam.Explainer(with_random_weights(network_of_any_size()))
    for size in ((9, 6, 2), (13, 8, 2)):
        images = random_images(2, *size)
        raw = explainer.explain(images, method=method).raw
        fixed = with_random_weights(keras.Sequential([keras.Input(size), *network_of_any_size().layers]))
        assert_same_map(raw, cam.Explainer(fixed).explain(images, method=method).raw)


@pytest.mark.parametrize("method", cam.METHODS)
def test_mixed_precision_gives_float32_maps(method):
    images, exact = random_images(3, 6, 7, 3), pooled_network()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        mixed = pooled_network()
    finally:
        keras.config.set_dtype_policy("float32")
    assert mixed.get_layer("ultima").compute_dtype == "bfloat16"
    explanation = cam.Explainer(mixed).explain(images, target=[[0, 1]] * 3, method=method)
    for values in (explanation.raw, explanation.heatmap, explanation.logits, explanation.probabilities):
        assert values.dtype == np.float32
    assert_same_map(explanation.raw, maps(exact, images, layer="ultima", method=method), tolerance=0.05)


def test_a_layer_that_returns_its_input_has_its_own_gradient():
    inputs = keras.Input((4, 3, 2))
    trunk = layers.Conv2D(2, 1, name="tronco")(inputs)
    branch = layers.Dropout(0.5, name="rama")(trunk)  # al explicar, devuelve lo mismo que recibe
    outputs = layers.Dense(2)(layers.Flatten()(layers.Add()([trunk, trunk, branch])))
    explainer = cam.Explainer(with_random_weights(keras.Model(inputs, outputs)))
    trunk, branch = explainer.explain(random_images(1, 4, 3, 2), layer=["tronco", "rama"], method="HiResCAM")
    assert_same_map(trunk.raw, 3 * branch.raw)


# No cambia nada


@pytest.mark.parametrize("method", WITHOUT_CAM)
def test_explaining_does_not_change_the_model(backbone, transferred, transferred_explainer, method):
    images = random_images(2, 64, 48, 3)
    prediction, before = transferred.predict_on_batch(images), state(transferred)
    weights = transferred.get_weights()
    optimizer = [variable.numpy().tolist() for variable in transferred.optimizer.variables]
    layer = f"{backbone.name}/block_13_project"
    explanation = transferred_explainer.explain(images, layer=layer, target=[[0, 1]] * 2, method=method)
    assert explanation.raw.shape == (2, 2, 2, 2) and np.ptp(explanation.raw) > 0
    assert state(transferred) == before
    assert all(np.array_equal(a, b) for a, b in zip(weights, transferred.get_weights(), strict=True))
    assert optimizer == [variable.numpy().tolist() for variable in transferred.optimizer.variables]
    assert np.array_equal(transferred.predict_on_batch(images), prediction)


def test_explaining_does_not_change_the_course_network(course_network, course_images):
    prediction, before = course_network.predict_on_batch(course_images), state(course_network)
    weights = course_network.get_weights()
    cam.Explainer(course_network).explain(course_images)
    assert state(course_network) == before
    assert all(np.array_equal(a, b) for a, b in zip(weights, course_network.get_weights(), strict=True))
    assert np.array_equal(course_network.predict_on_batch(course_images), prediction)


class Fragile(layers.Layer):
    """Falla mientras se le pide."""

    broken = True

    def call(self, inputs):
        if Fragile.broken:
            raise RuntimeError("esta capa falla")
        return inputs


@pytest.mark.parametrize("method", ["Grad-CAM", "Score-CAM"])
def test_a_failure_leaves_the_model_as_it_was(method, monkeypatch):
    monkeypatch.setattr(Fragile, "broken", False)
    network = keras.Sequential(
        [keras.Input((6, 5, 2)), layers.Conv2D(2, 3), Fragile(), layers.Flatten(), layers.Dense(2)]
    )
    explainer, images, before = cam.Explainer(network), random_images(2, 6, 5, 2), state(network)
    monkeypatch.setattr(Fragile, "broken", True)
    with pytest.raises(RuntimeError, match="esta capa falla"):
        explainer.explain(images, method=method)
    assert state(network) == before
    monkeypatch.setattr(Fragile, "broken", False)
    assert explainer.explain(images, method=method).raw.shape == (2, 4, 3)


def test_new_weights_are_seen_without_building_again(network, images):
    twin = keras.models.clone_model(network)
    explainer = cam.Explainer(twin)
    before = explainer.explain(images, target=0).raw
    twin.layers[-1].set_weights([2 * weight for weight in twin.layers[-1].get_weights()])
    assert_same_map(explainer.explain(images, target=0).raw, 2 * before)


def test_a_model_goes_on_training_after_it_is_explained(network, images):
    twin = keras.models.clone_model(network)
    twin.compile("adam", "sparse_categorical_crossentropy")
    explainer = cam.Explainer(twin)
    before = explainer.explain(images, target=0)
    twin.fit(images, np.array([0, 1, 2, 0]), verbose=0)
    after = explainer.explain(images, target=0)
    assert np.abs(after.logits - before.logits).max() > 1e-4
    assert np.allclose(after.probabilities, twin(images), atol=1e-6)


# No repite trabajo


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


@pytest.mark.parametrize("method", cam.METHODS)
def test_another_class_image_or_batch_compiles_nothing_anew(method):
    network = keras.Sequential(
        [
            keras.Input((6, 5, 2)),
            Counter(),
            layers.Conv2D(20, 3, name="ultima"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    explainer, images = cam.Explainer(network), random_images(18, 6, 5, 2)
    explainer.explain(images[:4], method=method)
    before = Counter.traces
    for batch, target in ((images[:1], 0), (images[4:7], [0, 1, 2]), (images, None), (images[7:], 2)):
        explainer.explain(batch, target=target, method=method)
    assert Counter.traces == before
    explainer.explain(images[:2], target=[[0, 1]] * 2, method=method)
    assert Counter.traces <= before + 1


# Conjuntos enteros


@pytest.mark.parametrize(
    "batches",
    [
        lambda dataset: dataset.batch(3),
        lambda dataset: dataset.map(lambda image: (image, 0)).batch(3),
        lambda dataset: dataset.map(lambda image: (image, 0, 1.0)).batch(3),
        lambda dataset: [[batch, None] for batch in dataset.batch(3).as_numpy_iterator()],
    ],
)
def test_a_dataset_gives_the_maps_of_its_images(explainer, images, batches):
    dataset = batches(tf.data.Dataset.from_tensor_slices(images))
    explanations = list(explainer.explain_dataset(dataset, target=1, method="LayerCAM"))
    assert [len(explanation.raw) for explanation in explanations] == [3, 1]
    raw = np.concatenate([explanation.raw for explanation in explanations])
    assert_same_map(raw, explainer.explain(images, target=1, method="LayerCAM").raw)


def test_a_dataset_gives_several_layers_of_each_batch(explainer, images):
    for explanations in explainer.explain_dataset([images], layer=["segunda", "primera"]):
        assert [explanation.layer for explanation in explanations] == ["segunda", "primera"]


def test_a_dataset_is_read_batch_by_batch_and_nothing_is_kept(explainer, images):
    read = []

    def batches():
        for index in range(1000):
            read.append(index)
            yield images, None

    explanations = explainer.explain_dataset(batches())
    assert read == []
    kept = []
    for count in range(1, 4):
        kept.append(weakref.ref(next(explanations).raw))
        assert len(read) == count
    assert [reference() for reference in kept] == [None] * 3


# Errores


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
        ({"target": [[0, 1], [0, 1], [0, 1], [0, 3]]}, ValueError, "clases 0 a 2"),
        ({"target": [0, 1]}, ValueError, r"una por imagen \(4,\).*\(4, T\).*es \(2,\)"),
        ({"target": [[0, 1]]}, ValueError, r"una por imagen \(4,\).*es \(1, 2\)"),
        ({"target": np.zeros((4, 0), int)}, ValueError, r"es \(4, 0\)"),
        ({"target": np.zeros((4, 1, 1), int)}, ValueError, r"es \(4, 1, 1\)"),
        ({"target": 1.5}, TypeError, "número entero.*«float64»"),
        ({"target": True}, TypeError, "número entero.*«bool»"),
        ({"target": "caballo"}, TypeError, "número entero"),
        ({"score": "logits"}, ValueError, "logit o probability.*«logits»"),
        ({"method": "GradCAM"}, ValueError, "CAM, Grad-CAM, .*Eigen-CAM o Score-CAM.*«GradCAM»"),
        ({"method": "CAM"}, ValueError, "«segunda».*promedio global.*Grad-CAM vale"),
    ],
)
def test_rejects_options(explainer, images, options, error, message):
    with pytest.raises(error, match=message):
        explainer.explain(images, **options)


@pytest.mark.parametrize("method", ["Grad-CAM", "Score-CAM"])
@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda x: x[0], ValueError, r"\(N, 12, 10, 3\).*\(12, 10, 3\)"),
        (lambda x: x[:, :5], ValueError, r"\(4, 5, 10, 3\)"),
        (lambda x: x[..., :1], ValueError, r"\(4, 12, 10, 1\)"),
        (lambda x: x[:0], ValueError, "vacío"),
        (lambda x: (x * 255).astype(np.uint8), TypeError, "«uint8».*prepare_image"),
        (lambda x: np.where(x > 0.5, np.nan, x), ValueError, "NaN"),
        (lambda x: np.where(x > 0.5, np.inf, x), ValueError, "infinito"),
    ],
)
def test_rejects_images(explainer, images, change, error, message, method):
    with pytest.raises(error, match=message):
        explainer.explain(change(images), method=method)


def test_says_which_sizes_are_free():
    explainer = cam.Explainer(network_of_any_size())
    with pytest.raises(ValueError, match=r"\(N, \?, \?, 2\).*\(1, 5, 5, 3\)"):
        explainer.explain(random_images(1, 5, 5, 3))


def test_cam_is_of_the_logit():
    with pytest.raises(ValueError, match="CAM solo se define para el logit"):
        cam.Explainer(pooled_network()).explain(random_images(1, 6, 7, 3), method="CAM", score="probability")


@pytest.mark.parametrize("method", cam.METHODS)
def test_rejects_a_network_that_diverged(method):
    network = pooled_network()
    network.set_weights([weight * np.nan for weight in network.get_weights()])
    with pytest.raises(ValueError, match="no son finitos.*entrenamiento"):
        cam.Explainer(network).explain(random_images(2, 6, 7, 3), method=method)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("method", WITHOUT_CAM)
def test_rejects_a_network_with_one_filter_that_diverged(method, value):
    network = linear_head(np.ones((5, 4, 3, 2)))
    kernel = network.get_layer("paso").get_weights()[0]
    kernel[..., 1] = value
    network.get_layer("paso").set_weights([kernel])
    with pytest.raises(ValueError, match="no son finitos.*entrenamiento"):
        cam.Explainer(network).explain(random_images(2, 5, 4, 3), target=0, method=method)


@pytest.mark.parametrize("method", WITHOUT_CAM)
def test_rejects_activations_that_are_not_finite(method):
    explainer, images = cam.Explainer(network_with_infinite_activations()), random_images(2, 6, 5, 2)
    assert np.isfinite(explainer.explain(images, target=0, method=method).raw).all()
    with pytest.raises(ValueError, match="no son finitos.*entrenamiento"):
        explainer.explain(images, layer="primera", target=0, method=method)


def test_rejects_a_network_whose_last_layer_diverged():
    network = pooled_network()
    network.layers[-1].set_weights([weight * np.nan for weight in network.layers[-1].get_weights()])
    with pytest.raises(ValueError, match="no son finitos.*entrenamiento"):
        cam.Explainer(network).explain(random_images(2, 6, 7, 3), method="Eigen-CAM")


def test_rejects_a_layer_that_is_used_several_times():
    inputs = keras.Input((6, 6, 2))
    shared = layers.Conv2D(2, 3, padding="same", name="compartida")
    outputs = layers.Dense(2)(layers.Flatten()(layers.Conv2D(2, 3, name="otra")(shared(shared(inputs)))))
    explainer, images = cam.Explainer(keras.Model(inputs, outputs)), random_images(1, 6, 6, 2)
    with pytest.raises(ValueError, match="usa 2 veces la capa «compartida»"):
        explainer.explain(images, layer="compartida")
    assert explainer.explain(images).layer == "otra"


def test_rejects_a_layer_that_the_prediction_does_not_depend_on():
    inputs = keras.Input((6, 6, 2))
    first, second = (layers.Conv2D(2, 3, name=name)(inputs) for name in ("primera", "segunda"))
    column = keras.Model(inputs, [first, second], name="columna")
    inputs = keras.Input((6, 6, 2))
    network = keras.Model(inputs, layers.Dense(2)(layers.Flatten()(column(inputs)[0])))
    explainer, images = cam.Explainer(network), random_images(1, 6, 6, 2)
    assert explainer.explain(images, layer="columna/primera").raw.shape == (1, 4, 4)
    with pytest.raises(ValueError, match="No hay gradiente en «columna/segunda»"):
        explainer.explain(images, layer="columna/segunda")


@pytest.mark.parametrize(
    ("method", "score"), [("Grad-CAM", "logit"), ("LayerCAM", "logit"), ("HiResCAM", "probability")]
)
def test_the_completeness_gap_is_of_hires_cam_and_the_logit(explainer, images, method, score):
    explanation = explainer.explain(images, method=method, score=score)
    with pytest.raises(ValueError, match=f"HiResCAM y el logit.*{method} y «{score}»"):
        cam.completeness_gap(explanation)


def test_rejects_what_is_not_a_model():
    with pytest.raises(TypeError, match="modelo de Keras.*«str»"):
        cam.Explainer("modelo.keras")


def test_rejects_a_model_without_convolutions():
    network = keras.Sequential([keras.Input((4, 4, 1)), layers.Flatten(), layers.Dense(2)])
    with pytest.raises(ValueError, match="no tiene capas convolucionales"):
        cam.Explainer(network)


def test_rejects_a_model_that_does_not_receive_images():
    network = keras.Sequential(
        [
            keras.Input((16,)),
            layers.Reshape((4, 4, 1)),
            layers.Conv2D(2, 3),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )
    with pytest.raises(ValueError, match=r"debe recibir imágenes.*\(None, 16\)"):
        cam.Explainer(network)
