# amaranth: UnusedElaboratable=no
"""What every accelerator is to a host: its ports, and the way to its memories and registers."""

from typing import Any

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..links.host import BUS
from ..links.turns import Turns
from .host_port import HostPort

__all__ = ["PART", "Frame"]

PART = 32
"""Bits of the program memory that are written together."""


class Frame(wiring.Component):
    """The frame of an accelerator: a host's port, around memories and a sequencer.

    Who inherits adds ``program``, ``activations`` and ``sequencer``, and calls ``host_port``.

    Parameters
    ----------
    rows, columns : int
        Of the array.
    steps : int
        Steps that have a cycle counter.
    fingerprint : int
        32 bits by which the host tells Designs apart.
    family, device : str
        The FPGA.
    exposed : bool
        Whether the bus of registers and memories is itself a port, for a top level that has a bus
        of its own, and not behind a host's bytes.

    Members
    -------
    rx : In(stream.Signature(8)), tx : Out(stream.Signature(8))
        From and to the host; not if ``exposed``.
    bus : In(BUS)
        If ``exposed``.
    busy : Out(1)
        If ``exposed``: steps run.
    irq : Out(1)
        If ``exposed``: a run has ended. Until it is acknowledged, or the next run begins.
    """

    rx: stream.Interface
    tx: stream.Interface
    bus: Any
    busy: Value
    irq: Value

    host_port: type[HostPort]
    parts: tuple[Any, ...] = ()
    """See :class:`hwgen.rtl.accelerator.part.Part`."""

    def __init__(self, *, rows: int, columns: int, steps: int, fingerprint: int, family: str,
                 device: str | None, exposed: bool) -> None:
        self.rows = rows
        self.columns = columns
        self.steps = steps
        self.fingerprint = fingerprint
        self.family = family
        self.device = device
        self.exposed = exposed
        self.turns = None if exposed else Turns()  # a system's own bus repeats nothing
        ports: dict[str, Any] = {"rx": In(stream.Signature(8)), "tx": Out(stream.Signature(8))}
        if exposed:
            ports = {"bus": In(BUS), "busy": Out(1), "irq": Out(1)}
        super().__init__(ports)

    def memory_accesses(self) -> tuple[Value, Value, Value, Value]:
        """Return where steps read activations and where they write four: what, and which of them.

        For a host port that shares the memory's only port with the steps.
        """
        raise NotImplementedError
