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
CHUNK = 8  # imágenes que ve la red a la vez: con 16 apenas va más deprisa y ocupa mucha más memoria


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
    # Llevadas a −1…1, sus cuadrados caben en 32 bits, por grandes o pequeñas que sean.
    largest = tf.reduce_max(tf.abs(activations), axis=(1, 2, 3), keepdims=True)
    scaled = tf.math.divide_no_nan(activations, largest)
    # Los vectores singulares derechos de A son los propios de AᵀA, que es mucho menor.
    squared = tf.einsum("nijk,nijl->nkl", scaled, scaled)
    # `eigh` falla con lo que no es finito; aun así llega al mapa, en la proyección, y de ello se avisa.
    squared = tf.where(tf.math.is_finite(squared), squared, 0.0)
    _, eigenvectors = tf.linalg.eigh(squared)  # en orden creciente
    projection = _weighted_sum(eigenvectors[..., -1], activations)
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
        heatmaps: mapas (..., alto, ancho), con signo o sin él.
        shape: `(alto, ancho)` de la imagen.

    Devuelve float32 (..., alto, ancho), sin salirse del intervalo de los valores de partida.
    """
    height, width = shape
    maps = np.asarray(heatmaps, np.float32)
    one_by_one = maps.reshape(-1, *maps.shape[-2:])
    resized = [cv2.resize(each, (width, height), interpolation=cv2.INTER_LINEAR) for each in one_by_one]
    return np.reshape(resized, (*maps.shape[:-2], height, width))


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


class Recording:
    """Lo anotado al pasar una imagen por la red: de ello salen sus mapas sin pasarla otra vez.

    La da `Explainer.record`. Guarda activaciones y gradientes de los logits; los de las probabilidades salen
    de ellos por la regla de la cadena. Primero anota una sola capa y, si se va a derivar un logit, solo la
    clase pedida, que es lo más rápido; `complete` anota las demás capas de una clase, y si antes se pide algo
    que falta, se anota solo eso. Vale mientras no cambien los pesos de la red.

    Atributos:
        logits, probabilities: salida de la red antes y después de la última activación, float32 (1, clases).
        predicted: clase de mayor logit.
    """

    def __init__(self, explainer: "Explainer", image: np.ndarray, layer: str, classes: np.ndarray):
        self._explainer, self._image = explainer, image
        self._activations, self._gradients = {}, {}  # por capa; por capa y clase
        self._raw_maps = {}  # (1, alto, ancho), por capa, método, puntuación y clase
        self._logits, probabilities = self._annotate([layer], classes)
        self.logits, self.probabilities = _finite(self._logits.numpy(), probabilities.numpy())
        self.predicted = int(self.logits[0].argmax())

    def complete(self, target: int) -> None:
        """Anota las capas convolucionales que falten de una clase.

        Errores:
            ValueError: alguna capa no se puede explicar; entonces no se anota ninguna.
        """
        names = self._explainer.layer_names
        if any((name, target) not in self._gradients for name in names):
            # Todas, también las que ya están: así hay una sola función que compilar.
            self._annotate(names, np.array([[target]]))

    def explain(self, layer: str, target=None, score: str = "logit", method: str = "Grad-CAM") -> Explanation:
        """Lo mismo que `Explainer.explain`, para esta imagen y una capa convolucional.

        Solo Score-CAM y lo que falte por anotar vuelven a usar la red. Lo ya calculado no se repite.

        Errores: los de `Explainer.explain`, y ValueError si la capa no es convolucional.
        """
        self._explainer._check_request([layer], score, method)
        self._explainer._check_convolution(layer)
        target, shape = _check_target(self.predicted if target is None else target, 1, self.logits.shape[1])
        raw = np.stack([self._raw_map(layer, method, score, each) for each in target[0].tolist()], axis=1)
        return _explanation(layer, method, score, raw, target, shape, self.logits, self.probabilities)

    def has_map(self, layer: str, target: int | None, score: str, method: str) -> bool:
        """¿Está ya calculado el mapa de una clase, o de la predicha? Si no, con Score-CAM `explain` tarda."""
        return (layer, method, score, self.predicted if target is None else target) in self._raw_maps

    def _annotate(self, layers: Sequence[str], classes: np.ndarray) -> list:
        """Anota esas capas y clases, (1, T); da los logits y las probabilidades."""
        activations, gradients, classes, *outputs = self._explainer._annotate(self._image, layers, classes)
        self._activations |= zip(layers, activations, strict=True)
        for each, by_layer in zip(classes[0].numpy().tolist(), gradients, strict=True):
            self._gradients |= {
                (name, each): gradient for name, gradient in zip(layers, by_layer, strict=True)
            }
        return outputs

    def _raw_map(self, layer: str, method: str, score: str, target: int) -> np.ndarray:
        key = layer, method, score
        if (*key, target) not in self._raw_maps:
            if method == "Score-CAM":
                self._raw_maps |= {(*key, each): raw for each, raw in enumerate(self._score_cam_maps(*key))}
            else:
                self._raw_maps[*key, target] = self._gradient_map(*key, target)
        return self._raw_maps[*key, target]

    def _gradient_map(self, layer: str, method: str, score: str, target: int) -> np.ndarray:
        classes = self._explainer._every_class() if score == "probability" else np.array([[target]])
        if any((layer, each) not in self._gradients for each in classes[0]):
            self._annotate([layer], classes)
        gradients = [self._gradients[layer, each] for each in classes[0]]
        gradient = gradients[0] if score == "logit" else self._probability_gradient(gradients, target)
        (raw,) = _finite(GRADIENT_METHODS[method](self._activations[layer], gradient).numpy())
        return raw

    def _probability_gradient(self, gradients: Sequence, target: int):
        """∂p/∂A = Σⱼ ∂p/∂yⱼ · ∂yⱼ/∂A, para una probabilidad p."""
        with tf.GradientTape() as tape:
            tape.watch(self._logits)
            probability = self._explainer._head.probabilities(self._logits)[0, target]
        by_logit = tf.unstack(tape.gradient(probability, self._logits)[0])
        return sum(factor * gradient for factor, gradient in zip(by_logit, gradients, strict=True))

    def _score_cam_maps(self, layer: str, method: str, score: str) -> np.ndarray:
        """Los de todas las clases, que cuestan lo mismo que el de una: (clases, 1, alto, ancho)."""
        classes = self._explainer._every_class()
        (raw,), *_ = self._explainer._score_cam_maps(self._image, classes, (layer,), score, method)
        (raw,) = _finite(raw.numpy())
        return raw.swapaxes(0, 1)


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
        self._check_request(names, score, method)
        images = _check_images(images, self.model.input_shape[1:])
        target, shape = _check_target(target, len(images), self._head.classes)
        distinct = tuple(dict.fromkeys(names))
        run = self._score_cam_maps if method == "Score-CAM" else self._gradient_maps
        raw_maps, target, *outputs = _in_chunks(run, images, target, distinct, score, method)
        explanations = {
            name: _explanation(name, method, score, raw, target, shape, *outputs)
            for name, raw in zip(distinct, raw_maps, strict=True)
        }
        return explanations[names[0]] if one_layer else [explanations[name] for name in names]

    def count_filters(self, layer: str) -> int:
        """Cuántos filtros tiene una capa convolucional.

        Errores:
            ValueError: la capa no es convolucional.
        """
        self._check_convolution(layer)
        return self._layers[layer].output.shape[-1]

    def explain_dataset(self, dataset, **options) -> Iterator[Explanation | list[Explanation]]:
        """Explica un conjunto lote a lote, sin guardar ninguno: la memoria no crece con el conjunto.

        Argumentos:
            dataset: `tf.data.Dataset`, u otro iterable, de lotes de imágenes o de tuplas que los llevan
                delante, como `(images, labels)`.
            options: los demás argumentos de `explain`.
        """
        for batch in dataset:
            yield self.explain(batch[0] if isinstance(batch, tuple | list) else batch, **options)

    def record(self, image, layer: str | None = None, target=None, score: str = "logit") -> Recording:
        """Pasa una imagen por la red y anota lo que hace falta para explicarla de muchas formas y deprisa.

        Argumentos:
            image: lote de una imagen, float32 (1, alto, ancho, canales).
            layer, target, score: la capa convolucional, la clase y la puntuación que se van a explicar
                primero; por omisión, las de `explain`.

        Devuelve un `Recording`. Completo, ocupa lo que las activaciones de las capas convolucionales más
        otro tanto por clase: 120 MB con la red del curso.

        Errores: los de `explain`, y ValueError si la capa no es convolucional.
        """
        image = _check_images(image, self.model.input_shape[1:])
        if len(image) != 1:
            raise ValueError(f"Las imágenes se anotan de una en una, y el lote tiene {len(image)}.")
        layer = self.layer_names[-1] if layer is None else layer
        self._check_request([layer], score, "Grad-CAM")
        self._check_convolution(layer)
        classes, _ = _check_target(target, 1, self._head.classes)
        # El gradiente de una probabilidad depende de los de todos los logits.
        return Recording(self, image, layer, self._every_class() if score == "probability" else classes)

    def _every_class(self) -> np.ndarray:
        """Todas las clases, para una imagen: int64 (1, clases)."""
        return np.arange(self._head.classes)[np.newaxis]

    def _annotate(self, images, layers: Sequence[str], target: np.ndarray):
        """Lo que da `_differentiate`, de los logits de esas clases, (N, T)."""

        def run(images, target):
            return self._differentiate(images, target, layers, "logit")

        targets = target.shape[1]
        signature = [self._images_signature(), tf.TensorSpec((None, targets), tf.int64)]
        return self._function(("annotate", tuple(layers), targets), run, signature)(images, target)

    def _gradient_maps(self, images, target, layers: tuple[str, ...], score: str, method: str):
        """Mapas con signo (N, T, alto, ancho) de cada capa; clases, logits y probabilidades."""
        formula, targets = GRADIENT_METHODS[method], target.shape[1]

        def run(images, target):
            activations, gradients, *outputs = self._differentiate(images, target, layers, score)
            raw_maps = [
                tf.stack([formula(maps, gradient) for gradient in by_target], axis=1)
                for maps, *by_target in zip(activations, *gradients, strict=True)
            ]
            return raw_maps, *outputs

        signature = [self._images_signature(), tf.TensorSpec((None, targets), tf.int64)]
        return self._function((method, layers, score, targets), run, signature)(images, target)

    def _differentiate(self, images, target, layers: Sequence[str], score: str):
        """Activaciones de cada capa; sus gradientes, por clase y capa; clases, logits y probabilidades."""
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

    def _check_convolution(self, layer: str) -> None:
        if layer not in self.layer_names:
            raise ValueError(
                f"«{layer}» no es una capa convolucional. Las que hay: {', '.join(self.layer_names)}."
            )

    def _check_request(self, names: Sequence[str], score: str, method: str) -> None:
        _check_choice("score", score, SCORES)
        _check_choice("method", method, METHODS)
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


def _explanation(layer: str, method: str, score: str, raw, target, shape: tuple, *outputs) -> Explanation:
    """De mapas (N, T, alto, ancho) y clases (N, T), la explicación, con la forma en que se pidieron."""
    raw = raw.reshape(*shape, *raw.shape[-2:])
    return Explanation(layer, method, score, raw, *normalize(raw), target.reshape(shape), *outputs)


def _in_chunks(run, images: np.ndarray, target: np.ndarray, *options):
    """Aplica `run` a trozos del lote y junta los resultados, en NumPy."""
    starts = range(0, len(images), CHUNK)
    chunks = [run(images[start : start + CHUNK], target[start : start + CHUNK], *options) for start in starts]
    raw_maps, *outputs = tf.nest.map_structure(lambda *parts: np.concatenate(parts), *chunks)
    _finite(*raw_maps, *outputs)
    return raw_maps, *outputs


def _finite(*results: np.ndarray) -> tuple[np.ndarray, ...]:
    """Los mismos resultados, o un error si alguno no es finito."""
    if not all(np.isfinite(values).all() for values in results):
        raise ValueError(
            "La red da valores que no son finitos: no se puede explicar. ¿Falló su entrenamiento?"
        )
    return results


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
