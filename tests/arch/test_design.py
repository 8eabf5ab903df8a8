# amaranth: UnusedElaboratable=no
import dataclasses

import pytest

from hwgen.arch.boards import BOARDS
from hwgen.arch.design import Design, Integer
from hwgen.errors import UserError
from hwgen.rtl.compact.memories import CompactWordMemory
from hwgen.rtl.primitives import gowin

ACCELERATOR = {"activation_memory": 4096, "program_memory": 8192, "partial_sums": 64, "lanes": 8}
STREAMS = {"program_memory": 1 << 14, "external": "IS42S16160@110"}


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
     ("engine must be one of systolic, bitserial, sparse, binary, not 'sistolic'; did you mean "
      "'systolic'?")),
    ({"depth": 0}, "depth must be an integer from 1 to 1048576, not 0"),
    ({"accumulator": 1}, "accumulator must be an integer from 2 to 64, not 1"),
    ({"rows": 4, "lines": 5}, "lines must be an integer from 0 to 4, not 5"),
    ({"dataflow": "os", "lines": 3}, ("lines must be 0 with dataflow 'os', not 3: only an array "
                                     "whose weights stay has a depthwise path")),
    ({"family": "xilinx"}, "family must be one of generic, ecp5, ice40, gowin, not 'xilinx'"),
    ({"family": "ecp5", "device": "LFE5U-99F"},
     ("device must be one of LFE5U-12F, LFE5U-25F, LFE5U-85F, LFE5UM5G-85F for family 'ecp5', or "
      "left out, not 'LFE5U-99F'")),
    ({"device": "LFE5U-85F"},
     "device must be left out for family 'generic', which is no chip's, not 'LFE5U-85F'"),
    ({"dsps": 4}, "dsps must be left out for family 'generic', which is no chip's, not 4"),
    ({"family": "ecp5", "device": "LFE5U-85F", "dsps": 157},
     "dsps must be an integer from 0 to 156, not 157"),
    ({"rows": 4, "packed_rows": 5}, "packed_rows must be an integer from 0 to 4, not 5"),
    ({"columns": 1, "packed_rows": 1}, "packed_rows must be an integer from 0 to 0, not 1"),
    ({"rows": 4, "packed_rows": 3, "lines": 2}, "lines must be an integer from 0 to 1, not 2"),
    *((fields | {"packed_rows": 2},
       (f"packed_rows must be 0 with {named}, not 2: cells share DSP blocks of an ECP5, for int8, "
        "in a fast array whose weights stay")) for fields, named in (
        ({"dataflow": "os"}, "dataflow 'os'"), ({"weights": "int4"}, "weights 'int4'"),
        ({"activations": "uint8"}, "activations 'uint8'"), ({"family": "gowin"}, "family 'gowin'"),
        (ACCELERATOR | {"lanes": 1, "compact": True}, "compact True"))),
    ({"rows": 20, "columns": 33, "family": "ecp5", "device": "LFE5U-85F", "packed_rows": 10},
     ("packed_rows must be at most 9, as there are 156 DSP blocks and each row of pairs takes 16, "
      "not 10")),
    ({"packed_rows": 4, "family": "ecp5", "device": "LFE5U-85F", "dsps": 31},
     "dsps must be an integer from 32 to 172, not 31"),
    (ACCELERATOR | {"packed_rows": 4, "family": "ecp5", "device": "LFE5U-85F", "hard_lanes": 8,
                    "rows": 32, "columns": 32, "dsps": 189},
     "dsps must be an integer from 128 to 188, not 189"),
    ({"rounding": "double"}, "rounding must be one of tflm, single, even, not 'double'"),
    ({"steps": -1}, "steps must be an integer from 0 to 65536, not -1"),
    ({"lanes": 4}, ("lanes must be 0 without an activation_memory, which an accelerator needs, "
                    "not 4")),
    ({"activation_memory": -8}, "activation_memory must be an integer from 0 to 16777216, not -8"),
    (ACCELERATOR | {"dataflow": "os"},
     "dataflow must be 'ws' with an activation_memory, as every accelerator's, not 'os'"),
    (ACCELERATOR | {"int4_weights": True, "tables": 1},
     ("int4_weights must be false with tables 1, not true: two weights of 4 bits are multiplied in "
      "a fast systolic array alone, generic or of an ECP5, so far with no other part but softmax")),
    (ACCELERATOR | {"int4_weights": 1}, "int4_weights must be true or false, not 1"),
    ({"int4_weights": True}, ("int4_weights must be False without an activation_memory, which an "
                              "accelerator needs, not True")),
    (ACCELERATOR | {"weights": "int4"},
     "weights must be 'int8' with an activation_memory, as every accelerator's, not 'int4'"),
    (ACCELERATOR | {"rows": 3}, "rows must be from 4 to 32 with an activation_memory, not 3"),
    (ACCELERATOR | {"columns": 33},
     "columns must be from 4 to 32 with an activation_memory, not 33"),
    (ACCELERATOR | {"rows": 9, "activation_memory": 1000},
     "activation_memory must be a multiple of 16, the number of its banks, not 1000"),
    (ACCELERATOR | {"program_memory": 0},
     "program_memory must be an integer from 8 to 16777216, not 0"),
    (ACCELERATOR | {"partial_sums": 3}, "partial_sums must be an integer from 4 to 65536, not 3"),
    (ACCELERATOR | {"lanes": 9}, "lanes must be an integer from 1 to 8, not 9"),
    (ACCELERATOR | {"hard_lanes": 1}, "hard_lanes must be an integer from 0 to 0, not 1"),
    ({"hard_lanes": 1}, ("hard_lanes must be 0 without an activation_memory, which an accelerator "
                         "needs, not 1")),
    (ACCELERATOR | {"family": "ice40", "device": "iCE40UP5K", "hard_lanes": 3},
     "hard_lanes must be an integer from 0 to 2, not 3"),
    *((ACCELERATOR | fields | {"kept_vectors": 9}, (
        f"kept_vectors must be 0 with {named}, not 9: only a fast systolic array that rounds as "
        "TensorFlow Lite Micro does has lanes that keep bytes, so far without wide rows"))
      for fields, named in (
          ({"engine": "bitserial"}, "engine 'bitserial'"),
          ({"rounding": "even"}, "rounding 'even'"),
          ({"lanes": 1, "compact": True}, "compact True"))),
    (ACCELERATOR | {"kept_vectors": 65537},
     "kept_vectors must be an integer from 0 to 65536, not 65537"),
    ({"kept_vectors": 1}, ("kept_vectors must be 0 without an activation_memory, which an "
                           "accelerator needs, not 1")),
    *((ACCELERATOR | STREAMS | fields, message) for fields, message in (
        ({"external": 110}, ("external must be a memory chip and its clock in MHz, such as "
                            "IS42S16160@110, not 110")),
        ({"external": "IS42S16160"}, ("external must be a memory chip and its clock in MHz, such "
                                     "as IS42S16160@110, not 'IS42S16160'")),
        ({"external": "IS42S1616@110"}, ("there is no memory chip 'IS42S1616'; did you mean "
                                        "'IS42S16160'?; there are IS42S16160, MT48LC16M16, "
                                        "AS4C32M16, W9825G6, GW2AR-18")),
        ({"external": "IS42S16160@150"}, "the clock of IS42S16160 must be 6 to 143 MHz, not 150"),
        *((fields, (f"external must be left out with {named}, not 'IS42S16160@110': a program "
                    "streams to a fast systolic array alone, so far with no other part"))
          for fields, named in (
              ({"engine": "bitserial"}, "engine 'bitserial'"),
              ({"lanes": 1, "compact": True}, "compact True"),
              ({"decompress": True}, "decompress True"),
              ({"kept_vectors": 9}, "kept_vectors 9"), ({"wide_rows": 16}, "wide_rows 16"),
              ({"tables": 1}, "tables 1"), ({"products": True}, "products True"))),
        ({"columns": 12}, ("columns must be a power of two with external memory, as a page has "
                          "whole words, not 12")),
        ({"program_memory": 2048}, ("program_memory must be a power of two from 4096 to 1048576 "
                                   "with external memory, for which it is a ring, not 2048")),
        ({"program_memory": 5000}, ("program_memory must be a power of two from 4096 to 1048576 "
                                   "with external memory, for which it is a ring, not 5000")))),
    ({"external": "IS42S16160@110"}, ("external must be left out without an activation_memory, "
                                     "which an accelerator needs, not 'IS42S16160@110'")),
    (ACCELERATOR | {"tables": 8}, "tables must be an integer from 0 to 7, not 8"),
    (ACCELERATOR | {"engine": "binary", "partial_sums": 1, "tables": 1},
     "tables must be 0 with engine 'binary', not 1: its lanes hold none"),
    (ACCELERATOR | {"engine": "binary", "partial_sums": 1, "products": True},
     "products must be False with engine 'binary', not True: its lanes do not multiply"),
    (ACCELERATOR | {"products": 1}, "products must be true or false, not 1"),
    ({"tables": 1}, ("tables must be 0 without an activation_memory, which an accelerator needs, "
                     "not 1")),
    (ACCELERATOR | {"matmul": 1}, "matmul must be true or false, not 1"),
    (ACCELERATOR | {"matmul": True, "lines": 1}, (
        "matmul must be false with lines 1, not true: weights are loaded for a fast systolic array "
        "alone, generic or of an ECP5, without packed or wide rows, lines or decompress")),
    (ACCELERATOR | {"softmax": 1}, "softmax must be true or false, not 1"),
    (ACCELERATOR | {"lstm": 4097}, "lstm must be an integer from 0 to 4096, not 4097"),
    (ACCELERATOR | {"lstm": 9, "engine": "bitserial"},
     ("lstm must be 0 with engine 'bitserial', not 9: cells are updated beside a fast systolic "
      "array alone, without wide rows or decompress")),
    (ACCELERATOR | {"engine": "binary", "partial_sums": 1, "softmax": True},
     "softmax must be False with engine 'binary', not True: its steps are of one kind"),
    ({"softmax": True}, ("softmax must be False without an activation_memory, which an accelerator "
                         "needs, not True")),
    (ACCELERATOR | {"lines": 3}, "line_pixels must be an integer from 4 to 65536, not 0"),
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


