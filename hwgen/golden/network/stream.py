"""A network with state on one frame after another: what it keeps goes from each to the next."""

from collections.abc import Mapping

import numpy as np

from ...errors import UserError
from ...network.graph import Network
from .layers import Bytes
from .network import Values, run

__all__ = ["GoldenStream", "run_stream"]


class GoldenStream:
    """A sequence of frames.

    Parameters
    ----------
    network : Network

    Members
    -------
    state : dict
        What the network keeps, by name. It may be replaced by what was here before, or by that of
        another sequence.
    """

    def __init__(self, network: Network) -> None:
        """Begin in the initial state."""
        self.network = network
        self.reset()

    def reset(self) -> None:
        """Go back to the initial state."""
        self.state: dict[str, Bytes] = self.network.initial_state

    def run(self, x: Bytes | Mapping[str, Bytes], *, keep: bool = False) -> Values:
        """Return what :func:`hwgen.golden.network.network.run` gives for the next frame, alone."""
        values = run(self.network, x, keep=True, state=self.state)
        if any(len(value) != 1 for value in values.values()):
            raise UserError("a frame of a stream must be one image, not several")
        self.state = {state.name: values[state.next] for state in self.network.states}
        return values if keep else {name: values[name] for name in self.network.outputs}


def run_stream(network: Network, x: Mapping[str, Bytes], frames: int = 0, *,
               keep: bool = False) -> Values:
    """Return the outputs of all frames, or with ``keep`` every tensor.

    The state is reset after as many ``frames``, 0 for never. The first axis counts frames, in the
    inputs and in what is returned.
    """
    stream, found = GoldenStream(network), list[Values]()
    for index in range(len(next(iter(x.values())))):
        if frames and index % frames == 0:
            stream.reset()
        frame = {name: value[index:index + 1] for name, value in x.items()}
        found.append(stream.run(frame, keep=keep))
    return {name: np.concatenate([each[name] for each in found]) for name in found[0]}
