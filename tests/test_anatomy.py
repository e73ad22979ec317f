"""Por dentro de un clasificador: sus capas, sus logits y lo que se anota al pasar un lote."""

import threading

import numpy as np
import pytest
from toy_models import pooled_network, random_images, smooth_network

from gradcam_helpers.engine import anatomy
from gradcam_helpers.engine.backend import keras, tf

layers = keras.layers


def column(*inner, name="columna"):
    return keras.Sequential([keras.Input((8, 8, 2)), *inner], name=name)


def classifier(*last):
    return keras.Sequential([keras.Input((8, 8, 2)), layers.Conv2D(3, 3), layers.Flatten(), *last])


class Subclassed(keras.Model):
    """Un modelo escrito como una clase: Keras no guarda su grafo."""

    def __init__(self):
        super().__init__()
        self.convolution = layers.Conv2D(3, 3, name="convolucion")
        self.outputs_of_class = layers.Dense(2)

    def call(self, inputs):
        return self.outputs_of_class(tf.reduce_mean(self.convolution(inputs), axis=(1, 2)))


# Capas


def test_the_layers_of_a_nested_model_carry_its_name():
    inner = column(layers.Conv2D(2, 3, name="conv"), name="dentro")
    outer = column(inner, layers.ReLU(name="relu"))
    network = keras.Sequential([keras.Input((8, 8, 2)), outer, layers.Flatten(name="aplanar")], name="red")
    paths = anatomy.layers_by_path(network)
    assert list(paths) == [
        "columna",
        "columna/dentro",
        "columna/dentro/conv",
        "columna/relu",
        "aplanar",
    ]
    assert paths["columna/dentro/conv"] is inner.layers[0]
    assert paths["columna/dentro"] is inner


def test_which_layers_give_maps():
    inputs = keras.Input((8, 8, 2), name="entrada")
    maps = layers.Conv2D(3, 3, name="convolucion")(inputs)
    point = layers.GlobalAveragePooling2D(keepdims=True, name="un_punto")(maps)
    outputs = layers.Dense(2, name="densa")(layers.Flatten(name="aplanar")(point))
    network = keras.Model(inputs, outputs)
    given = {layer.name: anatomy.gives_maps(layer) for layer in network.layers}
    assert given == {
        "entrada": False,
        "convolucion": True,
        "un_punto": False,
        "aplanar": False,
        "densa": False,
    }


@pytest.mark.parametrize("shape", [(1, 4), (4, 1), (None, None)])
def test_a_map_may_be_one_row_or_of_any_size(shape):
    inputs = keras.Input((*shape, 2))
    layer = layers.Conv2D(3, 1)
    layer(inputs)
    assert anatomy.gives_maps(layer)


def test_a_layer_with_several_outputs_gives_no_map():
    inputs = keras.Input((8, 8, 2))
    several = keras.Model(inputs, [layers.Conv2D(3, 3)(inputs), layers.Conv2D(3, 3)(inputs)])
    several(keras.Input((8, 8, 2)))
    assert not anatomy.gives_maps(several)


def test_a_layer_without_a_graph_gives_no_map():
    network = keras.Sequential([keras.Input((8, 8, 2)), Subclassed()])
    assert not anatomy.gives_maps(network.layers[0].convolution)


# Logits


DENSE_HEADS = [
    (lambda: [layers.Dense(4)], "linear", 4),
    (lambda: [layers.Dense(4, activation="softmax")], "softmax", 4),
    (lambda: [layers.Dense(4, activation="sigmoid")], "sigmoid", 4),
    (lambda: [layers.Dense(1, activation="sigmoid")], "sigmoid", 2),
    (lambda: [layers.Dense(1)], "linear", 2),
]
SEPARATE_HEADS = [
    (lambda: [layers.Dense(4), layers.Softmax()], "softmax", 4),
    (lambda: [layers.Dense(4), layers.Activation("softmax")], "softmax", 4),
    (lambda: [layers.Dense(4), layers.Activation("sigmoid")], "sigmoid", 4),
    (lambda: [layers.Dense(4), layers.Activation("linear")], "linear", 4),
    (lambda: [layers.Dense(1), layers.Activation("sigmoid")], "sigmoid", 2),
]


