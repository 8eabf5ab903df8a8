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


MEMORY = {"clk": "clk", "clk_en": "cke", "cs": "cs_n", "ras": "ras_n", "cas": "cas_n", "we": "we_n",
          "a": "a", "ba": "ba", "dqm": "dqm", "dq": "dq"}
"""The same of a memory chip's."""
BUSES = ("a", "ba", "dqm", "dq")
"""Those of several pins."""


def pins_of(board: Board, *, flash: bool = False, memory: bool = False) -> list[Pin]:
    """Return the pins of crystal and serial port, and those of ``flash`` and ``memory`` chip.

    They are resources of the board's platform, but for a serial port that the board's file tells
    of. A :class:`UserError` says what is wrong with that file.
    """
    platform = platform_of(board)
    try:
        if board.serial:
            platform.add_resources([serial_port(board.serial)])
        crystal = platform.request(platform.default_clk, 0, dir="-")
        uart = platform.request(SERIAL if board.serial else "uart", 0, dir="-")
        others = [(kind, names, platform.request(table["resource"], 0, dir="-"))
                  for asked, kind, names, table in ((flash, "flash", FLASH, board.flash),
                                                    (memory, "memory", MEMORY, board.memory))
                  if asked]
    except Exception as error:  # whatever Amaranth finds wrong with it
        hint = "" if board.serial else "; the table [serial] names pins where there is no `uart`"
        raise UserError(f"board {board.name}: its pins are not those of {board.platform}: {error}"
                        f"{hint}") from error
    ports = {"clk": crystal, "rx": uart.rx, "tx": uart.tx}
    widths = dict.fromkeys(ports, 1)
    for kind, names, chip in others:
        for theirs, ours in names.items():
            ports[f"{kind}_{ours}"] = getattr(chip, theirs)
        widths |= {f"{kind}_{ours}": 1 for ours in names.values() if ours not in BUSES}
    found = []
    for name, port in ports.items():
        # The top level turns over itself what the platform would.
        low = name.endswith("_n")
        if len(port) != widths.get(name, len(port)) or not all(turned == low
                                                               for turned in port.invert):
            raise UserError(f"board {board.name}: {name} must be one pin that is "
                            f"{'' if low else 'not '}inverted, not {port!r}")
        pins = (port.p if hasattr(port, "p") else port.io).metadata
        found += [Pin(f"{name}[{index}]" if name not in widths else name, pin.name, dict(pin.attrs))
                  for index, pin in enumerate(pins)]
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
