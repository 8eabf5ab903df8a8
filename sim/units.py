"""Units in benches: what a Design says of their parameters, and the one that a bench drives."""

import json
import os
from typing import Any

import hwgen
from hwgen.arch.design import Design
from hwgen.generate.units import UNITS
from hwgen.rtl.accelerator.word_memory import WordMemory
from hwgen.rtl.dot.power import EXPONENT
from hwgen.rtl.primitives import PACKING

from . import FLASH_ADDRESS, FLASH_BYTES, UART_CYCLES, WINDOW_SHIFT

__all__ = ["parameters", "unit_under_test"]

PIECES = 8
"""Of a vector, for units that take it in pieces."""


def parameters(name: str, design: Design) -> dict[str, Any]:
    """Return the parameters of a unit in the regression of a Design."""
    rows, columns, family = design.rows, design.columns, {"family": design.family}
    found: dict[str, dict[str, Any]] = {
        "bitplane": {"lanes": 8 * rows, "depth": PIECES, **family},
        "bitserial": {"rows": max(rows, 2), "columns": columns, **family},
        "serial": {"lanes": rows, "numbers": design.weights, "depth": PIECES, **family},
        "fusion": {"groups": rows, "depth": PIECES, **family},
        "ternary": {"lanes": rows, "numbers": design.activations, "depth": PIECES, **family},
        "power": {"lanes": rows, "numbers": design.activations, "depth": PIECES,
                  "exponent_bits": min(design.weight.width - 1, EXPONENT), **family},
        "wide": {"rows": max(rows, 2), "columns": columns + columns % 2,
                 "family": design.family if design.family in PACKING else "generic"},
        "csc": {"rows": 8 * rows, "codebook": True},
        "nonzero": {"width": rows, "columns": 512},
        "sparse": {"lanes": columns, "slots": 8, "columns": 96, "entries": 400, "width": rows,
                   **family},
        # A word has room for an entry of 12 bits at least.
        "unpack": {"rows": rows, "columns": max(columns, 2), "words": 1500,
                   "reading": WordMemory.read_latency},
        "post": {"columns": columns, "lanes": design.lanes or columns,
                 "rounding": design.rounding, "hard": design.hard_lanes, **family},
        "host_port": {"size": 64 * max(rows, columns, 4), "window": max(rows, columns, 4),
                      "words": 40, "columns": max(columns, 4), "steps": 12,
                      "compact": columns < rows, "exposed": columns % 2 == 1, **family},
        # Two pages a row. Behind each second one a refresh is due, and in large ones two at once.
        "sdram": {"words": 64, "column_bits": 7, "refresh_every": 120 if rows < 8 else 40,
                  "power_up": 300},
        "page_stream": {"words": 64, "ratio": 4, "ring": 64, "page_bits": 6},
        "uart": {"divisor": UART_CYCLES},
        "flash": {"address": FLASH_ADDRESS, "count": FLASH_BYTES},
        **dict.fromkeys(("wishbone", "axi_lite", "axi_stream"), {"shift": WINDOW_SHIFT}),
    }
    return found.get(name, {}) if name in UNITS else {}


def unit_under_test(name: str) -> Any:
    """Return, in a bench, the component that it drives: its parameters are in ``$UNIT``."""
    return hwgen.unit(name, **json.loads(os.environ["UNIT"])).component
