"""Un catálogo de respuestas: las buenas pasan; cada error frecuente recibe su mensaje, y ninguno pasa.

Las de cada lección están en `lesson_N.py`: las buenas, escritas de más de una manera, y las malas, con un
trozo de lo que se les dice.
"""

import collections

import pytest

from gradcam_helpers.checks import EXERCISES
from gradcam_helpers.engine.attempt import Mistake
from tests.ejercicios import lesson_1, lesson_2, lesson_3, lesson_4, lesson_5

LESSONS = (lesson_1, lesson_2, lesson_3, lesson_4, lesson_5)
RIGHT = [answer for lesson in LESSONS for answer in lesson.RIGHT]
WRONG = [answer for lesson in LESSONS for answer in lesson.WRONG]
CHECKED = [key for key, exercise in EXERCISES.items() if exercise.check]
FEWEST, FEWEST_IN_ALL = 3, 75  # errores por ejercicio y en total


def verdict(each) -> tuple[bool, str]:
    """Si la respuesta está bien, y lo que se dice de ella."""
    try:
        return True, "; ".join(EXERCISES[each.key].check(each.answer, **each.given))
    except Mistake as mistake:
        return False, str(mistake)


@pytest.mark.parametrize("answer", RIGHT, ids=str)
def test_what_is_right_passes(answer):
    passed, said = verdict(answer)
    assert passed, said


@pytest.mark.parametrize("answer", WRONG, ids=str)
def test_what_is_wrong_gets_its_own_message(answer):
    passed, said = verdict(answer)
    assert not passed and answer.message and answer.message in said, said


@pytest.mark.parametrize("key", CHECKED)
def test_every_exercise_has_its_mistakes_and_each_its_message(key):
    said = [verdict(answer)[1] for answer in WRONG if answer.key == key]
    assert len(said) >= FEWEST
    assert len(set(said)) == len(said)
    assert any(answer.key == key for answer in RIGHT)


def test_the_catalogue_is_large():
    assert len(WRONG) >= FEWEST_IN_ALL
    assert collections.Counter(answer.key for answer in WRONG).keys() == set(CHECKED)
