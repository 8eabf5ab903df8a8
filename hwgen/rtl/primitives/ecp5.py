"""Lattice ECP5: DSP blocks, carry chains, and registers that synthesis leaves alone."""

from collections.abc import Callable

from amaranth import *

from . import generic
from .generic import MultiplierBase, product_shape
from .packed import SHIFT, PackedMultiplierBase
from .packed import WIDTH as PACKED_WIDTH
from .pipeline import later

__all__ = ["FabricMultiplier", "Multiplier", "PackedMultiplier", "chain", "counts", "gated_sum",
           "register", "table"]

WIDTH = 18
"""Bits of an operand."""


def register(m: Module, value: Value, name: str, enable: Value | None = None) -> Value:
    """Return ``value``, a cycle later, from registers that synthesis does not merge with others.

    Without ``enable`` they keep what they have.
    """
    # One signal on either side: of an expression or of many signals, bits are slow to take.
    whole, stored = Signal(len(value), name=f"{name}_next"), Signal(len(value), name=name)
    m.d.comb += whole.eq(value)
    kind = "1" if enable is None else "CE"
    for index in range(len(value)):
        m.submodules[f"{name}_{index}"] = Instance(
            "TRELLIS_FF", p_GSR="DISABLED", p_CEMUX=kind, p_CLKMUX="CLK", p_LSRMUX="LSR",
            p_SRMODE="LSR_OVER_CE", p_REGSET="RESET", i_CLK=ClockSignal(), i_LSR=Const(0, 1),
            i_CE=Const(1, 1) if enable is None else enable, i_DI=whole[index],
            o_Q=stored[index])
    return stored


class Multiplier(MultiplierBase):
    """Equal to :class:`generic.Multiplier`, in one MULT18X18D with all of its own registers.

    The four multipliers of a DSP block share four clock enables. CE0 is tied high, because the
    block's output registers can use no other, so at most three different ``take`` signals fit
    into a block. With ``enable`` None ``b`` is stored beside the block instead.

    Parameters
    ----------
    a_shape, b_shape : Shape
        As for :class:`generic.Multiplier`, up to 18 bits signed, 17 bits unsigned.
    site : str or None
        Place of the multiplier as nextpnr names it, or none to leave it to the placer.
    enable : int or None
        Which of CE1 to CE3 carries ``take``; none to hold ``b`` beside the block.
    """

    def __init__(self, a_shape: Shape, b_shape: Shape, *, site: str | None = None,
                 enable: int | None = 1) -> None:
        super().__init__(a_shape, b_shape)
        self.site = site
        self.enable = enable

    def elaborate(self, platform: object) -> Module:
        m = Module()
        a, b = self.a, self.b
        registers = {f"p_REG_{register}_{kind}": value
                     for register in ("INPUTA", "INPUTB", "PIPELINE", "OUTPUT")
                     for kind, value in (("CLK", "CLK0"), ("CE", "CE0"), ("RST", "RST0"))}
        enables: dict[str, Value] = {"i_CE0": Const(1, 1)}
        if self.enable is None:
            # One register here for each operand, so one less inside: the pipeline's.
            a, b = self._store(m, "stored_")
            registers["p_REG_PIPELINE_CLK"] = "NONE"
        else:
            registers["p_REG_INPUTB_CE"] = f"CE{self.enable}"
            enables[f"i_CE{self.enable}"] = self.take

        wide_a = Signal(Shape(WIDTH, self.a_shape.signed))
        wide_b = Signal(Shape(WIDTH, self.b_shape.signed))
        product = Signal(2 * WIDTH)
        m.d.comb += [wide_a.eq(a), wide_b.eq(b), self.p.eq(product)]
        m.submodules.dsp = Instance(
            "MULT18X18D",
            **({"a_BEL": self.site} if self.site else {}),
            **registers,
            i_CLK0=ClockSignal(),
            i_SIGNEDA=Const(self.a_shape.signed, 1),
            i_SIGNEDB=Const(self.b_shape.signed, 1),
            i_SOURCEA=Const(0, 1),
            i_SOURCEB=Const(0, 1),
            **enables,
            i_RST0=Const(0, 1),
            **{f"i_A{n}": wide_a[n] for n in range(WIDTH)},
            **{f"i_B{n}": wide_b[n] for n in range(WIDTH)},
            **{f"o_P{n}": product[n] for n in range(2 * WIDTH)},
        )
        return m


