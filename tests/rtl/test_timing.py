# amaranth: UnusedElaboratable=no
"""Latency and interval of every component, as its properties say them."""

import pytest
from amaranth import *

from hwgen.arch.formats import Format, NumberKind
from hwgen.rtl.accelerator.accelerator import Accelerator
from hwgen.rtl.accelerator.accumulators import Accumulators
from hwgen.rtl.accelerator.checked import CheckedAccelerator, CheckedSequencer
from hwgen.rtl.accelerator.control import Controlled
from hwgen.rtl.accelerator.fast_host_port import FastHostPort
from hwgen.rtl.accelerator.fetch import Fetch
from hwgen.rtl.accelerator.frame import Frame
from hwgen.rtl.accelerator.host_port import HostPort
from hwgen.rtl.accelerator.keeping import Keeping, TableMaker
from hwgen.rtl.accelerator.loading import WeightLoader
from hwgen.rtl.accelerator.lstm.steps import LstmSteps
from hwgen.rtl.accelerator.memories import ByteMemory
from hwgen.rtl.accelerator.moving import ByteMover
from hwgen.rtl.accelerator.post import Lane, Post
from hwgen.rtl.accelerator.program_stream import ProgramStream
from hwgen.rtl.accelerator.read_ahead import ReadAheadSequencer
from hwgen.rtl.accelerator.ring_memory import RingMemory
from hwgen.rtl.accelerator.sequencer import Sequencer
from hwgen.rtl.accelerator.shares import Shares, Turn
from hwgen.rtl.accelerator.softmax import SoftmaxRows
from hwgen.rtl.accelerator.sparse_path import SparsePath
from hwgen.rtl.accelerator.store import Store
from hwgen.rtl.accelerator.streaming import StreamingAccelerator
from hwgen.rtl.accelerator.streaming_sequencer import StreamingSequencer
from hwgen.rtl.accelerator.sum_index import strided_sum
from hwgen.rtl.accelerator.tables import Tables
from hwgen.rtl.accelerator.wide_memory import WideMemory
from hwgen.rtl.accelerator.wide_part import WidePath
from hwgen.rtl.accelerator.word_memory import WordMemory
from hwgen.rtl.binary import array as binary
from hwgen.rtl.binary.accelerator import BinaryAccelerator
from hwgen.rtl.binary.sequencer import BinarySequencer
from hwgen.rtl.binary.store import BinaryStore
from hwgen.rtl.bitserial import column as bitserial
from hwgen.rtl.bitserial.array import BitSerial
from hwgen.rtl.bitserial.pairs import Pairs
from hwgen.rtl.compact.accelerator import CompactAccelerator
from hwgen.rtl.compact.accumulators import CompactAccumulators, Word
from hwgen.rtl.compact.bitserial import CompactBitSerial, CompactPairs
from hwgen.rtl.compact.broadcast import Broadcast
from hwgen.rtl.compact.fetch import CompactFetch
from hwgen.rtl.compact.host_port import CompactHostPort
from hwgen.rtl.compact.memories import CompactByteMemory, CompactWordMemory, SplitRam
from hwgen.rtl.compact.post import AddingLane, CompactLane, CompactPost
from hwgen.rtl.compact.sequencer import CompactSequencer
from hwgen.rtl.compact.store import CompactStore
from hwgen.rtl.dot.bitplane import BitPlane
from hwgen.rtl.dot.fusion import Fusion
from hwgen.rtl.dot.pieces import DotProduct
from hwgen.rtl.dot.power import PowerOfTwo
from hwgen.rtl.dot.serial import SerialParallel
from hwgen.rtl.dot.signed_sum import SignedDotProduct
from hwgen.rtl.dot.ternary import Ternary
from hwgen.rtl.dot.wide import WideDot
from hwgen.rtl.external.page_stream import PageStream
from hwgen.rtl.external.pins import ChipPins
from hwgen.rtl.external.sdram import Sdram
from hwgen.rtl.links.axi_lite import AxiLite
from hwgen.rtl.links.axi_stream import AxiStream
from hwgen.rtl.links.crossing import Crossing
from hwgen.rtl.links.flash import Flash
from hwgen.rtl.links.host import Host
from hwgen.rtl.links.spi import Spi
from hwgen.rtl.links.turns import Turns
from hwgen.rtl.links.uart import Receiver, Transmitter, Uart, Wire
from hwgen.rtl.links.wishbone import Wishbone
from hwgen.rtl.primitives import (
    delays,
    ecp5,
    ecp5_rams,
    generic,
    gowin,
    ice40,
    packed,
    plls,
    popcount,
)
from hwgen.rtl.primitives.settable import Settable
from hwgen.rtl.sparse import lane as sparse
from hwgen.rtl.sparse.decoder import Decoder
from hwgen.rtl.sparse.engine import Sparse
from hwgen.rtl.sparse.nonzero import NonZeros
from hwgen.rtl.systolic.array import SystolicArray
from hwgen.rtl.systolic.cells import OutputStationaryCell, WeightStationaryCell
from hwgen.rtl.systolic.packed import PackedCell, PackedSums, PartedSums
from hwgen.rtl.systolic.systolic import OutputStationary, WeightStationary
from hwgen.rtl.tops import board
from hwgen.rtl.tops import links as tops
from hwgen.rtl.unpack.unpack import Unpack
from hwgen.rtl.unpack.words import PackedWords
from hwgen.rtl.unrolled.pipeline import Pipeline

