"""Las comprobaciones de los ejercicios de la lección 1: los datos."""

import itertools

import numpy as np

from gradcam_helpers.engine.answers import Exercise, expect, numbers
from gradcam_helpers.engine.attempt import Mistake, Unanswered, call

CORNER, LIGHT = 10, 250  # lado de una esquina, en píxeles, y el valor medio del que pasa si es blanca
VALIDATION_SHARE = 0.2  # de los individuos
REPETITIONS = 4  # de un sorteo: que salga igual tantas veces no es casualidad


def count_per_class(answer):
    labels, classes = np.array([2, 0, 2, 2, 4, 0, 2]), 6
    expected = np.array([2, 0, 4, 0, 1, 0])
    expect(
        call(answer, labels, classes),
        expected,
        "Las cuentas",
        {
            "Falta la última clase, que aquí no tiene ninguna imagen: también le corresponde un número, el "
            "cero.": expected[:-1],
            "Faltan las clases sin imágenes: parece que solo cuentas las que aparecen, y así no se sabe de "
            "qué clase es cada cuenta.": expected[expected > 0],
            "Parece que das qué clases hay, y se pide cuántas imágenes tiene cada una.": np.unique(labels),
            "Parece que das la proporción, y se pide la cuenta.": expected / len(labels),
            "Parece que das el porcentaje, y se pide la cuenta.": 100 * expected / len(labels),
            "Parece que cuentas las clases desde 1: la primera es la 0.": [*expected[1:], 0],
            "Parece que das el total: hace falta un número por clase.": len(labels),
        },
    )
    expect(call(answer, np.array([1, 1, 0]), 2), [1, 2], "Las cuentas de otro lote, con dos clases")
    return "una cuenta por clase, en su orden", "que una clase sin imágenes cuenta cero"


def _cornered() -> np.ndarray:
    """Imágenes de ruido oscuro, de 30 × 40 píxeles, con las esquinas de todas las maneras que confunden."""
    top, bottom, left, right = slice(CORNER), slice(-CORNER, None), slice(CORNER), slice(-CORNER, None)
    vertex, red = slice(CORNER - 2), (255, 0, 0)
    painted = [
        [],
        [(top, left, 255)],
        [(top, right, 255), (bottom, right, 255)],
        *[[(bottom, left, 255)]] * 4,
        *[[(bottom, right, 255)]] * 4,
        [(rows, columns, 255) for rows in (top, bottom) for columns in (left, right)],
        [(top, left, LIGHT + 1)],  # blanca, sin ser 255
        [(top, left, LIGHT)],  # llega al límite y no lo pasa
        *[[(vertex, vertex, 255)]] * 2,  # el vértice es blanco, y la esquina no
        *[[(top, right, red)]] * 4,  # solo es claro un canal
        [(top, right, 255), (2, -2, 100)],  # blanca de media, con un píxel oscuro
        [(top, left, (255, 255, 245))],  # blanca de media, con un canal que no llega
        # Para que cada grupo de esquinas dé otro porcentaje, y ninguno, un número entero.
        *[[(top, right, 255)]] * 6,
        *[[(bottom, left, 255)]] * 6,
    ]
    first, last = slice(1), slice(-1, None)
    for rows, edge in ((top, first), (bottom, last)):
        for columns, side in ((left, first), (right, last)):  # lo decide la fila y la columna del borde
            painted.append([(rows, columns, LIGHT - 1), (edge, columns, 255), (rows, side, 255)])
    images = np.random.default_rng(1).integers(0, 200, (len(painted), 30, 40, 3)).astype(np.uint8)
    for image, patches in zip(images, painted, strict=True):
        for rows, columns, value in patches:
            image[rows, columns] = value
    return images


