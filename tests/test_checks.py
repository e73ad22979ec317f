"""El mecanismo de los ejercicios: qué se dice de cada respuesta, y que nada la detiene ni la estropea."""

import sys
import threading
import time
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from gradcam_helpers import checks
from gradcam_helpers.engine import answers, attempt
from gradcam_helpers.engine.answers import Exercise
from gradcam_helpers.engine.attempt import Mistake, Unanswered

ONES = np.ones((2, 3), np.float32)


def said(function, *arguments, **options) -> str:
    with pytest.raises(Mistake) as caught:
        attempt.call(function, *(arguments or [ONES]), **options)
    return str(caught.value)


def fails(x):
    return [][3]


def changes(x):
    x += 1
    return x


def swallows(x):
    while True:
        try:
            while True:
                pass
        except:  # noqa: E722
            pass


def test_a_function_receives_copies():
    given = ONES.copy()
    assert "cambia lo que recibe, su argumento 2" in said(lambda x, y: changes(y), given, given)
    assert np.array_equal(given, ONES)


@pytest.mark.parametrize("given", [[1, [2]], {"a": 1}, np.array([np.nan, 1.0])])
def test_an_unchanged_argument_is_unchanged(given):
    assert attempt.call(lambda x: 7, given) == 7


def test_a_tensor_is_given_as_it_is():
    given = tf.constant([np.nan, 1.0])
    assert attempt.call(lambda x: x, given) is given


def test_the_cause_of_nothing_can_be_another():
    assert said(lambda x: None, nothing="La cinta no observa nada.") == "La cinta no observa nada."


def test_drawing_with_a_generator_is_not_changing_it():
    generator = np.random.default_rng(0)
    drawn = [attempt.call(lambda source: source.random(), generator) for _ in range(2)]
    assert drawn == 2 * [np.random.default_rng(0).random()]  # cada vez, una copia


def test_a_list_that_changes_is_seen():
    assert "cambia lo que recibe" in said(lambda names: names.append(1) or 3, [1, 2])


@pytest.mark.parametrize("function", [..., lambda x: ...])
def test_a_gap_is_not_a_mistake(function):
    with pytest.raises(Unanswered):
        attempt.call(function, ONES)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (fails, "se detiene en «return [][3]» con IndexError: list index out of range."),
        (lambda x: sys.exit("adiós"), "con SystemExit: adiós."),
        (lambda x: None, "no devuelve nada (None). ¿Falta «return»?"),
        (lambda: 3, "debe recibir un argumento"),
        (lambda x, y: 3, "debe recibir un argumento"),
        (ONES, "Hace falta una función, y esto es «ndarray»"),
        (None, "Hace falta una función, y esto es «None»"),
    ],
)
def test_each_accident_has_its_line(function, expected):
    assert expected in said(function)


@pytest.mark.parametrize("endless", [lambda x: [None for _ in iter(int, 1)], swallows])
def test_what_never_ends_is_stopped(endless):
    running = threading.active_count()
    assert "no ha acabado en 0.2 s" in said(endless, seconds=0.2)
    if endless is not swallows:  # a este no hay quien lo pare: se queda atrás, y no impide acabar
        assert threading.active_count() == running


def test_what_sleeps_gives_the_control_back():
    start = time.monotonic()
    assert "no ha acabado" in said(lambda x: time.sleep(30), seconds=0.2)
    assert time.monotonic() - start < 20


def test_a_network_that_changes_is_put_back():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    before = model.get_weights()

    def retrain(network, x):
        network.set_weights([weight + 1 for weight in before])
        return x

    def freeze(layer):
        layer.trainable = False
        return 1

    assert "cambia la red que recibe" in said(retrain, model, ONES)
    assert "cambia la red que recibe" in said(freeze, model.layers[-1])
    assert all(map(np.array_equal, model.get_weights(), before)) and model.layers[-1].trainable
    assert attempt.call(lambda network: 1, model) == 1


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (None, "ha llegado None"),
        ("tres", "hacen falta números, y ha llegado «str»"),
        ([[1], [2, 3]], "hacen falta números"),
        (1j, "hacen falta números"),
        (np.array([1, np.nan]), "no son finitos"),
        (np.inf, "no son finitos"),
    ],
)
def test_what_is_not_numbers_is_said(answer, expected):
    with pytest.raises(Mistake, match=expected):
        answers.numbers(answer, "El mapa")


NAMES = ["el mapa", "la capa", "la imagen"]


@pytest.mark.parametrize("answer", [..., (..., 2, 3), [1, ..., 3]])
def test_a_gap_among_several_things_is_not_a_mistake(answer):
    with pytest.raises(Unanswered):
        answers.several(answer, NAMES)


