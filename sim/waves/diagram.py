"""From the simulation of a component to a timing diagram: WaveJSON, and a picture of it."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from amaranth.sim import Simulator

__all__ = ["Row", "Wave", "lane", "picture", "wave_json"]


@dataclass(frozen=True)
class Row:
    """A row of a diagram.

    Parameters
    ----------
    look : function of ctx
        What it is in this cycle: a bool is drawn as a line, a str as what is in a word, None as a
        word that means nothing.
    taken : Value or None
        A bit without which the same word stays; else the next cycle's is another one.
    together : int
        Words that are drawn as one: there must be no pause between them.
    """

    look: Callable[..., bool | str | None]
    taken: Any = None
    together: int = 1


@dataclass(frozen=True, kw_only=True)
class Wave:
    """A diagram.

    Parameters
    ----------
    title : str
    dut : Component
    cycles : int
    drive : function of ctx and cycle
        Sets the inputs of that cycle.
    shown : dict of str to Row or None
        The rows by their names; None is a gap between rows.
    ahead : int
        Cycles that pass before the first one.
    cut : range
        Cycles that are left out; those that are drawn are half as wide then.
    """

    title: str
    dut: object
    cycles: int
    drive: Callable[..., None]
    shown: dict[str, Row | None]
    ahead: int = 0
    cut: range = range(0)


def recorded(wave: Wave) -> dict[str, list[tuple[Any, bool]]]:
    """Return what each row is in each cycle of the simulation, and whether that is taken."""
    rows: dict[str, list[tuple[Any, bool]]] = {name: [] for name in wave.shown}

    async def testbench(ctx):
        for _ in range(wave.ahead):
            await ctx.tick()
        for cycle in range(wave.cycles):
            wave.drive(ctx, cycle)
            for name, row in wave.shown.items():
                if row:
                    rows[name].append((row.look(ctx),
                                       row.taken is None or bool(ctx.get(row.taken))))
            await ctx.tick()

    simulator = Simulator(wave.dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()
    return rows


def lane(name: str, row: Row, seen: list[tuple[Any, bool]], cut: range) -> dict[str, object]:
    """Return a row of WaveJSON: a letter a cycle, in which a dot is what was before."""
    if cut and len({value for value, _ in seen[cut.start - 1:cut.stop]}) > 1:
        raise ValueError(f"{name} changes in the cycles that are left out")
    letters, data, before, words = "", [], ..., 0
    for cycle, (value, taken) in enumerate(seen):
        if cycle in cut:
            letters += "|" * (cycle == cut.start)
            continue
        if value == before:
            letters += "."
        elif not isinstance(value, str):
            letters += "x" if value is None else str(int(value))
        elif words % row.together:
            letters += "."
            data[-1] += value
        else:
            letters += "="
            data.append(value)
        if words % row.together and not isinstance(value, str):
            raise ValueError(f"{name} pauses within words that are drawn as one")
        words += isinstance(value, str) and taken
        before = ... if isinstance(value, str) and taken else value
    return {"name": name, "wave": letters, **({"data": data} if data else {})}


def wave_json(wave: Wave) -> str:
    """Return the WaveJSON of a diagram, as it is kept."""
    cut, seen = wave.cut, recorded(wave)
    drawn = [cycle for cycle in range(wave.cycles) if cycle not in cut[1:]]
    rows = [{"name": "clk", "wave": "p" + "".join(".|"[cycle in cut] for cycle in drawn[1:])},
            *(lane(each, row, seen[each], cut) if row else {} for each, row in wave.shown.items())]
    ticks = " ".join("~" if cycle in cut else str(cycle) for cycle in [*drawn, wave.cycles])
    config = {"skin": "narrow" if cut else "default"}
    lines = ",\n  ".join(map(json.dumps, rows))
    return (f'{{"head": {json.dumps({"text": wave.title, "tick": ticks})},\n'
            f' "config": {json.dumps(config)},\n "signal": [\n  {lines}\n]}}\n')


def picture(text: str) -> str:
    """Return a diagram as SVG: on white, which a browser in dark mode inverts as a whole."""
    from yowasp_wavedrom import render

    drawn = render(json.loads(text))
    drawn = drawn.replace("<rect/>", '<rect width="100%" height="100%" fill="#fff"/>', 1)
    drawn = drawn.replace("Helvetica", "Helvetica,sans-serif")

    def used(piece: re.Match[str]) -> str:
        return piece[0] if f'"#{piece[1]}"' in drawn else ""

    head, middle, tail = re.split(r"(?<=<defs>)(.*)(?=</defs>)", drawn, maxsplit=1)
    return head + re.sub(r'<g id="([^"]+)">.*?</g>', used, middle) + tail + "\n"
