"""The Verilog that a simulated board is made of."""

from functools import partial
from pathlib import Path

from ..arch.design import Design
from ..tools.cache import cached_folder, digest
from ..tools.find import side_by_side
from .memory_chip import with_chip

__all__ = ["simulated_verilog"]


def simulated_verilog(design: Design) -> tuple[str, str]:
    """Return the Verilog of a Design (a portable one), and its top module; it is kept."""
    from .. import __version__
    from ..generate.conversion import sources
    from ..generate.design import module, verilog
    from ..tools.verilator import headers, library, tools

    name = digest(["verilog", __version__, design.to_toml(), *sources()])

    def write(folder: Path) -> None:
        (folder / "top.v").write_text(verilog(design))

    tools()  # or an error, before a minute has gone by
    with side_by_side() as pool:
        for task in (library, partial(headers, 0), partial(headers, 1)):
            pool.submit(task)  # the simulator needs it, and waits for it if it has to
        folder, _ = cached_folder(f"verilog-{name}", write)
    text, top = (folder / "top.v").read_text(), module(design)
    if design.chip:
        return with_chip(text, top, design.chip), "board"
    return text, top
