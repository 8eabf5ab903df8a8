"""The checks of the bench of whole accelerators on a compiled simulation, without cocotb.

There the clock runs ten times as fast. What is left to the bench are ports where somebody waits,
resets in the middle of a run, and other top levels. What takes too long there is seen here alone.
"""

import numpy as np

from hwgen.arch.address_map import BusWindow
from hwgen.rtl.tops.catalogue import STREAM
from hwgen.runtime.accelerator import RemoteAccelerator
from hwgen.runtime.simulation import SimulatorKilled

from . import counting, host_view, runs, stops
from .dut import Bench
from .hosts import TIMEOUT

__all__ = ["CHECKS", "INSIDE", "first_failure"]

CHECKS = {
    "steps": (runs.steps, 80), "networks": (runs.networks, 3), "sums": (runs.sums, 12),
    "registers": (host_view.registers,), "memories": (host_view.memories,),
    "refusals": (host_view.refusals,), "turns": (host_view.turns,),
    "frames": (host_view.frames, 200), "errors": (stops.errors,), "stop": (stops.stop,),
    "watchdog": (stops.watchdog,), "long_steps": (runs.long_steps,), "ends": (stops.ends,)}
"""What is checked, and its arguments; what takes long comes last."""
INSIDE = {"counting": (counting.counting,)}
"""What needs more than ports: a link whose registers can be changed, as the bench has none."""
NOT_BINARY = {"sums", "long_steps"}
"""Checks of what the engine ``binary`` does not have."""


def first_failure(open_link, design, seed, checks=None):
    """Return the first check that fails, and how; two empty texts if none does.

    Parameters
    ----------
    open_link : function
        Returns the link to an accelerator behind a reset; one in which bits can be flipped, for
        checks from :data:`INSIDE`.
    design : Design
        Of the accelerator; ``$DESIGN`` has to name its file for ``frames``.
    seed : int
        Of the random data.
    checks : list of str, optional
        The checks; by default all.
    """
    every = CHECKS | INSIDE
    for name in checks or every:
        what, *arguments = every[name]
        if design.engine == "binary" and name in NOT_BINARY:
            continue
        with open_link() as link:
            try:
                bench = Bench(lambda link=link: RemoteAccelerator(
                    link, timeout=TIMEOUT, attempts=1), design,
                    BusWindow.of(design, streams=STREAM.streams), np.random.default_rng(seed))
                what(bench, *arguments)
            except SimulatorKilled:  # which says nothing of the accelerator
                raise
            except Exception as error:  # whatever a defect leads to
                return name, f"{type(error).__name__}: {error}"
    return "", ""
