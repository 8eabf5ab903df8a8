"""An accelerator at the other end of a link: its memories, its registers, and what they mean."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import UserError
from ..registers import ERRORS, GO, IDENTITY, SPACE_SHIFT, STOP, Register, Space
from .client import ATTEMPTS, TIMEOUT, Client
from .link import Link

__all__ = ["ERRORS", "IDENTITY", "Accelerator", "AcceleratorError", "Register", "Space", "State",
           "StillBusy"]

SHORTEST_PAUSE, LONGEST_PAUSE = 256, 16_384
"""Cycles between two looks at whether the accelerator is done; each look takes about 60."""


@dataclass(frozen=True)
class State:
    """What the register STATUS says: whether a run is under way, its error code and its step."""

    busy: bool
    error: int
    step: int

    @classmethod
    def of(cls, word: int) -> "State":
        """Take a word of the register apart."""
        return cls(bool(word & 1), word >> 8 & 0xFF, word >> 16)


class StillBusy(UserError):
    """The accelerator has not finished."""


class AcceleratorError(UserError):
    """The accelerator stopped at a step.

    Members
    -------
    code, step : int
        Why, and where.
    """

    def __init__(self, code: int, step: int) -> None:
        self.code = code
        self.step = step
        why = ERRORS.get(code, f"for a reason that this version does not know (code {code})")
        super().__init__(f"The accelerator stopped at step {step}: {why}")


class Accelerator:
    """An accelerator at the other end of ``link``.

    Parameters
    ----------
    link : Link
        The way there.
    timeout, attempts : int
        See :class:`hwgen.runtime.client.Client`.
    """

    def __init__(self, link: Link, *, timeout: int = TIMEOUT, attempts: int = ATTEMPTS) -> None:
        self.link = link
        self.client = Client(link, timeout=timeout, attempts=attempts)

    def read_memory(self, space: Space, address: int, count: int) -> bytes:
        """Return ``count`` bytes of a space from ``address`` on."""
        return self.client.read(place(space, address, count), count)

    def write_memory(self, space: Space, address: int, data: bytes) -> None:
        """Write bytes into a space from ``address`` on."""
        self.client.write(place(space, address, len(data)), data)

    def read_register(self, register: Register) -> int:
        """Return what a register says."""
        return int.from_bytes(self.read_memory(Space.REGISTERS, register, 4), "little")

    def write_register(self, register: Register, value: int) -> None:
        """Write a register."""
        self.write_memory(Space.REGISTERS, register, value.to_bytes(4, "little"))

    def identify(self, fingerprint: int | None = None) -> int:
        """Return the fingerprint of the Design, once it is sure that this is an accelerator.

        With ``fingerprint``, it must be that one.
        """
        identity = self.read_register(Register.IDENTITY)
        if identity != IDENTITY:
            raise UserError(f"{self.link.name} answers, but says that it is 0x{identity:08x} and "
                            f"not 0x{IDENTITY:08x}; load it with an accelerator of this version")
        found = self.read_register(Register.FINGERPRINT)
        if fingerprint is not None and found != fingerprint:
            raise UserError(f"{self.link.name} has the Design 0x{found:08x}, and the program is "
                            f"for 0x{fingerprint:08x}; load the board with that Design, or compile "
                            "the network for this one")
        return found

    def load_program(self, image: bytes) -> None:
        """Write the program memory from its start on, in whole words of four bytes."""
        self.write_memory(Space.PROGRAM, 0, image + bytes(-len(image) % 4))

    def write_activations(self, address: int, data: bytes) -> None:
        """Write the memory of activations."""
        self.write_memory(Space.ACTIVATIONS, address, data)

    def read_activations(self, address: int, count: int) -> bytes:
        """Return bytes of the memory of activations."""
        return self.read_memory(Space.ACTIVATIONS, address, count)

    def state(self) -> State:
        """Return what the accelerator does."""
        return State.of(self.read_register(Register.STATUS))

    def start(self, first: int, count: int, *, watchdog: int | None = None) -> None:
        """Run ``count`` steps from ``first`` on, each for at most ``watchdog`` cycles.

        Without ``watchdog``, the one before stays.
        """
        if self.state().busy:
            raise StillBusy("The accelerator is busy; wait() until it has finished")
        self.write_register(Register.FIRST, first)
        self.write_register(Register.COUNT, count)
        if watchdog is not None:
            self.write_register(Register.WATCHDOG, watchdog)
        self.write_register(Register.CONTROL, GO)

    def stop(self) -> None:
        """Stop what runs, if anything does: a step may have a watchdog that is far away."""
        self.write_register(Register.CONTROL, STOP)

    def wait(self, budget: int) -> int:
        """Wait until the accelerator has finished, and return the cycles that it took.

        Raise an :class:`AcceleratorError` when it stopped, and :class:`StillBusy` when it has not
        finished after ``budget`` cycles.
        """
        for pause in pauses(budget):
            state = self.state()
            if not state.busy:
                if state.error:
                    raise AcceleratorError(state.error, state.step)
                return self.read_register(Register.CYCLES)
            self.link.wait(pause)
        raise StillBusy(f"The accelerator is still busy with step {state.step} after {budget} "
                        "cycles")

    def run(self, first: int, count: int, *, budget: int, watchdog: int | None = None) -> int:
        """Run steps to their end, and return the cycles that they took."""
        self.start(first, count, watchdog=watchdog)
        return self.wait(budget)

    def counters(self, count: int, first: int = 0) -> list[int]:
        """Return the cycles that each of ``count`` steps took when it ran last."""
        data = self.read_memory(Space.COUNTERS, 4 * first, 4 * count)
        return list(struct.unpack(f"<{count}I", data))


def place(space: Space, address: int, count: int) -> int:
    """Return the address on the bus, of a range that must lie within the space."""
    if not (0 <= address and 0 <= count and address + count <= 1 << SPACE_SHIFT):
        raise ValueError(f"{count} bytes from {address} on do not lie in a space of "
                         f"{1 << SPACE_SHIFT} bytes")
    return space << SPACE_SHIFT | address


def pauses(budget: int) -> Iterator[int]:
    """Give pauses that sum up to the budget, each a quarter longer; 0 after the last."""
    pause = SHORTEST_PAUSE
    while budget > 0:
        yield min(pause, budget)
        budget -= pause
        pause = min(pause * 5 // 4, LONGEST_PAUSE)
    yield 0
