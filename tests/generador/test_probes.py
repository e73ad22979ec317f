"""Las sondas: aciertan lo que se puede separar, no lo demás, y no reconocen a los individuos."""

import cv2
import numpy as np
import pytest

from generador import probes
from generador.plan import Plan
from generador.probes import FOLDS, LIMITS, linear_probe, measure

INDIVIDUALS, PICTURES = 60, 5
GROUPS = np.repeat(np.arange(INDIVIDUALS), PICTURES)
LABELS = GROUPS // FOLDS % 2  # en cada pliegue, individuos de las dos clases


def features(seed=0, count=4):
    return np.random.default_rng(seed).normal(size=(len(LABELS), count))


def test_what_a_plane_separates_is_always_right():
    inputs = features()
    inputs[:, 2] = 0.1 * inputs[:, 2] + LABELS
    assert linear_probe(inputs, LABELS, GROUPS) == 1


def test_noise_is_right_half_of_the_time():
    found = [linear_probe(features(seed), LABELS, GROUPS) for seed in range(20)]
    assert np.mean(found) == pytest.approx(0.5, abs=0.03)


def test_shuffled_labels_are_right_half_of_the_time():
    inputs = features()
    inputs[:, 2] = 0.2 * inputs[:, 2] + LABELS
    random = np.random.default_rng(1)
    found = [linear_probe(inputs, random.permutation(LABELS), GROUPS) for _ in range(20)]
    assert np.mean(found) == pytest.approx(0.5, abs=0.03)


def test_knowing_the_individual_does_not_help():
    """Una seña de cada individuo dice su clase a quien lo ha visto antes, y a nadie más."""
    found, leaked = [], []
    for seed in range(6):
        signs = np.random.default_rng(seed).normal(size=(INDIVIDUALS, INDIVIDUALS))[GROUPS]
        found.append(linear_probe(signs, LABELS, GROUPS))
        leaked.append(linear_probe(signs, LABELS, np.random.default_rng(seed).permutation(len(LABELS))))
    assert np.mean(found) == pytest.approx(0.5, abs=0.08)
    assert np.mean(leaked) > 0.95


def test_of_unequal_classes_it_says_the_largest():
    rare = (GROUPS % 30 < 6).astype(int)  # uno de cada cinco, también en cada pliegue
    found = [linear_probe(features(seed), rare, GROUPS) for seed in range(5)]
    assert np.mean(found) == pytest.approx(0.8, abs=0.02)


def test_scale_and_origin_of_the_features_do_not_matter():
    inputs = features()
    inputs[:, 1] += LABELS
    changed = inputs * [1e-3, 10, 1e4, 7] + [5, -3, 1e4, 0.1]
    assert linear_probe(inputs, LABELS, GROUPS) == linear_probe(changed, LABELS, GROUPS)


def test_a_constant_feature_does_no_harm():
    inputs = features()
    inputs[:, 1] += LABELS
    with_constant = np.column_stack([inputs, np.full(len(LABELS), 3.0)])
    assert linear_probe(with_constant, LABELS, GROUPS) == linear_probe(inputs, LABELS, GROUPS)


def test_probe_is_fisher_s_discriminant_of_each_fold():
    """Con dos clases iguales, los mínimos cuadrados dan la dirección Σ⁻¹ (media₁ − media₀)."""
    inputs = features(3)
    inputs[:, 0] += 1.5 * LABELS
    correct = 0
    for fold in range(FOLDS):
        held_out = GROUPS % FOLDS == fold
        known, labels = inputs[~held_out], LABELS[~held_out]
        assert labels.mean() == 0.5
        means = [known[labels == label].mean(axis=0) for label in (0, 1)]
        scatter = sum(np.cov(known[labels == label], rowvar=False) for label in (0, 1))
        direction = np.linalg.solve(scatter, means[1] - means[0])
        guess = (inputs[held_out] - np.mean(means, axis=0)) @ direction > 0
        correct += (guess == LABELS[held_out]).sum()
    assert linear_probe(inputs, LABELS, GROUPS) == correct / len(LABELS)


# --- Sobre imágenes -----------------------------------------------------------------------------------


def pictures(subject, background, side):
    """Planes y ejemplos de cuadrados; cada argumento da, según la clase, colores (3,) o lados en píxeles."""
    random = np.random.default_rng(0)
    chosen, drawn = [], []
    for number, (label, group) in enumerate(zip(LABELS, GROUPS, strict=True)):
        image = random.normal(background[label], 5, (60, 60, 3))
        mask, width = np.zeros((60, 60), np.uint8), int(side[label] + random.integers(-3, 4))
        mask[5 : 5 + width, 5 : 5 + width] = 255
        image[mask > 0] = random.normal(subject[label], 5, (width**2, 3)) + random.normal(0, 10, 3)
        image = np.clip(image, 0, 255).astype(np.uint8)
        chosen.append(Plan("train", number, int(label), int(group), "whole", "duna"))
        encoded = [cv2.imencode(".png", values)[1].tobytes() for values in (image, mask)]
        drawn.append(dict(zip(("image", "mask"), encoded, strict=True)))
    return chosen, drawn


GREY = (120, 120, 120)
RED_AND_BLUE = [(170, 80, 80), (80, 80, 170)]


def test_color_of_the_subject_gives_it_away():
    found = measure(*pictures(RED_AND_BLUE, [GREY, GREY], [30, 30]))
    assert found["color"] > 0.95 and found["tamaño"] < 0.6


def test_color_of_the_background_does_not_count():
    found = measure(*pictures([GREY, GREY], RED_AND_BLUE, [30, 30]))
    assert found["color"] < 0.6


def test_size_of_the_subject_gives_it_away():
    found = measure(*pictures([GREY, GREY], [GREY, GREY], [20, 40]))
    assert found["tamaño"] == 1


def test_probes_see_color_or_area_and_keep_individuals_apart(monkeypatch):
    seen = []
    monkeypatch.setattr(probes, "linear_probe", lambda *arguments: seen.append(arguments) or 0.5)
    chosen, drawn = pictures(RED_AND_BLUE, [GREY, GREY], [20, 40])
    assert measure(chosen, drawn) == {"color": 0.5, "tamaño": 0.5}
    (colors, *first), (areas, *second) = seen
    for labels, groups in (first, second):
        assert np.array_equal(labels, LABELS) and np.array_equal(groups, GROUPS)
    assert (colors.shape, areas.shape) == ((len(LABELS), 6), (len(LABELS), 1))
    assert np.abs(colors[:, 0] - colors[:, 2]).mean() == pytest.approx(90 / 255, abs=0.02)  # de azul a rojo
    assert np.allclose(np.sqrt(areas[:, 0]) * 60, np.where(LABELS == 1, 40, 20), atol=3.1)


@pytest.mark.parametrize("split", ["train", "test"])
def test_in_the_stored_pictures_neither_gives_it_away(subjects, split):
    chosen = [example for example in subjects if example.plan.split == split]
    found = measure([example.plan for example in chosen], [example.encoded for example in chosen])
    assert found.keys() == LIMITS.keys()
    for name, accuracy in found.items():
        assert accuracy <= LIMITS[name], name
