"""Where registers go: a model of the delays between them."""

from collections.abc import Sequence

from ...arch.adder_graph import AdderNode, ClampNode, GraphNode, InputNode, MultiplierNode, PickNode

__all__ = ["place_registers"]

REGISTER = 1.2
"""Nanoseconds from a register through the first net, and before the next register."""
LEVEL, BIT = 2.4, 0.05
"""Of an adder, with the net behind it, and of each of its bits."""
GATES, INPUT = 2.6, 2.4
"""Of a clamp, and of an input whose zero point is taken off, with a net to many adders."""

MULTIPLIER = 6.5
"""Of a multiplier of the chip, without registers of its own."""


def delay(node: GraphNode) -> float:
    """Return the nanoseconds from the operands of a node to its value."""
    if isinstance(node, AdderNode):
        return LEVEL + BIT * node.adder_bits
    if isinstance(node, ClampNode | PickNode):
        return GATES
    if isinstance(node, MultiplierNode):
        return MULTIPLIER
    return INPUT if isinstance(node, InputNode) else 0.0


def place_registers(nodes: Sequence[GraphNode], clock_mhz: float) -> tuple[int, ...]:
    """Return the pipeline stage of each node: as early as the period of the clock allows."""
    period = 1000 / clock_mhz - REGISTER
    stages: list[int] = []
    times: list[float] = []
    for node in nodes:
        ready = [(stages[operand], times[operand]) for operand in node.operands]
        stage, time = max(ready, default=(0, 0.0))
        if time and time + delay(node) > period:
            stage, time = stage + 1, 0.0
        stages.append(stage)
        times.append(time + delay(node))
    return tuple(stages)
