"""Elegir una imagen: con filtros y con un control deslizante."""

import ipywidgets as widgets
import numpy as np

from gradcam_helpers.engine.controls import FOCUS_STYLE, checkbox, controls_layout, one_of, slider
from gradcam_helpers.engine.gallery import (
    ALL_CLASSES,
    NO_CLASS,
    UNLABELLED,
    check_class_names,
    check_labels,
    check_predicted,
    name_of,
)


def select_images(labels: np.ndarray, class_names, choice: str, predicted=None) -> np.ndarray:
    """Posiciones de las imágenes que pasan el filtro, int64 (M,).

    Argumentos:
        labels: int (N,), la clase verdadera de cada imagen, o `UNLABELLED`.
        class_names: nombre de cada clase, en el orden de las etiquetas.
        choice: nombre de una clase, `ALL_CLASSES` o `NO_CLASS`.
        predicted: int (N,), la clase que predice la red; si se da, solo pasan sus errores. Donde no hay
            clase no hay error.
    """
    passes = np.full(len(labels), True)
    if choice != ALL_CLASSES:
        passes &= labels == (UNLABELLED if choice == NO_CLASS else list(class_names).index(choice))
    if predicted is not None:
        passes &= (labels != predicted) & (labels != UNLABELLED)
    return np.flatnonzero(passes)


class ImageChooser(widgets.VBox):
    """Elige una imagen: un filtro de clase, otro de errores si se sabe qué predice la red y un control
    deslizante.

    Argumentos:
        labels: int (N,), la clase verdadera de cada imagen, o −1 si no tiene.
        class_names: nombre de cada clase, en el orden de las etiquetas.
        predicted: int (N,), la clase que predice la red.

    Atributos:
        position: la imagen elegida, de 0 a N − 1.
        labels, class_names, predicted: los argumentos, ya comprobados.

    Errores:
        TypeError: las etiquetas o las predicciones no son enteros, o los nombres no son una lista.
        ValueError: no hay imágenes, no hay una predicción por imagen, hay nombres vacíos o repetidos, o
            etiquetas sin nombre.
    """

    def __init__(self, labels: np.ndarray, class_names, predicted: np.ndarray | None = None):
        self.class_names = check_class_names(class_names)
        self.labels, self.predicted = check_labels(labels, self.class_names), predicted
        if predicted is not None:
            self.predicted = check_predicted(predicted, self.labels, self.class_names)
        self.position = 0
        self._positions = np.arange(len(labels))
        self._listeners = []
        present = [name_of(label, self.class_names) for label in np.unique(self.labels)]
        self._filter = one_of("Mostrar", [ALL_CLASSES, *present])
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

    def describe(self, position: int) -> str:
        """El rótulo de una imagen: «Imagen 3: caballo»."""
        return f"Imagen {position}: {name_of(self.labels[position], self.class_names)}"

    def true_class(self, position: int) -> int | None:
        """La clase verdadera de una imagen, si la tiene."""
        label = int(self.labels[position])
        return None if label == UNLABELLED else label

    def on_change(self, listener) -> None:
        """Llama a `listener()` cada vez que se elige una imagen, aunque sea la misma."""
        self._listeners.append(listener)

    def choose(self, position: int) -> None:
        """Elige una imagen y quita los filtros.

        Errores:
            ValueError: no existe esa imagen.
        """
        if not 0 <= position < len(self.labels):
            raise ValueError(
                f"Las imágenes van de la 0 a la {len(self.labels) - 1}, y se pide la {position}."
            )
        self._filter.value, self._errors.value = ALL_CLASSES, False
        self._slider.value = position

    def _apply_filters(self, _=None) -> None:
        predicted = self.predicted if self._errors.value else None
        positions = select_images(self.labels, self.class_names, self._filter.value, predicted)
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
