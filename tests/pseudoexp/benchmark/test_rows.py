"""The rows that scores are judged on: columns of the file, identities, what is refused."""

import h5py
import numpy as np
import pytest
from mock_file import mock_file

from pseudoexp.benchmark.flavours import SIGNAL, flavours_of
from pseudoexp.benchmark.rows import _jets, read_rows
from pseudoexp.dataset.probe import probe
from pseudoexp.dataset.splits import in_split
from pseudoexp.errors import DataError


@pytest.fixture
def path(tmp_path):
    """A file with `other` rows and events of several rows, which no class knows of the other."""
    path = mock_file(tmp_path / "a.h5", 3000)
    with h5py.File(path, "r+") as file:
        rows = file["jets"][:]
        rows["flavour_label"][5::40] = 2
        qcd = np.flatnonzero(rows["flavour_label"] == 1)
        rows["eventNumber"][qcd[1::4]] = rows["eventNumber"][qcd[0::4]]
        file["jets"][:] = rows
    return path


@pytest.mark.parametrize("split", [None, "train", "val", "test"])
def test_columns_are_those_of_the_file(path, split):
    """In the file's order, of this split only, without rows of class `other`; GeV instead of MeV."""
    with h5py.File(path) as file:
        jets = file["jets"][:]
    chosen = np.flatnonzero(in_split(jets["eventNumber"], split) & (jets["flavour_label"] < 2))
    rows, wanted = read_rows(probe(path), split), jets[chosen]
    assert len(rows) == len(chosen) > 100 and np.array_equal(rows.row, chosen)
    assert np.array_equal(rows.y, wanted["flavour_label"] == 0) and np.array_equal(rows.event, wanted["eventNumber"])
    np.testing.assert_allclose(rows.pt, wanted["pt"] / 1000.0, rtol=1e-6)
    np.testing.assert_allclose(rows.mass, wanted["mass"] / 1000.0, rtol=1e-6)
    assert np.array_equal(rows.weight, wanted["benchmarkWeight"].astype(float))
    assert np.array_equal(rows.flavour == SIGNAL, rows.y == 1)
    columns = {name: wanted[name] for name in wanted.dtype.names}
    assert np.array_equal(rows.flavour, flavours_of(columns, rows.y == 1))
    for label in (0, 1):  # the same within a class but for the split's share
        ratio = rows.physical[rows.y == label] / wanted["mcEventWeight"][rows.y == label]
        np.testing.assert_allclose(ratio, ratio[0], rtol=1e-6)
    seen: dict[int, int] = {}
    for event, jet in zip(rows.event.tolist(), rows.jet.tolist(), strict=True):
        assert jet == seen.get(event, 0)
        seen[event] = jet + 1
    assert max(seen.values()) == 2


def test_jets_are_counted_within_their_event():
    assert _jets(np.array([7, 9, 7, 8, 7, 9])).tolist() == [0, 0, 1, 0, 2, 1]
    assert _jets(np.array([], dtype=np.int64)).tolist() == []


@pytest.mark.parametrize(("field", "label", "value", "message"), [
    ("flavour_label", 0, 2, "no hbb row"), ("flavour_label", 1, 2, "no qcd row"),
    ("benchmarkWeight", 1, 0.0, "qcd rows whose weights"),
    ("benchmarkWeight", 0, np.nan, "hbb rows whose weights"), ("mcEventWeight", 1, 0.0, "qcd rows whose weights")])
def test_a_class_without_rows_or_weight_is_refused(path, field, label, value, message):
    with h5py.File(path, "r+") as file:
        rows = file["jets"][:]
        rows[field][rows["flavour_label"] == label] = value
        file["jets"][:] = rows
    with pytest.raises(DataError, match=f"split 'test' has .*{message}"):
        read_rows(probe(path), "test")
