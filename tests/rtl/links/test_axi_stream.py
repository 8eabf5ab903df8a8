"""AXI4-Streams: golden words, whatever comes between them and however everybody waits."""

import pytest

from hwgen.arch.registers import StreamRegister
from hwgen.golden.links.axi_stream import AxiStream as Golden
from hwgen.golden.links.host import BusAccess
from hwgen.rtl.links.axi_stream import AxiStream

from ...formal import prove
from .spec_axi_stream import AxiStreamSpec


def test_model():
    """Spaces of 64 bytes, of which the activations have 12."""
    memory = {}

    def bus(access):
        offset = access.address - (1 << 24)
        if not 0 <= offset < 12:
            return None
        if access.write:
            memory[offset] = access.data, access.mask
        return memory.get(offset, (0, 0))[0]

    golden = Golden(bus, 6)

    def register(which, value=None):
        return golden.access(BusAccess(value is not None, which, 15, value or 0))

    register(StreamRegister.INPUT_ADDRESS, 0x44)
    for word, keep in ((1, 15), (2, 3), (3, 15)):
        golden.put(word, keep)
    assert memory == {4: (1, 15), 8: (2, 3)}
    assert register(StreamRegister.INPUT_ADDRESS) == 0x50
    assert register(StreamRegister.STREAM_STATUS) == 1
    register(StreamRegister.OUTPUT_ADDRESS, 0x48)
    assert golden.get() is None
    register(StreamRegister.OUTPUT_WORDS, 2)
    assert [golden.get(), golden.get(), golden.get()] == [(2, False), (0, True), None]
    assert register(StreamRegister.STREAM_STATUS) == 3
    register(StreamRegister.STREAM_STATUS, 1)
    assert register(StreamRegister.STREAM_STATUS) == 2
    register(StreamRegister.INPUT_ADDRESS, 0xFC)
    golden.put(0, 7)  # nothing is there, and then the addresses begin anew
    assert register(StreamRegister.INPUT_ADDRESS) == 0 and register(0) is None


@pytest.mark.formal
def test_contract(tmp_path):
    """No word is lost, doubled or changed: always, whatever comes in."""
    prove(AxiStreamSpec(AxiStream(6)), tmp_path, depth=6, always=True)
