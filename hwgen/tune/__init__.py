"""Find the Design that suits a network, or several, and a board."""
