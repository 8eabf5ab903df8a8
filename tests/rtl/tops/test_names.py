"""Accelerators with names go into one system: no module, file, macro or function is both's."""

import re
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import hwgen
from hwgen.arch.address_map import BusWindow as Addresses
from hwgen.arch.design import Design
from hwgen.arch.names import ENDINGS, identifier_of
from hwgen.cli import main
from hwgen.compiler import compile_network
from hwgen.errors import UserError
from hwgen.golden.network import network as golden
from hwgen.integration import files
from hwgen.integration.c_program import c_program
from hwgen.rtl.tops.catalogue import AXI, SPI, STREAM, WISHBONE
from hwgen.tools.find import call, verilator, verilator_environment
from hwgen.tools.verilator import PROGRAM, build
from sim.boards.wishbone import MAIN

from ...compiler_bench import Builder, Window, inputs_of
from .top_designs import DESIGNS

HERE = Path(__file__).parent
# The second name begins like a module of the first.
NAMES = ("npu", "npu-lane")
SIZES = (Design(rows=4, columns=4, lanes=1, activation_memory=512, program_memory=2000,
                partial_sums=16, steps=8),
         Design(rows=5, columns=6, lanes=2, activation_memory=512, program_memory=2400,
                partial_sums=16, steps=8))
STRICT = ["-Wall", "-Wextra", "-Werror", "-std=c99", "-pedantic"]


def modules(text):
    """Return the names of the modules that a Verilog file defines."""
    return re.findall(r"^module (?:\\(\S+)|(\w+))", text, re.M)


@pytest.fixture(scope="module", params=[
    pytest.param((WISHBONE, WISHBONE), id="sizes", marks=pytest.mark.slow),
    pytest.param((WISHBONE, AXI), id="buses")])
def made(request, tmp_path_factory):
    """Write both accelerators; return folder, the Verilog of each, and the macros of the system."""
    tops, folder = request.param, tmp_path_factory.mktemp("two")
    macros, texts = {"AXI": ""} if tops[1] == AXI else {}, []
    for which, name, design, top in zip(("FIRST", "SECOND"), NAMES, SIZES, tops, strict=True):
        found = identifier_of(name)
        hwgen.write(design, folder / which, top.with_names(found))
        texts.append((folder / which / f"{found}.v").read_text())
        macros |= {which: found, f"{which}_BITS": Addresses.of(
            design, streams=top.streams).size.bit_length() - 3}
    return folder, texts, "".join(f"`define {name} {value}\n" for name, value in macros.items())


def test_lint_together(made):
    """Verilator takes both with their waivers, which hold for nobody else's file."""
    folder, _, macros = made
    system = macros + (HERE / "two_accelerators.v").read_text()
    files = [f"{which}/lint.vlt" for which in ("FIRST", "SECOND")] + ["two_accelerators.v"] \
        + [f"{which}/{identifier_of(name)}.v"
           for which, name in zip(("FIRST", "SECOND"), NAMES, strict=True)]
    program, _ = verilator()

    def lint(text):
        (folder / "two_accelerators.v").write_text(text)
        return call([program, "--lint-only", "-Wall", "--top-module", "two_accelerators", *files],
                    seconds=120, folder=folder, environment=verilator_environment())

    # What only an address' upper part is for, and streams that nobody takes.
    waived = "/* verilator lint_off UNUSEDSIGNAL */\n/* verilator lint_off PINCONNECTEMPTY */\n"
    outcome = lint(waived + system)
    assert outcome.ok, outcome.output
    outcome = lint(waived + system.replace("assign irq = ", "assign irq = 2'b0 | "))
    assert not outcome.ok and "WIDTHTRUNC" in outcome.output


