"""La red que se compara, en torch: las mismas capas, con los mismos nombres y pesos, y logits a la salida."""

from collections import OrderedDict
from math import isqrt

import numpy as np
import torch
from torch import nn

from medidas.pares.tool import THREADS

torch.set_num_threads(THREADS)


def build(weights: dict[str, np.ndarray]) -> nn.Sequential:
    """La red del curso con esos pesos. Las capas con ReLU la llevan dentro, como en Keras."""
    layers = OrderedDict()
    for block in (1, 2, 3):
        for position in (1, 2):
            name = f"bloque{block}_conv{position}"
            layers[name] = nn.Sequential(_convolution(weights, name), nn.ReLU())
        layers[f"bloque{block}_pool"] = nn.MaxPool2d(2)
    layers["aplanar"] = nn.Flatten()
    kernel = _channels_first(weights["densa/kernel"], channels=weights[f"{name}/bias"].size)
    layers["densa"] = nn.Sequential(_dense(kernel, weights["densa/bias"]), nn.ReLU())
    layers["salida"] = _dense(weights["salida/kernel"], weights["salida/bias"])
    return nn.Sequential(layers).eval()


def channels_first(images: np.ndarray) -> torch.Tensor:
    """(N, alto, ancho, canales) → (N, canales, alto, ancho)."""
    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))


def _convolution(weights: dict[str, np.ndarray], name: str) -> nn.Conv2d:
    kernel = weights[f"{name}/kernel"].transpose(3, 2, 0, 1)
    filters, channels, *size = kernel.shape
    return _filled(nn.Conv2d(channels, filters, size, padding="same"), kernel, weights[f"{name}/bias"])


def _dense(kernel: np.ndarray, bias: np.ndarray) -> nn.Linear:
    return _filled(nn.Linear(*kernel.shape), kernel.T, bias)


def _filled(layer: nn.Module, kernel: np.ndarray, bias: np.ndarray) -> nn.Module:
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(kernel))
        layer.bias.copy_(torch.tensor(bias))
    return layer


def _channels_first(kernel: np.ndarray, channels: int) -> np.ndarray:
    """Reordena las entradas de la densa: Keras aplana (alto, ancho, canal) y torch (canal, alto, ancho)."""
    inputs, units = kernel.shape
    side = isqrt(inputs // channels)
    return kernel.reshape(side, side, channels, units).transpose(2, 0, 1, 3).reshape(inputs, units)
