"""`hwgen doctor`: try every tool.

Find every tool of the flow and use it, each for a moment, on something trivial. Exit code 1 says
that a tool which is needed does not work; icarus is optional. Takes 10 to 60 seconds.
"""

import argparse

from ..text import say
from ..tools.find import CHECKOUT, pip_command
from .output import print_json

__all__ = ["add_options", "run"]


def add_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""


def run(options: argparse.Namespace) -> int:
    """Try every tool and say how it went."""
    from ..tools.doctor import examine, is_healthy

    findings = []
    say("trying the tools")
    for finding in examine():
        findings.append(finding)
        if not options.json:
            mark = finding.status if finding.needed or finding.status == "ok" else "optional"
            print(f"{finding.tool:<14} {mark:<8} {finding.version:<18} {finding.what}"
                  + (f" -- {finding.remedy}" if finding.remedy else ""), flush=True)
    if options.json:
        print_json({"ok": is_healthy(findings), "tools": [vars(finding) for finding in findings]})
    elif not is_healthy(findings):
        setup = "make setup" if (CHECKOUT / "Makefile").exists() else pip_command("all")
        print(f"Some tools that are needed do not work; `{setup}` installs all but the system's.")
    return 0 if is_healthy(findings) else 1
