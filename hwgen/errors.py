"""The one exception for what a user can put right, and what else is not a defect of ours."""

import difflib
import errno
from collections.abc import Collection, Iterable

__all__ = ["UserError", "check_choice", "check_range", "closest", "is_outside"]

OUTSIDE = frozenset({
    errno.EACCES, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOLCK,
    errno.ENOMEM, errno.ENOSPC, errno.EPERM, errno.EROFS})
"""What the system says when it cannot do what is right in itself: disks are full, or read-only."""

LONGEST = 800
"""Characters of a sentence; some lines of a terminal."""


class UserError(ValueError):
    """A mistake of the user's: one sentence that names what is wrong and what would be right.

    The command line prints the sentence and exits with code 2; everything else is a defect of ours
    and keeps its traceback. What it quotes of a file may be long: the middle is then left out.

    >>> try:
    ...     hwgen.Design(rows=65)
    ... except hwgen.UserError as error:
    ...     print(error)
    rows must be an integer from 1 to 64, not 65
    """

    def __init__(self, text: str) -> None:
        text = " ".join(text.splitlines())  # a name in a file may have several
        if len(text) > LONGEST:
            text = f"{text[:LONGEST * 2 // 3]} ... {text[-(LONGEST // 4):]}"
        super().__init__(text)


def closest(name: str, known: Iterable[str]) -> str:
    """Return the hint that ends a sentence about an unknown name."""
    near = difflib.get_close_matches(name.lower(), list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def check_choice(name: str, value: object, known: Collection[str]) -> None:
    """Refuse what is none of the known names."""
    if value not in known:
        raise UserError(f"{name} must be one of {', '.join(known)}, not {value!r}"
                        + closest(str(value), known))


def check_range(name: str, value: object, low: float, high: float, unit: str) -> None:
    """Refuse what is no number from ``low`` to ``high``."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise UserError(f"{name} takes {unit} from {low:g} to {high:g}, not {value!r}")


def is_outside(error: OSError) -> bool:
    """Return whether the machine refuses, as when a disk is full; else we asked the wrong thing."""
    no_place = str(error.strerror).startswith("No usable temporary directory")  # tempfile's own
    return error.errno in OUTSIDE or no_place
