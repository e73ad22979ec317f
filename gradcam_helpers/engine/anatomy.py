"""Por dentro de cualquier clasificador de Keras: sus capas, también las anidadas, y lo que dan sus mapas."""

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from gradcam_helpers.engine.backend import keras, tf
from gradcam_helpers.engine.graph import FILTERS, IDENTITIES, OPAQUE, POOLINGS, Graph
from gradcam_helpers.engine.head import Head, find_head

ONE_AT_A_TIME = threading.RLock()  # dos modelos pueden compartir las capas cuyo `call` se sustituye
# De los mapas al logit, lo que hay en una red que tiene CAM: un promedio global y una densa.
AVERAGE_AND_DENSE = ["Mean", "MatMul"]
WITHOUT_EFFECT = IDENTITIES | {"BiasAdd", "AddV2"}  # ninguna cambia la derivada


class Anatomy:
    """Un clasificador de imágenes por dentro. No lo cambia.

    Traza una pasada de imágenes por la red y lee en ella, y no en sus capas, lo que hace: una capa puede ser
    de varios modelos, y hacer en cada uno otra cosa.

    Atributos:
        model: el modelo.
        layers: todas las capas con su nombre; las de un modelo anidado, con el de este delante.
        layer_names: nombre de las que calculan mapas con filtros aprendidos, y de `default_layer`, en el
            orden de la red.
        default_layer: la que se explica por omisión. La última de ellas que hay camino de donde se pierde el
            espacio, con la normalización o la activación que la siga sin cambiar sus posiciones; o, si está
            en una rama, donde la rama se une al resto.
        head: de dónde se leen los logits.
        answer: la pasada, compilada: lo que la red da antes de su última activación, (N, salidas), y después.

    Errores:
        TypeError: no es un modelo de Keras.
        ValueError: no tiene capas convolucionales, no recibe imágenes o no es un clasificador cuyos logits se
            sepan leer.
    """

    def __init__(self, model: keras.Model):
        check_classifier(model)
        self.model, self.layers = model, layers_by_path(model)
        self.answer = _compiled(self._trace, model)
        self._choose_layers()

    @property
    def image_shape(self) -> tuple[int | None, int | None, int | None]:
        """Alto, ancho y canales de las imágenes que recibe; None donde vale cualquiera."""
        return self.model.inputs[0].shape[1:]

    @property
    def classes(self) -> int:
        return self.head.classes

    @property
    def has_16_bits(self) -> bool:
        """Si algo de la red se calcula con 16 bits."""
        return self._graph.has_16_bits

    def calls(self, name: str) -> list["Call"]:
        """Las veces que el modelo usa esa capa."""
        return self._calls.get(self.layers[name], [])

    def gives_maps(self, name: str) -> bool:
        """Si de una capa que se usa salen mapas, (N, alto, ancho, filtros), con más de una posición."""
        return all(self._graph.is_map(call.outputs) for call in self.calls(name))

    def decides(self, name: str) -> bool:
        """Si la respuesta depende de una capa que se usa una vez."""
        return self.calls(name)[0].outputs.op in self._graph.between([self._graph.images], self._logits)

    def channel_axis(self, name: str) -> int:
        """Dónde llevan los canales los mapas de una capa."""
        return self._graph.axis_of(self.calls(name)[0].outputs)

    def count_filters(self, name: str) -> int:
        return self.calls(name)[0].outputs.shape[self.channel_axis(name)]

    def feeds_global_average(self, name: str) -> bool:
        """Si los mapas de una capa van derechos a un promedio global y de ahí a la densa de los logits."""
        maps = self.calls(name)[0].outputs
        if not self._graph.passes_all_through(maps, self._logits):
            return False
        found = self._graph.between([maps], self._logits)
        steps = [step for step in sorted(found, key=self._graph.order.get) if step.type not in WITHOUT_EFFECT]
        if [step.type for step in steps] != AVERAGE_AND_DENSE:
            return False
        averaged = np.ravel(tf.get_static_value(steps[0].inputs[1])).tolist()
        return sorted([*averaged, self.channel_axis(name)]) == [1, 2, 3]

    def _trace(self, images):
        calls, answer = record_calls(self.model, images, self.layers.values())
        self._graph = Graph(images)
        self.head = find_head(self._graph, answer)
        self._logits = self.head.source(answer)
        self._calls = {}
        for call in calls:
            self._calls.setdefault(call.layer, []).append(call)
        return self.head.before_activation(answer), answer

    def _choose_layers(self) -> None:
        graph = self._graph
        maps = {name: self.calls(name)[0] for name in self.layers if self._is_explainable(name)}
        maps = dict(sorted(maps.items(), key=lambda item: graph.order[item[1].outputs.op]))
        computing = [name for name, call in maps.items() if _computes(graph, call)]
        self.layer_names = [name for name in computing if not _is_in(name, computing)]
        end = graph.last_maps(self._logits)
        way = set() if end is None else graph.between([graph.images], end)
        on_the_way = {name: call for name, call in maps.items() if call.outputs.op in way}
        if on_the_way.keys().isdisjoint(self.layer_names):
            raise ValueError(
                "El modelo no tiene capas convolucionales que explicar: ninguna calcula un mapa con filtros, "
                "se usa una sola vez y decide la respuesta."
            )
        self.default_layer = self._choose_default(on_the_way, end)
        offered = {*self.layer_names, self.default_layer}
        self.layer_names = [name for name in maps if name in offered]

    def _is_explainable(self, name: str) -> bool:
        return len(self.calls(name)) == 1 and self.gives_maps(name) and self.decides(name)

    def _choose_default(self, maps: Mapping[str, "Call"], end) -> str:
        graph, names = self._graph, list(maps)
        computing = [name for name in names if name in self.layer_names]
        # Con un solo canal, lo que se calcula es dónde mirar: una puerta de atención.
        chosen = ([name for name in computing if self.count_filters(name) > 1] or computing)[-1]
        grid, following = graph.grid(maps[chosen].outputs), names[names.index(chosen) :]
        for name in following:
            maps_there = maps[name].outputs
            if graph.grid(maps_there) == grid and graph.passes_all_through(maps_there, end):
                chosen = name
                break
        for name in following[following.index(chosen) + 1 :]:
            if _retouches(graph, maps[chosen].outputs, maps[name].outputs, end):
                chosen = name
        return chosen


