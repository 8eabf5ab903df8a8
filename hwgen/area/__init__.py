"""What hardware takes of a chip: LUTs, registers, multipliers, block RAMs, and the clock."""
