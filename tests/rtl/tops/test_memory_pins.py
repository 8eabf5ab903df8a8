# amaranth: UnusedElaboratable=no
"""A board's memory chip at its pins: pads, their registers, and the chip's clock."""

import numpy as np
import pytest

from hwgen.arch.design import Design
from hwgen.cost.stream import streamed_cycles
from hwgen.errors import UserError
from hwgen.generate.conversion import to_verilog
from hwgen.generate.design import component
from hwgen.golden.accelerator.accelerator import Accelerator
from hwgen.rtl.primitives.library import Library
from hwgen.rtl.primitives.plls import settings
from hwgen.rtl.tops.board import BoardTop
from hwgen.rtl.tops.catalogue import uart
from hwgen.runtime.accelerator import RemoteAccelerator
from hwgen.runtime.external import begin_with, holds_pages, load_pages
from hwgen.runtime.memory_chip import CHIP, model_of, verilog_of
from hwgen.runtime.serial_port import SerialLink
from sim.boards.pins import Pins
from sim.cells import models_of_cells

from ...build.test_pins import DIVISOR, SLOW
from ..accelerator.streams import any_stream

DESIGN = Design(rows=4, columns=4, lanes=1, lines=1, activation_memory=1024, program_memory=4096,
                partial_sums=8, line_pixels=16, steps=8, family="ecp5", device="LFE5U-25F", dsps=8,
                external="IS42S16160@110")
BOARD = """
module board(input clk, rx, output tx);
    wire chip_clk, cke, cs_n, ras_n, cas_n, we_n;
    wire [12:0] a;
    wire [1:0] ba, dqm;
    tri [15:0] dq;
    wire [15:0] from_chip;
    wire [4:0] fault;
    top top(.clk(clk), .rx(rx), .tx(tx), .memory_clk(chip_clk), .memory_cke(cke),
        .memory_cs_n(cs_n), .memory_ras_n(ras_n), .memory_cas_n(cas_n), .memory_we_n(we_n),
        .memory_a(a), .memory_ba(ba), .memory_dqm(dqm), .memory_dq(dq));
    // Words take a cycle longer: the chip's access time and the pads' delays.
    sdram_chip #({parameters}) chip(.clk(chip_clk), .ras_n(ras_n), .cas_n(cas_n), .we_n(we_n),
        .dqm(dqm[0]), .a(a), .ba(ba), .dq_i(dq), .dq_oe(!top.memory.dq_0_off),
        .dq_o(from_chip), .fault(fault));
    assign dq = chip.driving ? from_chip : 16'bz;
    always @(posedge clk) if (fault != 0 || dqm[0] != dqm[1] || !cke || cs_n) begin
        $display("the memory chip was not used as its data sheet says: rule %0d", fault);
        $stop;
    end
endmodule
"""


def board_of(design, delay):
    """Return the Verilog of a board with its chip, whose words come so many cycles late."""
    top = BoardTop(component(design, uart(DIVISOR)), settings("EHXPLLL", 25)[-1],
                   host=settings("EHXPLLL", 25)[0])
    chip = design.chip
    model = model_of(chip.chip, chip.clock_mhz, chip.cycles, delay, False)
    return (to_verilog(Library().convert(top, "top")) + CHIP.read_text("utf-8")
            + BOARD.format(parameters=verilog_of(model)))


@pytest.mark.slow
@pytest.mark.parametrize("delay", [1, 2])
def test_steps_at_the_pins(delay, tmp_path):
    """Pages are written and read through the pads, and steps stream; a late word is seen."""
    rng = np.random.default_rng(3)
    text = board_of(DESIGN, delay)
    steps, image = any_stream(DESIGN, rng, 4)
    golden = Accelerator.of(DESIGN)
    with (Pins(text, top="board", divisor=DIVISOR, reset=False,
               extra_sources=models_of_cells(text, "ecp5", tmp_path)) as pins,
          SerialLink(pins.port, **SLOW) as link):
        board = RemoteAccelerator(link)
        board.identify(DESIGN.fingerprint)
        if delay > 1:
            with pytest.raises(UserError, match="does not hold what was written"):
                load_pages(board, DESIGN, image)
            return
        golden.memory[:] = rng.integers(-128, 128, len(golden.memory))
        board.write_activations(0, golden.memory.tobytes())
        load_pages(board, DESIGN, image)
        begin_with(board, 0)
        cycles = board.run(0, len(steps), budget=1 << 22)
        golden.run(image, len(steps), 0, place=0)
        assert cycles == sum(step.cycles for step in streamed_cycles(DESIGN, steps, 0))
        assert board.read_activations(0, len(golden.memory)) == golden.memory.tobytes()
        assert holds_pages(board, DESIGN, image)
