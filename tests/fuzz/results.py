"""What the campaigns gave, in ``docs/results/fuzz.json`` and as a page beside it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hwgen.text import markdown

from .campaign import COMMANDS, Campaign
from .judge import DEFECT, READ, REFUSED
from .sandbox import BYTES, SECONDS
from .table import READERS

__all__ = ["RESULTS", "page", "write"]

AGAINST = "What the reference has against files that are read"
RESULTS = Path(__file__).parents[2] / "docs" / "results" / "fuzz.json"


def figures(campaign: Campaign) -> dict[str, Any]:
    """Return what one campaign gave."""
    return {"command": f"make fuzz READER={campaign.reader.name} "
                       f"COUNT={sum(campaign.counts.values())} SEED={campaign.seed}",
            **campaign.counts, "by_command": campaign.commands,
            "longest_seconds": round(campaign.seconds, 2),
            "largest_megabytes": round(campaign.bytes / 2**20),
            "defects": {found.why: found.cases for found in campaign.defects.values()},
            "reference": dict(sorted(campaign.differences.items(), key=lambda each: -each[1]))}


def write(campaign: Campaign) -> None:
    """Put what a campaign gave among the results, and write the page anew."""
    known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    known[campaign.reader.name] = figures(campaign)
    known = {name: known[name] for name in READERS if name in known}
    RESULTS.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    RESULTS.with_suffix(".md").write_text("\n".join(page(known)) + "\n", encoding="utf-8")


def page(known: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of the page."""
    total = sum(row[outcome] for row in known.values() for outcome in (READ, REFUSED, DEFECT))
    yield "# Damaged files"
    yield ""
    yield (f"{total:,} files and replies, each damaged in a way that its number and a seed decide, "
           "given to everything that reads. A case is read, refused in one sentence that names the "
           "file, or a defect: a traceback, a warning, a refusal of several lines, more than "
           f"{SECONDS:.0f} s of the processor, more than {BYTES >> 30} GB asked for, a crash. Of "
           f"{COMMANDS} cases of a reader that a command uses, one goes through that command, "
           "which must end with exit code 2 and one line. The first cases are the valid files "
           "themselves. Written by `make fuzz RESULTS=yes`; "
           "[how to read it, and what each line is](../fuzz.md).")
    yield ""
    yield from markdown(
        ["reader", "what", "cases", "by command", "read", "refused", "defects", "longest, s",
         "memory, MB", "command"],
        [[name, READERS[name].what, f"{row[READ] + row[REFUSED] + row[DEFECT]:,}",
          f"{row['by_command']:,}", f"{row[READ]:,}", f"{row[REFUSED]:,}", row[DEFECT],
          f"{row['longest_seconds']:.2f}", row["largest_megabytes"], f"`{row['command']}`"]
         for name, row in known.items()])
    for name, row in known.items():
        for title, what in (("Defects", "defects"), (AGAINST, "reference")):
            if row[what]:
                yield ""
                yield f"{title}, {name}:"
                yield ""
                yield from (f"- {count}: `{why.replace('`', chr(39))}`"
                            for why, count in row[what].items())
