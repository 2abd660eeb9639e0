"""The rows of an event in a file."""

import h5py
import numpy as np
import pytest
from mock_file import mock_file

from pseudoexp.dataset import schema
from pseudoexp.replaying import compare
from pseudoexp.replaying.compare import rows_in


@pytest.fixture
def path(tmp_path, monkeypatch):
    """Return a file of 100 rows that is read in blocks of 30; event 70 has the rows on both sides of a block's end."""
    monkeypatch.setattr(compare, "BLOCK_ROWS", 30)
    path = mock_file(tmp_path / "a.h5", 100)
    with h5py.File(path, "r+") as file:
        jets = file["jets"][:]
        jets["eventNumber"] = 1000
        jets["eventNumber"][[29, 30, 99]] = 70
        file["jets"][:] = jets
    return path


def test_rows_of_all_blocks_in_their_order(path):
    with h5py.File(path) as file:
        jets = file["jets"][:]
    assert rows_in(path, 70)["pt"].tolist() == jets["pt"][[29, 30, 99]].tolist()
    assert len(rows_in(path, 1000)) == 97 and rows_in(path, 71).shape == (0,)


def test_bytes_are_those_of_packed_rows_whatever_stands_between_columns(path):
    """HDF5 leaves the memory between columns as it was."""
    found = rows_in(path, 70)
    clean = np.zeros(len(found), schema.JET_DTYPE)
    for name in schema.JET_DTYPE.names:
        clean[name] = found[name]
    assert found.dtype == schema.JET_DTYPE and found.tobytes() == clean.tobytes()


def test_further_columns_do_not_matter(path):
    with h5py.File(path, "r+") as file:
        jets = file["jets"][:]
        wider = np.zeros(len(jets), [*((name, jets.dtype[name]) for name in jets.dtype.names), ("score", "f4")])
        for name in jets.dtype.names:
            wider[name] = jets[name]
        before = rows_in(path, 70)
        del file["jets"]
        file["jets"] = wider
    assert rows_in(path, 70).tobytes() == before.tobytes()
