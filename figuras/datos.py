"""La figura con que se abre la lección 1: imágenes de entrenamiento de los datos embebidos.

Uso: python figuras/datos.py
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from gradcam_helpers import data, plots

PER_CLASS = 5
APART = 6  # un individuo tiene varias imágenes: se toma una de cada tantas


def main() -> None:
    images, labels = data.load_images(data.prepare_source("embebido"), data.TRAINING_SPLIT, count=100)
    chosen = [np.flatnonzero(labels == label)[::APART][:PER_CLASS] for label in range(len(data.CLASS_NAMES))]
    positions = np.concatenate(chosen)
    titles = [data.CLASS_NAMES[label] for label in labels[positions]]
    figure = plots.show_images(images[positions], titles, columns=PER_CLASS)
    figure.set_size_inches(8.6, 3.7)
    figure.savefig(Path(__file__).with_suffix(".png"), dpi=60)


if __name__ == "__main__":
    main()
