"""Keep what is slow to build, under the hash of everything it was built from."""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

__all__ = ["cached", "digest", "folder"]

LARGEST_COUNTS = {"sim": 300, "netlist": 20, "placed": 10000}
"""How many are kept of each kind: a small simulator takes 1 MB, a netlist 50, a placement 1 KB."""


def folder() -> Path:
    """Return the cache folder: ``$HWGEN_CACHE``, else ``hwgen`` in the user's cache folder.

    Where neither can be written to, it is a folder of the user's among the temporary files.
    """
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    wanted = Path(os.environ.get("HWGEN_CACHE") or Path(home) / "hwgen").absolute()
    try:
        wanted.mkdir(parents=True, exist_ok=True)
        if os.access(wanted, os.W_OK):
            return wanted
    except OSError:
        pass
    spare = Path(tempfile.gettempdir()) / f"hwgen-{os.getuid()}"
    spare.mkdir(mode=0o700, exist_ok=True)
    return spare


def digest(parts: Iterable[str | bytes]) -> str:
    """Return a name for the given texts, in their order."""
    state = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        state.update(f"{len(data)}:".encode() + data)
    return state.hexdigest()[:32]


def cached(name: str, make: Callable[[Path], None]) -> tuple[Path, bool]:
    """Return the folder that ``make`` filled, and whether it was there before.

    Of several processes that ask at the same time one makes it, and the others wait for it. What
    fails leaves nothing behind.
    """
    home = folder()
    target = home / name
    if target.is_dir():
        os.utime(target)
        return target, True
    locks = home / "locks"
    locks.mkdir(exist_ok=True)
    with open(locks / name, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if target.is_dir():
            return target, True
        building = Path(tempfile.mkdtemp(prefix="building-", dir=home))
        try:
            make(building)
            building.rename(target)
        finally:
            shutil.rmtree(building, ignore_errors=True)
    prune(home)
    return target, False


def prune(home: Path) -> None:
    """Drop what was not used for longest, when there is too much."""
    def age(path: Path) -> float:
        try:
            return path.stat().st_mtime
        except FileNotFoundError:  # another process was faster
            return 0.0

    for kind, count in LARGEST_COUNTS.items():
        for path in sorted(home.glob(f"{kind}-*"), key=age)[:-count]:
            shutil.rmtree(path, ignore_errors=True)
            (home / "locks" / path.name).unlink(missing_ok=True)
