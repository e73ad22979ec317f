"""La descarga, desde un servidor de verdad que falla de muchas maneras: nunca queda nada a medias."""

import contextlib
import errno
import hashlib
import http.server
import io
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections import namedtuple
from pathlib import Path

import cv2
import numpy as np
import pytest

from gradcam_helpers import data
from gradcam_helpers.engine import download
from gradcam_helpers.engine.backend import tf, tfds

PATIENCE = 0.6  # segundos: la de las pruebas
ENDLESS = 20  # segundos: lo que tarda más no acaba, por ocupado que esté el equipo
TRAIN, TEST = "horse-or-human.zip", "validation-horse-or-human.zip"
PICTURES = np.random.default_rng(2).integers(0, 256, (6, 300, 300, 3), dtype=np.uint8)


def archive(**pictures) -> bytes:
    """Un zip como los originales: `horses/…png` y `humans/…png`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as bundle:
        for name, picture in pictures.items():
            folder = "humans" if name.startswith("human") else "horses"
            entry = zipfile.ZipInfo(f"{folder}/{name}.png")  # sin fecha: el zip es siempre el mismo
            bundle.writestr(entry, cv2.imencode(".png", picture[..., ::-1])[1].tobytes())
    return buffer.getvalue()


FILES = {
    TRAIN: archive(horse01=PICTURES[0], human01=PICTURES[1], horse02=PICTURES[2], human02=PICTURES[3]),
    TEST: archive(horse1=PICTURES[4], human1=PICTURES[5]),
}


# --- Un servidor, y las maneras en que responde -------------------------------------------------------


def serve_well(request, content):
    request.start(200, len(content))
    request.wfile.write(content)


def hang_before_answering(request, content):
    request.server.closing.wait(30)


def trickle_the_headers(request, content):
    request.wfile.write(b"HTTP/1.0 200 OK\r\nX-Lento: ")
    drip(request)


def hang_in_the_middle(request, content):
    request.start(200, len(content))
    request.wfile.write(content[: len(content) // 2])
    request.server.closing.wait(30)


def trickle(request, content):
    request.start(200, len(content))
    request.wfile.write(content[: len(content) // 2])
    drip(request)


def drip(request):
    while not request.server.closing.wait(0.02):
        request.wfile.write(b"x")


def cut_in_the_middle(request, content):
    request.start(200, len(content))
    request.wfile.write(content[: len(content) // 2])


def reset_in_the_middle(request, content):
    request.start(200, len(content))
    request.wfile.write(content[: len(content) // 2])
    no_goodbye = struct.pack("ii", 1, 0)
    request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_goodbye)
    request.connection.close()


def send_other_bytes(request, content):
    serve_well(request, content[:-1] + bytes([content[-1] ^ 1]))


def send_too_few(request, content):
    serve_well(request, content[:-1])


def send_too_many(request, content):
    request.start(200)
    while not request.server.closing.is_set():
        request.wfile.write(content)


def answer(code):
    def behave(request, content):
        request.start(code)

    behave.__name__ = f"answer_{code}"
    return behave


def redirect(request, content):
    if request.path.startswith("/otro/"):
        return serve_well(request, content)
    request.start(302, Location=f"/otro{request.path}")


def redirect_in_circles(request, content):
    request.start(302, Location=request.path)


class Handler(http.server.BaseHTTPRequestHandler):
    def start(self, code, length=None, **headers):
        self.send_response(code)
        if length is not None:
            headers["Content-Length"] = str(length)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def do_GET(self):
        name = Path(self.path).name
        self.server.requests.append(name)
        with contextlib.suppress(OSError):  # el cliente se fue
            self.server.behaviors.get(name, serve_well)(self, FILES[name])

    def log_message(self, *arguments):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests, self.behaviors, self.closing = [], {}, threading.Event()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}"


@pytest.fixture
def server():
    with Server() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.closing.set()
        server.shutdown()


def point_to(address, set_attribute=setattr):
    """Hace que TFDS y el curso busquen los ficheros de `FILES` en esa dirección."""
    module = sys.modules[tfds.builder_cls("horses_or_humans").__module__]
    set_attribute(module, "_TRAIN_URL", f"{address}/{TRAIN}")
    set_attribute(module, "_TEST_URL", f"{address}/{TEST}")
    infos = {
        f"{address}/{name}": tfds.download.checksums.UrlInfo(
            size=tfds.core.utils.Size(len(content)),
            checksum=hashlib.sha256(content).hexdigest(),
            filename=name,
        )
        for name, content in FILES.items()
    }
    set_attribute(module.HorsesOrHumans, "url_infos", infos)
    set_attribute(download, "PATIENCE", PATIENCE)


@pytest.fixture(autouse=True)
def course(server, home, embedded_source, monkeypatch):
    """El curso, con su carpeta personal vacía y el servidor en el lugar del verdadero."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    point_to(server.address, monkeypatch.setattr)


