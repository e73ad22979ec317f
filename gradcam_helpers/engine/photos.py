"""La foto que sube quien estudia: leerla y llevarla a la forma que espera la red.

Llega de fuera, así que puede ser cualquier cosa: se acota antes de decodificarla y nunca se escribe en el
disco.
"""

import warnings
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError

from gradcam_helpers.engine.inputs import IMAGE_SHAPE

FORMATS = ("JPEG", "PNG", "WEBP")
MAXIMUM_BYTES = 8_000_000  # Jupyter corta los mensajes de más de 10 MiB
MAXIMUM_PIXELS = 40_000_000  # un WebP con tantos ocupa 650 MB mientras se decodifica
MAXIMUM_PROFILE_BYTES = 4_000_000  # los mayores, los de imprenta, ocupan unos 3 MB
SMALLEST_SIDE = 32  # una foto menor, ampliada a 300 píxeles, es una mancha

# Lo que pone al derecho cada orientación de EXIF. ImageOps.exif_transpose reescribe además los metadatos,
# y falla con los que no sabe reescribir.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SIDEWAYS = [TURNS[orientation] for orientation in (5, 6, 7, 8)]  # los que cambian el ancho por el alto

# Las imágenes a las que se aplica un perfil, según los colores que describe, y el modo en que se le dan.
PROFILED = {"RGB": (("RGB", "L"), "RGB"), "GRAY": (("L",), "L"), "CMYK": (("CMYK",), "CMYK")}


def read_photo(content: bytes | str | Path, shape: tuple[int, int] = IMAGE_SHAPE[:2]) -> np.ndarray:
    """Lee una foto JPEG, PNG o WebP, la pone al derecho y la centra, entera, sobre blanco.

    El formato se reconoce por el contenido. Lo transparente queda blanco; de una animación se toma la
    primera imagen. Los colores se llevan a sRGB con el perfil de la foto, si lo tiene.

    Argumentos:
        content: el fichero entero, o su ruta. Vale también la `memoryview` que da el control de ipywidgets 8.
        shape: alto y ancho de lo que se devuelve.

    Devuelve uint8 (alto, ancho, 3), en RGB.

    Errores:
        TypeError: no es el contenido de un fichero ni su ruta.
        FileNotFoundError: no hay ningún fichero en esa ruta.
        ValueError: el fichero está vacío, ocupa demasiado, no es de esos formatos o está dañado; o la foto
            es demasiado grande o demasiado pequeña.
    """
    if isinstance(content, str | Path):
        content = _read_file(Path(content))
    if not isinstance(content, bytes | bytearray | memoryview):
        found = type(content).__name__
        raise TypeError(f"Hace falta el contenido de un fichero, en bytes, o su ruta, y esto es «{found}».")
    if not content:
        raise ValueError("El fichero está vacío. Elige otro.")
    if len(content) > MAXIMUM_BYTES:
        raise ValueError(
            f"El fichero ocupa más de {MAXIMUM_BYTES / 1e6:.0f} MB. Guarda la foto con menos píxeles, o como "
            "JPEG, y vuelve a subirla."
        )
    # Pillow avisa, en inglés, de rarezas que no impiden leer la foto.
    with warnings.catch_warnings(action="ignore"):
        image = _open(content)
        try:
            return np.array(_fit(image, *shape))
        except Exception:
            # De un fichero dañado, Pillow da errores de muchas clases.
            raise _damaged() from None


def _read_file(path: Path) -> bytes:
    """El contenido de un fichero; de uno demasiado grande, solo lo que basta para saberlo."""
    if not path.exists():
        raise FileNotFoundError(f"No hay ningún fichero «{path}».")
    if not path.is_file():
        raise ValueError(f"«{path}» no es un fichero. Indica el de una foto.")
    with open(path, "rb") as file:
        return file.read(MAXIMUM_BYTES + 1)


