"""Lo que tardan los paneles en responder, en JupyterLab y Chromium, y la memoria que crece con su uso.

El tiempo va de la pulsación de una tecla al mapa nuevo, ya decodificado; las barras de completitud llegan
unos milisegundos después. Los límites valen para quien mira lo que mueve, con pausas al azar; también se mide
sin pausas, pulsando en cuanto llega el mapa. Cada movimiento se hace con otra imagen: lo ya calculado de una
se conserva, y repetirlo sería más rápido. Los primeros movimientos, en los que se construyen las funciones,
no cuentan; de ellos se escribe el más lento. La red no está entrenada: los tiempos no dependen de sus pesos.

Acaba con error si algún límite no se cumple. Solo en Linux. Uso: python -m medidas.navegador.latency
"""

import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from playwright.sync_api import TimeoutError

from gradcam_helpers import explorer
from gradcam_helpers.engine.gallery import ALL_CLASSES
from medidas.lessons import memory
from tests.navegador import lab, notebook
from tests.navegador.board import Board, find_boards
from tests.navegador.expected import FILTER, IMAGE, LAYER, METHOD, OPACITY, PLACE, TARGET

CELLS = (
    """import sys; sys.path.insert(0, "..")
from gradcam_helpers import bench, cam, data, explorer, models
import keras
keras.utils.set_random_seed(models.SEED)
source = data.prepare_source()
images, labels = data.load_images(source, count=200)
explainer = cam.Explainer(models.build_model())""",
    "explorer.Explorer(explainer, images, labels, data.CLASS_NAMES)",
    """some = data.load_images(source, "test", count=100)
masks = data.load_masks(source, "test", count=100)
bench.Bench(explainer, *some, data.CLASS_NAMES, masks, *data.load_backgrounds())""",
)
# Anota cuándo se pulsa una tecla y cuándo está decodificada cada imagen del mapa, que es la segunda.
WATCH = """root => {
    window.shown = [];
    const overlay = [...root.querySelectorAll('img')].at(-1);
    overlay.addEventListener('load', () => {
        const decoded = () => window.shown.push(performance.now());
        overlay.decode().then(decoded, () => {});  // si falla es que ya hay otra imagen
    });
    document.addEventListener('keydown', event => { window.pressed = event.timeStamp; }, true);
}"""
SEED = 5
PAUSES = 0.1, 0.6  # segundos: entre cuánto y cuánto
AT_ONCE = 0.0, 0.0
CALM = 0.5, 0.7  # tras una imagen nueva, para que se anoten todas sus capas
FRESH = 0.0, 0.5  # con la imagen recién llegada, puede que solo esté anotado lo que se ve
HALFWAY = 0.0, 1.0  # con Score-CAM ya en marcha
COUNT = 40
MOST = 120  # movimientos que se intentan: si el mapa está vacío, no llega ninguna imagen
WARM_UP = 12  # movimientos que no cuentan
LONGEST = 1_000  # milisegundos que se espera una imagen
RANDOM_MOVES, RANDOM_SECONDS, RANDOM_WARM_UP = 300, 30, 30
# Si tardan mucho más de esos segundos, van más despacio de lo que se dice.
RANDOM_LONGEST = 33
MEGABYTES = 50  # de más, tras los movimientos al azar
BUSY = 0.5  # carga del equipo a partir de la cual se avisa


GRADIENT_METHODS = [method for method in explorer.METHOD_CHOICES if method != explorer.SLOW_METHOD]


@dataclass(frozen=True)
class Task:
    """Un control, los movimientos que se repiten en él y sus límites, en milisegundos.

    `layer` es la tecla que lleva a la capa en que se mide: `End`, la última; `Home`, la primera; ninguna, si
    el panel no deja elegirla. `rest`, los segundos que pasan entre la imagen nueva y el movimiento. Si
    `halfway`, el movimiento llega con Score-CAM a medias, y se mide hasta el mapa que se ve entretanto.
    """

    what: str
    label: str
    steps: tuple[str, ...]
    median: float
    p95: float
    layer: str | None = "End"
    rest: tuple[float, float] = CALM
    halfway: bool = False


