"""Las pasadas por la red: entran imágenes y salen activaciones, gradientes, logits y mapas con signo.

Cada una se compila la primera vez que hace falta y sirve para cualquier lote y cualquier clase. La fórmula
de un mapa llega como argumento y se compila con la pasada.
"""

from collections.abc import Callable, Generator, Sequence

import numpy as np

from gradcam_helpers.engine.anatomy import Anatomy, record_calls
from gradcam_helpers.engine.backend import keras, tf
from gradcam_helpers.engine.inputs import check_answers
from gradcam_helpers.engine.proof import prove

CHUNK = 4  # imágenes que ve la red a la vez: con más no va más deprisa y ocupa mucha más memoria
FILTERS = 16  # filtros que Score-CAM mira a la vez: con 8 va más despacio, y con 32 ocupa 600 MB más
# Funciones compiladas que se guardan: quien explica una función nueva cada vez no las acumula.
MOST_COMPILED = 256


def in_chunks(run: Callable, images: np.ndarray, target: np.ndarray, *options):
    """Aplica una pasada a trozos del lote y junta los resultados, en NumPy.

    Argumentos:
        run: `gradient_maps` o `filter_maps`, de `Passes`.
        options: sus demás argumentos.

    Errores:
        ValueError: la red da valores que no son finitos.
    """
    starts = range(0, len(images), CHUNK)
    chunks = [run(images[start : start + CHUNK], target[start : start + CHUNK], *options) for start in starts]
    raw_maps, *outputs = tf.nest.map_structure(lambda *parts: np.concatenate(parts), *chunks)
    check_answers(*raw_maps, *outputs)
    return raw_maps, *outputs


