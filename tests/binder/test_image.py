"""La imagen de Binder se instala, arranca y da la lección 3 en la memoria que Binder ofrece."""

import json
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.binder.image import Image, rendered_dockerfile
from tests.binder.memory import Watch

ROOT = Path(__file__).resolve().parents[2]
MEMORY = 2 * 1024**3  # bytes
LESSON = "notebooks/03_gradcam_paso_a_paso.ipynb"
PATIENCE = 60  # segundos que tarda en arrancar, como mucho, el servidor
TOKEN = "prueba"


def find_python() -> str:
    """El de la imagen, si está y funciona; si no, el de las pruebas."""
    exact = f"python{(ROOT / 'binder' / 'runtime.txt').read_text().strip().removeprefix('python-')}"
    works = shutil.which(exact) and subprocess.run([exact, "-c", ""], capture_output=True).returncode == 0
    return exact if works else sys.executable


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    python = find_python()
    image = Image(tmp_path_factory.mktemp("imagen"), ROOT, python)
    image.written = image.build(rendered_dockerfile(ROOT))
    print(f"\nImagen hecha con {python}. Lo último que escribió:", *image.written.splitlines()[-2:], sep="\n")
    return image


def test_what_the_lock_installs_fits_what_the_image_had(image):
    assert image.run("pip", "check").strip() == "No broken requirements found."


def test_the_build_ends_naming_the_data(image):
    assert re.fullmatch(r"Datos: horses_or_humans.*\. Licencia: .*\.", image.written.splitlines()[-1])


def test_lesson_3_fits_in_the_memory_of_binder_beside_the_server(image):
    # Como lo arranca la imagen, pero solo para este equipo.
    server = [argument.replace("0.0.0.0", "127.0.0.1") for argument in image.command]
    server += ["--no-browser", "--allow-root", f"--IdentityProvider.token={TOKEN}"]
    options = {"cwd": image.folder, "env": image.environment}
    with Watch(MEMORY) as watch, open(image.root / "servidor.txt", "w") as log:
        watch.start(server, stdout=log, stderr=log, **options)
        for page in ("lab", "tree"):
            assert "jupyter-config-data" in fetch(address(image), page)
        server_alone = watch.peak.fixed
        started = time.monotonic()
        lesson = watch.start(
            ["jupyter", "execute", "--inplace", LESSON], stderr=subprocess.PIPE, text=True, **options
        )
        _, errors = lesson.communicate()
        elapsed = time.monotonic() - started
    fixed, files, server, limit = (f"{size / 2**20:.0f}" for size in (*watch.peak, server_alone, MEMORY))
    print(
        f"\nLección 3: {elapsed:.0f} s; a lo sumo, {fixed} MiB de {limit} ({server}, del servidor), "
        f"y otros {files} de código y ficheros, que se pueden soltar."
    )
    assert not watch.exceeded
    assert lesson.returncode == 0, errors
    cells = json.loads((image.folder / LESSON).read_text(encoding="utf-8"))["cells"]
    printed = "".join("".join(output.get("text", [])) for cell in cells for output in cell.get("outputs", []))
    assert re.search("^Datos: horses_or_humans", printed, flags=re.MULTILINE)


def address(image):
    """La dirección del servidor, que él mismo deja escrita al arrancar."""
    runtime = Path(image.environment["HOME"], ".local", "share", "jupyter", "runtime")
    deadline = time.monotonic() + PATIENCE
    while not (found := list(runtime.glob("jpserver-*.json"))):
        assert time.monotonic() < deadline, (image.root / "servidor.txt").read_text()
        time.sleep(0.5)
    return json.loads(found[0].read_text())["url"]


def fetch(url, page):
    request = urllib.request.Request(url + page, headers={"Authorization": f"token {TOKEN}"})
    with urllib.request.urlopen(request, timeout=PATIENCE) as response:
        return response.read().decode()
