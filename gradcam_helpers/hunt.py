"""La cacería del ejercicio 03-6: nueve Grad-CAM que parecen buenas, y qué identidades cumple cada una.

Cada sospechosa se llama con `(model, images, target=None)`, y da mapas de calor (N, alto, ancho) del tamaño
de las imágenes. Su código no se enseña: se la juzga por lo que hace.
"""

from collections.abc import Callable, Mapping

import numpy as np

from gradcam_helpers.engine.attempt import Mistake, Unanswered, call
from gradcam_helpers.engine.suspects import LINEUP, MISTAKES

SUSPECTS = {letter: MISTAKES[mistake] for letter, mistake in LINEUP.items()}
VERDICTS = sorted(MISTAKES)  # lo que se puede decir de una sospechosa; hay más veredictos que errores


def interrogate(identities: Mapping[str, Callable]) -> None:
    """Escribe en qué identidades falla cada sospechosa, y de cuáles no hay que fiarse.

    Argumentos:
        identities: de cada nombre a una función que recibe una sospechosa y dice si la cumple, True o False;
            si devuelve `...`, está por completar. La que se detiene o dice otra cosa no cuenta para nadie.
    """
    failures, pending, doubts = {}, [], []
    for name, identity in identities.items():
        try:
            failures[name] = [letter for letter in SUSPECTS if not _fulfils(letter, identity)]
        except Unanswered:
            pending.append(name)
        except Mistake as mistake:
            doubts.append(f"«{name}» no cuenta. {mistake}")
    for letter in SUSPECTS:
        failed = [name for name, letters in failures.items() if letter in letters]
        print(f"{letter} falla en: {', '.join(failed) or 'ninguna'}")
    for name, letters in failures.items():
        if not letters:
            doubts.append(f"Ninguna falla en «{name}»: ¿comprueba algo?")
        elif len(letters) == len(SUSPECTS):
            doubts.append(f"Todas fallan en «{name}», y hay una inocente: ¿está bien esa prueba?")
    if pending:
        print(f"Por completar: {', '.join(pending)}")
    for doubt in doubts:
        print(doubt)


def _fulfils(letter: str, identity: Callable) -> bool:
    """Si una sospechosa cumple una identidad.

    Errores:
        Unanswered: la identidad está por completar.
        Mistake: se detiene, o no dice ni que sí ni que no.
    """
    try:
        answer = call(identity, SUSPECTS[letter], nothing="No devuelve nada (None). ¿Falta «return»?")
    except Mistake as mistake:
        raise Mistake(f"Con {letter}: {mistake}") from None
    kind = getattr(answer, "dtype", type(answer).__name__)  # también vale el sí o el no de NumPy o TensorFlow
    if kind != "bool" or np.shape(answer) != ():
        raise Mistake(
            f"Devuelve «{type(answer).__name__}», y debe devolver True o False: si compara valor a valor, "
            "reúnelo todo en una respuesta, como hace «np.allclose»."
        )
    return bool(answer)