def _computes(graph: Graph, call: "Call") -> bool:
    """Si una capa calcula con filtros aprendidos."""
    steps = graph.between(call.inputs, call.outputs)
    hidden = getattr(call.layer, "weights", ()) and any(step.type in OPAQUE for step in steps)
    return bool(hidden) or any(map(graph.learns, steps))


def _is_in(name: str, names: Iterable[str]) -> bool:
    """Si de un modelo anidado se dan también capas de dentro."""
    return any(other.startswith(f"{name}/") for other in names)


def _retouches(graph: Graph, maps, after, end) -> bool:
    """Si lo que va de unos mapas a otros es una normalización o una activación, y nada se salta ninguno."""
    found = set(graph.types_between([maps], after))
    if after.shape.as_list() != maps.shape.as_list() or found <= IDENTITIES:
        return False
    if found & (FILTERS | OPAQUE | POOLINGS):
        return False
    return graph.passes_all_through(maps, after) and graph.passes_all_through(after, end)


def read_head(model: keras.Model) -> Head:
    """El final de un clasificador del que no se va a explicar ninguna capa.

    Errores: los de `Anatomy`, aunque no tenga capas convolucionales.
    """
    check_classifier(model)
    heads = []

    def trace(images):
        _, answer = record_calls(model, images, ())
        heads.append(find_head(Graph(images), answer))
        return answer

    _compiled(trace, model)
    return heads[0]


def _compiled(trace: Callable, model: keras.Model):
    """Una pasada de imágenes por el modelo, compilada."""
    images = tf.TensorSpec((None, *model.inputs[0].shape[1:]), tf.float32)
    # Sin AutoGraph, como traza Keras sus modelos: un error llega tal cual a quien llama.
    return tf.function(trace, [images], autograph=False).get_concrete_function()


def check_model(model) -> None:
    """Que sea un modelo de Keras."""
    if not isinstance(model, keras.Model):
        raise TypeError(f"Hace falta un modelo de Keras, y esto es «{type(model).__name__}».")


