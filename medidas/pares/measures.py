"""Lo que se cronometra: cada apartado pide por turnos la misma tarea a varios procesos."""

import time
from collections.abc import Callable
from functools import partial

from medidas.pares.workers import PEERS, Worker, name_of

COURSE = "este curso"
BY_HAND = "a mano, para esta red"
FORWARD = "predicción compilada"
TORCH_FORWARD = "predicción de torch"
FORWARD_PER_FILTER = "128 predicciones, en lotes de 16"
PREDICTIONS = (FORWARD, FORWARD_PER_FILTER)
ALL_LAYERS = "las seis en una llamada"
BUILD = "construirlo"
BUILD_AND_EXPLAIN = "construirlo y explicar una imagen"

ROUNDS = {1: 25, 16: 7}  # por número de imágenes
SLOW_ROUNDS = 3
PAUSE = 0.05  # segundos entre medidas: los hilos de quien acaba siguen girando unos milisegundos

Times = dict[str, list[float]]


def take_turns(tasks: dict[str, Callable[[], float]], rounds: int, warm_ups: int = 2) -> Times:
    """Los milisegundos que da cada tarea en cada ronda, tras unas vueltas que no cuentan."""
    for task in tasks.values():
        for _ in range(warm_ups):
            task()
    times = {name: [] for name in tasks}
    for _ in range(rounds):
        for name, task in tasks.items():
            time.sleep(PAUSE)
            times[name].append(task())
    return times


def grad_cam(workers: dict[str, Worker], count: int) -> Times:
    """En la última convolución: predicciones, lo escrito a mano, el curso y todas las herramientas."""
    tasks = {
        FORWARD: _timer(workers["course"], "forward", count),
        BY_HAND: _timer(workers["course"], "grad_cam_by_hand", count),
        COURSE: _timer(workers["course"], "grad_cam", count),
        TORCH_FORWARD: _timer(workers["captum"], "forward", count),
    }
    tasks |= {name_of(peer): _timer(workers[peer], "grad_cam", count) for peer in PEERS}
    return take_turns(tasks, ROUNDS[count])


def layers(workers: dict[str, Worker]) -> Times:
    """Grad-CAM de una imagen en cada capa, y en todas a la vez."""
    course = workers["course"]
    names = course.call("get_layers")
    tasks = {FORWARD: _timer(course, "forward", 1)}
    tasks |= {name: _timer(course, "grad_cam", 1, name) for name in names}
    tasks[ALL_LAYERS] = _timer(course, "grad_cam", 1, names)
    return take_turns(tasks, ROUNDS[1])


def score_cam(workers: dict[str, Worker]) -> Times:
    """De una imagen, en la última convolución."""
    course = workers["course"]
    tasks = {FORWARD_PER_FILTER: _timer(course, "forward_per_filter"), COURSE: _timer(course, "score_cam")}
    tasks |= {
        name_of(peer): _timer(workers[peer], "score_cam") for peer in ("tf_keras_vis", "pytorch_grad_cam")
    }
    return take_turns(tasks, SLOW_ROUNDS, warm_ups=1)


def building(workers: dict[str, Worker]) -> Times:
    """Construir el motor; y construirlo y explicar una imagen, que obliga a trazar su función."""
    course = workers["course"]
    tasks = {BUILD: _timer(course, "build"), BUILD_AND_EXPLAIN: _timer(course, "build_and_explain")}
    return take_turns(tasks, SLOW_ROUNDS, warm_ups=0)


def _timer(worker: Worker, task: str, *arguments) -> Callable[[], float]:
    return partial(worker.call, "milliseconds", task, *arguments)


# Los apartados, por el nombre con el que se piden, y su título.
SECTIONS: dict[str, tuple[str, Callable[[dict[str, Worker]], Times]]] = {
    "gradcam-1": ("Grad-CAM de una imagen", partial(grad_cam, count=1)),
    "gradcam-16": ("Grad-CAM de 16 imágenes", partial(grad_cam, count=16)),
    "capas": ("Grad-CAM de una imagen en cada capa", layers),
    "scorecam": ("Score-CAM de una imagen", score_cam),
    "construccion": ("Construir el motor", building),
}

STREAM = "flujo"
STREAM_TITLE = "Explicar imágenes que llegan de tf.data, en un proceso nuevo"
STREAMED = (32, 250, 500, 1000, 2000)  # imágenes; con las primeras se traza la función


def stream(course: Worker) -> dict[int, tuple[float, float]]:
    """Segundos y MB residentes, como mucho, al explicar tantas imágenes."""
    return {count: course.call("stream", count) for count in STREAMED}
