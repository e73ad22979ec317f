"""Las respuestas de la lección 4: el explorador."""

import cv2
import numpy as np
import tensorflow as tf

from tests.ejercicios.answer import Answer

# --- 04-1 -------------------------------------------------------------------------------------------

EFFECTS = {
    "por 2": ["probabilidades", "mapa con signo", "lo que falta"],
    "más 3": ["lo que falta"],
    "más persona": ["mapa con signo", "mapa normalizado", "lo que falta"],
}


# --- 04-2 -------------------------------------------------------------------------------------------


def account(activations, gradients, logits):
    maps = (gradients * activations).sum(axis=-1)
    return maps, logits - maps.sum(axis=(1, 2))


def account_by_loops(activations, gradients, logits):
    pairs = zip(activations, gradients, strict=True)
    maps = [np.einsum("ijk,ijk->ij", one, other) for one, other in pairs]
    return [maps, [logit - each.sum() for logit, each in zip(logits, maps, strict=True)]]


def account_with_tensorflow(activations, gradients, logits):
    maps = tf.reduce_sum(tf.multiply(gradients, activations), axis=3)
    return maps, logits - tf.reduce_sum(maps, axis=[1, 2])


def grad_cam_first(activations, gradients, logits):
    return account(activations, gradients.mean(axis=(1, 2), keepdims=True), logits)


def relu_first(activations, gradients, logits):
    maps = np.maximum(gradients * activations, 0).sum(axis=-1)
    return maps, logits - maps.sum(axis=(1, 2))


def relu_last(activations, gradients, logits):
    maps, missing = account(activations, gradients, logits)
    return np.maximum(maps, 0), missing


def positions_for_filters(activations, gradients, logits):
    maps = (gradients * activations).sum(axis=(1, 2))
    return maps, logits - maps.sum(axis=1)


def mean_of_filters(activations, gradients, logits):
    maps = (gradients * activations).mean(axis=-1)
    return maps, logits - maps.sum(axis=(1, 2))


def only_activations(activations, gradients, logits):
    return account(activations, np.ones_like(gradients), logits)


def reversed_subtraction(activations, gradients, logits):
    maps, missing = account(activations, gradients, logits)
    return maps, -missing


def sum_after_relu(activations, gradients, logits):
    maps, _ = account(activations, gradients, logits)
    return maps, logits - np.maximum(maps, 0).sum(axis=(1, 2))


def sum_of_the_batch(activations, gradients, logits):
    maps, _ = account(activations, gradients, logits)
    return maps, logits - maps.sum()


def mean_of_the_map(activations, gradients, logits):
    maps, _ = account(activations, gradients, logits)
    return maps, logits - maps.mean(axis=(1, 2))


def share_of_the_logit(activations, gradients, logits):
    maps, missing = account(activations, gradients, logits)
    return maps, missing / logits


def forgets_the_logit(activations, gradients, logits):
    maps, _ = account(activations, gradients, logits)
    return maps, maps.sum(axis=(1, 2))


def only_the_map(activations, gradients, logits):
    return account(activations, gradients, logits)[0]


# --- 04-3 -------------------------------------------------------------------------------------------


def enlarge(raw, mask):
    return cv2.resize(raw, mask.shape[::-1])


def times(raw, mask):
    relevance = enlarge(np.maximum(raw, 0), mask)
    total = relevance.sum()
    return relevance[mask].sum() / total / mask.mean() if total > 0 else np.nan


def times_by_means(raw, mask):
    relevance = enlarge(raw.clip(0), mask)
    return relevance[mask].mean() / relevance.mean() if relevance.any() else float("nan")


def times_with_tensorflow(raw, mask):
    large = tf.image.resize(tf.nn.relu(raw)[..., tf.newaxis], mask.shape)[..., 0]
    inside = tf.reduce_sum(tf.boolean_mask(large, mask))
    return inside / tf.reduce_sum(large) / np.float32(mask.mean())


def times_signed(raw, mask):
    large = enlarge(raw, mask)
    return large[mask].sum() / large.sum() / mask.mean()


def times_absolute(raw, mask):
    return times(np.abs(enlarge(raw, mask)), mask)


def times_of_the_background(raw, mask):
    return times(raw, ~mask)


def only_the_share(raw, mask):
    return times(raw, mask) * mask.mean()


def share_in_percent(raw, mask):
    return 100 * times(raw, mask) * mask.mean()


def times_in_percent(raw, mask):
    return 100 * times(raw, mask)


def mean_inside(raw, mask):
    return enlarge(np.maximum(raw, 0), mask)[mask].mean()