class Passes:
    """Las pasadas de un clasificador.

    En todas, `images` es float32 (N, alto, ancho, canales); `target`, las clases, int64 (N, T), con −1 si es
    la predicha, y `score`, lo que se deriva: «logit», «probability» o una función, que recibe lo que da la
    red antes de su última activación, (N, salidas), y da un número por imagen. Lo que dan son tensores.

    Atributos:
        anatomy: el clasificador por dentro.
        proved: si se ha podido probar que sus logits son los que se leen.

    Errores: los de `anatomy.Anatomy` y `proof.prove`.
    """

    def __init__(self, model: keras.Model):
        self.anatomy = Anatomy(model)
        self.proved = prove(self.anatomy)
        self._compiled = {}

    def gradient_maps(self, images, target, layers: tuple[str, ...], score, formula: Callable):
        """Mapas con signo (N, T, alto, ancho) de cada capa; clases, logits y probabilidades."""

        def run(images, target):
            activations, gradients, *outputs = self._differentiate(images, target, layers, score)
            raw_maps = [
                tf.stack([formula(maps, gradient) for gradient in by_target], axis=1)
                for maps, *by_target in zip(activations, *gradients, strict=True)
            ]
            return raw_maps, *outputs

        return self._with_targets((formula, layers, score), run, target.shape[1])(images, target)

    def filter_maps(self, images, target, layers: tuple[str, ...], score, formula: Callable):
        """Lo mismo que `gradient_maps`, con una predicción por filtro de cada capa."""
        activations, read = self.observe(images, layers)
        logits, probabilities = self._answers(read)
        target = _predicted_where_none(target, logits)
        raw_maps = []
        for maps in activations:
            by_image = [
                self.scores(_result(self.score_filters(image, filters, FILTERS)), classes[tf.newaxis], score)
                for image, filters, classes in zip(images, maps, target, strict=True)
            ]
            by_target = tf.unstack(tf.stack(by_image), axis=-1)
            raw_maps.append(tf.stack([formula(maps, scores) for scores in by_target], axis=1))
        return raw_maps, target, logits, probabilities

    def observe(self, images, layers: tuple[str, ...]):
        """Activaciones por capa, y lo que responde la red antes de su última activación, (N, salidas)."""

        def run(images):
            activations, read = self._forward(images, layers)
            return self._arranged(layers, activations), read

        return self._function(("observe", layers), run, [self._images_signature()])(images)

    def score_filters(self, image, maps, chunk: int) -> Generator[tuple[int, int], None, tf.Tensor]:
        """Lo que responde la red, antes de su última activación, a una imagen vista a través de cada filtro.

        Es un generador: mira `chunk` filtros de cada vez y da cuántos lleva y cuántos son; devuelve, al
        acabar, las respuestas, (filtros, salidas). Un filtro constante no deja ver nada, como cualquier otro
        que lo sea: de todos ellos se mira uno.

        Argumentos:
            image: (alto, ancho, canales).
            maps: las activaciones de una capa, (alto, ancho, filtros).
        """
        lowest, highest = (bound(maps, axis=(0, 1)).numpy() for bound in (tf.reduce_min, tf.reduce_max))
        seen = np.flatnonzero(highest > lowest)
        place = np.full(len(highest), len(seen))  # de cada filtro, dónde está su respuesta
        place[seen] = np.arange(len(seen))
        seen = [*seen, *np.flatnonzero(place == len(seen))[:1]]
        signature = [tf.TensorSpec(self.anatomy.image_shape), tf.TensorSpec((None, None, None))]
        judge, answers = self._function(("judge",), self._judge, signature), []
        for start in range(0, len(seen), chunk):
            answers.append(judge(image, tf.gather(maps, seen[start : start + chunk], axis=-1)))
            yield min(start + chunk, len(seen)), len(seen)
        return tf.gather(tf.concat(answers, axis=0), place)

    def scores(self, read, target, score):
        """Lo que se deriva, (N, T), de lo que responde la red antes de su última activación, (N, salidas).

        Las clases, (N, T), pueden ser las mismas para todos: (1, T).
        """
        if callable(score):
            return _check_scores(score(read))[:, tf.newaxis]
        logits, probabilities = self._answers(read)
        target = tf.broadcast_to(target, (tf.shape(read)[0], target.shape[1]))
        return tf.gather(logits if score == "logit" else probabilities, target, batch_dims=1)

    def gradients(self, images, target, layers: tuple[str, ...], score="logit"):
        """Activaciones por capa; gradientes por clase y capa; clases, logits y probabilidades."""

        def run(images, target):
            return self._differentiate(images, target, layers, score)

        return self._with_targets(("gradients", layers, score), run, target.shape[1])(images, target)

    def _differentiate(self, images, target, layers: tuple[str, ...], score):
        activations, read = self._forward(images, layers)
        logits, probabilities = self._answers(read)
        target = _predicted_where_none(target, logits)
        # `tf.gradients` suma sobre el lote, y no mezcla imágenes: cada puntuación depende de una sola.
        by_answer = [_derivative(each, read) for each in tf.unstack(self.scores(read, target, score), axis=1)]
        gradients = [self._backwards(each, read, layers, activations, score) for each in by_answer]
        return self._arranged(layers, activations), gradients, target, logits, probabilities

    def _backwards(self, by_answer, read, layers: tuple[str, ...], activations, score) -> list:
        """Una pasada hacia atrás: de la derivada respecto a las salidas, (N, salidas), a la de cada capa."""
        # Con 16 bits, la derivada de una probabilidad casi segura se perdería por el camino: viaja a escala.
        scale = 1.0 if score == "logit" else tf.reduce_max(tf.abs(by_answer), axis=1, keepdims=True)
        gradients = tf.gradients(read, activations, tf.math.divide_no_nan(by_answer, scale))
        for name, gradient in zip(layers, gradients, strict=True):
            if gradient is None:
                raise ValueError(f"No hay gradiente en «{name}»: el modelo lo detiene.")
        gradients = self._arranged(layers, gradients)
        return gradients if score == "logit" else [each * scale[..., None, None] for each in gradients]

    def _answers(self, read):
        """Los logits y las probabilidades, (N, clases)."""
        logits = self.anatomy.head.logits(read)
        return logits, self.anatomy.head.probabilities(logits)

    def _judge(self, image, maps):
        masks = tf.image.resize(maps, tf.shape(image)[:2])
        lowest, highest = (bound(masks, axis=(0, 1)) for bound in (tf.reduce_min, tf.reduce_max))
        masks = tf.math.divide_no_nan(masks - lowest, highest - lowest)
        masks = tf.transpose(masks, (2, 0, 1))[..., tf.newaxis]
        # Repetida en cada canal: multiplicar tensores de la misma forma es el triple de rápido.
        read, _ = self.anatomy.answer(image * tf.matmul(masks, tf.ones((1, tf.shape(image)[-1]))))
        return read

    def _forward(self, images, layers: Sequence[str]):
        """Lo que dan esas capas, y lo que responde la red antes de su última activación."""
        layers = [self.anatomy.layers[name] for name in layers]
        calls, answer = record_calls(self.anatomy.model, images, layers)
        outputs = {call.layer: call.outputs for call in calls}
        return [outputs[layer] for layer in layers], self.anatomy.head.before_activation(answer)

    def _arranged(self, layers: Sequence[str], tensors: Sequence) -> list:
        """Activaciones o gradientes, float32 (N, alto, ancho, filtros): la red puede usar otros."""
        axes = [self.anatomy.channel_axis(name) for name in layers]
        arranged = []
        for axis, values in zip(axes, tensors, strict=True):
            order = [place for place in range(4) if place != axis] + [axis]
            arranged.append(tf.cast(values if axis == 3 else tf.transpose(values, order), tf.float32))
        return arranged

    def _with_targets(self, key: tuple, run: Callable, count: int) -> Callable:
        """Esa función de imágenes y clases, compilada para tantas clases por imagen."""
        signature = [self._images_signature(), tf.TensorSpec((None, count), tf.int64)]
        return self._function((*key, count), run, signature)

    def _function(self, key: tuple, function: Callable, signature: list) -> Callable:
        """Esa función, compilada: se traza la primera vez que se pide con esa clave."""
        if key not in self._compiled:
            if len(self._compiled) == MOST_COMPILED:
                del self._compiled[next(iter(self._compiled))]
            # Sin AutoGraph, como traza Keras sus modelos: un error llega tal cual a quien llama.
            compiled = tf.function(function, input_signature=signature, autograph=False)
            # Trazada ya, TensorFlow no avisa de que se trazan muchas funciones parecidas.
            self._compiled[key] = compiled.get_concrete_function()
        return self._compiled[key]

    def _images_signature(self) -> tf.TensorSpec:
        return tf.TensorSpec((None, *self.anatomy.image_shape), tf.float32)


def _derivative(score, read):
    (derivative,) = tf.gradients(score, read)
    if derivative is None:
        raise ValueError(
            "La función que se explica no depende de las salidas de la red, o no se puede derivar."
        )
    return derivative


def _check_scores(scores):
    if not tf.is_tensor(scores) or scores.shape.rank != 1:
        raise ValueError(
            "La función que se explica debe dar un número por imagen, un tensor (N,), y da "
            f"{getattr(scores, 'shape', type(scores).__name__)}."
        )
    return tf.cast(scores, tf.float32)


def _result(steps: Generator):
    """Lo que devuelve un generador al acabar."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def _predicted_where_none(target, logits):
    return tf.where(target < 0, tf.argmax(logits, axis=-1)[:, tf.newaxis], target)
