"""Build a Design for a board at the highest clock that it meets there."""

import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any

from amaranth.hdl import Const

from ..arch.boards import HOST_MHZ, TWO_CLOCKS, Board
from ..arch.design import Design
from ..arch.external import External
from ..errors import UserError
from ..measure.place_and_route import CONSTRAINTS, Flow, GivenUp
from ..rtl.links.uart import bit_cycles
from ..rtl.primitives.pads import BOTH_WAYS
from ..rtl.primitives.plls import ClockSetting, settings
from ..tools.find import side_by_side, stop
from .attempt import BITSTREAMS, Attempt, draw, pack, place, source, tools
from .clock import check_suits, chip_clock
from .constraints import constraints
from .embedded import FRAMES, NOTHING, Embedded
from .pins import pins_of
from .reclock import contents, reclock
from .record import Record

__all__ = ["PICTURE", "build", "check", "clocks"]

PICTURE = "placement.svg"
"""Name of the file that shows where everything lies."""
WISH = 200
"""MHz to begin with where nobody says: more than an accelerator reaches on these chips."""


def clocks(board: Board, baud: int) -> list[ClockSetting]:
    """Return the clocks of a board of which a bit is a whole number of cycles, the slowest first.

    A :class:`UserError` says which baud rate would do where there is none.
    """
    found = []
    for setting in settings(board.pll, board.clock_mhz):
        try:
            bit_cycles(float(setting.mhz), baud)
        except UserError:
            continue
        found.append(setting)
    if not found:
        bit_cycles(float(settings(board.pll, board.clock_mhz)[-1].mhz), baud)
    return found


def host_clock(board: Board, baud: int) -> ClockSetting:
    """Return the clock of a host's side that has its own: the crystal's, if that will do.

    Else, as it is too fast, or no multiple of the baud rate, that of a PLL which is nearest to one.
    """
    def demerits(setting: ClockSetting) -> tuple[Any, ...]:
        error = setting.mhz * 1_000_000 / baud / bit_cycles(float(setting.mhz), baud) - 1
        return setting.mhz > HOST_MHZ, bool(setting.cell), abs(error), setting.mhz
    return min(clocks(board, baud), key=demerits)


def fastest(known: Sequence[ClockSetting], mhz: float) -> ClockSetting:
    """Return the fastest clock that is no faster than ``mhz``."""
    below = [setting for setting in known if setting.mhz <= mhz]
    if not below:
        raise UserError(f"the clock must be at least {float(known[0].mhz):.4g} MHz, the slowest of "
                        f"the board at this baud rate, and {mhz:.4g} MHz is what was asked for or "
                        "what the Design reaches")
    return below[-1]


