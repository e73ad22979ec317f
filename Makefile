# Órdenes del curso. Las dos que bastan: «make lab» y «make test».
PYTHON ?= python3
PYTHON_COLAB ?= python3.13
BIN := .venv/bin
# Los cuadernos se guardan sin tiempos ni estado de los controles, y sin las salidas de las celdas que lo piden.
# Cada uno se ejecuta con su carpeta de modelos, vacía: la red que entrena la lección 2 no llega a las demás.
CLEAN_EXECUTION := --ExecutePreprocessor.record_timing=False --ExecutePreprocessor.store_widget_state=False
NBVAL_REAL := --nbval-lax --nbval-current-env --nbval-cell-timeout=900
TWO_AT_ONCE := --numprocesses=2 --dist=loadfile
PANELS := explorer bench chooser gallery canvas turns photos ranks foresight  # lo que cambia con la versión de ipywidgets o de Pillow
NOTEBOOKS := notebooks/*.ipynb notebooks/*/*.ipynb
REMOVE_OUTPUTS := --coalesce-streams --TagRemovePreprocessor.enabled=True --TagRemovePreprocessor.remove_all_outputs_tags=remove_output

.PHONY: lab test test-real test-colab test-colab-lecciones test-colab-ejercicios test-binder test-navegador test-nuevas acciones cuadernos captura datos pesos estilo medidas medidas-navegador experimento pares bench mutantes requisitos colab-versiones direccion

lab: .venv/listo  # abre JupyterLab en la bienvenida
	$(BIN)/jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) notebooks/00_bienvenida.ipynb

test: .venv/listo  # todas las pruebas, y cada cuaderno como una más, con los datos embebidos
	$(BIN)/python -m pytest $(TWO_AT_ONCE)

test-real: .venv/listo  # con los datos reales, la red publicada, los ejercicios y los cuadernos, sin comparar los resultados de estos
	GRADCAM_DATOS=real $(BIN)/python -m pytest --override-ini addopts= $(NBVAL_REAL) $(TWO_AT_ONCE) $(OPCIONES) \
		--ignore=notebooks/soluciones tests/test_published.py tests/reales notebooks

COLAB_TESTS := .venv-colab/bin/python -m pytest --override-ini addopts= $(OPCIONES)
COLAB_EXERCISES := tests/colab/test_alone.py::test_an_exercise_with_the_embedded_data
test-colab: .venv-colab/listo  # cada cuaderno, él solo, y los controles, con los paquetes de Colab; dos cosas a la vez
	$(MAKE) --jobs=2 --output-sync=target test-colab-lecciones test-colab-ejercicios
test-colab-lecciones: .venv-colab/listo
	$(COLAB_TESTS) --deselect=$(COLAB_EXERCISES) tests/colab
test-colab-ejercicios: .venv-colab/listo  # y los controles y la celda de preparación
	$(COLAB_TESTS) $(COLAB_EXERCISES) tests/test_setup_cell.py $(PANELS:%=tests/test_%.py)

test-binder: .venv/listo  # la imagen de Binder, sin Docker: en una carpeta nueva, lo que dice su Dockerfile
	$(BIN)/python -m pytest --override-ini addopts= --capture=no tests/binder

test-navegador: .venv/navegador  # los controles de cada lección, en JupyterLab y Chromium
	$(BIN)/python -m pytest --override-ini addopts= $(OPCIONES) tests/navegador

test-nuevas:  # todas las pruebas, con las versiones más nuevas que admite environment.yml
	$(PYTHON) -m venv --clear .venv-nuevas
	sed -n 's/^      - //p' environment.yml > .venv-nuevas/cotas.txt
	.venv-nuevas/bin/python -m pip install --quiet -r .venv-nuevas/cotas.txt
	binder/preferencias .venv-nuevas
	.venv-nuevas/bin/python -m pytest $(TWO_AT_ONCE)

acciones: .venv/acciones  # busca errores en lo que ejecuta GitHub
	$(BIN)/actionlint

