"""The pins of a board's top level, as amaranth-boards has them."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..arch.boards import Board
from ..errors import UserError
from ..tools.find import package_version, pip_command

__all__ = ["Pin", "pins_of"]


SERIAL = "serial_port"
"""Name of the resource that a board's file tells of."""


@dataclass(frozen=True)
class Pin:
    """A port of the top level, and where it is.

    Members
    -------
    port : str
    site : str
        What the chip's maker calls the pin.
    attributes : Mapping
        How it is driven, in the words of the chip's tools.
    """

    port: str
    site: str
    attributes: Mapping[str, Any]


FLASH = {"cs": "select_n", "clk": "clock", "copi": "command", "cipo": "answer", "wp": "protect_n",
         "hold": "hold_n"}
"""The pins of a flash memory's resource, and what its ports are called here."""


def pins_of(board: Board, *, flash: bool = False) -> list[Pin]:
    """Return the pins of crystal and serial port, and with ``flash`` those of that memory.

    They are resources of the board's platform, but for a serial port that the board's file tells
    of. A :class:`UserError` says what is wrong with that file.
    """
    platform = platform_of(board)
    try:
        if board.serial:
            platform.add_resources([serial_port(board.serial)])
        crystal = platform.request(platform.default_clk, 0, dir="-")
        uart = platform.request(SERIAL if board.serial else "uart", 0, dir="-")
        memory = platform.request(board.flash["resource"], 0, dir="-") if flash else None
    except Exception as error:  # whatever Amaranth finds wrong with it
        hint = "" if board.serial else "; the table [serial] names pins where there is no `uart`"
        raise UserError(f"board {board.name}: its pins are not those of {board.platform}: {error}"
                        f"{hint}") from error
    ports = {"clk": crystal, "rx": uart.rx, "tx": uart.tx}
    low = set()  # those that the platform would invert, and the top level does itself
    for theirs, ours in FLASH.items() if memory is not None else ():
        ports[f"flash_{ours}"] = getattr(memory, theirs)
        low |= {f"flash_{ours}"} if ours.endswith("_n") else set()
    found = []
    for name, port in ports.items():
        if len(port) != 1 or any(port.invert) != (name in low):
            raise UserError(f"board {board.name}: {name} must be one pin that is "
                            f"{'' if name in low else 'not '}inverted, not {port!r}")
        pin, = (port.p if hasattr(port, "p") else port.io).metadata
        found.append(Pin(name, pin.name, dict(pin.attrs)))
    return found


def platform_of(board: Board) -> Any:
    """Return the board's platform."""
    if package_version("amaranth-boards") is None:
        raise UserError(
            f"amaranth-boards is not installed; `{pip_command('toolchain')}` brings it")
    module, _, name = board.platform.partition(":")
    try:
        return getattr(importlib.import_module(module), name)()
    except (ImportError, AttributeError) as error:
        raise UserError(f"board {board.name}: platform must be a class that can be imported, not "
                        f"{board.platform!r}: {error}") from error


def serial_port(table: Mapping[str, Any]) -> Any:
    """Return the resource that a board's file tells of."""
    from amaranth.build import Attrs
    from amaranth_boards.resources import UARTResource

    connector = (table["connector"], 0) if "connector" in table else None
    return UARTResource(SERIAL, 0, rx=table["rx"], tx=table["tx"], conn=connector,
                        attrs=Attrs(**table.get("attributes", {})))
