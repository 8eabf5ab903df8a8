import random
import re
from pathlib import Path

import pytest

from hwgen.arch.registers import OWNERS, PROTOCOL
from hwgen.errors import UserError
from hwgen.golden.accelerator import accelerator as golden
from hwgen.rtl.step import CRC_ERROR, MEMORY_ERROR, Error
from hwgen.runtime.accelerator import (
    ERRORS,
    AcceleratorError,
    AcceleratorState,
    Register,
    RemoteAccelerator,
    Space,
    StillBusy,
    TurnLost,
    another_number,
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
    accelerator = RemoteAccelerator(fake)
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
    accelerator = RemoteAccelerator(fake, attempts=20)
    data = random.Random(seed).randbytes(4000)
    accelerator.write_activations(1, data)
    assert accelerator.read_activations(1, 4000) == data
    assert fake.port.activations[1:4001] == data
    assert accelerator.client.retries > 0


@pytest.mark.parametrize("garbage", [b"\xa5", bytes.fromhex("a502"), b"\xa5" * 20])
def test_begins_in_step(garbage):
    """Whatever was sent before, the first request is served."""
    fake = FakeAccelerator()
    fake.write(garbage)
    assert RemoteAccelerator(fake).identify() == FINGERPRINT


def test_identify():
    assert RemoteAccelerator(FakeAccelerator()).identify(FINGERPRINT) == FINGERPRINT


def test_identity_wrong():
    with pytest.raises(UserError, match="the fake board answers, but says that it is 0x0000002a"):
        RemoteAccelerator(FakeAccelerator(identity=42)).identify()


def test_fingerprint_wrong():
    with pytest.raises(UserError, match="has the Design 0x1234abcd, and the program is for 0x000"):
        RemoteAccelerator(FakeAccelerator()).identify(7)


def test_silence():
    fake = Silent()
    with pytest.raises(Silence, match=re.escape("does not answer (it was asked 4 times)")):
        RemoteAccelerator(fake, attempts=4).identify()
    assert fake.time < 4 * 21_000


def test_no_memory():
    """The link is as good as before."""
    fake = FakeAccelerator(ahead=1 << 20)
    accelerator = RemoteAccelerator(fake)
    with pytest.raises(NoMemory, match="no memory for 256 bytes at 0x01000400"):
        accelerator.read_activations(0, 2000)
    accelerator.write_activations(0, b"again")
    assert accelerator.read_activations(0, 5) == b"again"


def test_space_wrong():
    with pytest.raises(ValueError, match="2 bytes from 16777215 on do not lie in a space"):
        RemoteAccelerator(FakeAccelerator()).read_activations((1 << 24) - 1, 2)


def test_run():
    fake = FakeAccelerator(step_cycles=5000)
    accelerator = RemoteAccelerator(fake)
    assert accelerator.run(2, 3, budget=20_000, watchdog=6000) == 15_000
    assert accelerator.counters(6) == [0, 0, 5000, 5000, 5000, 0]
    assert accelerator.counters(2, first=4) == [5000, 0]
    assert fake.written == [Register.CONTROL,  # the turn begins
                            Register.FIRST, Register.COUNT, Register.WATCHDOG, Register.CONTROL]


def test_wait_budget():
    accelerator = RemoteAccelerator(FakeAccelerator(step_cycles=5000))
    accelerator.start(0, 3)
    with pytest.raises(StillBusy, match="still busy with step 2 after 9000 cycles"):
        accelerator.wait(9000)


def test_start_busy():
    accelerator = RemoteAccelerator(FakeAccelerator(step_cycles=5000))
    accelerator.start(0, 3)
    with pytest.raises(StillBusy, match="is busy"):
        accelerator.start(0, 3)


def test_errors_are_those_of_the_hardware():
    """And those of docs/accelerator.md, in the same words."""
    text = (Path(__file__).parents[2] / "docs" / "accelerator.md").read_text()
    rows = re.findall(r"^\| (\d) \| ([A-Z]+) \| (the .+) \|$", text, re.MULTILINE)
    assert {int(code): sentence for code, _, sentence in rows} == ERRORS
    assert {int(code): name for code, name, _ in rows} == {
        error.value: error.name for error in Error if error} | {
            CRC_ERROR: "CRC", MEMORY_ERROR: "MEMORY"} == {
        error.value: error.name for error in golden.Error}


@pytest.mark.parametrize("code", [*ERRORS, 200])
def test_error(code):
    accelerator = RemoteAccelerator(FakeAccelerator(fails=(4, code)))
    with pytest.raises(AcceleratorError) as caught:
        accelerator.run(0, 9, budget=10_000)
    assert (caught.value.code, caught.value.step) == (code, 4)
    why = ERRORS.get(code, "for a reason that this version does not know (code 200)")
    assert str(caught.value) == f"The accelerator stopped at step 4: {why}"


def test_state():
    assert AcceleratorState.of(0x0012_0601) == AcceleratorState(busy=True, error=6, step=0x12)


def test_link_closes():
    with FakeAccelerator() as fake:
        Client(fake).read(0x01000000, 4)
    assert fake.closed


class Forgetful(FakeAccelerator):
    """The reply to one exchange is lost, and that to another comes when nobody waits for it."""

    lost = late = None

    def __init__(self, **options):
        super().__init__(**options)
        self.exchanges = 0
        self.held = b""

    def read(self, count, timeout):
        data = super().read(count, timeout)
        self.exchanges += 1
        if self.exchanges == self.late:
            self.held, data = data, b""
        elif self.held and self.exchanges > self.late + 1:
            data, self.held = self.held + data, b""
        if not data or self.exchanges == self.lost:
            self.time += timeout
            return b""
        return data


@pytest.mark.parametrize("way", ["lost", "late"])
@pytest.mark.parametrize("number", range(1, 30))
def test_any_reply_lost(way, number):
    """Each of two runs is run once, whichever reply is lost, or comes late."""
    fake = Forgetful(step_cycles=50)
    setattr(fake, way, number)
    accelerator = RemoteAccelerator(fake, attempts=8)
    accelerator.identify()
    accelerator.write_activations(4, b"data")
    assert accelerator.run(0, 2, budget=1000, watchdog=900) == 100
    assert accelerator.run(2, 1, budget=1000) == 50
    assert fake.runs == 2
    assert accelerator.read_activations(4, 4) == b"data"
    accelerator.confirm()


def test_silence_in_a_start():
    """Whether the run was begun is not known: the next turn begins anew, and memory is kept."""
    fake = Forgetful()
    accelerator = RemoteAccelerator(fake, attempts=1)
    accelerator.write_activations(0, b"kept")
    fake.lost = fake.exchanges + 2  # the reply to GO
    with pytest.raises(Silence):
        accelerator.start(0, 1)
    assert fake.runs == 1
    assert accelerator.resume()
    accelerator.confirm()
    assert accelerator.run(0, 1, budget=1000) == 100 and fake.runs == 2


@pytest.mark.parametrize("first, then", [("write", "write"), ("write", "start"), ("run", "wait"),
                                         ("run", "confirm")])
def test_two_hosts_at_once(first, then):
    """A host whose turn was taken is told so, and does nothing any more."""
    fake = FakeAccelerator()
    one, two = RemoteAccelerator(fake), RemoteAccelerator(fake)
    calls = {
        "write": lambda host: host.write_activations(0, b"mine"),
        "run": lambda host: host.start(0, 1),
        "start": lambda host: host.start(0, 1),
        "wait": lambda host: host.wait(1000),
        "confirm": lambda host: host.confirm(),
    }
    calls[first](one)
    two.write_activations(0, b"last")
    runs = fake.runs
    with pytest.raises(TurnLost, match="the fake board was reset, or taken by another host"):
        calls[then](one)
    assert fake.runs == runs
    assert two.read_activations(0, 4) == b"last"
    two.confirm()


def test_hosts_take_turns():
    """Each is told whether what it wrote is still there."""
    fake = FakeAccelerator()
    one, two = RemoteAccelerator(fake), RemoteAccelerator(fake)
    assert one.resume() and one.resume()
    assert two.resume()
    assert not one.resume() and one.resume()
    one.start(0, 1)
    assert not two.resume()  # and what one had begun is stopped
    assert not fake.ends > fake.time
    assert two.run(0, 1, budget=1000) == 100


def test_reset_in_a_turn():
    """After a reset, when the board has nothing of what was written, nobody goes on."""
    fake = FakeAccelerator()
    accelerator = RemoteAccelerator(fake)
    accelerator.write_activations(0, b"data")
    fake.port.owner = fake.port.epoch = fake.host.epoch = 0
    with pytest.raises(TurnLost):
        accelerator.write_activations(0, b"data")
    assert not accelerator.resume()


def test_a_killed_host_s_run_is_stopped():
    fake = FakeAccelerator(step_cycles=10**9)
    RemoteAccelerator(fake).start(0, 1)
    assert RemoteAccelerator(fake).resume()
    assert fake.time < 10**6 and fake.code == 7


def test_numbers_of_turns():
    """Never nobody's, and never the one that is taken."""
    for taken in (0, 1, 2, OWNERS - 1):
        drawn = {another_number(taken) for _ in range(2000)}
        assert not drawn & {0, taken} and len(drawn) > 1500 and max(drawn) < OWNERS


@pytest.mark.parametrize("version", [1, 3])
def test_another_protocol(version):
    identity = int.from_bytes(b"hwg%d" % version, "little")
    with pytest.raises(UserError, match=f"^the fake board answers, but says that it speaks version "
                                        f"{version} of the protocol and not {PROTOCOL}; load it"):
        RemoteAccelerator(FakeAccelerator(identity=identity)).identify()


def test_frames_shrink():
    """Where every long frame is hit, short ones get through."""
    class Short(FakeAccelerator):
        def through(self, data):
            return data if len(data) < 100 else data[:-1]

    fake = Short(memory=2048)
    accelerator = RemoteAccelerator(fake)
    data = random.Random(1).randbytes(2000)
    accelerator.write_activations(0, data)
    assert accelerator.read_activations(0, 2000) == data
