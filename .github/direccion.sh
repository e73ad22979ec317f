#!/usr/bin/env bash
# Hace que los distintivos y las celdas de preparación apunten al repositorio de GitHub en el que están, y lo
# publica. Parte siempre de lo último publicado en su rama principal.
#
# Recibe en variables de entorno: REPOSITORY, «usuario/repositorio»; BRANCH, su rama principal; FORK, «true» si
# es una bifurcación; y EVENT, «workflow_dispatch» si alguien lo pidió. En una bifurcación solo actúa si se lo
# piden: si no, cada propuesta de cambio traería reescritos los distintivos.
set -euo pipefail

ATTEMPTS=3  # si mientras tanto alguien publica otra cosa, se vuelve a empezar desde ella

main() {
  if [ "$FORK" = true ] && [ "$EVENT" != workflow_dispatch ]; then
    echo "Es una bifurcación: la dirección no cambia si no lo pides, en Actions → Dirección → Run workflow."
    return
  fi
  for _ in $(seq "$ATTEMPTS"); do
    git fetch --quiet origin "refs/heads/$BRANCH"
    git checkout --quiet --detach FETCH_HEAD
    if grep -qxF "Repository = \"https://github.com/$REPOSITORY/tree/$BRANCH\"" pyproject.toml; then
      echo "La dirección ya es $REPOSITORY, rama $BRANCH."
      return
    fi
    # make interpreta los «$»: doblados, los deja como están.
    make --silent direccion "REPO=${REPOSITORY//\$/\$\$}" "REF=${BRANCH//\$/\$\$}"
    git commit --quiet --all --message "La dirección del curso: $REPOSITORY, rama $BRANCH"
    if git push --quiet origin "HEAD:refs/heads/$BRANCH"; then
      echo "La dirección es ahora $REPOSITORY, rama $BRANCH."
      return
    fi
  done
  echo "No se pudo publicar la dirección en «$BRANCH» tras $ATTEMPTS intentos. Si la rama está protegida," \
    "ejecuta make direccion en tu equipo y publica el cambio." >&2
  exit 1
}

main  # en una función: bash la lee entera antes de que el checkout cambie este fichero
