"""Pads of an FPGA's pins, with their registers: for what has to keep another chip's times.

A register of a pad is as far from its pin in every build; one in the fabric is as far as it happens
to be placed.
"""

from amaranth import *
from amaranth.hdl import IOValue

__all__ = ["BOTH_WAYS", "clock_pad", "pad", "pad_register"]

BOTH_WAYS = ("ecp5",)
"""The families that have them here."""


def pad_register(m: Module, bit: Value, name: str, *, init: int = 0) -> Signal:
    """Return ``bit``, a cycle later, from a register that goes into the pad beside it.

    It is what drives one pad and nothing else, or what a pad has read; at first it is ``init``.
    """
    stored = Signal(name=name, init=init)
    m.submodules[f"{name}_register"] = Instance(
        "TRELLIS_FF", a_syn_useioff=1, p_GSR="DISABLED", p_CEMUX="1", p_CLKMUX="CLK",
        p_LSRMUX="LSR", p_SRMODE="LSR_OVER_CE", p_REGSET="SET" if init else "RESET",
        i_CLK=ClockSignal(), i_DI=bit, o_Q=stored)
    return stored


def pad(m: Module, port: IOValue, name: str, value: Value, *, off: Value | None = None) -> Signal:
    """Add the pad of one pin: drive it with ``value`` but while ``off``, and return what is there.

    Without ``off`` it is always driven.
    """
    read = Signal(name=f"{name}_read")
    m.submodules[f"{name}_pad"] = Instance(
        "TRELLIS_IO", p_DIR="OUTPUT" if off is None else "BIDIR", io_B=port, i_I=value,
        i_T=Const(0, 1) if off is None else off, **({} if off is None else {"o_O": read}))
    return read


def clock_pad(m: Module, port: IOValue, name: str) -> None:
    """Add a pin with the clock turned over: it rises in the middle of what registers hold."""
    turned = Signal(name=name)
    m.submodules[f"{name}_register"] = Instance(
        "ODDRX1F", i_SCLK=ClockSignal(), i_RST=Const(0, 1), i_D0=Const(0, 1), i_D1=Const(1, 1),
        o_Q=turned)
    pad(m, port, name, turned)
