"""Comparar lo que responde quien estudia con lo que debe cumplir, y nombrar el error que parece."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gradcam_helpers.engine.attempt import Mistake, Unanswered, kind

RELATIVE = 1e-4  # lo que puede apartarse una cuenta hecha en otro orden
ABSOLUTE = 1e-5  # y respecto del mayor de los valores


@dataclass(frozen=True)
class Exercise:
    """Un ejercicio.

    Atributos:
        title: su nombre.
        check: recibe la respuesta y, por su nombre, lo que la celda añada; devuelve lo que ha probado, frase
            a frase. None: la respuesta es abierta y no se corrige.
        untested: lo que la comprobación no puede ver.

    Errores de `check`:
        Mistake: la respuesta no vale, y por qué.
        Unanswered: no hay respuesta todavía.
    """

    title: str
    check: Callable[..., Sequence[str]] | None = None
    untested: str = ""


def numbers(answer, what: str) -> np.ndarray:
    """La respuesta, como números finitos.

    Argumentos:
        what: lo que es, con artículo: «El mapa».

    Errores:
        Unanswered: es el hueco.
        Mistake: no son números, o no son finitos.
    """
    if answer is ...:
        raise Unanswered
    if answer is None:
        raise Mistake(f"{what}: ha llegado None. ¿Falta «return», o la cuenta no devuelve nada?")
    try:
        array = np.asarray(answer)
    except Exception:  # cada biblioteca falla a su manera: listas de distinto tamaño, tensores simbólicos
        array = np.asarray(None)
    if array.dtype.kind not in "biuf":
        texts = array.dtype.kind == "U" and not isinstance(answer, str)
        came = "han llegado textos" if texts else f"ha llegado «{kind(answer)}»"
        raise Mistake(f"{what}: hacen falta números, y {came}.")
    if not np.isfinite(array).all():
        raise Mistake(
            f"{what}: hay valores que no son finitos (NaN o infinito). Suele venir de dividir entre cero: "
            "mira qué ocurre cuando el divisor vale 0."
        )
    return array


def several(answer, names: Sequence[str]) -> Sequence:
    """La respuesta, que son varias cosas entre paréntesis o en una lista.

    Argumentos:
        names: lo que es cada una, con artículo y por su orden.

    Errores:
        Unanswered: alguna es el hueco, o lo son todas.
        Mistake: no son tantas.
    """
    given = isinstance(answer, tuple | list)
    if answer is ... or given and any(each is ... for each in answer):
        raise Unanswered
    if given and len(answer) == len(names):
        return answer
    came = f"han llegado {len(answer)}" if given else f"ha llegado «{kind(answer)}»"
    expected = f"{', '.join(names[:-1])} y {names[-1]}"
    raise Mistake(f"Hacen falta {len(names)} cosas, por este orden: {expected}. Y {came}.")


def image_number(answer, count: int) -> int:
    """El número de una de `count` imágenes.

    Errores:
        Mistake: no es un entero, o no existe esa imagen.
    """
    if isinstance(answer, bool) or not isinstance(answer, int | np.integer):
        raise Mistake(f"La imagen es su número, un entero, y ha llegado «{kind(answer)}».")
    if not 0 <= answer < count:
        raise Mistake(f"Las imágenes van de la 0 a la {count - 1}, y has escrito {answer}.")
    return int(answer)


def image_and_layer(answer, count: int, layers: Sequence[str]) -> tuple[int, str]:
    """El número de una de `count` imágenes y el nombre de una capa de la red.

    Errores:
        Unanswered: falta alguna.
        Mistake: no son eso, o no existe.
    """
    image, layer = several(answer, ["el número de la imagen", "el nombre de la capa"])
    if isinstance(image, str) and not isinstance(layer, str):
        raise Mistake("Parece que la pareja va al revés: primero la imagen, un número, y después la capa.")
    image = image_number(image, count)
    if layer not in layers:
        raise Mistake(
            f"La red no tiene ninguna capa convolucional «{layer}». Se llaman como en el control «Capa»: "
            f"{', '.join(layers)}."
        )
    return image, layer


def matches(one, other) -> bool:
    """Si son iguales, salvo el redondeo, en forma y valores."""
    one, other = np.asarray(one, np.float64), np.asarray(other, np.float64)
    if one.shape != other.shape:
        return False
    scale = np.abs(other).max(initial=0)
    return bool(np.allclose(one, other, rtol=RELATIVE, atol=ABSOLUTE * scale))


def expect(answer, expected, what: str, mistakes: Mapping[str, object] | None = None) -> None:
    """Que la respuesta sea la esperada en un caso de prueba; si es la de un error conocido, se nombra.

    Argumentos:
        what: lo que es, con artículo: «El mapa».
        mistakes: lo que se dice de cada error conocido → lo que daría en este caso. El que en este caso da lo
            mismo que lo correcto no se acusa.

    Errores:
        los de `numbers`, y Mistake: no coincide.
    """
    got, expected = numbers(answer, what), np.asarray(expected)
    if matches(got, expected):
        return
    for explanation, wrong in (mistakes or {}).items():
        if matches(got, wrong):
            raise Mistake(explanation)
    if got.shape != expected.shape:
        raise Mistake(f"{what}: la forma debe ser {expected.shape}, y es {got.shape}.")
    difference = np.abs(got.astype(np.float64) - expected)
    if difference.ndim == 0:
        raise Mistake(f"{what}: da {got:.5g} en el caso de prueba, y no es lo debido.")
    place = tuple(int(index) for index in np.unravel_index(difference.argmax(), difference.shape))
    raise Mistake(
        f"{what}: la forma es la debida; los valores, no. La mayor diferencia, en la posición {place}, "
        f"es de {difference.max():.3g}: tu valor es {got[place]:.4g}."
    )
