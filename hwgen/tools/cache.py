"""Keep what is slow to build, under the hash of everything it was built from.

What is kept is run later, so it lies where nobody else can write, and each entry has the hashes of
its files: they are compared at every use, and what differs in anything is built again.
"""

import atexit
import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from ..errors import UserError, is_outside

__all__ = ["cached_folder", "digest", "folder"]

LARGEST_COUNTS = {"sim": 300, "verilog": 300, "lib": 20, "netlist": 20, "placed": 10000,
                  "mapped": 1000, "vega": 2}
"""How many are kept of each kind: a small simulator takes 1 MB, a netlist 50, others 1 KB."""
MANIFEST = "manifest.json"
"""In each entry: its name, and of each of its files whether it is run and its hash."""
BUILDING = "building-"
"""What entries that are not finished begin with; then come the entry's name, and a dot."""
PRIVATE = 0o700
"""Mode of folders that are the user's alone."""
ABANDONED = 24 * 3600
"""Seconds after which what cannot be told to be in use is not."""


def folder() -> Path:
    """Return the cache folder: ``$HWGEN_CACHE``, else ``hwgen`` in the user's cache folder.

    Where that cannot be written to, it is a folder of the user's among the temporary files. Nobody
    else may write to it: where somebody can, ``$HWGEN_CACHE`` is refused, and another folder is
    taken instead of the others.
    """
    chosen = os.environ.get("HWGEN_CACHE")
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    wanted = Path(chosen or Path(home) / "hwgen").absolute()
    with contextlib.suppress(OSError):
        wanted.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    with contextlib.suppress(OSError):
        if is_ours(wanted) and wanted.stat().st_mode & 0o022:  # as some users' masks leave it
            wanted.chmod(wanted.stat().st_mode & 0o755)
    with contextlib.suppress(OSError):
        why = why_open(wanted)
        if why and chosen:
            raise UserError("HWGEN_CACHE must be a folder that nobody else can write to, as what "
                            f"is kept there is run: {why}")
        if not why and os.access(wanted, os.W_OK | os.X_OK):
            return wanted
    spare = Path(tempfile.gettempdir()) / f"hwgen-{os.getuid()}"
    with contextlib.suppress(OSError):
        spare.mkdir(mode=PRIVATE, exist_ok=True)
    with contextlib.suppress(OSError):
        if not why_open(spare) and spare.stat().st_mode & 0o777 == PRIVATE:
            return spare
    return fresh_folder()


@cache
def fresh_folder() -> Path:
    """Return a new folder, for as long as this process lives."""
    path = Path(tempfile.mkdtemp(prefix="hwgen-"))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def is_ours(path: Path, kind: Callable[[int], bool] = stat.S_ISDIR) -> bool:
    """Return whether a path is such a thing (a folder), owned by the user, and no link to one."""
    found = path.lstat()
    return kind(found.st_mode) and found.st_uid == os.geteuid()


def why_open(path: Path) -> str:
    """Return why somebody else may write to a folder, or nothing."""
    if path.is_symlink():
        return f"{path} is a symbolic link; name the folder that it leads to"
    if not is_ours(path):
        return f"{path} is not a folder of yours"
    if path.stat().st_mode & 0o022:
        return f"{path} is open to others, and cannot be closed"
    for parent in path.resolve().parents:
        mode = parent.stat().st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            return (f"everybody may replace what is in {parent}; name a folder elsewhere, or "
                    f"chmod +t {parent}")
    return ""


def digest(parts: Iterable[str | bytes]) -> str:
    """Return a name for the given texts, in their order."""
    state = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        state.update(f"{len(data)}:".encode() + data)
    return state.hexdigest()[:32]


def cached_folder(name: str, make: Callable[[Path], object]) -> tuple[Path, bool]:
    """Return the folder that ``make`` filled, and whether it was there before.

    Of several processes that ask at the same time one makes it, and the others wait for it. What
    fails leaves nothing behind; what a killed process left, or what is damaged, is removed.
    """
    home = folder()
    target = home / name
    if is_intact(target):
        with contextlib.suppress(OSError):  # when it was used, for prune
            os.utime(target)
        return target, True
    try:
        with hold_lock(home, name):
            if is_intact(target):
                return target, True
            for left in home.glob(f"{BUILDING}{name}.*"):
                discard(left)
            building = Path(tempfile.mkdtemp(prefix=f"{BUILDING}{name}.", dir=home))
            try:
                make(building)
                text = json.dumps({"name": name, "files": files_of(building)})
                (building / MANIFEST).write_text(text)
                discard(target)
                building.rename(target)
            finally:
                discard(building)
    except OSError as error:
        if not is_outside(error):
            raise
        raise UserError(f"{home} cannot keep what was built: {error.strerror}; HWGEN_CACHE may "
                        "name another folder") from error
    with contextlib.suppress(OSError):
        prune(home)
    return target, False


