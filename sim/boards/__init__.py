"""Boards and systems in simulation, with a link that the runtime uses."""