from ..bench import simulate
from .accelerator import test_host_port as host_port
from .accelerator import test_keeping as keeping
from .links import test_link_timing as links
from .timing import Case, components, play

ALL = -1
"""All bits of a port, as a number with a sign."""
BIT = Format(1, NumberKind.UNSIGNED).code


def put(ctx, dut, **values):
    """Set ports, layouts among them."""
    for name, value in values.items():
        ctx.set(getattr(dut, name), value)


def pulse(dut, output, **values):
    """Return a case: ports have these values for an item and else 0, and a result is not 0."""
    def drive(ctx, item):
        for name, value in values.items():
            port = Value.cast(getattr(dut, name))
            ctx.set(port, value & ((1 << len(port)) - 1) if item is not None else 0)
    return Case(dut=dut, drive=drive, gives=lambda ctx: ctx.get(Value.cast(output(dut))) != 0)


def multiplier(kind, *shapes):
    dut = kind(*shapes)
    return pulse(dut, lambda dut: dut.p, a=1, b=1, take=1)


def packed_multiplier(*size):
    dut = packed.PackedMultiplier(*size)
    return pulse(dut, lambda dut: dut.p, a=1, b=1, take=1)


def packed_cell(first):
    """Return a case of the low product."""
    dut = PackedCell(PackedSums(1, 0, 16), PackedSums(2, 0, 17), first=first)
    return Case(dut=dut, drive=lambda ctx, item: ctx.set(dut.multiplier.p.low, item is not None),
                gives=lambda ctx: ctx.get(dut.south.sums.low) != 0)


def parted_sums(part):
    """Return a case of one of the sums that are parted."""
    dut = PartedSums(PackedSums(2, 0, 17), signed(9), signed(17))
    return Case(dut=dut, drive=lambda ctx, item: ctx.set(dut.i[part], item is not None),
                gives=lambda ctx: ctx.get(dut.o[part == "high"]) != 0)


def delay(kind, width, cycles, **options):
    """Return a case of the word that takes longest."""
    dut = kind(width, cycles, **options)
    return pulse(dut, lambda dut: dut.o.word_select(cycles.index(max(cycles)), width), i=ALL)


def ram(dut, *addresses):
    """Return a case of reading: row 1 has something, row 0 has not."""
    async def before(ctx):
        put(ctx, dut, write=1, write_data=1, **dict.fromkeys(addresses, 1))
        await ctx.tick()
        put(ctx, dut, write=0, **dict.fromkeys(addresses, 0))
        await ctx.tick().repeat(4)
    return Case(dut=dut, drive=lambda ctx, item: ctx.set(getattr(dut, addresses[0]),
                                                         item is not None),
                gives=lambda ctx: ctx.get(dut.read_data) != 0, before=before)


def memory(dut, address, at, mask):
    """Return a case of reading what was written at a place of a memory."""
    read = address.replace("write", "read")

    async def before(ctx):
        put(ctx, dut, write_data=(1 << len(dut.write_data)) - 1, write_mask=mask, **{address: at})
        await ctx.tick()
        put(ctx, dut, write_mask=0, **{read: at + 64})
        await ctx.tick().repeat(20)
    return Case(dut=dut, drive=lambda ctx, item: ctx.set(
        getattr(dut, read), at if item is not None else at + 64),
        gives=lambda ctx: ctx.get(dut.read_data) != 0, before=before)


