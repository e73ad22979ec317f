"""Elegir una imagen: con filtros y con un control deslizante."""

import ipywidgets as widgets
import numpy as np

from gradcam_helpers.engine.controls import FOCUS_STYLE, buttons, checkbox, controls_layout, slider

ALL_CLASSES = "todas"


def select_images(labels: np.ndarray, class_names, choice: str, predicted=None) -> np.ndarray:
    """Posiciones de las imágenes que pasan el filtro, int64 (M,).

    Argumentos:
        labels: int (N,), la clase verdadera de cada imagen.
        class_names: nombre de cada clase, en el orden de las etiquetas.
        choice: nombre de una clase, o `ALL_CLASSES`.
        predicted: int (N,), la clase que predice la red; si se da, solo pasan sus errores.
    """
    passes = np.full(len(labels), True)
    if choice != ALL_CLASSES:
        passes &= labels == list(class_names).index(choice)
    if predicted is not None:
        passes &= labels != predicted
    return np.flatnonzero(passes)


class ImageChooser(widgets.VBox):
    """Elige una imagen: un filtro de clase, otro de errores si se sabe qué predice la red y un control
    deslizante.

    Argumentos:
        labels: int (N,), la clase verdadera de cada imagen.
        class_names: nombre de cada clase, en el orden de las etiquetas.
        predicted: int (N,), la clase que predice la red.

    Atributos:
        position: la imagen elegida, de 0 a N − 1.

    Errores:
        ValueError: no hay imágenes, o no hay una predicción por imagen.
    """

    def __init__(self, labels: np.ndarray, class_names, predicted: np.ndarray | None = None):
        if len(labels) == 0:
            raise ValueError("No hay imágenes que recorrer.")
        if predicted is not None and np.shape(predicted) != np.shape(labels):
            raise ValueError(
                f"Hace falta una predicción por imagen: hay {len(predicted)} para {len(labels)} imágenes."
            )
        self._labels, self._class_names, self._predicted = labels, class_names, predicted
        self.position = 0
        self._positions = np.arange(len(labels))
        self._listeners = []
        present = [name for index, name in enumerate(class_names) if index in labels]
        self._filter = buttons("Mostrar", [ALL_CLASSES, *present])
        self._errors = checkbox("solo errores de la red")
        self._slider = slider(widgets.IntSlider, "Imagen", max=len(labels) - 1)
        self._nothing = widgets.HTML("Ninguna imagen pasa los filtros: sigue lo que se veía.")
        self._nothing.layout.display = "none"
        for control in (self._filter, self._errors):
            control.observe(self._apply_filters, names="value")
        self._slider.observe(self._move, names="value")
        errors = [] if predicted is None else [self._errors]
        style = widgets.HTML(FOCUS_STYLE, layout=widgets.Layout(display="none"))
        children = [style, self._filter, *errors, self._slider, self._nothing]
        super().__init__(children, layout=controls_layout())

    def on_change(self, listener) -> None:
        """Llama a `listener()` cada vez que se elige una imagen, aunque sea la misma."""
        self._listeners.append(listener)

    def choose(self, position: int) -> None:
        """Elige una imagen y quita los filtros.

        Errores:
            ValueError: no existe esa imagen.
        """
        if not 0 <= position < len(self._labels):
            raise ValueError(
                f"Las imágenes van de la 0 a la {len(self._labels) - 1}, y se pide la {position}."
            )
        self._filter.value, self._errors.value = ALL_CLASSES, False
        self._slider.value = position

    def _apply_filters(self, _=None) -> None:
        predicted = self._predicted if self._errors.value else None
        positions = select_images(self._labels, self._class_names, self._filter.value, predicted)
        self._positions = positions
        self._slider.disabled = len(positions) < 2
        self._nothing.layout.display = "none" if len(positions) else ""
        # La imagen que se ve, si pasa los filtros; si no, la primera.
        value = next(iter(np.flatnonzero(positions == self.position).tolist()), 0)
        last = max(0, len(positions) - 1)
        stays = self._slider.value == value
        # Por este orden: el navegador recorta el valor que le llega con el máximo que conoce.
        self._slider.max = max(last, self._slider.max)
        self._slider.value = value
        self._slider.max = last
        if stays:  # no se ha movido y no avisa, pero la imagen puede ser otra
            self._move()

    def _move(self, _=None) -> None:
        # Otro hilo puede estar filtrando a la vez: posiciones y valor se leen una sola vez.
        positions, value = self._positions, self._slider.value
        if value >= len(positions):
            return
        self.position = int(positions[value])
        for listener in self._listeners:
            listener()
