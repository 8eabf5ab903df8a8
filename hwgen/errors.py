"""The one exception for what a user can put right, and what else is not a defect of ours."""

import errno

__all__ = ["UserError", "is_outside"]

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
    """

    def __init__(self, text: str) -> None:
        text = " ".join(text.splitlines())  # a name in a file may have several
        if len(text) > LONGEST:
            text = f"{text[:LONGEST * 2 // 3]} ... {text[-(LONGEST // 4):]}"
        super().__init__(text)


def is_outside(error: OSError) -> bool:
    """Return whether the machine refuses, as when a disk is full; else we asked the wrong thing."""
    no_place = str(error.strerror).startswith("No usable temporary directory")  # tempfile's own
    return error.errno in OUTSIDE or no_place
