"""Un panel de controles tal como se ve en el navegador: mover sus controles, y mirar lo que muestra."""

import base64
import io
import time
from pathlib import Path

import cv2
import numpy as np
from matplotlib import colormaps
from PIL import Image
from playwright.sync_api import Locator

from gradcam_helpers import explorer, plots
from tests.navegador.expected import (
    EMPTY,
    FINISH,
    IMAGE,
    METHOD,
    UPLOAD,
    Contents,
    RankContents,
    Scene,
    chosen_image,
    load_contents,
    rank_scene,
    scene,
    squeeze,
)
from tests.navegador.notebook import Notebook

IN_KERNEL = Path(__file__).resolve().with_name("in_kernel.py")

PATIENCE = 5  # segundos para que se vea lo que se ha pedido
SLOW_PATIENCE = 90  # con Score-CAM
# Las cuentas de la anotación y las de `Explainer.explain` se ordenan de otra forma: lo que cae justo entre
# dos niveles de color se puede redondear hacia cualquiera de ellos. Un nivel es, casi siempre, uno de 255;
# donde más cambia el color, `LEVEL`.
ROUNDING = 1
COLORS = colormaps[plots.COLORMAP](range(256))[:, :3] * 255
LEVEL = np.ceil(np.abs(np.diff(COLORS, axis=0)).max())
FEW = 1e-3  # de los píxeles
SLIDER, BUTTONS, CHECKBOX, FILE = KINDS = (
    ".widget-slider",
    ".widget-toggle-buttons",
    ".widget-checkbox",
    ".widget-upload",
)
STATE = """root => {
    const values = {
        'widget-slider': each => each.querySelector('.widget-readout').textContent,
        'widget-toggle-buttons': each => each.querySelector('.mod-active').textContent,
        'widget-checkbox': each => each.querySelector('input').checked,
    };
    // ipywidgets pone delante del rótulo de una casilla un espacio que no se ve.
    const label = (each, kind) => {
        const { textContent } = kind === 'widget-checkbox' ? each : each.querySelector('label');
        return textContent.replace('\u200b', '').trim();
    };
    const state = {};
    for (const [kind, read] of Object.entries(values))
        for (const each of root.querySelectorAll('.' + kind))
            state[label(each, kind)] = read(each);
    return state;
}"""
# Las casillas y el botón de subir no llevan el rótulo en un elemento aparte, sino dentro.
FOCUSED = """(root, kinds) => {
    const control = root.contains(document.activeElement) && document.activeElement.closest(kinds);
    if (!control) return null;
    const label = control.matches('.widget-checkbox') ? null : control.querySelector('label');
    return (label ?? control).textContent.replace('\u200b', '').replace(/\\(\\d+\\)/, '').trim();
}"""
# Lo que el navegador ha decodificado de cada imagen, no el fichero que le llegó.
LOOK = """async root => {
    root.scrollIntoView({ block: 'nearest' });  // JupyterLab no pinta, ni da por leído, lo que queda fuera
    const pictures = [];
    for (const image of root.querySelectorAll('img.widget-image')) {
        if (getComputedStyle(image).display === 'none') continue;
        await image.decode().catch(() => {});
        const canvas = document.createElement('canvas');
        [canvas.width, canvas.height] = [image.naturalWidth || 1, image.naturalHeight || 1];
        canvas.getContext('2d').drawImage(image, 0, 0);
        pictures.push(canvas.toDataURL());
    }
    return [pictures, root.innerText];
}"""


