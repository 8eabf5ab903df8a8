# amaranth: UnusedElaboratable=no
"""The accelerator: memories, a sequencer, an array and what is around it, behind a host port."""

from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial, reduce
from operator import or_
from typing import Any

from amaranth import *

from ...arch.external import External
from ...arch.parts import PARTS
from .. import primitives
from ..bitserial.array import BitSerial
from ..primitives.pipeline import later
from ..step import Mode
from ..systolic.systolic import Kind, WeightStationary
from .accumulators import Accumulators
from .arrays import BitSerialPart, SystolicPart
from .datapath import Datapath
from .fast_host_port import FastHostPort
from .fetch import Fetch
from .frame import Frame
from .host_port import PART, HostPort
from .keeping import Keeping, TableMaker, connect_keeping
from .matmul_part import MatmulPart
from .memories import ByteMemory
from .pairs import connect_pairs
from .part import Part
from .post import Post
from .protection import Protection
from .read_ahead import ReadAheadSequencer
from .sequencer import Sequencer
from .store import Store
from .sum_index import every_sum, strided_sum
from .taking import Taking
from .wide_memory import WideMemory
from .word_memory import WordMemory

__all__ = ["Accelerator"]


class Accelerator(Frame):
    """Run Programs: docs/accelerator.md says what they are, docs/protocol.md how a host loads them.

    :class:`Frame` has the ports, and the parameters that are not here.

    Parameters
    ----------
    serial : bool
        Whether the array is bit-serial; else it is systolic.
    parts : sequence of Part
        What does steps beside the array.
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
    rounding : str
        See :class:`post.Lane`.
    dsps, packed_rows
        See :class:`SystolicArray`.
    kept_vectors : int
        Vectors of bytes that are kept for a later step; 0: none ever is.
    products : bool
        Whether lanes can multiply two numbers that are computed.
    int4_weights : bool
        Whether steps may have weights of 4 bits, of which each cell multiplies two.
    contents : tuple of int
        The first words of its program memory as the chip wakes up.
    protect : str
        What protects the memories of activations and of the program: see :class:`.codes.Code`.
    external : External, or None
        The memory from which its program streams, where that is another class.
    """

    datapath = Datapath(WeightStationary, BitSerial, WordMemory, ByteMemory, Fetch, Accumulators,
                        Post, Store, ReadAheadSequencer, Sequencer)
    far = 1
    """Registers before a memory."""
    host_port: type[HostPort] = FastHostPort

    def __init__(self, *, rows: int, columns: int, lines: int, lanes: int,
                 activation_memory: int, program_memory: int, partial_sums: int,
                 line_pixels: int, steps: int, rounding: str = "tflm", hard_lanes: int = 0,
                 fingerprint: int = 0, family: str = "generic", device: str | None = None,
                 dsps: int | None = None, packed_rows: int = 0, serial: bool = False,
                 parts: Sequence[Part] = (), kept_vectors: int = 0, products: bool = False,
                 int4_weights: bool = False, contents: tuple[int, ...] = (), exposed: bool = False,
                 protect: str = "none", external: External | None = None) -> None:
        super().__init__(rows=rows, columns=columns, steps=steps, fingerprint=fingerprint,
                         family=family, device=device, exposed=exposed, external=external)
        made = self.datapath
        self.serial = serial
        # Less their zero points, which loaded weights have too, operands have nine bits.
        self.matmul = next((part for part in parts if isinstance(part, MatmulPart)), None)
        operand = signed(9 if self.matmul else 8)
        # What only those take that have weights of 4 bits:
        self.int4_weights = int4_weights
        more = {"int4_weights": True} if int4_weights else {}
        self.array: Any = made.serial(rows, columns, family=family, lines=lines) if serial \
            else made.array(rows, columns, operand, operand, depth=rows, lines=lines,
                            packed_rows=packed_rows, family=family, device=device, dsps=dsps,
                            lanes=hard_lanes, **more)
        self.array_part = (BitSerialPart if serial else SystolicPart)(self.array)
        self.lines = lines
        guarded: dict[str, Any] = {} if protect == "none" else {"protect": protect}
        words = max((part.words for part in parts), default=1)  # that are read at once
        self.window = max(rows, columns, words)
        self.program = (made.program if words == 1 else partial(WideMemory, words=words))(
            8 * columns, program_memory // columns, PART, family, device, contents, **guarded)
        self.activations = made.activations(activation_memory, self.window, family, device,
                                            self.program.places, **guarded)
        self.post = made.post(columns, lanes, rounding, family, device=device, hard=hard_lanes,
                              products=products, **more,
                              **{"whole": True} if words > 1 else {})
        self.fetch = made.fetch(window=self.window, columns=columns, lines=lines,
                                line_pixels=line_pixels, size=activation_memory,
                                memory_latency=self.far + self.activations.read_latency,
                                family=family)
        self.accumulators = made.accumulators(
            columns, partial_sums, family,
            strided_sum if any(part.strided for part in parts) else every_sum, products=products)
        self.store: Any = made.store(
            columns=columns, lanes=lanes, size=activation_memory, window=self.window,
            memory_latency=self.far + self.activations.write_latency, **more)
        self.high = made.accumulators(columns, partial_sums, family) if int4_weights else None
        self.sequencer: Any = (made.serial_sequencer if serial else made.sequencer)(
            rows, columns, self.post.interval, self.program.depth,
            len(self.activations.read_address), pace=self.array_part.pace, parts=parts,
            family=family)
        self.keeping = Keeping(columns, lanes, kept_vectors, family) if kept_vectors else None
        self.sequencer.tables = TableMaker() if kept_vectors else None
        self.sequencer.int4_weights, self.sequencer.lanes = int4_weights, lanes
        self.protection = Protection(self) if guarded else None
        self.sequencer.more_fields = PARTS["product"].fields if products else ()
        self.reads_ahead = isinstance(self.sequencer, ReadAheadSequencer)
        self.sequencer.words_ahead = self.words_ahead
        self.parts = tuple(parts)
        for part in parts:
            part.attach(self)

    @property
    def words_ahead(self) -> int:
        """Cycles that addresses of words wait, so that those come when vectors would."""
        return self.fetch.latency - self.program.read_latency

    @property
    def movers(self) -> list[Part]:
        """Parts that move activations in steps of their own."""
        return [part for part in self.parts if part.moves]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.sequencer = sequencer = self.sequencer
        m.submodules.activations = activations = self.activations
        m.submodules.program = program = self.program
        fetch, array, accumulators = self.fetch, self.array, self.accumulators
        post, store = self.post, self.store

        self._place_pipeline(m, sequencer)

        # Weights and parameters come in the very cycle in which a vector issued with them would.
        kind = later(m, sequencer.load, fetch.latency, "kind", reset=True)
        address = later(m, sequencer.address, self.words_ahead, "address")
        head = later(m, sequencer.head, program.read_latency, "head", reset=True)
        m.d.comb += [
            sequencer.word.eq(program.read_data),
            sequencer.word_valid.eq(head),
            Value.cast(fetch.event).eq(Value.cast(sequencer.event)),
            array.weights.valid.eq(kind.weights),
            self.array_part.weights.eq(self._less_zero(m, program.read_data, "weights")),
            post.word.eq(program.read_data),
            post.word_valid.eq(kind.parameters),
            fetch.bytes.eq(activations.read_data),
            sequencer.swapped.eq(post.swapped),
        ]
        m.d.sync += [
            sequencer.done.eq(reduce(or_, (component.done for component in (
                store, accumulators, *(part.component for part in self.parts))))),
            sequencer.fetch_error.eq(reduce(or_, (part.misses for part in self.movers),
                                            self.in_turn(fetch.error, "fetch"))),
            sequencer.store_error.eq(reduce(or_, (part.overruns for part in self.movers),
                                            self.in_turn(store.error, "store"))),
            sequencer.sums_error.eq(self.in_turn(accumulators.error, "sums")),
        ]
        self._connect_values(m)
        if self.high is not None:
            connect_pairs(m, self)
        self.connect_host(m, **self._accesses(), program_address=self._word_read(
            m, Mux(sequencer.head, sequencer.head_address, address)))
        for part in self.parts:
            part.connect(m, self)
        if self.keeping is not None:
            connect_keeping(m, self, self.keeping, sequencer.tables)
        return m

    def _less_zero(self, m: Module, bytes_: Value, which: str) -> Value:
        """Return weights or activations for the array, less their zero point if they have one."""
        return self.matmul.less_zero(m, self, bytes_, which) if self.matmul else bytes_

    def _word_read(self, m: Module, address: Value) -> Value:
        """Return which word of the program is read, if nobody else reads than the steps."""
        return address

    def in_turn(self, error: Value, name: str) -> Value:
        """Return an error in the turn of its step."""
        return self.taking.in_turn(error, name) if self.taking else error

    def _accesses(self) -> dict[str, Value]:
        """Return what steps do with the memory of activations."""
        fetch, store = self.fetch, self.store
        accesses = {"read_address": fetch.address, "write_address": store.address,
                    "write_data": store.data, "write_mask": self._mask_writes(store.mask)}
        for part in self.movers:
            accesses |= part.accesses(accesses)
        return accesses

    def _mask_writes(self, mask: Value) -> Value:
        """Return which bytes are written: none that are kept."""
        if self.keeping is None:
            return mask
        return Mux(self.keeping.hides, 0, mask)

    def _place_pipeline(self, m: Module, sequencer: Any) -> None:
        """Place what a step passes through, with its descriptor, each in a reset of its own.

        What is under way when a step fails must not come out in the next one. The reset has far to
        go, and time to do it: what is cleared stays so for many cycles. So it does behind a reset
        of the whole, which may be one cycle long, as there are registers without one in between.
        """
        clear, held = Signal(init=1), Signal(3, init=-1)
        m.d.sync += [held.eq(held << 1), clear.eq(sequencer.clear | held.any())]
        parts = {part.name: part.component for part in self.parts}
        pipeline = {"fetch": self.fetch, "array": self.array, "accumulators": self.accumulators,
                    "post": self.post, "store": self.store, **parts}
        if self.high is not None:
            pipeline["high"] = self.high
        if self.keeping is not None:
            pipeline |= {"keeping": self.keeping, "tables": sequencer.tables}
        for name, component in pipeline.items():
            domain = f"{name}_domain"
            m.domains += ClockDomain(domain, local=True)
            m.d.comb += [
                ClockSignal(domain).eq(ClockSignal()),
                ResetSignal(domain).eq(primitives.local_register(m, self.family, clear,
                                                                 f"clear_{name}")),
            ]
            m.submodules[name] = DomainRenamer(domain)(component)

        # A step begins with words of the program, so that its descriptor has a cycle to spread.
        descriptor = Value.cast(sequencer.descriptor)
        self.taking = Taking(m, self) if self.reads_ahead else None
        for name, component in pipeline.items():
            if name not in ("array", "tables"):
                m.d.comb += Value.cast(component.descriptor).eq(
                    self.taking.take(name) if self.taking else
                    self.beside(m, descriptor, f"{name}_descriptor"))

    def beside(self, m: Module, value: Value, name: str) -> Value:
        """Return a value that spreads over the chip, a cycle later."""
        return primitives.local_register(m, self.family, value, name)

    def take(self, m: Module, value: Value, name: str, cycles: int | None = None) -> Signal:
        """Return what follows from a descriptor, in a register.

        Of a step whose vectors follow at once it is taken so many ``cycles`` behind the others, or
        is the same as before.
        """
        stored = Signal(len(value), name=name)
        with m.If(self.taking.takes(cycles)) if self.taking else nullcontext():
            m.d.sync += stored.eq(value)
        return stored

    def _byte(self, m: Module, c: int) -> Value:
        """Return a column's byte of the memory, for values that do not pass the array."""
        return self.beside(m, self.fetch.next_vector.word_select(c, 8), f"byte_{c}")

    def _connect_values(self, m: Module) -> None:
        """Connect fetch, array, accumulators, lanes and store."""
        fetch, array, accumulators = self.fetch, self.array, self.accumulators
        post, store = self.post, self.store
        d = self.sequencer.descriptor
        matrix = later(m, d.mode <= Mode.DEPTHWISE, 1, "matrix")
        through = self.take(m, matrix, "through")  # the array
        valid = later(m, fetch.early.valid & through, fetch.ahead, "valid", reset=True)
        m.d.comb += [
            array.activations.valid.eq(valid),
            array.activations.p.last.eq(fetch.o.last),
            Value.cast(array.activations.p.vector).eq(
                self._less_zero(m, fetch.vector[:8 * self.rows], "activations")),
        ]
        if self.lines:
            depthwise = self.take(m, d.mode == Mode.DEPTHWISE, "depthwise", fetch.latency + 1)
            kind = Mux(fetch.o.tag.value, Kind.DEPTHWISE, Kind.PRIME)
            m.d.comb += [
                Value.cast(array.activations.p.kind).eq(Mux(depthwise, kind, Kind.MATRIX)),
                Value.cast(array.activations.p.pixels).eq(Value.cast(fetch.pixels)),
            ]
        tag, aside = self.array_part.sum_tag(m, self, through), self._direct_tag()
        for part in self.parts:
            m.d.comb += part.selected.eq(
                self.take(m, d.mode == part.mode, f"runs_{part.name}"))
            if part.sum_tag is not None:
                aside = Mux(part.selected, part.sum_tag, aside)
        sums = self.keeping if self.keeping is not None else accumulators
        m.d.comb += [
            accumulators.tag.eq(self.beside(m, Mux(through, tag, aside), "sum_tag")),
            post.tag.eq(sums.o_tag),
            post.tag_early.eq(sums.o_tag_early),
            post.sums.eq(sums.o),
            accumulators.ready.eq(post.ready),
            accumulators.ready_last.eq(post.ready_last),
            accumulators.ready_sums.eq(post.ready_sums),
            store.valid.eq(post.o_valid),
            store.group.eq(post.o_group),
            store.tag.eq(post.o_tag),
            store.bytes.eq(post.o),
        ]
        is_scaled = self.take(m, d.scaled, "scaled") if self.taking else d.scaled
        for c in range(self.columns):
            byte = self._byte(m, c).as_signed()
            of_array, scaled = self.beside(m, Cat(through, is_scaled), f"source_{c}")
            value = Mux(scaled, byte << 20, byte)
            for part in self.parts:
                if part.sums is not None:
                    near = self.beside(m, part.selected, f"{part.name}_{c}")
                    value = Mux(near, part.sums[c], value)
            m.d.comb += accumulators.values[c].eq(Mux(of_array, array.o.payload[c], value))

    def _direct_tag(self) -> Value:
        """Return the tag of values that do not pass the array."""
        return Value.cast(self.fetch.early.tag)
