"""What check bits promise, as a circuit that a prover can check."""

from dataclasses import replace

from amaranth import *
from amaranth.asserts import AnySeq
from amaranth.hdl import Assert

from hwgen.arch.codes import Code
from hwgen.rtl.primitives import codes

from ...formal import Spec, prove


def with_column(code, index, column):
    """Return a code in which a bit counts in other checks."""
    columns = [*code.columns]
    columns[index] = column
    return replace(code, columns=tuple(columns))


def two_ones(code):
    """Return a code with a column of two ones, so that its bit flips what is detected."""
    return with_column(code, 0, code.columns[0] & (code.columns[0] - 1))


def equal_columns(code):
    """Return a code that cannot tell two bits apart."""
    return with_column(code, 1, code.columns[0])


def other_decoder(code):
    """Return the code of a decoder that takes one bit for another."""
    first, second, *others = code.columns
    return replace(code, columns=(second, first, *others))


DAMAGED = {"two ones": (two_ones, two_ones), "equal columns": (equal_columns, equal_columns),
           "decoder": (Code, other_decoder), "encoder": (equal_columns, Code)}
"""Planted defects: what becomes of the code in the encoder, and in the decoder."""


def same(code):
    """Return the code itself."""
    return code


class CodeSpec(Spec):
    """A word is stored, none, one or two bits of it are flipped, and it is read."""

    def __init__(self, code, damage=None):
        super().__init__(None)
        self.code = code
        self.stored, self.read = (same if each is Code else each
                                  for each in DAMAGED.get(damage, (same, same)))

    def elaborate(self, platform):
        m = Module()
        m.domains += self.sync
        code = self.code
        word = AnySeq(code.width)
        # A bit beyond the word flips nothing.
        places = [AnySeq(range(code.size + 1)) for _ in range(2)]
        masks = [(1 << place)[:code.size] for place in places]
        stored, flips = Signal(code.size), Signal(code.size)
        m.d.comb += [stored.eq(codes.encode(self.stored(code), word)),
                     flips.eq(masks[0] ^ masks[1])]
        data, corrected, detected = codes.decode(m, self.read(code), stored ^ flips, "word")
        one, two = Signal(), Signal()
        m.d.comb += [one.eq((masks[0] == 0) ^ (masks[1] == 0)),
                     two.eq((masks[0] != 0) & (masks[1] != 0) & (masks[0] != masks[1])),
                     Assert((data == word) | flips.any(), "what is stored is not read"),
                     Assert(~(corrected | detected) | flips.any(), "a flip where there is none"),
                     Assert(~(corrected & detected), "both")]
        if code.corrects:
            m.d.comb += [Assert(~one | ((data == word) & corrected), "a flip is not corrected"),
                         Assert(~two | detected, "two flips are not detected")]
        else:
            m.d.comb += Assert(~one | detected, "a flip is not detected")
        return m

    def prove(self, workdir):
        """Prove it for all words and all flips: it has no state."""
        prove(self, workdir, depth=1, always=True)
