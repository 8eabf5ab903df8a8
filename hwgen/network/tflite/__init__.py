"""TensorFlow Lite networks: read and rewritten."""
