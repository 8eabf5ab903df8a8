"""Networks as SCALE-Sim has them, and its cycles beside ours."""
