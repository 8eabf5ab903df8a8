"""What is kept is whole and the user's own, whatever became of it and whoever was killed."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hwgen.errors import UserError
from hwgen.tools import cache


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Return an empty cache."""
    monkeypatch.setenv("HWGEN_CACHE", str(tmp_path / "home"))
    return tmp_path / "home"


def make(folder):
    """Make something with a program in it."""
    (folder / "program").write_text("#!/bin/sh\necho made\n")
    (folder / "program").chmod(0o755)
    (folder / "below").mkdir()
    (folder / "below" / "data").write_bytes(bytes(1000))


def test_cache_makes_once(home):
    made = []

    def counted(folder):
        made.append(folder)
        make(folder)

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: cache.cached_folder("sim-x", counted), range(8)))
    assert len(made) == 1
    assert [(folder / "below" / "data").stat().st_size for folder, _ in results] == [1000] * 8
    assert sorted(was_there for _, was_there in results) == [False] + [True] * 7


def test_cache_keeps_no_failure(home):
    def fails(folder):
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        cache.cached_folder("sim-x", fails)
    assert [path.name for path in home.iterdir()] == ["locks"]


def test_cache_prunes(home, monkeypatch):
    monkeypatch.setattr(cache, "LARGEST_COUNTS", {"sim": 3})
    for age in range(5):
        folder, _ = cache.cached_folder(f"sim-{age}", lambda folder: None)
        os.utime(folder, (age, age))
    cache.prune(home)
    assert sorted(path.name for path in home.glob("sim-*")) == ["sim-2", "sim-3", "sim-4"]
    assert sorted(path.name for path in (home / "locks").iterdir()) == ["sim-2", "sim-3", "sim-4"]


def in_place_of(path, put):
    """Put something else where an entry, a file or a lock was."""
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    put(path)


