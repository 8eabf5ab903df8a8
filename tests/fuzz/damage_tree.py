"""Damages what TOML and JSON say, in files that are well-formed."""

import json
import tomllib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from .damage_text import text

__all__ = ["json_file", "toml_file"]

VALUES: tuple[Any, ...] = (
    0, 1, -1, 2, 3, 0.5, -0.0, 1e308, 1e-300, float("inf"), float("-inf"), float("nan"), 65536,
    1 << 31, 1 << 32, (1 << 63) - 1, -(1 << 63), 10**40, True, False, "", "x", "int8", "ws", "0",
    "\0", "\x1b[2J", "../x", "a\nb", "a" * 3000, "²", [], [1], [[]], ["a"], {}, {"a": 1},
    {"": {}}, [0] * 2000)
"""Other types, and numbers that nobody counts on."""


def places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every container with every key or index in it."""
    keys = list(tree) if isinstance(tree, dict) else range(len(tree)) \
        if isinstance(tree, list) else []
    for key in keys:
        yield tree, key
        yield from places(tree[key])


def change_value(rng: np.random.Generator, tree: Any) -> Any:
    """Change one value of a tree, leave it out, repeat it, or give its name to another."""
    there = list(places(tree))
    if not there or rng.random() < 0.02:
        return VALUES[int(rng.integers(len(VALUES)))]
    home, key = there[int(rng.integers(len(there)))]
    other, name = there[int(rng.integers(len(there)))]
    kind = rng.random()
    value = json.loads(json.dumps(VALUES[int(rng.integers(len(VALUES)))]))
    if kind < 0.55:
        home[key] = value
    elif kind < 0.7:
        home[key] = json.loads(json.dumps(other[name]))
    elif kind < 0.85:
        del home[key]
    elif isinstance(home, dict):
        home[str(rng.choice(["x", "", "design", "\x1b[2J", str(name), "a b"]))] = value
    else:
        home.insert(int(rng.integers(len(home) + 1)), value)
    return tree


def toml(value: Any) -> str:
    """Return a value as TOML has it, tables on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(str(key))} = {toml(each)}"
                               for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value)


def toml_text(tree: Any) -> str:
    """Return a TOML file."""
    if not isinstance(tree, dict):
        return f"x = {toml(tree)}\n"
    return "".join(f"{json.dumps(str(key))} = {toml(each)}\n" for key, each in tree.items())


def tree_file(rng: np.random.Generator, data: bytes, others: Sequence[bytes],
              read: Callable[[str], Any], write: Callable[[Any], str]) -> bytes:
    """Damage what a file says, or, of every fourth, its text."""
    if rng.random() < 0.25:
        return text(rng, data, others)
    tree = read(data.decode())
    for _ in range(int(rng.choice([1, 1, 1, 2, 4]))):
        tree = change_value(rng, tree)
    return write(tree).encode("utf-8", "surrogatepass")


def json_file(rng: np.random.Generator, data: bytes, others: Sequence[bytes]) -> bytes:
    """Damage a JSON file."""
    return tree_file(rng, data, others, json.loads, json.dumps)


def toml_file(rng: np.random.Generator, data: bytes, others: Sequence[bytes]) -> bytes:
    """Damage a TOML file."""
    return tree_file(rng, data, others, tomllib.loads, toml_text)
