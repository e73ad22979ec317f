"""Las imágenes que se ven en un panel: a qué tamaño, y en qué formato llegan al navegador."""

import cv2
import ipywidgets as widgets
import numpy as np

DISPLAY_SIZE = 300  # píxeles de pantalla del lado mayor


def display_size(shape: tuple[int, int]) -> tuple[int, int]:
    """Alto y ancho, en píxeles de pantalla, de las imágenes de ese alto y ancho."""
    height, width = (max(1, round(DISPLAY_SIZE * side / max(shape))) for side in shape)
    return height, width


def enlarge(image: np.ndarray) -> np.ndarray:
    """Una imagen o una máscara pequeña, con cada píxel repetido: lo que se dibuje encima no queda tosco."""
    times = max(1, DISPLAY_SIZE // max(image.shape[:2]))
    return image if times == 1 else image.repeat(times, axis=0).repeat(times, axis=1)


def picture(shape: tuple[int, int]) -> widgets.Image:
    height, width = display_size(shape)
    return widgets.Image(format="png", width=width, height=height)


def encode_png(image: np.ndarray) -> bytes:
    """Codifica una imagen uint8 (alto, ancho, 3) en RGB como PNG, lo que muestra `widgets.Image`."""
    encoded, buffer = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    if not encoded:
        raise ValueError(f"No se puede codificar como PNG una imagen de forma {image.shape}.")
    return buffer.tobytes()
