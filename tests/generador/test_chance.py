"""El azar: lo que comparten las imágenes de una sesión y lo que no."""

import numpy as np
import pytest

from generador.chance import JITTER, Chance


def chance(session, picture):
    return Chance(np.random.default_rng([1, session]), np.random.default_rng([2, picture]))


def measures(session, picture, count=200):
    drawn = chance(session, picture)
    return np.array([drawn.between(-3, 5) for _ in range(count)])


def test_same_session_and_picture_draw_the_same():
    assert np.array_equal(measures(0, 0), measures(0, 0))


def test_pictures_of_a_session_have_similar_measures():
    pictures = np.array([measures(0, picture) for picture in range(30)])
    spread = np.ptp(pictures, axis=0)
    assert spread.max() <= JITTER * 8
    assert np.median(spread) > 0.8 * JITTER * 8  # y no iguales: se apartan cuanto pueden


def test_sessions_do_not_resemble_each_other():
    assert abs(np.corrcoef(measures(0, 0, 1000), measures(1, 0, 1000))[0, 1]) < 0.1


def test_measures_fill_their_interval_and_do_not_leave_it():
    drawn = measures(3, 4, 5000)
    assert (drawn.min(), drawn.max()) == (-3, 5)  # lo que se sale se recorta
    counts, _ = np.histogram(drawn, 8, (-3, 5))
    assert counts.min() > 0.8 * 5000 / 8


def test_choices_are_those_of_the_session():
    first, second = chance(0, 0), chance(0, 99)
    assert [first.pick("abcdef") for _ in range(50)] == [second.pick("abcdef") for _ in range(50)]
    assert [first.happens(0.5) for _ in range(50)] == [second.happens(0.5) for _ in range(50)]


def test_free_measures_have_nothing_to_do_with_the_session():
    first, second, third = chance(0, 0), chance(7, 0), chance(0, 1)
    drawn = [[one.free(2, 3) for _ in range(1000)] for one in (first, second, third)]
    assert drawn[0] == drawn[1]
    assert abs(np.corrcoef(drawn[0], drawn[2])[0, 1]) < 0.1
    assert 2 <= np.min(drawn) < 2.02 and 2.98 < np.max(drawn) <= 3


def test_free_measures_leave_the_session_where_it_was():
    first, second = chance(0, 0), chance(0, 1)
    for _ in range(9):
        first.free(0, 1)
    assert abs(first.between(0, 1) - second.between(0, 1)) <= JITTER


@pytest.mark.parametrize("probability", [0, 0.14, 0.75, 1])
def test_things_happen_with_their_probability(probability):
    happened = [chance(session, 0).happens(probability) for session in range(1500)]
    assert np.mean(happened) == pytest.approx(probability, abs=0.04)
    assert {type(value) for value in happened} == {bool}


def test_every_choice_is_equally_likely():
    counts = np.bincount([chance(session, 0).pick(range(4)) for session in range(1500)])
    assert counts == pytest.approx(1500 / 4, rel=0.15)
