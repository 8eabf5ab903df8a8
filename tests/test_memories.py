# amaranth: UnusedElaboratable=no
"""The families' own memories equal the portable ones."""

from amaranth.back import verilog

from hwgen.rtl.primitives import generic, ice40
from hwgen.tools import call
from hwgen.verilator import PROGRAM, build
from sim.cells import models_of_cells

DRIVER = """\
#include "Vtop.h"
#include <cstdint>
#include <cstdio>

static uint64_t state = 1;

static uint32_t draw() {  // xorshift64*
    state ^= state >> 12; state ^= state << 25; state ^= state >> 27;
    return (state * 2685821657736338717ull) >> 32;
}

int main() {
    Vtop top;
    unsigned wrong = 0, compared = 0;
    bool written = true;  // nothing has been read yet
    for (uint32_t cycle = 0; cycle < 200000; cycle++) {
        // All words are written first: one memory holds zeros before, the other nothing.
        bool write = cycle < DEPTH || draw() % 2;
        top.address = cycle < DEPTH ? cycle : draw() % (draw() % 2 ? DEPTH : 7);
        top.write = write;
        top.write_data = draw() & ((1 << WIDTH) - 1);
        top.clk = 0; top.eval();
        if (!written) { compared++; wrong += top.read_data != top.other_data; }
        top.clk = 1; top.eval();
        written = write;
    }
    printf("%u %u", compared > 50000, wrong);
}
"""

TOP = """
module top(input clk, input [{bits}:0] address, input [{high}:0] write_data, input write,
           output [{high}:0] read_data, other_data);
  plain a(.clk(clk), .rst(1'b0), .address(address), .write_data(write_data), .write(write),
          .read_data(read_data));
  spram b(.clk(clk), .rst(1'b0), .address(address), .write_data(write_data), .write(write),
          .read_data(other_data));
endmodule
"""


def test_single_port_ram_of_ice40(tmp_path):
    """What is read is what was written last, behind every write that is followed by a read."""
    width, depth = 23, 5000
    text = "\n".join([
        verilog.convert(generic.SinglePortRam(width, depth), name="plain", emit_src=False),
        verilog.convert(ice40.SinglePortRam(width, depth), name="spram", emit_src=False),
        TOP.format(bits=12, high=width - 1)])
    folder, _ = build(text, DRIVER.replace("DEPTH", str(depth)).replace("WIDTH", str(width)),
                      extra_sources=models_of_cells(text, "ice40", tmp_path))
    outcome = call([folder / PROGRAM], seconds=60, folder=tmp_path)
    assert outcome.output.split() == ["1", "0"]
