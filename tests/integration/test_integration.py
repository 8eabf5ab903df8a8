"""What goes beside the Verilog of a top level: every form of the register map says the same."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

import hwgen
from hwgen.arch.address_map import BusWindow
from hwgen.arch.design import Design
from hwgen.arch.registers import (
    ERRORS,
    FACTS,
    IDENTITY,
    ProtectionRegister,
    Register,
    Space,
    StreamRegister,
)
from hwgen.cli import main
from hwgen.integration import files
from hwgen.integration.markdown import register_table
from hwgen.integration.register_map import register_map
from hwgen.rtl.tops.catalogue import AXI, STREAM, TOPS, WISHBONE, uart
from hwgen.tools.find import verilator, verilator_environment

from ..rtl.tops.top_designs import DESIGNS

DESIGN = DESIGNS["fast"]
MAPPED = [WISHBONE, AXI]


def registers_of(top):
    return [*Register, *(StreamRegister if top == AXI else [])]


@pytest.fixture(params=MAPPED, ids=lambda top: top.name)
def written(request):
    """Return a top level, and the texts beside it."""
    return request.param, files(DESIGN, request.param)


def test_window():
    """Every memory has room, and the largest needs more than half of a space."""
    for design in [*DESIGNS.values(), Design.load("ulx3s-85f"), Design.load("icebreaker")]:
        window = BusWindow.of(design)
        assert max(window.sizes) <= 1 << window.shift < 2 * max(window.sizes)
        spaces = 8 if design.engine == "sparse" else 4
        assert [window.base(space) for space, _ in zip(Space, window.sizes, strict=False)] == [
            i * window.size // spaces for i in range(len(window.sizes))]
        assert window.sizes[Space.ACTIVATIONS] == design.activation_memory
        assert design.columns <= window.stride < 2 * max(design.columns, 4)
    assert BusWindow.of(DESIGN, streams=True).sizes[Space.REGISTERS] == 48


def test_facts():
    """Fields lie in their registers, beside one another."""
    assert list(FACTS) == [*Register, *StreamRegister, *ProtectionRegister]
    assert [int(register) for register in FACTS] == list(range(0, 4 * len(FACTS), 4))
    for facts in FACTS.values():
        taken = [bit for field in facts.fields for bit in range(field.low, field.low + field.bits)]
        assert len(taken) == len(set(taken)) and set(taken) <= set(range(facts.bits))


def test_json(written):
    top, texts = written
    facts = json.loads(texts["registers.json"])
    assert facts == register_map(DESIGN, top)
    assert {register["name"]: register["offset"] for register in facts["registers"]} \
        == {register.name: register for register in registers_of(top)}
    assert facts["registers"][0]["reset"] == IDENTITY
    assert facts["registers"][7]["reset"] == DESIGN.fingerprint == facts["fingerprint"]


def test_c_header(written):
    top, texts = written
    found = {name: int(value, 0) for name, value in re.findall(
        r"^#define HWGEN_(\w+) (\w+)$", texts["hwgen_registers.h"], re.M)}
    facts = json.loads(texts["registers.json"])
    expected = {"FINGERPRINT_VALUE": facts["fingerprint"], "IDENTITY_VALUE": IDENTITY,
                "WINDOW_SIZE": facts["size"], "PROGRAM_STRIDE": facts["program_stride"]}
    for space in facts["spaces"]:
        expected |= {space["name"]: space["base"], f"{space['name']}_SIZE": space["size"]}
    for register in facts["registers"]:
        expected[register["name"]] = register["offset"]
        for field in register["fields"]:
            name = f"{register['name']}_{field['name']}"
            expected |= {f"{name}_SHIFT": field["low"],
                         f"{name}_MASK": (2 ** field["bits"] - 1) * 2 ** field["low"]}
    assert found == expected


def test_svd(written):
    top, texts = written
    root = ElementTree.fromstring(texts[f"{top.module}.svd"])
    facts = json.loads(texts["registers.json"])
    found = {entry.findtext("name"): entry for entry in root.iter("register")}
    assert found.keys() == {register["name"] for register in facts["registers"]} | {"COUNTER%s"}
    for register in facts["registers"]:
        entry = found[register["name"]]
        assert int(entry.findtext("addressOffset"), 0) == register["offset"]
        assert int(entry.findtext("resetValue"), 0) == (register["reset"] or 0)
        assert entry.findtext("access") == register["access"]
        assert [(field.findtext("name"), int(field.findtext("bitOffset")),
                 int(field.findtext("bitWidth"))) for field in entry.iter("field")] \
            == [(field["name"], field["low"], field["bits"]) for field in register["fields"]]
    blocks = [(int(block.findtext("offset"), 0), int(block.findtext("size"), 0))
              for block in root.iter("addressBlock")]
    assert blocks == [(space["base"], space["size"]) for space in facts["spaces"]]
    assert int(found["COUNTER%s"].findtext("dim")) == DESIGN.steps


def test_svd_is_read_by_others(written, tmp_path):
    """By the parser that CMSIS-SVD's community keeps."""
    parser = pytest.importorskip("cmsis_svd")
    top, texts = written
    path = tmp_path / "a.svd"
    path.write_text(texts[f"{top.module}.svd"])
    peripheral, = parser.SVDParser.for_xml_file(str(path)).get_device().peripherals
    offsets = {register.name: register.address_offset for register in peripheral.get_registers()}
    assert offsets.items() >= {register.name: int(register) for register in registers_of(top)
                               }.items()
    last = BusWindow.of(DESIGN).base(Space.COUNTERS) + 4 * (DESIGN.steps - 1)
    assert offsets[f"COUNTER{DESIGN.steps - 1}"] == last


