"""La figura con que se abre la lección 2: el recorrido de una imagen por la red, con la forma tras cada paso.

Uso: python figuras/red.py
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.patches import Rectangle

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from gradcam_helpers import data, models

INK, BLUE, ORANGE = "#1b1b2f", "#0072B2", "#D55E00"
LONGEST = 2.6  # lo que mide, en la figura, el lado de la imagen
SHIFT, SHEETS = 0.05, {3: 3, 32: 4, 64: 6, 128: 9}  # hojas con que se dibuja cada número de canales


def main() -> None:
    source = data.prepare_source("embebido")
    image = data.load_images(source, data.TRAINING_SPLIT, count=1)[0][0]
    model = models.build_model()
    draw(image, model).savefig(Path(__file__).with_suffix(".png"), dpi=80)


def draw(image, model) -> plt.Figure:
    figure = plt.figure(figsize=(10.4, 3.0), facecolor="white")
    axis = figure.add_axes((0, 0, 1, 1), xlim=(0, 13), ylim=(-2.1, 1.6), aspect="equal")
    axis.axis("off")
    left = 0.3
    axis.imshow(image, extent=(left, left + LONGEST, -LONGEST / 2, LONGEST / 2), zorder=2)
    axis.set(xlim=(0, 13), ylim=(-2.1, 1.6))
    _label(axis, left + LONGEST / 2, "imagen", image.shape)
    left += LONGEST + 0.75
    for block in range(1, len(models.BLOCK_FILTERS) + 1):
        shape = model.get_layer(f"bloque{block}_pool").output.shape[1:]
        width = _stack(axis, left, shape)
        _label(axis, left + width / 2, f"bloque {block}", shape)
        _arrow(axis, left - 0.6, left - 0.1)
        left += width + 0.85
    for name, height in (("aplanar", 2.6), ("densa", 1.3), ("salida", 0.4)):
        axis.add_patch(Rectangle((left, -height / 2), 0.22, height, color=ORANGE))
        _label(axis, left + 0.11, name, model.get_layer(name).output.shape[1:])
        _arrow(axis, left - 0.65, left - 0.15)
        left += 1.35
    return figure


def _stack(axis, left: float, shape) -> float:
    """Los mapas de un bloque, como hojas apiladas; devuelve lo que ocupan a lo ancho."""
    side, _, channels = shape
    side, sheets = LONGEST * side / data.IMAGE_SHAPE[0], SHEETS[channels]
    bottom = -(side + SHIFT * (sheets - 1)) / 2
    for sheet in reversed(range(sheets)):
        corner = left + SHIFT * sheet, bottom + SHIFT * sheet
        axis.add_patch(Rectangle(corner, side, side, facecolor=BLUE, edgecolor="white", linewidth=0.8))
    return side + SHIFT * (sheets - 1)


def _label(axis, where: float, name: str, shape) -> None:
    sizes = " × ".join(f"{size:,}".replace(",", " ") if size > 9999 else str(size) for size in shape)
    axis.text(where, -1.55, name, ha="center", va="top", color=INK, fontsize=11, weight="bold")
    axis.text(where, -1.85, sizes, ha="center", va="top", color=INK, fontsize=10)


def _arrow(axis, start: float, end: float) -> None:
    axis.annotate("", (end, 0), (start, 0), arrowprops={"arrowstyle": "-|>", "color": INK})


if __name__ == "__main__":
    main()
