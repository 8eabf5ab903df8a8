# amaranth: UnusedElaboratable=no
import dataclasses
import json
import re
from pathlib import Path

import pytest

from hwgen.arch.design import Design
from hwgen.errors import UserError
from hwgen.generate.design import component
from hwgen.measure.results import read_list, update
from hwgen.measure.synthesis import Harness, Measured, measure
from hwgen.measure.units import MeasuredUnit

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "docs" / "results"
SMALL = Design(rows=2, columns=2, family="ice40", device="iCE40UP5K")


def test_small_design_is_measured(tmp_path):
    """The figures belong to the Design alone, without what surrounds it."""
    figures = measure(SMALL, clock_mhz=50, seeds=[1, 2], folder=tmp_path)
    assert figures.dsps == 2
    # Activations: 16 at the edge, 16 passed on, 16 in front of the second column's multipliers.
    # Weights: 24 at the edge, 32 coming, 32 present. Sums: 34 in the cells, 17 at the edge.
    assert 0 <= figures.registers - (48 + 88 + 51) <= 20  # and some for control
    assert 34 <= figures.luts <= 60  # two adders of 17 bits, and control
    assert set(figures.seeds) == {"1", "2"}
    assert figures.fmax_mhz == max(figures.seeds.values()) > 20
    assert figures.path[0].startswith("clk-to-q") and figures.path[-1].startswith("setup")
    assert all(version != "?" for version in figures.tools.values())


def test_harness_is_counted():
    """Two registers and a gate for each bit that enters or leaves."""
    dut = component(SMALL)
    harness = Harness(dut)
    bits = 2 * 8 + 1 + 1 + 2 * 8 + 1  # vector, last, valid; weights, valid
    outs = 1 + 1 + 1 + 2 * dut.sums.width
    assert harness.registers == 2 * (bits + outs)
    assert harness.gates == bits + outs


def test_device_missing():
    with pytest.raises(UserError, match=r"^device must name a chip to place the Design on "):
        measure(Design(family="ecp5"), clock_mhz=50)


def test_insisting_elsewhere():
    with pytest.raises(UserError, match=r"^insist: only the router for ECP5 .* iCE40UP5K$"):
        measure(SMALL, clock_mhz=50, insist=True)


def test_never_ends(monkeypatch, tmp_path):
    monkeypatch.setattr("hwgen.measure.place_and_route.SECONDS", 0.01)
    with pytest.raises(UserError, match=r"did not end within 0.01 s: the Design is too large"):
        measure(SMALL, clock_mhz=50, folder=tmp_path)


def figures_of(design):
    return Measured(design=design.name, device=design.device, luts=1, registers=2, dsps=3,
                    block_rams=0, fmax_mhz=99.5, seeds={"1": 99.5}, path=[],
                    seconds={"yosys": 1.0}, tools={"yosys": "1"})


@pytest.fixture
def listed(tmp_path, monkeypatch):
    """A list of two Designs, and what was built."""
    path = tmp_path / "list.toml"
    path.write_text("".join(
        f'[[design]]\nnote = "number {n}"\nclock_mhz = 50\nrows = {n}\nfamily = "ice40"\n'
        'device = "iCE40UP5K"\n' for n in (1, 2)))
    built = []

    def build(design, **options):
        built.append(design.name)
        return figures_of(design)

    monkeypatch.setattr("hwgen.measure.results.measure", build)
    return path, built


def test_only_what_changed_is_measured(listed):
    path, built = listed
    said = []
    assert len(update(path, say=said.append)) == len(built) == 2
    page = path.with_suffix(".md").read_text()
    assert "number 1" in page and "**100**" in page
    update(path, say=said.append)
    assert len(built) == 2 and said[-1].endswith("as measured before")
    path.write_text(path.read_text().replace("rows = 2", "rows = 3"))
    assert list(update(path, say=said.append)) == [entry.design.name for entry in read_list(path)]
    assert len(built) == 3


def test_only(listed):
    path, built = listed
    update(path, only="_2x8_")
    assert len(built) == 1 and "_2x8_" in built[0]


@pytest.mark.parametrize("text, message", [
    ("", "is not a list"), ("design = 4", "is not a list"), ("[[design]]\nrows = 2", "clock_mhz"),
    ("[[design]]\nclock_mhz = 5\nrow = 2", "design 1: a Design has no field 'row'"),
    ("[[design]]\nclock_mhz = 'x'", "design 1: "),
    ("[[design]]\nclock_mhz = nan", "design 1: clock_mhz must be a number, not nan"),
    ("[[design]]\nclock_mhz = 5\nseeds = [-1]", "seeds must be"),
    ("[[design]]\nclock_mhz = 5\nseeds = [inf]", "design 1: "), ("= 3", "is not a list"),
])
def test_list_wrong(text, message, tmp_path):
    path = tmp_path / "list.toml"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        read_list(path)


@pytest.mark.parametrize("text, message", [
    ("unit = 'csd'",
     ("design 1: unit must be one of axi_lite, axi_stream, binary, bitplane, bitserial, "
      "crossing, csc, flash, fusion")),
    ("unit = 'csc'\nrowz = 3", "design 1: .*'rowz'|design 1: missing"),
])
def test_units_wrong(text, message, tmp_path):
    path = tmp_path / "list.toml"
    path.write_text(f"[[unit]]\nclock_mhz = 5\n{text}\n")
    with pytest.raises(UserError, match=message):
        read_list(path)


def test_preset(tmp_path):
    """A preset, and fields that are other than there."""
    path = tmp_path / "list.toml"
    path.write_text('[[design]]\npreset = "icebreaker"\nlanes = 1\nclock_mhz = 5\n')
    [entry] = read_list(path)
    assert entry.design == Design.load("icebreaker").replace(lanes=1) and not entry.insist
    path.write_text('[[design]]\npreset = "icebraker"\nclock_mhz = 5\n')
    with pytest.raises(UserError, match="icebraker.*icebreaker"):
        read_list(path)


def test_unit_wrong():
    with pytest.raises(UserError, match="^csc_rows0_x: Rows must be a positive integer, not 0$"):
        MeasuredUnit("csc", "x", (("rows", 0),)).component()


@pytest.mark.synth
@pytest.mark.parametrize("name", sorted(path.stem for path in RESULTS.glob("*.toml")))
def test_figures_are_of_the_designs_as_they_are(name):
    """`make synth` was run after the last change to what is measured, or to the tools."""
    known = json.loads((RESULTS / f"{name}.json").read_text())
    entries = read_list(RESULTS / f"{name}.toml")
    assert list(known) == [entry.design.name for entry in entries]
    fields = {field.name for field in dataclasses.fields(Measured)}
    for entry in entries:
        assert set(known[entry.design.name]) == fields | {"digest"}
        assert known[entry.design.name]["digest"] == entry.digest


def test_readme_says_what_was_measured():
    known = {name: figures for path in RESULTS.glob("*.toml")
             for name, figures in json.loads(path.with_suffix(".json").read_text()).items()}
    rows = re.findall(r"^\| .*?\| `(\S+)` \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$",
                      (ROOT / "README.md").read_text(), re.M)
    assert rows
    for name, dsps, luts, registers, fmax in rows:
        figures = known[name]
        assert (figures["dsps"], figures["luts"], figures["registers"],
                round(figures["fmax_mhz"])) == tuple(map(int, (dsps, luts, registers, fmax)))
