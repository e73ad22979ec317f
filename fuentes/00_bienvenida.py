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
# # 00 · Bienvenida
#
# [![Abrir en Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/TU_USUARIO/curso-gradcam/blob/main/notebooks/00_bienvenida.ipynb)
# [![Abrir en Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/TU_USUARIO/curso-gradcam/main?urlpath=lab/tree/notebooks/00_bienvenida.ipynb)
# [Descargar el cuaderno](https://github.com/TU_USUARIO/curso-gradcam/raw/main/notebooks/00_bienvenida.ipynb)
#
# **Duración:** 15 min · CPU
#
# Una red mira una imagen y responde «caballo». ¿Qué ha visto? Este curso enseña a preguntárselo y a dudar de la
# explicación.
#
# Esto es un *cuaderno*: alterna textos con **celdas** de código. Haz clic en la primera, bajo «Preparación», y pulsa **Mayús +
# Intro**: se ejecuta y se pasa a la siguiente. Repítelo hasta que aparezca un panel como este, con menos controles:
#
# ![El panel completo, el de la lección 4: a la izquierda, los controles; a la derecha, un caballo y su mapa de calor](https://github.com/TU_USUARIO/curso-gradcam/raw/main/figuras/explorador.png)

# %% [markdown]
# ## Preparación
#
# La primera celda, que se muestra plegada, busca el código del curso; si el cuaderno está solo, como en Colab, lo
# descarga. La segunda carga las imágenes y una red, y tarda algo más.

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
        folder = os.path.relpath(folder)  # la ruta entera puede llevar espacios
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
from gradcam_helpers import cam, data, explorer, foresight, formulas
from gradcam_helpers import metrics, models, plots, readiness
import numpy as np

source = data.prepare_source()
print(source)
model = models.load_trained(source)
images, labels = data.load_images(source, "test")
explainer = cam.Explainer(model)

# %% [markdown]
# ## Mira y mueve
#
# Esta red ya está entrenada, con otras imágenes de caballos y de personas. El panel muestra una imagen y, a su
# derecha, un **mapa de calor**: lo más claro es lo que, según el método del curso, más pesó en la respuesta.
#
# **Predice antes de mover.** De cada diez imágenes, ¿cuántas acertará la red? ¿Fallará más con los caballos o con las
# personas?

# %% tags=["remove_output", "nbval-ignore-output"]
explorer.Explorer(explainer, images, labels, data.CLASS_NAMES, basic=True)

# %% [markdown]
# Mueve **Imagen** y lee la tabla: la clase verdadera y la probabilidad que la red da a cada clase. **Capa** se explica en la
# lección 3, pero puedes moverla ya.

# %% [markdown]
# ## Predice, y verás
#
# Al acabar el curso, ¿conocerás mejor la red? Aquí hay diez **montajes** que no has visto: imágenes de prueba
# recortadas y puestas sobre un fondo vacío. Di qué responderá la red a cada uno: no lo que hay en la imagen, sino lo
# que **la red** dirá. Al final de la lección 5 te esperan otros diez.
#
# Responde siempre la red publicada con el curso, aunque después entrenes la tuya.

# %%
quiz = foresight.Quiz(source, "antes")
numbers = [str(number) for number in range(1, 11)]
figure = plots.show_images(quiz.pictures, numbers, columns=5)

# %% [markdown]
# **Figura 1.** Los diez montajes. El panel los enseña de uno en uno: pulsa «caballo» o «persona» y después
# «Siguiente». Hasta que pulses «Terminar» puedes cambiar lo que has dicho; solo entonces se guarda.

# %% tags=["remove_output", "nbval-ignore-output"]
foresight.QuestionBoard(quiz, data.CLASS_NAMES)

# %% [markdown]
# Al terminar aparecen las respuestas de la red y un **código** de seis símbolos. Cópialo: en Colab y en Binder puede que la
# lección 5 no encuentre lo que predigas aquí. En tu equipo se guarda en la carpeta `modelos`. No se envía nada a nadie.

# %% [markdown]
# ## ¿Cuántas acierta?
#
# Expliquemos ahora todas las imágenes de prueba, tal como son, y contemos los aciertos:

# %%
explanation = explainer.explain(data.prepare_image(images))
answers = explanation.target
for label, name in enumerate(data.CLASS_NAMES):
    right = answers[labels == label] == label
    print(f"{name}: {np.sum(right)} aciertos y {np.sum(~right)} fallos")
print(f"De cada diez imágenes, acierta {10 * np.mean(answers == labels):.1f}")

# %% [markdown]
# <details><summary>Lo que se ve con los datos embebidos</summary>
#
# Acierta 8,6<!-- De cada diez imágenes, acierta --> de cada diez; quien responde al azar, cinco. Con las personas no falla
# nunca: 0<!-- persona: 60 aciertos y --> fallos. Los 17<!-- caballo: 43 aciertos y --> fallos son todos con caballos. El azar
# los repartiría entre las dos clases: algo inclina a la red hacia «persona», y este curso busca qué.
#
# </details>
#
# Comparemos el mapa de un acierto con el del fallo que tiene más zona clara:

# %%
heatmaps = explanation.heatmap
hit = np.argmax((labels == 0) & (explanation.probabilities[:, 0] > 0.99))
miss = np.argmax((answers != labels) * heatmaps.mean(axis=(1, 2)))
pair = [hit, miss]
titles = [f"Imagen {i}: la red responde «{data.CLASS_NAMES[answers[i]]}»" for i in pair]
figure = plots.show_overlays(images[pair], heatmaps[pair], titles)

