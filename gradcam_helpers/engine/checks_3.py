"""Las comprobaciones de los ejercicios de la lección 3: Grad-CAM, paso a paso."""

import itertools
from collections import Counter
from collections.abc import Iterator

import cv2
import numpy as np
from matplotlib import colormaps

from gradcam_helpers.engine.answers import Exercise, expect, image_and_layer, matches, numbers
from gradcam_helpers.engine.attempt import Mistake, Unanswered, call, kind
from gradcam_helpers.engine.backend import keras, tf
from gradcam_helpers.engine.suspects import EVIDENCE, LINEUP, NO_MISTAKE

MAPS = (1, 2)  # los ejes de las posiciones
RIGHT = ""  # el paso sin error
NEAR_COLOR = 10  # de 0 a 255: de un color de «inferno» a los dos siguientes no va más
MOST = 2 / 3  # de la relevancia: lo que debe tener, al menos, el fondo en 03-4
REPEATED = 2  # sospechosas entre las que se puede dudar con un mismo veredicto en 03-6


def _ways(*steps) -> Iterator[tuple[str, tuple]]:
    """Las maneras de dar unos pasos, las de menos errores primero: lo que se dice de cada una, y sus pasos.

    Argumentos:
        steps: de cada paso, las parejas `(explicación del error, función)`; la del que está bien es `RIGHT`.
    """

    def explanations(way):
        return [explanation for explanation, _ in way if explanation != RIGHT]

    for way in sorted(itertools.product(*steps), key=lambda way: len(explanations(way))):
        first, *others = explanations(way) or [RIGHT]
        yield first + (" Y no es el único error." if others else ""), tuple(step for _, step in way)


def _accuse(got, results, same=matches) -> None:
    """Nombra el error de un resultado, si es uno de los conocidos: parejas `(explicación, resultado)`."""
    explanation = next((explanation for explanation, wrong in results if same(got, wrong)), RIGHT)
    if explanation != RIGHT:
        raise Mistake(explanation)


def _divide(values, divisor):
    return np.divide(values, divisor, out=np.zeros_like(values), where=divisor != 0)


def _relu(values):
    return np.maximum(values, 0)


def _highest(maps):
    return maps.max(MAPS, keepdims=True)


# De los gradientes a los pesos.
WEIGHINGS = [
    (RIGHT, lambda gradients: gradients.mean(MAPS, keepdims=True)),
    (
        "Parece que promediaste también el eje del lote: cada imagen tiene sus propios pesos, y los tuyos "
        "mezclan las tres.",
        lambda gradients: gradients.mean((0, *MAPS)),
    ),
    (
        "Parece que tomaste el valor absoluto del gradiente: los pesos conservan el signo.",
        lambda gradients: np.abs(gradients).mean(MAPS, keepdims=True),
    ),
    (
        "Parece que aplicaste la ReLU al gradiente: los pesos conservan el signo; la ReLU llega después.",
        lambda gradients: _relu(gradients).mean(MAPS, keepdims=True),
    ),
    ("Parece que tomaste el máximo del gradiente en lugar de su promedio.", _highest),
    (
        "Parece que promediaste en los ejes 0 y 1: eran las posiciones de una imagen sola, y en un lote el 0 "
        "es el lote.",
        lambda gradients: gradients.mean((0, 1), keepdims=True),
    ),
    (
        "Parece que promediaste en los ejes 2 y 3, y el 3 es el de los filtros.",
        lambda gradients: gradients.mean((2, 3), keepdims=True),
    ),
    (
        "Parece que no promediaste el gradiente en las posiciones: eso es HiResCAM, otro método.",
        lambda gradients: gradients,
    ),
    (
        "Parece que promediaste los filtros: hace falta un peso por filtro, y has dado uno por posición.",
        lambda gradients: gradients.mean(axis=3, keepdims=True),
    ),
    ("Parece que sumaste los mapas sin sus pesos: nada dependería de la clase.", np.ones_like),
]
# De los mapas con signo a los de calor.
FINISHES = [
    (RIGHT, lambda raw: _divide(_relu(raw), _highest(_relu(raw)))),
    (
        "Parece que tomaste el valor absoluto en lugar de la ReLU: lo que va en contra sale tan claro como "
        "lo que apoya la clase.",
        lambda raw: _divide(np.abs(raw), _highest(np.abs(raw))),
    ),
    ("Parece que falta la ReLU: hay valores negativos.", lambda raw: _divide(raw, _highest(raw))),
    (
        "Parece que dividiste todo el lote entre un mismo máximo: cada mapa se divide entre el suyo.",
        lambda raw: _divide(_relu(raw), raw.max()),
    ),
    (
        "Parece que dividiste entre el mayor valor absoluto: hace falta el máximo de lo que deja la ReLU.",
        lambda raw: _divide(_relu(raw), _highest(np.abs(raw))),
    ),
    (
        "Parece que llevaste cada mapa a 0…1 restando su mínimo: así el 0 es lo más contrario a la clase. "
        "Hace falta la ReLU.",
        lambda raw: _divide(raw - raw.min(MAPS, keepdims=True), np.ptp(raw, MAPS, keepdims=True)),
    ),
    (
        "Parece que, después de la ReLU, restaste el mínimo de cada mapa: así sale negro lo que apoya poco "
        "la clase. Solo se divide.",
        lambda raw: _divide(
            _relu(raw) - _relu(raw).min(MAPS, keepdims=True), np.ptp(_relu(raw), MAPS, keepdims=True)
        ),
    ),
    ("Parece que falta normalizar: el máximo de cada mapa debe ser 1.", _relu),
]


