"""Where tensors lie, and when."""
