"""Carga TensorFlow, Keras y TFDS sin los avisos de arranque; los demás módulos los toman de aquí."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

chosen = os.environ.setdefault("KERAS_BACKEND", "tensorflow")
if chosen != "tensorflow":
    raise ImportError(
        f"El curso usa Keras sobre TensorFlow, y KERAS_BACKEND pide «{chosen}». "
        "Quita esa variable de entorno, reinicia el núcleo y vuelve a empezar."
    )


def _import_quietly():
    # TensorFlow escribe avisos en el descriptor 2 antes de atender a TF_CPP_MIN_LOG_LEVEL:
    # callarlos exige desviar ese descriptor mientras se importa.
    stderr_copy = os.dup(2)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        import keras
        import tensorflow
        import tensorflow_datasets
    finally:
        os.dup2(stderr_copy, 2)
        os.close(stderr_copy)
        os.close(null)
    return keras, tensorflow, tensorflow_datasets


keras, tf, tfds = _import_quietly()
