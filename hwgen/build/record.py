"""What is known of a bitstream: a file beside it, for the runtime and for the reader."""

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from ..boards import BOARDS, FASTEST
from ..cost.fullness import Utilization
from ..design import Design
from ..errors import UserError

__all__ = ["NAME", "Record"]

NAME = "build.json"
"""Name of the file."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """What was built, and how.

    Members
    -------
    board : str
    design : Design
    clock_mhz : float
        The accelerator's clock.
    baud, bit_cycles : int
        Bits a second of the serial port, and the cycles that a bit takes.
    bitstream : str
        Name of its file.
    programmer : str
        The command that loads it.
    frames, frames_programmer : str
        Name of the file for the flash memory, and the command that writes it; empty if there is
        none.
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
        Where the clock comes from, in the words of :mod:`hwgen.clock`.
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
    programmer: str = ""
    frames: str = ""
    frames_programmer: str = ""
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

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return dataclasses.asdict(self)

    def write(self, folder: Path) -> None:
        """Write the file into ``folder``."""
        (folder / NAME).write_text(json.dumps(self.to_dict(), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the file in ``folder``."""
        return cls.parse(folder / NAME)

    @classmethod
    def parse(cls, path: Path) -> Self:
        """Read a file; a :class:`UserError` says what is wrong with it."""
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            record = cls(**values | {"design": Design.from_dict(values["design"])})
        except OSError as error:
            raise UserError(f"{path} cannot be read: {error.strerror}; `hwgen build` writes it"
                            ) from error
        except (ValueError, TypeError, KeyError) as error:
            raise UserError(f"{path} is not what `hwgen build` of this version writes: {error}"
                            ) from error
        if not isinstance(record.clock_mhz, (int, float)) or not 0 < record.clock_mhz <= FASTEST:
            raise UserError(f"{path}: clock_mhz must be above 0 and at most {FASTEST}, not "
                            f"{record.clock_mhz!r}")
        if record.board not in BOARDS:
            raise UserError(f"{path}: there is no board {record.board!r}; there are "
                            f"{', '.join(BOARDS)}")
        return record
