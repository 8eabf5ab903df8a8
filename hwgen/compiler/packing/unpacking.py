"""Programs for which the program memory is too small: weights of some layers are packed there.

A step that reads packed weights becomes several, of a few column tiles each, with one of mode
UNPACK before each, which writes the words that it reads behind the end of the image. All of them
share that place, which is as large as the largest column tile. What they compute, and in which
order, is what the step did.
"""

from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ...arch.steps import PARAMETER_WORDS, Mode, Step, descriptor_words
from ...golden.accelerator.footprint import words_read
from ..lowering import Lowering, PlacedStep
from ..program import LayerSteps
from ..sizes import ceil_div
from ..sparse.choice import program_words
from .packing import pack_step

__all__ = ["Unpacking"]

Bytes = NDArray[np.uint8]
LONGEST = (1 << 16) - 1
"""Words of weights of a column tile."""


def weights_and_parameters(step: Step, rows: int, image: Bytes) -> tuple[Bytes, Bytes]:
    """Return what a step reads: (tiles, words, columns), and (tiles or 1, 9, columns)."""
    columns, length = image.shape[1], step.passes * rows
    tiles = step.tiles if step.parameters_per_tile else 1
    # All tiles after those with parameters follow the last of these.
    words = image[step.program:step.program + words_read(step, columns, rows)]
    first = words[:tiles * (PARAMETER_WORDS + length)].reshape(tiles, -1, columns)
    head, parameters, rest = np.split(first, [rows, rows + PARAMETER_WORDS], axis=1)
    weights = [np.concatenate([head, rest], axis=1),
               words[tiles * (PARAMETER_WORDS + length):].reshape(-1, length, columns)]
    return np.concatenate(weights), parameters


class Unpacking:
    """The steps of a network, of which more and more layers are packed.

    Parameters
    ----------
    lowering, layers
        All steps, and whose they are.
    """

    def __init__(self, lowering: Lowering, layers: list[LayerSteps]) -> None:
        self.lowering, self.layers = lowering, layers
        image = np.frombuffer(lowering.image.to_bytes(), np.uint8)
        self.image = image.reshape(-1, lowering.columns)
        self.packings: dict[tuple[int, int, int], tuple[Bytes, dict[str, int]]] = {}

    def until(self, words: int) -> tuple[Lowering, list[LayerSteps]]:
        """Pack layers, those first that save most words, until no more than these are needed.

        Return the steps that need no more; or, where there are none, those that need fewest.
        """
        best = self.lowering, self.layers
        gains = {layer.name: self.gain(layer) for layer in self.layers}
        chosen: set[str] = set()
        for layer in sorted(self.layers, key=lambda layer: -gains[layer.name]):
            if program_words(best[0]) <= words or gains[layer.name] <= 0:
                break
            chosen.add(layer.name)
            found = self.steps_with_packed(chosen)
            if program_words(found[0]) < program_words(best[0]):
                best = found
        return best

    def gain(self, layer: LayerSteps) -> int:
        """Return how many words fewer a layer takes, besides those that all layers share."""
        pieces = {item.step.program: item.step for item in self.steps_of(layer)
                  if self.is_packable(item.step)}
        saved = 0
        for step in pieces.values():
            words, _ = self.pack_tiles(step, 0, step.tiles)
            saved += (words_read(step, self.lowering.columns, self.lowering.rows) - len(words)
                      - 2 * descriptor_words(self.lowering.columns))
        return saved

    def steps_of(self, layer: LayerSteps) -> list[PlacedStep]:
        """Return the steps of a layer."""
        return self.lowering.placed[layer.first:layer.first + layer.count]

    def is_packable(self, step: Step) -> bool:
        """Return whether what a step reads can be packed."""
        return (step.mode in (Mode.MATRIX, Mode.DEPTHWISE)
                and step.passes * self.lowering.rows <= LONGEST)

    def pack_tiles(self, step: Step, first: int, end: int) -> tuple[Bytes, dict[str, int]]:
        """Return some tiles of what a step reads as packed words, and the fields that say how."""
        key = step.program, first, end
        if key not in self.packings:
            weights, parameters = weights_and_parameters(step, self.lowering.rows, self.image)
            if step.parameters_per_tile:
                parameters = parameters[first:end]
            self.packings[key] = pack_step(weights[first:end],
                                           parameters.reshape(-1, self.lowering.columns))
        return self.packings[key]

    def steps_with_packed(self, chosen: set[str]) -> tuple[Lowering, list[LayerSteps]]:
        """Return the steps, and whose they are, if the weights of these layers are packed."""
        made, layers = Lowering(self.lowering.design), []
        room = max((item.step.passes * made.rows + PARAMETER_WORDS for layer in self.layers
                    if layer.name in chosen for item in self.steps_of(layer)
                    if self.is_packable(item.step)), default=0)
        waiting = []  # steps that use the room
        for layer in self.layers:
            start, before = len(made.placed), None
            for item in self.steps_of(layer):
                if layer.name not in chosen or not self.is_packable(item.step):
                    made.placed.append(self.relocate(item, made))
                    continue
                for first, end in spans(item.step, made.rows, room):
                    words, fields = self.pack_tiles(item.step, first, end)
                    place = made.image.keep(words)
                    if before != (place, fields):  # else it is still there
                        before = place, fields
                        waiting.append(len(made.placed))
                        step = Step(mode=Mode.UNPACK, last_columns=1, program=place,
                                    parameters_per_tile=item.step.parameters_per_tile)
                        made.placed.append(PlacedStep(step.replace(**fields), None, None))
                    waiting.append(len(made.placed))
                    made.placed.append(part(item, first, end, made.columns))
            layers.append(replace(layer, first=start, count=len(made.placed) - start))
        for index in waiting:
            item = made.placed[index]
            field = "output" if item.step.mode == Mode.UNPACK else "program"
            made.placed[index] = replace(item, step=item.step.replace(**{field: made.image.words}))
        made.image.reserve(room)
        return made, layers

    def relocate(self, item: PlacedStep, made: Lowering) -> PlacedStep:
        """Return a step whose words are in another image."""
        step = item.step
        count = words_read(step, made.columns, made.rows)
        if not count:
            return item
        place = made.image.keep(self.image[step.program:step.program + count])
        return replace(item, step=step.replace(program=place))


def spans(step: Step, rows: int, room: int) -> list[tuple[int, int]]:
    """Return the column tiles, as first and end, of each of the steps that one becomes."""
    length = step.passes * rows
    most = room // (length + PARAMETER_WORDS) if step.parameters_per_tile else \
        (room - PARAMETER_WORDS) // length
    count = ceil_div(step.tiles, most)
    return [*pairwise(number * step.tiles // count for number in range(count + 1))]


def part(item: PlacedStep, first: int, end: int, columns: int) -> PlacedStep:
    """Return a step for some of its column tiles."""
    step = item.step
    alone = end - first == 1
    fields = {
        "tiles": end - first, "offset": step.offset + first * step.tile_step,
        "output": step.output + first * columns,
        "last_columns": step.last_columns if end == step.tiles else columns,
        "parameters_per_tile": step.parameters_per_tile and not alone,
    }
    if alone and step.mode != Mode.DEPTHWISE:
        fields["tile_step"] = 0
    return replace(item, step=step.replace(**fields),
                   live=item.live if item.live is None else item.live[first:end])
