"""Flipped bits: where they are, what comes of them, and that a campaign is the same each time."""

import json
import re
from dataclasses import asdict

import numpy as np
import pytest

import hwgen
from hwgen.arch.design import Design
from hwgen.arch.registers import Space
from hwgen.errors import UserError
from hwgen.network.tensor import Window
from hwgen.runtime.compiled import compile_images
from hwgen.runtime.faults.faults import boards, faults, wilson
from hwgen.runtime.faults.kinds import ByteBit, flips_of, pools_of, words_of
from hwgen.runtime.faults.trials import OUTCOMES, TrialBoard
from hwgen.runtime.inference import write_tensor
from hwgen.runtime.simulated_verilog import simulated_verilog
from hwgen.runtime.simulation import MAIN, SimulatedLink
from hwgen.tools.find import compiler, verilator

from ..compiler_bench import Builder
from ..networks import FOLDER

simulated = pytest.mark.skipif(not (verilator() and compiler()), reason="needs Verilator and g++")

DESIGN = Design(rows=4, columns=4, lines=3, lanes=2, activation_memory=1024, program_memory=4096,
                partial_sums=32, line_pixels=16, steps=16)


def small():
    """Return a small network on a small accelerator."""
    build = Builder(3, 5, 6, 3)
    build.convolution(5, Window((3, 3), (1, 1), (1, 1), (1, 1)))
    build.depthwise(Window((3, 3), (1, 1), (1, 1), (1, 1)))
    build.fully_connected(6)
    return compile_images(build.network(), DESIGN)


PROGRAM = small()
[NAME] = PROGRAM.network.inputs
RESET = 4
"""Edges of the clock before the first request."""
IMAGES = {NAME: np.random.default_rng(0).integers(-128, 128, (3, 5, 6, 3)).astype(np.int8)}


@pytest.fixture(scope="module")
def board():
    """Return a board of its own, whose simulator is built once."""
    made = boards(PROGRAM, IMAGES)()
    with made.link:
        yield made


@pytest.fixture(scope="module")
def pools(board):
    return pools_of(board.program, board.link.elements, board.link.absent)


@simulated
def test_the_state_is_there(board):
    """The simulator left out what nobody reads, and no more."""
    bits = sum(each.bits for each in board.link.elements)
    absent = sum(board.link.elements[index].bits for index in board.link.absent)
    assert bits > 60_000 and absent < 100


@simulated
@pytest.mark.parametrize("space, part", [(Space.ACTIVATIONS, "activations"),
                                         (Space.PROGRAM, "program")])
def test_bytes_are_found(board, space, part):
    """A bit of the hardware's memory that is flipped is the one that the host reads."""
    for address, bit in [(0, 0), (5, 7), (66, 3), (67, 0)]:
        found = board.locate(ByteBit(space, address, bit))
        assert board.link.elements[found.element].part == part
        before = board.host.read_memory(space, address, 1)[0]
        with board.link.trial(found):
            board.link.wait(1)
            assert board.host.copy().read_memory(space, address, 1)[0] == before ^ 1 << bit
        assert board.host.read_memory(space, address, 1)[0] == before


SABOTEUR = """  integer flipped = -1, moment = -1, now = 0;
  initial begin
    void'($value$plusargs("flipped=%d", flipped));
    void'($value$plusargs("moment=%d", moment));
  end
  always @(posedge clk) now <= now + 1;
endmodule"""