# %% [markdown]
# **Figura 2.** A la izquierda, un caballo que la red acierta; a la derecha, un fallo. De cada uno, el mapa solo y superpuesto
# a la imagen. La barra da la *relevancia*: cuánto pesó cada zona, según el método, comparada con la que más pesó.
#
# ¿Cae lo claro sobre el caballo o la persona? Si se repartiera por igual, le tocaría tanto como ocupa en la imagen:

# %%
masks = data.load_masks(source, "test")[pair]
large = formulas.resize_heatmaps(heatmaps[pair], (300, 300))
shares = 100 * metrics.energy_pointing_game(large, masks)
for name, share, mask in zip(("Acierto", "Fallo"), shares, masks):
    print(f"{name}: sobre el caballo o la persona, {share:.0f} % de lo claro")
    print(f"{name}: ocupa el {100 * mask.mean():.0f} % de la imagen")

# %% [markdown]
# <details><summary>Lo que se ve con los datos embebidos</summary>
#
# En el acierto, el caballo ocupa el 18 %<!-- Acierto: ocupa el --> de la imagen y recibe el
# 68 %<!-- Acierto: sobre el caballo o la persona, --> de lo claro. En el fallo ocupa el 32 %<!-- Fallo: ocupa el --> y recibe
# el 0 %<!-- Fallo: sobre el caballo o la persona, -->: lo claro es el fondo blanco, donde no hay nada. ¿Es el fondo lo que
# decide? Un mapa no basta para afirmarlo, y menos uno elegido: la lección 5 lo averigua con un experimento.
#
# </details>

# %% [markdown]
# ## Lo que sabrás hacer
#
# Al terminar el curso podrás:
#
# 1. construir, entrenar y medir una red que distingue imágenes;
# 2. calcular a mano, con NumPy y `GradientTape`, el mapa que explica una respuesta;
# 3. explicar con otros métodos, en otras capas y para otras clases, y leer lo que cambia;
# 4. decir qué **no** demuestra un mapa y diseñar un experimento que lo ponga a prueba.
#
# Basta con saber algo de Python y NumPy. No hace falta tarjeta gráfica.

# %% [markdown]
# ## El recorrido

# %%
steps = [
    ("1", "Sospecha", "¿qué hay en los datos?"),
    ("2", "Caída", "¿acierta la red donde importa?"),
    ("3", "Mapa", "¿cómo se hace un mapa de calor?"),
    ("4", "Contradicción", "¿dicen lo mismo todos los mapas?"),
    ("5", "Experimento", "¿decide el fondo la respuesta?"),
]
figure = plots.show_path(steps)

# %% [markdown]
# **Figura 3.** Las cinco lecciones que siguen, con su pregunta. Una sospecha (1) se confirma al medir los aciertos (2). Para
# explicarla se aprende a hacer un mapa (3). Los mapas se contradicen (4), y decide un experimento (5).
#
# | lección | duración |
# |---|---|
# | [01 · Los datos](01_datos.ipynb) | 30 min |
# | [02 · Una red neuronal convolucional](02_red_convolucional.ipynb) | 50 min |
# | [03 · Mapas de calor con Grad-CAM, paso a paso](03_gradcam_paso_a_paso.ipynb) | 45 min |
# | [04 · El explorador](04_explorador.ipynb) | 50 min |
# | [05 · El experimento](05_experimento.ipynb) | 45 min |

# %% [markdown]
# ## Cómo se usa
#
# - **Ejecuta celda a celda**, de arriba abajo, con Mayús + Intro. Si algo se enreda, reinicia el *núcleo*, el proceso que
#   ejecuta las celdas, y empieza por la primera.
# - **Predice antes de mover.** Donde lo leas, piensa una respuesta o, mejor, escríbela. Acertar da igual: se aprende de lo
#   que sorprende.
# - **Mueve los controles** con el ratón o con el teclado: el tabulador pasa de uno a otro y las flechas lo mueven.
# - **Abre las respuestas.** Tras cada pregunta hay un bloque plegado: haz clic en su título. Los de «Lo que se ve con los
#   datos embebidos» hablan de las figuras publicadas: si usas los datos reales u otra red, las tuyas pueden decir otra cosa.
# - **Haz los ejercicios.** Desde la 1, cada lección tiene su cuaderno, en la carpeta `ejercicios`: dice de cada respuesta si
#   vale y, si no, por qué puede ser.
#
# <details><summary>¿Qué son los datos embebidos?</summary>
#
# Imágenes de caballos y de personas dibujadas por un programa del propio curso, que vienen con él. Sustituyen a las
# originales, que hay que descargar. La lección 1 las presenta.
#
# </details>

# %% [markdown]
# ## ¿Está todo listo?
#
# La celda siguiente dice con qué versiones trabajas y si la memoria basta. Qué datos y qué red usas lo dijo la segunda celda.

# %% tags=["remove_output", "nbval-ignore-output"]
print(readiness.describe_computer())

# %% [markdown]
# Deben aparecer dos líneas. «Versiones» acaba diciendo si el curso se prueba con ellas; «Memoria», si basta y, si no, qué
# hacer.

# %% [markdown]
# ## Créditos
#
# - La narración sigue, con palabras y código propios, la del curso M72.1.09 de la Facultad de Ciencias Económicas de la
#   Universidad de Buenos Aires, de F. Santiago.
# - Los datos originales, `horses_or_humans`, son de L. Moroney (CC BY 2.0).
# - El método es de R. R. Selvaraju y otros (2017): *Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
#   Localization*. ICCV. [arXiv:1610.02391](https://arxiv.org/abs/1610.02391).
#
# El código se publica con licencia MIT; los textos, las figuras, los datos embebidos y las redes, con
# [CC BY 4.0](https://creativecommons.org/licenses/by/4.0/deed.es).

# %% [markdown]
# ## Para seguir
#
# - Lección siguiente: [01 · Los datos](01_datos.ipynb).
