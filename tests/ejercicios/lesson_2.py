"""Las respuestas de la lección 2."""

RIGHT = []
WRONG = []