class PackedMultiplier(PackedMultiplierBase):
    """Equal to :class:`packed.PackedMultiplier`, in one MULT18X18D and a little fabric.

    The products overlap in a few bits. There ``p.high`` is the sum of ``excess`` and of ``a`` times
    the high operand, whose lowest bits the fabric computes: three carry chains and an adder, for
    operands of 8 bits that are 10 bits apart.

    Parameters
    ----------
    width, shift : int
        As for :class:`packed.PackedMultiplier`, together at most 18.
    site, enable
        As for :class:`Multiplier`.
    """

    def __init__(self, width: int = PACKED_WIDTH, shift: int = SHIFT, *, site: str | None = None,
                 enable: int | None = 1) -> None:
        if width + shift > WIDTH:
            raise ValueError(f"Width and shift must be at most {WIDTH} together, not "
                             f"{width + shift}")
        super().__init__(width, shift)
        self.site = site
        self.enable = enable

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.wide = wide = Multiplier(
            signed(self.width), signed(self.width + self.shift), site=self.site,
            enable=self.enable)
        m.d.comb += [wide.a.eq(self.a), wide.b.eq(self._wide()), wide.take.eq(self.take),
                     Value.cast(self.p).eq(wide.p)]

        overlap = 2 * self.width - self.shift
        a, b = (Signal(overlap, name=name, reset_less=True) for name in ("low_a", "low_b"))
        m.d.sync += a.eq(self.a[:overlap])
        with m.If(self.take):
            m.d.sync += b.eq(self.b.high[:overlap])
        total: Value = Const(0, 0)
        one = Const(1, 1)
        for low in range(0, overlap, 2):
            # Bits that lie above the overlap are left out.
            bits = [*a][:overlap - low]
            first: list[Pair] = [(bit, b[low]) for bit in bits]
            second: list[Pair] = [(Const(0, 1), one)] * len(first)
            if low + 1 < overlap:
                second[1:] = [(bit, b[low + 1]) for bit in bits[:-1]]
            term = later(m, carry_chain(m, f"pair_{low}", first, second), 1, f"term_{low}")
            if low:
                term = carry_chain(m, f"sum_{low}", [(bit, one) for bit in total[low:]],
                                   [(bit, one) for bit in term])
            total = Cat(total[:low], term)
        product = Signal(overlap, reset_less=True)
        excess = Signal.like(self.excess, name="stored_excess", reset_less=True)
        m.d.sync += [product.eq(total), excess.eq(self.p.high[:overlap] - product)]
        m.d.comb += self.excess.eq(excess)
        return m


class FabricMultiplier(MultiplierBase):
    """Equal to :class:`generic.Multiplier`, on carry chains, for cells that get no DSP block.

    One half of a CCU2C is a 4-input LUT on a carry chain, and so adds a bit of ``a & b[n]`` and a
    bit of ``a & b[n + 1]`` without further gates: the first stage sums partial products in pairs,
    the second one sums the pairs. An 8x8 multiplier is 74 LUT4 and 72 registers, where yosys makes
    188 LUT4 of the same sums.
    """

    def elaborate(self, platform: object) -> Module:
        m = Module()
        a, b = self._store(m)

        def gate(bit: int, shift: int) -> list[Pair]:
            """Return the bits of ``a << shift`` where that bit of ``b`` is set, else 0."""
            width = self.a_shape.width
            extension = a[-1] if self.a_shape.signed else Const(0, 1)
            bits = [a[i] if i < width else extension for i in range(width + 2 - shift)]
            zeros: list[Pair] = [(Const(0, 1), Const(1, 1))] * shift
            return zeros + [(i, b[bit]) for i in bits]

        width = self.b_shape.width
        terms = []
        for low in range(0, width, 2):
            top = self.b_shape.signed and low + 2 >= width  # a signed top bit counts negative
            first = gate(low, 0)
            none: list[Pair] = [(Const(0, 1), Const(1, 1))] * len(first)
            second = gate(low + 1, 1) if low + 1 < width else none
            if top and low + 1 == width:
                first, second = none, first
            total = carry_chain(m, f"pair_{low}", first, second, subtract=top)
            stored = Signal(Shape(len(total), self.a_shape.signed or top), name=f"term_{low}",
                            reset_less=True)
            m.d.sync += stored.eq(total)
            terms.append((low, stored))

        shape = product_shape(self.a_shape, self.b_shape)
        while len(terms) > 1:  # a tree of neighbours, so that the adders stay short
            pairs = zip(terms[0::2], terms[1::2], strict=False)
            terms = [self._add(m, *pair) for pair in pairs] + terms[len(terms) & ~1:]
        result = Signal(shape, reset_less=True)
        m.d.sync += result.eq(terms[0][1])
        m.d.comb += self.p.eq(result)
        return m

    def _add(self, m: Module, low: tuple[int, Signal], high: tuple[int, Signal],
             ) -> tuple[int, Signal]:
        """Add two terms, each with its weight: what lies below the higher one passes by."""
        shift = high[0] - low[0]
        signed = low[1].shape().signed or high[1].shape().signed
        width = 2 + max(len(low[1]), len(high[1]) + shift)
        width = min(width, self.a_shape.width + self.b_shape.width - low[0])

        def bits(term: Signal) -> list[Pair]:
            extension = term[-1] if term.shape().signed else Const(0, 1)
            return [(term[i] if i < len(term) else extension, Const(1, 1)) for i in range(width)]

        upper = carry_chain(m, f"sum_{low[0]}_{high[0]}", bits(low[1])[shift:],
                            bits(high[1])[:width - shift])
        total = Signal(Shape(width, signed), name=f"total_{low[0]}_{high[0]}")
        m.d.comb += total.eq(Cat(low[1][:shift], upper))
        return low[0], total


