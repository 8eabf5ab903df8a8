"""Find every tool of the flow and use it, each for a moment, on something trivial."""

import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .probes import FILES, PROBES, Missing, Trouble

__all__ = ["Finding", "examine", "is_healthy"]


@dataclass(frozen=True)
class Finding:
    """What is known of one tool after trying it.

    Parameters
    ----------
    tool : str
        Its name.
    status : str
        ``ok``, ``missing`` or ``broken``.
    version : str
        Its version, where it told one.
    needed : bool
        Whether hwgen needs it, rather than can use it.
    what : str
        What it was tried on, or what went wrong.
    remedy : str
        How to get it; empty when it works.
    seconds : float
        How long the trial took.
    """

    tool: str
    status: str
    version: str
    needed: bool
    what: str
    remedy: str
    seconds: float


def is_healthy(findings: Sequence[Finding]) -> bool:
    """Return whether everything that is needed works."""
    return all(finding.status == "ok" for finding in findings if finding.needed)


def examine() -> Iterator[Finding]:
    """Try every tool, in an order in which a later one may need an earlier one."""
    with tempfile.TemporaryDirectory(prefix="hwgen-doctor-") as folder:
        for name, text in FILES.items():
            (Path(folder) / name).write_text(text)
        for probe in PROBES:
            started = time.monotonic()
            status, version, what = "ok", "", probe.what
            try:
                version = probe.use(Path(folder))
            except Missing as error:
                status, what = "missing", str(error)
            except Trouble as error:
                status, what = "broken", str(error)
            yield Finding(probe.tool, status, version, probe.needed, what,
                          "" if status == "ok" else probe.remedy, time.monotonic() - started)
