"""El azar de una imagen: lo que comparte con las demás de su sesión y lo que es solo suyo."""

import numpy as np

JITTER = 0.12  # parte de cada intervalo que una imagen puede apartarse de su sesión


class Chance:
    """Sortea medidas parecidas en todas las imágenes de una sesión, y elecciones iguales.

    Argumentos:
        session, picture: dos generadores; el primero debe empezar igual en todas las imágenes de la sesión.
    """

    def __init__(self, session: np.random.Generator, picture: np.random.Generator):
        self.session, self.picture = session, picture

    def between(self, low: float, high: float) -> float:
        """Una medida de ese intervalo, cercana a la de la sesión."""
        position = self.session.random() + JITTER * (self.picture.random() - 0.5)
        return low + (high - low) * min(max(position, 0.0), 1.0)

    def free(self, low: float, high: float) -> float:
        """Una medida de ese intervalo, sin relación con la sesión."""
        return self.picture.uniform(low, high)

    def pick(self, choices):
        """Un elemento de esa lista, el mismo en toda la sesión."""
        return choices[self.session.integers(len(choices))]

    def happens(self, probability: float) -> bool:
        """Si ocurre algo que tiene esa probabilidad, igual en toda la sesión."""
        return bool(self.session.random() < probability)
