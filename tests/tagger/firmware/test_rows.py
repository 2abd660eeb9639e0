"""The rows of a bit check: what is stored comes back, anything else is one line."""

import zipfile

import numpy as np
import pytest

pytest.importorskip("da4ml")
import tiny_firmware as tiny

from pseudoexp.core import files
from pseudoexp.errors import SchemaError
from tagger.firmware.rows import CheckRows


@pytest.fixture
def path(tmp_path):
    tiny.rows(tiny.network()).save(tmp_path / "check.npz")
    return tmp_path / "check.npz"


def test_what_is_stored_comes_back(path):
    stored, again = tiny.rows(tiny.network()), CheckRows.load(path, 2)
    assert all(np.array_equal(getattr(stored, name), getattr(again, name)) for name in ("x", "y", "weight", "event", "logits"))
    assert again.split_rows == 300


@pytest.mark.parametrize("count", [100, pytest.param(2000, marks=pytest.mark.slow)])
def test_damaged_files_are_refused_in_one_line(path, tmp_path, count):
    content, rng, refused = path.read_bytes(), np.random.default_rng(count), 0
    for _ in range(count):
        changed = bytearray(content)
        place = int(rng.integers(len(content)))
        changed[place:place + int(rng.integers(0, 4))] = rng.bytes(int(rng.integers(0, 8)))
        (tmp_path / "damaged.npz").write_bytes(changed)
        try:
            CheckRows.load(tmp_path / "damaged.npz", 2)
        except SchemaError as error:
            assert "\n" not in str(error)
            refused += 1
    assert refused > count / 2


def test_what_unpacks_to_too_much_is_not_unpacked(tmp_path, monkeypatch):
    bomb = tmp_path / "check.npz"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", bytes(1 << 22))
    monkeypatch.setattr(files.read_arrays, "__defaults__", (1 << 20,))
    with pytest.raises(SchemaError, match="larger than 1048576 bytes when unpacked"):
        CheckRows.load(bomb, 2)


@pytest.mark.parametrize("change", [
    {"x": np.zeros((300, 2), "U3")}, {"x": np.zeros(300, "f4")}, {"logits": np.zeros(299, "f4")}, {"y": np.zeros(300, "f4")},
    {"split_rows": np.zeros(2, "i8")}, {"more": np.zeros(300)}, {"x": np.full((300, 2), np.nan, "f4")},
    {"weight": np.full(300, np.inf)}, {"event": np.zeros((300, 1), "i8")}])
def test_other_arrays_are_refused(path, change):
    with np.load(path) as stored:
        arrays = {name: stored[name] for name in stored.files}
    np.savez(path, **(arrays | change))
    with pytest.raises(SchemaError, match=r"check\.npz: "):
        CheckRows.load(path, 2)
