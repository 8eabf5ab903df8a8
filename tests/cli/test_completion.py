import os
import shutil
import subprocess
import sys

import pytest

from hwgen.cli import completion, main

FOLDER = ["folder", "net.tflite", "my.toml", "notes.txt", "x.npz"]
SHOWN = [
    ("hwgen bui", {"build"}, {"boards"}),
    ("hwgen boards ulx", {"ulx3s-85f"}, set()),
    ("hwgen build --board ice", {"icebreaker", "ice40-hx8k"}, {"my.toml"}),
    ("hwgen cycles ", {"net.tflite"}, {"x.npz", "notes.txt"}),
    ("hwgen run net.tflite --input ", {"x.npz"}, {"net.tflite"}),
    ("hwgen run net.tflite --design ", {"ulx3s-85f", "my.toml"}, {"net.tflite"}),
    ("hwgen run net.tflite --inp", {"--input"}, {"--design"}),
    ("hwgen generate --wei", {"--weights"}, set()),
    ("hwgen generate --engine s", {"systolic", "sparse"}, {"binary"}),
    ("hwgen generate --unit cs", {"csc"}, set()),
    ("hwgen generate --unit csc --code", {"--codebook"}, set()),
    ("hwgen sim sy", {"systolic"}, set()),
    ("hwgen program ", {"folder"}, {"my.toml"}),
    ("hwgen completion ", {"bash", "zsh", "fish"}, {"tcsh"}),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with files that are completed, and the script of each shell."""
    made = tmp_path_factory.mktemp("completion")
    for name in FOLDER[1:]:
        (made / name).touch()
    (made / FOLDER[0]).mkdir()
    for shell in completion.SHELLS:
        with (made / f"hwgen.{shell}").open("w") as file, pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.stdout", file)
            assert main(["completion", shell]) == 0
    return made


def words_of_bash(line):
    """Return a line in words as bash has them, which ends one at a colon and at an equals sign."""
    line = line.replace(":", " : ").replace("=", " = ")
    return [*line.split(), *([""] if line.endswith(" ") else [])]


def completed(shell, path, line):
    """Return what a shell offers for a line."""
    if shell == "fish":
        command = ["fish", "--no-config", "-c", f"source {path}; complete -C '{line}'"]
    else:
        words = words_of_bash(line)
        quoted = " ".join(f"'{word}'" for word in words)
        state = f"COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}"
        shown = r"printf '%s\n' ${COMPREPLY[@]}"
        command = ["bash", "-uc", f"source {path}; {state}; compopt() {{ :; }}; _hwgen; {shown}"]
    done = subprocess.run(command, cwd=path.parent, capture_output=True, text=True, timeout=60,
                          env=os.environ | {"HOME": str(path.parent)})
    assert done.returncode == 0 and done.stderr == ""
    return {each.partition("\t")[0].rstrip("/") for each in done.stdout.splitlines()}


@pytest.mark.parametrize("shell", ["bash", pytest.param("fish", marks=pytest.mark.skipif(
    not shutil.which("fish"), reason="fish is not installed"))])
def test_completes(shell, folder):
    for line, there, elsewhere in SHOWN:
        found = completed(shell, folder / f"hwgen.{shell}", line)
        assert found >= there and not found & elsewhere, line


@pytest.mark.parametrize("begun", ["--design ", "--design="])
def test_colon_and_equals_in_bash(begun, folder):
    """The part of a preset's name behind the colon, and of an option behind `=`."""
    line = f"hwgen run {begun}ulx3s-85f:"
    assert completed("bash", folder / "hwgen.bash", line + "st") == {"stream"}
    assert completed("bash", folder / "hwgen.bash", line) == {"serial", "stream", "wide"}


def test_zsh(folder):
    """Its script names what the others do; only a zsh at a terminal can run it."""
    text = (folder / "hwgen.zsh").read_text()
    assert text.startswith("#compdef hwgen\n")
    for part in ("ulx3s-85f:stream", '"--weights[', '"--codebook[', "*.tflite|*.onnx",
                 ":(bitserial bitplane "):
        assert part in text


def test_shell_wrong(capsys):
    assert main(["completion", "tcsh"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("hwgen: SHELL: invalid choice: 'tcsh'")


def test_nothing_of_it_for_other_commands():
    """Completion costs other commands nothing: what makes the scripts is imported for it alone."""
    script = ("import sys; from hwgen.cli import main\n"
              "main(['boards', 'icebreaker']); raise SystemExit('shtab' in sys.modules)")
    assert not subprocess.run([sys.executable, "-c", script], capture_output=True).returncode
