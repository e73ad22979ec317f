"""El explorador: paneles con controles, en una capa fina sobre funciones que se pueden llamar sin ellos."""

import contextlib
import html
import threading
import weakref

import ipywidgets as widgets
import numpy as np

from gradcam_helpers import cam, data, plots
from gradcam_helpers.engine import photos, turns, wording
from gradcam_helpers.engine.chooser import ImageChooser
from gradcam_helpers.engine.controls import (
    buttons,
    checkbox,
    controls_layout,
    encode_png,
    picture,
    row,
    slider,
    take_file,
)
from gradcam_helpers.engine.views import Views

PREDICTED = "predicha"
# Sin CAM, que solo vale para la última capa de las redes con promedio global.
METHOD_CHOICES = [method for method in cam.METHODS if method != "CAM"]
SLOW_METHOD = "Score-CAM"
# ipywidgets conserva todos los paneles, también los de una celda que se repite. Por eso, al crear uno, los
# demás sueltan los 120 MB que ocupa lo anotado.
BOARDS = weakref.WeakSet()


class ImageBrowser(widgets.VBox):
    """Recorre imágenes: un `ImageChooser` y, debajo, la imagen elegida.

    Argumentos:
        images: uint8 (N, alto, ancho, 3).
        labels, class_names: como en `ImageChooser`.

    Atributos:
        position: índice en `images` de la imagen que se ve.
    """

    def __init__(self, images: np.ndarray, labels: np.ndarray, class_names):
        self._images, self._labels, self._class_names = images, labels, class_names
        self._chooser = ImageChooser(labels, class_names)
        self._picture, self._caption = picture(), widgets.Label()
        self._chooser.on_change(self._show)
        self._show()
        super().__init__([self._chooser, self._picture, self._caption])

    @property
    def position(self) -> int:
        return self._chooser.position

    def _show(self) -> None:
        self._picture.value = encode_png(self._images[self.position])
        self._caption.value = f"Imagen {self.position}: {self._class_names[self._labels[self.position]]}"


