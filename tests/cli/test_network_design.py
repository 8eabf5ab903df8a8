"""One Design and one network are one accelerator for every command, and what is changed is said."""

import json
import re
import shlex
import shutil

import numpy as np
import pytest

from hwgen.arch.design import Design
from hwgen.build.records import board_records
from hwgen.cli import main
from hwgen.compiler.program import Program
from hwgen.network.onnx.reading import read
from hwgen.network.reader import read_network

from ..network.onnx.test_onnx_runs import qdq
from ..networks import path

KEYWORDS = str(path("kws_dscnn"))


@pytest.fixture(autouse=True)
def network(tmp_path, monkeypatch):
    """A network whose sums are rounded once, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.onnx").write_bytes(qdq("i1"))


@pytest.fixture
def no_verilog(monkeypatch):
    """Nobody waits for Verilog: the Design tells what would be generated."""
    def write(design, folder, top):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "design.toml").write_text(design.to_toml())
        return []
    monkeypatch.setattr("hwgen.generate.hardware.write", write)


def generate_advised(command, *more):
    """Follow advice to generate, and return the Design."""
    words = shlex.split(command)
    assert words[:2] == ["hwgen", "generate"]
    assert main([*words[1:], *more, "-o", "hardware"]) == 0
    return Design.load("hardware/design.toml")


CHOICES = ["--design icebreaker", "--design ulx3s-85f:serial --steps 3", "",
           "--rows 8 --columns 8 --lanes 4 --hard-lanes 0 --decompress",
           "--design icebreaker --rounding single", "--design single.toml --partial-sums 300",
           "--design tflm.toml --rounding single"]


@pytest.mark.parametrize("words", CHOICES)
def test_advice(words, no_verilog, capsys):
    """The hardware of the command that `hwgen compile` says runs what it has compiled."""
    for rounding in ("single", "tflm"):
        design = Design.load("icebreaker").replace(rounding=rounding)
        with open(f"{rounding}.toml", "w") as file:
            file.write(design.to_toml())
    assert main(["compile", "net.onnx", *words.split()]) == 0
    out, err = capsys.readouterr()
    [command] = re.findall("it runs on the hardware of `(.*?)`", out)
    program = Program.load("net.program")
    assert program.design.rounding == "single"
    assert generate_advised(command).fingerprint == program.design.fingerprint
    changed = "--rounding" not in words and ".toml" not in words
    assert (f"the hardware for it is that of `{command}`" in err) == changed
    assert ("rounding is 'single', as net.onnx wants" in err) == changed
    capsys.readouterr()
    assert main(["compile", "net.onnx", *words.split(), "--json"]) == 0
    out, err = capsys.readouterr()
    facts = json.loads(out)
    assert err == "" and facts["hardware"] == command
    assert facts["adapted"] == [{"field": "rounding", "from": "tflm", "to": "single"}] * changed
    assert facts["fingerprint"] == f"0x{program.design.fingerprint:08x}"


def test_generated_says_its_rounding(no_verilog, capsys):
    assert main(["generate", "--design", "icebreaker", "--top", "wishbone"]) == 0
    assert "rounding 'tflm'" in capsys.readouterr().out
    assert main(["generate", "--design", "icebreaker", "--json"]) == 0
    fingerprint = Design.load("icebreaker").fingerprint
    assert json.loads(capsys.readouterr().out)["fingerprint"] == f"0x{fingerprint:08x}"


@pytest.mark.parametrize("command", ["cycles", "compile", "report"])
def test_all_commands(command, capsys):
    """None is silent, and none of them says it of a network that wants what the preset has."""
    assert main([command, "net.onnx", "--design", "icebreaker"]) == 0
    assert capsys.readouterr().err.count("rounding is 'single'") == 1
    assert main([command, KEYWORDS, "--design", "icebreaker"]) == 0
    assert capsys.readouterr().err == ""


def test_report_of_two_roundings(capsys):
    """One Design has one rounding: the network of another one is named."""
    assert main(["report", "net.onnx", KEYWORDS]) == 2
    assert f"rounding must be 'tflm', as {KEYWORDS} wants" in capsys.readouterr().err


def test_build_of_another_rounding(tmp_path, capsys):
    """What was built for one rounding does not run a network of another, and advice is right."""
    board_records("icebreaker")[0].write(tmp_path)
    design = board_records("icebreaker")[0].design
    (tmp_path / "design.toml").write_text(design.to_toml())
    np.save("x.npy", np.zeros((1, *read(qdq("i1")).input_shapes["x"][1:]), "f4"))
    words = ["--build", str(tmp_path)]
    for command in (["run", "net.onnx", "--port", "/x", "--input", "x.npy"],
                    ["cycles", "net.onnx"]):
        assert main([*command, *words]) == 2
        said = capsys.readouterr().err
        assert "is 'tflm', and net.onnx wants sums to be rounded 'single'" in said
        [advice] = re.findall("hwgen (build .*)", said)
        options = shlex.split(advice)
        assert options[:2] == ["build", "net.onnx"]
        assert Design.load(options[options.index("--design") + 1]) == design
        rest = options[2:]
        del rest[rest.index("--board"):rest.index("--board") + 2]
        assert main(["cycles", "net.onnx", *rest]) == 0  # build takes the same options
        capsys.readouterr()


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("gcc"), reason="needs gcc")
def test_driver(tmp_path, capsys):
    """The advice, followed to the end: the driver runs the Program on the Wishbone top level."""
    from ..compiler_bench import inputs_of
    from ..integration.test_driver import check

    small = "--activation-memory 8192 --program-memory 16384 --partial-sums 64 --hard-lanes 0"
    small += " --steps 64"
    assert main(["compile", "net.onnx", "--design", "icebreaker", *small.split()]) == 0
    program = Program.load("net.program")
    [command] = re.findall("it runs on the hardware of `(.*?)`", capsys.readouterr().out)
    design = generate_advised(command, "--top", "wishbone")
    assert design == program.design
    network = read_network("net.onnx")
    check(design.replace(family="generic", device=None, dsps=None), network,
          [inputs_of(network, 3)], tmp_path / "c")
