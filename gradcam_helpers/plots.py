"""Figuras del curso: imágenes, mapas de calor superpuestos y curvas. Todas devuelven la figura."""

import numbers

import cv2
import matplotlib.pyplot as plt
import numpy as np
from matplotlib import colormaps
from matplotlib.patches import FancyBboxPatch

from gradcam_helpers import formulas
from gradcam_helpers.engine.inputs import check_color, check_count, check_real, check_titles

DPI = 80  # con más, los cuadernos pesarían demasiado: cada uno guarda todas sus figuras
WIDEST = 8  # pulgadas de una fila: con más, un cuaderno de ocho figuras pasaría de 1 MB
COLORMAP = "inferno"  # perceptualmente uniforme, y se distingue también sin percibir el rojo o el verde


def overlay(image: np.ndarray, heatmap: np.ndarray, opacity: float = 0.5) -> np.ndarray:
    """Mezcla una imagen con los colores de su mapa de calor.

    Argumentos:
        image: uint8 (alto, ancho, 3).
        heatmap: float (h, w) entre 0 y 1, a cualquier resolución.
        opacity: de 0 (solo la imagen) a 1 (solo el mapa).

    Devuelve uint8 (alto, ancho, 3).

    Errores:
        ValueError: `opacity` o los valores del mapa se salen de 0…1, o la imagen no es uint8 en color.
    """
    if not isinstance(opacity, numbers.Real) or not 0 <= opacity <= 1:
        raise ValueError(f"La opacidad va de 0 a 1, y es {opacity!r}.")
    image, heatmap = check_color("La imagen", image), np.asarray(heatmap)
    if heatmap.ndim != 2 or not (heatmap.min() >= 0 and heatmap.max() <= 1):
        raise ValueError("El mapa de calor debe tener forma (alto, ancho) y valores entre 0 y 1.")
    (resized,) = formulas.resize_heatmaps(heatmap[np.newaxis], image.shape[:2])
    colors = colormaps[COLORMAP](resized)[..., :3] * 255
    return np.rint((1 - opacity) * image + opacity * colors).astype(np.uint8)


