"""El motor del curso, y la predicción compilada que le sirve de vara de medir."""

import time

import psutil

from gradcam_helpers import cam
from gradcam_helpers.engine.backend import tf
from medidas.pares import keras_network, tool

CHUNK = 16  # imágenes de cada lote: el mismo para el motor y para la predicción


class Tool(tool.Tool):
    def __init__(self, inputs):
        super().__init__(inputs)
        self._model = keras_network.build(inputs.weights)
        self._explainer = cam.Explainer(self._model)
        self._forward = tf.function(lambda images: self._model(images, training=False))
        self._tensor = tf.constant(inputs.images)

    def logits(self):
        return self._explainer.explain(self.inputs.images).logits

    def maps(self, method, layer):
        images, targets = self.inputs.images, self.inputs.targets
        return self._explainer.explain(images, layer=layer, target=targets, method=method).raw

    def forward(self, count):
        self._forward(self._tensor[:count]).numpy()

    def grad_cam(self, count, layer=tool.LAST_CONVOLUTION):
        """También con una lista de capas."""
        images, targets = self.inputs.images[:count], self.inputs.targets[:count]
        self._explainer.explain(images, layer=layer, target=targets)

    def score_cam(self):
        self._explainer.explain(self.inputs.images[:1], target=self.inputs.targets[:1], method="Score-CAM")

    def forward_per_filter(self):
        """Tantas predicciones, por lotes, como filtros tiene la última convolución."""
        filters = self._model.get_layer(tool.LAST_CONVOLUTION).filters
        for _ in range(filters // CHUNK):
            self.forward(CHUNK)

    def build(self):
        cam.Explainer(self._model)

    def build_and_explain(self):
        cam.Explainer(self._model).explain(self.inputs.images[:1], target=0)

    def get_layers(self):
        return self._explainer.layer_names

    def stream(self, count):
        """Explica `count` imágenes de tf.data sin guardar nada: segundos y memoria residente máxima, MB."""
        dataset = tf.data.Dataset.from_tensor_slices(self.inputs.images).repeat().take(count).batch(CHUNK)
        process, peak, start = psutil.Process(), 0, time.perf_counter()
        for _ in self._explainer.explain_dataset(dataset, target=0):
            peak = max(peak, process.memory_info().rss)
        return time.perf_counter() - start, peak / 1e6
