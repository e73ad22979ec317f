"""Lo anotado de una imagen: da lo mismo que el explicador y no usa otra vez la red."""

import functools
import math

import numpy as np
import pytest
from toy_models import (
    Counter,
    assert_same_map,
    linear_head,
    network_with_infinite_activations,
    pooled_network,
    random_images,
    smooth_network,
    state,
    with_random_weights,
)

from gradcam_helpers import cam, formulas
from gradcam_helpers.engine import passes
from gradcam_helpers.engine import recording as annotated
from gradcam_helpers.engine.backend import keras, tf

layers = keras.layers
WITHOUT_CAM = [method for method in cam.METHODS if method != "CAM"]
BY_GRADIENT = [method for method in WITHOUT_CAM if method != "Score-CAM"]
COURSE_LAYERS = [f"bloque{block}_conv{position}" for block in (1, 2, 3) for position in (1, 2)]


def one_channel_network():
    return with_random_weights(
        keras.Sequential(
            [
                keras.Input((9, 14, 1)),
                layers.DepthwiseConv2D(3, depth_multiplier=3, name="por_canal"),
                layers.LeakyReLU(),
                layers.Conv2D(4, 3, strides=2, name="saltos"),
                layers.Activation("tanh"),
                layers.Flatten(),
                layers.Dense(5, activation="softmax"),
            ]
        )
    )


def network_of_any_size():
    return with_random_weights(
        keras.Sequential(
            [
                keras.Input((None, None, 2)),
                layers.Conv2D(4, 3, activation="softplus", name="primera"),
                layers.Conv2D(3, 3, activation="softplus", name="segunda"),
                layers.GlobalMaxPooling2D(),
                layers.Dense(3),
            ]
        )
    )


def nested_network():
    network = smooth_network()
    column = keras.Sequential(network.layers[1:4], name="columna")
    return keras.Sequential([keras.Input((12, 10, 3)), column, *network.layers[4:]])


def mixed_network():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        return pooled_network()
    finally:
        keras.config.set_dtype_policy("float32")


NETWORKS = {
    "softmax": (smooth_network, (12, 10, 3)),
    "Softmax aparte": (lambda: smooth_network(layers.Dense(3), layers.Softmax()), (12, 10, 3)),
    "siete clases": (lambda: smooth_network(layers.Dense(7, activation="softmax")), (12, 10, 3)),
    "sigmoide de una salida": (lambda: smooth_network(layers.Dense(1, activation="sigmoid")), (12, 10, 3)),
    "logit de una salida": (lambda: smooth_network(layers.Dense(1)), (12, 10, 3)),
    "logits": (lambda: smooth_network(layers.Dense(3)), (12, 10, 3)),
    "sigmoides": (lambda: smooth_network(layers.Dense(4, activation="sigmoid")), (12, 10, 3)),
    "modelo anidado": (nested_network, (12, 10, 3)),
    "un canal": (one_channel_network, (9, 14, 1)),
    "cualquier tamaño": (network_of_any_size, (7, 10, 2)),
}


@functools.cache
def explainer_and_image(name: str) -> tuple[cam.Explainer, np.ndarray]:
    build, size = NETWORKS[name]
    return cam.Explainer(build()), random_images(1, *size)


def recorded(name: str) -> tuple[cam.Explainer, np.ndarray, cam.Recording]:
    explainer, image = explainer_and_image(name)
    return explainer, image, explainer.record(image)


def complete(recording):
    for target in range(recording.logits.shape[1]):
        recording.complete(target)


def assert_same_explanations(explainer, image, recording, names, method, score, tolerance=1e-4):
    """De cada capa y clase, lo que da el explicador con la misma imagen."""
    classes = range(recording.logits.shape[1])
    expected = explainer.explain(image, layer=names, target=[list(classes)], score=score, method=method)
    for name, whole in zip(names, expected, strict=True):
        for target in classes:
            explanation = recording.explain(name, target, score, method)
            assert (explanation.layer, explanation.method, explanation.score) == (name, method, score)
            assert explanation.target.tolist() == [target]
            assert_same_map(explanation.raw, whole.raw[:, target], tolerance)
            assert np.allclose(explanation.heatmap, whole.heatmap[:, target], atol=10 * tolerance)
            assert np.array_equal(explanation.empty, whole.empty[:, target])
            assert np.allclose(explanation.logits, whole.logits, atol=1e-5)
            assert np.allclose(explanation.probabilities, whole.probabilities, atol=1e-6)


