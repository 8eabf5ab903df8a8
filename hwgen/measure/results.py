"""The measured figures that lie in ``docs/results``: which Designs, measured when, shown how."""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..arch.boards import FASTEST, board
from ..arch.design import Design
from ..errors import UserError
from ..text import markdown
from ..tools.untrusted import check_type, read_json, read_toml, refusing
from .fullness import check_counts, words
from .place_and_route import LARGEST_SEED, commands
from .synthesis import Measured, board_of, measure, source_of, versions
from .units import MeasuredUnit

__all__ = ["Entry", "figures_of", "read_list", "update"]


@dataclasses.dataclass(frozen=True)
class Entry:
    """One Design or unit to measure: what for, the clock to try for, the seeds of the placer.

    ``insist`` and ``at`` are for :func:`measure`.
    """

    design: Design | MeasuredUnit
    note: str
    clock_mhz: float
    seeds: tuple[int, ...]
    insist: bool = False
    at: str | None = None

    @property
    def digest(self) -> str:
        """What the figures depend on; while it stays, they need not be measured again."""
        made_by = versions(self.design, self.at), commands(board_of(self.design, self.at))
        parts = [source_of(self.design), str(self.clock_mhz), str(self.seeds),
                 json.dumps(made_by[0], sort_keys=True), repr(made_by[1]),
                 *(["insist"] if self.insist else [])]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def read_list(path: Path) -> list[Entry]:
    """Read the list of Designs, or of units, of one results file.

    A Design is told by its fields, or by ``preset`` and the fields that are other than there.
    ``boards`` are those that are meant, where several have a chip.
    """
    what = "a list of [[design]] tables"
    tables = read_toml(path, what)
    kind = "unit" if "unit" in tables else "design"
    make: Callable[[dict[str, Any]], Design | MeasuredUnit] = (
        MeasuredUnit.from_dict if kind == "unit" else _design)
    with refusing(path, what):
        boards = {board(name).device: name
                  for name in check_type(tables.get("boards", []), list[str], "boards")}
        rows = check_type(tables[kind], list[dict[str, Any]], kind)
    entries = []
    for number, row in enumerate(rows, 1):
        fields = dict(row)
        try:
            note = check_type(fields.pop("note", ""), str, "note")
            clock = check_type(fields.pop("clock_mhz", None), float, "clock_mhz")
            seeds = check_type(fields.pop("seeds", [1]), tuple[int, ...], "seeds")
            check_tried(clock, seeds)
            insist = check_type(fields.pop("insist", False), bool, "insist")
            design = make(fields)
            at = boards.get(design.device or "")
            entries.append(Entry(design, note, clock, seeds, insist, at))
        except (TypeError, ValueError) as error:
            raise UserError(f"{path}: design {number}: {error}") from error
    return entries


def check_tried(clock: float, seeds: tuple[int, ...]) -> None:
    """Refuse what place and route cannot be asked for."""
    if not 1 <= clock <= FASTEST:
        raise ValueError(f"clock_mhz must be from 1 to {FASTEST}, not {clock:g}")
    if not seeds or not all(0 <= seed <= LARGEST_SEED for seed in seeds):
        raise ValueError(f"seeds must be integers from 0 to {LARGEST_SEED}, at least one")


def figures_of(path: Path) -> dict[str, Any]:
    """Return the figures that were written beside a list, by the names of the Designs."""
    what = "a file of measured figures"
    with refusing(path, what):
        known = check_type(read_json(path, what), dict[str, dict[str, Any]], "the file")
        for name, row in known.items():
            measured = check_type({key: value for key, value in row.items() if key != "digest"},
                                  Measured, name)
            check_counts(measured.utilization, name)
    return known


def _design(fields: dict[str, Any]) -> Design:
    """Return the Design that a list tells of."""
    preset = fields.pop("preset", None)
    return Design.from_dict(fields) if preset is None else Design.load(preset).replace(**fields)


