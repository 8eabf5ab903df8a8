"""Where the pins of the boards are."""

import pytest

from hwgen.arch.boards import BOARDS, board
from hwgen.build.constraints import constraints
from hwgen.build.pins import pins_of

pytest.importorskip("amaranth_boards")

CONSTRAINTS = {
    "ulx3s-85f": """\
LOCATE COMP "clk" SITE "G2";
IOBUF PORT "clk" IO_TYPE=LVCMOS33;
LOCATE COMP "rx" SITE "M1";
IOBUF PORT "rx" IO_TYPE=LVCMOS33;
LOCATE COMP "tx" SITE "L4";
IOBUF PORT "tx" IO_TYPE=LVCMOS33;
FREQUENCY PORT "clk" 25 MHZ;
""",
    "orangecrab-25f": """\
LOCATE COMP "clk" SITE "A9";
IOBUF PORT "clk" IO_TYPE=LVCMOS33;
LOCATE COMP "rx" SITE "N17";
IOBUF PORT "rx" IO_TYPE=LVCMOS33 PULLMODE=UP;
LOCATE COMP "tx" SITE "M18";
IOBUF PORT "tx" IO_TYPE=LVCMOS33 PULLMODE=UP;
FREQUENCY PORT "clk" 48 MHZ;
""",
    "orangecrab-85f": """\
LOCATE COMP "clk" SITE "A9";
IOBUF PORT "clk" IO_TYPE=LVCMOS33;
LOCATE COMP "rx" SITE "N17";
IOBUF PORT "rx" IO_TYPE=LVCMOS33 PULLMODE=UP;
LOCATE COMP "tx" SITE "M18";
IOBUF PORT "tx" IO_TYPE=LVCMOS33 PULLMODE=UP;
FREQUENCY PORT "clk" 48 MHZ;
""",
    "ecp5-5g-evn": """\
LOCATE COMP "clk" SITE "A10";
IOBUF PORT "clk" IO_TYPE=LVCMOS33;
LOCATE COMP "rx" SITE "P2";
IOBUF PORT "rx" IO_TYPE=LVCMOS33 PULLMODE=UP;
LOCATE COMP "tx" SITE "P3";
IOBUF PORT "tx" IO_TYPE=LVCMOS33 PULLMODE=UP;
FREQUENCY PORT "clk" 12 MHZ;
""",
    "ecpix5-85f": """\
LOCATE COMP "clk" SITE "K23";
IOBUF PORT "clk" IO_TYPE=LVCMOS33;
LOCATE COMP "rx" SITE "R26";
IOBUF PORT "rx" IO_TYPE=LVCMOS33 PULLMODE=UP;
LOCATE COMP "tx" SITE "R24";
IOBUF PORT "tx" IO_TYPE=LVCMOS33 PULLMODE=UP;
FREQUENCY PORT "clk" 100 MHZ;
""",
    "icebreaker": """\
set_io clk 35
set_io -pullup yes rx 6
set_io -pullup yes tx 9
set_frequency clk 12
""",
    "tang-nano-9k": """\
IO_LOC "clk" 52;
IO_PORT "clk" IO_TYPE=LVCMOS33;
IO_LOC "rx" 18;
IO_PORT "rx" PULL_MODE=UP IO_TYPE=LVCMOS33;
IO_LOC "tx" 17;
IO_PORT "tx" PULL_MODE=UP IO_TYPE=LVCMOS33;
""",
}


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_constraints(name):
    """As the schematics of the boards have it."""
    found = board(name)
    assert constraints(found.family, pins_of(found), found.clock_mhz) == CONSTRAINTS[name]


@pytest.mark.parametrize("name", BOARDS)
def test_every_board_has_pins(name):
    assert [pin.port for pin in pins_of(board(name))] == ["clk", "rx", "tx"]


def test_memory_chip():
    """All pins of the ULX3S' chip, each once, with what the platform says of them."""
    found = board("ulx3s-85f")
    pins = {pin.port: pin for pin in pins_of(found, memory=True)}
    plain = {pin.port for pin in pins_of(found)}
    assert len({pin.site for pin in pins.values()}) == len(pins)
    assert set(pins) - plain == {
        *(f"memory_{name}" for name in ("clk", "cke", "cs_n", "ras_n", "cas_n", "we_n")),
        *(f"memory_{name}[{index}]"
          for name, width in (("a", 13), ("ba", 2), ("dqm", 2), ("dq", 16))
          for index in range(width))}
    # As the schematic of the board has them: SDRAM_CLK, A0, BA1, D15, and the mask of D0 to D7.
    assert [pins[f"memory_{name}"].site for name in ("clk", "a[0]", "ba[1]", "dq[15]", "dqm[0]")
            ] == ["F19", "M20", "N20", "J17", "U19"]
    assert ('LOCATE COMP "memory_dq[3]" SITE "N18";\n'
            'IOBUF PORT "memory_dq[3]" PULLMODE=NONE DRIVE=4 SLEWRATE=FAST IO_TYPE=LVCMOS33;\n'
            ) in constraints(found.family, list(pins.values()), found.clock_mhz)
