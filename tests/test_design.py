import dataclasses

import pytest

from hwgen.boards import BOARDS
from hwgen.design import Design, Integer
from hwgen.errors import UserError


@pytest.mark.parametrize("fields, message", [
    ({"rows": 0}, "rows must be an integer from 1 to 64, not 0"),
    ({"columns": 65}, "columns must be an integer from 1 to 64, not 65"),
    ({"rows": "8"}, "rows must be an integer from 1 to 64, not '8'"),
    ({"rows": True}, "rows must be an integer from 1 to 64, not True"),
    ({"rows": 8.0}, "rows must be an integer from 1 to 64, not 8.0"),
    ({"activations": "int17"}, "activations must be int2 to int16 or uint2 to uint16, not 'int17'"),
    ({"weights": "int1"}, "weights must be int2 to int16 or uint2 to uint16, not 'int1'"),
    ({"weights": 8}, "weights must be int2 to int16 or uint2 to uint16, not 8"),
    ({"dataflow": "is"}, "dataflow must be one of ws, os, not 'is'"),
    ({"dataflow": ["ws"]}, "dataflow must be one of ws, os, not ['ws']"),
    ({"engine": "sistolic"},
     "engine must be one of systolic, not 'sistolic'; did you mean 'systolic'?"),
    ({"depth": 0}, "depth must be an integer from 1 to 1048576, not 0"),
    ({"accumulator": 1}, "accumulator must be an integer from 2 to 64, not 1"),
    ({"rows": 4, "lines": 5}, "lines must be an integer from 0 to 4, not 5"),
    ({"dataflow": "os", "lines": 3}, ("lines must be 0 with dataflow 'os', not 3: only an array "
                                     "whose weights stay has a depthwise path")),
    ({"family": "xilinx"}, "family must be one of generic, ecp5, ice40, gowin, not 'xilinx'"),
    ({"family": "ecp5", "device": "LFE5U-99F"}, ("device must be one of LFE5U-25F, LFE5U-85F for "
                                                "family 'ecp5', or left out, not 'LFE5U-99F'")),
    ({"device": "LFE5U-85F"},
     "device must be left out for family 'generic', which is no chip's, not 'LFE5U-85F'"),
    ({"dsps": 4}, "dsps must be left out for family 'generic', which is no chip's, not 4"),
    ({"family": "ecp5", "device": "LFE5U-85F", "dsps": 157},
     "dsps must be an integer from 0 to 156, not 157"),
    ({"row": 4}, "a Design has no field 'row'; did you mean 'rows'?"),
])
def test_wrong(fields, message):
    with pytest.raises(UserError) as error:
        Design.from_dict(fields)
    assert str(error.value) == message


@pytest.mark.parametrize("name", sorted(BOARDS))
def test_presets(name):
    design = Design.load(name)
    assert design.device is None or design.device == BOARDS[name].device
    assert design.hard_multipliers <= BOARDS[name].multipliers * 2


@pytest.mark.parametrize("design", [
    Design(), Design(dataflow="os", depth=7, accumulator=40),
    Design(rows=9, lines=3, family="ecp5", device="LFE5U-85F", dsps=0),
])
def test_toml(design, tmp_path):
    path = tmp_path / "design.toml"
    path.write_text(design.to_toml())
    assert Design.load(path) == Design.load(str(path)) == design


@pytest.mark.parametrize("text, message", [
    (b"rows = ", "is not a TOML file: "),
    (b"\xff\xfe\x00", "is not a TOML file: "),
    (b"row = 4", r"design.toml: a Design has no field 'row'; did you mean 'rows'\?"),
    (b"rows = [4]", r"design.toml: rows must be an integer from 1 to 64, not \[4\]"),
])
def test_toml_wrong(text, message, tmp_path):
    path = tmp_path / "design.toml"
    path.write_bytes(text)
    with pytest.raises(UserError, match=message):
        Design.load(path)


def test_source_wrong(tmp_path):
    with pytest.raises(UserError, match="no preset and no file 'ulx3'; the presets are .*"
                                        "did you mean 'ulx3s-85f'"):
        Design.load("ulx3")
    with pytest.raises(UserError, match="cannot be read: "):
        Design.load(tmp_path / "none.toml")
    with pytest.raises(UserError, match="cannot be read: Is a directory"):
        Design.load(tmp_path)


def test_replace():
    assert Design().replace(rows=3).rows == 3
    with pytest.raises(UserError, match="no field 'rowz'"):
        Design().replace(rowz=3)


def test_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Design().rows = 3


def test_names_tell_designs_apart():
    designs = [Design(), Design(rows=9), Design(weights="int4"), Design(lines=3), Design(depth=99),
               Design(accumulator=30), Design(dataflow="os"), Design(family="ecp5"),
               Design(family="ecp5", device="LFE5U-85F"), Design(family="ecp5", dsps=0),
               Design(family="ecp5", dsps=1)]
    assert len({design.name for design in designs}) == len(designs)


@pytest.mark.parametrize("text, low, high", [("int8", -128, 127), ("uint8", 0, 255),
                                             ("int2", -2, 1), ("uint16", 0, 65535)])
def test_integer(text, low, high):
    integer = Integer.parse(text, "weights")
    assert (integer.low, integer.high) == (low, high)


@pytest.mark.parametrize("design, hard", [
    (Design(rows=16, columns=16, family="ecp5", device="LFE5U-85F"), 156),
    (Design(rows=4, columns=5, family="ice40", device="iCE40UP5K"), 16),
    (Design(rows=4, columns=5, family="ice40", device="iCE40UP5K", weights="int9"), 8),
    (Design(rows=2, columns=2, family="ice40", device="iCE40HX8K"), 0),
    (Design(rows=8, columns=8, family="gowin", device="GW1NR-9C"), 40),
    (Design(rows=8, columns=8, family="gowin", device="GW1NR-9C", activations="int10"), 20),
    (Design(rows=8, columns=8, family="gowin"), 64),
    (Design(), 0),
])
def test_hard_multipliers(design, hard):
    assert design.hard_multipliers == hard
