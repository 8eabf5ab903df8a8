"""Fork the simulation for each mutant of :mod:`sim.mutation.mutants`, before the bench begins.

A cocotb module that comes before that of a bench. In each child the tests of the bench follow, on a
design in which nothing has happened yet: what a mutant leaves in memories is gone with it. The
simulation, Python and the bench are there already, so that a mutant takes what its clock cycles do.
"""

import json
import os
import resource
import signal
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import cocotb
import cocotb.simulator
from cocotb.triggers import Timer

from .mutants import SELECT, Fate

SLOWER, LEAST = 4, 10
"""A mutant is stopped after so many times the processor time of the design without one, and not
before so many seconds: benches end by themselves what lasts too long. ``$SECONDS`` says less."""


@cocotb.test(stage=-1000)
async def each_mutant(dut):
    """Return in every child, with its mutant selected; the parent ends here."""
    select = getattr(dut, SELECT)
    numbers = json.loads(os.environ["MUTANTS"])
    fates = Path(os.environ["FATES"])
    select.value = 0
    await Timer(1, "step")
    children = Children(fates)
    for number in numbers:
        sys.stdout.flush()
        if children.fork(number):
            select.value = number
            await Timer(1, "step")
            return
        if number == 0 and not children.wait().passed:
            break
    while children.running:
        children.wait()
    os._exit(0)


class Children:
    """Those of the simulation: so many at once as ``$JOBS`` says, of which each has a mutant.

    Parameters
    ----------
    fates : Path
        The file that gets what became of each.
    """

    def __init__(self, fates):
        self.fates = fates
        self.jobs = int(os.environ.get("JOBS", "1"))
        self.limit = 0
        self.running = {}

    def fork(self, number):
        """Return whether this is the child, when there is room for another one."""
        while len(self.running) >= self.jobs:
            self.wait()
        results = self.fates.with_name(f"results_of_mutant_{number}.xml")
        results.unlink(missing_ok=True)
        child = os.fork()
        if child == 0:
            become(number, results, self.limit)
            return True
        self.running[child] = number, results
        return False

    def wait(self):
        """Wait for a child; return what became of it, which is noted."""
        child, status, usage = os.wait4(-1, 0)
        number, results = self.running.pop(child)
        fate = fate_of(number, results, status, usage.ru_utime + usage.ru_stime)
        results.unlink(missing_ok=True)
        self.limit = self.limit or int(os.environ["SECONDS"]) \
            or round(max(LEAST, SLOWER * fate.seconds))
        with self.fates.open("a") as file:
            file.write(json.dumps(vars(fate)) + "\n")
        return fate


def become(number, results, limit):
    """Let a child write results of its own, and nothing else, unless it is without a mutant."""
    os.environ["COCOTB_RESULTS_FILE"] = str(results)
    # Called when the results are there: what a simulator does at its end is not made for a child.
    cocotb.simulator.stop_simulator = lambda: os._exit(0)
    if limit:
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
    if number:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)


def fate_of(number, results, status, seconds):
    """Return what became of a child."""
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL):
        return Fate(number, False, message="did not end", hung=True, seconds=seconds)
    if not results.exists():  # such as combinational loops that do not settle
        return Fate(number, False, message="the simulator gave up", seconds=seconds)
    for case in ElementTree.parse(results).iter("testcase"):
        wrong = case.find("failure")
        wrong = case.find("error") if wrong is None else wrong
        if wrong is not None:
            message = (wrong.get("message") or wrong.text or "").strip().splitlines()
            return Fate(number, False, case.get("name", ""), message[0][:200] if message else "",
                        seconds=seconds)
    return Fate(number, True, seconds=seconds)