@pytest.mark.parametrize(
    ("answer", "came"), [((1, 2), "han llegado 2"), (5, "ha llegado «int»"), (ONES, "ha llegado «ndarray»")]
)
def test_several_things_are_all_needed(answer, came):
    with pytest.raises(Mistake) as caught:
        answers.several(answer, NAMES)
    said = f"Hacen falta 3 cosas, por este orden: el mapa, la capa y la imagen. Y {came}."
    assert str(caught.value) == said
    assert answers.several([1, 2, 3], NAMES) == [1, 2, 3]


@pytest.mark.parametrize(
    ("answer", "expected"), [("3", "«str»"), (True, "«bool»"), (4, "a la 3"), (-1, "de la 0")]
)
def test_the_number_of_an_image_is_one_of_them(answer, expected):
    with pytest.raises(Mistake, match=expected):
        answers.image_number(answer, 4)
    assert answers.image_number(np.int64(3), 4) == 3


def test_a_known_mistake_is_named_even_with_another_shape():
    known = {"Sumaste.": 6.0, "Cambiaste el signo.": -ONES}
    for wrong, expected in ((6.0, "Sumaste."), (-ONES, "Cambiaste"), (2 * ONES, "difer"), (ONES[0], "forma")):
        with pytest.raises(Mistake, match=expected):
            answers.expect(wrong, ONES, "El mapa", known)
    answers.expect(ONES + 1e-6, ONES, "El mapa", known)


@pytest.mark.parametrize(
    ("one", "other"), [(0.0, 1e-3), (1.0, 1.01), ([1, 2], [1, 2, 3]), (np.zeros(2), 1e-9)]
)
def test_different_things_do_not_match(one, other):
    assert not answers.matches(one, other)


def check_three(answer, base=0):
    if answer is ...:
        raise Unanswered
    if answer != 3 + base:
        raise Mistake("Esperaba otra cosa.")
    return ["que es tres"]


@pytest.fixture
def checker(monkeypatch):
    exercises = {
        "01-1": Exercise("Contar", check_three, "otra cosa"),
        "01-2": Exercise("Opinar"),
        "02-1": Exercise("Fallar", lambda answer: 1 / 0),
        "02-2": Exercise("Añadir", lambda answer, one: ["nada"]),
    }
    monkeypatch.setattr(checks, "EXERCISES", exercises)
    return checks.Checker()


@pytest.mark.parametrize(
    ("key", "answer", "expected"),
    [
        ("01-1", 3, "01-1 · bien. Comprobado: que es tres. No se comprueba: otra cosa.\n"),
        ("01-1", 4, "01-1 · todavía no. Esperaba otra cosa.\n"),
        ("01-1", ..., "01-1 · todavía sin responder.\n"),
        ("01-2", ..., "01-2 · todavía sin responder.\n"),
        ("01-2", "  ", "01-2 · todavía sin responder.\n"),
        ("01-2", "...", "01-2 · todavía sin responder.\n"),
        ("01-2", None, "01-2 · hace falta un texto, entre comillas, y ha llegado «None».\n"),
        (
            "02-2",
            3,
            "02-2 · deja la llamada como estaba en el enunciado: comprobar(número, respuesta, one=…)",
        ),
        (["01-1"], 3, "No hay ningún ejercicio «['01-1']»."),
        ("01-2", "Creo que sí.", "01-2 · es una respuesta abierta, y aquí no se corrige"),
        ("02-1", 3, "02-1 · no se ha podido comprobar: la respuesta causa un ZeroDivisionError"),
        ("09-9", 3, "No hay ningún ejercicio «09-9». Hay: 01-1, 01-2, 02-1, 02-2.\n"),
    ],
)
def test_every_answer_has_its_line(checker, capsys, key, answer, expected):
    assert checker(key, answer) is None
    assert capsys.readouterr().out.startswith(expected)


def test_what_the_cell_adds_reaches_the_check(checker):
    checker("01-1", 5, base=2)
    assert checker.hecho("01-1")
    checker("01-1", 5)
    assert not checker.hecho("01-1")


def test_the_summary_says_what_is_left(checker, capsys):
    checker.resumen()
    assert capsys.readouterr().out == "Todavía no se ha comprobado ningún ejercicio.\n"
    checker("01-1", 3)
    capsys.readouterr()
    checker.resumen()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines] == [
        ["01-1", "bien", "Contar"],
        ["01-2", "sin", "responder", "Opinar"],
        ["1", "de", "2"],
    ]
    for lesson in ("02", 2):
        checker.resumen(lesson)
        assert "02-1" in capsys.readouterr().out
    checker.resumen("07")
    assert capsys.readouterr().out == "No hay ejercicios de la lección «07».\n"


def test_no_check_says_that_everything_is_right():
    for key, exercise in checks.EXERCISES.items():
        assert key[:2].isdigit() and exercise.title
    for module in (checks, answers, *checks.LESSONS):
        text = Path(module.__file__).read_text(encoding="utf-8").lower()
        assert "todo correcto" not in text and "todo está bien" not in text
