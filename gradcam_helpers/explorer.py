"""El explorador: controles de ipywidgets, en una capa fina sobre funciones que se pueden llamar sin ellos.

Vale para ipywidgets 7 (Colab) y 8 (JupyterLab): por eso no usa nada que tenga solo uno de los dos.
"""

import asyncio
import contextlib
import html
import threading
import weakref

import cv2
import ipywidgets as widgets
import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_hex

from gradcam_helpers import cam, data, plots
from gradcam_helpers.engine import photos

ALL_CLASSES = "todas"
PREDICTED = "predicha"
SCORE_CHOICES = {"logit": "logit", "probabilidad": "probability"}
# Sin CAM, que solo vale para la última capa de las redes con promedio global.
METHOD_CHOICES = [method for method in cam.METHODS if method != "CAM"]
SLOW_METHOD = "Score-CAM"
DISPLAY_SIZE = 300  # píxeles de pantalla
CONTROLS_WIDTH = "26em"
LABEL_STYLE = {"description_width": "4.8em"}
FEW_OPTIONS = 4  # botones que caben en una línea
# ipywidgets conserva todos los paneles, también los de una celda que se repite. Por eso, al crear uno, los
# demás sueltan los 120 MB que ocupa lo anotado.
BOARDS = weakref.WeakSet()
OWN_PHOTO = "Tu foto. Mueve «Imagen» o cambia «Mostrar» para volver."
EMPTY_MAP = (
    "<b>Mapa vacío.</b> Según este método, en ningún punto de esta capa lo que apoya la clase supera a lo "
    "que va en contra."
)
ROUNDED_AWAY = "Con la probabilidad puede ser solo redondeo: prueba con el logit."
COMPUTING = "Score-CAM hace una predicción por filtro: tarda unos segundos…"
# El tema de JupyterLab apenas marca el botón que tiene el foco.
FOCUS_STYLE = (
    "<style>.widget-toggle-button:focus-visible, .widget-upload:focus-visible, .noUi-handle:focus-visible "
    "{ outline: 2px solid currentColor !important; outline-offset: 1px !important; }</style>"
)
PAUSE = 0.01  # segundos en que se juntan peticiones: de las que llegan al arrastrar, se atiende la última
SLOW_PAUSE = 0.3  # los que pasan sin peticiones antes de atender una que tarda
CALM = 0.1  # segundos con la misma imagen tras los que se empieza a anotar el resto, antes de que se pida
REST = 0.05  # segundos entre lo que se anota de una clase y de la siguiente


def encode_png(image: np.ndarray) -> bytes:
    """Codifica una imagen uint8 (alto, ancho, 3) en RGB como PNG, lo que muestra `widgets.Image`."""
    encoded, buffer = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    if not encoded:
        raise ValueError(f"No se puede codificar como PNG una imagen de forma {image.shape}.")
    return buffer.tobytes()


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


