"""Redes escritas de formas que nadie espera: se explican bien, o se dice por qué no.

Lo que debe salir se calcula aparte, a mano y con los pesos de la red; del motor no se usa nada.
"""

import numpy as np
import pytest
from toy_models import assert_same_map, random_images, with_random_weights

from gradcam_helpers import cam
from gradcam_helpers.engine import head
from gradcam_helpers.engine.backend import keras, tf

layers, softmax, linear = keras.layers, tf.nn.softmax, tf.identity
SIZE, CLASSES = (12, 10, 3), 3


@pytest.fixture(scope="module")
def images():
    return random_images(3, *SIZE)


# --- Finales: la misma red, convolución «c» → aplanar → densa «z», y lo que cada una hace después con z ----


class OwnSoftmax(layers.Dense):
    """Una densa con su propio `call`, que no anuncia su activación."""

    def call(self, inputs):
        return tf.nn.softmax(1.5 * (tf.matmul(inputs, self.kernel) + self.bias))


class Temperature(layers.Layer):
    """Reparte la confianza según una temperatura que se aprende."""

    def build(self, _shape):
        self.temperature = self.add_weight(shape=(), name="temperature")

    def call(self, inputs):
        return inputs / self.temperature


class FinalModel(keras.Model):
    """Un final escrito como una clase."""

    def __init__(self):
        super().__init__(name="final")
        self.z = dense()

    def call(self, inputs):
        return tf.nn.softmax(self.z(inputs))


class CompiledSoftmax(layers.Layer):
    """Una softmax en una función compilada aparte: por fuera no se ve."""

    @tf.function
    def call(self, inputs):
        return tf.nn.softmax(inputs)


def dense(outputs=CLASSES, **options):
    return layers.Dense(outputs, name="z", **options)


def nested(*inner):
    return keras.Sequential([keras.Input((320,)), *inner])


def by_hand(function):
    return layers.Lambda(function)


def network_with(*last, dtype=None):
    inputs = keras.Input(SIZE)
    maps = layers.Conv2D(4, 3, activation="relu", name="c", dtype=dtype)(inputs)
    outputs = layers.Flatten()(maps)
    for layer in last:
        outputs = layer(outputs)
    return with_random_weights(keras.Model(inputs, outputs, name="red"))


def maps_of(network, images):
    """Las activaciones de «c», (N, 10, 8, 4)."""
    kernel, bias = (tf.cast(weight, tf.float32) for weight in network.get_layer("c").weights)
    return np.maximum(tf.nn.conv2d(images, kernel, 1, "VALID") + bias, 0)


def weights_of(network):
    """El núcleo y el sesgo de «z», estén donde estén."""
    found = {weight.name: weight.numpy() for weight in network.weights if "/z/" in f"/{weight.path}"}
    return found["kernel"].astype(np.float32), found["bias"].astype(np.float32)


def check_maps(network, images, kernel, scale, activation, tolerance=1e-4):
    """Los mapas de HiResCAM y de Grad-CAM, del logit y de la probabilidad, de todas las clases."""
    maps = maps_of(network, images)
    by_logit = scale * kernel.T.reshape(-1, *maps.shape[1:])  # ∂yⱼ/∂A: el mismo en toda imagen
    explainer, every_class = cam.Explainer(network), [list(range(len(by_logit)))] * len(images)
    found = explainer.explain(images, target=every_class, method="HiResCAM")
    assert found.proved
    assert_same_map(found.raw, np.einsum("nijk,tijk->ntij", maps, by_logit), tolerance)
    alpha = by_logit.mean(axis=(1, 2))
    assert_same_map(
        explainer.explain(images, target=every_class).raw,
        np.einsum("nijk,tk->ntij", maps, alpha),
        tolerance,
    )
    logits = tf.constant(found.logits)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        probabilities = activation(logits)
    by_answer = tape.batch_jacobian(probabilities, logits).numpy()  # (N, T, clases)
    expected = np.einsum("nijk,ntc,cijk->ntij", maps, by_answer, by_logit)
    found = explainer.explain(images, target=every_class, method="HiResCAM", score="probability")
    assert_same_map(found.raw, expected, tolerance)


