"""Las respuestas de la lección 5: el experimento."""

import cv2
import numpy as np
import tensorflow as tf

from gradcam_helpers import data
from tests.ejercicios.answer import Answer

# --- 05-1 -------------------------------------------------------------------------------------------


def paste(images, masks, background):
    return np.where(masks[..., np.newaxis], images, background)


def paste_one_by_one(images, masks, background):
    pasted = np.stack([background] * len(images))
    for canvas, image, mask in zip(pasted, images, masks, strict=True):
        canvas[mask] = image[mask]
    return pasted


def paste_with_tensorflow(images, masks, background):
    return tf.where(tf.expand_dims(masks, -1), images, background)


def mask_for_background(images, masks, background):
    pasted = np.array(np.broadcast_to(background, images.shape))
    pasted[~masks] = images[~masks]
    return pasted


def one_mask_for_all(images, masks, background):
    return np.where(masks[0][..., np.newaxis], images, background)


def on_black(images, masks, background):
    return images * masks[..., np.newaxis]


def added(images, masks, background):
    return images * masks[..., np.newaxis] + background


def with_ring(images, masks, background):
    return data.replace_background(images, masks, background)


def in_place(images, masks, background):
    pasted = []
    for image, mask in zip(images, masks, strict=True):
        background[mask] = image[mask]
        pasted.append(background.copy())
    return np.array(pasted)


def images_in_place(images, masks, background):
    for image, mask in zip(images, masks, strict=True):
        image[~mask] = background[~mask]
    return images


def as_floats(images, masks, background):
    return paste(images, masks, background).astype(np.float32)


def divided(images, masks, background):
    return paste(images, masks, background) / 255


# --- 05-2 -------------------------------------------------------------------------------------------


def depends(answers):
    chosen = answers.argmax(axis=2)
    return (chosen[:, 1:] != chosen[:, :1]).mean(axis=1)


def depends_by_threshold(answers):
    person = answers[:, :, 1] > 0.5
    return [np.mean([each ^ one[0] for each in one[1:]]) for one in person]


def depends_with_tensorflow(answers):
    chosen = tf.argmax(answers, axis=-1)
    changes = tf.not_equal(chosen[:, 1:], chosen[:, :1])
    return tf.reduce_mean(tf.cast(changes, tf.float32), axis=1)


def with_white(answers):
    chosen = answers.argmax(axis=2)
    return (chosen != chosen[:, :1]).mean(axis=1)


def by_background(answers):
    chosen = answers.argmax(axis=2)
    return (chosen[:, 1:] != chosen[:, :1]).mean(axis=0)


def the_same(answers):
    return 1 - depends(answers)


def counted(answers):
    return depends(answers) * (answers.shape[1] - 1)


def in_percent(answers):
    return 100 * depends(answers)


def of_all(answers):
    return depends(answers).mean()


def with_the_previous(answers):
    chosen = answers.argmax(axis=2)
    return (chosen[:, 1:] != chosen[:, :-1]).mean(axis=1)


def says_person(answers):
    return answers[:, 1:].argmax(axis=2).mean(axis=1)


def by_probability(answers):
    return np.abs(answers[:, 1:, 1] - answers[:, :1, 1]).mean(axis=1)


# --- 05-3 -------------------------------------------------------------------------------------------


def resampled(values, who, generator, times=2000, among=np.unique, take=lambda photos: photos):
    """Las medias, sorteando individuos de los que da `among`, y de cada uno, las fotos que da `take`."""
    theirs = {each: values[who == each] for each in np.unique(who)}
    draws = generator.choice(among(who), size=(times, len(theirs)))
    return [np.concatenate([take(theirs[each]) for each in drawn]).mean() for drawn in draws]


def interval(values, who, generator):
    return np.percentile(resampled(values, who, generator), (2.5, 97.5))


def interval_by_counts(values, who, generator):
    _, group = np.unique(who, return_inverse=True)
    sizes, totals = np.bincount(group), np.bincount(group, values)
    times = generator.multinomial(len(sizes), [1 / len(sizes)] * len(sizes), size=2000)
    means = np.sort((times @ totals) / (times @ sizes))
    return float(means[50]), float(means[-51])


