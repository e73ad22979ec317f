"""¿Notan los ejercicios una solución estropeada? Cambia cada una, al azar, y mira si la comprobación lo dice.

Cada cambio es pequeño: un eje, un signo, una comparación, un índice que se pasa de uno, una llamada que
falta, dos argumentos cambiados de orden. Los que no cambian lo que la solución hace están en `EQUIVALENT`,
con su porqué, y no cuentan. Acaba con error si se notan menos del 95 %.
Uso: python -m ejercicios.mutantes [03…]
"""

import ast
import contextlib
import copy
import io
import linecache
import os
import random
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import matplotlib
import nbformat

from ejercicios.derivar import MARK, SOLUTIONS
from gradcam_helpers import checks

SEED = 16
MOST = 18  # cambios por ejercicio
LEAST = 0.95  # parte de ellos que debe notarse

# Lo que se busca en un panel: cambiada, la búsqueda da otro hallazgo, que vale si cumple lo que se pide.
SOUGHT = ("03-4", "04-4", "05-4")

# Cambios que no cambian nada: ejercicio, y cómo queda la línea → por qué.
EQUIVALENT: dict[tuple[str, str], str] = {
    ("01-5", "order = individuals"): "se pide un reparto que se repita, sorteado o no",
    ("01-5", "order = np.random.default_rng(1).permutation(individuals)"): "vale cualquier semilla",
    ("02-3", "return batches.map(lambda x, y: (x / 255, y))"): "TensorFlow divide uint8 en float32",
    ("02-4", "left, values, right = np.linalg.svd(matrix)"): "las direcciones que sobran no se usan",
    ("02-4", "left, values, right = np.linalg.svd(matrix, full_matrices=True)"): "tampoco así se usan",
    (
        "02-5",
        "same = [np.array_equal(answers[128], each) for each in answers.values()]",
    ): "la igualdad es simétrica",
    ("03-1", "support = np.maximum(0, signed)"): "el máximo es simétrico",
    ("03-1", "empty = support"): "donde no se divide, ya vale 0",
    ("03-2", "hidden = body(activations)"): "fuera de un entrenamiento, Keras ya apaga el dropout",
    ("03-2", "logits = tf.matmul(hidden, output.kernel) - output.bias"): "el sesgo no cambia el gradiente",
    ("03-3", "return mixed.astype(np.uint8)"): "truncar en lugar de redondear es un nivel de gris",
    ("04-3", "relevance = cv2.resize(np.maximum(0, raw), mask.shape[::-1])"): "el máximo es simétrico",
    ("04-3", "return -np.nan"): "NaN no tiene signo",
    ("04-5", "bias = [0, 2 * np.median(means.sum(axis=1))]"): "es un diseño: otro sesgo lo cumple también",
    (
        "05-3",
        "draws = generator.choice(people, size=(1999, len(people)))",
    ): "uno menos, entre dos mil sorteos",
    ("05-3", "draws = generator.choice(people, size=(2001, len(people)))"): "uno más, entre dos mil sorteos",
    ("05-5", "on_white = np.where(mask[..., np.newaxis], image, 255)"): "el tipo lo pone la imagen",
    (
        "05-5",
        "columns = slice(width // 4, width // 4 - width // 2)",
    ): "con un ancho múltiplo de 4, desde el final es la misma columna",
    ("05-5", "small = cv2.resize(on_white, (width // 2, height // 2))"): "vale cualquier interpolación",
}

SWAPPED = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.And: ast.Or,
    ast.Or: ast.And,
}


def variants(node: ast.AST) -> Iterator[ast.AST]:
    """Lo que podría estar en lugar de ese nodo, por una distracción."""
    match node:
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value)):
            yield ast.Constant(value + 1)
            yield ast.Constant(value - 1)
        case ast.Constant(value=float(value)):
            yield ast.Constant(value + 1)
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in SWAPPED:
            yield ast.BinOp(left, SWAPPED[type(operator)](), right)
        case ast.BoolOp(op=operator, values=values):
            yield ast.BoolOp(SWAPPED[type(operator)](), values)
        case ast.Compare(left=left, ops=[operator], comparators=others) if type(operator) in SWAPPED:
            yield ast.Compare(left, [SWAPPED[type(operator)]()], others)
        case ast.UnaryOp(operand=operand):
            yield operand
        case ast.Call(func=function, args=arguments, keywords=keywords):
            if arguments and not isinstance(arguments[0], ast.Starred):
                yield arguments[0]
            if len(arguments) > 1:
                yield ast.Call(function, [arguments[1], arguments[0], *arguments[2:]], keywords)
            for keyword in keywords:
                yield ast.Call(function, arguments, [each for each in keywords if each is not keyword])
        case ast.Return(value=value) if value is not None:
            yield ast.Return(ast.UnaryOp(ast.USub(), value))


