"""La sala de máquinas: lo que las lecciones usan sin verlo. Nada de aquí importa un módulo de arriba.

    backend      TensorFlow, Keras y TFDS, importados sin sus avisos
    download     la descarga de los datos reales
    codes        códigos cortos, que se copian a mano de un cuaderno a otro
    stored       los datos guardados en una carpeta: si son los del curso y están enteros
    model_files  el fichero de un modelo: qué es y qué trae
    weights      los pesos publicados de la red del curso, ya entrenada
    graph        lo que una red calcula de verdad, operación a operación
    head         el final de un clasificador: de dónde se leen sus logits
    anatomy      por dentro de cualquier clasificador: sus capas y lo que dan
    proof        la prueba de que se explica la red que se ha dado
    explanation  lo que resulta de explicar, y qué fórmulas hacen falta para ello
    inputs       comprobaciones de lo que se recibe
    subjects     separar a los sujetos de un fondo blanco y ponerlos sobre otro
    photos       la foto que sube quien estudia
    passes       las pasadas por la red, compiladas
    recording    lo anotado de una imagen, que da muchos mapas sin volver a la red
    scoring      la puntuación de una clase en muchas imágenes
    untraining   copias de una red, con sus pesos o sin haber aprendido nada
    wording      lo que se lee en el explorador
    gallery      las imágenes, etiquetas y nombres de un panel, comprobados
    canvas       las imágenes de un panel: a qué tamaño se ven
    controls     los controles, con un mismo aspecto
    chooser      elegir una imagen
    ranks        el panel de los rangos, de la lección 2
    questions    el panel de «predice y verás», de las lecciones 0 y 5
    views        lo que se ve en el explorador
    turns        qué petición se atiende, y cuándo
    attempt      la función que escribe quien estudia, llamada con cuidado
    answers      comparar una respuesta con lo que debe cumplir, y nombrar el error que parece
    suspects     las sospechosas de la cacería, en los ejercicios de la lección 3
    checks_1     las comprobaciones de los ejercicios de la lección 1
    checks_2     las comprobaciones de los ejercicios de la lección 2
    checks_3     las comprobaciones de los ejercicios de la lección 3
    checks_4     las comprobaciones de los ejercicios de la lección 4
    checks_5     las comprobaciones de los ejercicios de la lección 5

Cada módulo importa solo los que tiene encima. Una explicación baja un tramo de escalera: lo que se pide se
comprueba (`inputs`); la red da activaciones, gradientes y logits (`passes`), y una fórmula, que llega de
arriba como argumento, hace de ellos un mapa (`explanation`).
"""
