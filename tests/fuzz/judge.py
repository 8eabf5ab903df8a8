"""What became of a case: read, refused in one sentence, or a defect."""

import contextlib
import io
import signal
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from hwgen.cli import command_line as cli
from hwgen.errors import UserError

__all__ = ["DEFECT", "READ", "REFUSED", "Hang", "Verdict", "command_verdict", "library_verdict"]

READ, REFUSED, DEFECT = "read", "refused", "defect"
LONGEST_SENTENCE = 1000
"""Characters of a refusal; a terminal shows them in a few lines."""
HWGEN = str(Path(cli.__file__).parents[1])


class Hang(BaseException):
    """A case took longer than it may."""


@dataclass(frozen=True)
class Verdict:
    """What became of a case, and why; ``why`` of a defect tells defects apart."""

    outcome: str
    why: str = ""
    detail: str = ""
    seconds: float = 0.0


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise a Hang after so many seconds of the processor."""
    def end(*_: object) -> None:
        raise Hang

    signal.signal(signal.SIGPROF, end)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def place_of(error: BaseException) -> str:
    """Return the innermost place of ours that an error went through."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__)
              if frame.filename.startswith(HWGEN)]
    last = frames[-1] if frames else None
    return f"{Path(last.filename).relative_to(HWGEN)}:{last.name}" if last else "outside hwgen"


def behind(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those that it was raised for."""
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)


def defect(error: BaseException) -> Verdict:
    """Return the verdict on an error that is no refusal."""
    return Verdict(DEFECT, f"{type(error).__name__} in {place_of(error)}",
                   "".join(traceback.format_exception(error))[-4000:])


def sentence(text: str, name: str | None) -> str:
    """Return what is wrong with a refusal, or nothing."""
    if len(text.splitlines()) != 1:
        return "the refusal is not one line"
    if len(text) > LONGEST_SENTENCE:
        return "the refusal is too long"
    if name is not None and name not in text:
        return "the refusal does not name the file"
    return ""


def library_verdict(call: Callable[[], object], refusals: tuple[type[Exception], ...],
                    name: str | None, seconds: float) -> Verdict:
    """Judge a call of the library; a refusal must have ``name`` in it."""
    started = time.process_time()
    verdict = judge_call(call, refusals, name, seconds)
    return replace(verdict, seconds=time.process_time() - started)


def judge_call(call: Callable[[], object], refusals: tuple[type[Exception], ...], name: str | None,
               seconds: float) -> Verdict:
    """Return the verdict on a call, without its time."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            with time_limit(seconds):
                call()
            verdict = Verdict(READ)
        except Hang as error:
            return Verdict(DEFECT, f"hang in {place_of(error)}")
        except refusals as error:
            memory = next((each for each in behind(error) if isinstance(each, MemoryError)), None)
            if memory is not None:
                return defect(memory)
            wrong = sentence(str(error), name)
            verdict = Verdict(DEFECT, f"{wrong}, in {place_of(error)}", str(error)[:2000]) \
                if wrong else Verdict(REFUSED, str(error))
        except BaseException as error:
            return defect(error)
    return verdict if verdict.outcome == DEFECT else judge_warnings(seen) or verdict


def judge_warnings(seen: list[warnings.WarningMessage]) -> Verdict | None:
    """Return the verdict on warnings, which a user would see as lines of ours."""
    for each in seen:
        if not issubclass(each.category, (ResourceWarning, DeprecationWarning)):
            at = each.filename.removeprefix(HWGEN + "/")
            return Verdict(DEFECT, f"{each.category.__name__} in {at}", str(each.message))
    return None


def command_verdict(arguments: list[str], seconds: float) -> Verdict:
    """Judge a command: exit code 2 comes with one line, and every code with no traceback."""
    out, err = io.StringIO(), io.StringIO()
    code: list[int] = []

    def call() -> None:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code.append(cli.main(arguments))

    verdict = library_verdict(call, (UserError,), None, seconds)
    if verdict.outcome != READ:  # main() lets no UserError through
        return replace(verdict, outcome=DEFECT, why=f"command: {verdict.why}")
    return replace(said_by(code[0], out.getvalue(), err.getvalue()), seconds=verdict.seconds)


def said_by(code: int, out: str, said: str) -> Verdict:
    """Judge a command by its exit code and what it wrote."""
    if code == 2:
        wrong = sentence(said, None) if said else "exit code 2 without a word"
        if not said.startswith("hwgen: ") or not said.endswith("\n"):
            wrong = wrong or "the refusal does not begin as such"
        if out:
            wrong = wrong or "exit code 2 after output"
        return Verdict(DEFECT, f"command: {wrong}", said[:2000]) if wrong \
            else Verdict(REFUSED, said)
    if code not in (0, 1):
        return Verdict(DEFECT, f"command: exit code {code}", said[:2000])
    return Verdict(READ)
