"""Los turnos del panel: qué se atiende, y cuándo, mientras quien estudia sigue moviendo los controles.

En un cuaderno, los controles llegan por el bucle de eventos del núcleo. Fuera de él no lo hay: lo que se pide
se atiende al momento, y lo que se deja para después no se hace.
"""

import asyncio
import time
from collections.abc import Callable

PAUSE = 0.01  # segundos en que se juntan peticiones: de las que llegan al arrastrar, se atiende la última
CALM = 0.1  # segundos sin que se pida nada tras los que se empieza a adelantar trabajo
SPELL = 0.03  # segundos que se trabaja seguidos; el último paso puede pasarse
REST = 0.01  # los que se descansa después: los que el núcleo tarda en entregar lo que haya llegado


def running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


class Turns:
    """Atiende lo que se pide y, en los ratos libres, adelanta trabajo a pasos cortos.

    De las peticiones que llegan seguidas se atiende una, con los controles como estén entonces.

    Argumentos:
        attend: lo que se hace cuando se pide algo.
        work: un paso del trabajo, tan corto como lo que puede esperar quien mueve un control; dice si queda
            más.
    """

    def __init__(self, attend: Callable[[], None], work: Callable[[], bool]):
        self._attend, self._work = attend, work
        # Por bucle: JupyterLab mueve los controles desde un hilo y ejecuta las celdas en otro.
        self._pending = set()
        self._shift = None  # de quien trabaja ahora, en cualquiera de los hilos

    def ask(self, _=None) -> None:
        self._shift = None  # el trabajo se deja en cuanto se pide algo
        loop = running_loop()
        if loop is None:
            self._attend()
        elif loop not in self._pending:
            self._pending.add(loop)
            loop.call_later(PAUSE, self._take, loop)

    def work_when_calm(self) -> None:
        """Deja para después el trabajo que haya; si ya se había dejado, se espera otra vez."""
        loop = running_loop()
        if loop is not None:
            self._shift = shift = object()
            loop.call_later(CALM, self._step, loop, shift)

    def _take(self, loop: asyncio.AbstractEventLoop) -> None:
        self._pending.remove(loop)
        self._attend()

    def _step(self, loop: asyncio.AbstractEventLoop, shift: object) -> None:
        limit = time.monotonic() + SPELL
        while self._shift is shift and self._work():
            if time.monotonic() >= limit:
                loop.call_later(REST, self._step, loop, shift)
                return
