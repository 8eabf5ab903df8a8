"""The file of a fault campaign: a line of JSON for each flip, written as soon as it is known."""

import json
import os
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

from ...errors import UserError
from .trials import Trial

__all__ = ["TrialLog"]


class TrialLog:
    """What is known of the flips of a campaign, and the file where it stays; a context manager.

    Parameters
    ----------
    path : str or path, optional
        The file; what it has is known already. Without one nothing stays.
    key : str
        Of the campaign: a file of another one is refused.

    Members
    -------
    trials : dict
        By kind and index.
    """

    def __init__(self, path: str | os.PathLike[str] | None, key: str) -> None:
        self.trials: dict[tuple[str, int], Trial] = {}
        self.file = None
        if path is None:
            return
        path = Path(path)
        lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
        if lines and not lines[-1].endswith(b"\n"):
            lines.pop()  # whoever wrote it was stopped
        try:
            known = [json.loads(line) for line in lines]
            if known and known[0] != {"campaign": key}:
                raise UserError(f"{path} is of another campaign: of another network, Design, "
                                "seed or input, or of another version; let --output name a new "
                                "file")
            for fields in known[1:]:
                self._keep(Trial(**fields))
        except (ValueError, TypeError) as error:
            if isinstance(error, UserError):
                raise
            raise UserError(f"{path} is there, and is not of a fault campaign") from None
        self.file = path.open("r+b" if path.exists() else "xb")
        self.file.truncate(sum(map(len, lines)))
        self.file.seek(0, os.SEEK_END)
        if not lines:
            self._write({"campaign": key})

    def add(self, trial: Trial) -> None:
        """Keep what came of a flip."""
        self._keep(trial)
        self._write(asdict(trial))

    def _keep(self, trial: Trial) -> None:
        self.trials[trial.kind, trial.index] = trial

    def _write(self, fields: dict[str, object]) -> None:
        if self.file is not None:
            self.file.write(json.dumps(fields).encode() + b"\n")
            self.file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        if self.file is not None:
            self.file.close()
