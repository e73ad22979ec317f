"""Las respuestas de la lección 2: la red convolucional."""

import keras
import numpy as np
import tensorflow as tf

from tests.ejercicios.answer import Answer

LIST = [0, 1, 2, 4, 8]


def board(*changed):
    """Lo que se responde con cada rango a diez imágenes, si con cada uno cambian tantas."""
    whole = np.arange(10) % 2
    return {
        "answers": {rank: (whole + (np.arange(10) < n)) % 2 for rank, n in zip(LIST, changed, strict=True)}
    }


RETURNS = board(6, 1, 0, 2, 0)  # con rango 2 no cambia nada, y con 4, sí
STEADY = board(6, 1, 0, 0, 0)


def count(filters, size, kernel=9, bias=1, dense_bias=1, pooling=2, colors=3, last=True):
    channels, total = colors, 0
    for each in filters:
        total += kernel * (channels + each) * each + 2 * bias * each
        channels, size = each, size // pooling
    total += size**2 * channels * 128 + 128 * dense_bias
    return total + last * (256 + 2 * dense_bias)


def count_with_keras(filters, size):
    model = keras.Sequential([keras.Input((size, size, 3))])
    for each in filters:
        model.add(keras.layers.Conv2D(each, 3, padding="same"))
        model.add(keras.layers.Conv2D(each, 3, padding="same"))
        model.add(keras.layers.MaxPooling2D(2))
    for layer in (keras.layers.Flatten(), keras.layers.Dense(128), keras.layers.Dense(2)):
        model.add(layer)
    return model.count_params()


def count_with_a_bias_per_channel(filters, size):
    inputs = (3, *filters[:-1])
    extra = sum(
        each * (channels - 1) + each * (each - 1) for channels, each in zip(inputs, filters, strict=True)
    )
    return count(filters, size) + extra


def count_one_convolution(filters, size):
    return count(filters, size) - sum(9 * each * each + each for each in filters)


