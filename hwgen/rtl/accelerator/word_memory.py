"""The program memory: words in banks."""

from typing import Any

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import Out
from amaranth.utils import ceil_log2

from ...arch.codes import Code
from .. import primitives
from ..primitives.codes import decode, encode
from ..primitives.generic import SinglePortRam
from ..primitives.library import place
from ..primitives.pipeline import later
from .memories import word_ports

__all__ = ["NEAR", "WordMemory"]

NEAR = 16
"""Bits of a word that share an address of their own."""


class WordMemory(wiring.Component):
    """Words in banks, so that neither an address nor a word has far to go in a cycle.

    Reading and writing share a port, as in the large memories of an iCE40: in a cycle in which a
    part of a word is written, that part of what is read is not defined.

    Parameters
    ----------
    width : int
        Bits of a word.
    depth : int
        Words.
    granularity : int
        Bits that are written together.
    family, device
        FPGA family, and chip if it is known.
    init : tuple of int
        The first words as the chip wakes up; must be empty if it is :attr:`blank` then.
    protect : str
        Which :class:`Code` each part of a word has that is written alone.

    Members
    -------
    address : In(range(depth))
    read_data : Out(width)
        :attr:`read_latency` cycles later.
    write_data : In(width)
    write_mask : In(ceil(width / granularity))
    corrected, detected : Out(1)
        If they have a code: some bits of the word that is read were corrected, or are wrong.
    """

    address: Value
    read_data: Value
    write_data: Value
    write_mask: Value
    corrected: Value
    detected: Value

    read_latency = 7
    interval = 1
    sizes: tuple[int, ...] = (16384, 8192, 4096, 2048)

    def __init__(self, width: int, depth: int, granularity: int, family: str = "generic",
                 device: str | None = None, init: tuple[int, ...] = (), protect: str = "none",
                 ) -> None:
        self.width = width
        self.depth = depth
        self.codes = [code for low in range(0, width, granularity)
                      if (code := Code.of(protect, min(granularity, width - low)))]
        self.granularity = granularity
        self.family = family
        self.device = device
        self.init = init
        super().__init__(self._ports())

    def _ports(self) -> dict[str, Any]:
        return word_ports(self.width, self.depth, self.granularity) | (
            {"corrected": Out(1), "detected": Out(1)} if self.codes else {})

    @property
    def pieces(self) -> list[tuple[int, int, int]]:
        """Bits of a word that share an address of their own, and the bit of the mask for them.

        Check bits lie above those of their part, and with the last ones of it.
        """
        if not self.codes:
            return [(low, min(low + NEAR, self.width), low // self.granularity)
                    for low in range(0, self.width, NEAR)]
        found: list[tuple[int, int, int]] = []
        start = 0
        for part, code in enumerate(self.codes):
            lows = range(start, start + code.width, NEAR)
            found += [(low, low + NEAR, part) for low in lows[:-1]]
            start += code.size
            found.append((lows[-1], start, part))
        return found

    def _encode(self, word: Value) -> Value:
        """Return a word with its check bits."""
        if not self.codes:
            return word
        return Cat(encode(code, word[index * self.granularity:][:code.width])
                   for index, code in enumerate(self.codes))

    def stored_form(self, word: int) -> int:
        """Return the number that is stored for a word."""
        if not self.codes:
            return word
        found = place = 0
        for index, code in enumerate(self.codes):
            part = word >> index * self.granularity & (1 << code.width) - 1
            found |= code.encode(part) << place
            place += code.size
        return found

    def _decode(self, m: Module, word: Value) -> Value:
        """Return a word without its check bits, a cycle later, and say what these say of it."""
        parts: list[Value] = []
        corrected: list[Value] = []
        detected: list[Value] = []
        low = 0
        for index, code in enumerate(self.codes):
            found = decode(m, code, word[low:low + code.size], f"part_{index}")
            for values, value in zip((parts, corrected, detected), found, strict=True):
                values.append(value)
            low += code.size
        m.d.comb += [
            self.corrected.eq(later(m, Cat(corrected), 1, "corrected_parts").any()),
            self.detected.eq(later(m, Cat(detected), 1, "detected_parts").any())]
        return Cat(parts)

    @property
    def latency(self) -> int:
        """As :attr:`read_latency`."""
        return self.read_latency

    @property
    def banks(self) -> list[tuple[int, int]]:
        """First word and depth of each bank.

        Powers of two, the largest ones first, which a block RAM has as many words as, and a rest.
        So the upper bits of an address tell its bank.
        """
        return self._split(self.depth)

    def _split(self, depth: int) -> list[tuple[int, int]]:
        banks = []
        start = 0
        for size in self.sizes:
            while depth - start >= size:
                banks.append((start, size))
                start += size
        if start < depth:
            banks.append((start, depth - start))
        return banks

    @property
    def _kinds(self) -> list[tuple[type[SinglePortRam], dict[str, Any]]]:
        """What makes the memories of each part of a word, bank by bank."""
        return primitives.single_port_rams(
            self.family, self.device,
            [(high - low, depth) for low, high, _ in self.pieces for _, depth in self.banks])

    @property
    def blank(self) -> bool:
        """Whether some of its memories cannot hold anything as the chip wakes up."""
        return any(kind.blank for kind, _ in self._kinds)

    def _contents(self, start: int, depth: int, low: int, high: int) -> dict[str, Any]:
        """Return the argument that says what the bits of a bank hold at first, if anything."""
        init = tuple(self.stored_form(word) >> low & ((1 << (high - low)) - 1)
                     for word in self.init[start:start + depth])
        return {"init": init} if any(init) else {}

    @property
    def places(self) -> list[str]:
        """Where its block RAMs lie on the chip, if that is settled here."""
        return [site for _, options in self._kinds for site in options.get("sites", ())]

    def _banks_at(self, place: Value) -> Value:
        """Return for each bank whether it has the word at an address."""
        return Cat(place.as_unsigned()[size:] == start >> size
                   for start, depth in self.banks for size in [ceil_log2(depth)])

    def elaborate(self, platform: object) -> Module:
        m = Module()
        address = later(m, self.address, 1, "address")
        given = later(m, self._encode(self.write_data), 1, "data")
        mask = later(m, self.write_mask, 1, "mask", reset=True)
        chosen = Signal(len(given), reset_less=True)
        where = later(m, self._banks_at(address), 1, "where")
        shown = later(m, where, 2, "shown")
        kinds = iter(self._kinds)
        # Cycle 1: address; 2: beside each part; 3: beside each memory; 4: read; 5: word; 6: chosen.
        for low, high, part in self.pieces:
            def near(value: Value, name: str) -> Value:
                return primitives.local_register(m, self.family, value, name)

            write = near(mask[part], f"write_{low}")
            row, written = near(address, f"row_{low}"), near(given[low:high], f"data_{low}")
            words = []
            for index, (start, depth) in enumerate(self.banks):
                kind, options = next(kinds)
                ram = place(m, platform, f"bank_{index}_{low}", kind, high - low, depth, **options,
                            **self._contents(start, depth, low, high))
                m.d.comb += [
                    ram.address.eq(near(row[:len(ram.address)], f"row_{index}_{low}")),
                    ram.write_data.eq(near(written, f"data_{index}_{low}")),
                    ram.write.eq(near(write & where[index], f"write_{index}_{low}")),
                ]
                words.append(ram.read_data)
            for bank, word in zip(near(shown, f"shown_{low}"), words, strict=True):
                with m.If(bank):
                    m.d.sync += chosen[low:high].eq(word)
        word = self._decode(m, chosen) if self.codes else chosen
        m.d.comb += self.read_data.eq(later(m, word, 1, "chosen"))
        return m
