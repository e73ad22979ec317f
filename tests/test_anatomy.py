"""Por dentro de un clasificador: sus capas, sus logits y lo que se anota al pasar un lote."""

import contextlib
import threading

import numpy as np
import pytest
from toy_models import pooled_network, random_images, smooth_network

from gradcam_helpers.engine import anatomy
from gradcam_helpers.engine.backend import keras, tf
from gradcam_helpers.engine.head import LINEAR, SIGMOID, SOFTMAX

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


def test_two_layers_with_the_same_name_have_two_names():
    class Twins(keras.Model):
        def __init__(self):
            super().__init__(name="gemelas")
            self.pair = [layers.Conv2D(2, 1, name="conv"), layers.Conv2D(2, 1, name="conv")]

        def call(self, inputs):
            return self.pair[1](self.pair[0](inputs))

    twins = Twins()
    network = keras.Sequential([keras.Input((8, 8, 2)), twins, layers.Flatten(), layers.Dense(2)])
    names = anatomy.Anatomy(network).layer_names
    assert names == ["gemelas/conv", "gemelas/conv (2)"]
    assert [anatomy.layers_by_path(network)[name] for name in names] == twins.pair


def test_which_layers_give_maps():
    inputs = keras.Input((8, 8, 2), name="entrada")
    maps = layers.Conv2D(3, 3, name="convolucion")(inputs)
    point = layers.GlobalAveragePooling2D(keepdims=True, name="un_punto")(maps)
    outputs = layers.Dense(2, name="densa")(layers.Flatten(name="aplanar")(point))
    inside = anatomy.Anatomy(keras.Model(inputs, outputs))
    assert [name for name in inside.layers if inside.calls(name) and inside.gives_maps(name)] == [
        "convolucion"
    ]


@pytest.mark.parametrize("shape", [(1, 4), (4, 1), (None, None)])
def test_a_map_may_be_one_row_or_of_any_size(shape):
    last = [layers.GlobalAveragePooling2D(), layers.Dense(2)]
    network = keras.Sequential([keras.Input((*shape, 2)), layers.Conv2D(3, 1, name="conv"), *last])
    assert anatomy.Anatomy(network).layer_names == ["conv"]


def test_a_layer_with_several_outputs_gives_no_map():
    inputs = keras.Input((8, 8, 2))
    pair = keras.Model(inputs, [layers.Conv2D(3, 3)(inputs), layers.Conv2D(3, 3)(inputs)], name="dos")
    inputs = keras.Input((8, 8, 2))
    outputs = layers.Dense(2)(layers.Flatten()(layers.Add()(pair(inputs))))
    assert not anatomy.Anatomy(keras.Model(inputs, outputs)).gives_maps("dos")


# Logits


DENSE_HEADS = [
    (lambda: [layers.Dense(4)], LINEAR, 4),
    (lambda: [layers.Dense(4, activation="softmax")], SOFTMAX, 4),
    (lambda: [layers.Dense(4, activation="sigmoid")], SIGMOID, 4),
    (lambda: [layers.Dense(1, activation="sigmoid")], SIGMOID, 2),
    (lambda: [layers.Dense(1)], LINEAR, 2),
]
SEPARATE_HEADS = [
    (lambda: [layers.Dense(4), layers.Softmax()], SOFTMAX, 4),
    (lambda: [layers.Dense(4), layers.Activation("softmax")], SOFTMAX, 4),
    (lambda: [layers.Dense(4), layers.Activation("sigmoid")], SIGMOID, 4),
    (lambda: [layers.Dense(4), layers.Activation("linear")], LINEAR, 4),
    (lambda: [layers.Dense(1), layers.Activation("sigmoid")], SIGMOID, 2),
]


@pytest.mark.parametrize(("last", "activation", "classes"), DENSE_HEADS + SEPARATE_HEADS)
def test_finds_the_activation_of_the_last_layer(last, activation, classes):
    found = anatomy.Anatomy(classifier(*last())).head
    assert (found.activation, found.classes) == (activation, classes)


@pytest.mark.filterwarnings("ignore:You are using a softmax over axis -1:UserWarning")
@pytest.mark.parametrize(
    ("network", "message"),
    [
        (lambda: keras.Sequential([layers.Conv2D(2, 3), layers.Dense(2)]), "estar construido"),
        (Subclassed, "secuencial o funcional.*keras.Input"),
        (lambda: classifier(layers.Dense(2, activation="relu")), "«Relu»"),
        (lambda: classifier(layers.Dense(2), layers.Activation("tanh")), "«Tanh»"),
        (lambda: classifier(layers.Dense(2), layers.ReLU(name="rectificar")), "«Relu».*rectificar"),
        (lambda: classifier(layers.Dense(1, activation="softmax")), "vale siempre 1"),
        (lambda: classifier(layers.Dense(1), layers.Softmax()), "vale siempre 1"),
        (lambda: column(layers.Conv2D(2, 3)), r"\(N, clases\).*\(None, 6, 6, 2\)"),
    ],
)
def test_rejects_a_head_that_cannot_be_read(network, message):
    with pytest.raises(ValueError, match=message):
        anatomy.Anatomy(network())


