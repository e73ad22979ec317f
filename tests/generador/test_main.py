"""Las órdenes de `python -m generador`: lo que hacen y lo que dicen cuando no pueden."""

import os
import sys

import cv2
import numpy as np
import pytest

from generador import __main__ as main
from generador import probes, writer


@pytest.fixture
def drawing_is_a_fault(monkeypatch):
    def draw(chosen):
        raise AssertionError("Se ha puesto a dibujar.")

    monkeypatch.setattr(writer, "examples", draw)


def order(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["generador", *map(str, arguments)])
    main.main()


def message(monkeypatch, *arguments) -> str:
    """Lo que se lee cuando la orden se niega."""
    with pytest.raises(SystemExit) as refusal:
        order(monkeypatch, *arguments)
    return refusal.value.code


# --- Lo que se entiende -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [[], ["dibuja"], ["hoja"], ["hoja", "a.png", "b.png"], ["datos", "una", "dos"], ["HOJA", "a.png"]],
)
def test_other_orders_are_answered_with_the_usage(arguments, monkeypatch, drawing_is_a_fault):
    text = message(monkeypatch, *arguments)
    assert text.startswith(f"No se entiende «{' '.join(['python -m generador', *arguments])}».")
    assert "python -m generador datos [carpeta]\npython -m generador hoja fichero.png" in text


@pytest.mark.parametrize("arguments", [["-h"], ["--help"], ["datos", "--help"], ["hoja", "-h"]])
def test_help_is_in_spanish(arguments, monkeypatch, drawing_is_a_fault, capsys):
    order(monkeypatch, *arguments)
    assert capsys.readouterr().out.startswith("Rehace los datos embebidos, o dibuja una hoja")


def test_a_wrong_order_ends_with_an_error_and_without_traceback(run_python):
    run = run_python("-m", "generador", "hoja")
    assert run.returncode == 1 and run.stdout == b""
    assert run.stderr.decode().startswith("No se entiende «python -m generador hoja».")


# --- La hoja ------------------------------------------------------------------------------------------

SHEET = """
import sys
from generador import __main__ as main
main.SHEET_SIDE = 2
main.main()
"""


def test_sheet_shows_pictures_of_the_set(run_python, tmp_path, subjects, same_bits):
    path = tmp_path / "hoja.png"
    run = run_python("-c", SHEET, "hoja", path)
    assert run.returncode == 0, run.stderr.decode()
    sheet = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    assert sheet.shape == (600, 600, 3)
    shown = sheet.reshape(2, 300, 2, 300, 3).swapaxes(1, 2).reshape(4, 300, 300, 3)
    differences = [
        min(np.abs(one[::10, ::10].astype(int) - image[::10, ::10]).mean() for one in shown)
        for image in (example.image for example in subjects)
    ]
    assert (np.array(differences) < 0.5).sum() == 4
    assert os.listdir(tmp_path) == ["hoja.png"]


@pytest.mark.parametrize("name", ["hoja", "hoja.txt", ""])
def test_sheet_must_be_a_picture(name, tmp_path, monkeypatch, drawing_is_a_fault):
    path = tmp_path / name
    assert message(monkeypatch, "hoja", path) == (
        f"«{path}» no sirve: da el nombre de una imagen, como «hoja.png»."
    )


def test_sheet_in_a_folder_that_is_not_there(tmp_path, monkeypatch, drawing_is_a_fault):
    text = message(monkeypatch, "hoja", tmp_path / "nada" / "hoja.png")
    assert text.startswith(f"No se puede escribir en «{tmp_path / 'nada'}»: comprueba que es una carpeta")
    assert os.listdir(tmp_path) == []


def test_sheet_over_a_protected_file(tmp_path, monkeypatch, drawing_is_a_fault):
    path = tmp_path / "hoja.png"
    path.write_bytes(b"de antes")
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)  # también para quien todo lo puede
    assert message(monkeypatch, "hoja", path) == f"«{path}» está protegido: da otro nombre."
    assert path.read_bytes() == b"de antes"


# --- Los datos ----------------------------------------------------------------------------------------


@pytest.fixture
def small_set(subjects, monkeypatch):
    """Uno de cada siete ejemplos guardados, en lugar de dibujarlos todos."""
    chosen = subjects[::7]
    encoded = {example.plan: example.encoded for example in chosen}
    monkeypatch.setattr(main, "plans", lambda: list(encoded))
    monkeypatch.setattr(writer, "examples", lambda plans: (encoded[plan] for plan in plans))
    return chosen


def test_data_are_written_and_measured(small_set, tmp_path, monkeypatch, capsys):
    order(monkeypatch, "datos", tmp_path / "nueva")
    folder = tmp_path / "nueva" / writer.NAME / writer.VERSION
    first, *rest = capsys.readouterr().out.splitlines()
    size = sum(path.stat().st_size for path in folder.iterdir())
    assert first == f"{len(small_set)} imágenes, {size / 1e6:.1f} MB en {folder}"
    expected = []
    for split in ("train", "test"):
        part = [example for example in small_set if example.plan.split == split]
        found = probes.measure([example.plan for example in part], [example.encoded for example in part])
        expected += [(name, split, f"{accuracy:.3f}") for name, accuracy in found.items()]
    assert len(rest) == len(expected) == 4
    for line, (name, split, accuracy) in zip(rest, expected, strict=True):
        assert line.startswith(f"Sonda del {name} en «{split}»: exactitud {accuracy} (")


@pytest.mark.parametrize(("limit", "verdict"), [(1.0, "(bien)"), (0.0, "(MAL: el límite es 0.0)")])
def test_probes_are_compared_with_their_limits(limit, verdict, small_set, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(probes, "LIMITS", {"color": limit, "tamaño": limit})
    order(monkeypatch, "datos", tmp_path)
    lines = capsys.readouterr().out.splitlines()[1:]
    assert len(lines) == 4 and all(line.endswith(verdict) for line in lines)


def test_data_in_a_folder_that_cannot_be_created(tmp_path, monkeypatch, drawing_is_a_fault):
    (tmp_path / "fichero").write_text("no es una carpeta")
    for folder in (tmp_path / "fichero", tmp_path / "fichero" / "datos"):
        assert message(monkeypatch, "datos", folder) == (
            f"No se puede escribir en «{folder}»: comprueba que es una carpeta y que tienes permiso."
        )
    assert os.listdir(tmp_path) == ["fichero"]


def test_data_go_into_the_package_unless_another_folder_is_given(root, monkeypatch):
    folders = []
    monkeypatch.setattr(main, "make_data", folders.append)
    order(monkeypatch, "datos")
    assert folders == [root / "gradcam_helpers" / "datos"]
