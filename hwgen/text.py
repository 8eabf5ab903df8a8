"""Text for people: tables, and whatever is in names made fit to be seen.

A terminal obeys control characters, so a name could erase lines and write others in their place.
Whatever a command prints goes through :class:`SafeStream`, which escapes them, as JSON does; only
the ends of lines get through, so what is known to be within a line is made :func:`printable`.
"""

import contextlib
import html
import io
import json
import os
import re
import sys
import threading
import time
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TextIO, cast

from .errors import UserError

__all__ = ["PROGRESS", "SafeStream", "Shown", "ShownFields", "ShownTable", "count", "json_text",
           "markdown", "percent", "printable", "safe_streams", "say", "table"]

EVERY = 8.0
"""Seconds after which something is said where nobody looks."""

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
        if self.name:
            PROGRESS.erase()
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


class Progress:
    """Shows what a command does and for how long: in a line of a terminal that the next replaces.

    Where nobody looks, as on a pipe, it is a line of its own every :data:`EVERY` seconds.
    """

    def __init__(self) -> None:
        self.text = ""
        self.quiet = self.visible = False

    def say(self, text: str) -> None:
        """Show what is done now; nothing, where the command is done with it."""
        self.text = text
        if not self.quiet and on_terminal():
            self.write(f"{printable(text)} ..." if text else "")

    def write(self, text: str) -> None:
        """Write a line on a terminal that the next one replaces."""
        message(f"\033[K{text}\r")
        self.visible = bool(text)

    def erase(self) -> None:
        """Make room for what a command prints."""
        if self.visible:
            self.write("")

    @contextlib.contextmanager
    def watch(self, command: str, quiet: bool) -> Iterator[None]:
        """Tell what a command does, and how long it has taken, until it is done."""
        self.text, self.quiet = "", quiet
        done = threading.Event()
        teller = threading.Thread(target=self.tell, args=(command, done), daemon=True)
        if not quiet:
            teller.start()
        try:
            yield
        finally:
            done.set()
            if not quiet:
                teller.join()
            self.erase()
            self.quiet = False

    def tell(self, command: str, done: threading.Event) -> None:
        """Tell it every second on a terminal, else every so often."""
        started = told = time.monotonic()
        while not done.wait(1):
            now = time.monotonic()
            text = f"{printable(self.text or command)}, {now - started:.0f} s"
            if on_terminal():
                self.write(f"{text} ...")
            elif now - told >= EVERY:
                message(f"hwgen: {text}\n")
                told = now


def on_terminal() -> bool:
    """Return whether somebody looks at messages."""
    return sys.stderr is not None and sys.stderr.isatty()


def message(text: str) -> None:
    """Write to where messages go; if that cannot be, nobody can be told."""
    stream = sys.stderr.stream if isinstance(sys.stderr, SafeStream) else sys.stderr
    with contextlib.suppress(OSError, ValueError):  # ValueError: it was closed
        print(text, end="", file=stream, flush=True)


PROGRESS = Progress()
say = PROGRESS.say


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


def count(number: int | None) -> str:
    """Return a number as a table has it: with commas, or a dash for none."""
    return "-" if number is None else f"{number:,}"


def percent(ratio: float | None) -> str:
    """Return a ratio in percent, or a dash for none."""
    return "-" if ratio is None else f"{100 * ratio:.1f} %"


@dataclass(frozen=True, repr=False)
class ShownTable:
    """Values in rows: as text it is a table in a terminal, and one of HTML in a notebook.

    Parameters
    ----------
    columns : mapping of str to function
        What stands above each column, and how a value of it is written.
    rows : sequence of sequences
        The values themselves.
    """

    columns: Mapping[str, Callable[[Any], str]]
    rows: Sequence[Sequence[Any]]

    @property
    def cells(self) -> list[list[str]]:
        """What is written in each row."""
        return [[printable(write(value)) for write, value
                 in zip(self.columns.values(), row, strict=True)] for row in self.rows]

    def __str__(self) -> str:
        return table([*self.columns], self.cells)

    def html(self) -> str:
        """Return a table of HTML, of which nothing but what is written is shown."""
        head = "".join(f"<th>{html_text(name)}</th>" for name in self.columns)
        body = "".join("<tr>" + "".join(f"<td>{html_text(cell)}</td>" for cell in row) + "</tr>"
                       for row in self.cells)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def frame(self) -> Any:
        """Return the values as a DataFrame of pandas, which is not installed with hwgen."""
        try:
            import pandas
        except ImportError as error:
            raise UserError("to_frame() needs pandas; `pip install pandas` brings it") from error
        return pandas.DataFrame([list(row) for row in self.rows], columns=[*self.columns])


class Shown:
    """What says of itself what is to be seen of it, in a terminal and in a notebook."""

    @property
    def summary(self) -> str:
        """What it is, in a line."""
        raise NotImplementedError

    def _view_(self) -> Sequence[str | ShownTable]:
        """Return the lines and tables that show it."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return printable(self.summary)

    def __str__(self) -> str:
        return "\n".join(str(part) if isinstance(part, ShownTable) else printable(part)
                         for part in self._view_())

    def _repr_html_(self) -> str:
        return f"<p>{html_text(self.summary)}</p>" + "".join(
            part.html() if isinstance(part, ShownTable) else f"<p>{html_text(part)}</p>"
            for part in self._view_() if part)

    def to_frame(self) -> Any:
        """Return its first table as a DataFrame, where pandas is installed."""
        return next(part for part in self._view_() if isinstance(part, ShownTable)).frame()


class ShownFields(Shown):
    """A dataclass that shows its fields: in a line those that are not the default."""

    @property
    def summary(self) -> str:
        """What makes it again."""
        given = (f"{each.name}={value!r}" for each in fields(cast(Any, self))
                 if (value := getattr(self, each.name)) != each.default)
        return f"{type(self).__name__}({', '.join(given)})"

    def _view_(self) -> list[ShownTable]:
        """Return a table of all fields."""
        values = ((each.name, getattr(self, each.name)) for each in fields(cast(Any, self)))
        return [ShownTable({"field": str, "value": str},
                      [(name, "" if value is None else value) for name, value in values])]


def html_text(text: str) -> str:
    """Return a text as HTML shows it."""
    return html.escape(printable(text))
