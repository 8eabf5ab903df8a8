"""`hwgen run`: run a network on a board, layer by layer.

Read a quantised network, compile it for a Design, generate the accelerator, and run it on a board:
load the Program over the link, then each input, and read back the result and the cycles of every
layer.
The simulated board is the Design's portable Verilog, compiled by Verilator; a simulator is kept and
used again. Without --design the Design is that of ulx3s-85f, or that of the board that is asked
for. A preset takes the network's rounding: that of .tflite files is tflm, that of .onnx files
single.
A board of its own is reached by its serial port; no board has run it yet, only simulations down to
the pins.

Examples:
  hwgen run networks/kws_dscnn.tflite --input networks/kws_dscnn.npz:input --check
  hwgen run net.onnx --input images.npz:x --check
  hwgen run networks/wake_word.tflite --input networks/wake_word.npz:input --stream --check
  hwgen run net.tflite --design my.toml --input x.npy --json
  hwgen run net.tflite --input x.npy --waves run.vcd --waves-from conv_2 --waves-to conv_2
                                                with the signals of one layer
  hwgen run net.tflite --board icebreaker --port /dev/ttyUSB1 --input x.npy
"""

import argparse
import sys
from typing import Any

from ..arch.boards import BOARDS
from ..build.clock import KNOWN, BoardClock
from ..compiler.compile import compile_network
from ..errors import UserError
from ..network.images import first_image
from ..network.reader import read
from ..predict.layer_rows import notes
from ..runtime.inference import LayerRun, portable
from ..runtime.run import SerialPort, run_program
from ..runtime.simulate import outputs_of, work_table
from ..text import say
from . import arrays
from .arrays import frames_of
from .built import clock_for, record_of_build
from .design import add_design
from .layer_table import choice_facts, facts_of
from .network_design import network_design
from .output import show
from .parsing import add_baud, add_clock
from .waves import add_waves, chosen_waves, waves_facts, waves_line

__all__ = ["add_options", "run"]


def add_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    arrays.add_model(command)
    arrays.add_inputs(command)
    add_design(command)
    command.add_argument("--board", metavar="NAME", choices=("sim", *BOARDS), default="sim",
                         help="where: sim, a simulation of the generated Verilog (default), or the "
                         "board at --port, which has been loaded with the Design")
    command.add_argument("--build", metavar="DIR",
                         help="what `hwgen build` wrote for the board at --port: its Design, clock "
                         "and baud are taken from there")
    command.add_argument("--port", metavar="PORT",
                         help="serial port of the board: /dev/ttyUSB0, COM3")
    command.add_argument("--labels", metavar="FILE",
                         help="a .npz with `labels`, names of the classes, to show with the "
                         "results; if it has `label`, the right answers to these inputs, top-1 is "
                         "told, too")
    command.add_argument("--check", action="store_true",
                         help="compare every layer with the golden model; --json does so, too")
    arrays.add_stream(command)
    add_waves(command)
    add_baud(command)
    add_clock(command)


def run(options: argparse.Namespace) -> int:
    """Run inferences on a board, and print what came of them."""
    network = read(options.model)
    frames = frames_of(options, network)
    built = record_of_build(options)
    simulated = options.board == "sim"
    if simulated != (options.port is None):
        raise UserError("--board sim has no --port; leave one of the two out" if simulated else
                        f"--board {options.board} needs its serial port: --port /dev/ttyUSB0, or "
                        "what your system calls it")
    waves = chosen_waves(options)
    if not simulated and options.design is None:
        options.design = options.board
    chosen = network_design(options, network, built)
    design = chosen.design
    clock = clock_for(options, design, built)
    inputs = arrays.read_inputs(options.input, network)
    labels = arrays.read_labels(options.labels) if options.labels else []
    answers = arrays.answers_in(options.labels, inputs) \
        if options.labels and len(network.outputs) == 1 else None
    check = options.check or options.json
    port = None if simulated else SerialPort(options.port, options.baud,
                                             patience_mhz(clock, options.board))
    program = compile_network(network, portable(design) if simulated else design,
                              first_image(inputs))
    found = run_program(program, network, inputs, port=port, check=check, say=say,
                        embedded=bool(built and (built.network or {}).get("embedded")),
                        frames=frames, warn=lambda text: print(text, file=sys.stderr), waves=waves)
    first, equal = found.inferences[0], found.equal
    outputs = outputs_of(network, [each.outputs for each in found.inferences])
    facts = {
        "network": network.name, **chosen.facts, "board": options.board, "cycles": first.cycles,
        "predicted_cycles": first.predicted_cycles, "equal": equal, **clock.facts(first.cycles),
        **arrays.output_facts(network, outputs),
        "layers": [layer_facts(layer) for layer in first.layers],
        **facts_of(first.work), **choice_facts(program), "embedded": found.embedded,
        **({"stalls": first.stalls, "predicted_stalls": first.predicted_stalls}
           if program.design.external else {}),
    }
    lines = [str(work_table(first, check)), "", *map(str, notes(program)),
             *arrays.output_lines(outputs, labels),
             f"{first.cycles:,} cycles, {first.predicted_cycles:,} predicted: "
             + clock.time(first.cycles) + "; the cycles are simulated" * simulated]
    if program.design.external:
        lines.append(f"{first.stalls:,} of them waited for words of external memory, "
                     f"{first.predicted_stalls:,} predicted")
    if answers is not None:
        top_1, line = arrays.top_1(outputs, answers)
        facts["top_1"] = top_1
        lines.append(line)
    if found.recorder:
        facts["waves"] = waves_facts(found.recorder)
        lines.append(waves_line(found.recorder))
    if found.embedded:
        lines.append("the board had the Program before the host came")
    if check:
        lines.append("every layer equals the golden model" if equal else
                     "the hardware differs from the golden model")
    show(options, facts, "\n".join(lines))
    return 0 if equal and found.as_predicted else 1


def layer_facts(layer: LayerRun) -> dict[str, Any]:
    """Return what --json says of a layer."""
    return {"name": layer.name, "operator": layer.operator, "cycles": layer.cycles,
            "predicted_cycles": layer.predicted_cycles, **facts_of(layer.work),
            "difference": layer.difference, **({"joined": layer.joined} if layer.joined else {})}


def patience_mhz(clock: BoardClock, name: str) -> float:
    """Return the clock by which a host waits for a board: where none is known, that of the crystal.

    It is the slower one, and who waits longer loses nothing.
    """
    return clock.mhz if clock.mhz and clock.source in KNOWN else BOARDS[name].clock_mhz