def _corners(images: np.ndarray, size: int = CORNER) -> np.ndarray:
    """El color medio de cada esquina, (imágenes, 4, 3)."""
    sides = slice(size), slice(-size, None)
    patches = [images[:, rows, columns] for rows in sides for columns in sides]
    return np.stack([patch.mean(axis=(1, 2)) for patch in patches], axis=1)


def white_corner_percentage(answer):
    images = _cornered()
    colors = _corners(images)
    means = colors.mean(axis=2)
    white = means > LIGHT
    places = "arriba a la izquierda", "arriba a la derecha", "abajo a la izquierda", "abajo a la derecha"

    def percentage(corners):
        return 100 * corners.any(axis=1).mean()

    expected = percentage(white)
    mistakes = {
        "Parece que redondeas, y se pide sin redondear.": np.rint(expected),
        "Parece que quitas los decimales, y se pide sin redondear.": np.floor(expected),
        "Parece que das la proporción, de 0 a 1, y se pide el porcentaje.": expected / 100,
        "Parece que das cuántas imágenes son, y se pide el porcentaje.": expected / 100 * len(images),
        "Das el porcentaje de las que no tienen ninguna esquina blanca: es al revés.": 100 - expected,
        "Parece que exiges que lo sean todas las esquinas, o que lo sea su promedio: basta una.": 100
        * white.all(axis=1).mean(),
        "Parece que cuentas esquinas, y se piden imágenes: una con varias esquinas blancas cuenta una "
        "vez.": 100 * white.mean(),
        "Una esquina de valor medio 250 justo no pasa de 250: mira la comparación, y no dividas antes, que "
        "entonces decide el redondeo.": percentage(means >= LIGHT),
        "Parece que exiges que cada canal pase de 250, y se pide el valor medio de la esquina.": percentage(
            (colors > LIGHT).all(axis=2)
        ),
        "Parece que exiges el valor 255: una esquina de 251 también es blanca.": percentage(means == 255),
        "Parece que miras una esquina menor, o un solo píxel: son de 10 × 10.": percentage(
            _corners(images, 1).mean(axis=2) > LIGHT
        ),
        "Parece que miras un solo canal: una esquina roja no es blanca.": percentage(colors[..., 0] > LIGHT),
    }
    for count in (1, 2, 3):
        for seen in itertools.combinations(range(4), count):
            *others, last = (places[corner] for corner in seen)
            where = f"{', '.join(others)} y {last}" if others else last
            explanation = (
                f"Parece que solo miras {where}: el sujeto puede tapar eso y dejar libre otra esquina."
            )
            mistakes[explanation] = percentage(white[:, list(seen)])
    expect(call(answer, images), expected, "El porcentaje", mistakes)
    expect(call(answer, images[:1]), 0.0, "El porcentaje de una imagen sin esquinas blancas")
    return (
        "que es un porcentaje de imágenes, y basta una esquina blanca, sea la que sea",
        "que cuenta el valor medio de la esquina entera",
        "que una esquina de valor medio 250 justo no cuenta",
    )


