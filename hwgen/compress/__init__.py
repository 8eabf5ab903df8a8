"""Fewer bits and fewer weights: quantizing, mixed precision, pruning."""
