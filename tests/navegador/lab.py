"""JupyterLab y Chromium de verdad: el servidor, con una copia del curso, y el navegador que lo abre."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

try:
    from playwright.sync_api import Browser, sync_playwright
except ModuleNotFoundError:
    raise ModuleNotFoundError(
        "Para las pruebas en el navegador hace falta Playwright, que instala «make test-navegador»."
    ) from None

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("gradcam_helpers", "notebooks", "fuentes", "pyproject.toml")
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
# Sin tarjeta gráfica ni conexiones propias, y sin la caja de arena, que como administrador no arranca.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
)
START = 60  # segundos para que arranque el servidor


@dataclass(frozen=True)
class Server:
    """JupyterLab, ya en marcha: su dirección, la clave de acceso y la carpeta con la copia del curso."""

    address: str
    token: str
    folder: Path

    @property
    def log(self) -> str:
        return (self.folder / "jupyter.log").read_text(encoding="utf-8")


def find_chromium() -> str:
    for name in CHROMIUM:
        if path := shutil.which(name):
            return path
    raise FileNotFoundError(
        "Para las pruebas en el navegador hace falta Chromium. En Debian y Ubuntu: sudo apt install chromium"
    )


@contextlib.contextmanager
def run_browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def run_lab(folder: Path, **environment: str) -> Iterator[Server]:
    """Copia el curso en una carpeta y sirve ahí JupyterLab, con esas variables de entorno."""
    _copy_course(folder)
    port, token = _free_port(), "curso"
    options = {
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.root_dir": folder,
        "IdentityProvider.token": token,
        "LabApp.expose_app_in_browser": True,  # las pruebas dan órdenes a JupyterLab con `jupyterapp`
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += [f"--{name}={value}" for name, value in options.items()]
    # Ni ajustes ni pestañas de quien hace las pruebas.
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR"):
        environment[name] = str(folder / "ajustes")
    # Al reiniciar un núcleo, el depurador se queja de Python por la salida de errores.
    environment["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
    server = Server(f"http://127.0.0.1:{port}", token, folder)
    with open(folder / "jupyter.log", "w", encoding="utf-8") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **environment})
        try:
            _wait_until_it_answers(server, process)
            yield server
        finally:
            process.terminate()
            process.wait()


def _copy_course(folder: Path) -> None:
    unwanted = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=unwanted)
        else:
            shutil.copy(ROOT / name, folder)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _wait_until_it_answers(server: Server, process: subprocess.Popen) -> None:
    limit = time.monotonic() + START
    while time.monotonic() < limit and process.poll() is None:
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            return urllib.request.urlopen(f"{server.address}/api/status?token={server.token}").close()
        time.sleep(0.2)
    raise RuntimeError(f"JupyterLab no arranca:\n{server.log}")
