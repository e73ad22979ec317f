"""Las comprobaciones de los ejercicios de la lección 2: la red convolucional."""

from collections.abc import Mapping

import numpy as np

from gradcam_helpers.engine.answers import Exercise, expect, matches, numbers
from gradcam_helpers.engine.attempt import Mistake, call, kind
from gradcam_helpers.engine.backend import tf

UNITS, CLASSES = 128, 2  # de las dos capas densas
EPOCHS_SEEN = 6  # épocas que se miran: que ninguna saque pronto una imagen lejana no es casualidad


def _parameters(filters, size, kernel=9, bias=1, per_channel=False, second=True, dense_bias=1, output=True):
    """Los parámetros de la red; cada argumento, cambiado, es un error frecuente."""
    total, channels = 0, 3
    for each in filters:
        for inputs in (channels, each)[: 1 + second]:
            total += kernel * inputs * each + bias * each * (inputs if per_channel else 1)
        channels, size = each, size // 2
    total += size * size * channels * UNITS + dense_bias * UNITS
    return total + output * (UNITS * CLASSES + dense_bias * CLASSES)


def count_parameters(answer):
    # Redes pequeñas: en la del curso, de millones, los sesgos se perderían en la tolerancia.
    filters, size = (4, 7), 21
    expected, side, channels = _parameters(filters, size), size // 4, filters[-1]
    flat = side * side * channels * UNITS
    mistakes = {
        "Parece que olvidas los sesgos de las convoluciones: cada filtro tiene uno.": _parameters(
            filters, size, bias=0
        ),
        "Parece que olvidas los sesgos de las capas densas: cada salida tiene uno.": _parameters(
            filters, size, dense_bias=0
        ),
        "Parece que olvidas todos los sesgos: hay uno por filtro y uno por salida.": _parameters(
            filters, size, bias=0, dense_bias=0
        ),
        "Parece que multiplicas por 3 en lugar de por 3 × 3: el filtro es un cuadro.": _parameters(
            filters, size, kernel=3
        ),
        "Parece que pones un sesgo por cada canal de entrada: es uno por filtro.": _parameters(
            filters, size, per_channel=True
        ),
        "Parece que cuentas una convolución por bloque, y hay dos.": _parameters(filters, size, second=False),
        "Parece que olvidas la capa de salida.": _parameters(filters, size, output=False),
        "Parece que redondeas hacia arriba el lado tras el agrupamiento: la fila y la columna sin pareja se "
        "descartan.": expected - flat + (side + 1) ** 2 * channels * UNITS,
        "Parece que el lado no se reduce: cada bloque acaba con un agrupamiento.": expected
        - flat
        + size**2 * channels * UNITS,
        "Parece que reduces el lado una vez de menos: también tras el último bloque hay un agrupamiento.": (
            expected - flat + (size // 2) ** 2 * channels * UNITS
        ),
        "Parece que la primera convolución recibe un canal, y una imagen en color tiene tres.": expected
        - 9 * (3 - 1) * filters[0],
        "Parece que olvidas las capas densas.": expected - flat - UNITS - UNITS * CLASSES - CLASSES,
    }
    expect(call(answer, filters, size), expected, "Los parámetros", mistakes)
    for filters, size in (((5,), 6), ((3, 4, 5, 2), 40), ((6, 2, 3), 35), ((5,), 7)):
        expected = _parameters(filters, size)
        expect(
            call(answer, filters, size),
            expected,
            f"Los parámetros con los filtros {filters} e imágenes de {size} × {size}",
            {
                "Parece que redondeas el lado: la mitad de 7 son 3, porque la fila sin pareja se "
                "descarta.": expected + (4 * 4 - 3 * 3) * filters[-1] * UNITS
            },
        )
    return (
        "pesos y sesgos de las dos convoluciones de cada bloque y de las dos capas densas",
        "con uno, dos, tres y cuatro bloques, y también con lados impares",
    )


def _histories() -> list[dict[str, list[float]]]:
    """Entrenamientos; en el primero, cada medida elegiría una época distinta; el último mejora dos veces."""
    return [
        {
            "loss": [0.70, 0.51, 0.42, 0.33, 0.27, 0.21, 0.24],
            "accuracy": [0.55, 0.71, 0.80, 0.86, 0.90, 0.95, 0.94],
            "val_loss": [0.81, 0.52, 0.38, 0.41, 0.47, 0.55, 0.60],
            "val_accuracy": [0.52, 0.78, 0.88, 0.91, 0.89, 0.87, 0.86],
            "test_loss": [0.93, 0.74, 0.69, 0.62, 0.49, 0.58, 0.66],
            "test_accuracy": [0.50, 0.66, 0.70, 0.72, 0.81, 0.74, 0.73],
        },
        {
            "loss": [0.60, 0.40, 0.20],
            "accuracy": [0.70, 0.80, 0.95],
            "val_loss": [0.45, 0.50, 0.90],
            "val_accuracy": [0.80, 0.82, 0.75],
            "test_loss": [0.80, 0.70, 0.75],
            "test_accuracy": [0.60, 0.65, 0.68],
        },
        {
            "loss": [0.60, 0.35, 0.40],
            "accuracy": [0.70, 0.85, 0.80],
            "val_loss": [0.70, 0.50, 0.30],
            "val_accuracy": [0.85, 0.80, 0.80],
            "test_loss": [0.50, 0.70, 0.75],
            "test_accuracy": [0.70, 0.65, 0.68],
        },
        {
            "loss": [0.60, 0.50, 0.40, 0.30, 0.20],
            "accuracy": [0.70, 0.75, 0.80, 0.85, 0.90],
            "val_loss": [0.60, 0.50, 0.55, 0.40, 0.70],
            "val_accuracy": [0.70, 0.80, 0.90, 0.85, 0.75],
            "test_loss": [0.50, 0.60, 0.65, 0.70, 0.75],
            "test_accuracy": [0.80, 0.75, 0.70, 0.65, 0.68],
        },
    ]


def choose_epoch(answer):
    first, *others = _histories()
    best = {name: 1 + int(np.argmax(values)) for name, values in first.items()}
    least = {name: 1 + int(np.argmin(values)) for name, values in first.items()}
    mistakes = {
        "Parece que cuentas desde 0: la primera época es la 1.": least["val_loss"] - 1,
        "Parece que eliges con la prueba: quien la usa para decidir se queda sin medida imparcial.": best[
            "test_accuracy"
        ],
        "Parece que eliges con el entrenamiento: ahí gana quien memoriza.": least["loss"],
        "Parece que te quedas con la última: puede que ya haya sobreajuste.": len(first["loss"]),
        "Parece que buscas la mayor pérdida de validación: cuanto menor, mejor.": best["val_loss"],
        "Parece que eliges por la exactitud de validación, y se pide por la pérdida, que distingue también "
        "entre redes que aciertan lo mismo.": best["val_accuracy"],
        "Parece que das la pérdida, y se pide el número de la época.": min(first["val_loss"]),
    }
    expect(call(answer, first), least["val_loss"], "La época", mistakes)
    for history in others:
        losses = history["val_loss"]
        rises = [1 + int(epoch) for epoch in np.flatnonzero(np.diff(losses) > 0)]
        stops = "Parece que te paras en la primera subida: después puede bajar más."
        early = {stops: rises[0]} if rises else {}
        what = f"La época, si la validación va así: {losses}"
        expect(call(answer, history), 1 + int(np.argmin(losses)), what, early)
    return (
        "que decide la pérdida de validación, contada desde 1",
        "también en la primera época y en la última, y si baja dos veces",
    )


def prepare(answer):
    random = np.random.default_rng(5)
    images = random.integers(0, 201, (23, 5, 4, 3)).astype(np.uint8)
    labels, size = np.arange(len(images)), 4  # la etiqueta dice qué imagen es
    dataset = call(answer, images, labels, size)
    if not isinstance(dataset, tf.data.Dataset):
        raise Mistake(f"Hace falta un «tf.data.Dataset», y ha llegado «{kind(dataset)}».")
    epochs = [_epoch(dataset, 3 * len(images)) for _ in range(EPOCHS_SEEN)]
    _check_batches(epochs[0], len(images), size)
    _check_pixels(epochs[0], images)
    _check_order([np.concatenate([labels for _, labels in epoch]) for epoch in epochs], size)
    return (
        "que una época da cada imagen una vez, con su etiqueta, también las del último lote",
        "que los valores son float32, de 0 a 1",
        "que se barajan las imágenes, y de nuevo en cada época",
    )


def _epoch(dataset, most: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Los lotes de una época, `most` como mucho, por si no acaba nunca."""
    try:
        batches = [tuple(map(np.asarray, batch)) for batch in dataset.take(most).as_numpy_iterator()]
    except Exception as error:  # lo que falla dentro de `map` se ve al pedir los lotes
        raise Mistake(f"Al pedir los lotes, se detiene: {str(error).splitlines()[0][:200]}") from None
    if any(len(batch) != 2 for batch in batches):
        raise Mistake("Cada lote debe ser una pareja, (imágenes, etiquetas).")
    return batches


def _check_batches(batches, count: int, size: int) -> None:
    if any(images.ndim != 4 for images, _ in batches):
        raise Mistake(
            "Lo que llega no son lotes de imágenes, con forma (imágenes, filas, columnas, canales). ¿Falta "
            "«batch», o sobra otro?"
        )
    if any(labels.ndim != 1 or labels.dtype.kind not in "iu" for _, labels in batches):
        raise Mistake("Las etiquetas no deben cambiar: un número entero por imagen.")
    sizes = [len(labels) for _, labels in batches]
    if sum(sizes) == size * (count // size):
        raise Mistake(
            f"De {count} imágenes llegan {sum(sizes)}: el último lote, que no está lleno, se pierde. Es "
            "redondear hacia abajo."
        )
    if sum(sizes) > count:
        raise Mistake(
            f"Hay {count} imágenes y una época da más: se repiten. Keras ya da las vueltas que se le piden."
        )
    due = [size] * (count // size) + [count % size]
    if sorted(sizes) != sorted(due):
        raise Mistake(
            f"Con {count} imágenes y lotes de {size}, los lotes deben medir {due}, y miden {sizes}."
        )


def _check_pixels(batches, images: np.ndarray) -> None:
    for batch, labels in batches:
        original = images[labels].astype(np.float32)
        if any(other not in (None, own) for other, own in zip(_who(batch, images), labels, strict=True)):
            raise Mistake(
                "Las imágenes no van con sus etiquetas: parece que barajas unas y otras por separado."
            )
        mistakes = {
            "Todos los píxeles quedan a cero: parece que la división es entera, o que conviertes a entero "
            "después de dividir.": np.zeros_like(original),
            "Parece que no divides: los píxeles siguen de 0 a 255.": original,
            "Parece que divides dos veces.": original / 255 / 255,
            "Parece que divides entre 256: el mayor valor es 255.": original / 256,
            "Parece que divides cada lote entre su máximo: la misma imagen cambiaría según con quién vaya.": (
                original / original.max()
            ),
            "Parece que divides cada imagen entre su máximo: una oscura dejaría de serlo.": original
            / original.max(axis=(1, 2, 3), keepdims=True),
        }
        expect(batch, original / 255, "Los píxeles", mistakes)
        if batch.dtype != np.float32:
            raise Mistake(f"Los valores son los debidos, pero el tipo es «{batch.dtype}», y se pide float32.")


def _who(batch: np.ndarray, images: np.ndarray) -> list[int | None]:
    """Qué imagen es cada una de un lote; None, si no es ninguna, bien dividida."""
    scaled = images / 255
    return [next((k for k, each in enumerate(scaled) if matches(image, each)), None) for image in batch]


def _check_order(orders: list[np.ndarray], size: int) -> None:
    """Que las etiquetas de cada época salgan barajadas, imagen a imagen."""
    count = len(orders[0])
    ahead = max(np.max(order - np.arange(count)) for order in orders)
    if not ahead:
        raise Mistake("Las imágenes salen en su orden: falta barajarlas.")
    # Al barajar las imágenes, a una la sigue la suya una vez de cada `count`; con los lotes, casi siempre.
    if ahead >= size and all(np.mean(np.diff(order) == 1) > 0.5 for order in orders):
        raise Mistake(
            "Parece que barajas los lotes: cambian de sitio, pero dentro van siempre las mismas imágenes, "
            "seguidas. Mira el orden de los pasos."
        )
    if all(np.array_equal(order, orders[0]) for order in orders):
        raise Mistake(
            "Se baraja una vez, y todas las épocas salen en ese orden. ¿Guardas en memoria lo ya barajado?"
        )
    if ahead < count // 2:
        noun = "puesto" if ahead == 1 else "puestos"
        raise Mistake(
            f"Se baraja poco: ninguna imagen se adelanta más de {ahead} {noun}. «shuffle» sortea "
            "entre las que caben en su reserva: deben caber todas."
        )


def _nearest(matrix: np.ndarray, rank: int) -> np.ndarray:
    """La matriz de ese rango más parecida (Eckart y Young, 1936), por los vectores propios."""
    _, vectors = np.linalg.eigh(matrix.T @ matrix)
    directions = vectors[:, ::-1][:, :rank]
    return matrix @ directions @ directions.T


def truncate(answer):
    random = np.random.default_rng(6)
    matrix, rank = random.normal(size=(7, 5)), 2
    left, values, right = np.linalg.svd(matrix, full_matrices=False)

    def rebuilt(chosen, weights=values):
        return (left[:, chosen] * weights[chosen]) @ right[chosen]

    kept = slice(rank)
    mistakes = {
        "Parece que falta multiplicar por los valores singulares.": rebuilt(kept, np.ones(5)),
        "Parece que los valores singulares entran dos veces, o al cuadrado.": rebuilt(kept, values**2),
        "Parece que usas V en lugar de Vᵀ: «np.linalg.svd» ya devuelve Vᵀ, con las direcciones en filas.": (
            (left[:, kept] * values[kept]) @ right[:, kept].T
        ),
        f"Sale una matriz de rango {rank + 1}: te quedas con una dirección de más.": rebuilt(slice(rank + 1)),
        f"Sale una matriz de rango {rank - 1}: te quedas con una dirección de menos.": rebuilt(
            slice(rank - 1)
        ),
        "Parece que te saltas la primera dirección: cuenta desde 0.": rebuilt(slice(1, rank + 1)),
        "Parece que te quedas con las direcciones de menor valor singular.": rebuilt(slice(-rank, None)),
        f"Parece que te quedas con una sola dirección, la {rank}.ª, y no con las {rank} primeras.": rebuilt(
            slice(rank - 1, rank)
        ),
        "Parece que das lo que se quita: la diferencia con la matriz reducida.": rebuilt(slice(rank, None)),
        "Parece que te quedas con las primeras columnas: la más parecida no sale de borrar columnas.": (
            matrix * (np.arange(5) < rank)
        ),
        "Falta volver: las columnas son las coordenadas en las direcciones, y hay que multiplicar por "
        "ellas.": matrix @ right[kept].T,
    }
    expect(call(answer, matrix, rank), _nearest(matrix, rank), "La matriz reducida", mistakes)
    for shape, rank in (((7, 5), 5), ((4, 6), 3), ((6, 6), 1)):
        matrix = random.normal(size=shape)
        what = f"La matriz de {shape[0]} × {shape[1]} reducida a rango {rank}"
        expect(call(answer, matrix, rank), _nearest(matrix, rank), what)
    expect(call(answer, np.zeros((4, 3)), 2), np.zeros((4, 3)), "La matriz de ceros, reducida")
    return (
        "la forma",
        "que es la de ese rango más parecida a la matriz, también en matrices anchas y con rango 1",
        "que con todo el rango es ella misma",
    )


def stable_rank(answer, answers: Mapping[int, np.ndarray]):
    rank = numbers(answer, "El rango")
    if rank.shape != () or rank not in list(answers):
        raise Mistake(
            f"El rango es uno de los del control ({', '.join(map(str, answers))}), y ha llegado {answer}. "
            "¿Es el porcentaje, o el número de imágenes?"
        )
    whole = list(answers.values())[-1]
    changed = {each: int(np.sum(given != whole)) for each, given in answers.items()}
    if some := changed[int(rank)]:
        raise Mistake(f"Con rango {rank} todavía cambia alguna respuesta: {some} de {len(whole)}.")
    larger = [each for each in answers if each > rank and changed[each]]
    if larger:
        raise Mistake(
            f"Con rango {rank} no cambia ninguna respuesta, pero más adelante vuelve a cambiar alguna: mueve "
            "el control hasta el final."
        )
    smaller = [each for each in answers if each < rank]
    if smaller and not changed[smaller[-1]]:
        raise Mistake(
            f"Desde el rango {rank} no cambia ninguna respuesta, pero hay un rango menor que cumple."
        )
    return "que desde ese rango no cambia ninguna respuesta", "que con el anterior del control cambia alguna"


EXERCISES = {
    "02-1": Exercise("Contar los parámetros de cualquier red", count_parameters),
    "02-2": Exercise(
        "Elegir la época", choose_epoch, "qué harías si dos épocas tuvieran la misma pérdida de validación"
    ),
    "02-3": Exercise(
        "Cuatro errores que no avisan", prepare, "qué guardas en memoria, ni si se prepara el lote siguiente"
    ),
    "02-4": Exercise("Reducir una matriz", truncate),
    "02-5": Exercise("El rango que basta", stable_rank),
    "02-6": Exercise("Lo que dice una caída"),
}
