"""La imagen del explorador que enseñan la lección 4 y el README: el panel, en JupyterLab y Chromium.

Uso: python -m figuras.explorador
"""

import io
import os
import tempfile
from pathlib import Path

from PIL import Image

from tests.navegador import lab, notebook
from tests.navegador.board import Board

OUTPUT = Path(__file__).with_suffix(".png")
LARGEST = 150_000  # bytes
MARGIN = 4  # píxeles alrededor del panel
CELLS = (
    """import sys; sys.path.insert(0, "..")
from gradcam_helpers import cam, data, explorer, models
source = data.prepare_source()
model = models.load_trained(source)
images, labels = data.load_images(source, count=100)
masks = data.load_masks(source, count=100)
predicted = model.predict(data.prepare_image(images), batch_size=8, verbose=0).argmax(axis=1)
board = explorer.Explorer(cam.Explainer(model), images, labels, data.CLASS_NAMES, predicted, masks)
board.choose(image={image})""",
    "board",
)
IMAGE = 56  # el caballo de las figuras de la lección 4


def take(folder: Path) -> Image.Image:
    """El panel, con la red publicada y los datos embebidos, tal como se ve en un JupyterLab de `folder`."""
    networks = folder / "redes"  # vacía: no se usa la red de quien hace la captura
    networks.mkdir()
    with (
        lab.run_browser() as browser,
        lab.run_lab(folder, GRADCAM_DATOS="embebido", GRADCAM_MODELOS=str(networks)) as server,
    ):
        cells = [cell.format(image=IMAGE) for cell in CELLS]
        notebook.write(server.folder / "notebooks" / "captura.ipynb", cells)
        opened = notebook.Notebook(browser, server, "notebooks/captura.ipynb")
        opened.run_all()
        ((_, panel),) = opened.views()
        Board(panel).look()  # espera a que las imágenes estén decodificadas
        box = panel.bounding_box()
        clip = {"x": box["x"] - MARGIN, "y": box["y"] - MARGIN}
        clip |= {"width": box["width"] + 2 * MARGIN, "height": box["height"] + 2 * MARGIN}
        content = opened.page.screenshot(clip=clip)
        opened.check()
        opened.close()
    return Image.open(io.BytesIO(content)).convert("RGB")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="captura-", ignore_cleanup_errors=True) as folder:
        picture = take(Path(folder))
    content = io.BytesIO()
    picture.save(content, "PNG", optimize=True)
    if len(content.getvalue()) > LARGEST:
        raise SystemExit(f"La captura ocupa {len(content.getvalue())} bytes, y el límite es {LARGEST}.")
    unfinished = OUTPUT.with_suffix(".parcial")
    unfinished.write_bytes(content.getvalue())
    os.replace(unfinished, OUTPUT)


if __name__ == "__main__":
    main()
