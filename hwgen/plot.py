"""Plots of points, as SVG: text that every browser shows, and that review can read."""

from collections.abc import Sequence
from html import escape

__all__ = ["scatter"]

WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 30, 50
TICKS = 5
"""Intervals of an axis."""


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
        return (round(LEFT + across * (WIDTH - LEFT - RIGHT), 1),
                round(HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM), 1))

    def text(x: float, y: float, words: str, anchor: str = "middle", more: str = "") -> str:
        return f'<text x="{x}" y="{y}" text-anchor="{anchor}"{more}>{escape(words)}</text>'

    lines = [(f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
              'font-family="sans-serif" font-size="12">'),
             f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
             text(WIDTH / 2, 18, title, more=' font-size="14"'),
             text(WIDTH / 2, HEIGHT - 10, x_name),
             text(16, HEIGHT / 2, y_name, more=f' transform="rotate(-90 16 {HEIGHT / 2})"')]
    for index in range(TICKS + 1):
        part = index / TICKS
        value_x, value_y = (low + part * (high - low)
                            for low, high in zip(lows, highs, strict=True))
        x, y = place(value_x, value_y)
        lines += [(f'<path d="M{x} {TOP}V{HEIGHT - BOTTOM}M{LEFT} {y}H{WIDTH - RIGHT}" '
                   'stroke="#ddd"/>'),
                  text(x, HEIGHT - BOTTOM + 16, short(value_x)),
                  text(LEFT - 6, y + 4, short(value_y), "end")]
    if floor is not None:
        _, y = place(lows[0], floor)
        lines.append(f'<path d="M{LEFT} {y}H{WIDTH - RIGHT}" stroke="#c33" '
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
