"""Area of a Design on its chip, by the model for its kind."""

from ..arch.design import Design
from . import ecp5 as resources
from . import small as compact
from .ecp5 import Parts

__all__ = ["RESOURCES", "taken_of"]

RESOURCES = ("luts", "registers", "dsps", "block_rams")
"""What a chip may have too little of."""


def taken_of(design: Design) -> dict[str, float]:
    """Return how much of each of :data:`RESOURCES`; nothing where that is not known."""
    if compact.knows(design):
        return {name: float(compact.used(design)[name]) for name in RESOURCES}
    if resources.knows(design):
        parts = Parts.of(design)
        return {name: float(getattr(resources, name)(parts)) for name in RESOURCES}
    return {}
