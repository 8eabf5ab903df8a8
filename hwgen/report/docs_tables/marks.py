"""Text that a command keeps between two marks of a file."""

from pathlib import Path

__all__ = ["write_between_marks"]


def write_between_marks(path: Path, marks: tuple[str, str], text: str) -> None:
    """Write ``text``, which ends with a line, between the marks of a file."""
    before, rest = path.read_text(encoding="utf-8").split(marks[0])
    _, after = rest.split(marks[1])
    path.write_text(f"{before}{marks[0]}\n\n{text}\n{marks[1]}{after}", encoding="utf-8")
