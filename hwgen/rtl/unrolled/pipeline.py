"""A graph of adders as a pipeline between two streams."""

from typing import Any

from amaranth import *
from amaranth.lib import data, fifo, stream, wiring
from amaranth.lib.wiring import In, Out

from ...arch import adder_graph

__all__ = ["Pipeline"]

NAMES = {adder_graph.InputNode: "input", adder_graph.ConstantNode: "constant",
         adder_graph.AdderNode: "sum", adder_graph.MultiplierNode: "product",
         adder_graph.PickNode: "pick", adder_graph.ClampNode: "clamp"}
"""What the signals of nodes are called."""


def shape_of(low: int, high: int) -> Shape:
    """Return the shape of all integers of a range."""
    return Shape(max(adder_graph.bits(low, high), 1), low < 0)


class Pipeline(wiring.Component):
    """Compute a network whose weights are constants, an inference a cycle.

    The outputs of an inference are on ``o`` :attr:`latency` cycles after the transfer of its
    inputs, if those before it are taken by then. The pipeline itself never stops: behind it there
    is room for all that is under way, and ``i`` waits when that room is spoken for. So ``ready`` of
    ``o`` reaches no register of the pipeline.

    Parameters
    ----------
    graph : AdderGraph
        With its registers placed.

    Members
    -------
    i : In(stream.Signature(ArrayLayout))
        The inputs of an inference, as the network has them. They must be within the limits of the
        graph.
    o : Out(stream.Signature(ArrayLayout))
        Its outputs.
    """

    i: Any
    o: Any

    interval = 1
    """Cycles between inferences at best."""

    def __init__(self, graph: adder_graph.AdderGraph) -> None:
        if not isinstance(graph, adder_graph.AdderGraph):
            raise TypeError(f"Graph must be an AdderGraph, not {graph!r}")
        self.graph = graph
        super().__init__({
            "i": In(stream.Signature(data.ArrayLayout(
                shape_of(*graph.input_limits), graph.inputs))),
            "o": Out(stream.Signature(data.ArrayLayout(
                shape_of(*graph.output_limits), len(graph.outputs)))),
        })

    @property
    def latency(self) -> int:
        """Cycles from the transfer of inputs to their outputs."""
        return self.graph.latency

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # An inference holds a place from the transfer of its inputs to that of its outputs, and the
        # cycle after, in which the count of places knows it.
        places = self.latency + 1
        m.submodules.results = results = fifo.SyncFIFO(width=len(self.o.p.as_value()), depth=places)
        free, some = Signal(range(places + 1), init=places), Signal(init=1)
        following = Signal.like(free, name="free_next")
        taken, given = Signal(), Signal()
        m.d.comb += [
            taken.eq(self.i.valid & self.i.ready), given.eq(self.o.valid & self.o.ready),
            following.eq(free + given - taken), self.i.ready.eq(some),
        ]
        m.d.sync += [free.eq(following), some.eq(following != 0)]
        valid: Value = taken
        for stage in range(1, self.latency):
            register = Signal(name=f"valid_{stage}")
            m.d.sync += register.eq(valid)
            valid = register
        values = self.add_nodes(m)
        outputs = self.o.p.shape()(Signal(len(results.w_data), name="outputs"))
        m.d.comb += [
            *(outputs[index].eq(values[number]) for index, number in enumerate(self.graph.outputs)),
            results.w_data.eq(outputs.as_value()), results.w_en.eq(valid),
            self.o.valid.eq(results.r_rdy), self.o.p.eq(results.r_data),
            results.r_en.eq(self.o.ready),
        ]
        return m

    def add_nodes(self, m: Module) -> dict[int, Value]:
        """Add all nodes, each in its stage, and return the outputs in the last stage."""
        graph, uses = self.graph, self.graph.last_uses
        values: dict[tuple[int, int], Value] = {}
        for number, (node, stage) in enumerate(zip(graph.nodes, graph.stages, strict=True)):
            if uses[number] < 0:
                continue
            name = f"{NAMES[type(node)]}_{number}"
            operands = [values[operand, stage] for operand in node.operands]
            value: Value = Signal(shape_of(node.low, node.high), name=name)
            m.d.comb += value.eq(self.compute(node, operands))
            values[number, stage] = value
            for later in range(stage + 1, uses[number] + 1):
                if not isinstance(node, adder_graph.ConstantNode):
                    register = Signal(value.shape(), name=f"{name}_{later}", reset_less=True)
                    m.d.sync += register.eq(value)
                    value = register
                values[number, later] = value
        return {number: values[number, self.latency - 1] for number in graph.outputs}

    def compute(self, node: adder_graph.GraphNode, operands: list[Value]) -> Value:
        """Return what a node computes of its operands in the same stage."""
        match node:
            case adder_graph.InputNode():
                return subtract(self.i.p[node.index], self.graph.input_zero)
            case adder_graph.ConstantNode():
                return Const(node.low, shape_of(node.low, node.high))
            case adder_graph.AdderNode():
                return add(node, *operands)
            case adder_graph.MultiplierNode():
                return operands[0] * Const(node.factor, signed(adder_graph.bits(-1, node.factor)))
            case adder_graph.ClampNode():
                return clamp(node, self.graph.nodes[node.source], operands[0])
            case adder_graph.PickNode():
                shape = shape_of(node.low, node.high)
                return Mux(operands[0] < 0, Const(node.negative, shape), Const(node.other, shape))
        raise TypeError(f"a {type(node).__name__} is no node of a graph")


