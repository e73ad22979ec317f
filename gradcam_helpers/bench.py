"""El banco de pruebas: un panel que pone a un sujeto sobre un fondo y enseña lo que responde la red."""

import threading
from collections.abc import Sequence

import ipywidgets as widgets
import numpy as np

from gradcam_helpers import cam, experiment, plots
from gradcam_helpers.engine import gallery, turns, wording
from gradcam_helpers.engine.chooser import ImageChooser
from gradcam_helpers.engine.controls import controls_layout, row, slider
from gradcam_helpers.engine.views import Views

OWN, WHITE = "el suyo", "blanco"


class Bench(widgets.VBox):
    """El mismo sujeto sobre otro fondo: la imagen, la respuesta de la red y su Grad-CAM.

    Argumentos:
        explainer: explicador de la red del curso.
        images: uint8 (N, 300, 300, 3).
        labels, class_names: como en `ImageChooser`; un nombre por clase de la red.
        masks: bool (N, 300, 300), la máscara de cada sujeto.
        backgrounds: uint8 (B, 300, 300, 3).
        kinds: el tipo de cada fondo (B,). «bosque» se elige como «bosque 1», «bosque 2»…

    Atributos:
        places: nombre y fondo de cada parada del control «Fondo»: el de la propia imagen, que es None; el
            blanco, y los dados.

    Errores: los de `ImageChooser`, y ValueError si las imágenes, las máscaras o los fondos son de otra forma
        o tipo, si no encajan en número, o si no hay un nombre por clase.
    """

    def __init__(
        self,
        explainer: cam.Explainer,
        images: np.ndarray,
        labels: np.ndarray,
        class_names,
        masks: np.ndarray,
        backgrounds: np.ndarray,
        kinds: Sequence[str],
    ):
        self._explainer, self._images = explainer, gallery.check_pictures(images)
        self._chooser = ImageChooser(labels, class_names)
        gallery.check_counts(self._images, self._chooser.labels, masks)
        self._masks = gallery.check_subjects(masks, self._images)
        gallery.check_classes(self._chooser.class_names, explainer.classes)
        backgrounds = gallery.check_backgrounds(backgrounds, kinds, self._images)
        white = np.full_like(self._images[0], 255)
        names = experiment.number_kinds(kinds)
        self.places = {OWN: None, WHITE: white, **dict(zip(names, backgrounds, strict=True))}
        # JupyterLab mueve los controles desde un hilo y ejecuta las celdas en otro.
        self._lock = threading.RLock()
        self._place = slider(widgets.SelectionSlider, "Fondo", options=list(self.places))
        self._views = Views(plots.COLORMAP, with_meter=False, shape=self._images.shape[1:3])
        self._turns = turns.Turns(self._update, work=lambda: False)
        self._chooser.on_change(self._turns.ask)
        self._place.observe(self._turns.ask, names="value")
        self._update()
        controls = widgets.VBox([self._chooser, self._place], layout=controls_layout())
        super().__init__([row(controls, self._views)])

    def choose(self, image: int | None = None, place: str | None = None) -> None:
        """Coloca los controles; el que no se da se queda como está.

        Argumentos:
            image: posición en `images`.
            place: uno de los nombres de `places`.

        Errores:
            ValueError: no existe esa imagen o ese fondo.
        """
        if place is not None and place not in self.places:
            raise ValueError(
                f"«Fondo» puede ser {wording.list_names(list(self.places))}, y se pide «{place}»."
            )
        if image is not None:
            self._chooser.choose(image)
        if place is not None:
            self._place.value = place
        self._update()

    def _update(self) -> None:
        with self._lock:
            position, place = self._chooser.position, self._place.value
            image, mask = self._images[position], self._masks[position]
            picture, explanation = experiment.try_background(self._explainer, image, mask, self.places[place])
            self._show(picture, explanation, position, place)

    def _show(self, picture: np.ndarray, explanation: cam.Explanation, position: int, place: str) -> None:
        names, true_class = self._chooser.class_names, self._chooser.true_class(position)
        answer = names[explanation.target[0]]
        title = f"{self._chooser.describe(position)}; fondo: {place}. La red responde «{answer}»."
        self._views.show_picture(picture, title)
        self._views.scores.value = wording.describe_scores(explanation, names, true_class)
        title = wording.describe_map(explanation, answer)
        if explanation.empty[0]:
            self._views.show_instead(wording.describe_empty(explanation.score), title)
        else:
            self._views.show_map(plots.overlay(picture, explanation.heatmap[0]), title)
