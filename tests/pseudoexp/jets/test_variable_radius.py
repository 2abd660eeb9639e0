"""Variable-radius jets against a search of all pairs at every step."""

import math

import numpy as np
import pytest
from jet_samples import assert_same, collisions, fastjet_jets, momenta, our_jets, toy

from pseudoexp.jets.antikt import NOT_FINITE, OVERFLOW, cluster_workspace
from pseudoexp.jets.slots import effective_radius
from pseudoexp.jets.variable_radius import cluster_vr, select_track_jets

RHO, R_MIN, R_MAX = 30.0, 0.02, 0.4


@pytest.fixture(scope="module")
def ws():
    return cluster_workspace(512)


def y_phi_pt(p):
    """Return rapidity, azimuth and pT from the definitions."""
    pt2 = p[0]**2 + p[1]**2
    if pt2 == 0.0:
        return math.copysign(1e5 + abs(p[2]), p[2]), 0.0, 0.0
    m2 = max((p[3] + p[2]) * (p[3] - p[2]) - pt2, 0.0)
    y = math.copysign(0.5 * math.log((p[3] + abs(p[2]))**2 / (pt2 + m2)), p[2])
    return y, math.atan2(p[1], p[0]), math.sqrt(pt2)


def brute_force(p4, rho=RHO, r_min=R_MIN, r_max=R_MAX):
    """Return {constituents: pT}: of all distances between pairs and to the beam the smallest, until none is left."""
    live = [(tuple(map(float, p)), frozenset([i])) for i, p in enumerate(p4)]
    jets = {}
    while live:
        at = [y_phi_pt(p) for p, _ in live]
        weight = [min(pt**-2, 1e300) if pt > 1e-150 else 1e300 for _, _, pt in at]
        best = (math.inf, 0, None)
        for i, (y, phi, pt) in enumerate(at):
            radius = min(max(rho / pt, r_min), r_max) if pt > 0.0 else r_max
            best = min(best, (weight[i] * radius**2, i, -1))
            for j in range(i):
                dphi = abs(phi - at[j][1])
                dphi = min(dphi, 2.0 * math.pi - dphi)
                best = min(best, (min(weight[i], weight[j]) * ((y - at[j][0])**2 + dphi**2), i, j))
        _, i, j = best
        p, members = live[i]
        if j < 0:
            jets[members] = at[i][2]
        else:
            q, others = live[j]
            live[j] = (tuple(a + b for a, b in zip(p, q, strict=True)), members | others)
        del live[i]
    return jets


def check(p4, ws, **radius):
    p4 = np.ascontiguousarray(p4, dtype=np.float64).reshape(-1, 4)
    arguments = {"rho": RHO, "r_min": R_MIN, "r_max": R_MAX, **radius}
    n_jets = cluster_vr(p4, len(p4), arguments["rho"], arguments["r_min"], arguments["r_max"], 0.0, ws)
    assert_same(our_jets(ws, len(p4), n_jets), brute_force(p4, **radius))


def test_tracks_of_collisions(ws):
    for p4, track in collisions():
        check(p4[track][:90], ws)


@pytest.mark.parametrize("seed", range(25))
def test_hard_toys(seed, ws):
    """Momenta for which the radius runs through its whole range, jets of the smallest size included."""
    rng = np.random.default_rng(seed)
    n = 2 + 2 * seed
    pt = 10.0**rng.uniform(-1, 3.3, n)
    check(momenta(pt, rng.normal(0, 0.3, n), rng.normal(3.1, 0.3, n), 0.14), ws)


def test_other_parameters(ws):
    check(toy(50, 3), ws, rho=100.0, r_min=0.1, r_max=1.5)


def test_nasty(ws):
    check(np.empty((0, 4)), ws)
    check(toy(1, 1), ws)
    check(toy(2, 1), ws)
    check(np.repeat(toy(8, 2), 4, axis=0), ws)
    along = np.array([[0, 0, 5.0, 5.0], [0, 0, -5.0, 5.0], [0, 0, 7.0, 7.0]])
    check(np.concatenate([toy(20, 5), along]), ws)
    check(momenta([1e-8, 1e-8, 50.0], [9.0, 9.1, -9.0], [0.0, 0.1, 6.28]), ws)


def test_fixed_radius_is_antikt(ws):
    p4, track = collisions()[3]
    p4 = p4[track]
    n_jets = cluster_vr(p4, len(p4), RHO, 0.4, 0.4, 0.0, ws)
    assert_same(our_jets(ws, len(p4), n_jets), fastjet_jets(p4, 0.4, -1))


def test_bad_input(ws):
    p4 = toy(20, 1)
    assert cluster_vr(p4, 20, RHO, R_MIN, R_MAX, 0.0, cluster_workspace(19)) == OVERFLOW
    p4[3, 2] = np.nan
    assert cluster_vr(p4, 20, RHO, R_MIN, R_MAX, 0.0, ws) == NOT_FINITE
    assert select_track_jets(20, NOT_FINITE, 10.0, 2.5, 2, ws) == NOT_FINITE


@pytest.mark.parametrize(("pt", "radius"), [
    (0.0, 0.4), (10.0, 0.4), (75.0, 0.4), (100.0, 0.3), (1500.0, 0.02), (9e3, 0.02)])
def test_effective_radius(pt, radius):
    assert effective_radius(pt, RHO, R_MIN, R_MAX) == pytest.approx(radius, rel=1e-15)


def test_selection_keeps_order_and_relabels(ws):
    for p4, track in collisions():
        p4 = p4[track]
        n = len(p4)
        n_jets = cluster_vr(p4, n, RHO, R_MIN, R_MAX, 0.0, ws)
        members, jets = ws.jet_of[:n].copy(), ws.jet_p4[:n_jets].copy()
        pt = np.hypot(jets[:, 0], jets[:, 1])
        eta = np.arcsinh(jets[:, 2] / pt)
        good = np.flatnonzero((pt > 10.0) & (np.abs(eta) < 2.5) & (np.bincount(members, minlength=n_jets) >= 2))
        assert select_track_jets(n, n_jets, 10.0, 2.5, 2, ws) == len(good) < n_jets
        np.testing.assert_array_equal(ws.jet_p4[:len(good)], jets[good])
        new = np.full(n_jets, -1)
        new[good] = np.arange(len(good))
        np.testing.assert_array_equal(ws.jet_of[:n], new[members])


def test_selection_at_its_edges(ws):
    """Jets of one and two tracks, below and above 10 GeV, inside and outside abs(eta) = 2.5."""
    pt = [30.0, 8.0, 3.0, 6.0, 3.0, 9.0, 9.0, 9.0, 9.0]
    y = [-2.0, -1.0, -1.01, 0.0, 0.01, 2.49, 2.48, -2.51, -2.52]
    assert cluster_vr(momenta(pt, y, 1.0), 9, RHO, R_MIN, R_MAX, 0.0, ws) == 5
    assert select_track_jets(9, 5, 10.0, 2.5, 2, ws) == 2
    np.testing.assert_array_equal(ws.jet_of[:9], [-1, 1, 1, -1, -1, 0, 0, -1, -1])


def test_selection_of_nothing(ws):
    assert cluster_vr(np.empty((0, 4)), 0, RHO, R_MIN, R_MAX, 0.0, ws) == 0
    assert select_track_jets(0, 0, 10.0, 2.5, 2, ws) == 0
