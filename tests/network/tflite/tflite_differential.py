"""Damaged .tflite files through hwgen, and through TensorFlow Lite Micro where hwgen reads them.

``python -m tests.network.tflite.tflite_differential --count 5000 --seed 0`` prints how many went
which way, and every file on which the two part; the exit code is 1 where there are any. A file must
be read or be refused with a UserError, within seconds and a gigabyte; what the reference refuses
hwgen must refuse, but for the reasons in ``ALLOWED``; where both run, the outputs must be equal.
"""

import argparse
import os
import pickle
import resource
import signal
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hwgen.arch.design import Design
from hwgen.compiler.compile import compile_network
from hwgen.errors import UserError
from hwgen.golden.network.stream import GoldenStream
from hwgen.network.graph import Network
from hwgen.network.reader import read_network

from ...networks import NETWORKS, path
from ...stream_writer import random_stream
from ...tflite_writer import (
    CURVES,
    KINDS,
    MORE_LAYERS,
    PAIRS,
    Graph,
    random_layer,
    random_network,
)
from .tflite_edits import damaged, edited

__all__ = ["Outcome", "case", "judge"]

SECONDS = 10
"""Of the processor; of the clock it may be more, on a machine that is busy."""
LONGEST = 120
MEMORY = 1 << 30
LARGEST_ARENA = 64 << 20
FRAMES = 2
"""Of a network with state: the same input so often, of which the last outputs are compared."""

ALLOWED = {
    # What hwgen runs though the reference does not: a part of what the reference prints. Reasons
    # are in docs/networks.md.
    "num_inputs <= kMaxInputNum": "more than ten tensors are concatenated",
    "AllocatePersistentBuffer": "arena", "Failed to resize buffer": "arena",
    "Arena size is too small": "arena",
    "an edge of another type": "the input is neither int8 nor float32, and is not given",
    "reading all of the file": "what is neither tensor nor operator is not read",
}


@dataclass
class Outcome:
    """What came of a file: ``ran`` with arrays, ``refused`` with a sentence, or a defect."""

    kind: str
    text: str = ""
    arrays: tuple[np.ndarray, ...] = ()


def limited(work: Callable[[], Outcome], memory: int = MEMORY) -> Outcome:
    """Return what a process of its own makes of something, within time and memory."""
    reader, writer = os.pipe()
    with tempfile.TemporaryFile() as log:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # NumPy's threads do not mind.
            child = os.fork()
        if not child:
            os.close(reader)
            os.dup2(log.fileno(), 2)
            used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + memory, used + memory))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 5))
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(LONGEST)
            try:
                outcome = work()
            except BaseException:
                outcome = Outcome("raised", traceback.format_exc())
            with os.fdopen(writer, "wb") as pipe:
                pickle.dump(outcome, pipe)
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            answer = pipe.read()
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status) or not answer:
            what = signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else "exit"
            return Outcome("hung" if what in ("SIGALRM", "SIGXCPU") else "crashed", what)
        outcome = pickle.loads(answer)
        log.seek(0)
        outcome.text = outcome.text or log.read().decode(errors="replace")
        return outcome


def inputs_of(network: Network, seed: int) -> dict[str, np.ndarray]:
    """Return random inputs."""
    rng = np.random.default_rng(seed)
    return {name: rng.integers(-128, 128, network.tensors[name].shape, np.int8)
            for name in network.inputs}


def ours(file: Path, seed: int) -> Outcome:
    """Read a file with hwgen, compile it, and run the golden model."""
    try:
        network = read_network(file)
        stream = GoldenStream(network)
        for _ in range(FRAMES if network.states else 1):
            results = stream.run(inputs_of(network, seed))
    except UserError as error:
        if "\n" in str(error) or not str(error).isprintable():
            return Outcome("raised", f"not one printable line: {error!r}")
        return Outcome("refused", str(error))
    try:
        compile_network(network, Design.load("ulx3s-85f"))
    except UserError:
        pass
    outside = []
    for name in network.outputs:
        tensor = network.tensors[name]
        outside.append((results[name], tensor.scale, tensor.zero_point))
    return Outcome("ran", "-", tuple(value for value, _, _ in outside))


