"""The boards: what each FPGA board has, and the Design that suits it."""

import dataclasses
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..errors import UserError, check_choice, closest
from ..text import Shown, ShownTable
from ..tools.untrusted import check_type, read_toml, refusing

__all__ = ["BOARDS", "HOST_MHZ", "TWO_CLOCKS", "Board", "board", "closest", "presets",
           "read_board", "speed_grades"]

PLLS = {"ecp5": ("EHXPLLL",), "ice40": ("SB_PLL40_PAD", "SB_PLL40_CORE"), "gowin": ("rPLL",)}
"""The families, and the PLLs that each has."""
TWO_CLOCKS = ("ecp5",)
"""The families on which the host's side of an accelerator has a clock of its own."""
HOST_MHZ = 50
"""What that clock is at most where a PLL makes it: as fast as any baud rate needs."""
FASTEST = 1000
"""MHz of a crystal."""
LARGEST_COUNT = 1 << 31
CHECKOUT = Path(__file__).parents[2] / "boards"
INSTALLED = Path(__file__).parents[1] / "_boards"


def speed_grades(family: str, device: str) -> tuple[str, ...]:
    """Return the speed grades in which a chip comes, the slowest first; none where nobody asks."""
    if family != "ecp5":
        return ()
    return ("8",) if device.startswith("LFE5UM5G") else ("6", "7", "8")


@dataclass(frozen=True, kw_only=True, repr=False)
class Board(Shown):
    """One FPGA board, as its file in ``boards/`` tells.

    Parameters
    ----------
    name : str
        Name of the board and of its file.
    title : str
        What its makers call it.
    platform : str
        Class of amaranth-boards that has its pins, as ``module:Class``.
    family : str
        ``ecp5``, ``ice40`` or ``gowin``.
    device, package, speed_grade : str
        The chip, in its maker's words; no speed grade where there is only one.
    clock_mhz : int or float
        Frequency of the crystal.
    luts : int
        Four-input look-up tables.
    multipliers : int
        Hard multipliers.
    multiplier : str
        The cell that each of them is; empty where there is none.
    block_rams, block_ram_bits : int
        Dual-port block memories, and bits in each.
    single_port_rams, single_port_ram_bits : int
        Larger memories with one port, and bits in each.
    pll : str
        The cell that makes the clock of the crystal's; empty to take that of the crystal.
    serial : Mapping
        Where the serial port is, if the platform has no resource ``uart``: pins ``rx`` and ``tx``,
        as the board sees them, on the platform's ``connector`` if one is named, and their
        ``attributes``.
    programmer : str
        The command that loads ``{bitstream}``.
    flash : Mapping
        Where the board's memory of that kind is used for more than the bitstream: ``resource``, its
        name in the platform, the ``offset`` of the first byte that is free, and the command
        (``programmer``) that writes ``{frames}`` there.
    memory : Mapping
        The board's memory chip: ``chip``, one of those in ``hwgen/arch/sdram.toml``, and
        ``resource``, its name in the platform.
    design : Mapping
        Fields of the board's preset Design.
    designs : Mapping
        Those of further Designs, by the names that they have behind the board's.
    """

    name: str
    title: str
    platform: str
    family: str
    device: str
    package: str
    speed_grade: str
    clock_mhz: float
    luts: int
    multipliers: int
    multiplier: str
    block_rams: int
    block_ram_bits: int
    single_port_rams: int = 0
    single_port_ram_bits: int = 0
    pll: str = ""
    serial: Mapping[str, Any] = field(default_factory=dict, hash=False)
    programmer: str = ""
    flash: Mapping[str, Any] = field(default_factory=dict, hash=False)
    memory: Mapping[str, Any] = field(default_factory=dict, hash=False)
    design: Mapping[str, Any] = field(hash=False)
    designs: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def memory_bits(self) -> int:
        """Bits in all memories together."""
        return (self.block_rams * self.block_ram_bits
                + self.single_port_rams * self.single_port_ram_bits)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain data."""
        return {name: dict(value) if isinstance(value, Mapping) else value
                for name, value in vars(self).items()}

    @property
    def summary(self) -> str:
        """What it is, in a line."""
        return (f"Board {self.name}: {self.title}, {self.device}, {self.clock_mhz:g} MHz, "
                f"{self.luts:,} LUTs, {self.multipliers} multipliers")

    def _view_(self) -> list[ShownTable]:
        """Return a table of its fields, and of those of its Designs."""
        facts = self.to_dict()
        designs = {"design": facts.pop("design"), **{
            f"designs.{name}": fields for name, fields in facts.pop("designs").items()}}
        rows = [*facts.items(), *((f"{name}.{each}", value) for name, fields in designs.items()
                                  for each, value in fields.items())]
        return [ShownTable({"field": str, "value": str}, rows)]


def read_board(path: Path) -> Board:
    """Read and check one board file; a :class:`UserError` names the file and the field."""
    what = "a board file"
    values = read_toml(path, what)
    with refusing(path, what):
        fields = {f.name: f for f in dataclasses.fields(Board) if f.name != "name"}
        for name in values:
            if name not in fields:
                raise UserError(f"there is no field {name!r}{closest(name, fields)}")
        for name, spec in fields.items():
            if name in values:
                _check_value(name, check_type(values[name], spec.type, name))
            elif spec.default is spec.default_factory is dataclasses.MISSING:
                raise UserError(f"the field {name!r} is missing")
        _check_chip(values)
        if "serial" in values:
            _check_serial(values["serial"])
        if "flash" in values:
            _check_flash(values["flash"])
        if "memory" in values:
            _check_memory(values["memory"])
        for command in (values.get("programmer", ""),
                        values.get("flash", {}).get("programmer", "")):
            try:
                shlex.split(command)
            except ValueError as error:
                raise UserError(f"programmer must be a command, not {command!r}: {error}"
                                ) from error
        for name, design in values.get("designs", {}).items():
            check_type(design, dict[str, Any], f"designs.{name}")
    for name in ("serial", "flash", "memory", "design", "designs"):
        values[name] = MappingProxyType(values.get(name, {}))
    return Board(name=path.stem, **values)


def _check_value(name: str, value: Any) -> None:
    """Check the limits of a number."""
    if isinstance(value, (int, float)) and value < 0:
        raise UserError(f"{name} must not be negative, not {value!r}")
    if name == "clock_mhz" and not 1 <= value <= FASTEST:
        raise UserError(f"clock_mhz must be from 1 to {FASTEST}, not {value!r}")
    if isinstance(value, int) and value > LARGEST_COUNT:
        raise UserError(f"{name} must be at most {LARGEST_COUNT}, not {value!r}")


def _check_chip(values: dict[str, Any]) -> None:
    """Check the fields that name what others know."""
    family, pll = values["family"], values.get("pll", "")
    check_choice("family", family, PLLS)
    if not re.fullmatch(r"[a-z]\w*(\.\w+)+:[A-Za-z]\w*", values["platform"]):
        raise UserError(f"platform must be of the form module:Class, not {values['platform']!r}")
    if pll not in ("", *PLLS[family]):
        raise UserError(f"pll must be {' or '.join(PLLS[family])}, or left out, not {pll!r}")
    grades = speed_grades(family, values["device"])
    if grades and values["speed_grade"] not in grades:
        raise UserError(f"speed_grade must be {' or '.join(grades)}, as {values['device']} has it, "
                        f"not {values['speed_grade']!r}")


def _check_serial(serial: dict[str, Any]) -> None:
    """Check the table of the serial port's pins."""
    texts = {name: value for name, value in serial.items() if name != "attributes"}
    if not {"rx", "tx"} <= set(texts) <= {"rx", "tx", "connector"} or not all(
            isinstance(value, str) for value in texts.values()):
        raise UserError(f"serial must have the texts rx and tx, and may have connector and "
                        f"attributes, not {serial!r}")
    check_type(serial.get("attributes", {}), dict[str, Any], "serial.attributes")


