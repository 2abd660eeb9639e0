"""Tracks go to the nearest VR jet whose shrinking cone holds them."""

import numpy as np
from flavour_toys import axis_p4, perigee_of, tracks_of, vertex_at

from pseudoexp.flavour.association import associate, association_radius


def run(tracks, jets, vertex, capacity=64):
    n, k = tracks.pt.size, len(jets)
    assigned, distance2 = np.zeros(n, np.int32), np.zeros(n)
    rows, counts = np.zeros((max(k, 1), capacity), np.int32), np.zeros(max(k, 1), np.int32)
    status = associate(tracks, n, vertex, np.array(jets).reshape(-1, 4), k, assigned, distance2, rows, counts)
    return status, assigned, rows, counts


def test_radius_shrinks():
    assert abs(association_radius(20.0) - (0.239 + np.exp(-1.22 - 0.0164 * 20.0))) < 1e-12
    assert association_radius(20.0) > association_radius(100.0) > 0.239


def test_equals_brute_force():
    rng = np.random.default_rng(2)
    jets = [axis_p4(pt, phi, cot) for pt, phi, cot in ((30.0, 3.1, 0.2), (120.0, -2.9, 0.5), (15.0, 1.0, -1.5))]
    tracks = tracks_of([perigee_of((0, 0, 1), rng.uniform(1, 9), rng.uniform(-np.pi, np.pi), rng.normal(0.2, 0.8),
                                   rng.choice([-1, 1])) for _ in range(400)])
    status, assigned, rows, counts = run(tracks, jets, vertex_at((0, 0, 1)), 400)
    assert status == 0
    expected = []
    for i in range(400):
        best, at = np.inf, -1
        for j, (px, py, pz, _) in enumerate(jets):
            d_phi = abs(np.angle(np.exp(1j * (tracks.perigee[i, 2] - np.arctan2(py, px)))))
            r = np.hypot(tracks.eta[i] - np.arcsinh(pz / np.hypot(px, py)), d_phi)
            if r < 0.239 + np.exp(-1.22 - 0.0164 * np.hypot(px, py)) and r < best:
                best, at = r, j
        expected.append(at)
    np.testing.assert_array_equal(assigned, expected)
    assert len(set(expected)) == 4
    for j in range(3):
        np.testing.assert_array_equal(rows[j, :counts[j]], np.flatnonzero(assigned == j))


def test_tracks_of_other_vertices_stay_out():
    tracks = tracks_of([perigee_of((0, 0, z), 5.0, 0.1, 0.0, 1) for z in (0.0, 2.9, 3.1, -40.0)])
    _, assigned, _, _ = run(tracks, [axis_p4(50.0, 0.1, 0.0)], vertex_at())
    np.testing.assert_array_equal(assigned, [0, 0, -1, -1])


def test_overflow_is_told():
    tracks = tracks_of([perigee_of((0, 0, 0), 5.0, 0.1, 0.0, 1)] * 5)
    assert run(tracks, [axis_p4(50.0, 0.1, 0.0)], vertex_at(), capacity=4)[0] == -1
    assert run(tracks, [], vertex_at())[0] == 0
