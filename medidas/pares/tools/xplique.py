"""xplique: Grad-CAM y Grad-CAM++, con su propia función compilada."""

import numpy as np
from xplique.attributions import GradCAM, GradCAMPP

from gradcam_helpers.engine.backend import tf
from medidas.pares import keras_network, tool

EXPLAINERS = {"Grad-CAM": GradCAM, "Grad-CAM++": GradCAMPP}
ENLARGED = "tras la ReLU y ampliado (bicúbica)"


class Tool(tool.Tool):
    pairs = (
        tool.Pair("Grad-CAM", ENLARGED),
        tool.Pair(
            "Grad-CAM++",
            f"{ENLARGED}, entre su máximo",  # promedia los pesos donde el artículo los suma
            "divide entre 2 + g·media(A), y no entre 2 + g·ΣA",
        ),
    )

    def __init__(self, inputs):
        super().__init__(inputs)
        self._model = keras_network.without_softmax(keras_network.build(inputs.weights))
        self._classes = np.eye(self._model.output_shape[-1], dtype=np.float32)[inputs.targets]
        self._grad_cam = GradCAM(self._model, conv_layer=tool.LAST_CONVOLUTION)

    def logits(self):
        return self._model.predict_on_batch(self.inputs.images)

    def maps(self, method, layer):
        explainer = EXPLAINERS[method](self._model, conv_layer=layer)
        maps = explainer(self.inputs.images, self._classes).numpy()[..., 0]
        return _scaled(maps) if method == "Grad-CAM++" else maps

    def at_its_level(self, method, raw):
        positive, size = np.maximum(raw, 0)[..., np.newaxis], self.inputs.images.shape[1:3]
        maps = tf.image.resize(positive, size, method="bicubic").numpy()[..., 0]
        return _scaled(maps) if method == "Grad-CAM++" else maps

    def grad_cam(self, count):
        self._grad_cam(self.inputs.images[:count], self._classes[:count]).numpy()


def _scaled(maps):
    return maps / maps.max(axis=(1, 2), keepdims=True)