# Las capas del final, lo que sus logits multiplican a z, y la función que les aplica al responder.
READ = {
    "softmax": (lambda: [dense(activation="softmax")], 1, softmax),
    "la softmax de TensorFlow": (lambda: [dense(activation=tf.nn.softmax)], 1, softmax),
    "la de keras.ops": (lambda: [dense(activation=keras.ops.softmax)], 1, softmax),
    "una función que la llama": (lambda: [dense(activation=lambda x: tf.nn.softmax(x))], 1, softmax),
    "una operación": (lambda: [dense(), keras.ops.softmax], 1, softmax),
    "Softmax tras Dropout": (lambda: [dense(), layers.Dropout(0.5), layers.Softmax()], 1, softmax),
    "Lambda": (lambda: [dense(), by_hand(tf.nn.softmax)], 1, softmax),
    "y float32": (
        lambda: [dense(activation="softmax"), layers.Activation("linear", dtype="float32")],
        1,
        softmax,
    ),
    "e Identity": (lambda: [dense(activation="softmax"), layers.Identity(), layers.Dropout(0.5)], 1, softmax),
    "y Flatten": (lambda: [dense(activation="softmax"), layers.Flatten()], 1, softmax),
    "tras Reshape": (
        lambda: [dense(), layers.Reshape((1, CLASSES)), layers.Softmax(), layers.Flatten()],
        1,
        softmax,
    ),
    "su propio call": (lambda: [OwnSoftmax(CLASSES, name="z")], 1.5, softmax),
    "temperatura fija": (lambda: [dense(), by_hand(lambda z: z / 4), layers.Softmax()], 0.25, softmax),
    "cambio de escala": (lambda: [dense(), layers.Rescaling(3.0), layers.Softmax()], 3, softmax),
    "log_softmax": (lambda: [dense(activation="log_softmax")], 1, softmax),
    "modelo anidado": (lambda: [nested(dense(activation="softmax"))], 1, softmax),
    "dos anidados": (lambda: [nested(nested(dense(), layers.Softmax()))], 1, softmax),
    "modelo de una clase": (lambda: [FinalModel()], 1, softmax),
    "einsum": (
        lambda: [layers.EinsumDense("ab,bc->ac", (CLASSES,), bias_axes="c", activation="softmax", name="z")],
        1,
        softmax,
    ),
    "logits": (lambda: [dense()], 1, softmax),
    "logits a otra escala": (lambda: [dense(), layers.Rescaling(-2.0)], -2, softmax),
    "una función que no hace nada": (lambda: [dense(activation=lambda z: z)], 1, softmax),
    "logits y Flatten": (lambda: [dense(), layers.Reshape((CLASSES, 1)), layers.Flatten()], 1, softmax),
    "sigmoides": (lambda: [dense(activation="sigmoid")], 1, tf.nn.sigmoid),
    "sigmoides y float32": (
        lambda: [dense(activation=tf.nn.sigmoid), layers.Activation("linear", dtype="float32")],
        1,
        tf.nn.sigmoid,
    ),
}


@pytest.mark.parametrize("name", READ)
def test_the_logits_are_those_of_the_network(name, images):
    last, scale, activation = READ[name]
    network = network_with(*last())
    kernel, bias = weights_of(network)
    logits = scale * (maps_of(network, images).reshape(len(images), -1) @ kernel + bias)
    explanation = cam.Explainer(network).explain(images)
    np.testing.assert_allclose(explanation.logits, logits, rtol=0, atol=1e-4)
    np.testing.assert_allclose(explanation.probabilities, activation(logits), rtol=0, atol=1e-5)
    assert np.ptp(explanation.probabilities) > 0.1
    check_maps(network, images, kernel, scale, activation)


@pytest.mark.parametrize(
    "last",
    [
        lambda: [dense(1, activation="sigmoid")],
        lambda: [dense(1, activation=keras.ops.sigmoid)],
        lambda: [dense(1, activation="sigmoid"), layers.Activation("linear", dtype="float32")],
        lambda: [dense(1), layers.Activation("sigmoid"), layers.Dropout(0.5)],
        lambda: [dense(1), by_hand(tf.nn.sigmoid), layers.Flatten()],
    ],
)
def test_the_logit_of_one_output(last, images):
    network = network_with(*last())
    kernel, bias = weights_of(network)
    y = maps_of(network, images).reshape(len(images), -1) @ kernel + bias
    explanation = cam.Explainer(network).explain(images, target=[[0, 1]] * 3, method="HiResCAM")
    np.testing.assert_allclose(explanation.logits, np.hstack([-y, y]), rtol=0, atol=1e-4)
    np.testing.assert_allclose(explanation.probabilities[:, 1:], network(images), rtol=0, atol=1e-6)
    expected = np.sum(maps_of(network, images) * kernel.reshape(10, 8, 4), axis=-1)
    assert_same_map(explanation.raw, np.stack([-expected, expected], axis=1))


def test_a_temperature_that_is_learnt(images):
    network = network_with(dense(), Temperature(), layers.Softmax())
    network.layers[-2].temperature.assign(5.0)
    check_maps(network, images, weights_of(network)[0], 0.2, softmax)


def test_an_activation_that_was_taken_away(images):
    network = network_with(dense(activation="softmax"))
    network.layers[-1].activation = None
    check_maps(network, images, weights_of(network)[0], 1, softmax)


