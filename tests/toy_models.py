"""Lo que comparten las pruebas del motor: redes e imágenes diminutas, y cómo comparar mapas y modelos."""

import numpy as np

from gradcam_helpers.engine import anatomy
from gradcam_helpers.engine.backend import keras

layers = keras.layers


def random_images(count: int, *shape: int, seed: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).random((count, *shape), np.float32)


def assert_same_map(raw, expected, tolerance: float = 1e-4):
    """Iguales salvo una fracción del mayor valor: en un mapa, lo que cuenta es la diferencia en su escala."""
    scale = np.abs(expected).max()
    assert scale > 0, "un mapa de ceros no prueba nada"
    assert raw.shape == expected.shape
    np.testing.assert_allclose(raw, expected, rtol=0, atol=tolerance * scale)


def with_random_weights(network, seed: int = 0):
    """Da a la red pesos al azar, los mismos para la misma estructura, también donde Keras pone ceros o unos.

    Con los sesgos en 0 y las normalizaciones en 1 se cumplirían identidades que no deben cumplirse.
    """
    generator = np.random.default_rng(seed)
    for weight in network.weights:
        values = generator.normal(size=weight.shape)
        if len(weight.shape) == 1:
            values = 0.3 * values
        else:
            inputs = weight.shape[:2] if "depthwise" in weight.path else weight.shape[:-1]
            values *= np.sqrt(2 / np.prod(inputs))
        if "gamma" in weight.path or "variance" in weight.path:
            values = 1 + np.abs(values)
        weight.assign(values)
    return network


def smooth_network(*last, dtype: str = "float32"):
    """La red del curso en pequeño; con activaciones suaves, para poder derivarla también por diferencias.

    Argumentos:
        last: las capas en que acaba; por omisión, una densa de 3 clases con softmax.
    """
    last = last or (layers.Dense(3, activation="softmax", name="salida", dtype=dtype),)
    convolution = {"padding": "same", "activation": "softplus", "dtype": dtype}
    inputs = keras.Input((12, 10, 3), name="imagen", dtype=dtype)
    features = layers.Conv2D(4, 3, name="primera", **convolution)(inputs)
    features = layers.MaxPooling2D(2, name="agrupamiento", dtype=dtype)(features)
    features = layers.Conv2D(5, 3, name="segunda", **convolution)(features)
    outputs = layers.Dropout(0.5, dtype=dtype)(layers.Flatten(name="aplanar", dtype=dtype)(features))
    outputs = layers.Dense(6, activation="tanh", name="densa", dtype=dtype)(outputs)
    for layer in last:
        outputs = layer(outputs)
    return with_random_weights(keras.Model(inputs, outputs, name="suave"))


def piecewise_linear_network(dtype: str = "float32"):
    """Lineal a trozos y con desplazamientos de todas las clases: sesgos, normalización y cambio de escala."""
    relu = {"padding": "same", "activation": "relu", "dtype": dtype}
    network = keras.Sequential(
        [
            keras.Input((8, 6, 2), dtype=dtype),
            layers.Conv2D(6, 3, name="primera", **relu),
            layers.BatchNormalization(name="normalizacion", dtype=dtype),
            layers.ReLU(name="relu", dtype=dtype),
            layers.MaxPooling2D(2, name="agrupamiento", dtype=dtype),
            layers.DepthwiseConv2D(3, name="por_canal", **relu),
            layers.Rescaling(2.0, offset=-0.25, name="escala", dtype=dtype),
            layers.Conv2D(5, 3, name="ultima", **relu),
            layers.Flatten(dtype=dtype),
            layers.Dropout(0.5, dtype=dtype),
            layers.Dense(7, activation="relu", dtype=dtype),
            layers.Dense(3, dtype=dtype),
        ]
    )
    return with_random_weights(network)


def pooled_network(*last):
    """Una convolución, un promedio global y, por omisión, una densa de 3 clases con softmax: tiene CAM."""
    network = keras.Sequential(
        [
            keras.Input((6, 7, 3)),
            layers.Conv2D(4, 3, activation="relu", padding="same", name="ultima"),
            layers.GlobalAveragePooling2D(),
            *(last or (layers.Dense(3, activation="softmax", name="salida"),)),
        ]
    )
    return with_random_weights(network)


def network_with_a_network_inside():
    """La red del curso en pequeño, con una red dentro y normalización por lotes."""
    keras.utils.set_random_seed(3)
    inner = keras.Sequential(
        [
            keras.Input((6, 5, 4)),
            layers.SeparableConv2D(4, 3, padding="same", activation="relu", name="separable"),
            layers.BatchNormalization(name="normalizacion"),
        ],
        name="interior",
    )
    inputs = keras.Input((6, 5, 3), name="imagen")
    features = layers.Conv2D(4, 3, padding="same", activation="relu", name="primera")(inputs)
    features = layers.Conv2D(4, 3, padding="same", activation="relu", name="ultima")(inner(features))
    hidden = layers.Dropout(0.5)(layers.Flatten()(features))
    seeded = keras.initializers.GlorotUniform(seed=1)
    outputs = layers.Dense(3, "softmax", kernel_initializer=seeded, name="salida")(hidden)
    return keras.Model(inputs, outputs)


def linear_head(weights: np.ndarray, bias=0.0, activation="softmax"):
    """Una convolución que deja pasar cada canal, y una densa con los pesos dados sobre todos sus valores.

    Argumentos:
        weights: (alto, ancho, canales, clases).
    """
    height, width, channels, classes = weights.shape
    network = keras.Sequential(
        [
            keras.Input((height, width, channels)),
            layers.Conv2D(channels, 1, use_bias=False, name="paso"),
            layers.Flatten(),
            layers.Dense(classes, activation=activation, name="salida"),
        ]
    )
    identity = np.eye(channels)[np.newaxis, np.newaxis]
    network.set_weights([identity, weights.reshape(-1, classes), np.broadcast_to(bias, classes)])
    return network


def network_with_infinite_activations():
    """Un filtro de la primera capa da −∞, que la ReLU deja en 0: los logits son finitos."""
    network = keras.Sequential(
        [
            keras.Input((6, 5, 2)),
            layers.Conv2D(3, 3, name="primera"),
            layers.ReLU(),
            layers.Conv2D(3, 3, name="segunda"),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )
    network.get_layer("primera").bias.assign([0, -np.inf, 0])
    return network


class Counter(layers.Layer):
    """Cuenta las veces que se traza: una función compilada no vuelve a pasar por aquí."""

    traces = 0

    def call(self, inputs):
        Counter.traces += 1
        return inputs


def state(network) -> dict:
    """Todo lo que una explicación no debe cambiar."""
    flat = [network, *anatomy.layers_by_path(network).values()]
    return {
        "atributos": [sorted(vars(layer)) for layer in flat],
        "activaciones": [getattr(layer, "activation", None) for layer in flat],
        "nodos": [(len(layer._inbound_nodes), len(layer._outbound_nodes)) for layer in flat],
        "entrenables": [layer.trainable for layer in flat],
        "compilado": [
            getattr(network, name, None) for name in ("compiled", "optimizer", "loss", "jit_compile")
        ],
        "política": keras.config.dtype_policy(),
    }