@pytest.mark.parametrize(("last", "activation", "classes"), DENSE_HEADS + SEPARATE_HEADS)
def test_finds_the_activation_of_the_last_layer(last, activation, classes):
    network = classifier(*last())
    head = anatomy.find_head(network)
    assert head.layer is network.layers[-1]
    assert head.activation is keras.activations.get(activation)
    assert head.classes == classes


def test_finds_the_head_within_a_nested_model():
    inner = classifier(layers.Dense(4, activation="softmax"))
    network = keras.Sequential([keras.Input((8, 8, 2)), keras.Sequential([inner])])
    assert anatomy.find_head(network).layer is inner.layers[-1]


def test_finds_the_head_of_one_of_several_outputs_of_a_nested_model():
    inputs = keras.Input((8, 8, 2))
    hidden = layers.Flatten()(layers.Conv2D(3, 3)(inputs))
    first, second = layers.Dense(2, name="primera"), layers.Dense(3, name="segunda")
    inner = keras.Model(inputs, [first(hidden), second(hidden)])
    inputs = keras.Input((8, 8, 2))
    network = keras.Model(inputs, inner(inputs)[1])
    assert anatomy.find_head(network).layer is second


def test_logits_are_what_softmax_turns_into_the_prediction():
    network, images = smooth_network(), random_images(2, 12, 10, 3)
    before_last = keras.Model(network.inputs[0], network.layers[-1].input)(images)
    logits = anatomy.dense_before_activation(network.layers[-1], before_last)
    assert logits.shape == (2, 3)
    assert np.allclose(tf.nn.softmax(logits), network(images), atol=1e-6)
    assert not np.allclose(logits, network(images), atol=0.1)


def test_logits_without_bias():
    layer = layers.Dense(2, use_bias=False, activation="softmax")
    layer.build((None, 3))
    inputs = np.eye(3, dtype=np.float32)
    assert np.allclose(anatomy.dense_before_activation(layer, inputs), layer.kernel.numpy())


def test_logits_with_16_bit_inputs_are_of_32_bits():
    layer = layers.Dense(2, activation="softmax", dtype="mixed_bfloat16")
    layer.build((None, 3))
    logits = anatomy.dense_before_activation(layer, tf.ones((1, 3), tf.bfloat16))
    assert logits.dtype == tf.float32


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (lambda: keras.Sequential([layers.Conv2D(2, 3), layers.Dense(2)]), "estar construido"),
        (Subclassed, "secuencial o funcional"),
        (lambda: classifier(layers.Dense(2, activation="relu")), "«.*», la última capa"),
        (lambda: classifier(layers.Dense(2, activation=lambda x: x)), "«.*», la última capa"),
        (lambda: classifier(layers.Dense(2, activation="log_softmax")), "«.*», la última capa"),
        (lambda: classifier(layers.Dense(2), layers.Activation("tanh")), "«.*», la última capa"),
        (lambda: classifier(layers.Dense(2), layers.ReLU(name="relu")), "«relu», la última capa"),
        (lambda: classifier(layers.Dense(2), layers.Lambda(tf.nn.softmax)), "«lambda.*», la última capa"),
        (
            lambda: classifier(layers.Dense(2, activation="softmax"), layers.Flatten()),
            "«flatten.*», la última",
        ),
        (lambda: classifier(layers.Dense(1, activation="softmax")), "vale siempre 1"),
        (lambda: classifier(layers.Dense(1), layers.Softmax()), "vale siempre 1"),
        (lambda: column(layers.Conv2D(2, 3)), r"\(N, clases\).*\(None, 6, 6, 2\)"),
        (lambda: keras.Sequential([keras.Input((8, 8, 2)), Subclassed()]), "«subclassed.*», la última capa"),
    ],
)
def test_rejects_a_head_that_cannot_be_read(network, message):
    with pytest.raises(ValueError, match=message):
        anatomy.find_head(network())


def test_rejects_an_operation_that_is_not_a_layer():
    inputs = keras.Input((8, 8, 2))
    outputs = keras.ops.softmax(layers.Dense(2)(layers.Flatten()(inputs)))
    with pytest.raises(ValueError, match="«softmax.*», la última capa.*Activation"):
        anatomy.find_head(keras.Model(inputs, outputs))


