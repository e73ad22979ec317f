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
# # 05 · El experimento: cambiar el fondo y nada más
#
# [![Abrir en Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/TU_USUARIO/curso-gradcam/blob/main/notebooks/05_experimento.ipynb)
# [![Abrir en Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/TU_USUARIO/curso-gradcam/main?urlpath=lab/tree/notebooks/05_experimento.ipynb)
# [Descargar el cuaderno](https://github.com/TU_USUARIO/curso-gradcam/raw/main/notebooks/05_experimento.ipynb)
#
# **Duración:** 45 min · CPU
#
# ![Una misma persona, recortada y puesta sobre un bosque, una pradera, un desierto, un estudio, una playa y una duna](https://github.com/TU_USUARIO/curso-gradcam/raw/main/figuras/experimento.png)
#
# La misma persona, píxel a píxel, en seis sitios. ¿Responderá la red lo mismo en los seis?

# %% [markdown]
# ## Preguntas
#
# - ¿Decide el fondo lo que responde la red?
# - ¿Qué responde donde no hay nadie?
# - ¿Qué mapa había dicho la verdad sobre el fondo?

# %% [markdown]
# ## Objetivos
#
# Al terminar podrás:
#
# 1. convertir una sospecha en una hipótesis, y esta en un pronóstico que puede fallar;
# 2. cambiar el fondo de una imagen sin tocar al sujeto, y comprobar que no lo has tocado;
# 3. medir cuánto cambia la respuesta, con un intervalo que cuenta individuos;
# 4. decir qué demuestra el experimento, y qué no.

# %% [markdown]
# ## Preparación
#
# Es la celda de la lección 1: ejecútala sin más.

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
from gradcam_helpers import bench, cam, data, experiment, foresight, formulas
from gradcam_helpers import metrics, models, plots
import numpy as np

source = data.prepare_source()
print(source)
quiz = foresight.Quiz(source, "después")  # para el final
model = models.load_trained(source)
explainer = cam.Explainer(model)

# %%
COUNT = 120
images, labels = data.load_images(source, "test", COUNT)
masks = data.load_masks(source, "test", COUNT)
identities = data.load_identities(source, "test", COUNT)
backgrounds, kinds = data.load_backgrounds()

print(f"Imágenes de prueba: {len(images)}, de {len(set(identities))} individuos")
print(f"Fondos sin nadie: {len(backgrounds)}: {', '.join(dict.fromkeys(kinds))}")

# %% [markdown]
# Tenemos imágenes de prueba con la máscara de cada sujeto, y fondos vacíos. Si tus datos son los originales, no
# dicen quién es cada cual, y cada imagen cuenta como un individuo.

# %% [markdown]
# ## De la sospecha al pronóstico
#
# En la lección 1 sospechamos que el fondo ayuda a la red. En la 4 preguntamos a los mapas, y cada método daba
# su respuesta. **Un mapa no es un experimento**: señala una zona de una imagen tal como es. Para saber
# qué decide la respuesta hay que cambiar una sola cosa, dejar igual lo demás y mirar si la respuesta cambia.
#
# - **Hipótesis:** el fondo influye en la respuesta.
# - **Pronóstico:** el mismo sujeto recibirá respuestas distintas en fondos distintos. Si la respuesta es siempre
#   la misma, el pronóstico ha fallado.
#
# Un pronóstico solo vale si se escribe **antes** de mirar. De cada cien **personas**, ¿a cuántas reconocerá la
# red en cada sitio? Cambia cada `None` por un número de 0 a 100; más abajo lo compararemos.

# %%
guesses = {
    "bosque": None,
    "pradera": None,
    "desierto": None,
    "estudio": None,
    "playa": None,
    "duna": None,
}

# %% [markdown]
# ## Cambiar el fondo, a mano
#
# Tomemos la primera persona que se ve entera: su máscara no toca el borde de la imagen. Recortarla y pegarla son
# las dos últimas líneas: una copia del fondo, y en ella los píxeles de la persona.

# %%
border = np.ones((300, 300), bool)
border[1:-1, 1:-1] = False
whole = ~(masks & border).any(axis=(1, 2))
subject = int(np.flatnonzero((labels == 1) & whole)[0])

image, mask, forest = images[subject], masks[subject], backgrounds[0]
pasted = forest.copy()
pasted[mask] = image[mask]

