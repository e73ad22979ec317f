"""Por dentro de cualquier clasificador de Keras: sus capas, también las anidadas, y sus logits."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gradcam_helpers.engine.backend import keras, tf

CONVOLUTIONS = (
    keras.layers.Conv2D,
    keras.layers.Conv2DTranspose,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv2D,
)
LAST_LAYERS = (
    keras.layers.Dense,
    keras.layers.Activation,
    keras.layers.Softmax,
    keras.layers.GlobalAveragePooling2D,
)
ONE_AT_A_TIME = threading.RLock()  # dos modelos pueden compartir las capas cuyo `call` se sustituye
LINEAR, SOFTMAX, SIGMOID = (
    keras.activations.linear,
    keras.activations.softmax,
    keras.activations.sigmoid,
)


class Anatomy:
    """Un clasificador de imágenes por dentro. No lo cambia.

    Atributos:
        model: el modelo.
        layers: todas las capas con su nombre; las de un modelo anidado, con el de este delante.
        layer_names: nombre de las capas convolucionales, en el orden de la red.
        head: de dónde se leen los logits.

    Errores:
        TypeError: no es un modelo de Keras.
        ValueError: no tiene capas convolucionales, no recibe imágenes o no es un clasificador cuyos logits se
            sepan leer.
    """

    def __init__(self, model: keras.Model):
        if not isinstance(model, keras.Model):
            raise TypeError(f"Hace falta un modelo de Keras, y esto es «{type(model).__name__}».")
        self.model, self.head = model, find_head(model)
        if len(model.input_shape) != 4:
            raise ValueError(
                f"El modelo debe recibir imágenes, (N, alto, ancho, canales), y recibe {model.input_shape}."
            )
        self.layers = layers_by_path(model)
        self.layer_names = [
            path
            for path, layer in self.layers.items()
            if isinstance(layer, CONVOLUTIONS) and gives_maps(layer)
        ]
        if not self.layer_names:
            raise ValueError("El modelo no tiene capas convolucionales que explicar.")

    @property
    def image_shape(self) -> tuple[int | None, int | None, int | None]:
        """Alto, ancho y canales de las imágenes que recibe; None donde vale cualquiera."""
        return self.model.input_shape[1:]

    @property
    def classes(self) -> int:
        return self.head.classes


def layers_by_path(model: keras.Model) -> dict[str, keras.layers.Layer]:
    """Todas las capas con su nombre; las de un modelo anidado, con el de este delante: «columna/conv5»."""
    return dict(_walk(model, ""))


def _walk(model: keras.Model, prefix: str) -> Iterator[tuple[str, keras.layers.Layer]]:
    for layer in model.layers:
        yield prefix + layer.name, layer
        if isinstance(layer, keras.Model):
            yield from _walk(layer, f"{prefix}{layer.name}/")


def gives_maps(layer: keras.layers.Layer) -> bool:
    """Si de una capa salen mapas, (N, alto, ancho, filtros), con más de una posición."""
    try:
        shape = layer.output.shape
    except AttributeError:  # da varias salidas, o está dentro de un modelo que no es funcional
        return False
    return len(shape) == 4 and shape[1:3] != (1, 1) and not isinstance(layer, keras.layers.InputLayer)


@dataclass
class Call:
    """Lo que entró y lo que salió de una capa."""

    inputs: tf.Tensor
    outputs: tf.Tensor


def record_calls(model: keras.Model, images, layers, watch=None) -> dict[keras.layers.Layer, Call]:
    """Pasa un lote por un modelo y anota lo que entra y sale de cada capa; `watch` observa cada salida.

    Keras no ofrece las activaciones intermedias de cualquier modelo. Anotarlas al pasar vale para todos
    y deja cada capa como estaba: su `call` se sustituye solo mientras pasa el lote. Si otro hilo usa
    mientras tanto la capa, lo suyo no se anota; si quiere anotar, espera.

    Errores:
        ValueError: el modelo no usa una de esas capas, o la usa varias veces.
    """
    calls, thread = {layer: [] for layer in layers}, threading.get_ident()

    def recording(layer, original):
        def call(*args, **kwargs):
            outputs = original(*args, **kwargs)
            if threading.get_ident() != thread:
                return outputs
            if watch:
                # Una capa puede devolver lo mismo que recibe: la copia distingue los dos gradientes.
                outputs = tf.nest.map_structure(tf.identity, outputs)
                watch(outputs)
            calls[layer].append(Call(args[0] if args else kwargs.get("inputs"), outputs))
            return outputs

        return call

    with ONE_AT_A_TIME, contextlib.ExitStack() as restore:
        for layer in calls:
            # Con `object`: sin pasar por el registro que Keras lleva de lo que se asigna a una capa.
            object.__setattr__(layer, "call", recording(layer, layer.call))
            restore.callback(object.__delattr__, layer, "call")
        # La entrada de un modelo funcional puede ser una lista o un diccionario de un solo tensor.
        structure = getattr(model, "input", images)
        model(keras.tree.map_structure(lambda _: images, structure), training=False)
    for layer, times in calls.items():
        if len(times) != 1:
            raise ValueError(
                f"El modelo usa {len(times)} veces la capa «{layer.name}»: para explicarla debe usarla una."
            )
    return {layer: times[0] for layer, times in calls.items()}


@dataclass(frozen=True)
class Head:
    """El final de un clasificador: de dónde se leen sus logits.

    Atributos:
        layer: la última capa.
        activation: la activación que pone esa capa; `linear` si da ya los logits.
        outputs: cuántos números da. Uno solo, y, distingue dos clases.
    """

    layer: keras.layers.Layer
    activation: Callable
    outputs: int

    @property
    def classes(self) -> int:
        return max(2, self.outputs)

    def logits(self, call: Call):
        """Los logits, float32 (N, clases), de lo que entra y lo que sale de `layer`."""
        if self.activation is LINEAR:
            logits = call.outputs
        elif isinstance(self.layer, keras.layers.Dense):
            logits = dense_before_activation(self.layer, call.inputs)
        else:
            logits = call.inputs
        logits = tf.cast(logits, tf.float32)
        return tf.concat([-logits, logits], axis=-1) if self.outputs == 1 else logits

    def probabilities(self, logits):
        """Las probabilidades que corresponden a esos logits, con la misma forma.

        Si el modelo da logits, se supone la activación: sigmoide con una salida y softmax con varias.
        """
        independent = self.outputs == 1 or self.activation is SIGMOID
        return tf.nn.sigmoid(logits) if independent else tf.nn.softmax(logits)


def find_head(model: keras.Model) -> Head:
    """Busca los logits de un clasificador sin cambiar nada en él.

    La última capa puede ser una densa, una activación aparte o un promedio global; con softmax, con sigmoide
    o, si da ya los logits, sin activación. Si hay una sola salida y, distingue dos clases: el logit de la
    clase 1 es +y, y el de la clase 0, −y.

    Errores:
        ValueError: el modelo no está construido, tiene varias entradas o salidas, no es un clasificador o
            acaba de otra manera.
    """
    if len(getattr(model, "inputs", None) or ()) != 1 or len(model.outputs) != 1:
        raise ValueError(
            "El modelo debe ser secuencial o funcional, estar construido y tener una entrada y una salida."
        )
    shape = model.outputs[0].shape
    if len(shape) != 2 or shape[-1] is None:
        raise ValueError(f"El modelo debe dar un número por clase, (N, clases), y su salida es {shape}.")
    layer = producer(model.outputs[0])
    activation = SOFTMAX if isinstance(layer, keras.layers.Softmax) else getattr(layer, "activation", LINEAR)
    if not isinstance(layer, LAST_LAYERS) or activation not in (LINEAR, SOFTMAX, SIGMOID):
        raise ValueError(
            f"No se sabe leer los logits en «{layer.name}», la última capa: debe ser una densa, una "
            "activación o un promedio global, con softmax, con sigmoide o sin activación. Si ya da los "
            'logits, añade detrás una capa Activation("linear").'
        )
    if shape[-1] == 1 and activation is SOFTMAX:
        raise ValueError("La softmax de una sola salida vale siempre 1: el modelo no distingue nada.")
    return Head(layer, activation, shape[-1])


def producer(tensor) -> keras.Operation:
    """La capa de la que sale un tensor simbólico; si es un modelo funcional, la de dentro de la que sale."""
    operation, _, position = tensor._keras_history
    outputs = getattr(operation, "outputs", None) if isinstance(operation, keras.Model) else None
    return producer(outputs[position]) if outputs else operation


def dense_before_activation(layer: keras.layers.Dense, inputs):
    """Lo que calcula una capa densa antes de su activación, (N, unidades).

    La evalúa sin tocarla: quitarle la activación cambiaría también las predicciones del modelo.
    """
    logits = tf.matmul(tf.cast(inputs, tf.float32), layer.kernel)
    return logits + layer.bias if layer.use_bias else logits


def feeds_global_average(layer: keras.layers.Layer, head: Head) -> bool:
    """Si los mapas de esa capa van derechos a un promedio global y de ahí a la densa que da los logits.

    La densa y el promedio pueden estar fuera del modelo anidado de la capa, pero no en otro modelo anidado.
    """
    following = head.layer
    if not isinstance(following, keras.layers.Dense):
        following = producer(following.input)
        # Con una activación propia, los pesos de la densa no llegan tal cual al logit.
        if not isinstance(following, keras.layers.Dense) or following.activation is not LINEAR:
            return False
    previous = producer(following.input)
    while isinstance(previous, keras.layers.Dropout):  # al explicar no apaga nada
        previous = producer(previous.input)
    if not isinstance(previous, keras.layers.GlobalAveragePooling2D):
        return False
    return producer(previous.input) is producer(layer.output)
