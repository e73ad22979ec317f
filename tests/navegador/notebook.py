"""Un cuaderno abierto en JupyterLab: ejecutarlo, hablar con su núcleo y recoger todo lo que va mal."""

import io
import json
import re
from collections.abc import Sequence
from pathlib import Path, PurePath

import nbformat
from PIL import Image
from playwright.sync_api import Browser, Locator

from tests.navegador.lab import Server

ELSEWHERE = re.compile(r"^https?://(?!127\.0\.0\.1[:/])")
PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="100" height="20"/>'
WIDGET = "application/vnd.jupyter.widget-view+json"
LIGHT, DARK = "JupyterLab Light", "JupyterLab Dark"
WINDOW = {"width": 1400, "height": 1000}
TALLEST = 8_000  # píxeles de alto de cada captura: Chromium no las dibuja mayores de 16 384
LOAD = 60_000  # milisegundos para que se abra el cuaderno y arranque su núcleo
RUN = 900_000  # milisegundos para ejecutar una lección, también en un equipo ocupado
# Lo que anota el servidor si se cierra la página mientras el núcleo, que se apaga, aún le escribe.
CLOSED = re.compile(
    r"Task exception was never retrieved\nfuture: [^\n]*WebSocketClosedError.*?"
    r"\ntornado\.websocket\.WebSocketClosedError\n",
    re.DOTALL,
)

# Deja el cuaderno en `window.lesson`, con qué acotar las esperas en `window.within`, y anota lo que el núcleo
# escribe por la salida de errores: también lo que falla al mover un control, que no aparece en ninguna celda.
# No cuentan los «No such comm»: al conectarse, JupyterLab pregunta por sus controles a un núcleo que aún no
# ha importado ipywidgets.
OPEN = """async () => {
    window.lesson = window.jupyterapp.shell.currentWidget;
    const kernel = window.lesson.sessionContext.session.kernel;
    await kernel.info;
    window.within = (promise, limit, what) => Promise.race([
        promise,
        new Promise((_, fail) => setTimeout(() => fail(new Error(`no acaba: ${what}`)), limit)),
    ]);
    window.complaints = [];
    kernel.iopubMessage.connect((_, message) => {
        const { header, content } = message;
        if (header.msg_type === 'error') window.complaints.push(content.traceback.join('\\n'));
        if (content.name !== 'stderr') return;
        const lines = content.text.split('\\n').filter(line => line.trim() && !line.includes('No such comm'));
        window.complaints.push(...lines);
    });
}"""
READY = """() => {
    const panel = window.jupyterapp?.shell.currentWidget;
    return panel?.context?.isReady && panel.sessionContext?.isReady && panel.sessionContext.session?.kernel;
}"""
# Marca cada control que se ve con su orden, y dice de qué control del núcleo es.
MARK = """type => {
    const models = [];
    for (const cell of window.lesson.content.widgets) {
        const outputs = cell.model.outputs;
        for (let i = 0; i < (outputs?.length ?? 0); i++) {
            const view = outputs.get(i).data[type];
            if (!view) continue;
            const { node } = cell.outputArea.widgets[i];
            node.querySelector('.jp-OutputArea-output').dataset.view = models.length;
            models.push(view.model_id);
        }
    }
    return models;
}"""
SCROLL = """async (panel, top) => {
    panel.scrollTop = top;
    for (let i = 0; i < 3; i++) await new Promise(requestAnimationFrame);
    const last = [...panel.querySelectorAll('.jp-Cell')].at(-1);
    const bottom = last.getBoundingClientRect().bottom - panel.getBoundingClientRect().top;
    return [panel.scrollTop, panel.clientHeight, panel.scrollTop + bottom, panel.scrollHeight];
}"""
COMMAND = "([name, options, limit]) => within(jupyterapp.commands.execute(name, options), limit, name)"
EXECUTE = """async ([code, limit]) => {
    const request = { code, stop_on_error: false, store_history: false };
    const future = window.lesson.sessionContext.session.kernel.requestExecute(request);
    let printed = '';
    future.onIOPub = message => {
        const { header, content } = message;
        if (header.msg_type === 'stream' && content.name === 'stdout') printed += content.text;
    };
    await within(future.done, limit, code);
    return printed;
}"""


