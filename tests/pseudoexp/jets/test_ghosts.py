"""Ghost association against FastJet given the same ghosts."""

import numpy as np
import pytest
from jet_samples import assert_same, collisions, fastjet_jets, momenta, our_jets, toy

from pseudoexp.jets.antikt import NOT_FINITE, OVERFLOW, cluster, cluster_workspace
from pseudoexp.jets.ghosts import GHOST_FACTOR, cluster_with_ghosts
from pseudoexp.jets.variable_radius import cluster_vr, select_track_jets

PTMIN = 10.0


@pytest.fixture(scope="module")
def ws():
    return cluster_workspace(2048)


def check(p4, ghosts, ws):
    n, m = len(p4), len(ghosts)
    inside = np.full(m, -7, np.int32)
    n_jets = cluster_with_ghosts(p4, n, ghosts, m, 1.0, PTMIN, inside, ws)
    ours = our_jets(ws, n + m, n_jets)
    assert_same(ours, fastjet_jets(np.concatenate([p4, ghosts * GHOST_FACTOR]), 1.0, -1, PTMIN))
    np.testing.assert_array_equal(inside, ws.jet_of[n:n + m])
    with_ghosts, members = ws.jet_p4[:n_jets].copy(), ws.jet_of[:n].copy()
    assert cluster(p4, n, 1.0, -1, PTMIN, ws) == n_jets
    np.testing.assert_allclose(with_ghosts, ws.jet_p4[:n_jets], rtol=1e-13)
    np.testing.assert_array_equal(members, ws.jet_of[:n])
    return inside


def test_track_jets_of_collisions(ws):
    found = 0
    for p4, track in collisions():
        tracks = p4[track]
        n_vr = cluster_vr(tracks, len(tracks), 30.0, 0.02, 0.4, 0.0, ws)
        n_vr = select_track_jets(len(tracks), n_vr, 5.0, 2.5, 2, ws)
        found += np.count_nonzero(check(p4, ws.jet_p4[:n_vr].copy(), ws) >= 0)
    assert found > 20


def test_ghosts_everywhere(ws):
    rng = np.random.default_rng(1)
    ghosts = momenta(rng.uniform(10, 500, 300), rng.uniform(-4, 4, 300), rng.uniform(0, 6.28, 300), 0.14)
    inside = check(collisions()[4][0], ghosts, ws)
    assert np.any(inside < 0) and np.any(inside >= 0)


def test_equal_ghosts_and_a_ghost_on_a_particle(ws):
    p4 = toy(80, 2)
    check(p4, np.concatenate([np.repeat(p4[:5], 3, axis=0), p4[5:9] * 3.0]), ws)


def test_no_ghosts_and_nothing_but_ghosts(ws):
    check(toy(30, 3), np.empty((0, 4)), ws)
    assert np.all(check(np.empty((0, 4)), toy(30, 3), ws) == -1)


def test_bad_input(ws):
    p4, ghosts, inside = toy(20, 1), toy(5, 2), np.zeros(5, np.int32)
    assert cluster_with_ghosts(p4, 20, ghosts, 5, 1.0, PTMIN, inside, cluster_workspace(24)) == OVERFLOW
    ghosts[2, 0] = np.nan
    assert cluster_with_ghosts(p4, 20, ghosts, 5, 1.0, PTMIN, inside, ws) == NOT_FINITE
