"""Runs cases in processes of their own, where they may crash, hang or ask for all memory."""

import contextlib
import json
import os
import resource
import select
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass

from .judge import DEFECT, Verdict

__all__ = ["BYTES", "SECONDS", "Ran", "run"]

SECONDS = 10.0
"""Of the processor, for a case."""
WALL = 60.0
"""Of the clock; the machine may be busy with others."""
BYTES = 1 << 30
"""That a case may ask for beyond what is there before it."""


@dataclass(frozen=True)
class Ran:
    """A case that ran: what became of it, and by how many bytes it made its process grow."""

    verdict: Verdict
    bytes: int


def mapped_bytes() -> int:
    """Return the bytes of address space in use."""
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def resident() -> int:
    """Return the most bytes of memory that this process had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def alone(cases: Sequence[Callable[[], Verdict]], pipe: int) -> None:
    """Run cases one after the other, and write a line for each."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    before = resident()
    for case in cases:
        resource.setrlimit(resource.RLIMIT_AS, (mapped_bytes() + BYTES, hard))
        verdict = case()
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
        line = json.dumps({**asdict(verdict), "bytes": resident() - before})
        os.write(pipe, line.encode() + b"\n")


def process(cases: Sequence[Callable[[], Verdict]]) -> Iterator[Ran]:
    """Run cases in one new process; fewer come back if it ends before its time."""
    source, target = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(source)
            quiet = os.open(os.devnull, os.O_WRONLY)
            os.dup2(quiet, 1)
            os.dup2(quiet, 2)  # where C++ complains
            alone(cases, target)
            code = 0
        finally:
            os._exit(code)
    os.close(target)
    buffer = b""
    why = ""
    with os.fdopen(source, "rb", buffering=0) as file:
        while True:
            ready, _, _ = select.select([file], [], [], WALL)
            data = file.read(1 << 16) if ready else b""
            if not ready:
                why = f"hang of {WALL:.0f} s that no signal ends"
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
            *lines, buffer = (buffer + data).split(b"\n")
            for line in lines:
                found = json.loads(line)
                growth = found.pop("bytes")
                yield Ran(Verdict(**found), growth)
            if not data:
                break
    _, status = os.waitpid(child, 0)
    if status:
        name = signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) \
            else f"exit code {os.WEXITSTATUS(status)}"
        yield Ran(Verdict(DEFECT, why or f"crash: {name}"), 0)


def run(cases: Sequence[Callable[[], Verdict]]) -> Iterator[Ran]:
    """Run cases, in as few processes as they leave alive; one comes back for each."""
    done = 0
    while done < len(cases):
        for found in process(cases[done:]):
            done += 1
            yield found
