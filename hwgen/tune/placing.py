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
from ..measure.synthesis import (
    LOGIC_CELLS,
    board_of,
    flow_of,
    harness_of,
    source_of,
    versions,
    without_harness,
)
from ..tools.cache import cached_folder, digest
from ..tools.find import pip_command, side_by_side

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
    source = source_of(design)
    flow = flow_of(board_of(design, at), source)
    made_by = json.dumps(versions(design, at), sort_keys=True)
    name = digest([source, flow.pins, flow.script, made_by])
    netlist, _ = cached_folder(f"netlist-{name}", lambda folder: flow.synthesise(source, folder))

    def route(folder: Path) -> None:
        work = folder / "work"
        shutil.copytree(netlist, work)
        found: dict[str, Any] = {"excess": flow.pack(work)[1]}
        if not found["excess"]:
            alone = without_harness(flow.route(work, clock_mhz, seed)[1], harness_of(design))
            found |= {name: getattr(alone, name) for name in (
                "fmax_mhz", "luts", "registers", "dsps", "block_rams")}
            if LOGIC_CELLS in alone.utilization:
                found["cells"] = alone.utilization[LOGIC_CELLS]["used"]
        shutil.rmtree(work)
        (folder / RESULT).write_text(json.dumps(found))

    key = digest([name, flow.nextpnr.name, repr(flow.options), str(seed), f"{clock_mhz:g}",
                  *(["cells"] if flow.board.family == "ice40" else [])])
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
