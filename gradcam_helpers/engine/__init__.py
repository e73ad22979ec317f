"""La sala de máquinas: lo que las lecciones usan sin verlo. Nada de aquí importa un módulo de arriba.

Lo que se pide se comprueba (`inputs`); la red da activaciones, gradientes y logits (`passes`), y una fórmula,
que llega de arriba como argumento, hace de ellos un mapa (`explanation`).

    backend      TensorFlow, Keras y TFDS, importados sin sus avisos
    download     la descarga de los datos reales
    anatomy      por dentro de cualquier clasificador: sus capas y sus logits
    explanation  lo que resulta, y las fórmulas que hacen falta para llegar a ello
    inputs       comprobaciones de lo que se recibe
    passes       las pasadas por la red, compiladas
    recording    lo anotado de una imagen, que da muchos mapas sin volver a la red
    photos       la foto que sube quien estudia
    wording      títulos y tablas del explorador, en HTML
    gallery      las imágenes, etiquetas y nombres de un panel, comprobados
    canvas       las imágenes de un panel: a qué tamaño se ven
    controls     los controles, con un mismo aspecto
    chooser      elegir una imagen
    views        lo que se ve en el explorador
    turns        qué petición se atiende, y cuándo
"""