cuadernos: export GRADCAM_DATOS := embebido
cuadernos: .venv/listo  # genera todos los cuadernos, con sus salidas, desde fuentes/; y las figuras de figuras/
	$(BIN)/jupytext --quiet --update --from fuentes///py:percent --to notebooks///ipynb fuentes/*.py fuentes/soluciones/*.py
	$(BIN)/python -m ejercicios.derivar
	models=$$(mktemp -d) && trap 'rm -rf "$$models"' EXIT && for notebook in $(NOTEBOOKS); do \
		GRADCAM_MODELOS="$$models/$$notebook" $(BIN)/jupyter nbconvert --to notebook --inplace --execute \
		$(CLEAN_EXECUTION) "$$notebook" || exit 1; done
	$(BIN)/jupyter nbconvert --to notebook --inplace $(REMOVE_OUTPUTS) $(NOTEBOOKS)
	for program in $(filter-out figuras/explorador.py,$(wildcard figuras/*.py)); do $(BIN)/python $$program || exit 1; done

captura: .venv/navegador  # la imagen del explorador que enseñan el README y la lección 4
	$(BIN)/python -m figuras.explorador

datos: .venv/listo  # dibuja de nuevo los datos embebidos
	$(BIN)/python -m generador datos

pesos: .venv/listo  # entrena la red de la lección 2 con cada conjunto de datos, publica sus pesos y sortea los montajes
	for data in embebido real; do $(BIN)/python pesos/publicar.py $$data && $(BIN)/python pesos/sortear.py $$data || exit 1; done

estilo: .venv/listo  # formato y errores del código
	$(BIN)/ruff format gradcam_helpers generador pesos ejercicios tests medidas figuras && $(BIN)/ruff check

medidas: export GRADCAM_DATOS ?= embebido
medidas: .venv/listo  # lo que se tarda en dibujar, entrenar y dar cada lección, y lo que acierta la red
	for program in medidas/*.py; do $(BIN)/python $$program || exit 1; done

medidas-navegador: .venv/navegador  # lo que tarda el explorador en responder y la memoria que ocupa, y sus límites
	$(BIN)/python -m medidas.navegador.latency

experimento: .venv/listo  # las tablas que cita la lección 5: con otras semillas y con los datos reales; media hora
	$(BIN)/python -m medidas.experimento.tables semillas
	$(BIN)/python -m medidas.experimento.tables reales

pares: .venv-pares/listo  # los mapas del curso frente a los de otras herramientas
	.venv-pares/bin/python -m medidas.pares.parity

mutantes: .venv/listo  # estropea las soluciones de los ejercicios y mira si las comprobaciones lo notan
	$(BIN)/python -m ejercicios.mutantes

bench: .venv-pares/listo  # sus tiempos y su memoria, y los límites que debe cumplir el motor
	.venv-pares/bin/python -m medidas.pares.bench

LOCK := uv pip compile --universal --generate-hashes --no-header --no-annotate
requisitos:  # rehace las versiones exactas desde pyproject.toml; necesita uv
	$(LOCK) --extra pruebas pyproject.toml -o requirements.txt
	$(LOCK) -c requirements.txt pyproject.toml $(BINDER).in -o $(BINDER).txt
	$(LOCK) -c requirements.txt $(BROWSER).in -o $(BROWSER).txt
	$(LOCK) $(ACTIONS).in -o $(ACTIONS).txt

colab-versiones: .venv/listo  # las versiones de Colab, desde la lista que publica: make colab-versiones LISTA=ruta-o-dirección
	@$(BIN)/python -m tests.colab.versions "$(LISTA)"

# El entorno. El fichero «listo» se escribe al final: si la instalación se interrumpe, la próxima vez se rehace.
# También se rehace el entorno cuyo Python ya no está en su sitio.
.PHONY: $(foreach folder,.venv .venv-colab .venv-pares,$(if $(realpath $(folder)/bin/python),,$(folder)/listo))
.venv/listo: requirements.txt
	@command -v $(PYTHON) >/dev/null || { echo "No se encuentra «$(PYTHON)». Instala Python 3.11, 3.12 o 3.13." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info[:2] <= (3, 13) else "El curso necesita Python 3.11, 3.12 o 3.13, y «$(PYTHON)» es el %d.%d. Indica otro así: make lab PYTHON=python3.12" % sys.version_info[:2])'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "A «$(PYTHON)» le falta el módulo venv. En Debian y Ubuntu: sudo apt install python3-venv" >&2; exit 1; }
	@echo "Preparo el entorno en .venv: un par de minutos, la primera vez."
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.txt
	binder/preferencias .venv
	touch $@

# El de Colab. Allí no todo encaja con todo: por eso se instala sin mirar las dependencias.
COLAB := tests/colab/requirements.txt
.venv-colab/listo: $(COLAB)
	@$(PYTHON_COLAB) -c 'import ensurepip, venv' 2>/dev/null || { echo "Colab usa Python 3.13, y «$(PYTHON_COLAB)» no funciona o le falta el módulo venv. Indica otro así: make test-colab PYTHON_COLAB=ruta" >&2; exit 1; }
	@$(PYTHON_COLAB) -c 'import sys; sys.exit(None if sys.version_info[:2] == (3, 13) else "Colab usa Python 3.13, y «$(PYTHON_COLAB)» es el %d.%d." % sys.version_info[:2])'
	@echo "Preparo los paquetes de Colab en .venv-colab: un par de minutos y 2 GB, la primera vez."
	$(PYTHON_COLAB) -m venv --clear .venv-colab
	.venv-colab/bin/python -m pip install --quiet --require-hashes --no-deps -r $(COLAB)
	touch $@

# Lo que se instala en la imagen de Binder: lo mismo, sin las pruebas.
BINDER := binder/requirements

# Lo que añaden las pruebas en el navegador, que usan además el Chromium del sistema.
BROWSER := tests/navegador/requirements
.venv/navegador: .venv/listo $(BROWSER).txt
	$(BIN)/python -m pip install --quiet --require-hashes -r $(BROWSER).txt
	touch $@

# La herramienta que lee las acciones de GitHub.
ACTIONS := .github/requirements
.venv/acciones: .venv/listo $(ACTIONS).txt
	$(BIN)/python -m pip install --quiet --require-hashes -r $(ACTIONS).txt
	touch $@

# El de las herramientas con las que se compara el curso: primero lo mismo que en .venv; después, lo que añaden.
PEERS := medidas/pares/requirements
.venv-pares/listo: .venv/listo $(PEERS).txt $(PEERS)-sin-dependencias.txt
	@echo "Preparo el entorno de las otras herramientas en .venv-pares: unos minutos y hasta 8 GB, la primera vez."
	$(BIN)/python -m venv --clear .venv-pares
	.venv-pares/bin/python -m pip install --quiet --require-hashes -r requirements.txt
	.venv-pares/bin/python -m pip install --quiet -r $(PEERS).txt
	.venv-pares/bin/python -m pip install --quiet --no-deps -r $(PEERS)-sin-dependencias.txt
	touch $@

# La dirección pública se decide en pyproject.toml; REPO y REF son la nueva, en los distintivos y las celdas de preparación.
ADDRESS := $(shell sed -n 's,^Repository = "https://github.com/\([^/]*/[^/]*\)/tree/\(.*\)",\1 \2,p' pyproject.toml)
export OLD_REPO := $(firstword $(ADDRESS))
export OLD_REF := $(lastword $(ADDRESS))
export REPO ?= $(OLD_REPO)
export REF ?= $(OLD_REF)

direccion:  # cambia la dirección en todos los ficheros: make direccion REPO=usuario/repositorio REF=rama
	@perl -e '$$ENV{REPO} =~ m{^[\w.-]+/[\w.-]+\z}a or die "REPO debe ser «usuario/repositorio», y es «$$ENV{REPO}».\n"'
	@perl -e '$$ENV{REF} =~ m{^[\w./+\@=\x80-\xff-]+\z}a or die "REF, «$$ENV{REF}», tiene caracteres que no caben en una dirección. Usa letras, cifras y . / + @ = _ -\n"'
	@git grep -lz -F "$$OLD_REPO" | xargs -0 perl -pi -e 's{(\Q$$ENV{OLD_REPO}\E/(?:(?:blob|raw|tree)/)?|REFERENCE = \\?")\Q$$ENV{OLD_REF}\E}{$$1$$ENV{REF}}g; s{\Q$$ENV{OLD_REPO}\E}{$$ENV{REPO}}g'
