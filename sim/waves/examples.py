# amaranth: UnusedElaboratable=no
"""The diagrams: each a component with the very parameters of its Verilog, and what it gets."""

import json
from collections.abc import Callable
from pathlib import Path

from amaranth import Cat

from hwgen.arch.design import Design
from hwgen.arch.formats import Format, NumberKind
from hwgen.arch.frames import REQUEST_SYNC, Command, Head, encode
from hwgen.arch.registers import Register
from hwgen.arch.sdram import SdramCommand
from hwgen.generate.design import component
from hwgen.generate.unit import unit
from hwgen.golden.dot.bitplane import order

from .diagram import Row, Wave

__all__ = ["WAVES"]

KEPT = Path(__file__).parents[2] / "rtl_out"


class Queue:
    """Words for a stream, each offered as soon as the one before is taken."""

    def __init__(self, port, words):
        self.port = port
        self.words = list(words)

    def offer(self, ctx):
        """Offer the next word in this cycle."""
        ctx.set(self.port.valid, bool(self.words))
        if self.words:
            ctx.set(self.port.payload, self.words[0])

    def take(self, ctx):
        """Go on if the word was taken; to be called when all inputs of a cycle are set."""
        if ctx.get(self.port.valid & self.port.ready):
            self.words.pop(0)


def offering(*queues):
    """Return what drives streams, none of which waits."""
    def drive(ctx, cycle):
        for queue in queues:
            queue.offer(ctx)
        for queue in queues:
            queue.take(ctx)
    return drive


def bit(signal):
    """Return what shows a bit."""
    return Row(lambda ctx: bool(ctx.get(signal)))


def word(valid, text, taken=None, together=1):
    """Return what shows a word, as ``text(ctx)`` has it, where it is valid."""
    return Row(lambda ctx: text(ctx) if ctx.get(valid) else None, taken, together)


def numbers(port):
    """Return the text of a port of several numbers."""
    return lambda ctx: " ".join(str(number) for number in ctx.get(port))


def stream(name, port, text, together=1):
    """Return the rows of a stream."""
    return {f"{name}.valid": bit(port.valid), f"{name}.ready": bit(port.ready),
            f"{name}.payload": word(port.valid, text, port.ready, together)}


def kept(name):
    """Return the unit whose Verilog is kept."""
    facts = json.loads((KEPT / name / "unit.json").read_text("utf-8"))
    return unit(facts["unit"], **facts["parameters"]).component


def systolic() -> Wave:
    """Two tiles: the weights of the second come with the vectors of the first."""
    dut = component(Design.load(str(KEPT / "systolic" / "design.toml")))
    vectors = Queue(dut.activations, [
        {"vector": vector, "last": last} for vector, last in (
            ([1, 0], 0), ([0, 1], 1), ([2, 3], 0), ([1, 1], 1))])
    weights = Queue(dut.weights, [[3, 4], [1, 2], [2, 1], [1, 0]])

    return Wave(
        title="systolic array, two tiles: [1 2; 3 4] and [1 0; 2 1]", dut=dut, cycles=13,
        drive=offering(vectors, weights), shown={
            **stream("weights", dut.weights, numbers(dut.weights.payload)), " ": None,
            **stream("activations", dut.activations, numbers(dut.activations.p.vector)),
            "activations.last": bit(dut.activations.p.last), "  ": None,
            "o.valid": bit(dut.o.valid),
            "o.payload": word(dut.o.valid, numbers(dut.o.payload))})


