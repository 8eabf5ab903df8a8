# amaranth: UnusedElaboratable=no
"""The accelerator for fully connected layers of numbers that are -1 or 1."""


from amaranth import *

from ...arch.contents import NOTHING, Contents
from ...arch.descriptors import Descriptors
from ..accelerator.frame import Frame
from ..accelerator.host_port import PART, HostPort
from ..compact.host_port import CompactHostPort
from ..compact.memories import CompactByteMemory, CompactWordMemory
from ..primitives.pipeline import later
from .array import BinaryArray
from .sequencer import BinarySequencer
from .store import BinaryStore

__all__ = ["BinaryAccelerator"]


class BinaryAccelerator(Frame):
    """Run Programs of such layers: docs/binary.md says what their steps are.

    :class:`Frame` has the ports, and the parameters that are not here.

    Parameters
    ----------
    rows, columns : int
        Products of a vector, 4 to 8 of each of so many outputs.
    lanes : int
        Outputs that are written in a cycle, 1, 2 or 4.
    activation_memory, program_memory : int
        Bytes.
    contents : Contents
        What its memories hold as the chip wakes up.
    """

    host_port: type[HostPort] = CompactHostPort

    def __init__(self, *, rows: int, columns: int, lanes: int, activation_memory: int,
                 program_memory: int, steps: int, fingerprint: int = 0, family: str = "generic",
                 device: str | None = None, contents: Contents = NOTHING,
                 exposed: bool = False) -> None:
        super().__init__(rows=rows, columns=columns, steps=steps, fingerprint=fingerprint,
                         family=family, device=device, exposed=exposed)
        self.program = CompactWordMemory(8 * columns, program_memory // columns, PART, family,
                                         device, contents.program)
        self.activations = CompactByteMemory(activation_memory, rows, family, device,
                                             init=contents.activations)
        self.array = BinaryArray(rows, columns)
        self.store = BinaryStore(columns, lanes, activation_memory)
        self.sequencer = BinarySequencer(rows, columns, columns // lanes, activation_memory,
                                         self.program.depth,
                                         Descriptors("binary", rows, columns).words, lanes)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        parts = ("sequencer", "activations", "program", "array", "store")
        for name in parts:
            m.submodules[name] = getattr(self, name)
        sequencer, array, store = self.sequencer, self.array, self.store
        signs = Cat(self.activations.read_data[8 * row + 7] for row in range(self.rows))
        m.d.comb += [
            sequencer.word.eq(self.program.read_data),
            array.word.eq(self.program.read_data),
            array.kind.eq(later(m, sequencer.kind, 1, "kind", reset=True)),
            array.positive.eq(later(m, ~(signs & sequencer.inside), 1, "positive")),
            store.descriptor.eq(sequencer.descriptor),
            store.begin.eq(sequencer.begin), store.clear.eq(sequencer.clear),
            store.take.eq(array.valid), store.final.eq(array.final), store.sums.eq(array.o),
            sequencer.store_error.eq(store.error), sequencer.done.eq(store.done),
        ]
        self.connect_host(m, program_address=sequencer.place, read_address=sequencer.address,
                          write_address=store.address, write_data=store.data,
                          write_mask=store.mask)
        return m
