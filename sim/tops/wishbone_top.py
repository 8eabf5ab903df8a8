"""A whole accelerator at Wishbone, and a master of another project's."""

import cocotb

from ..links.bench_wishbone import master
from ..links.bench_wishbone import play as play_cycle
from .window_top import check_random, check_run, start


def player(dut):
    """Return what asks for accesses."""
    wishbone = master(dut)

    async def play(asked, idle=0.0):
        return await play_cycle(wishbone, asked, idle=idle)

    return play


@cocotb.test(timeout_time=50, timeout_unit="ms")
@cocotb.parametrize(idle=[0.0, 0.5])
async def test_window(dut, idle):
    """All that there is, and what is not, with pauses and without."""
    play = player(dut)
    await start(dut)
    await check_random(lambda asked: play(asked, idle), 600)


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def test_run(dut):
    play = player(dut)
    await start(dut)
    await check_run(dut, play)
