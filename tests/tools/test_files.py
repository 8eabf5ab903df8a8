import os
import stat

import pytest

from hwgen.errors import UserError
from hwgen.tools.files import replacing


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


def test_no_name_can_be_foreseen(tmp_path):
    """In a folder that everybody may write to, no link of somebody's is written through."""
    path = tmp_path / "file"
    (tmp_path / f".hwgen-{os.getpid()}").symlink_to(tmp_path / "theirs")
    with replacing(path) as scratch:
        assert stat.S_IMODE(scratch.parent.stat().st_mode) == 0o700 and scratch.name == "file"
        scratch.write_text("text")
    assert path.read_text() == "text" and not (tmp_path / "theirs").exists()
