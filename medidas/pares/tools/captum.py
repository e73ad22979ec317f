"""captum: Grad-CAM, y el producto de gradiente y activación, que sumado entre filtros es HiResCAM."""

import torch
from captum.attr import LayerGradCam, LayerGradientXActivation

from medidas.pares import tool, torch_network


class Tool(tool.Tool):
    pairs = (tool.Pair("Grad-CAM", "con signo"), tool.Pair("HiResCAM", "con signo"))

    def __init__(self, inputs):
        super().__init__(inputs)
        self._network = torch_network.build(inputs.weights)
        self._images = torch_network.channels_first(inputs.images)
        self._targets = torch.from_numpy(inputs.targets)

    def logits(self):
        with torch.inference_mode():
            return self._network(self._images).numpy()

    def maps(self, method, layer):
        layer = self._network.get_submodule(layer)
        explainer = {"Grad-CAM": LayerGradCam, "HiResCAM": LayerGradientXActivation}[method]
        return explainer(self._network, layer).attribute(self._images, self._targets).sum(1).detach().numpy()

    def forward(self, count):
        """La predicción de torch, sin gradientes: la vara de medir de las dos herramientas que lo usan."""
        with torch.inference_mode():
            self._network(self._images[:count]).numpy()

    def grad_cam(self, count):
        layer = self._network.get_submodule(tool.LAST_CONVOLUTION)
        explainer = LayerGradCam(self._network, layer)
        explainer.attribute(self._images[:count], self._targets[:count]).detach().numpy()