def check_classifier(model) -> None:
    """Que sea un modelo del que se sepa qué imágenes recibe y qué clases distingue."""
    check_model(model)
    inputs, outputs = getattr(model, "inputs", None), getattr(model, "outputs", None)
    if not inputs or not outputs:
        raise ValueError(
            "El modelo debe ser secuencial o funcional y estar construido. Si es de una clase propia, dale "
            "una entrada: imagen = keras.Input(forma); keras.Model(imagen, modelo(imagen))."
        )
    if len(inputs) > 1:
        raise ValueError(f"El modelo debe tener una sola entrada, las imágenes, y tiene {len(inputs)}.")
    if len(outputs) > 1:
        choices = ", ".join(f"{place} ({name})" for place, name in enumerate(model.output_names))
        raise ValueError(
            f"El modelo debe tener una sola salida, y tiene {len(outputs)}. Elige una, la k, con "
            f"keras.Model(modelo.input, modelo.outputs[k]): {choices}."
        )
    if len(inputs[0].shape) != 4:
        raise ValueError(
            f"El modelo debe recibir imágenes, (N, alto, ancho, canales), y recibe {inputs[0].shape}."
        )
    shape = outputs[0].shape
    if len(shape) != 2 or shape[-1] is None:
        raise ValueError(f"El modelo debe dar un número por clase, (N, clases), y su salida es {shape}.")


def layers_by_path(model: keras.Model) -> dict[str, keras.Operation]:
    """Todas las capas con su nombre; las de un modelo anidado, con el de este delante: «columna/conv5».

    También las operaciones sueltas de un modelo funcional, como una suma. Si dos se llaman igual, la segunda
    lleva detrás «(2)».
    """
    found = {}
    for path, layer in _walk(model, ""):
        repeated = sum(other == path or other.startswith(f"{path} (") for other in found)
        found[f"{path} ({repeated + 1})" if repeated else path] = layer
    return found


def _walk(model: keras.Model, prefix: str) -> Iterator[tuple[str, keras.Operation]]:
    for layer in getattr(model, "operations", model.layers):
        yield prefix + layer.name, layer
        if isinstance(layer, keras.Model):
            yield from _walk(layer, f"{prefix}{layer.name}/")


@dataclass
class Call:
    """Lo que entró y lo que salió de una capa."""

    layer: keras.Operation
    inputs: list
    outputs: tf.Tensor


def record_calls(
    model: keras.Model, images, layers: Iterable[keras.Operation]
) -> tuple[list[Call], tf.Tensor]:
    """Pasa un lote por un modelo: da lo que entra y sale de esas capas, en orden, y lo que responde.

    Keras no ofrece las activaciones intermedias de cualquier modelo. Anotarlas al pasar vale para todos
    y deja cada capa como estaba: su `call` se sustituye solo mientras pasa el lote. Si otro hilo usa
    mientras tanto la capa, lo suyo no se anota; si quiere anotar, espera.
    """
    calls, thread = [], threading.get_ident()

    def recording(layer, original):
        def call(*args, **kwargs):
            outputs = original(*args, **kwargs)
            if threading.get_ident() != thread:
                return outputs
            # Una capa puede devolver lo mismo que recibe: la copia distingue los dos gradientes.
            outputs = tf.nest.map_structure(_copied, outputs)
            inputs = [each for each in tf.nest.flatten((args, kwargs)) if tf.is_tensor(each)]
            calls.append(Call(layer, inputs, outputs))
            return outputs

        return call

    with ONE_AT_A_TIME, contextlib.ExitStack() as restore:
        for layer in dict.fromkeys(layers):
            # Una capa cuantizada no usa `call`.
            method = "quantized_call" if getattr(layer, "quantization_mode", None) else "call"
            # Con `object`: sin pasar por el registro que Keras lleva de lo que se asigna a una capa.
            object.__setattr__(layer, method, recording(layer, getattr(layer, method)))
            restore.callback(object.__delattr__, layer, method)
        # La entrada de un modelo funcional puede ser una lista o un diccionario de un solo tensor.
        structure = getattr(model, "input", images)
        answer = model(keras.tree.map_structure(lambda _: images, structure), training=False)
    return calls, tf.nest.flatten(answer)[0]


def _copied(value):
    return tf.identity(value) if tf.is_tensor(value) else value
