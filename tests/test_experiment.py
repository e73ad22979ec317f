"""El experimento del fondo: lo que se cambia es el fondo, y nada más; y la tabla cuenta lo que dice."""

import numpy as np
import pytest

from gradcam_helpers import cam, data, experiment, metrics
from gradcam_helpers.engine import passes
from gradcam_helpers.engine.backend import keras

GENERATOR = np.random.default_rng(7)
COUNT, KINDS = 11, ["bosque", "bosque", "duna"]  # más sujetos que los que caben en un lote


@pytest.fixture(scope="module")
def images():
    return GENERATOR.integers(0, 256, (COUNT, 300, 300, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def masks():
    masks = np.zeros((COUNT, 300, 300), bool)
    masks[:, 60:200, 100:180] = True
    return masks


@pytest.fixture(scope="module")
def backgrounds():
    return GENERATOR.integers(0, 256, (len(KINDS), 300, 300, 3), dtype=np.uint8)


def corner_and_center(batch):
    """Una «red»: lo claro de una esquina, que es fondo, y lo claro del centro, que es sujeto."""
    assert len(batch) <= passes.CHUNK
    return np.stack([batch[:, :20, :20].mean(axis=(1, 2, 3)), batch[:, 150, 140].mean(axis=1)], axis=1)


# --- Las pruebas ---------------------------------------------------------------------------------------


def test_the_network_is_asked_about_every_picture_in_order(images):
    answers = experiment.ask(corner_and_center, images)
    assert np.allclose(
        answers, np.concatenate([corner_and_center(data.prepare_image(each)) for each in images])
    )


def test_there_must_be_pictures_to_ask_about(images):
    with pytest.raises(ValueError, match="al menos una imagen"):
        experiment.ask(corner_and_center, images[:0])


def test_every_subject_meets_every_background(images, masks, backgrounds):
    answers = experiment.swap_backgrounds(corner_and_center, images, masks, backgrounds)
    assert answers.shape == (COUNT, len(KINDS), 2)
    corners = backgrounds[:, :20, :20].mean(axis=(1, 2, 3)) / 255
    centers = images[:, 150, 140].mean(axis=1) / 255
    assert np.allclose(answers[..., 0], corners[np.newaxis], atol=1e-5)
    assert np.allclose(answers[..., 1], centers[:, np.newaxis], atol=1e-5)


def test_a_network_that_only_sees_the_subject_answers_the_same_everywhere(images, masks, backgrounds):
    answers = experiment.swap_backgrounds(
        lambda batch: batch[:, 60:200, 100:180].mean(axis=(1, 2)), images, masks, backgrounds
    )
    assert np.array_equal(answers, np.broadcast_to(answers[:, :1], answers.shape))


@pytest.mark.parametrize("wrong", [slice(0), 0])
def test_backgrounds_must_be_a_batch(wrong, images, masks, backgrounds):
    with pytest.raises(ValueError, match="un lote de fondos"):
        experiment.swap_backgrounds(corner_and_center, images, masks, backgrounds[wrong])


@pytest.mark.parametrize(
    "change",
    [
        lambda images, masks: (images[:0], masks[:0]),
        lambda images, masks: (images[0], masks[0]),
        lambda images, masks: (images[: passes.CHUNK], masks),  # cada lote, por sí solo, encajaría
    ],
)
def test_subjects_must_be_a_batch_with_a_mask_each(change, images, masks, backgrounds):
    with pytest.raises(ValueError, match="y una máscara por imagen"):
        experiment.swap_backgrounds(corner_and_center, *change(images, masks), backgrounds)


def test_a_broken_network_is_noticed(images, masks, backgrounds):
    with pytest.raises(ValueError, match="no son finitos"):
        experiment.swap_backgrounds(
            lambda batch: np.full((len(batch), 2), np.nan), images, masks, backgrounds
        )


@pytest.fixture(scope="module")
def explainer():
    keras.utils.set_random_seed(4)
    network = keras.Sequential(
        [
            keras.Input((300, 300, 3)),
            keras.layers.Conv2D(3, 3, strides=10, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    return cam.Explainer(network)


def test_one_trial_changes_the_background_and_explains_what_is_seen(explainer, images, masks, backgrounds):
    picture, explanation = experiment.try_background(explainer, images[2], masks[2], backgrounds[1])
    assert np.array_equal(picture[masks[2]], images[2][masks[2]])
    far = np.ones((300, 300), bool)
    far[59:201, 99:181] = False
    assert np.array_equal(picture[far], backgrounds[1][far])
    expected = explainer.explain(data.prepare_image(picture))
    assert np.array_equal(explanation.raw, expected.raw)
    assert explanation.target == expected.logits.argmax(axis=1)


def test_without_a_background_the_picture_keeps_its_own(explainer, images, masks):
    picture, explanation = experiment.try_background(explainer, images[0], masks[0])
    assert np.array_equal(picture, images[0])
    assert np.array_equal(explanation.raw, explainer.explain(data.prepare_image(images[0])).raw)


# --- La tabla ------------------------------------------------------------------------------------------


@pytest.fixture
def answers():
    """Seis sujetos, dos de cada individuo, sobre tres fondos: cuánto se aleja cada respuesta de 0 y de 1."""
    generator = np.random.default_rng(3)
    person = generator.uniform(0, 1, (6, 3))
    return np.stack([1 - person, person], axis=2)


LABELS, PEOPLE = np.array([0, 0, 0, 0, 1, 1]), np.array(["a", "a", "b", "b", "c", "d"])


def test_the_table_counts_by_class_and_kind(answers):
    rows = experiment.tabulate(answers, LABELS, KINDS, PEOPLE)
    assert [(row.class_name, row.kind) for row in rows] == [
        (name, kind) for name in data.CLASS_NAMES for kind in ("bosque", "duna")
    ]
    for row in rows:
        label = data.CLASS_NAMES.index(row.class_name)
        mine = [
            answers[subject, place]
            for subject in np.flatnonzero(LABELS == label)
            for place in range(3)
            if KINDS[place] == row.kind
        ]
        assert np.isclose(row.hits, np.mean([answer[label] > 0.5 for answer in mine]))
        assert np.isclose(row.probability, np.mean([answer[label] for answer in mine]))


def test_the_interval_resamples_individuals(answers):
    first = experiment.tabulate(answers, LABELS, KINDS, PEOPLE)[0]
    hits = (answers[:4, :2, 0] > 0.5).mean(axis=1)
    assert first.interval == metrics.bootstrap_interval(hits, groups=PEOPLE[:4])
    assert first.interval[0] <= first.hits <= first.interval[1]


def test_a_row_is_read_in_percentages():
    row = experiment.Row("persona", "duna", 0.905, (0.8, 1.0), 0.876)
    assert str(row) == "persona, duna: acierta el 90 % (de 80 a 100); P media 0.88"


@pytest.mark.parametrize(
    "change",
    [
        lambda answers: (answers[:5], LABELS, KINDS, PEOPLE),
        lambda answers: (answers, LABELS, KINDS[:2], PEOPLE),
        lambda answers: (answers, LABELS, KINDS, PEOPLE[:5]),
        lambda answers: (answers[:, :, 0], LABELS, KINDS, PEOPLE),
    ],
)
def test_the_table_needs_one_label_and_one_kind_each(change, answers):
    with pytest.raises(ValueError, match="una etiqueta y un individuo por sujeto, y un tipo por fondo"):
        experiment.tabulate(*change(answers))


def test_a_network_with_one_output_is_not_taken_for_one_that_always_says_the_same(answers):
    with pytest.raises(ValueError, match="una probabilidad por clase, 2, y hay 1"):
        experiment.tabulate(answers[..., 1:], LABELS, KINDS, PEOPLE)


def test_a_class_without_subjects_has_no_rows(answers):
    rows = experiment.tabulate(answers, np.ones(6, int), KINDS, PEOPLE)
    assert {row.class_name for row in rows} == {"persona"}


def test_lists_serve_as_well(answers):
    rows = experiment.tabulate(answers, LABELS.tolist(), KINDS, PEOPLE.tolist())
    assert rows == experiment.tabulate(answers, LABELS, KINDS, PEOPLE)


def test_backgrounds_of_a_kind_are_numbered():
    assert experiment.number_kinds(["duna", "playa", "duna", "duna"]) == [
        "duna 1",
        "playa 1",
        "duna 2",
        "duna 3",
    ]


# --- La concordancia -----------------------------------------------------------------------------------


SUBJECTS = np.arange(30)


@pytest.fixture
def measured():
    generator = np.random.default_rng(5)
    return generator.random(30), generator.integers(0, 5, 30) / 4


def test_what_orders_every_pair_is_always_right_and_its_reverse_never(measured):
    _, dependence = measured
    assert experiment.concordance(dependence, dependence, SUBJECTS) == (1, (1, 1))
    assert experiment.concordance(-dependence, dependence, SUBJECTS) == (0, (0, 0))


def test_what_does_not_distinguish_subjects_is_like_chance(measured):
    _, dependence = measured
    assert experiment.concordance(np.full(30, 0.8), dependence, SUBJECTS) == (0.5, (0.5, 0.5))


def test_only_the_order_counts(measured):
    shares, dependence = measured
    expected = experiment.concordance(shares, dependence, SUBJECTS)
    assert experiment.concordance(np.exp(3 * shares), dependence**2, SUBJECTS) == expected
    index, (low, high) = experiment.concordance(-shares, dependence, SUBJECTS)
    assert np.allclose((1 - index, 1 - high, 1 - low), (expected[0], *expected[1]))


def test_it_counts_pairs_one_by_one(measured):
    shares, dependence = measured
    shares = shares.round(1)  # con empates
    points = [
        1.0 if shares[one] > shares[other] else 0.5 * (shares[one] == shares[other])
        for one in SUBJECTS
        for other in SUBJECTS
        if dependence[one] > dependence[other]
    ]
    assert np.isclose(experiment.concordance(shares, dependence, SUBJECTS)[0], np.mean(points))


def test_the_interval_does_not_shrink_when_pictures_are_repeated(measured):
    shares, dependence = measured
    once = experiment.concordance(shares, dependence, SUBJECTS)
    many = experiment.concordance(np.tile(shares, 4), np.tile(dependence, 4), np.tile(SUBJECTS, 4))
    assert np.allclose((many[0], *many[1]), (once[0], *once[1]))
    wrong = experiment.concordance(np.tile(shares, 4), np.tile(dependence, 4), np.arange(120))
    assert wrong[1][1] - wrong[1][0] < 0.7 * (once[1][1] - once[1][0])


def test_without_pairs_there_is_nothing_to_say():
    index, interval = experiment.concordance([0.1, 0.7], [0.5, 0.5], ["a", "b"])
    assert np.isnan([index, *interval]).all()


def test_of_one_individual_there_is_an_index_but_no_interval(measured):
    index, interval = experiment.concordance(*measured, np.zeros(30))
    assert index == experiment.concordance(*measured, SUBJECTS)[0]
    assert np.isnan(interval).all()


@pytest.mark.parametrize(
    ("shares", "dependence", "people", "message"),
    [
        ([0.1, 0.2], [0.5], ["a", "b"], "por sujeto"),
        ([0.1, 0.2], [0.5, 1], ["a"], "por sujeto"),
        ([[0.1]], [[0.5]], [["a"]], "por sujeto"),
        ([0.1, np.nan], [0.5, 1], ["a", "b"], "no son finitos: deja fuera los mapas vacíos"),
        ([0.1, 0.2], [0.5, np.inf], ["a", "b"], "no son finitos"),
    ],
)
def test_concordance_rejects(shares, dependence, people, message):
    with pytest.raises(ValueError, match=message):
        experiment.concordance(shares, dependence, people)
