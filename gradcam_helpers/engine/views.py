"""Lo que se ve en el explorador: la imagen, su mapa o por qué no lo hay, y las tablas."""

import html

import ipywidgets as widgets
import numpy as np

from gradcam_helpers.engine.canvas import DISPLAY_SIZE, display_size, encode_png, picture
from gradcam_helpers.engine.controls import row
from gradcam_helpers.engine.wording import describe_colors

SHORTEST_BOX = 160  # píxeles de pantalla en que cabe lo que se lee en lugar del mapa de una imagen apaisada


class Views(widgets.VBox):
    """Las vistas del panel, sin ningún control.

    Argumentos:
        colormap: nombre de la escala de colores de los mapas.
        with_meter: si se enseña la tabla de completitud.
        shape: alto y ancho de las imágenes.
    """

    def __init__(self, colormap: str, with_meter: bool, shape: tuple[int, int]):
        self.picture, self.overlay = picture(shape), picture(shape)
        self._box_height = max(SHORTEST_BOX, display_size(shape)[0])
        self.picture_caption, self.overlay_caption = widgets.HTML(), widgets.HTML()
        self.instead = widgets.HTML()  # lo que se lee en lugar del mapa
        self.scores, self.meter, self.notice = widgets.HTML(), widgets.HTML(), widgets.HTML()
        # De alto fijo: al pasar del mapa al texto, o al revés, nada de lo de abajo se mueve.
        place = widgets.VBox([self.overlay, self.instead])
        place.layout.height, place.layout.overflow = f"{self._box_height + 4}px", "hidden"
        image = widgets.VBox([self.picture_caption, self.picture])
        colors = widgets.HTML(describe_colors(colormap, DISPLAY_SIZE))
        heatmap = widgets.VBox([self.overlay_caption, place, colors])
        image.layout.width = heatmap.layout.width = f"{DISPLAY_SIZE}px"
        tables = [self.scores, self.meter] if with_meter else [self.scores]
        super().__init__([self.notice, row(image, heatmap), row(*tables)])
        self.layout.flex = f"1 1 {DISPLAY_SIZE}px"

    def show_picture(self, image: np.ndarray, title: str) -> None:
        self.picture.value, self.picture_caption.value = encode_png(image), _caption(title)

    def show_map(self, overlay: np.ndarray, title: str) -> None:
        self.overlay.value, self.overlay_caption.value = encode_png(overlay), _caption(title)
        self.instead.layout.display, self.overlay.layout.display = "none", ""

    def show_instead(self, message: str, title: str) -> None:
        """Pone un texto, en HTML, en lugar del mapa."""
        self.instead.value = _box(message, self._box_height)
        self.overlay_caption.value = _caption(title)
        self.overlay.layout.display, self.instead.layout.display = "none", ""

    def retitle_map(self, title: str) -> None:
        self.overlay_caption.value = _caption(title)

    def show_meter(self, table: str) -> None:
        self.meter.value, self.meter.layout.visibility = table, "visible"

    def withdraw_map(self, message: str) -> None:
        """Quita el mapa, que era de otra imagen o de otra petición, y lo que se dice de él."""
        self.show_instead(message, "")
        self.meter.layout.visibility = "hidden"  # sin dejar de ocupar su sitio

    def warn(self, text: str) -> None:
        self.notice.value = f'<div role="status" style="line-height: 1.4">⚠ {html.escape(text)}</div>'


def _caption(text: str) -> str:
    """Un título de dos líneas, las llene o no: así dos imágenes quedan siempre a la misma altura."""
    return f'<div style="min-height: 2.8em; line-height: 1.4">{html.escape(text)}</div>'


def _box(content: str, height: int) -> str:
    """Un recuadro de ese alto, el de un mapa, con un texto en HTML."""
    return (
        f'<div role="status" style="box-sizing: border-box; min-height: {height}px; line-height: 1.4; '
        f'padding: 1em; border: 1px dashed gray">{content}</div>'
    )
