"""Readers of networks: .tflite and .onnx of every kind, and what is done with what they read."""

from functools import cache
from pathlib import Path
from zlib import crc32

import numpy as np
import onnx

from hwgen.arch.design import Design
from hwgen.arch.steps import ROUNDINGS
from hwgen.compiler import compile_network
from hwgen.compress.quantize import input_names, quantised_model
from hwgen.golden.network import network as golden
from hwgen.network.onnx import reading as _onnx
from hwgen.network.reader import read_network
from hwgen.network.tflite import reading as _tflite
from hwgen.predict.layers import predictions
from hwgen.tune.workload import read_workload

from ..low_bit import Writer as LowBit
from ..onnx_writer import Writer
from ..tflite_writer import KINDS, random_layer, random_network
from .damage_network import onnx_file, tflite_file
from .reader import Reader
from .reference import onnx_runtime, tflite_micro

__all__ = ["READERS"]

LOADED = _onnx, _tflite
"""Readers that are loaded when they are used: before any process begins, so that none has to."""
FOLDER = Path(__file__).parents[2] / "networks"
DESIGN = Design(rows=4, columns=4, lines=1, lanes=2, activation_memory=1 << 16,
                program_memory=1 << 19, partial_sums=64, line_pixels=64)
DESIGNS = {rounding: DESIGN.replace(rounding=rounding) for rounding in ROUNDINGS}
COMPILED = 4
"""Of so many files that are read, one is compiled, which takes the longest."""
OPTIONS = ["--rows", "4", "--columns", "4", "--lines", "1", "--lanes", "2", "--activation-memory",
           "65536", "--program-memory", "524288", "--partial-sums", "64", "--line-pixels", "64",
           "--hard-lanes", "0"]


def tflite_seeds() -> dict[str, bytes]:
    """Return a file of each layer, and some of several layers."""
    found = {f"{kind.lower()}.tflite": random_layer(np.random.default_rng(index), kind)
             for index, kind in enumerate(KINDS)}
    found |= {f"graph{seed}.tflite": random_network(np.random.default_rng(seed))
              for seed in range(6)}
    return found | {"kws.tflite": (FOLDER / "kws_dscnn.tflite").read_bytes()}


def image(w: Writer | LowBit) -> str:
    """Return a small image as the input."""
    return w.input([1, 3, 6, 6])


def qdq(kind: type) -> bytes:
    """Return a network of the QDQ form."""
    w = Writer(1, kind)
    x = w.both(image(w))
    x = w.node("Conv", x, w.dequantized(*w.weights(4, 3, 3, 3, channels=4)),
               w.dequantized(w.bias(4), np.float32(0.0004), np.array(0, "i4")))
    x = w.both(w.node("Relu", x))
    x = w.both(w.node("Add", x, w.both(w.node("MaxPool", x, kernel_shape=[1, 1]))))
    x = w.both(w.node("GlobalAveragePool", x))
    x = w.node("Flatten", x)
    x = w.node("Gemm", x, w.dequantized(*w.weights(5, 4), axis=0), transB=1)
    return w.model(w.both(w.node("Softmax", w.both(x), axis=-1), np.float32(1 / 256),
                          np.array(np.iinfo(kind).min, kind)))


def qoperator() -> bytes:
    """Return a network of QLinear operators."""
    w = Writer(2)
    scale, zero = w.grid()
    after, after_zero = w.grid()
    values, weight_scale, weight_zero = w.weights(4, 3, 3, 3, channels=4)
    x = w.node("QuantizeLinear", image(w), scale, zero)
    x = w.node("QLinearConv", x, scale, zero, values, weight_scale, weight_zero, after, after_zero,
               w.bias(4))
    x = w.node("Reshape", x, np.array([1, 64]))
    values, weight_scale, weight_zero = w.weights(64, 5)
    last, last_zero = w.grid()
    x = w.node("QLinearMatMul", x, after, after_zero, values, weight_scale, weight_zero, last,
               last_zero)
    return w.model(w.node("DequantizeLinear", x, last, last_zero))


def low_bit(bits: int) -> bytes:
    """Return a QONNX network."""
    w = LowBit(bits)
    x = w.bipolar(w.input([1, 16])) if bits == 1 else w.quant(w.input([1, 16]), bits, 0.5)
    x = w.node("MatMul", x, w.low_bit(16, 12, bits=bits))
    x = w.normalised(x, 12, 4.0)
    x = w.bipolar(x) if bits == 1 else w.quant(x, bits, 0.5)
    return w.model(w.node("MatMul", x, w.low_bit(12, 4, bits=bits)))