DOWNLOADING = "Descargo horses_or_humans, unos 150 MB: solo hace falta una vez."


def left_in(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def assert_real_fails_and_auto_falls_back(home, capsys, error, message):
    """Con «real», el error; con «auto», los datos embebidos y una línea que lo cuenta. En el disco, nada."""
    with pytest.raises(error, match=message) as failure:
        data.prepare_source("real")
    assert failure.type is error
    assert left_in(home) == []
    capsys.readouterr()
    start = time.monotonic()
    assert data.prepare_source("auto", download=True).key == "embebido"
    assert time.monotonic() - start < ENDLESS
    first, line = capsys.readouterr().out.splitlines()
    assert first == DOWNLOADING
    assert line == f"Uso los datos embebidos, porque los reales no se pueden usar ahora. {failure.value}"
    assert left_in(home) == []


# --- Cuando todo va bien ------------------------------------------------------------------------------


def assert_is_the_original(source):
    for split, expected in (("train", PICTURES[:4]), ("test", PICTURES[4:])):
        images, labels = data.load_images(source, split)
        found = {image.tobytes(): label for image, label in zip(images, labels, strict=True)}
        assert found == {image.tobytes(): position % 2 for position, image in enumerate(expected)}


@pytest.mark.parametrize("choice", ["real", "auto"])
def test_downloaded_pictures_are_those_of_the_server(choice, home, server, capsys):
    source = data.prepare_source(choice, download=True)
    assert source.key == "real"
    assert_is_the_original(source)
    assert capsys.readouterr().out == f"{DOWNLOADING}\n"
    assert [path.name for path in home.iterdir()] == ["tensorflow_datasets"]
    assert [path.name for path in (home / "tensorflow_datasets").iterdir()] == ["horses_or_humans"]
    assert [path.name for path in (home / "tensorflow_datasets/horses_or_humans").iterdir()] == ["3.0.0"]
    assert server.requests == [TRAIN, TEST]


def test_second_time_nothing_is_downloaded(server):
    data.prepare_source("real")
    server.requests.clear()
    assert_is_the_original(data.prepare_source("auto"))
    assert server.requests == []


def test_auto_downloads_only_on_request(home, server, capsys):
    assert data.prepare_source("auto").key == "embebido"
    assert (server.requests, capsys.readouterr().out, left_in(home)) == ([], "", [])


def test_redirects_are_followed(server):
    server.behaviors = {TRAIN: redirect}
    assert_is_the_original(data.prepare_source("real"))


def test_remains_of_a_conversion_without_card_are_replaced(home):
    remains = home / "tensorflow_datasets/horses_or_humans/3.0.0/resto"
    remains.mkdir(parents=True)
    assert_is_the_original(data.prepare_source("real"))
    assert not remains.exists()


def test_copy_that_another_process_finished_first_is_kept(home, monkeypatch):
    target = home / "tensorflow_datasets/horses_or_humans/3.0.0"
    convert = download._convert

    def convert_late(builder, folder):
        finished = convert(builder, folder)
        shutil.copytree(finished, target)
        (target / "del otro proceso").touch()
        return finished

    monkeypatch.setattr(download, "_convert", convert_late)
    assert_is_the_original(data.prepare_source("real"))
    assert (target / "del otro proceso").exists()


# --- Cuando falla la red ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("behavior", "message"),
    [
        (hang_before_answering, "no responde o va demasiado lento"),
        (trickle_the_headers, "no responde o va demasiado lento"),
        (hang_in_the_middle, "no responde o va demasiado lento"),
        (trickle, "no responde o va demasiado lento"),
        (cut_in_the_middle, r"se cortó y llegaron \d+ de \d+ bytes"),
        (reset_in_the_middle, "falló la conexión"),
        (send_other_bytes, "su suma SHA-256 no es la esperada"),
        (send_too_few, r"se cortó y llegaron \d+ de \d+ bytes"),
        (send_too_many, r"envía más de los \d+ bytes anunciados"),
        (answer(403), "respondió con el error 403"),
        (answer(404), "respondió con el error 404"),
        (answer(500), "respondió con el error 500"),
        (redirect_in_circles, "respondió con el error 302"),
    ],
)
def test_server_that_fails(behavior, message, server, home, capsys):
    server.behaviors = {TEST: behavior}
    expected = f"No se pudo descargar «{TEST}» de 127.0.0.1: .*{message}.*Vuelve a intentarlo"
    assert_real_fails_and_auto_falls_back(home, capsys, ConnectionError, expected)