# %% [markdown]
# `data.replace_background` hace lo mismo, y además mezcla sujeto y fondo en un anillo de **un** píxel alrededor de
# la máscara, para que el borde no quede dentado. Fuera de ese anillo deben coincidir:

# %%
import cv2

ring = (cv2.dilate(mask.astype(np.uint8), np.ones((3, 3))) > 0) & ~mask
with_helper = data.replace_background(image, mask, forest)
assert np.array_equal(with_helper[~ring], pasted[~ring])
print(f"El anillo ocupa el {100 * ring.mean():.1f} % de la imagen.")

# %%
figure = plots.show_images([image, forest, with_helper], ["imagen", "fondo", "montaje"])

# %% [markdown]
# **Figura 1.** La imagen de prueba, un fondo vacío y el montaje: el sujeto, en el mismo lugar y del mismo tamaño.

# %% [markdown]
# ## El banco de pruebas
#
# Este panel hace el montaje y pregunta a la red. Con **el suyo**, la imagen se queda tal como es; la tabla de abajo
# dice qué clase gana.
#
# **Predice antes de mover.** Deja quieta la imagen y recorre **Fondo** de un extremo a otro. ¿Cambiará la
# respuesta? ¿En qué fondos?

# %%
board = bench.Bench(
    explainer, images, labels, data.CLASS_NAMES, masks, backgrounds, kinds
)
board.choose(image=subject)

# %% tags=["remove_output", "nbval-ignore-output"]
board

# %% [markdown]
# La figura muestra, sin controles, seis de esas paradas.

# %%
pictures, titles = [], []
for place in range(0, len(backgrounds), 4):
    picture, explanation = experiment.try_background(
        explainer, image, mask, backgrounds[place]
    )
    answer = data.CLASS_NAMES[explanation.target[0]]
    pictures.append(picture)
    titles.append(f"{kinds[place]}: «{answer}»")
print("; ".join(titles))
figure = plots.show_images(pictures, titles, columns=3)

# %% [markdown]
# **Figura 2.** La misma persona sobre un fondo de cada tipo, con la respuesta de la red.
#
# <details><summary>Lo que se ve con los datos embebidos</summary>
#
# En bosque, pradera y desierto, «caballo»; en estudio, playa y duna, «persona». El hombre es el mismo: la respuesta
# cambia con el fondo. Es un solo sujeto: falta saber si es la regla.
#
# </details>

# %% [markdown]
# ## El mismo sujeto, otra respuesta
#
# Ahora, cada sujeto, sobre blanco y sobre dos fondos de cada tipo. La celda tarda un minuto o dos; con los
# veinticuatro fondos, sin los dos `[::2]`, el doble.

# %%
white = np.full((1, 300, 300, 3), 255, np.uint8)
places = np.concatenate([white, backgrounds[::2]])
place_kinds = ["blanco", *kinds[::2]]
answers = experiment.swap_backgrounds(model.predict_on_batch, images, masks, places)
print("Sujetos, fondos y clases:", answers.shape)

# %% [markdown]
# Una media sola no dice cuánto fiarse de ella. Las fotos de un individuo se parecen: si falla una, suelen fallar
# las demás. Por eso `experiment.tabulate` calcula el intervalo remuestreando **individuos** (*bootstrap*): sortea,
# con reposición, tantos como hay, repite la media, y así dos mil veces; el intervalo encierra el 95 % central de esas
# medias (Efron y Tibshirani, 1993). Si todos aciertan, o todos fallan, se queda en un punto: no es certeza, sino que
# en esta muestra no hay nada que varíe.

# %%
rows = experiment.tabulate(answers, labels, place_kinds, identities)
for row in rows:
    print(row)
figure = plots.show_hits(rows)

# %% [markdown]
# **Figura 3.** Aciertos sobre cada tipo de fondo y su intervalo del 95 %: círculos azules, los caballos; cuadrados
# naranjas, las personas. Si el fondo no influyera, cada clase estaría siempre a la misma altura.
#
# <details><summary>Lo que se ve con los datos embebidos</summary>
#
# De las personas, la red reconoce en el bosque el 0 %<!-- persona, bosque: acierta el -->; en la pradera, el
# 35 %<!-- persona, pradera: acierta el -->; en la duna, el 100 %<!-- persona, duna: acierta el -->. Con los caballos pasa
# al revés: el 100 %<!-- caballo, bosque: acierta el --> en el bosque y el 77 %<!-- caballo, duna: acierta el --> en la
# duna. El pronóstico se cumple: el fondo influye, y con las personas, en el bosque, decide.
#
# </details>
#
# ¿Y tu pronóstico?

