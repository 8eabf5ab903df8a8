"""The image of a program that streams: descriptors and words in the order in which they are read.

Steps of a layer that have the same words have them once, as long as the ring can hold them.
"""

from collections.abc import Iterator, Mapping

from ..arch.boards import presets
from ..arch.descriptors import Descriptors
from ..arch.design import Design
from ..arch.external import LEAST_RING, words_ahead
from ..arch.sdram import PAGE_BYTES
from ..arch.steps import Step
from ..errors import UserError
from .lowering import Lowering
from .program import LayerSteps

__all__ = ["finish_stream", "most_held", "streaming_offer"]

USUAL = "IS42S16160@110"
"""A chip that many boards have, at a clock."""


WITHOUT = ("tables", "softmax", "matmul", "lstm", "products")
"""Parts that a network may need, and that no Design has whose program streams."""


def most_held(design: Design) -> int:
    """Return how many words steps may hold, with those behind that are read meanwhile.

    Beyond that no page finds room in the ring that has the words for which the next step waits.
    """
    page = PAGE_BYTES // design.columns
    return design.program_words - page + 1 - words_ahead(design.rows, design.columns)


def streaming_offer(design: Design) -> str:
    """Return what a Design would be whose program memory need not hold all, if there is one."""
    if any(getattr(design, part) for part in WITHOUT):
        return ""
    known = (name for name, fields in presets().items()
             if "external" in fields and fields.get("device") == design.device)
    if preset := next(known, None):
        return f"; or let them stream from a memory chip, as on the preset {preset}"
    for ring in (1 << 16, 1 << 15, 1 << 14, LEAST_RING):
        if ring <= design.program_memory:
            try:
                design.replace(external=USUAL, program_memory=ring)
            except UserError:
                break
            return (f"; or let them stream from a memory chip that the board has: external, such "
                    f"as {USUAL}, with program_memory {ring}")
    return ""


def finish_stream(lowering: Lowering, layers: list[LayerSteps], addresses: Mapping[str, int],
                  design: Design) -> tuple[bytes, tuple[Step, ...]]:
    """Return the image and the steps, now that all addresses are known."""
    coding, chip = Descriptors.of(design), design.chip
    assert chip
    words, columns = lowering.image.to_bytes(), design.columns
    pieces: list[bytes] = []
    steps: list[Step] = []
    place = 0
    for step in (step for layer in layers for step in of_layer(lowering, layer, addresses, design)):
        first = step.program * columns
        own = words[first:first + coding.words_behind(step) * columns]
        begins = steps[-1].program if step.again else place + coding.words
        steps.append(step.replace(program=begins))
        pieces += [coding.write(steps[-1]), *([] if step.again else [own])]
        place = coding.end(place, step)
    image = b"".join(pieces)
    if len(image) > chip.facts.pages * PAGE_BYTES:
        raise UserError(f"the steps and weights need {len(image)} bytes, and the memory chip has "
                        f"{chip.facts.pages * PAGE_BYTES}: external must be a larger one")
    return image, tuple(steps)


def of_layer(lowering: Lowering, layer: LayerSteps, addresses: Mapping[str, int],
             design: Design) -> Iterator[Step]:
    """Yield the steps of a layer, with what they hold and what they have again."""
    coding, most = Descriptors.of(design), most_held(design)
    found: list[Step] = []
    held = 0
    for item in lowering.placed[layer.first:layer.first + layer.count]:
        step = item.at(addresses)
        same = bool(found) and step.program == found[-1].program \
            and coding.words_behind(step) == coding.words_behind(found[-1])
        held = (held if same else coding.words_behind(step)) + coding.words
        if same and held <= most:
            found[-1] = found[-1].replace(holds=True)
            step = step.replace(again=True)
        elif same:
            held = coding.words_behind(step) + coding.words
        found.append(step)
    yield from found
