"""The systolic array, its cells, and its stream around it."""
