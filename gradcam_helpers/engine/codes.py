"""Códigos cortos, con los que un número pasa de un cuaderno a otro copiado a mano.

Se escriben en base 31, con cifras y letras que no se confunden: ni 0 y O, ni 1, I y L. El último símbolo es
de control: multiplicado cada uno por su lugar (1, 2, 3…), la suma es múltiplo de 31. Como 31 es primo, la
estropean cualquier símbolo cambiado y cualesquiera dos que se truequen.
"""

SYMBOLS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
BASE = len(SYMBOLS)
LENGTH = 6  # símbolos, también el de control
GROUP = 3  # se escriben en grupos: «K7M-2QX»
LIMIT = BASE ** (LENGTH - 1)  # los números van de 0 a uno menos


def write_code(number: int) -> str:
    """El código de un número, de 0 a `LIMIT` − 1."""
    if not 0 <= number < LIMIT:
        raise ValueError(f"Un código lleva un número de 0 a {LIMIT - 1}, y este es {number}.")
    digits = [number // BASE**power % BASE for power in range(LENGTH - 1)]
    digits.append(-_weigh(digits) * pow(LENGTH, -1, BASE) % BASE)
    symbols = "".join(SYMBOLS[digit] for digit in digits)
    return "-".join(symbols[start : start + GROUP] for start in range(0, LENGTH, GROUP))


def read_code(text: str) -> int:
    """El número de un código; dan igual las mayúsculas, los espacios y los guiones.

    Errores:
        ValueError: le faltan o le sobran símbolos, o alguno no es el que era.
    """
    if not isinstance(text, str):
        raise ValueError("Un código es un texto: escríbelo entre comillas.")
    symbols = [each for each in text.upper() if each.isalnum()]
    for each in symbols:
        if each not in SYMBOLS:
            raise ValueError(f"En «{text}» hay «{each}», que ningún código lleva. Cópialo otra vez.")
    if len(symbols) != LENGTH:
        raise ValueError(f"Un código tiene {LENGTH} símbolos, y «{text}», {len(symbols)}. Cópialo otra vez.")
    digits = [SYMBOLS.index(each) for each in symbols]
    if _weigh(digits) % BASE:
        raise ValueError(f"En «{text}» algún símbolo no es el que era. Cópialo otra vez.")
    return sum(digit * BASE**power for power, digit in enumerate(digits[:-1]))


def _weigh(digits: list[int]) -> int:
    return sum(place * digit for place, digit in enumerate(digits, start=1))
