"""Qué se puede saber de quien estudia con diez predicciones antes y diez después: simulación.

De cada estudiante imaginario, cuántas acierta en cada tanda, cuántas veces el intervalo de la diferencia deja
fuera el cero y cuántas contiene la diferencia verdadera.
Uso: python medidas/foresight.py
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from gradcam_helpers import foresight
from pesos import sortear

TIMES, SEED = 100_000, 0
CELLS = np.repeat(list(sortear.CELLS), list(sortear.CELLS.values()), axis=0)  # clase del sujeto y respuesta
CHANCE, SUBJECT = "al azar", "la clase del sujeto"
STUDENTS = (
    (CHANCE, CHANCE),
    (SUBJECT, SUBJECT),
    (CHANCE, 0.7),
    (CHANCE, 0.8),
    (SUBJECT, 0.8),
    (CHANCE, 0.9),
    (CHANCE, 1.0),
    (SUBJECT, 1.0),
)


def play(how, generator: np.random.Generator) -> np.ndarray:
    """Los aciertos de quien responde así a una tanda, en `TIMES` tandas: int (TIMES,).

    Argumentos:
        how: «al azar», «la clase del sujeto» o, de quien conoce la red, la parte que acierta.
    """
    labels, answers = CELLS.T
    if how == SUBJECT:
        return np.full(TIMES, np.sum(labels == answers))
    if how == CHANCE:
        guesses = generator.integers(0, 2, (TIMES, len(CELLS)))
        return np.sum(guesses == answers, axis=1)
    return generator.binomial(len(CELLS), how, TIMES)


def expected(how) -> float:
    return how if isinstance(how, float) else 0.5


def name(how) -> str:
    return f"{100 * how:.0f} % de aciertos" if isinstance(how, float) else how


def main() -> None:
    generator = np.random.default_rng(SEED)
    limits = {
        (before, after): foresight.newcombe_interval(before, after)
        for before in range(foresight.COUNT + 1)
        for after in range(foresight.COUNT + 1)
    }
    for before, after in STUDENTS:
        hits = play(before, generator), play(after, generator)
        low, high = np.array([limits[pair] for pair in zip(*map(np.ndarray.tolist, hits), strict=True)]).T
        true = expected(after) - expected(before)
        ranges = ["{:.0f} a {:.0f}".format(*np.percentile(each, (5, 95))) for each in hits]
        print(
            f"{name(before)} → {name(after)}: antes, {hits[0].mean():.2f} ({ranges[0]}); después, "
            f"{hits[1].mean():.2f} ({ranges[1]}). Sin el cero por arriba, el {100 * np.mean(low > 0):.1f} %; "
            f"por abajo, el {100 * np.mean(high < 0):.1f} %. Contiene la verdad, el "
            f"{100 * np.mean((low <= true) & (true <= high)):.1f} %"
        )


if __name__ == "__main__":
    main()
