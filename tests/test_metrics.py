"""Medidas de un mapa: sus identidades, cálculos independientes, y los errores de quien las usa."""

import numpy as np
import pytest
from toy_models import network_with_a_network_inside

from gradcam_helpers import cam, formulas, metrics
from gradcam_helpers.engine import scoring
from gradcam_helpers.engine.backend import keras

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")  # ninguna división entre cero, ni callada

SHAPE = (6, 5, 3)
PIXELS = 30


@pytest.fixture
def images():
    images = np.random.default_rng(1).random((4, *SHAPE), np.float32)
    images.setflags(write=False)
    return images


@pytest.fixture
def heatmaps():
    """Mapas sin empates: cada uno, los mismos valores en otro orden."""
    generator = np.random.default_rng(2)
    values = np.arange(1, PIXELS + 1, dtype=np.float32) / PIXELS
    maps = np.stack([generator.permutation(values).reshape(SHAPE[:2]) for _ in range(4)])
    maps.setflags(write=False)
    return maps


TARGETS = [0, 2, 1, 2]


def network(images):
    """Una «red» cualquiera, muy poco lineal, de tres clases."""
    weights = np.random.default_rng(3).normal(size=(2, PIXELS * 3, 3))
    flat = images.reshape(len(images), -1).astype(np.float64)
    exponentials = np.exp(3 * np.tanh(flat @ weights[0]) + np.sin(flat @ weights[1]))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def linear(weights):
    """Una red de dos clases: la puntuación de la 1 es la suma ponderada de los valores; la de la 0, cero."""

    def predict(images):
        scores = (images.astype(np.float64) * weights).sum(axis=(1, 2, 3))
        return np.stack([np.zeros_like(scores), scores], axis=1)

    return predict


class Recorder:
    """Una red que anota cuántas imágenes ve cada vez."""

    def __init__(self):
        self.sizes = []

    def __call__(self, images):
        assert images.dtype == np.float32
        self.sizes.append(len(images))
        return network(images)


# --- Inserción y borrado ------------------------------------------------------------------------------


@pytest.mark.parametrize(("scores", "area"), [([1, 0.3, 0], 0.4), ([0, 0.7, 1], 0.6), ([1, 1, 1], 1)])
def test_area_is_that_of_the_trapezoids(scores, area):
    curve = metrics.Curve(np.array([0, 0.5, 1]), np.array([scores, scores]))
    assert np.allclose(curve.area, [area, area])


def test_two_pixels_by_hand():
    image = np.array([0.3, 0.7], np.float32).reshape(1, 1, 2, 1)
    arguments = linear(1), image, image[..., 0], 1
    inserted = metrics.insertion(*arguments, baseline=0, steps=2)
    deleted = metrics.deletion(*arguments, baseline=0, steps=2)
    assert np.allclose(inserted.fraction, [0, 0.5, 1])
    assert np.allclose(inserted.scores, [[0, 0.7, 1]]) and np.allclose(inserted.area, 0.6)
    assert np.allclose(deleted.scores, [[1, 0.3, 0]]) and np.allclose(deleted.area, 0.4)


@pytest.mark.parametrize("steps", [1, 2, 6, 30])
def test_deleting_is_inserting_in_the_opposite_order(images, heatmaps, steps):
    baseline = np.random.default_rng(4).random(images.shape, np.float32)
    options = {"target": TARGETS, "baseline": baseline, "steps": steps}
    deleted = metrics.deletion(network, images, heatmaps, **options)
    inserted = metrics.insertion(network, images, 1 - heatmaps, **options)
    assert np.allclose(deleted.area, inserted.area, rtol=1e-12)
    assert np.allclose(deleted.scores, inserted.scores[:, ::-1], rtol=1e-12)


def test_closed_form_of_a_linear_network(images, heatmaps):
    """Cada píxel aporta lo suyo desde que llega, a mitad de su paso, hasta el final."""
    weights = np.random.default_rng(5).normal(size=SHAPE)
    baseline = np.array([0.2, 0.5, 0.9], np.float32)
    before, after = ((array * weights).sum(axis=-1) for array in (baseline, images))
    arrival = 1 - heatmaps  # en estos mapas, la parte de los píxeles que son más relevantes
    middle = arrival + 0.5 / PIXELS
    inserted = (before * middle + after * (1 - middle)).sum(axis=(1, 2))
    deleted = (after * middle + before * (1 - middle)).sum(axis=(1, 2))
    arguments = linear(weights), images, heatmaps, 1, baseline, PIXELS
    assert np.allclose(metrics.insertion(*arguments).area, inserted, atol=1e-6)
    assert np.allclose(metrics.deletion(*arguments).area, deleted, atol=1e-6)


