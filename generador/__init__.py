"""El generador de los datos embebidos: dibuja caballos y personas, y sabe dónde está cada parte.

    geometry    cuerpos hechos de cápsulas, y cámaras
    surface     la superficie que una cámara ve de un cuerpo
    texture     ruido fractal
    material    pintar sobre una superficie
    horse       caballos
    human_head  cabezas de persona
    human       personas
    background  fondos, y su luz
    shading     luz y sombra
    chance      el azar de una imagen y el de su sesión
    scene       una imagen completa
    plan        el conjunto, imagen a imagen
    writer      escribirlo con TFDS
    probes      ¿delata algo la clase, aparte de la forma?

Solo hace falta para rehacer los datos: `make datos`. Nada de `gradcam_helpers` lo importa.
"""

import os

# NumPy y OpenCV eligen sus instrucciones según el procesador, y con ellas cambia el último bit de algunas
# cuentas. Con las que tiene cualquier x86-64, las imágenes salen iguales en todos. Se leen al importarlos.
os.environ.setdefault("NPY_DISABLE_CPU_FEATURES", "X86_V3 X86_V4 AVX512_ICL AVX512_SPR")
os.environ.setdefault("OPENCV_CPU_DISABLE", "AVX2,AVX512-SKX")
os.environ.setdefault("OPENCV_IPP", "disabled")
os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")  # si no, cada proceso avisa en inglés de la línea anterior
