"""La red del curso: construirla, entrenarla, guardarla y cargarla, la propia o la publicada."""

import os
import tempfile
from pathlib import Path

from gradcam_helpers import data
from gradcam_helpers.engine import weights
from gradcam_helpers.engine.anatomy import check_model
from gradcam_helpers.engine.backend import keras
from gradcam_helpers.engine.inputs import check_count, check_path
from gradcam_helpers.engine.model_files import read_model

BLOCK_FILTERS = (32, 64, 128)
BATCH_SIZE = 4  # con 4 imágenes por lote el entrenamiento cabe en los 2 GB de Binder
EPOCHS = 3
LEARNING_RATE = 2e-4  # la habitual, 1e-3, es demasiado para lotes tan pequeños: la red deja de aprender
SEED = 7
# Las mismas en cualquier equipo, diga lo que diga su `keras.json`.
LAYOUT, PRECISION = {"data_format": "channels_last"}, {"dtype": "float32"}


def build_model() -> keras.Model:
    """Construye la red del curso original, sin entrenar: 22 717 090 parámetros.

    Tres bloques de dos convoluciones y un agrupamiento (32, 64 y 128 filtros) y un clasificador de
    dos capas densas. Entra float32 (N, 300, 300, 3) entre 0 y 1; sale la probabilidad de cada clase,
    float32 (N, 2). Los nombres de las capas son siempre los mismos, aunque se construya varias veces.
    """
    inputs = features = keras.Input(data.IMAGE_SHAPE, name="imagen", **PRECISION)
    same_size = {"padding": "same", "activation": "relu", **LAYOUT, **PRECISION}
    for block, filters in enumerate(BLOCK_FILTERS, start=1):
        for position in (1, 2):
            convolution = keras.layers.Conv2D(filters, 3, name=f"bloque{block}_conv{position}", **same_size)
            features = convolution(features)
        pooling = keras.layers.MaxPooling2D(2, name=f"bloque{block}_pool", **LAYOUT, **PRECISION)
        features = pooling(features)
    hidden = keras.layers.Flatten(name="aplanar", **LAYOUT, **PRECISION)(features)
    hidden = keras.layers.Dropout(0.5, name="dropout", **PRECISION)(hidden)
    hidden = keras.layers.Dense(128, activation="relu", name="densa", **PRECISION)(hidden)
    outputs = keras.layers.Dense(2, activation="softmax", name="salida", **PRECISION)(hidden)
    return keras.Model(inputs, outputs, name="original")


def compile_model(model: keras.Model, steps: int) -> None:
    """Elige optimizador, pérdida y métrica, como en el curso original salvo la tasa de aprendizaje.

    La tasa baja poco a poco hasta 0, con la forma de medio coseno (Loshchilov y Hutter, 2017): los últimos
    lotes, que por pequeños son ruidosos, apenas mueven ya los pesos.

    Argumentos:
        steps: pasos de todo el entrenamiento, es decir, lotes por época multiplicados por épocas.
    """
    check_model(model)
    steps = check_count("steps", steps)
    model.compile(
        optimizer=keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)),
        loss=keras.losses.SparseCategoricalCrossentropy(**PRECISION),
        metrics=["accuracy"],
        auto_scale_loss=False,  # solo hace falta con 16 bits
    )


class EpochLine(keras.callbacks.Callback):
    """Escribe una línea por época: exactitud y pérdida en entrenamiento y validación."""

    def on_epoch_end(self, epoch, logs=None):
        line = (
            f"Época {epoch + 1}/{self.params['epochs']} · "
            f"entrenamiento: exactitud {logs['accuracy']:.3f}, pérdida {logs['loss']:.3f}"
        )
        if "val_accuracy" in logs:
            line += f" · validación: exactitud {logs['val_accuracy']:.3f}, pérdida {logs['val_loss']:.3f}"
        print(line, flush=True)


def train(model: keras.Model, training, validation=None, epochs: int = 1) -> keras.callbacks.History:
    """Entrena una red compilada y escribe una línea por época.

    Argumentos:
        training, validation: lotes `(images, labels)` como los de `data.load_batches`.
        epochs: veces que la red ve cada imagen de entrenamiento.
    """
    check_model(model)
    epochs = check_count("epochs", epochs)
    if not model.compiled:
        raise ValueError(f"«{model.name}» no está compilada: llama antes a «compile_model».")
    # Los lotes llegan ya barajados de tf.data: `shuffle=False` evita que Keras avise de que no puede hacerlo.
    return model.fit(
        training,
        validation_data=validation,
        epochs=epochs,
        verbose=0,
        shuffle=False,
        callbacks=[EpochLine()],
    )


