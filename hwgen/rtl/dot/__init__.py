"""Dot-product units for few bits, each with an arithmetic of its own."""
