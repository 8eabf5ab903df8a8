"""What differs between FPGA families: multipliers, and delays in LUT memory.

The rest of the RTL asks here for what it needs and names only the family.
"""

import itertools
from collections.abc import Callable, Hashable
from contextlib import nullcontext
from typing import Any

from amaranth import Module, Shape, Signal, Value

from . import delays, ecp5, ecp5_places, ecp5_rams, generic, gowin, ice40
from .adders import shifted_add, signed_add
from .ecp5_rams import twin_ram
from .generic import LATENCY, UNCHECKED, MultiplierSignature, product_shape
from .library import place
from .packed import PackedMultiplier, PackedMultiplierBase

__all__ = ["FAMILIES", "LATENCY", "PACKING", "UNCHECKED", "MultiplierSignature", "add_multipliers",
           "add_ram", "common_multipliers", "counts", "delay", "dsp_cells", "gated_sum",
           "lane_sites", "local_register", "long_multiplier", "multiplier", "packed_cells",
           "packed_multiplier", "product_shape", "rams", "region", "regions", "regions_of_rows",
           "shallow_rams", "shifted_add", "signed_add", "single_port_rams", "small_memory",
           "twin_ram", "twin_registers"]

FAMILIES = ("generic", "ecp5", "ice40", "gowin")
PACKING = ("generic", "ecp5")
"""Those with a packed multiplier."""


def delay(family: str, width: int, cycles: list[int], *, apart: bool = False) -> delays.Delay:
    """Return a :class:`delays.Delay`, or its equal that suits the family better.

    With ``apart`` the words lie far from one another, and should share nothing.
    """
    if family in ("ecp5", "gowin"):
        return delays.LutRamDelay(width, cycles, apart=apart)
    return delays.Delay(width, cycles)


def multiplier(family: str, *, hard: bool) -> type[generic.MultiplierBase]:
    """Return what multiplies: with a DSP block, or in fabric."""
    if hard:
        return {"ecp5": ecp5.Multiplier, "ice40": ice40.Multiplier,
                "gowin": gowin.Multiplier}.get(family, generic.Multiplier)
    return {"generic": generic.Multiplier,
            "ecp5": ecp5.FabricMultiplier}.get(family, generic.FabricMultiplier)


def packed_multiplier(family: str) -> type[PackedMultiplierBase]:
    """Return what multiplies a number by two at once, in a DSP block where there are some."""
    return {"ecp5": ecp5.PackedMultiplier}.get(family, PackedMultiplier)


def long_multiplier(family: str) -> type[generic.LongMultiplier] | None:
    """Return what multiplies 32 bits by 16 and adds a constant, in DSP blocks and their adders.

    None where DSP blocks have no adders that it could use.
    """
    return {"generic": generic.LongMultiplier, "ice40": ice40.LongMultiplier}.get(family)


def counts(m: Module, family: str, name: str, groups: list[list[tuple[Value, Value]]], *,
           xor: bool = False) -> list[Value]:
    """Return how many of the pairs of each group give a one: see :func:`generic.counts`."""
    kind = ecp5.counts if family == "ecp5" else generic.counts
    return kind(m, name, groups, xor=xor)


def gated_sum(m: Module, family: str, name: str, terms: list[tuple[Value, Value]]) -> Value:
    """Return the sum of one or two numbers, of each where the bit before it is set."""
    kind = ecp5.gated_sum if family == "ecp5" else generic.gated_sum
    return kind(m, name, terms)


