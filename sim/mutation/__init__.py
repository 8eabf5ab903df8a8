"""Mutants of the Verilog: which of them the benches notice."""