def test_nobody_listens(monkeypatch, home, capsys):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
    point_to(address, monkeypatch.setattr)
    assert_real_fails_and_auto_falls_back(home, capsys, ConnectionError, "falló la conexión")


def test_unknown_name(monkeypatch, home, capsys):
    def unknown(*arguments, **options):
        raise socket.gaierror(socket.EAI_NONAME, "nombre desconocido")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert_real_fails_and_auto_falls_back(
        home, capsys, ConnectionError, "falló la conexión.*nombre desconocido"
    )


def test_name_resolution_that_hangs(monkeypatch, server, home, capsys):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **options: server.closing.wait(30))
    assert_real_fails_and_auto_falls_back(home, capsys, ConnectionError, "no responde o va demasiado lento")


def test_patience_leaves_time_to_fall_back_within_10_seconds(monkeypatch):
    monkeypatch.undo()
    assert 5 <= download.PATIENCE <= 8


@pytest.mark.parametrize("behavior", [send_too_many, hang_in_the_middle])
def test_no_thread_keeps_talking_to_a_server_that_was_given_up(behavior, server):
    server.behaviors = {TRAIN: behavior}
    chunks = download._stream(f"{server.address}/{TRAIN}")
    assert next(chunks)
    time.sleep(0.2)  # llegan más trozos de los que caben en la cola
    chunks.close()
    deadline = time.monotonic() + ENDLESS
    while any(thread.name.endswith("(_receive)") for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)


# --- Cuando falla el disco, o alguien interrumpe ------------------------------------------------------


def failing(original, error, when):
    """`original`, salvo que falla cuando sus argumentos cumplen `when`."""

    def function(*arguments, **options):
        if when(*arguments, **options):
            raise error
        return original(*arguments, **options)

    return function


def creating_the_folder(patch, error):
    patch.setattr(
        Path, "mkdir", failing(Path.mkdir, error, lambda path, **_: path.name == "tensorflow_datasets")
    )


def creating_the_folder_of_the_dataset(patch, error):
    patch.setattr(
        Path, "mkdir", failing(Path.mkdir, error, lambda path, **_: path.name == "horses_or_humans")
    )


def creating_the_provisional_folder(patch, error):
    patch.setattr(
        tempfile,
        "mkdtemp",
        failing(tempfile.mkdtemp, error, lambda _, prefix=None, __=None: prefix == download.PREFIX),
    )


def marking_it_as_in_use(patch, error):
    patch.setattr(
        download, "open", failing(open, error, lambda path, _: path.name == download.TOKEN), raising=False
    )


def opening_the_second_file(patch, error):
    patch.setattr(download, "open", failing(open, error, lambda path, _: path.name == TEST), raising=False)


def writing_the_second_file(patch, error):
    class Full(io.FileIO):
        def write(self, chunk):
            if self.tell() > len(FILES[TEST]) // 4:
                raise error
            return super().write(chunk)

    def open_full(path, mode):
        return Full(path, mode) if path.name == TEST else open(path, mode)

    patch.setattr(download, "open", open_full, raising=False)


def converting(patch, error):
    builder = tfds.builder_cls("horses_or_humans")
    original = builder._generate_examples

    def generate(self, archive):
        yield next(original(self, archive))
        raise error

    patch.setattr(builder, "_generate_examples", generate)


def putting_it_in_place(patch, error):
    patch.setattr(
        os,
        "replace",
        failing(
            os.replace,
            error,
            lambda _, target: Path(target).parts[-3:] == ("tensorflow_datasets", "horses_or_humans", "3.0.0"),
        ),
    )