class BitstreamBuilder:
    """The way to a bitstream.

    Parameters
    ----------
    design, board, baud, insist, embedded
        See :func:`build`.
    folder : Path
        For the tools' files.
    say : function
        Told what happens.
    """

    def __init__(self, design: Design, board: Board, baud: int, insist: bool, embedded: Embedded,
                 folder: Path, say: Callable[[str], Any]) -> None:
        self.design = design
        self.board = board
        self.baud = baud
        self.insist = insist
        self.embedded = embedded
        self.folder = folder
        self.say = say
        self.host = host_clock(board, baud) if design.family in TWO_CLOCKS else None
        self.host_mhz = float(self.host.mhz) if self.host else 0.0
        self.known = settings(board.pll, board.clock_mhz) if self.host else clocks(board, baud)
        pins = pins_of(board, flash=bool(embedded.frames), memory=bool(design.external))
        self.flow = Flow.of(board, constraints(board.family, pins, board.clock_mhz))
        self.attempts: list[Attempt] = []
        self.seconds: dict[str, float] = {}

    def source(self, setting: ClockSetting, most: int) -> str:
        """Generate the Verilog for a clock, where a bit may be changed to take up to ``most``."""
        return source(self.design, self.board, setting, self.divisor(setting), most,
                      self.embedded, self.host)

    def divisor(self, setting: ClockSetting) -> int:
        """Return the cycles of a bit."""
        return bit_cycles(float((self.host or setting).mhz), self.baud)

    def most(self, mhz: float) -> int:
        """Return the most cycles of a bit in what is placed for a clock; 0: they do not change."""
        return 0 if self.host else bit_cycles(mhz, self.baud)

    def at(self, setting: ClockSetting, seeds: Sequence[int]) -> Attempt:
        """Build for one clock, with all seeds side by side.

        Return the placement by the first seed that meets the clock, or else the fastest: what is
        chosen is the same as if they were placed one after the other.
        """
        mhz = float(setting.mhz)
        name = f"{mhz:.4g}"
        self.say(f"{name} MHz: synthesis")
        started = time.monotonic()
        verilog = self.source(setting, self.most(mhz))
        self.seconds[f"generate-{name}"] = time.monotonic() - started
        log = f"yosys-{name}"
        self.seconds[log] = self.flow.synthesise(verilog, self.folder, log)
        log = f"fit-{name}"
        self.seconds[log], too_much = self.flow.pack(self.folder, log)
        if too_much:
            raise UserError(f"the Design does not fit {self.board.title}: {too_much}; a smaller "
                            "one may")
        self.say(f"{name} MHz: place and route, seeds {' '.join(map(str, seeds))}")
        tried = []
        with side_by_side() as pool:
            placing = {f"nextpnr-{name}-{seed}": pool.submit(
                place, self.flow, self.folder, f"nextpnr-{name}-{seed}", mhz=mhz, seed=seed,
                insist=self.insist) for seed in dict.fromkeys(seeds)}
            for log, placed in placing.items():
                try:
                    attempt, self.seconds[log] = placed.result()
                except GivenUp:
                    self.say(f"{name} MHz: seed {log.rpartition('-')[2]} will not meet it")
                    continue
                tried.append(attempt)
                if attempt.meets_clock:
                    stop(pool)
                    break
        if not tried:
            raise UserError(f"no placement by --seeds {' '.join(map(str, seeds))} comes near "
                            f"{name} MHz: a lower --clock may be met, or other seeds")
        self.attempts += tried
        return max(tried, key=lambda attempt: attempt.figures.fmax_mhz)

    def fastest(self, wish_mhz: float, seeds: Sequence[int]) -> tuple[ClockSetting, Attempt, str]:
        """Build for the wish; if that is not met, give the best placement the clock that it meets.

        Return the clock, the placement, and the name of the files for the packer.
        """
        setting = fastest(self.known, wish_mhz)
        if chip := self.design.chip:
            return self.at_clock_of(chip, setting, seeds)
        while True:
            best = self.at(setting, seeds)
            if best.meets_clock:
                return setting, best, best.log
            placed_for, setting = setting, fastest(self.known, best.figures.fmax_mhz)
            if setting.cell == placed_for.cell:
                return setting, best, self.reclock(best, setting)
            # It was the crystal's own clock, without the PLL that a slower one needs.

    def at_clock_of(self, chip: External, setting: ClockSetting, seeds: Sequence[int],
                    ) -> tuple[ClockSetting, Attempt, str]:
        """Build for the clock of a memory chip, which is refreshed by its cycles, or for none."""
        if setting.mhz != Fraction(str(chip.clock_mhz)):
            can_be_said = [known.mhz for known in self.known if known.mhz <= setting.mhz
                           and Fraction(f"{float(known.mhz):g}") == known.mhz]
            raise UserError(f"external must have a clock that {self.board.name} makes of its "
                            f"crystal's, such as {chip.chip}@{float(can_be_said[-1]):g}, not "
                            f"{chip.clock_mhz:g} MHz")
        best = self.at(setting, seeds)
        if not best.meets_clock:
            met = f"{best.figures.fmax_mhz:.2f} MHz"
            raise UserError(f"external is for {chip.clock_mhz:g} MHz, and {met} are met: other "
                            "--seeds may do, or a slower clock after the @")
        return setting, best, best.log

    def reclock(self, best: Attempt, setting: ClockSetting) -> str:
        """Give a placement another clock, write the Verilog of that, and return its files' name."""
        log = f"reclock-{float(setting.mhz):.4g}"
        self.say(f"{float(setting.mhz):.4g} MHz: the same placement")
        most = self.most(best.mhz)  # as it was placed
        wanted = contents(self.board.family, setting, self.divisor(setting), most)
        with side_by_side() as pool:
            verilog = pool.submit(self.source, setting, most)
            self.seconds[log] = reclock(self.board, self.folder, best.log, log, wanted)
            (self.folder / "top.v").write_text(verilog.result())
        return log