def reference(data: bytes, network: Network, seed: int) -> Outcome:
    """Run TensorFlow Lite Micro."""
    from tflite_micro import runtime
    x = inputs_of(network, seed)
    try:  # The package unpacks all of the file once, for its own purposes.
        runtime.convert_bytearray_to_object(data)
    except Exception as error:
        return Outcome("refused", f"reading all of the file: {error}")
    try:
        micro = runtime.Interpreter.from_bytes(data, arena_size=LARGEST_ARENA)
        for _ in range(FRAMES if network.states else 1):
            for index, name in enumerate(network.inputs):
                details, tensor = micro.get_input_details(index), network.tensors[name]
                value = x[name].reshape(details["shape"])
                if details["dtype"] not in (np.int8, np.float32):
                    return Outcome("refused", "an edge of another type")
                if details["dtype"] == np.float32:
                    value = (np.float32(tensor.scale) * (
                        value.astype(np.float32) - tensor.zero_point)).astype(np.float32)
                micro.set_input(value, index)
            micro.invoke()
        arrays = []
        for index, name in enumerate(network.outputs):
            value, tensor = micro.get_output(index), network.tensors[name]
            if value.dtype == np.float32:
                value = np.round(value / np.float32(tensor.scale) + tensor.zero_point)
            arrays.append(value.astype(np.int8))
    except (RuntimeError, ValueError, IndexError, AttributeError, TypeError, MemoryError) as error:
        return Outcome("refused", f"{error} " + Path("/proc/self/fd/2").read_text(errors="replace"))
    return Outcome("ran", "-", tuple(arrays))


def judge(data: bytes, seed: int) -> tuple[str, str]:
    """Return how a file went: a word, and what is to be said of it."""
    with tempfile.NamedTemporaryFile(suffix=".tflite") as file:
        file.write(data)
        file.flush()
        mine = limited(lambda: ours(Path(file.name), seed))
        if mine.kind != "ran":
            return (mine.kind if mine.kind == "refused" else f"DEFECT: {mine.kind}"), mine.text
        network = read_network(file.name)
    theirs = limited(lambda: reference(data, network, seed), 4 * MEMORY)
    if theirs.kind in ("crashed", "hung"):
        return f"only the reference {theirs.kind}", theirs.text
    if theirs.kind == "refused":
        for text, why in ALLOWED.items():
            if text in theirs.text:
                return f"only the reference refuses: {why}", theirs.text
        return "DEFECT: only the reference refuses", theirs.text
    if theirs.kind != "ran":
        return f"DEFECT: {theirs.kind}", theirs.text
    for a, b in zip(mine.arrays, theirs.arrays, strict=True):
        if not np.array_equal(a.ravel(), b.ravel()):
            return "DEFECT: outputs differ", f"{a.ravel()[:16]} {b.ravel()[:16]}"
    return "equal", ""


def float_edges(rng: np.random.Generator) -> bytes:
    """Return a file with a QUANTIZE, a layer and a DEQUANTIZE."""
    graph = Graph(rng)
    size = graph.integer(1, 20)
    x = graph.activation(1, size)
    graph.operator("QUANTIZE", [graph.tensor(shape=[1, size], type="FLOAT32")], x)
    y = graph.softmax(x) if rng.random() < 0.3 else graph.fully_connected(x)
    end = graph.tensor(shape=graph.tensors[y].shape, type="FLOAT32")
    return graph.write(graph.operator("DEQUANTIZE", [y], end))


def case(seed: int, how: str) -> bytes | None:
    """Return a damaged file."""
    rng = np.random.default_rng([seed, 77])
    kinds = (*KINDS, *MORE_LAYERS, *CURVES, *PAIRS)
    pick = int(rng.integers(0, len(kinds) + 9))
    if how == "bytes" and rng.random() < 0.05:
        data = path(NETWORKS[int(rng.integers(0, 4))]).read_bytes()
    elif pick < len(kinds):
        data = random_layer(rng, kinds[pick])
    elif pick < len(kinds) + 6:
        data = random_network(rng) if pick < len(kinds) + 4 else float_edges(rng)
    else:
        data = random_stream(rng)
    return edited(rng, data) if how == "fields" else damaged(rng, data)


def main() -> int:
    """Run many files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--how", choices=["fields", "bytes"], default="fields")
    parser.add_argument("--keep", type=Path, help="folder for the files on which the two part")
    options = parser.parse_args()
    counts: Counter[str] = Counter()
    for seed in range(options.seed, options.seed + options.count):
        data = case(seed, options.how)
        if data is None:
            continue
        word, text = judge(data, seed)
        counts[word] += 1
        if word.startswith("DEFECT"):
            print(f"seed {seed}: {word}: {text.strip()}", flush=True)
            if options.keep:
                (options.keep / f"{options.how}_{seed}.tflite").write_bytes(data)
    for word, number in counts.most_common():
        print(f"{number:7} {word}")
    return int(any(word.startswith("DEFECT") for word in counts))


if __name__ == "__main__":
    sys.exit(main())