def cell(dut, product, **west):
    """Return a case of a product."""
    def drive(ctx, item):
        ctx.set(dut.multiplier.p, item is not None)
        ctx.set(dut.west, west)
    return Case(dut=dut, drive=drive, gives=lambda ctx: ctx.get(product(dut)) != 0)


def array(dut):
    """Return a case of vectors: of one tile, whose weights go ahead, or each a tile of one step."""
    stays = not isinstance(dut, OutputStationary)

    async def before(ctx):
        if stays:
            ctx.set(dut.weights.valid, 1)
            await ctx.tick().repeat(dut.rows)
            ctx.set(dut.weights.valid, 0)

    def drive(ctx, item):
        ctx.set(dut.activations.payload.last, not stays)
        ctx.set(dut.activations.valid, item is not None)
        if not stays:
            ctx.set(dut.weights.valid, item is not None)
    return Case(dut=dut, drive=drive, takes=lambda ctx: ctx.get(dut.activations.ready),
                gives=lambda ctx: ctx.get(dut.o.valid), before=before,
                results=1 if stays else dut.rows, every=1 if stays else dut.rows)


def planes(dut):
    """Return a case of vectors of one bit, which take a cycle beyond the latency."""
    async def before(ctx):
        ctx.set(dut.weights.payload.format, {"bits": BIT & 7, "kind": BIT >> 3})
        ctx.set(dut.weights.valid, 1)
        await ctx.tick().repeat(dut.groups)
        ctx.set(dut.weights.valid, 0)
        await ctx.tick()

    def drive(ctx, item):
        ctx.set(dut.activations.payload.format, {"bits": BIT & 7, "kind": BIT >> 3})
        ctx.set(dut.activations.valid, item is not None)
    return Case(dut=dut, drive=drive, takes=lambda ctx: ctx.get(dut.activations.ready),
                gives=lambda ctx: ctx.get(dut.o.valid), before=before, beyond=1)


def pairs(dut):
    """Return a case of formats of one bit."""
    ready = getattr(dut, "ready", Const(1))
    return Case(dut=dut, drive=lambda ctx, item: ctx.set(dut.take, item is not None),
                takes=lambda ctx: ctx.get(ready), gives=lambda ctx: ctx.get(dut.control.valid))


def bitserial_column(rows, family):
    dut = bitserial.Column(rows, 16, 24, family)
    case = pulse(dut, lambda dut: dut.o, plane=ALL)

    async def before(ctx):
        put(ctx, dut, ones=1, control={"valid": 1, "first": 1})
        await ctx.tick()
    return Case(dut=dut, drive=case.drive, gives=case.gives, before=before)


def dot(dut, **tag):
    """Return a case of vectors of one piece."""
    def drive(ctx, item):
        ctx.set(dut.tag, {"valid": item is not None, "last": 1, **tag})
    return Case(dut=dut, drive=drive, gives=lambda ctx: ctx.get(dut.o_valid))


def streams(dut, payload):
    """Return a case of a stream, each of whose transfers gives one."""
    def drive(ctx, item):
        ctx.set(dut.o.ready, 1)
        ctx.set(dut.i.payload, payload)
        ctx.set(dut.i.valid, item is not None)
    return Case(dut=dut, drive=drive, takes=lambda ctx: ctx.get(dut.i.ready),
                gives=lambda ctx: ctx.get(dut.o.valid))


def accumulators(dut):
    def drive(ctx, item):
        there = item is not None
        put(ctx, dut, tag={"value": there, "start": 1, "first": 1, "last": 1})
    return Case(dut=dut, drive=drive, gives=lambda ctx: ctx.get(dut.o_tag.value))


def fetch(kind, **options):
    dut = kind(window=4, columns=4, size=64, **options)
    return Case(dut=dut, drive=lambda ctx, item: ctx.set(dut.event, {"valid": item is not None}),
                gives=lambda ctx: ctx.get(dut.o.valid))


def requantised(kind, *args, **options):
    dut = kind(*args, **options)

    async def before(ctx):
        put(ctx, dut, low=-128, high=127, parameters={"multiplier": 1 << 30})
        await ctx.tick().repeat(20)
    return Case(dut=dut, drive=lambda ctx, item: ctx.set(dut.sum, 100 * (item is not None)),
                gives=lambda ctx: ctx.get(dut.o) != 0, before=before)


