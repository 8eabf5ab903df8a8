"""Hardware for neural networks: generated, proven against NumPy, built with open tools.

>>> import hwgen
>>> design = hwgen.Design(rows=4, columns=4)
>>> text = hwgen.verilog(design)
>>> hwgen.model(design).matrix([[1, 2, 3, 4]], [[1, 0, 0, 0]] * 4)
array([[10,  0,  0,  0]])
"""

__version__ = "0.1.0"

from .design import Design
from .errors import UserError
from .generate import component, model, port_table, verilog, write

__all__ = ["Design", "UserError", "component", "model", "port_table", "verilog", "write"]
