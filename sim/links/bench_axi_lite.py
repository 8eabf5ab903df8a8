"""AXI4-Lite: a master of another project's, random waits, and accesses that are to be refused."""

import random
from itertools import cycle

import cocotb
from cocotb.triggers import ClockCycles, Combine, RisingEdge
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiResp

from hwgen.golden.links.system_bus import serve
from hwgen.rtl.links.axi_lite import AxiLite

from .system import Bus, accesses, shift, start


def master(dut, stall=0.0):
    """Return the master, each of whose channels waits on its own with probability ``stall``."""
    found = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axil"), dut.clk, dut.rst)
    if stall:
        for channel in (found.write_if.aw_channel, found.write_if.w_channel,
                        found.write_if.b_channel, found.read_if.ar_channel,
                        found.read_if.r_channel):
            channel.set_pause_generator(cycle([random.random() < stall for _ in range(997)]))
    return found


async def ask(axi, access):
    """Do one access, and return the word, or None for an error."""
    if not access.write:
        answer = await axi.read(access.address & ~3, 4)
        data = int.from_bytes(answer.data, "little")
    else:  # the model makes strobes of a place and a length, so it writes runs of bytes only
        low = (access.mask & -access.mask).bit_length() - 1
        data = access.data.to_bytes(4, "little")[low:access.mask.bit_length()]
        answer = await axi.write((access.address & ~3) + low, data)
        data = 0
    assert answer.resp in (AxiResp.OKAY, AxiResp.SLVERR)
    return data if answer.resp == AxiResp.OKAY else None


def in_runs(access):
    """Return whether an access means bytes next to one another."""
    return "0" not in f"{access.mask:b}".strip("0")


@cocotb.test(timeout_time=500, timeout_unit="us")
@cocotb.parametrize(stall=[0.0, 0.5, 0.8])
async def test_random(dut, stall):
    """Words, errors, and what reaches the bus, as the golden model has it."""
    bus, expected = Bus(stall), Bus()
    axi = master(dut, stall)
    await start(dut, bus)
    for access in filter(in_runs, accesses(400, shift=shift())):
        word, golden = await ask(axi, access), serve(expected, shift(), access)
        assert (word is None) == (golden is None), access
        assert access.write or word == golden, access
    lanes = [(a.write, a.address, a.mask) for a in bus.accesses]
    assert lanes == [(a.write, a.address, a.mask) for a in expected.accesses]
    assert bus.words == expected.words and len({a.address for a in bus.accesses}) > 50


@cocotb.test(timeout_time=500, timeout_unit="us")
@cocotb.parametrize(stall=[0.0, 0.6])
async def test_side_by_side(dut, stall):
    """Reads and writes at once, many of each on their way: neither kind waits for the other."""
    bus = Bus(stall)
    axi = master(dut, stall)
    await start(dut, bus)
    base = 1 << shift()
    data = [random.getrandbits(32) for _ in range(20)]
    writes = [cocotb.start_soon(axi.write_dword(base + 4 * i, word))
              for i, word in enumerate(data)]
    reads = [cocotb.start_soon(axi.read_dword(3 * base + 4 * (i % 5))) for i in range(20)]
    await Combine(*writes, *reads)
    kinds = [access.write for access in bus.accesses]
    assert sum(kinds) == 20 and len(kinds) == 40
    assert any(kinds[:10]) and not all(kinds[:10])
    for i, word in enumerate(data):
        assert await axi.read_dword(base + 4 * i) == word


@cocotb.test(timeout_time=500, timeout_unit="us")
async def test_response_waits(dut):
    """A response that nobody takes holds back its own channels only."""
    axi = master(dut)
    await start(dut, Bus())
    axi.read_if.r_channel.pause = True
    reading = cocotb.start_soon(axi.read_dword(0))
    await ClockCycles(dut.clk, 20)
    for _ in range(3):
        await axi.write_dword(1 << shift(), 5)
    assert not reading.done()
    axi.read_if.r_channel.pause = False
    await reading


@cocotb.test(timeout_time=500, timeout_unit="us")
async def test_latency(dut):
    """As long as it says."""
    await start(dut, Bus())
    dut.s_axil_arvalid.value = dut.s_axil_rready.value = 1
    dut.s_axil_araddr.value = 0
    taken = None
    for cycle_ in range(20):
        await RisingEdge(dut.clk)
        if dut.s_axil_rvalid.value == 1:
            assert cycle_ - taken == AxiLite.latency
        if dut.s_axil_arready.value == 1:
            taken = cycle_
    assert taken is not None


@cocotb.test(timeout_time=500, timeout_unit="us")
@cocotb.parametrize(often=[0.3, 0.9])
async def test_turns(dut, often):
    """Where both may have the bus, they take turns; any bytes at once, and answers in order."""
    bus, expected = Bus(), Bus()
    await start(dut, bus)
    waiting = {True: [], False: []}  # answers that are still to come, to writes and to reads
    last, contended = False, 0
    for tried in range(10_000):
        if tried >= 1000 and contended > 5:
            break
        asked = {write: random.choice([access for access in accesses(9, shift=shift())
                                       if access.write == write] or [None])
                 for write in (True, False)}
        for write, prefix in ((True, "aw"), (False, "ar")):
            wanted = asked[write] is not None and random.random() < often
            getattr(dut, f"s_axil_{prefix}valid").value = wanted
            if asked[write]:
                getattr(dut, f"s_axil_{prefix}addr").value = asked[write].address
        dut.s_axil_wvalid.value = asked[True] is not None and random.random() < often
        if asked[True]:
            dut.s_axil_wdata.value, dut.s_axil_wstrb.value = asked[True].data, asked[True].mask
        dut.s_axil_bready.value = random.random() < 0.5
        dut.s_axil_rready.value = random.random() < 0.5
        await RisingEdge(dut.clk)
        now = {name: dut[f"s_axil_{name}"].value == 1 for name in (
            "awvalid", "wvalid", "arvalid", "awready", "wready", "arready", "bvalid", "bready",
            "rvalid", "rready")}
        if now["bvalid"] and now["bready"]:
            assert (int(dut.s_axil_bresp.value) == AxiResp.SLVERR) == (waiting[True].pop(0) is None)
        if now["rvalid"] and now["rready"]:
            word = waiting[False].pop(0)
            assert (int(dut.s_axil_rresp.value) == AxiResp.SLVERR) == (word is None)
            assert word is None or int(dut.s_axil_rdata.value) == word
        assert now["awready"] == now["wready"] and not (now["awready"] and now["arready"])
        for write, taken in ((True, now["awready"] and now["awvalid"] and now["wvalid"]),
                             (False, now["arready"] and now["arvalid"])):
            if taken:
                if now["awvalid"] and now["wvalid"] and now["arvalid"] \
                        and not now["bvalid"] and not now["rvalid"]:
                    assert write != last, "twice, though the other one wanted it"
                    contended += 1
                last = write
                waiting[write].append(serve(expected, shift(), asked[write]))
        assert len(waiting[True]) < 2 and len(waiting[False]) < 2
    for name in ("awvalid", "wvalid", "arvalid"):
        dut[f"s_axil_{name}"].value = 0
    await ClockCycles(dut.clk, 10)  # for what was taken last
    assert contended > 5
    assert bus.words == expected.words
