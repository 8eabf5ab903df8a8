"""Benches: what drives the Verilog of each unit, and what builds and runs them.

``bench_x.py`` is the bench of unit x: a module of cocotb tests that finds its Design in the TOML
file that ``$DESIGN`` names. :mod:`sim.runner` builds Verilog, runs a bench on it and tells what
came out; :mod:`sim.regression` does so for the units of a Design, as ``hwgen sim``.

A bench starts its clock low, ``Clock(dut.clk, PERIOD_NS, unit="ns", impl="gpi").start(
start_high=False)``: an edge at time 0 would come before the first values are at the ports, which
Verilator forgives and Icarus does not.
"""

__all__ = ["FLASH_ADDRESS", "FLASH_BYTES", "PERIOD_NS", "UART_CYCLES", "WINDOW_SHIFT"]

PERIOD_NS = 10
"""Clock period of every bench, in nanoseconds; turns simulated time into cycles."""

UART_CYCLES = 12
"""Cycles of a bit on a wire: 1 Mbaud on a board with 12 MHz."""

FLASH_ADDRESS, FLASH_BYTES = 0x0123, 45
"""What is read of a flash memory."""

WINDOW_SHIFT = 7
"""Of a window in benches: spaces of 128 bytes."""