CLASSES = ("caballo", "persona")
LAYERS = ("ArrowLeft",) * 5 + ("ArrowRight",) * 5
TASKS = (
    Task("opacidad", OPACITY, ("ArrowRight",) * 8 + ("ArrowLeft",) * 8, 80, 150),
    Task("método", METHOD, (*GRADIENT_METHODS[1:], GRADIENT_METHODS[0]), 80, 150),
    Task("clase", TARGET, CLASSES, 80, 150),
    Task("clase, recién cambiada la imagen", TARGET, CLASSES, 80, 150, rest=FRESH),
    Task("capa", LAYER, LAYERS, 100, 200),
    Task("capa, recién cambiada la imagen", LAYER, LAYERS, 100, 200, rest=FRESH),
    Task("capa, con Score-CAM a medias", LAYER, LAYERS, 300, 300, rest=HALFWAY, halfway=True),
    Task("imagen nueva", IMAGE, ("ArrowRight",), 180, 350),
    Task("imagen nueva, primera capa", IMAGE, ("ArrowRight",), 180, 350, layer="Home"),
)
PLACES = ("ArrowRight",) * 9 + ("ArrowLeft",) * 9
BENCH_TASKS = (
    Task("fondo nuevo, en el banco", PLACE, PLACES, 180, 350, layer=None),
    Task("imagen nueva, en el banco", IMAGE, ("ArrowRight",), 180, 350, layer=None),
)


def press(board: Board, task: Task, step: str) -> None:
    if task.label in (METHOD, TARGET):
        press_button(board, task.label, step)
    else:
        board.page.keyboard.press(step)


def press_button(board: Board, label: str, option: str) -> None:
    board.control(label).get_by_role("button", name=option, exact=True).press("Enter")


def moves(board: Board, task: Task, pauses: tuple[float, float]) -> list[float]:
    """Milisegundos de cada movimiento, también los primeros."""
    times, generator = [], np.random.default_rng(SEED)
    if task.layer is not None:
        board.press(LAYER, task.layer)
    board.press(IMAGE, "Home")
    board.focus(task.label)
    press(board, task, task.steps[-1])  # para que el primero no deje el control como estaba
    time.sleep(max(CALM))
    for number in range(MOST):
        if task.label != IMAGE:
            elapsed(board, lambda: board.press(IMAGE, "ArrowRight"))
            if task.halfway:
                press_button(board, METHOD, explorer.SLOW_METHOD)
                board.root.get_by_text("filtros…").wait_for()
            time.sleep(generator.uniform(*task.rest))
            board.focus(task.label)
        step = task.steps[number % len(task.steps)]
        milliseconds = elapsed(board, lambda step=step: press(board, task, step))
        if milliseconds is not None:
            times.append(milliseconds)
        if task.halfway:
            press_button(board, METHOD, GRADIENT_METHODS[0])
        if len(times) == WARM_UP + COUNT:
            break
        time.sleep(generator.uniform(*pauses))
    return times


def elapsed(board: Board, press) -> float | None:
    """Milisegundos de la pulsación a la imagen; ninguno, si el mapa está vacío y no hay imagen."""
    before = board.page.evaluate("() => window.shown.length")
    press()
    try:
        board.page.wait_for_function(f"window.shown.length > {before}", timeout=LONGEST, polling=5)
    except TimeoutError:
        time.sleep(max(CALM))  # que no llegue tarde y se tome por la respuesta al movimiento siguiente
        return None if board.root.get_by_text("Mapa vacío").is_visible() else float(LONGEST)
    return board.page.evaluate(f"() => window.shown[{before}] - window.pressed")


def p95(values: list[float]) -> float:
    return float(np.percentile(values, 95))