def test_a_dense_layer_with_lora(images):
    network = network_with(dense(activation="softmax"))
    layer = network.get_layer("z")
    layer.enable_lora(2)
    first, second = (
        np.random.default_rng(1).normal(0, 0.3, 320 * 2),
        np.random.default_rng(2).normal(0, 0.3, 6),
    )
    layer.lora_kernel_a.assign(first.reshape(320, 2))
    layer.lora_kernel_b.assign(second.reshape(2, 3))
    kernel = weights_of(network)[0] + layer.lora_kernel_a.numpy() @ layer.lora_kernel_b.numpy()
    check_maps(network, images, kernel, 1, softmax)


@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method:UserWarning")
def test_a_quantized_dense_layer(images):
    network = network_with(dense(activation="softmax"))
    network.quantize("int8")
    assert network.get_layer("z").quantization_mode == "int8"
    np.testing.assert_allclose(
        cam.Explainer(network).explain(images).probabilities, network(images), rtol=0, atol=1e-6
    )
    kernel = weights_of(network)[0] / network.get_layer("z").kernel_scale.numpy()
    check_maps(network, images, kernel, 1, softmax)


# Las capas del final, y lo que se nombra al rechazarlo.
REFUSED = {
    "ReLU": (lambda: [dense(activation="relu")], "«Relu»"),
    "tanh": (lambda: [dense(), layers.Activation("tanh")], "«Tanh»"),
    "sigmoide dura": (lambda: [dense(activation="hard_sigmoid")], "«Relu6»"),
    "porcentajes": (lambda: [dense(activation="softmax"), layers.Rescaling(100.0)], "«Softmax».*después"),
    "recortadas": (
        lambda: [dense(activation="softmax"), by_hand(lambda p: tf.clip_by_value(p, 0.01, 1))],
        "«M",
    ),
    "suavizadas": (lambda: [dense(activation="softmax"), by_hand(lambda p: 0.9 * p + 0.1 / 3)], "«Softmax»"),
    "softmax a mano": (
        lambda: [dense(), by_hand(lambda z: tf.exp(z) / tf.reduce_sum(tf.exp(z), -1, keepdims=True))],
        "«Exp»",
    ),
    "sigmoide a mano": (lambda: [dense(1), by_hand(lambda z: 1 / (1 + tf.exp(-z)))], "«Exp»"),
    "p y 1 − p": (
        lambda: [dense(1, activation="sigmoid"), by_hand(lambda p: tf.concat([1 - p, p], -1))],
        "«Sigmoid»",
    ),
    "función compilada": (lambda: [dense(), CompiledSoftmax()], "«PartitionedCall».*por dentro no se ve"),
    "softmax por grupos": (
        lambda: [dense(4), layers.Reshape((2, 2)), layers.Softmax(), layers.Flatten()],
        "no son los de sus respuestas",
    ),
    "densa que mezcla probabilidades": (
        lambda: [dense(activation="softmax"), layers.Dense(3, use_bias=False, name="mezcla")],
        "La red da probabilidades",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_head_that_cannot_be_read_is_refused_by_name(name):
    last, message = REFUSED[name]
    network = network_with(*last())
    if network.layers[-1].name == "mezcla":
        network.layers[-1].set_weights([np.array([[0.8, 0.1, 0.1], [0, 1, 0], [0, 0.5, 0.5]])])
    with pytest.raises(ValueError, match=message):
        cam.Explainer(network)


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_probabilities_that_are_averaged_are_refused(activation):
    inputs = keras.Input(SIZE)
    maps = layers.Conv2D(3, 3, activation=activation)(layers.Conv2D(4, 3)(inputs))
    with pytest.raises(ValueError, match=f"(?i)«{activation}».*después «Mean»"):
        cam.Explainer(keras.Model(inputs, layers.GlobalAveragePooling2D()(maps)))


def test_an_ensemble_of_softmaxes_is_refused():
    inputs = keras.Input(SIZE)
    hidden = layers.Flatten()(layers.Conv2D(4, 3)(inputs))
    outputs = layers.Average()([layers.Dense(3, activation="softmax")(hidden) for _ in range(2)])
    with pytest.raises(ValueError, match="«Softmax».*después"):
        cam.Explainer(keras.Model(inputs, outputs))


# --- La prueba al construir --------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["softmax", "sigmoid", "log_softmax"])
def test_logits_that_are_not_those_of_the_answers_are_refused(activation, monkeypatch):
    network = network_with(dense(activation=activation))
    assert cam.Explainer(network).proved
    original = head.Head.before_activation
    monkeypatch.setattr(head.Head, "before_activation", lambda self, answer: 1.001 * original(self, answer))
    with pytest.raises(ValueError, match="«red» no son los de sus respuestas"):
        cam.Explainer(network)


@pytest.mark.parametrize("weight", [0, 1e6])
@pytest.mark.parametrize("outputs", [1, 3])
def test_a_network_that_answers_always_the_same_or_only_0_and_1_is_not_proved(weight, outputs, images):
    network = network_with(dense(outputs, activation="softmax" if outputs > 1 else "sigmoid"))
    network.layers[-1].set_weights([weight * each for each in network.layers[-1].get_weights()])
    explainer = cam.Explainer(network)
    assert not explainer.proved
    assert not explainer.explain(images, target=0).proved
    assert not explainer.record(images[:1]).explain(target=0).proved


class Dice(layers.Layer):
    def call(self, inputs):
        return inputs + tf.random.normal(tf.shape(inputs))


class KerasDice(layers.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.generator = keras.random.SeedGenerator(3)

    def call(self, inputs):
        return inputs * keras.random.uniform(tf.shape(inputs), seed=self.generator)


class BatchStatistics(layers.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.normalization = layers.BatchNormalization()

    def call(self, inputs):
        return self.normalization(inputs, training=True)


@pytest.mark.parametrize("kind", [Dice, KerasDice, BatchStatistics])
@pytest.mark.parametrize("activation", ["softmax", None])
def test_a_network_that_answers_differently_twice_is_refused_by_name(kind, activation):
    network = network_with(kind(name="culpable"), dense(activation=activation))
    before = [weight.numpy() for weight in network.weights]
    with pytest.raises(ValueError, match="«red» da respuestas distintas.*«culpable»"):
        cam.Explainer(network)
    assert all(np.array_equal(old, new) for old, new in zip(before, network.weights, strict=True))


def test_a_normalization_that_keras_turns_off_when_predicting(images):
    """En un modelo funcional, `training=False` manda sobre el `training=True` con que se llamó a la capa."""
    inputs = keras.Input(SIZE)
    maps = layers.Conv2D(4, 3, name="c")(inputs)
    normalization = layers.BatchNormalization(name="n")
    outputs = layers.Dense(3, activation="softmax")(layers.Flatten()(normalization(maps, training=True)))
    network = with_random_weights(keras.Model(inputs, outputs))
    before = [weight.numpy() for weight in network.weights]
    probabilities = cam.Explainer(network).explain(images).probabilities
    np.testing.assert_allclose(probabilities, network.predict_on_batch(images), rtol=0, atol=1e-6)
    assert all(np.array_equal(old, new) for old, new in zip(before, network.weights, strict=True))


# --- Tipos y orden de los ejes -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "tolerance"),
    [
        ("float64", 1e-5),
        ("float16", 0.01),
        ("mixed_float16", 0.01),
        ("bfloat16", 0.06),
        ("mixed_bfloat16", 0.06),
    ],
)
def test_maps_are_right_and_of_32_bits_whatever_the_network_computes_with(policy, tolerance, images):
    exact = network_with(dense(activation="softmax"))
    keras.config.set_dtype_policy(policy)
    try:
        network = network_with(dense(activation="softmax"))
    finally:
        keras.config.set_dtype_policy("float32")
    assert network.get_layer("c").compute_dtype == policy.removeprefix("mixed_")
    kernel = weights_of(exact)[0]
    expected = np.einsum("nijk,ijkt->ntij", maps_of(exact, images), kernel.reshape(10, 8, 4, 3))
    explanation = cam.Explainer(network).explain(images, target=[[0, 1, 2]] * 3, method="HiResCAM")
    assert_same_map(explanation.raw, expected, tolerance)
    for values in (explanation.raw, explanation.logits, explanation.probabilities):
        assert values.dtype == np.float32


def test_floatx_of_64_bits(images):
    keras.config.set_floatx("float64")
    try:
        network = network_with(dense(activation="softmax"))
        check_maps(network, images, weights_of(network)[0], 1, softmax)
    finally:
        keras.config.set_floatx("float32")


def test_the_gradient_of_an_almost_sure_probability_is_not_lost_in_16_bits(images):
    """La clase 1 gana por 14: ∂p₀/∂A ≈ p₀(w₀ − w₁), unas diez millonésimas, por debajo de lo que cabe."""
    network = network_with(dense(2, activation="softmax", dtype="float16"), dtype="float16")
    kernel = np.random.default_rng(0).normal(0, 0.02, (320, 2))
    logits = maps_of(network, images[:1]).reshape(1, -1) @ kernel
    network.get_layer("z").set_weights([kernel, np.array([0, 14 + logits[0, 0] - logits[0, 1]])])
    raw = cam.Explainer(network).explain(images[:1], target=0, score="probability", method="HiResCAM").raw
    direction = (kernel[:, 0] - kernel[:, 1]).reshape(10, 8, 4)
    expected = np.sum(maps_of(network, images[:1]) * direction, axis=-1)
    assert_same_map(raw / np.abs(raw).max(), expected / np.abs(expected).max(), 0.02)


def channels_first():
    inputs = keras.Input(SIZE)
    maps = layers.Permute((3, 1, 2))(inputs)
    maps = layers.Conv2D(5, 3, padding="same", data_format="channels_first", name="delante")(maps)
    maps = layers.ReLU(name="relu")(layers.BatchNormalization(axis=1, name="norma")(maps))
    return with_random_weights(keras.Model(inputs, layers.Dense(2, name="z")(layers.Flatten()(maps))))


@pytest.mark.parametrize("layer", ["delante", "norma", "relu"])
def test_a_layer_with_the_channels_in_front(layer, images):
    network = channels_first()
    maps = keras.Model(network.input, network.get_layer(layer).output)(images).numpy()
    after = network.layers[network.layers.index(network.get_layer(layer)) + 1 :]
    with tf.GradientTape() as tape:
        maps = tf.constant(maps)
        tape.watch(maps)
        outputs = maps
        for each in after:
            outputs = each(outputs)
        logit = tf.reduce_sum(outputs[:, 1])
    gradients = tape.gradient(logit, maps).numpy()  # (N, filtros, alto, ancho)
    explainer = cam.Explainer(network)
    assert explainer.default_layer == "relu" and explainer.count_filters(layer) == 5
    assert_same_map(
        explainer.explain(images, layer=layer, target=1, method="HiResCAM").raw,
        np.sum(gradients * maps, axis=1),
    )
    assert_same_map(
        explainer.explain(images, layer=layer, target=1).raw,
        np.einsum("nk,nkij->nij", gradients.mean(axis=(2, 3)), maps),
    )
    assert explainer.record(images[:1]).explain(layer, method="Score-CAM").raw.shape == (1, 12, 10)


@pytest.mark.parametrize("shape", [SIZE, SIZE[::-1]])
def test_a_network_that_takes_the_channels_in_front_is_refused(shape):
    inputs = keras.Input(shape)
    maps = layers.Conv2D(5, 3, padding="same", data_format="channels_first")(inputs)
    with pytest.raises(ValueError, match=r"los canales en el eje 1 y los recibe en el 3.*Permute"):
        cam.Explainer(keras.Model(inputs, layers.Dense(2)(layers.Flatten()(maps))))


# --- Qué capa ----------------------------------------------------------------------------------------------


class Block(layers.Layer):
    """Dos convoluciones dentro de una capa."""

    def __init__(self, **options):
        super().__init__(**options)
        self.first, self.second = (layers.Conv2D(4, 3, padding="same") for _ in range(2))

    def call(self, inputs):
        return tf.nn.relu(self.second(tf.nn.relu(self.first(inputs))))


class CompiledBlock(Block):
    @tf.function
    def call(self, inputs):
        return super().call(inputs)


class Backbone(keras.Model):
    """Una columna escrita como una clase, que acaba en una suma sin capa."""

    def __init__(self, **options):
        super().__init__(**options)
        self.trunk, self.branch = layers.Conv2D(4, 3, name="tronco"), layers.Conv2D(4, 1, name="rama")

    def call(self, inputs):
        maps = self.trunk(inputs)
        return tf.nn.relu(maps + self.branch(maps))


class Swish(layers.Layer):
    def call(self, inputs):
        return inputs * tf.sigmoid(inputs)


KERNEL = tf.Variable(np.random.default_rng(0).normal(size=(3, 3, 4, 5)), dtype=tf.float32)


def blurred(maps):
    return tf.nn.depthwise_conv2d(maps, tf.ones((3, 3, 4, 1)) / 9, (1, 1, 1, 1), "SAME")


def conv(filters=4, name="conv", size=3, **options):
    return layers.Conv2D(filters, size, padding="same", name=name, **options)


def squeeze_and_excite(maps):
    gate = layers.Dense(4, activation="sigmoid")(layers.GlobalAveragePooling2D(keepdims=True)(maps))
    return layers.Multiply(name="puerta")([maps, gate])


def spatial_gate(maps):
    return layers.Multiply(name="producto")([maps, conv(1, "puerta", activation="sigmoid")(maps)])


def gate_of_every_channel(maps):
    return layers.Multiply(name="producto")([maps, conv(4, "puerta", activation="sigmoid")(maps)])


def shortcut(maps):
    branches = [conv(name="rama")(maps), conv(name="atajo", size=1)(maps)]
    return layers.ReLU(name="salida")(layers.Add(name="suma")(branches))


def shortcut_without_layers(maps):
    return keras.ops.relu(maps + conv(name="rama")(maps))


def densely_connected(maps):
    maps = layers.Concatenate(name="junta")([maps, conv(name="rama")(maps)])
    return layers.ReLU(name="relu")(layers.BatchNormalization(name="norma")(maps))


# Lo que sigue a una primera convolución, «tallo», y la capa que se explica por omisión.
DEFAULT = {
    "nada": (lambda maps: maps, "tallo"),
    "una activación": (layers.ReLU(name="relu"), "relu"),
    "una activación propia": (Swish(name="swish"), "swish"),
    "una operación": (keras.ops.relu, "relu"),
    "normalización y activación": (
        lambda maps: layers.ReLU(name="relu")(layers.BatchNormalization()(maps)),
        "relu",
    ),
    "por grupos": (lambda maps: layers.GroupNormalization(2, name="grupos")(maps), "grupos"),
    "apagado y activación": (
        lambda maps: layers.ReLU(name="relu")(layers.SpatialDropout2D(0.5)(maps)),
        "relu",
    ),
    "agrupamiento": (layers.MaxPooling2D(2), "tallo"),
    "agrupamiento del mismo tamaño": (layers.MaxPooling2D(3, 1, padding="same"), "tallo"),
    "agrupamiento y normalización": (
        lambda maps: layers.BatchNormalization()(layers.AveragePooling2D(2)(maps)),
        "tallo",
    ),
    "una capa propia": (Block(name="bloque"), "bloque"),
    "una capa compilada": (CompiledBlock(name="bloque"), "bloque"),
    "una capa envuelta": (layers.SpectralNormalization(layers.Conv2D(4, 3), name="envuelta"), "envuelta"),
    "una columna de una clase": (Backbone(name="columna"), "columna"),
    "pesos sin capa": (
        layers.Lambda(lambda maps: tf.nn.conv2d(maps, KERNEL, 1, "SAME"), name="suelta"),
        "suelta",
    ),
    "un desenfoque fijo": (lambda maps: layers.ReLU(name="relu")(layers.Lambda(blurred)(maps)), "tallo"),
    "una capa con memoria": (
        lambda maps: layers.ConvLSTM2D(4, 3, name="memoria")(layers.Reshape((1, 24, 24, 4))(maps)),
        "memoria",
    ),
    "separable": (layers.SeparableConv2D(4, 3, name="separable"), "separable"),
    "densa en cada posición": (layers.Dense(5, name="densa"), "densa"),
    "puerta de canales": (squeeze_and_excite, "tallo"),
    "puerta de posiciones": (spatial_gate, "tallo"),
    "puerta de todo": (gate_of_every_channel, "producto"),
    "atajo": (shortcut, "salida"),
    "atajo sin capas": (shortcut_without_layers, "relu"),
    "densamente unida": (densely_connected, "relu"),
}


@pytest.mark.parametrize("name", DEFAULT)
def test_the_layer_explained_by_default(name):
    after, expected = DEFAULT[name]
    inputs = keras.Input((24, 24, 3))
    maps = after(conv(name="tallo")(inputs))
    network = with_random_weights(keras.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling2D()(maps))))
    explainer, image = cam.Explainer(network), random_images(1, 24, 24, 3)
    default = explainer.default_layer.rstrip("_0123456789")  # Keras numera las operaciones
    assert default == expected
    explanation = explainer.explain(image, target=1)
    assert explanation.layer == explainer.default_layer
    assert explainer.default_layer in explainer.layer_names
    for layer in explainer.layer_names:  # `record` admite lo que `explain`
        expected_map = explainer.explain(image, layer=layer, target=1).raw
        assert_same_map(explainer.record(image, layer, 1).explain(layer, 1).raw, expected_map)


def test_the_last_of_several_places_where_space_is_lost():
    inputs = keras.Input((24, 24, 3))
    first = conv(name="primera")(inputs)
    second = conv(name="segunda")(layers.MaxPooling2D()(first))
    pooled = layers.Concatenate()([layers.GlobalAveragePooling2D()(maps) for maps in (second, first)])
    assert cam.Explainer(keras.Model(inputs, layers.Dense(2)(pooled))).default_layer == "segunda"


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (keras.applications.ResNet50, "conv5_block3_out"),
        (keras.applications.MobileNetV2, "out_relu"),
        (keras.applications.InceptionV3, "mixed10"),
    ],
)
def test_the_default_layer_of_well_known_networks(build, expected):
    network = build(input_shape=(128, 128, 3), weights=None, classes=4)
    assert cam.Explainer(network).default_layer == expected


