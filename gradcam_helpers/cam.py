"""Mapas de calor que explican una predicción: Grad-CAM, calculado para cualquier capa convolucional.

Selvaraju y otros, «Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization»,
ICCV 2017, arXiv:1610.02391.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from gradcam_helpers import models
from gradcam_helpers.backend import keras, tf

SCORES = ("logit", "probability")
CHUNK = 16  # imágenes que se explican a la vez: acota la memoria sea cual sea el lote


@dataclass(frozen=True)
class Explanation:
    """El mapa de una capa para cada imagen de un lote de N.

    Atributos:
        layer: nombre de la capa explicada.
        raw: mapa con signo, float32 (N, alto, ancho), a la resolución de la capa.
        heatmap: el mismo tras la ReLU y dividido entre su máximo: float32 entre 0 y 1.
        empty: bool (N,); cierto donde ningún valor de `raw` es positivo. Ahí `heatmap` es todo ceros.
        target: clase explicada, int64 (N,).
        logits, probabilities: salida de la red antes y después de la última activación, float32 (N, clases).
    """

    layer: str
    raw: np.ndarray
    heatmap: np.ndarray
    empty: np.ndarray
    target: np.ndarray
    logits: np.ndarray
    probabilities: np.ndarray


class Explainer:
    """Explica las predicciones de un modelo. Se construye una vez y se usa con muchas imágenes.

    No cambia el modelo: ni sus pesos, ni sus activaciones, ni cómo está compilado.

    Argumentos:
        model: clasificador de Keras, ya construido, que acaba en una capa densa de dos o más clases.

    Errores:
        TypeError: no es un modelo de Keras.
        ValueError: no acaba en una capa densa de dos o más clases, o no tiene capas convolucionales.
    """

    def __init__(self, model: keras.Model):
        if not isinstance(model, keras.Model):
            raise TypeError(f"Hace falta un modelo de Keras, y esto es «{type(model).__name__}».")
        last = model.layers[-1]
        if not model.built or not isinstance(last, keras.layers.Dense) or last.units < 2:
            raise ValueError(
                "El modelo debe estar construido y acabar en una capa densa de dos o más clases."
            )
        self.model = model
        self.layer_names = [layer.name for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
        if not self.layer_names:
            raise ValueError("El modelo no tiene capas convolucionales que explicar.")
        self._compiled = {}

    def explain(
        self,
        images,
        layer: str | Sequence[str] | None = None,
        target=None,
        score: str = "logit",
    ) -> Explanation | list[Explanation]:
        """Calcula el mapa de Grad-CAM de cada imagen.

        Argumentos:
            images: lote float32 (N, alto, ancho, canales), como lo da `data.prepare_image`.
            layer: nombre de la capa, o lista de nombres; por omisión, la última convolucional.
            target: clase que se explica: una para todas las imágenes, o una por imagen (N,).
                Por omisión, la que predice la red.
            score: «logit» (por omisión) o «probability», lo que se deriva.

        Devuelve una `Explanation`, o una lista de ellas si `layer` es una lista.

        Errores:
            TypeError: las imágenes no son flotantes o las clases no son enteras.
            ValueError: capa, clase o `score` que no existen; forma distinta; lote vacío; valores no finitos
                en las imágenes o en la red.
        """
        one_layer = layer is None or isinstance(layer, str)
        names = [self.layer_names[-1] if layer is None else layer] if one_layer else list(layer)
        self._check_layers(names)
        if score not in SCORES:
            raise ValueError(f"«score» debe ser {' o '.join(SCORES)}, y es «{score}».")
        images = self._check_images(images)
        chosen = _check_target(target, len(images), self.model.output_shape[-1])
        distinct = tuple(dict.fromkeys(names))
        raw_maps, *scores = self._run_in_chunks(self._function(distinct, score), images, chosen)
        explanations = {
            name: Explanation(name, raw, *normalize(raw), *scores)
            for name, raw in zip(distinct, raw_maps, strict=True)
        }
        return explanations[names[0]] if one_layer else [explanations[name] for name in names]

    @staticmethod
    def _run_in_chunks(function, images: np.ndarray, target: np.ndarray):
        """Mapas con signo de cada capa, clases, logits y probabilidades de todo el lote, en NumPy."""
        starts = range(0, len(images), CHUNK)
        chunks = [function(images[start : start + CHUNK], target[start : start + CHUNK]) for start in starts]
        raw_maps, *scores = tf.nest.map_structure(lambda *parts: np.concatenate(parts), *chunks)
        if not all(np.isfinite(raw).all() for raw in raw_maps):
            raise ValueError(
                "La red da valores que no son finitos: no se puede explicar. ¿Falló su entrenamiento?"
            )
        return raw_maps, *scores

    def _function(self, names: tuple[str, ...], score: str):
        """La función compilada de esas capas: se traza la primera vez y vale para cualquier lote."""
        if (names, score) not in self._compiled:
            signature = [
                tf.TensorSpec((None, *self.model.input_shape[1:]), tf.float32),
                tf.TensorSpec((None,), tf.int64),
            ]

            @tf.function(input_signature=signature)
            def run(images, target):
                activations, gradients, logits, probabilities, target = self._differentiate(
                    images, target, names, score
                )
                raw_maps = [grad_cam(a, g) for a, g in zip(activations, gradients, strict=True)]
                return raw_maps, target, logits, probabilities

            # Trazada ya, TensorFlow no avisa de que se trazan muchas funciones parecidas.
            self._compiled[names, score] = run.get_concrete_function()
        return self._compiled[names, score]

    def _differentiate(self, images, target, names, score):
        """Activaciones de esas capas y gradiente de la clase explicada respecto de cada una."""
        layers = [self.model.get_layer(name) for name in names]
        last = self.model.layers[-1]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            with _recorded_calls([*layers, last], watch=tape.watch) as calls:
                probabilities = self.model(images, training=False)
            logits = models.logits_from(last, calls[last.name].inputs)
            target = tf.where(target < 0, tf.argmax(logits, axis=-1), target)
            scores = logits if score == "logit" else probabilities
            # Sumar sobre el lote no mezcla imágenes: cada puntuación depende de una sola.
            total = tf.reduce_sum(tf.gather(scores, target, axis=1, batch_dims=1))
        activations = [calls[name].outputs for name in names]
        gradients = tape.gradient(total, activations)
        return activations, gradients, logits, probabilities, target

    def _check_layers(self, names: Sequence[str]) -> None:
        choices = f"Sus capas convolucionales son: {', '.join(self.layer_names)}."
        if not names:
            raise ValueError(f"La lista de capas está vacía. {choices}")
        layers = {layer.name: layer for layer in self.model.layers}
        for name in names:
            if name not in layers:
                raise ValueError(f"El modelo no tiene ninguna capa «{name}». {choices}")
            shape = layers[name].output.shape
            if len(shape) != 4 or isinstance(layers[name], keras.layers.InputLayer):
                raise ValueError(
                    f"La capa «{name}», de forma {shape}, no da mapas de características. {choices}"
                )

    def _check_images(self, images) -> np.ndarray:
        images = np.asarray(images)
        expected = self.model.input_shape[1:]
        if images.ndim != 4 or any(
            size is not None and size != found for size, found in zip(expected, images.shape[1:], strict=True)
        ):
            raise ValueError(
                f"El modelo espera un lote de forma (N, {', '.join(map(str, expected))}), "
                f"y este es de forma {images.shape}. ¿Falta «data.prepare_image»?"
            )
        if len(images) == 0:
            raise ValueError("El lote está vacío: hace falta al menos una imagen.")
        if images.dtype.kind != "f":
            raise TypeError(
                f"Las imágenes deben ser flotantes, y son «{images.dtype}». ¿Falta «data.prepare_image»?"
            )
        if not np.isfinite(images).all():
            raise ValueError("El lote contiene valores que no son finitos (NaN o infinito).")
        return images.astype(np.float32, copy=False)


def _check_target(target, count: int, classes: int) -> np.ndarray:
    """Una clase por imagen, int64 (count,); −1 donde se explica la predicha."""
    if target is None:
        return np.full(count, -1)
    target = np.asarray(target)
    if target.dtype.kind not in "iu":
        raise TypeError(f"La clase debe ser un número entero, y es «{target.dtype}».")
    if target.shape not in ((), (count,)):
        raise ValueError(
            f"Hace falta una clase para todo el lote o una por imagen ({count}); estas son {target.shape}."
        )
    if target.size and (target.min() < 0 or target.max() >= classes):
        raise ValueError(f"El modelo distingue las clases 0 a {classes - 1}, y se pide «{target}».")
    return np.broadcast_to(target, (count,)).astype(np.int64)


@dataclass
class _Call:
    inputs: tf.Tensor
    outputs: tf.Tensor


@contextlib.contextmanager
def _recorded_calls(layers: Sequence[keras.layers.Layer], watch) -> Iterator[dict[str, _Call]]:
    """Mientras dura, anota lo que entra y sale de cada capa; `watch` observa cada salida.

    Keras no ofrece las activaciones intermedias de cualquier modelo. Anotarlas al pasar, solo mientras
    se traza la función, vale para todos y deja cada capa como estaba.
    """
    calls = {}

    def recording(layer):
        original = layer.call

        def call(inputs, *args, **kwargs):
            outputs = original(inputs, *args, **kwargs)
            watch(outputs)
            calls[layer.name] = _Call(inputs, outputs)
            return outputs

        return call

    try:
        for layer in layers:
            object.__setattr__(layer, "call", recording(layer))
        yield calls
    finally:
        for layer in layers:
            object.__delattr__(layer, "call")


def grad_cam(activations, gradients):
    """Mapa con signo de Grad-CAM: Σₖ αₖ Aₖ, con αₖ el promedio espacial del gradiente.

    Argumentos:
        activations, gradients: tensores (N, alto, ancho, filtros).

    Devuelve (N, alto, ancho), antes de la ReLU.
    """
    alpha = tf.reduce_mean(gradients, axis=(1, 2))
    return tf.einsum("nhwk,nk->nhw", activations, alpha)


def normalize(raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """ReLU y división entre el máximo de cada mapa, sin dividir nunca entre cero.

    Argumentos:
        raw: mapas con signo, (N, alto, ancho).

    Devuelve `(heatmap, empty)`: float32 entre 0 y 1, y bool (N,) con los mapas sin ningún valor positivo.
    """
    positive = np.maximum(raw, 0)
    maximum = positive.max(axis=(1, 2), keepdims=True)
    heatmap = np.divide(positive, maximum, out=np.zeros_like(positive), where=maximum > 0)
    return heatmap, maximum[:, 0, 0] == 0


def resize_heatmaps(heatmaps: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Lleva mapas de la resolución de una capa a la de la imagen, por interpolación bilineal.

    Argumentos:
        heatmaps: mapas (N, alto, ancho), con signo o sin él.
        shape: `(alto, ancho)` de la imagen.

    Devuelve float32 (N, alto, ancho), sin salirse del intervalo de los valores de partida.
    """
    height, width = shape
    maps = np.asarray(heatmaps, np.float32)
    return np.stack([cv2.resize(each, (width, height), interpolation=cv2.INTER_LINEAR) for each in maps])
