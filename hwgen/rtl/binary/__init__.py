"""The accelerator for fully connected layers of -1 and 1, and its parts."""
