"""Where modules of version 0.1 are now: their old names work once more, with a warning.

``_moved.txt`` has both names of each. To be removed in version 0.3, with that file and the line of
``hwgen/__init__.py`` that imports this one.
"""

import importlib
import sys
import warnings
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec, spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.abc import Loader
else:
    Loader = object  # importing that one takes as long as all the rest of `import hwgen`

__all__ = ["MOVED", "Moved"]

MOVED = {f"hwgen.{before}": f"hwgen.{now}" for before, now in map(
    str.split, Path(__file__).with_suffix(".txt").read_text(encoding="utf-8").splitlines())}
"""By the name of each module, that of the module that has what it had.

Where the old name is that of a folder today, the folder has what the module had, too.
"""


class Moved:
    """A finder of modules by their old names."""

    def find_spec(self, name: str, path: Sequence[str] | None,
                  target: ModuleType | None = None) -> ModuleSpec | None:
        """Return how to load the module that has another name today, or a folder of this name."""
        if name not in MOVED:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is None or spec.loader is None:
            return spec_from_loader(name, Elsewhere())
        vars(spec.loader)["exec_module"] = with_names_of_before(spec.loader.exec_module)
        return spec


class Elsewhere(Loader):
    """A loader that puts the module of the new name where the old one was asked for."""

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave the making of the module to Python."""

    def exec_module(self, module: ModuleType) -> None:
        """Replace a module by what it is today."""
        name = module.__name__
        warn(name, MOVED[name])
        sys.modules[name] = importlib.import_module(MOVED[name])


def with_names_of_before(execute: Callable[[ModuleType], None]) -> Callable[[ModuleType], None]:
    """Return a loader of a folder that also has what the module of its name had."""
    def both(module: ModuleType) -> None:
        execute(module)
        folder = module.__name__

        def from_before(name: str) -> Any:
            inside = name.startswith("__") or find_spec(f"{folder}.{name}") is not None
            now = None if inside else importlib.import_module(MOVED[folder])
            if now is None or name not in vars(now):
                raise AttributeError(f"module {folder!r} has no attribute {name!r}")
            warn(f"{folder}.{name}", f"{now.__name__}.{name}")
            return getattr(now, name)

        module.__dict__["__getattr__"] = from_before
    return both


def warn(before: str, now: str) -> None:
    """Say that something has another place now, to whoever imports it."""
    warnings.warn(f"{before} is {now} now; the old name goes with hwgen 0.3",
                  DeprecationWarning, stacklevel=3)


sys.meta_path.insert(0, Moved())