def test_a_layer_that_is_used_twice_or_not_at_all_is_not_offered():
    inputs = keras.Input((24, 24, 3))
    twice, aside = conv(3, "dos_veces"), conv(name="aparte")
    pair = keras.Model(inputs, [conv(name="una")(twice(twice(inputs))), aside(inputs)], name="par")
    inputs = keras.Input((24, 24, 3))
    network = keras.Model(inputs, layers.Dense(2)(layers.GlobalAveragePooling2D()(pair(inputs)[0])))
    explainer, image = cam.Explainer(network), random_images(1, 24, 24, 3)
    assert explainer.layer_names == ["par/una"]
    for layer, message in (
        ("par/dos_veces", "usa 2 veces"),
        ("par/aparte", "No hay gradiente en «par/aparte»"),
    ):
        with pytest.raises(ValueError, match=message):
            explainer.explain(image, layer=layer)


def test_layers_shared_with_another_model():
    """«c» recibe la imagen en un modelo, y los mapas de «t», de otro tamaño, en el otro."""
    shared, dense_layer, pooling = conv(3, "c"), layers.Dense(2, name="z"), layers.GlobalAveragePooling2D()
    first, second = keras.Input(SIZE), keras.Input((9, 7, 3))
    one = keras.Model(first, dense_layer(pooling(shared(first))))
    other = with_random_weights(keras.Model(second, dense_layer(pooling(shared(conv(3, "t")(second))))))
    before = [len(layer._inbound_nodes) for layer in other.layers]
    images = random_images(2, 9, 7, 3)
    kernel = dense_layer.kernel.numpy()[:, 1]
    maps = shared(other.get_layer("t")(images)).numpy()
    explainer = cam.Explainer(other)
    assert explainer.layer_names == ["t", "c"]
    assert_same_map(explainer.explain(images, layer="c", target=1, method="CAM").raw, maps @ kernel)
    with pytest.raises(ValueError, match="CAM necesita que a «t»"):
        explainer.explain(images, layer="t", method="CAM")
    assert explainer.explain(images, layer="t", target=1).raw.shape == (2, 9, 7)
    images = random_images(2, *SIZE)
    raw = cam.Explainer(one).explain(images, layer="c", target=1, method="CAM").raw
    assert_same_map(raw, shared(images).numpy() @ kernel)
    assert [len(layer._inbound_nodes) for layer in other.layers] == before


