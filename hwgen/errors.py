"""The one exception for what a user can put right."""

__all__ = ["UserError"]

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
