"""Predice y verás: las tandas, lo que se guarda de ellas, el código y lo que se dice al comparar.

Valen para ipywidgets 7 y 8, y se ejecutan con los dos: véase `make test-colab`.
"""

import json

import cv2
import numpy as np
import pytest

from gradcam_helpers import data, foresight
from gradcam_helpers.engine import codes
from pesos import sortear

RIGHT = np.array([0, 1, 1, 0, 0, 1, 0, 1, 1, 0])  # lo que responde la red de estas pruebas


class Network:
    """Responde `RIGHT`, en orden."""

    def __init__(self):
        self.asked = 0

    def predict_on_batch(self, batch):
        start, self.asked = self.asked, self.asked + len(batch)
        return np.eye(2, dtype=np.float32)[RIGHT[start : self.asked]]


@pytest.fixture(scope="module")
def source():
    return data.prepare_source("embebido")


@pytest.fixture(scope="module")
def montages(source):
    """Las imágenes y las etiquetas de las dos tandas."""
    return {moment: foresight._load_montages(source, moment) for moment in foresight.MOMENTS}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch, montages):
    monkeypatch.setenv("GRADCAM_MODELOS", str(tmp_path / "modelos"))
    monkeypatch.setattr(foresight, "_load_montages", lambda _, moment: montages[moment])
    monkeypatch.setattr(foresight.models, "load_published", lambda _: Network())
    return tmp_path / "modelos"


def play(source, moment, guesses):
    """Una tanda terminada con esas predicciones."""
    quiz = foresight.Quiz(source, moment)
    for number, guess in enumerate(guesses, start=1):
        quiz.guess(number, int(guess))
    quiz.finish()
    return quiz


def mistaken(count: int) -> np.ndarray:
    """Unas predicciones con esos fallos."""
    return np.where(np.arange(10) < count, 1 - RIGHT, RIGHT)


# --- El código -----------------------------------------------------------------------------------------


def test_a_code_tells_everything_about_a_round():
    generator = np.random.default_rng(2)
    rounds = [
        foresight.Round(key, moment, *map(tuple, generator.integers(0, 2, (2, 10)).tolist()))
        for key in foresight.KEYS
        for moment in foresight.MOMENTS
        for _ in range(20)
    ]
    assert [foresight.read_round(each.code) for each in rounds] == rounds
    assert len({each.code for each in rounds}) == len(rounds)


def test_a_number_that_is_no_round_is_refused():
    with pytest.raises(ValueError, match="no es el código de ninguna tanda"):
        foresight.read_round(codes.write_code(1 << 22))


# --- Los intervalos ------------------------------------------------------------------------------------


@pytest.mark.parametrize("hits", range(11))
def test_wilson_limits_are_what_a_score_test_does_not_reject(hits):
    low, high = foresight.wilson_interval(hits)
    assert max(low, 0) - 1e-12 <= hits / 10 <= min(high, 1) + 1e-12
    for limit in (low, high):
        distance = abs(hits / 10 - limit)
        assert distance == pytest.approx(1.959964 * np.sqrt(max(0, limit * (1 - limit)) / 10), abs=1e-7)


@pytest.mark.parametrize(  # los ejemplos de su artículo con diez y diez
    ("before", "after", "low", "high"),
    [(3, 9, 0.1705, 0.8090), (0, 0, -0.2775, 0.2775), (0, 10, 0.6075, 1.0)],
)
def test_newcombe_interval_is_the_published_one(before, after, low, high):
    assert foresight.newcombe_interval(before, after) == pytest.approx((low, high), abs=6e-5)
    assert foresight.newcombe_interval(after, before) == pytest.approx((-high, -low), abs=6e-5)


# --- Los montajes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", foresight.KEYS)
def test_no_subject_is_drawn_twice_and_the_experiment_uses_other_backgrounds(key):
    drawn = json.loads(foresight.montages_path(key).read_text(encoding="utf-8"))
    assert list(drawn) == list(foresight.MOMENTS)
    subjects, places = np.array([pair for moment in foresight.MOMENTS for pair in drawn[moment]]).T
    assert len(set(subjects)) == 20
    assert (places % 2 == 1).all()