# Lo mismo que el explicador


@pytest.mark.parametrize("score", cam.SCORES)
@pytest.mark.parametrize("method", BY_GRADIENT)
@pytest.mark.parametrize("network", NETWORKS)
def test_gives_what_the_explainer_gives(network, method, score):
    explainer, image, recording = recorded(network)
    assert_same_explanations(explainer, image, recording, explainer.layer_names, method, score)


@pytest.mark.parametrize("score", cam.SCORES)
@pytest.mark.parametrize("network", NETWORKS)
def test_gives_what_the_explainer_gives_when_complete(network, score, monkeypatch):
    explainer, image, recording = recorded(network)
    complete(recording)
    monkeypatch.setattr(explainer._passes, "gradients", lambda *_: pytest.fail("se usa la red"))
    assert_same_explanations(explainer, image, recording, explainer.layer_names, "LayerCAM", score)


@pytest.mark.parametrize("score", cam.SCORES)
@pytest.mark.parametrize("network", ["softmax", "sigmoide de una salida", "modelo anidado", "un canal"])
def test_gives_what_the_explainer_gives_with_score_cam(network, score):
    explainer, image, recording = recorded(network)
    assert_same_explanations(explainer, image, recording, explainer.layer_names, "Score-CAM", score)


@pytest.mark.parametrize("last", [(), (layers.Dense(1),), (layers.Dense(3), layers.Softmax())])
def test_gives_what_the_explainer_gives_with_cam(last):
    explainer, image = cam.Explainer(pooled_network(*last)), random_images(1, 6, 7, 3)
    assert_same_explanations(explainer, image, explainer.record(image), ["ultima"], "CAM", "logit")


@pytest.mark.parametrize("method", cam.METHODS)
def test_gives_float32_maps_with_mixed_precision(method):
    explainer, image = cam.Explainer(mixed_network()), random_images(1, 6, 7, 3)
    recording = explainer.record(image)
    assert explainer.model.get_layer("ultima").compute_dtype == "bfloat16"
    for score in cam.SCORES[: 1 if method == "CAM" else None]:
        assert_same_explanations(explainer, image, recording, ["ultima"], method, score, tolerance=0.02)
        explanation = recording.explain("ultima", 1, score, method)
        for values in (explanation.raw, explanation.heatmap, explanation.logits, explanation.probabilities):
            assert values.dtype == np.float32


@pytest.fixture(scope="module")
def course(course_network, course_images):
    explainer = cam.Explainer(course_network)
    return explainer, course_images[:1], explainer.record(course_images[:1])


@pytest.mark.parametrize("score", cam.SCORES)
@pytest.mark.parametrize("method", BY_GRADIENT)
def test_gives_what_the_explainer_gives_in_the_course_network(course, method, score):
    assert_same_explanations(*course, COURSE_LAYERS, method, score)


@pytest.mark.parametrize("network", NETWORKS)
def test_explains_the_predicted_class_by_default(network):
    explainer, image, recording = recorded(network)
    explanation = recording.explain(explainer.layer_names[0])
    expected = explainer.explain(image, layer=explainer.layer_names[0])
    assert [recording.predicted] == explanation.target.tolist() == expected.target.tolist()
    assert (explanation.method, explanation.score) == ("Grad-CAM", "logit")
    assert_same_map(explanation.raw, expected.raw)
    assert np.allclose(recording.logits, expected.logits, atol=1e-5)
    assert np.allclose(recording.probabilities, expected.probabilities, atol=1e-6)


