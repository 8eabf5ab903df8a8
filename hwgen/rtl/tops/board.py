# amaranth: UnusedElaboratable=no
"""The top level of a board: an accelerator at its serial port, its clock and its reset."""

from typing import Any

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..external.pins import ChipPins
from ..links.crossing import HOST
from ..links.flash import Flash
from ..links.uart import IDLE_IN, IDLE_OUT
from ..primitives.plls import ClockGenerator, ClockSetting

__all__ = ["BoardTop", "Reset"]

CYCLES = 128
"""Cycles of reset once the clock is there. Block memories of an iCE40 are not ready in the first
microseconds."""


class Reset(wiring.Component):
    """Reset until the clock is there, and for some cycles more; again when it was lost.

    Its own registers are not reset; they begin as the FPGA is configured.

    Members
    -------
    locked : In(1)
        Not in any clock domain.
    reset : Out(1)
        Ends ``latency`` cycles after ``locked`` has come, and begins 4 cycles after it went.
    """

    locked: Value
    reset: Value

    latency = CYCLES + 3

    def __init__(self) -> None:
        super().__init__({"locked": In(1), "reset": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        caught = Signal(reset_less=True)
        locked = Signal(reset_less=True)
        cycles = Signal(range(2 * CYCLES), reset_less=True)
        reset = Signal(init=1, reset_less=True)
        m.d.comb += self.reset.eq(reset)
        m.d.sync += [caught.eq(self.locked), locked.eq(caught), reset.eq(~cycles[-1])]
        with m.If(~locked):
            m.d.sync += cycles.eq(0)
        with m.Elif(~cycles[-1]):
            m.d.sync += cycles.eq(cycles + 1)
        return m


class BoardTop(wiring.Component):
    """What has a serial port, on a board, with its pins for ports.

    Parameters
    ----------
    serial : Component
        With ``rx`` and ``tx``, as a :class:`~hwgen.rtl.tops.links.SerialAccelerator`. Its
        bits are as long as fits the clock of ``host``, or else that of ``setting``.
    setting : ClockSetting
        The clock.
    flash : Flash, optional
        That of ``serial``, which then has pins, too.
    host : ClockSetting, optional
        The clock of the host's side, where ``serial`` has that in a clock domain of its own. It
        leaves reset when both clocks are there.

    Members
    -------
    clk : In(1)
        The crystal.
    rx : In(1), tx : Out(1)
        The wires, from and to the host.
    flash_select_n, flash_clock, flash_command, flash_protect_n, flash_hold_n : Out(1)
    flash_answer : In(1)
        The wires of the flash memory, where there is one.
    memory_clk, memory_a, ... : IOPort
        The pins of the memory chip, where there is one: those of :class:`ChipPins`.
    """

    clk: Value
    rx: Value
    tx: Value

    def __init__(self, serial: Any, setting: ClockSetting, flash: Flash | None = None,
                 host: ClockSetting | None = None) -> None:
        self.serial = serial
        self.setting = setting
        self.flash = flash
        self.host = host
        self.memory = ChipPins(serial.accelerator.external) if hasattr(serial, "chip") else None
        of_flash = {"flash_answer": In(1), **{f"flash_{name}": Out(1) for name in (
            "select_n", "clock", "command", "protect_n", "hold_n")}}
        super().__init__({"clk": In(1), "rx": IDLE_IN, "tx": IDLE_OUT,
                          **(of_flash if flash else {})})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.domains.sync = ClockDomain()
        m.submodules.clocks = clocks = ClockGenerator(self.setting)
        m.submodules.reset = reset = Reset()
        m.submodules.serial = serial = self.serial
        m.d.comb += [
            clocks.crystal.eq(self.clk),
            ClockSignal().eq(clocks.clock),
            reset.locked.eq(self._add_host_clock(m, clocks.locked)),
            ResetSignal().eq(reset.reset),
            serial.rx.eq(self.rx),
            self.tx.eq(serial.tx),
        ]
        if self.flash is not None:
            flash, ports = self.flash, vars(self)
            m.d.comb += [
                flash.answer.eq(ports["flash_answer"]),
                *(ports[f"flash_{name}"].eq(getattr(flash, name))
                  for name in ("select_n", "clock", "command")),
                # Pins that serve a memory with more than one line of data; with one, both are high.
                ports["flash_protect_n"].eq(1), ports["flash_hold_n"].eq(1),
            ]
        if self.memory is not None:
            m.submodules.memory = self.memory
            wiring.connect(m, serial.chip, self.memory.chip)
        return m

    def _add_host_clock(self, m: Module, locked: Value) -> Value:
        """Add the clock of the host's side, and return whether all clocks are there."""
        if self.host is None:
            return locked
        m.domains += ClockDomain(HOST)
        m.submodules.host_clocks = clocks = ClockGenerator(self.host)
        reset = Reset()
        m.submodules.host_reset = DomainRenamer(HOST)(reset)
        every: Value = locked & clocks.locked
        m.d.comb += [
            clocks.crystal.eq(self.clk),
            ClockSignal(HOST).eq(clocks.clock),
            reset.locked.eq(every),
            ResetSignal(HOST).eq(reset.reset),
        ]
        return every
