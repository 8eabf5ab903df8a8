"""What becomes of errors that the memories of an accelerator find in what is read."""

from typing import Any

from amaranth import *

from ...arch.registers import FLIPS_BITS, Space
from .host_port import HostPort

__all__ = ["Protection"]


class Protection:
    """Stop what reads a damaged word, and count such words and those that were corrected.

    Only what a step or the host uses of a word counts. A step stops with an error before its
    result is written; for a host that reads between runs the error is in STATUS, up to the next
    run. Words of both memories that are found in one cycle count as one.

    Parameters
    ----------
    accelerator : Accelerator
        Whose memories have codes.
    """

    def __init__(self, accelerator: Any) -> None:
        self.accelerator = accelerator
        accelerator.fetch.used = Signal(accelerator.window, name="used_bytes")
        accelerator.sequencer.damage = Signal(name="damage")

    def connect(self, m: Module, port: HostPort) -> None:
        """Connect memories, sequencer and host port."""
        accelerator = self.accelerator
        used = accelerator.fetch.used
        of_program = (accelerator.sequencer.word_valid | accelerator.array.weights.valid
                      | accelerator.post.word_valid)
        # The host's word is there for some cycles before the answer.
        bus, answered = port.bus, Signal()
        m.d.comb += answered.eq(bus.ack & bus.read & ~bus.error)
        of_host = [answered & (bus.address[24:] == space)
                   for space in (Space.ACTIVATIONS, Space.PROGRAM)]
        flags, counts = [], []
        for name in ("corrected", "detected"):
            of_bytes = getattr(accelerator.activations, name)
            of_word = getattr(accelerator.program, name)
            found = Signal(4, name=name)
            m.d.sync += found.eq(Cat((of_bytes & used).any(), of_word & of_program,
                                     of_bytes[:4].any() & of_host[0], of_word & of_host[1]))
            count = Signal(FLIPS_BITS, name=f"{name}_count")
            with m.If(found.any() & ~count.all()):
                m.d.sync += count.eq(count + 1)
            flags.append(found.any())
            counts.append(count)
        m.d.sync += accelerator.sequencer.damage.eq(flags[-1])
        m.d.comb += port.flips.eq(Cat(counts))
