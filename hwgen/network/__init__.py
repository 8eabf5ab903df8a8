"""Quantised networks: the graph, and its readers."""
