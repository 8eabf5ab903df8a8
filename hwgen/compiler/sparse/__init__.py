"""Which layers the sparse engine takes, and where their weights lie."""
