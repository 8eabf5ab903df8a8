"""Drive a unit with one stream in and one out, by the cycle."""

import random
from dataclasses import dataclass, field

from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

from . import PERIOD_NS

__all__ = ["Streams"]


@dataclass
class Played:
    """What was transferred, and when.

    Parameters
    ----------
    taken : list of int
        The cycle of each transfer in.
    words : list of int
        The payload of each transfer out.
    cycles : list of int
        The cycle of each transfer out.
    """

    taken: list = field(default_factory=list)
    words: list = field(default_factory=list)
    cycles: list = field(default_factory=list)


class Streams:
    """A unit, its input stream ``name`` and its output stream ``o``."""

    def __init__(self, dut, name="i"):
        self.dut = dut
        self.i = {part: getattr(dut, f"{name}__{part}") for part in ("valid", "ready", "payload")}

    def put(self, name, value):
        """Set a port, unless it has no bits, and so is none in Verilog."""
        if hasattr(self.dut, name):
            getattr(self.dut, name).value = value

    async def start(self):
        """Start the clock, idle the streams, and reset."""
        Clock(self.dut.clk, PERIOD_NS, unit="ns", impl="gpi").start(start_high=False)
        await self.reset()

    async def reset(self):
        """Hold reset for one cycle, with nothing coming."""
        self.i["valid"].value = 0
        self.dut.o__ready.value = 0
        self.dut.rst.value = 1
        await RisingEdge(self.dut.clk)
        self.dut.rst.value = 0

    async def play(self, words, outputs, *, gap=0.0, stall=0.0, quiet=20, budget=None):
        """Offer words until so many have come out, and see for a while that no more do.

        Before each transfer the input pauses with probability ``gap`` and the output with
        ``stall``. What is offered must be offered until it is taken.
        """
        dut, played = self.dut, Played()
        budget = budget or 200 + 30 * (len(words) + outputs)
        left, word, cycle, waited = iter(words), None, 0, None
        while len(played.words) < outputs or quiet > 0:
            if word is None and random.random() >= gap:
                word = next(left, None)
            self.i["valid"].value = word is not None
            self.i["payload"].value = random.getrandbits(len(self.i["payload"])) \
                if word is None else word
            ready = random.random() >= stall
            dut.o__ready.value = ready
            await RisingEdge(dut.clk)
            if word is not None and self.i["ready"].value:
                played.taken.append(cycle)
                word = None
            offer = dut.o__payload.value.to_unsigned() if dut.o__valid.value else None
            assert waited in (None, offer), "an offer was not held"
            waited = None if ready else offer
            if ready and offer is not None:
                played.words.append(offer)
                played.cycles.append(cycle)
            quiet -= len(played.words) >= outputs
            cycle += 1
            assert cycle < budget, f"{len(played.words)} of {outputs} came in {cycle} cycles"
        self.i["valid"].value = 0
        return played
