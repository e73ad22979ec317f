"""Las comprobaciones de los ejercicios de la lección 1: los datos."""

EXERCISES = {}
