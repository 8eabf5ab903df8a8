"""Units alone: their files, without lint, and a sentence for wrong parameters."""

import json

import pytest

import hwgen
from hwgen.cli import main
from hwgen.generate.unit import OF_DESIGNS
from hwgen.generate.units import UNITS
from sim.regression import units as simulated

from ..cases import some
from ..lint import lint


def test_units_are_those_of_the_benches():
    assert {*UNITS, *OF_DESIGNS} == {*simulated(None)}


@pytest.mark.parametrize("name", some([*UNITS], 8))
def test_unit(name, tmp_path, capsys):
    assert main(["generate", "--unit", name, "-o", str(tmp_path), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["unit"] == facts["module"] == name
    assert not lint(tmp_path, name)
    text = (tmp_path / f"{name}.v").read_text()
    assert text == hwgen.unit(name, **facts["parameters"]).verilog()
    assert hwgen.unit(name).golden.__name__.startswith("hwgen.golden.")
    assert facts["timing"] in (tmp_path / "ports.md").read_text()
    assert json.loads((tmp_path / "unit.json").read_text()) == {
        "unit": name, "parameters": facts["parameters"], **hwgen.unit(name).cycles}


@pytest.mark.parametrize("name", some([*OF_DESIGNS], 2))
def test_unit_of_a_design(name, tmp_path, capsys):
    words = ["--rows", "4", "--columns", "4", "--clock", "25"]
    assert main(["generate", "--unit", name, *words, "-o", str(tmp_path), "--json"]) == 0
    assert not lint(tmp_path, json.loads(capsys.readouterr().out)["module"])


def test_names_do_not_meet(tmp_path):
    """Two units with names of their own share no module."""
    texts = [hwgen.unit("sparse", lanes=lanes).verilog(name)
             for lanes, name in ((2, "first"), (3, "second"))]
    modules = [{line.split()[1].partition("(")[0] for line in text.splitlines()
                if line.startswith("module ")} for text in texts]
    assert len(modules[0]) > 1
    assert not modules[0] & modules[1]


@pytest.mark.parametrize("words, sentence", [
    (["--unit", "cscs"], "there is no unit 'cscs'; did you mean 'csc'?; there are "),
    (["--unit", "csc", "--index-bits", "9"], "index_bits of unit csc must be 2 to 8, not 9"),
    (["--unit", "csc", "--rows", "0"], "rows of unit csc must be 1 to 65536, not 0"),
    (["--unit", "csc", "--index-bits", "x"], "--index-bits takes an integer, not 'x'"),
    (["--unit", "csc", "--lanes", "2"], "--lanes is no parameter of unit csc; it has --rows, "),
    (["--unit", "csc", "--tall"], "unit csc has no parameter --tall; it has --rows, "),
    (["--unit", "uart", "--design", "icebreaker"],
     "--design must be left out: unit uart is not made of a Design, but of --divisor"),
    (["--unit", "spi", "--top", "uart"], "--top is for whole accelerators"),
    (["--unit", "post", "--columns", "2", "--lanes", "3"],
     "unit post: lanes must be at most the 2 columns, not 3"),
    (["--unit", "bitplane", "--gate", "xnor", "--lanes", "3"],
     "unit bitplane: lanes must be a power of two with xnor, not 3"),
    (["--unit", "unpack", "--rows", "9", "--words", "27"],
     "unit unpack: words must be at least 28 with 9 rows, not 27"),
    (["--unit", "serial", "--numbers", "int1"], "numbers of unit serial must be int2 to int16 or"),
    (["--unit", "systolic", "--divisor", "3"], "there is no option --divisor"),
])
def test_wrong(words, sentence, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["generate", *words]) == 2
    assert sentence in capsys.readouterr().err
    assert not [*tmp_path.iterdir()]


def test_help(capsys):
    """What is explained is what is accepted, at both ends of each range."""
    assert main(["help", "units", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)["units"]
    assert [unit["unit"] for unit in facts] == [*UNITS]
    for unit in facts:
        for parameter in unit["parameters"]:
            kind = UNITS[unit["unit"]].parameters[parameter["name"]]
            if parameter["type"] == "integer":
                assert kind.accepts(parameter["low"]) and not kind.accepts(parameter["low"] - 1)
                assert kind.accepts(parameter["high"]) and not kind.accepts(parameter["high"] + 1)
    assert main(["help", "units"]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) < 160