def long_product(width, more):
    dut = generic.LongMultiplier(width, more)

    async def before(ctx):
        put(ctx, dut, b=1)
        await ctx.tick().repeat(dut.latency)
    return Case(dut=dut, drive=lambda ctx, item: ctx.set(dut.a, item is not None),
                gives=lambda ctx: ctx.get(dut.p) != more, before=before)


def post(dut):
    """Return a case of vectors whose bytes come without a pause."""
    def drive(ctx, item):
        there = item is not None
        put(ctx, dut, tag={"value": there, "last": there})
    return Case(dut=dut, drive=drive, gives=lambda ctx: ctx.get(dut.o_valid),
                spacing=dut.interval, results=dut.interval)


def joined(*args):
    """Return a case of vectors that are joined with what was kept."""
    dut = Keeping(*args)

    def drive(ctx, item):
        there = item is not None
        put(ctx, dut, descriptor={"joined": 1}, tag_early={"value": there, "last": there})
    return Case(dut=dut, drive=drive, gives=lambda ctx: ctx.get(dut.o_tag_early.value),
                spacing=dut.interval)


def looked_up(*sizes, quick=False):
    """Return a case of bytes that come out of a table, or as they are."""
    dut = Tables(*sizes, quick=quick)
    return Case(dut=dut, drive=lambda ctx, item: ctx.set(dut.bytes, int(item is not None)),
                gives=lambda ctx: ctx.get(dut.o))


def shares(dut):
    """Return a case of bytes that come for their share."""
    def drive(ctx, item):
        put(ctx, dut, event={"turn": Turn.SHARE if item is not None else Turn.NONE})
    return Case(dut=dut, drive=drive, gives=lambda ctx: ctx.get(dut.valid))


def twin_ram(dut):
    """Return a case of words that the second port reads."""
    async def before(ctx):
        put(ctx, dut, write=1, write_address=1, write_data=1)
        await ctx.tick().repeat(2)
        put(ctx, dut, write=0)
        await ctx.tick().repeat(4)
    return Case(dut=dut, drive=lambda ctx, item: ctx.set(dut.read_address[1], item is not None),
                gives=lambda ctx: ctx.get(dut.read_data[1]), before=before)


def store(dut):
    """Return a case of vectors, of which each group is written."""
    def drive(ctx, item):
        drive.left = dut.interval if item is not None else max(drive.left - 1, 0)
        put(ctx, dut, descriptor={"last_columns": dut.columns, "output_x_step": dut.columns},
            valid=drive.left > 0, group=(dut.interval - drive.left) % dut.interval)
    drive.left = 0
    return Case(dut=dut, drive=drive, gives=lambda ctx: ctx.get(dut.mask) != 0,
                spacing=dut.interval, results=dut.interval)


def stored(kind, columns, lanes):
    return store(kind(columns=columns, lanes=lanes, size=256, window=max(columns, 4),
                      memory_latency=2))


def binary_column(rows):
    """Return a case of inputs that all equal their weights; a sum of 0 is kept."""
    dut = binary.Column(rows)

    def drive(ctx, item):
        put(ctx, dut, byte=255, positive=((1 << rows) - 1) * (item is not None))
    return Case(dut=dut, drive=drive, gives=lambda ctx: ctx.get(dut.total) != 0)


def binary_array(dut):
    return Case(dut=dut, drive=lambda ctx, item: ctx.set(dut.kind, {"ends": item is not None}),
                gives=lambda ctx: ctx.get(dut.valid))


def binary_store(*args):
    dut = BinaryStore(*args)

    def drive(ctx, item):
        put(ctx, dut, take=item is not None, descriptor={"last_columns": dut.columns})
    return Case(dut=dut, drive=drive, gives=lambda ctx: ctx.get(dut.mask) != 0,
                spacing=dut.interval, results=dut.interval)


BYTE = signed(8)
SUM = signed(20)

