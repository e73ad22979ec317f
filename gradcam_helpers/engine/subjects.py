"""Los sujetos de las imágenes: separarlos de un fondo blanco y ponerlos sobre otro."""

import cv2
import numpy as np

from gradcam_helpers.engine.inputs import check_color

# Para separar al sujeto: se eligieron mirando las máscaras de las imágenes reales de prueba.
WHITE = 245  # desde aquí, un píxel es blanco en los tres canales
DARKEST_SHADOW = 80  # lo más oscuro ya no es sombra
SHADOW_STEP = 20  # lo más que cambia una sombra de un píxel a su vecino
SMALLEST_REGION = 8  # píxeles; un hueco o un sujeto menor es una mota


def subject_mask(image: np.ndarray) -> np.ndarray:
    """Separa del fondo blanco al sujeto de una imagen: la mayor región que no es fondo.

    Es fondo lo blanco, y todo lo que se alcanza desde ello de píxel en píxel mientras el color sea un gris
    neutro y cambie poco a poco. Así se quitan las sombras del suelo, que son neutras y suaves, pero no
    un caballo blanco o una camisa, que tienen un borde o algo de color. El hueco entre dos piernas es
    fondo. Un sujeto de un gris neutro que sea muy claro o esté desenfocado se perdería.

    Argumentos:
        image: uint8 (alto, ancho, 3), sobre fondo blanco.

    Devuelve bool (alto, ancho), cierto en el sujeto.

    Errores:
        ValueError: otra forma o tipo, un fondo que no es blanco, o una imagen sin sujeto.
    """
    image = check_color("La imagen", image)
    white = image.min(axis=2) >= WHITE
    border = np.concatenate([white[0], white[-1], white[:, 0], white[:, -1]])
    if border.mean() < 0.5:
        raise ValueError(
            f"El fondo no es blanco: solo lo es el {100 * border.mean():.0f} % del borde de la imagen."
        )
    subjects = (~_white_background(image)).astype(np.uint8)
    _, regions, statistics, _ = cv2.connectedComponentsWithStats(subjects)
    areas = statistics[1:, cv2.CC_STAT_AREA]
    if areas.max(initial=0) < SMALLEST_REGION:
        raise ValueError("La imagen es toda blanca: no hay ningún sujeto que separar.")
    return regions == 1 + areas.argmax()


def _white_background(image: np.ndarray) -> np.ndarray:
    """Lo blanco, las sombras que lo tocan y el halo del sujeto: bool (alto, ancho)."""
    darkest = image.min(axis=2)
    white = darkest >= WHITE
    neutral = image.max(axis=2) - darkest <= 1
    barrier = ~white & ~(neutral & (darkest >= DARKEST_SHADOW))
    flooded = np.pad(barrier.astype(np.uint8), 1, constant_values=1)  # 1, barrera; 2, fondo
    _, regions, statistics, _ = cv2.connectedComponentsWithStats(white.astype(np.uint8), connectivity=4)
    for region in range(1, len(statistics)):
        if statistics[region, cv2.CC_STAT_AREA] >= SMALLEST_REGION:
            row, column = np.argwhere(regions == region)[0].tolist()
            flags = 4 | cv2.FLOODFILL_MASK_ONLY | 2 << 8
            cv2.floodFill(darkest, flooded, (column, row), 0, SHADOW_STEP, SHADOW_STEP, flags)
    background = flooded[1:-1, 1:-1] == 2
    # El halo: píxeles del borde mezclados con el fondo, más cercanos al blanco que a su vecino más oscuro.
    beside = cv2.dilate(background.astype(np.uint8), np.ones((3, 3))) > 0
    return background | (beside & (darkest - cv2.erode(darkest, np.ones((3, 3))) > 255 - darkest))


def replace_background(images: np.ndarray, masks: np.ndarray, backgrounds: np.ndarray) -> np.ndarray:
    """Pone sujetos sobre otros fondos. Los píxeles del sujeto no cambian.

    En el anillo de un píxel que rodea al sujeto se mezclan, a partes iguales, el fondo y el píxel del
    sujeto más cercano, para que el borde no quede dentado.

    Argumentos:
        images: uint8 (alto, ancho, 3), o un lote (N, alto, ancho, 3).
        masks: bool (alto, ancho) o (N, alto, ancho), cierto en el sujeto.
        backgrounds: uint8; un fondo para todas las imágenes, o uno por imagen. Una sola imagen se puede
            poner sobre varios fondos.

    Devuelve uint8 (alto, ancho, 3) si hay una imagen y un fondo; si no, (N, alto, ancho, 3).

    Errores:
        ValueError: formas o tipos que no encajan.
    """
    images = check_color("La imagen", images, batch=True)
    backgrounds = check_color("El fondo", backgrounds, batch=True)
    masks = np.asarray(masks)
    if masks.dtype != bool or masks.shape != images.shape[:-1]:
        raise ValueError(
            f"La máscara debe ser bool {images.shape[:-1]}, como la imagen, y es {masks.dtype} {masks.shape}."
        )
    counts = {len(array) for array in (images, backgrounds) if array.ndim == 4}
    if len(counts) > 1 or images.shape[-3:] != backgrounds.shape[-3:]:
        raise ValueError(
            "Los fondos deben ser del tamaño de las imágenes, y uno para todas o uno por imagen. "
            f"Las imágenes son {images.shape}, y los fondos, {backgrounds.shape}."
        )
    shape = np.broadcast_shapes(images.shape, backgrounds.shape)
    images, masks = np.broadcast_to(images, shape), np.broadcast_to(masks, shape[:-1])
    pasted = np.array(np.broadcast_to(backgrounds, shape))
    for index in np.ndindex(shape[:-3]):
        _paste(images[index], masks[index], pasted[index])
    return pasted


def _paste(image: np.ndarray, mask: np.ndarray, canvas: np.ndarray) -> None:
    """Pinta el sujeto de una imagen sobre `canvas`, que es el fondo."""
    distance, nearest = cv2.distanceTransformWithLabels(
        (~mask).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    ring = (distance > 0) & (distance < 1.5)  # los ocho vecinos, a distancia 1 o 1,4
    colors = np.zeros((nearest.max() + 1, 3), np.uint16)
    colors[nearest[mask]] = image[mask]
    canvas[ring] = (colors[nearest[ring]] + canvas[ring]) // 2
    canvas[mask] = image[mask]
