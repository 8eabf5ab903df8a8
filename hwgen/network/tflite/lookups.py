"""Operators of one tensor that are functions of one byte: each becomes a table."""

from ...errors import UserError
from .. import graph, lookups
from ..table import Table
from .operator import Site

__all__ = ["check_curve", "look_up", "prelu"]

CURVES = {"LOGISTIC": (1 / 256, -128), "TANH": (1 / 128, 0)}
"""Operators whose outputs have a fixed scale and zero point."""


def check_curve(site: Site) -> graph.Tensor:
    """Check the scales of LOGISTIC or TANH, and return its input."""
    x, y, wanted = site.x(), site.y, CURVES[site.operator.code]
    if (y.scale, y.zero_point) != wanted:
        raise UserError(f"its output has scale {y.scale} and zero point {y.zero_point}: they must "
                        f"be 1/{round(1 / wanted[0])} and {wanted[1]}")
    if not 2.0**-27 <= x.scale < 4:
        raise UserError(f"its input has scale {x.scale}: it must be below 4")
    return x


def look_up(site: Site) -> list[graph.Layer]:
    """TANH, HARD_SWISH, LEAKY_RELU, ELU, RSQRT and ABS."""
    site.inputs_between(1, 1)
    x, y = site.x(), site.y
    site.gives(*site.input(0).shape)
    match site.operator.code:
        case "TANH":
            table = lookups.hyperbolic_tangent(check_curve(site))
        case "LEAKY_RELU":
            alpha = float(site.operator.options.get("Alpha", 0.0))
            table = lookups.leaky_relu(x, y, alpha)
        case code:
            table = {"HARD_SWISH": lookups.hard_swish, "ELU": lookups.elu,
                     "RSQRT": lookups.reciprocal_root, "ABS": lookups.absolute}[code](x, y)
    return layers_of(site, table)


def prelu(site: Site) -> list[graph.Layer]:
    """PRELU with one slope."""
    site.inputs_between(2, 2)
    x = site.x()
    slopes = site.constant(1, {"INT8": "<i1"}, "slope")
    site.gives(*site.input(0).shape)
    if slopes.size != 1:
        raise UserError(f"it has {slopes.size} slopes: hwgen runs it with one")
    size, zero_point = site.grid(1)
    slope = int(slopes.ravel()[0]) - zero_point
    return layers_of(site, lookups.parametric_relu(x, site.y, slope, size))


def layers_of(site: Site, table: Table) -> list[graph.Layer]:
    """Return the layer of a table."""
    return [graph.Lookup(name=site.name, inputs=(site.x().name,), output=site.y.name, table=table)]