class Explorer(widgets.VBox):
    """Explica la predicción para una imagen, una capa, una clase y un método, que se eligen con controles.

    La red se usa al cambiar de imagen y, poco después, para anotar las demás capas y clases; o antes, si se
    pide alguna. Lo demás sale de un `cam.Recording`, salvo Score-CAM, que tarda y no deja hacer nada más.

    Argumentos:
        explainer: explicador de la red del curso.
        images: uint8 (N, 300, 300, 3).
        labels, class_names, predicted: como en `ImageChooser`.
        masks: bool (N, 300, 300), la máscara de cada sujeto, si se conoce.
        basic: solo los controles de la imagen y de la capa.

    Errores:
        ValueError: como `ImageChooser`; o no hay tantas etiquetas o máscaras como imágenes.
    """

    def __init__(
        self,
        explainer: cam.Explainer,
        images: np.ndarray,
        labels: np.ndarray,
        class_names,
        predicted: np.ndarray | None = None,
        masks: np.ndarray | None = None,
        basic: bool = False,
    ):
        _check_lengths(images, labels, masks)
        self._explainer, self._class_names = explainer, list(class_names)
        self._images, self._labels, self._masks = images, labels, masks
        self._basic, self._recording, self._photo = basic, None, None
        self._position = 0
        # JupyterLab mueve los controles desde un hilo y ejecuta las celdas en otro.
        self._lock = threading.RLock()
        for board in tuple(BOARDS):
            board._forget()
        BOARDS.add(self)
        self._build_controls(predicted)
        self._views = Views(plots.COLORMAP, with_meter=not basic)
        self._requests = turns.LastRequest(self._update, self._is_slow)
        self._observe()
        self._update()
        super().__init__([row(self._arrange_controls(), self._views)])

    def choose(self, image=None, layer=None, target=None, method=None, score=None) -> None:
        """Coloca los controles; los que no se dan se quedan como están.

        Argumentos:
            image: posición en `images`.
            layer: nombre de la capa.
            target: nombre de la clase explicada, o `PREDICTED`.
            method: uno de `METHOD_CHOICES`.
            score: «logit» o «probabilidad».

        Errores:
            ValueError: no existe esa imagen, capa, clase, método o puntuación.
        """
        chosen = {self._layer: layer, self._target: target, self._method: method, self._score: score}
        chosen = {control: value for control, value in chosen.items() if value is not None}
        for control, value in chosen.items():
            if value not in control.options:
                choices = ", ".join(control.options)
                raise ValueError(f"«{control.description}» puede ser {choices}, y se pide «{value}».")
        if image is not None:
            self._chooser.choose(image)
            self._choose_image()  # con tu foto a la vista, puede que no se haya movido ningún control
        for control, value in chosen.items():
            control.value = value
        self._update()

    def _build_controls(self, predicted) -> None:
        self._chooser = ImageChooser(self._labels, self._class_names, predicted)
        layers = self._explainer.layer_names
        self._layer = slider(widgets.SelectionSlider, "Capa", options=layers, value=layers[-1])
        self._layer.style.description_width = "4em"  # su valor, un nombre, ocupa más que un número
        self._layer_facts = widgets.HTML(layout=widgets.Layout(margin="0 0 0 5em"))
        self._target = buttons("Clase", [PREDICTED, *self._class_names])
        self._method = buttons("Método", METHOD_CHOICES)
        self._score = buttons("Derivar", list(wording.SCORE_CHOICES))
        # En tanto por ciento, sin decimales: ipywidgets lee «0,3» como 0.
        self._opacity = slider(widgets.IntSlider, "Opacidad", value=50, max=100, step=5)
        self._outline = checkbox("contorno del sujeto")
        self._upload = widgets.FileUpload(
            description="Tu foto", accept=".jpg,.jpeg,.png,.webp", multiple=False
        )

    def _arrange_controls(self) -> widgets.VBox:
        more = [self._target, self._method, self._score, self._opacity]
        more += [self._outline] * (self._masks is not None) + [self._upload]
        controls = [self._chooser, self._layer, self._layer_facts, *([] if self._basic else more)]
        return widgets.VBox(controls, layout=controls_layout())

    def _observe(self) -> None:
        self._chooser.on_change(self._choose_image)
        self._upload.observe(self._receive_photo, names="value")
        for control in (self._layer, self._target, self._method, self._score, self._opacity, self._outline):
            control.observe(self._requests.ask, names="value")

    def _choose_image(self) -> None:
        if self._photo is not None or self._chooser.position != self._position:
            self._replace_photo(None)

    def _receive_photo(self, change) -> None:
        if not change["new"]:
            return
        name, content = take_file(self._upload)
        try:
            self._replace_photo(photos.read_photo(content))
        except ValueError as error:
            self._views.warn(f"«{name}»: {error}")

    def _replace_photo(self, photo: np.ndarray | None) -> None:
        with self._lock:
            self._photo, self._position, self._recording = photo, self._chooser.position, None
        self._requests.ask()

    def _forget(self) -> None:
        """Suelta lo anotado; si el panel se vuelve a usar, se anota otra vez."""
        with self._lock:
            self._recording = None

    def _chosen(self) -> tuple[str, int | None, str]:
        """Capa, clase y puntuación elegidas, como las reciben `Explainer.record` y `Recording.explain`."""
        chosen = self._target.value
        target = None if chosen == PREDICTED else self._class_names.index(chosen)
        return self._layer.value, target, wording.SCORE_CHOICES[self._score.value]

    def _is_slow(self) -> bool:
        """¿Hay que calcular lo elegido, y tarda?"""
        if self._method.value != SLOW_METHOD:
            return False
        recording = self._recording
        return recording is None or not recording.has_map(*self._chosen(), SLOW_METHOD)

    def _update(self) -> None:
        with self._lock:
            try:
                self._show()
            except ValueError as error:
                self._views.withdraw_map(html.escape(str(error)))
                if self._recording is None:
                    self._views.scores.value = ""

    def _show(self) -> None:
        position, chosen = self._position, self._chosen()
        own = self._photo is not None
        image = self._photo if own else self._images[position]
        mask = self._masks[position] if self._outline.value and not own else None
        true_class = None if own else int(self._labels[position])
        title = wording.OWN_PHOTO if own else f"Imagen {position}: {self._class_names[true_class]}"
        try:
            self._record(image, *chosen)
        finally:  # a la vez que su mapa, o que el motivo de que no lo haya
            self._views.show_picture(_outlined(image, mask), title)
            self._outline.disabled, self._views.notice.value = own, ""
        self._views.scores.value = wording.describe_scores(self._recording, self._class_names, true_class)
        self._show_map(image, mask, *chosen)

    def _show_map(self, image, mask, layer: str, target: int | None, score: str) -> None:
        if self._is_slow():
            self._views.withdraw_map(wording.COMPUTING)
        explanation = self._recording.explain(layer, target, score, self._method.value)
        class_name = self._class_names[explanation.target[0]]
        self._layer_facts.value = wording.describe_layer(explanation, self._explainer.count_filters(layer))
        title = wording.describe_map(explanation, class_name)
        if explanation.empty[0]:
            self._views.show_instead(wording.describe_empty(score), title)
        else:
            blended = plots.overlay(image, explanation.heatmap[0], self._opacity.value / 100)
            self._views.show_map(_outlined(blended, mask), title)
        if not self._basic:
            accounted = self._recording.explain(layer, target, method="HiResCAM")
            (gap,) = cam.completeness_gap(accounted)
            self._views.show_meter(wording.describe_completeness(accounted, gap, class_name))

    def _record(self, image: np.ndarray, layer: str, target: int | None, score: str) -> None:
        """Anota lo que se va a ver de una imagen nueva, y encarga lo demás."""
        if self._recording is not None:
            return
        self._recording = self._explainer.record(data.prepare_image(image), layer, target, score)
        # La última, la clase que se ve, de la que ya hay algo.
        seen = self._recording.predicted if target is None else target
        classes = sorted(range(len(self._class_names)), key=lambda each: each == seen)
        # Una referencia débil: lo anotado de una imagen se suelta en cuanto llega otra.
        turns.call_later(turns.CALM, self._complete, weakref.ref(self._recording), tuple(classes))

    def _complete(self, recording: weakref.ref, classes: tuple[int, ...]) -> None:
        """Anota las demás capas de esas clases, si la imagen sigue siendo la misma."""
        target, *others = classes
        with self._lock, contextlib.suppress(ValueError):  # si una capa falla, se dice cuando se elige
            if self._recording is None or self._recording is not recording():
                return
            self._recording.complete(target)
        if others:  # de una en una, para atender entretanto lo que se pida
            turns.call_later(turns.REST, self._complete, recording, tuple(others))


def _outlined(image: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    return image if mask is None else plots.draw_outline(image, mask)


def _check_lengths(images, labels, masks) -> None:
    counts = {"imágenes": images, "etiquetas": labels} | ({} if masks is None else {"máscaras": masks})
    if len({len(values) for values in counts.values()}) > 1:
        found = ", ".join(f"{len(values)} {name}" for name, values in counts.items())
        raise ValueError(f"Debe haber una etiqueta y una máscara por imagen, y hay {found}.")
