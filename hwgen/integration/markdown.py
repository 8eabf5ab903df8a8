"""The register map as a page to read."""

from typing import Any

from ..arch.registers import ERRORS

__all__ = ["markdown", "register_table", "space_table"]


def space_table(facts: dict[str, Any]) -> list[str]:
    """Return the lines of a table of the spaces."""
    rows = [f"| {space['name']} | `0x{space['base']:x}` | {space['size']} | {space['about']} |"
            for space in facts["spaces"]]
    return ["| space | from | bytes | |", "|---|---|---|---|", *rows]


def register_table(facts: dict[str, Any]) -> list[str]:
    """Return the lines of a table of the registers, and of their fields."""
    lines = ["| offset | register | bits | | after reset | |", "|---|---|---|---|---|---|"]
    for register in facts["registers"]:
        reset = "" if register["reset"] is None else f"`0x{register['reset']:x}`"
        lines.append(f"| `0x{register['offset']:02x}` | {register['name']} | "
                     f"{span(0, register['bits'])} | {register['access']} | {reset} | "
                     f"{register['about']} |")
        lines += [f"| | {field['name']} | {span(field['low'], field['bits'])} | | | "
                  f"{field['about']} |" for field in register["fields"]]
    return lines


def span(low: int, bits: int) -> str:
    """Return bits as a data sheet has them."""
    return f"{low}" if bits == 1 else f"{low + bits - 1}:{low}"


def markdown(facts: dict[str, Any]) -> str:
    """Return the page."""
    errors = [f"| {code} | {why} |" for code, why in ERRORS.items()]
    about = (
        f"Design `{facts['design']}`, fingerprint `0x{facts['fingerprint']:08x}`. Addresses are in "
        f"bytes from the start of the window, which has {facts['size']} bytes (`0x"
        f"{facts['size']:x}`) and begins at a multiple of that. The byte at the lowest address is "
        "the lowest of a word. What is not there, or cannot be reached, is an error on the bus, "
        "and so is a write of less than a word where only whole words are written.")
    words = (f"A word of the program memory has {facts['program_bytes']} bytes, and begins at "
             f"every multiple of {facts['program_stride']}.")
    return "\n".join([
        f"# Registers and memories of `{facts['name']}`", "", about, "", *space_table(facts), "",
        words, "", "## Registers", "", *register_table(facts), "",
        "## Errors", "", "| ERROR | |", "|---|---|", *errors, ""])