def slow_curve(image, heatmap, target, baseline, steps, inserting):
    """La curva de una imagen, píxel a píxel."""
    places = sorted(
        np.ndindex(heatmap.shape), key=lambda place: -heatmap[place]
    )  # conserva el orden de lectura
    canvas, source = (baseline, image) if inserting else (image, baseline)
    canvas, scores = canvas.copy(), []
    for step in range(steps + 1):
        for place in places[: int(len(places) * step / steps)]:
            canvas[place] = source[place]
        scores.append(network(canvas[np.newaxis])[0, target])
    widths = np.diff([int(len(places) * step / steps) / len(places) for step in range(steps + 1)])
    return scores, sum(width * (a + b) / 2 for width, a, b in zip(widths, scores, scores[1:], strict=False))


@pytest.mark.parametrize("steps", [1, 4, 7, 30])
@pytest.mark.parametrize("inserting", [True, False])
def test_agrees_with_one_pixel_after_another(images, heatmaps, steps, inserting):
    heatmaps = np.round(heatmaps * 4) / 4  # con muchos empates
    baseline = np.broadcast_to(np.float32([0.1, 0.2, 0.7]), images.shape)
    function = metrics.insertion if inserting else metrics.deletion
    curve = function(network, images, heatmaps, TARGETS, baseline[0, 0, 0], steps)
    assert curve.scores.shape == (4, steps + 1) and curve.scores.dtype == curve.area.dtype == np.float64
    for index, target in enumerate(TARGETS):
        scores, area = slow_curve(images[index], heatmaps[index], target, baseline[index], steps, inserting)
        assert np.allclose(curve.scores[index], scores)
        assert np.allclose(curve.area[index], area)


def test_ties_go_in_reading_order():
    image = np.arange(1, 7, dtype=np.float32).reshape(1, 2, 3, 1)
    mask = np.array([[[0, 1, 0], [1, 0, 1]]], bool)
    scores = metrics.insertion(linear(1), image, mask, 1, baseline=0, steps=6).scores[0]
    assert np.array_equal(np.diff(scores), [2, 4, 6, 1, 3, 5])


def test_without_baseline_insertion_blurs_and_deletion_blackens(images, heatmaps):
    inserted = metrics.insertion(network, images, heatmaps, TARGETS, steps=3)
    explicit = metrics.insertion(network, images, heatmaps, TARGETS, metrics.blur(images), steps=3)
    assert np.array_equal(inserted.scores, explicit.scores)
    deleted = metrics.deletion(network, images, heatmaps, TARGETS, steps=3)
    black = network(np.zeros_like(images))[np.arange(4), TARGETS]
    assert np.allclose(deleted.scores[:, -1], black)
    assert np.allclose(deleted.scores[:, 0], network(images)[np.arange(4), TARGETS])


@pytest.mark.parametrize("baseline", [0.25, [0.25] * 3, np.full(SHAPE, 0.25), np.full((4, 1, 1, 1), 0.25)])
def test_baseline_is_a_number_a_color_or_images(images, heatmaps, baseline):
    curve = metrics.deletion(network, images, heatmaps, 1, baseline, steps=5)
    expected = metrics.deletion(network, images, heatmaps, 1, np.full(images.shape, 0.25), steps=5)
    assert np.array_equal(curve.scores, expected.scores)


def test_fifty_steps_unless_told_otherwise(images):
    images = np.repeat(images, 2, axis=1)
    heatmaps = images[..., 0]
    for function in (metrics.insertion, metrics.deletion):
        curve = function(lambda images: network(images[:, ::2]), images, heatmaps, 0)
        assert curve.fraction.shape == (51,)
        assert np.allclose(np.diff(curve.fraction), 0.02, atol=1 / 60)


