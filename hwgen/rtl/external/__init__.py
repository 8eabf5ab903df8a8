"""Memory outside of the chip."""
