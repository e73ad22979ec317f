"""La puntuación que da una red a una clase, en tantas imágenes como haga falta sin tenerlas a la vez."""

from collections.abc import Callable

import numpy as np

from gradcam_helpers.engine.inputs import check_answers
from gradcam_helpers.engine.passes import CHUNK


def class_scores(predict, build: Callable, target: np.ndarray) -> np.ndarray:
    """Puntuación de la clase `target[i]` en la imagen i de las M que da `build(índices)`; float64 (M,).

    Se construyen y se puntúan de `CHUNK` en `CHUNK`, para que nunca estén todas en memoria.
    """
    scores = np.empty(len(target))
    for start in range(0, len(target), CHUNK):
        chosen = np.arange(start, min(start + CHUNK, len(target)))
        outputs = np.asarray(predict(build(chosen)))
        if outputs.ndim != 2 or len(outputs) != len(chosen):
            raise ValueError(
                f"A un lote de {len(chosen)} imágenes, «predict» debe darle puntuaciones "
                f"({len(chosen)}, clases), y da {outputs.shape}."
            )
        if target.max() >= outputs.shape[1]:
            raise ValueError(f"Las clases van de 0 a {outputs.shape[1] - 1}, y se pide la {target.max()}.")
        scores[chosen] = outputs[np.arange(len(chosen)), target[chosen]]
        check_answers(scores[chosen])
    return scores