@pytest.mark.parametrize("layer", [-1, np.int64(1), "segunda"])
def test_a_layer_may_be_asked_for_in_several_ways(layer):
    inputs = keras.Input(SIZE)
    maps = conv(name="segunda")(conv(name="primera")(inputs))
    network = keras.Model(inputs, layers.Dense(2)(layers.Flatten()(maps)))
    explainer, images = cam.Explainer(network), random_images(1, *SIZE)
    for asked in (layer, network.get_layer("segunda")):
        assert explainer.explain(images, layer=asked).layer == "segunda"
        assert explainer.explain(images, layer=[asked])[0].layer == "segunda"
        assert explainer.record(images, asked).explain(asked).layer == "segunda"


@pytest.mark.parametrize(
    ("layer", "error", "message"),
    [
        (2, ValueError, "ninguna capa «2»"),
        (-3, ValueError, "ninguna capa «-3»"),
        (layers.Conv2D(2, 1, name="ajena"), ValueError, "«ajena» no es de este modelo"),
        (1.0, TypeError, "Una capa se pide por su nombre.*«float»"),
        (True, TypeError, "«bool»"),
        ({"c": 1}, TypeError, "«dict»"),
    ],
)
def test_rejects_a_layer_that_is_not_there(layer, error, message, images):
    explainer = cam.Explainer(network_with(dense()))
    for ask in (explainer.explain, lambda images, layer: explainer.record(images[:1], layer)):
        with pytest.raises(error, match=message):
            ask(images, layer=layer)


