"""The commands that take a network: run, cycles, build, tune and the like."""

import argparse
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .boards import BOARDS, presets
from .build.record import Record
from .compiler.compile import compile_network
from .compiler.levels import any_rounding, rounding_of
from .cost.efficiency import Work
from .design import Design
from .errors import UserError
from .files import replacing
from .golden import network as golden
from .layer_report import choice_facts, choice_lines, facts_of, predicted_table, run_table
from .network.graph import Network
from .network.reader import read_network
from .network_data import (
    image_outputs,
    named_arrays,
    output_lines,
    read_answers,
    read_inputs,
    read_labels,
    right_answers,
)
from .options import chosen_design, design_given
from .runtime.baud import settle
from .runtime.inference import Inference, board_at, holds, load, portable, run, simulated_board
from .runtime.predictions import predictions
from .runtime.serial_port import SerialLink
from .terminal import printable, say

__all__ = ["build", "compile_to_file", "cycles", "golden_model", "program", "prune",
           "quantize", "report", "run_network", "tune"]

DESIGN = "ulx3s-85f"
"""The preset that is taken where nothing is said."""


def clock_mhz(design: Design) -> float:
    """Return the clock of the board that the Design is for; 25 MHz where that is unknown."""
    return next((board.clock_mhz for board in BOARDS.values() if board.device == design.device),
                25.0)


def run_network(options: argparse.Namespace) -> tuple[int, dict[str, Any], str]:
    """Run inferences on a board; return exit code, facts, and text."""
    network = read_network(options.model)
    built = built_for(options)
    simulated = options.board == "sim"
    if simulated != (options.port is None):
        raise UserError("--board sim has no --port; leave one of the two out" if simulated else
                        f"--board {options.board} needs its serial port: --port /dev/ttyUSB0, or "
                        "what your system calls it")
    if not simulated and options.design is None:
        options.design = options.board
    design = built.design if built else accelerator_design(options, network)
    megahertz = built.clock_mhz if built else clock_mhz(design)
    check_rounding(options, design, network)
    inputs = read_inputs(options.input, network)
    labels = read_labels(options.labels) if options.labels else []
    program = compile_network(network, portable(design) if simulated else design, one(inputs))
    if simulated:
        say("building the simulator")
        board = simulated_board(program.design)
    else:
        link = SerialLink(options.port, baud=options.baud, clock_mhz=megahertz)
        settle(link, lambda text: print(text, file=sys.stderr))
        board = board_at(link, design)
    check = options.check or options.json
    results: list[Inference] = []
    embedded = False
    with board.link:
        if built and (built.network or {}).get("embedded"):
            say("looking for the Program")
            embedded = holds(board, program)
        if not embedded:
            say("loading the Program")
            load(board, program)
        for index in range(len(next(iter(inputs.values())))):
            results.append(run(board, program, network, one(inputs, index), check=check, say=say))
    say("")
    first = results[0]
    equal = all(result.equal for result in results)
    outputs = [image_outputs(network, result.outputs) for result in results]
    facts = {
        **named(network, design), "board": options.board, "cycles": first.cycles,
        "predicted_cycles": first.predicted_cycles, "equal": equal, "clock_mhz": megahertz,
        "milliseconds": first.cycles / megahertz / 1000,
        **output_facts(network, outputs),
        "layers": [{"name": layer.name, "operator": layer.operator, "cycles": layer.cycles,
                    "predicted_cycles": layer.predicted_cycles, **facts_of(layer.work),
                    "difference": layer.difference} for layer in first.layers],
        **facts_of(first.work), **choice_facts(program), "embedded": embedded,
    }
    lines = [run_table(first.layers, first.work, first.predicted_cycles, check), "",
             *choice_lines(program),
             *output_lines(outputs, labels)]
    lines.append(f"{first.cycles:,} cycles, {first.predicted_cycles:,} predicted: "
                 f"{first.cycles / megahertz / 1000:.2f} ms at {megahertz:g} MHz"
                 + " (simulated)" * simulated)
    if embedded:
        lines.append("the board had the Program before the host came")
    if check:
        lines.append("every layer equals the golden model" if equal else
                     "the hardware differs from the golden model")
    counted = all(result.cycles == result.predicted_cycles for result in results)
    return 0 if equal and counted else 1, facts, "\n".join(lines)


