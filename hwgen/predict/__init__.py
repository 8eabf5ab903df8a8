"""Predictions of whole Programs: cycles, traffic, efficiency and energy of each layer."""
