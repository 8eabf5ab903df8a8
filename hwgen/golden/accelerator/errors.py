"""Why an accelerator stops."""

from enum import IntEnum

__all__ = ["Error", "Stopped"]


class Error(IntEnum):
    """Golden twin of :class:`hwgen.rtl.step.Error`."""

    DESCRIPTOR = 1
    FETCH = 2
    STORE = 3
    PROGRAM = 4
    SUMS = 5
    WATCHDOG = 6
    STOPPED = 7
    CRC = 8
    MEMORY = 9


class Stopped(Exception):
    """The accelerator stopped at a step, with an error."""

    def __init__(self, error: Error, step: int) -> None:
        """Keep both."""
        super().__init__(f"step {step} stopped with the error {error.name}")
        self.error, self.step = error, step
