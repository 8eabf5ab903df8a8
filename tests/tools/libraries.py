"""What all simulators share and takes long to compile, for tests that begin with an empty cache."""

import os
import shutil
from pathlib import Path

from hwgen.tools import cache

__all__ = ["share_libraries"]


def share_libraries(folder: Path) -> None:
    """Put what the user's cache has of them into another one: no links, which a cache refuses."""
    kept = cache.folder()
    for library in (*kept.glob("lib-*"), *kept.glob("headers-*")):
        try:
            shutil.copytree(library, folder / library.name, copy_function=os.link)
        except OSError:  # another file system
            shutil.rmtree(folder / library.name, ignore_errors=True)
            shutil.copytree(library, folder / library.name)
