"""What is to be seen of a network: its ends, and a table of its layers."""

from collections.abc import Mapping
from typing import Any

from ..text import Shown, ShownTable, count
from .tensor import Tensor

__all__ = ["ShownNetwork"]


class ShownNetwork(Shown):
    """A network as it is shown."""

    name: str
    tensors: Mapping[str, Tensor]
    layers: tuple[Any, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    @property
    def summary(self) -> str:
        """Its name, its inputs and its outputs."""
        ends = [", ".join(f"{name} {self.tensors[name].shape}" for name in names)
                for names in (self.inputs, self.outputs)]
        return f"Network {self.name}: {len(self.layers)} layers, from {' to '.join(ends)}"

    def _view_(self) -> list[ShownTable]:
        """Return a table of its layers."""
        return [ShownTable({"layer": str, "operator": str, "output": str, "weights": count}, [
            (layer.name, layer.operator, self.tensors[layer.output].shape,
             layer.weights.size if hasattr(layer, "weights") else None) for layer in self.layers])]
