"""What is known of a bitstream: a file beside it, for the runtime and for the reader."""

import dataclasses
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from types import UnionType
from typing import Any, Self, get_args, get_origin

from ..arch.boards import BOARDS, FASTEST
from ..arch.design import Design
from ..errors import UserError
from ..measure.fullness import Utilization, check_counts, words
from ..text import Shown, ShownTable, json_text
from ..tools.untrusted import check_type, read_text

__all__ = ["NAME", "Record"]

NAME = "build.json"
"""Name of the file."""
WHAT = "what `hwgen build` of this version writes"
FORMER = ("programmer", "frames_programmer")
"""Fields of older records that are not read: which command loads a board, its own file says."""
BESIDE = re.compile(r"\w[\w.-]*", re.ASCII)
"""Names of files that are beside the record, and no options of a command either."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Record(Shown):
    """What was built, and how.

    Members
    -------
    board : str
    design : Design
    clock_mhz : float
        The accelerator's clock.
    baud, bit_cycles : int
        Bits a second of the serial port, and the cycles that a bit takes.
    host_mhz : float
        The clock of those cycles, where the host's side has its own; 0 where it has not.
    bitstream : str
        Name of its file, which is beside this one.
    frames : str
        Name of the file for the flash memory, beside this one; empty if there is none.
    pll : dict
        The cell that makes the clock, and what it is set to.
    used : dict
        LUTs, registers, multipliers and block RAMs in use.
    fmax_mhz : float
        The clock that timing analysis allows.
    path : list of str
        What limits it, from register to register, with delays.
    attempts : list of dict
        Clock, seed and Fmax of everything that was placed, in its order.
    seconds : dict
        Wall time of each step.
    tools : dict
        Versions.
    network : dict or None
        The network that it was built for, and what that takes; ``embedded`` says whether the board
        has it when it wakes up.
    clock_source : str
        Where the clock comes from, in the words of :mod:`hwgen.build.clock`.
    utilization : dict
        How many cells of each kind are used and available, as nextpnr counts them; empty in old
        records.
    """

    board: str
    design: Design
    clock_mhz: float
    baud: int
    bit_cycles: int
    bitstream: str
    host_mhz: float = 0.0
    frames: str = ""
    pll: dict[str, Any] = field(default_factory=dict)
    used: dict[str, int] = field(default_factory=dict)
    fmax_mhz: float = 0.0
    path: list[str] = field(default_factory=list)
    attempts: list[dict[str, Any]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    tools: dict[str, str] = field(default_factory=dict)
    network: dict[str, Any] | None = None
    clock_source: str = "built"
    utilization: Utilization = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """What it is of, and its clock."""
        return f"Design {self.design.name} on {BOARDS[self.board].title}, {self.clock_mhz:.2f} MHz"

    def _view_(self) -> list[str | ShownTable]:
        """Return what it takes of the chip, and what limits its clock."""
        return [
            f"Design {self.design.name} on {BOARDS[self.board].title}",
            ShownTable({"LUT": str, "FF": str, "DSP": str, "block RAM": str,
                   "clock": "{:.2f} MHz".format, "Fmax": "{:.2f} MHz".format,
                   "tools": "{:.0f} s".format},
                  [[*(self.used[name] for name in ("luts", "registers", "dsps", "block_rams")),
                    self.clock_mhz, self.fmax_mhz, sum(self.seconds.values())]]),
            f"of the chip: {words(self.utilization)}",
            "limited by:", *(f"  {step}" for step in self.path)]

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return dataclasses.asdict(self)

    def write(self, folder: Path) -> None:
        """Write the file into ``folder``."""
        (folder / NAME).write_text(json_text(self.to_dict(), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the file in ``folder``."""
        return cls.parse(folder / NAME)

    @classmethod
    def parse(cls, path: Path) -> Self:
        """Read a file; a :class:`UserError` says what is wrong with it."""
        try:
            text = read_text(path, WHAT)
        except UserError as error:
            raise UserError(f"{error}; `hwgen build` writes it") from error
        try:
            values = json.loads(text)
            for name in FORMER:
                values.pop(name, None)
            record = cls(**values | {"design": Design.from_dict(values["design"])})
            check_counts(check_type(record.utilization, Utilization, "utilization"), "the build")
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise UserError(f"{path} is not {WHAT}: {error}") from error
        record._check(path)
        return record

    def _check(self, path: Path) -> None:
        """Refuse what `hwgen build` does not write: whoever gave us the file may mean no good."""
        for each in dataclasses.fields(self):
            value = getattr(self, each.name)
            if not isinstance(value, _kinds(each.type)) or isinstance(value, bool):
                kinds = " or ".join(kind.__name__ for kind in _kinds(each.type))
                raise UserError(f"{path}: {each.name} must be {kinds}, not {value!r}")
        if not 0 < self.clock_mhz <= FASTEST:
            raise UserError(f"{path}: clock_mhz must be above 0 and at most {FASTEST}, not "
                            f"{self.clock_mhz!r}")
        for name in ("baud", "bit_cycles"):
            if not 0 < getattr(self, name) < float("inf"):
                raise UserError(f"{path}: {name} must be more than 0, not {getattr(self, name)!r}")
        for name in ("bitstream", "frames"):
            value = getattr(self, name)
            if not BESIDE.fullmatch(value) and (name, value) != ("frames", ""):
                raise UserError(f"{path}: {name} must be the name of a file beside it, not "
                                f"{value!r}")
        if self.board not in BOARDS:
            raise UserError(f"{path}: there is no board {self.board!r}; there are "
                            f"{', '.join(BOARDS)}")


def _kinds(annotation: Any) -> tuple[type, ...]:
    """Return the classes of which a value of an annotated field may be."""
    parts = get_args(annotation) if isinstance(annotation, UnionType) else [annotation]
    kinds = tuple(get_origin(part) or part for part in parts)
    return (float, int) if kinds == (float,) else kinds
