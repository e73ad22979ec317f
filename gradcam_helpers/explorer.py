"""El explorador: paneles con controles, en una capa fina sobre funciones que se pueden llamar sin ellos."""

import contextlib
import html
import threading
import weakref

import ipywidgets as widgets
import numpy as np

from gradcam_helpers import cam, data, plots
from gradcam_helpers.engine import gallery, photos, turns, wording
from gradcam_helpers.engine.canvas import encode_png, enlarge, picture
from gradcam_helpers.engine.chooser import ImageChooser
from gradcam_helpers.engine.controls import (
    buttons,
    checkbox,
    controls_layout,
    one_of,
    row,
    slider,
    stop,
    take_file,
)
from gradcam_helpers.engine.ranks import RankBoard  # noqa: F401
from gradcam_helpers.engine.views import Views

PREDICTED = gallery.PREDICTED
# Sin CAM, que solo vale para la última capa de las redes con promedio global.
METHOD_CHOICES = [method for method in cam.METHODS if method != "CAM"]
SLOW_METHOD = "Score-CAM"
MEANWHILE = "Grad-CAM"  # lo que se ve mientras llega el lento
FEW_CLASSES = 4  # con más, lo anotado de todas ellas ocuparía demasiado
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

    Errores: los de `ImageChooser`, y ValueError si las imágenes son de otra forma o tipo, o no hay tantas
        como etiquetas.
    """

    def __init__(self, images: np.ndarray, labels: np.ndarray, class_names):
        self._images = gallery.check_pictures(images)
        self._chooser = ImageChooser(labels, class_names)
        gallery.check_counts(self._images, self._chooser.labels)
        self._picture, self._caption = picture(self._images.shape[1:3]), widgets.Label()
        self._chooser.on_change(self._show)
        self._show()
        super().__init__([self._chooser, self._picture, self._caption])

    @property
    def position(self) -> int:
        return self._chooser.position

    def _show(self) -> None:
        self._picture.value = encode_png(enlarge(self._images[self.position]))
        self._caption.value = self._chooser.describe(self.position)


class Explorer(widgets.VBox):
    """Explica la predicción para una imagen, una capa, una clase y un método, que se eligen con controles.

    La red se usa al cambiar de imagen y, en los ratos libres, para anotar las demás capas; o antes, si se
    pide alguna. Lo demás sale de un `cam.Recording`, salvo Score-CAM, que tarda: entretanto se ve `MEANWHILE`
    y se atiende lo que se pida. Fuera de un cuaderno, se calcula de una vez.

    Argumentos:
        explainer: explicador de cualquier red.
        images: uint8 (N, alto, ancho, 3), de cualquier tamaño.
        labels, class_names, predicted: como en `ImageChooser`; un nombre por clase de la red.
        masks: bool (N, alto, ancho), la máscara de cada sujeto, si se conoce.
        basic: solo los controles de la imagen y de la capa.
        prepare: lleva una imagen uint8 (alto, ancho, 3) a lo que recibe la red: flotante, un lote de una
            imagen o la imagen sola.

    Errores: los de `ImageChooser`, y ValueError si las imágenes o las máscaras son de otra forma o tipo, no
        hay una por etiqueta, no hay un nombre por clase o lo que da `prepare` no sirve a la red.
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
        prepare=data.prepare_image,
    ):
        self._explainer, self._prepare, self._basic = explainer, prepare, basic
        self._images = gallery.check_pictures(images)
        self._chooser = ImageChooser(labels, class_names, predicted)
        gallery.check_counts(self._images, self._chooser.labels, masks)
        self._masks = None if masks is None else gallery.check_subjects(masks, self._images)
        self._class_names = self._chooser.class_names
        gallery.check_classes(self._class_names, explainer.classes)
        gallery.check_prepare(prepare, self._images[0], explainer.image_shape)
        self._recording, self._ahead, self._photo = None, [], None
        self._position = 0
        # JupyterLab mueve los controles desde un hilo y ejecuta las celdas en otro.
        self._lock = threading.RLock()
        for board in tuple(BOARDS):
            board._forget()
        BOARDS.add(self)
        self._build_controls()
        self._views = Views(plots.COLORMAP, not basic, self._images.shape[1:3])
        self._turns = turns.Turns(self._update, self._work)
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
                choices = wording.list_names(control.options)
                raise ValueError(f"«{control.description}» puede ser {choices}, y se pide «{value}».")
        if image is not None:
            self._chooser.choose(image)
            self._choose_image()  # con tu foto a la vista, puede que no se haya movido ningún control
        for control, value in chosen.items():
            control.value = value
        self._update()

    def _build_controls(self) -> None:
        self._layer = stop("Capa", self._explainer.layer_names, self._explainer.default_layer)
        self._layer_facts = widgets.HTML(layout=widgets.Layout(margin="0 0 0 5em"))
        self._target = one_of("Clase", [PREDICTED, *self._class_names])
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
            control.observe(self._turns.ask, names="value")

    def _choose_image(self) -> None:
        if self._photo is not None or self._chooser.position != self._position:
            self._replace_photo(None)

    def _receive_photo(self, change) -> None:
        if not change["new"]:
            return
        name, content = take_file(self._upload)
        try:
            self._replace_photo(photos.read_photo(content, self._images.shape[1:3]))
        except ValueError as error:
            self._views.warn(f"«{name}»: {error}")

    def _replace_photo(self, photo: np.ndarray | None) -> None:
        with self._lock:
            self._photo, self._position, self._recording = photo, self._chooser.position, None
        self._turns.ask()

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
        """¿Es lo elegido lo que tarda, y está por calcular?"""
        return self._method.value == SLOW_METHOD and not self._recording.has_scores(self._layer.value)

    def _update(self) -> None:
        """Muestra lo que se pide; el trabajo que quede, para cuando no se pida nada."""
        with self._lock:
            self._views.notice.value = ""
            self._show()
            self._turns.work_when_calm()

    def _show(self) -> None:
        try:
            self._show_image()
        except ValueError as error:
            self._views.withdraw_map(html.escape(str(error)))
            if self._recording is None:
                self._views.scores.value = ""

    def _show_image(self) -> None:
        position, chosen, own = self._position, self._chosen(), self._photo is not None
        image = self._photo if own else self._images[position]
        mask = enlarge(self._masks[position]) if self._outline.value and not own else None
        seen = enlarge(image)
        try:
            self._record(image, *chosen)
        finally:  # a la vez que su mapa, o que el motivo de que no lo haya
            title = wording.OWN_PHOTO if own else self._chooser.describe(position)
            self._views.show_picture(_outlined(seen, mask), title)
            self._outline.disabled = own
        true_class = None if own else self._chooser.true_class(position)
        self._views.scores.value = wording.describe_scores(self._recording, self._class_names, true_class)
        self._show_map(seen, mask, *chosen)

    def _show_map(self, image, mask, layer: str, target: int | None, score: str) -> None:
        waiting = self._is_slow() and turns.running_loop() is not None
        explanation = self._recording.explain(
            layer, target, score, MEANWHILE if waiting else self._method.value
        )
        class_name = self._class_names[explanation.target[0]]
        self._layer_facts.value = wording.describe_layer(explanation, self._explainer.count_filters(layer))
        title = wording.describe_map(explanation, class_name)
        if waiting:
            title = wording.describe_wait(SLOW_METHOD, MEANWHILE, layer)
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
        """Anota lo que se va a ver de una imagen nueva, y qué clases se anotarán en todas las capas."""
        if self._recording is not None:
            return
        classes = list(range(len(self._class_names)))
        few = len(classes) <= FEW_CLASSES
        # De los gradientes de todos los logits salen, sin otra pasada, los de la probabilidad y las barras.
        first = ([classes], "logit") if few and score == "probability" else (target, score)
        batch = gallery.prepare_one(self._prepare, image)
        self._recording = self._explainer.record(batch, layer, *first)
        seen = self._recording.predicted if target is None else target
        # Se toman por el final: lo último, la clase que se ve, de la que ya hay algo.
        self._ahead = [seen, *(each for each in classes if few and each != seen)]

    def _work(self) -> bool:
        """Un paso de lo que se adelanta mientras no se pide nada: anotar una clase, o un poco de Score-CAM.

        Devuelve si queda algo.
        """
        with self._lock:
            if self._recording is None:
                return False
            with contextlib.suppress(ValueError):  # si una capa falla, se dice cuando se elige
                return self._advance()
            return False

    def _advance(self) -> bool:
        if self._ahead:
            self._recording.complete(self._ahead.pop())
        elif not self._is_slow():
            return False
        else:
            layer = self._layer.value
            if progress := self._recording.score_filters(layer):
                self._views.retitle_map(wording.describe_wait(SLOW_METHOD, MEANWHILE, layer, progress))
            else:
                self._show()
        return True


def _outlined(image: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    return image if mask is None else plots.draw_outline(image, mask)
