"""Mapas de calor que explican una predicción: ocho métodos sobre un mismo motor, para cualquier clasificador.

Primero, las fórmulas: cada una recibe las activaciones A de una capa y sus gradientes g = ∂y/∂A, donde y es
la puntuación de la clase explicada, y da el mapa con signo. De él a un mapa de calor, con su ReLU, se pasa
siempre con `normalize`. Después, el motor, que obtiene A y g de cualquier modelo.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from gradcam_helpers import anatomy
from gradcam_helpers.backend import keras, tf

SCORES = ("logit", "probability")
CHUNK = 16  # imágenes que pasan a la vez por la red: acota la memoria sea cual sea el lote


def class_activation_mapping(activations, gradients):
    """CAM: Σₖ wₖ Aₖ, con wₖ el peso de la densa que sigue al promedio global.

    El promedio global reparte wₖ por igual: el gradiente vale wₖ/Z en cada una de las Z posiciones.

    Zhou y otros, CVPR 2016, arXiv:1512.04150.
    """
    dense_weights = tf.reduce_sum(gradients, axis=(1, 2))
    return _weighted_sum(dense_weights, activations)


def grad_cam(activations, gradients):
    """Grad-CAM: Σₖ αₖ Aₖ, con αₖ el promedio espacial del gradiente.

    Selvaraju y otros, ICCV 2017, arXiv:1610.02391.
    """
    alpha = tf.reduce_mean(gradients, axis=(1, 2))
    return _weighted_sum(alpha, activations)


def grad_cam_plus_plus(activations, gradients):
    """Grad-CAM++: Σₖ wₖ Aₖ, con wₖ = Σᵢⱼ aᵢⱼₖ ReLU(gᵢⱼₖ) y aᵢⱼₖ = 1 / (2 + gᵢⱼₖ Σ Aₖ).

    El artículo deriva exp(y), cuyas derivadas son potencias de g multiplicadas por exp(y); el factor
    desaparece al normalizar y aquí no se pone, para que no se desborde.

    Chattopadhay y otros, WACV 2018, arXiv:1710.11063.
    """
    totals = tf.reduce_sum(activations, axis=(1, 2), keepdims=True)
    a = tf.math.divide_no_nan(1.0, 2 + gradients * totals)
    weights = tf.reduce_sum(a * tf.nn.relu(gradients), axis=(1, 2))
    return _weighted_sum(weights, activations)


def hires_cam(activations, gradients):
    """HiResCAM: Σₖ gₖ ⊙ Aₖ, sin promediar el gradiente.

    Draelos y Carin, 2020, arXiv:2011.08891.
    """
    return tf.reduce_sum(gradients * activations, axis=-1)


def layer_cam(activations, gradients):
    """LayerCAM: Σₖ ReLU(gₖ) ⊙ Aₖ, con los gradientes positivos.

    Jiang y otros, IEEE Transactions on Image Processing 30, 2021.
    """
    return tf.reduce_sum(tf.nn.relu(gradients) * activations, axis=-1)


def xgrad_cam(activations, gradients):
    """XGrad-CAM: Σₖ wₖ Aₖ, con wₖ = Σᵢⱼ gᵢⱼₖ Aᵢⱼₖ / Σᵢⱼ Aᵢⱼₖ: el gradiente, promediado según la activación.

    Un filtro cuya activación suma 0 no cuenta.

    Fu y otros, BMVC 2020, arXiv:2008.02312.
    """
    totals = tf.reduce_sum(activations, axis=(1, 2))
    weights = tf.math.divide_no_nan(tf.reduce_sum(gradients * activations, axis=(1, 2)), totals)
    return _weighted_sum(weights, activations)


def eigen_cam(activations, _gradients=None):
    """Eigen-CAM: las activaciones, (posiciones × filtros), sobre su primer vector singular derecho.

    No mira la clase. El signo de un vector singular es arbitrario: se elige el que hace que el mapa sume más
    de cero, como ocurre con activaciones que no son negativas.

    Muhammad y Yeasin, IJCNN 2020, arXiv:2008.00299.
    """
    positions = tf.reshape(activations, (tf.shape(activations)[0], -1, activations.shape[-1]))
    _, _, right_vectors = tf.linalg.svd(positions)
    projection = _weighted_sum(right_vectors[..., 0], activations)
    total = tf.reduce_sum(projection, axis=(1, 2), keepdims=True)
    return tf.where(total < 0, -projection, projection)


def score_cam(activations, channel_scores):
    """Score-CAM: Σₖ sₖ Aₖ, con s la softmax, entre filtros, de la puntuación de la imagen vista por Aₖ.

    La imagen se multiplica por Aₖ ampliada a su tamaño y llevada a 0…1. No usa gradientes: necesita una
    predicción por filtro. La puntuación de referencia que resta el artículo se cancela en la softmax.

    Wang y otros, CVPR Workshops 2020, arXiv:1910.01279.
    """
    weights = tf.nn.softmax(channel_scores, axis=-1)
    return _weighted_sum(weights, activations)


def _weighted_sum(weights, activations):
    """Σₖ wₖ Aₖ: pesos (N, filtros) y activaciones (N, alto, ancho, filtros) dan mapas (N, alto, ancho)."""
    return tf.einsum("nk,nijk->nij", weights, activations)


GRADIENT_METHODS = {
    "CAM": class_activation_mapping,
    "Grad-CAM": grad_cam,
    "Grad-CAM++": grad_cam_plus_plus,
    "HiResCAM": hires_cam,
    "LayerCAM": layer_cam,
    "XGrad-CAM": xgrad_cam,
    "Eigen-CAM": eigen_cam,
}
METHODS = (*GRADIENT_METHODS, "Score-CAM")


def normalize(raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """ReLU y división entre el máximo de cada mapa, sin dividir nunca entre cero.

    Argumentos:
        raw: mapas con signo, (..., alto, ancho).

    Devuelve `(heatmap, empty)`: float32 entre 0 y 1, y bool (...) con los mapas sin ningún valor positivo.
    """
    rectified = np.maximum(raw, 0)  # la ReLU
    maximum = rectified.max(axis=(-2, -1), keepdims=True)
    heatmap = np.divide(rectified, maximum, out=np.zeros_like(rectified), where=maximum > 0)
    return heatmap, maximum[..., 0, 0] == 0


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


@dataclass(frozen=True)
class Explanation:
    """El mapa de una capa para cada imagen de un lote de N; o T mapas por imagen, si se pidieron T clases.

    Atributos:
        layer, method, score: capa, método y puntuación («logit» o «probability») con que se hizo.
        raw: mapa con signo, float32 (N, alto, ancho) o (N, T, alto, ancho), a la resolución de la capa.
        heatmap: el mismo tras la ReLU y dividido entre su máximo: float32 entre 0 y 1.
        empty: bool (N,) o (N, T); cierto donde nada de `raw` es positivo. Ahí `heatmap` es todo ceros.
        target: clase explicada, int64 (N,) o (N, T).
        logits, probabilities: salida de la red antes y después de la última activación, float32 (N, clases).
    """

    layer: str
    method: str
    score: str
    raw: np.ndarray
    heatmap: np.ndarray
    empty: np.ndarray
    target: np.ndarray
    logits: np.ndarray
    probabilities: np.ndarray


def completeness_gap(explanation: Explanation) -> np.ndarray:
    """Lo que activación por gradiente no explica del logit, y − Σ A·g: float64 (N,) o (N, T), en logits.

    En una red lineal a trozos es lo que aportan los sesgos que vienen después de la capa (teorema de Euler).

    Argumentos:
        explanation: de HiResCAM y del logit; su mapa suma Σ A·g.

    Errores:
        ValueError: la explicación es de otro método o de la probabilidad.
    """
    if explanation.method != "HiResCAM" or explanation.score != "logit":
        raise ValueError(
            "Lo que falta por explicar se mide con HiResCAM y el logit, "
            f"y esta explicación es de {explanation.method} y «{explanation.score}»."
        )
    target = explanation.target.reshape(len(explanation.logits), -1)
    logits = np.take_along_axis(explanation.logits, target, axis=1).reshape(explanation.target.shape)
    return logits - explanation.raw.sum(axis=(-2, -1), dtype=np.float64)


class Explainer:
    """Explica las predicciones de un modelo. Se construye una vez y se usa con muchas imágenes.

    No cambia el modelo: ni sus pesos, ni sus activaciones, ni cómo está compilado.

    Argumentos:
        model: clasificador de Keras ya construido, con una entrada y una salida: Sequential o funcional,
            con modelos anidados o sin ellos. Puede acabar en softmax o sigmoide, o dar los logits.

    Atributos:
        layer_names: capas convolucionales, en el orden de la red. Se puede explicar cualquier otra capa que
            dé mapas. Una capa de un modelo anidado se llama «modelo/capa».

    Errores:
        TypeError: no es un modelo de Keras.
        ValueError: no tiene capas convolucionales, o no es un clasificador cuyos logits se sepan leer.
    """

    def __init__(self, model: keras.Model):
        if not isinstance(model, keras.Model):
            raise TypeError(f"Hace falta un modelo de Keras, y esto es «{type(model).__name__}».")
        self.model = model
        self._head = anatomy.find_head(model)
        if len(model.input_shape) != 4:
            raise ValueError(
                f"El modelo debe recibir imágenes, (N, alto, ancho, canales), y recibe {model.input_shape}."
            )
        self._layers = anatomy.layers_by_path(model)
        self.layer_names = [
            path
            for path, layer in self._layers.items()
            if isinstance(layer, anatomy.CONVOLUTIONS) and anatomy.gives_maps(layer)
        ]
        if not self.layer_names:
            raise ValueError("El modelo no tiene capas convolucionales que explicar.")
        self._compiled = {}

    def explain(
        self,
        images,
        layer: str | Sequence[str] | None = None,
        target=None,
        score: str = "logit",
        method: str = "Grad-CAM",
    ) -> Explanation | list[Explanation]:
        """Calcula el mapa de cada imagen.

        Argumentos:
            images: lote float32 (N, alto, ancho, canales), como lo da `data.prepare_image`.
            layer: nombre de la capa, o lista de nombres; por omisión, la última convolucional.
            target: clase que se explica: una para todas las imágenes, una por imagen (N,), o varias por
                imagen (N, T). Por omisión, la que predice la red.
            score: «logit» (por omisión) o «probability», lo que se deriva.
            method: uno de `METHODS`.

        Devuelve una `Explanation`, o una lista de ellas si `layer` es una lista.

        Errores:
            TypeError: las imágenes no son flotantes o las clases no son enteras.
            ValueError: capa, clase, `score` o método que no existen; capa que el modelo usa varias veces o de
                la que no depende la predicción; CAM sin promedio global; forma distinta; lote vacío; valores
                no finitos en las imágenes o en la red.
        """
        one_layer = layer is None or isinstance(layer, str)
        names = [self.layer_names[-1] if layer is None else layer] if one_layer else list(layer)
        _check_choice("score", score, SCORES)
        _check_choice("method", method, METHODS)
        self._check_layers(names, method, score)
        images = _check_images(images, self.model.input_shape[1:])
        target, shape = _check_target(target, len(images), self._head.classes)
        distinct = tuple(dict.fromkeys(names))
        run = self._score_cam_maps if method == "Score-CAM" else self._gradient_maps
        raw_maps, target, *outputs = _in_chunks(run, images, target, distinct, score, method)
        explanations = {}
        for name, raw in zip(distinct, raw_maps, strict=True):
            raw = raw.reshape(*shape, *raw.shape[-2:])
            maps = raw, *normalize(raw), target.reshape(shape)
            explanations[name] = Explanation(name, method, score, *maps, *outputs)
        return explanations[names[0]] if one_layer else [explanations[name] for name in names]

    def explain_dataset(self, dataset, **options) -> Iterator[Explanation | list[Explanation]]:
        """Explica un conjunto lote a lote, sin guardar ninguno: la memoria no crece con el conjunto.

        Argumentos:
            dataset: `tf.data.Dataset`, u otro iterable, de lotes de imágenes o de tuplas que los llevan
                delante, como `(images, labels)`.
            options: los demás argumentos de `explain`.
        """
        for batch in dataset:
            yield self.explain(batch[0] if isinstance(batch, tuple | list) else batch, **options)

    def _gradient_maps(self, images, target, layers: tuple[str, ...], score: str, method: str):
        """Mapas con signo (N, T, alto, ancho) de cada capa; clases, logits y probabilidades."""
        formula, targets = GRADIENT_METHODS[method], target.shape[1]

        def run(images, target):
            with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
                activations, logits, probabilities = self._forward(images, layers, watch=tape.watch)
                target = _predicted_where_none(target, logits)
                scores = tf.gather(logits if score == "logit" else probabilities, target, batch_dims=1)
                # Sumar sobre el lote no mezcla imágenes: cada puntuación depende de una sola.
                totals = tf.unstack(tf.reduce_sum(scores, axis=0))
            gradients = [tape.gradient(total, activations) for total in totals]  # por clase y capa
            _check_gradients(layers, gradients[0])
            raw_maps = []
            for maps, *by_target in zip(activations, *gradients, strict=True):
                by_target = [formula(_float32(maps), _float32(gradient)) for gradient in by_target]
                raw_maps.append(tf.stack(by_target, axis=1))
            return raw_maps, target, logits, probabilities

        signature = [self._images_signature(), tf.TensorSpec((None, targets), tf.int64)]
        return self._function((method, layers, score, targets), run, signature)(images, target)

    def _score_cam_maps(self, images, target, layers: tuple[str, ...], score: str, _method: str):
        """Lo mismo que `_gradient_maps`, con una predicción por filtro de cada capa."""

        def observe(images):
            return self._forward(images, layers)

        observe = self._function(("observe", layers), observe, [self._images_signature()])
        activations, logits, probabilities = observe(images)
        target = _predicted_where_none(target, logits)
        raw_maps = []
        for maps in map(_float32, activations):
            by_class = tf.stack(
                [self._score_filters(*pair, score) for pair in zip(images, maps, strict=True)]
            )
            by_target = tf.unstack(tf.gather(by_class, target, axis=2, batch_dims=1), target.shape[1], axis=2)
            raw_maps.append(tf.stack([score_cam(maps, scores) for scores in by_target], axis=1))
        return raw_maps, target, logits, probabilities

    def _score_filters(self, image, maps, score: str):
        """La puntuación de cada clase para la imagen vista a través de cada filtro: (filtros, clases)."""

        def judge(image, maps):
            masks = tf.image.resize(tf.transpose(maps, (2, 0, 1))[..., tf.newaxis], tf.shape(image)[:2])
            lowest, highest = (bound(masks, (1, 2), True) for bound in (tf.reduce_min, tf.reduce_max))
            masked = image * tf.math.divide_no_nan(masks - lowest, highest - lowest)
            _, logits, probabilities = self._forward(masked, ())
            return logits if score == "logit" else probabilities

        signature = [tf.TensorSpec(self.model.input_shape[1:]), tf.TensorSpec((None, None, None))]
        judge = self._function(("judge", score), judge, signature)
        starts = range(0, maps.shape[-1], CHUNK)
        return tf.concat([judge(image, maps[..., start : start + CHUNK]) for start in starts], axis=0)

    def _forward(self, images, layers: Sequence[str], watch=None):
        """Activaciones de esas capas, logits y probabilidades; `watch` observa cada activación."""
        head, layers = self._head, [self._layers[name] for name in layers]
        calls = anatomy.record_calls(self.model, images, [*layers, head.layer], watch)
        logits = head.logits(calls[head.layer])
        return [calls[layer].outputs for layer in layers], logits, head.probabilities(logits)

    def _function(self, key, function, signature):
        """Esa función, compilada: se traza la primera vez y vale para cualquier lote y clase."""
        if key not in self._compiled:
            # Sin AutoGraph, como traza Keras sus modelos: un error llega tal cual a quien llama.
            compiled = tf.function(function, input_signature=signature, autograph=False)
            # Trazada ya, TensorFlow no avisa de que se trazan muchas funciones parecidas.
            self._compiled[key] = compiled.get_concrete_function()
        return self._compiled[key]

    def _images_signature(self) -> tf.TensorSpec:
        return tf.TensorSpec((None, *self.model.input_shape[1:]), tf.float32)

    def _check_layers(self, names: Sequence[str], method: str, score: str) -> None:
        choices = f"Sus capas convolucionales son: {', '.join(self.layer_names)}."
        if not names:
            raise ValueError(f"La lista de capas está vacía. {choices}")
        for name in names:
            if name not in self._layers:
                raise ValueError(f"El modelo no tiene ninguna capa «{name}». {choices}")
            if not anatomy.gives_maps(self._layers[name]):
                raise ValueError(f"La capa «{name}» no da mapas de características. {choices}")
            if method == "CAM" and not anatomy.feeds_global_average(self._layers[name], self._head):
                raise ValueError(
                    f"CAM necesita que a «{name}» la sigan un promedio global y una capa densa, y no es así. "
                    "Grad-CAM vale para cualquier capa."
                )
        if method == "CAM" and score != "logit":
            raise ValueError("CAM solo se define para el logit: quita «score».")


def _in_chunks(run, images: np.ndarray, target: np.ndarray, *options):
    """Aplica `run` a trozos del lote y junta los resultados, en NumPy."""
    starts = range(0, len(images), CHUNK)
    chunks = [run(images[start : start + CHUNK], target[start : start + CHUNK], *options) for start in starts]
    raw_maps, *outputs = tf.nest.map_structure(lambda *parts: np.concatenate(parts), *chunks)
    if not all(np.isfinite(values).all() for values in (*raw_maps, *outputs)):
        raise ValueError(
            "La red da valores que no son finitos: no se puede explicar. ¿Falló su entrenamiento?"
        )
    return raw_maps, *outputs


def _check_gradients(layers: Sequence[str], gradients: Sequence) -> None:
    for name, gradient in zip(layers, gradients, strict=True):
        if gradient is None:
            raise ValueError(
                f"No hay gradiente en «{name}»: la predicción no depende de esa capa, o el modelo lo detiene."
            )


def _predicted_where_none(target, logits):
    return tf.where(target < 0, tf.argmax(logits, axis=-1)[:, tf.newaxis], target)


def _float32(values):
    """Con precisión mixta, las activaciones y los gradientes llegan en 16 bits."""
    return tf.cast(values, tf.float32)


def _check_choice(name: str, value, choices: Sequence[str]) -> None:
    if value not in choices:
        raise ValueError(f"«{name}» debe ser {', '.join(choices[:-1])} o {choices[-1]}, y es «{value}».")


def _check_images(images, expected: tuple) -> np.ndarray:
    images = np.asarray(images)
    if images.ndim != 4 or any(
        size is not None and size != found for size, found in zip(expected, images.shape[1:], strict=True)
    ):
        sizes = ", ".join("?" if size is None else str(size) for size in expected)
        raise ValueError(
            f"El modelo espera un lote de forma (N, {sizes}), y este es de forma {images.shape}. "
            "¿Falta «data.prepare_image»?"
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


def _check_target(target, count: int, classes: int) -> tuple[np.ndarray, tuple[int, ...]]:
    """Las clases de cada imagen, int64 (count, T), con −1 donde se explica la predicha; y la forma pedida."""
    if target is None:
        return np.full((count, 1), -1), (count,)
    target = np.asarray(target)
    if target.dtype.kind not in "iu":
        raise TypeError(f"La clase debe ser un número entero, y es «{target.dtype}».")
    one_per_image = target.shape in ((), (count,))
    if not one_per_image and (target.ndim != 2 or len(target) != count or target.size == 0):
        raise ValueError(
            f"Hace falta una clase para todo el lote, una por imagen ({count},) o varias por imagen "
            f"({count}, T); la forma de estas es {target.shape}."
        )
    if target.min() < 0 or target.max() >= classes:
        raise ValueError(f"El modelo distingue las clases 0 a {classes - 1}, y se pide «{target}».")
    shape = (count,) if one_per_image else target.shape
    per_image = target[:, np.newaxis] if target.shape == (count,) else target
    return np.broadcast_to(per_image, (count, 1) if one_per_image else shape).astype(np.int64), shape
