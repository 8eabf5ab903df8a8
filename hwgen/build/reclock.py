"""Another clock for a design that is placed and routed: its PLL and its serial port set anew.

Neither moves a wire: a PLL's divisors are its own, and the cycles of a bit are in LUTs that
synthesis leaves as they are (:mod:`hwgen.rtl.primitives.settable`). So what comes of it is a
routing of what synthesis makes for the other clock.
"""

import re
import time
from collections.abc import Container, Iterable, Iterator, Mapping
from pathlib import Path

from amaranth.hdl import Const
from amaranth.utils import bits_for

from ..arch.boards import Board
from ..measure.place_and_route import Flow, run
from ..rtl.links.uart import COUNTS, counts_of
from ..rtl.primitives.plls import ClockSetting
from ..tools.untrusted import refusing
from .attempt import CELLS, ROUTED
from .placement import lines_of_cells

__all__ = ["contents", "reclock", "rewrite_configuration", "rewrite_design"]

PLL = "clocks.pll"
"""Name of the PLL."""

LUTS = {"ecp5": "INITVAL", "ice40": "LUT_INIT", "gowin": "INIT"}
"""What nextpnr calls the contents of a LUT, by family."""

BEL = re.compile(r'"NEXTPNR_BEL": "([^"]+)"')
PARAMETER = re.compile(r'^(\s*"(\w+)": ")([01]+)(".*)$', re.S)

Contents = Mapping[str, Mapping[str, int]]
"""What cells contain, by their names and those of their parameters."""


def contents(family: str, setting: ClockSetting, divisor: int, most: int) -> Contents:
    """Return what the PLL and the LUTs contain that hold a clock and its serial port's divisor.

    There are no such LUTs if ``most`` is 0, as the serial port has another clock.
    """
    found = {PLL: {
        name: value.value if isinstance(value, Const) else value
        for name, value in setting.parameters.items() if not isinstance(value, str)}}
    for name, count, widest in zip(COUNTS, counts_of(divisor), counts_of(most),
                                   strict=True) if most else ():
        for index in range(bits_for(widest)):
            found[f"serial.uart.{name}.bit_{index}"] = {
                LUTS[family]: 0xffff * (count >> index & 1)}
    return found


def bels_of(lines: Iterable[str], names: Container[str]) -> dict[str, str]:
    """Return the places of some cells of a design that nextpnr wrote."""
    return {cell: found[1] for cell, line in lines_of_cells(lines) if cell in names
            and (found := BEL.search(line))}


def rewrite_design(lines: Iterable[str], wanted: Contents) -> Iterator[str]:
    """Yield the lines of a design that nextpnr wrote, with other contents of some cells.

    A KeyError names one that is not there once.
    """
    left = {(cell, name) for cell, values in wanted.items() for name in values}
    for cell, line in lines_of_cells(lines):
        found = PARAMETER.match(line) if cell in wanted else None
        if found and found[2] in wanted[cell]:
            left.remove((cell, found[2]))
            yield f"{found[1]}{wanted[cell][found[2]]:0{len(found[3])}b}{found[4]}"
        else:
            yield line
    if left:
        raise KeyError(min(left))


def rewrite_configuration(lines: Iterable[str], bels: Mapping[str, str], wanted: Contents,
                          ) -> Iterator[str]:
    """Yield the lines of an ECP5's configuration, with other contents of the cells at some places.

    A KeyError names a word that is not there.
    """
    left: dict[tuple[str, str], int] = {}
    for cell, values in wanted.items():
        x, y, bel = re.findall(r"X(\d+)/Y(\d+)/(\S+)", bels[cell])[0]
        for name, value in values.items():
            if cell == PLL:  # its divisors are counted from 1
                left[f"PLL0_{bel.rpartition('_')[2]}", name] = value - name.endswith("_DIV")
            else:
                left[f"R{y}C{x}:PLC2", f"{bel}.INIT"] = value
    tiles: set[str] = set()
    for line in lines:
        if line.startswith(".tile"):
            words = line.split()
            tiles = {*words, *(word.rpartition(":")[2] for word in words)}
        elif line.startswith("word: "):
            _, name, bits = line.split()
            for tile in tiles:
                if (tile, name) in left:
                    line = f"word: {name} {left.pop((tile, name)):0{len(bits)}b}\n"
        yield line
    if left:
        raise KeyError(min(left))


def reclock(board: Board, folder: Path, log: str, target: str, wanted: Contents) -> float:
    """Change cells of a routed design, and return the seconds that took.

    ``log`` is the name of its files, and ``target`` that of the one that is written. An iCE40's
    goes through nextpnr once more. That of an ECP5 is changed where it is configured: nextpnr
    forgets the constants at its DSP blocks when it reads a routed design.
    """
    started = time.monotonic()
    option, suffix = ROUTED[board.family]
    cells, routed = folder / f"{log}.{CELLS[1]}", folder / f"{log}.{suffix}"
    what = "a design as nextpnr of this version writes it"
    if board.family == "ecp5":
        with cells.open(encoding="utf-8") as lines:
            bels = bels_of(lines, wanted)
        with refusing(routed, what), routed.open(encoding="utf-8") as lines:
            write(folder / f"{target}.{suffix}", rewrite_configuration(lines, bels, wanted))
        return time.monotonic() - started
    with refusing(cells, what), cells.open(encoding="utf-8") as lines:
        write(folder / f"{target}.{CELLS[1]}", rewrite_design(lines, wanted))
    if board.family == "ice40":
        flow = Flow.of(board)
        flow.options[flow.options.index("--json") + 1] = f"{target}.{CELLS[1]}"
        run([flow.nextpnr, *flow.options, "--no-pack", "--no-place", "--no-route",
             option, f"{target}.{suffix}"], folder, target)
    return time.monotonic() - started


def write(path: Path, lines: Iterable[str]) -> None:
    """Write a file line by line, as some have hundreds of megabytes."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(lines)
