"""The bit-serial array, whose cycles follow the bits of each layer."""
