"""Which rate a board at a serial port speaks."""

from collections.abc import Callable
from typing import Any

from .client import Client, Silence
from .serial_port import SerialLink

__all__ = ["RATES", "settle"]

RATES = (1_000_000, 115_200, 2_000_000, 3_000_000, 500_000, 921_600, 460_800, 230_400, 1_500_000)
"""Rates that are looked for, besides the one that was said."""


def settle(link: SerialLink, say: Callable[[str], Any] = lambda _: None) -> None:
    """Leave a link at the rate at which a board answers; it is closed where none does.

    At another rate than its own a board gets noise, and says nothing: no reply has the CRC of one.
    So the first good reply, whatever it says, tells the rate.

    Parameters
    ----------
    link : SerialLink
        At the rate that was said.
    say : function
        Told of another one.
    """
    said = link.baud
    for rate in (said, *(rate for rate in RATES if rate != said)):
        try:
            link.baud = rate
            Client(link, attempts=4 if rate == said else 2).read(0, 4)
        except (Silence, ValueError, OSError):  # the last two: the port has no such rate
            continue
        except BaseException:
            link.close()
            raise
        if rate != said:
            say(f"the board answers at {rate} baud, not at {said}")
        return
    link.close()
    others = ", ".join(str(rate) for rate in sorted(RATES) if rate != said)
    raise Silence(f"{link.name} does not answer, neither at {said} baud nor at {others}; is it "
                  "powered, connected, and loaded with an accelerator of hwgen?")
