"""Full disks, closed streams, limits, killed programs: one sentence, and nothing by half."""

import errno
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from amaranth.back import verilog as amaranth_verilog

from hwgen.cli import command_line as cli
from hwgen.errors import UserError, is_outside
from hwgen.generate import conversion as generate
from hwgen.measure import place_and_route as flow
from hwgen.runtime.simulation import SimulatedLink, SimulationError
from hwgen.tools import cache
from hwgen.tools.find import Outcome, call, compiler, outside_cause, verilator
from hwgen.tools.verilator import BuildError, check

from ..networks import path
from ..runtime.test_simulation import Echo

NETWORK = str(path("kws_dscnn"))
ROOT = Path(cli.__file__).parents[2]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Let every test write into a folder of its own."""
    monkeypatch.chdir(tmp_path)


def shell(line):
    """Run a line of bash in which ``hwgen`` is this one; return its code, output and messages."""
    run = subprocess.run(["bash", "-c", f'hwgen() {{ "{sys.executable}" -m hwgen "$@"; }}; {line}'],
                         capture_output=True, text=True,
                         env=os.environ | {"PYTHONPATH": str(ROOT)})
    return run.returncode, run.stdout, run.stderr


FULL = "hwgen: standard output cannot be written: No space left on device\n"
CLOSED = "hwgen: standard output is closed; > /dev/null throws away what is printed\n"


@pytest.mark.parametrize("line, code, err", [
    ("hwgen boards > /dev/full", 2, FULL),
    ("hwgen boards --json > /dev/full", 2, FULL),
    ("hwgen generate --help > /dev/full", 2, FULL),
    ("hwgen --version > /dev/full", 2, FULL),
    ("hwgen boards >&-", 2, CLOSED),
    ("hwgen --help >&- <&-", 2, CLOSED),
    ("hwgen boards nothing 2> /dev/full", 2, ""),
    ("hwgen boards nothing 2>&-", 2, ""),
    ("hwgen boards nothing >&- 2>&- <&-", 2, ""),
    ("hwgen boards > /dev/full 2> /dev/full", 2, ""),
    ("hwgen boards > /dev/null 2>&-", 0, ""),
    ("(ulimit -f 0; hwgen boards > file)", 2,
     "hwgen: standard output cannot be written: File too large\n"),
    ("hwgen boards --json | true; exit ${PIPESTATUS[0]}", 141, ""),
])
def test_streams(line, code, err):
    assert shell(line) == (code, "", err)


def test_messages_do_not_come_among_results():
    """Without a stream for messages, they go nowhere; and no file takes its place."""
    code, out, err = shell(f"hwgen compile '{NETWORK}' -o net.program --json 2>&- | cat")
    assert (code, err) == (0, "") and out.startswith("{") and out.endswith("}\n")


@pytest.fixture
def limited(monkeypatch):
    """Allow no file of more than 1 KB, and let that be an error, as Python does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("words", [
    ["compile", NETWORK, "-o", "out"], ["compile", NETWORK, "-o", "out.h"],
    ["report", NETWORK, "-o", "out.html"], ["generate", "--rows", "2", "--columns", "2"],
], ids=["program", "c", "report", "generate"])
def test_outputs(words, limited, capsys, tmp_path):
    """What cannot be written whole is not written."""
    limited(1024)
    assert cli.main(words) == 2
    limited(resource.RLIM_INFINITY)
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and "File too large" in err
    assert not list(tmp_path.rglob("*"))


def test_cache(limited, monkeypatch, tmp_path):
    """A cache that cannot be written to is one sentence, and keeps nothing by half."""
    monkeypatch.setenv("HWGEN_CACHE", str(tmp_path / "cache"))
    limited(1024)
    with pytest.raises(UserError, match="cache cannot keep what was built: File too large; HWGEN"):
        cache.cached_folder("sim-x", lambda folder: (folder / "file").write_bytes(bytes(2000)))
    limited(resource.RLIM_INFINITY)
    assert [each.name for each in (tmp_path / "cache").iterdir()] == ["locks"]
    folder, was_there = cache.cached_folder(
        "sim-x", lambda folder: (folder / "file").write_bytes(b"x"))
    assert not was_there and cache.is_intact(folder)


@pytest.mark.parametrize("code, sentence", [
    (errno.ENOSPC, "hwgen: a/b: No space left on device\n"),
    (errno.EACCES, "hwgen: a/b: Permission denied\n"),
    (errno.EROFS, "hwgen: a/b: Read-only file system\n"),
])
def test_any_other_file(code, sentence, monkeypatch, capsys):
    """Wherever the machine refuses: the user can mend that, and we cannot."""
    def fail(options):
        raise OSError(code, os.strerror(code), "a/b")
    monkeypatch.setattr("hwgen.cli.boards.run", fail)
    assert cli.main(["boards"]) == 2
    assert capsys.readouterr().err == sentence


