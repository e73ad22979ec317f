"""La sala de máquinas: lo que las lecciones usan sin verlo. Nada de aquí importa un módulo de arriba.

Lo que se pide se comprueba (`inputs`); la red da activaciones, gradientes y logits (`passes`), y una fórmula,
que llega de arriba como argumento, hace de ellos un mapa (`explanation`).

    backend      TensorFlow, Keras y TFDS, importados sin sus avisos
    inputs       comprobaciones de lo que se recibe
    anatomy      por dentro de cualquier clasificador: sus capas y sus logits
    passes       las pasadas por la red, compiladas
    explanation  lo que resulta: `Explanation`
    recording    lo anotado de una imagen, que da muchos mapas sin volver a la red
    download     la descarga de los datos reales
    photos       la foto que sube quien estudia
"""
