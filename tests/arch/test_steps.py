import numpy as np
import pytest

from hwgen.arch.steps import FIELDS, Mode, Step, descriptor_words
from hwgen.errors import UserError


def random_step(rng):
    fields = {}
    for name, (_, _, bits, signed) in FIELDS.items():
        low, high = (-(1 << (bits - 1)), 1 << (bits - 1)) if signed else (0, 1 << bits)
        fields[name] = int(rng.integers(max(low, 1) if not signed else low, high))
        if bits == 1:
            fields[name] = bool(rng.integers(2))
    return Step(**fields | {"mode": Mode(int(rng.integers(4)))})


def test_words():
    rng = np.random.default_rng(0)
    for _ in range(100):
        step = random_step(rng)
        assert Step.from_words(step.to_words()) == step


def test_fields_do_not_overlap():
    taken = {(1, bit) for bit in range(24, 32)}
    for word, low, bits, _ in FIELDS.values():
        for bit in range(low, low + bits):
            assert (word, bit) not in taken and word < 20 and bit < 32
            taken.add((word, bit))


def test_descriptor():
    step = Step(mode=Mode.DIRECT, scaled=True, last_columns=3, pad=-2, low=-7, base=-1, y=9)
    words = step.to_words()
    assert words[0] == 2 | 1 << 12 | 3 << 16 | 0xfe << 24
    assert words[1] == 0xf9 << 8 | 127 << 16 | 0x5a << 24
    assert words[4] == 1 | 9 << 16
    assert words[7] == 0xffffffff


@pytest.mark.parametrize("columns, words", [(4, 20), (7, 12), (16, 5), (32, 3)])
def test_descriptor_words(columns, words):
    assert descriptor_words(columns) == words


@pytest.mark.parametrize("fields, message", [
    ({"tiles": 0}, "tiles of a step must be from 1 to 65535, not 0"),
    ({"x_step": 65536}, "x_step of a step must be from 0 to 65535, not 65536"),
    ({"row0": -32769}, "row0 of a step must be from -32768 to 32767, not -32769"),
])
def test_wrong(fields, message):
    with pytest.raises(UserError) as error:
        Step(mode=Mode.MATRIX, last_columns=1, **fields)
    assert str(error.value) == message


def test_words_wrong():
    words = Step(mode=Mode.MATRIX, last_columns=1).to_words()
    with pytest.raises(UserError, match="its magic number is missing"):
        Step.from_words(words * 0)
    words[0] |= 11
    with pytest.raises(UserError, match="mode of a step must be from 0 to 10, not 11"):
        Step.from_words(words)


def test_values_of_depthwise():
    step = Step(mode=Mode.DEPTHWISE, last_columns=1, x=9, y=7, prime_x=2, stride_x=2, prime_y=1,
                stride_y=3)
    assert (step.vectors, step.size, step.values) == (63, (2, 4), 8)
    assert step.replace(mode=Mode.MATRIX).values == 63
