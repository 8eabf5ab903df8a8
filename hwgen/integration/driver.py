"""The driver in C: the same for every Design, but for its header of registers, and for names."""

import re
from pathlib import Path
from typing import Any

from .c_header import c_header

__all__ = ["NAME", "driver"]

NAME = "hwgen"
"""What names in C begin with where an accelerator has none of its own."""
TYPES = "hwgen_types.h"
"""What all drivers share: types and constants, by which one program may have several drivers."""


def driver(facts: dict[str, Any], prefix: str) -> dict[str, str]:
    """Return the text of the driver's files, by their names, which begin with the ``prefix``.

    So do its functions and constants, but for what is in the header that all drivers share.
    """
    folder = Path(__file__).parent
    texts = {name: (folder / name).read_text(encoding="utf-8")
             for name in (TYPES, f"{NAME}.h", f"{NAME}.c")}
    shared = {*re.findall(rf"\b{NAME}_\w+", texts[TYPES], re.I), Path(TYPES).stem}

    def rename(found: re.Match[str]) -> str:
        word = found[0]
        if word in shared:
            return word
        return (prefix.upper() if word.isupper() else prefix) + word[len(NAME):]

    names = re.compile(rf"\b{NAME}(_\w+|(?=\.[ch]\b))", re.I)
    return {f"{prefix}_registers.h": c_header(facts, prefix), TYPES: texts[TYPES],
            **{f"{prefix}.{end}": names.sub(rename, texts[f"{NAME}.{end}"]) for end in "hc"}}
