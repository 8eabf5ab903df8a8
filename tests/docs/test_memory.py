"""The tables of docs/memory.md are what the functions and golden models give."""

from dataclasses import asdict
from pathlib import Path

from hwgen.arch.sdram import CHIPS, PAGE_BYTES, cycles_of, geometry_of
from hwgen.golden.external.sdram import Sdram

PAGE = Path(__file__).parents[2] / "docs" / "memory.md"
PAGES = 1000


def share(name, clock_mhz):
    """Return which part of all cycles the bus has words in, while pages are read without pause."""
    memory = Sdram(**geometry_of(name), **asdict(cycles_of(name, clock_mhz)))
    begins = memory.request(0).taken
    for page in range(1, PAGES):
        memory.request(page)
    return PAGES * memory.words / (memory.request(0).taken - begins)


def rows():
    """Return the rows of the table of chips."""
    for name, chip in CHIPS.items():
        for clock_mhz in (100, 110, 133):
            cycles, words = cycles_of(name, clock_mhz), geometry_of(name)["words"]
            yield "| " + " | ".join(map(str, (
                f"`{name}`", chip.pages * PAGE_BYTES >> 20, chip.width, f"{chip.clock_mhz:g}",
                f"{clock_mhz} MHz", cycles.activate, cycles.precharge, cycles.refresh,
                cycles.recovery, cycles.refresh_every, cycles.page(words),
                cycles.page(words, write=True), f"{100 * share(name, clock_mhz):.1f} %"))) + " |"


def test_chips():
    table = PAGE.read_text("utf-8").split("| of the bus |\n")[1].split("\n\n")[0]
    assert table.splitlines()[1:] == [*rows()]
