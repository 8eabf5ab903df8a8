"""The command line: a module for each command, and what they share."""

from .command_line import main

__all__ = ["main"]
