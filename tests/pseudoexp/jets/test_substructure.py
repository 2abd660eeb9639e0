"""N-subjettiness and energy correlations against FastJet's contrib, the definitions in numpy, and limits."""

import itertools

import awkward as ak
import fastjet
import numpy as np
import pytest
from jet_samples import MAX_RADIUS, collisions, momenta, pseudojets, toy

from pseudoexp.jets.antikt import cluster, cluster_workspace
from pseudoexp.jets.substructure import d2, energy_correlations, substructure_workspace, tau, tau21


@pytest.fixture(scope="module")
def ws():
    return substructure_workspace(256)


@pytest.fixture(scope="module")
def jets():
    """Constituents of jets above 100 GeV of the stored events, and of toys."""
    ws, found = cluster_workspace(1024), []
    for p4, _ in collisions():
        n_jets = cluster(p4, len(p4), 1.0, -1, 100.0, ws)
        members = ws.jet_of[:len(p4)].copy()
        found += [p4[members == k] for k in range(n_jets)]
    return found + [toy(n, n) for n in (3, 4, 5, 20, 200)]


def awkward_sequence(p4):
    """Return FastJet's clustering of all into one kT jet, through the array interface."""
    array = ak.zip({"px": p4[:, 0], "py": p4[:, 1], "pz": p4[:, 2], "E": p4[:, 3]}, with_name="Momentum4D")
    return fastjet.ClusterSequence(array, fastjet.JetDefinition(fastjet.kt_algorithm, MAX_RADIUS))


def distances(p4):
    """Return (n, n) distances and shares of the pT, from FastJet's own rapidities."""
    particles = pseudojets(p4)
    pt = np.array([p.pt() for p in particles])
    return np.array([[a.delta_R(b) for b in particles] for a in particles]), pt / pt.sum()


def test_tau_of_the_contrib(jets, ws):
    for p4 in jets:
        theirs = np.ravel(awkward_sequence(p4).njettiness("NormalizedMeasure", "KT_Axes", [1, 2, 3], 1.0, 1.0))
        ours = [tau(p4, len(p4), n_axes, ws) for n_axes in (1, 2, 3)]
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-14)
        assert tau21(p4, len(p4), ws) == pytest.approx(theirs[1] / theirs[0], rel=1e-9)


@pytest.mark.parametrize("n_axes", [1, 2])
def test_tau_by_definition(n_axes, jets, ws):
    for p4 in jets[::3]:
        particles = pseudojets(p4)
        sequence = fastjet.ClusterSequence(particles, fastjet.JetDefinition(fastjet.kt_algorithm, MAX_RADIUS))
        axes = sequence.exclusive_jets_up_to(n_axes)
        _, z = distances(p4)
        nearest = np.array([min(p.delta_R(a) for a in axes) for p in particles])
        assert tau(p4, len(p4), n_axes, ws) == pytest.approx(float(z @ nearest), rel=1e-9)


def test_d2_of_the_contrib(jets, ws):
    for p4 in jets:
        theirs = awkward_sequence(p4).exclusive_jets_energy_correlator(njets=1, beta=1, func="d2")
        assert d2(p4, len(p4), ws) == pytest.approx(float(np.ravel(theirs)[0]), rel=1e-9)


def test_correlations_by_definition(jets, ws):
    for p4 in jets:
        if len(p4) > 60:
            continue
        r, z = distances(p4)
        pairs = itertools.combinations(range(len(p4)), 2)
        triples = itertools.combinations(range(len(p4)), 3)
        e2 = sum(z[i] * z[j] * r[i, j] for i, j in pairs)
        e3 = sum(z[i] * z[j] * z[k] * r[i, j] * r[j, k] * r[i, k] for i, j, k in triples)
        np.testing.assert_allclose(energy_correlations(p4, len(p4), ws), [e2, e3], rtol=1e-9)


def test_two_equal_prongs(ws):
    """Two narrow prongs at a distance of 0.5: tau1 = 1/4, e2 = 1/8, tau21 falls with the width of the prongs."""
    rng = np.random.default_rng(2)
    for width in (1e-3, 1e-6):
        y = np.repeat([-0.25, 0.25], 10) + width * rng.normal(0, 1, 20)
        p4 = momenta(np.full(20, 10.0), y, 1.0 + width * rng.normal(0, 1, 20))
        assert tau(p4, 20, 1, ws) == pytest.approx(0.25, abs=3 * width)
        assert energy_correlations(p4, 20, ws)[0] == pytest.approx(0.125, abs=2 * width)
        assert 0.0 < tau21(p4, 20, ws) < 8 * width
        assert 0.0 < d2(p4, 20, ws) < 100 * width


def test_three_equal_prongs(ws):
    """An equilateral triangle of side a: e2 = a / 3, e3 = a^3 / 27, so D2 = 1 whatever a is."""
    for side in (0.1, 0.6):
        y, phi = side / np.sqrt(3) * np.array([[0, np.sqrt(0.75), -np.sqrt(0.75)], [1, -0.5, -0.5]])
        p4 = momenta(np.full(3, 50.0), y, 2.0 + phi)
        np.testing.assert_allclose(energy_correlations(p4, 3, ws), [side / 3, side**3 / 27], rtol=1e-9)
        assert d2(p4, 3, ws) == pytest.approx(1.0, rel=1e-9)


def test_across_the_end_of_the_azimuth(ws):
    phi = np.array([0.1, -0.2, 0.3])
    p4, turned = (momenta([50.0, 40.0, 30.0], [0.0, 0.1, -0.2], phi + turn) for turn in (0.0, 3.1))
    assert tau21(p4, 3, ws) == pytest.approx(tau21(turned, 3, ws), rel=1e-9)
    assert d2(p4, 3, ws) == pytest.approx(d2(turned, 3, ws), rel=1e-9)


@pytest.mark.parametrize("p4", [
    np.empty((0, 4)), toy(1, 1), np.repeat(toy(1, 1), 9, axis=0), np.zeros((5, 4)), np.array([[0, 0, 3.0, 3.0]] * 3)])
def test_without_information_zero(p4, ws):
    assert tau21(p4, len(p4), ws) == 0.0
    assert d2(p4, len(p4), ws) == 0.0


def test_two_constituents(ws):
    p4 = momenta([50.0, 30.0], [0.0, 0.3], [1.0, 1.2])
    assert tau(p4, 2, 1, ws) > 0.0 and tau21(p4, 2, ws) == 0.0 and d2(p4, 2, ws) == 0.0


def test_always_finite(ws):
    rng = np.random.default_rng(5)
    for _ in range(300):
        n = int(rng.integers(0, 12))
        spread = 10.0**rng.uniform(-12, 0)
        p4 = momenta(10.0**rng.uniform(-30, 4, n), spread * rng.normal(0, 1, n), 3.0 + spread * rng.normal(0, 1, n))
        p4[rng.random(n) < 0.1, :2] = 0.0
        values = np.array([tau21(p4, n, ws), d2(p4, n, ws)])
        assert np.all(np.isfinite(values)) and np.all(values >= 0.0)


def test_bad_input(ws):
    p4, small = toy(30, 1), substructure_workspace(29)
    assert tau21(p4, 30, small) == d2(p4, 30, small) == -1.0
    for value in (np.nan, np.inf):
        p4[4, 0] = value
        assert tau21(p4, 30, ws) == d2(p4, 30, ws) == -1.0
