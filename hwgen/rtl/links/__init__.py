"""The ways to an accelerator: frames, serial port, SPI, flash memory, buses."""
