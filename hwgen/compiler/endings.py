"""What layers end in that the accelerator computes: so far requantisation alone."""

from ..errors import UserError
from ..network.endings import Requantisation
from ..network.graph import Convolution, Depthwise, FullyConnected, Network
from ..network.thresholds import Thresholds

__all__ = ["check_endings", "requantised"]


def requantised(layer: Convolution | Depthwise | FullyConnected) -> Requantisation:
    """Return how the sums of a layer are requantised; an error where they are not."""
    ending = layer.requantisation
    if isinstance(ending, Requantisation):
        return ending
    if isinstance(ending, Thresholds):
        what = (f"compares its sums with {ending.values.shape[1]} thresholds for each channel, "
                "which the accelerator has no lanes for")
    else:
        what = "puts out sums of 32 bits, of which the accelerator writes bytes only"
    raise UserError(f"layer {layer.name!r} ({layer.operator}) {what}; `hwgen golden` runs this "
                    "network, and what runs on hardware is requantised: QuantizeLinear in its file")


def check_endings(network: Network) -> None:
    """Refuse a network of which a layer ends in what the accelerator lacks."""
    for layer in network.layers:
        if isinstance(layer, Convolution | Depthwise | FullyConnected):
            requantised(layer)
