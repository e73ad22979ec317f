"""Las tablas que cita la lección 5: enteras, o no se escriben."""

import pytest

from gradcam_helpers import data
from gradcam_helpers.engine.backend import keras
from medidas.experimento import tables


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(4)
    return keras.Sequential(
        [
            keras.Input(data.IMAGE_SHAPE),
            keras.layers.Conv2D(3, 3, strides=10, activation="relu", name="una"),
            keras.layers.Flatten(),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )


def test_a_table_names_each_class_kind_and_method(network, embedded_source):
    lines = list(tables.report("Una", network, embedded_source))
    assert all(line.startswith("Una, ") for line in lines)
    names = [line.partition(":")[0] for line in lines]
    assert len(set(names)) == len(names)  # las lecturas los citan por lo que llevan delante
    for class_name in data.CLASS_NAMES:
        for kind in ("blanco", "bosque", "desierto", "playa"):
            assert f"Una, {class_name}, {kind}" in names
    for what in (*tables.METHODS, "un mapa uniforme", "la duda, sin mapa"):
        for which in ("todos", "solo aciertos"):
            assert f"Una, {which}, {what} ordena bien" in names


def test_a_table_that_fails_halfway_leaves_the_old_one(tmp_path):
    def lines():
        yield "una"
        raise ValueError("se acabó")

    path = tmp_path / "resultados" / "tabla.txt"
    tables.write(path, iter(["dos", "líneas"]))
    assert path.read_text(encoding="utf-8") == "dos\nlíneas\n"
    with pytest.raises(ValueError, match="se acabó"):
        tables.write(path, lines())
    assert path.read_text(encoding="utf-8") == "dos\nlíneas\n"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("arguments", [[], ["otras"], ["semillas", "reales"]])
def test_what_is_asked_must_be_a_table(arguments, monkeypatch):
    monkeypatch.setattr("sys.argv", ["tables", *arguments])
    with pytest.raises(SystemExit, match="semillas|reales"):
        tables.main()
