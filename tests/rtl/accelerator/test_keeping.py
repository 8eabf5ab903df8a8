# amaranth: UnusedElaboratable=no
"""Layers whose output the lanes keep: tables alone, and whole networks on the Verilog."""

import numpy as np
import pytest

from hwgen.arch.joining import HALF, LARGEST_SHIFT
from hwgen.compiler import compile_network
from hwgen.golden.network.arithmetic import scale
from hwgen.rtl.accelerator.keeping import EARLY, TableMaker
from hwgen.runtime.inference import load, run, simulated_board

from ...bench import simulate
from ...cases import quick, some
from ...compiler.test_keeping import any_chain, any_pair
from ...compiler_bench import Builder, Window, design, inputs_of, least_memory
from .every_part import FAST

BYTES = np.arange(-128, 128)


def scalings():
    """Return multipliers, shifts and zero points, those at the ends among them."""
    rng = np.random.default_rng(3)
    ends = [(multiplier, shift, zero) for multiplier in (0, 1 << 30, (1 << 31) - 1)
            for shift in (0, 1, LARGEST_SHIFT) for zero in (-128, -1, 0, 127)]
    # Half-way between two integers, before or behind the shift.
    ends += [(1 << bit, shift, -3) for bit in (9, 10, 11, 17) for shift in (0, 1, 2, 7)]
    return ends + [(int(rng.integers(1 << 30, 1 << 31)), int(rng.integers(0, LARGEST_SHIFT + 1)),
                    int(rng.integers(-128, 128))) for _ in range(20)]


def test_table():
    """Every byte, in the cycles that were promised, whatever came before."""
    dut, found = TableMaker(), []

    async def bench(ctx):
        for multiplier, shift, zero in scalings():
            ctx.set(dut.multiplier, multiplier)
            ctx.set(dut.shift, shift)
            ctx.set(dut.zero_point, zero & 255)
            await ctx.tick()
            words, busy = {}, 0
            for cycle in range(dut.latency + dut.interval + 3):
                ctx.set(dut.start, cycle == 0)
                if cycle == 2:  # others come
                    ctx.set(dut.multiplier, 12345)
                    ctx.set(dut.shift, shift ^ 5)
                    ctx.set(dut.zero_point, zero & 255 ^ 9)
                if ctx.get(dut.write):
                    assert dut.latency <= cycle < dut.latency + dut.interval
                    words[ctx.get(dut.address)] = ctx.get(dut.word)
                busy += ctx.get(dut.making)
                await ctx.tick()
            assert busy == dut.interval - EARLY + 1
            found.append([words[byte & 255] for byte in BYTES])

    simulate(dut, bench, budget=40000)
    expected = [scale(BYTES - zero << 20, multiplier, -shift)
                for multiplier, shift, zero in scalings()]
    np.testing.assert_array_equal(found, expected)


def full(of):
    """Return a network whose convolution has as many vectors as there is room for, or 121."""
    build = Builder(1, 11, 11, 5)
    made = build.convolution(of.columns, Window((1, 1)))
    build.sum(made, build.input(*build.shape(made)), scalings=[HALF, ((1 << 31) - 1, -1)])
    return build.network()


def inputs(network, seed):
    """Return random inputs, or for every other seed what an ADD reads is last in its table."""
    x = inputs_of(network, seed)
    for name in network.inputs[1:] if seed % 2 else ():
        x[name][:] = (network.tensors[name].zero_point + 127) % 256 - 128
    return x


DESIGNS = {"every part": FAST, **{
    f"{rows}x{columns}-{lanes}": design(rows, columns, lines, sums=sums, lanes=lanes,
                                        kept_vectors=kept)
    for rows, columns, lines, sums, lanes, kept in (
        (4, 4, 0, 23, 4, 1000), (9, 6, 3, 64, 4, 1000), (5, 16, 1, 500, 16, 121))}}


@pytest.mark.parametrize("seeds", some([range(1, 14, 2), range(0, 14, 2)], 1))
@pytest.mark.parametrize("name", quick(DESIGNS, "every part"))
def test_on_hardware(name, seeds):
    """Values and cycles, layer by layer and in one run, in much memory and in little."""
    of = DESIGNS[name]
    of = of.replace(activation_memory=1 << 14, program_memory=of.columns << 14)
    board = simulated_board(of)
    count = 0
    with board.link:
        for seed in seeds:
            network = full(of) if seed == 1 else \
                any_pair(seed) if seed % 4 else any_chain(seed)
            for on in (of, least_memory(network, of)):
                program = compile_network(network, on)
                count += len(program.kept)
                load(board, program)
                x = inputs(network, seed)
                result = run(board, program, network, x, check=True)
                for layer in result.layers:
                    assert layer.difference is None, (seed, layer)
                    assert layer.cycles == layer.predicted_cycles > 0, (seed, layer)
                result = run(board, program, network, x)
                assert result.cycles == result.predicted_cycles, seed
    assert count > 7
