"""Where a network begins: what the readers of an input make of it."""

from collections.abc import Container, Iterator

from .file import Graph, Node

__all__ = ["declared_grid", "is_image"]

ELEMENTWISE = {"QuantizeLinear", "DequantizeLinear", "Identity", "Relu", "Clip", "Cast", "Dropout",
               "Add", "Sub", "Mul", "Div", "Max", "QLinearAdd", "QLinearMul", "Concat",
               "QLinearConcat", "Slice", "Resize", "DepthToSpace", "SpaceToDepth"}
WINDOWED = {"Conv", "QLinearConv", "ConvInteger", "MaxPool", "AveragePool", "GlobalAveragePool",
            "GlobalMaxPool", "QLinearAveragePool", "QLinearGlobalAveragePool",
            "BatchNormalization", "Pad"}


def is_image(graph: Graph, edge: str) -> bool:
    """Whether what reads the edge takes it for an image with channels first."""
    fixed = {*graph.constants, *(name for node in graph.nodes for name in node.outputs
                                 if node.inputs and node.inputs[0] in graph.constants)}
    # A constant for each channel is a depthwise layer, or part of a layer.
    return any(node.operator in WINDOWED or node.operator in ("Add", "Sub", "Mul", "Div")
               and not fixed.isdisjoint(node.inputs)
               for _, node in readers_behind(graph, edge, ELEMENTWISE))


def declared_grid(graph: Graph, edge: str) -> tuple[float, int] | None:
    """Return the scale and the zero point with which a node reads an integer edge."""
    grids = (_grid(graph, node, node.inputs.index(at)) for at, node in readers_behind(graph, edge))
    return next(filter(None, grids), None)


def readers_behind(graph: Graph, edge: str, through: Container[str] | None = None,
                   ) -> Iterator[tuple[str, Node]]:
    """Yield what reads an edge, or one behind some operators, or behind any; with what it reads."""
    waiting, seen = [edge], {edge}
    while waiting:
        at = waiting.pop()
        for node in graph.readers.get(at, ()):
            yield at, node
            if (through is None or node.operator in through) and node.outputs \
                    and node.outputs[0] not in seen:
                seen.add(node.outputs[0])
                waiting.append(node.outputs[0])


def _grid(graph: Graph, node: Node, index: int) -> tuple[float, int] | None:
    """Return the scale and the zero point of an input of a node; None where it has none."""
    if node.operator in ("MatMulInteger", "ConvInteger"):
        return 1.0, _first(graph, node, 2)
    if node.operator in ("DequantizeLinear", "QGemm") or node.operator.startswith("QLinear"):
        scale = graph.constants.get(node.inputs[index + 1]) if index + 1 < len(node.inputs) \
            else None
        if scale is not None and scale.size and scale.dtype.kind == "f":
            return float(scale.reshape(-1)[0]), _first(graph, node, index + 2)
    return None


def _first(graph: Graph, node: Node, index: int) -> int:
    """Return the first value of a zero point, 0 where there is none."""
    zero = graph.constants.get(node.inputs[index]) if index < len(node.inputs) else None
    is_integer = zero is not None and zero.size and zero.dtype.kind in "iu"
    return int(zero.reshape(-1)[0]) if zero is not None and is_integer else 0