at_every_moment = pytest.mark.parametrize(
    "moment",
    [
        creating_the_folder,
        creating_the_folder_of_the_dataset,
        creating_the_provisional_folder,
        marking_it_as_in_use,
        opening_the_second_file,
        writing_the_second_file,
        converting,
        putting_it_in_place,
    ],
)


@at_every_moment
@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (errno.ENOSPC, "el disco está lleno"),
        (errno.EROFS, "es de solo lectura"),
        (errno.EACCES, "no tienes permiso"),
    ],
)
def test_disk_that_fails(moment, code, reason, monkeypatch, home, capsys):
    moment(monkeypatch, OSError(code, os.strerror(code)))
    expected = f"No se pudo escribir en «.*tensorflow_datasets»: {reason}. No ha quedado nada a medias"
    assert_real_fails_and_auto_falls_back(home, capsys, OSError, expected)


@at_every_moment
@pytest.mark.parametrize("choice", ["real", "auto"])
def test_interruption_is_not_swallowed(moment, choice, monkeypatch, home):
    moment(monkeypatch, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        data.prepare_source(choice, download=True)
    assert left_in(home) == []


@pytest.mark.parametrize(
    "error",
    [tf.errors.ResourceExhaustedError(None, None, "sin sitio\nmás detalles"), ValueError("sin sitio")],
)
def test_conversion_that_fails(error, monkeypatch, home, capsys):
    converting(monkeypatch, error)
    expected = "TFDS no pudo convertir los datos descargados: .*sin sitio.*Vuelve a intentarlo"
    assert_real_fails_and_auto_falls_back(home, capsys, OSError, expected)


def test_progress_bars_of_tfds_come_back(monkeypatch):
    converting(monkeypatch, ValueError())
    data.prepare_source("auto", download=True)
    assert not isinstance(tfds.core.utils.tqdm(disable=True), tfds.core.utils.tqdm_utils.EmptyTqdm)


def test_disk_without_room_is_noticed_before_writing(monkeypatch, home, server, capsys):
    needed = 2 * sum(map(len, FILES.values()))
    usage = namedtuple("usage", "total used free")(10**9, 0, needed - 2_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    monkeypatch.setattr(tempfile, "mkdtemp", lambda *arguments: pytest.fail("escribe sin sitio"))
    assert_real_fails_and_auto_falls_back(
        home, capsys, OSError, "faltan 2 MB: la descarga necesita 3 MB y hay 1 MB"
    )
    assert server.requests == []


def test_a_file_where_the_folder_should_be(home, capsys):
    (home / "tensorflow_datasets").write_text("no soy una carpeta")
    with pytest.raises(OSError, match="no es una carpeta"):
        data.prepare_source("real")
    assert data.prepare_source("auto", download=True).key == "embebido"
    assert (home / "tensorflow_datasets").read_text() == "no soy una carpeta"


def test_folder_that_was_already_there_stays(home, server):
    folder = home / "tensorflow_datasets" / "otro_conjunto"
    folder.mkdir(parents=True)
    server.behaviors = {TEST: cut_in_the_middle}
    assert data.prepare_source("auto", download=True).key == "embebido"
    assert left_in(home) == ["tensorflow_datasets", "tensorflow_datasets/otro_conjunto"]


# --- Cuando alguien mata el proceso -------------------------------------------------------------------

ANOTHER_PROCESS = f"""
import sys
sys.path[:0] = [{str(Path(__file__).parent)!r}, {str(Path(__file__).parent.parent)!r}]
import test_download
test_download.point_to(sys.argv[1])
test_download.download.PATIENCE = 60
test_download.data.prepare_source("real")
"""


def test_leftover_of_a_killed_process_is_removed_and_that_of_a_live_one_is_not(server, home):
    server.behaviors = {TEST: hang_in_the_middle}
    process = subprocess.Popen([sys.executable, "-c", ANOTHER_PROCESS, server.address])
    try:
        while TEST not in server.requests:
            assert process.poll() is None
            time.sleep(0.05)
        (folder,) = (home / "tensorflow_datasets").glob(f"{download.PREFIX}*")
        with pytest.raises(ConnectionError):
            data.prepare_source("real")
        assert (folder / TRAIN).read_bytes() == FILES[TRAIN]
    finally:
        process.kill()
        process.wait()
    assert folder.exists()
    with pytest.raises(ConnectionError):
        data.prepare_source("real")
    assert not folder.exists()
