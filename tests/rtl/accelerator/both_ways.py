"""Networks on the Verilog of an accelerator: layer by layer, and in one run."""

import numpy as np

from hwgen.compiler import compile_network
from hwgen.golden.network import network as golden
from hwgen.runtime.inference import load, run, simulated_board

from ...compiler_bench import least_memory

__all__ = ["hold"]


def hold(of, found, flag=""):
    """Hold values and cycles, layer by layer and in one run, in much memory and in little.

    Of each network some step has the field ``flag``, if one is named.
    """
    of = of.replace(activation_memory=1 << 14, program_memory=of.columns << 14)
    board = simulated_board(of)
    with board.link:
        for network, x in found:
            for on in (of, least_memory(network, of)):
                program = compile_network(network, on)
                assert not flag or any(getattr(step, flag) for step in program.steps)
                load(board, program)
                result = run(board, program, network, x, check=True)
                for layer in result.layers:
                    assert layer.difference is None, layer
                    assert layer.cycles == layer.predicted_cycles > 0, layer
                result = run(board, program, network, x)
                assert result.cycles == result.predicted_cycles
                for output, values in golden.run(network, x).items():
                    np.testing.assert_array_equal(result.outputs[output], values)
