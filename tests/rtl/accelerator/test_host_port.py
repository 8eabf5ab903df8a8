# amaranth: UnusedElaboratable=no
"""The host port: what it promises always, and what it does not take."""

import pytest

from hwgen.arch.registers import SPACE_SHIFT, Space
from hwgen.rtl.accelerator.fast_host_port import FastHostPort
from hwgen.rtl.compact.host_port import CompactHostPort

from ...bench import simulate
from ...cases import some
from ...formal import prove
from .spec_host_port import HostPortSpec, ServedHostPort

SIZES = {"size": 16, "window": 4, "words": 4, "columns": 8, "steps": 0}


@pytest.mark.formal
@pytest.mark.parametrize("exposed", some([True, False], 1))
@pytest.mark.parametrize("kind", [ServedHostPort, CompactHostPort])
def test_always(kind, exposed, tmp_path):
    """Whatever a host asks for, and whenever runs begin and end."""
    port = kind(reading=1, exposed=exposed, spaces=[Space.SPARSE], **SIZES)
    prove(HostPortSpec(port), tmp_path, depth=30, always=True)


@pytest.mark.parametrize(("reads", "latency"), [(False, "latency"), (True, "read_latency")])
@pytest.mark.parametrize("port", [CompactHostPort(**SIZES), *(
    FastHostPort(reading=reading, **SIZES) for reading in (1, 8))])
def test_cycles(port, reads, latency):
    """From a request to its answer, and to the next one's."""
    answers = []

    async def bench(ctx):
        ctx.set(port.bus.read if reads else port.bus.write, 1)
        ctx.set(port.bus.address, Space.ACTIVATIONS << SPACE_SHIFT)
        for cycle in range(60):
            answers.extend([cycle] * ctx.get(port.bus.ack))
            await ctx.tick()

    simulate(port, bench)
    first = getattr(port, latency)
    interval = first + 1 if reads else port.interval
    assert answers == list(range(first, 60, interval))


def test_reading_wrong():
    with pytest.raises(ValueError, match="reading must be 1, not 2"):
        CompactHostPort(reading=2, **SIZES)