def single_port_rams(family: str, device: str | None, sizes: list[tuple[int, int]], *,
                     quick: bool = False,
                     ) -> list[tuple[type[generic.SinglePortRam], dict[str, Any]]]:
    """Return, for memories of each width and depth, what makes them and its further arguments.

    On a chip that has large memories they are used; where a floor plan is known, and the memories
    fill much of the chip, each of their block RAMs gets its place, the first one on the left. Those
    that are ``quick`` have no registers behind them, and no places.
    """
    options = {"quick": True} if quick else {}
    if device == "iCE40UP5K":
        return [(ice40.SinglePortRam if ice40.LEAST_DEPTH <= depth <= ice40.DEPTH
                 else generic.SinglePortRam, options) for _, depth in sizes]
    if family == "gowin":
        return [(gowin.LutSinglePortRam if depth <= gowin.LUT_DEPTH else generic.SinglePortRam,
                 options) for _, depth in sizes]
    if family != "ecp5" or quick:
        return [(generic.SinglePortRam, options)] * len(sizes)
    needed = [ecp5_rams.count(*size) if ecp5_rams.suits(*size) else 0 for size in sizes]
    sites = iter(ecp5_places.ram_places(device, sum(needed)))
    return [(ecp5_rams.SinglePortRam, {"sites": tuple(itertools.islice(sites, count))}) if count
            else (generic.SinglePortRam, {}) for count in needed]


def shallow_rams(family: str, device: str | None, sizes: list[tuple[int, int]],
                 ) -> list[tuple[type[generic.SinglePortRam], dict[str, Any]]]:
    """Return the same of memories with few words, which take both ports of a block RAM then."""
    if family != "ecp5":
        return single_port_rams(family, device, sizes)
    needed, kinds = [], []
    for width, depth in sizes:
        shallow = depth <= ecp5_rams.WIDEST[0]
        suits = ecp5_rams.suits(width, depth, two_ports=shallow)
        needed.append(ecp5_rams.count(width, depth, two_ports=shallow) if suits else 0)
        kinds.append((ecp5_rams.ShallowRam if shallow else ecp5_rams.SinglePortRam) if suits
                     else generic.SinglePortRam)
    sites = iter(ecp5_places.ram_places(device, sum(needed)))
    return [(kind, {"sites": tuple(itertools.islice(sites, count))} if count else {})
            for kind, count in zip(kinds, needed, strict=True)]


def small_memory(family: str) -> dict[str, str]:
    """Return the attributes of a memory of some dozens of words, where block RAMs are few."""
    return gowin.LUT_MEMORY if family == "gowin" else {}


def lane_sites(family: str, device: str | None, lanes: int) -> list[tuple[str, ...]]:
    """Return the places of each lane's four hard multipliers, or none to leave it to the placer."""
    blocks = ecp5_places.blocks_beside(device, lanes) if family == "ecp5" else []
    return [tuple(block) for block in blocks]


def rams(family: str, device: str | None, sizes: list[tuple[int, int]], taken: list[str],
         ) -> list[tuple[type[generic.Ram], dict[str, Any]]]:
    """Return, for memories of each width and depth, what makes them and its further arguments.

    Where the block RAMs of a large memory have places, which are ``taken``, these have some, too.
    """
    if family != "ecp5":
        return [(generic.Ram, {})] * len(sizes)
    needed = [ecp5_rams.count(*size, two_ports=True) if ecp5_rams.suits(*size, two_ports=True)
              else 0 for size in sizes]
    sites = iter(ecp5_places.central_ram_places(device, sum(needed), taken))
    return [(ecp5_rams.Ram, {"sites": tuple(itertools.islice(sites, count))}) if count
            else (generic.Ram, {}) for count in needed]


def add_ram(m: Module, platform: object, name: str, family: str, width: int, depth: int) -> Any:
    """Add a memory that the placer may put anywhere, and return its ports."""
    [(kind, options)] = rams(family, None, [(width, depth)], [])
    return place(m, platform, name, kind, width, depth, **options)


def regions(family: str, device: str | None, lanes: int = 0) -> list[int]:
    """Return the regions of a chip that an array can use, by the hard multipliers of each.

    Where their places are known, a region is a row of DSP blocks; what :func:`lane_sites` gives
    away is left out. Else there is one region, with no limit.
    """
    known = ecp5_places.places(device, lanes) if family == "ecp5" else []
    return [len(line) for line in known] or [1 << 30]


