"""What hardware and software agree on: Designs, steps, descriptors, registers, frames."""
