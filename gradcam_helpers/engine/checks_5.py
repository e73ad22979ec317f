"""Las comprobaciones de los ejercicios de la lección 5: el experimento."""

EXERCISES = {}
