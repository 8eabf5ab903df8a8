"""Find the Design that suits a network, or several, and a board."""

SEARCHED = ("systolic", "bitserial", "binary")
"""The engines that are searched: those whose cycles do not depend on the input."""
