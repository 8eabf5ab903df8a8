"""What the reference runtimes say of a file that hwgen reads, each in a process of its own."""

import os
import re
import resource
import signal
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from hwgen.golden.network import network as golden
from hwgen.network.reader import read_network

__all__ = ["onnx_runtime", "tflite_micro"]

SECONDS = 10
# Before any process begins, so that none has to do it.
MICRO, RUNTIME = (import_module(name) if find_spec(name) else None
                  for name in ("tflite_micro", "onnxruntime"))


def call_in_fork(call: Callable[[], str]) -> str:
    """Return what a function returns in another process, or how that ended.

    A runtime that crashes on a damaged file, or writes its reason to the standard error, shall do
    so there.
    """
    source, target = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.alarm(SECONDS)
            _, hard = resource.getrlimit(resource.RLIMIT_AS)
            resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
            os.dup2(target, 2)
            try:
                said = call()
            except Exception as error:
                said = f"refused: {error}"
            os.write(target, b"\n\x01" + said.encode()[:2000])
        finally:
            os._exit(0)
    os.close(target)
    with os.fdopen(source, "rb") as file:
        text, found, said = file.read().decode(errors="replace").partition("\x01")
    os.waitpid(child, 0)
    if not found:
        return "crashes"
    lines = [line for line in text.splitlines() if line.strip()]
    if said.startswith("refused") and lines:
        said = f"refused: {lines[0]}"
    return pattern(said)


def pattern(text: str) -> str:
    """Return a reason without what is different in each file: numbers, names, places."""
    text = re.sub(r"^refused: .*?\(const .*?\) ", "refused: ", " ".join(text.split()))
    text = re.sub(r"\[ONNXRuntimeError\] : \d+ : ", "", text)
    return re.sub(r"\d+", "#", re.sub(r"/\S+|'[^']*'|\"[^\"]*\"", "_", text))[:160]


def tflite_micro(path: Path) -> str:
    """Return what TensorFlow Lite Micro has against a .tflite file, or that it computes others."""
    if MICRO is None:
        return ""
    network = read_network(path)
    rng = np.random.default_rng(0)
    inputs = {name: rng.integers(-128, 128, network.tensors[name].shape).astype(np.int8)
              for name in network.inputs}
    results = golden.run(network, inputs)
    wanted = network.fetch(results)

    def call() -> str:
        runtime = MICRO.runtime.Interpreter.from_bytes(path.read_bytes(), arena_size=16 << 20)
        for index, values in enumerate(inputs.values()):
            runtime.set_input(values, index)
        runtime.invoke()
        for index, (name, values) in enumerate(wanted.items()):
            if not np.array_equal(runtime.get_output(index).reshape(-1), values.reshape(-1)):
                return f"computes other numbers: {network.layers[-1].operator} writes {name!r}"
        return ""

    return call_in_fork(call)


def onnx_runtime(path: Path) -> str:
    """Return what ONNX Runtime has against an .onnx file."""
    if RUNTIME is None:
        return ""

    def call() -> str:
        options = RUNTIME.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = 1
        RUNTIME.InferenceSession(path.read_bytes(), options,
                                     providers=["CPUExecutionProvider"])
        return ""

    return call_in_fork(call)