def against_the_background(raw, mask):
    relevance = enlarge(np.maximum(raw, 0), mask)
    return relevance[mask].mean() / relevance[~mask].mean()


def mask_shrunk(raw, mask):
    small = cv2.resize(mask.astype(np.uint8), raw.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0
    return times(raw, small)


def enlarged_first(raw, mask):
    return times(np.maximum(enlarge(raw, mask), 0), mask)


def sides_swapped(raw, mask):
    relevance = cv2.resize(np.maximum(raw, 0), mask.shape)
    return relevance[mask].sum() / relevance.sum() / mask.mean()


def guarded_by_an_epsilon(raw, mask):
    relevance = enlarge(np.maximum(raw, 0), mask)
    return relevance[mask].sum() / (relevance.sum() + 1e-7) / mask.mean()


def zero_when_empty(raw, mask):
    return np.nan_to_num(times(raw, mask))


def nothing_by_the_signed_sum(raw, mask):
    return times(raw, mask) if raw.sum() > 0 else np.nan


def text_when_empty(raw, mask):
    return times(raw, mask) if (raw > 0).any() else "nan"


# --- 04-4 -------------------------------------------------------------------------------------------


def found(answer, grad_cam=1.4, hires_cam=0.6, message=""):
    layers = ["bloque1_conv1", "bloque3_conv2"]
    given = {"count": 32, "layers": layers, "measure": lambda position, layer: (grad_cam, hires_cam)}
    return Answer("04-4", answer, message, given)


GOOD = (12, "bloque3_conv2")


# --- 04-5 -------------------------------------------------------------------------------------------


def dense(means):
    kernel = np.ones((means.shape[1], 2))
    kernel[:, 1] = -1
    middle = np.median(means.sum(axis=1))
    return kernel, np.array([0, 2 * middle])


def dense_by_columns(means):
    against = np.linspace(-2, -1, means.shape[1])
    middle = (means @ against).max() + (means @ against).min()
    return tf.stack([-against, against], axis=1), (float(middle) / 2, -float(middle) / 2)


def changed(columns=(0, 1), signs=(1, 1), bias=1.0, transpose=False):
    def answer(means):
        kernel, biases = dense(means)
        kernel = kernel[:, list(columns)] * signs
        return kernel.T if transpose else kernel, bias * biases

    return answer


def one_positive_weight(means):
    kernel, bias = dense(means)
    kernel[2, 1] = 0.5
    return kernel, bias


def ignores_filters(means):
    kernel, bias = dense(means)
    kernel[1:, 1] = 0
    return kernel, bias


def one_bias(means):
    kernel, bias = dense(means)
    return kernel, bias[1]


def fixed_bias(means):
    return dense(means)[0], np.array([0.0, 8.0])


def nothing_inside_is_nan(raw, mask):
    relevance = enlarge(np.maximum(raw, 0), mask)
    return times(raw, mask) if relevance[mask].sum() > 0 else np.nan


def none_when_empty(raw, mask):
    return times(raw, mask) if (raw > 0).any() else None


def threshold_of_the_first(means):
    return dense(means)[0], [0, 2 * means[0].sum()]


def small_bias(means):
    return dense(means)[0], [0, means.sum(axis=1).min()]


RIGHT = [
    Answer("04-1", EFFECTS),
    Answer("04-1", {copy: set(reversed(said)) for copy, said in EFFECTS.items()}),
    Answer("04-2", account),
    Answer("04-2", account_by_loops),
    Answer("04-2", account_with_tensorflow),
    Answer("04-3", times),
    Answer("04-3", times_by_means),
    Answer("04-3", times_with_tensorflow),
    found(GOOD),
    found([np.int64(0), "bloque1_conv1"], grad_cam=0.5, hires_cam=1.2),
    Answer("04-5", dense),
    Answer("04-5", dense_by_columns),
]
WRONG = [
    Answer("04-3", nothing_inside_is_nan, "recibe 0 veces lo suyo"),
    Answer("04-3", none_when_empty, "tu función da None"),
    Answer("04-5", threshold_of_the_first, "en otro orden ya no vale"),
    Answer("04-5", small_bias, "el sesgo no alcanza"),
    Answer("04-1", EFFECTS | {"por 2": list(EFFECTS["por 2"][1:])}, "En «por 2», piensa otra vez en «prob"),
    Answer("04-1", EFFECTS | {"por 2": [*EFFECTS["por 2"], "mapa normalizado"]}, "otra vez en «mapa norm"),
    Answer("04-1", EFFECTS | {"más 3": ["mapa con signo", "lo que falta"]}, "En «más 3», piensa otra vez"),
    Answer("04-1", EFFECTS | {"más 3": []}, "en «lo que falta». Lo que falta es el logit menos"),
    Answer("04-1", EFFECTS | {"más persona": ["lo que falta"]}, "En «más persona», piensa otra vez en «mapa"),
    Answer(
        "04-1", EFFECTS | {"más persona": [*EFFECTS["por 2"]]}, "En «más persona», piensa otra vez en «pro"
    ),
    Answer("04-1", EFFECTS | {"más 3": "lo que falta"}, "va en una lista"),
    Answer("04-1", EFFECTS | {"más 3": ["probabilidad"]}, "no se entiende «probabilidad»"),
    Answer("04-1", EFFECTS | {"más 3": [["lo que falta"]]}, "no se entiende «['lo que falta']»"),
    Answer("04-1", EFFECTS | {"más persona": [...]}, "Falta decir qué cambia en «más persona»"),
    Answer("04-1", EFFECTS | {"más 3": ...}, "Falta decir qué cambia en «más 3»"),
    Answer("04-1", {"por 2": EFFECTS["por 2"]}, "Hace falta un diccionario con estas copias"),
    Answer("04-2", grad_cam_first, "eso es Grad-CAM"),
    Answer("04-2", relu_first, "eso es LayerCAM"),
    Answer("04-2", relu_last, "la ReLU al sumar"),
    Answer("04-2", positions_for_filters, "sumaste las posiciones"),
    Answer("04-2", mean_of_filters, "promediaste los filtros"),
    Answer("04-2", only_activations, "falta multiplicar por el gradiente"),
    Answer("04-2", reversed_subtraction, "restaste al revés"),
    Answer("04-2", sum_after_relu, "sumaste el mapa después de la ReLU"),
    Answer("04-2", sum_of_the_batch, "los mapas de todo el lote"),
    Answer("04-2", mean_of_the_map, "promediaste el mapa"),
    Answer("04-2", share_of_the_logit, "dividiste entre el logit"),
    Answer("04-2", forgets_the_logit, "lo que la capa recoge. Falta restarlo"),
    Answer("04-2", only_the_map, "por este orden: los mapas y lo que falta"),
    Answer("04-3", times_signed, "también lo negativo del mapa"),
    Answer("04-3", times_absolute, "el valor absoluto"),
    Answer("04-3", times_of_the_background, "mides el fondo"),
    Answer("04-3", only_the_share, "falta comparar con lo que le toca"),
    Answer("04-3", share_in_percent, "cae en el sujeto, en tanto por ciento"),
    Answer("04-3", times_in_percent, "has dado un tanto por ciento"),
    Answer("04-3", mean_inside, "la media del mapa dentro del sujeto"),
    Answer("04-3", against_the_background, "lo medio del sujeto con lo medio del fondo"),
    Answer("04-3", mask_shrunk, "redujiste la máscara"),
    Answer("04-3", enlarged_first, "ampliaste el mapa antes de la ReLU"),
    Answer("04-3", sides_swapped, "¿En qué orden recibe los lados"),
    Answer("04-3", guarded_by_an_epsilon, "¿Sumas algo al divisor"),
    Answer("04-3", zero_when_empty, "da 0, que se leería como una medida"),
    Answer("04-3", nothing_by_the_signed_sum, "¿Miras la suma con signo"),
    Answer("04-3", text_when_empty, "ha llegado «str»"),
    found(GOOD, grad_cam=1.4, hires_cam=1.2, message="los dos se inclinan hacia el fondo"),
    found(GOOD, grad_cam=0.7, hires_cam=0.5, message="los dos se inclinan hacia el sujeto"),
    found(GOOD, grad_cam=1.05, hires_cam=0.98, message="por muy poco"),
    found(GOOD, grad_cam=np.nan, message="el mapa de Grad-CAM está vacío"),
    found((12, "conv2d_5"), message="ninguna capa convolucional «conv2d_5»"),
    found((32, "bloque3_conv2"), message="de la 0 a la 31"),
    found(("12", "bloque3_conv2"), message="La imagen es su número, un entero"),
    found(12, message="por este orden: el número de la imagen"),
    Answer("04-5", changed(columns=(1, 0)), "¿has cambiado las clases?"),
    Answer("04-5", changed(signs=(-1, 1)), "también el mapa de «caballo» sale vacío"),
    Answer("04-5", changed(bias=0), "responde siempre «caballo»"),
    Answer("04-5", changed(bias=9), "responde siempre «persona»"),
    Answer("04-5", changed(transpose=True), "están traspuestos"),
    Answer("04-5", one_positive_weight, "donde solo se active el filtro 2"),
    Answer("04-5", ignores_filters, "alguno es 0"),
    Answer("04-5", one_bias, "hace falta uno por clase"),
]
