"""Lo que rodea a un cuaderno en Colab: carpetas vacías, el remoto de git y, si la hay, la red."""

import functools
import http.server
import subprocess
import threading
import tomllib
import zipfile
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
# La dirección pública del curso, con la rama.
ADDRESS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"][
    "Repository"
]
REPOSITORY, REFERENCE = ADDRESS.split("/tree/")


@pytest.fixture(scope="session")
def bare_repository(tmp_path_factory) -> Path:
    """Un repositorio desnudo, con el curso tal como está ahora: también lo que aún no se ha anotado."""
    folder = tmp_path_factory.mktemp("remoto") / "curso.git"
    git = ["git", f"--git-dir={folder}", f"--work-tree={ROOT}"]
    identity = ["-c", "user.name=prueba", "-c", "user.email=prueba@example.org"]
    for command in (
        ["git", "init", "--quiet", "--bare", f"--initial-branch={REFERENCE}", folder],
        [*git, "add", "--all"],
        [*git, *identity, "commit", "--quiet", "--message=curso"],
    ):
        subprocess.run(command, cwd=ROOT, check=True)
    return folder


@pytest.fixture
def folder(tmp_path) -> Path:
    """La carpeta vacía a la que Colab lleva un cuaderno."""
    folder = tmp_path / "contenido"
    folder.mkdir()
    return folder


@pytest.fixture
def colab(bare_repository, home, monkeypatch) -> None:
    """Las variables que verá el núcleo: su casa, el paquete de Colab y, donde estaría GitHub, el remoto."""
    monkeypatch.delenv("GRADCAM_MODELOS")
    monkeypatch.setenv("PYTHONPATH", str(HERE / "machine"))
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")  # si no, el depurador del núcleo se presenta
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.{bare_repository.as_uri()}.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", REPOSITORY)


class Network(NamedTuple):
    """Lo que la red contiene y lo que se le ha pedido."""

    pictures: dict[str, int]  # cuántas imágenes hay en cada fichero
    requests: list[str]


@pytest.fixture
def network(colab, tmp_path, monkeypatch):
    """Un servidor local con dos ficheros como los de `horses_or_humans`, que responde por toda la red."""
    served = tmp_path / "red"
    served.mkdir()
    network = Network({"horse-or-human.zip": 24, "validation-horse-or-human.zip": 14}, [])
    for name, count in network.pictures.items():
        write_archive(served / name, count)

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_request(self, *_):
            network.requests.append(Path(self.path).name)

    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Handler, directory=served)
    ) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("PYTHONPATH", str(HERE / "network"), prepend=":")
        monkeypatch.setenv("RED_DE_PRUEBA", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("CARPETA_DE_PRUEBA", str(served))
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        yield network
        server.shutdown()


def write_archive(path: Path, count: int) -> None:
    """Imágenes lisas, una de cada clase por turno, con los nombres de las originales."""
    with zipfile.ZipFile(path, "w") as archive:
        for position in range(count):
            picture = np.full((300, 300, 3), 10 * position, np.uint8)
            kind = ("horse", "human")[position % 2]
            encoded = cv2.imencode(".png", picture)[1].tobytes()
            archive.writestr(f"{kind}s/{kind}{position:02d}.png", encoded)
