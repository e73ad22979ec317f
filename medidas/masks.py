"""Parecido de las máscaras que calcula `data.subject_mask` a las verdaderas, en la prueba embebida.

El parecido es el cociente entre lo que comparten y lo que ocupan entre las dos (IoU): 1, si son iguales.
Uso: python medidas/masks.py
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from gradcam_helpers import data


def main() -> None:
    source = data.prepare_source("embebido")
    images, _ = data.load_images(source, data.TEST_SPLIT)
    overlaps = []
    for image, true in zip(images, data.load_masks(source, data.TEST_SPLIT), strict=True):
        found = data.subject_mask(image)
        overlaps.append((found & true).sum() / (found | true).sum())
    print(f"{len(overlaps)} imágenes   IoU: media {np.mean(overlaps):.4f}   mínimo {np.min(overlaps):.4f}")


if __name__ == "__main__":
    main()
