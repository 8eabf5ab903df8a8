"""The ports of a component: a table for people."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from amaranth import Shape, ShapeLike
from amaranth.lib import data, enum

__all__ = ["Port", "ports", "ports_page"]


@dataclass(frozen=True)
class Port:
    """A port of the top module, or a field of one.

    ``bits`` counts from ``low``, the lowest bit in the port; ``field`` is empty for the whole port.
    """

    name: str
    direction: str
    field: str
    low: int
    bits: int
    type: str


def _fields(layout: ShapeLike, path: str, low: int) -> Iterator[tuple[str, int, int, str]]:
    """Yield the path, lowest bit, width and type of everything within a layout."""
    if isinstance(layout, data.StructLayout):
        for name, field in layout:
            yield from _fields(field.shape, f"{path}.{name}".lstrip("."), low + field.offset)
    elif isinstance(layout, data.ArrayLayout):
        inner = Shape.cast(layout.elem_shape).width
        for index in range(layout.length):
            yield from _fields(layout.elem_shape, f"{path}[{index}]", low + index * inner)
    else:
        cast = Shape.cast(layout)
        kind = f"{'' if cast.signed else 'u'}int{cast.width}"
        if isinstance(layout, type) and issubclass(layout, enum.Enum):
            kind = ", ".join(f"{int(member.value)} {member.name}" for member in layout)
        yield path, low, cast.width, kind


def ports(component: Any) -> list[Port]:
    """Return the ports of a component's module, each with the fields within it."""
    rows = [Port("clk", "input", "", 0, 1, "clock"),
            Port("rst", "input", "", 0, 1, "synchronous reset")]
    if getattr(component, "host_domain", "sync") != "sync":
        rows += [Port("host_clk", "input", "", 0, 1, "clock of the host's side"),
                 Port("host_rst", "input", "", 0, 1, "synchronous reset of the host's side")]
    for path, member, _ in component.signature.flatten(component):
        name, direction = "__".join(map(str, path)), member.flow.name.lower() + "put"
        fields = list(_fields(member.shape, "", 0))
        width = Shape.cast(member.shape).width
        whole = fields[0][3] if len(fields) == 1 and not fields[0][0] else "see the fields"
        rows.append(Port(name, direction, "", 0, width, whole))
        if whole == "see the fields":
            rows += [Port(name, direction, field, low, bits, kind)
                     for field, low, bits, kind in fields]
    return rows


def ports_page(title: str, about: str, component: Any) -> str:
    """Return the ports as a Markdown page."""
    text = [title, "", about, "", "| port | direction | field | bits | type |",
            "|---|---|---|---|---|"]
    for port in ports(component):
        high = port.low + port.bits - 1
        bits = f"{high}:{port.low}" if port.bits > 1 else f"{port.low}"
        field = f"`{port.field}`" if port.field else ""
        text.append(f"| `{port.name}` | {port.direction} | {field} | {bits} | {port.type} |")
    return "\n".join(text) + "\n"
