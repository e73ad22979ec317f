"""Las comprobaciones de los ejercicios de la lección 2: la red convolucional."""

EXERCISES = {}