def floats() -> bytes:
    """Return a float network."""
    w = Writer(3)
    x = w.node("Conv", image(w), w.random.normal(0, 0.3, (4, 3, 3, 3)).astype("f4"),
               w.random.normal(0, 0.3, 4).astype("f4"), pads=[1, 1, 1, 1])
    x = w.node("BatchNormalization", x, *w.random.uniform(0.5, 1.5, (4, 4)).astype("f4"))
    x = w.node("MaxPool", w.node("Relu", x), kernel_shape=[2, 2], strides=[2, 2])
    x = w.node("Reshape", x, np.array([1, 36]))
    return w.model(w.node("Gemm", x, w.random.normal(0, 0.2, (36, 5)).astype("f4"),
                          w.random.normal(0, 0.2, 5).astype("f4")))


def without_weights(model: bytes) -> bytes:
    """Return a network with its weights as inputs of the graph."""
    proto = onnx.ModelProto.FromString(model)
    for tensor in proto.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT:
            proto.graph.input.append(onnx.helper.make_tensor_value_info(
                tensor.name, tensor.data_type, list(tensor.dims)))
    kept = [tensor for tensor in proto.graph.initializer
            if tensor.data_type != onnx.TensorProto.FLOAT]
    del proto.graph.initializer[:]
    proto.graph.initializer.extend(kept)
    return proto.SerializeToString()


@cache
def float_inputs() -> np.ndarray:
    """Return inputs of the float network."""
    return np.random.default_rng(0).normal(0, 1, (4, 3, 6, 6)).astype("f4")


def use(path: Path) -> None:
    """Read a network, compile it, count its cycles, and run it in NumPy."""
    network = read_network(path)
    inputs = {name: np.zeros(network.tensors[name].shape, np.int8) for name in network.inputs}
    network.fetch(golden.run(network, inputs))
    if crc32(path.read_bytes()) % COMPILED == 0:
        list(predictions(network, compile_network(network, DESIGNS[network.rounding])))


def tune(path: Path) -> None:
    """Read what `hwgen tune` takes: a network with weights, or without."""
    workload = read_workload(str(path))
    assert workload.layers


def quantise(path: Path) -> None:
    """Quantise a float network."""
    input_names(path)
    quantised_model(path, float_inputs())


def cycles(path: Path) -> list[str]:
    """Return the command that counts a network's cycles."""
    return ["cycles", str(path), *OPTIONS]


def quantize(path: Path) -> list[str]:
    """Return the command that quantises a network."""
    np.save("data.npy", float_inputs())
    return ["quantize", str(path), "--data", "data.npy"]


READERS = (
    Reader(name="tflite", cases=8000,
           what="`.tflite` files",
           seeds=tflite_seeds, damage=tflite_file,
           read=use, command=cycles, names_file=False, reference=tflite_micro),
    Reader(name="onnx-qdq", cases=2500,
           what="`.onnx` files of QuantizeLinear and DequantizeLinear",
           seeds=lambda: {"int8.onnx": qdq(np.int8), "uint8.onnx": qdq(np.uint8)},
           damage=onnx_file, read=use, command=cycles, names_file=False, reference=onnx_runtime),
    Reader(name="onnx-qoperator", cases=2500,
           what="`.onnx` files of QLinear operators",
           seeds=lambda: {"qoperator.onnx": qoperator()}, damage=onnx_file, read=use,
           command=cycles, names_file=False, reference=onnx_runtime),
    Reader(name="qonnx", cases=2500,
           what="`.onnx` files of QONNX operators",
           seeds=lambda: {f"bits{bits}.onnx": low_bit(bits) for bits in (1, 2, 4)},
           damage=onnx_file, read=use, command=cycles, names_file=False),
    Reader(name="onnx-float", cases=2500,
           what="float `.onnx` files, to be quantised",
           seeds=lambda: {"float.onnx": floats()}, damage=onnx_file, read=quantise,
           command=quantize, names_file=False),
    Reader(name="onnx-shapes", cases=2500,
           what="`.onnx` files to be tuned for, with weights or without",
           seeds=lambda: {"int8.onnx": qdq(np.int8), "shapes.onnx": without_weights(floats())},
           damage=onnx_file, read=tune, names_file=False),
)
