"""Files that are there whole, or not at all."""

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..errors import UserError

__all__ = ["check_writable", "filling", "replacing", "write_texts", "write_whole"]


def check_writable(path: Path) -> None:
    """Raise a UserError if no file can be written there: for now, and not when all is done."""
    if path.exists() and not path.is_file():  # a folder, or a device that root could replace
        raise UserError(f"{path} cannot be written: it is there, and no file")
    if not path.parent.is_dir():
        raise UserError(f"{path} cannot be written: there is no folder {path.parent}")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path to write to, which takes the place of ``path`` when all went well.

    When anything went wrong, or the user pressed Ctrl-C, what was there before is still there. It
    is in a new folder beside ``path``, where nobody else can have laid a link.
    """
    try:
        if path.exists() and not path.is_file():  # a folder, or a device that root could replace
            raise UserError(f"{path} cannot be written: it is there, and no file")
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".hwgen-") as folder:
            scratch = Path(folder) / path.name
            yield scratch
            os.replace(scratch, path)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror or error}") from error


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file, whole or not at all; text is UTF-8."""
    with replacing(path) as scratch:
        scratch.write_bytes(content.encode() if isinstance(content, str) else content)


@contextlib.contextmanager
def filling(folder: Path) -> Iterator[Path]:
    """Give a folder to write files to, which go into ``folder`` when all went well.

    ``folder`` is made if it is not there; other files in it stay. When anything went wrong, it is
    as it was before.
    """
    made = [] if folder.exists() else [folder]
    try:
        made += [parent for parent in folder.parents if not parent.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".hwgen-") as name:
            scratch = Path(name)
            yield scratch
            for path in sorted(scratch.iterdir()):
                os.replace(path, folder / path.name)
    except BaseException as error:
        for path in made:  # the innermost first; what is not empty was there, or is not ours
            with contextlib.suppress(OSError):
                path.rmdir()
        if isinstance(error, OSError):
            raise UserError(f"{folder} cannot be written: {error.strerror}") from error
        raise


def write_texts(folder: Path, texts: Mapping[str, str]) -> list[Path]:
    """Fill a folder with texts by their names, all of them or none, and return their paths."""
    with filling(folder) as scratch:
        for name, text in texts.items():
            (scratch / name).write_text(text, encoding="utf-8")
    return [folder / name for name in texts]
