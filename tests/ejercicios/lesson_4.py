"""Las respuestas de la lección 4."""

RIGHT = []
WRONG = []
