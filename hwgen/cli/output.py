"""What commands print: JSON where that is asked for, else text."""

import argparse
from typing import Any

from ..text import json_text

__all__ = ["print_json", "show"]


def show(options: argparse.Namespace, facts: Any, text: str) -> int:
    """Print facts or the text that tells them, and return the exit code of what went well."""
    if options.json:
        print_json(facts)
    else:
        print(text)
    return 0


def print_json(value: Any) -> None:
    """Print plain data."""
    print(json_text(value, indent=2))
