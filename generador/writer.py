"""Escribe el conjunto de datos embebido con el escritor de TFDS, en su formato."""

import contextlib
import io
import multiprocessing
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from generador.background import KINDS
from generador.plan import LABELS, WHITE, Plan, draw
from generador.scene import SIZE, Picture

NAME, VERSION = "horses_or_humans_embebido", "1.0.0"
JPEG_QUALITY = 92


def encode(plan: Plan, picture: Picture) -> dict:
    """El ejemplo de TFDS: JPEG donde basta, PNG donde el blanco y las máscaras deben ser exactos."""
    mask = np.where(picture.parts > 0, 255, 0).astype(np.uint8)
    return {
        "image": _png(picture.image) if plan.split == "test" else _jpeg(picture.image),
        "label": plan.label,
        "mask": _png(mask),
        "parts": _png(picture.parts),
        "identity": plan.identity,
        "background": plan.kind,
    }


def _jpeg(image: np.ndarray) -> bytes:
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY, cv2.IMWRITE_JPEG_OPTIMIZE, 1]
    return cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)[1].tobytes()


def _png(image: np.ndarray) -> bytes:
    image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image
    return cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 9])[1].tobytes()


def example(plan: Plan) -> dict:
    cv2.setNumThreads(1)  # cada proceso ocupa un núcleo
    return encode(plan, draw(plan))


def examples(chosen: Sequence[Plan]) -> Iterator[dict]:
    """Los ejemplos de esos planes, en orden, dibujados con todos los núcleos y con una barra de progreso."""
    # «spawn»: bifurcar un proceso que ya ha cargado TensorFlow no es seguro.
    with multiprocessing.get_context("spawn").Pool() as pool:
        drawn = pool.imap(example, chosen, chunksize=4)
        yield from tqdm(drawn, total=len(chosen), desc="Dibujo las imágenes", unit="imagen")


def write(chosen: Sequence[Plan], drawn: Sequence[dict], data_dir: Path) -> Path:
    """Escribe los ejemplos en `data_dir`, en lugar de los que hubiera; devuelve la carpeta del conjunto."""
    data_dir.mkdir(parents=True, exist_ok=True)
    target = data_dir / NAME / VERSION
    with tempfile.TemporaryDirectory(prefix=".datos-", dir=data_dir) as partial:
        with contextlib.redirect_stdout(io.StringIO()):  # TFDS da sus avisos en inglés
            _builder(chosen, drawn, partial).download_and_prepare()
        target.parent.mkdir(exist_ok=True)
        _replace(target, Path(partial, NAME, VERSION), aside=Path(partial, "anterior"))
    return target


def _replace(target: Path, new: Path, aside: Path) -> None:
    """Pone una carpeta en lugar de otra; si no puede, vuelve a dejar la que había."""
    if target.exists():
        os.replace(target, aside)
    try:
        os.replace(new, target)
    except BaseException:
        if aside.exists():
            os.replace(aside, target)
        raise


def _builder(chosen: Sequence[Plan], drawn: Sequence[dict], data_dir: str):
    # TensorFlow tarda en cargarse, y los procesos que dibujan importan este módulo sin necesitarlo.
    import tensorflow_datasets as tfds

    tfds.disable_progress_bar()

    # Sin apuntarla en el registro de TFDS, que no admite dos veces el mismo nombre en un proceso.
    class HorsesOrHumansEmbebido(tfds.core.GeneratorBasedBuilder, skip_registration=True):
        """Caballos y personas generados por ordenador, con la máscara exacta de cada uno."""

        VERSION = tfds.core.Version(VERSION)

        def _info(self):
            return tfds.core.DatasetInfo(
                builder=self,
                description=self.__doc__,
                features=tfds.features.FeaturesDict(
                    {
                        "image": tfds.features.Image(shape=(SIZE, SIZE, 3)),
                        "label": tfds.features.ClassLabel(names=list(LABELS)),
                        "mask": tfds.features.Image(shape=(SIZE, SIZE, 1)),
                        "parts": tfds.features.Image(shape=(SIZE, SIZE, 1)),
                        "identity": tfds.features.Text(),
                        "background": tfds.features.ClassLabel(names=[*KINDS, WHITE]),
                    }
                ),
                supervised_keys=("image", "label"),
                license="CC BY 4.0",
            )

        def _split_generators(self, _):
            splits = dict.fromkeys(plan.split for plan in chosen)
            return {split: self._generate_examples(split) for split in splits}

        def _generate_examples(self, split):
            for plan, encoded in zip(chosen, drawn, strict=True):
                if plan.split == split:
                    yield plan.number, encoded

    return HorsesOrHumansEmbebido(data_dir=data_dir)