def _accuse_safeguard(heatmaps, expected) -> None:
    """Nombra el error de unos mapas en los que el segundo, y solo él, debe estar vacío."""
    if heatmaps.shape != expected.shape or matches(heatmaps, expected):
        return
    if heatmaps.max() == 0:
        raise Mistake(
            "Solo uno de los tres mapas debe quedar vacío, y lo están todos. Parece que la salvaguarda mira "
            "el lote entero."
        )
    if matches(heatmaps[[0, 2]], expected[[0, 2]]) and heatmaps[1].min() > 0:
        raise Mistake(
            "Si nada apoya la clase, el mapa debe quedar vacío, y el tuyo no tiene ningún cero. Parece que "
            "divides por su máximo un mapa negativo, o que la salvaguarda devuelve otra cosa."
        )
    if matches(heatmaps[[0, 2]], expected[[0, 2]]):
        raise Mistake(
            "El mapa vacío debe ser todo ceros, y el tuyo tiene otros valores. Si usaste `where` en "
            "`np.divide`, donde no divide deja lo que hubiera en `out`: dale uno de ceros."
        )


def explain_batch(answer):
    random = np.random.default_rng(9)  # con mapas en que pesa más lo que va en contra
    activations = random.random((3, 5, 4, 6), np.float32)
    gradients = random.normal(size=activations.shape).astype(np.float32)
    gradients[2] = np.abs(gradients[2])  # en la última, todo apoya la clase
    results = [
        (explanation, finish((weigh(gradients) * activations).sum(axis=-1)))
        for explanation, (weigh, finish) in _ways(WEIGHINGS, FINISHES)
    ]
    (_, weigh), (_, finish) = WEIGHINGS[0], FINISHES[0]
    by_filter = _relu(weigh(gradients) * activations)
    results += [
        (
            "Parece que la ReLU llega antes de sumar los filtros: los que van en contra también cuentan.",
            finish(by_filter.sum(axis=-1)),
        ),
        (
            "Parece que las activaciones y los gradientes están cambiados de orden.",
            finish((weigh(activations) * gradients).sum(axis=-1)),
        ),
    ]
    heatmaps = numbers(call(answer, activations, gradients), "Los mapas")
    _accuse(heatmaps, results)
    (_, expected), *_ = results
    expect(heatmaps, expected, "Los mapas")
    alone = numbers(call(answer, activations[:1], gradients[:1]), "El mapa de un lote de una imagen")
    expect(alone, expected[:1], "El mapa de un lote de una imagen")

    small = numbers(call(answer, activations, 1e-7 * gradients), "Los mapas de gradientes muy pequeños")
    if small.shape == expected.shape and not matches(small, expected):
        raise Mistake(
            "Con gradientes diez millones de veces menores, los mapas deben ser los mismos, y el máximo del "
            f"primero es {small[0].max():.3g}. Parece que sumas algo al divisor, o que das por vacío lo que "
            "solo es pequeño."
        )
    expect(small, expected, "Los mapas de gradientes muy pequeños")
    gradients[1] = -np.abs(gradients[1])
    expected[1] = 0
    what = "Los mapas, cuando en una imagen nada apoya la clase"
    heatmaps = numbers(call(answer, activations, gradients), what)
    _accuse_safeguard(heatmaps, expected)
    expect(heatmaps, expected, what)
    return (
        "que cada filtro pesa el promedio de su gradiente, con su signo",
        "que cada mapa se divide entre su máximo, por pequeño que sea",
        "que sin nada que apoye la clase el mapa es todo ceros",
    )


