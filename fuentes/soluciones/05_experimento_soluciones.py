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
# # 05 · El experimento: soluciones
#
# [![Abrir en Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/TU_USUARIO/curso-gradcam/blob/main/notebooks/soluciones/05_experimento_soluciones.ipynb)
# [![Abrir en Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/TU_USUARIO/curso-gradcam/main?urlpath=lab/tree/notebooks/soluciones/05_experimento_soluciones.ipynb)
# [Descargar el cuaderno](https://github.com/TU_USUARIO/curso-gradcam/raw/main/notebooks/soluciones/05_experimento_soluciones.ipynb)
#
# **Duración:** 60 min · CPU · Lección: [05 · El experimento](../05_experimento.ipynb)
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
from gradcam_helpers import bench, cam, data, experiment, metrics, models, plots
from gradcam_helpers.checks import comprobar
import cv2
import numpy as np

source = data.prepare_source()
print(source)
model = models.load_trained(source)
explainer = cam.Explainer(model)

# %%
images, labels = data.load_images(source, "test", count=32)
masks = data.load_masks(source, "test", count=32)
identities = data.load_identities(source, "test", count=32)
backgrounds, kinds = data.load_backgrounds()

# %% [markdown]
# ## 05-1 · Pegar todo un lote
#
# Completar · fácil · 5 min
#
# En la lección pegamos a un sujeto sobre un fondo. Pega ahora a todos los de un lote sobre el mismo fondo, sin anillo y
# sin cambiar lo que recibes.
#
# **Entrega:** `paste_batch(images, masks, background)`, que recibe las imágenes, uint8 (N, alto, ancho, 3); sus máscaras,
# bool (N, alto, ancho), y un fondo, uint8 (alto, ancho, 3), y devuelve los montajes, uint8 (N, alto, ancho, 3).
#
# <details><summary>Pista</summary>
#
# `np.where(condición, a, b)` toma de `a` donde se cumple la condición, y si no, de `b`. Las formas deben encajar por el
# final: ¿qué eje le falta a la máscara? `mask[..., np.newaxis]` añade uno.
#
# </details>
# <details><summary>Un error frecuente</summary>
#
# Escribir `background[mask] = image[mask]` sin copiar antes el fondo: el sujeto se queda en él y aparece en el montaje
# siguiente.
#
# </details>


# %%
def paste_batch(images, masks, background):
    # <solución> return ...
    return np.where(masks[..., np.newaxis], images, background)
    # </solución>


comprobar("05-1", paste_batch)

# %% [markdown] tags=["solucion"]
# Con un eje más, la máscara, (N, alto, ancho, 1), vale para los tres colores, y el fondo, (alto, ancho, 3), se repite en
# las N imágenes. `np.where` crea un resultado nuevo: lo que se recibe no cambia.

# %%
if comprobar.hecho("05-1"):
    pasted = paste_batch(images[:4], masks[:4], backgrounds[0])
    figure = plots.show_images(pasted, [data.CLASS_NAMES[i] for i in labels[:4]])

# %% [markdown]
# **Figura 1.** Los cuatro primeros sujetos, pegados por tu función en el mismo fondo, con su clase.

# %% [markdown]
# ## 05-2 · Cuánto depende del fondo
#
# Completar · fácil · 5 min
#
# La red ha respondido a cada sujeto sobre blanco y sobre otros fondos. ¿En qué parte de esos **otros** fondos deja de ser
# la respuesta la que daba sobre blanco? La respuesta es la clase más probable.
#
# **Entrega:** `dependence(answers)`, que recibe las probabilidades, (sujetos, fondos, 2), con el blanco en el primer
# fondo, y devuelve la parte de cada sujeto, (sujetos,), de 0 a 1.
#
# <details><summary>Pista</summary>
#
# Primero, la clase que gana en cada fondo: ¿en qué eje están las clases? Después compara todas las columnas menos la
# primera con la primera; para que encajen, `[:, :1]` conserva el eje y `[:, 0]` no.
#
# </details>
# <details><summary>Un error frecuente</summary>
#
# Contar también el blanco. Consigo mismo coincide siempre, y la parte sale menor de lo que es.
#
# </details>


# %%
def dependence(answers):
    # <solución> return ...
    chosen = answers.argmax(axis=2)
    return np.mean(chosen[:, 1:] != chosen[:, :1], axis=1)
    # </solución>


comprobar("05-2", dependence)

# %% [markdown] tags=["solucion"]
# Se promedia el eje de los fondos, y queda un valor por sujeto. No aparece ninguna etiqueta: depender del fondo no es
# equivocarse. Un sujeto puede fallar siempre y no depender de él, o acertar solo gracias a él.

