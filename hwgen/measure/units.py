# amaranth: UnusedElaboratable=no
"""Units that are measured by themselves, each of a few parameters, and not as part of a Design."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

from amaranth.lib import wiring

from ..errors import UserError
from ..generate.units import UNITS as ALONE
from ..rtl.binary.array import BinaryArray

__all__ = ["UNITS", "MeasuredUnit"]


UNITS: dict[str, Callable[..., wiring.Component]] = {"binary": BinaryArray} | {
    name: partial(kind.make, **{each: parameter.default
                                for each, parameter in kind.parameters.items()})
    for name, kind in ALONE.items()}
"""Those that can be had alone, by their names, and the array of the engine ``binary``."""


@dataclass(frozen=True)
class MeasuredUnit:
    """A unit on a chip.

    Parameters
    ----------
    unit : str
        A key of :data:`UNITS`.
    device : str
    options : tuple of (str, object)
        What it is made with.
    """

    unit: str
    device: str
    options: tuple[tuple[str, Any], ...]

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        """Make a unit of the fields of a table."""
        rest = dict(fields)
        unit, device = rest.pop("unit", None), rest.pop("device", None)
        if unit not in UNITS:
            raise UserError(f"unit must be one of {', '.join(sorted(UNITS))}, not {unit!r}")
        inspect.signature(UNITS[unit]).bind(**rest)  # names that it does not know are a TypeError
        return cls(unit, str(device), tuple(rest.items()))

    @property
    def name(self) -> str:
        """A name that says everything."""
        options = [f"{key.replace('_', '-')}{'' if value is True else value}"
                   for key, value in self.options]
        return "_".join([self.unit, *options, self.device.lower()])

    def component(self) -> wiring.Component:
        """Return the component; a :class:`UserError` says what is wrong with its parameters."""
        try:
            return UNITS[self.unit](**dict(self.options))
        except (TypeError, ValueError) as error:
            raise UserError(f"{self.name}: {error}") from error
