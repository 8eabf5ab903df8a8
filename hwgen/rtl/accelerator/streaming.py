# amaranth: UnusedElaboratable=no
"""The accelerator whose program streams from external memory."""

from dataclasses import replace
from typing import Any

from amaranth import *
from amaranth.lib import wiring

from ...arch.external import External
from .accelerator import Accelerator
from .program_stream import ProgramStream
from .ring_memory import RingMemory
from .streaming_sequencer import StreamingSequencer

__all__ = ["StreamingAccelerator"]


class StreamingAccelerator(Accelerator):
    """As :class:`.accelerator.Accelerator`, with a program memory that is a ring.

    Parameters
    ----------
    external : External
        The memory from which its program streams.
    """

    datapath = replace(Accelerator.datapath, program=RingMemory, sequencer=StreamingSequencer)

    stream: ProgramStream

    def __init__(self, *, external: External, **others: Any) -> None:
        super().__init__(external=external, **others)
        self.stream = ProgramStream(
            external, rows=self.rows, columns=self.columns, words=self.program.depth,
            reading=self.program.read_latency, family=self.family)

    def _word_read(self, m: Module, address: Value) -> Value:
        m.submodules.stream = stream = self.stream
        sequencer, program = self.sequencer, self.program
        wiring.connect(m, wiring.flipped(self.chip), stream.chip)
        m.d.comb += [
            *(getattr(stream, name).eq(getattr(sequencer, name))
              for name in ("begins", "reads", "holds", "rests", "stalls")),
            stream.steps.eq(sequencer.count != 0),
            stream.runs.eq(sequencer.busy & ~sequencer.begins & ~sequencer.clear),
            sequencer.there.eq(stream.there), sequencer.ready.eq(stream.ready),
            sequencer.page.eq(stream.place),
            Value.cast(program.ring).eq(Value.cast(stream.ring)), stream.word.eq(program.read_data),
        ]
        return Mux(stream.copying, stream.address, address)
