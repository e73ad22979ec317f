"""Las respuestas de la lección 3: Grad-CAM, paso a paso."""

from types import SimpleNamespace

import cv2
import numpy as np
import tensorflow as tf
from matplotlib import colormaps

from gradcam_helpers import plots
from gradcam_helpers.engine.suspects import LINEUP, NO_MISTAKE
from tests.ejercicios.answer import Answer

MAPS = (1, 2)


def relu(values):
    return np.maximum(values, 0)


def highest(maps):
    return maps.max(MAPS, keepdims=True)


def guarded(values, divisor):
    return np.where(divisor == 0, 0, values / np.where(divisor == 0, 1, divisor))


def one_by_one(activations, gradients):
    """La de la lección, imagen a imagen."""
    maps = []
    for values, slopes in zip(activations, gradients, strict=True):
        positive = relu(values @ slopes.mean(axis=(0, 1)))
        maps.append(positive / positive.max() if positive.max() > 0 else positive)
    return np.stack(maps)


def with_tensors(activations, gradients):
    alpha = tf.reduce_mean(gradients, axis=[1, 2])
    positive = tf.nn.relu(tf.einsum("nk,nijk->nij", alpha, activations))
    return tf.math.divide_no_nan(positive, tf.reduce_max(positive, axis=[1, 2], keepdims=True))


def in_place(activations, gradients):
    activations *= gradients.mean(MAPS, keepdims=True)
    return guarded(relu(activations.sum(-1)), highest(relu(activations.sum(-1))))


def weighing(weigh):
    """Grad-CAM con esos pesos."""
    return explaining(weigh=weigh)


def explaining(
    finish=lambda raw: guarded(relu(raw), highest(relu(raw))),
    weigh=lambda gradients: gradients.mean(MAPS, keepdims=True),
):
    """Grad-CAM con esos pesos y ese final."""
    return lambda activations, gradients: finish((weigh(gradients) * activations).sum(-1))


BATCH_RIGHT = [
    Answer("03-1", one_by_one),
    Answer("03-1", with_tensors),
    Answer("03-1", explaining(lambda raw: relu(raw) / np.maximum(highest(relu(raw)), 1e-30))),
    Answer("03-1", weighing(lambda gradients: gradients.sum(MAPS, keepdims=True))),  # al normalizar, da igual
]


def without_batch(activations, gradients):
    return np.squeeze(one_by_one(activations, gradients))


def all_or_nothing(raw):
    maximum = highest(relu(raw))
    return relu(raw) / maximum if (maximum > 0).all() else np.zeros_like(raw)


def with_leftovers(raw):
    """`where` sin `out`: donde no divide queda lo que hubiera en la memoria."""
    positive, left = relu(raw), np.full_like(raw, -0.25)
    left[..., 0] = 0
    return np.divide(positive, highest(positive), out=left, where=highest(positive) > 0)


def stretch(raw):
    positive = relu(raw)
    return guarded(positive - positive.min(MAPS, keepdims=True), np.ptp(positive, MAPS, keepdims=True))


