"""Lattice ECP5: where DSP blocks and block RAMs lie on the chip, and who takes which."""

from collections.abc import Callable, Hashable

__all__ = ["BLOCK", "ENABLES", "RAM_SITES", "SITES", "blocks_beside", "central_ram_places",
           "floor_plan", "places", "ram_places"]

BLOCK = 4
"""Multipliers of a DSP block, which share their clock enables."""
ENABLES = 3
"""Clock enables of a block that may carry a ``take``: CE0 is tied high for the other registers."""


def _sites(rows: tuple[int, ...], blocks: tuple[int, ...]) -> list[list[str]]:
    """Return the places of the multipliers in blocks at those coordinates."""
    return [[f"X{x + z}/Y{y}/MULT18_{z}" for x in blocks for z in (0, 1, 4, 5)] for y in rows]


SITES = {
    "LFE5U-25F": _sites((13,), (4, 13, 22, 33, 42, 51, 60)),
    "LFE5U-85F": _sites((10, 34, 58), (4, 13, 22, 31, 40, 49, 58, 69, 78, 87, 96, 105, 114)),
}
"""The places of the multipliers, row by row of the chip, each from left to right."""

RAM_SITES = {
    "LFE5U-85F": [[f"X{x + 2 * z}/Y{y}/EBR{z}" for x in (4, 13, 22, 31, 40, 49, 58, 69, 78, 87, 96,
                                                         105, 114) for z in range(4)]
                  for y in (82, 70, 22, 46)],
}
"""The places of the block RAMs, row by row: first those that the rest of a design misses least."""

SITES["LFE5U-12F"] = SITES["LFE5U-25F"]  # the same die
for known in (SITES, RAM_SITES):  # the same die, with transceivers
    known["LFE5UM5G-85F"] = known["LFE5U-85F"]


def _strips(count: int) -> list[int]:
    """Split ``count`` rows into strips of two and three, or one of one."""
    if count < 2:
        return [count] * count
    threes = count // 3 - (count % 3 == 1)
    return [3] * threes + [2] * ((count - 3 * threes) // 2)


def _order(cells: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Put cells in the order in which they take their places along a row of DSP blocks.

    Neighbours stay neighbours, and the four cells of a block are a square or a short column of the
    array, in which at most three different waves pass.
    """
    rows = sorted({row for row, _ in cells})
    last = max((column for _, column in cells), default=-1)
    order = []
    for left in range(0, last + 1, 4):
        top = 0
        for height in _strips(len(rows)):
            strip = rows[top:top + height]
            order += [(row, column) for column in range(left, left + 4) for row in strip]
            top += height
    present = set(cells)
    return [cell for cell in order if cell in present]


def blocks_beside(device: str | None, blocks: int) -> list[list[str]]:
    """Return the places of DSP blocks for what stands beside an array, from left to right.

    An array begins in the chip's first row of DSP blocks, so its sums come out near the last one,
    over the whole width of the array: there they are, and spread over the width of each row. On an
    unknown device, or where there are too few, the placer chooses: there are none.
    """
    lines = [[line[i:i + BLOCK] for i in range(0, len(line), BLOCK)]
             for line in SITES.get(device or "", [])]
    if blocks > sum(map(len, lines)):
        return []
    chosen: list[list[str]] = []
    for line in reversed(lines):
        here = min(len(line), blocks - len(chosen))
        chosen += [line[(2 * i + 1) * len(line) // (2 * here)] for i in range(here)]
    return sorted(chosen, key=lambda block: int(block[0][1:block[0].index("/")]))


def ram_places(device: str | None, count: int) -> list[str]:
    """Return the places for the block RAMs of a large memory, from left to right.

    A placer that has few block RAMs to spare puts the last ones anywhere, and those may be the ones
    to which the way must be short. A memory of more than a row of them that can wait for its words
    takes the rows at the edge of the chip. For any other the placer chooses: there are none.
    """
    lines = RAM_SITES.get(device or "", [])
    if not lines or not len(lines[0]) < count <= sum(map(len, lines)):
        return []
    chosen: list[str] = []
    for line in lines:
        here = min(len(line), count - len(chosen))
        chosen += [line[(2 * i + 1) * len(line) // (2 * here)] for i in range(here)]
    return sorted(chosen, key=lambda site: int(site[1:site.index("/")]))


def central_ram_places(device: str | None, count: int, taken: list[str]) -> list[str]:
    """Return the places for the block RAMs that much lies around, from left to right.

    They are given only where a large memory has places too: those are ``taken``. Between them some
    stay free for what has to be near as well.
    """
    lines = RAM_SITES.get(device or "", [[]])
    free = [site for site in lines[-1] if site not in taken]
    if not taken or len(free) < count:
        return []
    return [free[(2 * i + 1) * len(free) // (2 * count)] for i in range(count)]


def places(device: str | None, beside: int = 0) -> list[list[str]]:
    """Return the places that :func:`blocks_beside` leaves, row by row; a row without any is out."""
    taken = {site for block in blocks_beside(device, beside) for site in block}
    lines = [[site for site in line if site not in taken] for line in SITES.get(device or "", [])]
    return [line for line in lines if line]


def floor_plan(device: str | None, groups: list[list[tuple[int, int]]],
               wave: Callable[[int, int], Hashable], beside: int = 0,
               ) -> dict[tuple[int, int], tuple[str | None, int | None]]:
    """Give each cell its multiplier's place on the chip and its clock enable.

    A systolic array knows its own floor plan, and nextpnr's placer does not. Each group of rows
    goes to one of the chip's rows of DSP blocks; an array too wide for that is cut into groups of
    columns.

    Parameters
    ----------
    device : str or None
        A key of :data:`SITES`; for any other the placer chooses.
    groups : list of lists of (row, column)
        The cells with a DSP multiplier, from top to bottom, for each of the chip's rows of them.
    wave : function of row and column
        Cells of the same wave have the same ``take``.
    beside : int
        DSP blocks that :func:`blocks_beside` gives to others.

    Returns
    -------
    dict
        Site (or None) and number of the clock enable (or None, see
        :class:`hwgen.rtl.primitives.ecp5.Multiplier`) by cell.
    """
    cells = [cell for group in groups for cell in group]
    sites = places(device, beside)
    if not sites or len(cells) > sum(map(len, sites)):
        return dict.fromkeys(cells, (None, 1))

    if any(len(group) > len(line) for group, line in zip(groups, sites, strict=True)):
        width = 1 + max(column for _, column in cells)
        groups = [[(row, column) for row, column in cells
                   if width * i <= column * len(sites) < width * (i + 1)]
                  for i in range(len(sites))]
    orders = [_order(group) for group in groups]
    spilled = [cell for order, line in zip(orders, sites, strict=True)
               for cell in order[len(line):]]
    for order, line in zip(orders, sites, strict=True):
        del order[len(line):]
        free = len(line) - len(order)
        order += spilled[:free]
        del spilled[:free]

    plan: dict[tuple[int, int], tuple[str | None, int | None]] = {}
    for order, line in zip(orders, sites, strict=True):
        for block in range(0, len(order), BLOCK):
            waves: list[Hashable] = []
            for cell, site in zip(order[block:block + BLOCK], line[block:], strict=False):
                if wave(*cell) not in waves:
                    waves.append(wave(*cell))
                enable = 1 + waves.index(wave(*cell))
                plan[cell] = (site, enable if enable <= ENABLES else None)
    return plan
