"""Options of commands that take a network: its file, and inputs."""

import argparse

__all__ = ["add_example", "add_inputs", "add_model"]


def add_model(command: argparse.ArgumentParser) -> None:
    """Add the network."""
    command.add_argument("model", metavar="MODEL", help="the network: a .tflite or .onnx file")


def add_inputs(command: argparse.ArgumentParser) -> None:
    """Add the inputs that are computed."""
    command.add_argument("--input", metavar="FILE", required=True,
                         help="one input or several along the first axis, as the network's file "
                         "has them: x.npy, file.npz:key, or a .npz with an array for each of its "
                         "inputs. .tflite: int8; .onnx: also floating point")


def add_example(command: argparse.ArgumentParser) -> None:
    """Add the input that a prediction goes by."""
    command.add_argument("--input", metavar="FILE",
                         help="an input to go by, the first one of a .npy or .npz file: what a "
                         "sparse engine takes depends on it")
