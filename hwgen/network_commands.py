"""The commands that take a network: run, cycles, golden, compile."""

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .boards import BOARDS
from .compiler.compile import compile_network
from .design import Design
from .errors import UserError
from .golden import network as golden
from .layer_report import facts_of, predicted_table, run_table
from .network.graph import Network
from .network.reader import read_network
from .options import chosen_design
from .runtime.inference import Inference, load, run, simulated_board
from .runtime.inference import portable as portable_design
from .runtime.predictions import predictions

__all__ = ["compile_to_file", "cycles", "golden_model", "run_network"]

Bytes = NDArray[np.int8]


def read_input(source: str, network: Network) -> Bytes:
    """Return the images of ``file.npy`` or ``file.npz:key``, a leading axis for their number."""
    if len(network.inputs) != 1:
        raise UserError(f"--input gives one tensor, and the network {network.name!r} has the "
                        f"inputs {', '.join(network.inputs)}")
    name, _, key = source.partition(".npz:")
    path = Path(f"{name}.npz" if key else source)
    try:
        with path.open("rb") as file:
            values = np.load(file, allow_pickle=False)
            if key:
                if key not in values:
                    raise UserError(f"{path} has no array {key!r}; it has "
                                    f"{', '.join(values.files)}")
                values = values[key]
            elif not isinstance(values, np.ndarray):
                raise UserError(f"{path} holds several arrays, {', '.join(values.files)}: name "
                                f"one, as in --input {path}:{values.files[0]}")
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, EOFError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path} is not a .npy or .npz file of plain numbers: {error}") from error
    shape = network.tensors[network.inputs[0]].shape
    if values.dtype != np.int8:
        raise UserError(f"the input must be int8, as the network's, not {values.dtype}")
    if values.shape == shape[1:]:
        return values.reshape(shape)
    if values.ndim == len(shape) + 1 and values.shape[1:] == shape:  # each with its own batch of 1
        return values.reshape(-1, *shape[1:])
    if values.ndim != len(shape) or values.shape[1:] != shape[1:] or not len(values):
        raise UserError(f"the input must be of shape {shape[1:]}, or with a leading axis for "
                        f"several, not {values.shape}")
    return values


