"""The driver in C: the same for every Design, but for hwgen_registers.h, which it includes."""

from pathlib import Path

__all__ = ["driver"]


def driver() -> dict[str, str]:
    """Return the text of the driver's files, by their names."""
    folder = Path(__file__).parent
    return {name: (folder / name).read_text(encoding="utf-8") for name in ("hwgen.h", "hwgen.c")}