@pytest.mark.parametrize("code", [errno.ENOENT, errno.EBADF, errno.EINVAL, errno.ENOTDIR])
def test_defects_are_no_such_thing(code, monkeypatch):
    """A file of ours that is not there is a defect of ours."""
    def fail(options):
        raise OSError(code, os.strerror(code))
    monkeypatch.setattr("hwgen.cli.boards.run", fail)
    with pytest.raises(OSError):
        cli.main(["boards"])


def test_no_temporary_folder():
    assert is_outside(FileNotFoundError(errno.ENOENT, "No usable temporary directory found in []"))
    code, out, err = shell("(ulimit -f 0; hwgen doctor)")
    assert code == 2 and out == "" and err.startswith("hwgen: No usable temporary directory found")


@pytest.mark.skipif(not (verilator() and compiler()), reason="needs Verilator and g++")
@pytest.mark.parametrize("sent, sentence", [
    (signal.SIGKILL, "the simulator was ended by SIGKILL, perhaps as memory ran out"),
    (signal.SIGTERM, "the simulator was ended by SIGTERM"),
])
def test_simulator_is_killed(sent, sentence, monkeypatch, capsys):
    echo = amaranth_verilog.convert(Echo(), name="top", emit_src=False, strip_internal_attrs=True)

    def killed(options):
        with SimulatedLink(echo) as link:
            os.kill(link._process.pid, sent)
            link._process.wait()
            link.write(bytes(1 << 20))
            link.read(1 << 20, 100)

    with pytest.raises(SimulationError, match=sentence):
        killed(None)
    monkeypatch.setattr("hwgen.cli.boards.run", killed)
    assert cli.main(["boards"]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"hwgen: {sentence}") and err.count("\n") == 1


@pytest.mark.parametrize("code, output, why", [
    (-signal.SIGKILL, "", "was ended by SIGKILL"),
    (-signal.SIGXFSZ, "", "was ended by SIGXFSZ, as its file is larger than `ulimit -f` allows"),
    (1, "as: x.o: No space left on device\n", "failed: No space left on device"),
    (1, "g++: fatal error: Killed signal terminated program cc1plus", "failed: Killed signal"),
    (1, "%Error: cannot write: File too large", "failed: File too large"),
])
def test_tools(code, output, why):
    assert outside_cause(code, output).startswith(why)
    with pytest.raises(UserError, match=why):
        check(Outcome(code, output), "g++")


@pytest.mark.parametrize("code, output", [(1, "syntax error"), (-signal.SIGSEGV, ""),
                                          (-signal.SIGABRT, ""), (0, "")])
def test_own_faults_of_tools(code, output):
    assert not outside_cause(code, output)
    if code:
        with pytest.raises(BuildError):
            check(Outcome(code, output), "g++")


def test_tools_speak_one_language(monkeypatch):
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    assert call(["sh", "-c", "echo $LC_ALL"], seconds=20).output == "C.UTF-8\n"


def test_tools_of_the_flow(tmp_path, monkeypatch):
    """Of a tool whose log is on a full disk nothing is known but that."""
    with pytest.raises(UserError, match="^sh was ended by SIGKILL"):
        flow.run(["sh", "-c", "kill -9 $$"], tmp_path, "log")
    with pytest.raises(UserError, match="^sh cannot build this Design: it says nothing"):
        flow.run(["sh", "-c", "exit 3"], tmp_path, "log")
    monkeypatch.setattr("hwgen.tools.find.FULL", 1 << 80)
    with pytest.raises(UserError, match="^sh failed: No space left on device"):
        flow.run(["sh", "-c", "exit 3"], tmp_path, "log")


def test_yosys_is_killed(monkeypatch, capsys, tmp_path):
    start = subprocess.Popen

    def killed(words, **options):
        process = start(words, **options)
        process.kill()
        process.wait()
        return process

    monkeypatch.setattr(generate.subprocess, "Popen", killed)
    assert cli.main(["generate", "--rows", "2", "--columns", "2"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("hwgen: yosys was ended by SIGKILL") and err.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["", "<testsuites><testsuite name='x'>"])
def test_results_of_a_killed_bench(text, tmp_path):
    runner = pytest.importorskip("sim.runner")
    (tmp_path / "results.xml").write_text(text)
    assert runner.read_results(tmp_path / "results.xml") == ()


def test_interrupted_while_printing(monkeypatch, capsys):
    def interrupt(options):
        print("half a line", end="")
        raise KeyboardInterrupt
    monkeypatch.setattr("hwgen.cli.boards.run", interrupt)
    assert cli.main(["boards"]) == 130
    assert capsys.readouterr() == ("half a line", "hwgen: interrupted\n")
