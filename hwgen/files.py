"""Files that are there whole, or not at all."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from .errors import UserError

__all__ = ["replacing"]


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path beside ``path`` to write to, which takes its place when all went well.

    When anything went wrong, or the user pressed Ctrl-C, what was there before is still there.
    """
    scratch = path.parent / f".hwgen-{os.getpid()}"
    try:
        if path.exists() and not path.is_file():  # a folder, or a device that root could replace
            raise UserError(f"{path} cannot be written: it is there, and no file")
        yield scratch
        os.replace(scratch, path)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            scratch.unlink()
