"""What every FPGA can do: the definitions that the families' own cells must equal."""

from typing import Any

from amaranth import *
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from .pipeline import later

__all__ = ["LATENCY", "FabricMultiplier", "LongMultiplier", "Multiplier", "MultiplierBase",
           "MultiplierSignature", "SinglePortRam", "TwinRam", "UNCHECKED", "counts", "gated_sum",
           "product_shape"]

LATENCY = 3
"""Cycles from operands to product, of every multiplier of every family."""

LONG = 32
"""Bits of the longer operand of a :class:`LongMultiplier`."""

UNCHECKED: Any = {"no_rw_check": 1}
"""Attribute by which yosys adds no logic that defines what is read while it is written."""


def product_shape(a: Shape, b: Shape) -> Shape:
    """Return the shape that holds every product of an ``a`` and a ``b``."""
    return Shape(a.width + b.width, a.signed or b.signed)


def MultiplierSignature(a: Shape, b: Shape) -> wiring.Signature:  # noqa: N802
    """Describe a multiplier's ports, seen from the multiplier."""
    return wiring.Signature({
        "a": In(a),
        "b": In(b),
        "take": In(1),
        "p": Out(product_shape(a, b)),
    })


class MultiplierBase(wiring.Component):
    """Multiply ``a`` by a ``b`` that stays: the contract of every multiplier.

    ``b`` is stored in each cycle in which ``take`` is high, and multiplies the ``a`` of that cycle
    and of all that follow. The product of the ``a`` of a cycle is on ``p`` :data:`LATENCY` cycles
    later; a new ``a`` may come in every cycle. Nothing is reset: after a reset ``p`` means nothing
    until a ``b`` has been taken.

    Parameters
    ----------
    a_shape, b_shape : Shape
        Shapes of the operands, signed or unsigned, each on its own.

    Members
    -------
    a : In(a_shape)
    b : In(b_shape)
    take : In(1)
    p : Out(product_shape(a_shape, b_shape))
    """

    a: Value
    b: Value
    take: Value
    p: Value

    latency = LATENCY
    interval = 1

    def __init__(self, a_shape: Shape, b_shape: Shape) -> None:
        self.a_shape = a_shape
        self.b_shape = b_shape
        super().__init__(MultiplierSignature(a_shape, b_shape))

    def _store(self, m: Module, prefix: str = "") -> tuple[Signal, Signal]:
        """Return the operands a cycle later, the second one as it was taken last."""
        a = Signal(self.a_shape, name=f"{prefix}a", reset_less=True)
        b = Signal(self.b_shape, name=f"{prefix}b", reset_less=True)
        m.d.sync += a.eq(self.a)
        with m.If(self.take):
            m.d.sync += b.eq(self.b)
        return a, b