# %%
for row in rows:
    if row.class_name == "persona" and row.kind in guesses:
        guess = guesses[row.kind]
        said = "sin respuesta" if guess is None else f"{guess} %"
        print(f"{row.kind:9s} tú: {said:13s}  la red: {100 * row.hits:.0f} %")

# %% [markdown]
# ## ¿Ha cambiado solo el fondo?
#
# Si ha cambiado algo más, no es un experimento. Dos comprobaciones.
#
# **Primera: el sujeto no ha cambiado,** ni en un bit, en ninguno de los montajes.

# %%
for place in places:
    pasted = data.replace_background(images, masks, place)
    assert np.array_equal(pasted[masks], images[masks])
print("Los píxeles de los sujetos son idénticos en todos los montajes.")

# %% [markdown]
# **Segunda: ¿es el pegado la causa?** Quizá confunden a la red el anillo o la sombra que falta. En la validación de
# los datos embebidos, los sujetos ya tienen un paisaje suyo y conocemos su máscara; juzga la red de esos datos. Los
# pegamos otra vez en él, donde solo cambia el anillo; después, en otro del mismo tipo, ya sin su sombra; por último,
# en uno de otro tipo.
#
# **Predice.** Si la culpa es del anillo, ¿qué filas bajarán? ¿Y si es de la sombra, o del fondo?

# %%
embedded = data.prepare_source("embebido")
judge = model if source == embedded else models.load_trained(embedded)
split = data.VALIDATION_SPLIT
familiar, truth = data.load_images(embedded, split)
shapes = data.load_masks(embedded, split)
people = data.load_identities(embedded, split)

