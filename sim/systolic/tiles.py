# amaranth: UnusedElaboratable=no
"""Tiles for a systolic array: operands, how they are offered, and which sums are due when.

One description serves the cocotb bench and the tests in Python's own simulator.
"""

import random
from dataclasses import dataclass, field

import numpy as np

from hwgen.arch.design import Design, Integer
from hwgen.generate.design import array, model

__all__ = ["DEPTHWISE", "MATRIX", "PRIME", "Offers", "Played", "Tile", "Workload"]

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
    """What happened: the cycle of each transfer, and each vector of sums with its cycle."""

    activations: list[int]
    weights: list[int]
    sums: list[list[int]]
    cycles: list[int]


class Offers:
    """Words offered one after the other, with random pauses; an offer stands until it is taken."""

    def __init__(self, words: list[int], gap: float) -> None:
        self.words = words
        self.gap = gap
        self.taken: list[int] = []
        self.offered = False

    def offer(self) -> int | None:
        """Return the word to offer in this cycle, or None in a pause."""
        if not self.offered and len(self.taken) < len(self.words):
            self.offered = random.random() >= self.gap
        return self.words[len(self.taken)] if self.offered else None

    def take(self, cycle: int) -> None:
        """Note that the word was taken."""
        self.taken.append(cycle)
        self.offered = False


def pack(values: np.ndarray, width: int) -> int:
    """Put integers side by side, the first one lowest."""
    mask = (1 << width) - 1
    word = 0
    for value in reversed(np.asarray(values).ravel().tolist()):
        word = word << width | value & mask
    return word


class Workload:
    """Tiles for the array of one Design."""

    def __init__(self, design: Design) -> None:
        self.design = design
        self.dut = array(design)  # its layouts pack the bits, here as in the hardware
        self.golden = model(design)
        self.vector = self.dut.activations.payload.shape()
        self.stationary = design.dataflow == "ws"

    def draw(self, integer: Integer, shape: tuple[int, ...], extreme: str | None) -> np.ndarray:
        """Return random operands, or all at one end of their range."""
        if extreme is not None:
            return np.full(shape, getattr(integer, extreme), np.int64)
        rng = np.random.default_rng(random.getrandbits(32))
        return rng.integers(integer.low, integer.high, shape, np.int64, endpoint=True)

    def matrix_tile(self, length: int, activations: str | None = None,
                    weights: str | None = None) -> Tile:
        """Return a tile of ``length`` vectors or steps."""
        depth = self.design.rows if self.stationary else length
        return Tile(self.draw(self.design.weight, (depth, self.design.columns), weights),
                    self.draw(self.design.activation, (length, self.design.rows), activations))

    def depthwise_tile(self, length: int, activations: str | None = None,
                       weights: str | None = None) -> Tile:
        """Return a tile of ``length`` pixel vectors, some of which only fill the taps."""
        tile = self.matrix_tile(length, weights=weights)
        shape = (length, self.design.lines, self.design.columns)
        tile.pixels = self.draw(self.design.activation, shape, activations)
        tile.kinds = random.choices([DEPTHWISE, PRIME], [2, 1], k=length)
        return tile

    def vector_words(self, tile: Tile) -> list[int]:
        """Return the payloads of a tile's activations."""
        width, words = self.design.activation.width, []
        for index, vector in enumerate(tile.vectors):
            word = pack(vector, width) << self.vector["vector"].offset
            word |= (index == len(tile.vectors) - 1) << self.vector["last"].offset
            if tile.pixels is not None:
                word |= tile.kinds[index] << self.vector["kind"].offset
                word |= pack(tile.pixels[index], width) << self.vector["pixels"].offset
            words.append(word)
        return words

    def weight_words(self, tile: Tile) -> list[int]:
        """Return the payloads of a tile's weights: the last row first, where they stay."""
        rows = tile.weights[::-1] if self.stationary else tile.weights
        return [pack(row, self.design.weight.width) for row in rows]

    def offers(self, tiles: list[Tile], gap: float) -> dict[str, Offers]:
        """Return what to offer on each stream."""
        return {
            "activations": Offers([w for tile in tiles for w in self.vector_words(tile)], gap),
            "weights": Offers([w for tile in tiles for w in self.weight_words(tile)], gap),
        }

    def budget(self, tiles: list[Tile]) -> int:
        """Return the cycles after which something hangs."""
        transfers = sum(len(tile.vectors) + len(tile.weights) for tile in tiles)
        return 200 + 40 * (transfers + self.design.rows) + 4 * self.dut.latency

    def sums(self, word: int) -> list[int]:
        """Take a payload of ``o`` apart."""
        shape = self.dut.sums
        mask = (1 << shape.width) - 1
        fields = [word >> (i * shape.width) & mask for i in range(self.design.columns)]
        return [value - (value >> (shape.width - 1) << shape.width) if shape.signed else value
                for value in fields]

    def expected_sums(self, tiles: list[Tile]) -> list[list[int]]:
        """Return all sums in the order in which they come out; the first tile must be a matrix."""
        sums, held = [], None
        for tile in tiles:
            if tile.pixels is None:
                sums.append(self.golden.matrix(tile.vectors, tile.weights))
                held = np.repeat(tile.vectors[-1][:self.design.single_rows, None],
                                 self.design.columns, axis=1)
            else:
                kept = np.array(tile.kinds) != PRIME
                sums.append(self.golden.depthwise(tile.pixels, tile.weights, held)[kept])
                held = self.golden.taps(tile.pixels, held)[-1]
        return np.concatenate(sums).tolist()

    def due(self, played: Played, tiles: list[Tile]) -> list[int]:
        """Return the cycle in which each vector of sums must have come."""
        if self.stationary:
            kinds = [kind for tile in tiles for kind in tile.kinds or [MATRIX] * len(tile.vectors)]
            return [cycle + self.dut.latency
                    for cycle, kind in zip(played.activations, kinds, strict=True) if kind != PRIME]
        ends = np.cumsum([len(tile.vectors) for tile in tiles]) - 1
        return [played.activations[end] + self.dut.latency + row
                for end in ends for row in range(self.design.rows)]

    def check(self, played: Played, tiles: list[Tile]) -> None:
        """Raise unless every sum is right and came when it was due."""
        for index, (sums, golden) in enumerate(zip(played.sums, self.expected_sums(tiles),
                                                   strict=True)):
            assert sums == golden, f"sums {index} are {sums}, not {golden}"
        assert played.cycles == self.due(played, tiles), "sums came in other cycles than promised"
