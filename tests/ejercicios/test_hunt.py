"""La cacería del ejercicio 03-6: cada sospechosa falla en lo que se dice de ella, y solo en eso."""

import itertools

import keras
import nbformat
import numpy as np
import pytest
import tensorflow as tf

from ejercicios import derivar
from gradcam_helpers import formulas, hunt
from gradcam_helpers.cam import Explainer
from gradcam_helpers.engine.attempt import Mistake
from gradcam_helpers.engine.checks_3 import judge_suspects
from gradcam_helpers.engine.suspects import EVIDENCE, LINEUP, MISTAKES, NO_MISTAKE
from tests.toy_models import assert_same_map, random_images, smooth_network

NOTEBOOK = derivar.SOLUTIONS / "03_gradcam_paso_a_paso_soluciones.ipynb"


@pytest.fixture(scope="module")
def identities():
    """Las que el cuaderno escribe, tal como las escribe."""
    names = {"np": np, "keras": keras, "formulas": formulas}
    for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
        if "identidades" in cell.metadata.get("tags", []):
            exec(cell.source, names)
    return names["identities"]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_fails_in_what_is_said_and_in_nothing_else(identities, mistake):
    failed = [name for name, identity in identities.items() if not identity(MISTAKES[mistake])]
    assert tuple(failed) == EVIDENCE[mistake]


def test_the_evidence_tells_every_suspect_from_every_other_verdict():
    for mistake, verdict in itertools.product(LINEUP.values(), MISTAKES):
        assert mistake == verdict or set(EVIDENCE[mistake]) != set(EVIDENCE[verdict])


def test_there_are_eight_mistakes_and_one_right():
    assert list(hunt.SUSPECTS) == list("ABCDEFGHI")
    assert len(set(LINEUP.values())) == 9 and NO_MISTAKE in LINEUP.values()
    assert set(LINEUP.values()) < set(hunt.VERDICTS)


def test_the_right_one_is_that_of_the_course():
    network, images = smooth_network(), random_images(3, 12, 10, 3)
    for target in (None, 2, [0, 1, 2]):
        explanation = Explainer(network).explain(images, target=None if target is None else np.array(target))
        expected = formulas.resize_heatmaps(explanation.heatmap, images.shape[1:3])
        assert_same_map(MISTAKES[NO_MISTAKE](network, images, target), expected)


def test_a_suspect_does_not_confess():
    for letter, suspect in hunt.SUSPECTS.items():
        assert LINEUP[letter] not in repr(suspect) and "lambda" not in repr(suspect)


def test_a_suspect_leaves_the_network_as_it_was():
    network, images = smooth_network(), random_images(2, 12, 10, 3)
    before, answers = network.get_weights(), network.predict(images, verbose=0)
    for suspect in hunt.SUSPECTS.values():
        suspect(network, images)
    assert all(map(np.array_equal, before, network.get_weights()))
    assert np.array_equal(answers, network.predict(images, verbose=0))


@pytest.mark.parametrize("verdict", MISTAKES)
def test_the_same_verdict_for_all_betrays_nobody(verdict):
    with pytest.raises(Mistake) as caught:
        judge_suspects(dict.fromkeys(LINEUP, verdict))
    held = int(verdict in LINEUP.values())
    _, repeated = str(caught.value).splitlines()
    assert str(caught.value).startswith("Se sostiene 1 " if held else "Se sostienen 0 ")
    assert repeated == f"«{verdict}» le toca a una como mucho, y se lo das a 9: así no se dan razones."


def only_the_right_one(suspect):
    return suspect is hunt.SUSPECTS["F"]


def stop(suspect):
    raise ValueError


@pytest.mark.parametrize(
    ("identity", "said"),
    [
        (
            stop,
            "«otra» no cuenta. Con A: Tu función se detiene en «raise ValueError» con ValueError: ",
        ),
        (lambda suspect: None, "«otra» no cuenta. Con A: No devuelve nada (None). ¿Falta «return»?"),
        (lambda suspect: [True], "«otra» no cuenta. Devuelve «list», y debe devolver True o False"),
        (lambda suspect: np.zeros(3, bool), "«otra» no cuenta. Devuelve «ndarray»"),
        (lambda suspect: 1, "«otra» no cuenta. Devuelve «int»"),
        (lambda suspect: True, "Ninguna falla en «otra»: ¿comprueba algo?"),
        (lambda suspect: np.bool_(False), "Todas fallan en «otra», y hay una inocente"),
    ],
)
def test_an_identity_not_to_be_trusted_takes_one_line(capsys, identity, said):
    hunt.interrogate({"ser la buena": only_the_right_one, "otra": identity})
    *lines, last = capsys.readouterr().out.splitlines()
    assert len(lines) == len(hunt.SUSPECTS) and last.startswith(said)
    assert lines[5].startswith("F falla en: otra" if "Todas" in said else "F falla en: ninguna")


def test_a_tensor_can_be_the_answer(capsys):
    hunt.interrogate({"ser la buena": lambda suspect: tf.constant(only_the_right_one(suspect))})
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(hunt.SUSPECTS) and lines[5] == "F falla en: ninguna"


def test_the_table_says_where_each_fails_and_what_is_left(capsys):
    hunt.interrogate({"ser la buena": only_the_right_one, "otra": lambda suspect: ...})
    *lines, last = capsys.readouterr().out.splitlines()
    assert lines == [
        f"{letter} falla en: {'ninguna' if letter == 'F' else 'ser la buena'}" for letter in hunt.SUSPECTS
    ]
    assert last == "Por completar: otra"
