"""What somebody needs who puts an accelerator into a system: register map, driver, core file."""

import json

from ..arch.design import Design
from ..rtl.tops.catalogue import STREAM, Top
from .driver import NAME, driver
from .fusesoc import core
from .markdown import markdown
from .register_map import register_map
from .svd import svd

__all__ = ["files"]


def files(design: Design, top: Top) -> dict[str, str]:
    """Return the text of every file that goes beside the Verilog of a top level, by its name."""
    if not design.activation_memory or top.name == STREAM.name:
        return {}
    found = {}
    if top.mapped:
        facts = register_map(design, top)
        found = {"registers.md": markdown(facts),
                 "registers.json": json.dumps(facts, indent=2) + "\n",
                 f"{top.module}.svd": svd(facts, top.prefix or NAME),
                 **driver(facts, top.prefix or NAME)}
    return found | {f"{top.module}.core": core(top, found)}
