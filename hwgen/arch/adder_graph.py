"""A network as a graph of adders: what golden model and hardware of an unrolled network agree on.

Each node is an integer with its least and its greatest value, and comes after those that it is
made of. Shifts by a constant cost nothing in hardware, so they are part of what uses a node.
"""

from dataclasses import dataclass

__all__ = ["AdderGraph", "AdderNode", "ClampNode", "ConstantNode", "GraphNode", "InputNode",
           "MultiplierNode", "PickNode", "bits"]


def bits(low: int, high: int) -> int:
    """Return how many bits hold all integers of a range: with a sign only if some are negative."""
    if low >= 0:
        return high.bit_length()
    return max(high, -1 - low).bit_length() + 1


@dataclass(frozen=True, kw_only=True)
class GraphNode:
    """An integer from ``low`` to ``high``."""

    low: int
    high: int

    @property
    def operands(self) -> tuple[int, ...]:
        """The numbers of the nodes that it is made of."""
        return ()

    @property
    def bits(self) -> int:
        """How many bits hold it."""
        return bits(self.low, self.high)


@dataclass(frozen=True, kw_only=True)
class InputNode(GraphNode):
    """An input of the network, less its zero point."""

    index: int


@dataclass(frozen=True, kw_only=True)
class ConstantNode(GraphNode):
    """A number that is always the same: ``low``, which is ``high``."""


@dataclass(frozen=True, kw_only=True)
class AdderNode(GraphNode):
    """``(left << left_shift) + (right << right_shift)``, or with ``minus`` the difference."""

    left: int
    right: int
    left_shift: int = 0
    right_shift: int = 0
    minus: bool = False

    @property
    def operands(self) -> tuple[int, ...]:
        """The numbers of both operands."""
        return self.left, self.right

    @property
    def free_bits(self) -> int:
        """How many of the lowest bits are those of one operand, without an adder."""
        if self.minus:
            return max(self.right_shift - self.left_shift, 0)
        return abs(self.left_shift - self.right_shift)

    @property
    def adder_bits(self) -> int:
        """How wide the adder is."""
        return max(self.bits - self.free_bits - min(self.left_shift, self.right_shift), 0)


@dataclass(frozen=True, kw_only=True)
class MultiplierNode(GraphNode):
    """``source * factor``, by a multiplier of the chip: synthesis finds one for it."""

    source: int
    factor: int

    @property
    def operands(self) -> tuple[int, ...]:
        """The number of the node that is multiplied."""
        return (self.source,)


@dataclass(frozen=True, kw_only=True)
class PickNode(GraphNode):
    """``negative`` where the node ``test`` is below 0, else ``other``."""

    test: int
    negative: int
    other: int

    @property
    def operands(self) -> tuple[int, ...]:
        """The number of the node that is tested."""
        return (self.test,)


@dataclass(frozen=True, kw_only=True)
class ClampNode(GraphNode):
    """``source >> shift``, rounded down, its bits ``inverted``, or the limit that it is beyond."""

    source: int
    shift: int
    inverted: bool

    @property
    def operands(self) -> tuple[int, ...]:
        """The number of the node that is clamped."""
        return (self.source,)

    def before(self, value: int) -> int:
        """Return what is clamped."""
        return ~(value >> self.shift) if self.inverted else value >> self.shift


@dataclass(frozen=True)
class AdderGraph:
    """A network of nodes, each in a stage of a pipeline.

    Members
    -------
    nodes : tuple of GraphNode
    outputs : tuple of int
        Numbers of the nodes that are outputs.
    stages : tuple of int
        The stage in which each node is computed: registers before it have what is of a stage below.
    inputs : int
        How many there are.
    input_limits, output_limits : tuple of int
        The least and the greatest value that an input and an output may have.
    input_zero : int
        The zero point of the inputs, which input nodes are less.
    """

    nodes: tuple[GraphNode, ...]
    outputs: tuple[int, ...]
    stages: tuple[int, ...]
    inputs: int
    input_limits: tuple[int, int]
    input_zero: int
    output_limits: tuple[int, int]

    @property
    def latency(self) -> int:
        """Cycles from an input to its outputs."""
        return max(self.stages[number] for number in self.outputs) + 1

    @property
    def last_uses(self) -> tuple[int, ...]:
        """The last stage in which each node is read; -1 where it is not."""
        uses = [-1] * len(self.nodes)
        for number in self.outputs:
            uses[number] = self.latency - 1
        for node, stage in zip(self.nodes, self.stages, strict=True):
            for operand in node.operands:
                uses[operand] = max(uses[operand], stage)
        return tuple(uses)

    @property
    def sums(self) -> tuple[AdderNode, ...]:
        """The adders."""
        return tuple(node for node in self.nodes if isinstance(node, AdderNode))
