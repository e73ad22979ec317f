"""pytorch-grad-cam (el paquete grad-cam): siete de los ocho métodos."""

import pytorch_grad_cam as library
import torch
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

from medidas.pares import tool, torch_network

EXPLAINERS = {
    "Grad-CAM": library.GradCAM,
    "Grad-CAM++": library.GradCAMPlusPlus,
    "HiResCAM": library.HiResCAM,
    "LayerCAM": library.LayerCAM,
    "XGrad-CAM": library.XGradCAM,
    "Eigen-CAM": library.EigenCAM,
    "Score-CAM": library.ScoreCAM,
}


class Tool(tool.Tool):
    pairs = (
        tool.Pair("Grad-CAM", "con signo"),
        tool.Pair("Grad-CAM++", "con signo"),  # con gradientes menores que 1e-3 la apartaría su épsilon, 1e-6
        tool.Pair("HiResCAM", "con signo"),
        tool.Pair("LayerCAM", "con signo"),
        tool.Pair("XGrad-CAM", "con signo"),
        tool.Pair("Eigen-CAM", "con signo", "resta a cada filtro su media, y el signo queda al azar"),
        tool.Pair("Score-CAM", "con signo", "amplía las máscaras haciendo coincidir las esquinas"),
        tool.Pair("Score-CAM", "con signo", only_layer="bloque1_conv2"),  # del tamaño de la imagen: no amplía
    )

    def __init__(self, inputs):
        super().__init__(inputs)
        self._network = torch_network.build(inputs.weights)
        self._images = torch_network.channels_first(inputs.images)

    def logits(self):
        with torch.inference_mode():
            return self._network(self._images).numpy()

    def maps(self, method, layer):
        return self._explain(_keep_raw(EXPLAINERS[method]), len(self._images), layer).raw

    def _explain(self, explainer, count, layer=tool.LAST_CONVOLUTION):
        layer = self._network.get_submodule(layer)
        targets = [ClassifierOutputTarget(int(target)) for target in self.inputs.targets[:count]]
        # Se cierra cada vez: mientras vive, anota lo que pasa por la red en cada predicción.
        with explainer(self._network, [layer]) as explanation:
            explanation(self._images[:count], targets)
        return explanation

    def grad_cam(self, count):
        self._explain(library.GradCAM, count)

    def score_cam(self):
        self._explain(library.ScoreCAM, 1)


def _keep_raw(explainer):
    """El mismo método, que guarda en `raw` el mapa con signo, antes de ampliarlo y llevarlo a 0…1."""

    class KeepRaw(explainer):
        def get_cam_image(self, *arguments, **options):
            self.raw = super().get_cam_image(*arguments, **options)
            return self.raw

    return KeepRaw
