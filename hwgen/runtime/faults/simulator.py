"""A simulated board whose registers and memories can be changed, and which can be tried out."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ...tools.cache import digest
from ..simulation import MAIN, SimulatedLink
from .state import Element, elements_of, table_of

__all__ = ["Bit", "FaultLink"]

COMMAND = 2**32 - 2
PLACES, MARK, CHANGED, TRY, END = range(5)
FLIP = struct.Struct("=IIII")
PLACE = struct.Struct("=IIII")
CHANGE = struct.Struct("=III")


@dataclass(frozen=True, order=True)
class Bit:
    """A bit of the state: the index of its register or memory, the row there, and which one."""

    element: int
    row: int
    bit: int


class FaultLink(SimulatedLink):
    """A link to Verilog in which bits can be flipped.

    Parameters
    ----------
    verilog, top : str
        See :class:`SimulatedLink`.
    before : str
        C++ before the program around the model.

    Members
    -------
    elements : list of Element
        Registers and memories of the Verilog.
    absent : frozenset of int
        Those of them that the simulator left out, as they are constant or never read.
    """

    def __init__(self, verilog: str, *, top: str, before: str = "") -> None:
        self.verilog = verilog
        self.elements = elements_of(verilog, top)
        extension = Path(__file__).with_name("faults.cpp").read_text()
        key = digest([repr(each) for each in self.elements])
        super().__init__(verilog, top=top,
                         main=f"// {key}\n{before}{extension}{MAIN.read_text()}",
                         switches=["--flatten"], table=partial(table_of, self.elements))
        places = list(PLACE.iter_unpack(self._request(PLACES, b"", COMMAND)))
        self.absent = frozenset(index for index, (_, _, width, _) in enumerate(places)
                                if not width)

    @property
    def left_out(self) -> tuple[str, ...]:
        """Names of what is absent."""
        return tuple(self.elements[index].name for index in sorted(self.absent))

    def name_of(self, bit: Bit) -> str:
        """Return where a bit is, as Verilog has it."""
        element: Element = self.elements[bit.element]
        return f"{element.name}{f'[{bit.row}]' if element.depth else ''}[{bit.bit}]"

    def mark(self) -> None:
        """Keep what memories hold, for :meth:`changed_bits`."""
        self._request(MARK, b"", COMMAND)

    def changed_bits(self) -> list[Bit]:
        """Return the bits of memories that are not as they were when they were marked."""
        return sorted(Bit(*each)
                      for each in CHANGE.iter_unpack(self._request(CHANGED, b"", COMMAND)))

    @contextmanager
    def trial(self, bit: Bit | None = None, delay: int = 0) -> Iterator[None]:
        """Do in the context what leaves no trace, with a bit that is flipped.

        It is flipped right behind an edge of the clock: the next one, or the one ``delay`` cycles
        after that.
        """
        cycles, received = self.cycles, bytes(self._received)
        place = (COMMAND, 0, 0) if bit is None else (bit.element, bit.row, bit.bit)
        self._request(TRY, FLIP.pack(*place, delay), COMMAND)
        try:
            yield
        finally:
            self._request(END, b"", COMMAND)
            self.cycles = cycles
            self._pending.clear()
            self._received[:] = received
