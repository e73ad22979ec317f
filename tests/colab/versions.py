"""De la lista de paquetes que Colab publica, los que usa el curso, con sus versiones y sus sumas.

    python -m tests.colab.versions lista

La lista es la salida de `pip freeze`, en un fichero o en una dirección. Escribe, en esta carpeta,
`requirements.txt`: lo que el curso declara y lo que ejecuta los cuadernos y las pruebas, con todas sus
dependencias, siempre con las versiones de la lista, encajen entre sí o no. De lo que Colab no tiene solo
queda el nombre, en la cabecera.
"""

import http.client
import json
import os
import re
import subprocess
import sys
import tomllib
import urllib.request
from collections import defaultdict
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PYPROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"
TARGET = Path(__file__).with_name("requirements.txt")

RUNNERS = ["ipykernel", "nbclient", "pytest"]  # ejecutan los cuadernos y las pruebas
PYTHON = "3.13"  # la de Colab, que es Linux con x86-64 y glibc 2.35
PLATFORMS = [f"manylinux_2_{minor}_x86_64" for minor in range(35, 16, -1)] + ["manylinux2014_x86_64"]
ENVIRONMENT = {
    **default_environment(),
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": f"{PYTHON}.0",
    "python_version": PYTHON,
    "sys_platform": "linux",
}

HEADER = """\
# Lo que Colab trae de cuanto usa el curso, directa o indirectamente. Lo escribe «make colab-versiones».
# tensorflow-cpu ocupa el lugar de tensorflow, con su misma versión.
# Se pide y Colab no lo tiene: {absent}.
"""


def read_text(place: str) -> str:
    """El texto de un fichero o de una dirección."""
    try:
        if "://" in place:
            with urllib.request.urlopen(place, timeout=30) as response:
                return response.read().decode()
        return Path(place).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        sys.exit(f"«{place}» no es un texto: hace falta la lista de pip freeze que publica Colab.")
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "reason", None) or error
        sys.exit(f"No se pudo leer la lista «{place}»: {reason}. Comprueba la ruta o la dirección.")


def read_pins(place: str) -> dict[str, str | None]:
    """Las versiones de la lista, por nombre; None en lo que no se instaló de un índice de paquetes."""
    pins = {}
    for number, line in enumerate(read_text(place).splitlines(), start=1):
        if not line.strip() or line.startswith(("#", "-e ")):
            continue
        parts = re.fullmatch(r"([A-Za-z0-9][\w.-]*)(?:==([\w.!+]+)| @ \S+)", line.strip())
        if not parts:
            sys.exit(
                f"«{place}» no es una lista de pip freeze: su línea {number} dice «{line.strip()[:60]}». "
                "Hace falta la que publica Colab."
            )
        pins[canonicalize_name(parts[1])] = parts[2]
    if missing := [name for name in ["tensorflow", *RUNNERS] if not pins.get(name)]:
        sys.exit(f"En «{place}» no está la versión de {', '.join(missing)}: no es la lista de Colab.")
    return {**pins, "tensorflow-cpu": pins["tensorflow"]}


def find_closure(roots: list[str], pins: dict[str, str | None]) -> tuple[dict[str, dict], list[str]]:
    """Lo que piden `roots`, directa o indirectamente.

    Devuelve la ficha de pip de cada paquete que está en `pins`, por orden alfabético, y los nombres de los
    que no están.
    """
    records = {}
    while True:
        needed = _needed(roots, records)
        new = [name for name in needed if name in pins and name not in records]
        if not new:
            return dict(sorted(records.items())), sorted(needed - pins.keys())
        if elsewhere := [name for name in new if pins[name] is None]:
            sys.exit(
                f"La lista no da la versión de {', '.join(elsewhere)}, que el curso usa: "
                "Colab no lo instala de un índice de paquetes."
            )
        records.update(_ask_pip([f"{name}=={pins[name]}" for name in new]))


def _needed(roots: list[str], records: dict[str, dict]) -> set[str]:
    """Los nombres a los que se llega desde `roots` con las fichas que ya hay."""
    extras, pending = defaultdict(set), [(Requirement(root), "") for root in roots]
    while pending:
        requirement, extra = pending.pop()
        if requirement.marker and not requirement.marker.evaluate({**ENVIRONMENT, "extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        for extra in {"", *requirement.extras} - extras[name]:
            extras[name].add(extra)
            lines = records.get(name, {}).get("metadata", {}).get("requires_dist", [])
            pending += [(Requirement(line), extra) for line in lines]
    return set(extras)


def _ask_pip(pinned: list[str]) -> dict[str, dict]:
    """Las fichas de esos paquetes, sin instalarlos ni mirar si encajan."""
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--no-deps"]
    # pip solo acepta otra plataforma si se le da una carpeta, en la que aquí no escribe.
    command += ["--target", "no-se-escribe", "--python-version", PYTHON]
    command += [f"--platform={platform}" for platform in PLATFORMS]
    run = subprocess.run([*command, "--quiet", "--report", "-", *pinned], capture_output=True, text=True)
    if run.returncode:
        reason = (run.stderr.strip() or "pip no responde").splitlines()[-1]
        sys.exit(f"pip no encuentra lo que dice la lista: {reason}")
    return {canonicalize_name(each["metadata"]["name"]): each for each in json.loads(run.stdout)["install"]}


def write(records: dict[str, dict], absent: list[str], target: Path) -> None:
    lines = [HEADER.format(absent=", ".join(absent) or "nada")]
    for name, record in records.items():
        digest = record["download_info"]["archive_info"]["hashes"]["sha256"]
        lines.append(f"{name}=={record['metadata']['version']} \\\n    --hash=sha256:{digest}\n")
    provisional = target.with_suffix(".nuevo")
    provisional.write_text("".join(lines), encoding="utf-8")
    os.replace(provisional, target)


def main(arguments: list[str]) -> None:
    if len(arguments) != 1 or not arguments[0]:
        sys.exit("Di dónde está la lista de Colab: make colab-versiones LISTA=ruta-o-dirección")
    pins = read_pins(arguments[0])
    declared = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]["dependencies"]
    records, absent = find_closure(declared + RUNNERS, pins)
    write(records, absent, TARGET)
    print(f"{len(records)} paquetes en {TARGET.name}. Colab no tiene: {', '.join(absent) or 'nada'}.")


if __name__ == "__main__":
    main(sys.argv[1:])