def test_blur_is_a_gaussian_of_rise():
    dot = np.zeros((2, 21, 25, 2), np.float32)
    dot[1, 9, 12, 0] = 1
    distance = np.arange(-5, 6) ** 2
    kernel = np.exp(-(distance[:, np.newaxis] + distance) / (2 * 5**2))
    expected = np.zeros_like(dot)
    expected[1, 4:15, 7:18, 0] = kernel / kernel.sum()
    assert np.allclose(metrics.blur(dot), expected, atol=1e-7)


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_blur_keeps_the_shape_and_a_flat_color(channels):
    images = np.full((2, 12, 14, channels), 0.4, np.float32)
    assert np.allclose(metrics.blur(images), images)
    assert metrics.blur(images).shape == images.shape


# --- Confianza ----------------------------------------------------------------------------------------


def brightness(images):
    """Probabilidad de la clase 1: el valor medio de la imagen."""
    mean = images.mean(axis=(1, 2, 3), dtype=np.float64)
    return np.stack([1 - mean, mean], axis=1)


def flat(value):
    return np.full((1, 2, 2, 1), value, np.float32)


def test_drop_and_increase_by_hand():
    quarter = np.zeros((1, 2, 2), np.float32)
    quarter[0, 0, 0] = 1
    bright = metrics.confidence_change(brightness, flat(0.8), quarter, 1)
    assert np.allclose([*bright.original, *bright.explained], [0.8, 0.2])
    assert np.allclose([*bright.drop, *bright.increase], [0.75, 0])
    dark = metrics.confidence_change(brightness, flat(0.8), quarter, 0)
    assert np.allclose([*dark.original, *dark.explained], [0.2, 0.8])
    assert np.allclose([*dark.drop, *dark.increase], [0, 1])


def test_a_map_of_ones_changes_nothing(images):
    change = metrics.confidence_change(network, images, np.ones((4, *SHAPE[:2])), TARGETS)
    assert np.array_equal(change.original, change.explained)
    assert not change.drop.any() and not change.increase.any()


def test_from_nothing_nothing_drops():
    change = metrics.confidence_change(brightness, flat(0), np.ones((1, 2, 2)), 1)
    assert change.original == change.drop == change.increase == 0


def test_confidence_agrees_with_one_image_after_another(images, heatmaps):
    change = metrics.confidence_change(network, images, heatmaps, TARGETS)
    for index, target in enumerate(TARGETS):
        seen = np.stack([images[index, ..., channel] * heatmaps[index] for channel in range(3)], axis=-1)
        y, o = (network(image[np.newaxis])[0, target] for image in (images[index], seen))
        assert np.allclose([change.original[index], change.explained[index]], [y, o])
        assert np.allclose(change.drop[index], (y - o) / y if o < y else 0)
        assert change.increase[index] == (o > y)
    assert 0 < change.increase.sum() < 4  # que la prueba pase por los dos casos


def test_confidence_needs_probabilities(images, heatmaps):
    for wrong in (lambda images: network(images) - 0.5, lambda images: 5 * network(images)):
        with pytest.raises(ValueError, match="Hacen falta probabilidades.*logits"):
            metrics.confidence_change(wrong, images, heatmaps, TARGETS)


# --- Lo que comparten las medidas que consultan la red ------------------------------------------------

MEASURES = {
    "insertion": lambda *arguments: metrics.insertion(*arguments, steps=7).scores,
    "deletion": lambda *arguments: metrics.deletion(*arguments, steps=7).scores,
    "drop": lambda *arguments: metrics.confidence_change(*arguments).drop,
    "explained": lambda *arguments: metrics.confidence_change(*arguments).explained,
}
every_measure = pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES.keys())


@every_measure
def test_each_image_is_measured_as_if_it_were_alone(images, heatmaps, measure):
    together = measure(network, images, heatmaps, TARGETS)
    for index, target in enumerate(TARGETS):
        alone = measure(network, images[index : index + 1], heatmaps[index : index + 1], target)
        assert np.allclose(together[index], alone[0], rtol=1e-12)


