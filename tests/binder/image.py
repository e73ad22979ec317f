"""La imagen de Binder, sin Docker: las líneas de su Dockerfile que tocan el curso, en una carpeta nueva."""

import os
import re
import shlex
import shutil
import string
import subprocess
import sys
from pathlib import Path

import repo2docker

USER = "jovyan"
# De la base que repo2docker prepara con conda, lo que él mismo pide; estos son sus nombres en PyPI.
BASE = {
    "ipywidgets": "ipywidgets",
    "jupyter-offlinenotebook": "jupyter-offlinenotebook",
    "jupyter-resource-usage": "jupyter-resource-usage",
    "jupyter_server": "jupyter-server",
    "jupyterhub-base": "jupyterhub",
    "jupyterlab": "jupyterlab",
    "notebook": "notebook",
    "pip": "pip",
}


def rendered_dockerfile(repository: Path) -> str:
    command = [sys.executable, "-m", "repo2docker", "--no-build", "--debug", str(repository)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    output = run.stdout + run.stderr
    return output[output.index("\nFROM ") :]


def instructions(dockerfile: str) -> list[tuple[str, str]]:
    """Pares (orden, argumentos), con las líneas partidas ya unidas."""
    lines = [line for line in dockerfile.splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [tuple(line.split(maxsplit=1)) for line in joined.splitlines() if re.match("[A-Z]+ ", line)]


class Image:
    """Lo que la imagen tendría en `/`, en la carpeta `root`.

    La base, que en la imagen es de conda, se sustituye por un entorno de `python` con las mismas versiones.
    De lo que se ejecuta se hace lo que la imagen hace con su usuario, que es todo lo que toca el curso; lo
    que hace como root prepara el sistema. Aquí lo hace quien ejecuta las pruebas, con la carpeta personal
    de la imagen.
    """

    def __init__(self, root: Path, repository: Path, python: str):
        self.root, self.repository, self.python = root, repository, python
        self.environment = {"NB_USER": USER, "NB_UID": "1000", "PATH": os.defpath}
        self.user, self.folder, self.command = "root", root, []

    def build(self, dockerfile: str) -> str:
        """Sigue el Dockerfile; devuelve lo que escriben los programas del curso."""
        written = ""
        for order, arguments in instructions(dockerfile):
            match order:
                case "ARG" if "=" in arguments:
                    self._set(arguments)
                case "ENV":
                    self._set(arguments)
                case "USER":
                    self.user = self._expand(arguments)
                case "WORKDIR":
                    self.folder = Path(self._expand(arguments))
                    self.folder.mkdir(parents=True, exist_ok=True)
                case "COPY" if " src/" in arguments:
                    self._copy(*shlex.split(arguments)[-2:])
                case "RUN" if "install-base-env" in arguments:
                    self._create_base()
                case "RUN" if self.user == USER:
                    written += self.run("bash", "-c", arguments)
                case "CMD":
                    self.command = [argument.strip(' "') for argument in arguments.strip("[]").split(",")]
        return written

    def run(self, *command: str) -> str:
        process = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True
        )
        assert process.returncode == 0, process.stdout + process.stderr
        return process.stdout

    def _expand(self, text: str) -> str:
        return string.Template(text).substitute(self.environment)

    def _set(self, assignments: str) -> None:
        expanded = {}
        for assignment in shlex.split(assignments):
            name, value = assignment.split("=", 1)
            value = self._expand(value)
            # Las dos raíces de las que cuelga todo lo demás se llevan a la carpeta.
            expanded[name] = f"{self.root}{value}" if name in ("HOME", "APP_BASE") else value
        self.environment |= expanded

    def _copy(self, source: str, target: str) -> None:
        """Copia del repositorio lo que git conoce, que es lo que Binder clona."""
        inside = Path(source).relative_to("src")
        names = subprocess.run(
            ["git", "ls-files", "-z", str(inside)], cwd=self.repository, capture_output=True, check=True
        ).stdout.decode()
        for name in filter(None, names.split("\0")):
            copy = Path(self._expand(target)) / Path(name).relative_to(inside)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.repository / name, copy)

    def _create_base(self) -> None:
        prefix = self.environment["NB_PYTHON_PREFIX"]
        subprocess.run([self.python, "-m", "venv", prefix], check=True)
        version = (self.repository / "binder" / "runtime.txt").read_text().strip().removeprefix("python-")
        conda = Path(repo2docker.__file__).parent / "buildpacks" / "conda"
        locked = (conda / f"environment.py-{version}-linux-64.lock").read_text()
        found = dict(re.findall(r"/([\w-]+)-([\d.]+)-[^-/]+\.conda", locked))
        packages = [f"{name}=={found[conda_name]}" for conda_name, name in BASE.items()]
        self.run(f"{prefix}/bin/python", "-m", "pip", "install", "--quiet", *packages)