# --- Qué imágenes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrap",
    [
        lambda images: images,
        lambda images: (images, np.zeros(3)),
        lambda images: ((images, np.zeros(3)), np.zeros(3)),
        lambda images: {"image": images, "label": np.zeros(3)},
        lambda images: ({"image": images, "id": np.zeros(3)}, np.zeros(3)),
    ],
)
def test_batches_as_tfds_gives_them(wrap, images):
    explainer = cam.Explainer(network_with(dense()))
    dataset = tf.data.Dataset.from_tensor_slices(wrap(images)).batch(2)
    raw = np.concatenate([each.raw for each in explainer.explain_dataset(dataset, target=0)])
    assert_same_map(raw, explainer.explain(images, target=0).raw)


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ({"picture": 0, "label": 0}, "diccionario.*picture, label.*sin entrada «image»"),
        ((), "vacío"),
    ],
)
def test_rejects_batches_where_the_images_are_not_known(batch, message):
    explainer = cam.Explainer(network_with(dense()))
    with pytest.raises(ValueError, match=message):
        next(explainer.explain_dataset([batch]))


def test_rejects_images_of_several_sizes(images):
    explainer = cam.Explainer(network_with(dense()))
    with pytest.raises(ValueError, match=r"varias formas.*\(12, 10, 3\), \(11, 10, 3\)"):
        explainer.explain([images[0], images[1, 1:]])
    assert explainer.explain(list(images)).raw.shape == (3, 10, 8)


