"""Damaged .npy and .npz files: one sentence, and no more memory than the file is worth."""

import io
import resource
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from hwgen.errors import UserError
from hwgen.tools.arrays import load_arrays


def npz(compressed=True, **arrays):
    out = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(out, **arrays)
    return out.getvalue()


def npy(array):
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def header(text):
    """Return a .npy file that is nothing but a header."""
    text = text.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


def in_archive(data, kind=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", kind) as archive:
        archive.writestr("x.npy", data)
    return out.getvalue()


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("array", [
    np.arange(6, dtype="f4").reshape(2, 3), np.asfortranarray(np.arange(6).reshape(2, 3)),
    np.arange(4, dtype=">i4"), np.array(["a", "bc"]), np.float64(3), np.zeros((0, 3), "i1"),
    np.array([True, False])])
def test_same_as_numpy(array, compressed, tmp_path):
    path = tmp_path / "x.npz"
    path.write_bytes(npz(compressed, x=array, other=np.zeros(3)))
    found = load_arrays(path, "x")["x"]
    assert found.shape == np.shape(array) and np.array_equal(found, array)
    assert sorted(load_arrays(path)) == ["other", "x"]
    path.write_bytes(npy(array))
    assert np.array_equal(load_arrays(path)[""], array)


HUGE = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000000), }"


@pytest.mark.parametrize("data, match", [
    (b"", "is not a .npy or .npz file"), (b"PK\x03\x04", "damaged"),
    (header(HUGE), "more than the 256 MiB"), (in_archive(header(HUGE)), "more than the 256 MiB"),
    (header(HUGE.replace("1000000", "3000")), "its header says 72000000 bytes"),
    (header(HUGE.replace("1000000", "-3")), "impossible shape"),
    (header(HUGE.replace("<f8", "|O")), "holds object, not plain numbers"),
    (header(HUGE.replace("<f8", "<U0")), "not plain numbers"),
    (header(HUGE.replace("(1000000, 1000000)", "2**60")), "damaged"),
    (npy(np.array([{}, 1], object)), "holds object"), (npz(x=np.array([None])), "holds object"),
    (npy(np.zeros(2, [("a", "i1")])), "not plain numbers"), (npy(np.arange(9))[:-1], "damaged"),
    (npz(x=np.arange(999))[:-30], "damaged"),
    (in_archive(npy(np.arange(9)), zipfile.ZIP_LZMA), "a way that NumPy does not write"),
    (in_archive(b"text"), "damaged")],
    # Archives have the time in them, and so would the names, which all workers must have alike.
    ids=lambda value: "data" if isinstance(value, bytes) else value)
def test_damaged(data, match, tmp_path):
    path = tmp_path / "x.npz"
    path.write_bytes(data)
    with pytest.raises(UserError, match=match) as caught:
        load_arrays(path)
    assert "\n" not in str(caught.value)


def test_bomb(tmp_path):
    """An archive of little bytes that would be a gigabyte is not unpacked."""
    path = tmp_path / "x.npz"
    count = 100_000_000
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive, \
            archive.open("x.npy", "w", force_zip64=True) as file:
        file.write(header(f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({count},), }}"))
        for _ in range(20):  # a fortieth of what it says will do
            file.write(bytes(1_000_000))
    with pytest.raises(UserError, match="more than the 256 MiB"):
        load_arrays(path)


def mutated(data, random):
    data = bytearray(data)
    for _ in range(random.integers(1, 6)):
        if len(data) < 2:
            break
        at = int(random.integers(len(data)))
        match random.integers(4):
            case 0:
                data[at] = random.integers(256)
            case 1:
                data[at] ^= 1 << random.integers(8)
            case 2:
                del data[at:]
            case _:
                data[at:at] = bytes(random.integers(0, 256, random.integers(1, 9)).astype("u1"))
    return bytes(data)


GOOD = [npz(True, x=np.arange(12.0, dtype="f4").reshape(2, 6)), npz(False, x=np.ones((2, 6), "f4")),
        npy(np.ones((2, 6), "f4")), npz(x=np.ones((2, 6)), y=np.array(["a", "bc"]))]


def fuzz(path, count, seed):
    """Load so many damaged files; whatever is no UserError fails."""
    random = np.random.default_rng(seed)
    read = 0
    for number in range(count):
        path.write_bytes(mutated(GOOD[number % len(GOOD)], random))
        try:
            arrays = load_arrays(path)
        except UserError as error:
            assert "\n" not in str(error)
        else:
            read += 1
            assert sum(array.nbytes for array in arrays.values()) <= 1 << 29
    return read


@pytest.mark.parametrize("seed", range(2))
def test_any_damage(seed, tmp_path):
    assert fuzz(tmp_path / "x.npz", 500, seed)


@pytest.mark.slow
def test_any_damage_in_little_memory(tmp_path):
    """The same, 20,000 of them, where no more than a gigabyte can be had."""
    code = ("import resource, sys; from pathlib import Path;"
            "from tests.tools.test_arrays import fuzz;"
            "resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]),) * 2);"
            "fuzz(Path(sys.argv[2]), 20000, 99)")
    room = resource.getrlimit(resource.RLIMIT_AS)[0]
    assert room == resource.RLIM_INFINITY
    subprocess.run([sys.executable, "-c", code, str(3 << 30), str(tmp_path / "x.npz")], check=True)