def sabotaged(text, top, names):
    """Return Verilog in which an argument names a register that is flipped as it is written."""
    for number, (element, bit) in enumerate(names):
        *_, owner, name = element.name.split(".")
        kind = top if owner == top else f"\\{top}.{owner} "
        head, body, tail = re.split(rf"(?s)(?<=^module {re.escape(kind)}\()(.*?)(?=^endmodule)",
                                    text, maxsplit=1, flags=re.MULTILINE)
        changed, count = re.subn(
            rf"(?m)^(    \\?{re.escape(name)} +<= )(.*);$",
            lambda found: f"{found[1]}{found[2]} ^ ({top}.flipped == {number} && "  # noqa: B023
                          f"{top}.now == {top}.moment ? {element.width}'d{1 << bit} : "  # noqa: B023
                          f"{element.width}'d0);", body)  # noqa: B023
        assert count == 1, element
        text = head + changed + tail
    return re.sub(rf"(?s)(^module {top}\(.*?)^endmodule", lambda found: found[1] + SABOTEUR, text,
                  count=1, flags=re.MULTILINE)


@simulated
@pytest.mark.slow
def test_flips_are_those_of_the_verilog(pools):
    """What comes of a flip is what comes of Verilog that flips the register by itself."""
    with (board := boards(PROGRAM, IMAGES)()).link:
        compare_flips(board, pools)


def compare_flips(board, pools):
    """Flip registers on a board, and in Verilog that does so by itself."""
    flips = []
    for kind, pool in pools.items():
        if kind.startswith("registers:"):
            flips += [flip for flip in flips_of(kind, pool, 8, 1, 5)
                      if re.fullmatch(r"accelerator(\.\w+)?\.[a-z][^.]*",
                                      board.link.elements[flip.where.element].name)]
    names = [(board.link.elements[flip.where.element], flip.where.bit) for flip in flips]
    found = {(trial.kind, trial.index): trial for trial in board.run(flips)}
    assert len(found) == len(flips) > 30
    assert {trial.outcome for trial in found.values()} >= {"masked", "wrong", "detected"}
    with board.link.trial():
        host = board.host.copy()
        write_tensor(host, board.program, NAME, IMAGES[NAME][:1])
        start = board.link.cycles
        _, length, right = board._baseline(host, 0)
    text, top = simulated_verilog(board.program.design)
    text = sabotaged(text, top, names)
    main = MAIN.read_text().replace("(void)argc;", "context->commandArgs(argc, argv);")
    for number, flip in enumerate(flips):
        trial = found[flip.kind, flip.index]
        arguments = [f"+flipped={number}", f"+moment={RESET + start + trial.cycle}"]
        with SimulatedLink(text, top=top, main=main, arguments=arguments) as link:
            other = TrialBoard(link, board.program, board.network, IMAGES)
            write_tensor(other.host, board.program, NAME, IMAGES[NAME][:1])
            assert link.cycles == start
            outcome = other._outcome(other.host, False, start + length, right)
        silent = {"code": 0, "cycles": 0, "label": False}
        assert asdict(trial) == asdict(trial) | silent | outcome, trial


@simulated
def test_campaigns_are_repeatable(tmp_path):
    """The same seed gives the same results, on one simulator and on two."""
    found = [faults(PROGRAM, IMAGES, flips=6, seed=4, jobs=jobs).kinds for jobs in (1, 2)]
    assert found[0] == found[1]
    assert {trial.image for kind in found[0] for trial in kind.trials} == {0, 1, 2}
    assert faults(PROGRAM, IMAGES, kinds=["weights"], flips=6, seed=5).kinds != [
        kind for kind in found[0] if kind.kind == "weights"]


@simulated
def test_campaigns_go_on(tmp_path, monkeypatch):
    """A campaign that was killed in the middle of a line does what is missing, and no more."""
    file = tmp_path / "flips.jsonl"
    kinds = ["weights", "registers:sequencer"]
    whole = faults(PROGRAM, IMAGES, kinds=kinds, flips=5, output=file)
    lines = file.read_bytes().splitlines(keepends=True)
    assert len(lines) == 1 + 2 * 5
    file.write_bytes(b"".join(lines[:4]) + lines[4][:20])
    tried = []
    run = TrialBoard.run
    monkeypatch.setattr(TrialBoard, "run",
                        lambda self, flips: run(self, tried.extend(flips) or flips))
    again = faults(PROGRAM, IMAGES, kinds=kinds, flips=5, output=file)
    assert again.facts == whole.facts and len(tried) == 7
    assert {*file.read_bytes().splitlines()} == {line.strip() for line in lines}
    more = faults(PROGRAM, IMAGES, kinds=kinds, flips=8, output=file)
    assert len(tried) == 7 + 2 * 3
    assert [kind.trials[:5] for kind in more.kinds] == [kind.trials for kind in whole.kinds]
    with pytest.raises(UserError, match="is of another campaign"):
        faults(PROGRAM, IMAGES, kinds=kinds, flips=5, seed=2, output=file)
    file.write_text("{}")
    file.write_text("3\n")
    with pytest.raises(UserError, match="is of another campaign"):
        faults(PROGRAM, IMAGES, kinds=kinds, flips=5, output=file)