first = np.array([kinds.index(kind) for kind in data.load_kinds(embedded, split)])
another = (first + len(kinds) // 2) % len(kinds)  # bosque y estudio, pradera y playa…

# %%
trials = {
    "tal como es": None,
    "pegado en el suyo": familiar,
    "en otro del mismo tipo": backgrounds[first],
    "en uno de otro tipo": backgrounds[another],
}
for name, scenery in trials.items():
    trial = familiar
    if scenery is not None:
        trial = data.replace_background(familiar, shapes, scenery)
    hits = experiment.ask(judge.predict_on_batch, trial).argmax(axis=1) == truth
    low, high = metrics.bootstrap_interval(hits, groups=people)
    interval = f"(de {100 * low:.0f} a {100 * high:.0f})"
    print(f"{name}: acierta el {100 * hits.mean():.0f} % {interval}")

# %% [markdown]
# <details><summary>Lo que se ve con los datos embebidos</summary>
#
# Tal como son, acierta el 100 %<!-- tal como es: acierta el -->; pegados en el suyo, el
# 100 %<!-- pegado en el suyo: acierta el -->: el anillo no es la causa. En otro del mismo tipo, sin sombra, el
# 94 %<!-- en otro del mismo tipo: acierta el -->: eso es lo más que puede costar el pegado. En uno de otro tipo, el
# 51 %<!-- en uno de otro tipo: acierta el -->. La gran caída llega al cambiar el **tipo** de fondo.
#
# </details>

# %% [markdown]
# ## La red también responde donde no hay nadie
#
# **Predice.** La red solo sabe decir «caballo» o «persona». ¿Qué dirá de un bosque vacío? ¿Y de una duna?

# %%
nobody = experiment.ask(model.predict_on_batch, places)
for kind in dict.fromkeys(place_kinds):
    there = [each == kind for each in place_kinds]
    print(f"{kind} sin nadie: P(persona) media {nobody[there, 1].mean():.2f}")
horses = np.sum(nobody.argmax(axis=1) == 0)
print(f"Responde «caballo» en {horses} de {len(places)}.")

# %%
chosen = range(1, len(places), 2)
titles = [
    f"{place_kinds[i]}: «{data.CLASS_NAMES[nobody[i].argmax()]}»" for i in chosen
]
figure = plots.show_images(places[chosen], titles, columns=3)

# %% [markdown]
# **Figura 4.** Un fondo vacío de cada tipo, con lo que responde la red.
#
# <details><summary>Lo que se ve con los datos embebidos</summary>
#
# Responde «caballo» en 13<!-- Responde «caballo» en --> imágenes: en todas, también en blanco. En el bosque, la
# probabilidad media de «persona» es 0,01<!-- bosque sin nadie: P(persona) media -->; en la duna,
# 0,45<!-- duna sin nadie: P(persona) media -->. Es la respuesta que da cuando no ve a nadie, y el sitio la refuerza o la
# debilita. La duna sola no llega a «persona»: hace falta alguien.
#
# </details>
#
# Esto prueba que, aun sin sujeto, la probabilidad depende del sitio. **No** prueba que el sujeto no cuente. Además, la
# red no vio ningún fondo vacío al entrenar: es una pregunta fuera de lo que conoce.

# %% [markdown]
# ## ¿Qué mapa había dicho la verdad?
#
# Ahora tenemos lo que faltaba en la lección 4: sujeto a sujeto, cuánto **depende** su respuesta del fondo. Es la parte
# de los fondos en que deja de ser la que daba sobre blanco.

# %%
on_white = answers[:, 0].argmax(axis=1)
answered = answers[:, 1:].argmax(axis=2)
changes = answered != on_white[:, np.newaxis]
dependence = changes.mean(axis=1)

for answer, name in enumerate(data.CLASS_NAMES):
    group = dependence[on_white == answer]
    if len(group):
        print(
            f"«{name}» sobre blanco: {len(group)} sujetos; "
            f"cambia en el {100 * group.mean():.0f} % de los fondos"
        )

# %% [markdown]
# Comparemos mapas de una **misma** respuesta, la que más cambia; si no, mediríamos en qué se distinguen los mapas
# de «caballo» de los de «persona». Hay dos formas de preguntar.
#
# ### ¿Señalan el fondo donde ha decidido?
#
# Tomemos el fondo que más fallos causa y los sujetos que hace fallar, hasta cuarenta: sobre blanco la red acertaba. De
# un mapa que diga la verdad esperamos que ponga en el fondo más relevancia de la que le toca por su superficie: la que
# pondría un mapa uniforme.
#
# **Predice.** ¿Qué método pondrá más relevancia en el fondo, Grad-CAM o HiResCAM?

# %%
fooled = changes & (answered != labels[:, np.newaxis])
if not fooled.any():  # si a tu red no la engaña ningún fondo, todos los sujetos
    fooled[:] = True
worst = int(fooled.sum(axis=0).argmax())
victims = np.flatnonzero(fooled[:, worst])[:40]
scenes = data.replace_background(images[victims], masks[victims], places[1 + worst])
print(f"Fondo: {place_kinds[1 + worst]}; sujetos: {len(victims)}")


# %%
def background_shares(explanation, masks):
    """La parte de la relevancia positiva que cae fuera de cada sujeto."""
    large = formulas.resize_heatmaps(explanation.heatmap, (300, 300))
    return metrics.energy_pointing_game(large, ~masks)


def percent(value, interval):
    """«92 % (de 91 a 93)», o que no hay nada que medir."""
    if np.isnan(value):
        return "no se puede decir"
    low, high = interval
    return f"{100 * value:.0f} % (de {100 * low:.0f} a {100 * high:.0f})"


# %%
METHODS = ["Grad-CAM", "HiResCAM", "LayerCAM"]
due = (~masks[victims]).mean(axis=(1, 2))  # lo que le toca
shares = {"Superficie del fondo": due}
for method in METHODS:
    explanation = explainer.explain(data.prepare_image(scenes), method=method)
    share = background_shares(explanation, masks[victims])
    shares[f"{method}, en el fondo"] = share
    shares[f"{method}, de más"] = share - due  # sujeto a sujeto

for name, share in shares.items():
    known = ~np.isnan(share)
    mean = share[known].mean() if known.any() else np.nan
    interval = metrics.bootstrap_interval(share, groups=identities[victims])
    print(f"{name}: {percent(mean, interval)}")

# %%
shown = int(np.argmax(victims == subject))  # la persona de antes, si está
example = data.prepare_image(scenes[shown])
explained = [explainer.explain(example, method=method) for method in METHODS[:2]]
titles = [
    f"{each.method}: " + ("(vacío)" if each.empty[0] else data.CLASS_NAMES[answer])
    for each in explained
    for answer in each.target
]
heatmaps = [each.heatmap[0] for each in explained]
pictures = [scenes[shown]] * 2
figure = plots.show_overlays(pictures, heatmaps, titles, percentile=99.5)

# %% [markdown]
# **Figura 5.** Uno de esos sujetos, con el mapa de la respuesta equivocada según dos métodos: solo y superpuesto. ¿Queda
# a oscuras el sujeto?
#
# <details><summary>Lo que se ve con los datos embebidos</summary>
#
# Los cuarenta son personas que el bosque convierte en «caballo». El fondo ocupa el 78 %<!-- Superficie del fondo: --> y
# se lleva el 92 %<!-- HiResCAM, en el fondo: --> de la relevancia de HiResCAM, el
# 88 %<!-- LayerCAM, en el fondo: --> de la de LayerCAM y el 82 %<!-- Grad-CAM, en el fondo: --> de la de Grad-CAM. Los tres
# se inclinan hacia el fondo: HiResCAM, 14<!-- HiResCAM, de más: --> puntos más que un mapa uniforme; Grad-CAM, solo
# 4<!-- Grad-CAM, de más: -->.
#
# </details>

# %% [markdown]
# ### ¿Avisan antes de cambiarlo?
#
# La pregunta útil es otra: mirando solo la imagen **sobre blanco**, ¿avisa el mapa de qué respuestas dependen del
# fondo? De todas las parejas de sujetos en que uno depende más, contemos aquellas en que ese tiene más relevancia
# en el fondo. Un mapa que avisa acierta casi todas; el azar, la mitad. Es el índice de concordancia (Harrell y
# otros, 1982).
#
# Añadimos dos comparaciones sin mapa: la superficie del fondo y la **duda** de la red, uno menos la probabilidad de
# su respuesta. De un mapa vacío no se puede decir nada: ese sujeto no cuenta para ese método. Y como entre esas
# respuestas hay errores, de otra clase y otra silueta, repetimos la cuenta **solo entre aciertos**.

# %%
totals = [dependence[on_white == answer].sum() for answer in (0, 1)]
group = np.flatnonzero(on_white == np.argmax(totals))
seen = data.replace_background(images[group], masks[group], white[0])
seen = data.prepare_image(seen)
shares = {
    method: background_shares(explainer.explain(seen, method=method), masks[group])
    for method in METHODS
}
shares["superficie del fondo"] = (~masks[group]).mean(axis=(1, 2))
shares["duda de la red, sin mapa"] = 1 - answers[group, 0].max(axis=1)

# %% [markdown]
# A mano, con la duda; después, con el módulo de ayuda, que añade el intervalo:

# %%
doubt = shares["duda de la red, sin mapa"]
more = dependence[group][:, np.newaxis] > dependence[group]
order = np.sign(doubt[:, np.newaxis] - doubt)  # 1, más duda; −1, menos
points = (order + 1) / 2  # un empate cuenta la mitad
index, _ = experiment.concordance(doubt, dependence[group], identities[group])
assert not more.any() or np.isclose(index, points[more].mean())

# %%
right = labels[group] == on_white[group]
for which, chosen in {"Todos": right | True, "Solo aciertos": right}.items():
    for name, share in shares.items():
        known = chosen & ~np.isnan(share)
        some = group[known]
        depends, who = dependence[some], identities[some]
        result = experiment.concordance(share[known], depends, who)
        print(f"{which}, {name}: {percent(*result)}; sujetos, {len(some)}")

# %% [markdown]
# <details><summary>Lo que se ve con los datos embebidos</summary>
#
# Grad-CAM ordena bien el 62 %<!-- Todos, Grad-CAM: --> de las parejas; HiResCAM, el
# 60 %<!-- Todos, HiResCAM: -->; LayerCAM, el 57 %<!-- Todos, LayerCAM: -->. Entre aciertos, el
# 56 %<!-- Solo aciertos, Grad-CAM: -->, el 50 %<!-- Solo aciertos, HiResCAM: --> y el
# 51 %<!-- Solo aciertos, LayerCAM: -->, con intervalos que abarcan el azar: no se puede decir que avisen. La duda, sin
# ningún mapa, ordena bien el 85 %<!-- Todos, duda de la red, sin mapa: -->, y entre aciertos el
# 76 %<!-- Solo aciertos, duda de la red, sin mapa: -->. HiResCAM es el que más se inclinaba hacia el fondo donde este
# había decidido; antes de cambiarlo, nadie avisaba tanto como la propia probabilidad.
#
# </details>
#
# ¿Han ganado los mismos métodos las dos veces? La lección 7 volverá a preguntarlo, con más medidas.

# %% [markdown]
# ## ¿Conoces mejor la red?
#
# En la bienvenida predijiste lo que respondería la red publicada a diez montajes. Aquí hay otros diez, de otras imágenes y
# sobre fondos que el experimento no ha usado. La red es la misma, aunque hayas entrenado la tuya.

# %%
numbers = [str(number) for number in range(1, 11)]
figure = plots.show_images(quiz.pictures, numbers, columns=10)

# %% [markdown]
# **Figura 6.** Los diez montajes; en el panel se ven mejor. ¿Qué responderá la red a cada uno?

# %% tags=["remove_output", "nbval-ignore-output"]
foresight.QuestionBoard(quiz, data.CLASS_NAMES)

# %% [markdown]
# Cuando termines, ejecuta la celda siguiente. En Colab y en Binder, pega antes el código que te dio la bienvenida; en tu
# equipo se encuentra solo.

# %%
code = ""
print(quiz.compare(code))

# %% [markdown]
# Cada parte lleva el intervalo de Wilson (1927), y la diferencia, el de Newcombe (1998). **Diez no bastan** para decir
# gran cosa: quien pase de responder al azar a saberlo todo verá un intervalo sin el cero cinco veces de cada seis; quien
# pase del azar a acertar, de media, siete, una de cada ocho.

# %% [markdown]
# ## Límites
#
# - **Son montajes.** Nadie se ha retratado en esos sitios: falta la sombra y la luz no es la del lugar. La segunda
#   comprobación acota lo que cuesta el pegado, con individuos que la red ya conocía; no descarta otras rarezas.
# - **El fondo no es la única pista.** El tamaño, el lugar y el color del sujeto también pueden serlo; aquí no los hemos
#   cambiado.
# - **La máscara dice dónde está el sujeto, no qué usa la red.** Lo que usa solo se sabe al cambiarlo.
# - **El intervalo solo cuenta individuos.** De cada tipo hay dos fondos: otro bosque podría dar otra cifra.
# - **Es una sola red.** Con otra semilla, la misma receta aprende otros pesos:
#
# <details><summary>Lo que se ve con otras semillas</summary>
#
# Con otras dos semillas, la red reconoce en el bosque el 0 %<!-- Semilla 1, persona, bosque: acierta el --> y el 0
# %<!-- Semilla 2, persona, bosque: acierta el --> de las personas; en la duna, el 100
# %<!-- Semilla 1, persona, duna: acierta el --> y el 100 %<!-- Semilla 2, persona, duna: acierta el -->. Eso se
# repite. No se repite todo: en el desierto acierta el 76 %<!-- Semilla 1, persona, desierto: acierta el --> y el 59
# %<!-- Semilla 2, persona, desierto: acierta el -->, y de los doce fondos vacíos llama «caballo» a
# 8<!-- Semilla 1, fondos vacíos en que responde «caballo»: --> y a
# 12<!-- Semilla 2, fondos vacíos en que responde «caballo»: -->. Solo entre aciertos, Grad-CAM ordena bien el 56
# %<!-- Semilla 1, solo aciertos, Grad-CAM ordena bien: --> y el 66
# %<!-- Semilla 2, solo aciertos, Grad-CAM ordena bien: --> de las parejas; HiResCAM, el 40
# %<!-- Semilla 1, solo aciertos, HiResCAM ordena bien: --> y el 44
# %<!-- Semilla 2, solo aciertos, HiResCAM ordena bien: -->; la duda, el 90
# %<!-- Semilla 1, solo aciertos, la duda, sin mapa ordena bien: --> y el 87
# %<!-- Semilla 2, solo aciertos, la duda, sin mapa ordena bien: -->. Con los errores, Grad-CAM llegaba al 72
# %<!-- Semilla 1, todos, Grad-CAM ordena bien: --> y al 74 %<!-- Semilla 2, todos, Grad-CAM ordena bien: -->: parte de
# lo que parecía un aviso solo separaba a los caballos de las personas. Ningún mapa avisa tanto como la duda.
#
# </details>
#
# Y los datos embebidos los dibuja un programa. Con los originales:
#
# <details><summary>Lo que se ve con los datos reales</summary>
#
# En el bosque, la red publicada acierta el 19 %<!-- Reales, persona, bosque: acierta el --> de las personas y el 98
# %<!-- Reales, caballo, bosque: acierta el --> de los caballos. En el desierto pasa lo contrario: el 100
# %<!-- Reales, persona, desierto: acierta el --> y el 54 %<!-- Reales, caballo, desierto: acierta el -->. Vacíos,
# responde «caballo» en 12<!-- Reales, fondos vacíos en que responde «caballo»: --> fondos, en todos. Sobre blanco,
# Grad-CAM no avisa de nada: sus mapas están vacíos. Entre aciertos, HiResCAM ordena bien el 67
# %<!-- Reales, solo aciertos, HiResCAM ordena bien: --> de las parejas, y la duda, el 61
# %<!-- Reales, solo aciertos, la duda, sin mapa ordena bien: -->: no se distinguen. Como no se sabe quién es cada cual,
# la unidad es la imagen, y los intervalos son más estrechos de lo debido.
#
# </details>

# %% [markdown]
# ## Ejercicios
#
# Están en el [cuaderno de ejercicios](ejercicios/05_experimento_ejercicios.ipynb), que dice qué falla y por qué puede
# ser. Después de intentarlo, mira las [soluciones](soluciones/05_experimento_soluciones.ipynb).
#
# 1. **Pegar todo un lote:** poner a muchos sujetos sobre un fondo sin estropear nada.
# 2. **Cuánto depende del fondo:** medir en qué parte de los fondos cambia la respuesta.
# 3. **Un intervalo demasiado estrecho:** encontrar dos errores de un remuestreo, y sortear individuos.
# 4. **El mismo caballo, dos respuestas:** buscar con el banco un caballo que cambia de respuesta.
# 5. **La mitad de grande:** cambiar otra cosa, el tamaño, con su máscara.
# 6. **Un bosque vacío que se llama «caballo»:** decir qué prueba y qué no.

# %% [markdown]
# ## Lo que hemos visto
#
# 1. Una sospecha se vuelve comprobable cuando se escribe un pronóstico que puede fallar.
# 2. Al cambiar el fondo sin tocar un bit del sujeto, la respuesta de la red puede cambiar; el pegado solo no lo explica.
# 3. El intervalo se calcula con individuos, porque sus fotos se parecen.
# 4. El experimento dice que el fondo influye en la respuesta sobre un sujeto; un fondo vacío o un mapa, por sí
#    solos, no lo dicen.

# %% [markdown]
# ## Para seguir
#
# - S. Beery, G. Van Horn y P. Perona (2018). *Recognition in Terra Incognita*. ECCV.
#   [arXiv:1807.04975](https://arxiv.org/abs/1807.04975): animales que dejan de reconocerse en otro sitio.
# - K. Xiao y otros (2021). *Noise or Signal: The Role of Image Backgrounds in Object Recognition*. ICLR.
#   [arXiv:2006.09994](https://arxiv.org/abs/2006.09994): el mismo experimento, con ImageNet.
# - B. Efron y R. Tibshirani (1993). *An Introduction to the Bootstrap*. Chapman & Hall.
# - F. E. Harrell y otros (1982). *Evaluating the Yield of Medical Tests*. JAMA 247.
# - R. G. Newcombe (1998). *Interval Estimation for the Difference between Independent Proportions*. Statistics in
#   Medicine 17; se apoya en E. B. Wilson (1927). *Probable Inference, the Law of Succession, and Statistical Inference*.
#   JASA 22.
# - Los tres métodos, Grad-CAM, HiResCAM y LayerCAM, se citan en la lección 4.
# - ¿Y tu propia red? [Preguntas de quien usa Grad-CAM](preguntas.ipynb).
# - Lección anterior: [04 · El explorador](04_explorador.ipynb). En las siguientes volveremos a los métodos, para
#   comparar sus fórmulas y medir cuál merece crédito.