BATCH_WRONG = [
    Answer("03-1", weighing(lambda gradients: gradients.mean((0, 1), keepdims=True)), "los ejes 0 y 1"),
    Answer("03-1", weighing(lambda gradients: gradients.mean((2, 3), keepdims=True)), "los ejes 2 y 3"),
    Answer("03-1", explaining(stretch), "restaste el mínimo de cada mapa"),
    Answer("03-1", without_batch, "El mapa de un lote de una imagen"),
    Answer("03-1", explaining(all_or_nothing), "mira el lote entero"),
    Answer("03-1", explaining(with_leftovers), "lo que hubiera en `out`"),
    Answer("03-1", lambda activations, gradients: one_by_one(gradients, activations), "cambiados de orden"),
    Answer("03-1", weighing(lambda gradients: gradients.mean((0, 1, 2))), "también el eje del lote"),
    Answer(
        "03-1", weighing(lambda gradients: np.abs(gradients).mean(MAPS, keepdims=True)), "absoluto del gra"
    ),
    Answer(
        "03-1", weighing(lambda gradients: relu(gradients).mean(MAPS, keepdims=True)), "ReLU al gradiente"
    ),
    Answer("03-1", weighing(highest), "el máximo del gradiente"),
    Answer("03-1", weighing(lambda gradients: gradients), "HiResCAM"),
    Answer("03-1", weighing(lambda gradients: gradients.mean(3, keepdims=True)), "promediaste los filtros"),
    Answer("03-1", weighing(np.ones_like), "sin sus pesos"),
    Answer("03-1", explaining(lambda raw: guarded(np.abs(raw), highest(np.abs(raw)))), "en lugar de la ReLU"),
    Answer("03-1", explaining(lambda raw: raw / highest(raw)), "falta la ReLU"),
    Answer("03-1", explaining(lambda raw: relu(raw) / raw.max()), "entre un mismo máximo"),
    Answer("03-1", explaining(lambda raw: relu(raw / highest(np.abs(raw)))), "el mayor valor absoluto"),
    Answer(
        "03-1",
        explaining(lambda raw: (raw - raw.min(MAPS, keepdims=True)) / np.ptp(raw, MAPS, keepdims=True)),
        "restando su mínimo",
    ),
    Answer("03-1", explaining(relu), "falta normalizar"),
    Answer(
        "03-1",
        explaining(lambda raw: relu(raw) / raw.max(), lambda gradients: gradients.mean((0, 1, 2))),
        "y los tuyos mezclan las tres. Y no es el único error",
    ),
    Answer("03-1", explaining(lambda raw: relu(raw) / highest(relu(raw))), "dividir entre cero"),
    Answer(
        "03-1", explaining(lambda raw: np.clip(raw, 0, highest(raw)) / highest(raw)), "no tiene ningún cero"
    ),
    Answer("03-1", explaining(lambda raw: relu(raw) / (highest(relu(raw)) + 1e-8)), "sumas algo al divisor"),
    Answer("03-1", in_place, "cambia lo que recibe"),
    Answer("03-1", lambda activations, gradients: one_by_one(activations, gradients)[0], "la forma debe ser"),
]


def deriving(score, training=False):
    """Deriva una puntuación de los logits."""

    def gradient(body, output, activations, target):
        with tf.GradientTape() as tape:
            tape.watch(activations)
            hidden = body(activations, training=training)
            value = score(tf.matmul(hidden, output.kernel) + output.bias, target)
        return tape.gradient(value, activations)

    return gradient


def one_hot(logits, target):
    return logits * tf.one_hot(target, logits.shape[-1])


def unwatched(body, output, activations, target):
    with tf.GradientTape() as tape:
        score = (body(activations) @ output.kernel + output.bias)[:, target]
    return tape.gradient(score, activations)


def of_the_weights(body, output, activations, target):
    with tf.GradientTape() as tape:
        score = (body(activations) @ output.kernel + output.bias)[:, target]
    return tape.gradient(score, output.kernel)


def of_everything(body, output, activations, target):
    with tf.GradientTape() as tape:
        score = (body(activations) @ output.kernel + output.bias)[:, target]
    return tape.gradient(score, [output.kernel, output.bias])


def without_activation(body, output, activations, target):
    output.activation = None
    with tf.GradientTape() as tape:
        tape.watch(activations)
        score = output(body(activations))[:, target]
    return tape.gradient(score, activations)


def averaged(body, output, activations, target):
    gradient = deriving(lambda logits, target: logits[:, target])(body, output, activations, target)
    return tf.reduce_mean(gradient, axis=MAPS)


def image_by_image(body, output, activations, target):
    rows = []
    for i in range(len(activations)):
        one = tf.Variable(activations[i : i + 1])
        with tf.GradientTape() as tape:
            score = tf.tensordot(body(one)[0], output.kernel[:, target], 1)  # el sesgo no cambia el gradiente
        rows.append(tape.gradient(score, one))
    return np.concatenate(rows)


