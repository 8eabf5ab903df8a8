"""Benches: what drives the Verilog of each unit, and what builds and runs them.

``bench_x.py`` is the bench of unit x: a module of cocotb tests that reads what it needs from the
environment. :mod:`sim.runner` builds the Verilog, runs a bench on it and tells what came out.
"""

__all__ = ["PERIOD_NS"]

PERIOD_NS = 10
"""Clock period of every bench, in nanoseconds; turns simulated time into cycles."""
