"""The command line: a module for each command, and what they share.

Generate hardware for neural networks, and prove on the spot that it computes what NumPy computes.

Examples:
  hwgen boards                                  the boards, and the preset Design of each
  hwgen generate --rows 4 --columns 4           Verilog of an array, in rtl_out/
  hwgen generate --design ulx3s-85f -o array    the array that suits a board, in array/
  hwgen sim systolic --rows 4 --columns 4       the bench of the array, on Verilator
  hwgen synth --design icebreaker               its size and clock after place and route
  hwgen build net_int8.onnx --board ulx3s-85f   a bitstream for a board, and its report
  hwgen quantize float.onnx --data x.npy        an int8 network of a float one
  hwgen prune net_int8.onnx --calibration x.npy
                                                the same with half of its weights
  hwgen cycles net_int8.onnx                    what it takes on an accelerator, layer by layer
  hwgen tune net_int8.onnx                      the Design for it, of all that fit a board
  hwgen run net_int8.onnx --input x.npy --check
                                                the same on the simulated hardware
  hwgen faults net_int8.onnx --input x.npy      bits that are flipped, and what comes of it
  hwgen doctor                                  which tools work, and how to get the others
  hwgen completion bash                         lets a shell complete all of this by the Tab key
  hwgen help design                             the fields of a Design, and their options
  hwgen help units                              the units that can be had alone

`hwgen COMMAND --help` explains a command.
"""

from .command_line import main

__all__ = ["main"]
