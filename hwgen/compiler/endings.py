"""What layers end in that the accelerator computes: requantisation alone."""

from ..errors import UserError
from ..network.endings import Requantisation
from ..network.graph import Convolution, Depthwise, FullyConnected, Network

__all__ = ["check_endings", "requantised"]


def requantised(layer: Convolution | Depthwise | FullyConnected) -> Requantisation:
    """Return how the sums of a layer are requantised; an error where they are not."""
    ending = layer.requantisation
    if isinstance(ending, Requantisation):
        return ending
    raise UserError(f"layer {layer.name!r} ({layer.operator}) puts out sums of 32 bits, of which "
                    "the accelerator writes bytes only; `hwgen golden` runs this network, and what "
                    "runs on hardware is requantised: QuantizeLinear in its file")


def check_endings(network: Network) -> None:
    """Refuse a network of which a layer ends in what the accelerator lacks."""
    for layer in network.layers:
        if isinstance(layer, Convolution | Depthwise | FullyConnected):
            requantised(layer)
