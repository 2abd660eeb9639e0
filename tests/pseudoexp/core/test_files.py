"""A file is whole or not there."""

import os
from pathlib import Path

import pytest

from pseudoexp.core.files import lock_folder, read_arrays, read_text, require_writable, whole_file
from pseudoexp.errors import ConfigError, PseudoexpError


def test_a_file_appears_at_the_end(tmp_path):
    path = tmp_path / "a"
    with whole_file(path) as file:
        file.write(b"new")
        assert not path.exists()
    assert path.read_bytes() == b"new" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_an_interruption_leaves_the_old_one(tmp_path, error):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with pytest.raises(error), whole_file(path) as file:
        file.write(b"half")
        raise error
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("there", [True, False])
def test_behind_a_link(tmp_path, there):
    (tmp_path / "far").mkdir()
    place, link = tmp_path / "far" / "a", tmp_path / "link"
    link.symlink_to("far/a")
    if there:
        place.write_bytes(b"old")
    with whole_file(link) as file:
        file.write(b"new")
    assert link.is_symlink() and place.read_bytes() == b"new" and list(place.parent.iterdir()) == [place]


def test_a_folder_is_locked_once(tmp_path):
    lock = lock_folder(tmp_path / "a")
    assert lock >= 0 and lock_folder(tmp_path / "a") == -1
    os.close(lock)
    lock = lock_folder(tmp_path / "a")
    assert lock >= 0
    os.close(lock)


def test_a_place_is_tried_before_the_work(tmp_path):
    require_writable(tmp_path / "a")
    assert list(tmp_path.iterdir()) == []
    for path in (Path("/proc/a"), tmp_path / "no" / "a"):
        with pytest.raises(ConfigError, match=f"{path}: cannot be written"):
            require_writable(path)


@pytest.mark.parametrize("read", [read_text, lambda path: read_arrays(path, "a calibration")], ids=["text", "arrays"])
def test_a_pipe_that_nobody_writes_to_is_not_waited_for(tmp_path, read):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError, match="pipe: not a regular file"):
        read(tmp_path / "pipe")
    with pytest.raises(PseudoexpError, match=r"Is a directory|not a calibration"):
        read(tmp_path)
