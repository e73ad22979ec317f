"""Mapas de calor que explican una predicción: entran imágenes y salen mapas, para cualquier clasificador.

Lo que se pide se comprueba; la red da activaciones, gradientes y logits, y una fórmula de `formulas` hace de
ellos un mapa. De la red se ocupa la sala de máquinas, `engine`.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from gradcam_helpers.engine.backend import keras
from gradcam_helpers.engine.explanation import SCORES, Explanation, Formulas
from gradcam_helpers.engine.head import LINEAR
from gradcam_helpers.engine.inputs import (
    check_images,
    check_layer,
    check_layers,
    check_request,
    check_targets,
    images_of,
)
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

    Al construirlo se comprueba, con unas imágenes de prueba, que los logits que se leen son los de la red.

    Atributos:
        layer_names: capas que calculan con filtros, y `default_layer`, en el orden de la red. Se puede
            explicar cualquier otra capa que dé mapas. Una capa de un modelo anidado se llama «modelo/capa».
        default_layer: la que se explica si no se pide ninguna. La última de ellas antes de que se pierda el
            espacio o, si la siguen, su normalización y su activación.
        proved: si la comprobación ha servido; no, si la red responde siempre 0 o 1.
        classes: cuántas clases distingue.
        image_shape: alto, ancho y canales de las imágenes que recibe, con None donde vale cualquiera.

    Errores:
        TypeError: no es un modelo de Keras.
        ValueError: no tiene capas convolucionales, no es un clasificador cuyos logits se sepan leer, o
            responde cosas distintas a una misma imagen.
    """

    def __init__(self, model: keras.Model):
        self._passes = Passes(model)
        self._anatomy, self.proved = self._passes.anatomy, self._passes.proved
        self.model, self.layer_names = model, self._anatomy.layer_names
        self.default_layer = self._anatomy.default_layer
        self.classes, self.image_shape = self._anatomy.classes, self._anatomy.image_shape

    def explain(
        self,
        images,
        layer=None,
        target=None,
        score: str = "logit",
        method: str = "Grad-CAM",
    ) -> Explanation | list[Explanation]:
        """Calcula el mapa de cada imagen.

        Argumentos:
            images: lote float32 (N, alto, ancho, canales), como lo da `data.prepare_image`.
            layer: la capa, o una lista: por su nombre, la capa misma o su puesto en `layer_names`. Por
                omisión, `default_layer`.
            target: clase que se explica: una para todas las imágenes, una por imagen (N,), o varias por
                imagen (N, T). Por omisión, la que predice la red. O una función que se deriva en lugar de un
                logit, como `lambda y: y[:, 1] - y[:, 0]`: recibe las salidas de la red antes de su última
                activación, un tensor (N, salidas), y da un número por imagen. Cada una nueva se compila.
            score: «logit» (por omisión) o «probability», lo que se deriva. Con una función sobra.
            method: uno de `METHODS`.

        Devuelve una `Explanation`, o una lista de ellas si `layer` es una lista.

        Errores:
            TypeError: las imágenes no son flotantes o las clases no son enteras.
            ValueError: capa, clase, `score` o método que no existen; capa que el modelo usa varias veces o de
                la que no depende la predicción; CAM sin promedio global; forma distinta; lote vacío; valores
                no finitos en las imágenes o en la red.
        """
        names, one_layer = check_layers(self._anatomy, layer)
        check_request(self._anatomy, names, score, method, METHODS, target)
        images = check_images(images, self._anatomy.image_shape)
        free = target if callable(target) else None
        target, shape = check_targets(None if free else target, len(images), self._anatomy.classes)

        distinct = tuple(dict.fromkeys(names))
        if method in FILTER_METHODS:
            run, formula = self._passes.filter_maps, FILTER_METHODS[method]
        else:
            run, formula = self._passes.gradient_maps, GRADIENT_METHODS[method]
        raw_maps, target, *outputs = in_chunks(run, images, target, distinct, free or score, formula)

        explanations = {
            name: FORMULAS.explanation(name, method, score, raw, target, shape, *outputs, self.proved)
            for name, raw in zip(distinct, raw_maps, strict=True)
        }
        if free:
            explanations = {name: self._of_function(each, free) for name, each in explanations.items()}
        return explanations[names[0]] if one_layer else [explanations[name] for name in names]

    def _of_function(self, explanation: Explanation, function: Callable) -> Explanation:
        """La de una función: no es de ninguna clase y, si la red no da probabilidades, no las supone."""
        unknown = {"probabilities": None} if self._anatomy.head.activation == LINEAR else {}
        return replace(explanation, target=function, **unknown)

    def explain_dataset(self, dataset, **options) -> Iterator[Explanation | list[Explanation]]:
        """Explica un conjunto lote a lote, sin guardar ninguno: la memoria no crece con el conjunto.

        Argumentos:
            dataset: `tf.data.Dataset`, u otro iterable, de lotes de imágenes, de tuplas que las llevan
                delante, como `(images, labels)` o `((images, extra), labels)`, o de diccionarios, en «image».
            options: los demás argumentos de `explain`.
        """
        for batch in dataset:
            yield self.explain(images_of(batch), **options)

    def record(self, image, layer=None, target=None, score: str = "logit") -> Recording:
        """Pasa una imagen por la red y anota lo que hace falta para explicarla de muchas formas y deprisa.

        Argumentos:
            image: lote de una imagen, float32 (1, alto, ancho, canales).
            layer, target, score: la capa, la clase y la puntuación que se van a explicar primero; como en
                `explain`, pero una sola capa y ninguna función.

        Devuelve un `Recording`. Completo, ocupa lo que las activaciones de las capas convolucionales más
        otro tanto por clase: 120 MB con la red del curso.

        Errores: los de `explain`.
        """
        image = check_images(image, self._anatomy.image_shape)
        if len(image) != 1:
            raise ValueError(f"Las imágenes se anotan de una en una, y el lote tiene {len(image)}.")
        layer = check_layer(self._anatomy, layer)
        check_request(self._anatomy, [layer], score, "Grad-CAM", METHODS)
        target, _ = check_targets(target, 1, self._anatomy.classes)
        return Recording(self._passes, FORMULAS, image, layer, target, score)

    def count_filters(self, layer) -> int:
        """Cuántos filtros tiene una capa que da mapas.

        Errores:
            ValueError: la capa no da mapas.
        """
        return self._anatomy.count_filters(check_layer(self._anatomy, layer))


def completeness_gap(explanation: Explanation) -> np.ndarray:
    """Lo que activación por gradiente no explica del logit, y − Σ A·g: float64 (N,) o (N, T), en logits.

    En una red lineal a trozos es lo que aportan los sesgos que vienen después de la capa (teorema de Euler).

    Argumentos:
        explanation: de HiResCAM y del logit; su mapa suma Σ A·g.

    Errores:
        ValueError: la explicación es de otro método, de la probabilidad o de una función.
    """
    if explanation.method != "HiResCAM" or explanation.score != "logit" or callable(explanation.target):
        raise ValueError(
            "Lo que falta por explicar se mide con HiResCAM y el logit de una clase, "
            f"y esta explicación es de {explanation.method} y «{explanation.score}»."
        )
    target = explanation.target.reshape(len(explanation.logits), -1)
    logits = np.take_along_axis(explanation.logits, target, axis=1).reshape(explanation.target.shape)
    return logits - explanation.raw.sum(axis=(-2, -1), dtype=np.float64)
