import random

import pytest

from hwgen.rtl.primitives import dsp_cells, lane_sites, packed_cells, regions, regions_of_rows
from hwgen.rtl.primitives.ecp5_places import BLOCK, ENABLES, SITES, floor_plan


def plan(rows, columns, dsps, device, packed_rows=0):
    room = regions("ecp5", device)
    groups = dsp_cells(rows, columns, dsps, room, packed_rows)
    of_rows = regions_of_rows(rows, columns, dsps, room, packed_rows)

    def wave(row, column):
        return max(row - 1, 0) + (column // 2 if packed_rows else column), of_rows[row]

    return groups, floor_plan(device, groups, wave), wave


@pytest.mark.parametrize("seed", range(60))
def test_every_cell_has_a_place_of_its_own(seed):
    """And no DSP block has more waves than clock enables."""
    rng = random.Random(seed)
    device = rng.choice(sorted(SITES))
    room = sum(map(len, SITES[device]))
    rows, columns = rng.randint(1, 64), rng.randint(1, 64)
    dsps = min(rng.choice([room, rng.randint(0, room)]), rows * columns)
    groups, places, wave = plan(rows, columns, dsps, device)
    cells = [cell for group in groups for cell in group]
    assert len(set(cells)) == len(cells) == dsps
    assert set(places) == set(cells)
    assert all(0 <= row < rows and 0 <= column < columns for row, column in cells)
    sites = [site for site, _ in places.values()]
    assert len(set(sites)) == dsps and set(sites) <= {s for line in SITES[device] for s in line}
    blocks = {}
    for cell, (site, enable) in places.items():
        assert enable is None or 1 <= enable <= ENABLES
        line = next(line for line in SITES[device] if site in line)
        block = blocks.setdefault((line[0], line.index(site) // BLOCK), {})
        assert enable is None or block.setdefault(enable, wave(*cell)) == wave(*cell)


@pytest.mark.parametrize("rows, columns, device", [
    (8, 8, "LFE5U-85F"), (9, 16, "LFE5U-85F"), (6, 16, "LFE5U-85F"), (4, 7, "LFE5U-25F"),
])
def test_weights_stay_in_the_blocks(rows, columns, device):
    """In the arrays that matter no cell needs a register of the fabric for its weight."""
    _, places, _ = plan(rows, columns, rows * columns, device)
    assert all(enable for _, enable in places.values())


@pytest.mark.parametrize("seed", range(30))
def test_packed_cells_come_first(seed):
    """All shared multipliers have places, and single cells those that are left."""
    rng = random.Random(seed)
    device = rng.choice(sorted(SITES))
    room = sum(map(len, SITES[device]))
    rows, columns = rng.randint(1, 40), rng.randint(2, 40)
    packed_rows = rng.randint(1, max(min(rows, room // (columns // 2)), 1))
    shared = packed_cells(rows, columns, packed_rows)
    assert len(shared) == packed_rows * (columns // 2)
    cells = min(room - len(shared), rows * columns - 2 * len(shared))
    dsps = 2 * len(shared) + rng.choice([0, cells // 2, cells])
    groups, places, _ = plan(rows, columns, dsps, device, packed_rows)
    assert all(len(group) <= most for group, most in zip(groups, regions("ecp5", device),
                                                         strict=True))
    assert shared <= set(places) and len(places) == dsps - len(shared)
    assert not {(row, column + 1) for row, column in shared} & set(places)
    sites = [site for site, _ in places.values()]
    assert None not in sites and len(set(sites)) == len(sites)


@pytest.mark.parametrize("rows, columns, packed_rows", [(8, 8, 8), (16, 16, 7), (24, 16, 11)])
def test_neighbours_share_a_region(rows, columns, packed_rows):
    """Rows stay in their order, and no row of DSP blocks has more than it holds."""
    room = regions("ecp5", "LFE5U-85F", 16)
    dsps = packed_rows * columns + 4
    of_rows = regions_of_rows(rows, columns, dsps, room, packed_rows)
    assert of_rows == sorted(of_rows) and set(of_rows) == set(range(len(room)))
    groups = dsp_cells(rows, columns, dsps, room, packed_rows)
    assert [len(group) <= count for group, count in zip(groups, room, strict=True)] == [
        True] * len(room)


def test_more_multipliers_than_places():
    _, places, _ = plan(20, 20, 400, "LFE5U-85F")
    assert set(places.values()) == {(None, 1)}


def test_unknown_device():
    _, places, _ = plan(2, 2, 4, None)
    assert set(places.values()) == {(None, 1)}


@pytest.mark.parametrize("rows, columns, dsps, room", [(16, 16, 156, [52] * 3), (1, 1, 0, [9]),
                                                        (5, 7, 35, [52] * 3), (2, 9, 4, [8, 1, 1])])
def test_whole_rows_first(rows, columns, dsps, room):
    cells = [cell for group in dsp_cells(rows, columns, dsps, room) for cell in group]
    by_row = {row: sum(r == row for r, _ in cells) for row in range(rows)}
    assert sum(by_row.values()) == dsps
    assert sum(0 < used < columns for used in by_row.values()) <= 1


@pytest.mark.parametrize("rows, columns, dsps, lanes", [
    (9, 16, 80, 16), (4, 8, 32, 3), (9, 16, 4, 38), (8, 8, 64, 23)])
def test_lanes_beside_the_array(rows, columns, dsps, lanes):
    """Each lane has a DSP block of its own, from left to right; the array has the others."""
    blocks = lane_sites("ecp5", "LFE5U-85F", lanes)
    of_lanes = [site for block in blocks for site in block]
    assert len(blocks) == lanes and {len(block) for block in blocks} == {BLOCK}
    known = [site for line in SITES["LFE5U-85F"] for site in line]
    assert len(set(of_lanes)) == BLOCK * lanes and set(of_lanes) <= set(known)
    across = [int(block[0][1:].split("/")[0]) for block in blocks]
    assert across == sorted(across)
    room = regions("ecp5", "LFE5U-85F", lanes)
    assert sum(room) + len(of_lanes) == len(known)
    groups = dsp_cells(rows, columns, dsps, room)
    of_array = floor_plan("LFE5U-85F", groups, lambda row, column: 0, lanes)
    sites = {site for site, _ in of_array.values()}
    assert len(sites) == dsps and not sites & set(of_lanes) and None not in sites


def test_no_places_for_lanes():
    assert lane_sites("ecp5", "LFE5U-85F", 40) == lane_sites("ecp5", None, 2) == []
    assert lane_sites("ice40", "iCE40UP5K", 2) == []
