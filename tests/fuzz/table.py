"""The table of everything in hwgen that reads what others wrote."""

from . import arrays, designs, networks, tools, wire
from .reader import Reader

__all__ = ["READERS"]

READERS: dict[str, Reader] = {
    reader.name: reader for module in (networks, designs, arrays, tools, wire)
    for reader in module.READERS}