DAMAGES = {
    "nothing is left": lambda entry: in_place_of(entry, Path.mkdir),
    "a file is missing": lambda entry: (entry / "below" / "data").unlink(),
    "a file is cut": lambda entry: os.truncate(entry / "below" / "data", 10),
    "a file is empty": lambda entry: os.truncate(entry / "program", 0),
    "a byte is another": lambda entry: (entry / "program").write_text("#!/bin/sh\necho hurt\n"),
    "a file is more": lambda entry: (entry / "planted.o").write_text("x"),
    "a folder is more": lambda entry: shutil.copytree(entry / "below", entry / "more"),
    "not to be run": lambda entry: (entry / "program").chmod(0o644),
    "not to be read": lambda entry: (entry / "program").chmod(0),
    "not to be entered": lambda entry: (entry / "below").chmod(0) if os.getuid() else os.truncate(
        entry / "below" / "data", 0),  # root may enter what is closed
    "not to be opened": lambda entry: entry.chmod(0),
    "open to others": lambda entry: entry.chmod(0o777),
    "a file, no folder": lambda entry: in_place_of(entry, Path.touch),
    "a folder, no file": lambda entry: in_place_of(entry / "program", Path.mkdir),
    "a pipe, no file": lambda entry: in_place_of(entry / "program", os.mkfifo),
    "a link, no file": lambda entry: in_place_of(entry / "program", lambda path: path.symlink_to(
        "/bin/sh")),
    "a link, no folder": lambda entry: (shutil.copytree(entry, entry.with_name("other")),
                                        in_place_of(entry, lambda path: path.symlink_to("other"))),
    "a link to nowhere": lambda entry: in_place_of(entry, lambda path: path.symlink_to("none")),
    "no manifest": lambda entry: (entry / "manifest.json").unlink(),
    "a manifest cut": lambda entry: os.truncate(entry / "manifest.json", 20),
    "a manifest of depth": lambda entry: (entry / "manifest.json").write_text("[" * 100_000),
    "another entry": lambda entry: (cache.cached_folder("sim-y", make), shutil.rmtree(entry),
                                    (entry.parent / "sim-y").rename(entry)),
    "a lock is a folder": lambda entry: (shutil.rmtree(entry), in_place_of(
        entry.parent / "locks" / entry.name, Path.mkdir)),
    "a lock is a link": lambda entry: (shutil.rmtree(entry), in_place_of(
        entry.parent / "locks" / entry.name, lambda path: path.symlink_to("/dev/null"))),
    "a lock is closed": lambda entry: (shutil.rmtree(entry),
                                       (entry.parent / "locks" / entry.name).chmod(0)),
    "locks are a file": lambda entry: (shutil.rmtree(entry),
                                       in_place_of(entry.parent / "locks", Path.touch)),
    "locks are closed": lambda entry: (shutil.rmtree(entry), (entry.parent / "locks").chmod(0)),
    "locks are elsewhere": lambda entry: (shutil.rmtree(entry), in_place_of(
        entry.parent / "locks", lambda path: path.symlink_to("/tmp"))),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damage_is_mended(damage, home):
    """What differs in anything is made again, and is right from then on."""
    entry, _ = cache.cached_folder("sim-x", make)
    outside = home.parent / "outside"
    outside.write_text("stays")
    damage(entry)
    entry, was_there = cache.cached_folder("sim-x", make)
    assert not was_there
    assert subprocess.run([entry / "program"], capture_output=True).stdout == b"made\n"
    assert cache.cached_folder("sim-x", make) == (entry, True)
    assert not list(home.glob("building-*")) and outside.read_text() == "stays"


def test_link_is_removed_and_not_followed(home):
    entry, _ = cache.cached_folder("sim-x", make)
    elsewhere = home.parent / "elsewhere"
    entry.rename(elsewhere)
    entry.symlink_to(elsewhere)
    assert not cache.cached_folder("sim-x", make)[1]
    assert not entry.is_symlink() and (elsewhere / "program").exists()


def test_somebody_elses_entry_is_not_used(home, monkeypatch):
    """Not even where its hashes are right: its owner may change it at any moment."""
    entry, _ = cache.cached_folder("sim-x", make)
    chosen = cache.folder()
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert not cache.is_intact(entry)
    with pytest.raises(UserError, match="HWGEN_CACHE must be .* is not a folder of yours"):
        cache.folder()
    assert chosen == home


def test_folder_is_closed(home):
    """A user's mask may have left it open to a group; entries were never."""
    home.mkdir()
    home.chmod(0o777)
    entry, _ = cache.cached_folder("sim-x", make)
    assert home.stat().st_mode & 0o777 == 0o755 and entry.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("spoil, why", [
    (lambda home: home.symlink_to(home.parent), "is a symbolic link"),
    (lambda home: home.symlink_to("nowhere"), "is a symbolic link"),
    (lambda home: home.touch(), "is not a folder of yours"),
    (lambda home: (home.mkdir(), home.parent.chmod(0o777)), "everybody may replace what is in"),
])
def test_chosen_folder_wrong(spoil, why, home):
    spoil(home)
    with pytest.raises(UserError, match=f"HWGEN_CACHE must be a folder that nobody .*{why}"):
        cache.cached_folder("sim-x", make)


@pytest.fixture
def spare(tmp_path, monkeypatch):
    """Return where the cache is among the temporary files, as the user's own has no place."""
    (tmp_path / "file").touch()
    (tmp_path / "temporary").mkdir()
    (tmp_path / "temporary").chmod(0o1777)
    monkeypatch.delenv("HWGEN_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    cache.fresh_folder.cache_clear()
    yield tmp_path / "temporary" / f"hwgen-{os.getuid()}"
    cache.fresh_folder.cache_clear()


def test_spare_folder(spare):
    assert cache.folder() == spare and spare.stat().st_mode & 0o777 == 0o700
    assert cache.cached_folder("sim-x", make)[0].parent == spare


@pytest.mark.parametrize("plant", [
    lambda spare: spare.symlink_to(spare.parent), lambda spare: spare.touch(),
    lambda spare: (spare.mkdir(), spare.chmod(0o755)),
    lambda spare: (spare.mkdir(), spare.chmod(0o770))])
def test_planted_folder_is_not_used(plant, spare):
    """A folder that somebody may have laid there is left alone; the process has one of its own."""
    plant(spare)
    found = cache.folder()
    assert found != spare and found.parent == spare.parent and found == cache.folder()
    assert found.stat().st_mode & 0o777 == 0o700
    assert cache.cached_folder("sim-x", make)[0].parent == found


def test_planted_folder_of_another_owner(spare, monkeypatch):
    spare.mkdir(mode=0o700)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert cache.folder() != spare


def test_killed_builds_are_cleaned_up(home):
    """Those that nobody works on any more; one that is being built stays."""
    cache.cached_folder("sim-0", make)
    (home / "building-sim-1.killed").mkdir(mode=0)
    (home / "building-sim-2.works").mkdir()
    for name, age in (("building-former", 2 * 24 * 3600), ("building-younger", 60)):
        (home / name).mkdir()
        os.utime(home / name, (time.time() - age,) * 2)
    with open(home / "locks" / "sim-2", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        cache.cached_folder("sim-3", make)
        assert sorted(path.name for path in home.glob("building-*")) == [
            "building-sim-2.works", "building-younger"]
    cache.cached_folder("sim-2", make)
    assert [path.name for path in home.glob("building-*")] == ["building-younger"]


WORKERS = """
import os, random, signal, sys, time
from hwgen.tools import cache

def make(folder):
    for number in range(5):
        (folder / str(number)).write_text("x" * 1000)
        time.sleep(0.002)

def work(kind):
    while True:
        folder, _ = cache.cached_folder(f"sim-{int(5 * time.time()) % 10}", make)
        if kind == "reads":
            assert all((folder / str(number)).stat().st_size == 1000 for number in range(5))
        elif random.random() < 0.1:
            try:
                os.truncate(folder / str(random.randrange(5)), 10)
            except FileNotFoundError:
                pass  # another process makes it again

signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for line in sys.stdin:
    worker = os.fork()
    if not worker:
        random.seed(os.getpid())
        work(line.strip())
    print(worker, flush=True)
"""


@pytest.mark.parametrize("kind", ["reads", "damages"])
def test_killed_at_any_moment(kind, home):
    """Processes that want the same entries, damage them, and are killed, leave what heals."""
    with subprocess.Popen([sys.executable, "-c", WORKERS], stdin=subprocess.PIPE, text=True,
                          stdout=subprocess.PIPE) as parent:
        def start():
            print(kind, file=parent.stdin, flush=True)
            return int(parent.stdout.readline())

        workers = [start() for _ in range(4)]
        for moment in range(20):
            time.sleep(0.1)
            os.kill(workers[moment % 4], signal.SIGKILL)  # an error if it has ended by itself
            workers[moment % 4] = start()
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
        parent.stdin.close()
    entries = list(home.glob("sim-*"))
    assert entries
    for entry in entries:
        assert cache.is_intact(cache.cached_folder(entry.name, make)[0])
    cache.prune(home)
    assert not list(home.glob("building-*"))
