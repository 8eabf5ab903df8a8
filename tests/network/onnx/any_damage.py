"""ONNX files with damage: bytes changed, and fields of the model that say what is not so."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests import low_bit, onnx_writer

__all__ = ["damage_model", "originals"]

NUMBERS = (0, 1, -1, 2, 3, 7, 127, 128, 255, 256, 65536, 2**31 - 1, 2**31, 2**40, 2**62, 2**63 - 1,
           -2**31, -2**63)
REALS = (0.0, -0.0, 1.0, -1.0, 1e-45, 1e-38, 1e38, float("inf"), float("-inf"), float("nan"), 0.5)
TEXTS = ("", "x", "a\x00b", "\x1b[2J", "../../etc/passwd", "x" * 5000, "SAME_UPPER", "NOTSET")
OPERATORS = ("Relu", "Conv", "Add", "Softmax", "Identity", "Reshape", "Loop", "If", "Gemm",
             "MatMul", "Clip", "Pad", "Concat", "QLinearConv", "Cast", "Transpose", "Sigmoid",
             "MaxPool", "Constant", "Shape", "Gather", "Quant", "Nothing", "DequantizeLinear",
             "QuantizeLinear", "Squeeze", "Unsqueeze", "Flatten", "Mul", "Div", "Pow", "Sub")


def originals():
    """Return small models of every style that is read."""
    return [qdq("i1"), qdq("u1"), quantised("i1"), quantised("u1"), low(), integers(), plain()]


def qdq(kind):
    w = onnx_writer.Writer(1, kind)
    x = w.both(w.input([1, 2, 6, 5]))
    y = w.node("Conv", x, w.dequantized(*w.weights(4, 2, 3, 3, channels=4)), pads=[1, 1, 1, 1],
               strides=[2, 1], kernel_shape=[3, 3], dilations=[1, 1], group=1)
    y = w.both(w.node("Clip", y, np.float32(0), np.float32(6)), *w.grid(0.05))
    z = w.both(w.node("Mul", y, w.random.normal(1, 1, (4, 1, 1)).astype("f4")), *w.grid(0.07))
    y = w.both(w.node("Add", y, z), *w.grid(0.06))
    y = w.node("MaxPool", y, kernel_shape=[2, 2], strides=[1, 1], ceil_mode=0)
    y = w.both(w.node("Concat", y, y, axis=1), *w.grid(0.06))
    y = w.both(w.node("GlobalAveragePool", y), *w.grid(0.05))
    y = w.node("Reshape", w.node("Transpose", y, perm=[0, 2, 3, 1]), np.array([1, -1]))
    y = w.both(w.node("Gemm", y, w.dequantized(*w.weights(5, 8)), transB=1, alpha=1.0), *w.grid())
    return w.model(w.node("Softmax", y, axis=-1))


def quantised(kind):
    w = onnx_writer.Writer(2, kind)
    grids = [w.grid(scale) for scale in (0.0513, 0.3071, 0.2963, 0.2017)]
    x = w.quantize(w.input([1, 3, 6, 5]), *grids[0])
    y = w.node("QLinearConv", x, *grids[0], *w.weights(4, 3, 3, 3, channels=4), *grids[1],
               w.bias(4), auto_pad="VALID")
    y = w.node("QLinearGlobalAveragePool", y, *grids[1], *grids[2], domain="com.microsoft",
               channels_last=0)
    y = w.node("QGemm", w.node("Flatten", y), *grids[2], *w.weights(4, 4, kind=kind), w.bias(4),
               *grids[3], domain="com.microsoft")
    return w.model(w.node("DequantizeLinear", y, *grids[3]))


def low():
    w = low_bit.Writer(3)
    x = w.quant(w.input([1, 2, 5, 5]), 4, 0.25)
    y = w.node("Conv", x, w.low_bit(3, 2, 3, 3, bits=3), pads=[1, 1, 1, 1])
    y = w.quant(w.node("Relu", w.normalised(y, 3, 20)), 4, 0.25, signed=0)
    return w.model(w.node("MatMul", w.node("Flatten", y), w.low_bit(75, 3, bits=2)))


def integers():
    w = onnx_writer.Writer(4, "u1")
    y = w.node("ConvInteger", w.input([1, 2, 4, 4], "u1"), w.weights(3, 2, 3, 3)[0],
               np.array(7, "u1"), pads=[1, 1, 1, 1])
    y = w.node("Mul", w.node("Cast", y, to=1), np.float32(0.01))
    return w.model(w.quantize(y, np.float32(0.3), np.array(128, "u1")), kind="u1")


def plain():
    """Return a float network, for the quantiser."""
    w = onnx_writer.Writer(5)
    r = w.random
    y = w.node("Conv", w.input([1, 2, 6, 6]), r.normal(0, 1, (3, 2, 3, 3)).astype("f4"),
               r.normal(0, 1, 3).astype("f4"))
    y = w.node("BatchNormalization", y, *r.uniform(0.5, 1, (4, 3)).astype("f4"))
    y = w.node("Flatten", w.node("MaxPool", w.node("Relu", y), kernel_shape=[2, 2]))
    return w.model(w.node("Softmax", w.node("Gemm", y, r.normal(0, 1, (27, 4)).astype("f4"))))


def damage_model(data, random):
    """Return a model with one kind of damage, or up to three."""
    if random.integers(4) == 0:
        return of_bytes(data, random)
    model = onnx.ModelProto.FromString(data)
    for _ in range(int(random.choice([1, 1, 1, 2, 3]))):
        KINDS[random.integers(len(KINDS))](model, random)
    try:
        result = model.SerializeToString()
    except (ValueError, TypeError):  # such as a name that is no text
        return data[:len(data) // 2]
    return of_bytes(result, random) if random.integers(20) == 0 else result


def of_bytes(data, random):
    data = bytearray(data)
    for _ in range(int(random.choice([1, 1, 2, 7]))):
        at = int(random.integers(max(len(data), 1)))
        match random.integers(5):
            case 0:
                data[at:at + 1] = bytes([random.integers(256)])
            case 1 if data:
                data[min(at, len(data) - 1)] ^= 1 << int(random.integers(8))
            case 2:
                del data[at:at + int(random.integers(1, 20))]
            case 3:
                data[at:at] = data[at:at + int(random.integers(1, 60))]
            case _:
                if random.integers(5) == 0:
                    del data[at:]
    return bytes(data)


def pick(random, values):
    return values[int(random.integers(len(values)))] if len(values) else None


def edge(model, random):
    names = [name for node in model.graph.node for name in (*node.input, *node.output)]
    names += [tensor.name for tensor in model.graph.initializer]
    return pick(random, names) or "x"


def rewire_node(model, random):
    """Let a node read or write another edge: cycles, duplicates, what is missing."""
    node = pick(random, model.graph.node)
    if node is None:
        return
    edges = node.input if random.integers(3) else node.output
    name = pick(random, (edge(model, random), "", "nowhere", TEXTS[random.integers(len(TEXTS))]))
    match random.integers(4):
        case 0 if len(edges):
            del edges[random.integers(len(edges))]
        case 1:
            edges.append(name)
        case _ if len(edges):
            edges[random.integers(len(edges))] = name


def nodes_changed(model, random):
    nodes = model.graph.node
    if not len(nodes):
        return
    node, at = pick(random, nodes), int(random.integers(len(nodes)))
    match random.integers(6):
        case 0:
            del nodes[at]
        case 1:
            nodes.insert(at, node)
        case 2:
            node.op_type = pick(random, OPERATORS)
        case 3:
            node.domain = pick(random, ("", "ai.onnx", "com.microsoft", "qonnx", "no", "\x1b[m"))
        case 4:
            order = list(nodes)
            random.shuffle(order)
            del nodes[:]
            nodes.extend(order)
        case _:
            node.name = pick(random, TEXTS)


def attribute_changed(model, random):
    node = pick(random, [node for node in model.graph.node if len(node.attribute)])
    if node is None or random.integers(5) == 0:
        node = pick(random, model.graph.node)
        if node is not None:
            name = pick(random, ("axis", "pads", "group", "auto_pad", "perm", "block_size", "to",
                                 "keepdims", "alpha", "value", "ceil_mode", "count_include_pad"))
            value = pick(random, (3, -1, 1 << 40, 0.5, float("nan"), "SAME_LOWER", [1, 2],
                                  [2**62] * 4, [0.5]))
            node.attribute.append(helper.make_attribute(name, value))
        return
    at = int(random.integers(len(node.attribute)))
    attribute = node.attribute[at]
    match random.integers(8):
        case 0:
            del node.attribute[at]
        case 1:
            attribute.type = int(random.integers(0, 15))
        case 2:
            attribute.i = pick(random, NUMBERS)
        case 3:
            attribute.f = pick(random, REALS)
        case 4 if len(attribute.ints):
            attribute.ints[random.integers(len(attribute.ints))] = pick(random, NUMBERS)
        case 5:
            attribute.ints.append(pick(random, NUMBERS))
        case 6:
            attribute.s = pick(random, TEXTS).encode()
        case _:
            attribute.name = pick(random, ("axis", "pads", "", "kernel_shape", "x"))


def tensor_changed(model, random):
    tensor = pick(random, model.graph.initializer)
    if tensor is None:
        return
    match random.integers(11):
        case 0:
            tensor.data_type = int(random.integers(0, 28))
        case 1 if len(tensor.dims):
            tensor.dims[random.integers(len(tensor.dims))] = pick(random, NUMBERS)
        case 2:
            tensor.dims.append(pick(random, NUMBERS))
        case 3 if len(tensor.dims):
            del tensor.dims[random.integers(len(tensor.dims))]
        case 4:
            tensor.raw_data = tensor.raw_data[:int(random.integers(len(tensor.raw_data) + 1))]
        case 5:
            tensor.data_location = TensorProto.EXTERNAL
            entry = tensor.external_data.add()
            entry.key, entry.value = "location", pick(random, ("/etc/passwd", "../x", "x.bin"))
        case 6:
            tensor.name = edge(model, random)
        case 7:
            array = numpy_helper.to_array(tensor) if intact(tensor) else np.zeros(2, "f4")
            if array.dtype.kind == "f" and array.size:
                array = array.copy()
                array.reshape(-1)[random.integers(array.size)] = pick(random, REALS)
                tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
        case 8:
            kind = pick(random, ("i1", "u1", "f4", "i4", "i8", "f8", "f2"))
            shape = [int(n) for n in random.integers(0, 4, random.integers(0, 5))]
            array = random.integers(0, 99, shape).astype(kind)
            tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
        case 9:
            tensor.ClearField("raw_data")
            tensor.int32_data.extend([1, -1, 2**31 - 1])
        case _:
            model.graph.initializer.append(tensor)


def intact(tensor):
    try:
        numpy_helper.to_array(tensor)
    except Exception:  # whatever the damage before this one makes of it
        return False
    return True


def ports_changed(model, random):
    ports = model.graph.input if random.integers(2) else model.graph.output
    port = pick(random, ports)
    if port is None or random.integers(8) == 0:
        name = edge(model, random)
        ports.append(helper.make_tensor_value_info(name, int(random.integers(0, 17)), [1, 2]))
        return
    dims = port.type.tensor_type.shape.dim
    match random.integers(6):
        case 0:
            ports.remove(port)
        case 1:
            port.type.tensor_type.elem_type = int(random.integers(0, 17))
        case 2 if len(dims):
            dims[random.integers(len(dims))].dim_value = pick(random, NUMBERS)
        case 3 if len(dims):
            dims[random.integers(len(dims))].dim_param = "N"
        case 4:
            port.name = edge(model, random)
        case _:
            port.type.ClearField("tensor_type")


def model_changed(model, random):
    match random.integers(9):
        case 0 if len(model.opset_import):
            model.opset_import[0].version = pick(
                random, (0, -1, 1, 7, 9, 10, 11, 12, 14, 18, 21, 99, 2**62))
        case 1:
            del model.opset_import[:]
        case 2:
            model.ir_version = pick(random, (0, 1, 3, 4, 99, 2**62))
        case 3:
            model.graph.ClearField("node")
        case 4:
            model.ClearField("graph")
        case 5:
            model.functions.add().name = "f"
        case 6 if len(model.graph.node):
            node = pick(random, model.graph.node)
            attribute = node.attribute.add()
            attribute.name, attribute.type = "body", 5
            attribute.g.node.add().op_type = "Relu"
        case 7:
            model.graph.sparse_initializer.add()
        case _:
            model.graph.name = pick(random, TEXTS)


KINDS = (rewire_node, rewire_node, nodes_changed, nodes_changed, attribute_changed,
         attribute_changed, attribute_changed, tensor_changed, tensor_changed, tensor_changed,
         ports_changed, model_changed)
