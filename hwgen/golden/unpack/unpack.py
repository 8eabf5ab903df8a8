"""What the unpacker of ``rtl/unpack/unpack.py`` writes, and how many cycles it takes, in NumPy.

The packed weights of a step are three runs of words of the program memory: its parameters, as they
are; a codebook, if there is one; and entries (:mod:`hwgen.golden.sparse.decoder`), as many whole
ones per word as fit. The entries are one column: the words of weights, one after the
other, each rounded up to a power of two of bytes.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ...arch.formats import Format as Numbers
from ...arch.formats import NumberKind
from ...arch.steps import INDEX_BITS, PARAMETER_WORDS, Step
from ...errors import UserError
from ..sparse.decoder import EntryFormat, LaneEntries

__all__ = ["READING", "VALUE_BITS", "Packing", "is_possible", "parameter_words", "unpack",
           "written_words"]

Bytes = NDArray[np.uint8]

VALUE_BITS = 4, 8
"""Bits that a value may have."""
READING = 9
"""Cycles from one word that is read to the next one, at least, in an accelerator: two more than
from an address to its word."""


@dataclass(frozen=True)
class Packing:
    """How the weights of a step are packed.

    Parameters
    ----------
    columns : int
        Bytes of a word.
    value_bits : int
        Of an entry; its index has ``INDEX_BITS``.
    book : bool
        Whether values choose from a codebook; else they are weights, with a sign.
    """

    columns: int
    value_bits: int
    book: bool

    @classmethod
    def of(cls, step: Step, columns: int) -> Self | None:
        """Return what the step says, None where there is no such packing."""
        try:
            numbers = Numbers.from_code(step.weight_format)
        except UserError:
            return None
        if numbers.bits not in VALUE_BITS or numbers.kind == NumberKind.BIPOLAR:
            return None
        return cls(columns, numbers.bits, numbers.kind == NumberKind.UNSIGNED)

    @property
    def code(self) -> int:
        """The format of weights that says so in a step."""
        kind = NumberKind.UNSIGNED if self.book else NumberKind.SIGNED
        return Numbers(self.value_bits, kind).code

    @property
    def low(self) -> int:
        """Bits of a row that say which byte of a word it is."""
        return (self.columns - 1).bit_length()

    @property
    def width(self) -> int:
        """Bits of an entry."""
        return INDEX_BITS + self.value_bits

    @property
    def per_word(self) -> int:
        """Entries of a word."""
        return 8 * self.columns // self.width

    @property
    def book_words(self) -> int:
        """Words of the codebook."""
        return -(-(1 << self.value_bits) // self.columns) if self.book else 0

    def entry_words(self, entries: int) -> int:
        """Return how many words so many entries take."""
        return -(-entries // self.per_word)

    def words(self, step: Step) -> int:
        """Return how many words a step reads."""
        return parameter_words(step) + self.book_words + self.entry_words(step.row_bytes)

    def cycles(self, step: Step, reading: int = READING) -> int:
        """Return the cycles from the begin of a step's unpacking to its last word.

        The next word comes while what the one before says is used, a byte of a codebook or an entry
        a cycle, and ``reading`` cycles later at the earliest. A word that is written takes a cycle
        in which all else stands still.
        """
        reads = [(parameter_words(step), 1), (self.book_words, self.columns),
                 (self.entry_words(step.row_bytes), self.per_word)]
        rest = step.row_bytes - (self.entry_words(step.row_bytes) - 1) * self.per_word
        waits = sum(count * max(uses, reading) for count, uses in reads)
        return (reading + waits - max(self.per_word, reading) + rest
                + step.slots * step.tile_step)

    def entries(self, words: Bytes, count: int) -> NDArray[np.int64]:
        """Return the first entries of some words."""
        bits = np.unpackbits(words, axis=1, bitorder="little")
        whole = bits[:, :self.per_word * self.width].reshape(-1, self.width)[:count]
        return whole.astype(np.int64) @ (1 << np.arange(self.width))

    def pack(self, entries: NDArray[np.int64]) -> Bytes:
        """Return the words of entries."""
        full = np.zeros(self.entry_words(len(entries)) * self.per_word, np.int64)
        full[:len(entries)] = entries
        bits = (full[:, None] >> np.arange(self.width) & 1).astype(np.uint8)
        bits = bits.reshape(-1, self.per_word * self.width)
        padded = np.pad(bits, ((0, 0), (0, 8 * self.columns - bits.shape[1])))
        return np.packbits(padded, axis=1, bitorder="little")


def is_possible(step: Step, rows: int, columns: int) -> bool:
    """Return whether there is such a step of mode UNPACK."""
    loops = (step.tiles, step.pieces, step.taps_x, step.taps_y, step.x, step.y)
    return (Packing.of(step, columns) is not None and max(loops) == 1 and step.slots > 0
            and step.tile_step >= rows and step.row_bytes > 0)


def parameter_words(step: Step) -> int:
    """Return how many words of parameters there are among those of a step."""
    return PARAMETER_WORDS * (step.slots if step.parameters_per_tile else 1)


def written_words(step: Step) -> int:
    """Return how many words a step writes."""
    return step.slots * step.tile_step + parameter_words(step)


def unpack(step: Step, words: Bytes, rows: int) -> bool:
    """Write what a step of mode UNPACK writes; return False where that is outside the memory.

    What is read must not be what the step writes.

    Parameters
    ----------
    words : array of uint8
        The program memory, (words, columns).
    rows : int
        Of the array, and so words of weights of a pass.
    """
    packing = Packing.of(step, words.shape[1])
    assert packing is not None
    needed = packing.words(step)
    if max(step.program + needed, step.output + written_words(step)) > len(words):
        return False
    source = words[step.program:step.program + needed].copy()
    parameters, codes, source = np.split(source, np.cumsum([parameter_words(step),
                                                            packing.book_words]))
    weights = weight_words(packing.entries(source, step.row_bytes), packing,
                           step.slots * step.tile_step, len(words),
                           codes.reshape(-1) if packing.book else None)
    place = step.output
    for tile in range(step.slots):
        head, rest = np.split(weights[tile * step.tile_step:(tile + 1) * step.tile_step], [rows])
        of_tile = [head, rest]
        if tile == 0 or step.parameters_per_tile:
            first = tile * PARAMETER_WORDS
            of_tile.insert(1, parameters[first:first + PARAMETER_WORDS])
        for part in of_tile:
            words[place:place + len(part)] = part
            place += len(part)
    return True


def weight_words(entries: NDArray[np.int64], packing: Packing, count: int, depth: int,
                 book: Bytes | None) -> Bytes:
    """Return the words of weights that entries stand for.

    Rows count as far as words of a memory of ``depth`` words go, and then from 0 again. So what is
    no encoder's finds a place, too.
    """
    low, form = packing.low, EntryFormat(index_bits=INDEX_BITS, value_bits=packing.value_bits)
    _, rows, weights = LaneEntries(entries, np.array([0, len(entries)])).triplets(form)
    bits = max(depth - 1, 1).bit_length()
    seen = (rows >> low) & ((1 << bits) - 1)
    word = np.cumsum(np.diff(seen, prepend=0) & ((1 << bits) - 1))
    byte = rows & ((1 << low) - 1)
    weights = weights & 0xff if book is None else book[weights & (1 << packing.value_bits) - 1]
    found = np.zeros((count, packing.columns), np.uint8)
    there = (word < count) & (byte < packing.columns)
    found[word[there], byte[there]] = weights[there]
    return found
