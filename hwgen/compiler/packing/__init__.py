"""Weights that are packed in the program memory."""
