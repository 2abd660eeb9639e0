"""Track jets and large-R jets of hand-made tracks and towers."""

import math

import numpy as np
import pytest

from pseudoexp.core.reconstructed import PrimaryVertex, Tracks
from pseudoexp.jets import candidates

ORIGIN = PrimaryVertex(np.zeros(3), np.eye(3) * 1e-4)


def tracks_of(*rows, z0=0.0):
    """Return tracks of (pt, eta, phi), all with the same z0."""
    n = len(rows)
    pt, eta, phi = np.array(rows, dtype=float).T
    theta = 2 * np.arctan(np.exp(-eta))
    perigee = np.stack([np.zeros(n), np.broadcast_to(z0, n), phi, theta, np.sin(theta) / pt], axis=1)
    return Tracks(perigee, np.tile(np.eye(5), (n, 1, 1)), pt, eta)


def towers_of(*rows):
    pt, eta, phi = np.array(rows, dtype=float).T
    return np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta)], axis=1)


@pytest.fixture
def ws():
    return candidates.jets_workspace(64, 64)


def test_two_tracks_near_the_vertex_and_10_gev_make_a_track_jet(ws):
    pair = ((8.0, 0.1, 1.0), (7.0, 0.15, 1.05))
    assert candidates.track_jets(tracks_of(*pair), 2, ORIGIN, ws) == 1
    assert math.hypot(ws.vr[0, 0], ws.vr[0, 1]) == pytest.approx(15.0, rel=1e-3)
    assert candidates.track_jets(tracks_of(*pair, z0=3.1), 2, ORIGIN, ws) == 0
    assert candidates.track_jets(tracks_of(*pair, z0=3.1), 2, ORIGIN._replace(position=np.array([0, 0, 3.0])), ws) == 1
    assert candidates.track_jets(tracks_of((50.0, 0.1, 1.0)), 1, ORIGIN, ws) == 0
    assert candidates.track_jets(tracks_of((5.0, 0.1, 1.0), (4.0, 0.15, 1.05)), 2, ORIGIN, ws) == 0
    assert candidates.track_jets(tracks_of((8.0, 2.6, 1.0), (7.0, 2.65, 1.05)), 2, ORIGIN, ws) == 0


def test_the_radius_shrinks_with_pt(ws):
    for scale, jets in ((1.0, 1), (20.0, 2)):
        rows = [(scale * 8, 0.0, 0.0), (scale * 7, 0.02, 0.0), (scale * 8, 0.3, 0.0), (scale * 7, 0.32, 0.0)]
        assert candidates.track_jets(tracks_of(*rows), 4, ORIGIN, ws) == jets
    assert [candidates.track_jet_radius(pt) for pt in (10.0, 150.0, 3000.0)] == [0.4, 0.2, 0.02]


def test_track_jets_belong_to_the_jet_that_swallows_their_ghost(ws):
    near, far = (20.0, 0.0, 0.2), (20.0, 1.0, -2.9)
    tracks = tracks_of(near, (15.0, 0.05, 0.2), far, (10.0, 1.02, -2.9))
    n = candidates.track_jets(tracks, 4, ORIGIN, ws)
    towers = towers_of((300.0, 0.1, 0.0), (280.0, 0.9, 3.1), (0.8, -1.0, 1.5))
    assert n == 2 and candidates.large_jets(towers, 3, n, candidates.LARGE_MIN_PT, ws) == 2
    assert list(ws.vr_large[:2]) == [0, 1]


def test_trimming_drops_what_is_soft_and_apart(ws):
    towers = towers_of((200.0, 0.0, 0.0), (120.0, 0.5, 0.1), (4.0, -0.5, -0.3), (3.0, 0.05, 0.05))
    assert candidates.large_jets(towers, 4, 0, candidates.LARGE_MIN_PT, ws) == 1
    n, px, py, pz, e = candidates.trimmed_jet(towers, 4, 0, ws)
    kept = towers[[0, 1, 3]].sum(axis=0)
    assert n == 3
    np.testing.assert_allclose((px, py, pz, e), kept, rtol=1e-12)