def built_for(options: argparse.Namespace) -> Record | None:
    """Return the record of --build, which then says what board, baud and Design there are."""
    if options.build is None:
        return None
    if options.design is not None or options.board != "sim":
        raise UserError("--build says which board and Design there are; leave --design and --board "
                        "out")
    record = Record.read(Path(options.build))
    options.board, options.baud, options.design = record.board, record.baud, record.board
    return record


def cycles(options: argparse.Namespace) -> tuple[int, dict[str, Any], str]:
    """Tell what an inference takes, without simulating."""
    network = read_network(options.model)
    design = accelerator_design(options, network)
    example = one(read_inputs(options.input, network)) if options.input else None
    program = compile_network(network, design, example)
    parts = list(zip(program.layers, predictions(network, program, example), strict=True))
    whole = sum((work for _, work in parts), Work())
    total, megahertz = whole.cycles, clock_mhz(design)
    facts = {**named(network, design), "predicted_cycles": total, "clock_mhz": megahertz,
             "milliseconds": total / megahertz / 1000,
             "layers": [{"name": part.name, "operator": part.operator,
                         "predicted_cycles": work.cycles, **facts_of(work)}
                        for part, work in parts], **facts_of(whole), **choice_facts(program)}
    text = "\n".join([predicted_table({part.name: work for part, work in parts}, whole), "",
                      *choice_lines(program)]).rstrip()
    time = f"{total / megahertz / 1000:.2f} ms at {megahertz:g} MHz"
    return 0, facts, f"{text}\n\n{total:,} cycles predicted: {time}"


def golden_model(options: argparse.Namespace) -> tuple[int, dict[str, Any], str]:
    """Run inferences in NumPy alone."""
    network = read_network(options.model)
    inputs = read_inputs(options.input, network)
    results = golden.run(network, inputs)
    outputs = [image_outputs(network, {name: values[index:index + 1]
                                       for name, values in results.items()})
               for index in range(len(next(iter(inputs.values()))))]
    facts = {"network": network.name, "rounding": network.rounding,
             **output_facts(network, outputs)}
    lines = list(output_lines(outputs))
    if options.labels:
        right = right_answers(outputs, read_answers(options.labels, len(outputs)))
        facts["top_1"] = right / len(outputs)
        lines.append(f"top-1: {right} of {len(outputs)} are right, {right / len(outputs):.1%}")
    return 0, facts, "\n".join(lines)


def compile_to_file(options: argparse.Namespace) -> tuple[int, dict[str, Any], str]:
    """Write the Program of a network."""
    network = read_network(options.model)
    example = one(read_inputs(options.input, network)) if options.input else None
    program = compile_network(network, accelerator_design(options, network), example)
    path = Path(options.output or f"{Path(options.model).stem}.program")
    with replacing(path) as scratch:
        if path.suffix == ".h":
            from .integration.c_program import c_name, c_program

            scratch.write_text(c_program(program, c_name(path.stem)), encoding="utf-8")
        else:
            program.save(scratch)
    facts = {**named(network, program.design), "file": str(path),
             "steps": len(program.steps), "bytes": len(program.image)}
    text = (f"{printable(path)}: {len(program.steps)} steps, {len(program.image):,} bytes of "
            f"program memory, for rounding {program.design.rounding!r}")
    return 0, facts | choice_facts(program), "\n".join([*choice_lines(program), text])


def one(inputs: Mapping[str, NDArray[np.int8]], index: int = 0) -> dict[str, NDArray[np.int8]]:
    """Return one of several inputs."""
    return {name: values[index:index + 1] for name, values in inputs.items()}