# --- Qué se deriva -----------------------------------------------------------------------------------------


def a_difference(logits):
    return logits[:, 2] - logits[:, 0]


def a_product(logits):
    return logits[:, 0] * logits[:, 1]


@pytest.mark.parametrize("activation", ["softmax", None])
@pytest.mark.parametrize(
    ("function", "by_logit"),
    [
        (a_difference, lambda y: np.stack([-np.ones(3), np.zeros(3), np.ones(3)], axis=1)),
        (a_product, lambda y: np.stack([y[:, 1], y[:, 0], np.zeros(3)], axis=1)),
    ],
)
def test_a_function_of_the_logits(function, by_logit, activation, images):
    network = network_with(dense(activation=activation))
    kernel, bias = weights_of(network)
    maps = maps_of(network, images)
    factors = by_logit(maps.reshape(3, -1) @ kernel + bias)
    gradients = (factors @ kernel.T).reshape(maps.shape)
    explainer = cam.Explainer(network)
    explanation = explainer.explain(images, target=function, method="HiResCAM")
    assert_same_map(explanation.raw, np.sum(gradients * maps, axis=-1))
    assert explanation.target is function and explanation.score == "logit"
    assert (explanation.probabilities is None) == (activation is None)
    with pytest.raises(ValueError, match="de una clase"):
        cam.completeness_gap(explanation)