def subtract(value: Value, number: int) -> Value:
    """Return a value less a number; where that ends with zeros, the value's bits stay."""
    zeros = (number & -number).bit_length() - 1 if number else 0
    kept, above = value[:zeros], value >> zeros
    return Cat(kept, above - (number >> zeros)).as_signed()


def add(node: adder_graph.AdderNode, left: Value, right: Value) -> Value:
    """Return a sum of which the lowest bits are those of one operand, if the other has none."""
    common = min(node.left_shift, node.right_shift)
    left_shift, right_shift = node.left_shift - common, node.right_shift - common
    if left_shift and not node.minus:
        left, right, left_shift, right_shift = right, left, right_shift, left_shift
    width = shape_of(node.low, node.high).width - common
    if left_shift:
        return Cat(Const(0, common), ((left << left_shift) - right)[:width])
    high = left >> right_shift
    total = high - right if node.minus else high + right
    return Cat(Const(0, common), extend(left, right_shift)[:right_shift],
               total[:max(width - right_shift, 0)])


def invert(value: Value) -> Value:
    """Return -1 less a value."""
    return (~value).as_signed() if value.shape().signed else Cat(~value, Const(1, 1)).as_signed()


def extend(value: Value, width: int) -> Value:
    """Return a value of at least some width."""
    sign = value[-1] if value.shape().signed else Const(0, 1)
    return Cat(value, sign.replicate(max(width - len(value), 0)))


def clamp(node: adder_graph.ClampNode, source: adder_graph.GraphNode, value: Value) -> Value:
    """Return a value within the limits of a node; limits that are powers of two need no adder."""
    value = invert(value >> node.shift) if node.inverted else value >> node.shift
    least, greatest = sorted((node.before(source.low), node.before(source.high)))
    shape, width = shape_of(node.low, node.high), (node.high + 1).bit_length() - 1
    sign = value[-1] if value.shape().signed else Const(0, 1)
    whole = node.high + 1 == 1 << width
    above = ~sign & value[width:].any() if whole else value > node.high
    below = sign if node.low == 0 else \
        sign & ~value[width:].all() if whole and node.low == -1 << width else value < node.low
    if greatest > node.high:
        value = Mux(above, Const(node.high, shape), value)
    return Mux(below, Const(node.low, shape), value) if least < node.low else value
