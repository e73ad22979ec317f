"""Lo que comparten las pruebas: un conjunto de datos diminuto de cada fuente y una carpeta personal vacía."""

from pathlib import Path

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
BACKGROUNDS = ["bosque", "pradera", "desierto", "estudio", "playa", "duna", "blanco"]


@pytest.fixture
def root() -> Path:
    return ROOT


def store(folder: Path, name: str, version: str, features: dict, **splits: list[dict]) -> Path:
    """Escribe un conjunto con el formato de TFDS en esa carpeta, y la devuelve."""
    from gradcam_helpers.engine.backend import tfds

    tfds.dataset_builders.store_as_tfds_dataset(
        name=name,
        version=version,
        data_dir=folder,
        split_datasets={split: list(enumerate(examples)) for split, examples in splits.items()},
        features=tfds.features.FeaturesDict(features),
    )
    return folder


@pytest.fixture(scope="session")
def tiny_dataset(tmp_path_factory) -> Path:
    """Una carpeta de TFDS con `horses_or_humans`: 8 imágenes de entrenamiento y 4 de prueba."""
    from gradcam_helpers.engine.backend import tfds

    generator = np.random.default_rng(0)

    def examples(count):
        images = generator.integers(0, 256, (count, 300, 300, 3), dtype=np.uint8)
        return [{"image": image, "label": position % 2} for position, image in enumerate(images)]

    features = {
        "image": tfds.features.Image(shape=(300, 300, 3)),
        "label": tfds.features.ClassLabel(names=["horses", "humans"]),
    }
    folder = tmp_path_factory.mktemp("tfds")
    return store(folder, "horses_or_humans", "3.0.0", features, train=examples(8), test=examples(4))


@pytest.fixture
def tiny_source(tiny_dataset, monkeypatch):
    from gradcam_helpers import data

    monkeypatch.setenv("TFDS_DATA_DIR", str(tiny_dataset))
    return data.prepare_source("real")


@pytest.fixture(scope="session")
def embedded_dataset(tmp_path_factory) -> Path:
    """Una carpeta como la de los datos embebidos: 4 sujetos en paisajes, 4 sobre blanco y 7 fondos."""
    from gradcam_helpers.engine.backend import tfds

    generator = np.random.default_rng(1)
    blank = np.zeros((300, 300, 1), np.uint8)

    def scenery():
        return generator.integers(0, 256, (300, 300, 3), dtype=np.uint8)

    def subject(position, background):
        mask = cv2.ellipse(blank.copy(), (150, 140), (40 + 20 * position, 60), 10 * position, 0, 360, 255, -1)
        cv2.rectangle(mask, (140, 180), (160, 280), 255, -1)
        return {
            "image": np.where(mask > 0, scenery() // 2, background),
            "label": position % 2,
            "mask": mask,
            "parts": mask // 255 * 2,
            "identity": f"sujeto {position}",
            "background": 6 if background.min() == 255 else position,
        }

    def empty(kind):
        nobody = {"label": -1, "mask": blank, "parts": blank, "identity": ""}
        return {**nobody, "image": scenery(), "background": kind}

    features = {
        "image": tfds.features.Image(shape=(300, 300, 3)),
        "label": tfds.features.ClassLabel(names=["horses", "humans"]),
        "mask": tfds.features.Image(shape=(300, 300, 1)),
        "parts": tfds.features.Image(shape=(300, 300, 1)),
        "identity": tfds.features.Text(),
        "background": tfds.features.ClassLabel(names=BACKGROUNDS),
    }
    white = np.full((300, 300, 3), 255, np.uint8)
    return store(
        tmp_path_factory.mktemp("datos"),
        "horses_or_humans_embebido",
        "1.0.0",
        features,
        train=[subject(position, scenery()) for position in range(4)],
        test=[subject(position, white) for position in range(4)],
        fondos=[empty(kind) for kind in range(len(BACKGROUNDS))],
    )


@pytest.fixture
def embedded_source(embedded_dataset, monkeypatch):
    from gradcam_helpers import data

    monkeypatch.setattr(data, "EMBEDDED_DIR", embedded_dataset)
    return data.prepare_source("embebido")


@pytest.fixture(scope="session")
def course_network():
    """La red del curso, entrenada unos pasos con los datos embebidos."""
    from gradcam_helpers import data, models
    from gradcam_helpers.engine.backend import keras

    keras.utils.set_random_seed(models.SEED)
    network = models.build_model()
    # Los sesgos empiezan en 0 y en tan pocos pasos apenas se moverían: las pruebas no verían los suyos.
    generator = np.random.default_rng(models.SEED)
    for weight in network.trainable_weights:
        if weight.name == "bias":
            weight.assign(generator.normal(0, 0.05, weight.shape))
    batches = data.load_batches(data.prepare_source("embebido"), "train[:5%]", models.BATCH_SIZE)
    models.compile_model(network, steps=len(batches))
    network.fit(batches, verbose=0, shuffle=False)
    return network


@pytest.fixture(scope="session")
def course_images() -> np.ndarray:
    """Dos imágenes de prueba, preparadas para la red del curso."""
    from gradcam_helpers import data

    images, _ = data.load_images(data.prepare_source("embebido"), count=2)
    return data.prepare_image(images)


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """Una carpeta personal vacía, sin variables de entorno que elijan los datos."""
    folder = tmp_path / "casa"
    folder.mkdir()
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(folder))
    for variable in ("TFDS_DATA_DIR", "GRADCAM_DATOS"):
        monkeypatch.delenv(variable, raising=False)
    return folder
