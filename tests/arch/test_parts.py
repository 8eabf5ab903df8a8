"""What parts say of themselves, held to the golden model and to the hardware's descriptors."""

import importlib

import numpy as np
import pytest

from hwgen.arch.design import Design
from hwgen.arch.parts import PARTS
from hwgen.arch.steps import FIELDS, Mode, Step
from hwgen.generate.design import attached_parts
from hwgen.golden.accelerator.accelerator import Accelerator, Error

SMALL = Design(rows=4, columns=4, lanes=2, lines=1, activation_memory=1024, program_memory=3000,
               partial_sums=16)
SPARSE = {"engine": "sparse", "sparse_entries": 64, "sparse_columns": 32, "sparse_depth": 2}
DESIGNS = {
    "systolic": SMALL, "bitserial": SMALL.replace(engine="bitserial"),
    "binary": SMALL.replace(engine="binary", lines=0, partial_sums=1),
    "sparse": SMALL.replace(**SPARSE), "unpack": SMALL.replace(decompress=True),
    "wide": SMALL.replace(wide_rows=16, program_memory=3008),
    "both": SMALL.replace(**SPARSE, decompress=True),
    "keeping": SMALL.replace(kept_vectors=9),
    "product": SMALL.replace(products=True),
    "int4": SMALL.replace(int4_weights=True),
    "crc": SMALL.replace(program_crc=True),
    "protected": SMALL.replace(protect="ecc"),
    "table": SMALL.replace(tables=3), "compact": SMALL.replace(tables=1, compact=True, lanes=1),
    "softmax": SMALL.replace(softmax=True, decompress=True),
    "lstm": SMALL.replace(lstm=7, tables=1),
    "matmul": SMALL.replace(matmul=True, softmax=True, lines=0),
}


def found(name):
    """Return what a dotted name stands for."""
    module, at = name, []
    while module:
        try:
            thing = importlib.import_module(f"hwgen.{module}")
        except ModuleNotFoundError:
            module, _, last = module.rpartition(".")
            at.insert(0, last)
            continue
        for each in at:
            thing = getattr(thing, each)
        return thing
    return None


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_has_all_that_it_names(part):
    assert all(map(found, (part.rtl, part.golden, part.cost)))
    assert {*part.fields} <= {*FIELDS} and {*part.errors} <= {*Error.__members__}
    assert {*part.reads, *part.writes} <= {"activations", "program", "sums", "own"}


def test_designs_name_their_parts():
    assert {name: design.parts for name, design in DESIGNS.items()} == {
        "systolic": ("systolic",), "bitserial": ("bitserial",), "binary": ("binary",),
        "sparse": ("systolic", "sparse"), "unpack": ("systolic", "unpack"),
        "wide": ("systolic", "wide"),
        "both": ("systolic", "sparse", "unpack"),
        "keeping": ("systolic", "keeping"), "crc": ("systolic", "crc"),
        "int4": ("systolic", "int4"),
        "protected": ("systolic", "ecc"),
        "product": ("systolic", "product"),
        "table": ("systolic", "table"), "compact": ("systolic", "table"),
        "softmax": ("systolic", "unpack", "softmax"),
        "lstm": ("systolic", "table", "lstm"),
        "matmul": ("systolic", "softmax", "matmul")}


@pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS)
def test_hardware_and_golden_model_have_the_same(design):
    """In the same order, each with the modes that the table says."""
    golden = [part.mode for part in Accelerator.of(design).parts]
    assert [part.mode for part in attached_parts(design)] == golden
    assert golden == [PARTS[name].modes[0] for name in design.parts[1:] if PARTS[name].modes]


@pytest.mark.parametrize("name", ["systolic", "bitserial"])
@pytest.mark.parametrize("mode", [Mode.MATRIX, Mode.DEPTHWISE, Mode.DIRECT, Mode.SUMS])
def test_fields_of_other_parts_say_nothing(name, mode):
    """Whatever stands in them, an accelerator without those parts does the same."""
    own = {*PARTS[name].fields}
    others = {field for part in PARTS.values() for field in part.fields} - own
    results = []
    for fill in (0, -1):
        rng = np.random.default_rng(7)
        made = Accelerator.of(DESIGNS[name])
        made.memory[:] = rng.integers(-128, 128, len(made.memory))
        made.accumulators[:] = rng.integers(-999, 999, made.accumulators.shape)
        fields = {field: fill & (1 << FIELDS[field][2]) - 1 for field in others}
        step = Step(mode=mode, last_columns=4, program=0, x=3, y=2, row_bytes=99, height=9,
                    x_step=4, row_step=1, row_step_bytes=16, output=512, output_x_step=4,
                    output_row_step=12, **fields)
        words = rng.integers(-128, 128, (40, 4)).astype(np.int8)
        assert made.step(step, words) is None
        results.append(made.memory)
    np.testing.assert_array_equal(*results)
