"""The options of the command line, and what their help says."""

import argparse
import dataclasses
import re
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from .. import __version__
from ..arch import boards as known_boards
from ..arch.boards import closest
from ..arch.design import SPARSE, SYSTOLIC, Design
from ..arch.fitting import fitting
from ..arch.frames import HIGHEST_BAUD, LOWEST_BAUD
from ..errors import UserError
from ..tools.place_and_route import LARGEST_SEED
from ..tune import SEARCHED

__all__ = ["BAUD", "FIELDS", "chosen_design", "command_with",
           "design_given", "differences", "parser"]

DESCRIPTION = """\
Generate hardware for neural networks, and prove on the spot that it computes what NumPy computes.
"""

EXAMPLES = """\
examples:
  hwgen boards                                  the boards, and the preset Design of each
  hwgen generate --rows 4 --columns 4           Verilog of an array, in rtl_out/
  hwgen generate --design ulx3s-85f -o array    the array that suits a board, in array/
  hwgen sim systolic --rows 4 --columns 4       the bench of the array, on Verilator
  hwgen synth --design icebreaker               its size and clock after place and route
  hwgen build net_int8.onnx --board ulx3s-85f   a bitstream for a board, and its report
  hwgen quantize float.onnx --data x.npy        an int8 network of a float one
  hwgen prune net_int8.onnx --calibration x.npy
                                                the same with half of its weights
  hwgen cycles net_int8.onnx                    what it takes on an accelerator, layer by layer
  hwgen tune net_int8.onnx                      the Design for it, of all that fit a board
  hwgen run net_int8.onnx --input x.npy --check
                                                the same on the simulated hardware
  hwgen doctor                                  which tools work, and how to get the others

`hwgen COMMAND --help` explains a command.
"""

GENERATE = """\
Write a Design's accelerator: its Verilog, the Design that made it (design.toml), a table of its
ports (ports.md) and waivers for Verilator's lint (lint.vlt). The same Design gives the same bytes,
always. Options override the fields of the Design.
"""

GENERATE_EXAMPLES = """\
examples:
  hwgen generate                                an 8x8 array of int8, weight-stationary
  hwgen generate --dataflow os --depth 4096     output-stationary, sums of up to 4096 products
  hwgen generate --rows 9 --columns 16 --lines 3 --family ecp5 --device LFE5U-85F
  hwgen generate --design ulx3s-85f --columns 8
                                                a board's preset, but with 8 columns, and lanes
  hwgen generate --design my.toml -o build/my   a Design of your own
  hwgen generate --design icebreaker --top uart --clock 12
                                                with a serial port of 1 Mbaud
  hwgen generate --design icebreaker --top wishbone
                                                for a system: register map and C driver besides
"""

RUN = """\
Read a quantised network, compile it for a Design, generate the accelerator, and run it on a board:
load the Program over the link, then each input, and read back the result and the cycles of every
layer.
The simulated board is the Design's portable Verilog, compiled by Verilator; a simulator is kept and
used again. Without --design the Design is that of ulx3s-85f, or that of the board that is asked
for. A preset takes the network's rounding: that of .tflite files is tflm, that of .onnx files
single.
A board of its own is reached by its serial port; no board has run it yet, only simulations down to
the pins.
"""

RUN_EXAMPLES = """\
examples:
  hwgen run networks/kws_dscnn.tflite --input networks/kws_dscnn.npz:input --check
  hwgen run net.onnx --input images.npz:x --check
  hwgen run net.tflite --design my.toml --input x.npy --json
  hwgen run net.tflite --board icebreaker --port /dev/ttyUSB1 --input x.npy
"""

CYCLES = """\
Compile a network for a Design and tell the cycles of every layer. They are exact: the hardware
counts the same. Without --design the Design is that of ulx3s-85f.
"""

GOLDEN = """\
Run a network in NumPy, with exactly the integers that the hardware computes.
"""

COMPILE = """\
Compile a network for a Design: steps, weights and where each tensor lies, in one file. A file whose
name ends in .h is a header in C, for the driver that `hwgen generate --top wishbone` or axi writes.
"""

