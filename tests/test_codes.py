"""Los códigos cortos: se leen igual que se escriben, y uno mal copiado no se toma por otro."""

import itertools

import numpy as np
import pytest

from gradcam_helpers.engine import codes

NUMBERS = [0, 1, codes.LIMIT - 1, *np.random.default_rng(5).integers(0, codes.LIMIT, 200).tolist()]


def test_what_is_written_is_read():
    written = [codes.write_code(number) for number in NUMBERS]
    assert [codes.read_code(code) for code in written] == NUMBERS
    assert len(set(written)) == len(set(NUMBERS))


def test_no_two_symbols_look_alike():
    assert len(set(codes.SYMBOLS)) == 31
    assert not set("0O1IL") & set(codes.SYMBOLS)


@pytest.mark.parametrize(
    "change", [str.lower, lambda code: code.replace("-", " "), lambda code: f" {code}\n"]
)
def test_case_spaces_and_dashes_do_not_matter(change):
    for number in NUMBERS[:20]:
        assert codes.read_code(change(codes.write_code(number))) == number


def test_one_wrong_symbol_is_refused():
    for number in NUMBERS[:20]:
        symbols = codes.write_code(number).replace("-", "")
        for place, symbol in itertools.product(range(codes.LENGTH), codes.SYMBOLS):
            if symbol != symbols[place]:
                with pytest.raises(ValueError, match="algún símbolo no es el que era"):
                    codes.read_code(symbols[:place] + symbol + symbols[place + 1 :])


def test_two_swapped_symbols_are_refused():
    swaps = 0
    for number in NUMBERS:
        symbols = codes.write_code(number).replace("-", "")
        for one, other in itertools.combinations(range(codes.LENGTH), 2):
            swapped = list(symbols)
            swapped[one], swapped[other] = swapped[other], swapped[one]
            if swapped != list(symbols):
                swaps += 1
                with pytest.raises(ValueError, match="algún símbolo no es el que era"):
                    codes.read_code("".join(swapped))
    assert swaps > 2000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "6 símbolos, y «», 0"),
        ("ABC-DE", "6 símbolos, y «ABC-DE», 5"),
        ("ABC-DEFG", "6 símbolos, y «ABC-DEFG», 7"),
        ("ABC-DE0", "hay «0», que ningún código lleva"),
        ("ÁBC-DEF", "hay «Á»"),
        (123456, "entre comillas"),
        (None, "entre comillas"),
    ],
)
def test_what_is_not_a_code_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        codes.read_code(text)


@pytest.mark.parametrize("number", [-1, codes.LIMIT])
def test_a_number_that_does_not_fit_is_refused(number):
    with pytest.raises(ValueError, match=f"de 0 a {codes.LIMIT - 1}"):
        codes.write_code(number)
