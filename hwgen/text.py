"""Text for people: tables, and whatever is in names made fit to be seen.

A terminal obeys control characters, so a name could erase lines and write others in their place.
Whatever a command prints goes through :class:`SafeStream`, which escapes them, as JSON does; only
the ends of lines get through, so what is known to be within a line is made :func:`printable`.
"""

import contextlib
import io
import json
import os
import re
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any, TextIO, cast

from .errors import UserError

__all__ = ["SafeStream", "json_text", "markdown", "printable", "safe_streams", "say", "table"]

SUSPECT = re.compile("[^ -~]")
"""Characters to look at: all but those of ASCII that are seen."""


def printable(text: object, keep: str = "") -> str:
    """Return a text without what a terminal obeys, or does not show; ``keep`` stays."""
    return SUSPECT.sub(lambda found: found[0] if found[0] in keep or shows(found[0])
                       else escape(found[0]), str(text))


def shows(character: str) -> bool:
    """Return whether a character can be seen, or is a space."""
    return character.isprintable() or unicodedata.category(character) == "Zs"


def escape(character: str) -> str:
    """Return a character as JSON and Python have it."""
    number = ord(character)
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def json_text(value: Any, **options: Any) -> str:
    """Return plain data as JSON that a terminal shows: JSON itself lets DEL through."""
    return json.dumps(value, **options).replace("\x7f", escape("\x7f"))


class SafeStream:
    """A stream of text to which nothing is written that a terminal would obey.

    When the result of a command cannot be written, that is a :class:`UserError`; when a message
    cannot, nobody can be told.

    Parameters
    ----------
    stream : TextIO
    name : str
        What the user calls it; empty for messages.
    """

    def __init__(self, stream: TextIO, name: str = "") -> None:
        self.stream = stream
        self.name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self.stream, attribute)

    def write(self, text: str) -> int:
        """Write a text, with what its encoding does not have escaped, too."""
        encoding = self.stream.encoding or "utf-8"
        shown = printable(text, keep="\n\t")
        with self.guard():
            self.stream.write(shown.encode(encoding, "backslashreplace").decode(encoding))
        return len(text)

    def writelines(self, lines: Iterator[str]) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Write what is waiting."""
        with self.guard():
            self.stream.flush()

    @contextlib.contextmanager
    def guard(self) -> Iterator[None]:
        """Say that the stream cannot be written to, and do not try again as Python ends."""
        try:
            yield
        except BrokenPipeError:
            if self.name:
                raise
        except OSError as error:
            discard(self.stream)
            if self.name:
                raise UserError(f"{self.name} cannot be written: {error.strerror}") from error


def discard(stream: TextIO) -> None:
    """Let what is still to be written to a stream go nowhere."""
    with contextlib.suppress(OSError):  # what a test has in its place has no descriptor
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


@contextlib.contextmanager
def safe_streams() -> Iterator[None]:
    """Let all that is printed go through safe streams."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:  # it is closed: no file of ours shall take its place
            os.open(os.devnull, os.O_RDWR)
    before = sys.stdout, sys.stderr
    sys.stderr = cast(TextIO, SafeStream(sys.stderr or io.StringIO()))
    if sys.stdout is not None:
        sys.stdout = cast(TextIO, SafeStream(sys.stdout, "standard output"))
    restores = False
    try:
        yield
        restores = True
    except SystemExit:
        restores = True
        raise
    finally:
        if restores:  # the traceback of a defect goes through them, too
            sys.stdout, sys.stderr = before


def say(text: str) -> None:
    """Show progress in a line that the next one replaces, where somebody looks."""
    if sys.stderr is not None and sys.stderr.isatty():
        stream = sys.stderr.stream if isinstance(sys.stderr, SafeStream) else sys.stderr
        with contextlib.suppress(OSError):
            print("\033[K" + (f"{printable(text)} ..." if text else ""), end="\r", file=stream,
                  flush=True)


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return the rows in aligned columns; what looks like a number stands to the right."""
    cells = [[printable(cell) for cell in row] for row in rows]
    header = [printable(cell) for cell in header]
    widths = [max(map(len, column)) for column in zip(header, *cells, strict=True)]
    right = [bool(cells) and all(row[i][:1].isdigit() or row[i] in ("", "-") for row in cells)
             for i in range(len(header))]

    def line(row: Sequence[str]) -> str:
        return "  ".join(cell.rjust(width) if is_right else cell.ljust(width)
                         for cell, width, is_right in zip(row, widths, right, strict=True)
                         ).rstrip()

    return "\n".join([line(header), "  ".join("-" * width for width in widths),
                      *map(line, cells)])


def markdown(header: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Return the lines of a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return ["| " + " | ".join(printable(cell).replace("|", "\\|") for cell in line) + " |"
            for line in lines]
