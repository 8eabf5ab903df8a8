"""The Design on which a network runs, of what somebody named."""

import os

from ..arch.boards import presets
from ..arch.design import Design
from ..network.graph import Network
from .prepare.thresholds import rounding_of

__all__ = ["design_for"]


def design_for(design: Design | str | os.PathLike[str], network: Network) -> Design:
    """Return a Design, or that of a file or a preset; a preset takes the network's rounding."""
    if isinstance(design, Design):
        return design
    name = os.fspath(design)
    found = Design.load(name)
    return found.replace(rounding=rounding_of(network)) if name in presets() else found
