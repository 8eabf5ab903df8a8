"""The kinds of state of an accelerator in which bits may be flipped, and which bits those are."""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ...arch.descriptors import Descriptors
from ...arch.registers import Space
from ...arch.steps import Mode, Step
from ...compiler.program import Program
from ...errors import UserError, closest
from ...golden.accelerator.accelerator import Accelerator
from ...golden.accelerator.footprint import words_read
from .simulator import Bit
from .state import Element

__all__ = ["Flip", "Pool", "chosen_kinds", "flips_of", "pools_of"]

SPACES = {"activations": Space.ACTIVATIONS, "program": Space.PROGRAM}
"""The components whose memory the host reaches."""
MEMORIES = {"accumulators": "sums", "fetch": "lines"}
"""What the memories of components hold; those of others have the component's name."""


@dataclass(frozen=True)
class ByteBit:
    """A bit of what the host writes: the space, the byte there, and which bit of it."""

    space: Space
    address: int
    bit: int


@dataclass(frozen=True)
class Flip:
    """A bit that is flipped, while which image is computed, and when.

    Members
    -------
    kind, index
        Of the state, and which of the flips of that kind it is.
    image : int
        The index of the input.
    moment : float
        From 0, where the host begins to start the run, to 1, its end.
    where : Bit or ByteBit
    """

    kind: str
    index: int
    image: int
    moment: float
    where: Bit | ByteBit


class Pool(Protocol):
    """The bits of a kind of state."""

    @property
    def bits(self) -> int:
        """How many there are."""

    def choose(self, random: Generator) -> Bit | ByteBit:
        """Return one of them; all are equally likely."""


@dataclass(frozen=True)
class Elements:
    """Registers, or memories that no host reaches, by their indices in the design."""

    elements: dict[int, Element]

    @property
    def bits(self) -> int:
        """How many there are."""
        return sum(each.bits for each in self.elements.values())

    def choose(self, random: Generator) -> Bit:
        """Return one of them."""
        at = int(random.integers(self.bits))
        for index, each in self.elements.items():
            if at < each.bits:
                return Bit(index, *divmod(at, each.width))
            at -= each.bits
        raise AssertionError


@dataclass(frozen=True)
class HostBytes:
    """Bytes that the host writes."""

    space: Space
    addresses: NDArray[np.int64]

    @property
    def bits(self) -> int:
        """How many bits they have."""
        return 8 * len(self.addresses)

    def choose(self, random: Generator) -> ByteBit:
        """Return one of them."""
        at, bit = divmod(int(random.integers(self.bits)), 8)
        return ByteBit(self.space, int(self.addresses[at]), bit)


def pools_of(program: Program, elements: Sequence[Element], absent: frozenset[int],
             ) -> dict[str, Pool]:
    """Return the kinds of state of an accelerator that runs a Program.

    Of the memories that the host reaches, it is the part that the Program uses. Elements whose
    indices are ``absent`` do not count.
    """
    used = max(int(each.addresses().max()) for each in program.tensors.values()) + 1
    pools: dict[str, Pool] = {"activations": HostBytes(Space.ACTIVATIONS, np.arange(used))}
    for kind, words in words_of(program).items():
        stride = 1 << max(2, (program.design.columns - 1).bit_length())
        addresses = words[:, None] * stride + np.arange(program.design.columns)
        pools[kind] = HostBytes(Space.PROGRAM, addresses.ravel())
    found: dict[str, dict[int, Element]] = {}
    for index, each in enumerate(elements):
        if index not in absent and not (each.depth and each.part in SPACES):
            kind = MEMORIES.get(each.part, f"memory:{each.part}") if each.depth else \
                f"registers:{each.part}"
            found.setdefault(kind, {})[index] = each
    order = sorted(found, key=lambda kind: (":" in kind, kind))
    return pools | {kind: Elements(found[kind]) for kind in order}


def words_of(program: Program) -> dict[str, NDArray[np.int64]]:
    """Return the words of a Program's image by what they hold."""
    descriptors = Descriptors.of(program.design)
    kinds = np.full(len(program.image) // program.design.columns, "", "<U11")
    for step, place in zip(program.steps, program.places, strict=True):
        kinds[place:place + descriptors.words] = "descriptors"
        at = step.program
        for kind, length in pieces_of(program, step):
            kinds[at:at + length] = kind
            at += length
    return {kind: np.flatnonzero(kinds == kind)
            for kind in ("weights", "parameters", "descriptors") if (kinds == kind).any()}


def pieces_of(program: Program, step: Step) -> Iterator[tuple[str, int]]:
    """Return what a step reads behind its descriptor, and how many words of it, in order."""
    design = program.design
    if design.engine == "binary":
        for _ in range(step.tiles):
            yield "parameters", Descriptors.of(design).parameter_words
            yield "weights", step.pieces * step.formats[1].words(design.rows)
        return
    if step.mode in (Mode.SPARSE, Mode.UNPACK, Mode.TABLE):
        yield "weights", words_read(step, design.columns, 0)
        return
    weights, parameters = Accelerator.of(design).words_of_pass(step)
    for tile in range(step.tiles):
        yield "weights", weights
        if tile == 0 or step.parameters_per_tile:
            yield "parameters", parameters
        yield "weights", weights * (step.passes - 1)


def chosen_kinds(pools: dict[str, Pool], kinds: Sequence[str] | None) -> list[str]:
    """Return the kinds that are asked for: all, or those named; ``registers`` means all of it."""
    for kind in kinds or ():
        if kind not in pools and not any(each.startswith(f"{kind}:") for each in pools):
            raise UserError(f"kinds must be of {', '.join(pools)}, not {kind!r}"
                            + closest(kind, pools))
    return [each for each in pools
            if not kinds or each in kinds or each.partition(":")[0] in kinds]


def flips_of(kind: str, pool: Pool, count: int, images: int, seed: int) -> list[Flip]:
    """Return so many flips of a kind; the first ones are the same for every count."""
    flips = []
    for index in range(count):
        random = np.random.default_rng([seed, zlib.crc32(kind.encode()), index])
        flips.append(Flip(kind, index, int(random.integers(images)), float(random.random()),
                          pool.choose(random)))
    return flips
