"""How the steps of an engine lie in the program memory: docs/accelerator.md and docs/binary.md.

Compiler, golden model and cost model share this file, as they do the steps themselves.
"""

from binascii import crc_hqx
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from ..errors import UserError
from .bit_fields import MAGIC, Place, limits, pack, unpack
from .design import Design
from .formats import Format, NumberKind
from .steps import DESCRIPTOR_BYTES, PARAMETER_WORDS, Mode, Step, descriptor_words

__all__ = ["BINARY_BYTES", "BINARY_FIELDS", "CRC_BYTES", "CRC_START", "START_WORDS", "Descriptors"]

BINARY_BYTES = 16
"""Of a descriptor of the engine ``binary``."""
CRC_BYTES = 2
"""Of a CRC-16: polynomial 0x1021, the highest bit of each byte first."""
CRC_START = 0xffff
"""With which that of a descriptor begins."""
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
    crc : bool
        Behind the fields of a descriptor is the CRC of the step's words, and at the end its own.
    """

    engine: str
    rows: int
    columns: int
    wide_rows: int = 0
    streams: bool = False
    crc: bool = False

    @property
    def binary(self) -> bool:
        """Whether they are those of the engine ``binary``, which knows one kind of steps."""
        return self.engine == "binary"

    @property
    def words(self) -> int:
        """Words of the program memory that each takes."""
        return -(-BINARY_BYTES // self.columns) if self.binary else \
            descriptor_words(self.columns, 2 * CRC_BYTES * self.crc)

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

    def write(self, step: Step, words: bytes = b"") -> bytes:
        """Return the words of a step's descriptor; ``words`` begin with those that it reads."""
        data = binary(step) if self.binary else step.to_words().tobytes()
        size = self.words * self.columns
        if not self.crc:
            return data.ljust(size, b"\0")
        read = words[:self.words_behind(step) * self.columns]
        data += crc_hqx(read, 0).to_bytes(CRC_BYTES, "little")
        data = data.ljust(size - CRC_BYTES, b"\0")
        return data + crc_hqx(data, CRC_START).to_bytes(CRC_BYTES, "big")

    def intact(self, image: bytes | memoryview, place: int) -> bool:
        """Return whether a descriptor of an image, at a word of it, has the CRC that it says."""
        first = place * self.columns
        return not self.crc or crc_hqx(image[first:first + self.words * self.columns],
                                       CRC_START) == 0

    def intact_words(self, image: bytes | memoryview, place: int, step: Step) -> bool:
        """Return whether the words that its step reads have the CRC that it says."""
        said = place * self.columns + DESCRIPTOR_BYTES
        first = step.program * self.columns
        read = image[first:first + self.words_behind(step) * self.columns]
        return not self.crc or crc_hqx(read, 0) == int.from_bytes(
            image[said:said + CRC_BYTES], "little")

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
                   design.external is not None, design.program_crc)


def binary(step: Step) -> bytes:
    """Return the descriptor of the engine ``binary`` for a step."""
    values = vars(step) | {"magic": MAGIC}
    for name, (_, bits, signed) in BINARY_FIELDS.items():
        least, most = limits(bits, signed)
        if not least <= values[name] <= most:
            raise UserError(f"{name} of a step of the engine 'binary' must be from {least} to "
                            f"{most}, not {values[name]}")
    return pack(values, BINARY_FIELDS, BINARY_BYTES)