def test_rejects_several_inputs():
    first, second = keras.Input((8, 8, 2)), keras.Input((8, 8, 2))
    outputs = layers.Dense(2)(layers.Flatten()(layers.Add()([first, second])))
    with pytest.raises(ValueError, match="una sola entrada.*tiene 2"):
        anatomy.Anatomy(keras.Model([first, second], outputs))


def test_says_how_to_choose_one_of_several_outputs():
    inputs = keras.Input((8, 8, 2))
    hidden = layers.Flatten()(layers.Conv2D(3, 3)(inputs))
    network = keras.Model(
        inputs, [layers.Dense(2, name="clase")(hidden), layers.Dense(1, name="edad")(hidden)]
    )
    with pytest.raises(ValueError, match=r"keras.Model\(modelo.input, modelo.outputs\[k\]\)"):
        anatomy.Anatomy(network)
    assert anatomy.Anatomy(keras.Model(network.input, network.outputs[0])).classes == 2


# Para CAM


def feeds(network, path: str) -> bool:
    return anatomy.Anatomy(network).feeds_global_average(path)


@pytest.mark.parametrize(
    "last",
    [
        [layers.Dense(2, activation="softmax")],
        [layers.Dropout(0.5), layers.Dense(2)],
        [layers.Dropout(0.5), layers.Dropout(0.5), layers.Dense(2), layers.Softmax()],
        [layers.Dense(2), layers.Activation("softmax")],
        [layers.Dense(2, activation="softmax"), layers.Activation("linear", dtype="float32")],
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
    (first, last), answer = anatomy.record_calls(network, images, [dense, convolution])
    assert [first.layer, last.layer] == [convolution, dense]
    assert np.allclose(first.outputs, convolution(images))
    assert np.allclose(last.inputs[0], average(convolution(images)))
    assert np.allclose(last.outputs, network(images))
    assert np.array_equal(answer, last.outputs)


def test_records_in_inference_mode():
    network = column(layers.Conv2D(3, 3), layers.Dropout(0.9), layers.Flatten(), layers.Dense(2))
    (call,), _ = anatomy.record_calls(network, random_images(2, 8, 8, 2), [network.layers[1]])
    assert np.array_equal(call.inputs[0], call.outputs)


def test_records_a_layer_that_is_called_with_a_keyword():
    inputs = keras.Input((8, 8, 2))
    dense = layers.Dense(2)
    network = keras.Model(inputs, dense(inputs=layers.Flatten()(inputs)))
    images = random_images(2, 8, 8, 2)
    (call,), _ = anatomy.record_calls(network, images, [dense])
    assert np.array_equal(call.inputs[0], images.reshape(2, -1))


def test_the_same_layer_twice_is_recorded_once():
    network, images = pooled_network(), random_images(2, 6, 7, 3)
    layer = network.layers[0]
    assert len(anatomy.record_calls(network, images, [layer, layer])[0]) == 1
    assert "call" not in vars(layer)


class Spy(layers.Layer):
    """Mira, al pasar, si el `call` de una capa está sustituido."""

    watched, seen = None, ()

    def call(self, inputs):
        Spy.seen = (*Spy.seen, "call" in vars(Spy.watched))
        if Spy.watched is self:
            raise RuntimeError("falla al pasar")
        return inputs


@pytest.mark.parametrize("fails", [False, True])
def test_every_layer_gets_its_own_call_back(fails, monkeypatch):
    network = column(layers.Conv2D(2, 3), layers.Flatten())
    spy = Spy()
    monkeypatch.setattr(Spy, "watched", network.layers[0])
    monkeypatch.setattr(Spy, "seen", ())
    network.add(spy)
    Spy.watched, Spy.seen = spy if fails else network.layers[0], ()
    original = network.layers[0].call
    with pytest.raises(RuntimeError, match="falla al pasar") if fails else contextlib.nullcontext():
        anatomy.record_calls(network, random_images(2, 8, 8, 2), network.layers)
    assert Spy.seen == (True,)
    assert network.layers[0].call == original
    assert not any("call" in vars(layer) for layer in network.layers)


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
            (call,), _ = anatomy.record_calls(model, images, model.layers[-1:])
            shared, _ = anatomy.record_calls(model, images, model.layers[1:2])
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