def _check_flash(flash: dict[str, Any]) -> None:
    """Check the table of the flash memory."""
    kinds = {"resource": str, "offset": int, "programmer": str}
    if set(flash) != set(kinds) or not all(
            type(flash[name]) is kind for name, kind in kinds.items()) or flash["offset"] < 0:
        raise UserError(f"flash must have the texts resource and programmer, and the integer "
                        f"offset, not {flash!r}")


def _check_memory(memory: dict[str, Any]) -> None:
    """Check the table of the memory chip."""
    if set(memory) != {"resource", "chip"} or not all(isinstance(text, str)
                                                      for text in memory.values()):
        raise UserError(f"memory must have the texts resource and chip, not {memory!r}")


def presets() -> dict[str, Mapping[str, Any]]:
    """Return the fields of every preset Design by its name: ``BOARD`` or ``BOARD:NAME``."""
    found: dict[str, Mapping[str, Any]] = {}
    for name, board in BOARDS.items():
        found[name] = board.design
        found |= {f"{name}:{other}": fields for other, fields in board.designs.items()}
    return found


class Boards(Shown, Mapping[str, Board]):
    """The boards by name, each read when it is first asked for; a UserError lists the names.

    >>> hwgen.boards["icebreaker"].device
    'iCE40UP5K'
    >>> hwgen.boards["icebraker"]
    Traceback (most recent call last):
    hwgen.errors.UserError: There is no board 'icebraker'; there are ... did you mean 'icebreaker'?
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, Board] = {}

    def __contains__(self, name: object) -> bool:
        return name in set(self)

    def __getitem__(self, name: str) -> Board:
        if name not in self:
            raise UserError(f"There is no board {name!r}; there are {', '.join(self)}"
                            + closest(str(name), self))
        if name not in self._read:
            self._read[name] = read_board(self._folder / f"{name}.toml")
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(path.stem for path in self._folder.glob("*.toml")))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @property
    def summary(self) -> str:
        """Which boards there are."""
        return f"Boards {', '.join(self)}"

    def _view_(self) -> list[ShownTable]:
        """Return a table of them."""
        return [ShownTable({"name": str, "board": str, "chip": str, "clock": "{:g} MHz".format,
                       "LUTs": str, "multipliers": str, "memory": "{} KB".format, "preset": str},
                      [(b.name, b.title, b.device, b.clock_mhz, b.luts, b.multipliers,
                        b.memory_bits // 8192, f"{b.design.get('rows')}x{b.design.get('columns')}")
                       for b in self.values()])]


BOARDS = Boards(CHECKOUT if CHECKOUT.is_dir() else INSTALLED)


def board(name: Board | str) -> Board:
    """Return the board of that name; one that is a board already stays."""
    return name if isinstance(name, Board) else BOARDS[name]
