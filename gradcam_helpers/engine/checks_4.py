"""Las comprobaciones de los ejercicios de la lección 4: el explorador."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from gradcam_helpers.engine.answers import Exercise, expect, image_and_layer, matches, numbers, several
from gradcam_helpers.engine.attempt import Mistake, Unanswered, call, kind

# --- 04-1: tres copias de la red ----------------------------------------------------------------------

HINTS = {
    "probabilidades": "La softmax solo mira la diferencia de los dos logits: ¿la cambia esa copia?",
    "mapa con signo": "El mapa sale del gradiente del logit de «caballo»: ¿qué le hace esa copia?",
    "mapa normalizado": "Normalizar divide entre el máximo: lo que multiplica a todo el mapa se va; lo "
    "que se le suma, no.",
    "lo que falta": "Lo que falta es el logit menos la suma de HiResCAM: ¿qué le hace esa copia a cada uno?",
}


def three_copies(answer):
    effects = _effects()
    if answer is ... or isinstance(answer, dict) and answer and all(each is ... for each in answer.values()):
        raise Unanswered
    if not isinstance(answer, dict) or set(answer) != set(effects):
        raise Mistake(f"Hace falta un diccionario con estas copias, y ninguna más: {_quote(effects)}.")
    for copy, said in answer.items():
        if said is ... or said == [...]:
            raise Mistake(f"Falta decir qué cambia en «{copy}». Si no cambia nada, una lista vacía.")
        if not isinstance(said, list | tuple | set | frozenset):
            raise Mistake(f"Lo que cambia en «{copy}» va en una lista, aunque sea una sola cosa o ninguna.")
        if unknown := [each for each in said if each not in list(HINTS)]:
            raise Mistake(f"En «{copy}» no se entiende «{unknown[0]}». Puede cambiar esto: {_quote(HINTS)}.")
    for copy, changed in effects.items():
        for thing, hint in HINTS.items():
            if (thing in answer[copy]) != changed[thing]:
                raise Mistake(f"En «{copy}», piensa otra vez en «{thing}». {hint}")
    return ["qué cambia en cada copia, medido en una red pequeña"]


def _effects() -> dict[str, dict[str, bool]]:
    """Qué cambia en cada copia de una red de una sola densa: se mide, no se da por sabido."""
    random = np.random.default_rng(3)
    activations = random.random((5, 4, 6))
    weights, bias = random.normal(scale=0.1, size=(5, 4, 6, 2)), random.normal(size=2)
    copies = {
        "por 2": (2 * weights, 2 * bias),
        "más 3": (weights, bias + 3),
        "más persona": (weights + weights[..., 1:], bias + bias[1]),
    }
    original = _measure(activations, weights, bias)
    return {
        copy: {
            thing: not matches(value, original[thing]) for thing, value in _measure(activations, *net).items()
        }
        for copy, net in copies.items()
    }


def _measure(activations, weights, bias) -> dict[str, object]:
    """Lo que se ve de una red: sus probabilidades y, de la clase 0, los mapas y lo que falta."""
    logits = np.einsum("ijk,ijkc->c", activations, weights) + bias
    gradient = weights[..., 0]
    raw = activations @ gradient.mean(axis=(0, 1))
    rectified = np.maximum(raw, 0)
    return {
        "probabilidades": np.exp(logits) / np.exp(logits).sum(),
        "mapa con signo": raw,
        "mapa normalizado": rectified / rectified.max(),
        "lo que falta": logits[0] - (gradient * activations).sum(),
    }


def _quote(names) -> str:
    return ", ".join(f"«{name}»" for name in names)


# --- 04-2: HiResCAM y lo que falta --------------------------------------------------------------------


def account_for_logit(answer):
    activations, gradients, logits, biases = _small_network()
    maps, missing = several(call(answer, activations, gradients, logits), ["los mapas", "lo que falta"])
    products = gradients * activations
    expected = products.sum(axis=-1)
    grad_cam = np.einsum("nk,nijk->nij", gradients.mean(axis=(1, 2)), activations)
    expect(
        maps,
        expected,
        "El mapa",
        {
            "El mapa: parece que promediaste el gradiente, y eso es Grad-CAM. HiResCAM multiplica cada "
            "activación por su propio gradiente.": grad_cam,
            "El mapa: parece que aplicaste la ReLU al sumar. El mapa va con signo: sin lo negativo, la suma "
            "no es lo que la capa recoge.": np.maximum(expected, 0),
            "El mapa: parece que aplicaste la ReLU antes de sumar los filtros, y eso es LayerCAM: lo que "
            "va en contra también cuenta.": np.maximum(products, 0).sum(axis=-1),
            "El mapa: parece que promediaste los filtros; aquí se suman.": products.mean(axis=-1),
            "El mapa: parece que sumaste las posiciones; se suman los filtros, y queda un valor por "
            "posición.": products.sum(axis=(1, 2)),
            "El mapa: parece que falta multiplicar por el gradiente.": activations.sum(axis=-1),
            "El mapa: parece que tomaste el valor absoluto; el mapa va con signo.": np.abs(expected),
        },
    )
    total = expected.sum(axis=(1, 2))
    expect(
        missing,
        biases,
        "Lo que falta",
        {
            "Lo que falta: parece que restaste al revés. Es lo que hay que sumar al mapa para llegar al "
            "logit.": -biases,
            "Lo que falta: parece que sumaste el mapa después de la ReLU.": logits
            - np.maximum(expected, 0).sum(axis=(1, 2)),
            "Lo que falta: parece que sumaste los mapas de todo el lote; a cada imagen le falta lo "
            "suyo.": logits - total.sum(),
            "Lo que falta: parece que promediaste el mapa en lugar de sumarlo.": logits
            - expected.mean(axis=(1, 2)),
            "Lo que falta: parece que dividiste entre el logit. Va en las unidades del logit, que puede "
            "valer 0.": biases / logits,
            "Lo que falta: parece que diste lo que la capa recoge. Falta restarlo del logit.": total,
            "Lo que falta: parece que tomaste el valor absoluto. Puede ser negativo.": np.abs(biases),
            "Lo que falta: parece que restaste la suma de Grad-CAM, que no es lo que la capa recoge.": logits
            - grad_cam.sum(axis=(1, 2)),
        },
    )
    return (
        "que el mapa es la suma, filtro a filtro y con signo, de activación por gradiente",
        "que lo que falta es, imagen a imagen, lo que aportan los sesgos de una red pequeña, también con "
        "activaciones que son todas 0",
    )


def _small_network():
    """Tres imágenes en una red lineal a trozos, de activaciones (5 × 4 × 6), una oculta y un logit.

    Devuelve activaciones, gradientes, logits y lo que aportan los sesgos (teorema de Euler). La última imagen
    no tiene nada activo: su logit es todo sesgo.
    """
    random = np.random.default_rng(9)
    activations = random.random((3, 5, 4, 6))
    activations[2] = 0
    first, second = random.normal(size=(120, 8)), random.normal(size=8)
    bias, last = random.normal(size=8), 0.7
    hidden = activations.reshape(3, -1) @ first + bias
    active = (hidden > 0) * second  # ∂y/∂(oculta antes de la ReLU)
    logits = hidden.clip(0) @ second + last
    gradients = (active @ first.T).reshape(activations.shape)
    return activations, gradients, logits, active @ bias + last


# --- 04-3: cuántas veces su superficie ----------------------------------------------------------------


def times_its_area(answer):
    random = np.random.default_rng(2)
    square = random.normal(size=(6, 6)).astype(np.float32)
    inside = np.zeros((18, 18), bool)
    inside[3:14, 5:12] = True
    _expect_times(answer, square, inside)
    _expect_times(answer, square - np.float32(0.5), inside)  # lo negativo suma más que lo positivo
    oblong = random.normal(size=(4, 6)).astype(np.float32)
    tall = np.zeros((18, 12), bool)
    tall[2:9, 3:11] = True
    try:
        _expect_times(answer, oblong, tall)
    except Mistake as mistake:
        raise Mistake(
            "Con un mapa cuadrado da lo debido, y con un mapa de 4 × 6 y una máscara de 18 × 12, no. ¿En qué "
            f"orden recibe los lados lo que amplía el mapa? Esto ocurre: {mistake}"
        ) from None
    for scale in (1e-9, 1e6):
        got = float(numbers(call(answer, scale * square, inside), "El resultado"))
        if not matches(got, _times(square, inside)):
            raise Mistake(
                "Multiplicar el mapa por un número cambia tu resultado, y la parte que cae en el sujeto es "
                "la misma. ¿Sumas algo al divisor para que no sea 0? Con un mapa pequeño, ese algo pesa."
            )
    none = "Con un mapa sin nada positivo tu función da None, y hace falta un NaN, `np.nan`."
    for empty in (np.zeros_like(square), -np.abs(square)):
        _expect_nothing(call(answer, empty, inside, nothing=none))
    away = np.zeros_like(square)
    away[0, 0] = 1
    if not matches(np.nan_to_num(call(answer, away, inside), nan=np.inf), 0.0):
        raise Mistake(
            "Si toda la relevancia cae en el fondo, el sujeto recibe 0 veces lo suyo. Es una medida: NaN es "
            "solo para el mapa vacío."
        )
    uniform = call(answer, np.full((4, 6), 0.3, np.float32), tall)
    expect(uniform, 1.0, "El resultado con un mapa uniforme")
    return (
        "que solo cuenta lo positivo del mapa, y la parte de su suma que cae en el sujeto",
        "que un mapa uniforme da 1, y que la escala del mapa no cuenta",
        "que vale para imágenes que no son cuadradas",
        "que de un mapa vacío da NaN, y 0 si todo cae en el fondo",
    )


def _expect_times(answer, raw, mask) -> None:
    got = call(answer, raw, mask)
    if isinstance(got, float | np.floating) and np.isnan(got):
        raise Mistake(
            "Con un mapa que tiene algo positivo da NaN, que es solo para el que no tiene nada. ¿Miras la "
            "suma con signo, o exiges un mínimo?"
        )
    signed, rectified = _enlarge(raw, mask), _enlarge(np.maximum(raw, 0), mask)
    expected, share, area = _times(raw, mask), _share(rectified, mask), mask.mean()
    small = cv2.resize(mask.astype(np.uint8), raw.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0
    expect(
        got,
        expected,
        "El resultado",
        {
            "Parece que cuentas también lo negativo del mapa, que resta: relevancia es solo lo "
            "positivo.": _share(signed, mask) / area,
            "Parece que tomaste el valor absoluto: lo que va en contra no es relevancia.": _share(
                np.abs(signed), mask
            )
            / area,
            "Parece que ampliaste el mapa antes de la ReLU: al interpolar, lo negativo se come parte de lo "
            "positivo que tiene al lado.": _share(np.maximum(signed, 0), mask) / area,
            "Parece que mides el fondo: la máscara es cierta en el sujeto.": (1 - share) / (1 - area),
            "Parece que falta comparar con lo que le toca: has dado la parte que cae en el sujeto.": share,
            "Parece que has dado la parte que cae en el sujeto, en tanto por ciento.": 100 * share,
            "Parece que has dado un tanto por ciento: 1 vez, y no 100, es lo que le toca.": 100 * expected,
            "Parece que restaste lo que le toca; se pregunta cuántas veces lo es.": share - area,
            "Parece que dividiste entre la superficie del fondo.": share / (1 - area),
            "Parece que comparas lo medio del sujeto con lo medio del fondo; lo que le toca es lo que daría "
            "un mapa uniforme en la imagen entera.": rectified[mask].mean() / rectified[~mask].mean(),
            "Parece que has dado la media del mapa dentro del sujeto, que depende de su escala.": rectified[
                mask
            ].mean(),
            "Parece que dividiste al revés: lo que le toca entre lo que recibe.": 1 / expected,
            "Parece que redujiste la máscara en lugar de ampliar el mapa: a esa resolución el sujeto pierde "
            "su contorno.": _share(np.maximum(raw, 0), small) / small.mean(),
        },
    )


def _expect_nothing(got) -> None:
    """Que sea NaN: de un mapa sin nada positivo no se puede decir nada."""
    try:
        number = float(np.asarray(got).astype(float, casting="same_kind"))
    except (TypeError, ValueError):
        raise Mistake(
            f"Con un mapa sin nada positivo hace falta un NaN, `np.nan`, y ha llegado «{kind(got)}»."
        ) from None
    if np.isinf(number):
        raise Mistake("Con un mapa sin nada positivo da infinito: se ha dividido entre cero.")
    if not np.isnan(number):
        raise Mistake(
            f"Con un mapa sin nada positivo da {number:.3g}, que se leería como una medida. No hay nada que "
            "medir, y eso es NaN, `np.nan`."
        )


def _times(raw, mask) -> float:
    return _share(_enlarge(np.maximum(raw, 0), mask), mask) / mask.mean()


def _share(large, mask) -> float:
    return large[mask].sum(dtype=np.float64) / large.sum(dtype=np.float64)


def _enlarge(raw, mask):
    return cv2.resize(raw, mask.shape[::-1], interpolation=cv2.INTER_LINEAR)


# --- 04-4: dos métodos que se contradicen -------------------------------------------------------------

LEAST, MOST = 0.9, 1.1  # veces lo que le toca: entre las dos no se aparta bastante


def contradiction(answer, count: int, layers: Sequence[str], measure: Callable):
    """Argumentos:
    count, layers: cuántas imágenes hay, y las capas de la red.
    measure: da las veces que el fondo recibe lo que le toca, `(grad_cam, hires_cam)`, en una imagen y capa.
    """
    position, layer = image_and_layer(answer, count, layers)
    times = dict(zip(("Grad-CAM", "HiResCAM"), measure(position, layer), strict=True))
    said = " y ".join(f"{value:.2f} veces según {method}" for method, value in times.items())
    where = f"En la imagen {position}, capa {layer}"
    for method, value in times.items():
        if np.isnan(value):
            raise Mistake(f"{where}, el mapa de {method} está vacío, y de él no se puede decir nada.")
    if min(times.values()) > 1:
        raise Mistake(f"{where}, los dos se inclinan hacia el fondo: recibe lo que le toca {said}.")
    if max(times.values()) < 1:
        raise Mistake(f"{where}, los dos se inclinan hacia el sujeto: el fondo recibe lo que le toca {said}.")
    if min(times.values()) > LEAST or max(times.values()) < MOST:
        raise Mistake(
            f"{where}, se contradicen por muy poco: el fondo recibe lo que le toca {said}. Hace falta que "
            f"uno pase de {MOST} y el otro no llegue a {LEAST}."
        )
    return [f"que en la imagen {position}, capa {layer}, un método se inclina hacia el fondo y el otro no"]


# --- 04-5: un mapa que tiene que salir vacío ----------------------------------------------------------

HORSE, PERSON = 0, 1


def empty_by_design(answer):
    random = np.random.default_rng(6)
    for scale in (1.0, 1e-3, 1e3):  # la densa debe servir con activaciones de cualquier tamaño
        means = scale * random.random((9, 7)).astype(np.float32)
        means[:, 3] = 0  # un filtro que nunca se activa
        ascending = means[means.sum(axis=1).argsort()]
        _expect_design(answer, means)
        for images in (ascending, ascending[::-1]):
            try:
                _expect_design(answer, images)
            except Mistake as mistake:
                raise Mistake(f"Con las mismas imágenes en otro orden ya no vale. {mistake}") from None
    return (
        "que el mapa de «persona» sale vacío con activaciones cualesquiera, y el de «caballo», no",
        "que todos los filtros cuentan",
        "que la red responde «persona» en unas imágenes y «caballo» en otras, sean grandes o pequeñas las "
        "activaciones",
    )


def _expect_design(answer, means) -> None:
    kernel, bias = _dense(call(answer, means), means.shape[1])
    _expect_empty(kernel)
    _expect_both_answers(means @ kernel + bias, bias)


def _dense(result, filters: int):
    kernel, bias = several(result, ["los pesos", "los sesgos"])
    kernel, bias = numbers(kernel, "Los pesos"), numbers(bias, "Los sesgos")
    if kernel.shape == (2, filters):
        raise Mistake(
            "Los pesos: parece que están traspuestos. Una densa guarda una fila por entrada, que aquí es un "
            "filtro, y una columna por clase."
        )
    if kernel.shape != (filters, 2):
        raise Mistake(f"Los pesos: con {filters} filtros la forma es {(filters, 2)}, y es {kernel.shape}.")
    if bias.shape != (2,):
        raise Mistake(f"Los sesgos: hace falta uno por clase, de forma (2,), y la forma es {bias.shape}.")
    return kernel, bias


def _expect_empty(kernel) -> None:
    """Tras un promedio global, cada filtro pesa en el mapa lo que en la densa, salvo un factor positivo."""
    person, horse = kernel[:, PERSON], kernel[:, HORSE]
    if not kernel.all():
        raise Mistake(
            "Los pesos: alguno es 0, y ese filtro no cuenta. Deben contar todos, en las dos clases."
        )
    if (person > 0).any() and not (horse > 0).any():
        raise Mistake("Sale vacío el mapa de «caballo»: ¿has cambiado las clases? «Persona» es la columna 1.")
    if (person > 0).any():
        raise Mistake(
            f"El mapa de «persona» no sale vacío: donde solo se active el filtro {person.argmax()}, por "
            "ejemplo, es positivo. Tiene que salir vacío con activaciones cualesquiera."
        )
    if (horse < 0).any():
        raise Mistake(
            f"Donde solo se active el filtro {horse.argmin()}, también el mapa de «caballo» sale vacío, y se "
            "pide solo el de «persona»."
        )


def _expect_both_answers(logits, bias) -> None:
    answers = logits.argmax(axis=1)
    if (answers == HORSE).all() and bias.any():
        raise Mistake(
            "Los mapas son los pedidos, pero la red responde siempre «caballo»: el sesgo no alcanza lo que "
            "separan los filtros de las dos columnas, o va en contra de «persona»."
        )
    if (answers == HORSE).all():
        raise Mistake(
            "Los mapas son los pedidos, pero la red responde siempre «caballo». Todo lo que se activa va en "
            "contra de «persona»: ¿qué más hay en una densa que pueda apoyarla?"
        )
    if (answers == PERSON).all():
        raise Mistake(
            "Los mapas son los pedidos, pero la red responde siempre «persona». El sesgo es mayor de lo que "
            "suman los filtros en todas las imágenes: elígelo mirando `means`."
        )


EXERCISES = {
    "04-1": Exercise("Tres copias de la red", three_copies),
    "04-2": Exercise("HiResCAM y lo que falta", account_for_logit),
    "04-3": Exercise("Cuántas veces su superficie", times_its_area),
    "04-4": Exercise("Dos métodos que se contradicen", contradiction, "que lo hayas visto en el panel"),
    "04-5": Exercise("Un mapa que tiene que salir vacío", empty_by_design),
    "04-6": Exercise("Un informe que dice demasiado"),
}