class HalfOff(keras.layers.Layer):
    """Un dropout sin azar, que al entrenar apaga siempre la primera mitad: así se reconoce."""

    def call(self, inputs, training=False):
        half = inputs.shape[-1] // 2
        return tf.concat([0 * inputs[:, :half], 2 * inputs[:, half:]], axis=-1) if training else inputs


def _classifier():
    """Un cuerpo con una capa oculta y apagado, y una salida de tres clases, con pesos siempre iguales."""
    layers = keras.layers
    body = keras.Sequential(
        [keras.Input((5, 4, 6)), layers.Flatten(), layers.Dense(8, activation="relu"), HalfOff()]
    )
    output = layers.Dense(3, activation="softmax")
    output.build((None, 8))
    random = np.random.default_rng(20)  # con ellos, cada imagen de la comprobación es de una clase
    for part in (body, output):
        part.set_weights([random.normal(size=weight.shape) / 2 for weight in part.get_weights()])
    return body, output


def _differentiate(body, output, activations, score, training: bool = False) -> np.ndarray:
    with tf.GradientTape() as tape:
        tape.watch(activations)
        value = score(body(activations, training=training) @ output.kernel + output.bias)
    return tape.gradient(value, activations).numpy()


def differentiate_logit(answer):
    body, output = _classifier()
    activations = tf.constant(np.random.default_rng(4).random((3, 5, 4, 6), np.float32))
    target, others = 1, (0, 2)

    def derive(score, **options):
        return _differentiate(body, output, activations, score, **options)

    expected = derive(lambda logits: logits[:, target])
    unseen = (
        "la cinta no ha visto cómo se llega de las activaciones a la puntuación: pídele que las observe y "
        "haz toda la cuenta dentro de «with», con TensorFlow, sin `numpy()` ni `predict`."
    )
    try:
        gradient = call(
            answer,
            *(body, output, activations, target),
            nothing=f"Tu función devuelve None. O falta «return», o {unseen}",
        )
    except Mistake as mistake:
        if "no attribute '_id'" in str(mistake):  # lo que dice TensorFlow de una puntuación de NumPy
            raise Mistake(f"La puntuación no es de TensorFlow, y {unseen}") from None
        raise
    if output.activation is not keras.activations.softmax:
        raise Mistake(
            "Tu función cambia la activación de la capa de salida, y quien la use después tendrá otra red. "
            "Calcula los logits con sus pesos, «output.kernel» y «output.bias»."
        )
    if isinstance(gradient, list | tuple):
        raise Mistake(
            "Hace falta un gradiente, y ha llegado una lista. Parece que derivaste respecto de varias cosas: "
            "aquí solo interesan las activaciones."
        )
    gradient = numbers(gradient, "El gradiente")
    if gradient.shape == output.kernel.shape:
        raise Mistake(
            "El gradiente tiene la forma de los pesos de la salida. Parece que derivaste respecto de ellos: "
            "Grad-CAM deriva respecto de las activaciones."
        )
    mistakes = {
        "Parece que derivaste la probabilidad: la puntuación es el logit, antes de la softmax.": derive(
            lambda logits: tf.nn.softmax(logits)[:, target]
        ),
        "Parece que derivaste el logaritmo de la probabilidad, como al entrenar: la puntuación es el "
        "logit.": derive(lambda logits: tf.nn.log_softmax(logits)[:, target]),
        "Parece que aplicaste la softmax dos veces: «output» ya la lleva.": derive(
            lambda logits: tf.nn.softmax(tf.nn.softmax(logits))[:, target]
        ),
        "Parece que sumaste los logits de todas las clases: solo se deriva el de la clase pedida.": derive(
            lambda logits: logits
        ),
        "Parece que derivaste el mayor logit de cada imagen: se pide el de una clase, sea o no la "
        "predicha.": derive(lambda logits: tf.reduce_max(logits, axis=-1)),
        "Parece que tomaste una fila de los logits: cada fila es una imagen, y cada columna, una "
        "clase.": derive(lambda logits: logits[target]),
        "Parece que solo derivaste el logit de la primera imagen: a las demás les llega un gradiente "
        "cero.": derive(lambda logits: logits[0, target]),
        "Parece que promediaste los logits del lote: el gradiente de cada imagen no debe depender de cuántas "
        "vayan con ella.": derive(lambda logits: tf.reduce_mean(logits[:, target])),
        "Parece que la red está en modo de entrenamiento, y su dropout apaga unidades. Al explicar, "
        "«training=False».": derive(lambda logits: logits[:, target], training=True),
        "Parece que el signo está cambiado: se busca lo que aumenta el logit.": -expected,
        "Parece que ya promediaste el gradiente: aquí se pide entero, con la forma de las activaciones.": (
            expected.mean(axis=MAPS)
        ),
    }
    for other in others:
        explanation = f"Parece que derivaste el logit de la clase {other}, y se pedía la {target}."
        mistakes[explanation] = derive(lambda logits, other=other: logits[:, other])
    expect(gradient, expected, "El gradiente", mistakes)
    return (
        "que es el gradiente del logit de esa clase, imagen a imagen",
        "que el dropout está apagado y que las dos partes quedan como estaban",
    )


