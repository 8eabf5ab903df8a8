# amaranth: UnusedElaboratable=no
"""What every accelerator is to a host: its ports, and the way to its memories and registers."""

from typing import Any

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...arch.boards import TWO_CLOCKS
from ...arch.external import External
from ..external.pins import signature_of
from ..links.crossing import HOST, Crossing
from ..links.host import BUS, Host
from .control import CONTROL
from .host_port import PART, HostPort
from .memories import byte_ports, word_ports
from .program_stream import ProgramStream

__all__ = ["Frame"]


class Frame(wiring.Component):
    """The frame of an accelerator: a host's port, around memories and a sequencer.

    Who inherits adds ``program``, ``activations`` and ``sequencer``, and calls
    :meth:`connect_host`.

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
    external : External, or None
        What memory chip it has.

    Members
    -------
    rx : In(stream.Signature(8)), tx : Out(stream.Signature(8))
        From and to the host, in :attr:`host_domain`; not if ``exposed``.
    bus : In(BUS)
        If ``exposed``.
    busy : Out(1)
        If ``exposed``: steps run.
    irq : Out(1)
        If ``exposed``: a run has ended. Until it is acknowledged, or the next run begins.
    chip : Out
        The pins of a memory chip, if it has ``external`` memory.
    """

    rx: stream.Interface
    tx: stream.Interface
    bus: Any
    busy: Value
    irq: Value

    host_port: type[HostPort]
    activations: Any
    program: Any
    sequencer: Any
    stream: ProgramStream | None = None
    protection: Any = None
    """See :class:`hwgen.rtl.accelerator.protection.Protection`."""
    chip: Any
    parts: tuple[Any, ...] = ()
    """See :class:`hwgen.rtl.accelerator.part.Part`."""

    def __init__(self, *, rows: int, columns: int, steps: int, fingerprint: int, family: str,
                 device: str | None, exposed: bool, external: External | None = None) -> None:
        self.rows = rows
        self.columns = columns
        self.steps = steps
        self.fingerprint = fingerprint
        self.family = family
        self.device = device
        self.exposed = exposed
        self.external = external
        ports: dict[str, Any] = {"rx": In(stream.Signature(8)), "tx": Out(stream.Signature(8))}
        if exposed:
            ports = {"bus": In(BUS), "busy": Out(1), "irq": Out(1)}
        if external:
            ports["chip"] = Out(signature_of(external))
        super().__init__(ports)

    @property
    def host_domain(self) -> str:
        """The clock domain of the host's side.

        Its logic is as large as its words are wide, and need not be fast.
        """
        return HOST if self.family in TWO_CLOCKS and not self.exposed else "sync"

    def connect_host(self, m: Module, **accesses: Any) -> None:
        """Connect host, registers, memories and sequencer, and what steps do with the memories.

        That is, by name, what :class:`.host_port.HostPort` has in ``accesses``.
        """
        activations, program = self.activations, self.program
        filled: list[Any] = [part for part in self.parts if part.space is not None]
        if self.stream is not None:
            filled.append(self.stream)
        port = self.host_port(
            size=activations.size, window=activations.window, words=program.depth,
            columns=self.columns, steps=self.steps,
            reading=max(activations.read_latency, program.read_latency),
            fingerprint=self.fingerprint, exposed=self.exposed,
            spaces=[part.space for part in filled], family=self.family,
            protected=self.protection is not None)
        m.submodules.host_port = port
        for name in byte_ports(activations.size, activations.window):
            given, taken = getattr(port.activations, name), getattr(activations, name)
            m.d.comb += given.eq(taken) if name == "read_data" else taken.eq(given)
        for name in word_ports(8 * self.columns, program.depth, PART):  # it may have more of them
            given, taken = getattr(port.program, name), getattr(program, name)
            m.d.comb += given.eq(taken) if name == "read_data" else taken.eq(given)
        for name, member in CONTROL.items():
            sent, given = getattr(port.run, name), getattr(self.sequencer, name)
            m.d.comb += given.eq(sent) if member.flow is In else sent.eq(given)
        for name, value in accesses.items():
            m.d.comb += getattr(port.accesses, name).eq(value)
        for index, part in enumerate(filled):
            m.d.comb += part.load(port.load.offset, port.load.data, port.load.write[index])
        if self.stream is not None:
            m.d.comb += port.external.eq(self.stream.read)
        if self.protection is not None:
            self.protection.connect(m, port)
        if self.exposed:
            wiring.connect(m, wiring.flipped(self.bus), port.bus)
            m.d.comb += [self.busy.eq(self.sequencer.busy), self.irq.eq(port.irq)]
            return
        host = Host(near=port.near, family=self.family)
        m.submodules.host = DomainRenamer(self.host_domain)(host)
        wiring.connect(m, wiring.flipped(self.rx), host.rx)
        wiring.connect(m, host.tx, wiring.flipped(self.tx))
        if self.host_domain == "sync":
            m.d.comb += host.epoch.eq(port.epoch)
            wiring.connect(m, host.bus, port.bus)
            return
        m.submodules.crossing = crossing = Crossing()
        m.d.comb += [crossing.present.eq(port.epoch), host.epoch.eq(crossing.epoch)]
        wiring.connect(m, host.bus, crossing.i)
        wiring.connect(m, crossing.o, port.bus)
