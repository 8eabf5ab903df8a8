"""A simulated board's memory chip: a model at its pins, which holds all against the data sheet."""

from dataclasses import asdict
from fractions import Fraction
from math import ceil
from pathlib import Path

from ..arch.external import CAPTURE, External
from ..arch.sdram import CHIPS, Cycles, geometry_of

__all__ = ["CHIP", "FAULTS", "model_of", "verilog_of", "with_chip"]

CHIP = Path(__file__).with_name("sdram_chip.v")
FAULTS = ("", "tCK", "tRCD", "tRP", "tRAS", "tRAS_max", "tRC", "tRRD", "tRFC", "tWR", "tMRD",
          "power_up", "interval", "tREF", "bank", "mode", "burst", "bus", "command")
"""The rules of the model, by their numbers."""
TIMES = {"T_RCD": "tRCD", "T_RP": "tRP", "T_RAS": "tRAS", "T_RAS_MAX": "tRAS_max", "T_RC": "tRC",
         "T_RRD": "tRRD", "T_RFC": "tRFC", "T_WR": "tWR", "T_MRD": "tMRD"}
COUNTS = {"C_RRD": "tRRD_cycles", "C_WR": "tWR_cycles", "C_MRD": "tMRD_cycles"}

BOARD = """
module board(input clk, rst, input [7:0] rx__payload, input rx__valid, output rx__ready,
             output [7:0] tx__payload, output tx__valid, input tx__ready);
    wire ras_n, cas_n, we_n, dqm, drives;
    wire [1:0] bank;
    wire [{address}:0] a;
    wire [{word}:0] to_chip, from_chip;
    wire [4:0] fault;
    {module} accelerator(.clk(clk), .rst(rst), .rx__payload(rx__payload), .rx__valid(rx__valid),
        .rx__ready(rx__ready), .tx__payload(tx__payload), .tx__valid(tx__valid),
        .tx__ready(tx__ready), .chip__ras_n(ras_n), .chip__cas_n(cas_n), .chip__we_n(we_n),
        .chip__dqm(dqm), .chip__bank(bank), .chip__address(a), .chip__dq_o(to_chip),
        .chip__dq_oe(drives), .chip__dq_i(from_chip));
    sdram_chip #({parameters}) chip(.clk(clk), .ras_n(ras_n), .cas_n(cas_n), .we_n(we_n),
        .dqm(dqm), .a(a), .ba(bank), .dq_i(to_chip), .dq_oe(drives), .dq_o(from_chip),
        .fault(fault));
    always @(posedge clk) if (fault != 0) begin
        $display("the memory chip was not used as its data sheet says: rule %0d", fault);
        $stop;
    end
endmodule
"""


def model_of(name: str, clock_mhz: float, cycles: Cycles, delay: int, hot: bool) -> dict[str, int]:
    """Return the parameters of the model of a chip."""
    chip = CHIPS[name]
    facts, size = asdict(chip), geometry_of(name)
    khz = Fraction(str(clock_mhz)) * 1000
    page = cycles.page(size["words"], write=True)
    return {
        "WIDTH": chip.width, "ROW_BITS": chip.row_bits, "COLUMN_BITS": chip.column_bits,
        "ADDRESS_BITS": max(chip.row_bits, 11), "KHZ": int(khz),
        **{time: round(1000 * facts[fact]) for time, fact in TIMES.items()},
        **{count: facts[fact] for count, fact in COUNTS.items()},
        "T_CK": int(1_000_000 / chip.clock_mhz), "T_INIT": round(chip.power_up_us * 1_000_000),
        "T_REF": round(chip.refresh_ms * 1_000_000_000) // (2 if hot else 1),
        "REFRESHES": chip.refreshes, "T_LATE": ceil(page * 1_000_000_000 / khz), "DELAY": delay}


def verilog_of(model: dict[str, int]) -> str:
    """Return parameters as Verilog passes them."""
    return ", ".join(f".{name}(64'd{value})" if value >> 31 else f".{name}({value})"
                     for name, value in model.items())


def with_chip(verilog: str, module: str, external: External) -> str:
    """Return the Verilog of an accelerator, and of a module ``board`` that has its chip, too."""
    model = model_of(external.chip, external.clock_mhz, external.cycles, CAPTURE, False)
    return verilog + CHIP.read_text("utf-8") + BOARD.format(
        module=module, word=model["WIDTH"] - 1, address=model["ADDRESS_BITS"] - 1,
        parameters=verilog_of(model))
