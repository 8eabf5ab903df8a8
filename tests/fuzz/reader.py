"""What the table of readers is made of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from zlib import crc32

import numpy as np

from hwgen.errors import UserError

from .damage import Damage
from .judge import Verdict, command_verdict, library_verdict

__all__ = ["Reader"]

Seeds = Mapping[str, bytes]
"""Valid files, by name."""


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Something that reads files, or bytes from elsewhere.

    Parameters
    ----------
    name : str
    what : str
        What it reads, in words.
    seeds : function
        Returns valid files, by name.
    read : function
        Reads the file at a path, and uses what it read.
    damage : function
    command : function, optional
        Returns the command line that reads it; one case in :data:`COMMANDS` goes that way.
    refusals : tuple of type
        What it raises of what it will not read.
    names_file : bool
        Whether a refusal must name the file.
    reference : function, optional
        Returns what the reference runtime has against a file that is read, or nothing.
    cases : int
        How many `make fuzz` runs.
    """

    name: str
    what: str
    seeds: Callable[[], Seeds]
    read: Callable[[Path], object]
    damage: Damage
    command: Callable[[Path], list[str]] | None = None
    refusals: tuple[type[Exception], ...] = (UserError,)
    names_file: bool = True
    reference: Callable[[Path], str] | None = None
    cases: int = 1500

    @cached_property
    def files(self) -> list[tuple[str, bytes]]:
        """The valid files; they are made once."""
        return list(self.seeds().items())

    def case(self, seed: int, index: int) -> tuple[str, bytes]:
        """Return name and content of a damaged file; the first are as valid as they were."""
        if index < len(self.files):
            return self.files[index]
        rng = np.random.default_rng([seed, index, crc32(self.name.encode())])
        name, data = self.files[int(rng.integers(len(self.files)))]
        return name, self.damage(rng, data, [content for _, content in self.files])

    def judge(self, path: Path, seconds: float, *, by_command: bool = False) -> Verdict:
        """Read a file, and say what became of it."""
        if by_command and self.command is not None:
            return command_verdict(self.command(path), seconds)
        return library_verdict(lambda: self.read(path), self.refusals,
                               path.name if self.names_file else None, seconds)