def sdram(**sizes):
    """Return a case of pages that are read, and so far apart as none is refreshed."""
    dut = Sdram(width=4, row_bits=2, column_bits=5, refresh=5, recovery=2, mode=2,
                refresh_every=9999, power_up=3, **sizes)

    async def before(ctx):
        await ctx.tick().until(dut.idle)

    return Case(dut=dut, drive=lambda ctx, item: ctx.set(dut.request.valid, item is not None),
                takes=lambda ctx: ctx.get(dut.request.ready),
                gives=lambda ctx: ctx.get(dut.o_valid), before=before, results=dut.words)


def page_stream():
    """Return a case of words that are as wide as those of the ring."""
    dut = PageStream(width=4, ratio=1, words=8, ring=16, page_bits=3)
    return Case(dut=dut, drive=lambda ctx, item: ctx.set(dut.i_valid, item is not None),
                gives=lambda ctx: ctx.get(dut.write.enable))


CASES = {
    PageStream: lambda: [page_stream()],
    Sdram: lambda: [sdram(words=8, activate=2, precharge=2),
                    sdram(words=16, activate=3, precharge=4)],
    Accumulators: lambda: [*(accumulators(Accumulators(*sizes)) for sizes in ((1, 2), (5, 9))),
                           accumulators(Accumulators(3, 5, index=strided_sum))],
    CompactAccumulators: lambda: [accumulators(CompactAccumulators(*sizes))
                                  for sizes in ((1, 1), (5, 9))],
    Fetch: lambda: [fetch(Fetch, lines=lines, line_pixels=8, memory_latency=latency)
                    for lines, latency in ((0, 7), (3, 8))],
    CompactFetch: lambda: [fetch(CompactFetch, lines=1, line_pixels=0, memory_latency=1)],
    ByteMemory: lambda: [memory(ByteMemory(200, window), "write_address", 5, 1)
                         for window in (1, 2, 5, 32)],
    CompactByteMemory: lambda: [memory(CompactByteMemory(200, window), "write_address", 8, 15)
                                for window in (4, 9)],
    WordMemory: lambda: [memory(WordMemory(width, 100, 8), "address", 3, 1) for width in (8, 40)],
    RingMemory: lambda: [memory(RingMemory(width, 100, 8), "address", 3, 1) for width in (8, 40)],
    WideMemory: lambda: [memory(WideMemory(width, 160, 8, words=words), "address", 3, 1)
                         for width, words in ((8, 16), (40, 32))],
    CompactWordMemory: lambda: [memory(CompactWordMemory(width, 700, 8), "address", 513, 1)
                                for width in (8, 40)],
    Lane: lambda: [requantised(Lane, rounding, "generic") for rounding in ("tflm", "even")],
    CompactLane: lambda: [requantised(CompactLane, "single", "generic")],
    AddingLane: lambda: [requantised(AddingLane, rounding, "generic", hard=True)
                        for rounding in ("tflm", "single", "even")],
    generic.LongMultiplier: lambda: [long_product(16, 0), long_product(15, 1 << 14)],
    Post: lambda: [post(Post(columns, lanes, "tflm", "generic"))
                   for columns, lanes in ((1, 1), (7, 3), (4, 4), (5, 1))],
    CompactPost: lambda: [post(CompactPost(columns, 1, "tflm", "generic", hard=hard))
                          for columns, hard in ((2, 0), (5, 0), (3, 1))],
    Keeping: lambda: [joined(*sizes) for sizes in ((1, 1, 5), (7, 3, 70))],
    Tables: lambda: [looked_up(4, 3, 2, 70, 7), looked_up(4, 1, 1, 70, 1, quick=True)],
    Shares: lambda: [shares(Shares(hard=hard)) for hard in (False, True)],
    generic.TwinRam: lambda: [twin_ram(generic.TwinRam(1, 5, quick=quick))
                              for quick in (False, True)],
    Store: lambda: [stored(Store, *sizes) for sizes in ((1, 1), (7, 3), (4, 4), (5, 1))],
    CompactStore: lambda: [stored(CompactStore, columns, 1) for columns in (2, 5)],
    binary.Column: lambda: [binary_column(rows) for rows in (1, 5, 8)],
    binary.BinaryArray: lambda: [binary_array(binary.BinaryArray(8, 3))],
    BinaryStore: lambda: [binary_store(*sizes, 256) for sizes in ((4, 4), (6, 2), (5, 1))],
    bitserial.Column: lambda: [bitserial_column(rows, "generic") for rows in (2, 9, 64)],
    Pairs: lambda: [pairs(Pairs(rows)) for rows in (2, 9)],
    CompactPairs: lambda: [pairs(CompactPairs())],
    BitSerial: lambda: [planes(BitSerial(*sizes)) for sizes in ((2, 1), (9, 3), (64, 2))],
    CompactBitSerial: lambda: [planes(CompactBitSerial(*sizes)) for sizes in ((2, 1), (9, 3))],
    Broadcast: lambda: [array(Broadcast(*sizes, BYTE, BYTE, depth=2))
                        for sizes in ((2, 1), (5, 3))],
    BitPlane: lambda: [dot(BitPlane(lanes, gate=gate), first=1)
                       for lanes, gate in ((2, "and"), (9, "and"), (64, "xnor"))],
    Fusion: lambda: [dot(Fusion(groups, first=first)) for groups, first in (
        (1, "shift"), (3, "add"))],
    PowerOfTwo: lambda: [dot(PowerOfTwo(lanes, BYTE, exponent_bits=bits))
                         for lanes, bits in ((1, 1), (5, 3), (2, 4))],
    SerialParallel: lambda: [dot(SerialParallel(lanes, BYTE), first=1) for lanes in (1, 5, 16)],
    Ternary: lambda: [dot(Ternary(lanes, BYTE)) for lanes in (1, 5, 16)],
    WideDot: lambda: [dot(WideDot(*sizes)) for sizes in ((2, 2), (5, 10), (16, 4))],
    generic.Multiplier: lambda: [multiplier(generic.Multiplier, BYTE, unsigned(3))],
    generic.FabricMultiplier: lambda: [multiplier(generic.FabricMultiplier, BYTE, signed(width))
                                       for width in (2, 9, 16)],
    packed.PackedMultiplier: lambda: [packed_multiplier(*size) for size in ((8, 10), (3, 4))],
    delays.Delay: lambda: [delay(delays.Delay, 3, [0, 5, 2])],
    delays.LutRamDelay: lambda: [delay(delays.LutRamDelay, 3, cycles, apart=apart)
                                  for cycles in ([2, 1], [3, 40]) for apart in (False, True)],
    generic.Ram: lambda: [ram(generic.Ram(3, 5, quick=quick), "read_address", "write_address")
                          for quick in (False, True)],
    SplitRam: lambda: [ram(SplitRam(3, depth, quick=True), "read_address", "write_address")
                       for depth in (8, 11)],
    generic.SinglePortRam: lambda: [ram(generic.SinglePortRam(3, 5, quick=quick), "address")
                                    for quick in (False, True)],
    gowin.LutSinglePortRam: lambda: [ram(gowin.LutSinglePortRam(3, 5, quick=quick), "address")
                                     for quick in (False, True)],
    popcount.PopulationCount: lambda: [
        pulse(popcount.PopulationCount(lanes, "and", "generic"), lambda dut: Cat(dut.o, dut.one),
              a=ALL, b=ALL) for lanes in (2, 3, 9, 128)],
    Decoder: lambda: [streams(Decoder(16, codebook=codebook), {"entry": 1, "some": 1})
                      for codebook in (False, True)],
    NonZeros: lambda: [streams(NonZeros(width, 50), {"vector": [5] + [0] * (width - 1)})
                       for width in (1, 7)],
    WeightStationaryCell: lambda: [
        cell(WeightStationaryCell(BYTE, BYTE, SUM, SUM, first=first, depthwise=depthwise),
             lambda dut: dut.south.sum) for first in (True, False) for depthwise in (True, False)],
    PackedCell: lambda: [packed_cell(first) for first in (True, False)],
    PartedSums: lambda: [parted_sums(part) for part in ("low", "high")],
    OutputStationaryCell: lambda: [cell(OutputStationaryCell(BYTE, BYTE, SUM),
                                        lambda dut: dut.south.drain, finish=1)],
    WeightStationary: lambda: [array(WeightStationary(*sizes, BYTE, BYTE, depth=2, lines=lines))
                               for *sizes, lines in ((1, 1, 0), (3, 5, 0), (4, 2, 2))] + [
        array(WeightStationary(*sizes, BYTE, BYTE, depth=2, packed_rows=packed_rows))
        for *sizes, packed_rows in ((1, 2, 1), (3, 5, 2), (4, 4, 4))],
    OutputStationary: lambda: [array(OutputStationary(*sizes, BYTE, BYTE, depth=2))
                               for sizes in ((1, 1), (3, 4))],
}
"""Components whose latency and interval do not depend on what comes; cases of each."""