@simulated
def test_results(board):
    """What is shown and printed is what came of the flips."""
    found = faults(PROGRAM, IMAGES, kinds=["descriptors"], flips=40, seed=2)
    [kind] = found.kinds
    assert kind.bits == pools_of(board.program, [], frozenset())["descriptors"].bits
    assert sum(kind.number(outcome) for outcome in OUTCOMES) == len(kind.trials) == 40
    assert kind.number("label") <= kind.number("wrong") > 0 < kind.number("detected")
    facts = json.loads(json.dumps(kind.facts))
    assert facts["wrong"]["flips"] == kind.number("wrong")
    assert facts["wrong"]["interval"] == list(wilson(kind.number("wrong"), 40))
    assert sum(facts["codes"].values()) == sum(trial.code > 0 for trial in kind.trials) > 0
    assert f"{kind.number('wrong')} silently wrong; seed 2" in found.summary
    assert "descriptors" in str(found)


@pytest.mark.parametrize("hits, trials, low, high", [
    (0, 10, 0.0, 0.2775), (8, 10, 0.4902, 0.9433), (10, 10, 0.7225, 1.0), (1, 2000, 0.0001, 0.0028),
    (0, 0, 0.0, 1.0)])
def test_wilson(hits, trials, low, high):
    """Values of the tables of statsmodels' proportion_confint, and those at the ends."""
    assert wilson(hits, trials) == pytest.approx((low, high), abs=6e-5)


@pytest.mark.parametrize("model, design", [
    ("kws_dscnn.tflite", "ulx3s-85f"), ("ad_autoencoder.tflite", "ulx3s-85f:wide"),
    ("kws_dscnn.tflite", "icebreaker"), ("tfc_1w1a.onnx", "ice40-hx8k:binary")])
def test_words_of_programs(model, design):
    """Each word of a Program is a descriptor's, or weights, or parameters, or room between."""
    program = hwgen.compile(str(FOLDER / model), design).program
    words = words_of(program)
    kinds = np.concatenate([*words.values()])
    assert len(np.unique(kinds)) == len(kinds)
    image = np.frombuffer(program.image, np.uint8).reshape(-1, program.design.columns).copy()
    image[kinds] = 0
    assert not image.any()
    assert min(map(len, words.values())) > 0 and {*words} == {"weights", "parameters",
                                                              "descriptors"}


@pytest.mark.parametrize("wrong, sentence", [
    ({"kinds": ["wieghts"]}, "kinds must be of activations, weights.*wieghts.*weights"),
    ({"flips": 0}, "flips takes a number from 1"), ({"seed": -1}, "seed takes a number from 0"),
    ({"jobs": 0}, "jobs takes a number from 1")])
@simulated
def test_arguments_wrong(wrong, sentence):
    with pytest.raises(UserError, match=sentence):
        faults(PROGRAM, IMAGES, **wrong)


def test_streams_are_refused():
    program = hwgen.compile(str(FOLDER / "ic_resnet8.tflite"), "ulx3s-85f:stream")
    with pytest.raises(UserError, match="external must be left out for a fault campaign"):
        faults(program, np.zeros((1, 32, 32, 3), np.int8))
