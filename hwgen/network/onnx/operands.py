"""What the nodes of an ONNX graph read, and with which scales and zero points."""

import numpy as np

from ...errors import UserError
from .builder import NetworkBuilder, grid
from .file import Graph, Node, is_quantised
from .values import Activation, Hosted, Outside, Pending, Real, Scaled, Value

__all__ = ["Operands"]

BETWEEN = "put a QuantizeLinear and a DequantizeLinear between"
QUANTIZE = "`hwgen quantize` makes an int8 network of a float one"


def check_kind(node: Node, scale: np.ndarray) -> None:
    """Refuse a scale of a type that operators do not take."""
    if scale.dtype == np.float64 or node.domain and scale.dtype != np.float32:
        raise node.error(f"has a scale of {scale.dtype}; it takes float32")


class Operands:
    """The values of a graph's edges, as its nodes ask for them; an error says what is not there."""

    graph: Graph
    builder: NetworkBuilder
    values: dict[str, Value]
    """What each edge is, of those that are known by now."""

    def optional_value(self, node: Node, index: int) -> Value | None:
        """Return an input of a node, None where it is left out."""
        if index >= len(node.inputs) or not node.inputs[index]:
            return None
        return self.values[node.inputs[index]]

    def value(self, node: Node, index: int) -> Value:
        """Return an input of a node that must be there."""
        value = self.optional_value(node, index)
        if value is None:
            raise node.error(f"lacks its input {index}")
        return value

    def constant(self, node: Node, index: int) -> np.ndarray | None:
        """Return an input that must be a constant, None where it is left out."""
        value = self.optional_value(node, index)
        if value is None or isinstance(value, np.ndarray):
            return value
        raise node.error(f"computes its input {index}, {node.inputs[index]!r}; "
                         "we run the operator with a constant there")

    def numbers(self, node: Node, index: int, name: str) -> list[int] | None:
        """Return integers that newer operators read and older ones have as an attribute."""
        array = self.constant(node, index)
        if array is None:
            return node.integers(name)
        if array.dtype.kind not in "iu" or array.ndim > 1:
            raise node.error(f"has {name} that are not a list of integers")
        return [int(number) for number in array.reshape(-1)]

    def scalar(self, node: Node, index: int, name: str, default: float) -> float:
        """Return a number that newer operators read and older ones have as an attribute."""
        array = self.constant(node, index)
        if array is None:
            return node.number(name, default)
        if array.size != 1:
            raise node.error(f"has {array.size} values for {name}; we run it with one")
        return float(array.reshape(-1)[0])

    def real(self, node: Node, index: int) -> Real:
        """Return an input that must be a dequantised tensor."""
        value = self.value(node, index)
        if isinstance(value, Real):
            return value
        raise self.unready_error(node, index)

    @property
    def remedy(self) -> str:
        """What to do about numbers that are not quantised: it depends on whether any are."""
        return BETWEEN if any(is_quantised(node) for node in self.graph.nodes) else QUANTIZE

    def unready_error(self, node: Node, index: int) -> UserError:
        """Return the error of a node that reads what it cannot work on."""
        value, edge = self.value(node, index), node.inputs[index]
        if isinstance(value, Outside):
            return node.error(f"works on the input {value.name!r} before it is quantised; "
                              f"{self.remedy}")
        if isinstance(value, Pending):
            return node.error(f"reads {edge!r}, which is not quantised; {self.remedy}")
        if isinstance(value, Hosted):
            return node.error(f"reads {edge!r}, which is what the host makes of a Softmax or a "
                              "Sigmoid; we run those last")
        if isinstance(value, Activation):
            return node.error(f"reads the integers {edge!r}; we run it on what a DequantizeLinear "
                              "gives")
        return node.error(f"reads the constant {edge!r} where we run what the network computes")

    # Scales.

    def scale_of(self, node: Node, index: int) -> float:
        """Return the one scale of a tensor."""
        array = self.constant(node, index)
        if array is None or array.size != 1 or array.ndim > 1 or array.dtype.kind != "f":
            raise node.error("needs one floating-point scale for each tensor that it works on; "
                             "we run a scale for each channel on constants only")
        check_kind(node, array)
        return grid(node, float(array.reshape(-1)[0]))

    def zero_of(self, node: Node, index: int, default: np.dtype | None = None) -> tuple[int, int]:
        """Return a zero point as the file has it, and the offset of its type."""
        array = self.constant(node, index)
        if array is None:
            return 0, 0 if default == np.int8 else 128
        if array.size != 1 or array.ndim > 1 or array.dtype not in (np.uint8, np.int8):
            raise node.error(f"has a zero point of {array.dtype} and {array.size} values; "
                             "we run one of int8 or of uint8")
        return int(array.reshape(-1)[0]), 128 if array.dtype == np.uint8 else 0

    def integers(self, node: Node, index: int) -> Activation:
        """Return an input that must be an int8 or uint8 tensor."""
        value = self.value(node, index)
        if isinstance(value, Activation):
            return value
        if isinstance(value, Real | Pending | Outside) \
                or isinstance(value, Hosted) and value.tail.is_real:
            raise node.error(f"reads {node.inputs[index]!r}, which is floating point here, "
                             "as integers")
        raise self.unready_error(node, index)

    def dequantise(self, node: Node, index: int) -> Real:
        """Return what an integer input stands for; scale and zero point are the next two."""
        x, scale = self.integers(node, index), self.scale_of(node, index + 1)
        return Real(self.on_grid(node, x, scale, index + 2), scale)

    def on_grid(self, node: Node, x: Activation, scale: float, zero: int) -> Activation:
        """Return an integer tensor as a node reads it, its zero point the input ``zero``.

        It need not be the scale, nor the zero point, with which the tensor was written.
        """
        found, offset = self.zero_of(node, zero, np.dtype("u1" if x.offset else "i1"))
        if offset != x.offset:
            raise node.error(f"reads {x.tensor.name!r}, which is {'uint8' if x.offset else 'int8'}"
                             f", with a zero point of {'uint8' if offset else 'int8'}; "
                             "both must be of one type")
        return self.builder.with_grid(node, x, scale, found - offset)

    def scaled_constant(self, node: Node, values: np.ndarray, scale: np.ndarray | None,
                        zero: np.ndarray | None, axis: int) -> Scaled:
        """Return a constant with its scale; with several, one for each index along ``axis``."""
        if values.dtype.kind not in "iu":
            raise node.error(f"dequantises a constant of {values.dtype}, not integers")
        if scale is None or scale.dtype.kind != "f":
            raise node.error("has no floating-point scale for its constant")
        check_kind(node, scale)
        if not np.all(np.isfinite(scale) & (scale > 0)):
            raise node.error("has a scale that is not a positive finite number")
        if zero is None:
            zero = np.zeros((), np.int64)
        if zero.dtype.kind not in "iu":
            raise node.error(f"has a zero point of {zero.dtype}, not integers")
        ones = [1] * values.ndim
        shaped = []
        for array in (scale, zero):
            shape = list(ones)
            if array.ndim > 1 and node.operator != "QLinearMatMul":
                raise node.error(f"has a scale or a zero point of {list(array.shape)}; it takes "
                                 "one, or a list of one for each channel")
            if array.size != 1:
                if not -values.ndim <= axis < values.ndim or array.size != values.shape[axis] \
                        or array.ndim > values.ndim:
                    raise node.error(f"has {array.size} scales or zero points for a constant of "
                                     f"{list(values.shape)}; we run one, or one for each channel")
                shape[axis] = array.size
            shaped.append(array.reshape(shape))
        return Scaled(values.astype(np.int64), shaped[0].astype(np.float64),
                      shaped[1].astype(np.int64))