# %% [markdown]
# Aquí responde la red a los treinta y dos sujetos sobre blanco y sobre un bosque, un desierto y una duna. Cuando la
# función esté bien, se dice cuánto dependen.

# %%
white = np.full((1, 300, 300, 3), 255, np.uint8)
chosen = [kinds.index(kind) for kind in ("bosque", "desierto", "duna")]
places = np.concatenate([white, backgrounds[chosen]])
answers = experiment.swap_backgrounds(model.predict_on_batch, images, masks, places)

if comprobar.hecho("05-2"):
    parts = np.asarray(dependence(answers))
    for label, name in enumerate(data.CLASS_NAMES):
        group = labels == label
        mean = 100 * parts[group].mean()
        print(f"{name}: {group.sum()} sujetos; cambia en el {mean:.0f} % de los fondos")

# %% [markdown]
# ## 05-3 · Un intervalo demasiado estrecho
#
# Encontrar el error · media · 20 min
#
# Esta función quiere dar un intervalo del 95 % de la media de muchas fotos, para saber cuánto cambiaría con otros
# **individuos**. De cada uno hay varias fotos, que se parecen. Tiene dos errores, y los dos lo estrechan.


# %%
def narrow_interval(values, who, generator):
    means = []
    for _ in range(2000):
        drawn = generator.choice(values, size=len(values))
        means.append(drawn.mean())
    return np.percentile(means, (5, 95))


# %% [markdown]
# **Entrega:** `interval(values, who, generator)`, sin ellos: recibe el valor de cada foto, (N,); su individuo, (N,), un texto o
# un número, y un generador de NumPy, `np.random.default_rng(0)`, con el que se sortea. Devuelve dos números: los extremos, el menor
# primero. En cada sorteo salen tantos individuos como hay, con reposición, y se promedian todas las fotos de los que
# salen.
#
# <details><summary>Pista</summary>
#
# `np.unique(who)` da los individuos, y `values[who == each]`, las fotos de uno. A quien sale dos veces se le cuentan dos
# veces sus fotos: júntalas con `np.concatenate`. ¿Cuántos se sortean: tantos como fotos? Y ¿cuánto queda fuera por cada
# lado si se encierra el 95 %?
#
# </details>
# <details><summary>Un error frecuente</summary>
#
# Sortear la media de cada individuo. Si uno tiene veinte fotos y otro dos, la media de las medias no es la de las fotos.
#
# </details>


# %%
def interval(values, who, generator):
    # <solución> return ...
    people = np.unique(who)
    photos = {each: values[who == each] for each in people}
    draws = generator.choice(people, size=(2000, len(people)))
    means = [np.concatenate([photos[each] for each in drawn]).mean() for drawn in draws]
    return np.percentile(means, (2.5, 97.5))
    # </solución>


comprobar("05-3", interval)

# %% [markdown] tags=["solucion"]
# Los dos errores:
#
# 1. **Sortea fotos.** Si las de un individuo se parecen, veinte fotos suyas no son veinte pruebas: el azar que cuenta es
#    qué individuos han salido.
# 2. **Encierra el 90 %.** Entre los percentiles 5 y 95 queda fuera un 5 % **por cada lado**.

# %% [markdown]
# Cuando la función esté bien, aquí se comparan las dos y la del curso en un caso en que las fotos de un individuo son
# idénticas: diez individuos con seis fotos cada uno, y la red acierta todas las de siete de ellos.

# %%
if comprobar.hecho("05-3"):
    who = np.repeat(np.arange(10), 6)
    hits = (who < 7).astype(float)
    ends = {
        "con los dos errores": narrow_interval(hits, who, np.random.default_rng(0)),
        "la tuya": interval(hits, who, np.random.default_rng(0)),
        "la del curso": metrics.bootstrap_interval(hits, who),
    }
    for name, (low, high) in ends.items():
        print(f"{name}: acierta el 70 % (de {100 * low:.0f} a {100 * high:.0f})")

# %% [markdown]
# ## 05-4 · El mismo caballo, dos respuestas
#
# Interpretar · fácil · 10 min
#
# Busca en el panel un **caballo** al que la red responda «caballo» sobre un fondo y «persona» sobre otro. Vale el blanco;
# no vale cambiar de caballo.
#
# **Predice antes de mover.** ¿Qué fondos le darán «persona»? ¿Bastará con recorrer un solo caballo?

# %% tags=["remove_output", "nbval-ignore-output"]
board = bench.Bench(
    explainer, images, labels, data.CLASS_NAMES, masks, backgrounds, kinds
)
board

