"""Run the benches of units on the Verilog of a Design, and sum up what they gave."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from amaranth.back import rtlil
from amaranth.lib.wiring import Component

from hwgen.arch.boards import closest
from hwgen.arch.design import Design
from hwgen.errors import UserError
from hwgen.generate.conversion import to_verilog
from hwgen.generate.design import accelerator, module, shape, verilog
from hwgen.generate.unit import binary_of
from hwgen.rtl.accelerator.post import Post
from hwgen.rtl.bitserial.array import BitSerial
from hwgen.rtl.dot.bitplane import BitPlane
from hwgen.rtl.dot.fusion import Fusion
from hwgen.rtl.dot.power import EXPONENT, PowerOfTwo
from hwgen.rtl.dot.serial import SerialParallel
from hwgen.rtl.dot.ternary import Ternary
from hwgen.rtl.links.axi_lite import AxiLite
from hwgen.rtl.links.axi_stream import AxiStream
from hwgen.rtl.links.flash import Flash
from hwgen.rtl.links.host import Host
from hwgen.rtl.links.spi import Spi
from hwgen.rtl.links.uart import Uart
from hwgen.rtl.links.wishbone import Wishbone
from hwgen.rtl.primitives.library import Library
from hwgen.text import table

from . import FLASH_ADDRESS, FLASH_BYTES, UART_CYCLES
from .accelerator import units as accelerators
from .cells import models_of_cells
from .links.system import SHIFT
from .runner import BuildError, Result, benches, run
from .sparse import units as sparse

__all__ = ["simulate", "summary", "units"]


SECONDS = 600
"""Wall-clock budget of a bench, also where many run at once."""


def units(wanted: str | None) -> list[str]:
    """Return the units to simulate: the wanted one, or all that have a bench."""
    known = sorted({*benches(), *accelerators.UNITS})
    if wanted is None:
        return known
    if wanted not in known:
        raise UserError(f"there is no bench for a unit {wanted!r}; there are "
                        f"{', '.join(known) or 'none'}{closest(wanted, known)}")
    return [wanted]


def bit_plane(design: Design) -> BitPlane:
    """Return the serial unit that a Design's vectors of bytes would feed: a lane for each bit."""
    return BitPlane(8 * design.rows, family=design.family, depth=8)


def bit_serial(design: Design) -> BitSerial:
    """Return the bit-serial array of a Design's size; a column of it has at least two lanes."""
    return BitSerial(max(design.rows, 2), design.columns, family=design.family)


def serial_parallel(design: Design) -> SerialParallel:
    """Return the serial-parallel unit: a lane for each row, and a Design's weights in parallel."""
    return SerialParallel(design.rows, shape(design.weight), family=design.family, depth=8)


def fusion(design: Design) -> Fusion:
    """Return the fusion unit: a group for each row."""
    return Fusion(design.rows, family=design.family, depth=8)


def ternary(design: Design) -> Ternary:
    """Return the ternary unit: a lane for each row, and a Design's activations."""
    return Ternary(design.rows, shape(design.activation), family=design.family, depth=8)


def power_of_two(design: Design) -> PowerOfTwo:
    """Return the unit of powers of two: weights are a sign and as many bits as it has besides."""
    return PowerOfTwo(design.rows, shape(design.activation), family=design.family, depth=8,
                      exponent_bits=min(design.weight.width - 1, EXPONENT))


SUMS: dict[str, Callable[[Design], Component]] = {
    "bitplane": bit_plane, "bitserial": bit_serial, "fusion": fusion, "power": power_of_two,
    "serial": serial_parallel, "ternary": ternary}
"""Units for few bits, and how a Design makes each."""


BRIDGES: dict[str, Callable[[int], Component]] = {
    "axi_lite": AxiLite, "axi_stream": AxiStream, "wishbone": Wishbone}
"""Between the bus of a system and that of an accelerator."""


