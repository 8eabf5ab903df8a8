"""Runs many cases over one reader and counts; a defect is kept, made small, and replayed."""

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from .judge import DEFECT, READ, REFUSED, Verdict
from .reader import Reader
from .sandbox import SECONDS, Ran, run

__all__ = ["Campaign", "Defect", "replay"]

BATCH = 250
COMMANDS = 8
"""Of so many cases, one is read by a command."""
EXAMPLES = 2
"""Of each defect, that are kept."""
ROUNDS = 8
"""Of making a file smaller."""


def scratch_folder() -> "tempfile.TemporaryDirectory[str]":
    """Return a folder for files that are read once, in memory where that can be."""
    home = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    return tempfile.TemporaryDirectory(prefix="hwgen-fuzz-", dir=home)


@dataclass
class Defect:
    """One kind of defect: how often it was met, and one of the files."""

    why: str
    detail: str
    cases: int
    index: int
    name: str
    data: bytes
    by_command: bool


@dataclass
class Campaign:
    """Cases of one reader, and what became of them.

    ``seconds`` and ``bytes`` are the most of any one case.
    """

    reader: Reader
    seed: int
    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys((READ, REFUSED, DEFECT), 0))
    defects: dict[str, Defect] = field(default_factory=dict)
    differences: dict[str, int] = field(default_factory=dict)
    commands: int = 0
    seconds: float = 0.0
    bytes: int = 0
    elapsed: float = 0.0

    def run(self, count: int, first: int = 0) -> None:
        """Run so many cases from one on."""
        started = time.monotonic()
        with scratch_folder() as scratch:
            for start in range(first, first + count, BATCH):
                indices = range(start, min(start + BATCH, first + count))
                cases = [partial(self.one, Path(scratch), index) for index in indices]
                for index, ran in zip(indices, run(cases), strict=True):
                    self.add(index, ran)
        self.elapsed += time.monotonic() - started

    def by_command(self, index: int) -> bool:
        """Return whether a case goes by a command."""
        return self.reader.command is not None and index % COMMANDS == 0

    def one(self, folder: Path, index: int) -> Verdict:
        """Judge one case."""
        name, data = self.reader.case(self.seed, index)
        return judge_file(self.reader, folder, name, data, self.by_command(index))

    def add(self, index: int, ran: Ran) -> None:
        """Count what became of a case."""
        self.counts[ran.verdict.outcome] += 1
        self.commands += self.by_command(index)
        self.seconds = max(self.seconds, ran.verdict.seconds)
        self.bytes = max(self.bytes, ran.bytes)
        if ran.verdict.outcome == READ and ran.verdict.why:
            self.differences[ran.verdict.why] = self.differences.get(ran.verdict.why, 0) + 1
        if ran.verdict.outcome == DEFECT:
            if ran.verdict.why not in self.defects:
                name, data = self.reader.case(self.seed, index)
                self.defects[ran.verdict.why] = Defect(
                    ran.verdict.why, ran.verdict.detail, 0, index, name, data,
                    self.by_command(index))
            self.defects[ran.verdict.why].cases += 1

    def write(self, folder: Path) -> None:
        """Write a small file for each kind of defect, with what is known of it beside."""
        for number, found in enumerate(self.defects.values()):
            data = smaller(self.reader, found)
            home = folder / self.reader.name / f"{number:02}-{found.index}"
            home.mkdir(parents=True, exist_ok=True)
            (home / found.name).write_bytes(data)
            (home / "defect.txt").write_text(
                f"{found.why}\nreader: {self.reader.name}\nseed: {self.seed}, case: {found.index}, "
                f"cases: {found.cases}\ncommand: {found.by_command}\n\n{found.detail}\n")


def judge_file(reader: Reader, folder: Path, name: str, data: bytes, by_command: bool) -> Verdict:
    """Write a file and judge what reads it; of one that is read, ask the reference."""
    home = folder / f"{os.getpid()}"
    home.mkdir(exist_ok=True)
    os.chdir(home)  # what a command writes without being told where
    path = home / name
    path.write_bytes(data)
    verdict = reader.judge(path, SECONDS, by_command=by_command)
    if verdict.outcome == READ and reader.reference is not None:
        verdict = replace(verdict, why=reader.reference(path))
    return verdict


def smaller(reader: Reader, found: Defect) -> bytes:
    """Return a smaller file with the same defect: parts are left out as long as it stays."""
    data, size = found.data, len(found.data) // 2
    with scratch_folder() as scratch:
        for _ in range(ROUNDS):
            if not size:
                break
            starts = range(0, len(data), size)[:64]
            tried = [data[:start] + data[start + size:] for start in starts]
            cases: Sequence[Callable[[], Verdict]] = [
                partial(judge_file, reader, Path(scratch), found.name, each, found.by_command)
                for each in tried]
            same = [each for each, ran in zip(tried, run(cases), strict=True)
                    if ran.verdict.why == found.why]
            if same:
                data = min(same, key=len)
                size = min(size, len(data))
            else:
                size //= 2
    return data


def replay(reader: Reader, path: Path, *, by_command: bool) -> Ran:
    """Read one file again, as a case."""
    data = path.read_bytes()
    with scratch_folder() as scratch:
        found, = run([partial(judge_file, reader, Path(scratch), path.name, data, by_command)])
    return found