WHOLE = (
    "Parece que sumas los colores a la imagen entera. La suma pasa de 255, y en uint8 256 vuelve a ser 0: lo "
    "más claro sale oscuro. Al mezclar, la imagen pierde lo que el mapa gana."
)
REVERSED = "Parece que la opacidad está al revés: con 0 se ve solo la imagen, y con 1, solo el mapa."
ENLARGEMENTS = [
    (RIGHT, cv2.resize),
    (
        "Parece que ampliaste el mapa repitiendo valores: se pide una ampliación lineal.",
        lambda heatmap, size: cv2.resize(heatmap, size, interpolation=cv2.INTER_NEAREST),
    ),
    (
        "Parece que el mapa está traspuesto, con sus filas en lugar de sus columnas.",
        lambda heatmap, size: cv2.resize(heatmap.T, size),
    ),
    (
        "Parece que divides el mapa otra vez entre su máximo: su color dice cuánto vale, llegue a 1 o no.",
        lambda heatmap, size: cv2.resize(heatmap / heatmap.max(), size),
    ),
]
COLORS = [
    (RIGHT, lambda heatmap: 255 * colormaps["inferno"](heatmap)[..., :3]),
    (
        "Parece que los colores van de 0 a 1 y la imagen, de 0 a 255: el mapa apenas se ve.",
        lambda heatmap: colormaps["inferno"](heatmap)[..., :3],
    ),
    (
        "Parece que los colores están en el orden de OpenCV, azul, verde y rojo; los de la imagen, al revés.",
        lambda heatmap: 255 * colormaps["inferno"](heatmap)[..., 2::-1],
    ),
    (
        "Parece que usaste «jet»: se pide «inferno», que no dibuja fronteras donde no las hay.",
        lambda heatmap: 255 * colormaps["jet"](heatmap)[..., :3],
    ),
]
MIXTURES = [
    (RIGHT, lambda image, colors, opacity: (1 - opacity) * image + opacity * colors),
    (REVERSED, lambda image, colors, opacity: opacity * image + (1 - opacity) * colors),
    (WHOLE, lambda image, colors, opacity: image + opacity * colors),
    (
        "Parece que la imagen y los colores llevan el mismo peso: los dos deben sumar 1, y con opacidad 0 no "
        "debe quedar nada del mapa.",
        lambda image, colors, opacity: (1 - opacity) * image + (1 - opacity) * colors,
    ),
    (f"{WHOLE} Y no es el único error.", lambda image, colors, opacity: image + (1 - opacity) * colors),
]
# Lo que hace uint8 con lo que no cabe no es un error más: no pasa si se mezcla bien.
FITS = [
    (RIGHT, lambda values: np.clip(values, 0, 255)),
    (RIGHT, lambda values: values.astype(int) % 256),
    (RIGHT, lambda values: np.rint(values) % 256),
]