def mean_images(answer):
    random = np.random.default_rng(2)
    images = random.integers(100, 256, (7, 6, 5, 3)).astype(np.uint8)
    labels = np.array([1, 0, 1, 1, 0, 1, 1])
    members = [images[labels == label] for label in (0, 1)]
    expected = np.stack([each.mean(axis=0) for each in members])
    result = numbers(call(answer, images, labels), "Las imágenes medias")
    mistakes = {
        "Las clases están cambiadas: la primera imagen es la de la clase 0.": expected[::-1],
        "Parece que la suma se desborda: en uint8, tras 255 viene el 0. Suma en un tipo mayor.": [
            each.sum(axis=0, dtype=np.uint8) // len(each) for each in members
        ],
        "La suma se desborda, y además se divide entre el número de todas las imágenes.": [
            each.sum(axis=0, dtype=np.uint8) // len(images) for each in members
        ],
        "Parece que divides entre el número de todas las imágenes: cada clase tiene las suyas.": [
            each.sum(axis=0) / len(images) for each in members
        ],
        "Parece que promedias todas las imágenes juntas: cada clase tiene su media.": [images.mean(axis=0)]
        * 2,
        "Parece que promedias también filas y columnas: queda un color por clase, y se pide una imagen.": (
            expected.mean(axis=(1, 2))
        ),
        "Parece que promedias todos los ejes: queda un número por clase, y se pide una imagen.": (
            expected.mean(axis=(1, 2, 3))
        ),
        "Parece que promedias los canales: la imagen media es en color.": expected.mean(axis=3),
        "Los valores van de 0 a 1, y en una imagen uint8 van de 0 a 255.": expected / 255,
        "Parece que das la mediana, y se pide la media.": [np.median(each, axis=0) for each in members],
    }
    for explanation, wrong in mistakes.items():
        if _within_one(result, wrong):
            raise Mistake(explanation)
    if not _within_one(result, expected):
        expect(result, np.rint(expected), "Las imágenes medias")
    if result.dtype != np.uint8:
        raise Mistake(
            f"Los valores son los debidos, pero el tipo es «{result.dtype}», y una imagen de 0 a 255 debe "
            "ser uint8: conviértela al final."
        )
    many = np.full((600, 2, 2, 3), 250, np.uint8)
    result = numbers(call(answer, many, np.arange(600) % 2), "Las imágenes medias de muchas")
    if not _within_one(result, np.full((2, 2, 2, 3), 250)):
        raise Mistake(
            "Con pocas imágenes da lo debido, y con 300 de cada clase, no. Parece que la suma se desborda: "
            "en uint16, tras 65 535 viene el 0. Suma en un tipo mayor, o en coma flotante."
        )
    return "una imagen media por clase, en su orden", "que la suma no se desborda", "que es uint8"


def _within_one(one, other) -> bool:
    """Si son iguales, con redondeo o sin él."""
    one, other = np.asarray(one, np.float64), np.asarray(other, np.float64)
    return one.shape == other.shape and bool(np.abs(one - other).max() <= 1)


def same_individual(answer, identities, labels):
    pair = _positions(answer, len(labels))
    one, other = pair
    if one == other:
        raise Mistake(f"Las dos posiciones son la misma, la {one}: hacen falta dos imágenes.")
    if labels[one] != labels[other]:
        raise Mistake(
            f"La imagen {one} y la {other} no son de la misma clase, así que no pueden ser del mismo "
            "individuo. ¿Has tomado la posición del control en lugar del número que hay debajo de la imagen?"
        )
    if len(np.unique(identities)) == len(identities):
        return ["que son dos imágenes distintas de la misma clase: estos datos no dicen quién es quién"]
    if identities[one] != identities[other]:
        repeated = [position for position in pair if np.sum(identities == identities[position]) > 1]
        clue = (
            f"De la imagen {repeated[0]} sí hay otra entre estas: búscala."
            if repeated
            else "Ninguna de las dos tiene otra entre estas: busca una pareja distinta."
        )
        raise Mistake(
            f"La imagen {one} y la {other} son de la misma clase, pero de individuos distintos. Puede "
            f"que se parezcan en la postura o en el fondo: mira el pelaje, o el pelo y la ropa. {clue}"
        )
    return ["que son dos imágenes distintas del mismo individuo"]


def _positions(answer, count: int) -> tuple[int, int]:
    """Dos posiciones, de 0 a `count` − 1."""
    if isinstance(answer, (tuple, list)) and any(each is ... for each in answer):
        raise Unanswered
    pair = numbers(answer, "La pareja")
    if pair.shape != (2,) or pair.dtype.kind not in "iu":
        raise Mistake("La pareja son dos números enteros entre paréntesis, separados por una coma.")
    if not np.all((pair >= 0) & (pair < count)):
        raise Mistake(f"Las posiciones van de 0 a {count - 1}, y la pareja es ({pair[0]}, {pair[1]}).")
    return tuple(int(position) for position in pair)


