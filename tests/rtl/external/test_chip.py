"""The model of a memory chip knows each time of the data sheet, to the cycle."""

import pytest

from hwgen.arch.sdram import ALL_BANKS, MODE
from hwgen.arch.sdram import SdramCommand as Command

external = pytest.importorskip("sim.external.pages")
Pins = external.Pins

PERIOD = 10_000
"""Picoseconds."""
CYCLES = {"T_RCD": 3, "T_RP": 2, "T_RAS": 12, "T_RAS_MAX": 40, "T_RC": 15, "T_RRD": 4, "T_RFC": 7,
          "T_WR": 2, "T_MRD": 2, "T_INIT": 5, "T_REF": 800, "T_LATE": 30, "T_CK": 1}
"""Times of a chip, in cycles."""
MODEL = {"WIDTH": 8, "ROW_BITS": 4, "COLUMN_BITS": 5, "KHZ": 100_000, "REFRESHES": 8,
         **{name: count * PERIOD for name, count in CYCLES.items()}}
READY = 23
"""The cycle in which the chip has been powered up."""
BUSY = 60
"""Cycles of a trace in which something is done."""

ACTIVATE, READ, WRITE, PRECHARGE, REFRESH = (
    Command[name] for name in ("ACTIVATE", "READ", "WRITE", "PRECHARGE", "REFRESH"))
CLOSE = Pins(PRECHARGE, 0, ALL_BANKS)


def driven(cycle):
    """Return the words of a WRITE but the first one."""
    return {cycle + number: Pins(drives=True) for number in range(1, 8)}


def powered_up(*, close=5, mode=21, word=MODE):
    """Return how a chip begins, as soon as it may."""
    return {close: CLOSE, 7: Pins(REFRESH), 14: Pins(REFRESH),
            mode: Pins(Command.MODE, 0, word)}


def first_fault(pins, model=MODEL, begin=None):
    """Return the cycle of the first fault of a trace, and which it is; None: there is none."""
    pins = (powered_up() if begin is None else begin) | pins
    said = external.judge(model, [pins.get(cycle, Pins()) for cycle in range(max(pins) + 1)])
    return next(((cycle, fault) for cycle, fault in enumerate(said) if fault), None)


@pytest.mark.parametrize("rule, before, soonest, pins", [
    ("tRCD", {23: Pins(ACTIVATE)}, 26, Pins(READ)),
    ("tRCD", {23: Pins(ACTIVATE)}, 26, Pins(WRITE, drives=True)),
    ("tRAS", {23: Pins(ACTIVATE)}, 35, CLOSE),
    ("tRAS", {23: Pins(ACTIVATE), 29: Pins(ACTIVATE, 1)}, 41, Pins(PRECHARGE, 1)),
    ("tRP", {23: Pins(ACTIVATE), 37: CLOSE}, 39, Pins(ACTIVATE)),
    ("tRP", {23: Pins(ACTIVATE), 37: CLOSE}, 39, Pins(REFRESH)),
    ("tRP", {23: Pins(ACTIVATE), 37: Pins(PRECHARGE)}, 39, Pins(Command.MODE, 0, MODE)),
    ("tRC", {23: Pins(ACTIVATE), 35: Pins(PRECHARGE)}, 38, Pins(ACTIVATE)),
    ("tRRD", {23: Pins(ACTIVATE)}, 27, Pins(ACTIVATE, 3)),
    ("tRFC", {23: Pins(REFRESH)}, 30, Pins(ACTIVATE)),
    ("tRFC", {23: Pins(REFRESH)}, 30, Pins(REFRESH)),
    ("tRFC", {23: Pins(REFRESH)}, 30, CLOSE),
    ("tMRD", {}, 23, Pins(ACTIVATE)),
    ("tMRD", {}, 23, Pins(REFRESH)),
    ("tWR", {23: Pins(ACTIVATE), 28: Pins(WRITE, drives=True), **driven(28)}, 37, CLOSE),
    ("burst", {23: Pins(ACTIVATE), 30: Pins(READ)}, 38, CLOSE),
    ("burst", {23: Pins(ACTIVATE), 26: Pins(READ)}, 34, Pins(READ, 0, 8)),
    ("bus", {23: Pins(ACTIVATE), 26: Pins(READ)}, 37, Pins(drives=True)),
])
def test_times(rule, before, soonest, pins):
    """What comes as soon as it may is right; a cycle sooner it breaks just this rule, and then."""
    assert first_fault(before | {soonest: pins} | (
        driven(soonest) if pins.command is WRITE else {})) is None
    assert first_fault(before | {soonest - 1: pins}) == (soonest - 1, rule)