def _blends(image, heatmap, opacity) -> Iterator[tuple[str, np.ndarray]]:
    for explanation, (enlarge, color, mix, fit) in _ways(ENLARGEMENTS, COLORS, MIXTURES, FITS):
        yield explanation, fit(mix(image, color(enlarge(heatmap, image.shape[1::-1])), opacity))


def _same_colors(one, other) -> bool:
    """Si dos imágenes son iguales, con el redondeo de cualquier paso, que da un color cercano."""
    return one.shape == other.shape and bool((np.abs(one.astype(float) - other) <= NEAR_COLOR).all())


def _expect_blend(answer, image, heatmap, opacity, what: str) -> np.ndarray:
    """Lo que da, si es lo debido; si es lo que daría un error conocido, se nombra."""
    results = list(_blends(image, heatmap, opacity))
    blended = numbers(call(answer, image, heatmap, opacity), what)
    _accuse(blended, results, _same_colors)
    if not _same_colors(blended, results[0][1]):
        expect(blended, results[0][1], what)
    return blended


def overlay(answer):
    random = np.random.default_rng(5)
    heatmap = random.random((5, 4), np.float32)
    square, wide = (random.integers(0, 256, (30, width, 3), np.uint8) for width in (30, 50))
    blended = _expect_blend(answer, square, heatmap, 0.3, "La imagen cuadrada")
    if blended.dtype != np.uint8:
        raise Mistake(
            f"Los valores son los debidos, pero el tipo es {blended.dtype}: una imagen de 0 a 255 es uint8."
        )
    what = "La imagen de 30 × 50 píxeles (alto × ancho)"
    try:
        blended = numbers(call(answer, wide, heatmap, 0.8), what)
    except Mistake as mistake:
        raise Mistake(
            f"Con una imagen cuadrada va bien, y con una apaisada no. {mistake} ¿En qué orden van el alto y "
            "el ancho?"
        ) from None
    _, expected = next(_blends(wide, heatmap, 0.8))
    if not _same_colors(blended, expected):
        expect(blended, expected, what)
    dark, nothing = np.full_like(square, 100), np.zeros_like(heatmap)
    what = "Con una imagen toda oscura y un mapa vacío, la mezcla"
    _, expected = next(_blends(dark, nothing, 0.3))
    blended = numbers(call(answer, dark, nothing, 0.3), what)
    if not _same_colors(blended, expected):
        raise Mistake(
            f"{what} llega a {blended.max():.0f}, y debe quedar más oscura que la imagen. Parece que "
            "repartes los valores otra vez de 0 a 255: bien mezclados, no se salen nunca."
        )
    _expect_blend(answer, wide, 0.6 * heatmap, 0.8, "Con un mapa que no llega a 1, la mezcla")
    opaque = numbers(call(answer, wide, np.ones_like(heatmap), 1.0), "La imagen con opacidad 1")
    brightest = opaque[0, 0].astype(int).tolist()
    color = 255 * np.array(colormaps["inferno"](1.0)[:3])
    if brightest not in (np.rint(color).tolist(), np.trunc(color).tolist()):
        raise Mistake(
            "Con opacidad 1 y un mapa de unos debe quedar el último color de «inferno», y queda "
            f"{brightest}. ¿De cuánto a cuánto da los colores `colormaps`, y de cuánto a cuánto la imagen?"
        )
    return (
        "el tamaño, también con una imagen que no es cuadrada",
        "los colores y su mezcla, con dos opacidades",
        "que una imagen oscura se queda oscura",
    )


def brightest_inside(answer, explainer, batch, masks):
    image, layer = image_and_layer(answer, len(batch), explainer.layer_names)
    explanation = explainer.explain(batch[image : image + 1], layer=layer)
    if explanation.empty[0]:
        raise Mistake("Ese mapa está vacío: no tiene ningún punto más claro que los demás.")
    mask = masks[image]
    heatmap = cv2.resize(explanation.heatmap[0], mask.shape[::-1])
    share = heatmap[~mask].sum() / heatmap.sum()
    said = f"en el fondo cae el {100 * share:.0f} % de la relevancia"
    inside = mask[np.unravel_index(heatmap.argmax(), heatmap.shape)]
    if not inside and share < MOST:
        raise Mistake(f"El punto más claro de ese mapa cae en el fondo, y {said}: falta lo uno y lo otro.")
    if not inside:
        raise Mistake(f"El punto más claro de ese mapa no cae en el sujeto, aunque {said}. Busca otro.")
    if share < MOST:
        raise Mistake(
            f"El punto más claro cae en el sujeto, pero {said}. Hacen falta al menos dos tercios: busca un "
            "mapa de fondo menos apagado, en que muchos de sus puntos tengan un poco."
        )
    return "que el punto más claro cae en el sujeto", f"que, sin embargo, {said}"


