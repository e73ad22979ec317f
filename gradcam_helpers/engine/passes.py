"""Las pasadas por la red: entran imágenes y salen activaciones, gradientes, logits y mapas con signo.

Cada una se compila la primera vez que hace falta y sirve para cualquier lote y cualquier clase. La fórmula
de un mapa llega como argumento y se compila con la pasada.
"""

from collections.abc import Callable, Generator, Sequence

import numpy as np

from gradcam_helpers.engine import anatomy
from gradcam_helpers.engine.backend import keras, tf
from gradcam_helpers.engine.inputs import check_answers

CHUNK = 8  # imágenes que ve la red a la vez: con 16 apenas va más deprisa y ocupa mucha más memoria


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

    En todas, `images` es float32 (N, alto, ancho, canales), y `target`, las clases, int64 (N, T), con −1 si
    es la predicha. Lo que dan son tensores.

    Atributos:
        anatomy: el clasificador por dentro.

    Errores: los de `anatomy.Anatomy`.
    """

    def __init__(self, model: keras.Model):
        self.anatomy = anatomy.Anatomy(model)
        self._compiled = {}

    def gradient_maps(self, images, target, layers: tuple[str, ...], score: str, formula: Callable):
        """Mapas con signo (N, T, alto, ancho) de cada capa; clases, logits y probabilidades."""

        def run(images, target):
            activations, gradients, *outputs = self._differentiate(images, target, layers, score)
            raw_maps = [
                tf.stack([formula(maps, gradient) for gradient in by_target], axis=1)
                for maps, *by_target in zip(activations, *gradients, strict=True)
            ]
            return raw_maps, *outputs

        return self._with_targets((formula, layers, score), run, target.shape[1])(images, target)

    def filter_maps(self, images, target, layers: tuple[str, ...], score: str, formula: Callable):
        """Lo mismo que `gradient_maps`, con una predicción por filtro de cada capa."""
        activations, logits, probabilities = self.observe(images, layers)
        target = _predicted_where_none(target, logits)
        raw_maps = []
        for maps in activations:
            pairs = zip(images, maps, strict=True)
            by_class = tf.stack([_result(self.score_filters(*pair, score, CHUNK)) for pair in pairs])
            by_target = tf.unstack(tf.gather(by_class, target, axis=2, batch_dims=1), target.shape[1], axis=2)
            raw_maps.append(tf.stack([formula(maps, scores) for scores in by_target], axis=1))
        return raw_maps, target, logits, probabilities

    def observe(self, images, layers: tuple[str, ...]):
        """Activaciones por capa, logits y probabilidades."""

        def run(images):
            activations, *outputs = self._forward(images, layers)
            return [_float32(maps) for maps in activations], *outputs

        return self._function(("observe", layers), run, [self._images_signature()])(images)

    def score_filters(
        self, image, maps, score: str, chunk: int
    ) -> Generator[tuple[int, int], None, tf.Tensor]:
        """La puntuación de cada clase para una imagen vista a través de cada filtro: (filtros, clases).

        Es un generador: mira `chunk` filtros de cada vez y da cuántos lleva y cuántos son; devuelve las
        puntuaciones al acabar.

        Argumentos:
            image: (alto, ancho, canales).
            maps: las activaciones de una capa, (alto, ancho, filtros).
        """

        def judge(image, maps):
            masks = tf.image.resize(tf.transpose(maps, (2, 0, 1))[..., tf.newaxis], tf.shape(image)[:2])
            lowest, highest = (bound(masks, (1, 2), True) for bound in (tf.reduce_min, tf.reduce_max))
            masked = image * tf.math.divide_no_nan(masks - lowest, highest - lowest)
            _, logits, probabilities = self._forward(masked, ())
            return logits if score == "logit" else probabilities

        signature = [tf.TensorSpec(self.anatomy.image_shape), tf.TensorSpec((None, None, None))]
        judge = self._function(("judge", score), judge, signature)
        scores, filters = [], maps.shape[-1]
        for start in range(0, filters, chunk):
            scores.append(judge(image, maps[..., start : start + chunk]))
            yield min(start + chunk, filters), filters
        return tf.concat(scores, axis=0)

    def gradients(self, images, target, layers: tuple[str, ...]):
        """Activaciones por capa; gradientes del logit por clase y capa; clases, logits y probabilidades."""

        def run(images, target):
            return self._differentiate(images, target, layers, "logit")

        return self._with_targets(("gradients", layers), run, target.shape[1])(images, target)

    def _differentiate(self, images, target, layers: tuple[str, ...], score: str):
        with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
            activations, logits, probabilities = self._forward(images, layers, watch=tape.watch)
            target = _predicted_where_none(target, logits)
            scores = tf.gather(logits if score == "logit" else probabilities, target, batch_dims=1)
            # Sumar sobre el lote no mezcla imágenes: cada puntuación depende de una sola.
            totals = tf.unstack(tf.reduce_sum(scores, axis=0))
        gradients = [tape.gradient(total, activations) for total in totals]
        _check_gradients(layers, gradients[0])
        activations, gradients = tf.nest.map_structure(_float32, (activations, gradients))
        return activations, gradients, target, logits, probabilities

    def _forward(self, images, layers: Sequence[str], watch=None):
        """Activaciones de esas capas, logits y probabilidades; `watch` observa cada activación."""
        head, layers = self.anatomy.head, [self.anatomy.layers[name] for name in layers]
        calls = anatomy.record_calls(self.anatomy.model, images, [*layers, head.layer], watch)
        logits = head.logits(calls[head.layer])
        return [calls[layer].outputs for layer in layers], logits, head.probabilities(logits)

    def _with_targets(self, key: tuple, run: Callable, count: int) -> Callable:
        """Esa función de imágenes y clases, compilada para tantas clases por imagen."""
        signature = [self._images_signature(), tf.TensorSpec((None, count), tf.int64)]
        return self._function((*key, count), run, signature)

    def _function(self, key: tuple, function: Callable, signature: list) -> Callable:
        """Esa función, compilada: se traza la primera vez que se pide con esa clave."""
        if key not in self._compiled:
            # Sin AutoGraph, como traza Keras sus modelos: un error llega tal cual a quien llama.
            compiled = tf.function(function, input_signature=signature, autograph=False)
            # Trazada ya, TensorFlow no avisa de que se trazan muchas funciones parecidas.
            self._compiled[key] = compiled.get_concrete_function()
        return self._compiled[key]

    def _images_signature(self) -> tf.TensorSpec:
        return tf.TensorSpec((None, *self.anatomy.image_shape), tf.float32)


def _check_gradients(layers: Sequence[str], gradients: Sequence) -> None:
    for name, gradient in zip(layers, gradients, strict=True):
        if gradient is None:
            raise ValueError(
                f"No hay gradiente en «{name}»: la predicción no depende de esa capa, o el modelo lo detiene."
            )


def _result(steps: Generator):
    """Lo que devuelve un generador al acabar."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def _predicted_where_none(target, logits):
    return tf.where(target < 0, tf.argmax(logits, axis=-1)[:, tf.newaxis], target)


def _float32(values):
    """Con precisión mixta, las activaciones y los gradientes llegan en 16 bits."""
    return tf.cast(values, tf.float32)