@every_measure
@pytest.mark.parametrize("chunk", [1, 3])
def test_the_network_sees_few_images_at_a_time_and_that_does_not_matter(
    images, heatmaps, measure, chunk, monkeypatch
):
    whole = measure(network, images, heatmaps, TARGETS)
    monkeypatch.setattr(scoring, "CHUNK", chunk)
    recorder = Recorder()
    assert np.allclose(measure(recorder, images, heatmaps, TARGETS), whole, rtol=1e-12)
    assert max(recorder.sizes) == chunk
    assert sum(recorder.sizes) in (4 * 8, 2 * 4)  # ninguna se calcula dos veces


def test_a_few_images_at_a_time(images, heatmaps):
    recorder = Recorder()
    metrics.insertion(recorder, images, heatmaps, TARGETS, steps=8)
    assert recorder.sizes == [4, 4, 4, 4, 4, 4, 4, 4, 4]


@every_measure
def test_an_empty_map_measures_nothing(images, heatmaps, measure):
    some = heatmaps * np.array([1, 0, 1, 0], np.float32)[:, np.newaxis, np.newaxis]
    values = measure(network, images, some, TARGETS)
    assert np.isnan(values[[1, 3]]).all()
    assert np.array_equal(values[[0, 2]], measure(network, images, heatmaps, TARGETS)[[0, 2]])


def test_an_empty_map_is_counted_apart(images, heatmaps):
    some = heatmaps * np.array([1, 0, 1, 1], np.float32)[:, np.newaxis, np.newaxis]
    change = metrics.confidence_change(network, images, some, TARGETS)
    assert np.array_equal(np.isnan(change.increase), [False, True, False, False])
    assert np.isfinite(change.original).all()
    assert np.isnan(metrics.insertion(network, images, some, TARGETS, steps=5).area[1])


@every_measure
def test_one_class_for_all(images, heatmaps, measure):
    assert np.array_equal(
        measure(network, images, heatmaps, 2), measure(network, images, heatmaps, [2, 2, 2, 2])
    )


@every_measure
def test_the_network_may_be_a_keras_model(images, heatmaps, measure):
    model = network_with_a_network_inside()
    values = measure(model, images, heatmaps, TARGETS)
    asked = measure(lambda images: model.predict_on_batch(images), images, heatmaps, TARGETS)
    assert np.allclose(values, asked, atol=1e-5)


@every_measure
def test_the_methods_of_the_network_are_the_network(images, heatmaps, measure, capsys):
    model = network_with_a_network_inside()
    values = measure(model, images, heatmaps, TARGETS)
    for method in (model.predict, model.predict_on_batch, model.__call__):
        assert np.array_equal(values, measure(method, images, heatmaps, TARGETS))
    assert capsys.readouterr().out == ""


def finished(*last, inside=None):
    """Una red pequeña que acaba en esas capas; `inside` es lo que hay detrás de la convolución."""
    keras.utils.set_random_seed(4)
    inputs = keras.Input(SHAPE)
    features = keras.layers.Conv2D(4, 3, activation="relu")(inputs)
    outputs = keras.layers.Flatten()(inside(features) if inside else features)
    for layer in last:
        outputs = layer(outputs)
    return keras.Model(inputs, outputs)


def dense(units, activation=None):
    return keras.layers.Dense(units, activation, bias_initializer=keras.initializers.Constant(0.3))


ONE_OUTPUT = {
    "sigmoid": lambda: finished(dense(1, "sigmoid")),
    "sigmoid aparte": lambda: finished(dense(1), keras.layers.Activation("sigmoid")),
    "dentro de otra": lambda: keras.Sequential([keras.Input(SHAPE), finished(dense(1, "sigmoid"))]),
    "16 bits": lambda: finished(keras.layers.Dense(1, "sigmoid", dtype="mixed_float16")),
}


@every_measure
@pytest.mark.parametrize("kind", ONE_OUTPUT)
@pytest.mark.parametrize("target", [0, 1, [0, 1, 1, 0]])
def test_one_output_tells_two_classes_apart(images, heatmaps, measure, kind, target):
    model = ONE_OUTPUT[kind]()

    def two_columns(images):
        p = model.predict_on_batch(images).astype(np.float64)
        return np.concatenate([1 - p, p], axis=1)

    expected = measure(two_columns, images, heatmaps, target)
    for predict in (model, model.predict, lambda images: model.predict_on_batch(images)):
        assert np.allclose(measure(predict, images, heatmaps, target), expected, atol=1e-5)


