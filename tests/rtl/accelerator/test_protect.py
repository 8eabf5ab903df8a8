"""Memories with check bits: flipped bits are found or corrected, and nothing else changes."""

import pytest

import hwgen
from hwgen.arch.address_map import BusWindow
from hwgen.arch.descriptors import Descriptors
from hwgen.arch.designs import Designs
from hwgen.arch.registers import ProtectionRegister, Space
from hwgen.area.memories import memory_blocks
from hwgen.errors import UserError
from hwgen.golden.accelerator.errors import Error
from hwgen.runtime.accelerator import AcceleratorError
from hwgen.runtime.compiled import compile_images
from hwgen.runtime.faults.faults import boards, faults
from hwgen.runtime.faults.kinds import ByteBit
from hwgen.runtime.inference import write_tensor
from hwgen.runtime.simulate import simulate

from .test_crc import DESIGN, IMAGES, NETWORK, simulated

KINDS = ["activations", "weights", "parameters", "descriptors"]
PLAIN = DESIGN.replace(program_crc=False)


def program_for(protect, **fields):
    return compile_images(NETWORK, PLAIN.replace(protect=protect, **fields))


@simulated
@pytest.mark.slow
def test_networks():
    """Every layer is equal and takes the cycles that are predicted, which are those without."""
    program = program_for("ecc")
    found = simulate(program, IMAGES, check=True)
    assert found.equal and found.as_predicted
    assert program.cycles == program_for("none").cycles


@simulated
@pytest.mark.parametrize("protect", [pytest.param("parity", marks=pytest.mark.slow), "ecc"])
def test_flips(protect):
    """None gives a wrong result; parity finds them, and a code that corrects leaves no error."""
    found = faults(program_for(protect), IMAGES, kinds=KINDS, flips=40)
    trials = [trial for kind in found.kinds for trial in kind.trials]
    assert not {"wrong", "hung"} & {trial.outcome for trial in trials}
    codes = {trial.code for trial in trials if trial.outcome == "detected"}
    assert codes == ({Error.MEMORY} if protect == "parity" else set())
    corrected = [trial for trial in trials if trial.corrected]
    assert len(corrected) > 20 if protect == "ecc" else not corrected
    assert len({trial.cycles for trial in corrected}) <= 1


def first_and_last_words(program):
    """Return the words at which each step begins and ends to read descriptor and weights."""
    coding = Descriptors.of(program.design)
    for step, place in zip(program.steps, program.places, strict=True):
        for first, count in ((place, coding.words), (step.program, coding.words_behind(step))):
            yield from {first, first + count - 1} if count else ()


@simulated
@pytest.mark.slow
def test_everything_that_is_read_is_checked():
    """A flip before the run is found: at each end of what a step reads, and in the input."""
    program = program_for("parity").program
    stride = BusWindow.of(program.design).stride
    name, = program.inputs
    places = [ByteBit(Space.PROGRAM, word * stride + byte, 3)
              for word in {*first_and_last_words(program)} for byte in (0, 5)]
    places += [ByteBit(Space.ACTIVATIONS, int(address), 6)
               for address in program.tensors[name].addresses().ravel()[::7]]
    with (board := boards(program_for("parity"), IMAGES)()).link as link:
        write_tensor(board.host, board.program, name, IMAGES[name][:1])
        for place in places:
            with link.trial(board.locate(place), 0):
                with pytest.raises(AcceleratorError) as stop:
                    board.host.copy().run(0, len(program.steps), budget=10**6)
                assert stop.value.code == Error.MEMORY


@simulated
@pytest.mark.parametrize("space", [Space.ACTIVATIONS, Space.PROGRAM])
def test_two_flips(space):
    """They are found; the counters say how many words were corrected and damaged."""
    program = program_for("ecc")
    output, = program.program.outputs
    address = int(program.program.tensors[output].addresses().ravel()[0])
    address = {Space.ACTIVATIONS: address, Space.PROGRAM: 0}[space]
    with (board := boards(program, IMAGES)()).link as link:
        for name, values in IMAGES.items():
            write_tensor(board.host, board.program, name, values[:1])
        board.host.run(0, len(program.program.steps), budget=10**6)
        one, two = (board.locate(ByteBit(space, address, bit)) for bit in (1, 2))
        with link.trial(one, 0):
            host = board.host.copy()
            host.read_memory(space, address & ~3, 4)
            host.confirm()
            assert host.flips() == (1, 0)
            with link.trial(two, 0):
                host = host.copy()
                host.read_memory(space, address & ~3, 4)
                with pytest.raises(AcceleratorError) as stop:
                    host.confirm()
                assert stop.value.code == Error.MEMORY and host.flips() == (1, 1)
                if space == Space.PROGRAM:
                    with pytest.raises(AcceleratorError) as stop:
                        host.run(0, len(program.program.steps), budget=10**6)
                    assert (stop.value.code, stop.value.step) == (Error.MEMORY, 0)


@pytest.mark.parametrize("protect, more", [("parity", 4), ("ecc", 64)])
def test_block_rams(protect, more):
    """Parity of activations takes none; the rest takes what docs/results/protect.md says."""
    design = hwgen.Design.load("ulx3s-85f")
    plain, protected = memory_blocks(Designs.of([design])), memory_blocks(
        Designs.of([design.replace(protect=protect)]))
    assert (protected - plain).tolist() == [[more, 0, 0]]


@pytest.mark.parametrize("fields, sentence", [
    ({"engine": "bitserial", "lines": 1},
     "protect must be 'none' with engine 'bitserial', not 'ecc': "),
    ({"tables": 1}, "protect must be 'none' with tables 1, not 'ecc': "),
    ({"protect": "eec"},
     "protect must be one of none, parity, ecc, not 'eec'; did you mean 'ecc'")])
def test_design_wrong(fields, sentence):
    with pytest.raises(UserError, match=sentence):
        PLAIN.replace(**{"protect": "ecc"} | fields)


def test_other_designs_are_as_they_were():
    protected = PLAIN.replace(protect="parity")
    assert "protect" not in PLAIN.to_toml() and protected.name.endswith("_parity")
    assert protected.fingerprint != PLAIN.fingerprint
    window = BusWindow.of(protected)
    assert window.sizes[Space.REGISTERS] == ProtectionRegister.FLIPS + 4