def count_rounding_up(filters, size):
    for _ in filters:
        size = -(-size // 2)
    return count(filters, size * 2 ** len(filters))


def prepared(images, labels, size, normalize=lambda images: tf.cast(images, tf.float32) / 255, last=None):
    dataset = tf.data.Dataset.from_tensor_slices((images, labels)).cache().shuffle(len(images)).batch(size)
    dataset = dataset.map(lambda images, labels: (normalize(images), labels))
    return last(dataset) if last else dataset


def prepared_in_steps(steps):
    """Con otros pasos entre leer y dividir."""

    def prepare(images, labels, size):
        dataset = steps(tf.data.Dataset.from_tensor_slices((images, labels)), len(images), size)
        return dataset.map(lambda images, labels: (tf.cast(images, tf.float32) / 255, labels))

    return prepare


def normalized_first(images, labels, size):
    scaled = images.astype(np.float32) / 255
    return tf.data.Dataset.from_tensor_slices((scaled, labels)).shuffle(100, seed=1).batch(size).prefetch(1)


def shuffled_apart(images, labels, size):
    images, labels = map(tf.data.Dataset.from_tensor_slices, (images / np.float32(255), labels))
    return tf.data.Dataset.zip((images.shuffle(50), labels.shuffle(50))).batch(size)


def truncated(matrix, rank, power=1, start=0):
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    chosen = slice(start, start + rank)
    return left[:, chosen] @ np.diag(values[chosen] ** power) @ right[chosen]


def truncated_as_a_sum(matrix, rank):
    left, values, right = np.linalg.svd(matrix)
    return sum(values[k] * np.outer(left[:, k], right[k]) for k in range(rank))


def truncated_with_tensorflow(matrix, rank):
    values, left, right = tf.linalg.svd(matrix)
    return left[:, :rank] @ tf.linalg.diag(values[:rank]) @ tf.transpose(right[:, :rank])


def truncated_transposed(matrix, rank):
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    return left[:, :rank] * values[:rank] @ right[:, :rank].T


def coordinates(matrix, rank):
    left, values, _ = np.linalg.svd(matrix, full_matrices=False)
    return left[:, :rank] * values[:rank]


def first_columns(matrix, rank):
    kept = matrix.copy()
    kept[:, rank:] = 0
    return kept


def count_rounding(filters, size):
    for _ in filters:
        size = round(size / 2)
    return count(filters, size * 2 ** len(filters))


def stop_at_the_first_rise(history):
    losses = history["val_loss"]
    rises = [epoch for epoch in range(1, len(losses)) if losses[epoch] > losses[epoch - 1]]
    return rises[0] if rises else len(losses)


RIGHT = [
    Answer("02-1", count),
    Answer("02-1", count_with_keras),
    Answer("02-2", lambda history: 1 + np.argmin(history["val_loss"])),
    Answer("02-2", lambda history: history["val_loss"].index(min(history["val_loss"])) + 1),
    Answer("02-3", prepared),
    Answer("02-3", normalized_first),
    Answer("02-3", prepared_in_steps(lambda data, count, size: data.shuffle(count).batch(size))),
    Answer("02-4", truncated),
    Answer("02-4", truncated_as_a_sum),
    Answer("02-4", truncated_with_tensorflow),
    Answer("02-5", 8, given=RETURNS),
    Answer("02-5", np.int64(2), given=STEADY),
    Answer("02-5", 0, given=board(0, 0, 0, 0, 0)),
]
WRONG = [
    Answer("02-1", count_rounding, "redondeas el lado"),
    Answer("02-2", stop_at_the_first_rise, "la primera subida"),
    Answer("02-1", lambda filters, size: count(filters, size, bias=0), "sesgos de las convoluciones"),
    Answer("02-1", lambda filters, size: count(filters, size, dense_bias=0), "sesgos de las capas densas"),
    Answer("02-1", lambda filters, size: count(filters, size, bias=0, dense_bias=0), "todos los sesgos"),
    Answer("02-1", lambda filters, size: count(filters, size, kernel=3), "3 × 3: el filtro"),
    Answer("02-1", count_with_a_bias_per_channel, "por cada canal de entrada"),
    Answer("02-1", count_one_convolution, "una convolución por bloque"),
    Answer("02-1", lambda filters, size: count(filters, size, last=False), "la capa de salida"),
    Answer("02-1", count_rounding_up, "hacia arriba"),
    Answer("02-1", lambda filters, size: count(filters, size, pooling=1), "el lado no se reduce"),
    Answer("02-1", lambda filters, size: count(filters, size, colors=1), "una imagen en color tiene tres"),
    Answer("02-1", lambda filters, size: count(filters, 21), "filtros (5,) e imágenes de 6"),
    Answer("02-2", lambda history: np.argmin(history["val_loss"]), "cuentas desde 0"),
    Answer("02-2", lambda history: 1 + np.argmax(history["test_accuracy"]), "eliges con la prueba"),
    Answer("02-2", lambda history: 1 + np.argmin(history["loss"]), "eliges con el entrenamiento"),
    Answer("02-2", lambda history: len(history["loss"]), "te quedas con la última"),
    Answer("02-2", lambda history: 1 + np.argmax(history["val_loss"]), "la mayor pérdida"),
    Answer("02-2", lambda history: 1 + np.argmax(history["val_accuracy"]), "por la exactitud de validación"),
    Answer("02-2", lambda history: min(history["val_loss"]), "das la pérdida"),
    Answer("02-2", lambda history: 3, "si la validación va así: [0.45"),
    Answer("02-3", lambda *given: prepared(*given, last=lambda data: data.repeat()), "se repiten"),
    Answer(
        "02-3",
        prepared_in_steps(lambda data, count, size: data.shuffle(count).batch(size, drop_remainder=True)),
        "hacia abajo",
    ),
    Answer(
        "02-3",
        prepared_in_steps(lambda data, count, size: data.batch(size).shuffle(9).unbatch().batch(size)),
        "los lotes: cam",
    ),
    Answer("02-3", prepared_in_steps(lambda data, count, size: data.batch(size)), "falta barajarlas"),
    Answer(
        "02-3", prepared_in_steps(lambda data, count, size: data.shuffle(2).batch(size)), "más de 1 puesto"
    ),
    Answer(
        "02-3", prepared_in_steps(lambda data, count, size: data.shuffle(size).batch(size)), "baraja poco"
    ),
    Answer(
        "02-3",
        prepared_in_steps(lambda data, count, size: data.shuffle(count).cache().batch(size)),
        "una vez",
    ),
    Answer("02-3", prepared_in_steps(lambda data, count, size: data.shuffle(count)), "¿Falta «batch»"),
    Answer(
        "02-3", prepared_in_steps(lambda data, count, size: data.shuffle(count).batch(count)), "deben medir"
    ),
    Answer(
        "02-3", lambda *given: prepared(*given, lambda images: tf.cast(images // 255, tf.float32)), "a cero"
    ),
    Answer("02-3", lambda *given: prepared(*given, lambda images: images / 255 * (255 / 256)), "entre 256"),
    Answer("02-3", lambda *given: prepared(*given, lambda images: images), "no divides"),
    Answer(
        "02-3", lambda *given: prepared(*given, lambda images: images / tf.reduce_max(images)), "su máximo"
    ),
    Answer(
        "02-3", lambda *given: prepared(*given, lambda images: tf.cast(images, tf.float64) / 255), "float64"
    ),
    Answer("02-3", shuffled_apart, "por separado"),
    Answer("02-3", lambda images, labels, size: (images / 255, labels), "ha llegado «tuple»"),
    Answer("02-4", lambda matrix, rank: truncated(matrix, rank, power=0), "falta multiplicar"),
    Answer("02-4", lambda matrix, rank: truncated(matrix, rank, power=2), "al cuadrado"),
    Answer("02-4", truncated_transposed, "V en lugar de Vᵀ"),
    Answer("02-4", lambda matrix, rank: truncated(matrix, rank + 1), "de más"),
    Answer("02-4", lambda matrix, rank: truncated(matrix, rank - 1), "de menos"),
    Answer("02-4", lambda matrix, rank: truncated(matrix, rank, start=1), "cuenta desde 0"),
    Answer("02-4", lambda matrix, rank: truncated(matrix, rank, start=5 - rank), "menor valor singular"),
    Answer("02-4", lambda matrix, rank: truncated(matrix, 1, start=rank - 1), "una sola dirección"),
    Answer("02-4", lambda matrix, rank: matrix - truncated(matrix, rank), "lo que se quita"),
    Answer("02-4", coordinates, "Falta volver"),
    Answer("02-4", first_columns, "borrar columnas"),
    Answer("02-5", 1, "alguna respuesta: 1 de 10", given=RETURNS),
    Answer("02-5", 2, "hasta el final", given=RETURNS),
    Answer("02-5", 8, "hay un rango menor", given=STEADY),
    Answer("02-5", 98, "¿Es el porcentaje", given=STEADY),
]
