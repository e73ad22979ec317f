"""Controles deslizantes: una capa fina de ipywidgets sobre funciones que se pueden llamar sin ellos."""

import cv2
import ipywidgets as widgets
import numpy as np

from gradcam_helpers import cam, data, plots

ALL_CLASSES = "todas"
DISPLAY_SIZE = 300  # píxeles de pantalla


def encode_png(image: np.ndarray) -> bytes:
    """Codifica una imagen uint8 (alto, ancho, 3) en RGB como PNG, lo que muestra `widgets.Image`."""
    encoded, buffer = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    if not encoded:
        raise ValueError(f"No se puede codificar como PNG una imagen de forma {image.shape}.")
    return buffer.tobytes()


def select_class(labels: np.ndarray, class_names, choice: str) -> np.ndarray:
    """Posiciones de las imágenes de la clase elegida, o de todas con `ALL_CLASSES`; int64 (M,)."""
    if choice == ALL_CLASSES:
        return np.arange(len(labels))
    return np.flatnonzero(labels == list(class_names).index(choice))


def describe_prediction(explanation: cam.Explanation, class_names) -> str:
    """Clase explicada y probabilidad de cada una, para la primera imagen de la explicación."""
    scores = ", ".join(
        f"{name} {probability:.3f}"
        for name, probability in zip(class_names, explanation.probabilities[0], strict=True)
    )
    text = f"Clase explicada: {class_names[explanation.target[0]]}. Probabilidades: {scores}."
    return text + (
        " Mapa vacío: en esta capa nada apoya la clase, según Grad-CAM." if explanation.empty[0] else ""
    )


class ImageBrowser(widgets.VBox):
    """Recorre imágenes con un filtro de clase y un control deslizante.

    Argumentos:
        images: uint8 (N, alto, ancho, 3).
        labels: int (N,), la clase verdadera de cada imagen.
        class_names: nombre de cada clase, en el orden de las etiquetas.

    Atributos:
        position: índice en `images` de la imagen que se ve.

    Errores:
        ValueError: no hay imágenes.
    """

    def __init__(self, images: np.ndarray, labels: np.ndarray, class_names):
        if len(images) == 0:
            raise ValueError("No hay imágenes que recorrer.")
        self._images, self._labels, self._class_names = images, labels, class_names
        present = [name for index, name in enumerate(class_names) if index in labels]
        self._filter = widgets.ToggleButtons(
            options=[ALL_CLASSES, *present], description="Clase", style={"button_width": "6em"}
        )
        self._slider = widgets.IntSlider(max=len(labels) - 1, description="Imagen", continuous_update=False)
        self._picture, self._caption = _picture(), widgets.Label()
        self._positions = np.arange(len(labels))
        self._listeners = [self._show]
        self._show()
        self._filter.observe(self._apply_filter, names="value")
        self._slider.observe(self._announce, names="value")
        super().__init__([self._filter, self._slider, self._picture, self._caption])

    @property
    def position(self) -> int:
        return int(self._positions[self._slider.value])

    def on_change(self, listener) -> None:
        """Llama a `listener()` cada vez que cambia la imagen."""
        self._listeners.append(listener)

    def _apply_filter(self, change) -> None:
        self._positions = select_class(self._labels, self._class_names, change["new"])
        with self._slider.hold_trait_notifications():
            self._slider.value = 0
            self._slider.max = len(self._positions) - 1
        self._announce()

    def _announce(self, _=None) -> None:
        # Al filtrar, la imagen puede cambiar sin que se mueva el control, o al revés.
        if self.position != self._shown:
            for listener in self._listeners:
                listener()

    def _show(self) -> None:
        self._shown = self.position
        self._picture.value = encode_png(self._images[self._shown])
        self._caption.value = f"Imagen {self._shown}: {self._class_names[self._labels[self._shown]]}"


class HeatmapBrowser(widgets.VBox):
    """Muestra el Grad-CAM de la clase predicha, para la imagen y la capa que eligen dos controles.

    Argumentos:
        explainer: explicador de la red del curso.
        images: uint8 (N, 300, 300, 3).
        labels, class_names: como en `ImageBrowser`.
    """

    def __init__(self, explainer: cam.Explainer, images: np.ndarray, labels: np.ndarray, class_names):
        self._explainer, self._images, self._class_names = explainer, images, class_names
        self._browser = ImageBrowser(images, labels, class_names)
        self._layer = widgets.SelectionSlider(
            options=explainer.layer_names,
            value=explainer.layer_names[-1],
            description="Capa",
            continuous_update=False,
            layout=widgets.Layout(width="30em"),
        )
        self._picture, self._caption = _picture(), widgets.Label()
        self._browser.on_change(self._show)
        self._layer.observe(self._show, names="value")
        self._show()
        title = widgets.Label("Grad-CAM de la clase predicha (oscuro, 0; claro, el máximo)")
        heatmap = widgets.VBox([self._layer, self._picture, title])
        # Alineados por abajo, las dos imágenes quedan a la misma altura.
        side_by_side = widgets.HBox([self._browser, heatmap], layout=widgets.Layout(align_items="flex-end"))
        super().__init__([side_by_side, self._caption])

    def _show(self, _=None) -> None:
        image = self._images[self._browser.position]
        explanation = self._explainer.explain(data.prepare_image(image), layer=self._layer.value)
        self._picture.value = encode_png(plots.overlay(image, explanation.heatmap[0]))
        self._caption.value = describe_prediction(explanation, self._class_names)


def _picture() -> widgets.Image:
    return widgets.Image(format="png", width=DISPLAY_SIZE, height=DISPLAY_SIZE)