def _open(content: bytes) -> Image.Image:
    """La foto, sin decodificar y ya acotada por lo que dice su cabecera."""
    too_large = ValueError(
        f"La foto tiene más de {MAXIMUM_PIXELS / 1e6:.0f} millones de píxeles. Redúcela y vuelve a subirla."
    )
    try:
        image = Image.open(BytesIO(content), formats=FORMATS)
    except UnidentifiedImageError:
        raise ValueError(
            "El fichero no se reconoce como una imagen JPEG, PNG o WebP. Elige otro, o abre la imagen en un "
            "editor y guárdala en uno de esos formatos."
        ) from None
    except Image.DecompressionBombError:
        raise too_large from None
    except Exception:
        # Pillow no abre un PNG con un perfil de color demasiado grande; sin él, la foto puede estar sana.
        without_profile = _without_profile(content)
        if len(without_profile) < len(content):
            return _open(without_profile)
        raise _damaged() from None
    if image.width * image.height > MAXIMUM_PIXELS:
        raise too_large
    if min(image.size) < SMALLEST_SIDE:
        raise ValueError(
            f"La foto es demasiado pequeña: {image.width} × {image.height} píxeles. Elige una que tenga al "
            f"menos {SMALLEST_SIDE} de ancho y de alto."
        )
    return image


def _without_profile(content: bytes) -> bytes:
    """El mismo fichero sin el primer perfil de color, si es un PNG que lo tiene."""
    content = bytes(content)
    position = 8 if content.startswith(b"\x89PNG") else len(content)
    while position + 12 <= len(content):
        end = position + 12 + int.from_bytes(content[position : position + 4])
        if content[position + 4 : position + 8] == b"iCCP":
            return content[:position] + content[end:]
        position = end
    return content


def _damaged() -> ValueError:
    return ValueError("La foto está dañada o incompleta. Cópiala o descárgala otra vez, o elige otra.")


def _fit(image: Image.Image, height: int, width: int) -> Image.Image:
    turn = TURNS.get(_orientation(image))
    # El hueco, visto desde la foto sin enderezar.
    room = (height, width) if turn in SIDEWAYS else (width, height)
    tightest, longest = min(zip(room, image.size, strict=True), key=lambda pair: pair[0] / pair[1])
    size = [max(1, round(tightest * length / longest)) for length in image.size]
    image.draft(None, tuple(2 * length for length in room))  # un JPEG grande se decodifica ya reducido
    small = _in_srgb(_direct_color(image).resize(size, Image.Resampling.LANCZOS), image)
    if turn is not None:
        small = small.transpose(turn)
    canvas = Image.new("RGB", (width, height), "white")
    canvas.paste(small, ((width - small.width) // 2, (height - small.height) // 2), mask=small)
    return canvas


def _direct_color(image: Image.Image) -> Image.Image:
    """La misma imagen sin paleta, en un modo que Pillow sabe promediar: L, RGB, RGBA o CMYK."""
    if image.mode == "I;16":
        levels = np.asarray(image)
        grey = (levels >> 8).astype(np.uint8)
        grey[levels == image.info.get("transparency", -1)] = 255
        return Image.fromarray(grey)
    if image.mode in ("L", "CMYK") and not image.has_transparency_data:
        return image
    mode = "RGBA" if image.has_transparency_data else "RGB"
    return image if image.mode == mode else image.convert(mode)


def _in_srgb(small: Image.Image, original: Image.Image) -> Image.Image:
    """La imagen reducida, en RGBA, con los colores que dice el perfil de la original; sin él, son ya sRGB."""
    transparency = small.getchannel("A") if small.mode == "RGBA" else None
    colors = _apply_profile(small.convert("RGB") if transparency else small, original)
    colors = colors.convert("RGBA")
    if transparency:
        colors.putalpha(transparency)
    return colors


def _apply_profile(colors: Image.Image, original: Image.Image) -> Image.Image:
    content = original.info.get("icc_profile")
    if not content or len(content) > MAXIMUM_PROFILE_BYTES:
        return colors
    try:
        profile = ImageCms.ImageCmsProfile(BytesIO(content))
        modes, mode = PROFILED.get(profile.profile.xcolor_space.strip(), ((), ""))
        if colors.mode not in modes:
            return colors  # describe otra clase de colores que la que hay
        return ImageCms.profileToProfile(
            colors.convert(mode),
            profile,
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except Exception:
        return colors  # un perfil dañado no impide ver la foto


def _orientation(image: Image.Image) -> int | None:
    try:
        return image.getexif().get(ExifTags.Base.Orientation)
    except Exception:
        return None  # unos metadatos ilegibles no impiden ver la foto