@pytest.mark.parametrize("target", [0, 1])
def test_scores_are_those_of_the_explanation(images, heatmaps, target):
    model = finished(dense(1, "sigmoid"))
    change = metrics.confidence_change(model, images, heatmaps, target)
    explanation = cam.Explainer(model).explain(images, target=target)
    assert np.allclose(change.original, explanation.probabilities[:, target], atol=1e-6)
    logits = finished(dense(1))  # los mismos pesos
    curve = metrics.deletion(logits, images, heatmaps, target, steps=2)
    assert np.allclose(curve.scores[:, 0], cam.Explainer(logits).explain(images).logits[:, target], atol=1e-6)


@every_measure
@pytest.mark.parametrize("target", [2, [0, 1, 0, 2]])
def test_one_output_has_no_third_class(images, heatmaps, measure, target):
    for predict in (finished(dense(1, "sigmoid")), lambda images: network(images)[:, :1]):
        with pytest.raises(ValueError, match="de 0 a 1, y se pide la 2"):
            measure(predict, images, heatmaps, target)


@every_measure
def test_one_column_of_logits_is_ambiguous(images, heatmaps, measure):
    with pytest.raises(ValueError, match="probabilidad de la clase 1.*dos columnas"):
        measure(lambda images: 9 * network(images)[:, :1] - 4, images, heatmaps, 0)


@pytest.mark.parametrize("units", [1, 3])
def test_logits_that_fall_between_0_and_1_are_not_probabilities(images, heatmaps, units):
    constant = keras.layers.Dense(
        units, kernel_initializer="zeros", bias_initializer=keras.initializers.Constant(0.4)
    )
    model = finished(constant)
    with pytest.raises(ValueError, match="Hacen falta probabilidades.*softmax"):
        metrics.confidence_change(model, images, heatmaps, 0)


class Insistent(keras.layers.Layer):
    """Una capa propia que se entrena siempre, se lo pidan o no."""

    def __init__(self, **options):
        super().__init__(**options)
        self.inner = keras.layers.BatchNormalization()

    def build(self, shape):
        self.inner.build(shape)

    def call(self, inputs):
        return self.inner(inputs, training=True)


NORMALIZED = {
    "capa": lambda maps: keras.layers.BatchNormalization()(maps, training=True),
    "modelo": lambda maps: keras.Sequential([keras.Input(maps.shape[1:]), keras.layers.BatchNormalization()])(
        maps, training=True
    ),
    "dropout": lambda maps: keras.layers.Dropout(0.5)(maps, training=True),
    "capa propia": lambda maps: Insistent()(maps),
}


@every_measure
@pytest.mark.parametrize("kind", NORMALIZED)
def test_the_network_answers_as_in_predict_and_stays_as_it_was(images, heatmaps, measure, kind):
    model = finished(dense(3, "softmax"), inside=NORMALIZED[kind])
    before = [keras.ops.convert_to_numpy(variable).copy() for variable in model.variables]
    values = measure(model, images, heatmaps, TARGETS)
    for variable, value in zip(model.variables, before, strict=True):
        assert np.array_equal(keras.ops.convert_to_numpy(variable), value)
    asked = measure(lambda images: model.predict_on_batch(images), images, heatmaps, TARGETS)
    assert np.allclose(values, asked, atol=1e-5)


@every_measure
def test_several_outputs_are_refused_before_asking(images, heatmaps, measure):
    model = finished(dense(3, "softmax"))
    two = keras.Model(model.input, [model.output, dense(2)(model.output)])
    with pytest.raises(ValueError, match=r"una sola salida, y tiene 2.*modelo.outputs\[k\]"):
        measure(two, images, heatmaps, TARGETS)
    chosen = keras.Model(two.input, two.outputs[0])
    assert np.array_equal(
        measure(chosen, images, heatmaps, TARGETS), measure(model, images, heatmaps, TARGETS)
    )


@every_measure
def test_the_size_that_the_network_expects(images, heatmaps, measure):
    model = network_with_a_network_inside()
    with pytest.raises(ValueError, match=r"El modelo espera un lote de forma \(N, 6, 5, 3\)"):
        measure(model, images[:, 1:], heatmaps[:, 1:], TARGETS)


