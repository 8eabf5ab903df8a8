"""Small ONNX networks for tests, and what ONNX Runtime makes of them."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

TYPES = {np.dtype("f4"): TensorProto.FLOAT, np.dtype("i1"): TensorProto.INT8,
         np.dtype("u1"): TensorProto.UINT8}


class Writer:
    """A graph that is built node by node; every method returns the name of an edge."""

    def __init__(self, seed=0, kind=np.uint8, opset=13):
        self.random = np.random.default_rng(seed)
        self.kind = np.dtype(kind)
        self.opset = opset
        self.nodes, self.constants, self.inputs = [], [], []

    def constant(self, array):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def input(self, shape, kind="f4", name=None):
        name = name or f"x{len(self.inputs)}"
        self.inputs.append(helper.make_tensor_value_info(name, TYPES[np.dtype(kind)], shape))
        return name

    def node(self, operator, *inputs, domain="", **attributes):
        output = f"e{len(self.nodes)}"
        names = [i if isinstance(i, str) else self.constant(i) for i in inputs]
        self.nodes.append(helper.make_node(operator, names, [output], f"n{len(self.nodes)}",
                                           domain=domain, **attributes))
        return output

    def grid(self, scale=None, zero=None):
        """Return a scale and a zero point of the activations' type."""
        limits = np.iinfo(self.kind)
        if zero is None:
            zero = self.random.integers(limits.min + 80, limits.max - 80)
        scale = self.random.uniform(0.02, 0.06) if scale is None else scale
        return np.float32(scale), np.array(zero, self.kind)

    def quantize(self, edge, *grid):
        return self.node("QuantizeLinear", edge, *(grid or self.grid()))

    def both(self, edge, *grid):
        """Quantise and dequantise."""
        grid = grid or self.grid()
        return self.node("DequantizeLinear", self.quantize(edge, *grid), *grid)

    def weights(self, *shape, kind="i1", channels=None, asymmetric=False):
        """Return integers, scale and zero point; with ``channels``, one scale for each."""
        limits = np.iinfo(kind)
        zero = np.array(128 if kind == "u1" else 0, kind)
        values = self.random.integers(limits.min, limits.max, shape, endpoint=True).astype(kind)
        if asymmetric:
            zero = np.array(limits.min + 40, kind)
        scale = np.float32(0.01)
        if channels:
            scale = self.random.uniform(0.004, 0.012, channels).astype("f4")
            zero = np.full(channels, zero, kind)
        return values, scale, zero

    def dequantized(self, values, scale, zero, axis=0):
        return self.node("DequantizeLinear", values, scale, zero, axis=axis)

    def bias(self, count):
        return self.random.integers(-3000, 3000, count).astype("i4")

    def model(self, *outputs, kind="f4"):
        """Return the bytes of the model."""
        outs = [helper.make_tensor_value_info(name, TYPES[np.dtype(kind)], None)
                for name in outputs]
        graph = helper.make_graph(self.nodes, "test", self.inputs, outs, self.constants)
        opsets = [helper.make_opsetid("", self.opset), helper.make_opsetid("com.microsoft", 1),
                  helper.make_opsetid("qonnx.custom_op.general", 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def runtime_before(major, minor):
    """Return whether ONNX Runtime is older than a version."""
    import onnxruntime

    return tuple(map(int, onnxruntime.__version__.split(".")[:2])) < (major, minor)


def runtime(model, feed):
    """Return the outputs by name, as ONNX Runtime computes them on the CPU."""
    import onnxruntime
    from onnxruntime.capi.onnxruntime_pybind11_state import NotImplemented as NoKernel

    def session(exactly):
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = 1
        # Without it, CPUs that lack VNNI add pairs of products of bytes in 16 bits, which saturate.
        options.add_session_config_entry("session.x64quantprecision", str(int(exactly)))
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    try:
        made = session(exactly=True)
    except NoKernel:  # there is none for activations with signs
        made = session(exactly=False)
    names = [output.name for output in made.get_outputs()]
    return dict(zip(names, made.run(names, feed), strict=True))


def case(model, inputs):
    """Return a model with all inputs but the first that is not constant as constants.

    The cases of ONNX's backend test feed scales and weights as inputs of the graph.
    """
    proto = onnx.ModelProto.FromString(model)
    graph = proto.graph
    names = [port.name for port in graph.input]
    fixed = set(names[1:]) - ({names[3]} if graph.node[0].op_type == "QLinearAdd" else set())
    kept = [port for port in graph.input if port.name not in fixed]
    for name, array in zip(names, inputs, strict=True):
        if name in fixed:
            graph.initializer.append(numpy_helper.from_array(array, name))
    del graph.input[:]
    graph.input.extend(kept)
    return proto.SerializeToString()