@pytest.mark.skipif(not shutil.which("gcc"), reason="needs gcc")
def test_run_together(made, tmp_path):
    """One simulation of both, and one program with both drivers: every output equal to NumPy."""
    folder, texts, macros = made
    inputs, expected = b"", b""
    for seed, (design, program) in enumerate(zip(SIZES, ("first", "second"), strict=True)):
        builder = Builder(seed + 1, 5, 3, 3)
        builder.convolution(5, Window((2, 2)))
        network = builder.network()
        (tmp_path / f"{program}.h").write_text(c_program(compile_network(network, design), program))
        image = inputs_of(network, seed)
        name, = network.outputs
        inputs += np.asarray(image[network.inputs[0]], np.int8).tobytes()
        expected += golden.run(network, image)[name].astype(np.int8).tobytes()
    (tmp_path / "inputs").write_bytes(inputs)

    source = (HERE / "two_accelerators.c").read_text()
    for placeholder, name in zip(("ONE", "TWO"), map(identifier_of, NAMES), strict=True):
        source = re.sub(rf"\b{placeholder}_(?=[A-Z])", f"{name.upper()}_", source)
        source = re.sub(rf"\b{placeholder}(?=[_.])", name, source)
    (tmp_path / "main.c").write_text(source)
    words = [word for which, name in zip(("FIRST", "SECOND"), map(identifier_of, NAMES),
                                         strict=True)
             for word in (f"-I{folder / which}", folder / which / f"{name}.c")]
    run = subprocess.run(["gcc", *STRICT, "-I.", "-o", "program", "main.c", *words], cwd=tmp_path,
                         capture_output=True, text=True)
    assert run.returncode == 0, run.stderr

    system = "".join([macros, (HERE / "two_accelerators.v").read_text(), *texts])
    simulator, _ = build(system, MAIN.read_text(), top="two_accelerators")
    with subprocess.Popen([simulator / PROGRAM], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as simulated:
        run = subprocess.run([tmp_path / "program"], cwd=tmp_path, stdin=simulated.stdout,
                             stdout=simulated.stdin, stderr=subprocess.PIPE, text=True, timeout=300)
        simulated.stdin.close()
    assert (run.returncode, run.stderr) == (0, "")
    assert (tmp_path / "outputs").read_bytes() == expected


@pytest.mark.parametrize("design, top", [
    (DESIGNS["compact"], SPI), (Design(rows=3, columns=3, lines=3), STREAM),
    *(pytest.param(*each, marks=pytest.mark.slow) for each in (
        (DESIGNS["sparse"], WISHBONE), (DESIGNS["unpacks"], AXI),
        (Design(dataflow="os", rows=2), STREAM)))])
def test_modules(design, top):
    """All modules begin with the name, as two underscores or a dot end it nowhere else."""
    text = hwgen.verilog(design, top.with_names("npu_b"))
    names = [escaped or plain for escaped, plain in modules(text)]
    assert names.count("npu_b") == 1 and len(names) > 3
    assert all(re.match(r"npu_b(__\w|\.|$)", name) for name in names)
    plain = hwgen.verilog(design, top)
    assert len(names) == len(modules(plain))
    assert not {*names} & {escaped or plain for escaped, plain in modules(plain)}


def words_of(text):
    """Return the words of C that stand outside of comments and texts."""
    text = re.sub(r'/\*.*?\*/|"[^"]*"', " ", text, flags=re.S)
    return {*re.findall(r"\b[A-Za-z_]\w*", text)}


@pytest.mark.parametrize("top", [WISHBONE, AXI], ids=lambda top: top.name)
def test_files(top):
    """Nothing but what all accelerators share is called by hwgen's own name, or by both's."""
    named, plain = files(DESIGNS["fast"], top.with_names("npu")), files(DESIGNS["fast"], top)
    shared = "hwgen_types.h"
    assert named[shared] == plain[shared]
    assert {name.replace("npu", "hwgen").replace("hwgen.svd", f"{top.module}.svd")
            .replace("hwgen.core", f"{top.module}.core") for name in named} == {*plain}
    allowed = words_of(named[shared])
    for name in ("npu.c", "npu.h", "npu_registers.h"):
        assert not [word for word in words_of(named[name])
                    if word.lower().startswith("hwgen") and word not in allowed], name
        assert not re.search(r"hwgen_(?!types\.h)\w+\.", named[name])
    svd = ElementTree.fromstring(named["npu.svd"])
    assert (svd.findtext("name"), svd.findtext("peripherals/peripheral/name")) == ("npu", "NPU")
    assert "name: hwgen:accelerators:npu:" in named["npu.core"]
    assert "Registers and memories of `npu`" in named["registers.md"]


def test_names_in_c_are_apart():
    """An end of a name in C is no other name, but behind what no accelerator is called."""
    names = set()
    for design in DESIGNS.values():
        for name, text in files(design, AXI.with_names("npu")).items():
            if name.endswith((".h", ".c")):
                names |= {word[4:] for word in words_of(text) if word.lower().startswith("npu_")}
    assert len(names) > 50
    upper = {name.upper() for name in names}
    ends = {name[:-len(other) - 1] for name in upper for other in upper
            if name.endswith(f"_{other}") and (name.isupper() == other.isupper())}
    assert {f"_{end.lower()}" for end in ends} <= {*ENDINGS}


@pytest.mark.parametrize("name, identifier", [
    ("npu", "npu"), ("ulx3s-85f", "ulx3s_85f"), ("A_b-9", "A_b_9")])
def test_identifier(name, identifier):
    assert identifier_of(name) == identifier


@pytest.mark.parametrize("name", ["2x", "a__b", "a b", "ünï", "a.b", "_a", "a_", "a--b", "wire",
                                  "always-ff", "hwgen", "HWGEN_x", "my_stream", "x_registers",
                                  "$(ls)", "-", "_registers"])
def test_name_wrong(name):
    """What would do does."""
    with pytest.raises(UserError, match="--name must") as error:
        identifier_of(name)
    advice = re.search(r"; (\S+) would do", str(error.value))[1]
    assert identifier_of(advice)


def test_command(tmp_path, monkeypatch, capsys):
    """The name names folder, files and modules; another folder may be chosen."""
    monkeypatch.chdir(tmp_path)
    small = ["--rows", "2", "--columns", "2", "--name", "my-npu"]
    assert main(["generate", *small]) == 0
    text = (tmp_path / "rtl_out" / "my-npu" / "my_npu.v").read_text()
    assert "module my_npu(" in text and "\nmodule multiplier" not in text
    assert "# Ports of `my_npu`" in (tmp_path / "rtl_out" / "my-npu" / "ports.md").read_text()
    assert main(["generate", *small, "-o", "elsewhere"]) == 0
    assert (tmp_path / "elsewhere" / "my_npu.v").read_text() == text
    assert main(["generate", *small[:-1], "my npu", "-o", "third"]) == 2
    assert "my_npu would do" in capsys.readouterr().err and not (tmp_path / "third").exists()
