"""Operations by the ten thousand on a controller and a model of the chip that knows its times."""

import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

import hwgen
from hwgen.arch.sdram import SdramCommand as Command
from hwgen.arch.sdram import cycles_of, geometry_of
from hwgen.golden.external.sdram import Given
from hwgen.runtime.memory_chip import CHIP, FAULTS, model_of, verilog_of
from hwgen.tools.verilator import PROGRAM, build

__all__ = ["FAULTS", "Operation", "Pins", "Played", "judge", "play"]

MAIN = Path(__file__).with_suffix(".cpp")
KINDS = {"read": 0, "write": 1, "restart": 2}

TOP = """
module pages(
    input clk, valid, write, restart, input [2:0] capture, input [{page}:0] page,
    input [{word}:0] i, output ready, idle, i_take, o_valid, output [{word}:0] o,
    output [2:0] command, output [1:0] ba, output [{address}:0] a, output [4:0] fault);
    wire [{word}:0] to_chip, from_chip;
    wire dqm, drives;
    sdram controller(.clk(clk), .rst(1'b0), .request__valid(valid), .request__ready(ready),
        .request__payload({{write, page}}), .restart(restart), .idle(idle), .capture(capture),
        .i(i), .i_take(i_take), .o(o), .o_valid(o_valid), .ras_n(command[0]), .cas_n(command[1]),
        .we_n(command[2]), .address(a), .bank(ba), .dqm(dqm), .dq_o(to_chip), .dq_oe(drives),
        .dq_i(from_chip));
    sdram_chip #({parameters}) chip(.clk(clk), .ras_n(command[0]), .cas_n(command[1]),
        .we_n(command[2]), .dqm(dqm), .a(a), .ba(ba), .dq_i(to_chip), .dq_oe(drives),
        .dq_o(from_chip), .fault(fault));
endmodule
"""


class Operation(NamedTuple):
    """Read or write a page, or restart; after a pause of some cycles."""

    kind: str
    page: int = 0
    pause: int = 0


class Pins(NamedTuple):
    """What is on a chip's pins in a cycle."""

    command: Command = Command.NONE
    bank: int = 0
    address: int = 0
    drives: bool = False
    masks: bool = False


@dataclass(frozen=True)
class Played:
    """What became of operations.

    Parameters
    ----------
    cycles : list of (int, int)
        Of each that was begun: when it was taken, and when its first word went or came.
    fault : str
        The first rule of the chip's that was broken: one of :data:`FAULTS`, empty if none was.
    wrong : int
        Words that were not those written, or did not come.
    commands : list of Given
        All that the chip was told, if wanted.
    """

    cycles: list[tuple[int, int]]
    fault: str
    wrong: int
    commands: list[Given]


@cache
def chip_alone(parameters: str) -> Path:
    """Return the folder of a simulator of the model of a chip."""
    text = f"""
module chip(input clk, ras_n, cas_n, we_n, dqm, dq_oe, input [1:0] ba, input [12:0] a,
            output [4:0] fault);
    sdram_chip #({parameters}) chip(.clk(clk), .ras_n(ras_n), .cas_n(cas_n), .we_n(we_n),
        .dqm(dqm), .a(a), .ba(ba), .dq_i(0), .dq_oe(dq_oe), .dq_o(), .fault(fault));
endmodule
"""
    return build(text, MAIN.with_stem("chip").read_text(), top="chip", extra_sources=[CHIP])[0]


def judge(model: dict[str, int], pins: Sequence[Pins]) -> list[str]:
    """Return what a model of a chip says of each cycle: as :attr:`Played.fault`."""
    words = np.array(pins, "<u4").tobytes()
    done = subprocess.run([chip_alone(verilog_of(model)) / PROGRAM], input=words,
                          capture_output=True, check=True)
    return [FAULTS[number] for number in done.stdout]


def play(name: str, clock_mhz: float, operations: Sequence[Operation], *, hot: bool = False,
         capture: int = 0, delay: int = 0, trace: bool = False, optimise: int = 0,
         wrong: Mapping[str, int] = {}, chip: Mapping[str, int] = {}) -> Played:
    """Play operations to the controller of a chip at a clock.

    Parameters
    ----------
    name, clock_mhz, hot
        As of :func:`hwgen.arch.sdram.cycles_of`.
    capture, delay : int
        What the controller is set to, and how many cycles longer words take.
    trace : bool
        Whether the commands are wanted.
    optimise : int
        See :func:`hwgen.tools.verilator.build`.
    wrong, chip : dict
        Cycles of the controller, and parameters of the chip's model, that are others.
    """
    cycles = cycles_of(name, clock_mhz, hot=hot)
    controller = hwgen.unit("sdram", **geometry_of(name), **asdict(cycles) | wrong)
    model = model_of(name, clock_mhz, cycles, delay, hot) | chip
    text = controller.verilog() + TOP.format(
        page=controller.component.page_bits - 1, word=model["WIDTH"] - 1,
        address=model["ADDRESS_BITS"] - 1, parameters=verilog_of(model))
    main = (f"#define WORDS {controller.component.words}\n"
            f"#define MASK {(1 << model['WIDTH']) - 1}u\n"
            f"#define LONGEST {3 * cycles.power_up + 100_000}u\n" + MAIN.read_text())
    folder, _ = build(text, main, top="pages", optimise=optimise, extra_sources=[CHIP])
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "trace"
        words = np.array([(KINDS[each.kind], each.page, each.pause) for each in operations],
                         "<u4").reshape(-1, 3)
        done = subprocess.run([folder / PROGRAM, str(capture), str(path) if trace else ""],
                              input=words.tobytes(), capture_output=True, check=True)
        found = np.frombuffer(done.stdout, "<u4").reshape(-1, 2).tolist()
        commands = [Given(cycle, Command(command), bank, address) for cycle, command, bank, address
                    in np.frombuffer(path.read_bytes(), "<u4").reshape(-1, 4).tolist()
                    ] if trace else []
    return Played([(taken, first) for taken, first in found[:-1]], FAULTS[found[-1][0]],
                  found[-1][1], commands)
