"""Readers of text: Designs, boards, records, results, placements; and of Programs."""

from functools import cache
from pathlib import Path

from hwgen.arch import boards
from hwgen.arch.design import Design
from hwgen.area.clock import fit_clocks, leave_one_out, placements_of
from hwgen.area.mapped import read_designs, read_figures
from hwgen.build.bitstream import clocks
from hwgen.build.constraints import constraints
from hwgen.build.pins import pins_of
from hwgen.build.programming import programmers
from hwgen.build.record import Record
from hwgen.compiler import compile_network
from hwgen.compiler.program import Program
from hwgen.measure.results import update
from hwgen.network.reader import read_network

from .damage_archive import archive
from .damage_tree import json_file, toml_file
from .networks import DESIGN, tflite_seeds
from .reader import Reader

__all__ = ["READERS"]

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "docs" / "results"


def files(*paths: Path) -> dict[str, bytes]:
    """Return files by their names."""
    return {path.name: path.read_bytes() for path in paths}


def design_seeds() -> dict[str, bytes]:
    """Return the Design of every preset."""
    return {f"{name.replace(':', '-')}.toml": Design.load(name).to_toml().encode()
            for name in boards.presets()} | {"array.toml": Design().to_toml().encode()}


def read_design(path: Path) -> None:
    """Read a Design, and write it again."""
    design = Design.load(path)
    assert design.name and design.fingerprint >= 0
    again = path.with_name("again.toml")
    again.write_text(design.to_toml())
    assert Design.load(again) == design


@cache
def network() -> str:
    """Return the path of a small network."""
    path = Path("/dev/shm" if Path("/dev/shm").is_dir() else "/tmp") / "hwgen-fuzz-add.tflite"
    path.write_bytes(tflite_seeds()["add.tflite"])
    return str(path)


def read_board(path: Path) -> None:
    """Read a board, its presets, its pins and its clocks."""
    board = boards.read_board(path)
    board.to_dict()
    for fields in (board.design, *board.designs.values()):
        Design.from_dict(fields)
    constraints(board.family, pins_of(board), board.clock_mhz)
    clocks(board, 115_200)


def list_board(path: Path) -> list[str]:
    """Return the command that shows a board of a folder."""
    boards.BOARDS._folder, boards.BOARDS._read = path.parent, {}  # type: ignore[attr-defined]
    return ["boards", path.stem]


def read_record(path: Path) -> None:
    """Read a record as all that read it do."""
    record = Record.parse(path)
    programmers(record, path.parent)
    assert record.clock_mhz > 0 and record.baud > 0


def program(path: Path) -> list[str]:
    """Return the command that loads a board, whose programmer is never there."""
    return ["run", network(), "--input", "none.npy", "--build", str(path.parent)]


def read_results(path: Path) -> None:
    """Read a list of Designs, of which none is measured."""
    update(path, only="no Design has this name", say=lambda text: None)


def read_measured(path: Path) -> None:
    """Read figures beside a list of which none is new."""
    (path.parent / "systolic.toml").write_bytes((RESULTS / "systolic.toml").read_bytes())
    update(path.parent / "systolic.toml", only="no Design has this name", say=lambda text: None)


def read_placements(path: Path) -> None:
    """Read placements, and fit clocks to them."""
    known = placements_of(path)
    fit_clocks(known)
    leave_one_out(known)


def read_mapped(path: Path) -> None:
    """Read a list of Designs whose resources are known."""
    read_designs(path)


def read_stored(path: Path) -> None:
    """Read the figures beside such a list."""
    read_figures(path.with_suffix(".toml"))


def read_program(path: Path) -> None:
    """Read a Program."""
    loaded = Program.load(path)
    assert list(loaded.memory)


@cache
def program_seeds() -> dict[str, bytes]:
    """Return Programs of some networks."""
    folder = ROOT / "build" / "fuzz-seeds"
    folder.mkdir(parents=True, exist_ok=True)
    found = {}
    for name, data in tflite_seeds().items():
        if name in ("add.tflite", "conv_2d.tflite", "graph2.tflite"):
            (folder / name).write_bytes(data)
            path = folder / f"{Path(name).stem}.program"
            compile_network(read_network(folder / name), DESIGN).save(path)
            found[path.name] = path.read_bytes()
    return found



READERS = (
    Reader(name="design", what="Designs (`.toml`)", seeds=design_seeds, damage=toml_file,
           read=read_design, command=lambda path: ["cycles", network(), "--design", str(path)]),
    Reader(name="board", what="`boards/*.toml`", damage=toml_file, read=read_board,
           seeds=lambda: files(*sorted((ROOT / "boards").glob("*.toml"))), command=list_board,
           names_file=False),
    Reader(name="record", what="`build.json` of `hwgen build`", damage=json_file, read=read_record,
           seeds=lambda: {"build.json": (RESULTS / "boards" / "icebreaker.json").read_bytes()},
           command=program),
    Reader(name="results-list", what="lists of Designs to measure (`docs/results/*.toml`)",
           seeds=lambda: files(RESULTS / "systolic.toml", RESULTS / "serial.toml"),
           damage=toml_file, read=read_results,
           command=lambda path: ["synth", "--list", str(path), "--only", "no"]),
    Reader(name="results", what="measured figures (`docs/results/*.json`)", damage=json_file,
           seeds=lambda: files(RESULTS / "systolic.json"), read=read_measured),
    Reader(name="placements", what="placements that clocks are fitted to", damage=json_file,
           seeds=lambda: files(RESULTS / "placements.json",
                               RESULTS / "boards" / "icebreaker.json"), read=read_placements),
    Reader(name="mapped-list", what="lists of Designs that resources are fitted to",
           damage=toml_file, seeds=lambda: files(RESULTS / "mapped_ice40.toml"),
           read=read_mapped),
    Reader(name="mapped", what="their figures", damage=json_file, read=read_stored,
           seeds=lambda: files(RESULTS / "mapped_ice40.json")),
    Reader(name="program", what="Programs of `hwgen compile`", damage=archive, read=read_program,
           seeds=program_seeds),
)
