"""The engine for sparse weights: decoder, non-zero detection, lanes."""