@pytest.mark.parametrize("rule, latest, pins", [
    ("tRAS_max", 63, {23: Pins(ACTIVATE)}),
    ("interval", 144, {}),
    ("interval", 244, {114: Pins(REFRESH)}),
    ("interval", 244, {144: Pins(REFRESH)}),
    ("tREF", 814, {cycle: Pins(REFRESH) for cycle in range(114, 715, 100)}),
])
def test_limits(rule, latest, pins):
    """What comes as late as it may is right; a cycle later it breaks just this rule."""
    last = CLOSE if rule == "tRAS_max" else Pins(REFRESH)
    assert first_fault(pins | {latest: last}) is None
    assert first_fault(pins | {latest + 1: last}) == (latest + 1, rule)


@pytest.mark.parametrize("rule, begin", [
    ("power_up", powered_up(close=4)), ("mode", powered_up(word=2 << 4 | 3)),
    ("mode", powered_up(word=MODE - 1)), ("tRFC", powered_up(mode=20)),
    ("power_up", {7: Pins(REFRESH)}), ("power_up", {5: CLOSE, 7: Pins(Command.MODE, 0, MODE)}),
    ("power_up", {5: CLOSE, 7: Pins(REFRESH), 14: Pins(ACTIVATE)}),
])
def test_power_up(rule, begin):
    assert first_fault({}, begin=powered_up()) is None
    assert first_fault({}, begin=begin)[1] == rule


@pytest.mark.parametrize("rule, pins", [
    ("bank", {23: Pins(READ)}), ("bank", {23: Pins(ACTIVATE), 38: Pins(ACTIVATE)}),
    ("bank", {23: Pins(ACTIVATE), 27: Pins(READ, 1)}),
    ("bank", {23: Pins(ACTIVATE), 40: Pins(REFRESH)}),
    ("bank", {23: Pins(ACTIVATE, 2), 37: Pins(PRECHARGE), 40: Pins(REFRESH)}),
    ("bank", {23: Pins(ACTIVATE), 40: Pins(Command.MODE, 0, MODE)}),
    ("command", {23: Pins(ACTIVATE), 26: Pins(READ, 0, ALL_BANKS)}),
    ("command", {23: Pins(0b011)}),
    ("command", {23: Pins(ACTIVATE), 26: Pins(READ), 27: Pins(masks=True)}),
    ("bus", {23: Pins(ACTIVATE), 26: Pins(WRITE, drives=True), 27: Pins(drives=False)}),
    ("bus", {23: Pins(ACTIVATE), 26: Pins(READ), 29: Pins(drives=True)}),
])
def test_states(rule, pins):
    """What is wrong at any time."""
    assert first_fault(pins) == (max(pins), rule)


def test_bus_before_a_read():
    """Until its first word a READ leaves the bus alone."""
    assert first_fault({23: Pins(ACTIVATE), 26: Pins(READ), 28: Pins(drives=True)}) is None


def test_clock():
    assert first_fault({}, MODEL | {"T_CK": PERIOD + 1}) == (0, "tCK")


@pytest.mark.parametrize("rule, name, before, soonest, pins", [
    ("tRRD", "C_RRD", {23: Pins(ACTIVATE)}, 28, Pins(ACTIVATE, 3)),
    ("tWR", "C_WR", {23: Pins(ACTIVATE), 28: Pins(WRITE, drives=True), **driven(28)}, 40, CLOSE),
    ("tMRD", "C_MRD", {}, 26, Pins(ACTIVATE)),
])
def test_counts(rule, name, before, soonest, pins):
    """Some times are, besides, so many cycles at any clock."""
    model = MODEL | {name: 5}
    assert first_fault(before | {soonest: pins}, model) is None
    assert first_fault(before | {soonest - 1: pins}, model) == (soonest - 1, rule)
