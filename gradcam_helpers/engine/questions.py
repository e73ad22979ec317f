"""El panel de «predice y verás»: una imagen cada vez, y lo que se cree que responderá la red."""

import html
import threading

import ipywidgets as widgets

from gradcam_helpers.engine.canvas import encode_png, picture
from gradcam_helpers.engine.controls import FOCUS_STYLE, buttons, controls_layout, row, slider
from gradcam_helpers.engine.wording import table


class QuestionBoard(widgets.VBox):
    """Recoge las predicciones de una tanda y, al terminar, las enseña junto a las respuestas de la red.

    Argumentos:
        quiz: la tanda, un `foresight.Quiz`: todo lo que se apunta o se lee está en ella.
        class_names: el nombre de cada clase.
    """

    def __init__(self, quiz, class_names):
        self._quiz, self._class_names = quiz, list(class_names)
        # JupyterLab mueve los controles desde un hilo y ejecuta las celdas en otro.
        self._lock = threading.RLock()
        self._number = slider(widgets.IntSlider, "Imagen", value=1, min=1, max=len(quiz.pictures))
        self._guess = buttons("Dirá", self._class_names)
        self._next = widgets.Button(description="Siguiente")
        self._finish = widgets.Button(description="Terminar")
        self._progress, self._result = widgets.HTML(), widgets.HTML()
        self._picture = picture(quiz.pictures.shape[1:3])
        self._show()
        self._number.observe(self._show, names="value")
        self._guess.observe(self._take, names="index")
        self._next.on_click(self._advance)
        self._finish.on_click(self._end)
        style = widgets.HTML(FOCUS_STYLE, layout=widgets.Layout(display="none"))
        ends = row(self._next, self._finish)
        controls = [style, self._number, self._guess, ends, self._progress]
        super().__init__([row(widgets.VBox(controls, layout=controls_layout()), self._picture), self._result])

    def _take(self, change) -> None:
        with self._lock:
            if change["new"] is not None and not self._quiz.finished:
                self._quiz.guess(self._number.value, change["new"])
            self._show()

    def _advance(self, _) -> None:
        """A la siguiente sin predicción; si no queda ninguna, a la siguiente."""
        with self._lock:
            count = len(self._quiz.pictures)
            ahead = [(self._number.value + step) % count + 1 for step in range(count)]
            self._number.value = next((each for each in ahead if each in self._quiz.missing), ahead[0])

    def _end(self, _) -> None:
        with self._lock:
            if not self._quiz.finished and not self._quiz.missing:
                self._quiz.finish()
            self._show()

    def _show(self, _=None) -> None:
        with self._lock:
            quiz, number = self._quiz, self._number.value
            self._picture.value = encode_png(quiz.pictures[number - 1])
            self._guess.index = quiz.guesses[number - 1]
            self._guess.disabled = quiz.finished
            self._finish.disabled = quiz.finished or bool(quiz.missing)
            self._progress.value = _paragraphs(quiz.describe_progress())
            if quiz.finished:
                self._result.value = _compare(quiz, self._class_names) + _paragraphs(quiz.describe_result())


def _paragraphs(text: str) -> str:
    lines = "".join(f"<div>{html.escape(line)}</div>" for line in text.splitlines())
    return f'<div role="status" style="line-height: 1.4">{lines}</div>'


def _compare(quiz, class_names) -> str:
    """Una tabla HTML con una fila por imagen: el sujeto, lo que se predijo y lo que responde la red."""
    rows = [("imagen", "sujeto", "predijiste", "la red responde", "")]
    for number, each in enumerate(zip(quiz.labels, quiz.guesses, quiz.answers, strict=True), start=1):
        names = [html.escape(class_names[index]) for index in each]
        rows.append((number, *names, "✓" if each[1] == each[2] else "✗"))
    return table(rows)