def judge_suspects(verdicts):
    """La cacería: cuántos veredictos se sostienen y por qué no los demás, sin decir cuál les toca."""
    if verdicts is ...:
        raise Unanswered
    if not isinstance(verdicts, dict):
        raise Mistake(f"Hace falta un diccionario, y ha llegado «{kind(verdicts)}».")
    given = dict(_verdict(*each) for each in verdicts.items() if each[1] is not ...)
    if not given:
        raise Unanswered
    wrong = [letter for letter in sorted(given) if given[letter] != LINEUP[letter]]
    if wrong or len(given) < len(LINEUP):
        raise Mistake(_score_card(given, wrong))
    return ("los nueve veredictos: ocho errores y una inocente",)


def _verdict(letter, word) -> tuple[str, str]:
    """Un veredicto escrito como en `hunt.VERDICTS`, aunque cambien las mayúsculas o los espacios."""
    known = str(letter).strip().upper()
    if known not in LINEUP:
        raise Mistake(f"No hay ninguna sospechosa «{letter}». Son {', '.join(LINEUP)}.")
    if not isinstance(word, str):
        raise Mistake(f"El veredicto de {known} debe ser un texto, y ha llegado «{kind(word)}».")
    plain = " ".join(word.split()).lower()
    if plain not in EVIDENCE:
        raise Mistake(f"El veredicto de {known}, «{word}», no está en «hunt.VERDICTS». Cópialo de ahí.")
    return known, plain


def _score_card(given, wrong) -> str:
    missing = [letter for letter in LINEUP if letter not in given]
    held = len(given) - len(wrong)
    lines = [
        f"Se {'sostiene 1 veredicto' if held == 1 else f'sostienen {held} veredictos'} de {len(LINEUP)}."
    ]
    if missing:
        lines.append(f"Sin veredicto: {', '.join(missing)}.")
    word, times = Counter(given.values()).most_common(1)[0]
    if times > REPEATED:  # con un veredicto para todas, decir cuáles no lo sostienen delata a la que sí
        lines.append(f"«{word}» le toca a una como mucho, y se lo das a {times}: así no se dan razones.")
        return "\n".join(lines)
    return "\n".join(lines + [f"  {letter}: {_objection(letter, given[letter])}" for letter in wrong])


def _objection(letter: str, verdict: str) -> str:
    """Por qué no se sostiene un veredicto: una identidad en que el error y la sospechosa no coinciden."""
    failed, expected = EVIDENCE[LINEUP[letter]], EVIDENCE[verdict]
    unexplained = [name for name in failed if name not in expected]
    if unexplained and verdict == NO_MISTAKE:
        return f"falla en «{unexplained[0]}», así que se equivoca en algo."
    if unexplained:
        return f"falla en «{unexplained[0]}», y quien «{verdict}» no falla ahí."
    (absent, *_) = (name for name in expected if name not in failed)
    return f"cumple «{absent}», y quien «{verdict}» no lo cumple."


EXERCISES = {
    "03-1": Exercise(
        "De una imagen a un lote",
        explain_batch,
        "si sumas donde se promedia, que al normalizar da lo mismo",
    ),
    "03-2": Exercise(
        "Derivar el logit",
        differentiate_logit,
        "el sesgo, que no cambia el gradiente",
    ),
    "03-3": Exercise("Tres errores al superponer", overlay),
    "03-4": Exercise(
        "El punto más claro y la suma",
        brightest_inside,
        "que lo hayas encontrado mirando y no por azar",
    ),
    "03-5": Exercise("Una frase de más"),
    "03-6": Exercise("La cacería", judge_suspects, "con qué identidades has llegado a cada veredicto"),
}
