"""La cacería del ejercicio 03-6: nueve Grad-CAM que parecen buenas, y qué identidades cumple cada una.

Cada sospechosa se llama con `(model, images, target=None)`, y da mapas de calor (N, alto, ancho) del tamaño
de las imágenes. Su código no se enseña: se la juzga por lo que hace.
"""

from collections.abc import Callable, Mapping

from gradcam_helpers.engine.suspects import LINEUP, MISTAKES

SUSPECTS = {letter: MISTAKES[mistake] for letter, mistake in LINEUP.items()}
VERDICTS = sorted(MISTAKES)  # lo que se puede decir de una sospechosa; hay más veredictos que errores


def interrogate(identities: Mapping[str, Callable]) -> None:
    """Escribe en qué identidades falla cada sospechosa.

    Argumentos:
        identities: de cada nombre a una función que recibe una sospechosa y dice si la cumple; si devuelve
            `...`, está por completar.
    """
    for letter, suspect in SUSPECTS.items():
        answers = {name: identity(suspect) for name, identity in identities.items()}
        failed = [name for name, answer in answers.items() if answer is not ... and not answer]
        print(f"{letter} falla en: {', '.join(failed) or 'ninguna'}")
    pending = [name for name, answer in answers.items() if answer is ...]
    if pending:
        print(f"Por completar: {', '.join(pending)}")
