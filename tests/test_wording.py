"""Lo que se lee en el explorador: las tablas dan los números de los que salen."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
from toy_models import random_images, smooth_network

from gradcam_helpers import cam
from gradcam_helpers.engine import wording
from gradcam_helpers.engine.backend import keras
from gradcam_helpers.engine.explanation import Explanation


@pytest.fixture(scope="module")
def explainer():
    return cam.Explainer(smooth_network(keras.layers.Dense(2, activation="softmax")))


@pytest.fixture(scope="module")
def image():
    return random_images(1, 12, 10, 3)


def test_rounding_is_suspected_only_of_the_probability():
    assert "redondeo" in wording.describe_empty("probability")
    assert "redondeo" not in wording.describe_empty("logit")


def table(text) -> list[list[str]]:
    rows = re.findall(r"<tr>(.*?)</tr>", text)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]
    return [[re.sub(r"<[^>]*>", "", cell) for cell in row] for row in cells]


def test_table_of_scores(explainer, image):
    recording = explainer.record(image)
    rows = table(wording.describe_scores(recording, ["a", "<b>"], true_class=1 - recording.predicted))
    assert rows[0] == ["clase", "logit", "probabilidad", ""]
    assert [row[0] for row in rows[1:]] == ["a", "&lt;b&gt;"]
    for index, row in enumerate(rows[1:]):
        assert float(row[1].replace("−", "-")) == pytest.approx(recording.logits[0, index], abs=0.006)
        assert float(row[2]) == pytest.approx(recording.probabilities[0, index], abs=6e-5)
        assert row[3] == ("predicha" if index == recording.predicted else "verdadera")


@pytest.mark.parametrize("true_class", [None, 0, 999])
def test_of_many_classes_only_the_best_and_the_true_one_are_read(true_class):
    logits = np.random.default_rng(2).permutation(1000)[np.newaxis].astype(np.float32)
    best = np.argsort(-logits[0])[:5].tolist()
    scores = SimpleNamespace(logits=logits, probabilities=logits / logits.sum(), predicted=best[0])
    names = [f"clase {number}" for number in range(1000)]
    rows = table(wording.describe_scores(scores, names, true_class))
    expected = best + [true_class] * (true_class is not None)
    assert [row[0] for row in rows[1:-1]] == [names[index] for index in expected]
    assert [row[1] for row in rows[1:-1]] == [f"+{logits[0, index]:.2f}" for index in expected]
    assert rows[1][3] == "predicha" and (rows[-2][3] == "verdadera") == (true_class is not None)
    assert rows[-1][0] == f"y otras {1000 - len(expected)}"


@pytest.mark.parametrize("count", [3, 1000])
def test_a_list_of_names_fits_in_a_line(count):
    names = [f"n{number}" for number in range(count)]
    text = wording.list_names(names)
    assert text.startswith("n0, n1, n2") and len(text) < 100
    assert text.endswith(f"({count} en total)") == (count > 3)


def test_completeness_adds_up(explainer, image):
    explanation = explainer.explain(image, layer="primera", method="HiResCAM", target=1)
    (gap,) = cam.completeness_gap(explanation)
    rows = table(wording.describe_completeness(explanation, gap, "persona"))
    logit, accounted, gap = (float(row[1].replace("−", "-")) for row in rows[1:])
    assert logit == pytest.approx(explanation.logits[0, 1], abs=0.006)
    assert accounted == pytest.approx(explanation.raw.sum(), abs=0.006)
    assert gap == pytest.approx(logit - accounted, abs=0.02)


def test_completeness_of_a_logit_of_zero():
    zeros = np.zeros((1, 2, 2), np.float32)
    scores = np.zeros((1, 2), np.float32)
    dead = Explanation(
        "una", "HiResCAM", "logit", zeros, zeros, np.array([True]), np.array([1]), scores, scores
    )
    assert [row[1] for row in table(wording.describe_completeness(dead, 0.0, "persona"))[1:]] == ["+0.00"] * 3


def test_small_numbers_are_read_beside_their_bars():
    zeros, raw = np.zeros((1, 2), np.float32), np.full((1, 2, 2), -1e-3, np.float32)
    small = Explanation("una", "HiResCAM", "logit", raw, raw, np.array([True]), np.array([1]), zeros, zeros)
    assert [row[1] for row in table(wording.describe_completeness(small, 0.004, "persona"))[1:]] == [
        "+0.0000",
        "−0.0040",
        "+0.0040",
    ]


@pytest.mark.parametrize(("value", "text"), [(-0.001, "+0.00"), (-0.126, "−0.13"), (3, "+3.00")])
def test_zero_has_no_minus_sign(value, text):
    assert wording._signed(value) == text


@pytest.mark.parametrize(
    ("value", "limit"), [(0, 1), (0.03, 0.05), (1, 1), (1.2, 2), (4.7, 5), (5.1, 10), (73, 100)]
)
def test_scale_of_the_bars(value, limit):
    assert wording._round_up(value) == pytest.approx(limit)


@pytest.mark.parametrize(("fraction", "side"), [(0.5, "left"), (-0.25, "right")])
def test_bars_grow_from_the_middle(fraction, side):
    bar = wording._bar(fraction)
    assert f"{side}: 50%; width: {50 * abs(fraction):.1f}%" in bar


def test_color_bar_has_the_colours_of_the_maps():
    bar = wording.describe_colors("inferno", 300)
    assert "#000004" in bar and "#fcffa4" in bar  # los extremos de inferno
    assert ">0<" in bar and ">1<" in bar
