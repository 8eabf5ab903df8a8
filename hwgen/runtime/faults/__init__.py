"""Fault campaigns: bits of an accelerator are flipped while it runs, to see what comes of that."""
