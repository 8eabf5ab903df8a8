"""Runs of steps on a page stream, its controller, and a model of the chip that knows its times."""

import random
import subprocess
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np

import hwgen
from hwgen.arch.sdram import Cycles
from hwgen.golden.external.page_stream import RingStep as Step
from hwgen.tools.verilator import PROGRAM, build

from .pages import CHIP, FAULTS

__all__ = ["Asked", "Counted", "any_run", "play_runs"]

MAIN = Path(__file__).with_name("steps.cpp")
TOP = """
module runs(
    input clk, fill, start, stop, following, input [{page}:0] page, first, input [{page}+1:0] pages,
    input [{ring}:0] brings, releases, input [{word}:0] i, input [7:0] part,
    output ready, idle, there, i_take, enable, output [{ring}-1:0] address,
    output [{word}:0] data, output [4:0] fault);
    wire [{data}:0] whole;
    assign data = whole[part * ({word} + 1) +: {word} + 1];
    wire [{word}:0] to_chip, from_chip, o;
    wire [{address}:0] a;
    wire [1:0] ba;
    wire [{page}+1:0] asked;
    wire ras_n, cas_n, we_n, dqm, drives, o_valid, asks;
    page_stream stream(.clk(clk), .rst(1'b0), .start(start && idle), .stop(stop),
        .following(following), .first(first), .pages(pages), .brings(brings), .releases(releases),
        .there(there), .request__valid(asks), .request__ready(ready && !fill),
        .request__payload(asked), .i(o), .i_valid(o_valid), .write({{enable, whole, address}}));
    sdram controller(.clk(clk), .rst(1'b0), .request__valid(asks || fill), .request__ready(ready),
        .request__payload(fill ? {{1'b1, page}} : asked), .restart(start), .idle(idle),
        .capture(3'd0), .i(i), .i_take(i_take), .o(o), .o_valid(o_valid), .ras_n(ras_n),
        .cas_n(cas_n), .we_n(we_n), .address(a), .bank(ba), .dqm(dqm), .dq_o(to_chip),
        .dq_oe(drives), .dq_i(from_chip));
    sdram_chip #({parameters}) chip(.clk(clk), .ras_n(ras_n), .cas_n(cas_n), .we_n(we_n),
        .dqm(dqm), .a(a), .ba(ba), .dq_i(to_chip), .dq_oe(drives), .dq_o(from_chip),
        .fault(fault));
endmodule
"""


class Asked(NamedTuple):
    """A run: cycles of a pause ahead of it, its pages, its steps."""

    pause: int
    first: int
    pages: int
    steps: Sequence[Step]


class Counted(NamedTuple):
    """What became of a run, counted from the reset; and words that were not those of its pages."""

    started: int
    begins: list[int]
    ends: int
    wrong: int


def any_run(rng: random.Random, ring: int, page: int, pages: int) -> Asked:
    """Return a run of any steps that a ring can serve, with pauses of all lengths, on few pages."""
    steps, held, brought = [], 0, 0
    for _ in range(rng.randrange(1, 9)):
        most = min(ring - page + 1 - held, pages * page - brought)
        brings = min(rng.choice([0, rng.randrange(1, 2 * page), rng.randrange(ring)]), most)
        held, brought = held + brings, brought + brings
        releases = rng.choice([held, held, rng.randrange(held + 1)])
        held -= releases
        cycles = rng.choice([1, rng.randrange(1, 20), rng.randrange(1, 6 * page)])
        steps.append(Step(brings, cycles, releases))
    needed = -(-brought // page)
    asked = min(needed + rng.randrange(3), pages)
    return Asked(rng.randrange(3000), rng.randrange(pages - asked + 1), asked, steps)


def play_runs(runs: Sequence[Asked], *, filled: int, ratio: int, ring: int,
              geometry: dict[str, int], cycles: Cycles,
              model: dict[str, int]) -> tuple[list[Counted], str]:
    """Fill pages, play runs, and return what became of them, and a fault of the chip's.

    Parameters
    ----------
    filled : int
        Pages, from the first one on.
    ratio, ring : int
        Of the stream.
    geometry, cycles, model
        Of the controller, and of the model of the chip.
    """
    sdram = hwgen.unit("sdram", **geometry, **asdict(cycles))
    page_bits = sdram.component.page_bits
    stream = hwgen.unit("page_stream", width=geometry["width"], ratio=ratio,
                        words=geometry["words"], ring=ring, page_bits=page_bits)
    text = sdram.verilog() + stream.verilog() + TOP.format(
        page=page_bits - 1, ring=ring.bit_length() - 1, word=geometry["width"] - 1,
        data=geometry["width"] * ratio - 1, address=max(geometry["row_bits"], 11) - 1,
        parameters=", ".join(f".{name}({value})" for name, value in model.items()))
    main = (f"#define WORDS {geometry['words']}\n#define WIDTH {geometry['width']}\n"
            f"#define RATIO {ratio}u\n#define RING {ring}u\n"
            f"#define MASK {(1 << geometry['width']) - 1}u\n" + MAIN.read_text())
    folder, _ = build(text, main, top="runs", extra_sources=[CHIP])
    words = [filled]
    for pause, first, pages, steps in runs:
        words += [pause, first, pages, len(steps), *(number for step in steps for number in step)]
    done = subprocess.run([folder / PROGRAM], input=np.array(words, "<u4").tobytes(),
                          capture_output=True, check=True)
    left, found = np.frombuffer(done.stdout, "<u4").tolist(), []
    for run in runs:
        count = len(run.steps)
        found.append(Counted(left[0], left[1:1 + count], *left[1 + count:3 + count]))
        left = left[3 + count:]
    return found, FAULTS[left[0]]