def test_markdown(written):
    top, texts = written
    page = texts["registers.md"]
    for register in registers_of(top):
        assert f"| `0x{register:02x}` | {register.name} |" in page
    for code, why in ERRORS.items():
        assert f"| {code} | {why} |" in page


def test_documented():
    """docs/integration.md has the registers as they are, but for the fingerprint of a Design."""
    page = (Path(__file__).parents[2] / "docs" / "integration.md").read_text()
    rows = register_table(register_map(DESIGN, AXI))
    assert all(row.replace(f"`0x{DESIGN.fingerprint:x}`", "") in page for row in rows)


@pytest.mark.parametrize("top", [uart(12), *TOPS.values()], ids=lambda top: top.name)
def test_core(top, tmp_path):
    """FuseSoC's core file names what is there, and nothing that is not."""
    yaml = pytest.importorskip("yaml")
    texts = files(DESIGN, top)
    if top == STREAM:
        assert texts == {}
        return
    core = yaml.safe_load(texts[f"{top.module}.core"].removeprefix("CAPI=2:\n"))
    named = [name for part in core["filesets"].values() for entry in part["files"]
             for name in entry]
    driver = {"hwgen_registers.h", "hwgen_types.h", "hwgen.h", "hwgen.c"} if top.mapped else set()
    assert set(named) == {f"{top.module}.v", "lint.vlt"} | driver


@pytest.mark.slow
def test_fusesoc(tmp_path):
    """FuseSoC itself finds the core, and has Verilator check it."""
    pytest.importorskip("fusesoc")
    hwgen.write(DESIGN, tmp_path / "core", WISHBONE)
    program, _ = verilator()
    environment = os.environ | verilator_environment()
    environment["PATH"] = f"{program.parent}{os.pathsep}{environment['PATH']}"
    command = [sys.executable, "-c", "from fusesoc.main import main; main()",
               "--cores-root", "core", "run", "--target", "lint", WISHBONE.module]
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


def test_command(tmp_path, capsys):
    assert main(["generate", "--rows", "4", "--columns", "4", "--lanes", "1",
                 "--activation-memory", "64", "--program-memory", "64", "--partial-sums", "4",
                 "--top", "axi", "-o", str(tmp_path / "made")]) == 0
    assert {path.name for path in (tmp_path / "made").iterdir()} == {
        "axi_accelerator.v", "axi_accelerator.svd", "axi_accelerator.core", "design.toml",
        "hwgen.c", "hwgen.h", "hwgen_registers.h", "hwgen_types.h", "lint.vlt", "ports.md",
        "registers.json", "registers.md"}
    text = (tmp_path / "made" / "axi_accelerator.v").read_text()
    assert re.search(r"^  input \[11:0\] s_axil_araddr;$", text, re.M)


def test_array_has_no_bus(capsys):
    assert main(["generate", "--top", "wishbone"]) == 2
    assert "--top wishbone: an array alone has no host" in capsys.readouterr().err
