"""La puntuación que da una red a una clase, en tantas imágenes como haga falta sin tenerlas a la vez."""

import contextlib
from collections.abc import Callable, Iterator

import numpy as np

from gradcam_helpers.engine.anatomy import check_classifier, read_head
from gradcam_helpers.engine.backend import keras
from gradcam_helpers.engine.head import LINEAR, Head
from gradcam_helpers.engine.inputs import check_answers
from gradcam_helpers.engine.passes import CHUNK

ROUNDING = 1e-3  # con 16 bits, una probabilidad puede pasar de 1, o sus sumas separarse de 1, en esto


def class_scores(predict, build: Callable, target: np.ndarray, probabilities: bool = False) -> np.ndarray:
    """Puntuación de la clase `target[i]` en la imagen i de las M que da `build(índices)`; float64 (M,).

    Se construyen y se puntúan de `CHUNK` en `CHUNK`, para que nunca estén todas en memoria. Una red de Keras
    responde como en `predict` y queda como estaba. Con una sola salida distingue dos clases.

    Argumentos:
        probabilities: exige que las puntuaciones sean probabilidades.
    """
    model = model_behind(predict)
    head = None if model is None else _find_head(model)
    if head:
        _check_classes(target, head.classes)
    scores = np.empty(len(target))
    with _left_as_it_was(model):
        for start in range(0, len(target), CHUNK):
            chosen = np.arange(start, min(start + CHUNK, len(target)))
            images = build(chosen)
            outputs = _as_table(predict(images) if model is None else _infer(model, images), len(chosen))
            outputs = _two_columns(outputs, head) if outputs.shape[1] == 1 else outputs
            _check_classes(target, outputs.shape[1])
            if probabilities:
                _check_probabilities(outputs, head)
            scores[chosen] = outputs[np.arange(len(chosen)), target[chosen]]
    return scores


def model_behind(predict) -> keras.Model | None:
    """La red de Keras que responde, si se da ella misma o un método suyo; None si es otra función."""
    if isinstance(predict, keras.Model):
        return predict
    model, name = getattr(predict, "__self__", None), getattr(predict, "__name__", "")
    if not isinstance(model, keras.Model) or name not in ("predict", "predict_on_batch", "__call__"):
        return None
    return model if predict.__func__ is getattr(keras.Model, name) else None


def _infer(model: keras.Model, images: np.ndarray) -> np.ndarray:
    # Sin `training=False`, una capa a la que su modelo llama con `training=True` aprende de estas imágenes.
    structure = getattr(model, "input", images)
    outputs = model(keras.tree.map_structure(lambda _: images, structure), training=False)
    (output,) = keras.tree.flatten(outputs)
    return keras.ops.convert_to_numpy(output)


@contextlib.contextmanager
def _left_as_it_was(model: keras.Model | None) -> Iterator[None]:
    """Devuelve a la red sus medias móviles y sus semillas, si alguna capa las cambia aunque no se entrene."""
    variables = [] if model is None else model.non_trainable_variables
    values = [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]
    try:
        yield
    finally:
        for variable, value in zip(variables, values, strict=True):
            if not np.array_equal(keras.ops.convert_to_numpy(variable), value):
                variable.assign(value)


def _find_head(model: keras.Model) -> Head | None:
    """El final de la red; None si no se sabe leer, o si es de una clase propia: también así se mide."""
    if not getattr(model, "inputs", None):
        return None
    check_classifier(model)
    try:
        return read_head(model)
    except ValueError:
        return None


def _as_table(outputs, count: int) -> np.ndarray:
    outputs = np.asarray(outputs)
    if outputs.ndim != 2 or len(outputs) != count or outputs.shape[1] == 0:
        raise ValueError(
            f"A un lote de {count} imágenes, «predict» debe darle puntuaciones "
            f"({count}, clases), y da {outputs.shape}."
        )
    outputs = outputs.astype(np.float64)
    check_answers(outputs)
    return outputs


def _two_columns(outputs: np.ndarray, head: Head | None) -> np.ndarray:
    """Las puntuaciones de las clases 0 y 1, (M, 2), si solo se da la de la 1: como las ve `Explainer`."""
    if head and head.activation == LINEAR:
        return head.logits(outputs).numpy()
    if outputs.min() < 0 or outputs.max() > 1 + ROUNDING:
        raise ValueError(
            "Una sola salida debe ser la probabilidad de la clase 1, entre 0 y 1, y va "
            f"de {outputs.min():g} a {outputs.max():g}. Si es un logit, «predict» debe dar dos columnas."
        )
    return np.concatenate([1 - np.minimum(outputs, 1), outputs], axis=1)


def _check_classes(target: np.ndarray, classes: int) -> None:
    if target.max() >= classes:
        raise ValueError(f"Las clases van de 0 a {classes - 1}, y se pide la {target.max()}.")


def _check_probabilities(outputs: np.ndarray, head: Head | None) -> None:
    inside = outputs.min() >= 0 and outputs.max() <= 1 + ROUNDING
    # Los logits de una red que no está segura pueden caer todos entre 0 y 1.
    linear = head is not None and head.activation == LINEAR
    if not inside or (linear and np.abs(outputs.sum(axis=1) - 1).max() > 10 * ROUNDING):
        raise ValueError(
            "Hacen falta probabilidades, entre 0 y 1, y «predict» da puntuaciones "
            f"de {outputs.min():g} a {outputs.max():g}. ¿Son logits? Añade una softmax o una sigmoide."
        )
