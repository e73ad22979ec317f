# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 03 · Mapas de calor con Grad-CAM: soluciones
#
# [![Abrir en Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/TU_USUARIO/curso-gradcam/blob/main/notebooks/soluciones/03_gradcam_paso_a_paso_soluciones.ipynb)
# [![Abrir en Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/TU_USUARIO/curso-gradcam/main?urlpath=lab/tree/notebooks/soluciones/03_gradcam_paso_a_paso_soluciones.ipynb)
# [Descargar el cuaderno](https://github.com/TU_USUARIO/curso-gradcam/raw/main/notebooks/soluciones/03_gradcam_paso_a_paso_soluciones.ipynb)
#
# **Duración:** 60 min · CPU · Lección: [03 · Mapas de calor con Grad-CAM, paso a paso](../03_gradcam_paso_a_paso.ipynb)
#
# Escribe tu respuesta en lugar de cada `...` y ejecuta la celda: `comprobar` dice qué ha probado de ella y, si no vale,
# por qué puede ser. Puedes intentarlo cuantas veces quieras. Nada se envía a ningún sitio ni se guarda fuera de este
# cuaderno.

# %% [markdown]
# ## Preparación

# %% cellView="form" jupyter={"source_hidden": true} tags=["preparacion"]
# @title Buscar el curso y, si este cuaderno está solo, descargarlo
import os, subprocess, sys, tempfile, warnings
from pathlib import Path

REPOSITORY = "https://github.com/TU_USUARIO/curso-gradcam"
REFERENCE = "main"

course = Path.cwd() / "curso-gradcam"
places = [Path.cwd(), *Path.cwd().parents, course]
module = Path("gradcam_helpers", "data.py")
root = next((place for place in places if (place / module).is_file()), None)
warnings.filterwarnings("ignore", "To exit")  # lo que Jupyter añade a «sys.exit»
if root is None and course.exists():
    sys.exit(f"«{course.name}» no contiene el curso: cámbiale el nombre "
             "y repite la celda.")
if root is None:
    root = course
    print(f"Este cuaderno está solo: descargo el curso de {REPOSITORY}")
    os.environ |= {"GIT_TERMINAL_PROMPT": "0"}
    os.environ |= {"GIT_HTTP_LOW_SPEED_LIMIT": "1000", "GIT_HTTP_LOW_SPEED_TIME": "30"}
    with tempfile.TemporaryDirectory(dir=".") as folder:
        clone = f"git clone --quiet --depth 1 --branch {REFERENCE} {REPOSITORY}"
        status, output = subprocess.getstatusoutput(f"{clone} {folder}/curso")
        if status:
            reason = output[max(0, output.find("fatal")):].partition("\n")[0]
            sys.exit(f"No se pudo descargar el curso ({reason or 'git no responde'}). "
                     "Comprueba la conexión y esa dirección, y repite la celda.")
        os.rename(f"{folder}/curso", root)
elif root == course:
    config = f"git -C {course.name} config remote.origin.url"
    status, origin = subprocess.getstatusoutput(config)
    if status == 0 and origin != REPOSITORY:
        print(f"Uso el curso que ya hay en «{course.name}», descargado de {origin}")
sys.path.insert(0, str(root))

# %%
from gradcam_helpers.checks import comprobar
import numpy as np

# %% [markdown]
# ## 03-1 · Promediar el gradiente
#
# Completar · fácil · 5 min
#
# Del gradiente de la puntuación, de forma (N, alto, ancho, filtros), Grad-CAM saca un peso por filtro. Completa la
# función.
#
# **Entrega:** `average_gradients(gradients)`, que devuelve los pesos, de forma (N, filtros), con su signo.
#
# <details><summary>Pista</summary>
#
# ¿En qué ejes están las posiciones de una imagen? Mira la forma del gradiente: el primero es el lote y el último, los
# filtros. `np.mean` admite varios ejes a la vez.
#
# </details>
# <details><summary>Un error frecuente</summary>
#
# Promediar en `(0, 1, 2)`: con una sola imagen da lo mismo y pasa inadvertido; con un lote mezcla las imágenes.
#
# </details>

# %%
def average_gradients(gradients):
    # <solución> return ...
    return np.mean(gradients, axis=(1, 2))
    # </solución>


comprobar("03-1", average_gradients)

# %% [markdown] tags=["solucion"]
# Los ejes 1 y 2 son las posiciones. El 0 es el lote: cada imagen conserva sus pesos.

# %% [markdown]
# ## Resumen

# %%
comprobar.resumen("03")
