"""Lo anotado al pasar una imagen por la red: muchos mapas de una sola pasada."""

from collections.abc import Generator, Sequence

import numpy as np

from gradcam_helpers.engine.backend import tf
from gradcam_helpers.engine.explanation import Explanation, Formulas
from gradcam_helpers.engine.inputs import check_answers, check_layer, check_request, check_targets
from gradcam_helpers.engine.passes import Passes

STEP = 1  # filtros que mira `score_filters` de cada vez: con más apenas va más deprisa, y hace esperar


class Recording:
    """Lo anotado al pasar una imagen por la red: de ello salen sus mapas sin pasarla otra vez.

    La da `Explainer.record`. Guarda activaciones y gradientes. Primero anota solo lo que se va a explicar,
    que es lo más rápido; `complete` anota las demás capas de una clase, y si antes se pide algo que falta, se
    anota solo eso. Con los gradientes de todos los logits, los de las probabilidades salen de ellos por la
    regla de la cadena. Vale mientras no cambien los pesos de la red.

    Atributos:
        logits, probabilities: salida de la red antes y después de la última activación, float32 (1, clases).
        predicted: clase de mayor logit.
    """

    def __init__(self, passes: Passes, formulas: Formulas, image, layer: str, target, score: str):
        """Anota lo primero que se va a explicar; todo llega ya comprobado, y `target`, int64 (1, T)."""
        self._passes, self._formulas, self._image = passes, formulas, image
        self._activations, self._gradients = {}, {}  # por capa; por capa, puntuación y clase
        self._answers = {}  # por capa, las respuestas a través de sus filtros
        self._steps = {}  # por capa, lo que va de ellas
        self._raw_maps = {}  # (1, alto, ancho), por capa, método, puntuación y clase
        self._logits, probabilities = self._annotate([layer], score, target)
        self.logits, self.probabilities = check_answers(self._logits.numpy(), probabilities.numpy())
        self.predicted = int(self.logits[0].argmax())

    def complete(self, target: int) -> None:
        """Anota de una clase las capas de `layer_names` que falten.

        Errores:
            ValueError: alguna capa no se puede explicar; entonces no se anota ninguna.
        """
        names = self._passes.anatomy.layer_names
        if any((name, "logit", target) not in self._gradients for name in names):
            # Todas, también las que ya están: así hay una sola función que compilar.
            self._annotate(names, "logit", np.array([[target]]))

    def explain(self, layer=None, target=None, score: str = "logit", method: str = "Grad-CAM") -> Explanation:
        """Lo mismo que `Explainer.explain`, para esta imagen, una capa y ninguna función.

        Solo Score-CAM y lo que falte por anotar vuelven a usar la red. Lo ya calculado no se repite.

        Errores: los de `Explainer.explain`.
        """
        anatomy = self._passes.anatomy
        layer = check_layer(anatomy, layer)
        check_request(anatomy, [layer], score, method, self._formulas.methods)
        target, shape = check_targets(self.predicted if target is None else target, 1, anatomy.classes)
        raw = np.stack([self._raw_map(layer, method, score, each) for each in target[0].tolist()], axis=1)
        outputs = self.logits, self.probabilities, self._passes.proved
        return self._formulas.explanation(layer, method, score, raw, target, shape, *outputs)

    def score_filters(self, layer: str) -> tuple[int, int] | None:
        """Adelanta un poco lo que necesita Score-CAM en una capa: mirar a través de sus filtros.

        Devuelve cuántos lleva y cuántos son; o None si ya están todos, y entonces `explain` no tarda. Entre
        una llamada y la siguiente se puede pedir cualquier otra cosa.
        """
        if layer in self._answers:
            return None
        # Si algo interrumpe este paso, el generador no vale ya: se quita antes de darlo.
        steps = self._steps.pop(layer, None) or self._look_through(layer)
        progress = next(steps, None)
        if progress:
            self._steps[layer] = steps
        return progress

    def has_scores(self, layer: str) -> bool:
        """¿Está ya lo que necesita Score-CAM en esa capa? Si no, `explain` tarda."""
        return layer in self._answers

    def _every_class(self) -> np.ndarray:
        """Todas las clases, int64 (1, clases)."""
        return np.arange(self._passes.anatomy.classes)[np.newaxis]

    def _annotate(self, layers: Sequence[str], score: str, classes: np.ndarray) -> list:
        """Anota esas capas y clases, (1, T); da los logits y las probabilidades."""
        activations, gradients, classes, *outputs = self._passes.gradients(
            self._image, classes, tuple(layers), score
        )
        self._activations |= zip(layers, activations, strict=True)
        for each, by_layer in zip(classes[0].numpy().tolist(), gradients, strict=True):
            self._gradients |= {
                (name, score, each): gradient for name, gradient in zip(layers, by_layer, strict=True)
            }
        return outputs

    def _raw_map(self, layer: str, method: str, score: str, target: int) -> np.ndarray:
        key = layer, method, score, target
        if key not in self._raw_maps:
            by_filter = method in self._formulas.by_filter
            raw = (self._filter_map if by_filter else self._gradient_map)(*key)
            self._raw_maps[key] = check_answers(raw.numpy())[0]
        return self._raw_maps[key]

    def _gradient_map(self, layer: str, method: str, score: str, target: int):
        gradient = self._gradient(layer, score, target)
        return self._formulas.by_gradient[method](self._activations[layer], gradient)

    def _gradient(self, layer: str, score: str, target: int):
        key = layer, score, target
        if key not in self._gradients:
            by_logit = [self._gradients.get((layer, "logit", each)) for each in self._every_class()[0]]
            if score == "probability" and all(gradient is not None for gradient in by_logit):
                return self._probability_gradient(by_logit, target)
            self._annotate([layer], score, np.array([[target]]))
        return self._gradients[key]

    def _probability_gradient(self, gradients: Sequence, target: int):
        """∂p/∂A = Σⱼ ∂p/∂yⱼ · ∂yⱼ/∂A, para una probabilidad p."""
        with tf.GradientTape() as tape:
            tape.watch(self._logits)
            probability = self._passes.anatomy.head.probabilities(self._logits)[0, target]
        by_logit = tf.unstack(tape.gradient(probability, self._logits)[0])
        return sum(factor * gradient for factor, gradient in zip(by_logit, gradients, strict=True))

    def _filter_map(self, layer: str, method: str, score: str, target: int):
        while self.score_filters(layer):
            pass
        scores = self._passes.scores(self._answers[layer], np.array([[target]]), score)
        return self._formulas.by_filter[method](self._activations[layer], tf.transpose(scores))

    def _look_through(self, layer: str) -> Generator[tuple[int, int], None, None]:
        if layer not in self._activations:
            (self._activations[layer],), _ = self._passes.observe(self._image, (layer,))
        (maps,) = self._activations[layer]
        self._answers[layer] = yield from self._passes.score_filters(self._image[0], maps, STEP)
