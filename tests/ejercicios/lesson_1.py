"""Las respuestas de la lección 1."""

RIGHT = []
WRONG = []
