"""Options that need others: the others follow, or one sentence has all of them, and is right."""

import random
import re
import shlex

import pytest

from hwgen.arch.boards import BOARDS
from hwgen.arch.design import Design
from hwgen.arch.fitting import fitting
from hwgen.cli.command_line import parser
from hwgen.cli.design import FIELDS, chosen_design
from hwgen.errors import UserError

PARSER = parser()
WHOLE = ["activation_memory", "program_memory", "partial_sums", "lanes"]


def choose_design(*words):
    """Return the Design that the options of a command choose."""
    options = PARSER.parse_args(words)
    options.words = list(words)
    return chosen_design(options)


def advice(words):
    """Return what is said of options that do not do, and the command that would."""
    with pytest.raises(UserError) as error:
        choose_design(*words)
    text = str(error.value)
    found = re.search(r"; this would do: `hwgen (.*)`$", text)
    return text, shlex.split(found[1]) if found else None


def test_example_of_the_help():
    """A board's preset with 8 columns has 8 lanes."""
    design = choose_design("generate", "--design", "ulx3s-85f", "--columns", "8")
    assert design == Design.load("ulx3s-85f").replace(columns=8, lanes=8, hard_lanes=8)


def test_what_followed_is_told(capsys):
    choose_design("generate", "--design", "ulx3s-85f", "--columns", "8")
    assert capsys.readouterr().err == (
        "hwgen: to fit the options, lanes is 8, not 16, hard_lanes is 8, not 16\n")
    choose_design("generate", "--design", "ulx3s-85f", "--rows", "8")
    assert capsys.readouterr().err == ""


def test_packed_rows_follow(capsys):
    """Of the lines what they leave, and of a chip what it has."""
    wide = choose_design("generate", "--design", "ulx3s-85f", "--packed-rows", "8")
    assert (wide.packed_rows, wide.lines, wide.dsps) == (8, 1, 128)
    assert capsys.readouterr().err == (
        "hwgen: to fit the options, lines is 1, not 3, dsps is 128, not 80\n")
    preset = wide.replace(packed_rows=5, lines=3)
    for change, packed_rows in (({"lines": 4}, 5), ({"lines": 7}, 2),
                                ({"columns": 32, "lanes": 32, "hard_lanes": 32}, 1),
                                ({"family": "gowin"}, 0), ({"engine": "bitserial"}, 0)):
        found = fitting(vars(preset) | change, [*change])
        assert found.packed_rows == packed_rows and change.items() <= vars(found).items(), change


@pytest.mark.parametrize("change", [{"engine": "bitserial"}, {"engine": "sparse"},
                                    {"rounding": "single"}, {"compact": True}])
def test_kept_vectors_follow(change):
    preset = Design.load("ulx3s-85f").replace(kept_vectors=64)
    found = fitting(vars(preset) | change, [*change])
    assert found.kept_vectors == 0 and change.items() <= vars(found).items()
    assert fitting(vars(preset), []).kept_vectors == 64


def test_given_fields_stay():
    """What the user gave is no other field's to change, not even of a preset."""
    text, command = advice(["generate", "--design", "ulx3s-85f", "--columns", "8", "--lanes", "9"])
    assert "lanes must be an integer from 1 to 8, not 9" in text
    assert choose_design(*command).lanes == 8


@pytest.mark.parametrize("options, fields", [
    ("--activation-memory 4096", WHOLE[1:]),
    ("--lanes 4", WHOLE[:3]),
    ("--compact", WHOLE),
    ("--engine bitserial", WHOLE),
    ("--engine binary --columns 6", WHOLE),
    ("--engine sparse", [*WHOLE, "sparse_entries", "sparse_columns", "sparse_depth"]),
    ("--lines 3 --activation-memory 1024", [*WHOLE[1:], "line_pixels"]),
    ("--activation-memory 100", WHOLE)])
def test_whole_accelerator(options, fields):
    """All that is missing is told at once, and the command works."""
    text, command = advice(["sim", "systolic", *options.split()])
    assert f"; to be given or changed: {', '.join(fields)}; " in text
    assert choose_design(*command).activation_memory and command[:2] == ["sim", "systolic"]


def test_values_are_replaced():
    """A command has no option twice, in whatever form it was given."""
    _, command = advice(["generate", "--rows=40", "--activation-memory", "100", "--name", "a b"])
    assert command == ["generate", "--name", "a b", "--rows", "32", "--activation-memory", "128",
                       "--program-memory", "65536", "--partial-sums", "64", "--lanes", "4"]


@pytest.mark.parametrize("options, text", [
    ("--rows 0", "rows must be an integer from 1 to 64, not 0"),
    ("--lines 9", "lines must be an integer from 0 to 8, not 9"),
    ("--engine none", "engine must be one of"),
    ("--family ecp5 --device X", "device must be one of")])
def test_one_wrong_field(options, text):
    """Where the sentence has it already, no command repeats it."""
    found, command = advice(["generate", *options.split()])
    assert text in found and command is None


VALUES = {
    "engine": ["systolic", "bitserial", "sparse", "binary"], "dataflow": ["ws", "os"],
    "activations": ["int8", "int4"], "weights": ["int8", "uint8"],
    "family": ["generic", "ecp5", "ice40", "gowin"],
    "device": [board.device for board in BOARDS.values()], "rounding": ["tflm", "single", "even"],
    "protect": ["none", "parity", "ecc"]}


def random_options(source):
    """Return a few options of a Design, any of them wrong."""
    words = []
    for name in source.sample([*FIELDS], source.randrange(1, 6)):
        words.append(f"--{name.replace('_', '-')}")
        if name not in ("compact", "decompress", "softmax", "matmul", "products", "int4_weights",
                        "program_crc"):
            words.append(source.choice(VALUES[name]) if name in VALUES
                         else str(source.choice([0, 1, 2, 3, 5, 8, 16, 40, 100, 4096, 70000])))
    design = [*BOARDS, "icebreaker:sixteen", "ulx3s-85f:serial", None, None, None]
    name = source.choice(design)
    return words if name is None else ["--design", name, *words]


def test_any_options(capsys):
    """Whatever is given: a Design, a command that gives one, or a field that is wrong by itself."""
    source, outcomes = random.Random(16), []
    for _ in range(400):
        words = ["generate", *random_options(source)]
        try:
            design = choose_design(*words)
        except UserError as error:
            found = re.search(r"; this would do: `hwgen (.*)`$", str(error))
            if found:
                choose_design(*shlex.split(found[1]))
            outcomes.append("advice" if found else re.sub(r" must.*", "", str(error)))
            assert "\n" not in str(error)
            continue
        given = {name.removeprefix("--").replace("-", "_"): value
                 for name, value in zip(words, [*words[1:], ""], strict=True)
                 if name.startswith("--") and name != "--design"}
        for name, value in given.items():
            assert str(getattr(design, name)) in (value, "True"), (words, name)
        outcomes.append("design")
        capsys.readouterr()
    assert outcomes.count("design") > 60 and outcomes.count("advice") > 80
    assert {*outcomes} - {"design", "advice"} <= {*FIELDS}
