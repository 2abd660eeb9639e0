"""Histograms for the eye: common bins, no jet lost, whole numbers in bins of their own."""

from types import SimpleNamespace

import numpy as np
import pytest

from pseudoexp.validation import panels
from pseudoexp.validation.panels import equal_edges, reference_panels, sample_panels
from pseudoexp.validation.samples import Sample


def sample(seed, n=400, **columns):
    rng = np.random.default_rng(seed)
    made = {"mass": rng.exponential(100.0, n), "vr1_sv1_ntrk": rng.poisson(3.0, n).astype(float), **columns}
    return Sample(tuple(made), 2, np.stack(list(made.values()), axis=1).astype(np.float32), np.arange(n), made["mass"])


def test_every_jet_is_counted_in_common_bins_the_outermost_take_the_tails():
    a, b = sample(1), sample(2, n=300)
    for panel in sample_panels(a, b):
        assert (panel.first.sum(), panel.second.sum()) == (400, 300)
        inner = np.histogram(a.column(panel.name), panel.edges)[0][1:-1]
        assert panel.first[1:-1].tolist() == inner.tolist() and (np.diff(panel.edges) > 0.0).all()
    mass, tracks = sample_panels(a, b)
    assert mass.unit == "GeV" and mass.edges[-1] < a.column("mass").max()  # one of them is beyond
    assert tracks.first[1] == (a.column("vr1_sv1_ntrk") == tracks.edges[1] + 0.5).sum()


def test_jets_without_such_a_thing_are_left_out():
    missing = np.where(np.arange(400) < 30, 1.5, np.nan)
    found = sample_panels(sample(1, dr=missing), sample(2, dr=missing))
    assert found[2].name == "dr" and found[2].first.sum() == 30
    assert len(sample_panels(sample(1, dr=np.full(400, np.nan)), sample(2, dr=missing))) == 2


def test_whole_numbers_stand_in_the_middle_of_their_bins():
    assert equal_edges(np.array([2.0, 3.0, 5.0])).tolist() == [1.5, 2.5, 3.5, 4.5, 5.5]
    assert len(equal_edges(np.arange(1000.0))) == 51


@pytest.mark.parametrize(("values", "high"), [([0.25] * 9, 1.25), ([0.0] * 2000 + [0.3], 0.3)])
def test_values_with_next_to_no_spread_have_bins_too(values, high):
    edges = equal_edges(np.array(values))
    assert (np.diff(edges) > 0.0).all() and (edges[0], edges[-1]) == (values[0], high)


def test_reference_bins_are_joined_and_none_is_lost(monkeypatch):
    edges = np.linspace(0.0, 13.0, 131)
    counts = np.arange(130.0)
    values = np.random.default_rng(3).uniform(0.0, 13.0, 500)
    monkeypatch.setattr(panels, "reference", lambda: {"qcd__z": SimpleNamespace(edges=edges, counts=counts)})
    monkeypatch.setattr(panels, "groups", lambda level: {"qcd__z": values})
    (panel,) = reference_panels(None, ["qcd__z"])
    assert panel.name == "qcd z" and len(panel.first) == len(panel.edges) - 1 <= 60
    assert panel.first.sum() == counts.sum() and panel.second.tolist() == np.histogram(values, panel.edges)[0].tolist()
    assert panel.first[:2].tolist() == [0 + 1 + 2, 3 + 4 + 5] and panel.edges[-2:].tolist() == pytest.approx([12.9, 13.0])
