"""Predice y verás: ¿se conoce mejor la red después del curso?

Antes de la lección 1 y al final de la 5, quien estudia predice lo que responderá la red publicada, y no la
suya, a diez montajes que no ha visto: sujetos de prueba sobre fondos vacíos. Las dos tandas se sortearon una
vez, con `pesos/sortear.py`: no comparten ningún individuo (con los datos reales, ninguna imagen), y quien
diga siempre la clase del sujeto acierta cinco, los mismos que, de media, quien responda al azar.

Lo predicho se guarda en la carpeta de los modelos y cabe en un código de seis símbolos. No se envía nada.

Diez predicciones dicen poco, según `medidas/foresight.py`. Quien pase del azar a acertarlas todas verá un
intervalo de la diferencia sin el cero el 83 % de las veces; quien pase a siete de cada diez, el 13 %; quien
responda al azar las dos veces, el 4 %, hacia un lado o hacia otro.
"""

import gc
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gradcam_helpers import data, experiment, models
from gradcam_helpers.engine import codes, weights
from gradcam_helpers.engine.questions import QuestionBoard  # noqa: F401

MOMENTS = ("antes", "después")
COUNT = 10
KEYS = ("embebido", "real")  # de las fuentes, en el orden con que se apuntan en un código
NORMAL = 1.959964  # entre −NORMAL y NORMAL está el 95 % de una normal


@dataclass(frozen=True)
class Round:
    """Una tanda terminada.

    Atributos:
        key: la fuente, «real» o «embebido».
        moment: «antes» o «después».
        guesses, answers: lo que se predijo y lo que respondió la red, COUNT clases cada uno.
    """

    key: str
    moment: str
    guesses: tuple[int, ...]
    answers: tuple[int, ...]

    @property
    def hits(self) -> int:
        return sum(guess == answer for guess, answer in zip(self.guesses, self.answers, strict=True))

    @property
    def code(self) -> str:
        """El código: un bit por cada cosa que se apunta."""
        bits = [KEYS.index(self.key), MOMENTS.index(self.moment), *self.guesses, *self.answers]
        return codes.write_code(sum(bit << place for place, bit in enumerate(bits)))


def read_round(code: str) -> Round:
    """La tanda de un código.

    Errores:
        ValueError: los de `codes.read_code`, o ninguna tanda tiene ese código.
    """
    number = codes.read_code(code)
    if number >> 2 + 2 * COUNT:
        raise ValueError(f"«{code}» no es el código de ninguna tanda. Cópialo otra vez.")
    key, moment, *bits = (number >> place & 1 for place in range(2 + 2 * COUNT))
    return Round(KEYS[key], MOMENTS[moment], tuple(bits[:COUNT]), tuple(bits[COUNT:]))


def records_path(source: data.Source) -> Path:
    """Dónde se guardan los códigos de las tandas terminadas: junto a la red, `models.model_path`."""
    return models.model_path(source).with_name(f"predicciones-{source.key}.json")


def read_records(source: data.Source) -> dict[str, Round]:
    """Las tandas guardadas, por su momento; ninguna, si no hay fichero.

    Errores:
        ValueError: el fichero está dañado o no se puede leer.
    """
    path = records_path(source)
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        rounds = {moment: read_round(code) for moment, code in stored.items()}
        if any((each.key, each.moment) != (source.key, moment) for moment, each in rounds.items()):
            raise ValueError
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError):
        raise ValueError(
            f"«{path}» está dañado o no se puede leer: se deja como está, y nada se guarda en él. Cámbiale "
            "el nombre para empezar otro; con el código no hace falta."
        ) from None
    return rounds


def save_round(source: data.Source, finished: Round) -> None:
    """Añade una tanda a las guardadas. Escribe en un fichero provisional y lo renombra al final.

    Errores:
        ValueError: los de `read_records`, ya hay una tanda de ese momento, o no se puede escribir.
    """
    path, rounds = records_path(source), read_records(source)
    if finished.moment in rounds:
        raise ValueError(f"En «{path}» ya hay una tanda de «{finished.moment}», y la primera no se cambia.")
    rounds[finished.moment] = finished
    text = json.dumps({moment: each.code for moment, each in rounds.items()}, ensure_ascii=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
            prefix=".guardar-", dir=path.parent, ignore_cleanup_errors=True
        ) as partial:
            Path(partial, path.name).write_text(f"{text}\n", encoding="utf-8")
            os.replace(Path(partial, path.name), path)
    except OSError as error:
        raise ValueError(f"No se pudo escribir en «{path}» ({error.strerror or error}).") from None