def bitserial() -> Wave:
    """A tile of one bit, and one of two: a vector takes one cycle, or four."""
    dut = kept("bitserial")
    one, two = Format(1, NumberKind.UNSIGNED), Format(2, NumberKind.UNSIGNED)

    def coded(form):
        return {"bits": form.bits - 1, "kind": form.kind.value}

    tiles = [(one, [[1, 0], [1, 1], [0, 1], [1, 1]], [[1, 1, 1, 1], [1, 0, 0, 1]]),
             (two, [[3, 1], [0, 2], [1, 1], [2, 0]], [[3, 2, 1, 0], [1, 1, 1, 1]])]
    weights = Queue(dut.weights, [
        {"word": line.tolist(), "format": coded(form)} for form, matrix, _ in tiles
        for line in form.to_words(matrix)])
    vectors = Queue(dut.activations, [
        {"vector": vector, "last": vector is rows[-1], "format": coded(form)}
        for form, _, rows in tiles for vector in rows])

    return Wave(
        title="bit-serial array: a tile of one bit, then one of two", dut=dut, cycles=17,
        drive=offering(vectors, weights), shown={
            **stream("weights", dut.weights, lambda ctx: " ".join(
                f"{byte:X}" for byte in ctx.get(dut.weights.p.word))), " ": None,
            **stream("activations", dut.activations, lambda ctx: "".join(
                map(str, ctx.get(dut.activations.p.vector)))),
            "format.bits": word(dut.activations.valid, lambda ctx: str(
                ctx.get(dut.activations.p.format.bits)), dut.activations.ready), "  ": None,
            "ending": bit(dut.ending), "o.valid": bit(dut.o.valid),
            "o.payload": word(dut.o.valid, numbers(dut.o.payload))})


def bitplane() -> Wave:
    """A product of two signed bits by two signed bits, four pairs of planes; then one of one."""
    dut = kept("bitplane")
    a, b = [1, -2, 1, 0, -1, 1, 1, -2], [1, 1, -2, 1, 1, 0, 1, -2]
    work = [(pair, sum((x >> pair.a & 1) << lane for lane, x in enumerate(a)),
             sum((y >> pair.b & 1) << lane for lane, y in enumerate(b)))
            for bits in (2, 1) for pair in order(bits, bits, a_signed=True, b_signed=True)]
    begin = 2

    def drive(ctx, cycle):
        there = begin <= cycle < begin + len(work)
        ctx.set(dut.tag, {"valid": there})
        if there:
            pair, plane_a, plane_b = work[cycle - begin]
            ctx.set(dut.a, plane_a)
            ctx.set(dut.b, plane_b)
            ctx.set(dut.tag, {"valid": 1, "first": pair.first, "shift": pair.shift,
                              "negative": pair.negative, "last": pair.last})

    valid, shifts = dut.tag.valid, iter((2, 0))
    return Wave(
        title="bit-plane unit: products of 2 x 2 and 1 x 1 bits", dut=dut, cycles=12,
        drive=drive, shown={
            "a": word(valid, lambda ctx: f"{ctx.get(dut.a):04X}"),
            "b": word(valid, lambda ctx: f"{ctx.get(dut.b):04X}"), " ": None,
            **{f"tag.{name}": bit(getattr(dut.tag, name))
               for name in ("valid", "first", "shift", "negative", "last")}, "  ": None,
            "o_valid": bit(dut.o_valid),
            "dot product": word(dut.o_valid, lambda ctx: str(
                ctx.get(dut.o) >> dut.tail - next(shifts)))})


def csc() -> Wave:
    """A column of two weights, an empty one, and one with padding; and an output that waits."""
    dut = kept("csc")
    book = {1: -3, 2: 5}
    entries = Queue(dut.i, [
        {"entry": index | value << 4, "some": some, "last": last}
        for index, value, some, last in ((1, 1, 1, 0), (2, 2, 1, 1), (0, 0, 0, 1), (15, 0, 1, 0),
                                         (0, 1, 1, 1))])
    offer = offering(entries)

    def drive(ctx, cycle):
        value = cycle + 1
        ctx.set(dut.book, {"write": value in book, "value": value if value in book else 0,
                           "weight": book.get(value, 0)})
        ctx.set(dut.o.ready, cycle != 6)
        if cycle >= 3:
            offer(ctx, cycle)

    entry, o = dut.i.p, dut.o.p
    return Wave(
        title="CSC decoder with a codebook: three columns", dut=dut, cycles=12,
        drive=drive, shown={
            "book.write": bit(dut.book.write),
            "book": word(dut.book.write, lambda ctx: (
                f"{ctx.get(dut.book.value)}: {ctx.get(dut.book.weight)}")), " ": None,
            "i.valid": bit(dut.i.valid), "i.ready": bit(dut.i.ready),
            "i.index": word(dut.i.valid & entry.some, lambda ctx: str(ctx.get(entry.entry[:4])),
                            dut.i.ready),
            "i.value": word(dut.i.valid & entry.some, lambda ctx: str(ctx.get(entry.entry[4:])),
                            dut.i.ready),
            "i.some": bit(entry.some), "i.last": bit(entry.last), "  ": None,
            "o.valid": bit(dut.o.valid), "o.ready": bit(dut.o.ready),
            "o.row": word(dut.o.valid & o.some, lambda ctx: str(ctx.get(o.row)), dut.o.ready),
            "o.weight": word(dut.o.valid & o.some, lambda ctx: str(ctx.get(o.weight)), dut.o.ready),
            "o.some": bit(o.some), "o.last": bit(o.last)})


