"""The wire between host and accelerator."""

import abc
from types import TracebackType
from typing import Self

__all__ = ["Link"]


class Link(abc.ABC):
    """Bytes to an accelerator and back, with no meaning; a context manager, which closes it.

    Time is counted in cycles of the accelerator's clock. A link to a board adds to it what the way
    takes.

    Members
    -------
    name : str
        What is at the other end, in words: ``the simulated board``.
    ahead : int
        How many bytes the other end holds while it serves what came before. With 0, a request is
        sent when the one before is answered.
    """

    name = "the board"
    ahead = 0

    @abc.abstractmethod
    def write(self, data: bytes) -> None:
        """Send bytes, some time before the next ``read`` or ``wait`` is over."""

    @abc.abstractmethod
    def read(self, count: int, timeout: int) -> bytes:
        """Return the next ``count`` bytes that come.

        When for ``timeout`` cycles no byte went either way, it is what has come until then.
        """

    @abc.abstractmethod
    def wait(self, cycles: int) -> None:
        """Let time pass."""

    @abc.abstractmethod
    def close(self) -> None:
        """Let go of the other end. Closing twice does nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        self.close()