@pytest.mark.parametrize("kind", CASES, ids=lambda kind: f"{kind.__module__}.{kind.__name__}"[10:])
def test_latency_and_interval(kind):
    """Of items that come alone, and of those that come as densely as may be."""
    for case in CASES[kind]():
        played = play(case)
        assert played.latencies == {case.dut.latency + case.beyond}, case.dut
        assert played.intervals == {case.dut.interval * case.every}, case.dut


def test_word():
    """It is seen from the cycle on after it was written, whatever is asked for."""
    dut, seen = Word(3, 1), []

    async def bench(ctx):
        for word in (5, 2, 7, 0):
            put(ctx, dut, write=1, write_data=word)
            await ctx.tick()
            seen.append(ctx.get(dut.read_data))

    simulate(dut, bench)
    assert seen == [5, 2, 7, 0]
    assert (dut.latency, dut.interval) == (0, 1)


def lane_sum(reading, columns=1):
    """Return a lane's sum if it is read so many cycles after the first of its columns came."""
    dut, found = sparse.Lane(4, 8, 16), []

    async def bench(ctx):
        for part, words in (("ENTRIES", [1 << 4] * 8), ("EVEN", [0, 2, 4, 6]),
                            ("ODD", [1, 3, 5, 7])):
            for address, word in enumerate(words):
                ctx.set(dut.load, {"part": sparse.LaneMemory[part], "address": address,
                                   "data": word, "write": 1})
                await ctx.tick()
        put(ctx, dut, load={"write": 0}, last_slot=3, read=1)
        for slot in range(4):
            ctx.set(dut.slot, slot)
            await ctx.tick()
        put(ctx, dut, read=0, slot=0)
        await ctx.tick().repeat(4)
        for cycle in range(reading + 2):
            ctx.set(dut.column.payload, {"index": cycle % 8, "value": 1})
            ctx.set(dut.column.valid, cycle < columns)
            assert ctx.get(dut.column.ready)
            ctx.set(dut.read, cycle == reading - 1)
            if cycle == reading:
                found.append(ctx.get(dut.sum))
            await ctx.tick()

    simulate(dut, bench)
    return found[0]


