"""La figura con que se abre la lección 5: la misma persona de los datos embebidos, en seis sitios.

Uso: python figuras/experimento.py
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from gradcam_helpers import data, plots

SUBJECT = 5  # de la prueba: una persona entera
PER_KIND = 4  # fondos de cada tipo; se toma el primero


def main() -> None:
    source = data.prepare_source("embebido")
    image = data.load_images(source, count=SUBJECT + 1)[0][SUBJECT]
    mask = data.load_masks(source, count=SUBJECT + 1)[SUBJECT]
    backgrounds, kinds = data.load_backgrounds()
    pasted = data.replace_background(image, mask, backgrounds[::PER_KIND])
    figure = plots.show_images(pasted, [f"{kind}: ¿?" for kind in kinds[::PER_KIND]], columns=6)
    figure.set_size_inches(9, 1.8)
    figure.savefig(Path(__file__).with_suffix(".png"), dpi=70)


if __name__ == "__main__":
    main()
