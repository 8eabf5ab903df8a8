"""Run a network on a board, or on a simulated one: from a Design to results."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arch.design import Design
from ..compiler.program import Program
from ..network.graph import Network
from .accelerator import RemoteAccelerator
from .baud import settle
from .inference import Inference, Stream, board_at, holds, load, simulated_board
from .serial_port import SerialLink
from .simulation import SimulatedLink
from .waves import Recorder, Waves

__all__ = ["Run", "SerialPort", "run_program"]


@dataclass(frozen=True)
class SerialPort:
    """Where a board is.

    Members
    -------
    name : str
        As the system calls the port.
    baud : int
        Bits a second.
    clock_mhz : float
        The accelerator's clock, by which the host waits for it.
    """

    name: str
    baud: int
    clock_mhz: float


@dataclass(frozen=True)
class Run:
    """Inferences, one for each input, of one Program.

    ``embedded`` says whether the board had the Program before the host came; ``recorder`` what is
    in the waveform, where there is one.
    """

    program: Program
    inferences: list[Inference]
    embedded: bool
    recorder: Recorder | None = None

    @property
    def equal(self) -> bool:
        """Whether everything that was compared with the golden model is equal."""
        return all(each.equal for each in self.inferences)

    @property
    def as_predicted(self) -> bool:
        """Whether all inferences took the predicted cycles, and stalls."""
        return all(each.as_predicted for each in self.inferences)


def run_program(program: Program, network: Network, inputs: Mapping[str, NDArray[np.int8]], *,
                port: SerialPort | None = None, embedded: bool = False, check: bool = False,
                frames: int = 1, say: Callable[[str], Any] = lambda _: None,
                warn: Callable[[str], None] = lambda _: None, waves: Waves | None = None) -> Run:
    """Load a network's Program into a board, and run it on each of some inputs.

    Parameters
    ----------
    program : Program
    network : Network
    inputs : arrays
        As ``golden.network.run`` takes them.
    port : SerialPort, optional
        Where the board is, which has been loaded with the Design; without, it is simulated, and
        the Design is a portable one.
    embedded : bool
        Whether the board may have the Program: then it is looked for, and else loaded.
    check : bool
        Whether every layer is compared with the golden model.
    frames : int
        After how many inputs a network with state goes back to the initial one; 0 for never.
    say, warn : function
        Told what happens, and of trouble with the port.
    waves : Waves, optional
        Of what of the simulated board a waveform is written.
    """
    images = [{name: values[index:index + 1] for name, values in inputs.items()}
              for index in range(len(next(iter(inputs.values()))))]
    wanted = waves.layers_of(program) if waves else set()
    board = open_board(program.design, port, say, warn, waves)
    with board.link:
        recorder = Recorder(board.link, waves, wanted) \
            if waves and isinstance(board.link, SimulatedLink) else None
        found = False
        if embedded:
            say("looking for the Program")
            found = holds(board, program)
        if not found:
            say("loading the Program")
            load(board, program)
        stream, results = Stream(board, program, network, check=check), list[Inference]()
        for index, x in enumerate(images):
            if frames and index % frames == 0:
                stream.reset()
            results.append(stream.run(x, say=say, recorder=None if results else recorder))
    say("")
    return Run(program, results, found, recorder)


def open_board(design: Design, port: SerialPort | None, say: Callable[[str], Any],
               warn: Callable[[str], None], waves: Waves | None = None) -> RemoteAccelerator:
    """Return the board at a port, or a simulated one."""
    if port is None:
        say("building the simulator")
        return simulated_board(design, waves)
    link = SerialLink(port.name, baud=port.baud, clock_mhz=port.clock_mhz)
    settle(link, warn)
    return board_at(link, design)
