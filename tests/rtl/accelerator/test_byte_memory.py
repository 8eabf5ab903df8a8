# amaranth: UnusedElaboratable=no
"""Memories of bytes with check bits, and with several memories behind one another in a bank."""

import numpy as np
import pytest

from hwgen.rtl.accelerator.memories import ByteMemory
from hwgen.rtl.primitives import ecp5_rams

from ...bench import simulate


@pytest.mark.parametrize("protect, window, size, depths", [
    ("none", 3, 88, [8, 8, 6]), ("parity", 4, 40, [8, 2]), ("ecc", 1, 32, [16]),
    ("ecc", 5, 131, [4] * 4 + [1])])
def test_bytes(monkeypatch, protect, window, size, depths):
    """Whatever was written is read, and has no errors."""
    monkeypatch.setattr(ecp5_rams, "depths", lambda *_: depths)
    dut = ByteMemory(size, window, protect=protect)
    assert sum(depths) == dut.depth
    rng = np.random.default_rng(size)
    model = rng.integers(0, 256, size, np.uint8)

    async def write(ctx, address, data, mask):
        ctx.set(dut.write_address, int(address))
        ctx.set(dut.write_data, int.from_bytes(bytes(data), "little"))
        ctx.set(dut.write_mask, mask)
        await ctx.tick()
        ctx.set(dut.write_mask, 0)

    async def bench(ctx):
        for address in range(size - window + 1):
            await write(ctx, address, model[address:address + window], (1 << window) - 1)
        for _ in range(60):
            address, other = rng.integers(0, size - window + 1, 2)
            data, mask = rng.integers(0, 256, window, np.uint8), int(rng.integers(1 << window))
            await write(ctx, address, data, mask)
            model[address:address + window] = np.where(
                mask >> np.arange(window) & 1, data, model[address:address + window])
            ctx.set(dut.read_address, int(other))
            await ctx.tick().repeat(dut.write_latency + dut.read_latency)
            assert ctx.get(dut.read_data).to_bytes(window, "little") \
                == model[other:other + window].tobytes()
            for flags in [dut.corrected, dut.detected] if dut.code else []:
                assert ctx.get(flags) == 0

    simulate(dut, bench)


@pytest.mark.parametrize("width, depth, depths", [
    (8, 4096, [4096]), (9, 4096, [2048, 2048]), (9, 5000, [2048, 2048, 904]), (9, 2048, [2048]),
    (13, 4096, [4096]), (9, 64, [64])])
def test_depths(width, depth, depths):
    """A block RAM has 2,048 words of nine bits; others lie side by side."""
    assert ecp5_rams.depths("ecp5", width, depth) == depths
    assert ecp5_rams.depths("generic", width, depth) == [depth]
