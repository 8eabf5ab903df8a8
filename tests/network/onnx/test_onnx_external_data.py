"""Weights in a file beside the ONNX file."""

import numpy as np
import pytest

from hwgen.errors import UserError
from hwgen.golden.network.network import run
from hwgen.network.onnx.reading import read

onnx = pytest.importorskip("onnx")
writer = pytest.importorskip("tests.onnx_writer")


def model(channels=8):
    """Return a network of one product."""
    w = writer.Writer(channels)
    y = w.node("MatMul", w.both(w.input([1, 6])), w.dequantized(*w.weights(6, channels)))
    return onnx.ModelProto.FromString(w.model(w.both(y)))


def split(folder, network=None):
    """Save a network in two files; return the path, and the entries of one tensor."""
    path = folder / "net.onnx"
    onnx.save_model(network or model(), path, save_as_external_data=True, size_threshold=0,
                    location="net.onnx.data")
    proto = onnx.load(path, load_external_data=False)
    return path, proto, next(t for t in proto.graph.initializer if t.dims == [6, 8])


@pytest.mark.parametrize("channels", [1, 8, 33])
def test_equal(tmp_path, channels):
    """All weights arrive, of files with offsets between them."""
    whole = model(channels)
    onnx.save_model(whole, tmp_path / "net.onnx", save_as_external_data=True, size_threshold=0)
    x = np.random.default_rng(channels).normal(size=(9, 6)).astype("f4")
    found, expected = (read(source) for source in (tmp_path / "net.onnx",
                                                   model(channels).SerializeToString()))
    assert all(np.array_equal(*pair) for pair in zip(
        run(found, found.feed(x)).values(), run(expected, expected.feed(x)).values(), strict=True))


def change(entries, key, value):
    """Give an entry of a tensor another value; None removes it."""
    kept = {entry.key: entry.value for entry in entries}
    del entries[:]
    for name, each in (kept | {key: value}).items():
        if each is not None:
            entries.add(key=name, value=each)


def test_length_left_out(tmp_path):
    """Without a length it is the rest of the file; without an offset, from its beginning."""
    path, proto, tensor = split(tmp_path)
    data = (tmp_path / "net.onnx.data").read_bytes()
    offset = next(int(entry.value) for entry in tensor.external_data if entry.key == "offset")
    (tmp_path / "alone.bin").write_bytes(data[offset:offset + 48])
    for key, value in (("location", "alone.bin"), ("offset", None), ("length", None)):
        change(tensor.external_data, key, value)
    path.write_bytes(proto.SerializeToString())
    assert np.array_equal(read(path).layers[0].weights,
                          read(model().SerializeToString()).layers[0].weights)


@pytest.mark.parametrize(("key", "value", "text"), [
    ("location", "/etc/passwd", "'/etc/passwd', which must stand beside"),
    ("location", "../net.onnx.data", "which must stand beside"),
    ("location", "..", "which must stand beside"),
    ("location", "", "which must stand beside"),
    ("location", None, "which must stand beside"),
    ("location", "lost\0.bin", "which must stand beside"),
    ("location", "lost.bin", "'lost.bin', which must stand beside"),
    ("offset", "-1", "export the network again"),
    ("offset", "x", "no integer"),
    ("length", "-5", "export the network again"),
    ("length", "1000000", "export the network again"),
    ("length", "47", "holds 47 bytes, not 48"),
])
def test_wrong(tmp_path, key, value, text):
    """Nothing is read but files of the folder, and of those only what is there."""
    folder = tmp_path / "inner"
    folder.mkdir()
    path, proto, tensor = split(folder)
    (tmp_path / "net.onnx.data").write_bytes((folder / "net.onnx.data").read_bytes())
    change(tensor.external_data, key, value)
    path.write_bytes(proto.SerializeToString())
    with pytest.raises(UserError, match=text):
        read(path)


def test_file_cut(tmp_path):
    """A data file that was not copied whole."""
    path, _, _ = split(tmp_path)
    data = tmp_path / "net.onnx.data"
    data.write_bytes(data.read_bytes()[:20])
    with pytest.raises(UserError, match="copy both files"):
        read(path)


def test_too_much(tmp_path, monkeypatch):
    """Tensors that all read the same bytes are no more than a file may be."""
    monkeypatch.setattr("hwgen.network.onnx.file.BYTES", 4000)
    path, proto, tensor = split(tmp_path)
    change(tensor.external_data, "offset", "0")
    change(tensor.external_data, "length", None)
    (tmp_path / "net.onnx.data").write_bytes(bytes(3999))
    for number in range(2):
        proto.graph.initializer.add().CopyFrom(tensor)
        proto.graph.initializer[-1].name = f"more{number}"
    path.write_bytes(proto.SerializeToString())
    with pytest.raises(UserError, match="weights of more than 0 MiB"):
        read(path)
