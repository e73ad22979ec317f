"""La dirección del curso se pone sola: lo que GitHub ejecuta, en un clon con un remoto de aquí."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
COURSE = ("Makefile", "pyproject.toml", "README.md", "CITATION.cff", ".github", "fuentes", "notebooks")
IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "prueba"), ("EMAIL", "prueba@example.org"))
}

pytestmark = pytest.mark.skipif(os.name == "nt", reason="en GitHub se ejecuta en Linux")


def git(folder, *arguments):
    run = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env={**os.environ, **IDENTITY},
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stdout.strip()


class Repository:
    """Un remoto con el curso en una rama, y el clon que GitHub haría para ejecutar algo."""

    def __init__(self, folder, branch="main"):
        self.remote, self.clone, self.branch = folder / "remoto.git", folder / "clon", branch
        course = folder / "curso"
        for name in COURSE:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            (course / name).parent.mkdir(parents=True, exist_ok=True)
            copy(ROOT / name, course / name)
        git(course, "init", "--quiet", f"--initial-branch={branch}")
        git(course, "add", ".")
        git(course, "commit", "--quiet", "--message=curso")
        git(folder, "clone", "--quiet", "--bare", str(course), str(self.remote))
        git(folder, "clone", "--quiet", "--depth=1", self.remote.as_uri(), str(self.clone))

    def run(self, repository="ana/otro-curso", fork=False, event="push", **environment):
        """Ejecuta lo mismo que GitHub. Sin lo que «make test» deja en el entorno."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
        for name in ("REPO", "REF", "OLD_REPO", "OLD_REF"):
            inherited.pop(name, None)
        answer = {"REPOSITORY": repository, "BRANCH": self.branch, "FORK": str(fork).lower(), "EVENT": event}
        return subprocess.run(
            [self.clone / ".github" / "direccion.sh"],
            cwd=self.clone,
            env={**inherited, **IDENTITY, **answer, **environment},
            capture_output=True,
            text=True,
        )

    def commits(self):
        return int(git(self.remote, "rev-list", "--count", self.branch))

    def published(self, path):
        return git(self.remote, "show", f"{self.branch}:{path}")


@pytest.fixture
def course(tmp_path):
    return Repository(tmp_path)


def test_another_address_is_published_in_one_commit(course):
    run = course.run()
    assert run.returncode == 0, run.stderr
    assert course.commits() == 2
    assert course.published("pyproject.toml").count("https://github.com/ana/otro-curso/tree/main") == 1
    for path in ("README.md", *(f"notebooks/{path.name}" for path in (ROOT / "notebooks").glob("*.ipynb"))):
        links = re.findall(r"(?:github|gh)/([^/]+/[^/]+)/(?:blob/)?main\b", course.published(path))
        assert links and set(links) == {"ana/otro-curso"}, path
    assert "https://github.com/ana/otro-curso" in course.published("fuentes/01_datos.py")


def test_github_lets_an_action_push_it(course):
    """GitHub no deja que una acción cambie otras acciones con el permiso que esta tiene."""
    course.run()
    changed = git(course.remote, "diff", "--name-only", "main~1", "main").splitlines()
    assert changed and not [path for path in changed if path.startswith(".github/")]


def test_the_second_time_there_is_nothing_to_do(course):
    course.run()
    again = course.run()
    assert (again.returncode, again.stdout) == (0, "La dirección ya es ana/otro-curso, rama main.\n")
    assert course.commits() == 2


def test_a_fork_is_left_alone_until_somebody_asks(course):
    assert course.run(fork=True).returncode == 0
    assert course.commits() == 1
    assert course.run(fork=True, event="workflow_dispatch").returncode == 0
    assert course.commits() == 2


@pytest.mark.parametrize("branch", ["otoño/2027_v1.2+b", "a/tree/b", "e@1=2"])
def test_branches_with_unusual_names(tmp_path, branch):
    course = Repository(tmp_path, branch)
    run = course.run()
    assert run.returncode == 0, run.stderr
    text = course.published("notebooks/01_datos.ipynb")
    assert f"github/ana/otro-curso/blob/{branch}/notebooks/01_datos.ipynb" in text
    assert f"gh/ana/otro-curso/{branch}?urlpath" in text
    assert f'REFERENCE = \\"{branch}\\"' in text
    # La rama de la que se parte ahora no es «main»: se ha de reconocer entera.
    assert course.run("eva/curso").returncode == 0
    assert f"github/eva/curso/blob/{branch}/notebooks" in course.published("notebooks/01_datos.ipynb")
    assert "ana/otro-curso" not in course.published("notebooks/01_datos.ipynb")


@pytest.mark.parametrize(
    "branch",
    ["$(touch${IFS}intruso)", "`touch${IFS}intruso`", "a;touch${IFS}intruso", 'a"b', "a|b", "$(shell)"],
)
def test_a_branch_that_does_not_fit_in_an_address_is_refused_and_not_executed(tmp_path, branch):
    course = Repository(tmp_path, branch)
    run = course.run()
    assert run.returncode != 0
    assert f"REF, «{branch}», tiene caracteres que no caben en una dirección" in run.stderr
    assert not list(tmp_path.rglob("intruso"))
    assert course.commits() == 1


def test_what_others_publish_meanwhile_is_kept(course, tmp_path):
    """Alguien publica justo antes de que se publique la dirección: se vuelve a empezar desde lo suyo."""
    other = tmp_path / "otra persona"
    git(tmp_path, "clone", "--quiet", str(course.remote), str(other))
    hook(course, f'[ -e "{tmp_path}/hecho" ] || {{ touch "{tmp_path}/hecho"; {publish(other)}; }}')
    run = course.run()
    assert run.returncode == 0, run.stderr
    assert "de otra persona" in course.published("nota.txt")
    assert course.commits() == 3
    assert "ana/otro-curso" in course.published("pyproject.toml")


def test_a_branch_that_accepts_nothing_gives_a_clear_error(course):
    rejection = course.remote / "hooks" / "pre-receive"
    rejection.write_text("#!/bin/sh\nexit 1\n")
    rejection.chmod(0o755)
    run = course.run()
    assert run.returncode == 1
    last = run.stderr.splitlines()[-1]
    assert last.startswith("No se pudo publicar la dirección en «main» tras 3 intentos.")
    assert course.commits() == 1


def hook(course, command):
    """Ejecuta algo en el clon justo antes de cada publicación."""
    path = course.clone / ".git" / "hooks" / "pre-push"
    path.write_text(f"#!/bin/sh\nunset $(git rev-parse --local-env-vars)\n{command}\n")
    path.chmod(0o755)


def publish(folder):
    return (
        f'cd "{folder}" && echo "de otra persona" > nota.txt && git add . '
        "&& git commit --quiet --message=nota && git push --quiet"
    )
