"""ONNX networks: read, rewritten, written."""
