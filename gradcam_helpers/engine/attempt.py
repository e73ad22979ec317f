"""La función que escribe quien estudia, llamada con cuidado.

Puede fallar, no acabar nunca o cambiar lo que recibe: se le dan copias, se la espera un tiempo y de lo que
ocurra se da cuenta en una frase.
"""

import contextlib
import contextvars
import copy
import ctypes
import inspect
import linecache
import threading
from collections.abc import Callable, Iterator

import numpy as np

from gradcam_helpers.engine.backend import keras, tf

SECONDS = 10.0  # lo que se espera a una función
NOTHING = "Tu función no devuelve nada (None). ¿Falta «return»?"
INSISTENCE = 3  # veces que se detiene a una función que lo impide


class Mistake(Exception):
    """Por qué una respuesta no vale todavía, dicho a quien estudia: qué se esperaba, qué llegó y la causa."""


class Unanswered(Exception):
    """No hay respuesta todavía: lo que llega es el hueco, `...`."""


class _TimeUp(BaseException):
    """Detiene a una función que no acaba; no la captura un `except Exception`."""


def kind(answer) -> str:
    """De qué tipo es una respuesta; None, con su nombre."""
    return "None" if answer is None else type(answer).__name__


def call(function, *arguments, seconds: float = SECONDS, nothing: str = NOTHING):
    """Lo que devuelve una función de quien estudia con copias de esos argumentos.

    Argumentos:
        seconds: lo que se la espera.
        nothing: lo que se dice si devuelve None, cuando puede haber otra causa.

    Errores:
        Unanswered: todavía es el hueco, o lo devuelve.
        Mistake: no es una función, es del curso, no admite esos argumentos, falla, no acaba a tiempo, cambia
            lo que recibe o no devuelve nada.
    """
    _check_function(function, len(arguments))
    given = [_copy(argument) for argument in arguments]
    with _watched(given):
        result = _run(function, given, seconds)
    for order, (before, after) in enumerate(zip(arguments, given, strict=True), start=1):
        if not _same(before, after):
            raise Mistake(
                f"Tu función cambia lo que recibe, su argumento {order}: quien la llame perdería el "
                "original. Trabaja sobre una copia o crea un resultado nuevo."
            )
    if result is ...:
        raise Unanswered
    if result is None:
        raise Mistake(nothing)
    return result


def _check_function(function, count: int) -> None:
    if function is ...:
        raise Unanswered
    if not callable(function):
        raise Mistake(
            f"Hace falta una función, y esto es «{kind(function)}». Pásala sin paréntesis: la comprobación "
            "la llama."
        )
    if str(getattr(function, "__module__", "")).startswith(__package__.partition(".")[0]):
        raise Mistake("Esa función es del curso, y se pide la tuya: escríbela en tu celda.")
    try:
        inspect.signature(function).bind(*[None] * count)
    except TypeError:
        noun = "un argumento" if count == 1 else f"{count} argumentos"
        raise Mistake(f"Tu función debe recibir {noun}, como dice el enunciado.") from None
    except ValueError:  # una función escrita en C no dice cuáles son sus argumentos
        pass


def _run(function: Callable, arguments: list, seconds: float):
    """La ejecuta en otro hilo: así vuelve el control aunque no acabe, también en Windows."""
    outcome = {}

    def work():
        try:
            with np.errstate(all="ignore"):  # de un NaN se avisa después, con su causa
                outcome["result"] = function(*arguments)
        except BaseException as error:  # también lo que detendría el cuaderno, como `sys.exit`
            outcome["error"] = error

    # Con el contexto de la celda, para que lo que escriba la función se vea en ella.
    worker = threading.Thread(target=contextvars.copy_context().run, args=(work,), daemon=True)
    worker.start()
    try:
        worker.join(seconds)
    finally:  # también si se interrumpe la celda
        _stop(worker)
    if "result" in outcome:
        return outcome["result"]
    error = outcome.get("error")
    if error is None or isinstance(error, _TimeUp):
        raise Mistake(
            f"Tu función no ha acabado en {seconds:g} s, y se ha detenido. ¿Hay un bucle que no termina?"
        )
    raise Mistake(_describe(error, function)) from None


def _stop(worker: threading.Thread) -> None:
    """La detiene; si ni así acaba, la deja atrás: no impide que termine el cuaderno."""
    for _ in range(INSISTENCE):
        if not worker.is_alive():
            return
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(worker.ident), ctypes.py_object(_TimeUp))
        worker.join(0.2)


def _describe(error: BaseException, function: Callable) -> str:
    """Qué error, y en qué línea de quien estudia."""
    file = getattr(getattr(function, "__code__", None), "co_filename", None)
    line, traceback = "", error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == file:
            line = linecache.getline(file, traceback.tb_lineno).strip()
        traceback = traceback.tb_next
    where = f" en «{line}»" if line else ""
    reason = " ".join(str(error).split())[:200].rstrip(".") or "sin explicación"
    return f"Tu función se detiene{where} con {type(error).__name__}: {reason}."


def _copy(argument):
    return argument if _is_given_as_is(argument) else copy.deepcopy(argument)


def _is_given_as_is(argument) -> bool:
    """Las capas y las redes, a las que vigila `_watched`, y los tensores, que no se pueden cambiar."""
    return callable(argument) or tf.is_tensor(argument)


@contextlib.contextmanager
def _watched(arguments: list) -> Iterator[None]:
    """Si cambian los pesos de una red o de una capa, o si se entrenan, lo repone y lo dice."""
    layers = [each for each in arguments if isinstance(each, keras.Layer)]
    before = [(each.get_weights(), each.trainable) for each in layers]
    try:
        yield
    finally:
        changed = False
        for layer, (weights, trainable) in zip(layers, before, strict=True):
            if layer.trainable != trainable or not all(map(np.array_equal, weights, layer.get_weights())):
                layer.trainable, changed = trainable, True
                layer.set_weights(weights)
        if changed:
            raise Mistake("Tu función cambia la red que recibe, y explicarla no debe cambiarla.")


def _same(before, after) -> bool:
    """Si un argumento sigue como estaba."""
    if _is_given_as_is(before) or isinstance(before, np.random.Generator):  # sortear con uno lo cambia
        return True
    try:
        np.testing.assert_equal(after, before)  # también listas de matrices, y NaN
    except AssertionError:
        return False
    return True
