# amaranth: UnusedElaboratable=no
"""The accelerator: memories, a sequencer, an array and what is around it, behind a host port."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from typing import Any

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ...arch.contents import NOTHING, Contents
from ...arch.registers import (
    ACKNOWLEDGE,
    EPOCH_SHIFT,
    GO,
    IDENTITY,
    OWNER_SHIFT,
    STOP,
    TURN,
    Register,
    Space,
)
from .. import primitives
from ..bitserial.array import BitSerial
from ..links.host import BUS, Host
from ..links.turns import Turns
from ..primitives.pipeline import later
from ..step import Mode
from ..systolic.array import SystolicArray
from ..systolic.systolic import Kind, WeightStationary
from ..unpack.unpack import Unpack
from .accumulators import Accumulators
from .bitserial_tags import tag_of_sums
from .fetch import Fetch
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
        self._connect_host(m)
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

    def _registers(self, first: Value, number: Value, limit: Value) -> list[Value]:
        """Return what the host reads of each register, in the order of their offsets."""
        sequencer = self.sequencer
        control: Value
        if self.turns:
            control = Cat(Const(0, OWNER_SHIFT), self.turns.owner)
            status = Cat(Const(0, EPOCH_SHIFT - 1), self.turns.epoch)
        else:
            control, status = Const(0, 32), Cat(self.irq, Const(0, 6))
        values = {
            Register.IDENTITY: Const(IDENTITY, 32),
            Register.CONTROL: control,
            Register.STATUS: Cat(sequencer.busy, status, sequencer.error, sequencer.step),
            Register.FIRST: first,
            Register.COUNT: number,
            Register.WATCHDOG: limit,
            Register.CYCLES: sequencer.cycles,
            Register.FINGERPRINT: Const(self.fingerprint, 32),
        }
        return [values[register] for register in Register]

    def _bus(self, m: Module, *, near: bool = False) -> Any:
        """Return the bus by which registers and memories are reached."""
        if self.turns is None:
            m.d.comb += self.busy.eq(self.sequencer.busy)
            return self.bus
        m.submodules.host = host = Host(near=near, family=self.family)
        m.submodules.turns = self.turns
        m.d.comb += [self.turns.start.eq(self.sequencer.start),
                     self.turns.busy.eq(self.sequencer.busy), host.epoch.eq(self.turns.epoch)]
        wiring.connect(m, wiring.flipped(self.rx), host.rx)
        wiring.connect(m, host.tx, wiring.flipped(self.tx))
        return host.bus

    def _interrupt(self, m: Module, control: Value) -> None:
        """Raise the interrupt where a run ends; ``control`` is what is written to that register."""
        if not self.exposed:
            return
        before = Signal()
        m.d.sync += before.eq(self.sequencer.busy)
        with m.If((control & (GO | ACKNOWLEDGE)).any()):
            m.d.sync += self.irq.eq(0)
        with m.If(before & ~self.sequencer.busy):
            m.d.sync += self.irq.eq(1)

    def _direct_tag(self) -> Value:
        """Return the tag of values that do not pass the array."""
        return Value.cast(self.fetch.early.tag)

    def _connect_host(self, m: Module) -> None:
        """Let the host read and write memories and registers, while nothing runs.

        While something does, it can be watched and stopped.
        """
        bus = self._bus(m)
        sequencer, activations, program = self.sequencer, self.activations, self.program
        fetch, store = self.fetch, self.store

        # A request is taken into registers, is served, and answered: there is no hurry.
        space, offset = Signal(8, reset_less=True), Signal(24, reset_less=True)
        written, mask = Signal(32, reset_less=True), Signal(4, reset_less=True)
        serving, writes, answered = Signal(), Signal(), Signal()
        longest = max(1 + activations.read_latency, program.read_latency) + 6
        wait = Signal(range(longest + 1))
        with m.If(~serving & ~bus.ack & (bus.read | bus.write)):
            m.d.sync += [space.eq(bus.address[24:]), offset.eq(bus.address[:24]),
                         written.eq(bus.w_data), mask.eq(bus.mask), writes.eq(bus.write),
                         serving.eq(1), wait.eq(Mux(bus.read, longest, 1))]
        with m.Elif(serving):
            m.d.sync += [wait.eq(wait - 1), answered.eq(wait == 1)]
            with m.If(answered):
                m.d.sync += [serving.eq(0), answered.eq(0)]
        answer, error = Signal(32, reset_less=True), Signal(reset_less=True)
        m.d.comb += [bus.ack.eq(answered), bus.r_data.eq(answer), bus.error.eq(error)]
        write_registers, write_activations, write_program = writing = Signal(3)
        idle = ~sequencer.busy
        m.d.sync += writing.eq(Mux(answered & writes & ~error,
                                   Cat(space == Space.REGISTERS,
                                       (space == Space.ACTIVATIONS) & idle,
                                       (space == Space.PROGRAM) & idle), 0))

        if self.sparse:
            m.d.comb += [
                Value.cast(self.sparse.load).eq(offset[2:]), self.sparse.data.eq(written),
                self.sparse.write.eq(later(
                    m, answered & writes & ~sequencer.busy & ~error & (space == Space.SPARSE), 1,
                    "write_sparse", reset=True)),
            ]

        # Activations: four of the bytes of a window. Nothing moves yet when a step begins.
        running = later(m, sequencer.busy, 1, "running", reset=True)
        for port, value in (
                ("read_address", Mux(running, fetch.address, offset)),
                ("write_address", Mux(write_activations, offset, store.address)),
                ("write_data", Cat(Mux(write_activations, written, store.data[:32]),
                                   store.data[32:])),
                ("write_mask", store.mask | Mux(write_activations, mask, 0))):
            m.d.comb += getattr(activations, port).eq(later(m, value, 1, port))

        # Program: a word begins at a multiple of a power of two.
        stride = max(ceil_log2(self.columns), 2)
        parts = len(program.write_mask)
        part = Signal(range(max(1 << (stride - 2), 2)))
        m.d.comb += part.eq(offset[2:stride])
        row, given = later(m, offset[stride:], 1, "row"), later(m, written, 1, "given")
        with m.If(~running):
            m.d.comb += program.address.eq(row)
        m.d.comb += program.write_data.eq(given.replicate(parts)[:program.width])
        m.d.sync += program.write_mask.eq(Mux(write_program, 1 << part, 0))
        word = later(m, program.read_data, 1, "program_word")
        parted = Cat(word, Const(0, 32 * parts - program.width))
        of_program = later(m, parted.word_select(part, 32), 1, "of_program")
        of_activations = later(m, activations.read_data[:32], 1, "of_activations")

        # Cycle counters.
        counters = primitives.add_ram(m, None, "counters", self.family, 32, self.steps)
        m.d.comb += counters.read_address.eq(offset[2:])
        m.d.sync += [
            counters.write_address.eq(sequencer.step),
            counters.write_data.eq(sequencer.step_cycles + 1),
            counters.write.eq(sequencer.counted & (sequencer.step < self.steps)),
        ]

        first, number, limit = Signal(16), Signal(16), Signal(32, init=(1 << 32) - 1)
        m.d.comb += [sequencer.first.eq(first), sequencer.count.eq(number),
                     sequencer.limit.eq(limit)]
        registers = self._registers(first, number, limit)
        which = Signal(len(registers))
        m.d.sync += [which.eq(Mux(write_registers, 1 << offset[2:5], 0)),
                     sequencer.start.eq(which[Register.CONTROL // 4] & given[0]),
                     sequencer.stop.eq(which[Register.CONTROL // 4] & (given & STOP).any())]
        self._interrupt(m, Mux(which[Register.CONTROL // 4], given, 0))
        if self.turns:
            m.d.sync += [  # both, as the next word of the frame is on its way
                self.turns.turn.eq(which[Register.CONTROL // 4] & (given & TURN).any()),
                self.turns.number.eq(given[OWNER_SHIFT:]),
            ]
        for at, register in ((Register.FIRST, first), (Register.COUNT, number),
                             (Register.WATCHDOG, limit)):
            with m.If(which[at // 4] & idle):
                m.d.sync += register.eq(given)
        register, counter = Signal(32, reset_less=True), later(m, counters.read_data, 1, "counter")
        values = data.ArrayLayout(32, len(registers))(Cat(
            Cat(value, Const(0, 32 - len(value))) for value in registers))
        m.d.sync += register.eq(values[offset[2:5]])
        # Activations are written by the byte, counters not at all.
        whole = space != Space.ACTIVATIONS
        known, fixed = Signal(), writes & ((~mask.all() & whole) | (space == Space.COUNTERS))
        m.d.sync += error.eq(~known | fixed | (sequencer.busy & (space != 0)))
        with m.Switch(space):
            with m.Case(Space.REGISTERS):
                m.d.sync += answer.eq(register)
                m.d.comb += known.eq(offset < 4 * len(registers))
            with m.Case(Space.ACTIVATIONS):
                m.d.sync += answer.eq(of_activations)
                m.d.comb += known.eq(offset < activations.size)
            with m.Case(Space.PROGRAM):
                m.d.sync += answer.eq(of_program)
                m.d.comb += known.eq(offset[stride:] < program.depth)  # padding too: 0
            with m.Case(Space.COUNTERS):
                m.d.sync += answer.eq(counter)
                m.d.comb += known.eq(offset < 4 * self.steps)
            if self.sparse:
                with m.Case(Space.SPARSE):  # what was written cannot be read
                    m.d.sync += answer.eq(0)
                    m.d.comb += known.eq(1)
