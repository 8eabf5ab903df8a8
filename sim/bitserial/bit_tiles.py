# amaranth: UnusedElaboratable=no
"""Tiles for the bit-serial array: numbers of any formats, how they are offered, what is due when.

One description serves the cocotb bench and the tests in Python's own simulator.
"""

import itertools
import random
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hwgen.arch.formats import Format, NumberKind
from hwgen.golden.bitserial import array as golden
from hwgen.rtl.bitserial.array import BitSerial
from hwgen.rtl.systolic.systolic import Kind as VectorKind

from ..systolic.tiles import Offers, Played, pack

__all__ = ["BitTile", "BitWorkload", "WindowWorkload", "formats"]


def formats(kinds: tuple[NumberKind, ...], most: int = 8) -> list[Format]:
    """Return all formats of 1 to ``most`` bits of some kinds."""
    found = [Format(bits, kind) for kind in kinds if kind != NumberKind.BIPOLAR
             for bits in range(1, most + 1)]
    return found + [Format(1, NumberKind.BIPOLAR)] * (NumberKind.BIPOLAR in kinds)


@dataclass
class BitTile:
    """One tile: its weights, its vectors, and how both are written."""

    weights: np.ndarray
    vectors: np.ndarray
    a: Format
    w: Format


class BitWorkload:
    """Tiles for one array."""

    def __init__(self, dut: BitSerial) -> None:
        self.dut = dut
        self.golden = golden.BitSerial(dut.rows, dut.columns)

    def draw(self, form: Format, shape: tuple[int, ...], kind: str) -> np.ndarray:
        """Return any numbers, all at one end of their range, or some at each end."""
        rng = np.random.default_rng(random.getrandbits(32))
        if kind == "random" and form.kind != NumberKind.BIPOLAR:
            return rng.integers(form.low, form.high, shape, np.int64, endpoint=True)
        ends = {"low": [form.low], "high": [form.high]}.get(kind, [form.low, form.high])
        return rng.choice(ends, shape)

    def tile(self, a: Format, w: Format, length: int, vectors: str = "random",
             weights: str = "random") -> BitTile:
        """Return a tile of ``length`` vectors."""
        return BitTile(self.draw(w, (self.dut.rows, self.dut.columns), weights),
                       self.draw(a, (length, self.dut.rows), vectors), a, w)

    def extremes(self, a: Format, w: Format) -> list[BitTile]:
        """Return tiles of all pairs of ends of the ranges."""
        return [self.tile(a, w, 1, *ends)
                for ends in itertools.product(("low", "high", "mixed"), repeat=2)]

    def offers(self, tiles: list[BitTile], gap: float) -> dict[str, Offers]:
        """Return what to offer on each stream; bits above those that count are anything."""
        vector = self.dut.activations.payload.shape()
        word = self.dut.weights.payload.shape()
        vectors, words = [], []
        for tile in tiles:
            for index, values in enumerate(tile.vectors):
                above = random.getrandbits(7) << tile.a.bits
                last = index == len(tile.vectors) - 1
                vectors.append(
                    pack(values & (1 << tile.a.bits) - 1 | above, 8)
                    << vector["vector"].offset | last << vector["last"].offset
                    | tile.a.code << vector["format"].offset)
            words += [pack(row, 8) << word["word"].offset | tile.w.code << word["format"].offset
                      for row in tile.w.to_words(tile.weights)]
        return {"activations": Offers(vectors, gap), "weights": Offers(words, gap)}

    def budget(self, tiles: list[BitTile]) -> int:
        """Return the cycles after which something hangs."""
        return 400 + 40 * sum(len(tile.vectors) + 8 * self.dut.groups for tile in tiles) \
            + 2 * sum(self.intervals(tiles))

    def intervals(self, tiles: list[BitTile]) -> list[int]:
        """Return the cycles that each vector takes."""
        return [self.golden.interval(tile.a, tile.w) for tile in tiles for _ in tile.vectors]

    def sums(self, word: int) -> list[int]:
        """Take a payload of ``o`` apart."""
        width = self.dut.sums.width
        fields = [word >> (i * width) & (1 << width) - 1 for i in range(self.dut.columns)]
        return [value - (value >> width - 1 << width) for value in fields]

    def expected_sums(self, tiles: list[BitTile]) -> list[list[int]]:
        """Return all sums in the order in which they come out."""
        return [sums for tile in tiles
                for sums in self.golden.matrix(tile.vectors, tile.w.to_words(tile.weights),
                                               tile.a, tile.w).tolist()]

    def check(self, played: Played, tiles: list[BitTile]) -> None:
        """Raise unless every sum is right, and came when it was due."""
        expected = self.expected_sums(tiles)
        for index, (sums, exact) in enumerate(zip(played.sums, expected, strict=True)):
            assert sums == exact, f"sums {index} are {sums}, not {exact}"
        due = [cycle + interval + self.dut.latency for cycle, interval in
               zip(played.activations, self.intervals(tiles), strict=True)]
        assert played.cycles == due, "sums came in other cycles than promised"


