"""An accelerator at the other end of a link: its memories, its registers, and what they mean."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from secrets import randbelow

from ..arch.frames import EPOCHS
from ..arch.registers import (
    EPOCH_SHIFT,
    ERRORS,
    FLIPS_BITS,
    GO,
    IDENTITY,
    MEMORY_ERROR,
    OWNER_SHIFT,
    OWNERS,
    PROTOCOL,
    SPACE_SHIFT,
    STOP,
    TURN,
    ProtectionRegister,
    Register,
    Space,
)
from ..errors import UserError
from .client import ATTEMPTS, TIMEOUT, Client, Stale
from .link import Link

__all__ = ["ERRORS", "IDENTITY", "AcceleratorError", "AcceleratorState", "Register",
           "RemoteAccelerator", "Space", "StillBusy", "TurnLost"]

SHORTEST_PAUSE, LONGEST_PAUSE = 256, 16_384
"""Cycles between two looks at whether the accelerator is done; each look takes about 60."""

CLAIMS = 8
"""How often a host tries to begin its turn, where others do so at the same time."""

SETTLED = 1 << 16
"""Cycles after which what a host has stopped is at its end."""


@dataclass(frozen=True)
class AcceleratorState:
    """What the registers CONTROL and STATUS say.

    Members
    -------
    busy : bool
        Whether a run is under way.
    error, step : int
        Its error code and its step.
    epoch : int
        Which writes are taken.
    owner : int
        The number of the host whose turn it is.
    """

    busy: bool
    error: int
    step: int
    epoch: int = 0
    owner: int = 0

    @classmethod
    def of(cls, status: int, control: int = 0) -> "AcceleratorState":
        """Take words of the registers apart."""
        return cls(bool(status & 1), status >> 8 & 0xFF, status >> 16,
                   (status >> EPOCH_SHIFT) % EPOCHS, control >> OWNER_SHIFT)


class TurnLost(UserError):
    """Another host has begun its turn in the middle of this one's."""


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