def spoiling(body, output, activations, target):
    gradient = deriving(lambda logits, target: logits[:, target])(body, output, activations, target)
    output.kernel.assign(3 * output.kernel)
    return gradient


LOGIT_RIGHT = [
    Answer("03-2", deriving(lambda logits, target: logits[:, target])),
    Answer("03-2", deriving(one_hot)),
    Answer("03-2", image_by_image),
]
LOGIT_WRONG = [
    Answer("03-2", deriving(lambda logits, target: logits[target]), "tomaste una fila"),
    Answer(
        "03-2",
        deriving(lambda logits, target: logits.numpy()[:, target]),
        "La puntuación no es de TensorFlow",
    ),
    Answer("03-2", spoiling, "cambia la red que recibe"),
    Answer(
        "03-2", deriving(lambda logits, target: tf.nn.softmax(logits)[:, target]), "la probabilidad: la pun"
    ),
    Answer("03-2", deriving(lambda logits, target: tf.nn.log_softmax(logits)[:, target]), "el logaritmo"),
    Answer(
        "03-2",
        deriving(lambda logits, target: tf.nn.softmax(tf.nn.softmax(logits))[:, target]),
        "softmax dos veces",
    ),
    Answer("03-2", deriving(lambda logits, target: logits), "sumaste los logits"),
    Answer("03-2", deriving(lambda logits, target: logits[:, 1 - target]), "de la clase 0"),
    Answer("03-2", deriving(lambda logits, target: logits[:, -1]), "de la clase 2"),
    Answer("03-2", deriving(lambda logits, target: tf.reduce_max(logits, axis=1)), "el mayor logit"),
    Answer("03-2", deriving(lambda logits, target: logits[0, target]), "la primera imagen"),
    Answer(
        "03-2", deriving(lambda logits, target: tf.reduce_mean(logits[:, target])), "promediaste los logits"
    ),
    Answer(
        "03-2", deriving(lambda logits, target: logits[:, target], training=True), "modo de entrenamiento"
    ),
    Answer("03-2", deriving(lambda logits, target: -logits[:, target]), "el signo"),
    Answer("03-2", unwatched, "la cinta no ha visto"),
    Answer("03-2", of_the_weights, "la forma de los pesos"),
    Answer("03-2", of_everything, "ha llegado una lista"),
    Answer("03-2", without_activation, "cambia la activación"),
    Answer("03-2", averaged, "ya promediaste"),
]


def blending(
    mix=lambda image, colors, opacity: (1 - opacity) * image + opacity * colors,
    colormap="inferno",
    scale=255,
    size=lambda height, width: (width, height),
    interpolation=cv2.INTER_LINEAR,
    finish=lambda blended: np.rint(blended).astype(np.uint8),
):
    """Superpone, con un paso de otra manera."""

    def overlay(image, heatmap, opacity):
        large = cv2.resize(heatmap, size(*image.shape[:2]), interpolation=interpolation)
        return finish(mix(image, scale * colormaps[colormap](large)[:, :, :3], opacity))

    return overlay


def divided_again(image, heatmap, opacity):
    return blending()(image, heatmap / (heatmap.max() or 1), opacity)


def rounded_first(image, heatmap, opacity):
    return blending()(image, np.uint8(255 * heatmap), opacity)


def whole(image, colors, opacity):
    return image + opacity * colors


def whole_and_reversed(image, colors, opacity):
    return image + (1 - opacity) * colors


def truncate(blended):
    return blended.astype(int).astype(np.uint8)


def with_opencv(image, heatmap, opacity):
    large = tf.image.resize(heatmap[..., None], image.shape[:2])[..., 0]
    colors = np.uint8(255 * colormaps["inferno"](large.numpy())[..., :3])
    return cv2.addWeighted(image, 1 - opacity, colors, opacity, 0)