class WindowWorkload(BitWorkload):
    """Tiles of pixels, each of a kind, whose windows reach back into the tiles before."""

    def tiles(self, count: int) -> list[BitTile]:
        """Return tiles of any formats; pixels of the first one fill the windows."""
        rng, dut = np.random.default_rng(random.getrandbits(32)), self.dut
        tiles: list[Any] = []
        for index in range(count):
            kinds = [VectorKind.PRIME] * dut.lines * (index == 0) + random.choices(
                [VectorKind.PRIME, VectorKind.DEPTHWISE], k=6) + [VectorKind.DEPTHWISE]
            tile: Any = self.tile(random.choice(formats((NumberKind.UNSIGNED, NumberKind.SIGNED))),
                                  random.choice(formats(tuple(NumberKind))), 1)
            tile.vectors = [(rng.integers(0, 256, (dut.lines, dut.columns)), kind)
                            for kind in kinds]
            tiles.append(tile)
        return tiles

    def offers(self, tiles: list[Any], gap: float) -> dict[str, Offers]:
        """Return what to offer on each stream; rows without pixels have anything but count not."""
        vector = self.dut.activations.payload.shape()
        offers = super().offers([], gap)["activations"]
        words = super().offers([replace(tile, vectors=[]) for tile in tiles], gap)["weights"]
        for tile in tiles:
            for index, (pixels, kind) in enumerate(tile.vectors):
                last = index == len(tile.vectors) - 1
                offers.words.append(
                    random.getrandbits(8 * self.dut.rows) << vector["vector"].offset
                    | pack(pixels.ravel(), 8) << vector["pixels"].offset
                    | kind.value << vector["kind"].offset | last << vector["last"].offset
                    | tile.a.code << vector["format"].offset)
        return {"activations": offers, "weights": words}

    def expected_sums(self, tiles: list[Any]) -> list[list[int]]:
        """Return all sums in the order in which they come out."""
        model = golden.BitSerial(self.dut.rows, self.dut.columns, self.dut.lines)
        found, stream = [], []
        for tile in tiles:
            stream += [pixels for pixels, _ in tile.vectors]
            sums = model.windows(stream, tile.w.to_words(tile.weights), tile.a, tile.w)
            found += [row.tolist() for row, (_, kind) in
                      zip(sums[-len(tile.vectors):], tile.vectors, strict=True)
                      if kind == VectorKind.DEPTHWISE]
        return found

    def check(self, played: Played, tiles: list[Any]) -> None:
        """Raise unless every sum is right, and came when it was due."""
        assert played.sums == self.expected_sums(tiles)
        vectors = [(kind, self.golden.interval(tile.a, tile.w)) for tile in tiles
                   for _, kind in tile.vectors]
        due = [cycle + interval + self.dut.latency for cycle, (kind, interval) in
               zip(played.activations, vectors, strict=True) if kind == VectorKind.DEPTHWISE]
        assert played.cycles == due, "sums came in other cycles than promised"
