"""Area of accelerators on their chip: one model for all families.

DSP blocks and memories are counted as the generator makes them (``memories.py``). LUTs and
registers are a sum over the parts of an accelerator, each with a cost that was fitted to synthesis
(``costs.toml``); docs/results/tune.md says how far that is off. Families differ in their costs, and
in the blocks that their chips have. Logic cells of an iCE40, each a LUT, a register, a carry or all
of them, count as its LUTs; DSP blocks of a Gowin are multipliers of 9 by 9 bits.
"""

import numpy as np
from numpy.typing import NDArray

from ..arch.design import Design
from ..arch.designs import Designs
from .costs import FIGURES, costs_of, is_known, parts_of
from .memories import CHIPS, memory_blocks

__all__ = ["RESOURCES", "count_dsps", "count_parts", "design_resources", "engine_of", "has_model",
           "resources_of"]

RESOURCES = ("luts", "registers", "dsps", "block_rams")
"""What a chip may have too little of."""


def has_model(design: Design) -> bool:
    """Return whether it is known what a Design takes of its chip."""
    alone = design.parts == (design.engine,)  # nothing beside the array
    engine = "packed" if design.packed_rows else design.engine
    return alone and is_known(design.family, engine) and CHIPS[design.family].compact == (
        design.compact or design.engine == "binary")


def resources_of(designs: Designs) -> dict[str, NDArray[np.float64]]:
    """Return how much Designs of one engine take of each of :data:`RESOURCES`.

    About in LUTs and registers, exactly in the rest; and ``single_port_rams``, which the program
    lies in where a chip has them.
    """
    blocks = memory_blocks(designs)
    parts = count_parts(designs, blocks)
    engine = engine_of(designs)
    logic = {figure: parts @ costs_of(designs.family, engine, figure) for figure in FIGURES}
    return {**logic, "dsps": np.broadcast_to(count_dsps(designs), len(designs)).astype(float),
            "block_rams": blocks[:, 0].astype(float),
            "single_port_rams": blocks[:, 1].astype(float)}


def design_resources(design: Design) -> dict[str, float]:
    """Return what one Design takes; nothing where that is not known."""
    if not has_model(design):
        return {}
    return {name: values.item() for name, values in resources_of(Designs.of([design])).items()}


def engine_of(designs: Designs) -> str:
    """Return the engine, which is the same of all; ``packed`` if some have packed rows."""
    engine, = np.unique(designs.engine).tolist()
    return "packed" if np.any(designs.packed_rows) else str(engine)


def count_parts(designs: Designs, blocks: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how many there are of each part that takes logic, (Designs, parts).

    ``blocks`` are those of their memories.
    """
    d = designs
    cells = d.rows * d.columns
    counts = {
        "the rest": 1.0,
        "column": d.columns,
        "cell": cells,
        "cell in fabric": cells - d.hard_multipliers,
        "column and line": d.columns * d.lines,
        "column and pixel of a window": d.columns * d.lines**2,
        "lane": d.lanes,
        "lane in DSP blocks": d.hard_lanes,
        "lane in fabric": d.lanes - d.hard_lanes,
        "bank": d.banks,
        "LUT of a memory": blocks[:, 2],
        "pair of packed cells": d.packed_pairs,
    }
    return np.stack([np.broadcast_to(counts[part], len(d)).astype(float)
                     for part in parts_of(d.family, engine_of(d))], axis=-1)


def count_dsps(designs: Designs) -> NDArray[np.int64]:
    """Return how many DSP blocks are used.

    Which column a lane's first result is of is a product, for which synthesis takes a DSP block
    where it is not a shift, and there are more than two groups of columns.
    """
    d, chip = designs, CHIPS[designs.family]
    products = d.hard_multipliers - d.packed_pairs + chip.lane_products * d.hard_lanes
    groups = -(-d.columns // d.lanes)
    is_shift = np.equal(d.lanes & (d.lanes - 1), 0)
    return -(-products // chip.products) + np.where(is_shift | (groups <= 2), 0, 1)
