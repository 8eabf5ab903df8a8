"""Damages TOML, JSON and CSV: values that are something else, and text that is none."""

import re
from collections.abc import Sequence

import numpy as np

from .damage import anything

__all__ = ["lines", "text"]

TOKEN = re.compile(rb'"(?:[^"\\\n]|\\.)*"|[-+]?\d[\w.+-]*|\b(?:true|false|null)\b|[A-Za-z_][\w-]*'
                   rb"|\[\[?|\]\]?|[{}=:,]")
"""A string, a number, a word, or a sign of punctuation."""

VALUES = (
    b"0", b"1", b"-1", b"2", b"3", b"1.5", b"-0.0", b"65536", b"2147483648", b"4294967296",
    b"9223372036854775807", b"18446744073709551616", b"-9223372036854775809", b"1e308", b"1e400",
    b"-1e400", b"1e-400", b"nan", b"inf", b"-inf", b"NaN", b"Infinity", b"9" * 40, b"9" * 5000,
    b"0x10", b"1_000", b"007", b"true", b"false", b"null", b'""', b'"x"', b'"int8"', b'"\\u0000"',
    b'"\\ud800"', b'"\\u001b[2J"', b'"../../../etc/passwd"', b'"\\n"', b'"%s{}{0}"', b"[]", b"{}",
    b"[[]]", b"[1, 2]", b'{"a" = 1}', b'{"a": 1}', b'["a"]', b"[null]", b'"' + b"a" * 10_000 + b'"',
    b"1979-05-27T07:32:00Z", b"'x'", b"'''x'''", b"x", b"\xc2\xb2", b"\xd9\xa1", b" ", b"",
)
"""What stands where something else stood: other types, and numbers that nobody counts on."""

RAW = (b"\xff", b"\xef\xbb\xbf", b"\0", b"\x1b[2J", b"\r", b"\n", b"\n\n", b"\xed\xa0\x80", b"#",
       b"\\", b'"', b"'", b"\t", b"\xe2\x80\xa8", b"\xfe\xff", b"/*", b",,,,", b"a" * 70_000)
"""What makes text unreadable, or nearly."""


def tokens(data: bytes) -> list[slice]:
    """Return where tokens are."""
    return [slice(*found.span()) for found in TOKEN.finditer(data)]


def text(rng: np.random.Generator, data: bytes, others: Sequence[bytes]) -> bytes:
    """Damage a text file of any kind once, or a few times."""
    for _ in range(int(rng.choice([1, 1, 1, 2, 4]))):
        kind = rng.random()
        if kind < 0.6:
            data = token(rng, data)
        elif kind < 0.75:
            data = lines(rng, data, others)
        elif kind < 0.83:
            at = int(rng.integers(len(data) + 1))
            data = data[:at] + RAW[int(rng.integers(len(RAW)))] + data[at:]
        elif kind < 0.86:
            data = nest_deep(rng, data)
        elif kind < 0.88:
            data = RAW[int(rng.integers(5))] + data
        elif kind < 0.89:
            data = data.decode("latin-1").encode(str(rng.choice(["utf-16", "utf-32", "utf-7"])))
        else:
            data = anything(rng, data, others)
    return data


def token(rng: np.random.Generator, data: bytes) -> bytes:
    """Put something else in the place of a token: a value, another of them, or nothing."""
    there = tokens(data)
    if not there:
        return data + VALUES[int(rng.integers(len(VALUES)))]
    part, other = (there[int(rng.integers(len(there)))] for _ in range(2))
    kind = rng.random()
    if kind < 0.7:
        new = VALUES[int(rng.integers(len(VALUES)))]
    elif kind < 0.85:
        new = data[other]
    elif kind < 0.95:
        new = b""
    else:
        new = data[part] + b" " + data[part]
    return data[:part.start] + new + data[part.stop:]


def nest_deep(rng: np.random.Generator, data: bytes) -> bytes:
    """Put something deep in the place of a token."""
    depth = int(rng.choice([10, 100, 1000, 100_000]))
    opened, closed = ((b"[", b"]"), (b'{"a":', b"}"), (b"{a=", b"}"), (b"(", b")"),
                      (b"a.", b""))[int(rng.integers(5))]
    deep = opened * depth + b"1" + closed * depth
    there = tokens(data)
    if not there:
        return deep
    part = there[int(rng.integers(len(there)))]
    return data[:part.start] + deep + data[part.stop:]


def lines(rng: np.random.Generator, data: bytes, others: Sequence[bytes]) -> bytes:
    """Take a line out, repeat it, put it elsewhere, or take one of another file."""
    there = data.split(b"\n")
    at, to = (int(rng.integers(len(there))) for _ in range(2))
    kind = rng.random()
    if kind < 0.3:
        del there[at]
    elif kind < 0.5:
        there.insert(to, there[at])
    elif kind < 0.7:
        there[at], there[to] = there[to], there[at]
    elif kind < 0.8:
        there[at] = there[at] * int(rng.choice([2, 100]))
    elif others:
        strange = others[int(rng.integers(len(others)))].split(b"\n")
        there.insert(to, strange[int(rng.integers(len(strange)))])
    return b"\n".join(there)
