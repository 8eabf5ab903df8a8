import random
import re
from pathlib import Path

import pytest

from hwgen.errors import UserError
from hwgen.golden import accelerator as golden
from hwgen.rtl._step import Error
from hwgen.runtime.accelerator import (
    ERRORS,
    Accelerator,
    AcceleratorError,
    Register,
    Space,
    State,
    StillBusy,
)
from hwgen.runtime.client import Client, NoMemory, Silence, pieces

from .fake_accelerator import FINGERPRINT, FakeAccelerator


class Silent(FakeAccelerator):
    """A board without power."""

    def write(self, data):
        self.time += len(data)


@pytest.mark.parametrize("address, count", [(0, 0), (0, 1), (3, 256), (1, 255), (5, 1000),
                                            (4, 512)])
def test_pieces(address, count):
    cut = list(pieces(address, count))
    assert [at for at, size in cut for at in range(at, at + size)] == list(
        range(address, address + count))
    assert all(0 < size <= 256 for _, size in cut)
    assert all(at % 4 == 0 for at, _ in cut[1:])


@pytest.mark.parametrize("ahead", [0, 600, 1 << 20])
def test_memory(ahead):
    data = random.Random(0).randbytes(20_000)
    fake = FakeAccelerator(memory=20_004, ahead=ahead)
    accelerator = Accelerator(fake)
    accelerator.write_activations(3, data)
    accelerator.load_program(data[:777])
    assert accelerator.read_activations(0, 20_003) == bytes(3) + data
    assert accelerator.read_memory(Space.PROGRAM, 0, 778) == data[:777] + b"\0"
    assert accelerator.client.retries == 0


@pytest.mark.parametrize("ahead", [0, 600])
@pytest.mark.parametrize("seed", range(5))
def test_noise(ahead, seed):
    """A byte in 500 is lost, changed or doubled; what arrives is right all the same."""
    fake = FakeAccelerator(memory=4096, noise=0.002, ahead=ahead)
    fake.random.seed(seed)
    accelerator = Accelerator(fake, attempts=20)
    data = random.Random(seed).randbytes(4000)
    accelerator.write_activations(1, data)
    assert accelerator.read_activations(1, 4000) == data
    assert fake.memories[Space.ACTIVATIONS][1:4001] == data
    assert accelerator.client.retries > 0


@pytest.mark.parametrize("garbage", [b"\xa5", bytes.fromhex("a502"), b"\xa5" * 20])
def test_begins_in_step(garbage):
    """Whatever was sent before, the first request is served."""
    fake = FakeAccelerator()
    fake.write(garbage)
    assert Accelerator(fake).identify() == FINGERPRINT


def test_identify():
    assert Accelerator(FakeAccelerator()).identify(FINGERPRINT) == FINGERPRINT


def test_identity_wrong():
    with pytest.raises(UserError, match="the fake board answers, but says that it is 0x0000002a"):
        Accelerator(FakeAccelerator(identity=42)).identify()


def test_fingerprint_wrong():
    with pytest.raises(UserError, match="has the Design 0x1234abcd, and the program is for 0x000"):
        Accelerator(FakeAccelerator()).identify(7)


def test_silence():
    fake = Silent()
    with pytest.raises(Silence, match=re.escape("does not answer (it was asked 4 times)")):
        Accelerator(fake).identify()
    assert fake.time < 4 * 21_000


def test_no_memory():
    """The link is as good as before."""
    fake = FakeAccelerator(ahead=1 << 20)
    accelerator = Accelerator(fake)
    with pytest.raises(NoMemory, match="no memory for 256 bytes at 0x01000400"):
        accelerator.read_activations(0, 2000)
    accelerator.write_activations(0, b"again")
    assert accelerator.read_activations(0, 5) == b"again"


def test_space_wrong():
    with pytest.raises(ValueError, match="2 bytes from 16777215 on do not lie in a space"):
        Accelerator(FakeAccelerator()).read_activations((1 << 24) - 1, 2)


def test_run():
    fake = FakeAccelerator(step_cycles=5000)
    accelerator = Accelerator(fake)
    assert accelerator.run(2, 3, budget=20_000, watchdog=6000) == 15_000
    assert accelerator.counters(6) == [0, 0, 5000, 5000, 5000, 0]
    assert accelerator.counters(2, first=4) == [5000, 0]
    assert fake.written == [Register.FIRST, Register.COUNT, Register.WATCHDOG, Register.CONTROL]


def test_wait_budget():
    accelerator = Accelerator(FakeAccelerator(step_cycles=5000))
    accelerator.start(0, 3)
    with pytest.raises(StillBusy, match="still busy with step 2 after 9000 cycles"):
        accelerator.wait(9000)


def test_start_busy():
    accelerator = Accelerator(FakeAccelerator(step_cycles=5000))
    accelerator.start(0, 3)
    with pytest.raises(StillBusy, match="is busy"):
        accelerator.start(0, 3)


def test_errors_are_those_of_the_hardware():
    """And those of docs/accelerator.md, in the same words."""
    text = (Path(__file__).parents[1] / "docs" / "accelerator.md").read_text()
    rows = re.findall(r"^\| (\d) \| ([A-Z]+) \| (the .+) \|$", text, re.MULTILINE)
    assert {int(code): sentence for code, _, sentence in rows} == ERRORS
    assert {int(code): name for code, name, _ in rows} == {
        error.value: error.name for error in Error if error} == {
        error.value: error.name for error in golden.Error}


@pytest.mark.parametrize("code", [*ERRORS, 200])
def test_error(code):
    accelerator = Accelerator(FakeAccelerator(fails=(4, code)))
    with pytest.raises(AcceleratorError) as caught:
        accelerator.run(0, 9, budget=10_000)
    assert (caught.value.code, caught.value.step) == (code, 4)
    why = ERRORS.get(code, "for a reason that this version does not know (code 200)")
    assert str(caught.value) == f"The accelerator stopped at step 4: {why}"


def test_state():
    assert State.of(0x0012_0601) == State(busy=True, error=6, step=0x12)


def test_link_closes():
    with FakeAccelerator() as fake:
        Client(fake).read(0x01000000, 4)
    assert fake.closed
