"""El plan del conjunto: cuántas imágenes de cada clase, individuo, encuadre y fondo."""

from collections import Counter

import pytest

from generador.background import KINDS
from generador.plan import (
    BACKGROUNDS_PER_KIND,
    FRAMING_SHARES,
    LABELS,
    TEST_INDIVIDUALS,
    TEST_PICTURES,
    TRAIN_PICTURES,
    TRAIN_SESSIONS,
    WHITE,
    plans,
)
from generador.scene import FRAMINGS


@pytest.fixture(scope="module")
def chosen():
    return plans()


def of_split(chosen, split):
    return [plan for plan in chosen if plan.split == split]


def test_plan_is_always_the_same(chosen):
    assert plans() == chosen


def test_there_are_enough_pictures_of_each_split(chosen):
    assert Counter(plan.split for plan in chosen) == {"train": 504, "test": 120, "fondos": 24}
    for split in ("train", "test", "fondos"):
        assert [plan.number for plan in of_split(chosen, split)] == list(range(len(of_split(chosen, split))))


def test_classes_have_as_many_sessions():
    horses, humans = (sum(counts) for counts in zip(*TRAIN_SESSIONS.values(), strict=True))
    assert horses == humans >= 40
    assert tuple(TRAIN_SESSIONS) == KINDS


def test_background_gives_away_the_class_in_train_and_not_always():
    """El atajo: quien solo mira el fondo acierta mucho, pero en todos los fondos hay de las dos clases."""
    best = sum(max(counts) for counts in TRAIN_SESSIONS.values())
    total = sum(map(sum, TRAIN_SESSIONS.values()))
    assert 0.75 < best / total < 0.9
    assert min(map(min, TRAIN_SESSIONS.values())) > 0
    forest, dune = TRAIN_SESSIONS["bosque"], TRAIN_SESSIONS["duna"]
    assert forest[0] > 10 * forest[1] and dune[1] > 10 * dune[0]


@pytest.mark.parametrize("label", range(len(LABELS)))
def test_a_session_is_one_individual_in_one_place_with_one_framing(chosen, label):
    train = [plan for plan in of_split(chosen, "train") if plan.label == label]
    sessions = {plan.individual: (plan.kind, plan.framing) for plan in train}
    assert all(sessions[plan.individual] == (plan.kind, plan.framing) for plan in train)
    assert set(Counter(plan.individual for plan in train).values()) == {TRAIN_PICTURES}
    kinds = Counter(kind for kind, _ in sessions.values())
    assert kinds == {kind: counts[label] for kind, counts in TRAIN_SESSIONS.items()}


@pytest.mark.parametrize("label", range(len(LABELS)))
def test_sessions_of_a_class_are_shuffled(chosen, label):
    train = [plan for plan in of_split(chosen, "train") if plan.label == label]
    kinds = [plan.kind for plan in train[::TRAIN_PICTURES]]
    changes = sum(first != second for first, second in zip(kinds, kinds[1:], strict=False))
    assert changes > len(KINDS) + 10


def test_test_individuals_are_not_those_of_train(chosen):
    train, test = (
        {(plan.label, plan.individual) for plan in of_split(chosen, split)} for split in ("train", "test")
    )
    assert not train & test
    assert len(test) == len(LABELS) * TEST_INDIVIDUALS
    pictures = Counter((plan.label, plan.individual) for plan in of_split(chosen, "test"))
    assert set(pictures.values()) == {TEST_PICTURES}
    assert {plan.kind for plan in of_split(chosen, "test")} == {WHITE}


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("label", range(len(LABELS)))
def test_framings_have_their_shares_in_each_class(chosen, split, label):
    framings = [plan.framing for plan in of_split(chosen, split) if plan.label == label]
    assert set(framings) == set(FRAMINGS)
    for framing, share in FRAMING_SHARES.items():
        assert framings.count(framing) / len(framings) == pytest.approx(share, abs=0.02)
    assert sum(FRAMING_SHARES.values()) == pytest.approx(1)


def test_there_are_as_many_empty_backgrounds_of_each_kind(chosen):
    empty = of_split(chosen, "fondos")
    assert Counter(plan.kind for plan in empty) == dict.fromkeys(KINDS, BACKGROUNDS_PER_KIND)
    assert {(plan.label, plan.identity) for plan in empty} == {(-1, "")}


def test_identity_says_class_and_individual(chosen):
    identities = {plan.identity: (plan.label, plan.individual) for plan in chosen if plan.label >= 0}
    assert len(identities) == len(set(identities.values())) == 124
    for identity, (label, number) in identities.items():
        assert identity == f"{('horses', 'humans')[label]}-{number:02d}"