@pytest.mark.parametrize("target", [2, np.int32(2), [2], [[2]], [[2, 0]], [[1, 1, 0, 2]]])
@pytest.mark.parametrize("method", ["Grad-CAM", "Score-CAM"])
def test_the_target_gives_its_shape_to_the_maps(target, method):
    explainer, image, recording = recorded("softmax")
    explanation = recording.explain("segunda", target, method=method)
    expected = explainer.explain(image, layer="segunda", target=target, method=method)
    for name in ("raw", "heatmap", "empty", "target", "logits", "probabilities"):
        values, same = getattr(explanation, name), getattr(expected, name)
        assert (values.shape, values.dtype) == (same.shape, same.dtype)
    assert np.array_equal(explanation.target, expected.target)
    assert_same_map(explanation.raw, expected.raw)


@pytest.mark.parametrize("gap", [30, 200])
def test_the_probability_of_a_sure_network_explains_the_other_class_or_nothing(gap):
    weights = np.random.default_rng(1).normal(size=(4, 4, 2, 2))
    image = random_images(1, 4, 4, 2, seed=2)
    logits = image.reshape(1, -1) @ weights.reshape(-1, 2)
    recording = cam.Explainer(linear_head(weights * gap / (logits[0, 1] - logits[0, 0]))).record(image)
    p0, p1 = recording.probabilities[0]
    assert p1 == 1
    explanation = recording.explain("paso", 1, "probability")
    assert explanation.empty[0] == (gap == 200)
    if gap == 30:
        assert_same_map(explanation.raw, -p0 * p1 * recording.explain("paso", 0).raw)


def test_the_completeness_gap_of_a_recording():
    explainer, image, recording = recorded("logits")
    explanation = recording.explain("segunda", [[0, 1, 2]], method="HiResCAM")
    expected = explainer.explain(image, target=[[0, 1, 2]], method="HiResCAM")
    assert np.allclose(cam.completeness_gap(explanation), cam.completeness_gap(expected), atol=1e-5)


# No repite trabajo


class Runs(layers.Layer):
    """Cuenta las veces que se usa, también dentro de una función compilada."""

    def __init__(self):
        super().__init__()
        self.count = tf.Variable(0, trainable=False)

    def call(self, inputs):
        with tf.control_dependencies([self.count.assign_add(1)]):
            return tf.identity(inputs)