def by_photo(values, who, generator):
    means = [generator.choice(values, len(values)).mean() for _ in range(2000)]
    return np.percentile(means, (2.5, 97.5))


def in_two_stages(values, who, generator):
    """Sortea individuos y, después, las fotos de cada uno."""
    means = resampled(values, who, generator, 400, take=lambda photos: generator.choice(photos, len(photos)))
    return np.percentile(means, (2.5, 97.5))


def once_each(values, who, generator):
    people = np.unique(who)
    draws = generator.choice(people, size=(2000, len(people)))
    return np.percentile([values[np.isin(who, drawn)].mean() for drawn in draws], (2.5, 97.5))


def by_photos(values, who, generator):
    return np.percentile(resampled(values, who, generator, 1000, among=np.asarray), (2.5, 97.5))


def as_it_was(values, who, generator):
    means = [generator.choice(values, len(values)).mean() for _ in range(2000)]
    return np.percentile(means, (5, 95))


def without_replacement(values, who, generator):
    people = np.unique(who)
    draws = [generator.choice(people, len(people), replace=False) for _ in range(200)]
    means = [np.concatenate([values[who == each] for each in drawn]).mean() for drawn in draws]
    return np.percentile(means, (2.5, 97.5))


def ninety(values, who, generator):
    return np.percentile(resampled(values, who, generator), (5, 95))


def swapped(values, who, generator):
    return np.percentile(resampled(values, who, generator), (97.5, 2.5))


def one_error(values, who, generator, errors=1.0):
    means = resampled(values, who, generator)
    return np.mean(means) - errors * np.std(means), np.mean(means) + errors * np.std(means)


def two_errors(values, who, generator):
    return one_error(values, who, generator, 1.96)


def mean_of_means(values, who, generator):
    means = np.array([values[who == each].mean() for each in np.unique(who)])
    draws = generator.choice(means, size=(2000, len(means)))
    return np.percentile(draws.mean(axis=1), (2.5, 97.5))


def of_the_values(values, who, generator):
    return np.percentile(values, (2.5, 97.5))


def of_its_own(values, who, generator):
    return interval(values, who, np.random.default_rng(0))


def of_nobody(values, who, generator):
    return interval(values, who, np.random.default_rng())


def only_the_width(values, who, generator):
    low, high = interval(values, who, generator)
    return high - low


def too_few(values, who, generator):
    people = np.unique(who)[:3]
    few = np.isin(who, people)
    return interval(values[few], who[few], generator)


# --- 05-4 -------------------------------------------------------------------------------------------


def ask(position, place):
    person = 0.9 if place.startswith("duna") else 0.2
    return np.array([1 - person, person])


def found(answer, message=""):
    places = ["el suyo", "blanco", "bosque 1", "duna 1"]
    return Answer("05-4", answer, message, {"labels": np.array([0, 1, 0]), "places": places, "ask": ask})


# --- 05-5 -------------------------------------------------------------------------------------------


def on_white(image, mask):
    return np.where(mask[..., np.newaxis], image, np.uint8(255))


