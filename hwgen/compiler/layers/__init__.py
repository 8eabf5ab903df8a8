"""The steps of each kind of layer."""
