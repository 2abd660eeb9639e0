"""Trimming against FastJet's Filter, and against its subjets cut by hand."""

import fastjet
import numpy as np
import pytest
from jet_samples import collisions, fastjet_jets, momenta, pseudojets, toy

from pseudoexp.jets.antikt import cluster, cluster_workspace, constituents
from pseudoexp.jets.trimming import trim

R_SUB, F_CUT = 0.2, 0.05


@pytest.fixture(scope="module")
def ws():
    return cluster_workspace(1024)


def fat_jets(ws):
    """Return the constituents of the jets above 100 GeV in the stored events."""
    jets = []
    for p4, _ in collisions():
        n_jets = cluster(p4, len(p4), 1.0, -1, 100.0, ws)
        members = ws.jet_of[:len(p4)].copy()
        jets += [p4[members == k] for k in range(n_jets)]
    return jets


def test_filter_of_fastjet(ws):
    trimmer = fastjet.Filter(fastjet.JetDefinition(fastjet.kt_algorithm, R_SUB), fastjet.SelectorPtFractionMin(F_CUT))
    jets = fat_jets(ws)
    assert len(jets) > 20
    lost = 0
    for p4 in jets:
        sequence = fastjet.ClusterSequence(pseudojets(p4), fastjet.JetDefinition(fastjet.antikt_algorithm, 1.0))
        jet = fastjet.sorted_by_pt(sequence.inclusive_jets())[0]
        assert len(jet.constituents()) == len(p4)
        theirs = trimmer(jet)
        kept = np.zeros(len(p4), bool)
        ours = trim(p4, len(p4), R_SUB, F_CUT, jet.pt(), kept, ws)
        np.testing.assert_allclose(ours, [theirs.px(), theirs.py(), theirs.pz(), theirs.e()], rtol=1e-9)
        assert set(np.flatnonzero(kept)) == {c.user_index() for c in theirs.constituents()}
        lost += np.count_nonzero(~kept)
    assert lost > 100


@pytest.mark.parametrize("seed", range(10))
def test_subjets_cut_by_hand(seed, ws):
    p4 = toy(60, seed)
    expected = {i for jet, pt in fastjet_jets(p4, 0.3, 1).items() if pt >= 0.1 * 80.0 for i in jet}
    kept = np.zeros(60, bool)
    total = trim(p4, 60, 0.3, 0.1, 80.0, kept, ws)
    assert set(np.flatnonzero(kept)) == expected
    np.testing.assert_allclose(total, p4[kept].sum(axis=0), rtol=1e-9, atol=1e-9)


def test_limits(ws):
    p4 = toy(30, 1)
    kept = np.zeros(30, bool)
    np.testing.assert_allclose(trim(p4, 30, R_SUB, 0.0, 100.0, kept, ws), p4.sum(axis=0), rtol=1e-12)
    assert kept.all()
    assert trim(p4, 30, R_SUB, 1.0, 1e6, kept, ws) == (0.0, 0.0, 0.0, 0.0)
    assert not kept.any()
    assert trim(p4, 0, R_SUB, F_CUT, 100.0, kept, ws) == (0.0, 0.0, 0.0, 0.0)
    pair = momenta([100.0, 4.0], [0.0, 0.5], [1.0, 1.0])
    np.testing.assert_allclose(trim(pair, 2, R_SUB, F_CUT, 104.0, kept, ws), pair[0], rtol=1e-15)


def test_bad_input(ws):
    p4, kept = toy(30, 1), np.zeros(30, bool)
    assert trim(p4, 30, R_SUB, F_CUT, 100.0, kept, cluster_workspace(29))[3] == -1.0
    p4[4, 3] = np.inf
    assert trim(p4, 30, R_SUB, F_CUT, 100.0, kept, ws)[3] == -1.0


def test_constituents_kept_can_be_gathered(ws):
    p4 = fat_jets(ws)[0]
    kept, out = np.zeros(len(p4), bool), np.empty_like(p4)
    total = trim(p4, len(p4), R_SUB, F_CUT, 300.0, kept, ws)
    m = constituents(p4, np.where(kept, 0, -1).astype(np.int32), len(p4), 0, out)
    np.testing.assert_allclose(out[:m].sum(axis=0), total, rtol=1e-12)
