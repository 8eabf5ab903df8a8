"""Systolic array of the Design in ``$DESIGN``: golden sums, at the cycles that were promised."""

import os
import random
from dataclasses import dataclass, field
from pathlib import Path

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

from hwgen.design import Design, Integer
from hwgen.generate import component, model

from . import PERIOD_NS

DESIGN = Design.load(Path(os.environ["DESIGN"]))
DUT = component(DESIGN)  # the layouts pack the bits, here as in the hardware
GOLDEN = model(DESIGN)
ROWS, COLUMNS, LINES = DESIGN.rows, DESIGN.columns, DESIGN.lines
STATIONARY = DESIGN.dataflow == "ws"
VECTOR = DUT.activations.payload.shape()
MATRIX, DEPTHWISE, PRIME = range(3)


@dataclass
class Tile:
    """One tile: its weights, and for each vector (or step) activations or pixels, and its kind."""

    weights: np.ndarray
    vectors: np.ndarray
    kinds: list[int] = field(default_factory=list)
    pixels: np.ndarray | None = None


@dataclass
class Played:
    """What happened: the cycle of each transfer, and each output with its cycle."""

    activations: list[int]
    weights: list[int]
    sums: list[list[int]]
    cycles: list[int]


def packed(values, width):
    """Put integers side by side, the first one lowest."""
    mask = (1 << width) - 1
    word = 0
    for value in reversed(np.asarray(values).ravel().tolist()):
        word = word << width | value & mask
    return word


def unpacked(word, count, width, signed):
    """Undo :func:`packed`."""
    mask, half = (1 << width) - 1, 1 << (width - 1) if signed else 1 << width
    fields = [word >> (index * width) & mask for index in range(count)]
    return [value - 2 * half if value >= half else value for value in fields]


def vector_words(tile):
    """Return the payloads of a tile's activations."""
    width, words = DESIGN.activation.width, []
    for index, vector in enumerate(tile.vectors):
        word = packed(vector, width) << VECTOR["vector"].offset
        word |= (index == len(tile.vectors) - 1) << VECTOR["last"].offset
        if LINES and tile.pixels is not None:
            word |= tile.kinds[index] << VECTOR["kind"].offset
            word |= packed(tile.pixels[index], width) << VECTOR["pixels"].offset
        words.append(word)
    return words


def weight_words(tile):
    """Return the payloads of a tile's weights: the last row first, where they stay."""
    rows = tile.weights[::-1] if STATIONARY else tile.weights
    return [packed(row, DESIGN.weight.width) for row in rows]


def expected(tiles):
    """Return all sums in the order in which they come out; the first tile must be a matrix."""
    sums, held = [], None
    for tile in tiles:
        if tile.pixels is None:
            sums.append(GOLDEN.matrix(tile.vectors, tile.weights))
            held = np.repeat(tile.vectors[-1][:, None], COLUMNS, axis=1)
        else:
            kept = np.array(tile.kinds) != PRIME
            sums.append(GOLDEN.depthwise(tile.pixels, tile.weights, held)[kept])
            held = GOLDEN.taps(tile.pixels, held)[-1]
    return np.concatenate(sums).tolist()


async def start(dut):
    """Start the clock, idle the streams, and reset for one cycle."""
    Clock(dut.clk, PERIOD_NS, unit="ns", impl="gpi").start()
    dut.activations__valid.value = 0
    dut.weights__valid.value = 0
    await reset(dut)


async def reset(dut):
    """Hold reset for one cycle."""
    dut.rst.value = 1
    await RisingEdge(dut.clk)
    dut.rst.value = 0


async def play(dut, tiles, *, gap=0.0, outputs=None, head_start=False):
    """Offer the tiles on both streams, pausing at random, until all sums have come."""
    streams = {
        "activations": [word for tile in tiles for word in vector_words(tile)],
        "weights": [word for tile in tiles for word in weight_words(tile)],
    }
    ports = {name: (getattr(dut, f"{name}__valid"), getattr(dut, f"{name}__ready"),
                    getattr(dut, f"{name}__payload")) for name in streams}
    done = {name: [] for name in streams}
    offered = dict.fromkeys(streams, False)
    played = Played(done["activations"], done["weights"], [], [])
    outputs = len(expected(tiles)) if outputs is None else outputs
    cycle = 0
    budget = 200 + 40 * (sum(map(len, streams.values())) + ROWS + COLUMNS) + 4 * DUT.latency
    while len(played.sums) < outputs:
        for name, words in streams.items():
            valid, _, payload = ports[name]
            waits = head_start and name == "activations" and len(done["weights"]) < ROWS
            if not offered[name] and len(done[name]) < len(words) and not waits:
                offered[name] = random.random() >= gap
                if offered[name]:
                    payload.value = words[len(done[name])]
            valid.value = offered[name]
        await RisingEdge(dut.clk)
        for name in streams:
            if offered[name] and ports[name][1].value:
                done[name].append(cycle)
                offered[name] = False
        if dut.o__valid.value:
            word = dut.o__payload.value.to_unsigned()
            played.sums.append(unpacked(word, COLUMNS, DUT.sums.width, DUT.sums.signed))
            played.cycles.append(cycle)
        cycle += 1
        assert cycle < budget, f"{len(played.sums)} of {outputs} sums after {cycle} cycles"
    for name in streams:
        ports[name][0].value = 0
    return played