def read_labels(source: str) -> list[str]:
    """Return the names of the classes, the array ``labels`` of a .npz file."""
    try:
        with np.load(source, allow_pickle=False) as file:
            return [str(label) for label in file["labels"]]
    except OSError as error:
        raise UserError(f"{source} cannot be read: {error.strerror or error}") from error
    except (ValueError, EOFError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{source} is not a .npz file with an array `labels`: {error}") from error


def clock_mhz(design: Design) -> float:
    """Return the clock of the board that the Design is for; 25 MHz where that is unknown."""
    return next((board.clock_mhz for board in BOARDS.values() if board.device == design.device),
                25.0)


def say(text: str) -> None:
    """Show progress, where somebody looks."""
    if sys.stderr.isatty():
        print(f"\033[K{text} ...", end="\r", file=sys.stderr, flush=True)


def run_network(options: argparse.Namespace) -> tuple[int, dict[str, Any], str]:
    """Run inferences on the simulated board; return exit code, facts, and text."""
    network = read_network(options.model)
    design = accelerator_design(options)
    images = read_input(options.input, network)
    simulated = portable_design(design)
    program = compile_network(network, simulated)
    say("building the simulator")
    board = simulated_board(simulated)
    check = options.check or options.json
    results: list[Inference] = []
    with board.link:
        say("loading the Program")
        load(board, program)
        for image in images:
            results.append(run(board, program, network, {network.inputs[0]: image[None]},
                               check=check, say=say))
    say("")
    first, megahertz = results[0], clock_mhz(design)
    equal = all(result.equal for result in results)
    facts = {
        "network": network.name, "design": design.name, "board": "sim",
        "cycles": first.cycles, "predicted_cycles": first.predicted_cycles, "equal": equal,
        "clock_mhz": megahertz, "milliseconds": first.cycles / megahertz / 1000,
        "outputs": {name: [result.outputs[name][0].tolist() for result in results]
                    for name in first.outputs},
        "layers": [{"name": layer.name, "operator": layer.operator, "cycles": layer.cycles,
                    "predicted_cycles": layer.predicted_cycles, **facts_of(layer.work),
                    "difference": layer.difference} for layer in first.layers],
        **facts_of(first.work),
    }
    lines = [run_table(first.layers, first.work, first.predicted_cycles, check), ""]
    labels = read_labels(options.labels) if options.labels else []
    for index, result in enumerate(results):
        for name, values in result.outputs.items():
            flat = values.reshape(-1)
            best = int(flat.argmax())
            shown = " ".join(map(str, flat[:16])) + (" ..." if flat.size > 16 else "")
            label = f" ({labels[best]})" if best < len(labels) else ""
            lines.append(f"input {index}: {name}: greatest at {best}{label}; {shown}")
    lines.append(f"{first.cycles:,} cycles, {first.predicted_cycles:,} predicted: "
                 f"{first.cycles / megahertz / 1000:.2f} ms at {megahertz:g} MHz (simulated)")
    if check:
        lines.append("every layer equals the golden model" if equal else
                     "the hardware differs from the golden model")
    counted = all(result.cycles == result.predicted_cycles for result in results)
    return 0 if equal and counted else 1, facts, "\n".join(lines)


def cycles(options: argparse.Namespace) -> tuple[int, dict[str, Any], str]:
    """Tell what an inference takes, without simulating."""
    network = read_network(options.model)
    design = accelerator_design(options)
    program = compile_network(network, design)
    parts = list(zip(program.layers, predictions(network, program), strict=True))
    works = [work for _, work in parts]
    whole = sum(works[1:], works[0])
    total, megahertz = whole.cycles, clock_mhz(design)
    facts = {"network": network.name, "design": design.name, "predicted_cycles": total,
             "clock_mhz": megahertz, "milliseconds": total / megahertz / 1000,
             "layers": [{"name": part.name, "operator": part.operator,
                         "predicted_cycles": work.cycles, **facts_of(work)}
                        for part, work in parts], **facts_of(whole)}
    text = predicted_table({part.name: work for part, work in parts}, whole)
    time = f"{total / megahertz / 1000:.2f} ms at {megahertz:g} MHz"
    return 0, facts, f"{text}\n\n{total:,} cycles predicted: {time}"


def golden_model(options: argparse.Namespace) -> tuple[int, dict[str, Any], str]:
    """Run inferences in NumPy alone."""
    network = read_network(options.model)
    outputs = golden.run(network, read_input(options.input, network))
    lines = [f"input {index}: {name}: greatest at {int(row.reshape(-1).argmax())}; "
             + " ".join(map(str, row.reshape(-1)[:16]))
             for name, rows in outputs.items() for index, row in enumerate(rows)]
    return 0, {"network": network.name, "outputs": {
        name: values.tolist() for name, values in outputs.items()}}, "\n".join(lines)


def compile_to_file(options: argparse.Namespace) -> tuple[int, dict[str, Any], str]:
    """Write the Program of a network."""
    network = read_network(options.model)
    program = compile_network(network, accelerator_design(options))
    path = Path(options.output or f"{network.name}.program")
    program.save(path)
    facts = {"network": network.name, "design": program.design.name, "file": str(path),
             "steps": len(program.steps), "bytes": len(program.image)}
    return 0, facts, (f"{path}: {len(program.steps)} steps, {len(program.image):,} bytes of "
                      "program memory")


def accelerator_design(options: argparse.Namespace) -> Design:
    """Return the Design that the options choose; it must have an accelerator."""
    if options.design is None:
        options.design = "ulx3s-85f"
    design = chosen_design(options)
    if not design.activation_memory:
        raise UserError("activation_memory must not be 0: a network needs an accelerator, and "
                        f"the Design {design.name} is an array alone; --design ulx3s-85f has one")
    return design
