"""QONNX graphs for tests, and what their float32 operators make of inputs, one by one.

The reference is written from QONNX's definition of its operators: Quant, BipolarQuant and
MultiThreshold in NumPy, the others by ONNX Runtime, each node alone so that nothing is fused.
"""

from functools import cache

import numpy as np
import onnx
from onnx import helper, numpy_helper

from . import onnx_writer

__all__ = ["Writer", "execute"]

DOMAIN = "qonnx.custom_op.general"

ROUNDINGS = {"ROUND": np.round, "CEIL": np.ceil, "FLOOR": np.floor, "DOWN": np.fix,
             "UP": lambda x: np.sign(x) * np.ceil(np.abs(x)),
             "HALF_UP": lambda x: np.sign(x) * np.floor(np.abs(x) + np.float32(0.5))}


class Writer(onnx_writer.Writer):
    """A graph with QONNX's operators too."""

    def quant(self, x, bits, scale=1.0, zero=0.0, signed=1, narrow=0, rounding="ROUND",
              domain=DOMAIN):
        return self.node("Quant", x, np.float32(scale), np.float32(zero), np.float32(bits),
                         domain=domain, signed=signed, narrow=narrow, rounding_mode=rounding)

    def bipolar(self, x, scale=1.0):
        return self.node("BipolarQuant", x, np.float32(scale), domain=DOMAIN)

    def low_bit(self, *shape, bits=2, scale=1.0):
        """Return weights of so many bits; 1 is bipolar."""
        if bits == 1:
            return self.bipolar(self.random.normal(0, 1, shape).astype("f4"), scale)
        limit = 1 << bits - 1
        steps = self.random.integers(-limit, limit, shape).astype("f4")
        return self.quant(steps * np.float32(scale), bits, scale)

    def normalised(self, x, channels, spread):
        """Return batch normalisation, a part of its gains negative and one of them 0."""
        gain = self.random.uniform(0.5, 1.5, channels) * self.random.choice([-1, 1], channels)
        gain[channels // 2] = 0
        return self.node("BatchNormalization", x, gain.astype("f4"),
                         *self.random.normal(0, 0.5, (1, channels)).astype("f4"),
                         *self.random.normal(0, spread / 3, (1, channels)).astype("f4"),
                         *self.random.uniform(spread**2 / 2, spread**2, (1, channels)).astype("f4"))


def execute(model, feed, names=()):
    """Return the outputs, or the edges named, of one image; node by node."""
    graph = onnx.ModelProto.FromString(model).graph
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    values.update(feed)
    for node in graph.node:
        values[node.output[0]] = compute_node(node, [values[name] for name in node.input])
    return [values[name] for name in names or [port.name for port in graph.output]]


def compute_node(node, inputs):
    """Return what one node makes of its inputs."""
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    match node.op_type:
        case "Quant":
            x, scale, zero, bits = inputs
            return quant(x, scale, zero, int(bits), **attributes)
        case "BipolarQuant":
            x, scale = inputs
            return np.where(x >= 0, scale, -scale).astype("f4")
        case "MultiThreshold":
            x, thresholds = inputs
            reached = np.moveaxis(x, 1, -1)[..., None] >= thresholds
            count = np.moveaxis(reached.sum(axis=-1), -1, 1)
            scale, bias = attributes.get("out_scale", 1.0), attributes.get("out_bias", 0.0)
            return (np.float32(scale) * count + np.float32(bias)).astype("f4")
    return alone(node, inputs)


def quant(x, scale, zero, bits, signed, narrow, rounding_mode):
    """Return what QONNX's Quant does."""
    y = x / scale + zero
    if bits == 1 and signed:
        y = np.where(y >= 0, np.float32(1), np.float32(-1))
    else:
        low = -(1 << bits - 1) + narrow if signed else 0
        high = (1 << bits - 1) - 1 if signed else (1 << bits) - 1 - narrow
        y = ROUNDINGS[rounding_mode.decode()](np.clip(y, np.float32(low), np.float32(high)))
    return ((y - zero) * scale).astype("f4")


def alone(node, inputs):
    """Return what ONNX Runtime makes of a node."""
    inputs = [np.asarray(x) for x in inputs]
    session = alone_session(node.SerializeToString(), tuple((x.dtype, x.shape) for x in inputs))
    return session.run(None, {f"i{index}": x for index, x in enumerate(inputs)})[0]


@cache
def alone_session(node, inputs):
    """Return a session of a node alone."""
    import onnxruntime
    ports = [helper.make_tensor_value_info(f"i{index}", helper.np_dtype_to_tensor_dtype(kind),
                                           shape)
             for index, (kind, shape) in enumerate(inputs)]
    made = onnx.NodeProto.FromString(node)
    made.input[:] = [port.name for port in ports]
    graph = helper.make_graph([made], "one", ports, [
        helper.make_tensor_value_info(made.output[0], 1, None)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options,
                                        providers=["CPUExecutionProvider"])
