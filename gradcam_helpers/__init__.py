"""Módulo de ayuda del curso: datos, red, mapas de calor, medidas, figuras y controles.

    data      las dos fuentes de datos, las máscaras y los fondos
    download  la descarga de los datos reales
    models    la red del curso: construir, entrenar, guardar y cargar
    anatomy   por dentro de cualquier clasificador: sus capas y sus logits
    cam       mapas de calor
    metrics   medidas de un mapa: fidelidad, localización y dependencia de los pesos
    plots     figuras
    photos    la foto que sube quien estudia
    explorer  controles deslizantes

Importar el paquete es inmediato: TensorFlow se carga con el primer módulo que lo necesita.
"""