def is_intact(target: Path) -> bool:
    """Return whether an entry is as it was made, and nobody else could write to it."""
    try:
        if not is_ours(target) or target.stat().st_mode & 0o777 != PRIVATE:
            return False
        if not is_ours(target / MANIFEST, stat.S_ISREG):
            return False
        made = json.loads((target / MANIFEST).read_bytes())
        return bool(made == {"name": target.name, "files": files_of(target)})
    except (OSError, ValueError, RecursionError):
        return False


def files_of(entry: Path) -> dict[str, Any]:
    """Return of each file whether it can be run, and its hash; there is nothing but files."""
    found = {}
    for path in walk(entry):
        if not is_ours(path, stat.S_ISREG):
            raise ValueError(f"{path} is no file of the user's")
        with path.open("rb") as file:
            found[str(path.relative_to(entry))] = [
                bool(path.stat().st_mode & stat.S_IXUSR),
                hashlib.file_digest(file, "sha256").hexdigest()]
    found.pop(MANIFEST, None)
    return found


def walk(path: Path) -> Iterator[Path]:
    """Yield all that is in a folder and in its folders, but those."""
    for entry in sorted(os.scandir(path), key=lambda entry: entry.name):
        if entry.is_dir(follow_symlinks=False):
            yield from walk(Path(entry))
        else:
            yield Path(entry)


@contextlib.contextmanager
def hold_lock(home: Path, name: str) -> Iterator[None]:
    """Wait until no other process has the lock of that name."""
    descriptor = lock(home, name)
    try:
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def lock(home: Path, name: str, *, wait: bool = True) -> int | None:
    """Return a lock, which ends when it is closed, or its process; None if another has it."""
    path = home / "locks" / name
    while True:
        for each, kind in ((path.parent, stat.S_ISDIR), (path, stat.S_ISREG)):
            with contextlib.suppress(FileNotFoundError):
                needed = PRIVATE if kind is stat.S_ISDIR else 0o600
                if not is_ours(each, kind) or each.stat().st_mode & needed != needed:
                    discard(each)
        path.parent.mkdir(mode=PRIVATE, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), path.lstat()):
                    return descriptor
        except BlockingIOError:
            os.close(descriptor)
            return None
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # it was removed while we waited


def discard(path: Path) -> None:
    """Remove what is there, of whatever kind; of a link the link."""
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISDIR(path.lstat().st_mode):
            path.unlink()
            return
        # What cannot be removed, as it is somebody else's, shall not stand in the way.
        if not path.name.startswith(BUILDING):
            path = path.rename(path.with_name(f"{BUILDING}{path.name}.{time.time_ns()}"))
        unlock(path)
        shutil.rmtree(path, ignore_errors=True)


def unlock(path: Path) -> None:
    """Let the user into a folder and all within it, so that they can be removed."""
    with contextlib.suppress(OSError):
        path.chmod(PRIVATE)
        for entry in os.scandir(path):
            if entry.is_dir(follow_symlinks=False):
                unlock(Path(entry))


def prune(home: Path) -> None:
    """Drop what was not used for longest, when there is too much, and what killed builds left."""
    def age(path: Path) -> float:
        try:
            return path.lstat().st_mtime
        except FileNotFoundError:  # another process was faster
            return 0.0

    for kind, count in LARGEST_COUNTS.items():
        for path in sorted(home.glob(f"{kind}-*"), key=age)[:-count]:
            drop(home, path.name, path)
    for path in home.glob(f"{BUILDING}*"):
        name, dot, _ = path.name.removeprefix(BUILDING).partition(".")
        if dot:
            drop(home, name, path)
        elif time.time() - age(path) > ABANDONED:  # an older version's, which had no name
            discard(path)


def drop(home: Path, name: str, path: Path) -> None:
    """Remove something of an entry, unless a process is about to make that."""
    descriptor = lock(home, name, wait=False)
    if descriptor is not None:
        discard(path)
        if not (home / name).exists():
            (home / "locks" / name).unlink(missing_ok=True)
        os.close(descriptor)