@every_measure
def test_a_network_with_named_inputs_and_outputs(images, heatmaps, measure):
    model = finished(dense(3, "softmax"))
    name = model.input.name
    named = keras.Model({name: model.input}, {"clase": model.output})
    assert np.array_equal(
        measure(named, images, heatmaps, TARGETS), measure(model, images, heatmaps, TARGETS)
    )


@every_measure
@pytest.mark.parametrize(
    ("name", "change", "error", "message"),
    [
        ("images", lambda x: x[0], ValueError, r"lote.*\(6, 5, 3\)"),
        ("images", lambda x: x[:0], ValueError, "vacío.*al menos una imagen"),
        ("images", lambda x: (x * 255).astype(np.uint8), TypeError, "«uint8».*prepare_image"),
        ("images", lambda x: np.where(x > 0.5, np.nan, x), ValueError, "Las imágenes.*NaN"),
        ("heatmaps", lambda x: x[:, ::2], ValueError, r"\(4, 6, 5\).*\(4, 3, 5\).*formulas\.resize_heatmaps"),
        ("heatmaps", lambda x: x[0], ValueError, r"estos son \(6, 5\)"),
        ("heatmaps", lambda x: x[:3], ValueError, r"estos son \(3, 6, 5\)"),
        ("heatmaps", lambda x: x - 0.5, ValueError, "van de 0 a 1.*-0.46.*Explanation.heatmap"),
        ("heatmaps", lambda x: x * 255, ValueError, "van de 0 a 1.*a 255"),
        ("heatmaps", lambda x: np.where(x > 0.5, np.nan, x), ValueError, "Los mapas.*NaN"),
        ("heatmaps", lambda x: x.astype(str), TypeError, "Los mapas.*números reales"),
        ("target", lambda x: -1, ValueError, "desde 0.*la -1"),
        ("target", lambda x: x[:2], ValueError, r"una por imagen \(4\)"),
        ("target", lambda x: 0.0, TypeError, "número entero"),
    ],
)
def test_rejects_before_asking_the_network(images, heatmaps, measure, name, change, error, message):
    recorder = Recorder()
    arguments = {"images": images, "heatmaps": heatmaps, "target": TARGETS}
    arguments[name] = change(arguments[name])
    with pytest.raises(error, match=message):
        measure(recorder, *arguments.values())
    assert not recorder.sizes


@every_measure
@pytest.mark.parametrize(
    ("predict", "target", "error", "message"),
    [
        ("red", 0, TypeError, "«predict».*«str»"),
        (lambda images: network(images)[:, 0], 0, ValueError, r"clases\), y da \(\d+,\)"),
        (lambda images: network(images)[:1], 0, ValueError, r"y da \(1, 3\)"),
        (lambda images: network(images) * np.nan, 0, ValueError, "no son finitos.*entrenamiento"),
        (network, [0, 0, 0, 3], ValueError, "de 0 a 2.*la 3"),
    ],
)
def test_rejects_what_does_not_score_that_class(images, heatmaps, measure, predict, target, error, message):
    with pytest.raises(error, match=message):
        measure(predict, images, heatmaps, target)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"steps": 0}, ValueError, "entre 1 y 30.*es 0"),
        ({"steps": -2}, ValueError, "entre 1 y 30.*es -2"),
        ({"steps": 31}, ValueError, "entre 1 y 30.*es 31"),
        ({"steps": True}, ValueError, "número entero.*es True"),
        ({"steps": "5"}, ValueError, "número entero.*es 5"),
        ({"steps": 2.5}, ValueError, "número entero.*es 2.5"),
        ({"baseline": "desenfoque"}, TypeError, "«baseline».*números"),
        ({"baseline": np.nan}, ValueError, "«baseline».*NaN"),
        ({"baseline": np.zeros((2, *SHAPE))}, ValueError, r"no encaja \(2, 6, 5, 3\) con \(4, 6, 5, 3\)"),
        ({"baseline": np.zeros((1, 4, *SHAPE))}, ValueError, "no encaja"),
    ],
)
def test_rejects_options_before_asking_the_network(images, heatmaps, options, error, message):
    recorder = Recorder()
    for measure in (metrics.insertion, metrics.deletion):
        with pytest.raises(error, match=message):
            measure(recorder, images, heatmaps, TARGETS, **options)
    assert not recorder.sizes


