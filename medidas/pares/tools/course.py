"""El motor del curso, y sus varas de medir: la predicción compilada y un Grad-CAM escrito a mano."""

import time

import psutil

from gradcam_helpers import cam
from gradcam_helpers.engine import passes
from gradcam_helpers.engine.backend import keras, tf
from medidas.pares import keras_network, tool

CHUNK = 16  # imágenes de cada lote que se da; el motor las mira de pocas en pocas


class Tool(tool.Tool):
    def __init__(self, inputs):
        super().__init__(inputs)
        self._model = keras_network.build(inputs.weights)
        self._explainer = cam.Explainer(self._model)
        self._forward = tf.function(lambda images: self._model(images, training=False))
        self._tensor = tf.constant(inputs.images)
        self._by_hand = _write_grad_cam(self._model)

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

    def grad_cam_by_hand(self, count):
        """Lo menos que puede costar Grad-CAM con esta red: una función compilada que no comprueba nada."""
        for start in range(0, count, passes.CHUNK):
            chosen = slice(start, min(start + passes.CHUNK, count))
            self._by_hand(self._tensor[chosen], tf.constant(self.inputs.targets[chosen])).numpy()

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


def _write_grad_cam(model):
    """Predicción, gradiente de lo que sigue a la última convolución y suma, solo para esta red y capa."""
    maps, hidden = (model.get_layer(name).output for name in (tool.LAST_CONVOLUTION, "densa"))
    trunk, rest, last = keras.Model(model.input, maps), keras.Model(maps, hidden), model.get_layer("salida")

    def run(images, targets):
        activations = trunk(images, training=False)
        with tf.GradientTape() as tape:
            tape.watch(activations)
            logits = tf.matmul(rest(activations, training=False), last.kernel) + last.bias
            score = tf.reduce_sum(tf.gather(logits, targets, batch_dims=1))
        alpha = tf.reduce_mean(tape.gradient(score, activations), axis=(1, 2))
        return tf.einsum("nk,nijk->nij", alpha, activations)

    signature = [tf.TensorSpec((None, *model.input_shape[1:])), tf.TensorSpec((None,), tf.int64)]
    return tf.function(run, input_signature=signature, autograph=False)
