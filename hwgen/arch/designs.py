"""Many Designs at once, as arrays of their fields: cycles and area of all are computed together."""

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .design import Design

__all__ = ["Designs"]

CHIP = ("family", "device", "rounding", "protect")
"""Fields that are the same of all."""


@dataclass(frozen=True)
class Designs:
    """Many Designs for one chip: of each field an array, or one value for all of them.

    The fields are those of a :class:`Design`, but for ``hard_multipliers``, which is how many cells
    have a hard multiplier. Only ``rows`` must be an array.
    """

    rows: NDArray[np.int64]
    columns: Any
    lanes: Any
    lines: Any
    line_pixels: Any
    partial_sums: Any
    hard_lanes: Any = 0
    hard_multipliers: Any = 0
    packed_rows: Any = 0
    wide_rows: Any = 0
    kept_vectors: Any = 0
    activation_memory: Any = 0
    program_memory: Any = 0
    steps: Any = 256
    engine: Any = "systolic"
    compact: Any = False
    family: str = "generic"
    device: str | None = None
    rounding: str = "tflm"
    protect: str = "none"

    @classmethod
    def of(cls, designs: Iterable[Design]) -> Self:
        """Return the arrays of some Designs; if their chips differ, as Designs for none."""
        each = list(designs)
        chips = {tuple(getattr(design, name) for name in CHIP) for design in each}
        fields: dict[str, Any] = dict(zip(CHIP, *chips, strict=True)) if len(chips) == 1 else {}
        for name in FIELDS:
            fields[name] = np.array([getattr(design, name) for design in each])
        return cls(**fields)

    @classmethod
    def join(cls, parts: Sequence[Self]) -> Self:
        """Return all Designs of several."""
        fields: dict[str, Any] = {}
        for name in FIELDS:
            values = [getattr(part, name) for part in parts]
            same = not any(map(np.ndim, values)) and len(set(values)) == 1
            fields[name] = values[0] if same else np.concatenate(
                [part.field(name) for part in parts])
        return dataclasses.replace(parts[0], **fields)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: NDArray[np.generic]) -> Self:
        """Return those at an index, or of a mask."""
        return dataclasses.replace(self, **{
            name: values[index] for name in FIELDS
            if np.ndim(values := getattr(self, name))})

    def field(self, name: str) -> NDArray[Any]:
        """Return a field of every Design."""
        return np.broadcast_to(getattr(self, name), len(self))

    def values(self, index: int) -> dict[str, Any]:
        """Return the fields of one Design that are not those of its chip."""
        return {name: self.field(name)[index].item() for name in FIELDS}

    def design(self, index: int) -> Design:
        """Return one of them."""
        fields = self.values(index)
        dsps = fields.pop("hard_multipliers")
        return Design(**fields, dsps=dsps if fields["engine"] == "systolic" else None,
                      **{name: getattr(self, name) for name in CHIP})

    @property
    def packed_pairs(self) -> Any:
        """How many hard multipliers two cells share."""
        return self.packed_rows * (self.columns // 2)

    @property
    def serial(self) -> Any:
        """Whether the engine is bit-serial."""
        return np.asarray(self.engine) == "bitserial"

    @property
    def banks(self) -> NDArray[np.int64]:
        """Banks of the activation memory."""
        columns = np.where(np.asarray(self.engine) == "binary", 0, self.columns)
        _, bits = np.frexp(np.maximum(np.maximum(self.rows, columns), self.wide_rows) - 1)
        return 1 << bits.astype(np.int64)

    @property
    def program_words(self) -> Any:
        """Words of the program memory, a byte for each column."""
        return self.program_memory // self.columns


FIELDS = tuple(field.name for field in dataclasses.fields(Designs) if field.name not in CHIP)
"""Fields that may be arrays."""