def draw_outline(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Copia de una imagen uint8 con el borde de una máscara bool (alto, ancho): blanco, entre dos negros."""
    if np.shape(mask) != np.shape(image)[:2]:
        raise ValueError(
            f"La máscara debe ser del tamaño de la imagen, {image.shape}, y es {np.shape(mask)}."
        )
    outlined = image.copy()
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(outlined, contours, -1, (0, 0, 0), 3)
    cv2.drawContours(outlined, contours, -1, (255, 255, 255), 1)
    return outlined


def show_images(images, titles, columns: int = 4, title: str | None = None) -> plt.Figure:
    """Rejilla de imágenes (H, W, 3), cada una con su rótulo."""
    figure, axes = _grid(images, titles, columns)
    for axis, image in zip(axes, images, strict=True):
        axis.imshow(image)
    if title:
        figure.suptitle(title)
    return figure


def show_overlays(images, heatmaps, titles, columns: int = 2, percentile: float = 100) -> plt.Figure:
    """Rejilla de parejas: cada mapa de calor (H, W), entre 0 y 1, solo y superpuesto a su imagen.

    La barra es la de los mapas solos; superpuestos, sus colores se mezclan con los de la imagen.

    Argumentos:
        percentile: de 0 a 100; en cada mapa, el valor desde el que todo se ve del último color. Con menos de
            100 se distingue un mapa del que unos pocos píxeles se llevan la escala; sus valores no cambian.
    """
    if len(images) != len(heatmaps):
        raise ValueError(f"Hace falta un mapa por imagen, y hay {len(images)} y {len(heatmaps)} mapas.")
    if not isinstance(percentile, numbers.Real) or not 0 < percentile <= 100:
        raise ValueError(f"El percentil debe pasar de 0 y llegar, como mucho, a 100, y es {percentile!r}.")
    titles, columns = check_titles(titles, len(images)), check_count("columns", columns)
    label = "Relevancia (máximo = 1)"
    if percentile < 100:
        heatmaps = [_saturate(heatmap, percentile) for heatmap in heatmaps]
        label = f"Relevancia (1 = percentil {percentile:g} de cada mapa)".replace(".", ",")
    blended = [overlay(image, heatmap) for image, heatmap in zip(images, heatmaps, strict=True)]
    figure, axes = _grid([*heatmaps, *blended], [""] * (2 * len(images)), 2 * columns)
    for left, heatmap, text in zip(axes[::2], heatmaps, titles, strict=True):
        picture = left.imshow(heatmap, cmap=COLORMAP, vmin=0, vmax=1)
        left.set_title(text, fontsize=9, loc="left")
    for right, image in zip(axes[1::2], blended, strict=True):
        right.imshow(image)
    figure.colorbar(picture, ax=figure.axes).set_label(label, size=8)
    return figure


def _saturate(heatmap: np.ndarray, percentile: float) -> np.ndarray:
    """El mapa, entre su percentil; si este es 0, tal como está."""
    top = np.percentile(heatmap, percentile)
    return np.minimum(heatmap / top, 1) if top > 0 else heatmap


def show_signed_maps(maps, titles, label: str, columns: int = 3) -> plt.Figure:
    """Rejilla de mapas (H, W) con signo: azul negativo, rojo positivo, blanco cero, escala común."""
    figure, axes = _grid(maps, titles, columns)
    limit = max(float(np.abs(values).max()) for values in maps) or 1.0
    for axis, values in zip(axes, maps, strict=True):
        picture = axis.imshow(values, cmap="RdBu_r", vmin=-limit, vmax=limit)
    figure.colorbar(picture, ax=figure.axes, label=label, shrink=0.8)
    return figure


def show_activations(maps, titles, columns: int = 4) -> plt.Figure:
    """Rejilla de mapas de características (H, W), no negativos, con una escala común."""
    figure, axes = _grid(maps, titles, columns)
    limit = max(float(np.max(values)) for values in maps) or 1.0
    for axis, values in zip(axes, maps, strict=True):
        picture = axis.imshow(values, cmap="viridis", vmin=0, vmax=limit)
    figure.colorbar(picture, ax=figure.axes, label="Activación", shrink=0.8)
    return figure


def show_path(steps, columns: int = 3) -> plt.Figure:
    """Un recorrido, de paso en paso: de cada uno, `(number, name, question)`, textos."""
    rows = -(-len(steps) // columns)
    figure, axis = plt.subplots(figsize=(3.1 * columns, 1.45 * rows), layout="constrained")
    axis.set(xlim=(0, columns), ylim=(rows, 0))
    axis.axis("off")
    for index, (number, name, question) in enumerate(steps):
        row, column = divmod(index, columns)
        frame = FancyBboxPatch(
            (column + 0.06, row + 0.12),
            0.8,
            0.72,
            boxstyle="round,pad=0.02",
            facecolor="#f3f0f7",
            edgecolor="#5b3f8c",
        )
        axis.add_patch(frame)
        axis.text(column + 0.1, row + 0.3, f"{number} · {name}", fontsize=11, weight="bold", va="center")
        axis.text(column + 0.1, row + 0.6, question, fontsize=9, va="center")
        if index + 1 < len(steps):
            arrow = "→" if column + 1 < columns else "↵"
            axis.text(
                column + 0.94, row + 0.48, arrow, fontsize=15, color="#5b3f8c", ha="center", va="center"
            )
    return figure


def show_learning_curves(history: dict[str, list[float]]) -> plt.Figure:
    """Exactitud y pérdida por época, en entrenamiento y, si la hay, validación (el `history` de Keras)."""
    missing = [name for name in ("accuracy", "loss") if not history.get(name)]
    if missing:
        raise ValueError(f"En el historial falta «{missing[0]}»: ¿se ha entrenado alguna época?")
    epochs = range(1, len(history["loss"]) + 1)
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    for axis, metric, name in zip(axes, ("accuracy", "loss"), ("Exactitud", "Pérdida"), strict=True):
        axis.plot(epochs, history[metric], "o-", color="#0072B2", label="entrenamiento")
        if f"val_{metric}" in history:
            axis.plot(epochs, history[f"val_{metric}"], "s--", color="#D55E00", label="validación")
        axis.set(title=name, xlabel="Época", xticks=list(epochs))
        axis.grid(alpha=0.3)
        axis.legend()
    axes[0].set_ylim(0, 1.02)
    axes[1].set_ylim(bottom=0)
    return figure


def show_confusion_matrix(matrix: np.ndarray, class_names) -> plt.Figure:
    """Matriz de confusión: filas, clase verdadera; columnas, clase predicha; imágenes en cada casilla."""
    matrix, class_names = check_real("La matriz", matrix), list(class_names)
    if matrix.shape != (len(class_names), len(class_names)) or not class_names:
        raise ValueError(
            f"La matriz debe tener una fila y una columna por clase: es {matrix.shape}, y hay "
            f"{len(class_names)} nombres."
        )
    figure, axis = plt.subplots(figsize=(4.6, 3.6), layout="constrained")
    picture = axis.imshow(matrix, cmap="viridis", vmin=0)
    ticks = range(len(class_names))
    axis.set(
        title="Matriz de confusión",
        xlabel="Clase predicha",
        ylabel="Clase verdadera",
        xticks=ticks,
        yticks=ticks,
        xticklabels=class_names,
        yticklabels=class_names,
    )
    for (row, column), count in np.ndenumerate(matrix):
        dark = count < matrix.max() / 2
        axis.text(column, row, int(count), ha="center", va="center", color="white" if dark else "black")
    figure.colorbar(picture, ax=axis, label="Imágenes")
    return figure


def show_hits(rows) -> plt.Figure:
    """Aciertos por tipo de fondo, con su intervalo: un color y una forma por clase.

    Argumentos:
        rows: las filas de `experiment.tabulate`.
    """
    kinds = list(dict.fromkeys(row.kind for row in rows))
    figure, axis = plt.subplots(figsize=(8, 3.4), dpi=DPI, layout="constrained")
    styles = (("#0072B2", "o"), ("#D55E00", "s"))
    for number, name in enumerate(dict.fromkeys(row.class_name for row in rows)):
        ours = [row for row in rows if row.class_name == name]
        # Cada clase, un poco a un lado: así no se tapan.
        places = [kinds.index(row.kind) + 0.2 * number - 0.1 for row in ours]
        hits = 100 * np.array([row.hits for row in ours])
        low, high = 100 * np.array([row.interval for row in ours]).T
        color, marker = styles[number % len(styles)]
        # Si nada varía, el redondeo puede dejar la media fuera del intervalo, y no se dibujaría.
        margins = np.maximum(0, (hits - low, high - hits))
        axis.errorbar(places, hits, margins, fmt=marker, color=color, capsize=4, label=name)
    axis.set(xlabel="Fondo", ylabel="Aciertos (%)", ylim=(-4, 104), xticks=range(len(kinds)))
    axis.set_xticklabels(kinds)
    axis.grid(alpha=0.3)
    axis.legend(loc="lower right")
    return figure


def show_ranks(values: np.ndarray, untrained: np.ndarray, agreement: dict[int, float]) -> plt.Figure:
    """Los valores singulares de una matriz, y cuánto se conserva al reducirla a cada rango.

    Argumentos:
        values, untrained: los de la matriz y los de otra igual sin entrenar, de mayor a menor.
        agreement: de cada rango a la proporción de respuestas iguales a las de la red entera. Si está el
            rango 0, se dibuja como una línea: lo que se conserva sin usar la matriz.
    """
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), dpi=DPI, layout="constrained")
    for each, style, label in ((values, "o-", "entrenada"), (untrained, "s--", "sin entrenar")):
        color = "#0072B2" if each is values else "#D55E00"
        axes[0].plot(range(1, len(each) + 1), each, style, color=color, markersize=4, label=label)
    axes[0].set(title="Valores singulares", xlabel="Posición, de mayor a menor", ylim=(0, None))
    ranks = [rank for rank in agreement if rank]
    shares = [100 * agreement[rank] for rank in ranks]
    axes[1].plot(ranks, shares, "o-", color="#0072B2", label="con ese rango")
    if 0 in agreement:
        axes[1].axhline(
            100 * agreement[0], color="#D55E00", linestyle="--", label="rango 0: sin mirar la imagen"
        )
    axes[1].set(title="Respuestas iguales a las de la red entera (%)", xlabel="Rango", ylim=(0, 103))
    for axis in axes:
        axis.set_xscale("log", base=2)
        axis.xaxis.set_major_formatter("{x:.0f}")
        axis.grid(alpha=0.3)
        axis.legend(loc="center right" if axis is axes[0] else "lower right")
    return figure


def _grid(images, titles, columns: int):
    """Figura con una casilla sin ejes por imagen, cada una con su rótulo, y las casillas, por orden."""
    count = len(images)
    titles, columns = check_titles(titles, count), min(check_count("columns", columns), count)
    rows = -(-count // columns)
    side = min(2.3 if count > 1 else 3.6, WIDEST / columns)
    size = side * columns + 0.6, (side + 0.2) * rows
    figure, axes = plt.subplots(rows, columns, figsize=size, dpi=DPI, squeeze=False, layout="constrained")
    for axis in axes.flat:
        axis.axis("off")
    for axis, text in zip(axes.flat, titles, strict=False):
        axis.set_title(text, fontsize=9)
    return figure, list(axes.flat)[:count]
