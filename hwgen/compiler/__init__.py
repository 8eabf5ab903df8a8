"""From a network to a Program: the steps of the accelerator, its weights and its memory."""

from .compile import compile_network
from .program import HostLayer, LayerSteps, Placement, Program, Step

__all__ = ["HostLayer", "LayerSteps", "Placement", "Program", "Step", "compile_network"]