def test_latency_of_a_sparse_lane():
    """A sum is there when it can be read, and no cycle sooner."""
    assert [lane_sum(cycles) for cycles in (sparse.Lane.latency - 1, sparse.Lane.latency)] == [0, 1]


def test_interval_of_a_sparse_lane():
    """Six columns take five cycles more than one."""
    assert [lane_sum(sparse.Lane.latency + 5 * sparse.Lane.interval - early, 6)
            for early in (1, 0)] == [5, 6]


@pytest.mark.parametrize("width, slots", [(1, 1), (3, 5)])
def test_sparse(width, slots):
    """An input without non-zeros: the sums come as soon as any may, a vector a cycle."""
    dut = Sparse(2, slots, 8, 8, width=width)

    async def before(ctx):
        put(ctx, dut, last_slot=slots - 1)
        await ctx.tick().repeat(slots + 1)

    def drive(ctx, item):
        ctx.set(dut.o.ready, 1)
        ctx.set(dut.activations.payload, {"vector": [0] * width, "last": 1})
        ctx.set(dut.activations.valid, item is not None)

    case = Case(dut=dut, drive=drive, takes=lambda ctx: ctx.get(dut.activations.ready),
                gives=lambda ctx: ctx.get(dut.o.valid), before=before, results=slots)
    assert play(case, 0).latencies == {dut.latency}
    assert dut.interval == 1  # a vector of sums a cycle, as of all results of an item


@pytest.mark.parametrize("reading", [1, 7])
def test_packed_words(reading):
    """Words of parameters, which are used in a cycle."""
    dut, held = PackedWords(8, 100, reading), []

    async def bench(ctx):
        put(ctx, dut, moves=1, start=1)
        for cycle in range(dut.latency + 3 * dut.interval + 1):
            if ctx.get(dut.parameters):
                held.append(cycle)
            await ctx.tick()
            put(ctx, dut, start=0)

    simulate(dut, bench)
    assert held == [dut.latency + word * dut.interval for word in range(4)]