class Board:
    """Un panel: una de las vistas de un `Explorer`, un `ImageBrowser` o un `RankBoard`.

    Argumentos:
        root: su elemento en la página.
        contents: con qué se construyó. Sin ello se pueden mover sus controles, pero no comprobar qué se ve.

    Atributos:
        page: la página en la que está.
    """

    def __init__(self, root: Locator, contents: Contents | RankContents | None = None):
        self.root, self.page, self._contents = root, root.page, contents
        self._position = 0  # la última imagen elegida: si ninguna pasa los filtros, es la que se sigue viendo

    def state(self) -> dict[str, str | bool]:
        """El valor de cada control, por su rótulo, tal como se lee."""
        return self.root.evaluate(STATE)

    def control(self, label: str) -> Locator:
        return self.root.locator(", ".join(KINDS)).filter(has_text=label).first

    def labels(self, kind: str) -> list[str]:
        """Los rótulos de los controles de una clase, en orden."""
        where = kind if kind in (CHECKBOX, FILE) else f"{kind} > label"
        return [text.strip("\u200b ") for text in self.root.locator(where).all_text_contents()]

    def focus(self, label: str) -> None:
        """Pone el foco en un control, para moverlo con el teclado."""
        self.control(label).locator(".noUi-handle, input, button").first.focus()

    def focused(self) -> str | None:
        """El rótulo del control que tiene el foco."""
        return self.root.evaluate(FOCUSED, ", ".join(KINDS))

    def press(self, label: str, key: str) -> None:
        self.focus(label)
        self.page.keyboard.press(key)

    def drag(self, label: str, start: float, end: float, steps: int = 5, pause: float = 0) -> None:
        """Arrastra un control deslizante de una parte a otra de su recorrido, de 0 a 1."""
        handle, track = (self.control(label).locator(name) for name in (".noUi-handle", ".noUi-base"))
        handle.scroll_into_view_if_needed()
        grip, path = handle.bounding_box(), track.bounding_box()
        height = grip["y"] + grip["height"] / 2
        self.page.mouse.move(grip["x"] + grip["width"] / 2, height)
        self.page.mouse.down()
        for step in range(steps + 1):
            where = start + (end - start) * step / steps
            self.page.mouse.move(path["x"] + where * path["width"], height)
            time.sleep(pause)
        self.page.mouse.up()

    def options(self, label: str) -> list[str]:
        return self.control(label).locator("button, option").all_text_contents()

    def choose(self, label: str, option: str) -> None:
        """Pulsa con el ratón uno de los botones de un grupo."""
        self.control(label).get_by_role("button", name=option, exact=True).click()

    def go_to_hit(self) -> None:
        """Con todas las imágenes a la vista, va a la primera que la red acierta."""
        hits = np.flatnonzero(self._contents.predicted == self._contents.labels)
        self.press(IMAGE, "Home")
        for _ in range(hits[0]):
            self.press(IMAGE, "ArrowRight")

    def upload(self, name: str, content: bytes) -> None:
        with self.page.expect_file_chooser() as chooser:
            self.control(UPLOAD).click()
        file = {"name": name, "mimeType": "application/octet-stream", "buffer": content}
        chooser.value.set_files(file)

    def look(self) -> Scene:
        """Lo que se ve ahora."""
        pictures, text = self.root.evaluate(LOOK)
        return Scene([_decode(picture) for picture in pictures], [text])

    def settle(self, photo: np.ndarray | None = None) -> Scene:
        """Espera a que se vea lo que corresponde a los controles, y lo devuelve.

        Argumentos:
            photo: la imagen del alumno, si es lo que debe explicarse.
        """
        start = time.monotonic()
        expected_state = None
        while True:
            # El estado se lee cada vez: al filtrar, el núcleo mueve el control de la imagen.
            if (state := self.state()) != expected_state:
                expected, expected_state = self._expect(state, photo), state
            seen = self.look()
            difference = _difference(seen, expected)
            slow = state.get(METHOD) == explorer.SLOW_METHOD
            if not difference and self.state() == state:
                return seen
            assert time.monotonic() < start + (SLOW_PATIENCE if slow else PATIENCE), f"{state}: {difference}"
            time.sleep(0.02)

    def _expect(self, state: dict, photo: np.ndarray | None) -> Scene:
        if isinstance(self._contents, RankContents):
            return rank_scene(self._contents, state)
        position = chosen_image(self._contents, state)
        self._position = self._position if position is None else position
        return scene(self._contents, state, self._position, photo)

    def move_randomly(self, generator: np.random.Generator, count: int, seconds: float) -> None:
        """A intervalos iguales, mueve cualquier control a cualquier sitio; salvo la foto y Score-CAM."""
        start = time.monotonic()
        for number in range(count):
            time.sleep(max(0, start + number * seconds / count - time.monotonic()))
            self._move_once(generator)

    def _move_once(self, generator: np.random.Generator) -> None:
        kind = generator.choice([each for each in (SLIDER, SLIDER, BUTTONS, CHECKBOX) if self.labels(each)])
        label = generator.choice(self.labels(kind))
        if kind == SLIDER:
            keys = ["ArrowRight", "ArrowLeft", "PageUp", "PageDown", "Home", "End"]
            self.press(label, generator.choice(keys, p=[0.3, 0.3, 0.15, 0.15, 0.05, 0.05]))
        elif kind == CHECKBOX:
            self.press(label, "Space")
        else:
            options = [option for option in self.options(label) if option != explorer.SLOW_METHOD]
            self.choose(label, generator.choice(options))


def jpeg(**options) -> bytes:
    """Una foto de un degradado, con una esquina roja."""
    pixels = np.zeros((400, 600, 3), np.uint8)
    pixels[..., 1] = np.linspace(0, 255, 600)
    pixels[:100, :150, 0] = 255
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", **options)
    return file.getvalue()


def find_boards(notebook: Notebook, folder: Path) -> list[tuple[str, Board]]:
    """Los paneles que muestra un cuaderno, en orden: `(identificador, panel)`.

    Salvo los que recogen predicciones, que no explican nada: `test_foresight_in_browser.py`.

    Argumentos:
        folder: una carpeta que existe, donde el núcleo deja lo que tiene cada panel.
    """
    networks = notebook.run_in_kernel(IN_KERNEL, folder=str(folder))
    return [
        (model, Board(root, load_contents(folder, model, networks[model])))
        for model, root in notebook.views()
        if not root.get_by_role("button", name=FINISH).count()
    ]


def _decode(url: str) -> np.ndarray:
    content = base64.b64decode(url.partition(",")[2])
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def _difference(seen: Scene, expected: Scene) -> str:
    """En qué se distingue lo que se ve de lo que debe verse; nada, si no se distingue."""
    (text,) = map(squeeze, seen.texts)
    for each in expected.texts:
        if squeeze(each) not in text:
            return f"no se lee «{each}» en «{seen.texts[0]}»"
    if squeeze(EMPTY) in text and not any(EMPTY in each for each in expected.texts):
        return "se dice que el mapa está vacío, y no lo está"
    if len(seen.pictures) != len(expected.pictures):
        return f"se ven {len(seen.pictures)} imágenes, y deben verse {len(expected.pictures)}"
    for order, (picture, right) in enumerate(zip(seen.pictures, expected.pictures, strict=True)):
        same = _same_map if order else np.array_equal
        if picture.shape != right.shape or not same(picture, right):
            return f"la imagen {order} es otra"
    return ""


def _same_map(picture: np.ndarray, right: np.ndarray) -> bool:
    errors = np.abs(picture.astype(int) - right).max(axis=2)
    return errors.max() <= LEVEL and np.mean(errors > ROUNDING) < FEW