# --- Localización -------------------------------------------------------------------------------------


def at_maximum(heatmaps):
    return heatmaps == heatmaps.max(axis=(1, 2), keepdims=True)


def test_pointing_at_the_maximum_hits_and_elsewhere_misses(heatmaps):
    assert np.array_equal(metrics.pointing_game(heatmaps, at_maximum(heatmaps)), [1, 1, 1, 1])
    assert np.array_equal(metrics.pointing_game(heatmaps, ~at_maximum(heatmaps)), [0, 0, 0, 0])


def test_energy_is_shared_between_a_mask_and_its_complement(heatmaps):
    masks = np.random.default_rng(6).random(heatmaps.shape) > 0.7
    inside, outside = (metrics.energy_pointing_game(heatmaps, each) for each in (masks, ~masks))
    assert np.allclose(inside + outside, 1)
    for share, heatmap, mask in zip(inside, heatmaps, masks, strict=True):
        expected = sum(heatmap[place] for place in np.ndindex(mask.shape) if mask[place])
        assert np.allclose(share, expected / sum(heatmap.ravel()))


def test_energy_of_a_uniform_map_is_the_share_of_the_mask():
    masks = np.zeros((3, 10, 10), bool)
    masks[0, :3], masks[1, 0, 0], masks[2] = True, True, True
    share = metrics.energy_pointing_game(np.full(masks.shape, 0.6, np.float32), masks)
    assert np.allclose(share, [0.3, 0.01, 1])


def test_energy_does_not_depend_on_the_scale(heatmaps):
    masks = heatmaps > 0.4
    tiny = np.float32(1e-30) * heatmaps
    expected = metrics.energy_pointing_game(heatmaps, masks)
    assert np.allclose(metrics.energy_pointing_game(tiny, masks), expected)


def test_energy_inside_the_mask_is_all_or_nothing():
    masks = np.zeros((1, 4, 4), bool)
    masks[0, 1, 2] = True
    assert metrics.energy_pointing_game(masks.astype(float), masks) == 1
    assert metrics.energy_pointing_game(masks.astype(float), ~masks) == 0


def test_the_first_of_several_maxima_counts():
    heatmaps = np.array([[[0, 1], [1, 1]]], np.float32)
    first = np.array([[[False, True], [False, False]]])
    assert metrics.pointing_game(heatmaps, first) == 1
    assert metrics.pointing_game(heatmaps, ~first) == 0


@pytest.mark.parametrize("game", [metrics.pointing_game, metrics.energy_pointing_game])
def test_nothing_to_point_at(game):
    everything, nothing = np.ones((2, 3), bool), np.zeros((2, 3), bool)
    heatmaps = np.stack([everything, nothing, everything, nothing]).astype(np.float32)
    masks = np.stack([everything, everything, nothing, nothing])
    assert np.array_equal(game(heatmaps, masks), [1, np.nan, np.nan, np.nan], equal_nan=True)


@pytest.mark.parametrize("game", [metrics.pointing_game, metrics.energy_pointing_game])
@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda maps, masks: (maps, masks.astype(np.uint8)), ValueError, r"bool.*uint8 \(4, 6, 5\)"),
        (lambda maps, masks: (maps, masks[0]), ValueError, r"bool \(6, 5\)"),
        (lambda maps, masks: (maps[:0], masks[:0]), ValueError, r"una al menos.*\(0, 6, 5\)"),
        (lambda maps, masks: (maps[:, 1:], masks), ValueError, r"\(4, 6, 5\).*\(4, 5, 5\).*resize_heatmaps"),
        (lambda maps, masks: (maps - 1, masks), ValueError, "van de 0 a 1"),
        (lambda maps, masks: (maps * np.inf, masks), ValueError, "no son finitos"),
        (lambda maps, masks: (maps.astype(complex), masks), TypeError, "números reales.*complex"),
    ],
)
def test_games_reject(heatmaps, game, change, error, message):
    with pytest.raises(error, match=message):
        game(*change(heatmaps, heatmaps > 0.5))


# --- Intervalos ---------------------------------------------------------------------------------------


