"""Work of a layer, the cycles and bytes that it takes, and the ratios of the two.

docs/metrics.md has the definitions, and where they are from.
"""

from dataclasses import dataclass, field, replace
from typing import Self

from ..cost.traffic import Traffic

__all__ = ["Work"]


@dataclass(frozen=True, kw_only=True)
class Work:
    """What one layer, or several, take.

    Parameters
    ----------
    multipliers : int
        Of the array.
    cycles : int
        How long it takes.
    products : int
        Multiplications of the network.
    computed : int
        Those of them that have to be done: not for channels that are constant or that nobody reads.
    least : int
        Bytes of inputs, outputs and parameters, each counted once.
    traffic : Traffic
        Bytes that are moved.
    stalls : int
        Cycles that wait for words of a program that streams.
    """

    multipliers: int = 0
    cycles: int = 0
    products: int = 0
    computed: int = 0
    least: int = 0
    traffic: Traffic = field(default=Traffic())
    stalls: int = 0

    def __add__(self, other: Self) -> Self:
        """Return what both take, one after the other on the same array."""
        return replace(self, multipliers=max(self.multipliers, other.multipliers),
                       cycles=self.cycles + other.cycles,
                       products=self.products + other.products,
                       computed=self.computed + other.computed, least=self.least + other.least,
                       traffic=self.traffic + other.traffic, stalls=self.stalls + other.stalls)

    @property
    def multipliers_busy(self) -> float:
        """Share of the multipliers, over all cycles, that do a product of the network."""
        return self.computed / (self.cycles * self.multipliers) if self.cycles else 0.0

    @property
    def performance_efficiency(self) -> float | None:
        """Operations a second, over those that the multipliers could do; None if there is no time.

        It is above 1 where the network has products that need not be done.
        """
        return self.products / (self.cycles * self.multipliers) if self.cycles else None

    @property
    def memory_access_efficiency(self) -> float | None:
        """Least number of bytes over those that are moved; None where none are."""
        return self.least / self.traffic.total if self.traffic.total else None
