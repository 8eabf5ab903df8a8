# amaranth: UnusedElaboratable=no
"""The families' own memories equal the portable ones."""

import pytest
from amaranth.back import verilog

from hwgen.rtl import primitives
from hwgen.rtl.accelerator.wide_memory import WideMemory
from hwgen.rtl.accelerator.word_memory import WordMemory
from hwgen.rtl.primitives import ecp5_places, ecp5_rams, generic, ice40
from hwgen.tools.find import call
from hwgen.tools.verilator import PROGRAM, build
from sim.cells import models_of_cells

from ...cases import some

START = """\
#include "Vtop.h"
#include <cstdint>
#include <cstdio>

static uint64_t state = 1;

static uint32_t draw() {  // xorshift64*
    state ^= state >> 12; state ^= state << 25; state ^= state >> 27;
    return (state * 2685821657736338717ull) >> 32;
}

"""

DRIVER = START + """\
int main() {
    Vtop top;
    unsigned wrong = 0, compared = 0;
    bool written = true, before = true;  // nothing has been read yet
    for (uint32_t cycle = 0; cycle < 200000; cycle++) {
        // All words are written first: one memory holds zeros before, the other nothing.
        bool write = cycle < DEPTH || draw() % 2;
        top.address = cycle < DEPTH ? cycle : draw() % (draw() % 2 ? DEPTH : 7);
        top.write = write;
        top.write_data = (draw() * 257ull) & ((1ull << WIDTH) - 1);
        top.clk = 0; top.eval();
        if (!before) { compared++; wrong += top.read_data != top.other_data; }
        top.clk = 1; top.eval();
        before = written;
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
  special b(.clk(clk), .rst(1'b0), .address(address), .write_data(write_data), .write(write),
          .read_data(other_data));
endmodule
"""


TWO_PORTS = START + """\
int main() {
    Vtop top;
    unsigned wrong = 0, compared = 0;
    bool same = true, before = true;  // nothing has been read yet
    for (uint32_t cycle = 0; cycle < 200000; cycle++) {
        uint32_t range = draw() % 2 ? DEPTH : 7;
        top.read_address = draw() % range;
        top.write_address = draw() % range;
        top.write = draw() % 2;
        top.write_data = (draw() * 257ull) & ((1ull << WIDTH) - 1);
        top.clk = 0; top.eval();
        if (!before) { compared++; wrong += top.read_data != top.other_data; }
        top.clk = 1; top.eval();
        before = same;
        same = top.write && top.read_address == top.write_address;
    }
    printf("%u %u", compared > 100000, wrong);
}
"""

TOP_OF_TWO_PORTS = """
module top(input clk, input [{bits}:0] read_address, write_address, input [{high}:0] write_data,
           input write, output [{high}:0] read_data, other_data);
  plain a(.clk(clk), .rst(1'b0), .read_address(read_address), .write_address(write_address),
          .write_data(write_data), .write(write), .read_data(read_data));
  special b(.clk(clk), .rst(1'b0), .read_address(read_address), .write_address(write_address),
            .write_data(write_data), .write(write), .read_data(other_data));
endmodule
"""


KINDS = {
    "ice40": (23, 5000, ice40.SinglePortRam, {}),
    **{f"ecp5-{depth}": (23, depth, ecp5_rams.SinglePortRam, {})
       for depth in (100, 1024, 2048, 4096, 5000, 16384)},
    **{f"ecp5-shallow-{depth}": (40, depth, ecp5_rams.ShallowRam, {}) for depth in (100, 512)},
}


@pytest.mark.parametrize("kind", some([*KINDS], 3))
def test_single_port_ram(kind, tmp_path):
    """What is read is what was written last, behind every write that is followed by a read."""
    width, depth, special, options = KINDS[kind]
    text = "\n".join([
        verilog.convert(generic.SinglePortRam(width, depth), name="plain", emit_src=False),
        verilog.convert(special(width, depth, **options), name="special", emit_src=False),
        TOP.format(bits=(depth - 1).bit_length() - 1, high=width - 1)])
    folder, _ = build(text, DRIVER.replace("DEPTH", str(depth)).replace("WIDTH", str(width)),
                      extra_sources=models_of_cells(text, kind.partition("-")[0], tmp_path))
    outcome = call([folder / PROGRAM], seconds=60, folder=tmp_path)
    assert outcome.output.split() == ["1", "0"]


@pytest.mark.parametrize("width, depth", some([
    (23, 100), (40, 512), (8, 600), (31, 1024), (8, 2048), (8, 4096), (8, 5000), (8, 16384)], 3))
def test_ram(width, depth, tmp_path):
    """Equal to the portable one, whatever is written elsewhere meanwhile."""
    text = "\n".join([
        verilog.convert(generic.Ram(width, depth), name="plain", emit_src=False),
        verilog.convert(ecp5_rams.Ram(width, depth), name="special", emit_src=False),
        TOP_OF_TWO_PORTS.format(bits=(depth - 1).bit_length() - 1, high=width - 1)])
    driver = TWO_PORTS.replace("DEPTH", str(depth)).replace("WIDTH", str(width))
    folder, _ = build(text, driver, extra_sources=models_of_cells(text, "ecp5", tmp_path))
    outcome = call([folder / PROGRAM], seconds=60, folder=tmp_path)
    assert outcome.output.split() == ["1", "0"]


