"""A file is whole or not there."""

from pathlib import Path

import pytest

from pseudoexp.core.files import require_writable, whole_file
from pseudoexp.errors import ConfigError


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


def test_a_place_is_tried_before_the_work(tmp_path):
    require_writable(tmp_path / "a")
    assert list(tmp_path.iterdir()) == []
    for path in (Path("/proc/a"), tmp_path / "no" / "a"):
        with pytest.raises(ConfigError, match=f"{path}: cannot be written"):
            require_writable(path)