def source(unit: str, design: Design) -> tuple[str, str]:
    """Return the top module and the Verilog of a unit: some are the same for every Design."""
    if unit == "uart":
        return unit, to_verilog(rtlil.convert(Uart(UART_CYCLES), name=unit, emit_src=False))
    if unit == "flash":
        return unit, to_verilog(rtlil.convert(Flash(FLASH_ADDRESS, FLASH_BYTES), name=unit,
                                              emit_src=False))
    if unit in BRIDGES:
        return unit, to_verilog(rtlil.convert(BRIDGES[unit](SHIFT), name=unit, emit_src=False))
    if unit == "spi":
        return unit, to_verilog(rtlil.convert(Spi(), name=unit, emit_src=False))
    if unit == "host":
        return unit, to_verilog(rtlil.convert(Host(), name=unit, emit_src=False))
    if unit in SUMS:
        return unit, to_verilog(Library().convert(SUMS[unit](design), unit))
    if unit == "binary":
        made = accelerator(binary_of(design), exposed=True)
        return unit, to_verilog(Library().convert(made, unit))
    if unit == "post":
        post = Post(design.columns, design.lanes or design.columns, design.rounding, design.family,
                    hard=design.hard_lanes)
        return unit, to_verilog(Library().convert(post, unit))
    if unit in sparse.UNITS:
        return unit, sparse.source(unit, sparse.parameters(unit, design))
    if unit in accelerators.UNITS:
        return accelerators.source(unit, design)
    if unit == "systolic":
        design = design.array_alone
    return module(design), verilog(design)


def bench(unit: str) -> str:
    """Return the module of a unit's bench: a whole accelerator has one for all top levels."""
    return f"bench_{accelerators.UNIT if unit in accelerators.UNITS else unit}"


def design_for(unit: str, design: Design) -> Design:
    """Return the Design whose unit is simulated: an array alone is no whole accelerator."""
    return accelerators.design_of(design) if unit in accelerators.UNITS else design


def parameters(unit: str, design: Design) -> dict[str, Any]:
    """Return the parameters of a unit that no Design has."""
    if unit in accelerators.UNITS:
        return {"top": accelerators.UNITS[unit]}
    return dict(sparse.parameters(unit, design))


def simulate(unit: str, design: Design, folder: Path, *, simulator: str, waves: bool,
             seed: int) -> Result:
    """Run the bench of ``unit`` on the Verilog of ``design``.

    The bench finds the Design in the file that ``$DESIGN`` names, and the parameters of a unit that
    no Design has in ``$UNIT``.
    """
    design = design_for(unit, design)
    workdir = folder / unit / design.name
    try:
        workdir.mkdir(parents=True, exist_ok=True)
        (workdir / "design.toml").write_text(design.to_toml())
    except OSError as error:
        raise UserError(f"{workdir} cannot be written: {error.strerror}") from error
    top, text = source(unit, design)
    try:
        result = run(text, bench(unit), workdir, simulator=simulator, waves=waves, seed=seed,
                     top=top, seconds=SECONDS,
                     extra_sources=models_of_cells(text, design.family, workdir),
                     parameters={"DESIGN": (workdir / "design.toml").absolute(),
                                 "UNIT": json.dumps(parameters(unit, design))})
        return replace(result, bench=f"bench_{unit}")
    except BuildError as error:
        log = workdir / "build.log"
        log.write_text(f"{error}\n")
        return Result(f"bench_{unit}", (), f"does not build: {str(error).splitlines()[0]}", 0, 0,
                      False, log, None)


def summary(design: Design, results: Sequence[Result], seed: int) -> str:
    """Return a table of the results, and below it what failed; ``seed`` repeats it."""
    rows = [[result.bench.removeprefix("bench_"),
             f"{sum(test.passed for test in result.tests)}/{len(result.tests)}", result.cycles,
             "cached" if result.cached else f"{result.build_seconds:.1f}",
             f"{result.seconds:.1f}", "ok" if result.passed else "FAILED"] for result in results]
    lines = [f"Design {design.name}, seed {seed}",
             table(["unit", "tests", "cycles", "build s", "run s", "result"], rows)]
    for result in results:
        if result.error:
            lines.append(f"{result.bench}: {result.error}")
        failed = [test for test in result.tests if not test.passed]
        lines += [f"{test.name}: {test.message.splitlines()[0]}" for test in failed]
        if not result.passed:
            lines.append(f"log: {result.log}")
        if result.waves and result.waves.exists():
            lines.append(f"waveform: {result.waves}")
    return "\n".join(lines)