# %% [markdown]
# **Entrega:** `found`, tres cosas entre paréntesis: el número de la imagen, el fondo en que responde «caballo» y el
# fondo en que responde «persona», con los nombres del panel: `(5, "pradera 2", "playa 1")`.
#
# <details><summary>Pista</summary>
#
# En **Mostrar** elige los caballos. Deja el fondo en blanco y recorre las imágenes: detente donde la red dude o falle, y
# recorre entonces **Fondo**. Con un caballo al que da más de 0,99 es difícil que cambie. Son pocos los que cambian.
#
# </details>
# <details><summary>Un error frecuente</summary>
#
# Buscar solo donde la red acierta sobre blanco. Un fondo también puede **corregir** una respuesta, y eso es depender de él
# lo mismo.
#
# </details>


# %%
def paste_on(position, place):
    """La imagen de un sujeto sobre un fondo del panel; con «el suyo», tal como es."""
    if board.places[place] is None:
        return images[position]
    return data.replace_background(
        images[position], masks[position], board.places[place]
    )


def ask(position, place):
    """Las probabilidades que da la red a un sujeto sobre un fondo del panel."""
    picture = paste_on(position, place)[np.newaxis]
    return experiment.ask(model.predict_on_batch, picture)[0]


# <solución> found = ...
names = ["blanco", "bosque 1", "desierto 1", "duna 1"]  # los fondos de `answers`
horses = np.flatnonzero(labels == 0)
horse = horses[np.ptp(answers[horses, :, 1], axis=1).argmax()]
person = answers[horse, :, 1]
found = (horse, names[person.argmin()], names[person.argmax()])
# </solución>
comprobar("05-4", found, labels=labels, places=list(board.places), ask=ask)

# %% [markdown] tags=["solucion"]
# Aquí lo elige un programa, para que valga con cualquier red: el caballo cuya probabilidad más cambia de un fondo a otro,
# de los cuatro que ya se han probado. Es un caso elegido: dice que **puede** pasar; cada cuánto pasa lo dice la tabla de
# la lección, con su intervalo.

# %%
if comprobar.hecho("05-4"):
    position, *two = found
    pictures = [paste_on(position, place) for place in two]
    titles = [f"{place}: «{name}»" for place, name in zip(two, data.CLASS_NAMES)]
    figure = plots.show_images(pictures, titles)

# %% [markdown]
# **Figura 2.** El caballo encontrado, sobre los dos fondos, con lo que responde la red. Los píxeles del caballo son los
# mismos.

# %% [markdown]
# ## 05-5 · La mitad de grande
#
# Diseñar · media · 15 min
#
# El fondo no es la única pista: también puede serlo el **tamaño**. Deja al sujeto sobre blanco, reduce la imagen entera a
# la mitad de alto y de ancho y ponla en el centro de un lienzo blanco del tamaño de antes. Haz lo mismo con la máscara: sin
# ella no se podría repetir después el experimento del fondo.
#
# **Entrega:** `half_size(image, mask)`, que recibe una imagen, uint8 (alto, ancho, 3), con lados múltiplos de 4, y su
# máscara, bool (alto, ancho), y devuelve dos cosas, con las mismas formas y tipos: la imagen y la máscara del sujeto
# reducido.
#
# <details><summary>Pista</summary>
#
# Tres pasos: pintar de blanco lo que no es sujeto; reducir, con `cv2.resize`, que recibe (ancho, alto) y no admite bool,
# o tomando una fila y una columna de cada dos, `[::2, ::2]`; y copiar lo reducido en el centro de un lienzo de
# `np.full_like` o `np.zeros_like`. ¿En qué fila y en qué columna empieza?
#
# </details>
# <details><summary>Un error frecuente</summary>
#
# Probarla solo con imágenes cuadradas. Si el alto y el ancho están cambiados de orden, no se nota.
#
# </details>