def test_no_individual_is_drawn_twice_nor_is_among_the_first_pictures(source):
    drawn = json.loads(foresight.montages_path(source.key).read_text(encoding="utf-8"))
    identities = data.load_identities(source, "test")
    chosen = [identities[subject] for pairs in drawn.values() for subject, _ in pairs]
    assert len(set(chosen)) == 20
    assert not set(chosen) & set(identities[: sortear.FIRST])


def test_montages_are_the_subjects_of_their_class_on_their_backgrounds(source, montages):
    drawn = json.loads(foresight.montages_path(source.key).read_text(encoding="utf-8"))
    images, labels = data.load_images(source, "test")
    masks = data.load_masks(source, "test")
    backgrounds, _ = data.load_backgrounds()
    for moment, (pictures, found) in montages.items():
        for (subject, place), picture, label in zip(drawn[moment], pictures, found, strict=True):
            right = data.replace_background(images[subject], masks[subject], backgrounds[place])
            assert np.array_equal(picture, right)
            assert label == labels[subject]


def fake_answers(seed: int):
    generator = np.random.default_rng(seed)
    identities = np.repeat(np.arange(30), 2)
    first = generator.random((60, 12))
    return np.stack([first, 1 - first], axis=2), identities % 2, identities


@pytest.mark.parametrize("seed", range(5))
def test_each_round_has_the_cells_that_make_ignorance_hit_half(seed):
    probabilities, labels, identities = fake_answers(seed)
    drawn = sortear.draw(probabilities, labels, identities)
    for pairs in drawn.values():
        subjects, places = np.array(pairs).T
        chosen, truth = probabilities[subjects, places], labels[subjects]
        answers = chosen.argmax(axis=1)
        assert (chosen.max(axis=1) >= 0.6).all()
        assert {cell: np.sum((truth == cell[0]) & (answers == cell[1])) for cell in sortear.CELLS} == (
            sortear.CELLS
        )
        for ignorance in (truth, 1 - truth, np.zeros(10), np.ones(10)):
            assert np.sum(ignorance == answers) == 5
    everyone = [identities[subject] for pairs in drawn.values() for subject, _ in pairs]
    assert len(set(everyone)) == 20 and not set(everyone) & set(identities[: sortear.FIRST])
    assert sortear.draw(probabilities, labels, identities) == drawn


def test_a_cell_without_enough_montages_is_said():
    probabilities, labels, identities = fake_answers(0)
    probabilities[labels == 0] = [0.9, 0.1]
    with pytest.raises(ValueError, match=r"casilla \(0, 1\) no hay bastantes"):
        sortear.draw(probabilities, labels, identities)


# --- La tanda ------------------------------------------------------------------------------------------


def test_guesses_can_change_until_the_end(source, folder):
    quiz = foresight.Quiz(source, "antes")
    assert quiz.missing == list(range(1, 11))
    assert "Llevas 0 de 10. Faltan: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10." in quiz.describe_progress()
    for number in range(1, 10):
        quiz.guess(number, 0)
    quiz.guess(2, 1)
    assert quiz.guesses == [0, 1, *[0] * 7, None]
    with pytest.raises(ValueError, match="Llevas 9 de 10. Faltan: 10"):
        quiz.finish()
    assert not quiz.finished and not folder.exists()
    quiz.guess(10, 1)
    assert "pulsa «Terminar»" in quiz.describe_progress()
    quiz.finish()
    assert quiz.round == foresight.Round("embebido", "antes", (0, 1, *[0] * 7, 1), tuple(RIGHT))
    with pytest.raises(ValueError, match="ya está terminada"):
        quiz.guess(1, 1)


@pytest.mark.parametrize(("number", "answer"), [(0, 0), (11, 0), (1, 2), (1, -1)])
def test_what_does_not_exist_is_not_guessed(source, number, answer):
    quiz = foresight.Quiz(source, "antes")
    with pytest.raises(ValueError, match="de 1 a 10"):
        quiz.guess(number, answer)
    assert len(quiz.missing) == 10


