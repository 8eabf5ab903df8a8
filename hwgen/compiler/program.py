"""A Program: everything that a network becomes for one Design, and the file that keeps it."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..arch.descriptors import Descriptors
from ..arch.design import Design
from ..arch.registers import Space
from ..arch.steps import Step
from ..errors import UserError
from ..tools.arrays import load_arrays
from ..tools.untrusted import check_type, refusing
from .placement import Placement, Stack

__all__ = ["EngineChoice", "HostLayer", "LayerSteps", "Placement", "Program", "Stack",
           "StateSlot", "Step"]

FORMAT = 5


@dataclass(frozen=True)
class LayerSteps:
    """The steps of one layer."""

    name: str
    operator: str
    inputs: tuple[str, ...]
    output: str
    first: int
    count: int


@dataclass(frozen=True)
class HostLayer:
    """A layer that the host computes after the accelerator has finished."""

    name: str
    operator: str
    inputs: tuple[str, ...]
    output: str
    shape: tuple[int, ...]
    scale: float
    zero_point: int
    beta: float = 1.0


@dataclass(frozen=True)
class StateSlot:
    """A tensor that stays between inferences: ``name`` before one, ``next`` after it, in one place.

    ``initial`` are the values of its elements before the first.
    """

    name: str
    next: str
    initial: tuple[int, ...]


@dataclass(frozen=True)
class EngineChoice:
    """Which engine a layer runs on, and why; without a cycle count where it cannot.

    Members
    -------
    layer : str
    engine : str
        ``dense`` or ``sparse``.
    dense_cycles : int
    sparse_cycles : int, or None
    entries, columns : int
        Which it takes, or would take, of a lane's memories.
    reason : str
    """

    layer: str
    engine: str
    dense_cycles: int
    sparse_cycles: int | None
    entries: int
    columns: int
    reason: str


@dataclass(frozen=True, eq=False)
class Program:
    """What runs on an accelerator of ``design``.

    Parameters
    ----------
    name : str
        Of the network.
    design : Design
        What it is for.
    steps : tuple of Step
        As their descriptors in ``image`` have them.
    image : bytes
        What the program memory holds, from its first word on.
    tensors : dict
        Every tensor that is stored, by its name.
    layers : tuple of LayerSteps
        Which layer the steps belong to, in their order.
    host_layers : tuple of HostLayer
        What is left for the host.
    inputs, outputs : tuple of str
        Tensors that the host writes, and those that it reads.
    results : tuple of str
        The network's outputs, be they the accelerator's or of a host layer.
    compressed : tuple of (int, bytes)
        Words of the memories of the sparse engine, and where they begin there.
    choices : tuple of EngineChoice
        Which layers it computes, and why.
    states : tuple of StateSlot
        Tensors that the host writes before the first inference, and that no other layers write than
        those that give them their next values.
    """

    name: str
    design: Design
    steps: tuple[Step, ...]
    image: bytes
    tensors: dict[str, Placement]
    layers: tuple[LayerSteps, ...]
    host_layers: tuple[HostLayer, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    results: tuple[str, ...]
    compressed: tuple[tuple[int, bytes], ...] = ()
    choices: tuple[EngineChoice, ...] = ()
    states: tuple[StateSlot, ...] = ()

    def __post_init__(self) -> None:
        """Check that the steps are those of the image, and that tensors are in the memory."""
        for name, place in self.tensors.items():
            if not place.is_possible(self.design.activation_memory) or (
                    place.stack != Stack() and name not in self.inputs):
                raise UserError(f"tensor {name!r} of the Program {self.name!r} cannot lie in "
                                f"{self.design.activation_memory} bytes as it says")
        for state in self.states:
            before, after = (self.tensors[name] for name in (state.name, state.next))
            if not np.array_equal(before.addresses(), after.addresses()) or \
                    before.addresses().size != len(state.initial):
                raise UserError(f"state {state.name!r} of the Program {self.name!r} does not stay "
                                "where it is")
        descriptors = Descriptors.of(self.design)
        for index, (step, word) in enumerate(zip(self.steps, self.places, strict=True)):
            if descriptors.read_at(self.image, word) != step:
                raise UserError(f"step {index} of the Program {self.name!r} is not in its image")

    @cached_property
    def places(self) -> list[int]:
        """The word of the image with which each step's descriptor begins."""
        return Descriptors.of(self.design).places(self.image, len(self.steps))

    @cached_property
    def joined(self) -> tuple[tuple[LayerSteps, LayerSteps], ...]:
        """The layers whose output stays in the lanes, each with the ADD that takes it there."""
        return tuple(
            (layer, following) for layer, following in pairwise(self.layers)
            if any(step.kept for step in self.steps[layer.first:layer.first + layer.count]))

    @cached_property
    def kept(self) -> dict[str, str]:
        """The tensors that stay in the lanes, and what the ADD makes of each of them."""
        return {layer.output: following.output for layer, following in self.joined}

    @cached_property
    def fingerprint(self) -> str:
        """A number, in hexadecimal, that no other Program has."""
        digest = hashlib.sha256(self._facts())
        digest.update(self.image)
        return digest.hexdigest()

    @property
    def strided_image(self) -> bytes:
        """The image as a host writes it: a word at every multiple of a power of two."""
        columns = self.design.columns
        stride = 1 << max(2, (columns - 1).bit_length())
        words = -(-len(self.image) // columns)
        image = np.zeros((words, stride), np.uint8)
        image[:, :columns] = np.frombuffer(self.image.ljust(words * columns, b"\0"),
                                           np.uint8).reshape(words, columns)
        return image.tobytes()

    @property
    def contents(self) -> tuple[int, ...]:
        """Words of the program memory before the first inference, for a bitstream that says it."""
        if self.design.external:
            raise UserError(f"the Program {self.name!r} streams from external memory, which a "
                            "bitstream cannot fill: let the host load it")
        if self.compressed:
            raise UserError(f"the Program {self.name!r} has weights for a sparse engine, whose "
                            "memories a bitstream cannot fill: let the host load it")
        columns = self.design.columns
        return tuple(int.from_bytes(self.image[at:at + columns], "little")
                     for at in range(0, len(self.image), columns))

    @property
    def memory(self) -> list[tuple[Space, int, bytes]]:
        """All that a host writes before the first inference: where it goes, and the bytes.

        But for what streams from external memory.
        """
        if self.design.external:
            return []
        return [(Space.PROGRAM, 0, self.strided_image),
                *((Space.SPARSE, offset, data) for offset, data in self.compressed)]

    @property
    def initial_state(self) -> dict[str, NDArray[np.int8]]:
        """What the states are before the first inference, by their names."""
        return {state.name: np.array(state.initial, np.int8).reshape(self.tensors[state.name].shape)
                for state in self.states}

    def _facts(self, **others: Any) -> bytes:
        """Return all but the image as JSON, which has the steps."""
        own = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        del own["image"]
        facts = own | {"format": FORMAT, "steps": len(self.steps)} | others
        return json.dumps(facts, sort_keys=True, default=plain).encode()

    def save(self, path: str | Path) -> None:
        """Write the Program to a file, a zip archive of two NumPy arrays."""
        facts = self._facts(fingerprint=self.fingerprint)
        with Path(path).open("wb") as file:
            np.savez_compressed(file, facts=np.frombuffer(facts, np.uint8),
                                image=np.frombuffer(self.image, np.uint8))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a Program that :meth:`save` wrote."""
        with refusing(path, "a Program of hwgen"):
            file = load_arrays(path)
            facts = json.loads(file["facts"].tobytes())
            if facts["format"] != FORMAT:
                raise UserError(f"its format is {facts['format']}, not {FORMAT}: compile the "
                                "network again")
            program = cls._of(facts, file["image"].tobytes())
            if program.fingerprint != facts["fingerprint"]:
                raise UserError("it is damaged: its fingerprint is not that of its contents")
            return program

    @classmethod
    def _of(cls, facts: dict[str, Any], image: bytes) -> Self:
        design = Design.from_dict(facts["design"])
        descriptors = Descriptors.of(design)
        steps = tuple(descriptors.read_at(image, place)
                      for place in descriptors.places(image, facts["steps"]))

        def of(name: str, kind: Any) -> Any:
            return check_type(facts[name], kind, name)

        return cls(
            of("name", str), design, steps, image, of("tensors", dict[str, Placement]),
            of("layers", tuple[LayerSteps, ...]), of("host_layers", tuple[HostLayer, ...]),
            of("inputs", tuple[str, ...]), of("outputs", tuple[str, ...]),
            of("results", tuple[str, ...]),
            tuple((place, bytes.fromhex(data)) for place, data in facts["compressed"]),
            of("choices", tuple[EngineChoice, ...]), of("states", tuple[StateSlot, ...]))


def plain(part: Any) -> Any:
    """Return a part of a Program as JSON has it."""
    return part.hex() if isinstance(part, bytes) else dataclasses.asdict(part)
