"""From a Design, or the parameters of a unit, to files: Verilog, ports, lint waivers."""
