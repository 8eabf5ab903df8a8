# amaranth: UnusedElaboratable=no
"""Damaged Programs on the Verilog of an accelerator: what is wrong stops it, and harms nothing."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from hwgen.arch.design import Design
from hwgen.compiler import compile_network
from hwgen.errors import UserError
from hwgen.golden.accelerator.accelerator import Error
from hwgen.runtime.inference import run

from ...cases import quick
from ...compiler.test_products import any_product
from ...compiler.test_tables import any_chain
from ...compiler_bench import inputs_of
from .accelerator_faults import Twins, mutate
from .test_accelerator_layers import any_network
from .test_wide import fully_connected

DESIGNS = {
    "5x11": Design(rows=5, columns=11, lines=2, lanes=4, activation_memory=2048,
                   program_memory=7700, partial_sums=23, line_pixels=9),
    "9x8": Design(rows=9, columns=8, lines=3, lanes=8, activation_memory=4096,
                  program_memory=8192, partial_sums=64, line_pixels=16),
    "6x4": Design(rows=6, columns=4, lanes=2, activation_memory=1544, program_memory=6000,
                  partial_sums=16, rounding="single"),
    "4x2 compact": Design(rows=4, columns=2, lines=1, lanes=1, compact=True,
                          activation_memory=2048, program_memory=7000, partial_sums=16),
    "8x2 compact, bit-serial": Design(engine="bitserial", rows=8, columns=2, lanes=1, compact=True,
                                      activation_memory=2048, program_memory=7000,
                                      partial_sums=16),
    "bit-serial": Design(engine="bitserial", rows=10, columns=6, lines=3, lanes=2,
                         activation_memory=2048, program_memory=9000, partial_sums=32,
                         line_pixels=16),
    "unpacks": Design(rows=5, columns=8, lanes=2, lines=2, line_pixels=16, activation_memory=4096,
                      program_memory=7000, partial_sums=64, decompress=True),
    "wide": Design(rows=4, columns=6, lanes=2, wide_rows=16, activation_memory=2048,
                   program_memory=96 * 140, partial_sums=16),
    "looks up": Design(rows=5, columns=6, lanes=4, lines=1, tables=1, activation_memory=2048,
                       program_memory=9000, partial_sums=32),
    "looks up, compact": Design(rows=4, columns=3, lanes=1, compact=True, tables=1,
                                activation_memory=2048, program_memory=9000, partial_sums=32),
    "multiplies": Design(rows=5, columns=6, lanes=4, lines=1, products=True, partial_sums=32,
                         activation_memory=2048, program_memory=9000),
    "multiplies, compact": Design(rows=4, columns=3, lanes=1, compact=True, products=True,
                                  activation_memory=2048, program_memory=9000, partial_sums=32),
    # The lanes' memories are powers of two: what is behind the end of others is not defined.
    "sparse": Design(engine="sparse", rows=5, columns=4, lanes=2, activation_memory=2048,
                     program_memory=7000, partial_sums=64, sparse_entries=512, sparse_columns=256,
                     sparse_depth=2),
    "sparse, unpacks": Design(engine="sparse", rows=5, columns=4, lanes=2, activation_memory=2048,
                              program_memory=7000, partial_sums=64, decompress=True,
                              sparse_entries=128, sparse_columns=256, sparse_depth=2),
}


def small_programs(twins, seed):
    """Yield random networks and their Programs, of those that the Design has room for."""
    word = (twins.design.wide_rows or 1) * twins.design.columns  # that is read at once
    design = twins.design.replace(program_memory=twins.room // word * word)
    while True:
        seed += 1
        network = fully_connected(seed, 60, design.rounding) if design.wide_rows else \
            any_chain(seed)[0] if design.tables else \
            any_product(seed, design.rounding)[0] if design.products else \
            any_network(seed, design.rounding)
        if design.decompress or design.engine == "sparse":
            network = thin_network(network, seed)
        try:
            program = compile_network(network, design)
            if design.decompress:  # something has to be packed
                least = len(program.image) // design.columns - 1
                program = compile_network(network, design.replace(
                    program_memory=least * design.columns))
        except UserError:
            continue
        if design.engine == "sparse" and not program.compressed:
            continue
        if program.steps:
            yield network, program


def thin_network(network, seed):
    """Return a network most of whose weights are 0."""
    rng = np.random.default_rng(seed)
    return replace(network, layers=tuple(
        replace(layer, weights=np.where(rng.random(layer.weights.shape) < 0.1, layer.weights, 0)
                .astype(np.int8)) if hasattr(layer, "weights") else layer
        for layer in network.layers))


def check(twins, image, first, count, why):
    """Run a damaged image on both; return the errors of both, and whether they are still alike."""
    before = twins.golden.memory.copy()
    twins.load(image)
    expected = twins.expect(first, count)
    error, at = twins.run(first, count)
    after = twins.memory()
    codes = expected.error.name if expected.error else "", Error(error).name if error else ""
    why = (*why, codes, expected)
    if not expected.lenient:
        np.testing.assert_array_equal(after[~expected.may_write], before[~expected.may_write],
                                      str(why))
        if expected.error:
            assert (error > 0, at) == (True, expected.step), why
        elif not expected.near:
            assert (error, at) == (0, expected.cycles), why
            if expected.defined:
                np.testing.assert_array_equal(after, twins.golden.memory, str(why))
    alike = not (error or expected.error or expected.lenient or expected.near) and expected.defined
    return codes, alike


def check_many(design, seed, networks, damages):
    """Damage Programs, and see that whatever comes of it a good one runs right behind it."""
    twins, rng, found = Twins(design), np.random.default_rng(seed), Counter()
    with twins.board.link:
        source = small_programs(twins, 10_000 * seed)
        for number, (network, program) in zip(range(networks), source, strict=False):
            good = twins.fill(program, rng)
            twins.load(good)
            twins.align()
            for trial in range(damages):
                image, first, count = mutate(rng, good, len(program.steps), design)
                codes, alike = check(twins, image, first, count, (seed, number, trial))
                found[codes] += 1
                if not alike:
                    twins.load(good)
                    twins.align()
                    result = run(twins.board, program, network, inputs_of(network, trial),
                                 check=True)
                    assert result.equal, (seed, number, trial)
                    assert result.cycles == result.predicted_cycles, (seed, number, trial)
                    twins.align()
    return found


def test_damaged_programs():
    found = check_many(DESIGNS["5x11"], 1, 3, 10)
    assert len({error for _, error in found}) > 4


@pytest.mark.slow
def test_damaged_packings():
    """Steps that unpack weights are among those that are damaged."""
    found = check_many(DESIGNS["unpacks"], 4, 2, 6)
    assert sum(found.values()) == 12


@pytest.mark.slow
def test_damaged_tables():
    """Steps that fill a table, and those that look up bytes, are among those that are damaged."""
    found = check_many(DESIGNS["looks up"], 5, 2, 10)
    assert sum(found.values()) == 20 and len({error for _, error in found}) > 2


@pytest.mark.slow
def test_damaged_wide_steps():
    found = check_many(DESIGNS["wide"], 6, 4, 12)
    assert len({error for _, error in found}) > 3


@pytest.mark.parametrize("name", quick(["sparse", "sparse, unpacks"], "sparse, unpacks"))
def test_damaged_sparse_weights(name):
    """Entries, pointers and steps of the sparse engine are among what is damaged."""
    found = check_many(DESIGNS[name], 5, 2, 9)
    assert len({error for _, error in found}) > 2


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 3])
@pytest.mark.parametrize("name", [name for name in DESIGNS if not name.startswith("sparse")])
def test_many_damaged_programs(name, seed):
    found = check_many(DESIGNS[name], seed, 25, 40)
    # Nobody stops them, steps have no CRCs, and memories no check bits.
    ends = {"", *(error.name for error in Error)} - {
        Error.STOPPED.name, Error.CRC.name, Error.MEMORY.name}
    assert {error for _, error in found} == ends


@pytest.mark.slow
@pytest.mark.parametrize("seed", [8, 9, 10, 11])
@pytest.mark.parametrize("name", ["sparse", "sparse, unpacks"])
def test_many_damaged_sparse_weights(name, seed):
    found = check_many(DESIGNS[name], seed, 10, 25)
    assert {error for _, error in found} >= {"", "DESCRIPTOR", "WATCHDOG", "SUMS", "PROGRAM"}
