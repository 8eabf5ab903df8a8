import os
import stat

import pytest

from hwgen.errors import UserError
from hwgen.files import replacing


def test_replaced(tmp_path):
    path = tmp_path / "file"
    path.write_text("before")
    with replacing(path) as scratch:
        scratch.write_text("after")
        assert path.read_text() == "before"
    assert path.read_text() == "after"
    assert list(tmp_path.iterdir()) == [path]
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_interrupted(error, tmp_path):
    path = tmp_path / "file"
    path.write_text("before")
    with pytest.raises(error), replacing(path) as scratch:
        scratch.write_text("half")
        raise error
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name, why", [(".", "it is there, and no file"), ("a/b", "No such file"),
                                       ("x" * 300, "too long"), ("file/b", "Not a directory")])
def test_wrong(name, why, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=f"cannot be written: .*{why}"), \
            replacing(tmp_path / name) as scratch:
        scratch.write_text("x")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_device(tmp_path):
    """A device is not replaced by a file, not even by root."""
    with pytest.raises(UserError, match="no file"), replacing(tmp_path.parents[-1] / "dev/null"):
        pass