def region(row: int, rows: int, count: int) -> int:
    """Return which of ``count`` regions a row of an array lies in."""
    return next(i for i in range(count) if row < rows * (i + 1) // count)


def packed_cells(rows: int, columns: int, packed_rows: int) -> set[tuple[int, int]]:
    """Return the left one of each two cells that share a multiplier, in the last rows."""
    return {(row, column) for row in range(rows - packed_rows, rows)
            for column in range(0, columns - 1, 2)}


def columns_with_dsps(rows: int, columns: int, dsps: int, packed_rows: int) -> list[list[int]]:
    """Choose the cells of each row that get a DSP multiplier, if some share one.

    Those that do come first, each with its left cell, and then single ones from the last row up.
    """
    shared = packed_cells(rows, columns, packed_rows)
    left = dsps - 2 * len(shared)
    chosen: list[list[int]] = []
    for row in reversed(range(rows)):
        pairs = [column for column in range(columns) if (row, column) in shared]
        single = range(2 * len(pairs), columns)[:left]
        left -= len(single)
        chosen.insert(0, [*pairs, *single])
    return chosen


def regions_of_rows(rows: int, columns: int, dsps: int | None, room: list[int],
                    packed_rows: int = 0) -> list[int]:
    """Return the region of each row of an array; each region has ``room`` for so many multipliers.

    All regions have as many rows, but for an array with packed rows: there each has the multipliers
    that are its share.
    """
    if not packed_rows:
        return [region(row, rows, len(room)) for row in range(rows)]
    needed = [*map(len, columns_with_dsps(rows, columns, rows * columns if dsps is None else dsps,
                                          packed_rows))]
    found: list[int] = []
    here, used = 0, 0
    for count in needed:
        share = sum(needed) * room[here] / sum(room)
        if here + 1 < len(room) and (used + count > room[here] or used + count / 2 > share):
            here, used = here + 1, 0
        used += count
        found.append(here)
    return found


def local_register(m: Module, family: str, value: Value, name: str, *,
                   enable: Value | None = None) -> Value:
    """Return ``value``, a cycle later, from registers for one region of the chip.

    Synthesis merges registers that store the same, so that one of them would drive cells all over
    the chip; where that costs speed, the family has a register that it leaves alone. Without
    ``enable`` they keep what they have.
    """
    if family == "ecp5":
        return ecp5.register(m, value, name, enable)
    stored = Signal(len(value), name=name, reset_less=True)
    with m.If(enable) if enable is not None else nullcontext():
        m.d.sync += stored.eq(value)
    return stored


def twin_registers(m: Module, family: str, bit: Value, name: str) -> tuple[Value, Value]:
    """Return ``bit``, a cycle later, for both operands of one cell of a carry chain.

    nextpnr's router for iCE40 does not end where both are one net, so there they are two.
    """
    stored = Signal(name=name, reset_less=True)
    m.d.sync += stored.eq(bit)
    return stored, ice40.register(m, bit, f"{name}_twin") if family == "ice40" else stored


def dsp_cells(rows: int, columns: int, dsps: int, room: list[int], packed_rows: int = 0,
              ) -> list[list[tuple[int, int]]]:
    """Choose the cells that get a DSP multiplier, in groups of neighbouring rows.

    Of cells that share one it is the left one. Each group has ``room`` for so many. Whole rows are
    chosen, as far as ``dsps`` go, and spread over the height of the array, so that between a chip's
    rows of multipliers lie the rows of the array that need none.
    """
    count = len(room)
    if packed_rows:
        of_rows = regions_of_rows(rows, columns, dsps, room, packed_rows)
        chosen_columns = columns_with_dsps(rows, columns, dsps, packed_rows)
        grouped = [[(row, column) for row, here in enumerate(chosen_columns)
                    if of_rows[row] == group for column in here] for group in range(count)]
        # What the last group has too many, at its right end, goes where there is room.
        for cell in sorted(grouped[-1], key=lambda cell: cell[1])[room[-1]:]:
            free = (group for group, most in zip(grouped, room, strict=True) if len(group) < most)
            grouped[-1].remove(cell)
            next(free, grouped[-1]).append(cell)
        return grouped
    groups = [[row for row in range(rows) if region(row, rows, count) == i] for i in range(count)]
    whole = min(rows, dsps // columns)
    chosen: list[list[int]] = [[] for _ in groups]
    for _ in range(whole):  # always the group with the most room left
        group = max((g for g in range(count) if len(chosen[g]) < len(groups[g])),
                    key=lambda g: (room[g] - columns * len(chosen[g]), -g))
        chosen[group].append(groups[group][len(chosen[group])])
    cells = [[(r, c) for r in group for c in range(columns)] for group in chosen]
    left = min(dsps, rows * columns) - whole * columns
    if left:
        group = next(g for g in range(count) if len(chosen[g]) < len(groups[g]))
        row = groups[group][len(chosen[group])]
        cells[group] += [(row, c) for c in range(left)]
    return cells


def add_multipliers(m: Module, platform: object, family: str, a: Shape, b: Shape, rows: int,
                    columns: int, *, wave: Callable[[int, int], Hashable],
                    device: str | None = None, dsps: int | None = None, lanes: int = 0,
                    packed_rows: int = 0) -> dict[tuple[int, int], Any]:
    """Add a multiplier for each cell of an array to ``m``, and return their ports by cell.

    Parameters
    ----------
    m : Module
    platform : object
        What ``elaborate`` was given.
    family : str
        One of :data:`FAMILIES`.
    a, b : Shape
        Shapes of the operand that moves and of the one that stays.
    rows, columns : int
        The array's size.
    wave : function of row and column
        Cells of the same wave have the same signal as ``take``.
    device : str or None
        Where the family has a floor plan for this device, each multiplier gets its place.
    dsps : int or None
        How many cells may use a DSP multiplier; the others get theirs in fabric. None: all.
    lanes : int
        How many lanes beside the array have hard multipliers: see :func:`lane_sites`.
    packed_rows : int
        Rows, the last ones, whose cells share a multiplier two by two: the left one has it.
    """
    groups = dsp_cells(rows, columns, rows * columns if dsps is None else dsps,
                       regions(family, device, lanes), packed_rows)
    shared = packed_cells(rows, columns, packed_rows)
    hard = [cell for group in groups for cell in group] if family != "generic" else []
    cells: dict[tuple[int, int], Any] = {}

    def name(row: int, column: int) -> str:
        return f"multiplier_{row}_{column}"

    if family == "ecp5":
        plan = ecp5_places.floor_plan(device, groups, wave, lanes)
        for cell, (site, enable) in plan.items():
            kind, shapes = (ecp5.PackedMultiplier, ()) if cell in shared \
                else (ecp5.Multiplier, (a, b))
            cells[cell] = place(m, platform, name(*cell), kind, *shapes, site=site, enable=enable)
    elif family == "ice40" and max(a.width, b.width) <= ice40.LANE_WIDTH:
        for index in range(0, len(hard), 2):
            pair = place(m, platform, name(*hard[index]), ice40.MultiplierPair, a, b)
            cells |= zip(hard[index:index + 2], pair.lanes, strict=False)
    for row, column in itertools.product(range(rows), range(columns)):
        cell = row, column
        if cell in cells or (row, column - 1) in shared:
            continue
        if cell in shared:
            cells[cell] = place(m, platform, name(*cell), PackedMultiplier)
        else:
            cells[cell] = place(m, platform, name(*cell), multiplier(family, hard=cell in hard),
                                a, b)
    return cells


def common_multipliers(m: Module, platform: object, family: str, a: Shape, b: Shape, count: int,
                       dsps: int | None) -> list[Any]:
    """Add multipliers that all take their ``b`` in the same cycles, and return their ports.

    ``dsps`` of them, or all, are hard ones.
    """
    hard = min(count, count if dsps is None else dsps) if family != "generic" else 0
    found: list[Any] = []
    if family == "ice40" and max(a.width, b.width) <= ice40.LANE_WIDTH:
        for index in range(0, hard, 2):
            found += place(m, platform, f"pair_{index}", ice40.CommonPair, a, b).lanes
        found = found[:hard]
    for index in range(len(found), count):
        kind = multiplier(family, hard=index < hard)
        found.append(place(m, platform, f"multiplier_{index}", kind, a, b))
    return found