def montages_path(key: str) -> Path:
    """Los montajes sorteados para la red publicada de una fuente: parejas de sujeto y fondo."""
    return weights.FOLDER / f"montajes-{key}.json"


class Quiz:
    """Una tanda: diez montajes, lo que la red publicada responde y lo que se va prediciendo.

    Si ya estaba terminada y guardada, empieza terminada: la primera vez es la que cuenta.

    Argumentos:
        source: la fuente de los sujetos; de los fondos, siempre los embebidos.
        moment: «antes» o «después».

    Atributos:
        pictures, labels, answers: los montajes, uint8 (10, 300, 300, 3); la clase del sujeto y la que
            responde la red, int (10,).
        guesses: la clase que se predice de cada uno, o None.
        finished: si está terminada; entonces no admite cambios.

    Errores:
        ValueError: no existe ese momento.
    """

    def __init__(self, source: data.Source, moment: str):
        if moment not in MOMENTS:
            raise ValueError(f"Las tandas son «{MOMENTS[0]}» y «{MOMENTS[1]}», y se pide «{moment}».")
        self.source, self.moment = source, moment
        self.pictures, self.labels = _load_montages(source, moment)
        self.answers = _ask_published(source, self.pictures)
        gc.collect()  # la red, de 91 MB, se refiere a sí misma: si no, tardaría en soltarse
        self.guesses, self.finished, self._notice = [None] * COUNT, False, ""
        try:
            self._recover(read_records(source).get(moment))
        except ValueError as error:
            self._notice = str(error)

    @property
    def missing(self) -> list[int]:
        """Los números de las imágenes sin predicción, desde el 1."""
        return [number for number, guess in enumerate(self.guesses, start=1) if guess is None]

    @property
    def round(self) -> Round:
        """La tanda, cuando está terminada."""
        return Round(self.source.key, self.moment, tuple(self.guesses), tuple(self.answers.tolist()))

    def guess(self, number: int, answer: int) -> None:
        """Apunta o cambia una predicción.

        Argumentos:
            number: el de la imagen, desde el 1.
            answer: la clase que responderá la red.

        Errores:
            ValueError: no hay esa imagen o esa clase, o la tanda está terminada.
        """
        if self.finished:
            raise ValueError("Esta tanda ya está terminada, y no admite cambios.")
        if number not in range(1, COUNT + 1) or answer not in range(len(data.CLASS_NAMES)):
            raise ValueError(f"Las imágenes van de 1 a {COUNT}, y las clases son 0 y 1: {number}, {answer}.")
        self.guesses[number - 1] = int(answer)

    def finish(self) -> None:
        """Termina la tanda y la guarda; si no puede guardarla, lo dice.

        Errores:
            ValueError: faltan predicciones.
        """
        if self.missing:
            raise ValueError(self.describe_progress())
        self.finished = True
        try:
            save_round(self.source, self.round)
        except ValueError as error:
            self._notice = f"No se ha guardado: copia el código. {error}"

    def describe_progress(self) -> str:
        """Cuántas predicciones hay y cuáles faltan."""
        if self.finished:
            return self._notice or f"Tanda terminada, y guardada en «{records_path(self.source).name}»."
        left = "Puedes cambiarlas; cuando estés conforme, pulsa «Terminar»."
        if self.missing:
            left = f"Faltan: {', '.join(map(str, self.missing))}."
        return f"Llevas {COUNT - len(self.missing)} de {COUNT}. {left}\n{self._notice}".strip()

    def describe_result(self) -> str:
        """Los aciertos, lo que acierta quien no sabe nada de la red, y el código."""
        return (
            f"Aciertas {_share(self.round.hits)}.\n{self._describe_ignorance()}\n"
            f"Tu código de «{self.moment}»: {self.round.code}"
        )

    def compare(self, code: str = "") -> str:
        """Lo acertado antes y ahora, y la diferencia con su intervalo; o por qué no se puede comparar.

        Argumentos:
            code: el de «antes»; sin él, se busca entre las tandas guardadas.
        """
        try:
            before = read_round(code) if code else read_records(self.source).get(MOMENTS[0])
        except ValueError as error:
            return str(error)
        if before is None:
            return "Sin tus predicciones de «antes» no hay nada que comparar: hazlas, o pega su código."
        if before.moment != MOMENTS[0]:
            return f"«{code}» es de «{before.moment}»: hace falta el de «{MOMENTS[0]}»."
        if before.key != self.source.key:
            return f"Las de «antes» son de los datos «{before.key}», y estos son «{self.source.key}»."
        if not self.finished:
            return f"De «antes» hay {_share(before.hits)}. Termina las de «{self.moment}» y repite la celda."
        return f"{_describe_change(before.hits, self.round.hits)}\n{self._describe_ignorance()}"

    def _describe_ignorance(self) -> str:
        """Lo que acierta quien no conoce la red."""
        naive = int(np.sum(self.labels == self.answers))
        return f"Decir siempre la clase del sujeto acierta {naive}; el azar, {COUNT // 2} de media."

    def _recover(self, stored: Round | None) -> None:
        if stored is None:
            return
        if stored.answers != tuple(self.answers.tolist()):
            raise ValueError("Hay una tanda guardada, pero de otra versión de la red: esta no se guardará.")
        self.guesses, self.finished = list(stored.guesses), True