def quantize(options: argparse.Namespace) -> tuple[int, dict[str, Any], str]:
    """Make an int8 network of a float one, and tell what that costs."""
    from .network.onnx import read
    from .network.quantize import errors, input_names, quantised_model, report

    if Path(options.model).suffix.lower() != ".onnx":
        raise UserError(f"{options.model!r} must end in .onnx: only float ONNX files are quantised")
    data = named_arrays(options.data, input_names(options.model), "--data")
    given = design_given(options)
    if options.mixed:
        from .mixed_command import quantize_mixed

        return quantize_mixed(
            options, data, lambda int8: accelerator_design(options, int8) if given else None, say)
    for option, value in (("--labels", options.labels), ("--plot", options.plot)):
        if value:
            raise UserError(f"{option} is for --mixed: leave it out, or give that, too")
    if given:
        raise UserError("a Design is for --mixed, to count its cycles; int8 is the same on all of "
                        "them: leave --design and its fields out")
    model = quantised_model(options.model, data, method=options.method,
                            percentile=options.percentile)
    network = read(model)
    found = errors(options.model, network, data)
    path = Path(options.output or f"{Path(options.model).stem}_int8.onnx")
    if path.exists() and path.samefile(options.model):
        raise UserError(f"--output must be another file than the float network's, {path}")
    with replacing(path) as scratch:
        scratch.write_bytes(model)
    images = len(next(iter(data.values())))
    facts = {"network": network.name, "file": str(path), "images": images,
             "method": options.method,
             "tensors": [{"name": error.tensor, "scale": error.scale,
                          "sqnr_db": error.sqnr if math.isfinite(error.sqnr) else None,
                          "largest_steps": error.largest} for error in found]}
    return 0, facts, f"{report(found)}\n\n{printable(path)}: int8, from {images} inputs"


def prune(options: argparse.Namespace) -> tuple[int, dict[str, Any], str]:
    """Set weights of an int8 network to 0, and tell what that costs and saves."""
    from .prune_command import prune_network

    network = read_network(options.model)
    return prune_network(options, network, accelerator_design(options, network), say)


def build(options: argparse.Namespace) -> tuple[int, dict[str, Any], str]:
    """Make a bitstream for a board, and tell what it takes."""
    from .build_command import board_for, build_bitstream

    if options.design is None:
        options.design = board_for(options).name
    network = read_network(options.model) if options.model else None
    design = accelerator_design(options, network) if network else chosen_design(options)
    return build_bitstream(options, design, network, say)


def program(options: argparse.Namespace) -> tuple[int, dict[str, Any], str]:
    """Load a board with a bitstream."""
    from .build_command import program_board

    return program_board(options)


def tune(options: argparse.Namespace) -> tuple[int, dict[str, Any], str]:
    """Find the Design for networks and a board."""
    from .tune_command import tune as tune_networks

    return tune_networks(options, say)


def report(options: argparse.Namespace) -> tuple[int, dict[str, Any], str]:
    """Write a page of networks on a Design."""
    from .report_command import report as write_report
    from .tune.workload import read_workload

    first, *_ = read_workload(options.model[0]).networks
    return write_report(options, accelerator_design(options, first))


def named(network: Network, design: Design) -> dict[str, Any]:
    """Return what facts begin with."""
    return {"network": network.name, "design": design.name, "rounding": design.rounding}


def output_facts(network: Network, outputs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the outputs of all images as plain data, and what a step of each stands for."""
    return {"outputs": {name: [each[name].tolist() for each in outputs] for name in outputs[0]},
            "output_grids": {name: {"scale": scale, "zero_point": zero_point}
                             for name, (scale, zero_point) in network.output_grids.items()}}


def accelerator_design(options: argparse.Namespace, network: Network) -> Design:
    """Return the Design that the options choose; it must have an accelerator.

    A preset takes the network's rounding: it is a Design to begin with, which nobody has built yet.
    """
    preset = options.design is None or options.design in presets()
    if options.design is None:
        options.design = DESIGN
    if preset and options.rounding is None:
        options.rounding = rounding_of(network)
    design = chosen_design(options)
    if not design.activation_memory:
        raise UserError("activation_memory must not be 0: a network needs an accelerator, and "
                        f"the Design {design.name} is an array alone; --design {DESIGN} has one")
    check_rounding(options, design, network)
    return design


def check_rounding(options: argparse.Namespace, design: Design, network: Network) -> None:
    """Refuse a Design that rounds otherwise than the network."""
    if design.rounding != network.rounding and not any_rounding(network):
        raise UserError(f"rounding must be {network.rounding!r}, as {options.model} wants sums to "
                        f"be rounded, not {design.rounding!r}; write it into the Design, or give "
                        f"--rounding {network.rounding}")
