"""From a Design to its hardware: what :func:`hwgen.generate` returns."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..arch.design import Design
from ..arch.frames import HIGHEST_BAUD, LOWEST_BAUD
from ..arch.names import identifier_of
from ..errors import UserError, check_choice, check_range
from ..rtl.links.uart import bit_cycles
from ..rtl.tops.catalogue import TOPS, Top, uart
from ..text import Shown, ShownTable
from .design import component, model, module, port_table, verilog, write

__all__ = ["Hardware", "generate"]

NAMES = (*TOPS, "uart")


@dataclass(frozen=True, repr=False)
class Hardware(Shown):
    """A Design in a top level, of which nothing is made before it is asked for.

    Members
    -------
    design : Design
    top : Top
    name : str
        Of the folder that it is for.
    """

    design: Design
    top: Top
    name: str

    @property
    def module(self) -> str:
        """Name of the top module."""
        return module(self.design, self.top)

    @property
    def component(self) -> Any:
        """The Amaranth component."""
        return component(self.design, self.top)

    @property
    def golden(self) -> Any:
        """The golden model of the array: it computes the same with NumPy."""
        return model(self.design)

    def verilog(self) -> str:
        """Return the Verilog: the same text for the same Design, always."""
        return verilog(self.design, self.top)

    def port_table(self) -> str:
        """Return the ports as a Markdown page."""
        return port_table(self.design, self.top)

    def write(self, folder: str | os.PathLike[str] | None = None) -> list[Path]:
        """Write all files into ``folder``, rtl_out/NAME by default, and return their paths."""
        return write(self.design, Path(folder or Path("rtl_out") / self.name), self.top)

    @property
    def summary(self) -> str:
        """What it is, in a line."""
        design = self.design
        return (f"{self.name}: {design.rows} rows, {design.columns} columns, "
                f"{design.activations} activations, {design.weights} weights, {design.dataflow}"
                + f", rounding {design.rounding!r}" * bool(design.activation_memory))

    def _view_(self) -> list[ShownTable]:
        """Return a table of the fields of its Design."""
        return self.design._view_()


def generate(design: Design | str | os.PathLike[str], *, top: str = "stream",
             name: str | None = None, clock: float | None = None,
             baud: int = 1_000_000) -> Hardware:
    """Return the hardware of a Design: Verilog, a table of its ports, and files for a system.

    >>> hardware = hwgen.generate("icebreaker", top="wishbone", name="npu")
    >>> hardware
    npu: 4 rows, 2 columns, int8 activations, int8 weights, ws, rounding 'tflm'
    >>> hardware.verilog().count("module npu")
    10
    >>> [path.name for path in hardware.write("npu")]
    ['npu.v', ...]

    Parameters
    ----------
    design : Design, str or path
        A Design, the name of a preset, or a TOML file.
    top : str
        How a host reaches an accelerator: ``stream``, ``spi``, ``uart``, ``wishbone`` or ``axi``.
    name : str, optional
        Of the folder and of the top module; names of all other modules, and in C, begin with it.
    clock : float, optional
        MHz of the serial port: that of the accelerator, or ``host_clk`` of an ECP5.
    baud : int
        Bits a second of the serial port.
    """
    found = design if isinstance(design, Design) else Design.load(os.fspath(design))
    chosen = top_level(found, top, clock, baud)
    if name is not None:
        check_name(name)
        chosen = chosen.with_names(identifier_of(name))
    return Hardware(found, chosen, name or found.name)


def check_name(name: str) -> None:
    """Refuse what is no name of a folder."""
    if not name or name.startswith(".") or "/" in name or "\0" in name:
        raise UserError(f"--name must be the name of a folder, not {name!r}")


def top_level(design: Design, name: str, clock: float | None, baud: int) -> Top:
    """Return a top level by its name; that of a serial port for a clock and a baud rate."""
    check_choice("--top", name, NAMES)
    if name != "stream" and not design.activation_memory:
        raise UserError(f"--top {name}: an array alone has no host, and without an "
                        "activation_memory the Design is one")
    if name != "uart":
        return TOPS[name]
    if clock is None:
        raise UserError("--clock is missing, of which the baud is made")
    check_range("--clock", clock, 1, 1000, "MHz")
    check_range("--baud", baud, LOWEST_BAUD, HIGHEST_BAUD, "bits a second")
    return uart(bit_cycles(clock, baud))
