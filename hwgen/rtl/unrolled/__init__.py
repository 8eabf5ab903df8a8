"""A network as one pipeline, with its weights as constants."""