Pair = tuple[Value, Value]
Half = tuple[Value, Value, Value, Value]
"""A bit of a CCU2C: inputs A, B, C and D of its LUT."""


CHAIN = 8
"""Groups that are counted on one carry chain."""


def counts(m: Module, name: str, groups: list[list[Pair]], *, xor: bool = False) -> list[Value]:
    """Equal to :func:`generic.counts`, on carry chains: two cells count three pairs, with gates.

    The first cell takes the first pair on both sides, so that it is the carry from there on
    whatever came before, and shows the carry of the group before as its sum.
    """
    numbers: list[Value] = []
    zero: Pair = (Const(0, 1), Const(0, 1))
    for first in range(0, len(groups), CHAIN):
        part = groups[first:first + CHAIN]
        full = [group + [zero] * (3 - len(group)) for group in part]
        total = carry_chain(m, f"{name}_{first}",
                            [pair for group in full for pair in group[:2]] + [zero],
                            [pair for group in full for pair in group[::2]] + [zero], xor=xor)
        numbers += [total[2 * index + 1:][:len(group).bit_length()]
                    for index, group in enumerate(part)]
    return numbers


def gated_sum(m: Module, name: str, terms: list[Pair]) -> Value:
    """Equal to :func:`generic.gated_sum`, on a carry chain whose cells have the gates in them."""
    if len(terms) < 2:
        return generic.gated_sum(m, name, terms)
    sides = []
    for gate, number in terms:
        extension = number[-1] if number.shape().signed else Const(0, 1)
        sides.append([(bit, gate) for bit in [*number, extension]])
    total = carry_chain(m, name, *sides)
    return total.as_signed() if terms[0][1].shape().signed else total


def carry_chain(m: Module, name: str, x: list[Pair], y: list[Pair], *,
                subtract: bool = False, xor: bool = False) -> Value:
    """Return ``x + y`` or ``x - y``, each bit of which is the AND, or XOR, of two signals."""
    # A half's LUT decides whether the carry passes; where it does not, the carry is what the LUT
    # gives with its inputs C and D at 0. So A and B take the operand that may be inverted.
    ab, cd = (y, x) if subtract else (x, y)
    def gate(a: int, b: int) -> int:
        return a ^ b if xor else a & b

    init = table(lambda a, b, c, d: gate(a, b) ^ gate(c, d) ^ subtract)
    return chain(m, name, init, [(*a, *c) for a, c in zip(ab, cd, strict=True)], subtract=subtract)


def chain(m: Module, name: str, init: int, halves: list[Half], *, subtract: bool = False) -> Value:
    """Return what halves of CCU2Cs give, which all have the same LUT and lie on one carry chain."""
    total = Signal(len(halves), name=f"{name}_total")
    carry: Value = Const(subtract, 1)
    for index in range(0, len(halves), 2):
        first, second = (halves[index:index + 2] + [(Const(0, 1),) * 4])[:2]
        carried = Signal(name=f"{name}_carry_{index}")
        spare = Signal(name=f"{name}_spare_{index}")
        m.submodules[f"{name}_{index}"] = Instance(
            "CCU2C", p_INIT0=Const(init, 16), p_INIT1=Const(init, 16), p_INJECT1_0="NO",
            p_INJECT1_1="NO", i_CIN=carry, o_COUT=carried,
            i_A0=first[0], i_B0=first[1], i_C0=first[2], i_D0=first[3], o_S0=total[index],
            i_A1=second[0], i_B1=second[1], i_C1=second[2], i_D1=second[3],
            o_S1=total[index + 1] if index + 1 < len(halves) else spare)
        carry = carried
    return total


def table(function: Callable[[int, int, int, int], int]) -> int:
    """Return the LUT of a function of the inputs A, B, C and D."""
    return sum(function(a, b, c, d) << (a + 2 * b + 4 * c + 8 * d)
               for a in (0, 1) for b in (0, 1) for c in (0, 1) for d in (0, 1))