def test_score_cam_of_a_function_of_the_logits(images):
    explainer = cam.Explainer(network_with(dense()))
    raw = explainer.explain(images, target=lambda y: 3 * y[:, 1], method="Score-CAM").raw
    maps = maps_of(explainer.model, images)
    for image, activations, found in zip(images, maps, raw, strict=True):
        masks = tf.image.resize(activations.transpose(2, 0, 1)[..., np.newaxis], SIZE[:2]).numpy()
        lowest, highest = (bound(masks, axis=(1, 2), keepdims=True) for bound in (np.min, np.max))
        masks = np.divide(masks - lowest, highest - lowest, out=0 * masks, where=highest > lowest)
        scores = 3 * explainer.model(image * masks).numpy()[:, 1]
        assert_same_map(found, activations @ softmax(scores).numpy())


def test_the_output_of_a_regression(images):
    network = network_with(dense(1))
    explanation = cam.Explainer(network).explain(images, target=lambda y: y[:, 0], method="HiResCAM")
    expected = np.sum(maps_of(network, images) * weights_of(network)[0].reshape(10, 8, 4), axis=-1)
    assert_same_map(explanation.raw, expected)
    assert explanation.probabilities is None


@pytest.mark.parametrize(
    ("function", "options", "message"),
    [
        (lambda y: y, {}, r"un número por imagen.*\(None, 3\)"),
        (lambda y: tf.reduce_sum(y), {}, "un número por imagen"),
        (lambda y: 1.0, {}, "un número por imagen.*float"),
        (lambda y: tf.ones(tf.shape(y)[:1]), {}, "no depende"),
        (a_difference, {"score": "probability"}, "quita «score»"),
    ],
)
def test_rejects_a_function_that_cannot_be_explained(function, options, message, images):
    with pytest.raises(ValueError, match=message):
        cam.Explainer(network_with(dense())).explain(images, target=function, **options)


def backward_passes(explainer, score):
    """Cuántas veces deriva una convolución lo que se compila para explicar una clase."""
    explainer.record(random_images(1, *SIZE), layer="primera", target=0, score=score)
    (compiled,) = explainer._passes._compiled.values()
    return sum(operation.type == "Conv2DBackpropInput" for operation in compiled.graph.get_operations())


@pytest.mark.parametrize("score", cam.SCORES)
def test_a_probability_takes_one_backward_pass_whatever_the_number_of_classes(score):
    inputs = keras.Input(SIZE)
    hidden = layers.Flatten()(conv(name="segunda")(conv(name="primera")(inputs)))
    network = keras.Model(inputs, layers.Dense(200, activation="softmax")(hidden))
    assert backward_passes(cam.Explainer(network), score) == 1


def test_functions_that_are_not_used_any_more_are_dropped(images, monkeypatch):
    from gradcam_helpers.engine import passes

    monkeypatch.setattr(passes, "MOST_COMPILED", 2)
    explainer = cam.Explainer(network_with(dense()))
    for factor in range(1, 5):
        raw = explainer.explain(images, target=lambda y, factor=factor: factor * y[:, 0]).raw
        assert_same_map(raw, factor * explainer.explain(images, target=0).raw)
        assert len(explainer._passes._compiled) <= 2
