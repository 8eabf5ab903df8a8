"""What layers end in that the accelerator computes: requantisation alone."""

from ...network.graph import Convolution, Depthwise, FullyConnected
from ...network.requantisation import Requantisation

__all__ = ["sum_requantisation"]


def sum_requantisation(layer: Convolution | Depthwise | FullyConnected) -> Requantisation:
    """Return how the sums of a layer of the accelerator's are requantised."""
    ending = layer.requantisation
    if isinstance(ending, Requantisation):
        return ending
    raise TypeError(f"layer {layer.name!r} ({layer.operator}) puts out sums, which the host "
                    "computes")