def write(path: Path, cells: Sequence[str]) -> None:
    """Escribe un cuaderno nuevo con esas celdas de código."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, path)


class Notebook:
    """Un cuaderno, en su propia ventana.

    Atributos:
        name: su nombre, sin carpeta ni extensión.
        page: la página de Playwright.
        problems: los errores de la consola y de la página.
    """

    def __init__(self, browser: Browser, server: Server, path: str):
        self._server = server
        self.name = PurePath(path).stem
        self._context = browser.new_context(viewport=WINDOW)
        self._context.set_default_timeout(LOAD)
        self.page = self._context.new_page()
        self.problems = []
        self.page.on("console", self._listen)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        # Los distintivos de las lecciones son imágenes de fuera: las pruebas no salen a la red.
        self.page.route(ELSEWHERE, lambda route: route.fulfill(content_type="image/svg+xml", body=PICTURE))
        self.page.goto(f"{server.address}/lab/tree/{path}?token={server.token}&reset")
        self.page.wait_for_function(READY)
        self.page.evaluate(OPEN)

    def _listen(self, message) -> None:
        if message.type == "error":
            self.problems.append(f"{message.text} {message.location}")

    def command(self, name: str, **options):
        """Una orden de JupyterLab, como las de sus menús."""
        return self.page.evaluate(COMMAND, [name, options, RUN])

    def run_all(self) -> None:
        self.command("notebook:run-all-cells")

    def run_from(self, cell: int) -> None:
        self.page.evaluate("cell => { window.lesson.content.activeCellIndex = cell; }", cell)
        self.command("notebook:run-all-below")

    def restart(self) -> None:
        """Reinicia el núcleo, sin la pregunta de confirmación, y olvida las salidas."""
        self.page.evaluate("() => window.lesson.sessionContext.session.kernel.restart()")
        self.page.evaluate("() => window.lesson.sessionContext.session.kernel.info")
        self.command("notebook:clear-all-cell-outputs")

    def execute(self, code: str) -> str:
        """Ejecuta código en el núcleo, fuera de las celdas, y devuelve lo que escribe."""
        return self.page.evaluate(EXECUTE, [code, RUN])

    def kernel_process(self) -> int:
        return int(self.execute("import os; print(os.getpid())"))

    def run_in_kernel(self, script: Path, **variables):
        """Ejecuta en el núcleo un fichero que escribe JSON, y lo devuelve leído."""
        printed = self.execute(f"import runpy; _ = runpy.run_path({str(script)!r}, {variables!r})")
        return json.loads(printed)

    def views(self) -> list[tuple[str, Locator]]:
        """Los controles que muestran las celdas, en orden: identificador en el núcleo y elemento."""
        models = self.page.evaluate(MARK, WIDGET)
        return [(model, self.page.locator(f"[data-view='{index}']")) for index, model in enumerate(models)]

    def use_theme(self, name: str) -> None:
        self.command("apputils:change-theme", theme=name)
        light = "false" if name == DARK else "true"
        self.page.locator(f"body[data-jp-theme-light='{light}']").wait_for(state="attached")

    def zoom(self, times: float) -> None:
        """Amplía la página: para lo que hay en ella, es lo mismo que una ventana más pequeña."""
        self.page.set_viewport_size({name: round(length / times) for name, length in WINDOW.items()})

    def check(self) -> None:
        """Exige que nada haya ido mal: en la consola, en la página, en las celdas o en los controles."""
        complaints = self.problems + self.page.evaluate("() => window.complaints")
        assert not complaints, "\n".join(complaints)
        log = CLOSED.sub("", self._server.log)
        assert "Traceback" not in log, log

    def capture(self, path: Path) -> None:
        """Una imagen del cuaderno entero, de arriba abajo, hecha de las que Chromium puede dibujar."""
        window = self.page.viewport_size
        panel = self.page.locator(".jp-NotebookPanel-notebook .jp-WindowedPanel-outer")
        self.page.set_viewport_size({**window, "height": TALLEST})
        parts, captured, height = {}, 0, 1
        while captured < height:
            # Bajo la última celda JupyterLab deja sitio vacío.
            top, shown, last_cell, height = map(round, panel.evaluate(SCROLL, captured))
            parts[top] = Image.open(io.BytesIO(panel.screenshot()))
            captured = top + shown
        whole = Image.new("RGB", (parts[0].width, last_cell))
        for top, part in parts.items():
            whole.paste(part, (0, top))
        whole.save(path)
        self.page.set_viewport_size(window)

    def close(self) -> None:
        self.page.evaluate("() => window.lesson.sessionContext.shutdown()")
        self._context.close()