def transposed(image, heatmap, opacity):
    """Hace caber el mapa del revés: la forma es la debida, y el mapa, no."""
    large = cv2.resize(heatmap, image.shape[:2]).T
    colors = 255 * colormaps["inferno"](large)[..., :3]
    return np.uint8((1 - opacity) * image + opacity * colors)


def with_table(image, heatmap, opacity):
    """Con la tabla de OpenCV, que tiene los mismos colores en otro orden."""
    large = np.rint(255 * cv2.resize(heatmap, image.shape[1::-1])).astype(np.uint8)
    colors = cv2.applyColorMap(large, cv2.COLORMAP_INFERNO)[..., ::-1]
    return np.rint((1 - opacity) * image + opacity * colors).astype(np.uint8)


def with_blue_first(image, heatmap, opacity):
    large = np.rint(255 * cv2.resize(heatmap, image.shape[1::-1])).astype(np.uint8)
    colors = cv2.applyColorMap(large, cv2.COLORMAP_INFERNO)
    return np.rint((1 - opacity) * image + opacity * colors).astype(np.uint8)


def stretched(blended):
    return (255 * blended / blended.max()).astype(np.uint8)


OVERLAY_RIGHT = [
    Answer("03-3", with_table),
    Answer("03-3", rounded_first),
    Answer("03-3", blending()),
    Answer("03-3", blending(finish=truncate)),
    Answer("03-3", with_opencv),
    Answer("03-3", lambda *given: tf.constant(blending()(*given))),
]
OVERLAY_WRONG = [
    Answer("03-3", blending(whole_and_reversed, finish=truncate), "lo que el mapa gana. Y no es el único"),
    Answer("03-3", blending(whole, finish=truncate), "la imagen pierde lo que el mapa gana"),
    Answer(
        "03-3",
        blending(lambda image, colors, opacity: opacity * image + (1 - opacity) * colors),
        "al revés: con 0",
    ),
    Answer("03-3", blending(scale=1), "Parece que los colores van de 0 a 1"),
    Answer("03-3", blending(colormap="jet"), "«jet»"),
    Answer("03-3", blending(interpolation=cv2.INTER_NEAREST), "repitiendo valores"),
    Answer("03-3", blending(finish=np.float32), "el tipo es float32"),
    Answer("03-3", blending(lambda image, colors, opacity: (image + colors) / 2), "La mayor diferencia"),
    Answer("03-3", blending(size=lambda height, width: (height, width)), "con una apaisada no"),
    Answer("03-3", transposed, "traspuesto"),
    Answer("03-3", with_blue_first, "azul, verde y rojo"),
    Answer("03-3", blending(finish=stretched), "otra vez de 0 a 255"),
    Answer("03-3", divided_again, "otra vez entre su máximo"),
    Answer("03-3", plots.overlay, "Esa función es del curso"),
    Answer("03-3", blending(scale=256), "el último color de «inferno»"),
    Answer(
        "03-3",
        blending(lambda image, colors, opacity: (1 - opacity) * (image + colors), finish=truncate),
        "llevan el mismo peso",
    ),
]


class FakeExplainer:
    """Tres imágenes de 6 × 6 y un mapa por capa; el sujeto es el cuadrado del centro."""

    layer_names = ["fuera", "mitad", "dentro", "apenas", "buena", "vacia"]

    def explain(self, batch, layer):
        heatmap = np.zeros((6, 6), np.float32)
        if layer == "fuera":
            heatmap[0, 0] = 1
        elif layer == "mitad":
            heatmap[2:4, 2:4], heatmap[0, 0] = 0.9, 1
        elif layer == "dentro":
            heatmap[2, 2] = 1
        elif layer == "apenas":
            heatmap += 0.15  # en el fondo, 4,8 de 7,51
            heatmap[2:4, 2:4], heatmap[3, 2] = 0.57, 1
        elif layer == "buena":
            heatmap += 0.3
            heatmap[3, 2] = 1
        return SimpleNamespace(heatmap=heatmap[None], empty=[layer == "vacia"])


