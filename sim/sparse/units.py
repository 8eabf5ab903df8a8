"""The sparse units: their parameters in a bench, and matrices and formats of all kinds for them."""

import json
import os

import numpy as np

from hwgen.generate.conversion import to_verilog
from hwgen.golden.sparse.decoder import Format
from hwgen.measure.units import UNITS
from hwgen.rtl.accelerator.memories import WordMemory
from hwgen.rtl.primitives.library import Library

from .. import runner
from ..cells import models_of_cells

__all__ = ["UNITS", "parameters", "random_activations", "random_format", "random_matrix",
           "simulate", "source", "unit", "with_codebook"]

def parameters(name, design):
    """Return the parameters of a unit in the regression of a Design; of the others none."""
    return {"csc": {"rows": 8 * design.rows, "codebook": True},
            "nonzero": {"width": design.rows, "columns": 512},
            "sparse": {"lanes": design.columns, "slots": 8, "columns": 96, "entries": 400,
                       "width": design.rows, "family": design.family},
            # A word has room for an entry of 12 bits at least.
            "unpack": {"rows": design.rows, "columns": max(design.columns, 2), "words": 1500,
                       "reading": WordMemory.read_latency}}.get(name, {})


def source(name, options):
    """Return the Verilog of a unit."""
    return to_verilog(Library().convert(UNITS[name](**options), name))


def simulate(name, folder, *, seed=0, seconds=120, **options):
    """Run the bench of a unit with these parameters."""
    text = source(name, options)
    cells = models_of_cells(text, options.get("family", "generic"), folder)
    return runner.run(text, f"bench_{name}", folder, simulator="verilator", top=name, seed=seed,
                      extra_sources=cells, parameters={"UNIT": json.dumps(options)},
                      seconds=seconds)


def unit(name):
    """Return, in a bench, the component that it drives."""
    return UNITS[name](**json.loads(os.environ["UNIT"]))


def random_format(rng):
    """Return a format of any index width, value width and codebook size."""
    index_bits, value_bits = int(rng.integers(2, 9)), int(rng.integers(1, 9))
    if rng.random() < 0.5:
        return Format(index_bits=index_bits, value_bits=value_bits)
    return with_codebook(rng, index_bits, value_bits)


def with_codebook(rng, index_bits, value_bits):
    """Return a format with a codebook of any size."""
    weights = np.array([n for n in range(-128, 128) if n])
    count = int(rng.integers(2, min(1 << value_bits, len(weights)) + 1))
    book = rng.choice(weights, count, replace=False)
    return Format(index_bits=index_bits, value_bits=value_bits, codebook=tuple(book.tolist()))


def random_matrix(rng, form, largest, shape=None, density=None):
    """Return a matrix that a format can hold, of any shape and density unless given."""
    if shape is None:
        shape = tuple(int(n) for n in rng.integers(1, largest + 1, 2))
        shape = {0: (1, shape[1]), 1: (shape[0], 1)}.get(int(rng.integers(8)), shape)
    if density is None:
        density = rng.choice([0, 1, rng.random(), rng.random() ** 4])
    half = 1 << (form.value_bits - 1)
    weights = form.codebook or [n for n in range(-half, half) if n]
    return np.where(rng.random(shape) < density, rng.choice(weights, shape), 0).astype(np.int64)


def random_activations(rng, shape, density=None, zero_point=0):
    """Return int8 activations of which a share differs from the zero point."""
    if density is None:
        density = rng.random()
    others = np.array([n for n in range(-128, 128) if n != zero_point])
    return np.where(rng.random(shape) < density, rng.choice(others, shape), zero_point)
