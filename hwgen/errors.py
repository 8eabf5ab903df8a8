"""The one exception for what a user can put right."""

__all__ = ["UserError"]


class UserError(ValueError):
    """A mistake of the user's: one sentence that names what is wrong and what would be right.

    The command line prints the sentence and exits with code 2; everything else is a defect of ours
    and keeps its traceback.
    """