class RemoteAccelerator:
    """An accelerator at the other end of ``link``.

    Hosts take turns at one. A turn begins by itself with the first write. What any host sends, and
    be it late or once more, counts in its own turn only, and there up to the next run.

    Parameters
    ----------
    link : Link
        The way there.
    timeout, attempts, tag : int
        See :class:`hwgen.runtime.client.Client`.
    """

    def __init__(self, link: Link, *, timeout: int = TIMEOUT, attempts: int = ATTEMPTS,
                 tag: int | None = None) -> None:
        self.link = link
        self.client = Client(link, timeout=timeout, attempts=attempts, tag=tag)
        self.stream: object | None = None
        """Whose state is in the memory of activations, if anybody's."""
        self._owner: int | None = None  # the number of our turn, if one was begun,
        self._epoch = 0                 # the epoch that it was in when we last knew,
        self._running = False           # and whether a run of ours may be under way

    def read_memory(self, space: Space, address: int, count: int) -> bytes:
        """Return ``count`` bytes of a space from ``address`` on."""
        return self.client.read(place(space, address, count), count)

    def write_memory(self, space: Space, address: int, data: bytes) -> None:
        """Write bytes into a space from ``address`` on."""
        if self._owner is None:
            self.claim()
        try:
            self.client.write(place(space, address, len(data)), data, epoch=self._epoch)
        except Stale as error:
            raise self._turn_lost() from error

    def read_register(self, register: Register) -> int:
        """Return what a register says."""
        return int.from_bytes(self.read_memory(Space.REGISTERS, register, 4), "little")

    def write_register(self, register: Register, value: int) -> None:
        """Write a register; to start a run there is :meth:`start`."""
        self.write_memory(Space.REGISTERS, register, value.to_bytes(4, "little"))

    def claim(self) -> None:
        """Begin a turn, whoever's turn it was; what still runs is stopped."""
        for _ in range(CLAIMS):
            state = self.state()
            owner = self.draw_number(state.owner)
            done = self._control(TURN | STOP | owner << OWNER_SHIFT, state.epoch)
            now = self.state()
            if done or now.owner == owner:  # or it was done, and only the reply was lost
                break
        else:
            raise TurnLost(f"{self.link.name} is used by another host at the same time; let one "
                           "end before the next begins")
        self._owner, self._epoch = owner, (state.epoch + 1) % EPOCHS
        self._running = False
        for pause in pauses(SETTLED):
            if not now.busy:
                return
            self.link.wait(pause)
            now = self.state()
        raise StillBusy(f"{self.link.name} does not stop what a host before this one has begun")

    def resume(self) -> bool:
        """Go on with our turn, or begin one.

        Return whether the memories have what we wrote there: not where another host has had a turn
        since our last one, or the board was reset.
        """
        if self._owner is None:
            self.claim()
            return True
        state = self.state()
        kept = state.owner == self._owner
        self.stream = self.stream if kept else None
        if not self._ours(state) or state.busy:
            self.claim()
        return kept

    def confirm(self) -> None:
        """Raise TurnLost if our turn is over: what was read since it began may be another's.

        And AcceleratorError if the memory that was read is damaged, where that is known.
        """
        state = self.state()
        if not self._ours(state):
            raise self._turn_lost()
        if state.error == MEMORY_ERROR:
            raise AcceleratorError(state.error, state.step)

    def flips(self) -> tuple[int, int]:
        """Return how many damaged words were read: those corrected, and those only detected.

        Both stay at the most that they can count; only protected memories have them.
        """
        value = int.from_bytes(self.read_memory(Space.REGISTERS, ProtectionRegister.FLIPS, 4),
                               "little")
        return value & (1 << FLIPS_BITS) - 1, value >> FLIPS_BITS

    def identify(self, fingerprint: int | None = None) -> int:
        """Return the fingerprint of the Design, once it is sure that this is an accelerator.

        With ``fingerprint``, it must be that one.
        """
        identity = self.read_register(Register.IDENTITY)
        if identity != IDENTITY:
            name = identity.to_bytes(4, "little")
            found = f"it is 0x{identity:08x} and not 0x{IDENTITY:08x}"
            if name[:3] == b"hwg" and name[3:].isdigit():
                found = f"it speaks version {name[3:].decode()} of the protocol and not {PROTOCOL}"
            raise UserError(f"{self.link.name} answers, but says that {found}; load it with an "
                            "accelerator of this version")
        design = self.read_register(Register.FINGERPRINT)
        if fingerprint is not None and design != fingerprint:
            raise UserError(f"{self.link.name} has the Design 0x{design:08x}, and the program is "
                            f"for 0x{fingerprint:08x}; load the board with that Design, or compile "
                            "the network for this one")
        return design

    def load_program(self, image: bytes) -> None:
        """Write the program memory from its start on, in whole words of four bytes."""
        self.write_memory(Space.PROGRAM, 0, image + bytes(-len(image) % 4))

    def write_activations(self, address: int, data: bytes) -> None:
        """Write the memory of activations."""
        self.write_memory(Space.ACTIVATIONS, address, data)

    def read_activations(self, address: int, count: int) -> bytes:
        """Return bytes of the memory of activations."""
        return self.read_memory(Space.ACTIVATIONS, address, count)

    def state(self) -> AcceleratorState:
        """Return what the accelerator does, and for whom."""
        return AcceleratorState.of(*self._words(Register.STATUS))

    def start(self, first: int, count: int, *, watchdog: int | None = None) -> None:
        """Run ``count`` steps from ``first`` on, each for at most ``watchdog`` cycles.

        Without ``watchdog``, the one before stays.
        """
        if self._running and self.state().busy:
            raise StillBusy("The accelerator is busy; wait() until it has finished")
        words = [first, count] if watchdog is None else [first, count, watchdog]
        self.write_memory(Space.REGISTERS, Register.FIRST, struct.pack(f"<{len(words)}I", *words))
        # Stale: it came before, and the reply was lost; or another host was faster, which whoever
        # waits sees.
        self._control(GO, self._epoch)
        self._running = True
        self._epoch = (self._epoch + 1) % EPOCHS

    def stop(self) -> None:
        """Stop what runs, if anything does: a step may have a watchdog that is far away."""
        self.write_register(Register.CONTROL, STOP)

    def wait(self, budget: int) -> int:
        """Wait until the accelerator has finished, and return the cycles that it took.

        Raise an :class:`AcceleratorError` when it stopped, and :class:`StillBusy` when it has not
        finished after ``budget`` cycles.
        """
        for pause in pauses(budget):
            status, control, *_, cycles = self._words(Register.CYCLES)
            state = AcceleratorState.of(status, control)
            if not self._ours(state):
                raise self._turn_lost()
            if not state.busy:
                self._running = False
                if state.error:
                    raise AcceleratorError(state.error, state.step)
                return cycles
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

    def draw_number(self, taken: int) -> int:
        """Return a number for a turn; see :func:`another_number`."""
        return another_number(taken)

    def _words(self, last: Register) -> list[int]:
        """Return STATUS, CONTROL, and what the registers behind them say, up to ``last``."""
        first = Register.CONTROL
        data = self.read_memory(Space.REGISTERS, first, last + 4 - first)
        control, status, *others = struct.unpack(f"<{len(data) // 4}I", data)
        return [status, control, *others]

    def _control(self, value: int, epoch: int) -> bool:
        """Write CONTROL in an epoch, and return whether that was the present one."""
        try:
            self.client.write(place(Space.REGISTERS, Register.CONTROL, 4),
                              value.to_bytes(4, "little"), epoch=epoch)
        except Stale:
            return False
        return True

    def _ours(self, state: AcceleratorState) -> bool:
        """Return whether nobody but us has begun a turn or a run since we did."""
        return state.owner == self._owner and state.epoch == self._epoch

    def _turn_lost(self) -> TurnLost:
        return TurnLost(f"{self.link.name} was reset, or taken by another host, before this one "
                        "had finished; let one end before the next begins")


def another_number(taken: int) -> int:
    """Return a number for a turn, which is not 0, that of nobody, nor the one that is taken.

    It is not drawn from :mod:`random`: two programs that seed that alike must not be one host.
    """
    number = 1 + randbelow(OWNERS - 2)
    return number + (number >= taken)


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
