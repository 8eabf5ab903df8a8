"""Any parameters of any unit, from the ranges that ``hwgen help units --json`` states."""

import contextlib
import io
import json
from functools import cache

import hwgen
from hwgen.cli import main
from hwgen.errors import UserError

__all__ = ["any_unit", "least_of"]

WORK = 1 << 16
"""What the numbers of a set come to at most, multiplied by one another and by their costs.

So any number may be as large as it can be, but then the others are small: at most two above their
least. A set simulates in seconds.
"""
COSTS = {"divisor": 16, "precision": 16, "words": 16}
"""Of numbers whose cycles in a bench are many."""
MOST = {"bitplane": {"lanes": 256}, "bitserial": {"columns": 16}, "fusion": {"groups": 16},
        "post": {"columns": 16}, "power": {"lanes": 64}, "serial": {"lanes": 256},
        "sparse": {"lanes": 32}, "ternary": {"lanes": 128}, "wide": {"columns": 16}}
"""Cells that are not more, as g++ has to compile them all."""
FREE = {"activate", "address", "column_bits", "exponent_bits", "index_bits", "mode", "precharge",
        "reading", "recovery", "refresh", "row_bits", "shift", "value_bits"}
"""Numbers that cost nothing."""


@cache
def ranges():
    """Return what the parameters of each unit may be."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        assert main(["help", "units", "--json"]) == 0
    return {unit["unit"]: unit["parameters"] for unit in json.loads(out.getvalue())["units"]}


def least_of(name):
    """Return the least parameters of a unit."""
    return {each["name"]: {"integer": each.get("low"), "flag": False}.get(
        each["type"], each.get("choices", [None])[0]) for each in ranges()[name]}


def draw(name, rng):
    """Return parameters, each of which is often an end of its range, or odd."""
    found, left = {}, WORK
    for each in rng.sample(ranges()[name], len(ranges()[name])):
        match each["type"]:
            case "flag":
                found[each["name"]] = rng.random() < 0.5
            case "choice":
                words = each["choices"]
                found[each["name"]] = rng.choice([words[0], words[-1], rng.choice(words)])
            case "integer":
                low, cost = each["low"], COSTS.get(each["name"], 1)
                free, high = each["name"] in FREE, each["high"]
                if not free:
                    high = min(high, max(low + 2, left // cost),
                               MOST.get(name, {}).get(each["name"], high))
                odd = min(rng.randint(low, max(each["default"], low + 24)) | 1, high)
                value = found[each["name"]] = rng.choice([low, odd, odd, high])
                left //= 1 if free else max(value * cost, 1)
    return found


def any_unit(name, rng):
    """Return a unit with any parameters that go together; the others are refused in a sentence."""
    while True:
        try:
            return hwgen.unit(name, **draw(name, rng))
        except UserError as error:
            assert str(error).startswith(f"unit {name}: ")
