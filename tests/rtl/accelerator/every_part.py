"""Designs with as many parts as go together: one simulator for the quick tests of them all."""

from ...compiler_bench import design

__all__ = ["COMPACT", "FAST"]

FAST = design(5, 7, lanes=3, tables=3, kept_vectors=200, softmax=True, matmul=True, lstm=23,
              products=True)
COMPACT = design(4, 5, 1, lanes=1, compact=True, tables=2, softmax=True, products=True)
