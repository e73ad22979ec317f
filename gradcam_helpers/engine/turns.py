"""Los turnos del panel: qué se atiende, y cuándo, mientras quien estudia sigue moviendo los controles.

En un cuaderno, los controles llegan por el bucle de eventos del núcleo. Fuera de él no lo hay: lo que se pide
se atiende al momento, y lo que se deja para después no se hace.
"""

import asyncio
import contextlib
from collections.abc import Callable

PAUSE = 0.01  # segundos en que se juntan peticiones: de las que llegan al arrastrar, se atiende la última
SLOW_PAUSE = 0.3  # los que pasan sin peticiones antes de atender una que tarda
CALM = 0.1  # segundos con la misma imagen tras los que se empieza a anotar el resto, antes de que se pida
REST = 0.05  # segundos entre lo que se anota de una clase y de la siguiente


class LastRequest:
    """Junta las peticiones que llegan seguidas y atiende una vez, con los controles como estén entonces.

    Argumentos:
        attend: lo que se hace.
        is_slow: si lo que se pide ahora tarda. De ser así, se espera a que dejen de llegar peticiones.
    """

    def __init__(self, attend: Callable[[], None], is_slow: Callable[[], bool]):
        self._attend, self._is_slow = attend, is_slow
        self._pending = {}  # por bucle: JupyterLab mueve los controles desde un hilo y ejecuta celdas en otro

    def ask(self, _=None) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return self._attend()
        slow = self._is_slow()
        if slow and loop in self._pending:
            self._pending.pop(loop).cancel()
        if loop not in self._pending:
            self._pending[loop] = loop.call_later(SLOW_PAUSE if slow else PAUSE, self._take, loop)

    def _take(self, loop: asyncio.AbstractEventLoop) -> None:
        del self._pending[loop]
        self._attend()


def call_later(seconds: float, function: Callable, *arguments) -> None:
    """Encarga una llamada al bucle de eventos, si lo hay."""
    with contextlib.suppress(RuntimeError):
        asyncio.get_running_loop().call_later(seconds, function, *arguments)
