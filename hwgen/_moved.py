"""Where modules of version 0.1 are now: their old names work once more, with a warning.

To be removed in version 0.3, with the line of ``hwgen/__init__.py`` that imports it.
"""

import importlib
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib.abc import Loader
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec, spec_from_loader
from types import ModuleType
from typing import Any

__all__ = ["BECAME_FOLDERS", "MOVED", "Moved"]

KEPT: Mapping[tuple[str, str], str] = {
    ("", "arch"): "boards contents descriptors design fitting formats frames names registers steps",
    ("", "build"): "clock",
    ("", "cli"): "network_design",
    ("", "tools"): "arrays cache doctor files probes verilator",
    ("compiler", "compiler.layers"): "binary depthwise elementwise matrix pool",
    ("compiler", "compiler.memory"): "overlap",
    ("compiler", "compiler.prepare"): "endings ranges",
    ("compiler", "compress"): "codebook",
    ("compiler", "tune"): "survey",
    ("cost", "area"): "area clock fit mapped",
    ("cost", "measure"): "fullness results synthesis units",
    ("cost", "predict"): "efficiency energy packed sparse sparse_steps",
    ("golden", "golden.accelerator"): "post",
    ("golden", "golden.dot"): "bitplane fusion power serial ternary",
    ("golden", "golden.links"): "axi_stream flash host spi uart",
    ("golden", "golden.network"): "arithmetic fixed_point layers taps thresholds",
    ("golden", "golden.sparse"): "nonzero",
    ("network", "compress"): "accuracy mixed prune quantize surgeon",
    ("network", "tune"): "shapes",
    ("report", "build"): "placement",
    ("report", "report.docs_tables"): "boards marks precision speedup tuned",
    ("rtl", "rtl.accelerator"): "post",
    ("rtl", "rtl.dot"): "bitplane fusion power serial ternary",
    ("rtl", "rtl.links"): "axi_lite axi_stream flash host spi uart wishbone",
    ("rtl", "rtl.sparse"): "nonzero",
}
"""From folder to folder, by the names of the modules."""

RENAMED: Mapping[str, str] = {
    "build_command": "cli.build",
    "compiler.layer_cycles": "predict.layers",
    "compiler.fold": "compiler.prepare.constants",
    "compiler.layout": "compiler.view",
    "compiler.levels": "compiler.prepare.thresholds",
    "compiler.place": "compiler.memory.addresses",
    "compiler.quantise": "compiler.prepare.lanes",
    "compiler.simplify": "compiler.prepare.padding",
    "compiler.sparse_choice": "compiler.sparse.choice",
    "compiler.sparse_memory": "compiler.sparse.lane_memories",
    "compiler.sums": "compiler.layers.weighted",
    "compiler.taken": "compiler.cost",
    "compiler.tight": "compiler.memory.in_place",
    "compiler.unpack": "compiler.packing.unpacking",
    "cost.binary": "cost.binary_cycles",
    "cost.bit_serial": "compress.mixed",
    "cost.compact": "area.area",
    "cost.flow": "measure.place_and_route",
    "cost.resources": "area.area",
    "golden.csc": "golden.sparse.decoder",
    "golden.sparse_lane": "golden.sparse.lane",
    "golden.sparse_layer": "golden.sparse.layer",
    "golden.sparse_step": "golden.sparse.step",
    "golden.window": "golden.links.system_bus",
    "layer_report": "cli.layer_table",
    "mixed_command": "cli.mixed",
    "network.endings": "network.requantisation",
    "network.spread": "compress.densities",
    "network_commands": "cli.run",
    "network_data": "cli.arrays",
    "options": "cli.design",
    "prune_command": "cli.prune",
    "reading": "tools.untrusted",
    "report_command": "cli.report",
    "rtl.axi_accelerator": "rtl.tops.links",
    "rtl.board_top": "rtl.tops.board",
    "rtl.csc": "rtl.sparse.decoder",
    "rtl.serial_accelerator": "rtl.tops.links",
    "rtl.spi_accelerator": "rtl.tops.links",
    "rtl.wishbone_accelerator": "rtl.tops.links",
    "runtime.predictions": "predict.layers",
    "table": "text",
    "terminal": "text",
    "tops": "rtl.tops.catalogue",
    "tune.correct": "tune.place_best",
    "tune.placed": "tune.placing",
    "tune.small": "tune.compiling",
    "tune_command": "cli.tune",
    "window": "arch.address_map",
}

MOVED = {".".join(filter(None, ("hwgen", before, name))): f"hwgen.{now}.{name}"
         for (before, now), names in KEPT.items() for name in names.split()} \
    | {f"hwgen.{before}": f"hwgen.{now}" for before, now in RENAMED.items()}

BECAME_FOLDERS = {f"hwgen.{folder}": f"hwgen.{now}" for folder, now in {
    "compiler.sparse": "compiler.layers.sparse",
    "compiler.memory": "compiler.memory.lifetimes",
    "compiler.packing": "compiler.packing.packing",
    "golden.accelerator": "golden.accelerator.accelerator",
    "golden.binary": "golden.binary.accelerator",
    "golden.bitserial": "golden.bitserial.array",
    "golden.network": "golden.network.network",
    "golden.sparse": "golden.sparse.engine",
    "golden.systolic": "golden.systolic.systolic",
    "golden.unpack": "golden.unpack.unpack",
    "network.onnx": "network.onnx.reading",
    "network.tflite": "network.tflite.reading",
    "rtl.accelerator": "rtl.accelerator.accelerator",
    "rtl.binary": "rtl.binary.accelerator",
    "rtl.bitserial": "rtl.bitserial.array",
    "rtl.compact": "rtl.compact.accelerator",
    "rtl.sparse": "rtl.sparse.engine",
    "rtl.systolic": "rtl.systolic.systolic",
    "rtl.unpack": "rtl.unpack.unpack",
    "generate": "generate.design",
    "tools": "tools.find",
}.items()}
"""Modules whose names are those of folders today, and the files that have what they had."""


class Moved:
    """A finder of modules by their old names."""

    def find_spec(self, name: str, path: Sequence[str] | None,
                  target: ModuleType | None = None) -> ModuleSpec | None:
        """Return how to load the module that has another name today, or a folder of this name."""
        if name in MOVED:
            return spec_from_loader(name, Elsewhere())
        if name in BECAME_FOLDERS:
            spec = PathFinder.find_spec(name, path, target)
            if spec is not None and spec.loader is not None:
                execute = with_names_of_before(spec.loader.exec_module)
                vars(spec.loader)["exec_module"] = execute
            return spec
        return None


class Elsewhere(Loader):
    """A loader that puts the module of the new name where the old one was asked for."""

    def create_module(self, spec: ModuleSpec) -> None:
        """Let Python make one, which is thrown away."""

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
            inner = None if name.startswith("__") else find_spec(f"{folder}.{name}")
            if inner is None and not name.startswith("__"):
                now = importlib.import_module(BECAME_FOLDERS[folder])
                if name in vars(now):
                    warn(f"{folder}.{name}", f"{now.__name__}.{name}")
                    return getattr(now, name)
            raise AttributeError(f"module {folder!r} has no attribute {name!r}")

        module.__dict__["__getattr__"] = from_before
    return both


def warn(before: str, now: str) -> None:
    """Say that something has another place now, to whoever imports it."""
    warnings.warn(f"{before} is {now} now; the old name goes with hwgen 0.3",
                  DeprecationWarning, stacklevel=3)


sys.meta_path.insert(0, Moved())
