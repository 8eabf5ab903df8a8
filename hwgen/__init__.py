"""Hardware for neural networks: generated, proven against NumPy, built with open tools.

>>> import hwgen
>>> design = hwgen.Design(rows=4, columns=4)
>>> text = hwgen.verilog(design)
>>> hwgen.model(design).matrix([[1, 2, 3, 4]], [[1, 0, 0, 0]] * 4)
array([[10,  0,  0,  0]])
"""

__version__ = "0.2.0"

from typing import TYPE_CHECKING, Any

from . import _moved as _moved  # the names of version 0.1, before any module is looked for
from .arch.design import Design
from .errors import UserError

if TYPE_CHECKING:
    from .generate.design import component, model, port_table, verilog, write
    from .generate.unit import unit

__all__ = ["Design", "UserError", "component", "model", "port_table", "unit", "verilog", "write"]


def __getattr__(name: str) -> Any:
    """Import what generates when it is asked for: half a second that most commands do without."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .generate import design
    from .generate import unit as units
    return getattr(units if name == "unit" else design, name)
