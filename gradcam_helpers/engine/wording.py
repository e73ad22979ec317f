"""Lo que se lee en el explorador: títulos y tablas, en HTML."""

import html

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_hex

from gradcam_helpers.engine.explanation import Explanation
from gradcam_helpers.engine.recording import Recording

SCORE_CHOICES = {"logit": "logit", "probabilidad": "probability"}
OWN_PHOTO = "Tu foto. Mueve «Imagen» o cambia «Mostrar» para volver."
EMPTY_MAP = (
    "<b>Mapa vacío.</b> Según este método, en ningún punto de esta capa lo que apoya la clase supera a lo "
    "que va en contra."
)
ROUNDED_AWAY = "Con la probabilidad puede ser solo redondeo: prueba con el logit."
MOST_ROWS, FIRST_ROWS = 10, 5  # si hay más clases, se leen solo las de mayor logit
MOST_NAMES = 12  # los que se leen de una lista larga


def describe_map(explanation: Explanation, class_name: str) -> str:
    """El título de un mapa: «Grad-CAM del logit de «caballo» en bloque3_conv2 (75 × 75)»."""
    (score,) = (name for name, score in SCORE_CHOICES.items() if score == explanation.score)
    article = "del" if score == "logit" else "de la"
    height, width = explanation.raw.shape[-2:]
    where = f"en {explanation.layer} ({height} × {width})"
    if explanation.method == "Eigen-CAM":
        return f"Eigen-CAM {where}; no depende de la clase"
    return f"{explanation.method} {article} {score} de «{class_name}» {where}"


def describe_wait(method: str, shown: str, layer: str, progress: tuple[int, int] | None = None) -> str:
    """El título del mapa de un método, que se ve mientras llega el de otro.

    Argumentos:
        method: el que se espera, que hace una predicción por filtro.
        shown: el que se ve.
        progress: cuántos filtros lleva y cuántos son, si ha empezado.
    """
    done = "{} de {} filtros".format(*progress) if progress else "una predicción por filtro"
    return f"{method}: {done}… Entretanto, {shown} en {layer}"


def describe_empty(score: str) -> str:
    """Lo que se lee en lugar de un mapa vacío, en HTML."""
    return EMPTY_MAP if score == "logit" else f"{EMPTY_MAP} {ROUNDED_AWAY}"


def describe_layer(explanation: Explanation, filters: int) -> str:
    """Lo que se lee bajo el nombre de una capa: «75 × 75 posiciones, 128 filtros»."""
    height, width = explanation.raw.shape[-2:]
    return f"{height} × {width} posiciones, {filters} filtros"


def describe_scores(outputs: Recording | Explanation, class_names, true_class: int | None = None) -> str:
    """Tabla HTML: logit y probabilidad de cada clase, cuál se predice y, si se sabe, cuál es la verdadera.

    Si hay muchas clases, solo las de mayor logit y la verdadera.

    Argumentos:
        outputs: lo que da los logits y las probabilidades de una imagen.
    """
    (logits,), (probabilities,) = outputs.logits, outputs.probabilities
    predicted = int(logits.argmax())
    rows, shown = [("clase", "logit", "probabilidad", "")], list(range(len(class_names)))
    if len(shown) > MOST_ROWS:
        best = np.argsort(-logits)[:FIRST_ROWS].tolist()
        shown = best + [true_class] * (true_class is not None and true_class not in best)
    for index in shown:
        roles = ["predicha"] * (index == predicted) + ["verdadera"] * (index == true_class)
        name = html.escape(class_names[index])
        rows.append((name, _signed(logits[index]), f"{probabilities[index]:.4f}", ", ".join(roles)))
    if len(shown) < len(class_names):
        rows.append((f"y otras {len(class_names) - len(shown)}", "", "", ""))
    return table(rows)


def list_names(names) -> str:
    """Nombres separados por comas; si son muchos, los primeros."""
    return ", ".join(names[:MOST_NAMES]) + (f"… ({len(names)} en total)" if len(names) > MOST_NAMES else "")


def describe_completeness(explanation: Explanation, gap: float, class_name: str) -> str:
    """Tabla HTML con barras: el logit de una clase, lo que suma activación × gradiente y lo que falta.

    Argumentos:
        explanation: de una imagen, con HiResCAM y el logit.
        gap: lo que falta, `cam.completeness_gap` de esa explicación.
    """
    accounted = explanation.raw[0].sum(dtype=np.float64)
    values = {
        f"logit de «{html.escape(class_name)}», <i>y</i>": accounted + gap,
        "activación × gradiente, Σ <i>A·g</i>": accounted,
        "lo que falta, <i>y</i> − Σ <i>A·g</i>": gap,
    }
    limit = _round_up(max(abs(value) for value in values.values()))
    decimals = max(2, 1 - int(np.floor(np.log10(limit))))
    rows = [(name, _signed(value, decimals), _bar(value / limit)) for name, value in values.items()]
    title = f"Completitud de {explanation.layer}"
    return table([(title, "", f"de −{limit:g} a +{limit:g}"), *rows])


def describe_colors(colormap: str, width: int) -> str:
    """La escala de colores de los mapas, en HTML: siempre de 0 a 1."""
    colors = ", ".join(to_hex(color) for color in colormaps[colormap](np.linspace(0, 1, 17)))
    return (
        f'<div style="width: {width}px; height: 0.8em; '
        f'background: linear-gradient(to right, {colors})"></div>'
        '<div style="display: flex; justify-content: space-between; line-height: 1.4">'
        "<span>0</span><span>relevancia (máximo = 1)</span><span>1</span></div>"
    )


def _signed(value: float, decimals: int = 2) -> str:
    return f"{value:+z.{decimals}f}".replace("-", "−")


def _round_up(value: float) -> float:
    """El menor 1, 2 o 5 · 10ⁿ que no es menor que `value`: el fondo de escala de una barra."""
    power = 10.0 ** np.floor(np.log10(value)) if value > 0 else 1.0
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value)


def _bar(fraction: float) -> str:
    """Una barra HTML desde el centro: a la derecha, roja, si es positiva; a la izquierda, azul, si no."""
    side, color = ("left", "#B2182B") if fraction >= 0 else ("right", "#2166AC")
    return (
        '<div style="width: 8em; height: 0.8em; position: relative; border: 1px solid gray">'
        f'<div style="position: absolute; {side}: 50%; width: {50 * abs(fraction):.1f}%; height: 100%; '
        f'background: {color}"></div></div>'
    )


def table(rows) -> str:
    """Una tabla HTML: la primera fila son los títulos."""
    (titles, *body), style = rows, "style='padding: 0 1em 0 0; text-align: left'"
    cells = ["".join(f"<th {style}>{cell}</th>" for cell in titles)]
    cells += ["".join(f"<td {style}>{cell}</td>" for cell in row) for row in body]
    return f"<table>{''.join(f'<tr>{row}</tr>' for row in cells)}</table>"
