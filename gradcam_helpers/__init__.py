"""Módulo de ayuda del curso: lo que usan las lecciones, escrito para leerse en una hora.

    data           las dos fuentes de datos, las máscaras y los fondos
    models         la red del curso: construirla, entrenarla, guardarla y cargarla
    formulas       las fórmulas de los métodos, y cómo se normaliza y se amplía un mapa
    cam            de imágenes a mapas de calor, con cualquier clasificador
    metrics        medidas de un mapa: si es fiel a la red y si señala al sujeto
    randomization  si un mapa depende de lo que la red ha aprendido
    experiment     el experimento del fondo: el mismo sujeto sobre muchos fondos
    plots          figuras
    explorer       paneles con controles
    bench          el panel del experimento
    foresight      predecir lo que dirá la red, antes y después del curso
    readiness      si este equipo puede con el curso
    hunt           la cacería del ejercicio 03-6: nueve Grad-CAM, y solo una sin error
    checks         los ejercicios: qué se le dice a quien responde

Cada módulo importa solo los que tiene encima en esta tabla y la sala de máquinas, `engine`, que las lecciones
no importan nunca. Importar el paquete es inmediato: TensorFlow se carga con el primer módulo que lo necesita.
"""
