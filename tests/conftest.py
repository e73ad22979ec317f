"""Lo que comparten las pruebas: un conjunto de datos diminuto."""

from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def tiny_dataset(tmp_path_factory) -> Path:
    """Una carpeta de TFDS con `horses_or_humans`: 8 imágenes de entrenamiento y 4 de prueba."""
    from gradcam_helpers.backend import tf

    import tensorflow_datasets as tfds  # isort: skip

    generator = np.random.default_rng(0)

    def part(count):
        images = generator.integers(0, 256, (count, 300, 300, 3), dtype=np.uint8)
        return tf.data.Dataset.from_tensor_slices({"image": images, "label": np.arange(count) % 2})

    folder = tmp_path_factory.mktemp("tfds")
    tfds.dataset_builders.store_as_tfds_dataset(
        name="horses_or_humans",
        version="3.0.0",
        data_dir=folder,
        split_datasets={"train": part(8), "test": part(4)},
        features=tfds.features.FeaturesDict(
            {
                "image": tfds.features.Image(shape=(300, 300, 3)),
                "label": tfds.features.ClassLabel(names=["horses", "humans"]),
            }
        ),
    )
    return folder


@pytest.fixture
def tiny_source(tiny_dataset, monkeypatch):
    from gradcam_helpers import data

    monkeypatch.setenv("TFDS_DATA_DIR", str(tiny_dataset))
    return data.prepare_source()
