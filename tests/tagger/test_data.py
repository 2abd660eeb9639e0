"""The loader: splits, order of inputs, flavours, refusals."""

import h5py
import numpy as np
import pytest
from mock_file import mock_file

from pseudoexp.benchmark.flavours import SIGNAL
from pseudoexp.dataset import schema
from pseudoexp.errors import ConfigError, DataError, SchemaError
from tagger.data import TaggerData, check_inputs


def test_splits_hold_the_files_rows(small_file, small_data):
    with h5py.File(small_file) as file:
        rows = file["jets"][:]
    for name, residues in (("train", range(8)), ("val", [8]), ("test", [9])):
        mine = rows[np.isin(rows["eventNumber"] % 10, list(residues))]
        split = small_data.split(name)
        assert np.array_equal(split.event, mine["eventNumber"])
        assert np.array_equal(split.x, np.stack([mine[f] for f in schema.INPUTS], axis=1))
        assert np.array_equal(split.y, (mine["flavour_label"] == 0).astype(int))
        assert np.allclose(split.pt, mine["pt"] / 1000)
        assert np.allclose(split.mass, mine["mass"] / 1000)
        assert np.array_equal(split.weight, mine["benchmarkWeight"].astype(float))
    assert sum(len(small_data.split(s)) for s in ("train", "val", "test")) == len(rows)
    assert small_data.source["rows"] == len(rows)


def test_inputs_come_in_the_order_asked_for(small_file, small_data):
    names = ("vr1_ip3d_bu", "mass")
    chosen = TaggerData.load(small_file, names)
    assert chosen.inputs == names
    assert np.array_equal(chosen.test.x, small_data.select(names).test.x)
    assert np.array_equal(chosen.test.x[:, 1], small_data.test.x[:, 2])


@pytest.mark.parametrize(("names", "text"), [(["mas"], "mass"), (["pt", "pt"], "2 times"), ([], "at least one"),
                                             (["vr1_truth_label"], "not there")])
def test_bad_inputs_are_named(names, text):
    with pytest.raises(ConfigError, match=text):
        check_inputs(names)


def test_flavour_marks_signal(small_data):
    assert np.array_equal(small_data.test.flavour == SIGNAL, small_data.test.y == 1)


def test_weights(small_data):
    split = small_data.val
    weight = split.training_weight()
    assert weight.mean() == pytest.approx(1.0, rel=1e-5)
    assert weight[split.y == 1].sum() == pytest.approx(weight[split.y == 0].sum(), rel=1e-5)
    assert np.array_equal(split.weighting("unweighted"), np.ones(len(split)))
    assert split.weighting("physical") is split.physical
    with pytest.raises(ConfigError, match="benchmark"):
        split.weighting("other")
    with pytest.raises(ConfigError, match="train, val, test"):
        small_data.split("all")


@pytest.mark.parametrize("fraction", [0.0, 1.0])
def test_a_file_with_one_class_is_refused(tmp_path, fraction):
    path = mock_file(tmp_path / "one.h5", n=200, signal_fraction=fraction)
    with pytest.raises(DataError, match="qcd row" if fraction else "hbb row"):
        TaggerData.load(path)


def test_a_foreign_file_is_refused(tmp_path):
    path = tmp_path / "foreign.h5"
    with h5py.File(path, "w") as file:
        file["x"] = np.arange(3)
    with pytest.raises(SchemaError):
        TaggerData.load(path)
