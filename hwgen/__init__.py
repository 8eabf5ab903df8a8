"""Hardware for neural networks: generated, proven against NumPy, built with open tools.

>>> import hwgen
>>> network = hwgen.read("networks/kws_dscnn.tflite")
>>> program = hwgen.compile(network, "ulx3s-85f")
>>> program.cycles
22193
>>> hardware = hwgen.generate(program.design)
>>> hardware.module
'accelerator'

docs/api.md has all names. Each module is imported when something of it is first asked for.
"""

__version__ = "0.2.0"

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from . import _moved as _moved  # the names of version 0.1, before any module is looked for

if TYPE_CHECKING:
    from .arch.boards import BOARDS as boards
    from .arch.design import Design
    from .build.folder import build
    from .compress.quantize import quantize
    from .errors import UserError
    from .generate.design import component, model, port_table, verilog, write
    from .generate.hardware import generate
    from .generate.unit import unit
    from .generate.unrolled import unroll
    from .network.reader import read
    from .predict.mixed_precision import quantize_mixed
    from .predict.pruning import prune
    from .report.designs import report
    from .runtime.compiled import compile
    from .runtime.faults.faults import faults
    from .runtime.simulate import simulate
    from .tune.tune import tune

__all__ = ["Design", "UserError", "boards", "build", "compile", "component", "faults", "generate",
           "model", "port_table", "prune", "quantize", "quantize_mixed", "read", "report",
           "simulate", "tune", "unit", "unroll", "verilog", "write"]

PLACES = {
    "boards": "arch.boards:BOARDS", "Design": "arch.design:Design", "UserError": "errors:UserError",
    "build": "build.folder:build", "compile": "runtime.compiled:compile",
    "faults": "runtime.faults.faults:faults",
    "generate": "generate.hardware:generate", "prune": "predict.pruning:prune",
    "quantize": "compress.quantize:quantize", "read": "network.reader:read",
    "quantize_mixed": "predict.mixed_precision:quantize_mixed",
    "report": "report.designs:report", "simulate": "runtime.simulate:simulate",
    "tune": "tune.tune:tune", "unit": "generate.unit:unit",
    "unroll": "generate.unrolled:unroll",
    **{name: f"generate.design:{name}"
       for name in ("component", "model", "port_table", "verilog", "write")}}
"""Where each name is."""


def __getattr__(name: str) -> Any:
    """Import what is asked for: that takes longer than most commands want to wait."""
    if name not in PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, own = PLACES[name].partition(":")
    found = getattr(import_module(f".{module}", __name__), own)
    folder = sys.modules.get(f"{__name__}.{name}")
    if folder is not None:  # a folder of that name: what is in it is found there still
        before = sys.modules.get(_moved.MOVED.get(folder.__name__, ""), folder)
        vars(found).update({each: value for module in (before, folder)
                            for each, value in vars(module).items() if each[:2] != "__"})
    return found


def __dir__() -> list[str]:
    """Return the names that docs/api.md has."""
    return __all__


class Namespace(ModuleType):
    """A module in which folders that are imported do not take the place of functions."""

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute, unless it is a folder with the name of a function."""
        if not (name in PLACES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = Namespace
