"""Charts, by Vega-Lite through Altair: of the report's page, and of commands and docs as SVG.

They need the extra ``charts``; :func:`library` says so where it is not there. Charts of the page
have no values of their own: the page gives each its rows, for the Designs that are compared.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from ..errors import UserError
from ..text import printable
from ..tools.cache import cached_folder, digest
from ..tools.find import package_version, pip_command

__all__ = ["library", "line_plot", "page_charts", "scatter", "vega"]

COLOURS = ("#767676", "#3369a3", "#17808a", "#228833", "#9c6d00", "#c9354f", "#aa3377")
"""Of lines: on white each has a contrast of more than 4.5."""
WIDTH, HEIGHT = 560, 340


def library() -> ModuleType:
    """Return Altair, or raise the :class:`UserError` that says how to get it."""
    try:
        import altair
        import vl_convert  # noqa: F401
    except ImportError as error:
        raise UserError(f"charts need Altair: `{pip_command('charts')}` brings it") from error
    return altair


def vega() -> str:
    """Return Vega, Vega-Lite and Vega-Embed as one script; made once, and then kept."""
    alt = library()
    import vl_convert
    version = alt.SCHEMA_VERSION.lstrip("v").rpartition(".")[0]
    bundle: Any = vl_convert.javascript_bundle  # its types ask for what may be left out
    name = digest([str(package_version("vl-convert-python")), version])
    folder, _ = cached_folder(f"vega-{name}", lambda place: (place / "vega.js").write_text(
        bundle(vl_version=version), encoding="utf-8"))
    return Path(folder / "vega.js").read_text(encoding="utf-8")


def page_charts(timed: bool) -> dict[str, dict[str, Any]]:
    """Return the charts of the page as plain data, by the names of their places.

    ``timed`` says whether clocks are known, so that Designs are compared by their times.
    """
    alt = library()
    rows = alt.NamedData(name="rows")
    made = {"pareto": pareto(alt, rows, timed), "layers": layers(alt, rows),
            "roof": roof(alt, rows), "memory": memory(alt, rows)}
    return {name: json.loads(chart.to_json(validate=False)) for name, chart in made.items()}


def quantity(alt: ModuleType, kind: str, field: str, title: str, **how: Any) -> Any:
    """Return an axis of numbers."""
    scale = alt.Scale(type="log", nice=False, padding=12) if how.pop("log", False) else \
        alt.Scale(zero=how.pop("zero", True), nice=True)
    return getattr(alt, kind)(f"{field}:Q", title=title, scale=scale,
                              axis=alt.Axis(
        labelExpr="format(datum.value, datum.value < 1 ? '~g' : '~s')", labelOverlap=True,
        tickCount=6), **how)


def pareto(alt: ModuleType, rows: Any, timed: bool) -> Any:
    """Return the front: time, or cycles, and area, with the two Designs that are compared."""
    shown = [alt.Tooltip("name:N", title="Design"), alt.Tooltip("cycles:Q", format=","),
             alt.Tooltip("ms:Q", format=".4~g"), alt.Tooltip("area:Q", format=".3~g"),
             *(alt.Tooltip(f"{name}:Q", format=",.0f")
               for name in ("luts", "registers", "dsps", "block_rams"))]
    across = ("ms", "time, ms") if timed else ("cycles", "cycles")
    base = alt.Chart(rows, width="container", height=280,
                     description="Designs by their time and area").encode(
        quantity(alt, "X", *across, log=True),
        quantity(alt, "Y", "area", "area, % of the chip"))
    roles = {"title": None, "legend": alt.Legend(orient="top")}
    names = ["A", "B", "others"]
    return base.transform_filter("datum.front").mark_line(
        interpolate="step-after", opacity=0.4) + base.mark_point(
        filled=True, size=90, opacity=1, cursor="pointer").encode(
        alt.Color("role:N", scale=alt.Scale(domain=names), **roles), alt.Shape(
            "role:N", scale=alt.Scale(domain=names, range=["circle", "diamond", "circle"]),
            **roles), tooltip=shown)


def layers(alt: ModuleType, rows: Any) -> Any:
    """Return the layers of two Designs by name: cycles, and as far as multipliers are busy.

    The page says the height.
    """
    base = alt.Chart(rows, width="container",
                     description="Cycles of each layer, and how far multipliers are busy").encode(
        alt.Y("layer:N", sort=None, title=None, axis=alt.Axis(labelLimit=130)),
        alt.YOffset("role:N", sort=["A", "B"]),
        alt.Color("name:N", sort=None, title=None,
                  legend=alt.Legend(orient="top", labelLimit=320, columns=1)),
        tooltip=["layer:N", alt.Tooltip("name:N", title="Design"),
                 alt.Tooltip("cycles:Q", format=","),
                 alt.Tooltip("busy:Q", title="multipliers busy", format=".1%")])
    return base.mark_bar(opacity=0.35).encode(quantity(alt, "X", "cycles", "cycles")) + \
        base.mark_bar().encode(alt.X("done:Q"))


def roof(alt: ModuleType, rows: Any) -> Any:
    """Return the roofline, with the layers named."""
    base = alt.Chart(rows, width="container", height=300,
                     description="Products a cycle of each layer, by its products a byte").encode(
        quantity(alt, "X", "intensity", "products for each byte", log=True),
        quantity(alt, "Y", "rate", "products in a cycle", log=True))
    points = base.transform_filter("datum.layer").encode(tooltip=[
        "layer:N", alt.Tooltip("rate:Q", title="products in a cycle", format=".4~g"),
        alt.Tooltip("intensity:Q", title="products a byte", format=".3~g")])
    return base.transform_filter("!datum.layer && !datum.label").mark_line(strokeWidth=2) + \
        points.mark_point(filled=True, size=70) + \
        base.transform_filter("datum.label").mark_text(dy=14).encode(text="label:N")


def memory(alt: ModuleType, rows: Any) -> Any:
    """Return where tensors lie, and in which layers they are alive."""
    base = alt.Chart(rows, width="container", height=300,
                     description="Tensors in the activation memory, over the layers").encode(
        alt.X("begin:Q", title="layer", scale=alt.Scale(nice=False),
              axis=alt.Axis(tickMinStep=1, labelExpr="datum.value < 0 ? 'input' : datum.label")))
    tensors = base.mark_rect(opacity=0.5, stroke="gray").encode(
        alt.X2("end"), quantity(alt, "Y", "address", "address"), alt.Y2("top"),
        tooltip=["name:N", alt.Tooltip("bytes:Q", format=","),
                 alt.Tooltip("address:Q", title="from", format=",")])
    names = base.transform_calculate(middle="(datum.address + datum.top) / 2").transform_filter(
        "datum.roomy").mark_text(align="left", dx=3, fontSize=10, limit=alt.ExprRef(
            "max(scale('x', datum.end) - scale('x', datum.begin) - 6, 1)"))
    return tensors + names.encode(alt.Y("middle:Q"), text="label:N")


def svg(chart: Any, title: str) -> str:
    """Return a chart as SVG."""
    import vl_convert
    spec = chart.properties(title=printable(title), width=WIDTH, height=HEIGHT).to_dict()
    return str(vl_convert.vegalite_to_svg(json.dumps(spec))) + "\n"


def line_plot(title: str, x_name: str, y_name: str,
              lines: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """Return an SVG of lines on two logarithmic axes; the first one is dashed."""
    alt = library()
    names = [printable(name) for name in lines]
    values = [{"x": x, "y": y, "line": name, "order": place} for name, line in zip(
        names, lines.values(), strict=True) for place, (x, y) in enumerate(line)]
    axes = {"scale": alt.Scale(type="log", nice=False), "axis": alt.Axis(format="~g", tickCount=8)}
    return svg(alt.Chart(alt.InlineData(values=values)).mark_line(strokeWidth=1.8).encode(
        alt.X("x:Q", title=x_name, **axes), alt.Y("y:Q", title=y_name, **axes), order="order:Q",
        color=alt.Color("line:N", sort=None, title=None, scale=alt.Scale(
            domain=names, range=[COLOURS[place % len(COLOURS)] for place in range(len(names))])),
        strokeDash=alt.condition(alt.datum.line == names[0], alt.value([5, 4]), alt.value([1, 0]))),
        title)


def scatter(title: str, x_name: str, y_name: str, points: Sequence[tuple[float, float]],
            marked: Sequence[tuple[float, float, str]] = (), floor: float | None = None) -> str:
    """Return a plot of points, a few of them marked and named, and of a line that is a bound."""
    alt = library()

    def layer(values: Sequence[tuple[Any, ...]]) -> Any:
        rows = [dict(zip(("x", "y", "name"), each, strict=False)) for each in values]
        return alt.Chart(alt.InlineData(values=rows)).encode(
            quantity(alt, "X", "x", x_name, zero=False),
            quantity(alt, "Y", "y", y_name, zero=False))

    named = layer([(x, y, printable(name)) for x, y, name in marked])
    chart = layer(points).mark_circle(size=40, color=COLOURS[1], opacity=1) + named.mark_circle(
        size=150, filled=False, stroke=COLOURS[5], strokeWidth=2, opacity=1) + named.mark_text(
        dy=-14).encode(text="name:N")
    return svg(chart if floor is None else chart + layer([(0, floor)]).mark_rule(
        color=COLOURS[5], strokeDash=[6, 4]).encode(alt.X()), title)
