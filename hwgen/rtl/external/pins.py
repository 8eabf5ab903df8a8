"""The pins of a memory chip on a board."""

from typing import Any

from amaranth import *
from amaranth.hdl import IOPort
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...arch.external import External
from ..primitives import pads

__all__ = ["ChipPins", "signature_of"]

COMMAND = ("ras_n", "cas_n", "we_n")
DRIVEN = {**{name: name for name in COMMAND}, "a": "address", "ba": "bank"}
"""The pins that the FPGA always drives, and with which signal."""


def signature_of(external: External) -> wiring.Signature:
    """Return the signals of a memory chip, as :class:`.sdram.Sdram` has them."""
    width, address = external.facts.width, max(external.facts.row_bits, 11)
    return wiring.Signature({
        **{name: Out(1) for name in (*COMMAND, "dqm", "dq_oe")},
        "address": Out(address), "bank": Out(2), "dq_o": Out(width), "dq_i": In(width)})


class ChipPins(wiring.Component):
    """Bring the signals of a memory chip to its pins, each through the register of its pad.

    The chip's clock is the clock turned over. So what goes to the chip is stable half a cycle
    before it looks, and a word of it is taken
    :data:`~hwgen.arch.external.CAPTURE` cycles later than without these registers.

    Parameters
    ----------
    external : External

    Members
    -------
    chip : In
        See :func:`signature_of`.
    """

    chip: Any

    def __init__(self, external: External) -> None:
        self.external = external
        super().__init__({"chip": In(signature_of(external))})
        outputs = {name: len(getattr(self.chip, signal)) for name, signal in DRIVEN.items()}
        self.ports = {name: IOPort(width, name=f"memory_{name}") for name, width in {
            **outputs, "clk": 1, "cke": 1, "cs_n": 1, "dqm": external.facts.width // 8,
            "dq": external.facts.width}.items()}

    def elaborate(self, platform: object) -> Module:
        m = Module()
        pads.clock_pad(m, self.ports["clk"], "clk")
        pads.pad(m, self.ports["cke"], "cke", Const(1, 1))
        pads.pad(m, self.ports["cs_n"], "cs_n", Const(0, 1))
        for name, signal in DRIVEN.items():
            for index, bit in enumerate(getattr(self.chip, signal)):
                self._drive(m, name, index, bit, name in COMMAND)
        for index in range(len(self.ports["dqm"])):
            self._drive(m, "dqm", index, self.chip.dqm, True)
        for index, bit in enumerate(self.chip.dq_o):
            name = f"dq_{index}"
            off = pads.pad_register(m, ~self.chip.dq_oe, f"{name}_off", init=1)
            read = pads.pad(m, self.ports["dq"][index], name,
                            pads.pad_register(m, bit, name), off=off)
            m.d.comb += self.chip.dq_i[index].eq(pads.pad_register(m, read, f"{name}_in"))
        return m

    def _drive(self, m: Module, name: str, index: int, bit: Value, high: bool) -> None:
        """Drive a pin with a bit, a cycle later; at first it is low, or ``high``."""
        each = f"{name}_{index}"
        pads.pad(m, self.ports[name][index], each,
                 pads.pad_register(m, bit, each, init=int(high)))
