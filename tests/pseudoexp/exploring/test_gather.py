"""What the page shows is what the file holds: histograms, cut-flow, correlations, bins."""

import h5py
import numpy as np
import pytest
from mock_file import mock_file, pair_jets
from scipy import stats

from pseudoexp.dataset import reader, schema
from pseudoexp.dataset.probe import probe
from pseudoexp.exploring import axes, gather
from pseudoexp.exploring.histograms import KINDS, PT_EDGES

TRIED = (4000, 6000)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """Every fourth event of a class has two jets, and some of them stand in two blocks of the reader."""
    return pair_jets(mock_file(tmp_path_factory.mktemp("gather") / "a.h5", 5000, signal_fraction=0.4))


@pytest.fixture
def gathered(file, monkeypatch):
    monkeypatch.setattr(gather, "blocks", lambda info: reader.blocks(info, size=777))
    return gather.gather(probe(file), lambda *_: None)


def column(data, name):
    one = next(c for c in data["columns"] if c["name"] == name)
    sums = np.array(one["sums"]).reshape(len(data["classes"]), len(PT_EDGES), KINDS, one["bins"])
    return one, sums, np.linspace(one["low"], one["high"], one["bins"] + 1)


def test_every_column_counts_every_row(file, gathered):
    rows = h5py.File(file)["jets"][:]
    assert [c["name"] for c in gathered["columns"]] == list(schema.JET_DTYPE.names)
    pt = np.searchsorted(PT_EDGES[1:], rows["pt"] / 1e3, side="right")
    for name in schema.JET_DTYPE.names:
        one, sums, _ = column(gathered, name)
        for label in (0, 1):
            for k in range(len(PT_EDGES)):
                assert sums[label, k, 0].sum() == ((rows["flavour_label"] == label) & (pt == k)).sum()
        assert one["unit"] != "MeV" and one["description"]


@pytest.mark.parametrize("name", ["mass", "D2", "vr1_sv1_ntrk", "vr1_has_sv", "GhostHBosonsCount"])
def test_bins(file, gathered, name):
    rows = h5py.File(file)["jets"][:]
    one, sums, edges = column(gathered, name)
    values = np.clip(rows[name].astype(float) / one["scale"], edges[0], edges[-1])
    w = rows["mcEventWeight"] / np.array(TRIED)[rows["flavour_label"]]
    for label in (0, 1):
        own = rows["flavour_label"] == label
        for kind, weights in ((0, None), (1, w), (2, w**2), (3, rows["benchmarkWeight"].astype(float))):
            expected = np.histogram(values[own], edges, weights=None if weights is None else weights[own])[0]
            assert sums[label, :, kind].sum(axis=0) == pytest.approx(expected, rel=2e-4)
    assert one["whole"] == (name in ("vr1_sv1_ntrk", "vr1_has_sv", "GhostHBosonsCount"))
    beyond = [np.mean(rows[name] / one["scale"] < one["low"]), np.mean(rows[name] / one["scale"] > one["high"])]
    assert beyond[0] <= 0.003 and beyond[1] <= 0.011  # the tails that the outermost bins take
    groups = {"mass": "Inputs: Large-R jet", "vr1_sv1_ntrk": "Inputs: Track jet 1", "vr1_has_sv": "Further: Track jet 1"}
    assert one["group"] == groups.get(name, "Further: Large-R jet")


def test_cut_flow(file, gathered):
    rows = h5py.File(file)["jets"][:]
    for label, one in enumerate(gathered["flow"]):
        assert one["tried"] == TRIED[label]
        own = rows[rows["flavour_label"] == label]
        for i, step in enumerate(one["steps"]):
            if i == 1:
                own = own[(own["mass"] >= 90e3) & (own["mass"] < 140e3)]
            if i == 2:
                own = own[own["vr1_has_sv"] & own["vr2_has_sv"]]
            if i == 3:
                own = own[(own["vr1_truth_label"] == 5) & (own["vr2_truth_label"] == 5)]
            first = np.unique(own["eventNumber"], return_index=True)[1]
            assert (step["rows"], step["events"]) == (len(own), len(first)) and len(first) <= len(own)
            assert step["cross_section"] == pytest.approx(own["mcEventWeight"][first].sum() / TRIED[label])
    assert gathered["flow"][0]["steps"][0]["events"] < gathered["flow"][0]["steps"][0]["rows"]


def test_correlations(file, gathered):
    rows = h5py.File(file)["jets"][:]
    own = rows[rows["flavour_label"] == 1]
    found = gathered["correlations"]["qcd"]
    assert found["rows"] == len(own) == 3000
    i, j = schema.INPUTS.index("vr1_ip3d_bu"), schema.INPUTS.index("vr1_ip3d_cu")
    truth = stats.spearmanr(own["vr1_ip3d_bu"], own["vr1_ip3d_cu"]).statistic
    assert found["matrix"][i][j] == found["matrix"][j][i] == pytest.approx(truth, abs=6e-4) and truth > 0.5
    assert found["matrix"][i][i] == 1.0


def test_large_files_are_sampled_evenly(file, monkeypatch):
    monkeypatch.setattr(axes, "SAMPLE_ROWS", 400)
    rows = axes.sampled(probe(file))
    places = np.searchsorted(np.arange(5000), np.flatnonzero(np.isin(h5py.File(file)["jets"]["pt"][:], rows["pt"])))
    assert len(rows) == 400 and places.min() < 20 and places.max() > 4980


def test_columns_without_spread_or_values():
    table = np.zeros(50, np.dtype([("eta", "<f4"), ("D2", "<f4"), ("mine", "<f4")]))
    table["eta"], table["D2"] = 0.25, np.nan
    for axis in axes.axes_of(table):
        assert axis.low < axis.high and axis.bins >= 1
        assert axis.index(np.array([-1e30, 0.0, 1e30])).tolist()[0] == 0