QUANTIZE = """\
Make an int8 network of a float .onnx file, and print how far each of its tensors is from the float
one on the same inputs: SQNR is the power of the signal over that of the error, in decibels. The
inputs decide the range of every tensor, so they must be like those that the network will get; some
dozens do. The result is an .onnx file with QuantizeLinear and DequantizeLinear, which `hwgen run`
takes, as ONNX Runtime does.

With --mixed the weights of each layer and each tensor get 2 to 8 bits of their own, so that an
engine which multiplies bit by bit needs fewest cycles: those of the Design that --design or fields
of it choose, exactly; or else of an engine that is always busy. A table shows how sensitive the
outputs are to each; another, and --plot, what the networks on the way from int8 downwards cost and
give.
"""

QUANTIZE_EXAMPLES = """\
examples:
  hwgen quantize float.onnx --data images.npz   writes float_int8.onnx
  hwgen quantize float.onnx --data x.npy --method percentile -o net.onnx
  hwgen quantize float.onnx --data x.npz --mixed --labels x.npz --loss 2 --plot mixed.svg
  hwgen quantize float.onnx --data x.npz --mixed --labels x.npz --design icebreaker:serial
  hwgen run net.onnx --input x.npy --check
"""

PRUNE = """\
Set weights of an int8 network to 0 and write it again, as a file of the same kind with the same
scales: `hwgen run` takes it, as TensorFlow Lite Micro or ONNX Runtime do. Nothing is trained.

--density is the share of weights that is left, over all layers. How it is shared among them:
sensitive measures on the calibration inputs what the outputs lose when each layer alone is pruned,
and prunes where it costs least; even gives all layers the same.

--method surgeon chooses by what the sums of a layer lose on the calibration inputs, and then fits
the weights that stay, and the bias, to give the sums of before. magnitude drops the least weights.

Calibration inputs are chosen and fitted on, so accuracy on them says little. Others are measured:
those of --input, or else every second one of --calibration, which is then held out. With labels
accuracy is top-1, and of an autoencoder the AUC of its error, with labels 0 (usual) and 1.

Tables show the networks on the way down to the density, and of the one that is written each layer:
its error, its bits as compressed columns (docs/sparse.md), its cycles on the Design's array and
on the sparse engine, and which of the two is faster. The sparse engine is not part of the
accelerator yet: `hwgen run` computes all layers on the array.
"""

PRUNE_EXAMPLES = """\
examples:
  hwgen prune networks/kws_dscnn.tflite --calibration networks/kws_dscnn.npz \\
      --labels networks/kws_dscnn.npz           half of the weights, in kws_dscnn_pruned.tflite
  hwgen prune net.onnx --calibration x.npy --density 0.25 --banks 8 --codebook 16 -o small.onnx
  hwgen prune net.tflite --calibration some.npz --input others.npz --labels others.npz --plot p.svg
  hwgen run kws_dscnn_pruned.tflite --input networks/kws_dscnn.npz:input --check
"""

SIM = """\
Run the benches of the units on the Verilog of a Design, in a simulator, against the golden
model. A summary follows; exit code 1 says that a test failed. The random data differ from run to
run: the summary tells the seed, and --seed repeats it.
"""

SIM_EXAMPLES = """\
examples:
  hwgen sim                                     all units, on an 8x8 array
  hwgen sim systolic --design icebreaker        one unit, on a board's preset
  hwgen sim systolic --rows 2 --columns 2 --waves
                                                with a waveform in build/sim/
"""

SYNTH = """\
Synthesize, place and route a Design alone, between registers, and print what it takes and how fast
it is: LUTs, registers, DSPs, Fmax and the path that limits it. The Design must name a device. Takes
a minute for 8x8 cells, ten for 16x16.
"""

SYNTH_EXAMPLES = """\
examples:
  hwgen synth --design icebreaker               a board's preset
  hwgen synth --design ulx3s-85f --rows 6 --clock 220 --seeds 1 2 3
                                                the best of three placements
  hwgen synth --design ulx3s-85f --clock 111 --insist
                                                the whole accelerator, in half an hour
  hwgen synth --list docs/results/systolic.toml
                                                all Designs of a list: writes its .json and .md
"""