class Multiplier(MultiplierBase):
    """A multiplier in portable terms; all the others equal it in every cycle."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        a = Signal(self.a_shape, reset_less=True)
        b = Signal(self.b_shape, reset_less=True)
        product = Signal(product_shape(self.a_shape, self.b_shape), reset_less=True)
        result = Signal.like(product, reset_less=True)
        m.d.sync += [a.eq(self.a), product.eq(a * b), result.eq(product)]
        with m.If(self.take):
            m.d.sync += b.eq(self.b)
        m.d.comb += self.p.eq(result)
        return m


class FabricMultiplier(MultiplierBase):
    """Multiply on carry chains, for cells that get no DSP block.

    Equal to :class:`Multiplier` in every cycle. Each pair of bits of ``b`` selects the sum of two
    shifted copies of ``a``; those sums are registered, and added up in the next cycle.
    """

    def elaborate(self, platform: object) -> Module:
        m = Module()
        a, b = self._store(m)
        width = self.b_shape.width

        def partial(bit: int) -> Value:
            """Return ``a`` where that bit of ``b`` is set, else 0: gates, not a multiplexer."""
            gated = a.as_unsigned() & b[bit].replicate(self.a_shape.width)
            return gated.as_signed() if self.a_shape.signed else gated

        terms: list[Value] = []
        for low in range(0, width, 2):
            term = partial(low)
            if low + 1 < width:
                # The top bit of a signed number counts negative.
                high = partial(low + 1) << 1
                term = term - high if self.b_shape.signed and low + 2 == width else term + high
            elif self.b_shape.signed:
                term = -term
            stored = Signal(term.shape(), name=f"term_{low}", reset_less=True)
            m.d.sync += stored.eq(term)
            terms.append(stored << low)
        while len(terms) > 1:  # a tree: neighbours first, so that the adders stay short
            terms = [sum(terms[i + 1:i + 2], terms[i]) for i in range(0, len(terms), 2)]

        result = Signal(product_shape(self.a_shape, self.b_shape), reset_less=True)
        m.d.sync += result.eq(terms[0])
        m.d.comb += self.p.eq(result)
        return m


class LongMultiplier(wiring.Component):
    """Multiply 32 bits with a sign by ``width``, and add a constant: ``a * b + more``.

    Parameters
    ----------
    width, more : int
    b_signed : bool

    Members
    -------
    a : In(signed(32)), b : In(Shape(width, b_signed))
    p : Out(signed(32 + width))
        :attr:`latency` cycles later.
    """

    a: Value
    b: Value
    p: Value

    latency = LATENCY + 1
    interval = 1

    def __init__(self, width: int, more: int = 0, b_signed: bool = False) -> None:
        self.width = width
        self.more = more
        self.b_shape = b = Shape(width, b_signed)
        super().__init__({"a": In(signed(LONG)), "b": In(b), "p": Out(signed(LONG + width))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        a = Signal(signed(LONG), reset_less=True)
        b = Signal(self.b_shape, reset_less=True)
        product = Signal(signed(LONG + self.width), reset_less=True)
        m.d.sync += [a.eq(self.a), b.eq(self.b), product.eq(a * b)]
        m.d.comb += self.p.eq(later(m, product + self.more, 2, "sum")[:len(product)])
        return m


class MemoryBase(wiring.Component):
    """A memory whose words come :attr:`latency` cycles after their addresses.

    Parameters
    ----------
    width, depth : int
    quick : bool
        Whether what is read comes after one cycle, for a clock that is not fast.
    init : tuple of int
        The first words as the chip wakes up; the others are 0.
    """

    read_data: Value
    write_data: Value
    write: Value

    addresses: tuple[str, ...]
    """The names of its ports for addresses: of what is read, and of what is written."""
    attrs = UNCHECKED
    interval = 1

    def __init__(self, width: int, depth: int, *, quick: bool = False,
                 init: tuple[int, ...] = ()) -> None:
        self.width = width
        self.depth = depth
        self.quick = quick
        self.init = init
        super().__init__({**dict.fromkeys(self.addresses, In(range(max(depth, 2)))),
                          "read_data": Out(width), "write_data": In(width), "write": In(1)})

    @property
    def latency(self) -> int:
        """Cycles from an address to its word."""
        return 1 if self.quick else 2

    def elaborate(self, platform: object) -> Module:
        m = Module()
        rows: memory.Memory = memory.Memory(shape=self.width, depth=self.depth, init=self.init,
                                            attrs=self.attrs)
        m.submodules.rows = rows
        read, write = rows.read_port(), rows.write_port()
        shown = Signal(self.width, reset_less=True)
        m.d["comb" if self.quick else "sync"] += shown.eq(read.data)
        addresses = [getattr(self, name) for name in self.addresses]
        m.d.comb += [read.addr.eq(addresses[0]), self.read_data.eq(shown),
                     write.addr.eq(addresses[-1]), write.data.eq(self.write_data),
                     write.en.eq(self.write)]
        if len(addresses) == 1:
            m.d.comb += read.en.eq(~self.write)
        return m


class Ram(MemoryBase):
    """A block RAM: one port reads, and one writes.

    What is read while it is written is not defined, so no family needs logic to define it.

    Members
    -------
    read_address : In(range(depth))
    read_data : Out(width)
        :attr:`latency` cycles later: block RAMs are slow, and have registers behind them.
    write_address : In(range(depth))
    write_data : In(width)
    write : In(1)
    """

    read_address: Value
    write_address: Value

    addresses = ("read_address", "write_address")


class TwinRam(wiring.Component):
    """A block RAM with two ports, both of which read; the first one writes.

    What is read while a word is written is not defined.

    Parameters
    ----------
    width, depth, quick
        See :class:`MemoryBase`.

    Members
    -------
    read_address : In(ArrayLayout(range(depth), 2)), read_data : Out(ArrayLayout(width, 2))
        :attr:`latency` cycles later.
    write_address : In(range(depth))
    write_data : In(width)
    write : In(1)
    """

    read_address: Any
    read_data: Any
    write_address: Value
    write_data: Value
    write: Value

    interval = 1

    def __init__(self, width: int, depth: int, *, quick: bool = False) -> None:
        self.width = width
        self.depth = depth
        self.quick = quick
        address = range(max(depth, 2))
        super().__init__({
            "read_address": In(data.ArrayLayout(address, 2)),
            "read_data": Out(data.ArrayLayout(width, 2)),
            "write_address": In(address), "write_data": In(width), "write": In(1)})

    @property
    def latency(self) -> int:
        """Cycles from an address to its word."""
        return 1 if self.quick else 2

    def elaborate(self, platform: object) -> Module:
        m = Module()
        rows: memory.Memory = memory.Memory(shape=self.width, depth=self.depth, init=[],
                                            attrs=UNCHECKED)
        m.submodules.rows = rows
        write = rows.write_port()
        m.d.comb += [write.addr.eq(self.write_address), write.data.eq(self.write_data),
                     write.en.eq(self.write)]
        for port in range(2):
            read = rows.read_port()
            shown = Signal(self.width, name=f"shown_{port}", reset_less=True)
            m.d["comb" if self.quick else "sync"] += shown.eq(read.data)
            m.d.comb += [read.addr.eq(self.read_address[port]), self.read_data[port].eq(shown)]
        return m


class SinglePortRam(MemoryBase):
    """A block RAM with one port: reads in every cycle in which it does not write.

    Members
    -------
    address : In(range(depth))
    read_data : Out(width)
        :attr:`latency` cycles later; not defined behind a write.
    write_data : In(width)
    write : In(1)
    """

    address: Value

    addresses = ("address",)
    blank = False
    """Whether it holds nothing as the chip wakes up, so that ``init`` must be empty."""


def counts(m: Module, name: str, groups: list[list[tuple[Value, Value]]], *,
           xor: bool = False) -> list[Value]:
    """Return how many pairs of bits in each group of at most three are both one, or differ.

    Four 4-input LUTs count three pairs: the first two of them take two pairs, and one bit of the
    result each is made of theirs and of the third pair.
    """
    numbers: list[Value] = []
    for index, group in enumerate(groups):
        lanes = [a ^ b if xor else a & b for a, b in group]
        lanes += [Const(0, 1)] * (3 - len(lanes))
        odd, both = Signal(name=f"{name}_{index}_odd"), Signal(name=f"{name}_{index}_both")
        m.d.comb += [odd.eq(lanes[0] ^ lanes[1]), both.eq(lanes[0] & lanes[1])]
        number = Cat(odd ^ lanes[2], both | (odd & lanes[2]))
        numbers.append(number[:len(group).bit_length()])
    return numbers


def gated_sum(m: Module, name: str, terms: list[tuple[Value, Value]]) -> Value:
    """Return the sum of one or two numbers, of each where the bit before it is set."""
    gated: list[Value] = []
    for gate, number in terms:
        bits = number.as_unsigned() & gate.replicate(len(number))
        gated.append(bits.as_signed() if number.shape().signed else bits)
    return gated[0] + gated[1] if len(gated) > 1 else gated[0]
