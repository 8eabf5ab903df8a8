"""Which fields of a Design go together: what the others may be where one chooses a part."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import UserError

if TYPE_CHECKING:
    from .design import Design

__all__ = ["COMPANIONS", "check_companions"]

FAST = {"engine": ("systolic",), "compact": (False,)}
ALONE = {**FAST, "decompress": (False,), "wide_rows": (0,)}
FAMILIES = {"family": ("generic", "ecp5")}
NO_STREAM = {"external": (None,)}
NO_OPERATORS = {"tables": (0,), "softmax": (False,), "matmul": (False,), "lstm": (0,)}
NO_PRODUCTS = {"products": (False,)}


@dataclass(frozen=True)
class Companions:
    """What other fields may be where one has another value than ``without``, and why."""

    without: object
    known: Mapping[str, tuple[object, ...]]
    why: str

    def strangers(self, fields: Any) -> Iterator[str]:
        """Yield the fields that may not be what they are."""
        for field, known in self.known.items():
            if fields[field] not in known:
                yield field


COMPANIONS = {
    "wide_rows": Companions(0, {**FAST, **FAMILIES, "decompress": (False,)},
                            "words are read at once beside a fast systolic array alone, and DSP "
                            "blocks of an ECP5 shared"),
    "kept_vectors": Companions(0, {**FAST, "rounding": ("tflm",), "wide_rows": (0,)},
                               "only a fast systolic array that rounds as TensorFlow Lite Micro "
                               "does has lanes that keep bytes, so far without wide rows"),
    "matmul": Companions(False, {**ALONE, **FAMILIES, "packed_rows": (0,), "lines": (0,)},
                         "weights are loaded for a fast systolic array alone, generic or of an "
                         "ECP5, without packed or wide rows, lines or decompress"),
    "lstm": Companions(0, ALONE, "cells are updated beside a fast systolic array alone, without "
                       "wide rows or decompress"),
    "int4_weights": Companions(False, {
        **ALONE, **FAMILIES, **NO_STREAM, "packed_rows": (0,), "kept_vectors": (0,),
        **{field: known for field, known in NO_OPERATORS.items() if field != "softmax"},
        **NO_PRODUCTS, "program_crc": (False,), "protect": ("none",)},
        "two weights of 4 bits are multiplied in a fast systolic array alone, generic or of an "
        "ECP5, so far with no other part but softmax"),
    "external": Companions(None, {**ALONE, "kept_vectors": (0,), **NO_OPERATORS, **NO_PRODUCTS},
                           "a program streams to a fast systolic array alone, so far with no other "
                           "part"),
    "program_crc": Companions(False, {**ALONE, **NO_STREAM, **NO_OPERATORS, **NO_PRODUCTS},
                              "steps of a fast systolic array alone have a CRC, so far with no "
                              "part but kept_vectors"),
    "protect": Companions("none", {**ALONE, **NO_STREAM, **NO_OPERATORS},
                          "memories beside a fast systolic array alone have check bits, so far "
                          "with no part but products and kept_vectors"),
}
"""Of each field that chooses a part. :mod:`.design_checks` has what is checked of a part alone."""


def check_companions(design: "Design", *fields: str) -> None:
    """Check that the other fields go with those, where these choose a part."""
    for field in fields:
        value, of = getattr(design, field), COMPANIONS[field]
        if value == of.without:
            continue
        for other in of.strangers(vars(design)):
            raise UserError(f"{field} must be {as_in_a_file(of.without)} with {other} "
                            f"{getattr(design, other)!r}, not {as_in_a_file(value)}: {of.why}")


def as_in_a_file(value: object) -> str:
    """Return a value as a file of a Design has it."""
    return "left out" if value is None else \
        str(value).lower() if isinstance(value, bool) else repr(value)
