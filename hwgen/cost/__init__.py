"""What a Design costs: measured here with the tools that build it."""