@pytest.fixture
def counted():
    """Un explicador de tres convoluciones y 20 filtros, y la capa que cuenta las veces que se usa la red."""
    convolution = {"padding": "same", "activation": "softplus"}
    runs = Runs()
    network = keras.Sequential(
        [
            keras.Input((6, 5, 2)),
            Counter(),
            runs,
            *(layers.Conv2D(20, 3, name=name, **convolution) for name in ("primera", "segunda", "tercera")),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    explainer = cam.Explainer(with_random_weights(network))
    runs.count.assign(0)
    return explainer, runs.count


def every_gradient_map(recording, *names):
    for name in names:
        for method in BY_GRADIENT:
            for score in cam.SCORES:
                for target in (None, 0, 1, 2):
                    recording.explain(name, target, score, method)


@pytest.mark.parametrize("layer", [None, "primera"])
@pytest.mark.parametrize("target", [None, 2])
def test_what_was_asked_first_is_explained_without_using_the_network_again(counted, layer, target):
    explainer, runs = counted
    recording = explainer.record(random_images(1, 6, 5, 2), layer, target)
    assert runs.numpy() == 1
    layer = layer or "tercera"
    for method in BY_GRADIENT:
        recording.explain(layer, target, method=method)
    if layer == "tercera":
        recording.explain(layer, target, method="CAM")
    assert runs.numpy() == 1


def test_with_every_logit_the_probabilities_do_not_use_the_network(counted):
    explainer, runs = counted
    recording = explainer.record(random_images(1, 6, 5, 2), "segunda", [[0, 1, 2]])
    every_gradient_map(recording, "segunda")
    assert runs.numpy() == 1


def test_a_probability_is_explained_in_one_pass_whatever_the_number_of_classes(counted):
    explainer, runs = counted
    recording = explainer.record(random_images(1, 6, 5, 2), "segunda", 1, "probability")
    for method in BY_GRADIENT:
        recording.explain("segunda", 1, "probability", method)
    assert runs.numpy() == 1


@pytest.mark.parametrize("other", [{"layer": "segunda"}, {"target": 0}, {"score": "probability"}])
def test_what_is_missing_uses_the_network_once(counted, other):
    explainer, runs = counted
    image, request = random_images(1, 6, 5, 2), {"layer": "tercera", "target": 1} | other
    recording = explainer.record(image, target=1)
    explanation = recording.explain(**request)
    for method in BY_GRADIENT:
        recording.explain(**request, method=method)
    assert runs.numpy() == 2
    recording.explain("primera", 2)
    assert runs.numpy() == 3
    assert_same_map(explanation.raw, explainer.explain(image, **request).raw)


def test_a_complete_recording_does_not_use_the_network(counted):
    explainer, runs = counted
    recording = explainer.record(random_images(1, 6, 5, 2))
    for _ in range(2):
        complete(recording)
        assert runs.numpy() == 1 + 3
    every_gradient_map(recording, "primera", "segunda", "tercera")
    assert runs.numpy() == 1 + 3


def test_a_class_is_completed_without_the_others(counted):
    explainer, runs = counted
    recording = explainer.record(random_images(1, 6, 5, 2))
    recording.complete(1)
    for layer in ("primera", "segunda", "tercera"):
        recording.explain(layer, 1)
    assert runs.numpy() == 2
    recording.explain("primera", 2)
    assert runs.numpy() == 3


def test_score_cam_uses_the_network_once_for_all_classes_and_scores(counted):
    explainer, runs = counted
    recording = explainer.record(random_images(1, 6, 5, 2))
    recording.explain("segunda", 0, method="Score-CAM")
    assert recording.has_scores("segunda")
    assert not recording.has_scores("tercera")
    after = runs.numpy()
    chunks = math.ceil(20 / annotated.STEP)  # de filtros
    assert after == 1 + 1 + chunks  # al anotar, al observar la capa y con cada trozo
    for target in (None, 0, 1, 2):
        for score in cam.SCORES:
            recording.explain("segunda", target, score, "Score-CAM")
    assert runs.numpy() == after


def test_score_cam_advances_step_by_step_and_other_maps_come_in_between(counted):
    explainer, runs = counted
    image = random_images(1, 6, 5, 2)
    recording = explainer.record(image, "segunda")
    progress = []
    while done := recording.score_filters("segunda"):
        assert runs.numpy() == 1 + len(progress) + 1  # lo que se pide entretanto no usa la red
        progress.append(done)
        recording.explain("segunda", method="LayerCAM")
        assert not recording.has_scores("segunda")
    assert progress == [(min(20, annotated.STEP * step), 20) for step in range(1, len(progress) + 1)]
    assert recording.has_scores("segunda") and recording.score_filters("segunda") is None
    before = runs.numpy()
    raw = recording.explain("segunda", 1, method="Score-CAM").raw
    assert runs.numpy() == before
    assert_same_map(raw, explainer.explain(image, layer="segunda", target=1, method="Score-CAM").raw)


def test_constant_filters_are_looked_through_once(counted):
    explainer, runs = counted
    layer, image = explainer.model.get_layer("segunda"), random_images(1, 6, 5, 2)
    kernel, bias = layer.get_weights()
    kernel[..., 4:9] = 0
    layer.set_weights([kernel, bias])
    recording, progress = explainer.record(image, "segunda"), []
    while done := recording.score_filters("segunda"):
        progress.append(done)
    assert progress[-1] == (16, 16)
    assert runs.numpy() == 1 + len(progress) == 1 + math.ceil(16 / annotated.STEP)
    raw = recording.explain("segunda", 1, method="Score-CAM").raw
    assert_same_map(raw, explainer.explain(image, layer="segunda", target=1, method="Score-CAM").raw)


def test_score_cam_goes_on_where_it_was(counted):
    explainer, runs = counted
    recording = explainer.record(random_images(1, 6, 5, 2), "segunda")
    recording.score_filters("segunda")
    recording.score_filters("tercera")
    recording.score_filters("segunda")
    before = runs.numpy()
    recording.explain("segunda", method="Score-CAM")
    assert runs.numpy() - before == math.ceil(20 / annotated.STEP) - 2


def test_an_interrupted_step_of_score_cam_starts_again(counted, monkeypatch):
    explainer, _ = counted
    image = random_images(1, 6, 5, 2)
    recording = explainer.record(image, "segunda")
    recording.score_filters("segunda")
    with monkeypatch.context() as interrupted:
        interrupted.setattr(passes.Passes, "_forward", lambda *_: pytest.fail("ya está compilado"))
        interrupted.setattr(passes.tf, "concat", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            recording.explain("segunda", method="Score-CAM")
    expected = explainer.explain(image, layer="segunda", method="Score-CAM").raw
    assert_same_map(recording.explain("segunda", method="Score-CAM").raw, expected)


def _interrupt(*_, **__):
    raise KeyboardInterrupt


def test_a_map_is_computed_once(monkeypatch):
    explainer, image, _ = recorded("softmax")
    recording = explainer.record(image)
    first = recording.explain("primera", [[0, 2]]).raw
    monkeypatch.setitem(formulas.GRADIENT_METHODS, "Grad-CAM", lambda *_: pytest.fail("se repite"))
    assert np.array_equal(recording.explain("primera", [[2, 0]]).raw, first[:, ::-1])


def test_what_is_kept_does_not_change_with_what_was_given():
    explainer, image, _ = recorded("softmax")
    recording = explainer.record(image)
    explanation = recording.explain("primera", 0)
    expected = explanation.raw.copy()
    explanation.raw[:] = 7
    assert np.array_equal(recording.explain("primera", 0).raw, expected)


def test_another_image_compiles_nothing_anew(counted):
    explainer, _ = counted
    images = random_images(3, 6, 5, 2)

    def explain_everything(image):
        explainer.record(image, "segunda", 2).explain("primera", 1, "probability")
        recording = explainer.record(image, score="probability")
        every_gradient_map(recording, "segunda")
        complete(recording)
        every_gradient_map(recording, "primera", "tercera")
        recording.explain("tercera", method="Score-CAM")
        return Counter.traces

    traces = explain_everything(images[:1])
    assert explain_everything(images[1:2]) == explain_everything(images[2:]) == traces


def test_two_recordings_do_not_mix():
    explainer, *_ = recorded("softmax")
    images = random_images(2, 12, 10, 3, seed=8)
    first, second = (explainer.record(images[index : index + 1]) for index in (0, 1))
    for method in ("Grad-CAM", "Score-CAM"):
        for layer in ("segunda", "primera"):
            expected = explainer.explain(images, layer=layer, target=1, method=method).raw
            assert_same_map(second.explain(layer, 1, method=method).raw, expected[1:])
            assert_same_map(first.explain(layer, 1, method=method).raw, expected[:1])


def test_new_weights_are_seen_in_another_recording():
    network, image = smooth_network(), random_images(1, 12, 10, 3)
    explainer = cam.Explainer(network)
    before = explainer.record(image).explain("primera", 0).raw
    network.layers[-1].set_weights([2 * weight for weight in network.layers[-1].get_weights()])
    assert_same_map(explainer.record(image).explain("primera", 0).raw, 2 * before)


# No cambia nada


def test_recording_does_not_change_the_model():
    network, image = nested_network(), random_images(1, 12, 10, 3)
    network.compile("adam", "sparse_categorical_crossentropy")
    explainer = cam.Explainer(network)
    prediction, before, weights = network.predict_on_batch(image), state(network), network.get_weights()
    recording, given = explainer.record(image), image.copy()
    for method in WITHOUT_CAM:
        recording.explain("columna/primera", 1, "probability", method)
    assert state(network) == before
    assert all(np.array_equal(a, b) for a, b in zip(weights, network.get_weights(), strict=True))
    assert np.array_equal(network.predict_on_batch(image), prediction)
    assert np.array_equal(image, given)


# Errores


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"layer": "quinta"}, ValueError, "ninguna capa «quinta».*primera, segunda"),
        ({"layer": "aplanar"}, ValueError, "«aplanar».*no da mapas"),
        ({"target": 3}, ValueError, "clases 0 a 2.*«3»"),
        ({"target": -1}, ValueError, "clases 0 a 2.*«-1»"),
        ({"target": [0, 1]}, ValueError, r"es \(2,\)"),
        ({"target": 1.0}, TypeError, "número entero.*«float64»"),
        ({"target": len}, TypeError, "una función solo se explica con «Explainer.explain»"),
        ({"score": "logits"}, ValueError, "logit o probability.*«logits»"),
        ({"method": "GradCAM"}, ValueError, "Eigen-CAM o Score-CAM.*«GradCAM»"),
        ({"method": "CAM"}, ValueError, "«segunda».*promedio global"),
    ],
)
def test_rejects_options(options, error, message):
    *_, recording = recorded("softmax")
    with pytest.raises(error, match=message):
        recording.explain(**{"layer": "segunda"} | options)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"layer": "quinta"}, ValueError, "ninguna capa «quinta».*primera, segunda"),
        ({"layer": ["primera", "segunda"]}, TypeError, "Una capa.*«list»"),
        ({"target": 3}, ValueError, "clases 0 a 2.*«3»"),
        ({"target": 1.0}, TypeError, "número entero.*«float64»"),
        ({"target": len}, TypeError, "una función solo se explica con «Explainer.explain»"),
        ({"score": "logits"}, ValueError, "logit o probability.*«logits»"),
    ],
)
def test_rejects_what_is_asked_first(options, error, message):
    explainer, image, _ = recorded("softmax")
    with pytest.raises(error, match=message):
        explainer.record(image, **options)


