"""Another clock for a design that is placed and routed: its PLL and its serial port set anew.

Neither moves a wire: a PLL's divisors are its own, and the cycles of a bit are in LUTs that
synthesis leaves as they are (:mod:`hwgen.rtl.primitives.settable`). So what comes of it is a
routing of what synthesis makes for the other clock.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from amaranth.hdl import Const
from amaranth.utils import bits_for

from ..arch.boards import Board
from ..measure.place_and_route import commands, run
from ..rtl.links.uart import COUNTS, counts_of
from ..rtl.primitives.plls import ClockSetting
from ..tools.find import require
from ..tools.untrusted import refusing
from .attempt import CELLS, ROUTED
from .placement import NAME

__all__ = ["contents", "reclock", "rewritten"]

LUTS = {"ecp5": "INITVAL", "ice40": "LUT_INIT", "gowin": "INIT"}
"""What nextpnr calls the contents of a LUT, by family."""

PACKED = re.compile("_(LC|PLL)$")
"""What nextpnr adds to the name of a cell when it packs it."""

PARAMETER = re.compile(r'^(\s*"(\w+)": ")([01]+)(".*)$', re.S)

Contents = Mapping[str, Mapping[str, int]]
"""What cells contain, by their names and those of their parameters."""


def contents(family: str, setting: ClockSetting, divisor: int, most: int) -> Contents:
    """Return what the PLL and the LUTs contain that hold a clock and its serial port's divisor."""
    found = {"clocks.pll": {
        name: value.value if isinstance(value, Const) else value
        for name, value in setting.parameters.items() if not isinstance(value, str)}}
    for name, count, widest in zip(COUNTS, counts_of(divisor), counts_of(most), strict=True):
        for index in range(bits_for(widest)):
            found[f"serial.uart.{name}.bit_{index}"] = {
                LUTS[family]: 0xffff * (count >> index & 1)}
    return found


def rewritten(lines: Iterable[str], wanted: Contents) -> Iterator[str]:
    """Yield the lines of a design that nextpnr wrote, with other contents of some cells.

    A KeyError names one that is not there once.
    """
    left = {(cell, name) for cell, values in wanted.items() for name in values}
    cell = before = ""
    for line in lines:
        if '"hide_name"' in line:  # the first field, so the line before has the name
            found = NAME.match(before)
            cell = PACKED.sub("", found[1]) if found else ""
        before = line
        found = PARAMETER.match(line) if cell in wanted else None
        if found and found[2] in wanted[cell]:
            left.remove((cell, found[2]))
            line = f"{found[1]}{wanted[cell][found[2]]:0{len(found[3])}b}{found[4]}"
        yield line
    if left:
        raise KeyError(min(left))


def reclock(board: Board, folder: Path, log: str, target: str, wanted: Contents) -> float:
    """Change cells of a routed design, and return the seconds that took.

    ``log`` is the name of its files, and ``target`` that of those that are written.
    """
    old, new = (folder / f"{name}.{CELLS[1]}" for name in (log, target))
    what = "a design as nextpnr of this version writes it"
    with (refusing(old, what), old.open(encoding="utf-8") as source,
          new.open("w", encoding="utf-8") as sink):
        sink.writelines(rewritten(source, wanted))
    option, suffix = ROUTED[board.family]
    if (option, suffix) == CELLS:
        return 0.0
    _, program, options = commands(board)
    options[options.index("--json") + 1] = new.name
    return run([require(program, "toolchain"), *options, "--no-pack", "--no-place", "--no-route",
                option, f"{target}.{suffix}"], folder, target)
