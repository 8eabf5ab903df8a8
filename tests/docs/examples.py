"""The commands that help texts and documentation show, and the files that they speak of."""

import re
import shlex
import shutil
from pathlib import Path

import numpy as np

from hwgen.cli.command_line import parser
from hwgen.compress.quantize import quantised_model

from ..compress import test_quantize
from ..networks import arrays, path
from ..tflite_writer import random_network

__all__ = ["examples", "lay_out"]

ROOT = Path(__file__).parents[2]

TOPOLOGY = """Layer name, IFMAP H, IFMAP W, Filter H, Filter W, Channels, Num Filter, Strides,
a, 14, 14, 3, 3, 16, 40, 1,
b, 9, 12, 1, 1, 20, 64, 1,
"""
DESIGN = """rows = 4
columns = 8
lanes = 2
activation_memory = 8192
program_memory = 65536
partial_sums = 128
"""
SPARSE = """engine = "sparse"
sparse_entries = 8192
sparse_columns = 2048
sparse_depth = 16
rows = 9
columns = 16
lines = 3
line_pixels = 512
lanes = 16
activation_memory = 65536
program_memory = 294912
partial_sums = 512
"""


def of_help(text):
    """Return the commands of a help text; what they do stands behind two spaces."""
    lines = text.replace("\\\n", "").splitlines()
    return [re.split(r"\s{2,}", re.sub(r"\s{2,}--", " --", line.strip()))[0] for line in lines
            if line.startswith("  hwgen ")]


def of_page(text):
    """Return the commands of a page; what they do stands behind a hash."""
    lines = "".join(re.findall(r"```sh\n(.*?)```", text, re.S)).replace("\\\n", "").splitlines()
    return [line.partition(" #")[0].strip() for line in lines if line.startswith("hwgen ")]


def examples():
    """Return lists of commands, each as its words, by the help text or page that shows them."""
    top = parser()
    commands = next(action.choices for action in top._actions if action.dest == "command")
    found = {f"hwgen {name}".strip(): of_help(command.epilog or "")
             for name, command in {"": top, **commands}.items()}
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    found |= {page.name: of_page(page.read_text("utf-8")) for page in pages}
    # Where a shell writes what is printed is none of the command's words.
    return {name: [shlex.split(line.partition(" > ")[0])[1:] for line in lines]
            for name, lines in found.items() if lines}


def lay_out(folder, page):
    """Fill a folder with what the examples of a page take for granted: networks, inputs, Designs.

    x.npy is an input of net.tflite where there is one, else of float.onnx and of its int8 forms.
    """
    (folder / "networks").symlink_to(ROOT / "networks")
    (folder / "docs" / "results").mkdir(parents=True)
    shutil.copy(ROOT / "docs" / "results" / "systolic.toml", folder / "docs" / "results")
    (folder / "my.toml").write_text(DESIGN)
    for name in ("sparse.toml", "half.toml"):
        (folder / name).write_text(SPARSE)
    (folder / "topology.csv").write_text(TOPOLOGY)

    keywords = arrays("kws_dscnn")
    (folder / "net.tflite").write_bytes(path("kws_dscnn").read_bytes())
    for name in ("some.npz", "others.npz", "kws_eembc100.npz"):
        np.savez(folder / name, input=keywords["input"], label=keywords["label"])
    for seed, name in ((0, "a.tflite"), (2, "b.tflite")):  # that of 1 is too large for a board
        (folder / name).write_bytes(random_network(np.random.default_rng(seed)))

    images = test_quantize.images()
    (folder / "float.onnx").write_bytes(test_quantize.float_model())
    quantised = quantised_model(folder / "float.onnx", images)
    for name in ("net.onnx", "net_int8.onnx", "a.onnx", "shapes.onnx"):
        (folder / name).write_bytes(quantised)
    for name in ("images.npz", "x.npz", "inputs.npz"):
        np.savez(folder / name, x0=images, x=images, label=np.arange(len(images)) % 3)
    np.save(folder / "x.npy", keywords["input"] if page in ("hwgen run", "hwgen build") else images)
