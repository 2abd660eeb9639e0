"""`pseudoexp.info`: what stands beside the rows."""

import json

import h5py
from mock_file import mock_file

import pseudoexp


def test_info_says_what_the_file_holds(tmp_path):
    path = mock_file(tmp_path / "a.h5", 120)
    found = pseudoexp.info(path)
    with h5py.File(path) as file:
        assert found.dataset_hash == file.attrs["dataset_hash"]
        assert found.configuration == json.loads(file.attrs["configuration"])
        assert found.datasets["jets"]["columns"] == list(file["jets"].dtype.names)
    assert (found.path, found.rows, found.bytes) == (str(path), 120, path.stat().st_size)
    assert sum(found.counts.values()) == 120
    json.dumps(found, allow_nan=False)


def test_attributes_do_not_hide_the_facts(tmp_path):
    path = mock_file(tmp_path / "a.h5", 100)
    with h5py.File(path, "a") as file:
        file.attrs["rows"] = "a million"
    assert pseudoexp.info(path).rows == 100
