"""Measurements by synthesis, place and route, and the tables of their results."""
