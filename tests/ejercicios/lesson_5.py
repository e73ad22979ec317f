"""Las respuestas de la lección 5."""

RIGHT = []
WRONG = []
