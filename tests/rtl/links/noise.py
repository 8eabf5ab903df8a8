"""Inferences by the thousand over a noisy serial line; hosts stay, are killed, or take turns.

``python -m tests.rtl.links.noise`` runs them, 20,000 of each kind, and writes what came of them to
``docs/results/noise.json`` and ``noise.md``; what is there already is not run again.
"""

import argparse
import json
import random
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hwgen.arch.design import Design
from hwgen.compiler import compile_network
from hwgen.generate.design import module, verilog
from hwgen.golden.network.network import run as golden
from hwgen.network import graph
from hwgen.report.docs_tables.marks import write_between_marks
from hwgen.rtl.tops.catalogue import uart
from hwgen.runtime.accelerator import AcceleratorError, RemoteAccelerator
from hwgen.runtime.client import NoMemory
from hwgen.runtime.inference import load, run
from hwgen.runtime.link import Link
from sim.boards.serial_line import Noise
from sim.boards.wire import SerialWire

from ...compiler_bench import Builder, inputs_of

RESULTS = Path(__file__).parents[3] / "docs" / "results"
DIVISOR = 4
TIMEOUT = 2000
"""Cycles: fifty bytes. Delays are up to 3,000, so some replies come to a host that has gone on."""

RATES = {"1e-3": 1000, "1e-4": 100, "1e-5": 10}
"""Of a million bits, how many are turned round."""

BYTES = 1000
"""Of a million bytes, how many are lost, how many doubled, how many delayed."""

WANTED = {"1e-3": 0.9, "1e-4": 0.999, "1e-5": 0.999}
"""The part of inferences that must succeed; none may be wrong."""

MARKS = "<!-- table: python -m tests.rtl.links.noise -->", "<!-- end -->"

HOSTS = {
    "one": "one host runs all",
    "killed": "in one inference of ten the host is killed at any moment, and started again",
    "turns": "two hosts with a network each take turns, of five inferences or so",
}
INPUTS = 50
KILLED = 0.1
CHANGES = 0.2
MOST_BYTES = 2000
"""A host is killed before it has sent so many."""

DESIGN = Design(compact=True, rows=4, columns=2, lanes=1, steps=0, activation_memory=48,
                program_memory=512, partial_sums=16)


class Killed(Exception):
    """The host is no more."""


class Mortal(Link):
    """A link whose host is killed once it has sent so many bytes, in the middle of a request."""

    def __init__(self, inner):
        self.inner, self.name, self.ahead = inner, inner.name, inner.ahead
        self.left = None

    def write(self, data):
        if self.left is not None and len(data) >= self.left:
            self.inner.write(data[:self.left])
            raise Killed
        self.inner.write(data)
        if self.left is not None:
            self.left -= len(data)

    def read(self, count, timeout):
        return self.inner.read(count, timeout)

    def wait(self, cycles):
        self.inner.wait(cycles)

    def close(self):
        self.inner.close()


@dataclass
class Job:
    """A network, its Program, and what is expected of it."""

    network: graph.Network
    program: object
    inputs: list
    expected: list

    @classmethod
    def of(cls, channels):
        """Return a network of two layers whose outputs lie where their inputs lay."""
        build = Builder(channels, 2, 3, 4)
        build.convolution(channels, graph.Window((1, 1)))
        build.convolution(4, graph.Window((2, 2)))
        network = build.network()
        inputs = [inputs_of(network, seed) for seed in range(INPUTS)]
        program = compile_network(network, DESIGN, inputs[0])
        return cls(network, program, inputs, [golden(network, x) for x in inputs])


class Host:
    """A program that runs inferences of one network."""

    def __init__(self, link, job, *, attempts):
        self.job = job
        self.accelerator = RemoteAccelerator(link, timeout=TIMEOUT, attempts=attempts)
        self.accelerator.identify(DESIGN.fingerprint)
        load(self.accelerator, job.program)

    def infer(self, index):
        """Run one, and return whether it is right."""
        job = self.job
        found = run(self.accelerator, job.program, job.network, job.inputs[index])
        return all(np.array_equal(job.expected[index][name], value)
                   for name, value in found.outputs.items())


def campaign(hosts, rate, count, *, seed=1, attempts=16):
    """Run ``count`` inferences, and return how often what came of them."""
    rng = random.Random(f"{hosts} {rate} {seed}")
    jobs = [Job.of(5), Job.of(3)]
    noise = Noise(RATES[rate], BYTES, BYTES, BYTES, seed)
    top = uart(DIVISOR)
    seen = Counter()
    with SerialWire(verilog(DESIGN, top), top=module(DESIGN, top), divisor=DIVISOR,
                    noise=noise) as wire:
        link = Mortal(wire)
        running, number = {}, 0
        for _ in range(count):
            if hosts == "turns" and rng.random() < CHANGES:
                number = 1 - number
            if hosts == "killed" and rng.random() < KILLED:
                link.left = rng.randrange(MOST_BYTES)
            try:
                if number not in running:
                    running[number] = Host(link, jobs[number], attempts=attempts)
                seen["right" if running[number].infer(rng.randrange(INPUTS)) else "wrong"] += 1
            except Killed:
                seen["killed"] += 1
            except (ValueError, RuntimeError, TimeoutError, AcceleratorError, NoMemory) as error:
                seen[f"error: {type(error).__name__}"] += 1
            if link.left is not None:  # killed, in the middle of something or behind it
                link.left = None
                seen["retries"] += retries(running.pop(number, None))
        seen["retries"] += sum(map(retries, running.values()))
        return {"hosts": hosts, "rate": rate, "inferences": count,
                "right": seen["right"], "wrong": seen["wrong"], "killed": seen["killed"],
                "errors": {name: number for name, number in sorted(seen.items())
                           if name.startswith("error")},
                "retries": seen["retries"], "cycles": wire.cycles}


def retries(host):
    """Return how often a host had to send again."""
    return host.accelerator.client.retries if host else 0


def good_enough(result):
    """Return whether nothing was wrong, and as much succeeded as must."""
    meant = result["inferences"] - result["killed"]
    return not result["wrong"] and result["right"] >= WANTED[result["rate"]] * meant


def table(results):
    """Return the results for people."""
    lines = ["| hosts | bit errors | inferences | right | wrong | error | killed | repeated |",
             "|---|---|---|---|---|---|---|---|"]
    for result in results:
        lines.append("| " + " | ".join([
            HOSTS[result["hosts"]], result["rate"],
            *(f"{number:,}" for number in (
                result["inferences"], result["right"], result["wrong"],
                sum(result["errors"].values()), result["killed"], result["retries"]))]) + " |")
    return "\n".join(lines)


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--count", type=int, default=20_000)
    options.add_argument("--hosts", nargs="+", choices=HOSTS, default=list(HOSTS))
    options.add_argument("--rates", nargs="+", choices=RATES, default=list(RATES))
    chosen = options.parse_args()
    path = RESULTS / "noise.json"
    results = json.loads(path.read_text()) if path.exists() else []
    for hosts in chosen.hosts:
        for rate in chosen.rates:
            if any((found["hosts"], found["rate"]) == (hosts, rate)
                   and found["inferences"] >= chosen.count for found in results):
                continue
            results = [found for found in results
                       if (found["hosts"], found["rate"]) != (hosts, rate)]
            results.append(campaign(hosts, rate, chosen.count))
            print(results[-1], flush=True)
            path.write_text(json.dumps(results, indent=1) + "\n")
    write_between_marks(RESULTS / "noise.md", MARKS, table(results) + "\n")
    raise SystemExit(not all(map(good_enough, results)))


if __name__ == "__main__":
    main()
