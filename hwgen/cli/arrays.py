"""What users give: a network, and files of arrays for it to work on; and what they get back."""

import argparse
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compress.accuracy import answers_of
from ..errors import UserError
from ..network.graph import Network
from ..network.images import first_image, input_images
from ..text import printable
from ..tools.arrays import load_arrays

__all__ = ["add_example", "add_inputs", "add_model", "add_stream", "answers_in", "first_input",
           "frames_of", "named_arrays", "output_facts", "output_lines", "read_answers",
           "read_arrays", "read_inputs", "read_labels", "top_1"]

Array = NDArray[Any]

SHOWN = 16
"""Values of an output that are printed; --json has all."""


def add_model(command: argparse.ArgumentParser) -> None:
    """Add the network."""
    command.add_argument("model", metavar="MODEL", help="the network: a .tflite or .onnx file")


def add_inputs(command: argparse.ArgumentParser) -> None:
    """Add the inputs that are computed."""
    command.add_argument("--input", metavar="FILE", required=True,
                         help="one input or several along the first axis, as the network's file "
                         "has them: x.npy, file.npz:key, or a .npz with an array for each of its "
                         "inputs. .tflite: int8; .onnx: also floating point")


def add_stream(command: argparse.ArgumentParser) -> None:
    """Add what to do with the state of a network, from one input to the next."""
    command.add_argument("--stream", action="store_true",
                         help="the inputs are frames, one after another: the state of the network "
                         "goes from each to the next; without, each meets the initial state")
    command.add_argument("--reset-every", metavar="N", type=int,
                         help="with --stream: back to the initial state after every N frames")


def frames_of(options: argparse.Namespace, network: Network) -> int:
    """Return after how many inputs the state is the initial one again; 0 for never."""
    if not options.stream:
        if options.reset_every is not None:
            raise UserError("--reset-every is for frames: it needs --stream")
        return 1
    if not network.states:
        raise UserError("--stream is for networks with state, and this one has none")
    if options.reset_every is not None and options.reset_every < 1:
        raise UserError(f"--reset-every must be at least 1, not {options.reset_every}")
    return options.reset_every or 0


def add_example(command: argparse.ArgumentParser) -> None:
    """Add the input that a prediction goes by."""
    command.add_argument("--input", metavar="FILE",
                         help="an input to go by, the first one of a .npy or .npz file: what a "
                         "sparse engine takes depends on it")


def named_arrays(source: str, names: Sequence[str], option: str) -> dict[str, Array]:
    """Return arrays for a network's inputs, of ``file.npy``, ``file.npz:key`` or ``file.npz``.

    A .npz file without a key has arrays of the inputs' names, or one called ``input``.
    """
    name, found, key = source.partition(".npz:")
    path = f"{name}.npz" if found else source
    arrays = load_arrays(path, key if found else None)
    if len(names) == 1:
        for chosen in ("", key, names[0], "input"):
            if chosen in arrays:
                return {names[0]: arrays[chosen]}
        if not arrays:
            raise UserError(f"{path} has no arrays")
        raise UserError(f"{path} has the arrays {', '.join(arrays)}: name the one to take, as in "
                        f"{option} {path}:{next(iter(arrays))}")
    missing = [name for name in names if name not in arrays]
    if missing:
        raise UserError(f"the network has the inputs {', '.join(names)}: {option} must be a .npz "
                        f"file with an array of each name; {path} has none for {missing[0]}")
    return {name: arrays[name] for name in names}


def read_arrays(source: str, network: Network, option: str = "--input") -> dict[str, Array]:
    """Return the arrays for a network's inputs, of the file that an option names."""
    return named_arrays(source, list(network.input_shapes), option)


def read_inputs(source: str, network: Network,
                option: str = "--input") -> dict[str, NDArray[np.int8]]:
    """Return images for ``golden.run``, of the file that an option names."""
    return input_images(network, read_arrays(source, network, option))


def read_labels(source: str) -> list[str]:
    """Return the names of the classes, the array ``labels`` of a .npz file."""
    return [str(label) for label in load_arrays(source, "labels")["labels"].flat]


def read_answers(source: str, images: Mapping[str, Array] | None = None) -> Array:
    """Return the right answers, the array ``label`` of a .npz file: one to each of the images."""
    values = load_arrays(source, "label")["label"]
    count = len(next(iter(images.values()))) if images else values.size
    return answers_of(values, count, f"--labels {source}:label")


def answers_in(source: str, inputs: Mapping[str, Array]) -> Array | None:
    """Return the right answers to inputs, if the file has them: as many integers ``label``."""
    with contextlib.suppress(UserError):
        return read_answers(source, inputs)
    return None


def top_1(outputs: Mapping[str, Array], answers: Array) -> tuple[float, str]:
    """Return the share of images whose only output is greatest at the answer, and a line."""
    count = len(next(iter(outputs.values())))
    right = answers_of(answers, count)
    if len(outputs) != 1:
        raise UserError(f"top-1 is of networks with one output, not {len(outputs)}")
    values, = outputs.values()
    hits = int(np.sum(values.reshape(count, -1).argmax(axis=1) == right))
    return hits / count, f"top-1: {hits} of {count} are right, {hits / count:.1%}"


def output_lines(outputs: Mapping[str, Array], labels: Sequence[str] = ()) -> Iterator[str]:
    """Yield a line for every output of every image."""
    for index in range(len(next(iter(outputs.values())))):
        for name, images in outputs.items():
            flat = images[index].reshape(-1)
            best = int(flat.argmax())
            label = f" ({printable(labels[best])})" if best < len(labels) else ""
            shown = " ".join(map(str, flat[:SHOWN])) + (" ..." if flat.size > SHOWN else "")
            yield f"input {index}: {printable(name)}: greatest at {best}{label}; {shown}"


def first_input(source: str | None, network: Network) -> dict[str, NDArray[np.int8]] | None:
    """Return the first of the inputs in a file, where there is one."""
    return first_image(read_inputs(source, network)) if source else None


def output_facts(network: Network, outputs: Mapping[str, Array]) -> dict[str, Any]:
    """Return the outputs of all images as plain data, and what a step of each stands for."""
    return {"outputs": {name: images.tolist() for name, images in outputs.items()},
            "output_grids": {name: {"scale": scale, "zero_point": zero_point}
                             for name, (scale, zero_point) in network.output_grids.items()}}
