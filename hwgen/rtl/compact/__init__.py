"""The accelerator for chips with a few thousand LUTs, and its parts."""
