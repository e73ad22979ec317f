"""Las fórmulas de los mapas de calor: ocho métodos, y lo que se hace con cualquiera de sus mapas.

Cada método recibe las activaciones A de una capa y sus gradientes g = ∂y/∂A, donde y es la puntuación de la
clase explicada, y da el mapa con signo; Score-CAM, en lugar de los gradientes, la puntuación de cada filtro.
De un mapa con signo a un mapa de calor, con su ReLU, se pasa siempre con `normalize`.
"""

import cv2
import numpy as np

from gradcam_helpers.engine.backend import tf
from gradcam_helpers.engine.inputs import check_count, check_maps


def class_activation_mapping(activations, gradients):
    """CAM: Σₖ wₖ Aₖ, con wₖ el peso de la densa que sigue al promedio global.

    El promedio global reparte wₖ por igual: el gradiente vale wₖ/Z en cada una de las Z posiciones.

    Zhou y otros, CVPR 2016, arXiv:1512.04150.
    """
    dense_weights = tf.reduce_sum(gradients, axis=(1, 2))
    return _weighted_sum(dense_weights, activations)


def grad_cam(activations, gradients):
    """Grad-CAM: Σₖ αₖ Aₖ, con αₖ el promedio espacial del gradiente.

    Selvaraju y otros, ICCV 2017, arXiv:1610.02391.
    """
    alpha = tf.reduce_mean(gradients, axis=(1, 2))
    return _weighted_sum(alpha, activations)


def grad_cam_plus_plus(activations, gradients):
    """Grad-CAM++: Σₖ wₖ Aₖ, con wₖ = Σᵢⱼ aᵢⱼₖ ReLU(gᵢⱼₖ) y aᵢⱼₖ = 1 / (2 + gᵢⱼₖ Σ Aₖ).

    El artículo deriva exp(y), cuyas derivadas son potencias de g multiplicadas por exp(y); el factor
    desaparece al normalizar y aquí no se pone, para que no se desborde.

    Chattopadhay y otros, WACV 2018, arXiv:1710.11063.
    """
    totals = tf.reduce_sum(activations, axis=(1, 2), keepdims=True)
    a = tf.math.divide_no_nan(1.0, 2 + gradients * totals)
    weights = tf.reduce_sum(a * tf.nn.relu(gradients), axis=(1, 2))
    return _weighted_sum(weights, activations)


def hires_cam(activations, gradients):
    """HiResCAM: Σₖ gₖ ⊙ Aₖ, sin promediar el gradiente.

    Draelos y Carin, 2020, arXiv:2011.08891.
    """
    return tf.reduce_sum(gradients * activations, axis=-1)


def layer_cam(activations, gradients):
    """LayerCAM: Σₖ ReLU(gₖ) ⊙ Aₖ, con los gradientes positivos.

    Jiang y otros, IEEE Transactions on Image Processing 30, 2021.
    """
    return tf.reduce_sum(tf.nn.relu(gradients) * activations, axis=-1)


def xgrad_cam(activations, gradients):
    """XGrad-CAM: Σₖ wₖ Aₖ, con wₖ = Σᵢⱼ gᵢⱼₖ Aᵢⱼₖ / Σᵢⱼ Aᵢⱼₖ: el gradiente, promediado según la activación.

    Un filtro cuya activación suma 0 no cuenta.

    Fu y otros, BMVC 2020, arXiv:2008.02312.
    """
    totals = tf.reduce_sum(activations, axis=(1, 2))
    weights = tf.math.divide_no_nan(tf.reduce_sum(gradients * activations, axis=(1, 2)), totals)
    return _weighted_sum(weights, activations)