def test_cam_is_of_the_logit():
    recording = cam.Explainer(pooled_network()).record(random_images(1, 6, 7, 3))
    with pytest.raises(ValueError, match="CAM solo se define para el logit"):
        recording.explain("ultima", method="CAM", score="probability")


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda x: np.concatenate([x, x]), ValueError, "de una en una.*tiene 2"),
        (lambda x: x[0], ValueError, r"\(N, 12, 10, 3\).*\(12, 10, 3\)"),
        (lambda x: x[:0], ValueError, "vacío"),
        (lambda x: (x * 255).astype(np.uint8), TypeError, "«uint8».*prepare_image"),
        (lambda x: np.where(x > 0.5, np.nan, x), ValueError, "NaN"),
    ],
)
def test_rejects_images(change, error, message):
    explainer, image, _ = recorded("softmax")
    with pytest.raises(error, match=message):
        explainer.record(change(image))


def test_rejects_a_network_that_diverged():
    network = pooled_network()
    network.set_weights([weight * np.nan for weight in network.get_weights()])
    with pytest.raises(ValueError, match="no son finitos.*entrenamiento"):
        cam.Explainer(network).record(random_images(1, 6, 7, 3))


@pytest.mark.parametrize("method", BY_GRADIENT)
def test_rejects_activations_that_are_not_finite(method):
    recording = cam.Explainer(network_with_infinite_activations()).record(random_images(1, 6, 5, 2))
    assert np.isfinite(recording.explain("segunda", 0, method=method).raw).all()
    with pytest.raises(ValueError, match="no son finitos.*entrenamiento"):
        recording.explain("primera", 0, method=method)


def test_a_layer_that_cannot_be_explained_does_not_prevent_explaining_the_last_one():
    inputs = keras.Input((6, 6, 2))
    shared = layers.Conv2D(2, 3, padding="same", name="compartida")
    outputs = layers.Dense(2)(layers.Flatten()(layers.Conv2D(2, 3, name="otra")(shared(shared(inputs)))))
    explainer, image = cam.Explainer(keras.Model(inputs, outputs)), random_images(1, 6, 6, 2)
    recording = explainer.record(image)
    with pytest.raises(ValueError, match="usa 2 veces la capa «compartida»"):
        recording.explain("compartida")
    assert explainer.layer_names == ["otra"]
    recording.complete(0)
    assert_same_map(recording.explain("otra", 0).raw, explainer.explain(image, target=0).raw)
