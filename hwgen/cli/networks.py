"""The commands that take a network: run, cycles, build, tune and the like."""

import argparse
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arch.boards import BOARDS
from ..arch.design import Design
from ..build.clock import KNOWN, BoardClock, board_named, clock_of
from ..build.record import Record
from ..compiler.compile import compile_network
from ..errors import UserError
from ..files.whole import replacing
from ..golden.network import network as golden
from ..network.graph import Network
from ..network.reader import read_network
from ..predict.efficiency import Work
from ..predict.layers import predictions
from ..runtime.baud import settle
from ..runtime.inference import Inference, board_at, holds, load, portable, run, simulated_board
from ..runtime.serial_port import SerialLink
from ..text import printable, say
from .arrays import (
    image_outputs,
    named_arrays,
    output_lines,
    read_answers,
    read_inputs,
    read_labels,
    right_answers,
)
from .layer_table import choice_facts, choice_lines, facts_of, predicted_table, run_table
from .network_design import NetworkDesign, network_design
from .options import BAUD, chosen_design, design_given

__all__ = ["build", "compile_to_file", "cycles", "golden_model", "program", "prune",
           "quantize", "report", "run_network", "tune"]



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
    chosen = network_design(options, network, built)
    design = chosen.design
    clock = clock_for(options, design, built)
    inputs = read_inputs(options.input, network)
    labels = read_labels(options.labels) if options.labels else []
    program = compile_network(network, portable(design) if simulated else design, one(inputs))
    if simulated:
        say("building the simulator")
        board = simulated_board(program.design)
    else:
        link = SerialLink(options.port, baud=options.baud,
                          clock_mhz=patience_mhz(clock, options.board))
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
        **named(network, chosen), "board": options.board, "cycles": first.cycles,
        "predicted_cycles": first.predicted_cycles, "equal": equal, **clock.facts(first.cycles),
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
                 + clock.time(first.cycles) + "; the cycles are simulated" * simulated)
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
    if options.design is not None or options.board not in (None, "sim"):
        raise UserError("--build says which board and Design there are; leave --design and --board "
                        "out")
    record = Record.read(Path(options.build))
    if getattr(options, "baud", BAUD) not in (BAUD, record.baud):
        raise UserError(f"--baud must be left out with --build, which was built for {record.baud}")
    options.board, options.baud, options.design = record.board, record.baud, record.board
    return record


def clock_for(options: argparse.Namespace, design: Design,
              built: Record | None = None) -> BoardClock:
    """Return the clock at which a Design's times are told."""
    if built is not None:
        if options.clock is not None:
            raise UserError(f"--clock must be left out with --build, which was built for "
                            f"{built.clock_mhz:g} MHz")
        return clock_of(design, built.board, record=built)
    name = None if options.board == "sim" else options.board
    return clock_of(design, board_named(name, options.design, design), options.clock)


def patience_mhz(clock: BoardClock, name: str) -> float:
    """Return the clock by which a host waits for a board: where none is known, that of the crystal.

    It is the slower one, and who waits longer loses nothing.
    """
    return clock.mhz if clock.mhz and clock.source in KNOWN else BOARDS[name].clock_mhz


def cycles(options: argparse.Namespace) -> tuple[int, dict[str, Any], str]:
    """Tell what an inference takes, without simulating."""
    network = read_network(options.model)
    built = built_for(options)
    chosen = network_design(options, network, built)
    design, clock = chosen.design, clock_for(options, chosen.design, built)
    example = one(read_inputs(options.input, network)) if options.input else None
    program = compile_network(network, design, example)
    parts = list(zip(program.layers, predictions(network, program, example), strict=True))
    whole = sum((work for _, work in parts), Work())
    total = whole.cycles
    facts = {**named(network, chosen), "predicted_cycles": total, **clock.facts(total),
             "layers": [{"name": part.name, "operator": part.operator,
                         "predicted_cycles": work.cycles, **facts_of(work)}
                        for part, work in parts], **facts_of(whole), **choice_facts(program)}
    text = "\n".join([predicted_table({part.name: work for part, work in parts}, whole), "",
                      *choice_lines(program)]).rstrip()
    return 0, facts, f"{text}\n\n{total:,} cycles predicted: {clock.time(total)}"


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
    chosen = network_design(options, network)
    program = compile_network(network, chosen.design, example)
    path = Path(options.output or f"{Path(options.model).stem}.program")
    with replacing(path) as scratch:
        if path.suffix == ".h":
            from ..integration.c_program import c_name, c_program

            scratch.write_text(c_program(program, c_name(path.stem)), encoding="utf-8")
        else:
            program.save(scratch)
    facts = {**named(network, chosen), "file": str(path),
             "steps": len(program.steps), "bytes": len(program.image)}
    text = (f"{printable(path)}: {len(program.steps)} steps, {len(program.image):,} bytes of "
            f"program memory, for rounding {program.design.rounding!r}; it runs on the hardware "
            f"of `{chosen.command}`")
    return 0, facts | choice_facts(program), "\n".join([*choice_lines(program), text])


def one(inputs: Mapping[str, NDArray[np.int8]], index: int = 0) -> dict[str, NDArray[np.int8]]:
    """Return one of several inputs."""
    return {name: values[index:index + 1] for name, values in inputs.items()}


def quantize(options: argparse.Namespace) -> tuple[int, dict[str, Any], str]:
    """Make an int8 network of a float one, and tell what that costs."""
    from ..compress.quantize import errors, input_names, quantised_model, report
    from ..network.onnx.reading import read

    if Path(options.model).suffix.lower() != ".onnx":
        raise UserError(f"{options.model!r} must end in .onnx: only float ONNX files are quantised")
    data = named_arrays(options.data, input_names(options.model), "--data")
    given = design_given(options)
    if options.mixed:
        from .mixed import quantize_mixed

        return quantize_mixed(
            options, data, lambda int8: network_design(options, int8).design if given else None,
            say)
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
    from .prune import prune_network

    network = read_network(options.model)
    return prune_network(options, network, network_design(options, network).design, say)


def build(options: argparse.Namespace) -> tuple[int, dict[str, Any], str]:
    """Make a bitstream for a board, and tell what it takes."""
    from .build import board_for, build_bitstream

    if options.design is None:
        options.design = board_for(options).name
    network = read_network(options.model) if options.model else None
    design = network_design(options, network).design if network else chosen_design(options)
    return build_bitstream(options, design, network, say)


def program(options: argparse.Namespace) -> tuple[int, dict[str, Any], str]:
    """Load a board with a bitstream."""
    from .build import program_board

    return program_board(options)


def tune(options: argparse.Namespace) -> tuple[int, dict[str, Any], str]:
    """Find the Design for networks and a board."""
    from .tune import tune as tune_networks

    return tune_networks(options, say)


def report(options: argparse.Namespace) -> tuple[int, dict[str, Any], str]:
    """Write a page of networks on a Design."""
    from ..tune.workload import read_workload
    from .report import report as write_report

    first, *_ = read_workload(options.model[0]).networks
    design = network_design(options, first).design
    return write_report(options, design, clock_for(options, design))


def named(network: Network, chosen: NetworkDesign) -> dict[str, Any]:
    """Return what facts begin with."""
    return {"network": network.name, **chosen.facts}


def output_facts(network: Network, outputs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the outputs of all images as plain data, and what a step of each stands for."""
    return {"outputs": {name: [each[name].tolist() for each in outputs] for name in outputs[0]},
            "output_grids": {name: {"scale": scale, "zero_point": zero_point}
                             for name, (scale, zero_point) in network.output_grids.items()}}
