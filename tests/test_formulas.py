"""Las fórmulas de los métodos: contra cálculos independientes, y las identidades que deben cumplir."""

import functools

import cv2
import numpy as np
import pytest
from toy_models import (
    assert_same_map,
    linear_head,
    piecewise_linear_network,
    pooled_network,
    random_images,
    smooth_network,
    with_random_weights,
)

from gradcam_helpers import cam, formulas
from gradcam_helpers.engine import passes
from gradcam_helpers.engine.backend import keras, tf

LAYERS = ("primera", "segunda")
COURSE_LAYERS = tuple(f"bloque{block}_conv{position}" for block in (1, 2, 3) for position in (1, 2))


# Las fórmulas, filtro a filtro, de A y g: las activaciones y gradientes de una imagen, (alto, ancho, filtros)


def channels(A, g):
    return zip(np.moveaxis(A, -1, 0), np.moveaxis(g, -1, 0), strict=True)


def slow_grad_cam(A, g):
    return sum(g_k.mean() * A_k for A_k, g_k in channels(A, g))


def slow_grad_cam_plus_plus(A, g):
    total = np.zeros(A.shape[:2])
    for A_k, g_k in channels(A, g):
        g_positive = g_k[g_k > 0]
        a = 1 / (2 + g_positive * A_k.sum())
        total += (a * g_positive).sum() * A_k
    return total


def slow_hires_cam(A, g):
    return sum(g_k * A_k for A_k, g_k in channels(A, g))


def slow_layer_cam(A, g):
    return sum(np.where(g_k > 0, g_k, 0) * A_k for A_k, g_k in channels(A, g))


def slow_xgrad_cam(A, g):
    return sum((g_k * A_k).sum() / A_k.sum() * A_k for A_k, g_k in channels(A, g) if A_k.any())


def slow_eigen_cam(A, g=None):
    _, _, right = np.linalg.svd(A.reshape(-1, A.shape[-1]), full_matrices=False)
    projection = A @ right[0]
    return projection * np.sign(projection.sum())


