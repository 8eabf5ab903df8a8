"""How the steps of an engine lie in the program memory: docs/accelerator.md and docs/binary.md.

Compiler, golden model and cost model share this file, as they do the steps themselves.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from ..errors import UserError
from .bit_fields import MAGIC, Place, limits, pack, unpack
from .design import Design
from .formats import Format, NumberKind
from .steps import DESCRIPTOR_BYTES, PARAMETER_WORDS, Mode, Step, descriptor_words

__all__ = ["BINARY_BYTES", "BINARY_FIELDS", "START_WORDS", "Descriptors"]

BINARY_BYTES = 16
"""Of a descriptor of the engine ``binary``."""
START_WORDS = 2
"""Words of the program memory from which the sums of a column tile start, on that engine."""

BINARY_FIELDS: dict[str, Place] = {
    "last_columns": (0, 8, False), "low": (8, 8, True), "high": (16, 8, True),
    "magic": (24, 8, False), "tiles": (32, 16, False), "pieces": (48, 16, False),
    "program": (64, 16, False), "base": (80, 16, False), "row_bytes": (96, 16, False),
    "output": (112, 16, False),
}
BIPOLAR = Format(1, NumberKind.BIPOLAR)


@dataclass(frozen=True)
class Descriptors:
    """The descriptors of an engine with so many rows and columns.

    Parameters
    ----------
    engine : str
    rows, columns, wide_rows : int
    streams : bool
        The words of each step lie behind its descriptor, and not behind all of them.
    """

    engine: str
    rows: int
    columns: int
    wide_rows: int = 0
    streams: bool = False

    @property
    def binary(self) -> bool:
        """Whether they are those of the engine ``binary``, which knows one kind of steps."""
        return self.engine == "binary"

    @property
    def words(self) -> int:
        """Words of the program memory that each takes."""
        return -(-BINARY_BYTES // self.columns) if self.binary else descriptor_words(self.columns)

    def words_of(self, count: Any) -> Any:
        """Return the words that so many take; what is read at once begins behind whole ones.

        It takes numbers, and arrays of them.
        """
        at_once = self.wide_rows or 1
        return -(-count * self.words // at_once) * at_once

    @property
    def parameter_words(self) -> int:
        """Words that the parameters of a column tile take."""
        return START_WORDS if self.binary else PARAMETER_WORDS

    def write(self, step: Step) -> bytes:
        """Return the words of a step's descriptor."""
        data = binary(step) if self.binary else step.to_words().tobytes()
        return data.ljust(self.words * self.columns, b"\0")

    def read(self, image: bytes | memoryview, index: int) -> Step:
        """Return the step with that index of a program image."""
        return self.read_at(image, index * self.words)

    def places(self, image: bytes | memoryview, count: int) -> list[int]:
        """Return the first words of so many descriptors."""
        if not self.streams:
            return [index * self.words for index in range(count)]
        places = [0]
        while len(places) < count:
            places.append(self.end(places[-1], self.read_at(image, places[-1])))
        return places[:count]

    def end(self, place: int, step: Step) -> int:
        """Return where the next descriptor is behind a step whose descriptor is at a place."""
        return place + self.words + (0 if step.again else self.words_behind(step))

    def words_behind(self, step: Step) -> int:
        """Return how many words of weights and parameters a step reads."""
        weights = self.rows if step.mode <= Mode.DEPTHWISE else 0
        tiles = step.tiles if step.parameters_per_tile else 1
        return step.tiles * step.passes * weights + tiles * PARAMETER_WORDS

    def read_at(self, image: bytes | memoryview, word: int) -> Step:
        """Return the step whose descriptor begins with a word of a program image."""
        first = word * self.columns
        if not self.binary:
            data = image[first:first + DESCRIPTOR_BYTES]
            return Step.from_words(np.frombuffer(data, "<u4"))
        fields = unpack(image[first:first + BINARY_BYTES], BINARY_FIELDS, BINARY_BYTES)
        return Step(**fields | self.same)  # type: ignore[arg-type]

    @property
    def same(self) -> dict[str, int]:
        """What the steps of the engine ``binary`` have in common."""
        return {"mode": Mode.MATRIX, "parameters_per_tile": True, "piece_step": self.rows,
                "activation_format": BIPOLAR.code, "weight_format": BIPOLAR.code}

    @classmethod
    def of(cls, design: Design) -> Self:
        """Return those of a Design."""
        return cls(design.engine, design.rows, design.columns, design.wide_rows,
                   design.external is not None)


def binary(step: Step) -> bytes:
    """Return the descriptor of the engine ``binary`` for a step."""
    values = vars(step) | {"magic": MAGIC}
    for name, (_, bits, signed) in BINARY_FIELDS.items():
        least, most = limits(bits, signed)
        if not least <= values[name] <= most:
            raise UserError(f"{name} of a step of the engine 'binary' must be from {least} to "
                            f"{most}, not {values[name]}")
    return pack(values, BINARY_FIELDS, BINARY_BYTES)
