"""La foto que sube un alumno: cómo queda, sea como sea el fichero, y qué se le dice si no se puede leer."""

import builtins
import os
import struct
import warnings
import zlib
from io import BytesIO

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image, ImageFile

from gradcam_helpers import data
from gradcam_helpers.engine import photos

pytestmark = pytest.mark.filterwarnings("error")

FORMATS = ["JPEG", "PNG", "WEBP"]
BROWN, BLUE, GREEN, RED = (120, 80, 40), (40, 60, 200), (30, 160, 70), (255, 0, 0)
BLACK, WHITE = (0, 0, 0), (255, 255, 255)
NOT_RECOGNISED = "no se reconoce como una imagen JPEG, PNG o WebP. Elige otro"
DAMAGED = "está dañada o incompleta. Cópiala"
TOO_MANY_PIXELS = "más de 40 millones de píxeles. Redúcela"


def encode(picture, kind="PNG", **options):
    """El fichero con esa imagen: sin pérdida en PNG y en WebP, y con muy poca en JPEG."""
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    finest = {"JPEG": {"quality": 98, "subsampling": 0}, "WEBP": {"lossless": True, "exact": True}}
    file = BytesIO()
    image.save(file, kind, **finest.get(kind, {}), **options)
    return file.getvalue()


def chunk(name, content):
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(width, height, depth, color_type, rows, *before, after=()):
    """Un PNG escrito a mano, con los trozos que Pillow no escribe."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color_type, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows)))
    end = chunk(b"IEND", b"")
    return b"".join([b"\x89PNG\r\n\x1a\n", header, *before, pixels, *after, end])


def canvas(height, width, color=WHITE):
    return np.full((height, width, 3), color, np.uint8)


def quarters(height=96, width=160):
    """Una imagen sin simetrías, con un color en cada cuarto."""
    picture = canvas(height, width, BROWN)
    picture[: height // 2, width // 2 :] = BLUE
    picture[height // 2 :, : width // 2] = GREEN
    picture[height // 2 :, width // 2 :] = BLACK
    return picture


def framed(rows, columns, color):
    """El resultado exacto: esa caja del color, y blanco alrededor."""
    expected = canvas(300, 300)
    expected[rows, columns] = color
    return expected


def box(photo):
    """Alto y ancho de lo oscuro de una foto."""
    dark = photo.max(axis=2) < 128
    return [np.ptp(np.flatnonzero(dark.any(axis=axis))) + 1 for axis in (1, 0)]


def refusal(content):
    """Lo que se dice de un fichero que no se puede leer."""
    with pytest.raises(ValueError) as error:
        photos.read_photo(content)
    message = str(error.value)
    assert "\n" not in message and message.endswith(".")
    return message


# --- Formatos y colores -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_is_read(kind):
    photo = photos.read_photo(encode(quarters(300, 300), kind))
    assert (photo.dtype, photo.shape, photo.flags.writeable) == (np.uint8, data.IMAGE_SHAPE, True)
    error = np.abs(photo.astype(int) - quarters(300, 300))
    assert error.mean() < 1 if kind == "JPEG" else not error.any()


def test_photo_is_what_the_network_expects():
    assert data.prepare_image(photos.read_photo(encode(quarters(), "JPEG"))).shape == (1, 300, 300, 3)


def test_the_buffer_of_the_widget_is_also_valid():
    content = encode(quarters())
    assert np.array_equal(photos.read_photo(memoryview(content)), photos.read_photo(content))


def test_progressive_jpeg():
    plain, progressive = encode(quarters(), "JPEG"), encode(quarters(), "JPEG", progressive=True)
    assert np.array_equal(photos.read_photo(progressive), photos.read_photo(plain))


@pytest.mark.parametrize("kind", FORMATS)
def test_grey(kind):
    photo = photos.read_photo(encode(np.full((100, 100), 77, np.uint8), kind))
    assert np.array_equal(photo, canvas(300, 300, (77, 77, 77)))


@pytest.mark.parametrize("level", [0, 1, 77, 128, 254, 255])
def test_grey_of_16_bits_is_scaled_and_not_clipped(level):
    _, content = cv2.imencode(".png", np.full((100, 100), 257 * level, np.uint16))
    assert np.array_equal(photos.read_photo(content.tobytes()), canvas(300, 300, (level, level, level)))


def test_color_of_16_bits():
    picture = np.full((100, 100, 3), BROWN[::-1], np.uint16)  # OpenCV guarda en BGR
    _, content = cv2.imencode(".png", 257 * picture)
    assert np.array_equal(photos.read_photo(content.tobytes()), canvas(300, 300, BROWN))


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_black_and_white(kind):
    picture = Image.fromarray(quarters()[..., 0] > 60)
    if kind == "JPEG":
        picture = picture.convert("L")
    photo = photos.read_photo(encode(picture, kind))
    assert photo[100, 50].tolist() == [255] * 3  # BROWN
    assert photo[100, 250].tolist() == [0] * 3  # BLUE


def test_palette():
    picture = Image.fromarray(quarters(300, 300))
    assert np.array_equal(photos.read_photo(encode(picture.quantize(4))), quarters(300, 300))


def test_cmyk():
    picture = Image.fromarray(quarters(300, 300))
    photo = photos.read_photo(encode(picture.convert("CMYK"), "JPEG"))
    assert np.abs(photo.astype(int) - quarters(300, 300)).mean() < 2


# --- Transparencia ------------------------------------------------------------------------------------


def half_transparent(color=BLUE, hidden=RED):
    """La mitad izquierda, transparente, esconde un color; la derecha es opaca."""
    picture = np.dstack([canvas(300, 300, color), np.full((300, 300), 255, np.uint8)])
    picture[:, :150] = (*hidden, 0)
    return picture


RIGHT_HALF = slice(None), slice(150, None)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_transparent_is_white(kind):
    photo = photos.read_photo(encode(half_transparent(), kind))
    assert np.array_equal(photo, framed(*RIGHT_HALF, BLUE))


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_translucent_is_mixed_with_white(kind):
    photo = photos.read_photo(encode(np.full((100, 100, 4), (0, 0, 0, 64), np.uint8), kind))
    assert np.array_equal(photo, canvas(300, 300, (191, 191, 191)))


def test_hidden_color_does_not_stain_the_border():
    photo = photos.read_photo(encode(half_transparent()[:, 45:255], "PNG")).astype(int)
    # En una mezcla de blanco y de este azul, cada canal dice cuánto hay de azul.
    coverage = (255 - photo) / (255 - np.array(BLUE))
    assert np.ptp(coverage, axis=2).max() < 0.03


def test_grey_with_alpha():
    grey = half_transparent((60, 60, 60), (0, 0, 0))[..., [0, 3]]
    photo = photos.read_photo(encode(Image.fromarray(grey)))
    assert np.array_equal(photo, framed(*RIGHT_HALF, (60, 60, 60)))


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize(("color_type", "channels"), [(4, [0, 3]), (6, [0, 1, 2, 3])])
def test_alpha_of_8_and_16_bits(depth, color_type, channels):
    picture = half_transparent((60, 60, 60))[..., channels].astype(">u2")
    rows = [(row * 257 if depth == 16 else row.astype(np.uint8)).tobytes() for row in picture]
    photo = photos.read_photo(png(300, 300, depth, color_type, rows))
    assert np.array_equal(photo, framed(*RIGHT_HALF, (60, 60, 60)))


@pytest.mark.parametrize("alphas", [b"\0", b"\0\xff", b"\xff\0", b"\x80\xff"])
def test_palette_with_transparent_colors(alphas):
    picture = Image.fromarray(np.repeat(np.uint8([[0, 1]]), 150, axis=1).repeat(300, axis=0))
    picture.putpalette([*RED, *BLUE])
    photo = photos.read_photo(encode(picture, transparency=alphas))
    alphas = np.frombuffer(alphas.ljust(2, b"\xff"), np.uint8)[:, np.newaxis] / 255
    left, right = alphas * [RED, BLUE] + (1 - alphas) * 255
    expected = framed(*RIGHT_HALF, np.rint(right))
    expected[:, :150] = np.rint(left)
    assert np.abs(photo.astype(int) - expected).max() <= 1


@pytest.mark.parametrize(
    ("depth", "color_type", "left", "right"),
    [(1, 0, "1", "0"), (8, 0, "2a", "3c"), (16, 0, "3d29", "3c3c"), (8, 2, "ff0000", "283cc8")],
)
def test_a_transparent_color_without_alpha(depth, color_type, left, right):
    if depth == 1:
        row = np.packbits(np.repeat([1, 0], 150)).tobytes()
        marked, color = b"\0\1", BLACK
    else:
        row = bytes.fromhex(left * 150 + right * 150)
        samples = bytes.fromhex(left)
        marked = samples if depth == 16 else b"".join(bytes([0, sample]) for sample in samples)
        color = BLUE if color_type == 2 else (60, 60, 60)
    content = png(300, 300, depth, color_type, [row] * 300, chunk(b"tRNS", marked))
    assert np.array_equal(photos.read_photo(content), framed(*RIGHT_HALF, color))


# --- Animaciones --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_first_picture_of_an_animation(kind):
    frames = [Image.fromarray(canvas(100, 100, color)) for color in (BROWN, BLUE, GREEN)]
    content = encode(frames[0], kind, save_all=True, append_images=frames[1:], duration=50)
    assert Image.open(BytesIO(content)).n_frames == 3
    assert np.array_equal(photos.read_photo(content), canvas(300, 300, BROWN))


def test_first_picture_of_a_camera_that_stores_two():
    frames = [Image.fromarray(canvas(100, 100, color)) for color in (BROWN, BLUE)]
    content = encode(frames[0], "MPO", save_all=True, append_images=frames[1:])
    assert Image.open(BytesIO(content)).format == "MPO"
    assert np.abs(photos.read_photo(content).astype(int) - BROWN).max() <= 3


# --- Orientación --------------------------------------------------------------------------------------

# Cómo se guarda una imagen con cada orientación, según la norma de EXIF: la 6, por ejemplo, guarda como
# primera fila el lado derecho de lo que se ve, y como primera columna, el de arriba.
STORED = {
    1: lambda picture: picture,
    2: lambda picture: picture[:, ::-1],
    3: lambda picture: picture[::-1, ::-1],
    4: lambda picture: picture[::-1],
    5: lambda picture: picture.swapaxes(0, 1),
    6: lambda picture: np.rot90(picture),
    7: lambda picture: np.rot90(picture, 2).swapaxes(0, 1),
    8: lambda picture: np.rot90(picture, -1),
}


def exif(orientation):
    metadata = Image.Exif()
    metadata[0x0112] = orientation
    return metadata


def difference(photo, other):
    return np.abs(photo.astype(int) - other).mean()


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("shape", [(96, 160), (160, 96), (1280, 2400)])
def test_every_orientation_is_set_upright(kind, orientation, shape):
    picture = quarters(*shape)
    stored = np.ascontiguousarray(STORED[orientation](picture))
    photo = photos.read_photo(encode(stored, kind, exif=exif(orientation)))
    assert difference(photo, photos.read_photo(encode(picture))) < 1


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_unknown_orientation_is_ignored(orientation):
    photo = photos.read_photo(encode(quarters(), exif=exif(orientation)))
    assert np.array_equal(photo, photos.read_photo(encode(quarters())))


def test_orientation_of_a_png_may_come_after_the_pixels():
    stored = np.ascontiguousarray(STORED[6](quarters()))
    late = chunk(b"eXIf", exif(6).tobytes().removeprefix(b"Exif\0\0"))
    rows = [row.tobytes() for row in stored]
    photo = photos.read_photo(png(96, 160, 8, 2, rows, after=[late]))
    assert difference(photo, photos.read_photo(encode(quarters()))) < 1


def test_orientation_of_transparent_and_16_bit_pictures():
    alpha = np.full((96, 160), 255, np.uint8)
    upright = np.dstack([quarters(), alpha])
    turned = encode(np.ascontiguousarray(STORED[8](upright)), exif=exif(8))
    assert difference(photos.read_photo(turned), photos.read_photo(encode(upright))) < 1
    grey = quarters()[..., 0]
    rows = [row.tobytes() for row in STORED[8](grey).astype(">u2") * 257]
    metadata = chunk(b"eXIf", exif(8).tobytes().removeprefix(b"Exif\0\0"))
    turned = png(96, 160, 16, 0, rows, metadata)
    assert difference(photos.read_photo(turned), photos.read_photo(encode(grey))) < 1


def test_a_metadata_that_cannot_be_rewritten_does_not_prevent_the_turn():
    # La resolución, que debería ser una fracción, guardada como texto.
    entries = struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0) + struct.pack("<HHI4s", 0x011A, 2, 3, b"72\0\0")
    metadata = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", 2) + entries + bytes(4)
    with pytest.raises((AttributeError, TypeError)):
        loaded = Image.Exif()
        loaded.load(metadata)
        loaded.tobytes()
    stored = np.ascontiguousarray(STORED[6](quarters()))
    photo = photos.read_photo(encode(stored, "JPEG", exif=metadata))
    assert difference(photo, photos.read_photo(encode(quarters()))) < 1


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("metadata", [b"Exif\0\0", b"Exif\0\0basura", exif(6).tobytes()[:-9]])
def test_unreadable_metadata_are_ignored(kind, metadata):
    photo = photos.read_photo(encode(quarters(), kind, exif=metadata))
    assert difference(photo, photos.read_photo(encode(quarters()))) < 1


# --- Geometría ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("height", "width", "rows", "columns"),
    [
        (300, 300, slice(0, 300), slice(0, 300)),
        (900, 900, slice(0, 300), slice(0, 300)),
        (32, 32, slice(0, 300), slice(0, 300)),
        (100, 200, slice(75, 225), slice(0, 300)),
        (200, 100, slice(0, 300), slice(75, 225)),
        (600, 900, slice(50, 250), slice(0, 300)),
        (1000, 500, slice(0, 300), slice(75, 225)),
        (40, 50, slice(30, 270), slice(0, 300)),
        (32, 20_000, slice(149, 150), slice(0, 300)),
        (20_000, 32, slice(0, 300), slice(149, 150)),
        (32, 100_000, slice(149, 150), slice(0, 300)),
    ],
)
def test_photo_is_whole_and_centred_on_white(height, width, rows, columns):
    photo = photos.read_photo(encode(canvas(height, width, BROWN)))
    assert np.array_equal(photo, framed(rows, columns, BROWN))


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("shape", [(32, 32), (100, 300), (224, 160), (500, 401)])
@pytest.mark.parametrize(("height", "width"), [(200, 100), (90, 270), (700, 700)])
def test_photo_fits_in_pictures_of_any_size(height, width, shape, orientation):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    stored = canvas(width, height, BLACK) if orientation == 6 else canvas(height, width, BLACK)
    photo = photos.read_photo(encode(stored, exif=exif), shape)
    scale = min(shape[0] / height, shape[1] / width)
    assert (photo.shape, photo.dtype) == ((*shape, 3), np.uint8)
    assert box(photo) == pytest.approx([scale * height, scale * width], abs=1)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("height", [50, 97, 150, 299, 300, 301, 640, 1999, 3000])
@pytest.mark.parametrize("width", [64, 1201])
def test_proportions_are_kept(kind, height, width):
    photo = photos.read_photo(encode(canvas(height, width, BLACK), kind))
    assert box(photo) == [round(300 * side / max(height, width)) for side in (height, width)]
    dark = np.argwhere(photo.max(axis=2) < 128)
    top, left = dark[0]
    bottom, right = 299 - dark[-1]
    assert abs(top - bottom) <= 1 and abs(left - right) <= 1


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("shape", [(401, 901), (901, 401), (1999, 1501), (121, 91)])
def test_a_circle_is_still_a_circle_in_its_place(kind, shape):
    height, width = shape
    radius = min(shape) // 3
    picture = cv2.circle(canvas(*shape), (width // 2, height // 2), radius, BLACK, -1)
    photo = photos.read_photo(encode(picture, kind))
    tall, wide = box(photo)
    assert abs(tall - wide) <= 1
    assert abs(wide - 300 * (2 * radius + 1) / max(shape)) <= 2
    assert np.abs(np.argwhere(photo.max(axis=2) < 128).mean(axis=0) - 149.5).max() < 1


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "RGBA", "LA", "I;16"])
def test_fine_detail_is_averaged(mode):
    chess = np.indices((1200, 1200)).sum(axis=0) % 2
    if mode == "I;16":
        _, content = cv2.imencode(".png", (65535 * chess).astype(np.uint16))
        content = content.tobytes()
    else:
        content = encode(Image.fromarray((255 * chess).astype(np.uint8)).convert(mode))
    photo = photos.read_photo(content)
    assert np.abs(photo.astype(int) - 127.5).max() < 12


def test_large_jpeg_is_decoded_already_reduced(monkeypatch):
    resize, sizes = Image.Image.resize, []

    def spy(image, *rest, **options):
        sizes.append(image.size)
        return resize(image, *rest, **options)

    monkeypatch.setattr(Image.Image, "resize", spy)
    photos.read_photo(encode(canvas(2400, 3200, BROWN), "JPEG"))
    assert sizes == [(800, 600)]


# --- Ficheros que no se pueden leer -------------------------------------------------------------------


def noisy(kind, **options):
    noise = np.random.default_rng(5).integers(0, 256, (64, 48, 3), dtype=np.uint8)
    return encode(noise, kind, **options)


SAMPLES = {
    "JPEG": noisy("JPEG", exif=exif(6)),
    "JPEG progresivo": noisy("JPEG", progressive=True),
    "PNG": noisy("PNG", exif=exif(6)),
    "PNG con paleta": encode(Image.open(BytesIO(noisy("PNG"))).quantize(64), transparency=bytes(range(64))),
    "APNG": noisy("PNG", save_all=True, append_images=[Image.new("RGB", (48, 64))]),
    "WEBP": noisy("WEBP", exif=exif(6)),
    "WEBP animado": noisy("WEBP", save_all=True, append_images=[Image.new("RGB", (48, 64))]),
}


@pytest.mark.parametrize("content", [b"", memoryview(b"")])
def test_empty_file(content):
    assert "está vacío" in refusal(content)


def test_size_of_the_file_is_bounded_before_looking_at_it(monkeypatch):
    content = encode(canvas(40, 40, BROWN), "JPEG")
    largest = content.ljust(photos.MAXIMUM_BYTES, b"\0")
    assert np.array_equal(photos.read_photo(largest), photos.read_photo(content))
    monkeypatch.setattr(Image, "open", None)
    assert "más de 8 MB. Guarda la foto" in refusal(largest + b"\0")


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "PPM", "ICO", "PDF", "JPEG2000"])
def test_other_formats(kind):
    assert NOT_RECOGNISED in refusal(encode(quarters(), kind))


def test_animated_gif():
    frames = [Image.fromarray(canvas(100, 100, color)) for color in (BROWN, BLUE)]
    content = encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert NOT_RECOGNISED in refusal(content)


@pytest.mark.parametrize(
    "content",
    [
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n",
        b'<svg xmlns="http://www.w3.org/2000/svg" width="300" height="300"/>',
        b"<!DOCTYPE html><title>404</title>",
        "Mañana, más.".encode(),
        b"\0",
        bytes(10_000),
        b"\xff\xd8",
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
        b"RIFF\x24\0\0\0WAVEfmt ",
        b"PK\x03\x04",
        np.random.default_rng(0).bytes(10_000),
    ],
)
def test_what_is_not_a_picture(content):
    assert NOT_RECOGNISED in refusal(content)


def test_a_picture_of_40_million_pixels_is_read_and_one_more_row_is_not():
    row = bytes(5000 // 8)
    assert not photos.read_photo(png(5000, 8000, 1, 0, [row] * 8000))[:, 57:243].any()
    assert TOO_MANY_PIXELS in refusal(png(5000, 8001, 1, 0, [row] * 8001))


@pytest.mark.parametrize("side", [6_400, 9_000, 12_000, 20_000, 100_000, 2**31 - 1])
def test_a_bomb_is_refused_by_its_header(side, monkeypatch):
    def fail(*_):
        raise AssertionError("Se decodifica.")

    monkeypatch.setattr(ImageFile.ImageFile, "load", fail)
    assert TOO_MANY_PIXELS in refusal(png(side, side, 8, 2, [bytes(100)]))


@pytest.mark.parametrize("side", [6_400, 9_000, 16_000])
def test_a_bomb_of_another_format(side):
    jpeg, webp = bytearray(SAMPLES["JPEG"]), bytearray(SAMPLES["WEBP animado"])
    start = jpeg.index(b"\xff\xc0") + 5
    jpeg[start : start + 4] = side.to_bytes(2, "big") * 2
    start = webp.index(b"VP8X") + 12
    webp[start : start + 6] = (side - 1).to_bytes(3, "little") * 2
    assert TOO_MANY_PIXELS in refusal(bytes(jpeg))
    assert TOO_MANY_PIXELS in refusal(bytes(webp))


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(("height", "width"), [(31, 100), (100, 31), (1, 1)])
def test_too_small(kind, height, width):
    message = refusal(encode(canvas(height, width, BROWN), kind))
    assert f"demasiado pequeña: {width} × {height} píxeles. Elige una que tenga al menos 32" in message


@pytest.mark.parametrize("kind", FORMATS)
def test_smallest(kind):
    photos.read_photo(encode(canvas(32, 32, BROWN), kind))


@pytest.mark.parametrize("kind", SAMPLES)
def test_truncated(kind):
    content = SAMPLES[kind]
    complete = photos.read_photo(content)
    messages = set()
    for length in [*range(1, 64), *range(64, len(content), 97), *range(len(content) - 64, len(content))]:
        try:
            photo = photos.read_photo(content[:length])
        except ValueError as error:
            messages.add(str(error))
        else:
            # Faltan solo las marcas del final, o las demás imágenes de la animación.
            assert np.array_equal(photo, complete)
            assert kind == "APNG" or len(content) - length <= 24
    assert any(NOT_RECOGNISED in message for message in messages)
    assert any(DAMAGED in message for message in messages)
    assert len(messages) == 2


@pytest.mark.parametrize("kind", SAMPLES)
def test_damaged_in_any_place(kind, capfd):
    generator = np.random.default_rng(11)
    outcomes = set()
    for attempt in range(300):
        content = bytearray(SAMPLES[kind])
        # La mitad de las veces, en la cabecera, donde hay más que estropear.
        last = min(200, len(content)) if attempt % 2 else len(content)
        for position in generator.integers(0, last, generator.integers(1, 9)):
            content[position] ^= 1 << generator.integers(8)
        try:
            photo = photos.read_photo(bytes(content))
        except ValueError as error:
            outcomes.add(str(error).split(":")[0])
        else:
            outcomes.add("foto")
            assert (photo.dtype, photo.shape) == (np.uint8, data.IMAGE_SHAPE)
    assert len(outcomes) > 1
    assert capfd.readouterr() == ("", "")


def test_noise_after_each_signature(capfd):
    generator = np.random.default_rng(7)
    for signature in (
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
        b"RIFF\0\1\0\0WEBPVP8 ",
        b"RIFF\0\1\0\0WEBPVP8X",
    ):
        for _ in range(50):
            refusal(signature + generator.bytes(400))
    assert capfd.readouterr() == ("", "")


def test_a_text_that_expands_when_decompressed():
    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(5_000_000)))
    assert DAMAGED in refusal(png(40, 40, 8, 0, [bytes(40)] * 40, text))


@pytest.mark.parametrize("name", [b"transparency", b"exif", b"xmp", b"interlace", b"bbox"])
def test_a_text_with_the_name_of_something_else(name):
    text = chunk(b"tEXt", name + b"\0basura")
    try:
        photo = photos.read_photo(png(40, 40, 8, 0, [bytes(40)] * 40, text))
    except ValueError as error:
        assert DAMAGED in str(error)
    else:
        assert not photo.any()


# --- Sin dejar rastro ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", SAMPLES)
def test_no_file_is_opened(kind, monkeypatch):
    photos.read_photo(SAMPLES[kind])  # Pillow importa al abrir la primera
    opened = []
    for module, name in [(builtins, "open"), (os, "open")]:
        monkeypatch.setattr(module, name, lambda path, *_, **__: opened.append(path))
    photos.read_photo(SAMPLES[kind])
    refusal(SAMPLES[kind][:300])
    monkeypatch.undo()
    assert opened == []


def test_nothing_is_printed_and_the_warnings_of_others_stay(capfd):
    filters = list(warnings.filters)
    photos.read_photo(encode(quarters(), "JPEG", exif=b"Exif\0\0basura"))
    refusal(b"nada")
    assert list(warnings.filters) == filters
    assert capfd.readouterr() == ("", "")


# --- Perfil de color ----------------------------------------------------------------------------------

# De la norma de cada espacio: sus primarios en XYZ, adaptados al blanco D50 de los perfiles.
SRGB_TO_XYZ = np.array(
    [[0.4360747, 0.3850649, 0.1430804], [0.2225045, 0.7168786, 0.0606169], [0.0139322, 0.0971045, 0.7141733]]
)
ADOBE_TO_XYZ = np.array(
    [[0.6097559, 0.2052401, 0.1492240], [0.3111242, 0.6256560, 0.0632197], [0.0194811, 0.0608902, 0.7448387]]
)
D50 = np.array([0.9642, 1.0, 0.8249])
ADOBE_GAMMA = 2.19921875


def fixed(*values):
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def icc(space, tags, connection=b"XYZ ", kind=b"mntr"):
    """Un perfil ICC escrito a mano, de la versión 2."""
    texts = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", 2) + b"a\0" + bytes(78),
        b"cprt": b"text\0\0\0\0a\0",
    }
    tags = {**texts, b"wtpt": b"XYZ " + bytes(4) + fixed(*D50), **tags}
    start, table, contents = 128 + 4 + 12 * len(tags), b"", b""
    for name, content in tags.items():
        table += name + struct.pack(">II", start + len(contents), len(content))
        contents += content + bytes(-len(content) % 4)
    header = bytes(8) + b"\x02\x10\0\0" + kind + space + connection + bytes(12) + b"acsp" + bytes(28)
    header += fixed(*D50) + bytes(48)
    whole = header + struct.pack(">I", len(tags)) + table + contents
    return struct.pack(">I", len(whole)) + whole[4:]


def curve(gamma):
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)


def adobe_profile():
    primaries = zip(b"rgb", ADOBE_TO_XYZ.T, strict=True)
    tags = {bytes([name]) + b"XYZ": b"XYZ " + bytes(4) + fixed(*column) for name, column in primaries}
    return icc(b"RGB ", {**tags, **{name: curve(ADOBE_GAMMA) for name in (b"rTRC", b"gTRC", b"bTRC")}})


def srgb_from_xyz(xyz):
    linear = np.clip(np.asarray(xyz) @ np.linalg.inv(SRGB_TO_XYZ).T, 0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def srgb_from_adobe(color):
    return srgb_from_xyz((np.array(color) / 255) ** ADOBE_GAMMA @ ADOBE_TO_XYZ.T)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("color", [(120, 80, 40), (100, 160, 90), (60, 60, 200), (128, 128, 128), (0, 0, 0)])
def test_colors_are_those_that_the_profile_says(kind, color):
    photo = photos.read_photo(encode(canvas(100, 100, color), kind, icc_profile=adobe_profile()))
    assert np.abs(photo - srgb_from_adobe(color)).max() <= 2
    if color == (100, 160, 90):  # que la prueba distinga: el verde de Adobe RGB es más vivo
        assert np.abs(photo.astype(int) - color).max() > 20


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_transparency_has_no_profile(kind):
    picture = np.dstack([canvas(100, 100, (100, 160, 90)), np.full((100, 100), 255, np.uint8)])
    picture[:, 50:, 3] = 0
    photo = photos.read_photo(encode(picture, kind, icc_profile=adobe_profile()))
    assert np.abs(photo[:, :140] - srgb_from_adobe((100, 160, 90))).max() <= 2
    assert (photo[:, 160:] == 255).all()


def test_palette_with_a_profile():
    picture = Image.fromarray(canvas(100, 100, (100, 160, 90))).quantize(4)
    photo = photos.read_photo(encode(picture, icc_profile=adobe_profile()))
    assert np.abs(photo - srgb_from_adobe((100, 160, 90))).max() <= 2


def test_16_bits_with_a_profile():
    rows = [struct.pack(">HHH", *(257 * level for level in (100, 160, 90))) * 64] * 64
    profile = chunk(b"iCCP", b"a\0\0" + zlib.compress(adobe_profile()))
    photo = photos.read_photo(png(64, 64, 16, 2, rows, profile))
    assert np.abs(photo - srgb_from_adobe((100, 160, 90))).max() <= 2


def grey_profile(gamma):
    return icc(b"GRAY", {b"kTRC": curve(gamma)})


@pytest.mark.parametrize("depth", [8, 16])
def test_grey_with_a_profile(depth):
    row = np.full(64, 100 if depth == 8 else 25_700, f">u{depth // 8}").tobytes()
    profile = chunk(b"iCCP", b"a\0\0" + zlib.compress(grey_profile(1.5)))
    photo = photos.read_photo(png(64, 64, depth, 0, [row] * 64, profile))
    assert np.abs(photo - srgb_from_xyz((100 / 255) ** 1.5 * D50)).max() <= 2


def test_grey_with_a_profile_of_color():
    photo = photos.read_photo(encode(np.full((100, 100), 40, np.uint8), icc_profile=adobe_profile()))
    assert np.abs(photo - srgb_from_adobe((40, 40, 40))).max() <= 2


INKS = {  # CIELAB de cada tinta pura: la de la imprenta, que no es la que da restar de blanco
    (0, 0, 0, 0): (100, 0, 0),
    (255, 0, 0, 0): (55, -37, -50),
    (0, 255, 0, 0): (48, 74, -3),
    (0, 0, 255, 0): (89, -5, 80),
}


def ink_profile():
    """Un perfil de imprenta con una tabla de dos valores por tinta; donde hay varias, casi negro."""
    corners = [INKS.get(tuple(255 * ink for ink in inks), (10, 0, 0)) for inks in np.ndindex(2, 2, 2, 2)]
    table = bytes(
        round(value) for lightness, a, b in corners for value in (lightness * 2.55, a + 128, b + 128)
    )
    ramp = bytes(range(256))
    tag = (
        b"mft1"
        + bytes(4)
        + bytes([4, 3, 2, 0])
        + fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
        + 4 * ramp
        + table
        + 3 * ramp
    )
    return icc(b"CMYK", {b"A2B0": tag, b"A2B1": tag}, connection=b"Lab ", kind=b"prtr")


def xyz_from_lab(lightness, a, b):
    y = (lightness + 16) / 116
    steps = np.array([y + a / 500, y, y - b / 200])
    return D50 * np.where(steps > 6 / 29, steps**3, 3 * (6 / 29) ** 2 * (steps - 4 / 29))


@pytest.mark.parametrize("inks", INKS)
def test_inks_with_a_profile(inks):
    picture = Image.new("CMYK", (100, 100), inks)
    photo = photos.read_photo(encode(picture, "JPEG", icc_profile=ink_profile()))
    assert np.abs(photo - srgb_from_xyz(xyz_from_lab(*INKS[inks]))).max() <= 12  # y la compresión del negro
    plain = photos.read_photo(encode(picture, "JPEG"))
    if any(inks):
        assert np.abs(photo.astype(int) - plain).max() > 30


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(
    "profile",
    [
        b"no es un perfil",
        adobe_profile()[:200],
        bytes(3000),
        icc(b"RGB ", {}),
        icc(b"Lab ", {}),
        ink_profile(),
        grey_profile(1.5),
    ],
    ids=["texto", "cortado", "ceros", "sin curvas", "Lab", "de tintas", "de grises"],
)
def test_a_profile_that_is_no_use_does_not_prevent_reading(kind, profile, capfd):
    plain = photos.read_photo(encode(quarters(), kind))
    assert np.array_equal(photos.read_photo(encode(quarters(), kind, icc_profile=profile)), plain)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", FORMATS)
def test_a_damaged_profile_in_any_place(kind):
    profile = bytearray(adobe_profile())
    for position in range(0, len(profile), 7):
        damaged = bytearray(profile)
        damaged[position] ^= 0xFF
        photo = photos.read_photo(encode(canvas(40, 40, GREEN), kind, icc_profile=bytes(damaged)))
        assert photo.shape == (300, 300, 3)


def test_a_profile_is_bounded(monkeypatch):
    monkeypatch.setattr(photos, "MAXIMUM_PROFILE_BYTES", len(adobe_profile()) - 1)
    monkeypatch.setattr(photos.ImageCms, "ImageCmsProfile", lambda *_: pytest.fail("lo lee"))
    content = encode(quarters(), icc_profile=adobe_profile())
    assert np.array_equal(photos.read_photo(content), photos.read_photo(encode(quarters())))


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("size", [2_000_000, 5_000_000])
def test_a_huge_profile_does_not_prevent_reading(kind, size):
    profile = adobe_profile() + bytes(size)
    photo = photos.read_photo(encode(canvas(100, 100, (100, 160, 90)), kind, icc_profile=profile))
    honoured = np.abs(photo - srgb_from_adobe((100, 160, 90))).max() <= 2
    ignored = np.abs(photo - np.array((100, 160, 90))).max() <= 2
    assert (honoured, ignored) == ((True, False) if kind != "PNG" and size < 4_000_000 else (False, True))


# --- Una ruta -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_the_path_of_a_photo(kind, tmp_path):
    path = tmp_path / "foto.jpg"
    path.write_bytes(encode(quarters(), "JPEG"))
    assert np.array_equal(photos.read_photo(kind(path)), photos.read_photo(path.read_bytes()))


def test_a_path_without_a_photo(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="No hay ningún fichero «foto.jpg»"):
        photos.read_photo("foto.jpg")
    with pytest.raises(ValueError, match="no es un fichero"):
        photos.read_photo(tmp_path)
    (tmp_path / "nota.txt").write_text("hola")
    with pytest.raises(ValueError, match=NOT_RECOGNISED):
        photos.read_photo(tmp_path / "nota.txt")
    monkeypatch.setattr(photos, "MAXIMUM_BYTES", 3)
    with pytest.raises(ValueError, match="ocupa más de"):
        photos.read_photo(tmp_path / "nota.txt")


@pytest.mark.parametrize("content", [quarters(), 7, None, ["foto.jpg"], {"content": b""}, BytesIO(b"a")])
def test_neither_content_nor_path(content):
    with pytest.raises(TypeError, match=f"en bytes, o su ruta, y esto es «{type(content).__name__}»"):
        photos.read_photo(content)
