"""Area and clock of hardware: LUTs, registers, multipliers, block RAMs, and MHz to expect."""
