"""What a network computes, layer by layer: the reference of everything else."""
