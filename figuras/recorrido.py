"""La figura del README: de la imagen al mapa de calor, con la red publicada.

Uso: python figuras/recorrido.py
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import FancyArrowPatch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from gradcam_helpers import cam, data, models, plots
from gradcam_helpers.engine import weights
from gradcam_helpers.engine.backend import keras

POSITION = 22  # de la imagen, en la validación de los datos embebidos
LAYER = "bloque3_conv2"
MAPS = 4  # mapas de características que se enseñan
INK = "#1b1b2f"


def main() -> None:
    source = data.prepare_source("embebido")
    image = data.load_images(source, data.VALIDATION_SPLIT, count=POSITION + 1)[0][POSITION]
    model = models.load_published(weights.weights_path(source.key))
    batch = data.prepare_image(image)
    explanation = cam.Explainer(model).explain(batch, layer=LAYER)
    activations = keras.Model(model.input, model.get_layer(LAYER).output)(batch)[0].numpy()
    chosen = np.argsort(activations.max(axis=(0, 1)))[::-1][:MAPS]
    title = f"«{data.CLASS_NAMES[explanation.target[0]]}»"
    figure = draw(image, activations[..., chosen], explanation.heatmap[0], title)
    figure.savefig(Path(__file__).with_suffix(".png"), dpi=100)


def draw(image: np.ndarray, maps: np.ndarray, heatmap: np.ndarray, title: str) -> plt.Figure:
    figure = plt.figure(figsize=(9.6, 3.2), facecolor="white")
    _panel(figure, (0.01, 0.2, 0.2, 0.6), "imagen").imshow(image)
    for number in range(maps.shape[-1]):
        offset = 0.03 * number
        axis = _panel(figure, (0.29 + 0.7 * offset, 0.36 - 1.6 * offset, 0.14, 0.42))
        axis.imshow(maps[..., number], cmap="viridis", vmin=0, vmax=maps.max())
    figure.text(0.395, 0.13, "mapas de características", ha="center", va="top", color=INK)
    _panel(figure, (0.57, 0.25, 0.167, 0.5), "mapa de calor").imshow(heatmap, cmap=plots.COLORMAP)
    _panel(figure, (0.79, 0.2, 0.2, 0.6), f"zonas que apoyan {title},\nsegún Grad-CAM").imshow(
        plots.overlay(image, heatmap)
    )
    for start, end, text in (
        (0.22, 0.28, "red"),
        (0.505, 0.565, r"$\sum_k \alpha_k A_k$" + "\nReLU"),
        (0.742, 0.787, ""),
    ):
        arrow = FancyArrowPatch(
            (start, 0.5),
            (end, 0.5),
            transform=figure.transFigure,
            arrowstyle="-|>",
            mutation_scale=16,
            color=INK,
        )
        figure.add_artist(arrow)
        figure.text((start + end) / 2, 0.56, text, ha="center", color=INK)
    return figure


def _panel(figure: plt.Figure, place, caption: str = "") -> plt.Axes:
    axis = figure.add_axes(place, xticks=[], yticks=[])
    axis.set_xlabel(caption, fontsize=11, color=INK, labelpad=8)
    axis.spines[:].set_color("#c8c8d0")
    return axis


if __name__ == "__main__":
    main()
