"""What users give: a network, and files of arrays for it to work on; and what they get back."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError
from ..network.graph import Network
from ..text import printable
from ..tools.arrays import load_arrays

__all__ = ["add_example", "add_inputs", "add_model", "add_stream", "first_input", "frames_of",
           "image_outputs", "named_arrays", "output_facts", "output_lines", "read_answers",
           "read_inputs", "read_labels", "right_answers"]

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


def read_inputs(source: str, network: Network,
                option: str = "--input") -> dict[str, NDArray[np.int8]]:
    """Return images for ``golden.run``, of the file that an option names."""
    shapes = network.input_shapes
    arrays = named_arrays(source, list(shapes), option)
    given = network.feed({name: with_batch_axis(arrays[name], shape)
                          for name, shape in shapes.items()})
    counts = {name: len(array) for name, array in given.items()}
    if len(set(counts.values())) != 1:
        raise UserError("every input must have as many images, not " + ", ".join(
            f"{count} for {name}" for name, count in counts.items()))
    return given


def with_batch_axis(values: Array, shape: tuple[int, ...]) -> Array:
    """Return one image without the batch's axis, or several with one each, along one axis."""
    if shape[:1] != (1,):
        return values
    if values.shape == shape[1:]:
        return values[None]
    if values.ndim == len(shape) + 1 and values.shape[1:] == shape:
        return values.reshape(-1, *shape[1:])
    return values


def read_labels(source: str) -> list[str]:
    """Return the names of the classes, the array ``labels`` of a .npz file."""
    return [str(label) for label in load_arrays(source, "labels")["labels"].flat]


def read_answers(source: str, count: int) -> NDArray[np.int64]:
    """Return the right answers to so many inputs, the array ``label`` of a .npz file."""
    found = load_arrays(source, "label")["label"]
    if found.shape != (count,) or found.dtype.kind not in "iu":
        raise UserError(f"the array 'label' of {source} must be {count} integers, one for each "
                        f"input, not {found.dtype} of shape {found.shape}")
    return found.astype(np.int64)


def right_answers(outputs: Sequence[Mapping[str, Array]], answers: NDArray[np.int64]) -> int:
    """Return how many images have the greatest value of their only output at the answer."""
    if len(outputs[0]) != 1:
        raise UserError(f"top-1 is of networks with one output, not {len(outputs[0])}")
    found = [int(next(iter(each.values())).argmax()) for each in outputs]
    return int(np.sum(found == answers))


def image_outputs(network: Network, results: Mapping[str, NDArray[np.int8]]) -> dict[str, Array]:
    """Return the outputs of one image as the network's file has them, without the batch's axis."""
    return {name: values[0] if values.ndim > 1 and len(values) == 1 else values
            for name, values in network.fetch(results).items()}


def output_lines(images: Sequence[Mapping[str, Array]],
                 labels: Sequence[str] = ()) -> Iterator[str]:
    """Yield a line for every output of every image."""
    for index, outputs in enumerate(images):
        for name, values in outputs.items():
            flat = values.reshape(-1)
            best = int(flat.argmax())
            label = f" ({printable(labels[best])})" if best < len(labels) else ""
            shown = " ".join(map(str, flat[:SHOWN])) + (" ..." if flat.size > SHOWN else "")
            yield f"input {index}: {printable(name)}: greatest at {best}{label}; {shown}"


def first_input(source: str | None, network: Network) -> dict[str, NDArray[np.int8]] | None:
    """Return the first of the inputs in a file, where there is one."""
    return {name: values[:1] for name, values in read_inputs(source, network).items()} \
        if source else None


def output_facts(network: Network, outputs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the outputs of all images as plain data, and what a step of each stands for."""
    return {"outputs": {name: [each[name].tolist() for each in outputs] for name in outputs[0]},
            "output_grids": {name: {"scale": scale, "zero_point": zero_point}
                             for name, (scale, zero_point) in network.output_grids.items()}}
