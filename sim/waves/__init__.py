"""Timing diagrams of the examples in ``rtl_out``: ``python -m sim.waves`` draws them."""