def build(design: Design, board: Board, folder: Path, *, clock_mhz: float | None = None,
          seeds: Sequence[int] = (1, 2, 3), baud: int = 1_000_000, insist: bool = False,
          network: dict[str, Any] | None = None, embedded: Embedded = NOTHING,
          say: Callable[[str], Any] = lambda _: None) -> Record:
    """Build a bitstream into ``folder``, with its record, its sources and the log of its routing.

    Parameters
    ----------
    design : Design
    board : Board
    folder : Path
        Is there.
    clock_mhz : float, optional
        A clock that is enough; without, the highest that is met.
    seeds : sequence of int
        Of the placer; they run side by side, and the first in order that meets the clock counts.
    baud : int
        Bits a second of the serial port.
    insist : bool
        Whether the router goes on until the clock is reached: only for ECP5, and only with a clock
        that is within reach.
    network : dict, optional
        What the record shall say of the network.
    embedded : Embedded
        What the board shall have when it wakes up.
    say : function
        Told what happens.
    """
    clock_mhz = check(design, board, clock_mhz, insist)
    versions = tools(board)
    with tempfile.TemporaryDirectory(dir=folder, prefix="work-") as scratch:
        work = Path(scratch)
        builder = BitstreamBuilder(design, board, baud, insist, embedded, work, say)
        setting, best, log = builder.fastest(clock_mhz or WISH, seeds)
        say("bitstream")
        builder.seconds["pack"] = pack(board, work, log, awake=bool(embedded.frames))
        bitstream = BITSTREAMS[board.family]
        record = Record(
            board=board.name, design=design, clock_mhz=float(setting.mhz), baud=baud,
            bit_cycles=builder.divisor(setting), host_mhz=builder.host_mhz, bitstream=bitstream,
            frames=FRAMES if embedded.frames else "", pll=plain_setting(setting),
            used={name: value for name, value in asdict(best.figures).items()
                  if name not in ("fmax_mhz", "path", "utilization")},
            utilization=best.figures.utilization,
            fmax_mhz=round(best.figures.fmax_mhz, 2), path=best.figures.path,
            attempts=[{"clock_mhz": attempt.mhz, "seed": attempt.seed,
                       "fmax_mhz": round(attempt.figures.fmax_mhz, 2)}
                      for attempt in builder.attempts],
            seconds={name: round(value, 1) for name, value in builder.seconds.items()},
            tools=versions, network=network)
        for name in ("top.v", CONSTRAINTS[board.family], bitstream):
            shutil.copyfile(work / name, folder / name)
        shutil.copyfile(work / f"{best.log}.log", folder / "nextpnr.log")
        title = f"{board.title}: {design.name}, placed for {best.mhz:.4g} MHz, seed {best.seed}"
        (folder / PICTURE).write_text(draw(board, work, best.log, title), encoding="utf-8")
    if embedded.frames:
        (folder / FRAMES).write_bytes(embedded.frames)
    (folder / "design.toml").write_text(design.to_toml(), encoding="utf-8")
    record.write(folder)
    return record


def check(design: Design, board: Board, clock_mhz: float | None, insist: bool) -> float | None:
    """Refuse what cannot be built, before anything is; return the clock that is asked for."""
    if not design.activation_memory:
        raise UserError("activation_memory must not be 0: an array alone has no host, and the "
                        f"Design {design.name} is one; that of ulx3s-85f has an accelerator")
    check_suits(design, board)
    if design.chip:
        check_memory(design.chip, board)
        clock_mhz = chip_clock(design.chip, clock_mhz).mhz
    if insist and (board.family != "ecp5" or clock_mhz is None):
        raise UserError("--insist needs a --clock that is within reach, and an ECP5: there the "
                        "router goes on until it is met")
    return clock_mhz


def check_memory(chip: External, board: Board) -> None:
    """Refuse a memory chip that is not the board's."""
    there = board.memory.get("chip")
    if there is None:
        raise UserError(f"external must be left out on {board.name}, whose file tells of no memory "
                        f"chip, not {chip.chip!r}")
    if there != chip.chip:
        raise UserError(f"external must be {there}, the memory chip of {board.name}, not "
                        f"{chip.chip!r}")
    if board.family not in BOTH_WAYS:
        raise UserError(f"external needs pads of an {' or '.join(BOTH_WAYS)}; {board.name} is of "
                        f"family {board.family}")


def plain_setting(setting: ClockSetting) -> dict[str, Any]:
    """Return a setting as plain data."""
    return {"cell": setting.cell, **{
        name: value.value if isinstance(value, Const) else value
        for name, value in setting.parameters.items()}}