def update(path: Path, *, only: str = "",
           say: Callable[[str], None] = print) -> dict[str, Measured]:
    """Measure what has changed of the list at ``path``, and write the figures beside it.

    The figures go into a ``.json`` of the same name after every Design, so that nothing is lost
    when this is stopped, and into a ``.md`` that shows them.

    Parameters
    ----------
    path : Path
        The list, a TOML file.
    only : str
        Measure only Designs whose name contains this.
    say : function
        Told what happens.
    """
    entries = read_list(path)
    stored = path.with_suffix(".json")
    known = figures_of(stored) if stored.exists() else {}
    for entry in entries:
        name = entry.design.name
        if only not in name:
            continue
        digest = entry.digest  # of Verilog, which takes its time
        if known.get(name, {}).get("digest") == digest:
            say(f"{name}: as measured before")
            continue
        say(f"{name}: building for {entry.design.device}")
        figures = measure(entry.design, clock_mhz=entry.clock_mhz, seeds=entry.seeds,
                          insist=entry.insist, at=entry.at)
        say(f"{name}: {figures.fmax_mhz} MHz, {figures.luts} LUT, {figures.registers} registers")
        known[name] = {"digest": digest, **dataclasses.asdict(figures)}
        stored.write_text(json.dumps(known, indent=1) + "\n")
    names = [entry.design.name for entry in entries]
    known = {name: known[name] for name in names if name in known}
    stored.write_text(json.dumps(known, indent=1) + "\n")
    path.with_suffix(".md").write_text(page(path, entries, known))
    return {name: Measured(**{key: value for key, value in row.items() if key != "digest"})
            for name, row in known.items()}


def page(path: Path, entries: list[Entry], known: dict[str, Any]) -> str:
    """Return the figures as a Markdown page."""
    return "\n\n".join(_page(path, entries, known)) + "\n"


def scarcest(figures: dict[str, Any]) -> str:
    """Return of what the chip has least left, and how much of it is used."""
    return words(figures.get("utilization", {})).partition(",")[0]


def _page(path: Path, entries: list[Entry], known: dict[str, Any]) -> Iterator[str]:
    """Yield its paragraphs."""
    rows = []
    # What was measured before this was counted has none of it.
    known_full = any(figures.get("utilization") for figures in known.values())
    for entry in entries:
        figures, design = known.get(entry.design.name), entry.design
        if figures:
            cells = design.rows * design.columns if isinstance(design, Design) else None
            luts, registers = ([figures[name], *([f"{figures[name] / cells:.1f}"] if cells else [])]
                               for name in ("luts", "registers"))
            rows.append([
                f"`{design.name}`", entry.note, figures["device"],
                figures["dsps"], figures["block_rams"], *luts, *registers,
                *([scarcest(figures)] if known_full else []),
                f"**{figures['fmax_mhz']:.0f}**", f"{sum(figures['seconds'].values()):.0f}"])
    yield f"# Measured: {path.stem}"
    yield (f"Written by `make synth` from [`{path.name}`]({path.name}); every figure with its "
           f"limiting path, tool times and seeds is in [`{path.stem}.json`]({path.stem}.json). "
           "Each alone, between registers, after yosys and nextpnr; the harness is taken "
           "off. LUT are four-input LUTs, carry chains and LUT memories included (a CCU2C counts "
           "two). Fmax is what nextpnr's timing analysis says of the placed and routed design; "
           "no chip has run it.")
    if any(isinstance(entry.design, MeasuredUnit) for entry in entries):
        head = ["unit", "what for", "device", "DSP", "block RAM", "LUT", "FF"]
    else:
        head = ["Design", "what for", "device", "DSP", "block RAM", "LUT", "a cell", "FF", "a cell"]
    yield "\n".join(
        markdown([*head, *["scarcest"] * known_full, "Fmax, MHz", "tools, s"], rows))
    tools = {tool: version for figures in known.values()
             for tool, version in figures["tools"].items()}
    yield "Tools: " + ", ".join(f"{tool} {tools[tool]}" for tool in sorted(tools)) + "."
    if any(figures["device"].startswith("GW") for figures in known.values()):
        yield ("nextpnr has no timing of Gowin's multipliers, and for iCE40's SB_MAC16 only a "
               "rough one: there Fmax is that of the logic around them.")