def sdram() -> Wave:
    """A page of eight words that is read, and one that is written."""
    dut = kept("sdram")
    requests = Queue(dut.request, [{"page": 6, "write": 0}, {"page": 6, "write": 1}])
    offer = offering(requests)
    begins = dut.latency  # on the pins, of the words that are read
    command = Cat(dut.ras_n, dut.cas_n, dut.we_n)

    def drive(ctx, cycle):
        ctx.set(dut.dq_i, 0xA0 + cycle - begins if 0 <= cycle - begins < 8 else 0)
        ctx.set(dut.i, 0xB0 + (cycle - 2) % 8)
        if cycle:
            offer(ctx, cycle)

    def told(ctx):
        name = SdramCommand(ctx.get(command)).name
        return {"ACTIVATE": "ACT", "PRECHARGE": "PRE"}.get(name, name)

    def hexadecimal(signal):
        return lambda ctx: f"{ctx.get(signal):X}"

    given = command != SdramCommand.NONE
    return Wave(
        title="memory controller: page 6 is read, and then written; a page has eight words here",
        dut=dut, cycles=35, ahead=dut.power_up + 100, drive=drive, shown={
            "request.valid": bit(dut.request.valid), "request.ready": bit(dut.request.ready),
            "page": word(dut.request.valid, lambda ctx: str(ctx.get(dut.request.p.page)),
                         dut.request.ready),
            "write": bit(dut.request.valid & dut.request.p.write), " ": None,
            "command": word(given, told), "bank": word(given, hexadecimal(dut.bank)),
            "address": word(given, hexadecimal(dut.address)),
            "dq_oe": bit(dut.dq_oe), "dq_o": word(dut.dq_oe, hexadecimal(dut.dq_o)),
            "dq_i": word(dut.dq_i != 0, hexadecimal(dut.dq_i)), "  ": None,
            "o_valid": bit(dut.o_valid), "o": word(dut.o_valid, hexadecimal(dut.o)),
            "i_take": bit(dut.i_take), "i": word(dut.i_take, hexadecimal(dut.i))})


def accelerator() -> Wave:
    """A host reads the register IDENTITY."""
    dut = component(Design.load(str(KEPT / "accelerator" / "design.toml")))
    offer = offering(Queue(dut.rx, encode(Head(REQUEST_SYNC, Command.READ, 7, 4,
                                               Register.IDENTITY))))

    def drive(ctx, cycle):
        ctx.set(dut.tx.ready, 1)
        if cycle:
            offer(ctx, cycle)

    def byte(port):
        return lambda ctx: f"{ctx.get(port.payload):02X}"

    return Wave(
        title="accelerator: a host reads four bytes, the register IDENTITY", dut=dut, cycles=70,
        drive=drive, cut=range(15, 46), shown={
            **stream("rx", dut.rx, byte(dut.rx), 4), " ": None,
            **stream("tx", dut.tx, byte(dut.tx), 4)})


WAVES: dict[str, Callable[[], Wave]] = {
    made.__name__: made for made in (systolic, bitserial, bitplane, csc, sdram, accelerator)}
"""The diagrams, by the folders of ``rtl_out``."""
