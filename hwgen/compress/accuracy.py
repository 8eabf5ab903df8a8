"""How right a network is on labelled inputs: top-1, or for an autoencoder how well it tells apart.

An autoencoder is a network whose output has as many values as its input. It rebuilds what is
usual; the mean square of what it does not rebuild is its verdict, and the area under the curve
(AUC) the chance that an unusual input, of label 1, gets a higher one than a usual one, of label 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError
from ..network.graph import Network

__all__ = ["Measure", "answers_of", "is_autoencoder"]

Arrays = Mapping[str, NDArray[np.int8]]


def answers_of(values: NDArray[np.generic], count: int,
               name: str = "--labels") -> NDArray[np.int64]:
    """Return the right answers to so many inputs, checked; ``name`` is where they are from."""
    found = np.asarray(values)
    if found.shape != (count,) or found.dtype.kind not in "iu":
        raise UserError(f"{name} must be {count} integers, one for each input, not "
                        f"{found.dtype} of shape {found.shape}")
    return found.astype(np.int64)


def is_autoencoder(network: Network) -> bool:
    """Whether a network has one input and one output, and these are of one size."""
    if len(network.inputs) != 1 or len(network.outputs) != 1:
        return False
    sizes = {network.tensors[name].size for name in (network.inputs[0], network.outputs[0])}
    return len(sizes) == 1


@dataclass(frozen=True, eq=False)
class Measure:
    """Labelled inputs, and what networks are worth on them.

    Parameters
    ----------
    inputs : arrays
        As ``golden.network.run`` takes them.
    answers : array
        The label of each input.
    """

    inputs: Arrays
    answers: NDArray[np.int64]

    def check(self, network: Network) -> None:
        """Check that the labels are answers to the inputs."""
        if len(network.outputs) != 1:
            raise UserError(f"labels are for networks with one output, not "
                            f"{len(network.outputs)}")
        if is_autoencoder(network) and sorted(set(self.answers.tolist())) != [0, 1]:
            raise UserError("labels of an autoencoder must be 0 for usual inputs and 1 for unusual "
                            "ones, both among those that are measured")

    def name(self, network: Network) -> str:
        """Return what is measured."""
        return "AUC" if is_autoencoder(network) else "top-1"

    def of(self, network: Network, found: NDArray[np.int8]) -> float:
        """Return the share of right answers, or the AUC, from 0 to 1, of a network's output."""
        if not is_autoencoder(network):
            best = found.reshape(len(found), -1).argmax(axis=1)
            return float(np.mean(best == self.answers))
        errors = rebuilding_errors(network, self.inputs[network.inputs[0]], found)
        usual, unusual = (errors[self.answers == label] for label in (0, 1))
        above = unusual[:, None] > usual
        return float(np.mean(above + 0.5 * (unusual[:, None] == usual)))


def rebuilding_errors(network: Network, given: NDArray[np.int8],
                      found: NDArray[np.int8]) -> NDArray[np.float64]:
    """Return the mean square of what an autoencoder does not rebuild of each input."""
    real = []
    for name, values in ((network.inputs[0], given), (network.outputs[0], found)):
        tensor = network.tensors[name]
        flat = values.reshape(len(values), -1).astype(np.float64)
        real.append((flat - tensor.zero_point) * tensor.scale)
    return np.asarray(np.mean((real[0] - real[1]) ** 2, axis=1))