@pytest.mark.parametrize("several", ["inputs", "outputs"])
def test_rejects_several_inputs_or_outputs(several):
    first, second = keras.Input((8, 8, 2)), keras.Input((8, 8, 2))
    merged = layers.Flatten()(layers.Add()([first, second]))
    outputs = [layers.Dense(2)(merged), layers.Dense(2)(merged)]
    if several == "inputs":
        network = keras.Model([first, second], outputs[0])
    else:
        network = keras.Model(first, [layers.Dense(2)(layers.Flatten()(first)) for _ in range(2)])
    with pytest.raises(ValueError, match="una entrada y una salida"):
        anatomy.find_head(network)


# Para CAM


def feeds(network, path: str) -> bool:
    return anatomy.feeds_global_average(anatomy.layers_by_path(network)[path], anatomy.find_head(network))


@pytest.mark.parametrize(
    "last",
    [
        [layers.Dense(2, activation="softmax")],
        [layers.Dropout(0.5), layers.Dense(2)],
        [layers.Dropout(0.5), layers.Dropout(0.5), layers.Dense(2), layers.Softmax()],
        [layers.Dense(2), layers.Activation("softmax")],
        [layers.Dense(1, activation="sigmoid")],
    ],
)
def test_a_convolution_before_the_global_average_and_the_dense_layer(last):
    assert feeds(pooled_network(*last), "ultima")


@pytest.mark.parametrize(
    "last",
    [
        [layers.Dense(4, activation="relu"), layers.Dense(2)],
        [layers.Dense(4, activation="relu"), layers.Softmax()],
        [layers.Dense(4, activation="softmax"), layers.Activation("linear")],
        [layers.Activation("linear"), layers.Softmax()],
        [layers.BatchNormalization(), layers.Dense(2)],
        [layers.Softmax()],
        [layers.Activation("linear")],
    ],
)
def test_something_else_between_the_global_average_and_the_logits(last):
    assert not feeds(pooled_network(*last), "ultima")


@pytest.mark.parametrize(
    ("after", "pooling"),
    [
        ([], layers.GlobalMaxPooling2D()),
        ([], layers.Flatten()),
        ([layers.ReLU()], layers.GlobalAveragePooling2D()),
        ([layers.MaxPooling2D(2)], layers.GlobalAveragePooling2D()),
    ],
)
def test_something_else_after_the_convolution(after, pooling):
    network = column(layers.Conv2D(3, 3, name="conv"), *after, pooling, layers.Dense(2))
    assert not feeds(network, "conv")


def test_a_branch_does_not_reach_the_global_average_alone():
    inputs = keras.Input((8, 8, 2))
    first, second = (layers.Conv2D(2, 3, name=name)(inputs) for name in ("primera", "segunda"))
    pooled = layers.GlobalAveragePooling2D()(layers.Add(name="suma")([first, second]))
    network = keras.Model(inputs, layers.Dense(2)(pooled))
    assert not feeds(network, "primera") and not feeds(network, "segunda")
    assert feeds(network, "suma")


@pytest.mark.parametrize("pooling", [False, True])
def test_a_nested_backbone_before_the_global_average(pooling):
    average = [layers.GlobalAveragePooling2D()]
    inner = column(layers.Conv2D(3, 3, name="conv"), layers.ReLU(name="relu"), *(average if pooling else []))
    network = keras.Sequential(
        [keras.Input((8, 8, 2)), inner, *([] if pooling else average), layers.Dense(2)]
    )
    assert feeds(network, "columna/relu")
    assert not feeds(network, "columna/conv")
    if not pooling:
        assert feeds(network, "columna")


# Lo que se anota


def test_records_what_enters_and_leaves_each_layer():
    network, images = pooled_network(), random_images(2, 6, 7, 3)
    convolution, average, dense = network.layers
    calls = anatomy.record_calls(network, images, [dense, convolution])
    assert list(calls) == [dense, convolution]
    assert np.allclose(calls[convolution].outputs, convolution(images))
    assert np.allclose(calls[dense].inputs, average(convolution(images)))
    assert np.allclose(calls[dense].outputs, network(images))


