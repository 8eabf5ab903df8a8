"""Accelerators whose top levels are tested whole, and how."""

from hwgen.arch.design import Design
from hwgen.generate.design import module, verilog

DESIGNS = {
    "fast": Design(rows=4, columns=6, lanes=2, activation_memory=256, program_memory=252,
                   partial_sums=8, steps=4),
    "compact": Design(rows=4, columns=4, lanes=1, activation_memory=128, program_memory=256,
                      partial_sums=8, steps=0, compact=True),
    "sparse": Design(engine="sparse", rows=4, columns=4, lanes=1, activation_memory=256,
                     program_memory=256, partial_sums=8, steps=4, sparse_entries=8,
                     sparse_columns=9, sparse_depth=1),
    "unpacks": Design(rows=4, columns=6, lanes=2, activation_memory=256, program_memory=252,
                      partial_sums=8, steps=4, decompress=True),
}


def run_top(runner, design, top, bench, folder):
    """Run a bench of ``sim`` on the Verilog of a top level."""
    (folder / "design.toml").write_text(design.to_toml())
    runner.run(verilog(design, top), bench, folder, top=module(design, top),
               parameters={"DESIGN": folder / "design.toml"}).check()
