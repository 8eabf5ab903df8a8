"""Readers of arrays: inputs, answers, labels, and data to quantise on."""

import io
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np

from hwgen.cli.arrays import read_answers, read_inputs, read_labels
from hwgen.compress.quantize import inputs_of
from hwgen.network.reader import read_network
from hwgen.tools.arrays import load_arrays

from .damage import Damage
from .damage_archive import archive, array_file
from .designs import network
from .networks import floats
from .reader import Reader

__all__ = ["READERS"]


def npy(values: np.ndarray) -> bytes:
    """Return a .npy file."""
    target = io.BytesIO()
    np.save(target, values)
    return target.getvalue()


def npz(**arrays: np.ndarray) -> bytes:
    """Return a .npz file."""
    target = io.BytesIO()
    np.savez_compressed(target, **arrays)
    return target.getvalue()


def either(rng: np.random.Generator, data: bytes, others: object) -> bytes:
    """Damage a .npz or a .npy file, as what it is."""
    damage: Damage = archive if data.startswith(b"PK") else array_file
    return damage(rng, data, [data])


def images() -> np.ndarray:
    """Return inputs of the network of the test."""
    net = read_network(network())
    shape = net.tensors[net.inputs[0]].shape
    return np.random.default_rng(0).integers(-128, 128, (3, *shape[1:])).astype(np.int8)


def input_seeds() -> Mapping[str, bytes]:
    """Return inputs as .npz files."""
    names = read_network(network()).inputs
    return {"inputs.npz": npz(**{name: images() for name in names}),
            "more.npz": npz(**{name: images() for name in names}, label=np.arange(3),
                            labels=np.array(["a", "b"]))}


def read(path: Path) -> None:
    """Read inputs of a network."""
    read_inputs(str(path), read_network(network()))


def label_seeds() -> Mapping[str, bytes]:
    """Return labels, and answers."""
    return {"labels.npz": npz(label=np.array([1, 0, 2]), labels=np.array(["yes", "no", "nothing"]))}


def read_both(path: Path) -> None:
    """Read labels and answers."""
    read_labels(str(path))
    read_answers(str(path), {"x": np.zeros(3)})


@cache
def float_network() -> bytes:
    """Return a float network, to be quantised."""
    return floats()


def data_seeds() -> Mapping[str, bytes]:
    """Return float data."""
    values = np.random.default_rng(0).normal(0, 1, (3, 3, 6, 6)).astype("f4")
    return {"data.npz": npz(input=values), "x.npz": npz(x0=values)}


READERS = (
    Reader(name="arrays", what="`.npy` and `.npz` files", damage=either, read=load_arrays,
           seeds=lambda: {"one.npy": npy(images()), "some.npz": npz(input=images(),
                                                                    label=np.arange(3))}),
    Reader(name="inputs", what="inputs of a network (`--input`)", damage=archive, read=read,
           seeds=input_seeds, names_file=False,
           command=lambda path: ["golden", network(), "--input", str(path)]),
    Reader(name="labels", what="names of classes, and right answers (`--labels`)", damage=archive,
           read=read_both, seeds=label_seeds),
    Reader(name="quantize-data", what="data to quantise on", damage=archive,
           read=lambda path: inputs_of(float_network(), path), seeds=data_seeds, names_file=False),
)