def memories(design):
    """Return bytes in each column of a memory, and how many columns, of an accelerator."""
    program = design.program_words
    if design.compact and design.family == "gowin":
        # What the large banks leave over is so little that it is in LUTs.
        banks = CompactWordMemory(8, program, 8, design.family).banks
        program -= sum(depth for _, depth in banks if depth <= gowin.LUT_DEPTH)
    return [(design.activation_memory // design.banks, design.banks),
            (program, design.columns),
            (design.partial_sums, 4 * design.columns),
            (design.line_pixels, max(design.lines - 1, 0) * design.columns)]


@pytest.mark.parametrize("name", [n for n in BOARDS if Design.load(n).activation_memory])
def test_preset_fits_block_rams(name):
    board, design = BOARDS[name], Design.load(name)
    small = board.block_ram_bits // 8 // 9 * 8 if board.block_ram_bits % 9 == 0 \
        else board.block_ram_bits // 8
    needs = []
    for depth, width in memories(design):
        # A block RAM is 1, 2 or 4 bytes wide, and as deep as its bytes allow.
        needs.append(min(-(-depth * byte // small) * -(-width // byte) for byte in (1, 2, 4)
                         if byte < 4 or board.family != "ice40"))
    if board.single_port_rams:
        assert design.program_memory * 8 <= board.single_port_rams * board.single_port_ram_bits
        needs[1] = 0
    assert sum(needs) <= board.block_rams, needs


@pytest.mark.parametrize("design", [
    Design(), Design(dataflow="os", depth=7, accumulator=40),
    Design(rows=9, lines=3, family="ecp5", device="LFE5U-85F", dsps=0), Design(packed_rows=3),
    Design(**ACCELERATOR, rounding="single", lines=1, steps=7),
    Design(**ACCELERATOR, kept_vectors=5), Design(**ACCELERATOR, tables=2),
    Design(**ACCELERATOR, softmax=True),
    Design(**ACCELERATOR, products=True),
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
               Design(family="ecp5", dsps=1), Design(packed_rows=1), Design(**ACCELERATOR),
               Design(**ACCELERATOR, rounding="single")]
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
    (Design(**ACCELERATOR, hard_lanes=1, family="ice40", device="iCE40UP5K"), 8),
    (Design(**ACCELERATOR, hard_lanes=3, family="gowin", device="GW1NR-9C"), 16),
    (Design(**ACCELERATOR | {"rows": 16, "columns": 16}, hard_lanes=8, family="ecp5",
            device="LFE5U-85F"), 124),
    (Design(packed_rows=3, family="ecp5", device="LFE5U-85F"), 64),
    (Design(rows=24, columns=16, packed_rows=12, family="ecp5", device="LFE5U-85F"), 252),
    (Design(packed_rows=3), 0),
    (Design(), 0),
])
def test_hard_multipliers(design, hard):
    assert design.hard_multipliers == hard