def finding(answer, message=""):
    given = {
        "explainer": FakeExplainer(),
        "batch": np.zeros((3, 6, 6, 3), np.float32),
        "masks": np.pad(np.ones((3, 2, 2), bool), ((0, 0), (2, 2), (2, 2))),
    }
    return Answer("03-4", answer, message, given)


FOUND_RIGHT = [finding((0, "buena")), finding([np.int64(2), "buena"])]
FOUND_WRONG = [
    finding((0, "dentro"), "el fondo cae el 0 % de la relevancia. Hacen falta al menos dos tercios"),
    finding((0, "fuera"), "no cae en el sujeto, aunque"),
    finding((0, "mitad"), "falta lo uno y lo otro"),
    finding((0, "vacia"), "está vacío"),
    finding((0, "conv2d_5"), "ninguna capa convolucional «conv2d_5»"),
    finding((3, "buena"), "van de la 0 a la 2, y has escrito 3"),
    finding((-1, "buena"), "van de la 0 a la 2, y has escrito -1"),
    finding(("buena", 0), "va al revés: primero la imagen"),
    finding(("0", "buena"), "un entero, y ha llegado «str»"),
    finding((True, "buena"), "un entero, y ha llegado «bool»"),
    finding((0, "apenas"), "cae el 64 % de la relevancia. Hacen falta"),
    finding("buena", "Hacen falta 2 cosas"),
]


def verdicts(**changed):
    return LINEUP | changed


SCREAMED = {f" {letter.lower()}": f"{word.upper().replace(' ', '  ')} " for letter, word in LINEUP.items()}

VERDICTS_RIGHT = [
    Answer("03-6", verdicts()),
    Answer("03-6", dict(reversed(LINEUP.items()))),
    Answer("03-6", SCREAMED),
]
VERDICTS_WRONG = [
    Answer("03-6", verdicts(B="rectifica el gradiente"), "B: falla en «red segura», y quien «rectifica"),
    Answer("03-6", verdicts(E="divide sin salvaguarda"), "E: falla en «a favor y en contra»"),
    Answer("03-6", verdicts(C="toma el valor absoluto"), "C: cumple «a favor y en contra»"),
    Answer("03-6", verdicts(G="divide por el máximo del lote"), "G: cumple «máximo», y quien «divide por"),
    Answer("03-6", verdicts(A="promedia el lote"), "A: falla en «máximo», y quien «promedia"),
    Answer("03-6", verdicts(I="no pondera los filtros"), "I: cumple «todo a favor»"),
    Answer("03-6", verdicts(D=NO_MISTAKE), "D: falla en «clase por omisión», así que se equivoca en algo"),
    Answer("03-6", verdicts(F="supone la clase 0"), "F: cumple «clase por omisión»"),
    Answer("03-6", verdicts(A=..., H=...), "Se sostienen 7 veredictos de 9.\nSin veredicto: A, H."),
    Answer("03-6", {"A": "promedia el lote"}, "Se sostienen 0 veredictos de 9.\nSin veredicto: B, C"),
    Answer("03-6", {"A": LINEUP["A"], "B": LINEUP["A"]}, "Se sostiene 1 veredicto de 9."),
    Answer("03-6", verdicts(B=["deriva la probabilidad"]), "B debe ser un texto, y ha llegado «list»"),
    Answer("03-6", dict.fromkeys(LINEUP, NO_MISTAKE), "le toca a una como mucho, y se lo das a 9"),
    Answer("03-6", verdicts(J=NO_MISTAKE), "ninguna sospechosa «J»"),
    Answer("03-6", verdicts(B="usa la softmax"), "«usa la softmax», no está en «hunt.VERDICTS»"),
    Answer("03-6", list(LINEUP.values()), "Hace falta un diccionario"),
]

RIGHT = BATCH_RIGHT + LOGIT_RIGHT + OVERLAY_RIGHT + FOUND_RIGHT + VERDICTS_RIGHT
WRONG = BATCH_WRONG + LOGIT_WRONG + OVERLAY_WRONG + FOUND_WRONG + VERDICTS_WRONG
