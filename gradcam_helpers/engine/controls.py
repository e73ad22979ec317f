"""Los controles de los paneles, con un mismo aspecto.

Valen para ipywidgets 7 (Colab) y 8 (JupyterLab): no se usa nada que tenga solo uno de los dos.
"""

import cv2
import ipywidgets as widgets
import numpy as np

DISPLAY_SIZE = 300  # píxeles de pantalla
CONTROLS_WIDTH = "26em"
LABEL_STYLE = {"description_width": "4.8em"}
FEW_OPTIONS = 4  # botones que caben en una línea
# El tema de JupyterLab apenas marca el botón que tiene el foco.
FOCUS_STYLE = (
    "<style>.widget-toggle-button:focus-visible, .widget-upload:focus-visible, .noUi-handle:focus-visible "
    "{ outline: 2px solid currentColor !important; outline-offset: 1px !important; }</style>"
)


def slider(kind, description: str, **options):
    layout = widgets.Layout(width="calc(100% - 4px)")  # lo que dejan sus márgenes
    return kind(description=description, layout=layout, style=LABEL_STYLE, **options)


def buttons(description: str, options) -> widgets.ToggleButtons:
    style = {"button_width": "auto", **LABEL_STYLE}
    # Las que no caben en una línea, debajo de su rótulo, que si no se encogería.
    layout = widgets.Layout(display="flex" if len(options) <= FEW_OPTIONS else None)
    return widgets.ToggleButtons(description=description, options=options, style=style, layout=layout)


def checkbox(description: str) -> widgets.Checkbox:
    return widgets.Checkbox(description=description, style=LABEL_STYLE)


def take_file(control: widgets.FileUpload) -> tuple[str, bytes]:
    """Nombre y contenido del fichero subido. Vacía el control, para que se pueda subir otra vez el mismo."""
    value = control.value
    if isinstance(value, dict):  # ipywidgets 7, que guarda además los bytes
        ((name, upload),) = value.items()
        control.data = control.metadata = []
    else:
        (upload,) = value
        name = upload["name"]
    control.set_trait("value", type(value)())
    return name, bytes(upload["content"])


def picture() -> widgets.Image:
    return widgets.Image(format="png", width=DISPLAY_SIZE, height=DISPLAY_SIZE)


def encode_png(image: np.ndarray) -> bytes:
    """Codifica una imagen uint8 (alto, ancho, 3) en RGB como PNG, lo que muestra `widgets.Image`."""
    encoded, buffer = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    if not encoded:
        raise ValueError(f"No se puede codificar como PNG una imagen de forma {image.shape}.")
    return buffer.tobytes()


def row(*children: widgets.Widget) -> widgets.HBox:
    """Uno al lado de otro, o debajo si no caben: en una ventana estrecha o con la letra ampliada."""
    return widgets.HBox(children, layout=widgets.Layout(flex_flow="row wrap", grid_gap="0 10px"))


def controls_layout() -> widgets.Layout:
    return widgets.Layout(width=CONTROLS_WIDTH, max_width="100%")