def draw_outline(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Copia de una imagen uint8 con el borde de una máscara bool (alto, ancho): blanco, entre dos negros."""
    outlined = image.copy()
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(outlined, contours, -1, (0, 0, 0), 3)
    cv2.drawContours(outlined, contours, -1, (255, 255, 255), 1)
    return outlined


def describe_map(explanation: cam.Explanation, class_name: str) -> str:
    """El título de un mapa: «Grad-CAM del logit de «caballo» en bloque3_conv2 (75 × 75)»."""
    (score,) = (name for name, score in SCORE_CHOICES.items() if score == explanation.score)
    article = "del" if score == "logit" else "de la"
    height, width = explanation.raw.shape[-2:]
    where = f"en {explanation.layer} ({height} × {width})"
    if explanation.method == "Eigen-CAM":
        return f"Eigen-CAM {where}; no depende de la clase"
    return f"{explanation.method} {article} {score} de «{class_name}» {where}"


def describe_empty(score: str) -> str:
    """Lo que se lee en lugar de un mapa vacío, en HTML."""
    return EMPTY_MAP if score == "logit" else f"{EMPTY_MAP} {ROUNDED_AWAY}"


def describe_layer(explanation: cam.Explanation, filters: int) -> str:
    """Lo que se lee bajo el nombre de una capa: «75 × 75 posiciones, 128 filtros»."""
    height, width = explanation.raw.shape[-2:]
    return f"{height} × {width} posiciones, {filters} filtros"


def describe_scores(recording: cam.Recording, class_names, true_class: int | None = None) -> str:
    """Tabla HTML: logit y probabilidad de cada clase, cuál se predice y, si se sabe, cuál es la verdadera."""
    rows = [("clase", "logit", "probabilidad", "")]
    for index, name in enumerate(class_names):
        roles = ["predicha"] * (index == recording.predicted) + ["verdadera"] * (index == true_class)
        logit, probability = recording.logits[0, index], recording.probabilities[0, index]
        rows.append((html.escape(name), _signed(logit), f"{probability:.4f}", ", ".join(roles)))
    return _table(rows)


def describe_completeness(explanation: cam.Explanation, class_name: str) -> str:
    """Tabla HTML con barras: el logit de una clase, lo que suma activación × gradiente y lo que falta.

    Argumentos:
        explanation: de una imagen, con HiResCAM y el logit, como pide `cam.completeness_gap`.
    """
    gap = cam.completeness_gap(explanation)[0]
    accounted = explanation.raw[0].sum(dtype=np.float64)
    values = {
        f"logit de «{html.escape(class_name)}», <i>y</i>": accounted + gap,
        "activación × gradiente, Σ <i>A·g</i>": accounted,
        "lo que falta, <i>y</i> − Σ <i>A·g</i>": gap,
    }
    limit = _round_up(max(abs(value) for value in values.values()))
    decimals = max(2, 1 - int(np.floor(np.log10(limit))))
    rows = [(name, _signed(value, decimals), _bar(value / limit)) for name, value in values.items()]
    title = f"Completitud de {explanation.layer}"
    return _table([(title, "", f"de −{limit:g} a +{limit:g}"), *rows])


def color_bar() -> str:
    """La escala de colores de los mapas, en HTML: siempre de 0 a 1."""
    colors = ", ".join(to_hex(color) for color in colormaps[plots.COLORMAP](np.linspace(0, 1, 17)))
    return (
        f'<div style="width: {DISPLAY_SIZE}px; height: 0.8em; '
        f'background: linear-gradient(to right, {colors})"></div>'
        '<div style="display: flex; justify-content: space-between; line-height: 1.4">'
        "<span>0</span><span>relevancia (máximo = 1)</span><span>1</span></div>"
    )


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
        self._filter = _buttons("Mostrar", [ALL_CLASSES, *present])
        self._errors = widgets.Checkbox(description="solo errores de la red", style=LABEL_STYLE)
        self._slider = _slider(widgets.IntSlider, "Imagen", max=len(labels) - 1)
        self._nothing = widgets.HTML("Ninguna imagen pasa los filtros: sigue lo que se veía.")
        self._nothing.layout.display = "none"
        for control in (self._filter, self._errors):
            control.observe(self._apply_filters, names="value")
        self._slider.observe(self._move, names="value")
        errors = [] if predicted is None else [self._errors]
        style = widgets.HTML(FOCUS_STYLE, layout=widgets.Layout(display="none"))
        children = [style, self._filter, *errors, self._slider, self._nothing]
        super().__init__(children, layout=_controls_layout())

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
        self._picture, self._caption = _picture(), widgets.Label()
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
        self._lock, self._pending = threading.RLock(), {}
        for board in tuple(BOARDS):
            board._forget()
        BOARDS.add(self)
        self._build_controls(predicted)
        self._build_views()
        self._observe()
        self._update()
        super().__init__(self._arrange())

    def choose(self, image=None, layer=None, target=None, method=None, score=None) -> None:
        """Coloca los controles; los que no se dan se quedan como están.

        Argumentos:
            image: posición en `images`.
            layer: nombre de la capa.
            target: nombre de la clase explicada, o `PREDICTED`.
            method: uno de `METHOD_CHOICES`.
            score: una clave de `SCORE_CHOICES`.

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
        self._layer = _slider(widgets.SelectionSlider, "Capa", options=layers, value=layers[-1])
        self._layer.style.description_width = "4em"  # su valor, un nombre, ocupa más que un número
        self._layer_facts = widgets.HTML(layout=widgets.Layout(margin="0 0 0 5em"))
        self._target = _buttons("Clase", [PREDICTED, *self._class_names])
        self._method = _buttons("Método", METHOD_CHOICES)
        self._score = _buttons("Derivar", list(SCORE_CHOICES))
        # En tanto por ciento, sin decimales: ipywidgets lee «0,3» como 0.
        self._opacity = _slider(widgets.IntSlider, "Opacidad", value=50, max=100, step=5)
        self._outline = widgets.Checkbox(description="contorno del sujeto", style=LABEL_STYLE)
        self._upload = widgets.FileUpload(
            description="Tu foto", accept=".jpg,.jpeg,.png,.webp", multiple=False
        )

    def _build_views(self) -> None:
        self._picture, self._overlay = _picture(), _picture()
        self._picture_caption, self._overlay_caption = widgets.HTML(), widgets.HTML()
        self._instead = widgets.HTML()  # lo que se lee en lugar del mapa
        self._scores, self._meter, self._notice = widgets.HTML(), widgets.HTML(), widgets.HTML()

    def _arrange(self) -> list[widgets.Widget]:
        more = [self._target, self._method, self._score, self._opacity]
        more += [self._outline] * (self._masks is not None) + [self._upload]
        controls = [self._chooser, self._layer, self._layer_facts, *([] if self._basic else more)]
        picture = widgets.VBox([self._picture_caption, self._picture])
        # De alto fijo: al pasar del mapa al texto, o al revés, nada de lo de abajo se mueve.
        place = widgets.VBox([self._overlay, self._instead])
        place.layout.height, place.layout.overflow = f"{DISPLAY_SIZE + 4}px", "hidden"
        overlay = widgets.VBox([self._overlay_caption, place, widgets.HTML(color_bar())])
        picture.layout.width = overlay.layout.width = f"{DISPLAY_SIZE}px"
        tables = [self._scores] if self._basic else [self._scores, self._meter]
        views = widgets.VBox([self._notice, _row(picture, overlay), _row(*tables)])
        views.layout.flex = f"1 1 {DISPLAY_SIZE}px"
        return [_row(widgets.VBox(controls, layout=_controls_layout()), views)]

    def _observe(self) -> None:
        self._chooser.on_change(self._choose_image)
        self._upload.observe(self._receive_photo, names="value")
        for control in (self._layer, self._target, self._method, self._score, self._opacity, self._outline):
            control.observe(self._request, names="value")

    def _choose_image(self) -> None:
        if self._photo is not None or self._chooser.position != self._position:
            self._replace_photo(None)

    def _receive_photo(self, change) -> None:
        if not change["new"]:
            return
        name, content = uploaded_file(change["new"])
        self._upload.set_trait("value", type(change["new"])())  # vacío, para que se pueda repetir la misma
        if isinstance(change["new"], dict):  # ipywidgets 7 guarda además los bytes
            self._upload.data = self._upload.metadata = []
        try:
            self._replace_photo(photos.read_photo(content))
        except ValueError as error:
            self._notice.value = _notice(f"«{name}»: {error}")

    def _replace_photo(self, photo: np.ndarray | None) -> None:
        with self._lock:
            self._photo, self._position, self._recording = photo, self._chooser.position, None
        self._request()

    def _forget(self) -> None:
        """Suelta lo anotado; si el panel se vuelve a usar, se anota otra vez."""
        with self._lock:
            self._recording = None

    def _request(self, _=None) -> None:
        """Pide que se actualice lo que se ve; de varias peticiones seguidas se atiende la última."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # sin bucle de eventos, fuera de un cuaderno: al momento
            return self._update()
        slow = self._is_slow()
        if slow and loop in self._pending:
            self._pending.pop(loop).cancel()
        if loop not in self._pending:
            self._pending[loop] = loop.call_later(SLOW_PAUSE if slow else PAUSE, self._attend, loop)

    def _attend(self, loop) -> None:
        del self._pending[loop]
        self._update()

    def _update(self) -> None:
        with self._lock:
            try:
                self._show()
            except ValueError as error:
                self._withdraw_map(html.escape(str(error)))
                if self._recording is None:
                    self._scores.value = ""

    def _complete(self, recording: weakref.ref, classes: tuple[int, ...]) -> None:
        """Anota las demás capas de esas clases, si la imagen sigue siendo la misma."""
        target, *others = classes
        with self._lock, contextlib.suppress(ValueError):  # si una capa falla, se dice cuando se elige
            if self._recording is None or self._recording is not recording():
                return
            self._recording.complete(target)
        if others:  # de una en una, para atender entretanto lo que se pida
            _call_later(REST, self._complete, recording, tuple(others))

    def _show(self) -> None:
        position, chosen = self._position, self._chosen()
        own = self._photo is not None
        image = self._photo if own else self._images[position]
        mask = self._masks[position] if self._outline.value and not own else None
        true_class = None if own else int(self._labels[position])
        title = OWN_PHOTO if own else f"Imagen {position}: {self._class_names[true_class]}"
        try:
            self._record(image, *chosen)
        finally:  # a la vez que su mapa, o que el motivo de que no lo haya
            self._picture.value = _outlined(image, mask)
            self._picture_caption.value = _caption(title)
            self._outline.disabled, self._notice.value = own, ""
        self._scores.value = describe_scores(self._recording, self._class_names, true_class)
        self._show_map(image, mask, *chosen)

    def _record(self, image: np.ndarray, layer: str, target: int | None, score: str) -> None:
        """Anota lo que se va a ver de una imagen nueva, y encarga lo demás."""
        if self._recording is not None:
            return
        self._recording = self._explainer.record(data.prepare_image(image), layer, target, score)
        # La última, la clase que se ve, de la que ya hay algo.
        seen = self._recording.predicted if target is None else target
        classes = sorted(range(len(self._class_names)), key=lambda each: each == seen)
        # Una referencia débil: lo anotado de una imagen se suelta en cuanto llega otra.
        _call_later(CALM, self._complete, weakref.ref(self._recording), tuple(classes))

    def _chosen(self) -> tuple[str, int | None, str]:
        """Capa, clase y puntuación elegidas, como las reciben `Explainer.record` y `Recording.explain`."""
        chosen = self._target.value
        target = None if chosen == PREDICTED else self._class_names.index(chosen)
        return self._layer.value, target, SCORE_CHOICES[self._score.value]

    def _is_slow(self) -> bool:
        """¿Hay que calcular lo elegido, y tarda?"""
        if self._method.value != SLOW_METHOD:
            return False
        recording = self._recording
        return recording is None or not recording.has_map(*self._chosen(), SLOW_METHOD)

    def _show_map(self, image, mask, layer: str, target: int | None, score: str) -> None:
        if self._is_slow():
            self._withdraw_map(COMPUTING)
        explanation = self._recording.explain(layer, target, score, self._method.value)
        class_name = self._class_names[explanation.target[0]]
        self._layer_facts.value = describe_layer(explanation, self._explainer.count_filters(layer))
        self._overlay_caption.value = _caption(describe_map(explanation, class_name))
        if explanation.empty[0]:
            self._put_instead(describe_empty(score))
        else:
            blended = plots.overlay(image, explanation.heatmap[0], self._opacity.value / 100)
            self._overlay.value = _outlined(blended, mask)
            self._instead.layout.display, self._overlay.layout.display = "none", ""
        if not self._basic:
            accounted = self._recording.explain(layer, target, method="HiResCAM")
            self._meter.value = describe_completeness(accounted, class_name)
            self._meter.layout.visibility = "visible"

    def _withdraw_map(self, message: str) -> None:
        """Quita el mapa, que era de otra imagen o de otra petición, y lo que se dice de él."""
        self._put_instead(message)
        self._overlay_caption.value = _caption("")
        self._meter.layout.visibility = "hidden"  # sin dejar de ocupar su sitio

    def _put_instead(self, message: str) -> None:
        """Pone un texto, en HTML, en lugar del mapa."""
        self._instead.value = _box(message)
        self._overlay.layout.display, self._instead.layout.display = "none", ""


def uploaded_file(value) -> tuple[str, bytes]:
    """Nombre y contenido del fichero que ha llegado a un `FileUpload` de ipywidgets 7 (dict) u 8 (tupla)."""
    if isinstance(value, dict):
        ((name, upload),) = value.items()
        return name, upload["content"]
    (upload,) = value
    return upload["name"], bytes(upload["content"])


def _call_later(seconds: float, function, *arguments) -> None:
    """Encarga una llamada al bucle de eventos del núcleo; fuera de un cuaderno no lo hay, y no se hace."""
    with contextlib.suppress(RuntimeError):
        asyncio.get_running_loop().call_later(seconds, function, *arguments)


def _outlined(image: np.ndarray, mask: np.ndarray | None) -> bytes:
    return encode_png(image if mask is None else draw_outline(image, mask))


def _signed(value: float, decimals: int = 2) -> str:
    return f"{value:+z.{decimals}f}".replace("-", "−")


def _round_up(value: float) -> float:
    """El menor 1, 2 o 5 · 10ⁿ que no es menor que `value`: el fondo de escala de una barra."""
    power = 10.0 ** np.floor(np.log10(value)) if value > 0 else 1.0
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value)


def _bar(fraction: float) -> str:
    """Una barra HTML desde el centro: a la derecha, roja, si es positiva; a la izquierda, azul, si no."""
    side, color = ("left", "#B2182B") if fraction >= 0 else ("right", "#2166AC")
    return (
        '<div style="width: 8em; height: 0.8em; position: relative; border: 1px solid gray">'
        f'<div style="position: absolute; {side}: 50%; width: {50 * abs(fraction):.1f}%; height: 100%; '
        f'background: {color}"></div></div>'
    )


def _table(rows) -> str:
    """Una tabla HTML: la primera fila son los títulos."""
    (titles, *body), style = rows, "style='padding: 0 1em 0 0; text-align: left'"
    cells = ["".join(f"<th {style}>{cell}</th>" for cell in titles)]
    cells += ["".join(f"<td {style}>{cell}</td>" for cell in row) for row in body]
    return f"<table>{''.join(f'<tr>{row}</tr>' for row in cells)}</table>"


def _caption(text: str) -> str:
    """Un título de dos líneas, las llene o no: así dos imágenes quedan siempre a la misma altura."""
    return f'<div style="min-height: 2.8em; line-height: 1.4">{html.escape(text)}</div>'


def _box(content: str) -> str:
    """Un recuadro del tamaño de un mapa, con un texto en HTML."""
    return (
        f'<div role="status" style="box-sizing: border-box; min-height: {DISPLAY_SIZE}px; line-height: 1.4; '
        f'padding: 1em; border: 1px dashed gray">{content}</div>'
    )


def _notice(text: str) -> str:
    return f'<div role="status" style="line-height: 1.4">⚠ {html.escape(text)}</div>'


def _picture() -> widgets.Image:
    return widgets.Image(format="png", width=DISPLAY_SIZE, height=DISPLAY_SIZE)


def _row(*children: widgets.Widget) -> widgets.HBox:
    """Uno al lado de otro, o debajo si no caben: en una ventana estrecha o con la letra ampliada."""
    return widgets.HBox(children, layout=widgets.Layout(flex_flow="row wrap", grid_gap="0 10px"))


def _controls_layout() -> widgets.Layout:
    return widgets.Layout(width=CONTROLS_WIDTH, max_width="100%")


def _slider(kind, description: str, **options):
    layout = widgets.Layout(width="calc(100% - 4px)")  # lo que dejan sus márgenes
    return kind(description=description, layout=layout, style=LABEL_STYLE, **options)


def _buttons(description: str, options) -> widgets.ToggleButtons:
    style = {"button_width": "auto", **LABEL_STYLE}
    # Las que no caben en una línea, debajo de su rótulo, que si no se encogería.
    layout = widgets.Layout(display="flex" if len(options) <= FEW_OPTIONS else None)
    return widgets.ToggleButtons(description=description, options=options, style=style, layout=layout)


def _check_lengths(images, labels, masks) -> None:
    counts = {"imágenes": images, "etiquetas": labels} | ({} if masks is None else {"máscaras": masks})
    if len({len(values) for values in counts.values()}) > 1:
        found = ", ".join(f"{len(values)} {name}" for name, values in counts.items())
        raise ValueError(f"Debe haber una etiqueta y una máscara por imagen, y hay {found}.")