class _Replace(ast.NodeTransformer):
    def __init__(self, place: int, new: ast.AST):
        self.place, self.new, self.count = place, new, -1

    def visit(self, node):
        self.count += 1
        if self.count == self.place:
            return ast.copy_location(copy.deepcopy(self.new), node)
        return self.generic_visit(node)


def mutants(cell: str) -> Iterator[tuple[str, str]]:
    """Cada cambio en lo que está entre las marcas de una celda: la celda, y la línea que queda distinta."""
    inside, solution = set(), False
    for number, line in enumerate(cell.splitlines(), start=1):
        if mark := MARK.search(line):
            solution = not mark[1]
        elif solution:
            inside.add(number)
    tree = ast.parse(cell)
    original = ast.unparse(tree).splitlines()
    nodes = list(_in_visiting_order(tree))
    for place, node in enumerate(nodes):
        if getattr(node, "lineno", None) not in inside:
            continue
        for new in variants(node):
            mutant = ast.unparse(ast.fix_missing_locations(_Replace(place, new).visit(copy.deepcopy(tree))))
            lines = [line for line in mutant.splitlines() if line not in original]
            if lines:
                yield mutant, lines[0].strip()


def _in_visiting_order(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _in_visiting_order(child)


def _compile(cell: str):
    """Una celda, con su código donde lo buscan los avisos de error y TensorFlow, como en Jupyter."""
    name = f"<celda {hash(cell)}>"
    linecache.cache[name] = len(cell), None, cell.splitlines(keepends=True), name
    return compile(cell, name, "exec")


def survives(cell: str, key: str, namespace: dict) -> bool:
    """Si, con la celda cambiada, el ejercicio sigue bien."""
    scope = {**namespace, "comprobar": checks.Checker()}
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            exec(_compile(cell), scope)
        except Exception:  # la propia celda se detiene: quien estudia lo ve
            return False
    return scope["comprobar"].hecho(key)


def attack(path: Path, chance: random.Random) -> tuple[int, int]:
    """Ataca un cuaderno de soluciones: cuántos cambios se prueban, y cuántos se notan."""
    namespace, tried, caught = {"__name__": "__main__"}, 0, 0
    os.chdir(path.parent)
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type != "code":
            continue
        with contextlib.redirect_stdout(io.StringIO()):
            exec(_compile(cell.source), namespace)
        keys = [key for key in checks.EXERCISES if f'comprobar("{key}"' in cell.source]
        if not keys or keys[0] in SOUGHT or checks.EXERCISES[keys[0]].check is None:
            continue
        every = [(mutant, line) for mutant, line in mutants(cell.source) if (keys[0], line) not in EQUIVALENT]
        for mutant, line in chance.sample(every, min(MOST, len(every))):
            tried += 1
            if survives(mutant, keys[0], namespace):
                print(f"{keys[0]} no nota: {line}")
            else:
                caught += 1
    return tried, caught


def main() -> None:
    matplotlib.use("agg")
    warnings.simplefilter("ignore")  # los de las soluciones estropeadas
    chance = random.Random(SEED)
    totals = [0, 0]
    for path in sorted(SOLUTIONS.glob("*.ipynb")):
        if sys.argv[1:] and path.stem[:2] not in sys.argv[1:]:
            continue
        tried, caught = attack(path, chance)
        print(f"Lección {path.stem[:2]}: se notan {caught} de {tried}", flush=True)
        totals = [totals[0] + tried, totals[1] + caught]
    tried, caught = totals
    print(f"En total: se notan {caught} de {tried}, el {100 * caught / tried:.1f} %")
    sys.exit(caught < LEAST * tried)


if __name__ == "__main__":
    main()
