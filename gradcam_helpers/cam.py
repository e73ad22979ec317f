"""Mapas de calor que explican una predicción: entran imágenes y salen mapas, para cualquier clasificador.

Lo que se pide se comprueba; la red da activaciones, gradientes y logits, y una fórmula de `formulas` hace de
ellos un mapa. De la red se ocupa la sala de máquinas, `engine`.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from gradcam_helpers.engine.backend import keras
from gradcam_helpers.engine.explanation import SCORES, Explanation, Formulas
from gradcam_helpers.engine.inputs import check_convolution, check_images, check_request, check_targets
from gradcam_helpers.engine.passes import Passes, in_chunks
from gradcam_helpers.engine.recording import Recording
from gradcam_helpers.formulas import FILTER_METHODS, GRADIENT_METHODS, METHODS, normalize

__all__ = ["METHODS", "SCORES", "Explainer", "Explanation", "Recording", "completeness_gap"]

FORMULAS = Formulas(GRADIENT_METHODS, FILTER_METHODS, normalize)


class Explainer:
    """Explica las predicciones de un modelo. Se construye una vez y se usa con muchas imágenes.

    No cambia el modelo: ni sus pesos, ni sus activaciones, ni cómo está compilado.

    Argumentos:
        model: clasificador de Keras ya construido, con una entrada y una salida: Sequential o funcional,
            con modelos anidados o sin ellos. Puede acabar en softmax o sigmoide, o dar los logits.

    Atributos:
        layer_names: capas convolucionales, en el orden de la red. Se puede explicar cualquier otra capa que
            dé mapas. Una capa de un modelo anidado se llama «modelo/capa».
        classes: cuántas clases distingue.
        image_shape: alto, ancho y canales de las imágenes que recibe, con None donde vale cualquiera.

    Errores:
        TypeError: no es un modelo de Keras.
        ValueError: no tiene capas convolucionales, o no es un clasificador cuyos logits se sepan leer.
    """

    def __init__(self, model: keras.Model):
        self._passes = Passes(model)
        self._anatomy = self._passes.anatomy
        self.model, self.layer_names = model, self._anatomy.layer_names
        self.classes, self.image_shape = self._anatomy.classes, self._anatomy.image_shape

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
        check_request(self._anatomy, names, score, method, METHODS)
        images = check_images(images, self._anatomy.image_shape)
        target, shape = check_targets(target, len(images), self._anatomy.classes)

        distinct = tuple(dict.fromkeys(names))
        if method in FILTER_METHODS:
            run, formula = self._passes.filter_maps, FILTER_METHODS[method]
        else:
            run, formula = self._passes.gradient_maps, GRADIENT_METHODS[method]
        raw_maps, target, *outputs = in_chunks(run, images, target, distinct, score, formula)

        explanations = {
            name: FORMULAS.explanation(name, method, score, raw, target, shape, *outputs)
            for name, raw in zip(distinct, raw_maps, strict=True)
        }
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
        image = check_images(image, self._anatomy.image_shape)
        if len(image) != 1:
            raise ValueError(f"Las imágenes se anotan de una en una, y el lote tiene {len(image)}.")
        layer = self.layer_names[-1] if layer is None else layer
        check_request(self._anatomy, [layer], score, "Grad-CAM", METHODS)
        check_convolution(self._anatomy, layer)
        target, _ = check_targets(target, 1, self._anatomy.classes)
        return Recording(self._passes, FORMULAS, image, layer, target, score)

    def count_filters(self, layer: str) -> int:
        """Cuántos filtros tiene una capa convolucional.

        Errores:
            ValueError: la capa no es convolucional.
        """
        check_convolution(self._anatomy, layer)
        return self._anatomy.layers[layer].output.shape[-1]


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