def test_watches_every_output_as_it_comes():
    network, watched = pooled_network(), []
    calls = anatomy.record_calls(network, random_images(2, 6, 7, 3), network.layers[:2], watched.append)
    assert [output.shape for output in watched] == [(2, 6, 7, 4), (2, 4)]
    assert all(calls[layer].outputs is output for layer, output in zip(calls, watched, strict=True))


def test_records_in_inference_mode():
    network = column(layers.Conv2D(3, 3), layers.Dropout(0.9), layers.Flatten(), layers.Dense(2))
    images = random_images(2, 8, 8, 2)
    dropout = network.layers[1]
    call = anatomy.record_calls(network, images, [dropout])[dropout]
    assert np.array_equal(call.inputs, call.outputs)


def test_records_a_layer_that_is_called_with_a_keyword():
    inputs = keras.Input((8, 8, 2))
    dense = layers.Dense(2)
    network = keras.Model(inputs, dense(inputs=layers.Flatten()(inputs)))
    images = random_images(2, 8, 8, 2)
    assert np.array_equal(anatomy.record_calls(network, images, [dense])[dense].inputs, images.reshape(2, -1))


def test_the_same_layer_twice_is_recorded_once():
    network, images = pooled_network(), random_images(2, 6, 7, 3)
    layer = network.layers[0]
    assert list(anatomy.record_calls(network, images, [layer, layer])) == [layer]
    assert "call" not in vars(layer)


def test_every_layer_gets_its_own_call_back():
    network, images = pooled_network(), random_images(2, 6, 7, 3)
    original, during = network.layers[0].call, []
    anatomy.record_calls(
        network, images, network.layers, lambda outputs: during.append("call" in vars(network.layers[0]))
    )
    assert during == [True] * 3
    assert network.layers[0].call == original
    assert not any("call" in vars(layer) for layer in network.layers)


def test_every_layer_gets_its_own_call_back_after_a_failure():
    def fail(outputs):
        raise RuntimeError("falla al observar")

    network = pooled_network()
    with pytest.raises(RuntimeError, match="falla al observar"):
        anatomy.record_calls(network, random_images(2, 6, 7, 3), network.layers, fail)
    assert not any("call" in vars(layer) for layer in network.layers)


@pytest.mark.parametrize("times", [0, 2, 3])
def test_rejects_a_layer_that_is_not_used_once(times):
    layer = layers.Conv2D(2, 3, padding="same", name="compartida")
    hidden = inputs = keras.Input((8, 8, 2))
    for _ in range(times):
        hidden = layer(hidden)
    network = keras.Model(inputs, layers.Flatten()(hidden))
    with pytest.raises(ValueError, match=f"usa {times} veces la capa «compartida»"):
        anatomy.record_calls(network, random_images(1, 8, 8, 2), [layer])


def test_networks_that_share_layers_are_recorded_in_several_threads():
    """Anotar sustituye el `call` de las capas mientras pasa el lote: dos hilos no deben cruzarse."""
    network = smooth_network()
    images = random_images(2, 12, 10, 3)
    last = network.layers[-1]
    other = keras.Model(network.input, layers.Dense(3, name="otra")(last.input))
    expected = [model(images).numpy() for model in (network, other)]
    found = [[], []]

    def record(order, model):
        for _ in range(40):
            (call,) = anatomy.record_calls(model, images, model.layers[-1:]).values()
            shared = anatomy.record_calls(model, images, model.layers[1:2])
            found[order].append((call.outputs.numpy(), len(shared)))

    threads = [threading.Thread(target=record, args=each) for each in enumerate((network, other))]
    for thread in threads:
        thread.start()
    for _ in range(200):  # quien usa la red mientras tanto no entra en lo anotado
        network(images)
    for thread in threads:
        thread.join()
    for outputs, calls in zip(expected, found, strict=True):
        assert len(calls) == 40
        for one, count in calls:
            assert np.array_equal(one, outputs) and count == 1
    assert not any("call" in vars(layer) for layer in {*network.layers, *other.layers})
