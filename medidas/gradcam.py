"""Tiempo de Grad-CAM frente al de una predicción compilada, en la red del curso: 1 y 16 imágenes.

Las medidas se toman por turnos, para que un cambio de velocidad del equipo afecte a todas por igual.
Uso: python medidas/gradcam.py
"""

import statistics
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from gradcam_helpers import cam, models
from gradcam_helpers.backend import tf

ROUNDS = 15


def milliseconds(function) -> float:
    start = time.perf_counter()
    function()
    return 1000 * (time.perf_counter() - start)


def main() -> None:
    model = models.build_model()
    explainer = cam.Explainer(model)
    forward = tf.function(lambda images: model(images, training=False))
    print(f"{'imágenes':>8} {'predicción':>11} {'Grad-CAM':>9} {'cociente':>9}   (ms, medianas de {ROUNDS})")
    for count in (1, 16):
        images = np.random.default_rng(0).random((count, 300, 300, 3), np.float32)
        tensor = tf.constant(images)

        def predict(tensor=tensor):
            forward(tensor).numpy()

        def explain(images=images):
            explainer.explain(images, target=0)

        for _ in range(2):
            predict(), explain()
        pairs = [(milliseconds(predict), milliseconds(explain)) for _ in range(ROUNDS)]
        predictions, explanations = zip(*pairs, strict=True)
        ratio = statistics.median(b / a for a, b in pairs)
        print(
            f"{count:8d} {statistics.median(predictions):11.1f} "
            f"{statistics.median(explanations):9.1f} {ratio:9.2f}"
        )


if __name__ == "__main__":
    main()