def compare(played, tiles):
    """Check every sum, and the cycle in which it came."""
    for index, (sums, golden) in enumerate(zip(played.sums, expected(tiles), strict=True)):
        assert sums == golden, f"sums {index} are {sums}, not {golden}"
    if STATIONARY:
        kinds = [kind for tile in tiles for kind in tile.kinds or [MATRIX] * len(tile.vectors)]
        began = [cycle for cycle, kind in zip(played.activations, kinds, strict=True)
                 if kind != PRIME]
        due = [cycle + DUT.latency for cycle in began]
    else:
        ends = np.cumsum([len(tile.vectors) for tile in tiles]) - 1
        due = [played.activations[end] + DUT.latency + row for end in ends for row in range(ROWS)]
    assert played.cycles == due, "sums came in other cycles than promised"


def draw(integer: Integer, shape, extreme=None):
    """Return random operands, or all at one end of their range."""
    if extreme is not None:
        return np.full(shape, getattr(integer, extreme), np.int64)
    return np.random.default_rng(random.getrandbits(32)).integers(
        integer.low, integer.high, shape, np.int64, endpoint=True)


def matrix_tile(length, activations=None, weights=None):
    """Return a tile of ``length`` vectors or steps."""
    return Tile(draw(DESIGN.weight, (ROWS if STATIONARY else length, COLUMNS), weights),
                draw(DESIGN.activation, (length, ROWS), activations))


def depthwise_tile(length, activations=None, weights=None):
    """Return a tile of ``length`` pixel vectors, some of which only fill the taps."""
    tile = matrix_tile(length, weights=weights)
    tile.pixels = draw(DESIGN.activation, (length, LINES, COLUMNS), activations)
    tile.kinds = [random.choice([DEPTHWISE, DEPTHWISE, PRIME]) for _ in range(length)]
    return tile


@cocotb.test()
@cocotb.parametrize(gap=[0.0, 0.2, 0.7])
async def test_random(dut, gap):
    await start(dut)
    tiles = [matrix_tile(random.randint(1, 2 * ROWS + 4)) for _ in range(8)]
    compare(await play(dut, tiles, gap=gap), tiles)


@cocotb.test()
@cocotb.parametrize(activations=["low", "high"], weights=["low", "high"])
async def test_extremes(dut, activations, weights):
    """All-minimum and all-maximum data; sums of ``depth`` products do not overflow."""
    await start(dut)
    length = 2 * ROWS if STATIONARY else min(DESIGN.terms, 2 * ROWS + 20)
    tiles = [matrix_tile(length, activations, weights) for _ in range(2)]
    compare(await play(dut, tiles), tiles)


@cocotb.test()
@cocotb.parametrize(beyond=[0, 1, 5])
async def test_interval(dut, beyond):
    """Tiles of at least ``rows`` vectors or steps follow one another without a lost cycle."""
    await start(dut)
    count, length = 5, ROWS + beyond
    tiles = [matrix_tile(length) for _ in range(count)]
    played = await play(dut, tiles, head_start=STATIONARY)
    compare(played, tiles)
    taken = played.cycles[-1] - played.activations[0] + 1
    tail = 0 if STATIONARY else ROWS - 1  # the rows of the last tile drain behind its first
    assert taken == count * length + DUT.latency + tail


@cocotb.test()
async def test_reset(dut):
    """A reset of one cycle in the middle of everything leaves nothing behind."""
    await start(dut)
    tiles = [matrix_tile(2 * ROWS + 3) for _ in range(3)]
    every = len(expected(tiles))
    for outputs in sorted({1, every // 3, every // 2}):
        await play(dut, tiles, gap=0.1, outputs=outputs)
        await reset(dut)
        again = [matrix_tile(ROWS + 1) for _ in range(2)]
        compare(await play(dut, again), again)
        await reset(dut)


@cocotb.test(skip=not LINES)
@cocotb.parametrize(gap=[0.0, 0.4])
async def test_depthwise(dut, gap):
    """Depthwise tiles, between matrix tiles, whose activations are the first pixels they find."""
    await start(dut)
    tiles = [matrix_tile(2), depthwise_tile(2 * ROWS + 5), matrix_tile(ROWS), depthwise_tile(ROWS),
             depthwise_tile(3), matrix_tile(2)]
    compare(await play(dut, tiles, gap=gap), tiles)


@cocotb.test(skip=not LINES)
@cocotb.parametrize(activations=["low", "high"], weights=["low", "high"])
async def test_depthwise_extremes(dut, activations, weights):
    await start(dut)
    tiles = [matrix_tile(1, activations), depthwise_tile(2 * ROWS, activations, weights)]
    compare(await play(dut, tiles), tiles)