def validation_mask(answer):
    random = np.random.default_rng(4)
    counts = [9, 7, 6, 4, 3, 3, 2, 1, 1, 1]
    names = np.repeat([f"individuo-{letter}" for letter in "ebjahcgdif"], counts)
    several = random.permutation(names)
    others = [random.permutation(np.repeat(np.arange(n), random.integers(1, 4, n))) for n in (12, 13, 84)]
    for identities in (several, several[::-1], random.permutation(15), *others):
        _check_mask(call(answer, identities), identities)
    first, *others = (call(answer, several) for _ in range(REPETITIONS))
    if not all(np.array_equal(first, other) for other in others):
        raise Mistake(
            "Con los mismos individuos, tu función da cada vez otra partición: nadie podría repetir tus "
            "cuentas. Fija la semilla del sorteo."
        )
    return (
        "un valor por imagen",
        "que todas las imágenes de un individuo quedan del mismo lado",
        "que se aparta la quinta parte de los individuos",
        "que se repite igual",
    )


def _check_mask(result, identities: np.ndarray) -> None:
    mask = numbers(result, "La máscara")
    individuals = np.unique(identities)
    due, count = round(VALIDATION_SHARE * len(individuals)), len(identities)
    if mask.shape != (count,):
        cause = ""
        if mask.ndim == 1 and mask.dtype.kind in "iu" and len(mask) < count:
            cause = " Parece que das las posiciones: hace falta un valor por imagen."
        elif mask.shape == individuals.shape:
            cause = " Parece que das un valor por individuo: hace falta uno por imagen."
        raise Mistake(f"La máscara debe tener la forma ({count},), y la tiene {mask.shape}.{cause}")
    if not np.isin(mask, (0, 1)).all():
        raise Mistake("La máscara solo lleva True, si la imagen es de validación, y False, si no lo es.")
    mask = mask.astype(bool)
    aside, rest = (np.unique(identities[side]) for side in (mask, ~mask))
    if len(aside) == 0 or len(rest) == 0:
        raise Mistake("Todas las imágenes quedan del mismo lado, y hacen falta dos partes.")
    if shared := len(np.intersect1d(aside, rest)):
        runs = np.count_nonzero(np.diff(mask.astype(int)))
        cause = "por posición" if runs == 1 else "imagen a imagen"
        raise Mistake(
            f"{shared} de los {len(individuals)} individuos tienen imágenes en las dos partes. Parece que "
            f"repartes {cause}: decide primero qué individuos se apartan."
        )
    if len(aside) != due:
        if len(rest) == due:
            cause = "Es al revés: True es la validación, la parte pequeña."
        elif len(aside) == round(VALIDATION_SHARE * count):
            cause = "Parece que tomas la quinta parte de las imágenes, y es la de los individuos."
        else:
            cause = "¿Sorteas cada individuo por su cuenta, con reposición, o redondeas de otra manera?"
        raise Mistake(
            f"De {len(individuals)} individuos deben apartarse {due}, y se apartan {len(aside)}. {cause}"
        )


EXERCISES = {
    "01-1": Exercise("Contar las imágenes de cada clase", count_per_class),
    "01-2": Exercise(
        "El porcentaje de esquinas blancas",
        white_corner_percentage,
        "imágenes en las que el sujeto tapa las cuatro esquinas",
    ),
    "01-3": Exercise(
        "Una media que no es la media", mean_images, "qué ocurre con una clase que no tiene imágenes"
    ),
    "01-4": Exercise("Dos imágenes del mismo individuo", same_individual),
    "01-5": Exercise(
        "Repartir individuos, no imágenes",
        validation_mask,
        "si las dos clases quedan repartidas por igual, ni si sale lo mismo al reiniciar el núcleo",
    ),
    "01-6": Exercise("Tres cuentas antes de entrenar"),
}