def _load_montages(source: data.Source, moment: str) -> tuple[np.ndarray, np.ndarray]:
    drawn = json.loads(montages_path(source.key).read_text(encoding="utf-8"))[moment]
    # Solo las imágenes sorteadas: separar a los sujetos de todas las reales tardaría segundos.
    split = "+".join(f"{data.TEST_SPLIT}[{subject}:{subject + 1}]" for subject, _ in drawn)
    images, labels = data.load_images(source, split)
    masks = data.load_masks(source, split)
    backgrounds, _ = data.load_backgrounds()
    return data.replace_background(images, masks, backgrounds[[place for _, place in drawn]]), labels


def _ask_published(source: data.Source, pictures: np.ndarray) -> np.ndarray:
    network = models.load_published(weights.weights_path(source.key))
    return experiment.ask(network.predict_on_batch, pictures).argmax(axis=1)


def wilson_interval(hits: int) -> tuple[float, float]:
    """El intervalo del 95 % de la parte que se acierta (Wilson, 1927), que vale también con pocos casos."""
    share, square = hits / COUNT, NORMAL**2 / COUNT
    center = (share + square / 2) / (1 + square)
    half = NORMAL / (1 + square) * np.sqrt(share * (1 - share) / COUNT + square / (4 * COUNT))
    return float(center - half), float(center + half)


def newcombe_interval(before: int, after: int) -> tuple[float, float]:
    """El intervalo del 95 % de cuánto ha cambiado esa parte, hecho con los de Wilson de cada tanda.

    Es el método 10 de Newcombe, «Interval estimation for the difference between independent proportions»,
    Statistics in Medicine 17, 1998.
    """
    (low0, high0), (low1, high1) = wilson_interval(before), wilson_interval(after)
    share0, share1 = before / COUNT, after / COUNT
    down, up = np.hypot(share1 - low1, high0 - share0), np.hypot(high1 - share1, share0 - low0)
    return float(share1 - share0 - down), float(share1 - share0 + up)


def _share(hits: int) -> str:
    low, high = wilson_interval(hits)
    return f"{hits} de {COUNT} (de {100 * low:.0f} a {100 * high:.0f} %, con un 95 % de confianza)"


def _describe_change(before: int, after: int) -> str:
    low, high = (100 * each for each in newcombe_interval(before, after))
    if low > 0:
        verdict = "El intervalo no llega al cero: conoces mejor la red. Cuánto, diez no bastan para decirlo."
    elif high < 0:
        verdict = "Has acertado menos, y el intervalo no llega al cero. Repasa las que has fallado."
    else:
        verdict = "El cero cabe en el intervalo: diez no bastan para decir que ha cambiado algo."
    return (
        f"Antes: {_share(before)}.\nDespués: {_share(after)}.\n"
        f"Diferencia: {10 * (after - before):+d} puntos (de {low:+.0f} a {high:+.0f}).\n{verdict}"
    )
