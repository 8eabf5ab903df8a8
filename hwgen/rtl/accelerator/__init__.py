"""The accelerator, its parts, and what attaches an engine to it."""