def measure(board: Board, task: Task) -> bool:
    """Mide un control, escribe su línea de la tabla y dice si cumple sus límites."""
    paused, hurried = (moves(board, task, pauses) for pauses in (PAUSES, AT_ONCE))
    first, calm, hurried = max(paused[:WARM_UP]), paused[WARM_UP:], hurried[WARM_UP:]
    median, worst = statistics.median(calm), p95(calm)
    holds = median <= task.median and worst <= task.p95 and len(calm) == COUNT
    print(
        f"| {task.what} | {len(calm)} | {median:.0f} | ≤ {task.median} | {worst:.0f} | ≤ {task.p95} "
        f"| {_verdict(holds)} | {statistics.median(hurried):.0f} | {p95(hurried):.0f} | {first:.0f} |",
        flush=True,
    )
    return holds


def memory_growth(board: Board, process: int) -> tuple[float, float]:
    """Muchos movimientos al azar: los megabytes que crece el núcleo, con la misma imagen, y los segundos."""
    generator = np.random.default_rng(SEED)
    board.move_randomly(generator, RANDOM_WARM_UP, RANDOM_WARM_UP * RANDOM_SECONDS / RANDOM_MOVES)
    before = memory_at_rest(board, process)
    start = time.monotonic()
    board.move_randomly(generator, RANDOM_MOVES, RANDOM_SECONDS)
    seconds = time.monotonic() - start
    return memory_at_rest(board, process) - before, seconds


def measure_memory(board: Board, process: int) -> bool:
    """Si la memoria no crece y los movimientos caben en su tiempo, y lo imprime."""
    growth, seconds = memory_growth(board, process)
    holds = growth < MEGABYTES and seconds < RANDOM_LONGEST
    print(
        f"\nCon {RANDOM_MOVES} movimientos al azar en {seconds:.0f} s, la memoria del núcleo crece "
        f"{growth:+.0f} MB, y debe crecer menos de {MEGABYTES}: {_verdict(holds)}."
    )
    return holds


def memory_at_rest(board: Board, process: int) -> float:
    """Megabytes del núcleo con todo anotado de la primera imagen, sea cual sea la que se veía."""
    board.choose(FILTER, ALL_CLASSES)
    for key in ("End", "Home"):
        board.press(IMAGE, key)
        time.sleep(max(CALM))
    return memory(process, "VmRSS")


def _verdict(holds: bool) -> str:
    return "bien" if holds else "MAL"


def main() -> None:
    load = os.getloadavg()[0]
    if load > BUSY:
        print(f"Aviso: el equipo está ocupado (carga {load:.1f}). Los tiempos saldrán altos y dispersos.\n")
    with (
        tempfile.TemporaryDirectory(prefix="navegador-", ignore_cleanup_errors=True) as folder,
        lab.run_browser() as browser,
        lab.run_lab(Path(folder), GRADCAM_DATOS="embebido") as server,
    ):
        notebook.write(server.folder / "notebooks" / "medidas.ipynb", CELLS)
        opened = notebook.Notebook(browser, server, "notebooks/medidas.ipynb")
        opened.run_all()
        (_, root), (_, bench_root) = opened.views()
        root.evaluate(WATCH)
        board = Board(root)
        print(
            "| | movimientos | mediana (ms) | | p95 (ms) | | | sin pausas: mediana | p95 | la primera vez |"
        )
        print("|---|---|---|---|---|---|---|---|---|---|")
        held = [measure(board, task) for task in TASKS]
        bench_root.evaluate(WATCH)
        held += [measure(Board(bench_root), task) for task in BENCH_TASKS]
        held.append(measure_memory(board, opened.kernel_process()))
        # Tras todo ello, lo que se ve es lo que corresponde, y nada ha fallado.
        for _, final in find_boards(opened, server.folder):
            final.settle()
        opened.check()
        opened.close()
    if not all(held):
        sys.exit(f"No se cumplen {held.count(False)} límites. Si el equipo estaba ocupado, repite la medida.")


if __name__ == "__main__":
    main()