def eigen_cam(activations, _gradients=None):
    """Eigen-CAM: las activaciones, (posiciones × filtros), sobre su primer vector singular derecho.

    No mira la clase. El signo de un vector singular es arbitrario: se elige el que hace que el mapa sume más
    de cero, como ocurre con activaciones que no son negativas.

    Muhammad y Yeasin, IJCNN 2020, arXiv:2008.00299.
    """
    # Llevadas a −1…1, sus cuadrados caben en 32 bits, por grandes o pequeñas que sean.
    largest = tf.reduce_max(tf.abs(activations), axis=(1, 2, 3), keepdims=True)
    scaled = tf.math.divide_no_nan(activations, largest)
    # Los vectores singulares derechos de A son los propios de AᵀA, que es mucho menor.
    squared = tf.einsum("nijk,nijl->nkl", scaled, scaled)
    # `eigh` falla con lo que no es finito; aun así llega al mapa, en la proyección, y de ello se avisa.
    squared = tf.where(tf.math.is_finite(squared), squared, 0.0)
    _, eigenvectors = tf.linalg.eigh(squared)  # en orden creciente
    projection = _weighted_sum(eigenvectors[..., -1], activations)
    total = tf.reduce_sum(projection, axis=(1, 2), keepdims=True)
    return tf.where(total < 0, -projection, projection)


def score_cam(activations, channel_scores):
    """Score-CAM: Σₖ sₖ Aₖ, con s la softmax, entre filtros, de la puntuación de la imagen vista por Aₖ.

    La imagen se multiplica por Aₖ ampliada a su tamaño y llevada a 0…1. No usa gradientes: necesita una
    predicción por filtro. La puntuación de referencia que resta el artículo se cancela en la softmax.

    Wang y otros, CVPR Workshops 2020, arXiv:1910.01279.
    """
    weights = tf.nn.softmax(channel_scores, axis=-1)
    return _weighted_sum(weights, activations)


def _weighted_sum(weights, activations):
    """Σₖ wₖ Aₖ: pesos (N, filtros) y activaciones (N, alto, ancho, filtros) dan mapas (N, alto, ancho)."""
    return tf.einsum("nk,nijk->nij", weights, activations)


# La fórmula de cada método: de los que usan gradientes, y de los que usan una predicción por filtro.
GRADIENT_METHODS = {
    "CAM": class_activation_mapping,
    "Grad-CAM": grad_cam,
    "Grad-CAM++": grad_cam_plus_plus,
    "HiResCAM": hires_cam,
    "LayerCAM": layer_cam,
    "XGrad-CAM": xgrad_cam,
    "Eigen-CAM": eigen_cam,
}
FILTER_METHODS = {"Score-CAM": score_cam}
METHODS = (*GRADIENT_METHODS, *FILTER_METHODS)


def normalize(raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """ReLU y división entre el máximo de cada mapa, sin dividir nunca entre cero.

    Argumentos:
        raw: mapas con signo, (..., alto, ancho).

    Devuelve `(heatmap, empty)`: float32 entre 0 y 1, y bool (...) con los mapas sin ningún valor positivo.
    """
    rectified = np.maximum(check_maps(raw), 0)  # la ReLU
    maximum = rectified.max(axis=(-2, -1), keepdims=True)
    heatmap = np.divide(rectified, maximum, out=np.zeros_like(rectified), where=maximum > 0)
    return heatmap, maximum[..., 0, 0] == 0


def resize_heatmaps(heatmaps: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Lleva mapas de la resolución de una capa a la de la imagen, por interpolación bilineal.

    Argumentos:
        heatmaps: mapas (..., alto, ancho), con signo o sin él.
        shape: `(alto, ancho)` de la imagen.

    Devuelve float32 (..., alto, ancho), sin salirse del intervalo de los valores de partida.
    """
    maps = check_maps(heatmaps)
    if np.shape(shape) != (2,):
        raise ValueError(f"«shape» debe ser el alto y el ancho de la imagen, y es {shape!r}.")
    height, width = (check_count("shape", side) for side in shape)
    one_by_one = maps.reshape(-1, *maps.shape[-2:])
    resized = [cv2.resize(each, (width, height), interpolation=cv2.INTER_LINEAR) for each in one_by_one]
    return np.reshape(resized, (*maps.shape[:-2], height, width))
