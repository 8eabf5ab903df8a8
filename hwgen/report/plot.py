"""Plots as SVG, small enough that a plotting library is not missed."""

import math
from collections.abc import Mapping, Sequence
from html import escape

from ..text import printable

__all__ = ["line_plot", "scatter"]

WIDTH, HEIGHT = 640, 420
LEFT, RIGHT, TOP, BOTTOM = 60, 110, 40, 50
NARROW = 20
"""What is right of a plot without a key."""
INTERVALS = 5
"""Of a linear axis."""
COLOURS = ("#888888", "#4477aa", "#66ccee", "#228833", "#ccbb44", "#ee6677", "#aa3377")


def text(x: float, y: float, words: str, anchor: str = "middle", more: str = "") -> str:
    """Return words at a place."""
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>'
            f'{escape(printable(words))}</text>')


def frame(title: str, x_name: str, y_name: str, right: int) -> list[str]:
    """Return the beginning of a plot: its ground, title and names."""
    middle = (TOP + HEIGHT - BOTTOM) / 2
    return [(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
             'font-family="sans-serif" font-size="12">'),
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
            text(WIDTH / 2, 22, title, more=' font-size="14"'),
            text((LEFT + WIDTH - right) / 2, HEIGHT - 12, x_name),
            text(16, middle, y_name, more=f' transform="rotate(-90 16 {middle:.1f})"')]


def ticks(low: float, high: float) -> list[float]:
    """Return 1, 2 and 5 times powers of ten between two numbers, and these."""
    found = {low, high}
    for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1):
        found |= {step * 10.0 ** power for step in (1, 2, 5) if low <= step * 10.0 ** power <= high}
    return sorted(found)


def line_plot(title: str, x_name: str, y_name: str,
              lines: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """Return an SVG of lines on two logarithmic axes; the first one is dashed."""
    points = [point for line in lines.values() for point in line]
    x_ends, y_ends = ((min(values), max(values)) for values in zip(*points, strict=True))

    def place(value: float, ends: tuple[float, float], start: float, stop: float) -> float:
        span = math.log(ends[1] / ends[0]) or 1
        return start + (stop - start) * math.log(value / ends[0]) / span

    def at(x: float, y: float) -> tuple[float, float]:
        return (place(x, x_ends, LEFT, WIDTH - RIGHT), place(y, y_ends, HEIGHT - BOTTOM, TOP))

    parts = frame(title, x_name, y_name, RIGHT)
    for tick in ticks(*x_ends):
        x, _ = at(tick, y_ends[0])
        parts += [(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" '
                  'stroke="#dddddd"/>'), text(x, HEIGHT - BOTTOM + 16, f"{tick:.3g}")]
    for tick in ticks(*y_ends)[1:-1]:
        _, y = at(x_ends[0], tick)
        parts += [(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" '
                  'stroke="#dddddd"/>'), text(LEFT - 6, y + 4, f"{tick:.3g}", "end")]
    for number, (name, line) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(*point) for point in line))
        dash = "" if number else ' stroke-dasharray="5 4"'
        y = TOP + 16 * number
        parts += [(f'<polyline points="{path}" fill="none" stroke="{colour}" '
                  f'stroke-width="1.8"{dash}/>'),
                  (f'<line x1="{WIDTH - RIGHT + 10}" x2="{WIDTH - RIGHT + 34}" y1="{y}" y2="{y}" '
                  f'stroke="{colour}" stroke-width="1.8"{dash}/>'),
                  text(WIDTH - RIGHT + 40, y + 4, name, "start")]
    return "\n".join([*parts, "</svg>", ""])


def scatter(title: str, x_name: str, y_name: str, points: Sequence[tuple[float, float]],
            marked: Sequence[tuple[float, float, str]] = (), floor: float | None = None) -> str:
    """Return a plot of points, a few of them marked and named, and of a line that is a bound."""
    lows, highs = [], []
    heights = [y for _, y in points] + ([] if floor is None else [floor])
    for values in ([x for x, _ in points], heights):
        low, high = min(values), max(values)
        room = (high - low) * 0.05 or abs(high) * 0.05 or 1.0
        lows.append(low - room)
        highs.append(high + room)

    def place(x: float, y: float) -> tuple[float, float]:
        across = (x - lows[0]) / (highs[0] - lows[0])
        up = (y - lows[1]) / (highs[1] - lows[1])
        return (round(LEFT + across * (WIDTH - LEFT - NARROW), 1),
                round(HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM), 1))

    lines = frame(title, x_name, y_name, NARROW)
    for index in range(INTERVALS + 1):
        part = index / INTERVALS
        value_x, value_y = (low + part * (high - low)
                            for low, high in zip(lows, highs, strict=True))
        x, y = place(value_x, value_y)
        lines += [(f'<path d="M{x} {TOP}V{HEIGHT - BOTTOM}M{LEFT} {y}H{WIDTH - NARROW}" '
                   'stroke="#ddd"/>'),
                  text(x, HEIGHT - BOTTOM + 16, short(value_x)),
                  text(LEFT - 6, y + 4, short(value_y), "end")]
    if floor is not None:
        _, y = place(lows[0], floor)
        lines.append(f'<path d="M{LEFT} {y}H{WIDTH - NARROW}" stroke="#c33" '
                     'stroke-dasharray="6 4"/>')
    for each in points:
        x, y = place(*each)
        lines.append(f'<circle cx="{x}" cy="{y}" r="3" fill="#36c"/>')
    for x_value, y_value, name in marked:
        x, y = place(x_value, y_value)
        anchor, way = ("end", -9) if x > WIDTH / 2 else ("start", 9)
        lines += [f'<circle cx="{x}" cy="{y}" r="6" fill="none" stroke="#c33" stroke-width="2"/>',
                  text(x + way, y - 9, name, anchor)]
    return "\n".join([*lines, "</svg>"]) + "\n"


def short(value: float) -> str:
    """Return a number of an axis."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