# %%
def half_size(image, mask):
    # <solución> return ...
    height, width = mask.shape
    on_white = np.where(mask[..., np.newaxis], image, np.uint8(255))
    small = cv2.resize(
        on_white, (width // 2, height // 2), interpolation=cv2.INTER_AREA
    )
    picture, smaller = np.full_like(image, 255), np.zeros_like(mask)
    rows = slice(height // 4, height // 4 + height // 2)
    columns = slice(width // 4, width // 4 + width // 2)
    picture[rows, columns], smaller[rows, columns] = small, mask[::2, ::2]
    return picture, smaller
    # </solución>


comprobar("05-5", half_size)

# %% [markdown] tags=["solucion"]
# El orden importa: si se reduce antes de pintar de blanco, el borde del sujeto se mezcla con el fondo de antes. Cambia algo
# más que el tamaño: un sujeto que no estaba centrado queda más cerca del centro, y uno que tocaba el borde de la imagen
# ya no lo toca.

# %% [markdown]
# Cuando la función esté bien, aquí responde la red a doce sujetos, enteros y a la mitad, los dos sobre blanco.
#
# **Predice.** ¿Cambiará más respuestas el tamaño que el fondo?

# %%
if comprobar.hecho("05-5"):
    pairs = [half_size(image, mask) for image, mask in zip(images[:12], masks)]
    smaller = np.stack([picture for picture, _ in pairs])
    before = answers[:12, 0].argmax(axis=1)
    after = experiment.ask(model.predict_on_batch, smaller).argmax(axis=1)
    print(f"A la mitad, cambian {np.sum(after != before)} de 12 respuestas.")
    both = np.concatenate([images[:2], smaller[:2]])
    titles = [data.CLASS_NAMES[i] for i in (*before[:2], *after[:2])]
    figure = plots.show_images(both, [f"«{name}»" for name in titles])

# %% [markdown]
# **Figura 3.** Los dos primeros sujetos, tal como son y a la mitad, con lo que responde la red. Doce sujetos no bastan
# para decir cuánto influye el tamaño: para eso hacen falta más, y un intervalo.

# %% [markdown]
# ## 05-6 · Un bosque vacío que se llama «caballo»
#
# Interpretar · media · 10 min
#
# Un bosque en el que no hay nadie entra en la red, y esta responde «caballo» con una probabilidad de 0,99. Alguien
# concluye: «**La red no mira al animal: reconoce el bosque**». ¿Qué prueba ese bosque vacío y qué no? ¿Con qué
# experimento se sabría si el fondo decide la respuesta sobre un caballo o una persona?
#
# **Entrega:** `reading`, un texto de cuatro a ocho frases.
#
# <details><summary>Pista</summary>
#
# ¿Podía la red responder «nadie»? ¿Qué respondería a una imagen toda blanca? ¿Se parece un bosque vacío a algo que viera al
# entrenar? ¿Qué habría que dejar igual, y qué cambiar, para hablar de un sujeto?
#
# </details>
# <details><summary>Un error frecuente</summary>
#
# Pasar de «el fondo basta para responder» a «el sujeto no cuenta». Dos pistas pueden bastar cada una por separado.
#
# </details>
# <details><summary>Rúbrica</summary>
#
# Un punto por cada idea, dicha con tus palabras:
#
# 1. **Qué prueba:** sin ningún sujeto, la red puede dar «caballo» con mucha seguridad. El animal no es necesario para
#    esa respuesta.
# 2. **Está obligada a elegir:** no puede decir «nadie». Hay que comparar con otros fondos vacíos y con el blanco: si
#    también son «caballo», es lo que responde cuando no ve a nadie.
# 3. **No prueba que el sujeto no cuente:** con uno delante, la respuesta puede ser otra.
# 4. **Está fuera de lo que conoce:** no vio fondos vacíos al entrenar, y ahí su seguridad dice poco.
# 5. **El experimento:** el mismo sujeto, sin tocar sus píxeles, sobre muchos fondos de varios tipos; comparar las
#    respuestas, con un intervalo por individuos, y comprobar que la causa no es el pegado.
#
# Con tres puntos está bien; con cinco, muy bien.
#
# </details>

# %%
# <solución> reading = ...
reading = """
Prueba que la red puede responder «caballo», y muy segura, sin que haya ninguno: para esa
respuesta no le hace falta el animal. Pero solo sabe decir «caballo» o «persona», y algo
tenía que responder. Antes de culpar al bosque compararía con otros fondos vacíos y con
una imagen blanca, por si eso es lo que dice cuando no ve a nadie. Además, nunca vio un
fondo vacío al entrenar. No prueba que el sujeto no cuente: con una persona delante,
quizá responda «persona». Para saberlo pegaría a los mismos sujetos, sin cambiar un
píxel suyo, en muchos bosques y en otros sitios, y contaría los aciertos con su intervalo,
por individuos. También los pegaría en su propio fondo, para descartar que sea el pegado.
"""
# </solución>
comprobar("05-6", reading)

# %% [markdown] tags=["solucion"]
# No hay una sola respuesta buena. Esta tiene los cinco puntos de la rúbrica.

# %% [markdown]
# ## Resumen

# %%
comprobar.resumen("05")