BUILD = """\
Make a bitstream of a Design, the board's preset unless --design says otherwise, with a serial port
and the highest clock that it meets: place and route begins with a clock that is out of reach, or
with --clock, and goes down to what timing analysis allows. Beside the bitstream are build.json,
which tells `hwgen run --build` and the reader what was built, a picture of where everything lies,
the Verilog, the constraints of the pins and, for a MODEL, its Program. Everything or nothing is
written.
"""

BUILD_EXAMPLES = """\
examples:
  hwgen build --board orangecrab-25f            the preset, in build/orangecrab-25f/
  hwgen build net.tflite --board ulx3s-85f --clock 110 --insist
                                                is checked to fit, with its time an inference
  hwgen build net.tflite --board tang-nano-9k --embed
                                                works without a host that loads it
  hwgen build --board ulx3s-85f --design my.toml --seeds 1 2 3 4 5
  hwgen run net.tflite --build build/ulx3s-85f --port /dev/ttyUSB0 --input x.npy
"""

PROGRAM = """\
Load a board with a bitstream, by the command that is the board's. Its tool does not come with pip;
without it the command is told. No board has been loaded with one of these bitstreams yet.
"""

BOARDS = """\
List the boards, or show one. The name of a board is also the name of its preset Design.
"""

DOCTOR = """\
Find every tool of the flow and use it, each for a moment, on something trivial. Exit code 1 says
that a tool which is needed does not work; icarus is optional. Takes 10 to 60 seconds.
"""

FIELDS = {
    "engine": ("NAME", "what multiplies: systolic, or with memories bitserial, sparse or binary"),
    "dataflow": ("ws|os", "ws: weights stay in the cells; os: sums do"),
    "rows": ("N", "rows of the array, 1 to 64"),
    "columns": ("N", "columns of the array, 1 to 64"),
    "activations": ("TYPE", "type of an activation: int2 to int16, uint2 to uint16"),
    "weights": ("TYPE", "type of a weight, likewise"),
    "depth": ("N", "products that a sum holds without overflow (default: rows, or 1024 for os)"),
    "accumulator": ("N", "bits of a sum, where depth shall not decide; a narrower sum wraps"),
    "lines": ("N", "pixels that a column takes in a cycle of a depthwise tile; 0: no such path"),
    "family": ("NAME", "FPGA family to make multipliers for: generic, ecp5, ice40 or gowin"),
    "device": ("CHIP", "chip, if its limits and floor plan shall be used, such as LFE5U-85F"),
    "dsps": ("N", "how many cells may use a hard multiplier; the others use fabric"),
    "activation_memory": ("BYTES", "memory for tensors; 0: the array alone, and none of the below"),
    "program_memory": ("BYTES", "memory for steps and weights"),
    "partial_sums": ("N", "vectors of sums that the accumulators hold"),
    "lanes": ("N", "columns that are requantised in a cycle"),
    "hard_lanes": ("N", "lanes that multiply in DSP blocks"),
    "line_pixels": ("N", "longest row that the line buffer holds"),
    "rounding": ("NAME", ("tflm: sums are rounded twice, as TensorFlow Lite Micro does; single "
                         "and even: once, and halves up or to even")),
    "steps": ("N", "steps that have a counter of their cycles"),
    "compact": ("", "make the accelerator small rather than fast"),
    "sparse_entries": ("N", "compressed weights that each lane of a sparse engine holds"),
    "sparse_columns": ("N", "columns of all compressed matrices together"),
    "sparse_depth": ("N", "columns that may wait in front of each lane of a sparse engine"),
    "decompress": ("", "let weights without room in the program memory be packed there"),
}


BAUD = 1_000_000
"""Bits a second of a serial port where nothing is said."""

TUNE = """\
Find the Design for one network or several, and a board: every Design that may suit, of all engines
that can run them, is asked what it takes, exactly in cycles, DSP blocks and block RAMs, about in
LUTs and registers. What comes out is the Pareto front of cycles and area, the Design that is
chosen, and why it is not quicker.
Nothing is built, and the clock is --clock, or else of each Design the one that a recorded build has
met, or what may be expected; but with --place N the N best are placed and routed, half an hour each
and more, and chosen by what they reach: docs/tune.md.
"""

REPORT = """\
Write a page that stands alone, to look at in a browser: cycles of each layer and how busy the
multipliers are, a roofline, and where tensors lie in memory over time. `hwgen tune --report` writes
the same for all Designs of a Pareto front.
"""

