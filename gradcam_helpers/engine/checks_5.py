"""Las comprobaciones de los ejercicios de la lección 5: el experimento."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from gradcam_helpers.engine.answers import Exercise, expect, image_number, matches, numbers, several
from gradcam_helpers.engine.attempt import Mistake, call
from gradcam_helpers.engine.subjects import replace_background

# --- 05-1: pegar todo un lote -------------------------------------------------------------------------


def paste_batch(answer):
    images, masks, background = _subjects()
    pasted = call(answer, images, masks, background)
    alone = numbers(call(answer, images[:1], masks[:1], background), "El montaje de un lote de una imagen")
    shared, piled = background.copy(), []
    for image, mask in zip(images, masks, strict=True):
        shared[mask] = image[mask]
        piled.append(shared.copy())
    cut = images * masks[..., np.newaxis]
    expect(
        pasted,
        np.where(masks[..., np.newaxis], images, background),
        "Los montajes",
        {
            "Parece que has tomado la máscara por el fondo: es cierta en el sujeto, que es lo que se "
            "conserva.": np.where(masks[..., np.newaxis], background, images),
            "Parece que usaste con todas la máscara de la primera imagen: cada una tiene la suya.": np.where(
                masks[0][..., np.newaxis], images, background
            ),
            "Parece que pegas a todos en la misma copia del fondo: los anteriores siguen ahí.": piled,
            "Parece que todos los montajes son la misma copia del fondo, con todos los sujetos.": [shared]
            * len(images),
            "Parece que recortaste al sujeto y lo dejaste sobre negro: falta el fondo.": cut,
            "Parece que sumaste el fondo entero al sujeto. Debajo del sujeto no debe quedar fondo; además, "
            "en uint8 lo que pasa de 255 vuelve a empezar en 0.": cut + background,
            "Parece que usaste `replace_background`: mezcla sujeto y fondo en un anillo, y aquí se pide sin "
            "anillo.": replace_background(images, masks, background),
            "Parece que has dividido entre 255. Los montajes van de 0 a 255, como las imágenes.": np.where(
                masks[..., np.newaxis], images, background
            )
            / 255,
        },
    )
    if alone.shape != images[:1].shape:
        raise Mistake(
            f"De un lote de una imagen sale un lote de una, {images[:1].shape}, y sale {alone.shape}."
        )
    kind = np.asarray(pasted).dtype
    if kind != np.uint8:
        raise Mistake(f"Los valores son los debidos, pero de tipo {kind}: una imagen es uint8.")
    return (
        "que cada sujeto conserva sus píxeles, y el resto es el fondo, también si no hay ningún sujeto",
        "que no cambia lo que recibe",
    )


def _subjects():
    """Cuatro imágenes de 6 × 9 con su máscara, la última sin sujeto, y un fondo."""
    random = np.random.default_rng(1)
    images = random.integers(0, 256, (4, 6, 9, 3), np.uint8)
    masks = np.zeros((4, 6, 9), bool)
    for order, mask in enumerate(masks[:3]):
        mask[1 : 4 + order % 2, order + 1 : order + 5] = True
    return images, masks, random.integers(100, 256, (6, 9, 3), np.uint8)


# --- 05-2: cuánto depende del fondo -------------------------------------------------------------------


def dependence(answer):
    probabilities, expected = _answers()
    chosen = probabilities.argmax(axis=2)
    same = chosen == chosen[:, :1]
    others = chosen[:, 1:]
    expect(
        call(answer, probabilities),
        expected,
        "La dependencia",
        {
            "Parece que cuentas el blanco entre los fondos: con él mismo no puede cambiar, y la parte sale "
            "menor.": 1 - same.mean(axis=1),
            "Parece que promediaste los sujetos: has dado un valor por fondo.": 1 - same[:, 1:].mean(axis=0),
            "Parece que promediaste los sujetos, y con el blanco: has dado un valor por fondo.": 1
            - same.mean(axis=0),
            "Parece que has dado la parte en que la respuesta es la misma; se pide en la que cambia.": same[
                :, 1:
            ].mean(axis=1),
            "Parece que has dado cuántas veces cambia; se pide la parte de los fondos, de 0 a 1.": (
                ~same[:, 1:]
            ).sum(axis=1),
            "Parece que has dado un tanto por ciento; se pide una parte, de 0 a 1.": 100 * expected,
            "Parece que promediaste a todos los sujetos: hace falta un valor por sujeto.": expected.mean(),
            "Parece que comparas cada fondo con el anterior; se compara con el blanco, el primero.": (
                np.diff(chosen, axis=1) != 0
            ).mean(axis=1),
            "Parece que comparas con el último fondo; el blanco es el primero.": (
                chosen[:, :-1] != chosen[:, -1:]
            ).mean(axis=1),
            "Parece que cuentas los fondos en que responde «persona», aunque sobre blanco respondiera lo "
            "mismo.": others.mean(axis=1),
            "Parece que mides cuánto se mueve la probabilidad; se pregunta si cambia la respuesta, que es la "
            "clase más probable.": np.abs(probabilities[:, 1:] - probabilities[:, :1])[..., 1].mean(axis=1),
        },
    )
    return (
        "que es, sujeto a sujeto, la parte de los fondos en que la clase más probable no es la que era sobre "
        "blanco",
        "que da 0 a quien no cambia nunca y 1 a quien cambia siempre",
    )


def _answers():
    """Probabilidades de cinco sujetos sobre blanco y seis fondos, y la parte en que cambia su respuesta."""
    person = np.array(
        [
            [0.9, 0.8, 0.4, 0.3, 0.7, 0.2, 0.6],  # «persona» sobre blanco: cambia en 3 de 6
            [0.1, 0.2, 0.3, 0.4, 0.1, 0.7, 0.2],  # «caballo»: cambia en 1
            [0.2, 0.1, 0.4, 0.3, 0.2, 0.1, 0.4],  # no cambia nunca
            [0.6, 0.4, 0.2, 0.1, 0.3, 0.4, 0.2],  # cambia siempre
            [0.3, 0.6, 0.7, 0.2, 0.9, 0.8, 0.1],  # cambia en 4
        ]
    )
    return np.stack([1 - person, person], axis=2), np.array([3, 1, 0, 6, 4]) / 6


# --- 05-3: un intervalo demasiado estrecho ------------------------------------------------------------

SEEDS = 5  # sorteos que se promedian: de uno solo, el azar movería los extremos
DRAWS = 20_000  # remuestreos de los intervalos con que se compara
CENTRAL, NINETY = (2.5, 97.5), (5, 95)  # percentiles que encierran el 95 % y el 90 %
CLOSE = 0.12  # lo que puede apartarse un extremo, en errores típicos de la media


def interval_of_individuals(answer):
    _expect_interval(answer, *_photos(equal=True), "Con fotos idénticas de cada individuo")
    _expect_interval(answer, *_photos(equal=False), "Con individuos de muchas y de pocas fotos")
    values, who = _photos(equal=False)
    one, other, again = (_interval(answer, values, who, seed) for seed in (1, 2, 1))
    if one != again:
        raise Mistake(
            "Con el mismo generador da dos intervalos distintos: parece que sorteas con otra cosa, como "
            "`np.random`. Sortea con `generator`, para que se pueda repetir."
        )
    if one == other:
        raise Mistake(
            "Con dos generadores distintos da el mismo intervalo: parece que creas otro dentro. Sortea con "
            "el que recibes."
        )
    expect(_interval(answer, np.ones(len(who)), who, 0), (1, 1), "El intervalo, si todo son aciertos")
    return (
        "que con fotos idénticas de cada individuo da el intervalo de los individuos, y no el de las fotos",
        "que cada foto cuenta una vez, con individuos de muchas y de pocas",
        "que encierra el 95 % central, y que sortea con el generador que recibe",
    )


def _photos(equal: bool) -> tuple[np.ndarray, np.ndarray]:
    """El valor de cada foto y su individuo, barajados. Con `equal`, las de un individuo son idénticas.

    Los valores son asimétricos: los percentiles no distan lo mismo de la media.
    """
    random = np.random.default_rng(8)
    people = 12
    own = -np.log(1 - (np.arange(people) + 0.5) / people) / 4
    counts = np.full(people, 15) if equal else 2 + 3 * np.arange(people)
    person = random.permutation(np.repeat(np.arange(people), counts))
    values = own[person] + (0 if equal else random.normal(size=len(person)))
    return values, np.array([f"individuo {7 * each % people}" for each in range(people)])[person]


def _interval(answer, values, who, seed: int) -> tuple[float, float]:
    result = call(answer, values, who, np.random.default_rng(seed))
    ends = numbers(result, "El intervalo")
    if ends.shape != (2,):
        raise Mistake(f"El intervalo son dos números, el menor y el mayor, y la forma es {ends.shape}.")
    low, high = ends.tolist()
    if low > high:
        raise Mistake(
            "El primer extremo es mayor que el segundo: parece que cambiaste de orden los percentiles."
        )
    return low, high


def _expect_interval(answer, values, who, where: str) -> None:
    ends = np.mean([_interval(answer, values, who, seed) for seed in range(SEEDS)], axis=0)
    means = _resampled_means(values, who)
    expected, tolerance = np.percentile(means, CENTRAL), CLOSE * means.std()
    if np.abs(ends - expected).max() < tolerance:
        return
    if matches(ends, np.full(2, values.mean())):
        raise Mistake(
            f"{where}, el intervalo es un punto: parece que sorteas sin reposición, y salen siempre todos."
        )
    mistakes = _mistaken_intervals(values, who, means)
    distances = {mistake: np.abs(ends - wrong).max() for mistake, wrong in mistakes.items()}
    closest = min(distances, key=distances.get)
    if distances[closest] < tolerance:
        raise Mistake(f"{where}, {closest}.")
    width = np.diff(ends)[0] / np.diff(expected)[0]
    raise Mistake(
        f"{where}, da de {ends[0]:.3f} a {ends[1]:.3f}, {width:.2f} veces el ancho debido. ¿Sorteas tantos "
        "individuos como hay, con reposición, y dos mil veces?"
    )


def _mistaken_intervals(values, who, means) -> dict[str, np.ndarray]:
    """De cada error conocido, el intervalo que daría."""
    random = np.random.default_rng(0)
    photos = values[random.integers(len(values), size=(DRAWS // 10, len(values)))].mean(axis=1)
    averages = np.array([values[who == each].mean() for each in np.unique(who)])
    by_person = _resampled_means(averages, np.arange(len(averages)))
    error = means.std() * np.array([-1, 1])  # el error típico, a cada lado
    return {
        "parece que sorteas fotos, o tantos individuos como fotos hay. Las de uno se parecen: sortea tantos "
        "individuos como individuos hay, y con cada uno van todas sus fotos": np.percentile(photos, CENTRAL),
        "parece que quien sale dos veces cuenta una: se repiten sus fotos": np.percentile(
            _resampled_means(values, who, once=True), CENTRAL
        ),
        "parece que quien tiene más fotos sale más veces: sortea de la lista de individuos, sin "
        "repetir": np.percentile(_resampled_means(values, who, by_photos=True), CENTRAL),
        "da lo que la función del enunciado: mira qué sortea y cuánto encierra": np.percentile(
            photos, NINETY
        ),
        "parece que encierras el 90 % de las medias: con los percentiles 5 y 95 queda fuera un 5 % a cada "
        "lado": np.percentile(means, NINETY),
        "parece que das la media y su error típico, que encierran el 68 %": values.mean() + error,
        "parece que das la media y 1,96 errores típicos. Con medias asimétricas no es lo mismo que los "
        "percentiles": values.mean() + 1.96 * error,
        "parece que promedias los individuos: el que tiene más fotos debe contar más, porque se pregunta por "
        "la media de las fotos": np.percentile(by_person, CENTRAL),
        "parece que das percentiles de los valores, y no de sus medias": np.percentile(values, CENTRAL),
    }


def _resampled_means(values, who, once: bool = False, by_photos: bool = False) -> np.ndarray:
    """Las medias de las fotos, sorteando individuos con reposición; o con uno de dos errores.

    Argumentos:
        once: quien sale varias veces cuenta una.
        by_photos: cada uno sale tanto más cuantas más fotos tiene.
    """
    _, group = np.unique(who, return_inverse=True)
    totals, sizes = np.bincount(group, values), np.bincount(group)
    chances = sizes / sizes.sum() if by_photos else np.full(len(sizes), 1 / len(sizes))
    times = np.random.default_rng(0).multinomial(len(sizes), chances, DRAWS)
    times = np.minimum(times, 1) if once else times
    return times @ totals / (times @ sizes)


# --- 05-4: el mismo caballo, dos respuestas -----------------------------------------------------------

HORSE, PERSON = 0, 1


def two_answers(answer, labels, places: Sequence[str], ask: Callable):
    """Argumentos:
    labels, places: la clase de cada imagen, y los nombres de las paradas del control «Fondo».
    ask: da las probabilidades que responde la red a una imagen sobre uno de esos fondos.
    """
    position, *chosen = several(answer, ["la imagen", "el fondo en que es «caballo»", "el otro fondo"])
    position = image_number(position, len(labels))
    if chosen[0] == chosen[1]:
        raise Mistake(f"Has escrito dos veces el mismo fondo, «{chosen[0]}»: hacen falta dos.")
    if unknown := [place for place in chosen if place not in places]:
        raise Mistake(f"No hay ningún fondo «{unknown[0]}». Escríbelo como en el panel: {', '.join(places)}.")
    if labels[position] != HORSE:
        raise Mistake(f"En la imagen {position} hay una persona, y se busca un caballo.")
    as_horse, as_person = (int(np.argmax(ask(position, place))) for place in chosen)
    if (as_horse, as_person) == (PERSON, HORSE):
        raise Mistake("La respuesta cambia, pero al revés: primero va el fondo en que responde «caballo».")
    if as_horse == as_person:
        name = ("caballo", "persona")[as_horse]
        raise Mistake(f"En los dos fondos la red responde «{name}»: con ese caballo no ha cambiado.")
    return [f"que la red responde «caballo» a la imagen {position} sobre un fondo y «persona» sobre otro"]


# --- 05-5: la mitad de grande -------------------------------------------------------------------------

FAR = 12  # niveles, de 255, que puede apartarse un color según cómo se reduzca


def half_size(answer):
    image, mask = _oblong_scene()
    picture, smaller = several(call(answer, image, mask), ["la imagen", "la máscara"])
    picture, smaller = numbers(picture, "La imagen"), numbers(smaller, "La máscara")
    for what, got, expected in (("La imagen", picture, image), ("La máscara", smaller, mask)):
        if got.shape != expected.shape:
            raise Mistake(
                f"{what}: la forma debe ser la misma, {expected.shape}, y es {got.shape}. ¿Falta ponerla en "
                "un lienzo del tamaño de antes, o has cambiado de orden el alto y el ancho?"
            )
        if got.dtype != expected.dtype:
            raise Mistake(f"{what}: debe ser de tipo {expected.dtype}, y es {got.dtype}.")
    _expect_smaller(smaller, mask, image)
    _expect_picture(picture, image, mask)
    return (
        "que la imagen y la máscara conservan la forma y el tipo",
        "que el sujeto mide la mitad, con sus colores, y está en el centro del lienzo",
        "que fuera de él todo es blanco",
    )


def _oblong_scene():
    """Una escena de 60 × 84 con fondo de colores, y la máscara de un sujeto que no está en el centro."""
    rows, columns = np.mgrid[:60, :84]
    image = np.stack([40 + 2 * rows, 200 - columns, 30 + rows + columns], axis=2).astype(np.uint8)
    mask = ((rows - 24) / 18) ** 2 + ((columns - 50) / 26) ** 2 < 1
    mask[40:56, 40:48] = True
    image[18:32, 42:58] = 255  # el sujeto también tiene blanco
    image[~mask] = (250, 120, 10)
    return image, mask


def _in_the_middle(mask, small):
    canvas = np.zeros_like(mask)
    top, left = ((whole - part) // 2 for whole, part in zip(mask.shape, small.shape, strict=True))
    canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
    return canvas


def _expect_smaller(smaller, mask, image) -> None:
    height, width = mask.shape
    middle = mask[height // 4 : height // 4 + height // 2, width // 4 : width // 4 + width // 2]
    corner = np.zeros_like(mask)
    corner[: height // 2, : width // 2] = mask[::2, ::2]
    place = np.zeros_like(mask)  # la elipse, con el mismo centro
    place[12 : 12 + height // 2, 25 : 25 + width // 2] = mask[::2, ::2]
    expected = _in_the_middle(mask, mask[::2, ::2])
    if _alike(smaller, expected):
        return
    for explanation, wrong in {
        "parece que no la has reducido: ya no señala al sujeto": mask,
        "parece que señala el fondo: es cierta en el sujeto": ~expected,
        "parece que recortaste el centro en lugar de reducir": _in_the_middle(mask, middle),
        "parece que la imagen reducida queda en una esquina; va en el centro": corner,
        "parece que la sacas de los colores, y el sujeto también puede tener blanco": _in_the_middle(
            mask, (mask & (image < 255).any(axis=2))[::2, ::2]
        ),
        "parece que está volteada": expected[::-1],
        "parece que redujiste a la cuarta parte cada lado": _in_the_middle(mask, mask[::4, ::4]),
        "parece que solo redujiste el alto": _in_the_middle(mask, mask[::2]),
        "parece que solo redujiste el ancho": _in_the_middle(mask, mask[:, ::2]),
        "parece que el sujeto se queda en su sitio; lo que va en el centro es la imagen reducida": place,
    }.items():
        if _alike(smaller, wrong):
            raise Mistake(f"La máscara: {explanation}.")
    ratio = smaller.sum() / mask.sum()
    if abs(ratio - 0.25) < 0.02:
        raise Mistake(
            "La máscara: ocupa lo debido, y no está en su lugar. La imagen reducida va en el centro: empieza "
            "a un cuarto del alto y a un cuarto del ancho."
        )
    raise Mistake(
        f"La máscara: ocupa {ratio:.2f} veces lo que antes, y debe ocupar la cuarta parte, 0,25. ¿Está cada "
        "lado a la mitad, y en el centro?"
    )


def _alike(one, other) -> bool:
    """Si dos máscaras coinciden, salvo un borde que depende de cómo se reduzca."""
    return bool((one & other).sum() > 0.9 * (one | other).sum())


def _expect_picture(picture, image, mask) -> None:
    expected = _in_the_middle(mask, mask[::2, ::2])
    kernel = np.ones((3, 3))
    around = cv2.dilate(expected.astype(np.uint8), kernel, iterations=2) == 0
    inside = cv2.erode(expected.astype(np.uint8), kernel, iterations=2) > 0
    outside = picture[around].astype(int)
    if not outside.any():
        raise Mistake("La imagen: fuera del sujeto es negra, y el lienzo es blanco, 255.")
    if (np.abs(outside - image[~mask][0]).max(axis=1) <= FAR).any():
        raise Mistake("La imagen: queda algo del fondo de antes, y fuera del sujeto todo debe ser blanco.")
    if (outside < 255).any():
        raise Mistake(f"La imagen: fuera del sujeto todo debe ser blanco, 255, y hay un {outside.min()}.")
    small = cv2.resize(image, (image.shape[1] // 2, image.shape[0] // 2), interpolation=cv2.INTER_AREA)
    canvas = np.full_like(image, 255)
    top, left = image.shape[0] // 4, image.shape[1] // 4
    canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
    difference = np.abs(picture[inside].astype(int) - canvas[inside])
    if difference.max() > FAR:
        raise Mistake(
            f"La imagen: los colores del sujeto no son los suyos; se apartan hasta {difference.max()} "
            "niveles. ¿Has reducido la imagen igual que la máscara, y en el mismo lugar?"
        )


EXERCISES = {
    "05-1": Exercise("Pegar todo un lote", paste_batch),
    "05-2": Exercise("Cuánto depende del fondo", dependence),
    "05-3": Exercise("Un intervalo demasiado estrecho", interval_of_individuals),
    "05-4": Exercise("El mismo caballo, dos respuestas", two_answers, "que lo hayas visto en el panel"),
    "05-5": Exercise("La mitad de grande", half_size, "con qué interpolación has reducido"),
    "05-6": Exercise("Un bosque vacío que se llama «caballo»"),
}