def slow_score_cam(logits_of, image, A):
    """Un mapa por clase, de una imagen y las activaciones de una capa."""
    scores = []
    for A_k in np.moveaxis(A, -1, 0):
        mask = cv2.resize(A_k, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        width = mask.max() - mask.min()
        mask = (mask - mask.min()) / width if width > 0 else np.zeros_like(mask)
        scores.append(logits_of(image * mask[..., np.newaxis]))
    weights = np.exp(np.array(scores) - np.max(scores, axis=0))
    return np.moveaxis(A @ (weights / weights.sum(axis=0)), -1, 0)


SLOW = {
    "Grad-CAM": slow_grad_cam,
    "Grad-CAM++": slow_grad_cam_plus_plus,
    "HiResCAM": slow_hires_cam,
    "LayerCAM": slow_layer_cam,
    "XGrad-CAM": slow_xgrad_cam,
    "Eigen-CAM": slow_eigen_cam,
}


def logits_of(network):
    """Los logits de una imagen, con la última densa calculada en NumPy."""
    hidden = keras.Model(network.inputs[0], network.layers[-1].input)
    kernel, bias = network.layers[-1].get_weights()
    return lambda image: hidden(image[np.newaxis]).numpy()[0] @ kernel + bias


def activations_of(network, layer: str, images) -> np.ndarray:
    return keras.Model(network.inputs[0], network.get_layer(layer).output)(images).numpy()


@pytest.fixture(scope="module")
def network():
    return smooth_network()


@pytest.fixture(scope="module")
def images():
    return random_images(4, 12, 10, 3)


@pytest.fixture(scope="module")
def explainer(network):
    return cam.Explainer(network)


# Contra derivadas numéricas


@functools.cache
def central_differences(layer: str) -> tuple[np.ndarray, np.ndarray]:
    """A y g de la primera imagen en la red suave, sin derivar: (alto, ancho, filtros), y delante, las clases.

    La red, en 64 bits, se parte en dos y se mueve cada activación un poco hacia los dos lados.
    """
    network = smooth_network(dtype="float64")
    position = network.layers.index(network.get_layer(layer))
    A = activations_of(network, layer, random_images(4, 12, 10, 3).astype(np.float64)[:1])[0]
    step = 1e-5
    shifted = step * np.eye(A.size).reshape(-1, *A.shape)
    sides = []
    for hidden in (A + shifted, A - shifted):
        for following in network.layers[position + 1 : -1]:
            hidden = following(hidden)
        kernel, bias = network.layers[-1].get_weights()
        sides.append(hidden.numpy() @ kernel + bias)
    return A, ((sides[0] - sides[1]).T / (2 * step)).reshape(-1, *A.shape)


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("method", SLOW)
def test_agrees_with_the_formula_on_numerical_derivatives(explainer, images, layer, method):
    A, g = central_differences(layer)
    (raw,) = explainer.explain(images[:1], layer=layer, target=[[2, 0, 1]], method=method).raw
    for position, target in enumerate((2, 0, 1)):
        assert_same_map(raw[position], SLOW[method](A, g[target]))


@pytest.mark.parametrize("method", SLOW)
def test_agrees_with_the_formula_on_signed_activations(method):
    generator = np.random.default_rng(1)
    A, g = (generator.normal(size=(3, 5, 4, 6)) for _ in range(2))
    raw = formulas.GRADIENT_METHODS[method](tf.constant(A, tf.float32), tf.constant(g, tf.float32)).numpy()
    for position in range(3):
        assert_same_map(raw[position], SLOW[method](A[position], g[position]), tolerance=1e-3)


@pytest.mark.parametrize("layer", LAYERS)
def test_score_cam_agrees_with_a_slow_loop(network, explainer, images, layer):
    raw = explainer.explain(images[:2], layer=layer, target=[[2, 0], [1, 2]], method="Score-CAM").raw
    for position, A in enumerate(activations_of(network, layer, images[:2])):
        expected = slow_score_cam(logits_of(network), images[position], A)
        assert_same_map(raw[position], expected[[2, 0] if position == 0 else [1, 2]])


# En la red del curso, entrenada


@pytest.fixture(scope="module")
def course_explainer(course_network):
    return cam.Explainer(course_network)


@pytest.fixture(scope="module")
def course_maps(course_explainer, course_images):
    """Función: lo que cada método explica en las seis capas; de cada imagen, las clases (0, 1) y (1, 0)."""

    @functools.cache
    def explain(method):
        explanations = course_explainer.explain(
            course_images, layer=COURSE_LAYERS, target=[[0, 1], [1, 0]], method=method
        )
        return dict(zip(COURSE_LAYERS, explanations, strict=True))

    return explain


@pytest.fixture(scope="module")
def course_derivatives(course_network, course_images):
    """De cada capa, A (N, …) y g (clases, N, …), recorriendo la red paso a paso."""
    A = {}
    with tf.GradientTape(persistent=True) as tape:
        hidden = tf.constant(course_images)
        for layer in course_network.layers[1:-1]:
            hidden = layer(hidden, training=False)
            if layer.name in COURSE_LAYERS:
                A[layer.name] = hidden
                tape.watch(hidden)
        kernel, bias = course_network.layers[-1].get_weights()
        scores = tf.unstack(tf.reduce_sum(hidden @ kernel + bias, axis=0))
    g = {layer: np.stack([tape.gradient(score, A[layer]) for score in scores]) for layer in A}
    return {layer: values.numpy() for layer, values in A.items()}, g


@pytest.fixture(scope="module")
def course_offsets(course_network, course_images):
    """De cada capa, Σ b·∂y/∂b de los sesgos que vienen después: (clases,), en la primera imagen."""
    biases = [layer.bias.value for layer in course_network.layers if layer.weights]
    hidden_model = keras.Model(course_network.inputs[0], course_network.layers[-1].input)
    with tf.GradientTape(persistent=True) as tape:
        hidden = hidden_model(course_images[:1], training=False)
        logits = hidden @ course_network.layers[-1].kernel.value + biases[-1]
        scores = tf.unstack(logits[0])
    terms = np.array(
        [[tf.reduce_sum(b * tape.gradient(score, b)).numpy() for score in scores] for b in biases]
    )
    return {layer: terms[index + 1 :].sum(axis=0) for index, layer in enumerate(COURSE_LAYERS)}


@pytest.mark.parametrize("layer", COURSE_LAYERS)
@pytest.mark.parametrize("method", SLOW)
def test_agrees_with_the_formula_in_the_course_network(course_maps, course_derivatives, layer, method):
    A, g = course_derivatives
    raw = course_maps(method)[layer].raw
    for image in (0, 1):  # la clase 1 es la segunda de la primera imagen y la primera de la otra
        assert_same_map(raw[image, 1 - image], SLOW[method](A[layer][image], g[layer][1, image]))


def test_score_cam_agrees_with_a_slow_loop_in_the_course_network(
    course_network, course_explainer, course_images
):
    layer = "bloque1_conv2"
    raw = course_explainer.explain(course_images[:1], layer=layer, target=[[1, 0]], method="Score-CAM").raw
    A = activations_of(course_network, layer, course_images[:1])
    expected = slow_score_cam(logits_of(course_network), course_images[0], A[0])
    assert_same_map(raw[0], expected[::-1])


# Identidad 1: promedio global y densa


@pytest.mark.parametrize("target", range(3))
def test_cam_weighs_the_maps_with_the_weights_of_the_dense_layer(target):
    network = pooled_network()
    images = random_images(2, 6, 7, 3)
    raw = cam.Explainer(network).explain(images, target=target, method="CAM").raw
    kernel, _ = network.layers[-1].get_weights()
    assert_same_map(raw, activations_of(network, "ultima", images) @ kernel[:, target])


def test_with_global_average_pooling_cam_grad_cam_and_hires_cam_are_one():
    explainer = cam.Explainer(pooled_network())
    images, targets = random_images(3, 6, 7, 3), [[0, 1], [2, 0], [1, 1]]
    class_map, grad_cam, hires_cam = (
        explainer.explain(images, target=targets, method=method).raw
        for method in ("CAM", "Grad-CAM", "HiResCAM")
    )
    assert_same_map(6 * 7 * grad_cam, class_map)
    assert_same_map(hires_cam, grad_cam)


# Identidad 2: completitud con una sola densa


def test_hires_cam_is_complete_when_one_dense_layer_follows():
    generator = np.random.default_rng(0)
    weights, bias = generator.normal(size=(5, 4, 3, 2)), [0.7, -1.3]
    images = random_images(3, 5, 4, 3)
    explanation = cam.Explainer(linear_head(weights, bias)).explain(
        images, target=[[0, 1]] * 3, method="HiResCAM"
    )
    assert np.allclose(explanation.raw.sum(axis=(2, 3)) + bias, explanation.logits, atol=1e-5)
    assert np.allclose(cam.completeness_gap(explanation), [bias] * 3, atol=1e-5)


def test_a_hidden_layer_breaks_that_completeness():
    network = piecewise_linear_network()
    explanation = cam.Explainer(network).explain(random_images(3, 8, 6, 2), target=0, method="HiResCAM")
    assert np.abs(cam.completeness_gap(explanation) - network.layers[-1].bias.numpy()[0]).max() > 0.1


# Identidad 3: completitud en cualquier capa (teorema de Euler)


def logits_with_scaled_offsets(position: int, A, factor: float) -> np.ndarray:
    """Los logits de la red lineal a trozos, desde las activaciones de una capa y con otros desplazamientos.

    Todos se multiplican por `factor`. Lo que desplaza una normalización es β − γμ/σ; Rescaling, su `offset`.
    """
    network = piecewise_linear_network("float64")
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            gamma, beta, mean, variance = layer.get_weights()
            scaled_mean = gamma * mean / np.sqrt(variance + layer.epsilon)
            layer.beta.assign(factor * (beta - scaled_mean) + scaled_mean)
        elif isinstance(layer, keras.layers.Rescaling):
            layer.offset *= factor
        elif layer.weights:
            layer.bias.assign(factor * layer.bias)
    for layer in network.layers[position + 1 :]:
        A = layer(A, training=False)
    return A.numpy()


@pytest.mark.parametrize(
    "layer", ["primera", "normalizacion", "relu", "agrupamiento", "por_canal", "escala", "ultima"]
)
def test_the_completeness_gap_is_what_the_later_offsets_add(layer):
    images = random_images(2, 8, 6, 2)
    explanation = cam.Explainer(piecewise_linear_network()).explain(
        images, layer=layer, target=[[0, 1, 2]] * 2, method="HiResCAM"
    )
    twin = piecewise_linear_network("float64")
    position = twin.layers.index(twin.get_layer(layer))
    A, step = activations_of(twin, layer, images.astype(np.float64)), 2**-10
    more, less = (logits_with_scaled_offsets(position, A, 1 + sign * step) for sign in (1, -1))
    offsets = (more - less) / (2 * step)
    assert np.abs(offsets).min() > 1e-3
    assert np.allclose(
        cam.completeness_gap(explanation), offsets, atol=1e-5 * np.abs(explanation.logits).max()
    )


@pytest.mark.parametrize("layer", COURSE_LAYERS)
def test_the_completeness_gap_of_the_course_network_is_what_its_later_biases_add(
    course_maps, course_derivatives, course_offsets, layer
):
    explanation = course_maps("HiResCAM")[layer]
    gap = cam.completeness_gap(explanation)
    # y y Σ A·g son sumas de hasta 2,9 millones de productos de 32 bits que casi se cancelan: su error es
    # una fracción de la suma sin signos. El logit no sirve de medida, porque puede quedar cerca de 0.
    A, g = (values[layer] for values in course_derivatives)
    scale = np.abs(A[0] * g[:, 0]).sum(axis=(1, 2, 3))
    assert np.all(np.abs(gap[0] - course_offsets[layer]) < 1e-5 * scale)
    assert np.all(np.abs(course_offsets[layer]) > 1e-4 * scale)


def test_the_gap_has_the_shape_of_the_target():
    explainer, images = cam.Explainer(piecewise_linear_network()), random_images(3, 8, 6, 2)
    several = cam.completeness_gap(explainer.explain(images, target=[[0, 2]] * 3, method="HiResCAM"))
    one = cam.completeness_gap(explainer.explain(images, target=2, method="HiResCAM"))
    assert several.shape == (3, 2) and one.shape == (3,)
    assert several.dtype == np.float64
    assert np.allclose(several[:, 1], one, atol=1e-5)


# Identidades 4, 5 y 6: sumas, signos y linealidad


@pytest.mark.parametrize("layer", LAYERS)
def test_xgrad_cam_adds_up_to_hires_cam(explainer, images, layer):
    xgrad, hires = (
        explainer.explain(images, layer=layer, target=[[0, 1, 2]] * 4, method=method).raw
        for method in ("XGrad-CAM", "HiResCAM")
    )
    assert_same_map(xgrad.sum(axis=(2, 3)), hires.sum(axis=(2, 3)))


@pytest.mark.parametrize("layer", COURSE_LAYERS)
def test_xgrad_cam_adds_up_to_hires_cam_in_the_course_network(course_maps, layer):
    xgrad, hires = (course_maps(method)[layer].raw.astype(np.float64) for method in ("XGrad-CAM", "HiResCAM"))
    rounding = 1e-5 * np.abs(hires).sum(axis=(2, 3))
    assert np.all(np.abs(xgrad.sum(axis=(2, 3)) - hires.sum(axis=(2, 3))) < rounding)


def test_a_filter_that_adds_up_to_zero_does_not_count_in_xgrad_cam():
    image = np.zeros((1, 2, 2, 2), np.float32)
    image[0, :, :, 0], image[0, 0, :, 1] = 1, [3, -3]
    weights = np.ones((2, 2, 2, 2))
    raw = cam.Explainer(linear_head(weights)).explain(image, target=0, method="XGrad-CAM").raw
    assert np.allclose(raw, image[..., 0])


@pytest.mark.parametrize("layer", LAYERS)
def test_layer_cam_of_opposite_scores_subtracts_to_hires_cam(images, layer):
    explainer = cam.Explainer(smooth_network(keras.layers.Dense(1, activation="sigmoid")))
    opposite = explainer.explain(images, layer=layer, target=[[1, 0]] * 4, method="LayerCAM").raw
    hires = explainer.explain(images, layer=layer, target=1, method="HiResCAM").raw
    assert_same_map(opposite[:, 0] - opposite[:, 1], hires)


def with_last_layer(network, kernel, bias, activation="softmax") -> cam.Explainer:
    """La misma red con otra última densa: comparten todas las demás capas."""
    last = keras.layers.Dense(kernel.shape[1], activation=activation)
    twin = keras.Model(network.inputs[0], last(network.layers[-1].input))
    last.set_weights([kernel, bias])
    return cam.Explainer(twin)


def test_layer_cam_of_opposite_scores_subtracts_to_hires_cam_in_the_course_network(
    course_network, course_images, course_maps
):
    kernel, bias = course_network.layers[-1].get_weights()
    explainer = with_last_layer(course_network, kernel[:, 1:], bias[1:], activation="sigmoid")
    explanations = explainer.explain(
        course_images[:1], layer=COURSE_LAYERS, target=[[1, 0]], method="LayerCAM"
    )
    for explanation in explanations:
        ((positive, negative),) = explanation.raw
        assert_same_map(positive - negative, course_maps("HiResCAM")[explanation.layer].raw[0, 1])


@pytest.mark.parametrize("method", ["Grad-CAM", "HiResCAM"])
def test_linear_in_the_score(network, images, method):
    kernel, bias = network.layers[-1].get_weights()
    for weights in (kernel, bias):
        weights[..., 2] = 2 * weights[..., 0] - 3 * weights[..., 1]
    explainer = with_last_layer(network, kernel, bias)
    for layer in LAYERS:
        raw = explainer.explain(images, layer=layer, target=[[0, 1, 2]] * 4, method=method).raw
        assert_same_map(raw[:, 2], 2 * raw[:, 0] - 3 * raw[:, 1])


@pytest.mark.parametrize("method", ["Grad-CAM", "HiResCAM"])
def test_linear_in_the_score_in_the_course_network(course_network, course_images, course_maps, method):
    kernel, bias = (weights @ [[2], [-3]] for weights in course_network.layers[-1].get_weights())
    explainer = with_last_layer(course_network, kernel, bias, activation=None)
    explanations = explainer.explain(course_images[:1], layer=COURSE_LAYERS, target=1, method=method)
    for explanation in explanations:
        first, second = course_maps(method)[explanation.layer].raw[0]
        assert_same_map(explanation.raw[0], 2 * first - 3 * second)


# Identidad 7: la probabilidad de dos clases


def two_classes(gap: float):
    """Una red lineal y una imagen cuya diferencia de logits vale `gap`."""
    weights = np.random.default_rng(1).normal(size=(4, 4, 2, 2))
    image = random_images(1, 4, 4, 2, seed=2)
    logits = image.reshape(1, -1) @ weights.reshape(-1, 2)
    return cam.Explainer(linear_head(weights * gap / (logits[0, 1] - logits[0, 0]))), image


@pytest.mark.parametrize("method", ["Grad-CAM", "HiResCAM"])
@pytest.mark.parametrize("gap", [0.5, 2, 6])
def test_maps_of_the_probabilities_of_two_classes_are_opposite(gap, method):
    explainer, image = two_classes(gap)
    (logit,) = explainer.explain(image, target=[[0, 1]], method=method).raw
    probability = explainer.explain(image, target=[[0, 1]], score="probability", method=method)
    p0, p1 = probability.probabilities[0]
    assert np.isclose(np.log(p1 / p0), gap, rtol=1e-3)
    ((first, second),) = probability.raw
    assert_same_map(second, p0 * p1 * (logit[1] - logit[0]), tolerance=1e-3)
    assert_same_map(first, -second, tolerance=1e-3)
    assert np.abs(logit[0] + logit[1]).max() > 0.1 * np.abs(logit[1]).max()


def test_maps_of_the_probabilities_of_two_classes_are_opposite_in_the_course_network(
    course_network, course_images
):
    kernel, bias = course_network.layers[-1].get_weights()
    logits = logits_of(course_network)(course_images[0])
    scale = 2 / (logits[1] - logits[0])
    explainer = with_last_layer(course_network, scale * kernel, scale * bias)
    options = {"layer": COURSE_LAYERS, "target": [[0, 1]]}
    for logit, probability in zip(
        explainer.explain(course_images[:1], **options),
        explainer.explain(course_images[:1], score="probability", **options),
        strict=True,
    ):
        p0, p1 = probability.probabilities[0]
        ((first, second),) = probability.raw
        assert_same_map(second, p0 * p1 * (logit.raw[0, 1] - logit.raw[0, 0]), tolerance=1e-3)
        assert_same_map(first, -second, tolerance=1e-3)


def test_when_the_network_is_sure_the_probability_explains_the_other_class():
    explainer, image = two_classes(30)
    (logit,) = explainer.explain(image, target=[[0, 1]]).raw
    probability = explainer.explain(image, target=1, score="probability")
    # En 32 bits p₁ vale 1, su propio término p₁(1 − p₁) se anula y solo queda el de la otra clase.
    p0, p1 = probability.probabilities[0]
    assert p1 == 1
    assert_same_map(probability.raw[0], -p0 * p1 * logit[0])


def test_when_the_network_is_very_sure_only_the_logit_explains():
    explainer, image = two_classes(200)
    assert explainer.explain(image, target=1, score="probability").empty.all()
    calm_explainer, _ = two_classes(2)
    calm = calm_explainer.explain(image, target=1).raw
    assert_same_map(explainer.explain(image, target=1).raw, 100 * calm)


# Identidad 8: el contraejemplo


def test_grad_cam_points_to_what_the_network_does_not_look_at():
    weights = np.zeros((6, 5, 1, 2))
    weights[0, 0, 0, 1] = 1
    image = np.full((1, 6, 5, 1), 0.1, np.float32)
    image[0, 3:5, 2:4] = 1  # la mancha, que ningún peso mira
    explainer = cam.Explainer(linear_head(weights))
    occluded = np.where(image == 1, 0, image)
    grad_cam, hires_cam = (
        explainer.explain(image, target=1, method=method).heatmap[0] for method in ("Grad-CAM", "HiResCAM")
    )
    assert np.array_equal(grad_cam == 1, image[0, ..., 0] == 1)
    assert np.argwhere(hires_cam).tolist() == [[0, 0]]
    assert np.array_equal(explainer.explain(occluded).logits, explainer.explain(image).logits)


# Identidad 9: cada imagen, por su cuenta


@pytest.mark.parametrize("method", cam.METHODS)
def test_each_image_of_a_batch_is_explained_as_if_it_were_alone(method):
    explainer, images = cam.Explainer(pooled_network()), random_images(4, 6, 7, 3)
    targets = [0, 2, 1, 2]
    together = explainer.explain(images, target=targets, method=method)
    assert together.target.tolist() == targets
    for index, target in enumerate(targets):
        alone = explainer.explain(images[index : index + 1], target=target, method=method)
        assert_same_map(together.raw[index], alone.raw[0])


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("method", SLOW)
def test_each_image_is_explained_alone_also_before_dense_layers(explainer, images, layer, method):
    together = explainer.explain(images, layer=layer, target=[[0, 1]] * 2 + [[2, 0]] * 2, method=method).raw
    for index in range(4):
        target = [[0, 1]] if index < 2 else [[2, 0]]
        alone = explainer.explain(images[index : index + 1], layer=layer, target=target, method=method).raw
        assert_same_map(together[index], alone[0])


def test_each_image_is_explained_alone_in_the_course_network(course_explainer, course_images, course_maps):
    for index in (0, 1):
        alone = course_explainer.explain(course_images[index : index + 1], layer=COURSE_LAYERS, target=1)
        for explanation in alone:
            assert_same_map(
                explanation.raw[0], course_maps("Grad-CAM")[explanation.layer].raw[index, 1 - index]
            )


# Identidad 10: Score-CAM


@pytest.mark.parametrize("chunk", [1, 2, 3])
def test_the_size_of_the_chunks_does_not_matter_in_score_cam(explainer, images, chunk, monkeypatch):
    options = {"layer": list(LAYERS), "target": [0, 1, 2, 0], "method": "Score-CAM"}
    whole = explainer.explain(images, **options)
    monkeypatch.setattr(passes, "CHUNK", chunk)
    for part, expected in zip(explainer.explain(images, **options), whole, strict=True):
        assert_same_map(part.raw, expected.raw)


def test_the_order_of_the_channels_does_not_matter_in_score_cam(network, explainer, images):
    order = [3, 0, 4, 2, 1]
    shuffled = smooth_network()
    kernel, bias = network.get_layer("segunda").get_weights()
    shuffled.get_layer("segunda").set_weights([kernel[..., order], bias[order]])
    kernel, bias = network.get_layer("densa").get_weights()
    rows = kernel.reshape(6, 5, 5, 6)[:, :, order].reshape(kernel.shape)
    shuffled.get_layer("densa").set_weights([rows, bias])
    options = {"target": [[0, 1]] * 4, "method": "Score-CAM"}
    assert_same_map(
        cam.Explainer(shuffled).explain(images, **options).raw, explainer.explain(images, **options).raw
    )


def test_a_constant_channel_shows_nothing_to_score_cam(images):
    network = smooth_network()
    kernel, bias = network.get_layer("primera").get_weights()
    kernel[..., 1] = 0
    network.get_layer("primera").set_weights([kernel, bias])
    raw = cam.Explainer(network).explain(images[:1], layer="primera", target=2, method="Score-CAM").raw[0]
    A = activations_of(network, "primera", images[:1])[0]
    assert np.ptp(A[..., 1]) == 0
    assert_same_map(raw, slow_score_cam(logits_of(network), images[0], A)[2])


class Seen(keras.layers.Layer):
    """Anota las imágenes que pasan, una a una."""

    def __init__(self):
        super().__init__()
        self.pictures = []

    def call(self, inputs):
        tf.py_function(lambda batch: self.pictures.extend(batch.numpy()), [inputs], [])
        return tf.identity(inputs)


@pytest.mark.parametrize("constant", [0, 1, 5, 20])
def test_the_filters_that_are_constant_share_one_pass_of_score_cam(constant):
    seen = Seen()
    network = keras.Sequential(
        [
            keras.Input((6, 5, 2)),
            seen,
            keras.layers.Conv2D(20, 3, name="ultima"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(3),
        ]
    )
    with_random_weights(network)
    kernel, bias = network.get_layer("ultima").get_weights()
    fixed = np.random.default_rng(4).permutation(20)[:constant]
    kernel[..., fixed] = 0  # ese filtro da su sesgo, distinto en cada uno, en todas las posiciones
    network.get_layer("ultima").set_weights([kernel, bias])
    explainer, image = cam.Explainer(network), random_images(1, 6, 5, 2)
    seen.pictures.clear()
    raw = explainer.explain(image, target=1, method="Score-CAM").raw[0]
    black = sum(not picture.any() for picture in seen.pictures)
    assert len(seen.pictures) == 1 + 20 - constant + (constant > 0)  # la primera, para ver los filtros
    assert black == (constant > 0)
    A = network.get_layer("ultima")(image).numpy()[0]
    assert_same_map(raw, slow_score_cam(logits_of(network), image[0], A)[1])


def test_score_cam_of_the_probability(network, explainer, images):
    A = activations_of(network, "segunda", images[:1])[0]
    logits = logits_of(network)
    expected = slow_score_cam(lambda image: tf.nn.softmax(logits(image)).numpy(), images[0], A)
    raw = explainer.explain(images[:1], target=[[0, 1, 2]], score="probability", method="Score-CAM").raw[0]
    assert_same_map(raw, expected)


# Identidad 11: Eigen-CAM


def test_eigen_cam_of_one_pattern_times_a_unit_vector_is_the_pattern():
    generator = np.random.default_rng(3)
    pattern = generator.normal(1, 2, size=(5, 4))
    unit = generator.normal(size=3)
    unit /= np.linalg.norm(unit)
    image = (pattern[..., np.newaxis] * unit).astype(np.float32)
    explainer = cam.Explainer(linear_head(generator.normal(size=(5, 4, 3, 2))))
    raw = explainer.explain(np.stack([image, -image]), method="Eigen-CAM").raw
    assert pattern.sum() > 0 and pattern.min() < 0
    assert_same_map(raw, np.stack([pattern, pattern]))


@pytest.mark.parametrize("shape", [(300, 300, 32), (75, 75, 128), (5, 4, 30), (6, 7, 1)])
def test_eigen_cam_agrees_with_the_singular_vectors_in_64_bits(shape):
    A = np.maximum(np.random.default_rng(4).normal(size=(2, *shape)), 0).astype(np.float32)
    raw = formulas.eigen_cam(tf.constant(A)).numpy()
    for position in (0, 1):
        assert_same_map(raw[position], slow_eigen_cam(A[position].astype(np.float64)), tolerance=1e-5)
    assert_same_map(formulas.eigen_cam(tf.constant(-A)).numpy(), raw)


@pytest.mark.parametrize("scale", [1e-30, 1e-20, 1e10, 1e20, 1e35])
def test_eigen_cam_keeps_the_scale_of_the_activations(scale):
    A = np.random.default_rng(5).normal(size=(2, 5, 4, 6)).astype(np.float32)
    scaled = formulas.eigen_cam(tf.constant(A * np.float32(scale))).numpy()
    assert_same_map(scaled.astype(np.float64) / scale, formulas.eigen_cam(tf.constant(A)).numpy())


def test_eigen_cam_of_a_dead_layer_does_not_disturb_the_rest_of_the_batch():
    A = random_images(3, 5, 4, 6) * [[[[1]]], [[[0]]], [[[1e-25]]]]
    raw = formulas.eigen_cam(tf.constant(A, tf.float32)).numpy()
    assert not raw[1].any()
    for position in (0, 2):
        assert_same_map(raw[position], slow_eigen_cam(A[position]))


def test_eigen_cam_of_equal_singular_values_projects_on_some_unit_vector():
    A, _ = np.linalg.qr(np.random.default_rng(6).normal(size=(5 * 4, 6)))
    raw = formulas.eigen_cam(tf.constant(A.reshape(1, 5, 4, 6), tf.float32)).numpy()
    assert np.isclose(np.linalg.norm(raw), 1, atol=1e-5)
    assert np.allclose(A @ (A.T @ raw.reshape(-1)), raw.reshape(-1), atol=1e-5)
    assert raw.sum() >= 0


def test_eigen_cam_does_not_look_at_the_class(explainer, images):
    raw = explainer.explain(images, target=[[0, 1, 2]] * 4, method="Eigen-CAM").raw
    assert np.array_equal(raw[:, 0], raw[:, 1]) and np.array_equal(raw[:, 0], raw[:, 2])


# Identidad 15: los mapas vacíos


def test_heatmap_is_the_positive_part_over_its_maximum():
    raw = np.array([[[-1, 2], [4, 0]], [[-1, -2], [-3, -4]], [[0, 0], [0, 0]]], np.float32)
    heatmap, empty = formulas.normalize(raw)
    assert np.array_equal(heatmap[0], [[0, 0.5], [1, 0]])
    assert not heatmap[1:].any()
    assert empty.tolist() == [False, True, True]


def test_each_map_has_its_own_maximum():
    raw = np.array([[[[1, 2]], [[-1, 8]]]], np.float32)
    heatmap, empty = formulas.normalize(raw)
    assert heatmap.tolist() == [[[[0.5, 1]], [[0, 1]]]]
    assert empty.tolist() == [[False, False]]


def test_tiny_values_do_not_disappear():
    heatmap, empty = formulas.normalize(np.full((1, 2, 2), 1e-30, np.float32))
    assert np.array_equal(heatmap, np.ones((1, 2, 2)))
    assert not empty[0]


def bilinear(values, shape):
    """Cada píxel, a mano: la media de las cuatro casillas que rodean su centro, según lo cerca que estén."""
    resized = np.empty(shape)
    for row, column in np.ndindex(shape):
        y, x = (
            np.clip((place + 0.5) * before / after - 0.5, 0, before - 1)
            for place, before, after in zip((row, column), values.shape, shape, strict=True)
        )
        top, left = int(y), int(x)
        bottom, right = min(top + 1, values.shape[0] - 1), min(left + 1, values.shape[1] - 1)
        upper = values[top, left] * (left + 1 - x) + values[top, right] * (x - left)
        lower = values[bottom, left] * (left + 1 - x) + values[bottom, right] * (x - left)
        resized[row, column] = upper * (top + 1 - y) + lower * (y - top)
    return resized


def test_resized_heatmaps_are_interpolated_between_the_centers_of_the_cells():
    maps = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)
    resized = formulas.resize_heatmaps(maps, (30, 40))
    assert (resized.dtype, resized.shape) == (np.float32, (3, 30, 40))
    for each, values in zip(resized, maps, strict=True):
        assert np.allclose(each, bilinear(values, (30, 40)), atol=1e-5)


def test_resizing_stays_within_the_values():
    resized = formulas.resize_heatmaps(np.ones((1, 7, 9), bool), (30, 31))
    assert np.array_equal(resized, np.ones((1, 30, 31)))


@pytest.mark.parametrize("leading", [(), (1,), (2, 3)])
def test_maps_of_several_classes_are_resized_one_by_one(leading):
    maps = np.random.default_rng(0).normal(size=(*leading, 4, 5)).astype(np.float32)
    resized = formulas.resize_heatmaps(maps, (8, 15))
    assert (resized.dtype, resized.shape) == (np.float32, (*leading, 8, 15))
    for position in np.ndindex(leading):
        assert np.allclose(resized[position], bilinear(maps[position], (8, 15)), atol=1e-5)


@pytest.mark.parametrize("method", ["CAM", "Grad-CAM", "HiResCAM", "XGrad-CAM"])
def test_a_class_that_nothing_supports_gives_an_empty_map(method):
    network = pooled_network()
    kernel, bias = network.layers[-1].get_weights()
    network.layers[-1].set_weights([-np.abs(kernel), bias])
    explanation = cam.Explainer(network).explain(random_images(2, 6, 7, 3), target=1, method=method)
    assert explanation.raw.min() < 0 and explanation.raw.max() <= 0
    assert explanation.empty.tolist() == [True, True]
    assert not explanation.heatmap.any()


@pytest.mark.parametrize("method", cam.METHODS)
def test_a_dead_layer_gives_an_empty_map(method):
    network = pooled_network()
    kernel, bias = network.get_layer("ultima").get_weights()
    network.get_layer("ultima").set_weights([kernel, np.full_like(bias, -100)])
    explanation = cam.Explainer(network).explain(random_images(2, 6, 7, 3), target=1, method=method)
    assert explanation.empty.tolist() == [True, True]
    assert not explanation.raw.any() and not explanation.heatmap.any()


@pytest.mark.parametrize("layer", COURSE_LAYERS)
@pytest.mark.parametrize("method", SLOW)
def test_only_empty_maps_have_no_maximum_in_the_course_network(course_maps, layer, method):
    explanation = course_maps(method)[layer]
    assert explanation.heatmap.min() >= 0
    assert np.array_equal(explanation.heatmap.max(axis=(2, 3)), np.where(explanation.empty, 0, 1))
    assert np.array_equal(explanation.empty, explanation.raw.max(axis=(2, 3)) <= 0)


@pytest.mark.parametrize(
    "wrong", ["a", None, np.zeros(3), np.zeros((0, 2, 2)), np.full((1, 2, 2), np.nan), [[1], [2, 3]]]
)
def test_what_is_not_a_map_is_refused(wrong):
    for use in (formulas.normalize, lambda maps: formulas.resize_heatmaps(maps, (3, 3))):
        with pytest.raises((TypeError, ValueError), match="[mM]apas"):
            use(wrong)


@pytest.mark.parametrize("shape", [3, (3,), (3, 3, 3), (0, 3), (3, -1), (2.5, 3), ("3", 3), None])
def test_a_size_is_a_height_and_a_width(shape):
    with pytest.raises(ValueError, match="«shape» debe ser"):
        formulas.resize_heatmaps(np.ones((1, 2, 2)), shape)
