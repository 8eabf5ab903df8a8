"""Lattice ECP5: memories of block RAMs, with the output registers that these have."""

from collections.abc import Sequence

from amaranth import *

from . import generic

__all__ = ["WIDEST", "Ram", "ShallowRam", "SinglePortRam", "TwinRam", "count", "depths",
           "suits", "twin_ram"]

MODES = ((1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1))
"""Words of a block RAM, and the bits of each."""
WIDEST = (512, 36)
"""The same where one port only reads and one only writes."""
CHECKED = 16
"""Bits of a program that lie together, with check bits or without."""
FEWEST = 64
"""Words that are worth a block RAM: fewer lie in LUTs."""


def mode(depth: int, *, two_ports: bool) -> tuple[int, int]:
    """Return the words of each block RAM of a memory, and the bits of each word."""
    return next((words, bits) for words, bits in ([WIDEST] if two_ports else []) + list(MODES)
                if depth <= words)


def count(width: int, depth: int, *, two_ports: bool = False) -> int:
    """Return the block RAMs of a memory."""
    _, bits = mode(depth, two_ports=two_ports)
    return -(-width // bits)


def suits(width: int, depth: int, *, two_ports: bool = False) -> bool:
    """Return whether block RAMs side by side are the best that there is for a memory.

    A deep one whose words are not a power of two takes fewer if they lie behind one another, which
    is left to synthesis. With one port, and 16 bits and some check bits, one block RAM more is
    worth that they need not.
    """
    if not FEWEST < depth <= MODES[-1][0]:
        return False
    fewest = min(-(-depth // words) * -(-width // bits) for words, bits in MODES)
    more = not two_ports and CHECKED < width < 2 * CHECKED
    return count(width, depth, two_ports=two_ports) <= fewest + more


def depths(family: str, width: int, depth: int) -> list[int]:
    """Return the depths of memories behind one another, with two ports, that take the fewest.

    Words of nine bits are such: a block RAM has 2,048 of them, but 4,096 only of four.
    """
    if family != "ecp5" or depth <= FEWEST or suits(width, depth, two_ports=True):
        return [depth]
    words, _ = min(MODES, key=lambda mode: -(-depth // mode[0]) * -(-width // mode[1]))
    return [min(words, depth - low) for low in range(0, depth, words)]


class BlockRams(generic.MemoryBase):
    """A memory in block RAMs side by side.

    Parameters
    ----------
    width, depth : int
    sites : tuple of str
        As many places as :func:`count` says, or none to leave them to the placer.
    init : tuple of int
        See :class:`generic.MemoryBase`.
    """

    def __init__(self, width: int, depth: int, sites: tuple[str, ...] = (),
                 init: tuple[int, ...] = ()) -> None:
        super().__init__(width, depth, init=init)
        self.sites = sites

    def elaborate(self, platform: object) -> Module:
        *read, written = (getattr(self, name) for name in self.addresses)
        return block_rams(self.width, self.depth, self.sites, self.init, self.write_data,
                          self.write, self.read_data, written, *read)


class SinglePortRam(BlockRams, generic.SinglePortRam):
    """Equal to :class:`generic.SinglePortRam`."""


class ShallowRam(BlockRams, generic.SinglePortRam):
    """Equal to :class:`generic.SinglePortRam`, of few words: one port reads, the other one writes.

    So each block RAM has twice as many bits of a word.
    """

    def elaborate(self, platform: object) -> Module:
        return block_rams(self.width, self.depth, self.sites, self.init, self.write_data,
                          self.write, self.read_data, self.address, self.address)


class Ram(BlockRams, generic.Ram):
    """Equal to :class:`generic.Ram`."""


class TwinRam(generic.TwinRam):
    """Equal to :class:`generic.TwinRam`."""

    def elaborate(self, platform: object) -> Module:
        first, second = self.read_address
        return block_rams(self.width, self.depth, (), (), self.write_data, self.write,
                          self.read_data[0], Mux(self.write, self.write_address, first),
                          other=(second, self.read_data[1]))


def twin_ram(family: str, *, quick: bool = False) -> type[generic.TwinRam]:
    """Return what makes a memory of which two words are read at once."""
    return TwinRam if family == "ecp5" and not quick else generic.TwinRam


def initial_values(words: Sequence[int], bits: int) -> dict[str, Const]:
    """Return the parameters of a block RAM whose first words are these, of so many bits each.

    A parameter has 16 pieces of 18 bits, in 20 each. Words of less than nine bits leave every ninth
    bit out.
    """
    text = "".join(f"{word:0{bits}b}"[::-1] for word in words)  # the lowest bit first
    if bits < 9:
        text = widen_pieces(text, 8, 9)
    text = widen_pieces(text, 18, 20)
    rows = [int(text[at:at + 320][::-1], 2) for at in range(0, len(text), 320)]
    return {f"p_INITVAL_{index:02X}": Const(row, 320) for index, row in enumerate(rows) if row}


def widen_pieces(text: str, size: int, room: int) -> str:
    """Return a text whose pieces of a size have more room each."""
    return "".join(text[at:at + size].ljust(room, "0") for at in range(0, len(text), size))


def block_rams(width: int, depth: int, sites: tuple[str, ...], init: Sequence[int],
               write_data: Value, write: Value, read_data: Value, address: Value,
               read_address: Value | None = None,
               other: tuple[Value, Value] | None = None) -> Module:
    """Return block RAMs side by side; without a read address, one port reads and writes.

    Then there may be the address and the data of an ``other`` one, which reads.
    """
    m = Module()
    two_ports = read_address is not None
    words, bits = mode(depth, two_ports=two_ports)
    unused = 14 - (words - 1).bit_length()  # of the address, which counts bits

    # The lowest bits of an address enable the bytes of a wide word; those of 36 bits have no other
    # way to say that nothing is written.
    enables = {18: Const(0b11, 2), 36: write.replicate(4)}.get(bits, Const(0, 0))
    a = Cat(enables, Const(0, unused - len(enables)), address, Const(0, 14))[:14]
    if other is not None:
        read_address = other[0]
    b = Cat(Const(0, unused), read_address if read_address is not None else Const(0, 1),
            Const(0, 14))[:14]
    for index, low in enumerate(range(0, width, bits)):
        high = min(low + bits, width)
        given = Cat(write_data[low:high], Const(0, 36))[:36]
        out = {port: Signal(18, name=f"read_{port}_{low}") for port in "AB"}
        m.submodules[f"ram_{low}"] = Instance(
            "DP16KD", **({"a_BEL": sites[index]} if sites else {}),
            p_DATA_WIDTH_A=bits, p_DATA_WIDTH_B=bits,
            p_REGMODE_A="OUTREG", p_REGMODE_B="OUTREG", p_WRITEMODE_A="NORMAL",
            p_WRITEMODE_B="NORMAL", p_CLKAMUX="CLKA", p_CLKBMUX="CLKB", p_GSR="DISABLED",
            p_RESETMODE="SYNC", p_ASYNC_RESET_RELEASE="SYNC", p_CSDECODE_A="0b000",
            p_CSDECODE_B="0b000",
            i_CLKA=ClockSignal(), i_CEA=Const(1, 1), i_OCEA=Const(1, 1), i_RSTA=Const(0, 1),
            i_WEA=Const(1, 1) if bits == 36 else write,
            i_CLKB=ClockSignal(), i_CEB=Const(read_address is not None, 1), i_OCEB=Const(1, 1),
            i_RSTB=Const(0, 1), i_WEB=Const(0, 1),
            **initial_values([word >> low & ((1 << bits) - 1) for word in init], bits),
            **{f"i_CS{port}{n}": Const(0, 1) for port in "AB" for n in range(3)},
            **{f"i_ADA{n}": a[n] for n in range(14)}, **{f"i_ADB{n}": b[n] for n in range(14)},
            **{f"i_DIA{n}": given[n] for n in range(18)},
            **{f"i_DIB{n}": given[18 + n] for n in range(18)},
            **{f"o_DO{port}{n}": out[port][n] for port in "AB" for n in range(18)},
        )
        shown = (Cat(out["A"], out["B"]) if bits == 36 else out["B"] if two_ports else out["A"])
        m.d.comb += read_data[low:high].eq(shown[:high - low])
        if other is not None:
            m.d.comb += other[1][low:high].eq(out["B"][:high - low])
    return m
