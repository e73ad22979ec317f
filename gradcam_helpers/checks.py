"""Los ejercicios: qué se le dice a quien responde.

`comprobar("03-2", respuesta)` escribe si la respuesta vale, qué se ha comprobado de ella y, si no vale, qué
se esperaba, qué llegó y la causa probable. No da nunca la solución ni se detiene con un error.

Las comprobaciones prueban propiedades, no un número: valen para cualquier red y para las dos fuentes de
datos. Las de cada lección están en su módulo de `engine`.
"""

import inspect

from gradcam_helpers.engine import checks_1, checks_2, checks_3, checks_4, checks_5
from gradcam_helpers.engine.attempt import Mistake, Unanswered, kind

LESSONS = (checks_1, checks_2, checks_3, checks_4, checks_5)
EXERCISES = {key: exercise for lesson in LESSONS for key, exercise in lesson.EXERCISES.items()}

RIGHT, WRONG, EMPTY, OPEN = "bien", "todavía no", "sin responder", "abierta, respondida"


class Checker:
    """Comprueba respuestas y recuerda, mientras dura el cuaderno, cómo va cada ejercicio."""

    def __init__(self):
        self._verdicts = {}

    def __call__(self, key: str = "", answer=..., **given) -> None:
        """Comprueba la respuesta de un ejercicio y escribe el resultado.

        Argumentos:
            key: el número del ejercicio, «03-2».
            answer: lo que pide el enunciado: una función, un número, un texto…
            given: de dónde ha salido la respuesta, si el enunciado lo añade: `labels=train_labels`.
        """
        if not isinstance(key, str) or key not in EXERCISES:
            print(f"No hay ningún ejercicio «{key}». Hay: {', '.join(EXERCISES)}.")
            return
        self._verdicts[key], text = _judge(EXERCISES[key], answer, given)
        print(f"{key} · {text}")

    def hecho(self, key: str) -> bool:
        """Si la última respuesta que se comprobó de ese ejercicio está bien."""
        return self._verdicts.get(key) == RIGHT

    def resumen(self, lesson: str | None = None) -> None:
        """Escribe qué está hecho y qué falta.

        Argumentos:
            lesson: la lección, «03»; por omisión, aquellas de las que se ha comprobado algo.
        """
        lessons = {key[:2] for key in self._verdicts} if lesson is None else {str(lesson).zfill(2)}
        keys = [key for key in EXERCISES if key[:2] in lessons]
        if not keys and lesson is None:
            print("Todavía no se ha comprobado ningún ejercicio.")
        elif not keys:
            print(f"No hay ejercicios de la lección «{lesson}».")
        for key in keys:
            print(f"{key}  {self._verdicts.get(key, EMPTY):20s}{EXERCISES[key].title}")
        if keys:
            done = sum(self._verdicts.get(key) in (RIGHT, OPEN) for key in keys)
            print(f"{done} de {len(keys)}")


def _judge(exercise, answer, given) -> tuple[str, str]:
    """Cómo va el ejercicio, y lo que se escribe."""
    if exercise.check is None:
        return _read(answer)
    signature = inspect.signature(exercise.check)
    try:
        signature.bind(answer, **given)
    except TypeError:
        expected = "".join(f", {name}=…" for name in list(signature.parameters)[1:])
        return WRONG, f"deja la llamada como estaba en el enunciado: comprobar(número, respuesta{expected})."
    try:
        proved = exercise.check(answer, **given)
    except Unanswered:
        return EMPTY, "todavía sin responder."
    except Mistake as mistake:
        return WRONG, f"todavía no. {mistake}"
    except Exception as error:  # lo que ninguna comprobación ha previsto tampoco debe detener el cuaderno
        return WRONG, f"no se ha podido comprobar: la respuesta causa un {type(error).__name__} ({error})."
    text = f"bien. Comprobado: {'; '.join(proved)}."
    return RIGHT, f"{text} No se comprueba: {exercise.untested}." if exercise.untested else text


def _read(answer) -> tuple[str, str]:
    """De una respuesta abierta solo se mira si la hay."""
    if answer is not ... and not isinstance(answer, str):
        return WRONG, f"hace falta un texto, entre comillas, y ha llegado «{kind(answer)}»."
    if answer is ... or not any(map(str.isalpha, answer)):
        return EMPTY, "todavía sin responder."
    return OPEN, "es una respuesta abierta, y aquí no se corrige: compárala con la rúbrica."


comprobar = Checker()
