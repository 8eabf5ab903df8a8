"""The accelerator for chips with a few thousand LUTs, and a clock of tens of MHz."""

from amaranth import *

from ..accelerator.accelerator import Accelerator
from ..accelerator.datapath import Datapath
from ..primitives.pipeline import later
from .accumulators import CompactAccumulators
from .bitserial import CompactBitSerial
from .broadcast import Broadcast
from .fetch import CompactFetch
from .host_port import CompactHostPort
from .memories import CompactByteMemory, CompactWordMemory
from .post import CompactPost
from .sequencer import CompactSequencer
from .store import CompactStore

__all__ = ["CompactAccelerator"]


class CompactAccelerator(Accelerator):
    """Equal to :class:`Accelerator` but in its cycles: small rather than fast.

    Made of parts of its own, without the registers that only a fast clock needs.
    """

    datapath = Datapath(Broadcast, CompactBitSerial, CompactWordMemory, CompactByteMemory,
                        CompactFetch, CompactAccumulators, CompactPost, CompactStore,
                        CompactSequencer, CompactSequencer)
    far = 0
    host_port = CompactHostPort

    def beside(self, m: Module, value: Value, name: str) -> Value:
        return value

    def _byte(self, m: Module, c: int) -> Value:
        # The longest way of all begins here, in a memory: a register cuts it.
        byte: Value = later(m, self.fetch.vector.word_select(c, 8), 1, f"byte_{c}")
        return byte

    def _direct_tag(self) -> Value:
        return Value.cast(self.fetch.o.tag)  # a cycle later, as the byte is

    def _accesses(self) -> dict[str, Value]:
        # The lane gives one byte at a time, which is written to one place of four.
        accesses = super()._accesses()
        mask, place = accesses["write_mask"][0], accesses["write_address"][:2]
        return accesses | {"write_data": accesses["write_data"][:8].replicate(4),
                           "write_mask": Mux(mask, 1 << place, 0)}