def shrink(array):
    height, width = array.shape[:2]
    return cv2.resize(array, (width // 2, height // 2), interpolation=cv2.INTER_AREA)


def centred(small, canvas):
    top, left = ((canvas.shape[i] - small.shape[i]) // 2 for i in (0, 1))
    canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
    return canvas


def half(image, mask):
    picture = centred(shrink(on_white(image, mask)), np.full_like(image, 255))
    smaller = shrink(mask.astype(np.float32)) >= 0.5
    return picture, centred(smaller, np.zeros_like(mask))


def half_by_steps(image, mask):
    height, width = mask.shape
    picture, smaller = np.full_like(image, 255), np.zeros_like(mask)
    window = np.s_[height // 4 : height // 4 + height // 2, width // 4 : width // 4 + width // 2]
    smaller[window] = mask[::2, ::2]
    picture[smaller] = image[::2, ::2][mask[::2, ::2]]
    return picture, smaller


def half_with_tensorflow(image, mask):
    height, width = mask.shape
    small = tf.image.resize(on_white(image, mask), (height // 2, width // 2), method="area")
    white = np.full(image.shape, 255, np.float32)
    picture = tf.cast(tf.round(centred(small.numpy(), white)), tf.uint8)
    return picture, centred(mask[1::2, 1::2], np.zeros_like(mask))


def with_its_background(image, mask):
    return centred(shrink(image), np.full_like(image, 255)), half(image, mask)[1]


def with_black(image, mask):
    picture = centred(shrink(image * mask[..., np.newaxis]), np.zeros_like(image))
    return picture, half(image, mask)[1]


def mask_as_it_was(image, mask):
    return half(image, mask)[0], mask


def in_a_corner(image, mask):
    height, width = mask.shape
    picture, smaller = np.full_like(image, 255), np.zeros_like(mask)
    picture[: height // 2, : width // 2] = shrink(on_white(image, mask))
    smaller[: height // 2, : width // 2] = mask[::2, ::2]
    return picture, smaller


def cropped(image, mask):
    window = np.s_[mask.shape[0] // 4 : -mask.shape[0] // 4, mask.shape[1] // 4 : -mask.shape[1] // 4]
    picture = centred(on_white(image, mask)[window], np.full_like(image, 255))
    return picture, centred(mask[window], np.zeros_like(mask))


def not_on_a_canvas(image, mask):
    return shrink(on_white(image, mask)), mask[::2, ::2]


def mask_as_numbers(image, mask):
    picture, smaller = half(image, mask)
    return picture, smaller.astype(np.uint8)


def picture_as_floats(image, mask):
    picture, smaller = half(image, mask)
    return picture / 255, smaller


def a_quarter(image, mask):
    small = shrink(shrink(on_white(image, mask)))
    smaller = mask[::4, ::4]
    return centred(small, np.full_like(image, 255)), centred(smaller, np.zeros_like(mask))


def only_the_mask(image, mask):
    return on_white(image, mask), half(image, mask)[1]


def upside_down(image, mask):
    picture, smaller = half(image, mask)
    return picture[::-1], smaller


def paste_on_the_same_copy(images, masks, background):
    canvas, pasted = background.copy(), []
    for image, mask in zip(images, masks, strict=True):
        canvas[mask] = image[mask]
        pasted.append(canvas.copy())
    return np.stack(pasted)


def paste_on_one_canvas(images, masks, background):
    canvas, pasted = background.copy(), []
    for image, mask in zip(images, masks, strict=True):
        canvas[mask] = image[mask]
        pasted.append(canvas)
    return np.stack(pasted)


def paste_without_batch(images, masks, background):
    return paste(images, masks, background).squeeze()


def mask_from_the_colors(image, mask):
    picture, _ = half(image, mask)
    return picture, (picture < 255).any(axis=2)


def half_off_center(image, mask):
    picture, smaller = half(image, mask)
    return np.roll(picture, 4, axis=0), np.roll(smaller, 4, axis=0)


RIGHT = [
    Answer("05-1", paste),
    Answer("05-1", paste_one_by_one),
    Answer("05-1", paste_with_tensorflow),
    Answer("05-2", depends),
    Answer("05-2", depends_by_threshold),
    Answer("05-2", depends_with_tensorflow),
    Answer("05-3", interval),
    Answer("05-3", interval_by_counts),
    found((2, "blanco", "duna 1")),
    found([np.int64(0), "bosque 1", "duna 1"]),
    Answer("05-5", half),
    Answer("05-5", half_by_steps),
    Answer("05-5", half_with_tensorflow),
]
WRONG = [
    Answer("05-1", paste_on_the_same_copy, "los anteriores siguen ahí"),
    Answer("05-1", paste_on_one_canvas, "son la misma copia del fondo"),
    Answer("05-1", paste_without_batch, "De un lote de una imagen"),
    Answer("05-5", mask_from_the_colors, "la sacas de los colores"),
    Answer("05-5", half_off_center, "no está en su lugar"),
    Answer("05-1", mask_for_background, "la máscara por el fondo"),
    Answer("05-1", one_mask_for_all, "la máscara de la primera"),
    Answer("05-1", on_black, "sobre negro"),
    Answer("05-1", added, "sumaste el fondo entero"),
    Answer("05-1", with_ring, "usaste `replace_background`"),
    Answer("05-1", in_place, "cambia lo que recibe, su argumento 3"),
    Answer("05-1", images_in_place, "cambia lo que recibe, su argumento 1"),
    Answer("05-1", as_floats, "de tipo float32"),
    Answer("05-1", divided, "has dividido entre 255"),
    Answer("05-2", with_white, "cuentas el blanco entre los fondos"),
    Answer("05-2", by_background, "has dado un valor por fondo"),
    Answer("05-2", the_same, "en que la respuesta es la misma"),
    Answer("05-2", counted, "cuántas veces cambia"),
    Answer("05-2", in_percent, "un tanto por ciento"),
    Answer("05-2", of_all, "promediaste a todos los sujetos"),
    Answer("05-2", with_the_previous, "cada fondo con el anterior"),
    Answer("05-2", says_person, "en que responde «persona»"),
    Answer("05-2", by_probability, "cuánto se mueve la probabilidad"),
    Answer("05-3", by_photo, "sorteas fotos, o tantos individuos"),
    Answer("05-3", as_it_was, "da lo que la función del enunciado"),
    Answer("05-3", without_replacement, "sorteas sin reposición"),
    Answer("05-3", ninety, "encierras el 90 % de las medias"),
    Answer("05-3", swapped, "cambiaste de orden los percentiles"),
    Answer("05-3", one_error, "la media y su error típico"),
    Answer("05-3", two_errors, "1,96 errores típicos"),
    Answer("05-3", mean_of_means, "promedias los individuos"),
    Answer("05-3", of_the_values, "percentiles de los valores"),
    Answer("05-3", of_its_own, "parece que creas otro dentro"),
    Answer("05-3", of_nobody, "Sortea con `generator`"),
    Answer("05-3", only_the_width, "son dos números"),
    Answer("05-3", too_few, "veces el ancho debido"),
    Answer("05-3", in_two_stages, "Con individuos de muchas y de pocas fotos, da de"),
    Answer("05-3", once_each, "cuenta una: se repiten sus fotos"),
    Answer("05-3", by_photos, "quien tiene más fotos sale más veces"),
    found((1, "blanco", "duna 1"), "hay una persona"),
    found((2, "duna 1", "blanco"), "al revés"),
    found((2, "blanco", "bosque 1"), "En los dos fondos la red responde «caballo»"),
    found((2, "blanco", "blanco"), "dos veces el mismo fondo"),
    found((2, "blanco", "duna"), "No hay ningún fondo «duna»"),
    found((3, "blanco", "duna 1"), "de la 0 a la 2"),
    found(("2", "blanco", "duna 1"), "un entero"),
    found((2, "duna 1"), "Hacen falta 3 cosas"),
    Answer("05-5", with_its_background, "queda algo del fondo de antes"),
    Answer("05-5", with_black, "fuera del sujeto es negra"),
    Answer("05-5", mask_as_it_was, "no la has reducido"),
    Answer("05-5", in_a_corner, "queda en una esquina"),
    Answer("05-5", cropped, "recortaste el centro"),
    Answer("05-5", not_on_a_canvas, "¿Falta ponerla en un lienzo"),
    Answer("05-5", mask_as_numbers, "debe ser de tipo bool"),
    Answer("05-5", picture_as_floats, "debe ser de tipo uint8"),
    Answer("05-5", a_quarter, "a la cuarta parte cada lado"),
    Answer("05-5", only_the_mask, "fuera del sujeto todo debe ser blanco"),
    Answer("05-5", upside_down, "La imagen: "),
]
