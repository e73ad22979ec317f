"""La prueba, al construir el explicador, de que los logits que se leen son los de la red que se ha dado.

Ninguna lista de tipos de capa puede sustituirla: se dan a la red unas imágenes de prueba y se compara lo que
responde con lo que se lee en la misma pasada.
"""

import contextlib
from collections.abc import Iterator

import numpy as np

from gradcam_helpers.engine.anatomy import Anatomy, record_calls
from gradcam_helpers.engine.backend import tf
from gradcam_helpers.engine.graph import OPAQUE
from gradcam_helpers.engine.head import LINEAR, LOG_SOFTMAX, SIGMOID

FREE_SIZE = 128  # píxeles de lado de las imágenes de prueba, si la red las admite de cualquier tamaño
FAINT = 0.1  # parte del ruido que se deja en la imagen tenue
# Lo que puede diferir un logit, y el redondeo relativo de lo que responde la red; con 16 bits, mucho más.
PRECISION, PRECISION_16_BITS = (1e-4, 2.0**-23), (0.1, 2.0**-8)


def prove(anatomy: Anatomy) -> bool:
    """Comprueba que la red responde siempre lo mismo a una imagen y que sus logits son los que se leen.

    Prueba primero con una imagen negra y otra tenue, que es raro que den respuestas redondeadas a 0 o a 1; si
    no sirven, con ruido, de 0 a 1 y de 0 a 255. No cambia ninguna variable de la red.

    Devuelve si ha quedado probado: no, si ninguna imagen sirve.

    Errores:
        ValueError: la red responde cosas distintas a una misma imagen, o los logits leídos no son los suyos.
    """
    black_and_faint, *noises = _probes(anatomy.image_shape)
    try:
        with _unchanged_variables(anatomy.answer):
            outputs = _run(anatomy, black_and_faint)
            _check_steady(anatomy, black_and_faint, outputs)
            return _agree(anatomy, *outputs) or any(_agree(anatomy, *_run(anatomy, each)) for each in noises)
    except tf.errors.OpError:
        if None not in anatomy.image_shape:
            raise
        return False  # puede que a la red no le valga el tamaño de las imágenes de prueba


def _probes(shape: tuple) -> tuple[np.ndarray, ...]:
    noise = np.random.default_rng(0).random([1, *(size or FREE_SIZE for size in shape)], np.float32)
    return np.concatenate([0 * noise, FAINT * noise]), noise, 255 * noise


def _run(anatomy: Anatomy, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Los logits que se leen y lo que responde la red, en float64."""
    return tuple(tf.cast(each, tf.float64).numpy() for each in anatomy.answer(tf.constant(images)))


def _precision(anatomy: Anatomy) -> tuple[float, float]:
    """Lo que puede diferir un logit, y el redondeo relativo de una respuesta."""
    return PRECISION_16_BITS if anatomy.has_16_bits else PRECISION


# --- ¿Responde siempre lo mismo? ----------------------------------------------------------------------


@contextlib.contextmanager
def _unchanged_variables(function) -> Iterator[None]:
    """Deja las variables de la red como estaban, si es que responder las cambia."""
    types = {operation.type for operation in function.graph.get_operations()}
    changes = any(kind.startswith("Assign") or kind in OPAQUE for kind in types)
    before = [(variable, variable.numpy()) for variable in function.variables] if changes else []
    try:
        yield
    finally:
        for variable, value in before:
            variable.assign(value)


def _check_steady(anatomy: Anatomy, images: np.ndarray, outputs) -> None:
    """Que a la última imagen, sola, la red responda lo mismo que en el lote."""
    together, alone = outputs[0][-1], _run(anatomy, images[-1:])[0][0]
    if _are_close(together, alone, _precision(anatomy)[0]):
        return
    layer = _unsteady_layer(anatomy, images)
    raise ValueError(
        f"«{anatomy.model.name}» da respuestas distintas a una misma imagen{layer}: depende del azar o de "
        "las demás imágenes del lote, y así no hay una respuesta que explicar. Al responder, la red no debe "
        "sortear nada ni usar las medias del lote (training=True)."
    )


def _unsteady_layer(anatomy: Anatomy, images: np.ndarray) -> str:
    """La primera capa que, con lo mismo a la entrada, da otra cosa."""
    names = {layer: name for name, layer in anatomy.layers.items()}
    runs = [record_calls(anatomy.model, tf.constant(each), names)[0] for each in (images, images[-1:])]
    for first, second in zip(*runs, strict=True):
        pairs = [*zip(first.inputs, second.inputs, strict=True), (first.outputs, second.outputs)]
        *same, differs = [_are_close(*_last(pair), _precision(anatomy)[0]) for pair in pairs]
        if all(same) and not differs:
            return f", por «{names[first.layer]}»"
    return ""


def _last(tensors) -> list[np.ndarray]:
    return [np.asarray(tf.nest.flatten(each)[0])[-1] for each in tensors]


def _are_close(first, second, tolerance: float) -> bool:
    scale = 1 + np.abs(first).max(initial=0, where=np.isfinite(first))
    return np.allclose(first, second, rtol=0, atol=tolerance * scale, equal_nan=True)


# --- ¿Son suyos los logits? ---------------------------------------------------------------------------


def _agree(anatomy: Anatomy, logits: np.ndarray, answer: np.ndarray) -> bool:
    """Si lo leído es lo respondido. Falso, si esas respuestas no permiten saberlo.

    Los logits solo se conocen por sus diferencias: entre dos clases, log p₁ − log p₀ debe ser y₁ − y₀.
    """
    head, (tolerance, rounding) = anatomy.head, _precision(anatomy)
    if not np.isfinite(logits).all():
        return False  # de lo que no es finito se avisa al explicar
    if head.activation == LINEAR:
        _check_not_probabilities(answer)
        return True
    with np.errstate(divide="ignore", invalid="ignore"):
        if head.activation == SIGMOID:
            read, said = logits, np.log(answer) - np.log1p(-answer)
            clear = np.minimum(answer, 1 - answer) > rounding / tolerance
        else:
            logarithms = answer if head.activation == LOG_SOFTMAX else np.log(answer)
            best = logits.argmax(axis=-1)[:, np.newaxis]
            read, said = (y - np.take_along_axis(y, best, axis=-1) for y in (logits, logarithms))
            clear = said > np.log(rounding)
    spread = np.abs(said).max(initial=0, where=clear)
    allowed = min(tolerance, spread / 10) + 8 * rounding * (1 + np.abs(logits).max())
    if (np.abs(read - said) > allowed)[clear].any():
        raise ValueError(
            f"Los logits que se leen en «{anatomy.model.name}» no son los de sus respuestas: su final no se "
            "sabe leer. Acaba la red en una densa sin activación, con softmax o con sigmoide."
        )
    return bool(spread > 100 * rounding)


def _check_not_probabilities(answer: np.ndarray) -> None:
    """Que lo que pasa por logits no sean probabilidades, que suman siempre 1."""
    if answer.shape[1] > 1 and answer.min() >= 0 and np.allclose(answer.sum(axis=1), 1, rtol=0, atol=1e-2):
        raise ValueError(
            "La red da probabilidades, y no se sabe de qué logits salen: no acaba en una softmax. Acábala en "
            "una densa sin activación, o con softmax."
        )