def model_path(source: data.Source) -> Path:
    """Dónde se guarda la red entrenada con esa fuente: un fichero distinto para cada una.

    Es la carpeta `modelos` del repositorio, se empiece desde donde se empiece, o la de la variable
    de entorno `GRADCAM_MODELOS`.
    """
    data.check_source(source)
    default = Path(__file__).resolve().parent.parent / "modelos"
    folder = Path(os.environ.get("GRADCAM_MODELOS") or default).expanduser()
    return folder / f"original-{source.key}.keras"


def save_model(model: keras.Model, path) -> Path:
    """Guarda la red y sus pesos en un fichero `.keras`, sin el estado del optimizador.

    Adam lleva dos números más por cada parámetro; sin ellos el fichero ocupa la tercera parte.
    Escribe en un fichero provisional y lo renombra al final: lo que hubiera no se pierde si algo falla.

    Errores:
        TypeError: no es un modelo de Keras, o `path` no es una ruta.
        ValueError: el nombre no acaba en `.keras`, o la red no se puede guardar entera.
        OSError: no se pudo escribir.
    """
    path = check_path(path)
    if path.suffix != ".keras":
        raise ValueError(f"El nombre del modelo debe acabar en «.keras», y es «{path.name}».")
    bare = _without_optimizer(model)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
            prefix=".guardar-", dir=path.parent, ignore_cleanup_errors=True
        ) as partial:
            bare.save(Path(partial, path.name))
            os.replace(Path(partial, path.name), path)
    except OSError as error:
        raise OSError(f"No se pudo guardar el modelo en «{path}»: {error.strerror or error}.") from None
    except Exception as error:
        # Cada capa propia se describe a su manera, y puede no saber hacerlo.
        raise ValueError(
            f"Keras no sabe guardar «{model.name}» ({type(error).__name__}). Si tiene capas propias, les "
            "falta «get_config»."
        ) from None
    return path


def _without_optimizer(model: keras.Model) -> keras.Model:
    """La misma red, con las mismas capas, entradas y salidas, sin compilar.

    Errores: los de `save_model`, si no sería la misma.
    """
    check_model(model)
    if getattr(model, "inputs", None):
        if isinstance(model, keras.Sequential):
            bare = keras.Model(model.inputs[0], model.outputs[0], name=model.name)
        else:
            bare = keras.Model(model.input, model.output, name=model.name)
        calls = keras.Sequential.call, type(bare).call
        if type(model).call in calls and {*map(id, bare.weights)} == {*map(id, model.weights)}:
            return bare
    raise ValueError(
        f"«{model.name}» no se puede guardar entera: debe estar construida y ser «Sequential» o "
        "«Functional», sin nada propio fuera de sus capas. Guárdala con su método «save»."
    )


def load_model(path) -> keras.Model:
    """Carga una red guardada con `save_model`, o un `.h5` de Keras, lista para predecir (sin compilar).

    El fichero puede venir de cualquiera: se carga con `safe_mode`, que rechaza los que traen código.

    Errores:
        TypeError: `path` no es una ruta.
        FileNotFoundError: no hay tal fichero.
        ValueError: el fichero está cortado, no es de Keras, trae código o es demasiado grande.
    """
    path = check_path(path)
    if not path.exists():
        raise FileNotFoundError(f"No hay ningún modelo en «{path}». La lección 2 lo entrena y lo guarda.")
    return read_model(path)


def load_published(path: Path) -> keras.Model:
    """La red del curso con los pesos publicados en ese fichero, lista para predecir (sin compilar).

    Errores:
        DamagedWeights: el fichero falta o está dañado.
    """
    arrays = weights.read_weights(path)
    model = build_model()
    for weight in model.weights:
        weight.assign(arrays[weight.path])
    return model


def load_trained(source: data.Source) -> keras.Model:
    """La red entrenada con esos datos: la tuya, si la guardó la lección 2; si no, la publicada. Dice cuál."""
    path = model_path(source)
    if own := path.is_file():
        line = f"Red: la tuya, de la lección 2 ({path.name})."
    else:
        line = "Red: la publicada con el curso, ya entrenada con estos datos."
    if own or source.key == "real":
        line += " Las figuras publicadas son de la red del curso y los datos embebidos."
    print(line)
    return load_model(path) if own else load_published(weights.weights_path(source.key))
