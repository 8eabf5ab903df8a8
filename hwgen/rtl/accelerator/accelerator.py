# amaranth: UnusedElaboratable=no
"""The accelerator: memories, a sequencer, an array and what is around it, behind a host port."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from typing import Any

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...arch.contents import NOTHING, Contents
from .. import primitives
from ..bitserial.array import BitSerial
from ..links.host import BUS
from ..links.turns import Turns
from ..primitives.pipeline import later
from ..step import Mode
from ..systolic.array import SystolicArray
from ..systolic.systolic import Kind, WeightStationary
from ..unpack.unpack import Unpack
from .accumulators import Accumulators
from .bitserial_tags import tag_of_sums
from .fetch import Fetch
from .host_port import FastHostPort, HostPort
from .memories import ByteMemory, WordMemory
from .post import Post
from .sequencer import Sequencer
from .sparse_accumulators import SparseAccumulators
from .sparse_path import SparsePath
from .sparse_sequencer import SparseSequencer
from .store import Store
from .unpack_sequencer import UnpackSequencer

__all__ = ["PART", "Accelerator", "Parts"]

PART = 32
"""Bits of the program memory that are written together."""


@dataclass(frozen=True)
class Parts:
    """The classes that an accelerator is made of."""

    array: type[SystolicArray]
    serial: type[BitSerial]
    program: type[WordMemory]
    activations: type[ByteMemory]
    fetch: type[Fetch]
    accumulators: type[Accumulators]
    post: type[Post]
    store: type[Store]
    sequencer: type[Sequencer]


class Accelerator(wiring.Component):
    """Run Programs: docs/accelerator.md says what they are, docs/protocol.md how a host loads them.

    Parameters
    ----------
    engine : str
        ``systolic``, ``bitserial``, or ``sparse``: a sparse engine beside a systolic array.
    rows, columns : int
        Of the array.
    lines : int
        Of its depthwise path.
    lanes, hard_lanes : int
        Sums that are requantised in a cycle, and how many of them in DSP blocks.
    activation_memory, program_memory : int
        Bytes.
    partial_sums : int
        Vectors that the accumulators hold.
    line_pixels : int
        Longest row of a depthwise step.
    steps : int
        Steps that have a cycle counter.
    rounding : str
        See :class:`post.Lane`.
    fingerprint : int
        32 bits by which the host tells Designs apart.
    family, device, dsps
        See :class:`SystolicArray`.
    sparse_entries, sparse_columns, sparse_depth : int
        Of a sparse engine, see :class:`hwgen.rtl.sparse.engine.Sparse`.
    decompress : bool
        Whether there is a part that unpacks weights in the program memory.
    contents : Contents
        What its memories hold as the chip wakes up.
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

    parts = Parts(WeightStationary, BitSerial, WordMemory, ByteMemory, Fetch, Accumulators, Post,
                  Store, Sequencer)
    far = 1
    """Registers before a memory."""
    host_port: type[HostPort] = FastHostPort

    def __init__(self, *, rows: int, columns: int, lines: int, lanes: int,
                 activation_memory: int, program_memory: int, partial_sums: int,
                 line_pixels: int, steps: int, rounding: str = "tflm", hard_lanes: int = 0,
                 fingerprint: int = 0, family: str = "generic", device: str | None = None,
                 dsps: int | None = None, engine: str = "systolic", sparse_entries: int = 0,
                 sparse_columns: int = 0, sparse_depth: int = 0, decompress: bool = False,
                 contents: Contents = NOTHING, exposed: bool = False) -> None:
        parts = self.parts
        self.sparse: SparsePath | None = None
        if engine == "sparse":
            parts = replace(parts, accumulators=SparseAccumulators, sequencer=SparseSequencer)
            self.sparse = SparsePath(rows=rows, lanes=columns, entries=sparse_entries,
                                     columns=sparse_columns, depth=sparse_depth, family=family)
        if decompress:
            parts = replace(parts, sequencer=UnpackSequencer)
        self.serial = engine == "bitserial"
        self.array: Any = parts.serial(rows, columns, family=family, lines=lines) if self.serial \
            else parts.array(rows, columns, signed(8), signed(8), depth=rows, lines=lines,
                        family=family, device=device, dsps=dsps, lanes=hard_lanes)
        self.rows = rows
        self.columns = columns
        self.lines = lines
        self.steps = steps
        self.fingerprint = fingerprint
        self.window = max(rows, columns)
        self.family = family
        self.program = parts.program(8 * columns, program_memory // columns, PART, family,
                                     device, contents.program)
        self.activations = parts.activations(activation_memory, self.window, family, device,
                                             self.program.places, contents.activations)
        self.post = parts.post(columns, lanes, rounding, family, device=device, hard=hard_lanes)
        self.fetch = parts.fetch(window=self.window, columns=columns, lines=lines,
                                 line_pixels=line_pixels, size=activation_memory,
                                 memory_latency=self.far + self.activations.read_latency,
                                 family=family)
        self.accumulators = parts.accumulators(columns, partial_sums, family)
        self.store: Any = parts.store(
            columns=columns, lanes=lanes, size=activation_memory, window=self.window,
            memory_latency=self.far + self.activations.write_latency)
        self.sequencer: Any = parts.sequencer(
            rows, columns, self.post.interval, self.program.depth,
            len(self.activations.read_address), serial=self.serial)
        self.unpack = Unpack(rows, columns, self.program.depth, self.program.read_latency) \
            if decompress else None
        self.exposed = exposed
        self.turns = None if exposed else Turns()  # a system's own bus repeats nothing
        super().__init__(self._ports(exposed))

    @staticmethod
    def _ports(exposed: bool) -> dict[str, Any]:
        """Return the ports of an accelerator."""
        if exposed:
            return {"bus": In(BUS), "busy": Out(1), "irq": Out(1)}
        return {"rx": In(stream.Signature(8)), "tx": Out(stream.Signature(8))}

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.sequencer = sequencer = self.sequencer
        m.submodules.activations = activations = self.activations
        m.submodules.program = program = self.program
        fetch, array, accumulators = self.fetch, self.array, self.accumulators
        post, store = self.post, self.store

        # What is under way when a step fails must not come out in the next one. The reset has far
        # to go, and time to do it: what is cleared stays so for many cycles.
        clear = Signal(init=1)
        m.d.sync += clear.eq(sequencer.clear)
        beside = [name for name in ("sparse", "unpack") if getattr(self, name)]
        for name in ("fetch", "array", "accumulators", "post", "store", *beside):
            domain = f"{name}_domain"
            m.domains += ClockDomain(domain, local=True)
            m.d.comb += [
                ClockSignal(domain).eq(ClockSignal()),
                ResetSignal(domain).eq(primitives.local_register(m, self.family, clear,
                                                                 f"clear_{name}")),
            ]
            m.submodules[name] = DomainRenamer(domain)(getattr(self, name))

        # A step begins with words of the program, so that its descriptor has a cycle to spread.
        d = sequencer.descriptor
        for name in ("fetch", "accumulators", "post", "store", *beside):
            m.d.comb += Value.cast(getattr(self, name).descriptor).eq(
                self._beside(m, Value.cast(d), f"{name}_descriptor"))

        # Weights and parameters come in the very cycle in which a vector issued with them would.
        early = fetch.latency - program.read_latency
        kind = later(m, sequencer.load, fetch.latency, "kind", reset=True)
        address = later(m, sequencer.address, early, "address")
        head = later(m, sequencer.head, program.read_latency, "head", reset=True)
        m.d.comb += [
            program.address.eq(Mux(sequencer.head, sequencer.head_address, address)),
            sequencer.word.eq(program.read_data),
            sequencer.word_valid.eq(head),
            Value.cast(fetch.event).eq(Value.cast(sequencer.event)),
            array.weights.valid.eq(kind.weights),
            Value.cast(array.weights.p.word if self.serial else array.weights.payload).eq(
                program.read_data),
            post.word.eq(program.read_data),
            post.word_valid.eq(kind.parameters),
            fetch.bytes.eq(activations.read_data),
            sequencer.swapped.eq(post.swapped),
        ]
        m.d.sync += [
            sequencer.done.eq(reduce(or_, (part.done for part in (
                store, accumulators, self.sparse, self.unpack) if part))),
            sequencer.fetch_error.eq(fetch.error),
            sequencer.store_error.eq(store.error),
            sequencer.sums_error.eq(accumulators.error),
        ]
        self._connect_values(m)
        self.host_port(m, self).connect()
        if self.unpack:
            self._connect_unpack(m, self.unpack)
        return m

    def _beside(self, m: Module, value: Value, name: str) -> Value:
        """Return a value that spreads over the chip, a cycle later."""
        return primitives.local_register(m, self.family, value, name)

    def _byte(self, m: Module, c: int) -> Value:
        """Return a column's byte of the memory, for values that do not pass the array."""
        return self._beside(m, self.fetch.next_vector.word_select(c, 8), f"byte_{c}")

    def _connect_values(self, m: Module) -> None:
        """Connect fetch, array, accumulators, lanes and store."""
        fetch, array, accumulators = self.fetch, self.array, self.accumulators
        post, store = self.post, self.store
        d = self.sequencer.descriptor
        through = Signal()  # the array
        m.d.sync += through.eq(d.mode <= Mode.DEPTHWISE)
        valid = later(m, fetch.early.valid & through, fetch.ahead, "valid", reset=True)
        m.d.comb += [
            array.activations.valid.eq(valid),
            array.activations.p.last.eq(fetch.o.last),
            Value.cast(array.activations.p.vector).eq(fetch.vector[:8 * self.rows]),
        ]
        if self.lines:
            depthwise = Signal()
            m.d.sync += depthwise.eq(d.mode == Mode.DEPTHWISE)
            kind = Mux(fetch.o.tag.value, Kind.DEPTHWISE, Kind.PRIME)
            m.d.comb += [
                Value.cast(array.activations.p.kind).eq(Mux(depthwise, kind, Kind.MATRIX)),
                Value.cast(array.activations.p.pixels).eq(Value.cast(fetch.pixels)),
            ]
        # Vectors that pass by the array must not come out of it.
        if self.serial:
            formats = self._beside(m, Cat(d.activation_format, d.weight_format), "formats")
            tag = tag_of_sums(m, array, fetch, formats)
        else:
            tag = later(m, Mux(through, Value.cast(fetch.early.tag), 0), array.latency, "tag",
                        reset=True)
        aside, sums = self._direct_tag(), None
        if self.sparse:
            aside, sums = self._connect_sparse(m, self.sparse, aside)
        m.d.comb += [
            accumulators.tag.eq(Mux(through, tag, aside)),
            post.tag.eq(accumulators.o_tag),
            post.tag_early.eq(accumulators.o_tag_early),
            post.sums.eq(accumulators.o),
            accumulators.ready.eq(post.ready),
            accumulators.ready_last.eq(post.ready_last),
            accumulators.ready_sums.eq(post.ready_sums),
            store.valid.eq(post.o_valid),
            store.group.eq(post.o_group),
            store.tag.eq(post.o_tag),
            store.bytes.eq(post.o),
        ]
        for c in range(self.columns):
            byte = self._byte(m, c).as_signed()
            of_array, scaled = self._beside(m, Cat(through, d.scaled), f"source_{c}")
            value = Mux(scaled, byte << 20, byte)
            if sums is not None:
                value = sums(c, value)
            m.d.comb += accumulators.values[c].eq(Mux(of_array, array.o.payload[c], value))

    def _connect_sparse(self, m: Module, path: SparsePath, direct: Value,
                        ) -> tuple[Value, Callable[[int, Value], Value]]:
        """Connect the sparse engine.

        Return the tag of values that do not pass the array, and which of two values of a column
        they are.
        """
        fetch, sequencer = self.fetch, self.sequencer
        assert isinstance(sequencer, SparseSequencer)
        sparse = Signal()
        m.d.sync += sparse.eq(sequencer.descriptor.mode == Mode.SPARSE)
        m.d.comb += [
            path.issued.eq(sequencer.event.valid & sparse), sequencer.hold.eq(path.hold),
            path.valid.eq(fetch.o.valid & sparse), path.last.eq(fetch.o.last),
            path.final.eq(fetch.o.tag.tile_end),
            path.vector.eq(fetch.vector[:8 * self.rows]),
        ]

        def chosen(c: int, value: Value) -> Value:
            near = self._beside(m, sparse, f"sparse_{c}")
            return Mux(near, path.sums[c], value)
        return Mux(sparse, Value.cast(path.tag), direct), chosen

    def _connect_unpack(self, m: Module, unpack: Unpack) -> None:
        """Let the program memory be read and written by what unpacks weights, while it does."""
        sequencer, program = self.sequencer, self.program
        assert isinstance(sequencer, UnpackSequencer)
        m.d.comb += [unpack.start.eq(sequencer.unpack), unpack.word.eq(program.read_data),
                     sequencer.outside.eq(unpack.error)]
        with m.If(unpack.busy):
            m.d.comb += [program.address.eq(unpack.address), program.write_data.eq(unpack.data)]
        with m.If(unpack.write):
            m.d.sync += program.write_mask.eq(~0)

    def _direct_tag(self) -> Value:
        """Return the tag of values that do not pass the array."""
        return Value.cast(self.fetch.early.tag)
