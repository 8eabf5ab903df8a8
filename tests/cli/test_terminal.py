"""What is printed: nothing that a terminal obeys, whatever the stream is."""

import io
import json
import re
import sys
import time
import unicodedata

import pytest

from hwgen.cli import command_line as cli
from hwgen.errors import UserError
from hwgen.text import SafeStream, json_text, printable, safe_streams, say


def test_printable():
    """All that is seen stays, and a space; what is obeyed or not seen is escaped."""
    assert printable("Größe, 日本\u3000語\xa0Å, 𝒳 ok\\n") == "Größe, 日本\u3000語\xa0Å, 𝒳 ok\\n"
    assert printable("\0\x1b[2J\x7f\x9b") == "\\u0000\\u001b[2J\\u007f\\u009b"
    assert printable("\u202e\u2028\ud800\U000e0041") == "\\u202e\\u2028\\ud800\\U000e0041"
    assert printable("a\nb\tc") == "a\\u000ab\\u0009c"
    assert printable("a\nb\tc", keep="\n") == "a\nb\\u0009c"


@pytest.mark.parametrize("category", ["Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"])
def test_every_character(category):
    """Of all there are, none of these comes through."""
    found = "".join(map(chr, range(sys.maxunicode + 1)))
    wrong = [each for each in found if unicodedata.category(each) == category]
    assert printable("".join(wrong[:3000])).isascii()


def test_json():
    value = {"name\x7f\x1b\ud800": "\u2028\x9b"}
    text = json_text(value)
    assert json.loads(text) == value
    assert printable(text) == text


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8", "cp1252"])
def test_encodings(encoding):
    """What an encoding does not have is no traceback."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    safe = SafeStream(stream, "standard output")
    print("日本\ud800\x1b", file=safe)
    safe.writelines(["a\x1b\n"])
    safe.flush()
    text = raw.getvalue().decode(encoding)
    assert text.endswith("\\ud800\\u001b\na\\u001b\n")
    assert text.startswith("日本" if encoding == "utf-8" else "\\u65e5\\u672c")


class Terminal(io.StringIO):
    """A terminal."""

    def isatty(self):
        return True


def test_progress(monkeypatch):
    """It is erased by the next, and by nothing within it."""
    monkeypatch.setattr(sys, "stderr", Terminal())
    with safe_streams():
        say("layer \x1b[2J\n")
        say("")
    assert sys.stderr.getvalue() == "\x1b[Klayer \\u001b[2J\\u000a ...\r\x1b[K\r"
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with safe_streams():
        say("nobody looks")
    assert sys.stderr.getvalue() == ""


def long_command(monkeypatch, stream, *words):
    """Run a command that takes two seconds, and return what it writes to the stream."""
    def last(options):
        time.sleep(1.5)
        say("layer")
        time.sleep(1.5)
        print("result")
        return 0

    monkeypatch.setattr("hwgen.text.EVERY", 0.5)
    monkeypatch.setattr("hwgen.cli.boards.run", last)
    monkeypatch.setattr(sys, "stderr", stream)
    assert cli.main(["boards", *words]) == 0
    return stream.getvalue()


def test_long_command(monkeypatch, capsys):
    """It is told what it does and for how long, in lines on a pipe."""
    assert re.fullmatch(r"(hwgen: boards, \d s\n)+(hwgen: layer, \d s\n)+",
                        long_command(monkeypatch, io.StringIO()))
    assert capsys.readouterr().out == "result\n"


def test_long_command_on_a_terminal(monkeypatch):
    """In one line, which is empty where the result is printed, and in the end."""
    text = long_command(monkeypatch, Terminal())
    assert re.fullmatch(r"(\x1b\[Kboards, \d s \.\.\.\r)+\x1b\[Klayer \.\.\.\r"
                        r"((\x1b\[Klayer, \d s \.\.\.\r)+\x1b\[K\r)+", text)


def test_quiet(monkeypatch):
    assert long_command(monkeypatch, Terminal(), "--quiet") == ""
    assert long_command(monkeypatch, io.StringIO(), "--quiet") == ""


class Full(io.StringIO):
    """A stream on a full disk."""

    def write(self, text):
        raise OSError(28, "No space left on device")


def test_full():
    with pytest.raises(UserError, match="^it cannot be written: No space left on device"):
        SafeStream(Full(), "it").write("x")
    SafeStream(Full()).write("a message that nobody can be told")


def test_streams_are_those_of_before(monkeypatch):
    """After a command, and after --help; a defect's traceback goes through the safe ones."""
    before = sys.stdout, sys.stderr
    assert cli.main(["boards", "nothing"]) == 2 and (sys.stdout, sys.stderr) == before
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    assert (sys.stdout, sys.stderr) == before

    def fail(options):
        raise RuntimeError("\x1b")
    monkeypatch.setattr("hwgen.cli.boards.run", fail)
    with pytest.raises(RuntimeError):
        cli.main(["boards"])
    assert isinstance(sys.stderr, SafeStream)
    sys.stdout, sys.stderr = before
