"""A core file, by which FuseSoC takes an accelerator into a system."""

from collections.abc import Iterable

from .. import __version__
from ..rtl.tops.catalogue import Top

__all__ = ["core"]


def core(top: Top, beside: Iterable[str]) -> str:
    """Return the core file of a top level.

    Parameters
    ----------
    top : Top
    beside : iterable of str
        Names of the files that are there besides the Verilog; those of the driver become a fileset
        of their own, which a target takes that builds software.
    """
    driver = [f"      - {name}: {{file_type: cSource"
              + (", is_include_file: true" * name.endswith(".h")) + "}"
              for name in beside if name.endswith((".c", ".h"))]
    lines = [
        "CAPI=2:", f"name: hwgen:accelerators:{top.module}:{__version__}",
        f"description: Accelerator for neural networks, made by hwgen (--top {top.name})", "",
        "filesets:", "  rtl:", "    files:",
        f"      - {top.module}.v: {{file_type: verilogSource}}",
        "  waivers:", "    files:", "      - lint.vlt: {file_type: vlt}",
        *(["  driver:", "    files:", *driver] if driver else []), "",
        "targets:", "  default:", "    filesets: [rtl]", "  lint:",
        "    description: What Verilator says of it", "    flow: lint",
        "    flow_options: {tool: verilator, verilator_options: [-Wall]}",
        "    filesets: [waivers, rtl]", f"    toplevel: {top.module}", "",
    ]
    return "\n".join(lines)