def test_there_are_two_moments(source):
    with pytest.raises(ValueError, match="se pide «durante»"):
        foresight.Quiz(source, "durante")


def test_hits_are_shown_with_what_ignorance_hits(source):
    quiz = play(source, "antes", mistaken(3))
    naive = np.sum(quiz.labels == RIGHT)
    text = quiz.describe_result()
    assert "Aciertas 7 de 10 (de 40 a 89 %" in text
    assert f"la clase del sujeto acierta {naive}; el azar, 5" in text
    assert text.endswith(quiz.round.code)


# --- Lo guardado ---------------------------------------------------------------------------------------


def test_a_finished_round_is_found_again(source, folder):
    before = play(source, "antes", mistaken(4))
    path = folder / "predicciones-embebido.json"
    assert [each.name for each in folder.iterdir()] == [path.name]
    again = foresight.Quiz(source, "antes")
    assert again.finished and again.round == before.round
    assert "Tanda terminada, y guardada en «predicciones-embebido.json»" in again.describe_progress()
    after = play(source, "después", RIGHT)
    assert json.loads(path.read_text(encoding="utf-8")) == {
        "antes": before.round.code,
        "después": after.round.code,
    }


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"antes": 3}', b'{"antes": "ABC-DEF"}', b"\xff\xfe", b'{"antes": null}', "otra"],
)
def test_a_damaged_file_is_said_and_left_as_it_is(source, folder, content):
    if content == "otra":  # la tanda de los datos reales, en el sitio de la de los embebidos
        code = foresight.Round("real", "antes", (0,) * 10, (1,) * 10).code
        content = json.dumps({"antes": code}).encode()
    path = folder / "predicciones-embebido.json"
    folder.mkdir()
    path.write_bytes(content)
    quiz = foresight.Quiz(source, "antes")
    assert "está dañado o no se puede leer: se deja como está" in quiz.describe_progress()
    quiz = play(source, "antes", RIGHT)
    assert "No se ha guardado: copia el código." in quiz.describe_progress()
    assert path.read_bytes() == content
    assert [each.name for each in folder.iterdir()] == [path.name]
    assert "está dañado" in foresight.Quiz(source, "después").compare()


def test_a_folder_that_cannot_be_written_is_said(source, folder):
    folder.write_text("no es una carpeta", encoding="utf-8")
    quiz = play(source, "antes", RIGHT)
    assert quiz.finished
    assert "No se ha guardado: copia el código." in quiz.describe_progress()
    assert folder.read_text(encoding="utf-8") == "no es una carpeta"


def test_nothing_is_lost_if_writing_fails(source, folder, monkeypatch):
    before = play(source, "antes", RIGHT)

    def fail(*_):
        raise OSError(28, "No queda espacio")

    monkeypatch.setattr(foresight.os, "replace", fail)
    assert "No queda espacio" in play(source, "después", RIGHT).describe_progress()
    assert foresight.read_records(source) == {"antes": before.round}
    assert [each.name for each in folder.iterdir()] == ["predicciones-embebido.json"]


def test_the_first_time_is_the_one_that_counts(source):
    twice = [foresight.Quiz(source, "antes") for _ in range(2)]
    for guess, quiz in enumerate(twice):
        for number in range(1, 11):
            quiz.guess(number, guess)
        quiz.finish()
    assert "ya hay una tanda de «antes»" in twice[1].describe_progress()
    assert foresight.read_records(source) == {"antes": twice[0].round}


def test_a_round_about_another_network_is_not_shown_nor_changed(source):
    stored = foresight.Round("embebido", "antes", (0,) * 10, tuple((1 - RIGHT).tolist()))
    foresight.save_round(source, stored)
    assert "de otra versión de la red" in foresight.Quiz(source, "antes").describe_progress()
    play(source, "antes", RIGHT)
    assert foresight.read_records(source) == {"antes": stored}


# --- Comparar ------------------------------------------------------------------------------------------


