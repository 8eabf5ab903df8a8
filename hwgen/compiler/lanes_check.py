"""Verifies that vectors and tables that the lanes keep are those that steps take from them."""

import numpy as np
from numpy.typing import NDArray

from ..arch.design import Design
from ..arch.joining import Scaling
from ..arch.steps import Mode, Step
from ..golden.accelerator.footprint import bytes_written
from .check_weights import Unsound

__all__ = ["LanesCheck"]


class LanesCheck:
    """Follows the vectors that the lanes of a Design keep, and those that are joined with them."""

    def __init__(self, design: Design) -> None:
        self.columns, self.room = design.columns, design.kept_vectors
        self.kept: list[NDArray[np.int64]] = []
        """Where each of them would have been written: its first byte, and its last."""
        self.joined = 0
        """How many of them were joined with others since,"""
        self.scaling: Scaling | None = None
        """and by which scaling."""
        self.products = design.products
        self.tables, self.filled = design.tables, set[int]()
        """How many tables there are, and which of them hold one."""

    def fill(self, step: Step) -> None:
        """Check a step that fills a table, and note it."""
        if not 1 <= step.table <= self.tables or step.passes * step.vectors * step.tiles > 1:
            raise Unsound("there is no such step on this Design")
        self.filled.add(step.table)

    def follow(self, step: Step) -> NDArray[np.int64]:
        """Check a step that passes through the lanes, and return the bytes that it writes."""
        self.check(step)
        stored = not (step.to_sums or step.kept)
        return bytes_written(step, self.columns) if stored else np.zeros(0, np.int64)

    def check(self, step: Step) -> None:
        """Hold that a step keeps, joins and looks up what it may."""
        if step.table and (step.table not in self.filled or step.kept or step.to_sums):
            raise Unsound(f"its bytes do not go through table {step.table}")
        if step.product and (not self.products or not step.to_sums or step.add_to_sums or
                             step.maximum or step.mode not in (Mode.DIRECT, Mode.SUMS)):
            raise Unsound("there is no such product on this Design")
        if not step.joined and (self.joined or not step.kept):
            self.end()
            self.kept, self.joined = [], 0
        if not step.kept and not step.joined:
            return
        if step.kept == step.joined or step.to_sums or not self.room:
            raise Unsound("there is no such step on this Design")
        places = [bytes_written(step, self.columns, tile) for tile in range(step.tiles)]
        vectors = [row for tile in places for row in tile.reshape(step.values, -1)[:, [0, -1]]]
        if step.kept:
            self.kept += vectors
            if len(self.kept) > self.room:
                raise Unsound(f"the lanes keep {len(self.kept)} vectors, and have room for "
                              f"{self.room}")
            return
        if step.mode != Mode.DIRECT or step.passes > 1 or step.scaled:
            raise Unsound("it does not join bytes with those that are kept")
        if not self.joined:
            self.scaling = Scaling.of(step)
        if self.scaling != Scaling.of(step):  # the table would be made anew while it is read
            raise Unsound("it scales bytes otherwise than the step before")
        expected = self.kept[self.joined:self.joined + len(vectors)]
        self.joined += len(vectors)
        if not np.array_equal(expected, vectors):
            raise Unsound("it joins vectors with others than those that were kept for them")

    def end(self) -> None:
        """Hold that nothing is left that was kept."""
        if self.joined < len(self.kept):
            raise Unsound(f"of {len(self.kept)} vectors that were kept only {self.joined} were "
                          "joined")