TUNE_EXAMPLES = """\
examples:
  hwgen tune networks/ic_resnet8.tflite --board ulx3s-85f -o design.toml
  hwgen tune a.tflite b.tflite --worst          one Design for both: the one that suffers least
  hwgen tune a.tflite --objective area --within 5
                                                the smallest that takes at most 5 ms
  hwgen tune a.tflite --place 3 --seeds 1 2 --clock 100    the best of three that are placed
  hwgen tune a.tflite --board icebreaker        a compact one, for a small chip
  hwgen tune a.onnx --board icebreaker --engine bitserial    of one engine alone
  hwgen tune topology.csv                       layers whose shapes alone are known (SCALE-Sim)
"""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence, not a page of usage."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, allow_abbrev=False,
                         formatter_class=argparse.RawDescriptionHelpFormatter)

    def error(self, message: str) -> NoReturn:
        """Raise the :class:`UserError` that says what is wrong and where to read more."""
        message = re.sub(r"^argument (\S+): (takes )?", lambda m: f"{m[1]} takes " if m[2]
                         else f"{m[1]}: ", message)
        command = re.match(r"COMMAND: invalid choice: '(.*?)' \(choose from (.*)\)", message)
        unknown = re.match(r"unrecognized arguments: (\S+)", message)
        if message == "the following arguments are required: COMMAND":
            message = "a command is missing"
        elif command:
            known = re.findall(r"[a-z]+", command[2])
            message = f"there is no command {command[1]!r}{closest(command[1], known)}"
        elif unknown and unknown[1].startswith("-"):
            options = list(self._option_string_actions)
            message = (f"there is no option {unknown[1]}"
                       f"{closest(unknown[1].partition('=')[0], options)}")
        elif unknown:
            message = f"there is one word too many, {unknown[1]!r}"
        raise UserError(f"{message} (`{self.prog} --help` explains)")


def integer(text: str) -> int:
    """Read an integer; Design checks whether it will do."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"takes an integer, not {text!r}") from None


def number(text: str) -> float:
    """Read a number; who uses it checks whether it will do."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"takes a number, not {text!r}") from None


def seed(text: str) -> int:
    """Read a seed, as the tools take them."""
    if not text.isdecimal() or len(text) > len(str(LARGEST_SEED)) or int(text) > LARGEST_SEED:
        raise argparse.ArgumentTypeError(f"takes an integer from 0 to {LARGEST_SEED}, not {text!r}")
    return int(text)


