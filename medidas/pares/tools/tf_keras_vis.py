"""tf-keras-vis: Grad-CAM, Grad-CAM++, LayerCAM y Score-CAM."""

import numpy as np
from tf_keras_vis.gradcam import Gradcam
from tf_keras_vis.gradcam_plus_plus import GradcamPlusPlus
from tf_keras_vis.layercam import Layercam
from tf_keras_vis.scorecam import Scorecam
from tf_keras_vis.utils.scores import CategoricalScore

from medidas.pares import keras_network, tool

EXPLAINERS = {"Grad-CAM": Gradcam, "Grad-CAM++": GradcamPlusPlus, "LayerCAM": Layercam, "Score-CAM": Scorecam}


class Tool(tool.Tool):
    pairs = (
        tool.Pair("Grad-CAM", "con signo"),
        tool.Pair(
            "Grad-CAM++",
            "tras la ReLU y entre su máximo",  # multiplica el mapa por exp(y)
            "divide además cada a entre Σa, también donde g < 0",
        ),
        tool.Pair("LayerCAM", "con signo"),
        tool.Pair("Score-CAM", "entre su máximo", "softmax entre clases, y no entre filtros"),
    )

    def __init__(self, inputs):
        super().__init__(inputs)
        self._model = keras_network.without_softmax(keras_network.build(inputs.weights))
        self._explainers = {method: explainer(self._model) for method, explainer in EXPLAINERS.items()}

    def logits(self):
        return self._model.predict_on_batch(self.inputs.images)

    def maps(self, method, layer):
        options = {"expand_cam": False, "normalize_cam": False}
        if method != "Grad-CAM++":  # a ese, quitarle la ReLU del final le quita también la del gradiente
            options["activation_modifier"] = None
        count = len(self.inputs.images)
        maps = self._explain(method, count, layer, seek_penultimate_conv_layer=False, **options)
        return self.at_its_level(method, np.asarray(maps))

    def at_its_level(self, method, raw):
        if method == "Grad-CAM++":
            raw = np.maximum(raw, 0)
        return raw / raw.max(axis=(1, 2), keepdims=True) if method in ("Grad-CAM++", "Score-CAM") else raw

    def _explain(self, method, count, layer=tool.LAST_CONVOLUTION, **options):
        score = CategoricalScore(self.inputs.targets[:count].tolist())
        images = self.inputs.images[:count]
        return self._explainers[method](score, images, penultimate_layer=layer, **options)

    def grad_cam(self, count):
        self._explain("Grad-CAM", count)

    def score_cam(self):
        self._explain("Score-CAM", 1)