def test_the_interval_of_independent_values_is_that_of_the_normal_distribution():
    values = np.random.default_rng(4).normal(3, 2, 500)
    margin = 1.96 * values.std() / np.sqrt(values.size)
    expected = values.mean() - margin, values.mean() + margin
    assert np.allclose(metrics.bootstrap_interval(values), expected, atol=0.1 * margin)


def test_the_interval_of_few_groups_is_known_exactly():
    """De tres grupos, cada uno sale solo en 1 de cada 27 sorteos, el 3,7 %: más del 2,5 % de cada cola."""
    values, groups = [0.0, 0.2, 0.4, 0.9, 0.8, 0.1, 0.3], ["b", "b", "b", "a", "a", "c", "c"]
    assert np.allclose(metrics.bootstrap_interval(values, groups), (0.2, 0.85))


def test_repeated_pictures_of_an_individual_add_nothing():
    values, individuals = np.random.default_rng(5).random(30), np.arange(30)
    once = metrics.bootstrap_interval(values, individuals)
    assert np.allclose(metrics.bootstrap_interval(np.tile(values, 9), np.tile(individuals, 9)), once)
    low, high = metrics.bootstrap_interval(np.tile(values, 9))
    assert np.isclose(high - low, (once[1] - once[0]) / 3, rtol=0.1)


def test_the_interval_does_not_depend_on_the_order_and_follows_the_units():
    generator = np.random.default_rng(6)
    values, groups = generator.random(40), generator.integers(0, 9, 40)
    interval = np.array(metrics.bootstrap_interval(values, groups))
    order = generator.permutation(40)
    assert np.allclose(metrics.bootstrap_interval(values[order], groups[order]), interval)
    assert np.allclose(metrics.bootstrap_interval(100 * values - 7, groups), 100 * interval - 7)


def test_what_could_not_be_measured_does_not_count():
    values, groups = np.array([0.1, np.nan, 0.6, 0.8, np.nan]), np.array([0, 0, 1, 2, 3])
    known = ~np.isnan(values)
    kept = metrics.bootstrap_interval(values[known], groups[known])
    assert metrics.bootstrap_interval(values, groups) == kept


@pytest.mark.parametrize("values", [[], [0.5], [np.nan, 0.5], [0.1, 0.9]])
def test_there_is_no_interval_without_two_groups(values):
    assert np.isnan(metrics.bootstrap_interval(values, ["uno"] * len(values))).all()


@pytest.mark.parametrize(
    ("values", "groups", "message"),
    [
        ([[0.1, 0.2]], None, r"\(1, 2\)"),
        ([0.1, 0.2], ["a"], r"\(2,\) y \(1,\)"),
        ([0.1, np.inf], None, "infinitos"),
    ],
)
def test_interval_rejects(values, groups, message):
    with pytest.raises(ValueError, match=message):
        metrics.bootstrap_interval(values, groups)


# --- De la red al valor -------------------------------------------------------------------------------


def test_from_the_explanation_to_every_measure():
    """Una red que mira sobre todo una casilla: Grad-CAM la señala, y las medidas lo confirman."""
    inputs = keras.Input((16, 16, 1))
    features = keras.layers.Conv2D(1, 4, strides=4, use_bias=False, name="conv")(inputs)
    outputs = keras.layers.Dense(2, "softmax")(keras.layers.Flatten()(features))
    network = keras.Model(inputs, outputs)
    weights = np.zeros((16, 2))
    weights[:, 1], weights[5, 1] = 0.01, 4
    network.set_weights([np.full((4, 4, 1, 1), 1 / 16), weights, np.array([1, 0])])
    subject = np.zeros((1, 16, 16), bool)
    subject[0, 4:8, 4:8] = True
    images = subject[..., np.newaxis].astype(np.float32)
    explanation = cam.Explainer(network).explain(images, target=1)
    heatmaps = formulas.resize_heatmaps(explanation.heatmap, images.shape[1:3])
    arguments = network, images, heatmaps, explanation.target
    assert metrics.pointing_game(heatmaps, subject) == 1
    assert metrics.energy_pointing_game(heatmaps, subject) > subject.mean()
    assert metrics.insertion(*arguments, baseline=0).area > metrics.deletion(*arguments).area
    assert metrics.confidence_change(*arguments).original > 0.9