OTHER_TESTS = {
    Word: test_word, sparse.Lane: test_interval_of_a_sparse_lane, Sparse: test_sparse,
    PackedWords: test_packed_words, TableMaker: keeping.test_table, AxiLite: links.test_axi_lite,
    AxiStream: links.test_axi_stream_in, Flash: links.test_flash, Host: links.test_host,
    Receiver: links.test_receiver, Spi: links.test_spi, Transmitter: links.test_transmitter,
    FastHostPort: host_port.test_cycles, CompactHostPort: host_port.test_cycles,
    Turns: links.test_turns, Uart: links.test_receiver, Wishbone: links.test_wishbone,
}
"""Components whose cycles are tested by themselves."""

EQUAL = {
    ecp5.FabricMultiplier: generic.Multiplier, ecp5.Multiplier: generic.Multiplier,
    ecp5.PackedMultiplier: packed.PackedMultiplier,
    gowin.Multiplier: generic.Multiplier, ice40.Multiplier: generic.Multiplier,
    ice40.MultiplierPair: generic.Multiplier, ice40.CommonPair: generic.Multiplier,
    ecp5_rams.Ram: generic.Ram, ecp5_rams.SinglePortRam: generic.SinglePortRam,
    ecp5_rams.ShallowRam: generic.SinglePortRam, ecp5_rams.TwinRam: generic.TwinRam,
    ice40.SinglePortRam: generic.SinglePortRam, ice40.LongMultiplier: generic.LongMultiplier,
}
"""Cells of vendors, which Python does not simulate; and what each equals in every cycle, by the
proofs and simulations of tests/rtl/primitives/."""

BASES = {generic.MultiplierBase, generic.MemoryBase, ecp5_rams.BlockRams,
         packed.PackedMultiplierBase, SystolicArray, SignedDotProduct, Wire}
"""What others are made of; nothing is an instance of it."""

STATES = "a state machine: its cycles are those of cost/cycles.py"
PARTS = "its cycles are those of its parts, and of the steps that it runs"
WITHOUT = {
    Accelerator: PARTS, CompactAccelerator: PARTS, BinaryAccelerator: PARTS, SparsePath: PARTS,
    WidePath: PARTS, StreamingAccelerator: PARTS,
    tops.AxiAccelerator: PARTS, board.BoardTop: PARTS, tops.SpiAccelerator: PARTS,
    tops.SerialAccelerator: PARTS, tops.WishboneAccelerator: PARTS, tops.BusAccelerator: PARTS,
    Crossing: "its cycles are those of two clocks; its bench has the most edges of each",
    Controlled: STATES, Sequencer: STATES, Frame: PARTS,
    CompactSequencer: STATES, BinarySequencer: STATES, ReadAheadSequencer: STATES,
    StreamingSequencer: STATES, SoftmaxRows: STATES, WeightLoader: STATES,
    LstmSteps: STATES, ByteMover: STATES,
    ProgramStream: "those of the chip, by cost/stream.py",
    ChipPins: "cells of a vendor, at their pins in tests/rtl/tops/test_memory_pins.py",
    DotProduct: "what the units for dot products are made of", Settable: "a constant",
    HostPort: "those of the fast and of the compact one differ",
    CheckedAccelerator: PARTS, CheckedSequencer: STATES,
    Pipeline: "those of its graph, which tests/rtl/unrolled/ counts",
    Unpack: "the cycles depend on the data, by a formula: Packing.cycles of its golden model",
    board.Reset: "nothing but the end of a reset; tests/rtl/tops/ has its latency",
    plls.ClockGenerator: "makes the clock, and has none",
}
"""Components without the two properties, and why."""


def test_every_component_has_both():
    """And a test, or a reason to have none."""
    tables = [CASES, OTHER_TESTS, EQUAL, BASES, WITHOUT]
    assert {kind for table in tables for kind in table} == components()
    assert sum(map(len, tables)) == len(components())
    for kind in components() - {*WITHOUT}:
        assert hasattr(kind, "latency") and hasattr(kind, "interval"), kind


@pytest.mark.parametrize("cell", EQUAL, ids=lambda kind: f"{kind.__module__}.{kind.__name__}"[10:])
def test_cells_keep_the_properties(cell):
    """Those of what they equal, at each way to make it."""
    for name in ("latency", "interval"):
        assert getattr(cell, name) == getattr(EQUAL[cell], name)
