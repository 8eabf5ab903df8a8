"""Print what a change does to LUT, FF, DSP, RAM and clock of some Designs: make compare.

The checkout is compared with the last commit, or where nothing is uncommitted, the last commit with
the one before it. Each of the two trees generates its own Verilog and has it synthesized, each in
its harness, which is taken off; what was measured once is kept under the digest of its Verilog.
"""

import argparse
import contextlib
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]

DESIGNS = {
    "4x4": ("ulx3s-85f", {
        "rows": 4, "columns": 4, "lines": 0, "dsps": 16, "activation_memory": 16384,
        "program_memory": 16384, "partial_sums": 256, "lanes": 4, "hard_lanes": 0,
        "line_pixels": 0}),
    "8x8": ("ulx3s-85f", {
        "rows": 8, "columns": 8, "lines": 3, "dsps": 64, "program_memory": 131072, "lanes": 4,
        "hard_lanes": 4, "line_pixels": 256}),
    "compact": ("icebreaker", {}),
    "bit-serial": ("ulx3s-85f:serial", {
        "rows": 8, "columns": 8, "lines": 0, "activation_memory": 16384, "program_memory": 16384,
        "partial_sums": 256, "lanes": 4, "hard_lanes": 4, "line_pixels": 0}),
}
"""Presets, and the fields that are other than there: one Design of each kind of accelerator."""

FIGURES = {"luts": "LUT", "registers": "FF", "dsps": "DSP", "block_rams": "block RAM",
           "single_port_rams": "big RAM", "fmax_mhz": "clock, MHz"}
CLOCK_MHZ = 200
"""What place and route tries for, which no whole accelerator reaches."""


def git(*words, folder=ROOT):
    """Return what git says."""
    run = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True)
    if run.returncode:
        raise SystemExit(f"compare: git {' '.join(words)}: {run.stderr.strip()}")
    return run.stdout.strip()


def default_ref(folder=ROOT):
    """Return the commit to compare with: the last one, if the checkout differs from it."""
    return "HEAD" if git("status", "--porcelain", folder=folder) else "HEAD~1"


@contextlib.contextmanager
def checked_out(ref, folder=ROOT):
    """Give a folder with the files of a commit."""
    (folder / "build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="compare-", dir=folder / "build") as scratch:
        tree = Path(scratch) / "tree"
        git("worktree", "add", "--detach", "--force", str(tree), ref, folder=folder)
        try:
            yield tree
        finally:
            git("worktree", "remove", "--force", str(tree), folder=folder)


def measured(tree, names, clock):
    """Return what Designs take with the hwgen of a tree, or why nothing is known."""
    command = [sys.executable, __file__, "--measure", *names, *["--clock"] * clock]
    run = subprocess.run(command, cwd=tree, env=os.environ | {"PYTHONPATH": str(tree)}, text=True,
                         stdout=subprocess.PIPE)
    if run.returncode:
        raise SystemExit(f"compare: {tree} cannot be measured")
    return json.loads(run.stdout)


def measure(name, clock):
    """Return what a Design takes, with the hwgen that Python finds."""
    from hwgen.arch.design import Design
    from hwgen.area.mapped import map_design
    from hwgen.errors import UserError
    from hwgen.measure.place_and_route import commands
    from hwgen.measure.synthesis import board_of, source_of, versions
    from hwgen.tools.cache import cached_folder, digest
    from hwgen.tune.placing import place

    preset, fields = DESIGNS[name]
    at = preset.partition(":")[0]
    try:
        design = Design.load(preset).replace(**fields)
    except UserError as error:  # a preset or a field that is new
        return {"none": str(error)}

    def synthesize(folder):
        with tempfile.TemporaryDirectory(prefix="hwgen-map-") as scratch:
            (folder / "mapped.json").write_text(json.dumps(map_design(design, Path(scratch))))

    made_by = json.dumps([commands(board_of(design, at)), versions(design, at)])
    folder, _ = cached_folder(f"mapped-{digest([source_of(design), made_by])}", synthesize)
    figures = json.loads((folder / "mapped.json").read_text())
    if clock:
        figures["fmax_mhz"] = place(dataclasses.asdict(design), 1, CLOCK_MHZ, at).get("fmax_mhz")
    return figures


def shown(designs):
    """Return the heading of a table, and its rows: of each Design before, after, and the change."""
    known = [figure for figure in FIGURES if any(
        figure in found for each in designs.values() for found in each.values())]
    rows = []
    for name, each in designs.items():
        before, after = each["before"], each["after"]
        if reason := before.get("none") or after.get("none"):
            rows.append([name, f"not known to both: {reason}", *[""] * len(known)])
            continue
        rows += [[name, "before", *(cell(before.get(figure)) for figure in known)],
                 ["", "after", *(cell(after.get(figure)) for figure in known)],
                 ["", "change", *(change(before.get(figure), after.get(figure))
                                  for figure in known)]]
    return ["Design", "", *(FIGURES[figure] for figure in known)], rows


def cell(value):
    """Return a figure as text."""
    return "" if value is None else f"{value:,}"


def change(before, after):
    """Return the change of a figure as text."""
    if before is None or after is None:
        return ""
    if before == after:
        return "="
    share = f" ({(after - before) / before:+.1%})" if before else ""
    return f"{round(after - before, 1):+,}{share}"


def main():
    """Compare, and print it."""
    parser = argparse.ArgumentParser(prog="make compare", description=__doc__)
    parser.add_argument("--ref", help="the commit to compare with")
    parser.add_argument("--only", nargs="+", choices=DESIGNS, default=[*DESIGNS])
    parser.add_argument("--clock", action="store_true", help="place and route, too: minutes each")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--measure", nargs="+", choices=DESIGNS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps({name: measure(name, options.clock) for name in options.measure}))
        return
    ref = options.ref or default_ref()
    commit = git("rev-parse", "--short", f"{ref}^{{commit}}")
    with checked_out(commit) as tree:
        before = measured(tree, options.only, options.clock)
    after = measured(ROOT, options.only, options.clock)
    changed = git("status", "--porcelain") != ""
    facts = {"before": commit, "after": git("rev-parse", "--short", "HEAD"),
             "uncommitted": changed, "designs": {
                 name: {"before": before[name], "after": after[name]} for name in options.only}}
    if options.json:
        print(json.dumps(facts, indent=2))
        return
    from hwgen.text import table

    print(f"before: {commit}; after: "
          + ("the checkout" if changed else facts["after"]))
    print(table(*shown(facts["designs"])))


if __name__ == "__main__":
    main()
