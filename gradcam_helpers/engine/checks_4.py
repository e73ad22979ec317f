"""Las comprobaciones de los ejercicios de la lección 4: el explorador."""

EXERCISES = {}
