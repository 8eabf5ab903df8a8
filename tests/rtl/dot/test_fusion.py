# amaranth: UnusedElaboratable=no
from itertools import product

import numpy as np
import pytest
from amaranth import *

from hwgen.arch.design import Design
from hwgen.golden.dot import fusion as golden
from hwgen.rtl.dot.fusion import ORDERS, Fusion, FusionMode
from sim.dot.pieces import FusionWork, modes
from sim.dot.planes import KINDS, values

from ...cases import some
from ...formal import prove
from .pieces import PiecesSpec, sums


@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_model(kind, groups):
    rng = np.random.default_rng(groups)
    for mode in modes():
        model = golden.Fusion(groups)
        length = 2 * model.length(mode)
        a = values(rng, length, mode.a_bits, mode.a_signed, kind)
        b = values(rng, length, mode.b_bits, mode.b_signed, kind)
        assert model.dot(a, b, mode) == a @ b


@pytest.mark.parametrize("bits, products", [
    ((8, 8), 1), ((8, 4), 2), ((4, 8), 2), ((4, 4), 4), ((8, 2), 4), ((2, 8), 4), ((4, 2), 8),
    ((2, 4), 8), ((2, 2), 16)])
def test_products(bits, products):
    """As many products as bricks that they take, and every number meets one."""
    mode = golden.FusionMode(*bits, True, True)
    assert mode.products == products
    for groups in (1, 2, 5):
        model = golden.Fusion(groups)
        assert sorted(model.partners(mode)) == list(range(groups * products))


@pytest.mark.parametrize("first, groups", [("add", 1), ("shift", 1), ("add", 3), ("shift", 2)])
def test_matches_model(first, groups):
    """All modes, each other than the one before; least, greatest and any numbers."""
    rng = np.random.default_rng(groups)
    work = [FusionWork(groups).vector(rng, mode, kinds) for kinds in product(
        ("low", "high", "random"), repeat=2) for mode in rng.permutation(modes())]
    work += [FusionWork(groups).vector(rng, mode, ("low", "low"), 2) for mode in modes()]
    found = sums(Fusion(groups, first=first, depth=2), [pieces for pieces, _ in work])
    assert found == [expected for _, expected in work]


def test_exhaustive():
    """All numbers of up to 4 by 4 bits, in every place of a group."""
    work = list(FusionWork(1).exhaustive())
    assert sums(Fusion(1, depth=1), [pieces for pieces, _ in work]) == [
        expected for _, expected in work]


@pytest.mark.parametrize("wrong, message", [
    ({"groups": 0}, "groups must be an integer of at least 1, not 0"),
    ({"first": "both"}, "first must be one of .*, not 'both'"),
    ({"family": "x"}, "family must be one of .*, not 'x'"),
    ({"depth": 0}, "depth must be an integer of at least 1, not 0"),
])
def test_parameters_wrong(wrong, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        Fusion(**({"groups": 1} | wrong))


@pytest.mark.formal
@pytest.mark.parametrize("a, b, free", [
    (signed(2), unsigned(4), [5]), (unsigned(2), unsigned(2), [3, 9]),
    *(pytest.param(*case, marks=pytest.mark.slow) for case in (
        (signed(2), signed(2), [0, 7]), (unsigned(4), signed(4), [1]),
        (signed(4), signed(4), [0, 3]), (signed(2), signed(2), [1, 4, 11, 14]),
        (signed(4), signed(8), [1]), (unsigned(8), signed(4), [0])))])
@pytest.mark.parametrize("first", some([*ORDERS], 1))
def test_equals_multiplication(first, a, b, free, tmp_path):
    """Proof, for all numbers in some places of ``b``; in the others are zeros."""
    mode = golden.FusionMode(a.width, b.width, a.signed, b.signed)
    partners = golden.Fusion(1).partners(mode)

    def drive(m, any_number):
        left, right = [C(0, a.width)] * mode.products, [C(0, b.width)] * mode.products
        exact = C(0)
        for place in free:
            x, y = any_number(a), any_number(b)
            left[partners[place]], right[place] = x, y
            exact = exact + x * y
        return {"a": Cat(left), "b": Cat(right), "mode": FusionMode.const({
            "a_size": a.width // 2 - 1, "b_size": b.width // 2 - 1, "a_signed": a.signed,
            "b_signed": b.signed})}, exact

    spec = PiecesSpec(Fusion(1, first=first, depth=2), drive)
    prove(spec, tmp_path, depth=spec.depth)


COCOTB = {
    "generic": Design(rows=1, columns=1),
    "three": Design(rows=3, columns=1),
    "ecp5": Design(rows=4, columns=1, family="ecp5"),
    "ice40": Design(rows=2, columns=1, family="ice40"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", COCOTB)
def test_verilog_matches_model(name, tmp_path):
    regression = pytest.importorskip("sim.regression")
    regression.simulate("fusion", COCOTB[name], tmp_path, simulator="verilator", waves=False,
                        seed=0).check()
