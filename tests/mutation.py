"""Damages files, each time in another way that a seed decides, and components, as a test says."""

import inspect
import sys
from types import ModuleType

import numpy as np

__all__ = ["mutant", "mutate"]

EXTREMES = (0, 1, -1, 2, 127, 128, 255, 256, 0x7fff, 0x10000, 0x7fffffff, -0x80000000, 1 << 24)


def mutate(rng: np.random.Generator, data: bytes) -> bytes:
    """Return a damaged copy: bits or words changed, pieces taken out, or the end cut off."""
    damaged = bytearray(data)
    for _ in range(int(rng.choice([1, 1, 2, 8, 64]))):
        kind, at = rng.integers(0, 15), int(rng.integers(0, len(damaged)))
        word = slice(at & ~3, (at & ~3) + 4)
        if kind < 6:
            damaged[at] ^= 1 << int(rng.integers(0, 8))
        elif kind < 8:
            damaged[at] = int(rng.integers(0, 256))
        elif kind < 12:
            damaged[word] = int(rng.choice(EXTREMES)).to_bytes(4, "little", signed=True)
        elif kind < 14:
            other = int(rng.integers(0, len(damaged))) & ~3
            damaged[word] = (damaged[other:other + 4] + bytes(4))[:4]
        else:
            damaged[at:at + int(rng.integers(1, 5))] = b""
    if rng.random() < 0.1:
        del damaged[int(rng.integers(0, len(damaged))):]
    return bytes(damaged)


def mutant(kind: type, right: str, wrong: str) -> type:
    """Return a component with a defect: its file says ``wrong`` where it said ``right``."""
    original = sys.modules[kind.__module__]
    text = inspect.getsource(original)
    assert text.count(right) == 1, f"{right!r} is {text.count(right)} times in the file"
    module = ModuleType(original.__name__)
    module.__package__ = original.__package__
    exec(compile(text.replace(right, wrong), original.__name__, "exec"), module.__dict__)
    return module.__dict__[kind.__name__]