def megahertz(text: str) -> float:
    """Read a frequency."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 1 <= value <= 1000:
        raise argparse.ArgumentTypeError(f"takes MHz from 1 to 1000, not {text!r}")
    return value


def add_baud(command: argparse.ArgumentParser) -> None:
    """Add the option that tells how fast a serial port is."""
    command.add_argument("--baud", type=baud, metavar="BAUD", default=BAUD,
                         help=f"bits a second of the serial port (default: {BAUD})")


def baud(text: str) -> int:
    """Read a baud rate."""
    if not text.isdecimal() or not LOWEST_BAUD <= int(text) <= HIGHEST_BAUD:
        raise argparse.ArgumentTypeError(f"takes {LOWEST_BAUD} to {HIGHEST_BAUD} bits a second, "
                                         f"not {text!r}")
    return int(text)


def parser(commands: Mapping[str, Callable[[argparse.Namespace], int]]) -> Parser:
    """Return the parser of the whole command line; each command is bound to its function."""
    top = Parser(prog="hwgen", description=DESCRIPTION, epilog=EXAMPLES)
    top.add_argument("--version", action="version", version=f"hwgen {__version__}",
                     help="print the version")
    chosen = top.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def add(name: str, summary: str, description: str, epilog: str = "") -> Parser:
        command = chosen.add_parser(name, help=summary, description=description, epilog=epilog)
        command.set_defaults(run=commands[name], parser=command)
        return command

    boards = add("boards", "list the boards", BOARDS)
    boards.add_argument("name", nargs="?", metavar="NAME", help="show this one, with all its facts")

    generate = add("generate", "write the Verilog of a Design", GENERATE, GENERATE_EXAMPLES)
    add_design(generate)
    generate.add_argument("--name", metavar="NAME",
                          help="name of the top module, of the files, and of the folder; all other "
                          "modules, and all names in C, begin with it, so that accelerators of "
                          "different names go into one system (default: of the folder, made of the "
                          "fields; modules and C have names of their own)")
    generate.add_argument("-o", "--output", metavar="DIR",
                          help="folder to write to (default: rtl_out/NAME)")
    generate.add_argument("--top", choices=("stream", "uart", "spi", "wishbone", "axi"),
                          default="stream",
                          help="how the host reaches the accelerator: stream, bytes with valid and "
                          "ready (default); uart, a serial port; spi, a slave of mode 0; wishbone, "
                          "or axi (AXI4-Lite and AXI4-Streams): in the addresses of a system, with "
                          "a register map and a driver in C")
    generate.add_argument("--clock", type=megahertz, metavar="MHZ",
                          help="the accelerator's clock, of which --top uart makes the baud "
                          "(default: the one that a recorded build of the Design has met, or what "
                          "may be expected)")
    add_baud(generate)

    run = add("run", "run a network on a board, layer by layer", RUN, RUN_EXAMPLES)
    cycles = add("cycles", "predict what a network takes, without simulating", CYCLES)
    golden = add("golden", "run a network in NumPy", GOLDEN)
    program = add("compile", "write the Program of a network for a Design", COMPILE)
    add_tune(add("tune", "find the Design for networks and a board", TUNE, TUNE_EXAMPLES))
    report = add("report", "show networks on a Design as a page of HTML", REPORT)
    report.add_argument("model", metavar="MODEL", nargs="+",
                        help="the networks: .tflite or .onnx files, or topologies (.csv)")
    report.add_argument("-o", "--output", metavar="FILE",
                        help="file to write (default: report.html)")
    add_design(report)
    quantize = add("quantize", "make an int8 network of a float one", QUANTIZE, QUANTIZE_EXAMPLES)
    prune = add("prune", "set weights of an int8 network to 0", PRUNE, PRUNE_EXAMPLES)
    for command in (run, cycles, golden, program, prune):
        command.add_argument("model", metavar="MODEL", help="the network: a .tflite or .onnx file")
    for command in (cycles, report):
        command.add_argument("--board", choices=tuple(known_boards.BOARDS),
                             help="the Design's board, where that is not told by a preset: for the "
                             "clock")
    cycles.add_argument("--build", metavar="DIR",
                        help="what `hwgen build` wrote: its Design and clock are taken from there")
    for command in (run, cycles, report):
        command.add_argument("--clock", type=megahertz, metavar="MHZ",
                             help="the accelerator's clock (default: the one that a recorded build "
                             "of the Design has met, or what may be expected)")
    for command in (cycles, program):
        command.add_argument("--input", metavar="FILE",
                             help="an input to go by, the first one of a .npy or .npz file: what "
                                  "a sparse engine takes hangs on it")
    for command in (run, golden):
        command.add_argument("--input", metavar="FILE", required=True,
                             help="one input or several along the first axis, as the network's "
                             "file has them: x.npy, file.npz:key, or a .npz with an array for each "
                             "of its inputs. .tflite: int8; .onnx: also floating point")
    run.add_argument("--board", choices=("sim", *known_boards.BOARDS), default="sim",
                     help="where: sim, a simulation of the generated Verilog (default), or the "
                     "board at --port, which has been loaded with the Design")
    run.add_argument("--build", metavar="DIR",
                     help="what `hwgen build` wrote for the board at --port: its Design, clock and "
                     "baud are taken from there")
    run.add_argument("--port", metavar="PORT", help="serial port of the board: /dev/ttyUSB0, COM3")
    add_baud(run)
    run.add_argument("--labels", metavar="FILE",
                     help="a .npz with `labels`, names of the classes, to show with the results")
    golden.add_argument("--labels", metavar="FILE",
                        help="a .npz with `label`, the number of the right answer of each input: "
                        "how many are right (top-1)")
    run.add_argument("--check", action="store_true",
                     help="compare every layer with the golden model; --json does so, too")
    program.add_argument("-o", "--output", metavar="FILE",
                         help="file to write (default: the model's name, and .program); NAME.h is "
                         "a header in C that defines NAME")
    quantize.add_argument("model", metavar="MODEL", help="the network: a float .onnx file")
    quantize.add_argument("--data", metavar="FILE", required=True,
                          help="inputs as the network takes them, along the first axis: x.npy, "
                          "file.npz:key, or a .npz with an array for each of its inputs")
    quantize.add_argument("--method", choices=("minmax", "percentile"), default="minmax",
                          help="range of a tensor: all values seen (minmax, default), or all but "
                          "the outermost (percentile)")
    quantize.add_argument("--percentile", type=number, metavar="P", default=99.99,
                          help="how many of the values percentile keeps on either side "
                          "(default: 99.99)")
    quantize.add_argument("--mixed", action="store_true",
                          help="give each layer its own bits, as few as labelled inputs allow")
    quantize.add_argument("--labels", metavar="FILE",
                          help="for --mixed: a .npz with `label`, the number of the right answer "
                          "of each input")
    quantize.add_argument("--loss", type=number, metavar="POINTS", default=2.0,
                          help="for --mixed: how many points of top-1 may be lost against int8 "
                          "(default: 2)")
    quantize.add_argument("--plot", metavar="FILE",
                          help="for --mixed: write cycles against top-1 to this .svg file")
    quantize.add_argument("-o", "--output", metavar="FILE",
                          help="file to write (default: the model's name, and _int8.onnx, or "
                          "_mixed.onnx)")
    add_prune(prune)
    for command in (run, cycles, program, prune, quantize):
        add_design(command)

    sim = add("sim", "run the benches of the units", SIM, SIM_EXAMPLES)
    sim.add_argument("unit", nargs="?", metavar="UNIT", help="run this one only")
    add_design(sim)
    sim.add_argument("--waves", action="store_true", help="write a waveform (dump.vcd)")
    sim.add_argument("--simulator", choices=("verilator", "icarus"), default="verilator",
                     help="what simulates (default: verilator)")
    sim.add_argument("--seed", type=seed, metavar="N",
                     help="seed of the random data (default: another one every time)")
    sim.add_argument("-o", "--output", metavar="DIR", default="build/sim",
                     help="folder for logs and waveforms (default: build/sim)")

    synth = add("synth", "measure a Design with yosys and nextpnr", SYNTH, SYNTH_EXAMPLES)
    add_design(synth)
    synth.add_argument("--board", choices=tuple(known_boards.BOARDS),
                       help="the board whose chip it is, where several have it")
    synth.add_argument("--clock", type=megahertz, metavar="MHZ", default=200.0,
                       help="clock that place and route tries for (default: 200)")
    synth.add_argument("--seeds", type=seed, metavar="N", nargs="+", default=[1],
                       help="seeds of the placer; the best result counts (default: 1)")
    synth.add_argument("--insist", action="store_true",
                       help="the router goes on until the clock is reached: ECP5 only, and within "
                       "an hour")
    synth.add_argument("--list", metavar="FILE", help="measure what has changed of this list")
    synth.add_argument("--only", metavar="TEXT", default="",
                       help="of the list, only Designs whose name contains this")

    build = add("build", "make a bitstream for a board", BUILD, BUILD_EXAMPLES)
    add_build(build)
    load = add("program", "load a board with what was built", PROGRAM)
    load.add_argument("folder", metavar="DIR", help="what `hwgen build` wrote")

    doctor = add("doctor", "try every tool", DOCTOR)
    for command in (boards, generate, run, cycles, golden, program, report, quantize, prune, sim,
                    synth, build, load, doctor):
        command.add_argument("--json", action="store_true", help="print JSON")
    return top


def add_tune(command: argparse.ArgumentParser) -> None:
    """Add the options of `hwgen tune`."""
    command.add_argument("model", metavar="MODEL", nargs="+",
                         help="the networks: .tflite or .onnx files; or layers without weights: "
                         ".onnx files that lack them, or topologies (.csv)")
    command.add_argument("--board", choices=tuple(known_boards.BOARDS), default="ulx3s-85f",
                         help="what it shall fit (default: ulx3s-85f)")
    command.add_argument("--engine", nargs="+", metavar="NAME", choices=SEARCHED,
                         help="engines to look at (default: all that can run the networks): "
                         + ", ".join(SEARCHED))
    command.add_argument("--objective", choices=("latency", "throughput", "area", "energy"),
                         default="latency",
                         help="the fewest cycles (default); of networks that run in turn the "
                         "fewest of all; the least area; or the least energy, by a model")
    command.add_argument("--within", type=number, metavar="MS",
                         help="time that each network may take")
    command.add_argument("--clock", type=megahertz, metavar="MHZ",
                         help="the accelerator's clock (default: of each Design the one that a "
                         "recorded build has met, or what may be expected)")
    command.add_argument("--weights", type=number, nargs="+", metavar="W",
                         help="how much each network counts (default: all the same)")
    command.add_argument("--worst", action="store_true",
                         help="the network that suffers most counts, not their mean")
    command.add_argument("--fill", type=number, metavar="PERCENT",
                         help="share of the LUTs and registers that may be used (default: 50; of "
                         "an iCE40 96, of a Gowin 80)")
    command.add_argument("--dsps", type=integer, metavar="N",
                         help="DSP blocks that may be used (default: all)")
    command.add_argument("--block-rams", type=integer, metavar="N",
                         help="block RAMs that may be used (default: all)")
    command.add_argument("--place", type=integer, metavar="N", default=0,
                         help="place and route the N best, and choose by what they reach "
                         "(default: none); what is placed once is kept")
    command.add_argument("--seeds", type=seed, nargs="+", metavar="S", default=[1],
                         help="seeds of the placer, for each Design (default: 1)")
    command.add_argument("--cluster", metavar="ADDRESS",
                         help="place on the Dask cluster whose scheduler is there")
    command.add_argument("-o", "--output", metavar="FILE",
                         help="write the Design that is chosen to this .toml file")
    command.add_argument("--report", metavar="FILE",
                         help="write a page to look at in a browser to this .html file")
    command.add_argument("--json", action="store_true", help="print JSON")


def add_prune(command: argparse.ArgumentParser) -> None:
    """Add the options of `hwgen prune`."""
    command.add_argument("--calibration", metavar="FILE", required=True,
                         help="inputs like those that the network will get, some dozens: x.npy, "
                         "file.npz:key, or a .npz with an array for each of its inputs")
    command.add_argument("--input", metavar="FILE",
                         help="other inputs, to measure on (default: every second one of "
                         "--calibration, which then does not calibrate)")
    command.add_argument("--labels", metavar="FILE",
                         help="a .npz with `label`, the right answer to each input of --input, or "
                         "else of --calibration")
    command.add_argument("--density", type=number, metavar="PART", default=0.5,
                         help="share of the weights that is left, over all layers (default: 0.5)")
    command.add_argument("--share", choices=("sensitive", "even"), default="sensitive",
                         help="how the weights are shared among layers (default: sensitive)")
    command.add_argument("--method", choices=("surgeon", "magnitude"), default="surgeon",
                         help="which weights go, and what becomes of the others (default: surgeon)")
    command.add_argument("--banks", type=integer, metavar="N",
                         help="give each of N lanes of the sparse engine as many weights; without, "
                         "16 lanes get what comes")
    command.add_argument("--codebook", type=integer, metavar="N",
                         help="leave each layer N different weights besides 0, 2 to 256")
    command.add_argument("--plot", metavar="FILE",
                         help="write density against accuracy, or without labels against the "
                         "error of the outputs, to this .svg file")
    command.add_argument("-o", "--output", metavar="FILE",
                         help="file to write (default: the model's name, and _pruned)")


def add_build(command: argparse.ArgumentParser) -> None:
    """Add the options of `hwgen build`."""
    command.add_argument("model", nargs="?", metavar="MODEL",
                         help="the network: it must fit, and its Program is written, too")
    command.add_argument("--board", metavar="NAME",
                         help="the board (see `hwgen boards`; default: the preset's)")
    add_design(command)
    command.add_argument("--clock", type=megahertz, metavar="MHZ",
                         help="a clock that is enough (default: the highest that is met)")
    command.add_argument("--seeds", type=seed, metavar="N", nargs="+", default=[1, 2, 3],
                         help="seeds of the placer, tried until the clock is met (default: 1 2 3)")
    command.add_argument("--insist", action="store_true",
                         help="the router goes on until --clock is reached: ECP5 only, and within "
                         "an hour")
    command.add_argument("--embed", action="store_true",
                         help="the board has the MODEL's Program when it wakes up, from the "
                         "bitstream, or from flash memory where that cannot hold it")
    add_baud(command)
    command.add_argument("-o", "--output", metavar="DIR",
                         help="folder to write to (default: build/NAME of the board)")


def add_design(command: argparse.ArgumentParser) -> None:
    """Add the options that choose a Design."""
    command.add_argument("--design", metavar="D",
                         help="start from a board's preset (see `hwgen boards`) or a TOML file")
    group = command.add_argument_group("fields of the Design")
    fields = {field.name: field for field in dataclasses.fields(Design)}
    for name, (metavar, text) in FIELDS.items():
        default = fields[name].default
        if isinstance(default, bool):
            group.add_argument(f"--{name}", action="store_const", const=True, help=text)
            continue
        hint = "" if default is None else f" (default: {default})"
        group.add_argument(f"--{name.replace('_', '-')}", metavar=metavar, help=text + hint,
                           type=str if isinstance(default, str) or name == "device" else integer)


def design_given(options: argparse.Namespace) -> bool:
    """Return whether options choose a Design, or any field of it."""
    return options.design is not None or any(getattr(options, name) is not None for name in FIELDS)


def chosen_design(options: argparse.Namespace) -> Design:
    """Return the Design that the options choose."""
    design = Design.load(options.design) if options.design is not None else Design()
    given = {name: getattr(options, name) for name in FIELDS
             if getattr(options, name) is not None}
    if given.get("family", design.family) != design.family:
        given = {"device": None, "dsps": None} | given  # those were the other family's
    engine = given.get("engine", design.engine)
    if engine != design.engine:  # nor are these fields of all engines
        others = [*(SYSTOLIC if engine in ("bitserial", "binary") else ()),
                  *(SPARSE if engine != "sparse" else ())]
        given = {name: getattr(Design, name) for name in others} | given
    if not given:
        return design
    try:
        return design.replace(**given)
    except UserError as error:
        return adapted(options, design, given, error)


def adapted(options: argparse.Namespace, design: Design, given: Mapping[str, Any],
            error: UserError) -> Design:
    """Return a Design that has the fields ``given`` and is otherwise as near as may be to another.

    Fields of a preset or a file follow those that are given, and what became of them is told.
    Where nothing can follow, or no Design is named, the ``error`` is, with a command that would do.
    """
    values = dataclasses.asdict(design) | dict(given)
    own = [name for name in given if getattr(options, name) is not None]
    found = fitting(values, own)
    if found and options.design is not None:
        changes = ", ".join(f"{name} is {new!r}, not {old!r}"
                            for name, (old, new) in differences(values, found).items())
        print(f"hwgen: to fit the options, {changes}", file=sys.stderr)
        return found
    found = found or fitting(values, ())
    changed = differences(values, found) if found else {}
    if not changed or {*changed} <= {*own} and len(changed) == 1:  # as the error says
        raise error
    all_of_them = f"; to be given or changed: {', '.join(changed)}" if len(changed) > 1 else ""
    raise UserError(f"{error}{all_of_them}; this would do: "
                    f"`{command_with(options.words, changed)}`") from error


def differences(values: Mapping[str, Any], design: Design) -> dict[str, tuple[Any, Any]]:
    """Return the fields in which a Design is not as wanted: what was wanted, and what it has."""
    return {name: (values[name], getattr(design, name)) for name in FIELDS
            if values[name] != getattr(design, name)}


def command_with(words: Sequence[str], changed: Mapping[str, tuple[Any, Any]]) -> str:
    """Return a command with other values of some fields of its Design."""
    options = {f"--{name.replace('_', '-')}": new for name, (_, new) in changed.items()}
    kept, rest = [], iter(words)
    for word in rest:
        option = word.partition("=")[0]
        if option not in options:
            kept.append(word)
        elif "=" not in word and not isinstance(options[option], bool):
            next(rest, None)  # its value
    for option, new in options.items():
        if new is True:
            kept.append(option)
        elif new is not None and new is not False:
            kept += [option, str(new)]
    return shlex.join(["hwgen", *kept])