def test_before_and_after_are_compared_from_the_file(source):
    play(source, "antes", mistaken(5))
    text = play(source, "después", RIGHT).compare()
    assert "Antes: 5 de 10 (de 24 a 76 %" in text
    assert "Después: 10 de 10 (de 72 a 100 %" in text
    assert "Diferencia: +50 puntos (de +12 a +76)." in text
    assert "no llega al cero: conoces mejor la red" in text
    assert "el azar, 5 de media" in text


def test_a_code_does_without_the_file(source, folder):
    code = play(source, "antes", mistaken(5)).round.code
    (folder / "predicciones-embebido.json").rename(folder / "otro")
    text = play(source, "después", mistaken(3)).compare(code.lower())
    assert "Diferencia: +20 puntos" in text
    assert "diez no bastan" in text


def test_getting_worse_is_said(source):
    play(source, "antes", RIGHT)
    text = play(source, "después", mistaken(6)).compare()
    assert "Diferencia: -60 puntos" in text and "Has acertado menos" in text


def test_what_is_left_to_do_is_said(source):
    quiz = foresight.Quiz(source, "después")
    assert "no hay nada que comparar" in quiz.compare()
    play(source, "antes", mistaken(5))
    assert "De «antes» hay 5 de 10" in quiz.compare() and "Termina las de «después»" in quiz.compare()


def test_codes_that_do_not_serve_are_refused(source):
    quiz = play(source, "después", RIGHT)
    assert "es de «después»: hace falta el de «antes»" in quiz.compare(quiz.round.code)
    real = foresight.Round("real", "antes", (0,) * 10, (1,) * 10)
    assert "son de los datos «real», y estos son «embebido»" in quiz.compare(real.code)
    assert "Cópialo otra vez" in quiz.compare("ABC-DE")


# --- El panel ------------------------------------------------------------------------------------------


def decode(picture):
    content = cv2.imdecode(np.frombuffer(picture.value, np.uint8), cv2.IMREAD_COLOR)
    return cv2.cvtColor(content, cv2.COLOR_BGR2RGB)


@pytest.fixture
def board(source):
    return foresight.QuestionBoard(foresight.Quiz(source, "antes"), data.CLASS_NAMES)


def test_the_board_starts_without_any_guess(board):
    assert board._guess.value is None
    assert board._finish.disabled and not board._result.value
    assert np.array_equal(decode(board._picture), board._quiz.pictures[0])


def test_the_ten_are_answered_with_the_buttons(board):
    for guess in mistaken(4):
        assert board._finish.disabled
        assert board._guess.value is None
        board._guess.value = data.CLASS_NAMES[guess]
        board._next.click()
    assert board._quiz.guesses == mistaken(4).tolist()
    assert not board._finish.disabled and not board._result.value
    board._finish.click()
    assert board._quiz.finished and board._finish.disabled
    assert board._quiz.round.code in board._result.value
    assert board._result.value.count("✓") == 6 and board._result.value.count("✗") == 4


def test_a_guess_is_seen_again_and_can_change(board):
    board._number.value = 3
    board._guess.value = "persona"
    board._number.value = 4
    assert board._guess.value is None
    assert np.array_equal(decode(board._picture), board._quiz.pictures[3])
    board._number.value = 3
    assert board._guess.value == "persona"
    board._guess.value = "caballo"
    assert board._quiz.guesses == [None, None, 0, *[None] * 7]


def test_next_goes_to_the_next_without_a_guess(board):
    for number in (2, 3, 10):
        board._quiz.guess(number, 0)
    for expected in (4, 5, 6, 7, 8, 9, 1, 4):
        board._next.click()
        assert board._number.value == expected
    for number in board._quiz.missing:
        board._quiz.guess(number, 0)
    board._number.value = 10
    board._next.click()
    assert board._number.value == 1


def test_nothing_changes_when_it_is_finished(source):
    quiz = play(source, "antes", RIGHT)
    board = foresight.QuestionBoard(quiz, data.CLASS_NAMES)
    assert quiz.round.code in board._result.value
    board._guess.value = data.CLASS_NAMES[1 - RIGHT[0]]
    assert board._guess.value == data.CLASS_NAMES[RIGHT[0]]
    assert quiz.guesses == RIGHT.tolist()
    board._end(None)
    assert quiz.guesses == RIGHT.tolist()
