"""Exactitud de la red de la lección 2: en validación, en la prueba y en la prueba sobre cada tipo de fondo.

Entrena la red con la receta de la lección y, después, pone a cada sujeto de prueba sobre los fondos vacíos.
Uso: python medidas/training.py [real|embebido]
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from gradcam_helpers import data, models
from gradcam_helpers.engine.backend import keras


def train(source: data.Source, seed: int = models.SEED) -> keras.Model:
    keras.utils.set_random_seed(seed)
    model = models.build_model()
    training = data.load_batches(source, data.TRAINING_SPLIT, models.BATCH_SIZE, shuffle=True)
    models.compile_model(model, models.EPOCHS * len(training))
    validation = data.load_batches(source, data.VALIDATION_SPLIT, models.BATCH_SIZE)
    models.train(model, training, validation, epochs=models.EPOCHS)
    return model


def report(name: str, model: keras.Model, images: np.ndarray, labels: np.ndarray) -> None:
    probabilities = np.concatenate([model.predict_on_batch(data.prepare_image(one)) for one in images])
    correct, confidence = probabilities.argmax(axis=1) == labels, probabilities.max(axis=1)
    by_class = "   ".join(
        f"{title} {correct[labels == label].mean():.3f}" for label, title in enumerate(data.CLASS_NAMES)
    )
    sure = confidence[~correct].mean() if not correct.all() else np.nan
    print(
        f"{name:12s} exactitud {correct.mean():.3f}   {by_class}   confianza al fallar {sure:.3f}", flush=True
    )


def main() -> None:
    source = data.prepare_source(sys.argv[1] if len(sys.argv) > 1 else None)
    print(source)
    model = train(source)
    report("validación", model, *data.load_images(source, data.VALIDATION_SPLIT))
    images, labels = data.load_images(source, data.TEST_SPLIT)
    report("prueba", model, images, labels)
    subjects = data.load_masks(source, data.TEST_SPLIT)
    backgrounds, kinds = data.load_backgrounds()
    for kind in sorted(set(kinds)):
        chosen = [background for background, other in zip(backgrounds, kinds, strict=True) if other == kind]
        moved = [data.replace_background(images, subjects, background) for background in chosen]
        report(kind, model, np.concatenate(moved), np.tile(labels, len(chosen)))


if __name__ == "__main__":
    main()
