"""From a small network to a graph of adders in which its weights are constants."""