TWIN = START + """\
int main() {
    Vtop top;
    unsigned wrong = 0, compared = 0;
    bool same[2] = {true, true}, before[2] = {true, true};  // nothing has been read yet
    for (uint32_t cycle = 0; cycle < 200000; cycle++) {
        uint32_t range = draw() % 2 ? DEPTH : 7, addresses[2] = {draw() % range, draw() % range};
        top.read_address = addresses[0] | addresses[1] << BITS;
        top.write_address = draw() % range;
        top.write = draw() % 2;
        top.write_data = draw() & ((1ull << WIDTH) - 1);
        top.clk = 0; top.eval();
        for (int port = 0; port < 2; port++) {
            uint32_t mask = (1u << WIDTH) - 1, shift = port * WIDTH;
            if (!before[port]) {
                compared++;
                wrong += (top.read_data >> shift & mask) != (top.other_data >> shift & mask);
            }
            before[port] = same[port];
        }
        top.clk = 1; top.eval();
        same[0] = top.write;  // at its own port, and elsewhere at the other one
        same[1] = top.write && addresses[1] == top.write_address;
    }
    printf("%u %u", compared > 100000, wrong);
}
"""


@pytest.mark.parametrize("width, depth", some(
    [(8, 256), (8, 512), (8, 2048), (6, 4096), (4, 100)], 2))
def test_twin_ram(width, depth, tmp_path):
    """Equal to the portable one, at either port."""
    bits = (depth - 1).bit_length()
    top = TOP_OF_TWO_PORTS.replace("{bits}:0] read_address, write_address,",
                                   "{twice}:0] read_address, input [{bits}:0] write_address,")
    top = top.replace("{high}:0] read_data", "{both}:0] read_data")
    text = "\n".join([
        verilog.convert(generic.TwinRam(width, depth), name="plain", emit_src=False),
        verilog.convert(ecp5_rams.TwinRam(width, depth), name="special", emit_src=False),
        top.format(bits=bits - 1, twice=2 * bits - 1, high=width - 1, both=2 * width - 1)])
    driver = TWIN
    for name, value in (("DEPTH", depth), ("WIDTH", width), ("BITS", bits)):
        driver = driver.replace(name, str(value))
    folder, _ = build(text, driver, extra_sources=models_of_cells(text, "ecp5", tmp_path))
    outcome = call([folder / PROGRAM], seconds=60, folder=tmp_path)
    assert outcome.output.split() == ["1", "0"]


def test_places_of_a_large_memory():
    """Each block RAM has its own, those of neighbouring bits beside one another."""
    words = WordMemory(128, 18432, 32, "ecp5", "LFE5U-85F")
    sizes = [(16, depth) for _ in range(8) for _, depth in words.banks]
    made = primitives.single_port_rams("ecp5", "LFE5U-85F", sizes)
    assert {kind for kind, _ in made} == {ecp5_rams.SinglePortRam}
    sites = words.places
    assert sites == [site for _, options in made for site in options["sites"]]
    assert len(sites) == len(set(sites)) == 144
    assert set(sites) <= {site for line in ecp5_places.RAM_SITES["LFE5U-85F"] for site in line}
    across = [int(site[1:site.index("/")]) for site in sites]
    assert across == sorted(across)
    central = [site for _, options in primitives.rams("ecp5", "LFE5U-85F", [(8, 4096)] * 16, sites)
               for site in options["sites"]]
    assert len(set(central)) == 32 and not set(central) & set(sites)


def test_places_of_a_wide_memory():
    """Those of a bank, of either kind, are beside one another."""
    words = WideMemory(128, 1152 * 16, 32, "ecp5", "LFE5U-85F", words=16)
    assert [depth for _, depth in words.banks] == [1024, 128]
    counts = {ecp5_rams.SinglePortRam: 2, ecp5_rams.ShallowRam: 1}
    assert [(kind, len(options["sites"])) for kind, options in words._kinds] \
        == 64 * [*counts.items()]
    sites = words.places
    assert len(sites) == len(set(sites)) == 192
    across = [int(site[1:site.index("/")]) for site in sites]
    assert across == sorted(across)
    assert primitives.shallow_rams("ecp5", None, [(32, 40), (32, 65)]) == [
        (generic.SinglePortRam, {}), (ecp5_rams.ShallowRam, {"sites": ()})]


@pytest.mark.parametrize("device, depth, parts", [
    ("LFE5U-85F", 2048, 8), ("LFE5U-85F", 16384, 14), ("LFE5U-25F", 16384, 8), (None, 16384, 8)])
def test_no_places(device, depth, parts):
    """A small memory, one that is too large, and an unknown chip: the placer chooses."""
    made = primitives.single_port_rams("ecp5", device, [(16, depth)] * parts)
    assert made == [(ecp5_rams.SinglePortRam, {"sites": ()})] * parts
    assert primitives.rams("ecp5", device, [(8, depth)], []) == [(ecp5_rams.Ram, {"sites": ()})]


@pytest.mark.parametrize("family, width, depth", [
    ("ecp5", 8, 64),         # LUTs will do
    ("ecp5", 8, 1 << 15),    # deeper than any block RAM
    ("ecp5", 8, 9000),       # five behind one another, or eight side by side
    ("ice40", 8, 512), ("gowin", 8, 512), ("generic", 8, 512)])
def test_left_to_synthesis(family, width, depth):
    assert primitives.rams(family, None, [(width, depth)], []) == [(generic.Ram, {})]
    assert primitives.single_port_rams(family, None, [(width, depth)]) == [
        (generic.SinglePortRam, {})]
