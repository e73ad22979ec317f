"""Los controles de los paneles, con un mismo aspecto.

Valen para ipywidgets 7 (Colab) y 8 (JupyterLab): no se usa nada que tenga solo uno de los dos.
"""

import ipywidgets as widgets

CONTROLS_WIDTH = "26em"
LABEL_STYLE = {"description_width": "4.8em"}
FEW_OPTIONS = 4  # botones que caben en una línea
MOST_BUTTONS, MOST_LETTERS = 6, 50  # más ocuparían demasiadas líneas
MOST_STOPS, LONGEST_STOP = 20, 20  # las paradas de un control deslizante, y las letras de cada una
# El tema de JupyterLab apenas marca el botón que tiene el foco.
FOCUS_STYLE = (
    "<style>.widget-toggle-button:focus-visible, .widget-upload:focus-visible, .noUi-handle:focus-visible, "
    ".widget-dropdown > select:focus-visible "
    "{ outline: 2px solid currentColor !important; outline-offset: 1px !important; }</style>"
)


def slider(kind, description: str, **options):
    return kind(description=description, layout=_full_width(), style=LABEL_STYLE, **options)


def buttons(description: str, options) -> widgets.ToggleButtons:
    style = {"button_width": "auto", **LABEL_STYLE}
    # Las que no caben en una línea, debajo de su rótulo, que si no se encogería.
    layout = widgets.Layout(display="flex" if len(options) <= FEW_OPTIONS else None)
    return widgets.ToggleButtons(description=description, options=options, style=style, layout=layout)


def one_of(description: str, options) -> widgets.ToggleButtons | widgets.Dropdown:
    """Un botón por opción o, si son demasiadas, una lista."""
    few = len(options) <= MOST_BUTTONS and sum(map(len, options)) <= MOST_LETTERS
    return buttons(description, options) if few else _list(description, options)


def stop(description: str, options, value: str) -> widgets.SelectionSlider | widgets.Dropdown:
    """Un control deslizante con una parada por opción o, si no caben, una lista."""
    if len(options) > MOST_STOPS or max(map(len, options)) > LONGEST_STOP:
        return _list(description, options, value=value)
    control = slider(widgets.SelectionSlider, description, options=options, value=value)
    control.style.description_width = "4em"  # su valor, un nombre, ocupa más que un número
    return control


def _list(description: str, options, **more) -> widgets.Dropdown:
    return slider(widgets.Dropdown, description, options=options, **more)


def _full_width() -> widgets.Layout:
    return widgets.Layout(width="calc(100% - 4px)")  # lo que dejan sus márgenes


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


def row(*children: widgets.Widget) -> widgets.HBox:
    """Uno al lado de otro, o debajo si no caben: en una ventana estrecha o con la letra ampliada."""
    return widgets.HBox(children, layout=widgets.Layout(flex_flow="row wrap", grid_gap="0 10px"))


def controls_layout() -> widgets.Layout:
    return widgets.Layout(width=CONTROLS_WIDTH, max_width="100%")
