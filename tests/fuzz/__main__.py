"""The command line: ``python -m tests.fuzz [--reader NAME] [--count N] [--seed N]``."""

import argparse
import sys
from pathlib import Path

from .campaign import Campaign, replay
from .results import write
from .table import READERS

FOUND = Path("build") / "fuzz"
"""Where defects are written."""


def main() -> int:
    """Run campaigns, or replay a file; return 1 if there was a defect."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--reader", choices=READERS, action="append", metavar="NAME",
                        help="only this one; may be given again")
    parser.add_argument("--count", type=int, help="cases of each reader")
    parser.add_argument("--results", action="store_true", help="write docs/results/fuzz.*")
    parser.add_argument("--first", type=int, default=0, help="the first case")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--replay", type=Path, metavar="FILE", help="read one file again")
    parser.add_argument("--command", action="store_true", help="replay it by the command line")
    parser.add_argument("--output", type=Path, default=FOUND, help="folder for what is found")
    options = parser.parse_args()
    readers = [READERS[name] for name in options.reader or READERS]
    if options.replay:
        if len(readers) != 1:
            parser.error("--replay needs a --reader")
        found = replay(readers[0], options.replay, by_command=options.command).verdict
        print(f"{found.outcome}: {found.why}\n{found.detail}".rstrip())
        return int(found.outcome == "defect")
    failed = False
    for reader in readers:
        campaign = Campaign(reader, options.seed)
        count = options.count or reader.cases
        campaign.run(count, options.first)
        rate = count / campaign.elapsed
        print(f"{reader.name}: {campaign.counts}, {campaign.commands} by a command, at most "
              f"{campaign.seconds:.2f} s and {campaign.bytes >> 20} MB; {rate:.0f} a second",
              flush=True)
        for why, count in sorted(campaign.differences.items(), key=lambda each: -each[1]):
            print(f"    the reference {why}: {count}")
        for defect in sorted(campaign.defects.values(), key=lambda each: -each.cases):
            print(f"    DEFECT {defect.why}: {defect.cases}, as case {defect.index}", flush=True)
        campaign.write(options.output)
        if options.results:
            write(campaign)
        failed |= bool(campaign.defects)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
