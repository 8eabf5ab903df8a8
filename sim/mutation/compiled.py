"""A first look at mutants of a whole accelerator: the checks of its bench, compiled.

See :mod:`sim.accelerator.compiled`. Most mutants are noticed in less than a second, where the bench
takes ten.
"""

import os
import resource
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any

from hwgen.arch.design import Design
from hwgen.runtime.faults.simulator import FaultLink

from ..accelerator.compiled import first_failure
from .mutants import SELECT, Fate, Netlist

__all__ = ["MutatedLink", "survey"]

SEED = 1
"""Of the random data."""
CYCLES = 4_000_000
"""Of a check, at most: ten times what the longest one takes."""
SELECTING = f"""#include "Vtop.h"
#include <cstdlib>

// The design with one mutant from its first cycle on.
struct Mutated : Vtop {{
    explicit Mutated(VerilatedContext* context) : Vtop(context) {{
        {SELECT} = atoi(getenv("{SELECT.upper()}"));
    }}
}};
#define Vtop Mutated
"""


class Endless(BaseException):
    """A check does not end."""


class MutatedLink(FaultLink):
    """A link to a netlist with mutants, of which it has one; 0 is none."""

    def __init__(self, netlist: Netlist, number: int) -> None:
        os.environ[SELECT.upper()] = str(number)
        super().__init__(netlist.verilog, top=netlist.top, before=SELECTING)

    def _request(self, cycles: int, data: bytes, want: int) -> bytes:
        if self.cycles > CYCLES:
            raise Endless
        return super()._request(cycles, data, want)


def survey(netlist: Netlist, design: Design, *, parameters: Mapping[str, object],
           numbers: Sequence[int], jobs: int = 1) -> Iterator[Fate]:
    """Try mutants; yield what became of each, in their order, as soon as it is known.

    Parameters
    ----------
    netlist : Netlist
        Of an accelerator whose ports are streams of bytes.
    design : Design
        Of that accelerator.
    parameters : mapping
        Variables of the environment that the checks need.
    numbers : sequence of int
        The mutants.
    jobs : int
        How many of them to run at once.
    """
    os.environ |= {name: str(value) for name, value in parameters.items()}
    look = partial(fate_of, netlist, design)
    without = look(0)
    if not without.passed:
        raise RuntimeError(f"{netlist.top} fails without any mutant: {without.test}: "
                           f"{without.message}")
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(look, numbers)


def fate_of(netlist: Netlist, design: Design, number: int) -> Fate:
    """Return what becomes of a mutant."""
    started = time.process_time() + children()
    test = message = ""
    fate: dict[str, Any] = {}
    try:
        test, message = first_failure(lambda: MutatedLink(netlist, number), design, SEED)
    except Endless:
        fate = {"hung": True}
    return Fate(number, not (test or fate), f"{test} (compiled)" if test else "", message[:200],
                seconds=time.process_time() + children() - started, **fate)


def children() -> float:
    """Return the processor time of processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
