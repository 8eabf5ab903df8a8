"""The files that tell place and route where the pins are, and how fast the crystal is."""

from collections.abc import Iterator, Sequence

from .pins import Pin

__all__ = ["constraints"]


def constraints(family: str, pins: Sequence[Pin], crystal_mhz: float) -> str:
    """Return the text of a family's constraint file."""
    write = {"ecp5": lpf, "ice40": pcf, "gowin": cst}[family]
    return "".join(f"{line}\n" for line in write(pins, crystal_mhz))


def lpf(pins: Sequence[Pin], crystal_mhz: float) -> Iterator[str]:
    """Yield the lines for an ECP5."""
    for pin in pins:
        yield f'LOCATE COMP "{pin.port}" SITE "{pin.site}";'
        words = "".join(f" {name}={value}" for name, value in pin.attributes.items())
        yield f'IOBUF PORT "{pin.port}"{words};'
    yield f'FREQUENCY PORT "clk" {crystal_mhz:g} MHZ;'


def pcf(pins: Sequence[Pin], crystal_mhz: float) -> Iterator[str]:
    """Yield the lines for an iCE40.

    Its file has words for the pull-up alone: the levels of all pins that are not differential are
    those of their bank's supply, and global buffers are found by the tool.
    """
    for pin in pins:
        pull = " -pullup yes" if pin.attributes.get("PULLUP") else ""
        yield f"set_io{pull} {pin.port} {pin.site}"
    yield f"set_frequency clk {crystal_mhz:g}"


def cst(pins: Sequence[Pin], crystal_mhz: float) -> Iterator[str]:
    """Yield the lines for a Gowin chip; clocks are not among what they can say."""
    for pin in pins:
        yield f'IO_LOC "{pin.port}" {pin.site};'
        words = "".join(f" {name}={value}" for name, value in pin.attributes.items())
        yield f'IO_PORT "{pin.port}"{words};'
