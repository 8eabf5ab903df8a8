"""From a network to a Program: the steps of the accelerator, its weights and its memory."""

from .compile import compile_network
from .program import HostLayer, LayerSteps, Program, Step, TensorPlacement

__all__ = ["HostLayer", "LayerSteps", "Program", "Step", "TensorPlacement", "compile_network"]
