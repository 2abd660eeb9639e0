"""Tracks: efficiencies, resolutions, covariances, tails, fakes."""

import numpy as np
import pytest
from detector_toys import busy_record, changed, momenta, record, simulated, tables
from scipy import stats

from pseudoexp.core.jit import kernel
from pseudoexp.core.reconstructed import ORIGIN_FAKE, ORIGIN_PRIMARY
from pseudoexp.core.rng import STAGE_BEAM_SPOT, normal4
from pseudoexp.detector.particles import ITEM
from pseudoexp.detector.simulate import detector_workspace

N = 3000
PLAIN = {"tail_fraction": 0.0, "fake_rate": 0.0, "dense_loss": 0.0, "dense_widening": 0.0}
spot = kernel(lambda stream: normal4(stream, STAGE_BEAM_SPOT, 0, 0))


def spread(pdg_id, pt, eta, n=N, seed=1, vertex=None):
    """Return an event of n particles of one kind at one pT and |eta|, far apart in azimuth."""
    rng = np.random.default_rng(seed)
    eta = np.where(rng.random(n) < 0.5, eta, -eta)
    return record(momenta(np.full(n, float(pt)), eta, rng.uniform(-3.1, 3.1, n), pdg_id), pdg_id, vertex)


def residuals(r, t, **options):
    """Return (measured - true perigee) and covariances of the tracks of primaries."""
    ws, n, _ = simulated(r, t, capacity=4 * N, **options)
    perigee, covariance = ws.tracks.perigee[:n], ws.tracks.covariance[:n]
    item = list(ws.particles.code[:len(r.p4), ITEM])
    rows = [item.index(k) for k in ws.truth.particle[:n]]
    state = ws.particles.state[rows]
    truth = np.stack([state[:, 7], state[:, 8], state[:, 9], np.arctan2(1.0, state[:, 10]),
                      state[:, 15] / state[:, 13] / np.hypot(1.0, state[:, 10])], 1)
    d = perigee - truth
    d[:, 2] = (d[:, 2] + np.pi) % (2 * np.pi) - np.pi
    return d, covariance


@pytest.mark.parametrize(("pdg_id", "pt", "eta", "expected"), [
    (211, 5.0, 0.5, 0.95), (211, 5.0, 2.0, 0.85), (-321, 0.8, 0.5, 0.70), (2212, 0.8, 2.0, 0.60),
    (13, 5.0, 0.5, 0.99), (-13, 5.0, 2.0, 0.98), (11, 5.0, 0.5, 0.95), (-11, 5.0, 2.0, 0.90)])
def test_efficiencies_are_those_of_the_card(pdg_id, pt, eta, expected):
    t = changed("atlas-itk", tracking=PLAIN, decays_in_flight=False)
    ws, n, _ = simulated(spread(pdg_id, pt, eta), t, capacity=4 * N)
    primary = (ws.truth.origin[:n] == ORIGIN_PRIMARY).sum()
    if abs(pdg_id) == 11:
        expected *= 0.99  # a few radiate below the smallest pT
        assert abs(primary / N - expected) < 0.02
    else:
        assert abs(primary / N - expected) < 3.5 * np.sqrt(expected * (1 - expected) / N)


def test_acceptance():
    pdg_id = np.array([211, 211, 211, 22, 211, 310])
    pt, eta = [5.0, 0.3, 5.0, 5.0, 5.0, 5.0], [0.0, 0.0, 2.8, 0.0, -2.4, 1.0]
    p4 = momenta(pt, eta, [0.1, 0.5, 1.0, 1.5, 2.0, 2.5], pdg_id)
    ws, n, _ = simulated(record(p4, pdg_id), changed("perfect", decays_in_flight=False))
    assert list(ws.truth.particle[:n]) == [0, 4]
    assert np.allclose(ws.tracks.pt[:n], 5.0, rtol=1e-3) and np.allclose(ws.tracks.eta[:n], [0.0, -2.4], atol=1e-3)


@pytest.mark.parametrize(("pt", "eta"), [(1.2, 0.0), (7.0, 1.0), (50.0, 2.0)])
def test_resolutions_and_pulls(pt, eta):
    t = changed("atlas-itk", tracking=PLAIN)
    d, covariance = residuals(spread(13, pt, eta), t)
    pulls = d / np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
    assert len(pulls) > 0.9 * N
    for q in range(5):
        assert stats.kstest(pulls[:, q], "norm").pvalue > 1e-4
    white = np.einsum("nij,nj->ni", np.linalg.inv(np.linalg.cholesky(covariance)), d)
    assert np.allclose(np.corrcoef(white.T), np.eye(5), atol=0.08)  # the correlations are those reported
    growth = 1.0 + max(eta - 1.0, 0.0) / 1.5
    relative = growth * np.hypot(0.0005 * pt, 0.01)
    assert np.std(d[:, 4]) * pt * np.cosh(eta) == pytest.approx(relative, rel=0.06)
    table = {(1.2, 0.0): (61, 62), (7.0, 1.0): (17, 25), (50.0, 2.0): (8, 19)}[pt, eta]
    assert np.std(d[:, 0]) == pytest.approx(table[0] * 1e-3, rel=0.06)
    assert np.std(d[:, 1]) == pytest.approx(table[1] * 1e-3, rel=0.06)


def test_correlations_are_those_of_an_extrapolation():
    """An azimuth wrong by +delta about a point outside moves d0 by -delta times the lever arm."""
    d, _ = residuals(spread(13, 5.0, 0.5), changed("atlas-itk", tracking=PLAIN))
    assert np.corrcoef(d[:, 0], d[:, 2])[0, 1] == pytest.approx(-0.8, abs=0.03)
    assert np.corrcoef(d[:, 1], d[:, 3])[0, 1] == pytest.approx(0.8, abs=0.03)


def test_tails_are_wider_than_the_covariance_says():
    d, covariance = residuals(spread(13, 5.0, 0.5), changed("atlas-itk", tracking={**PLAIN, "tail_fraction": 0.1}))
    pulls = d[:, :4] / np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))[:, :4]
    mixture = stats.norm
    for q in range(4):
        assert stats.kstest(pulls[:, q], lambda x: 0.9 * mixture.cdf(x) + 0.1 * mixture.cdf(x / 2.5)).pvalue > 1e-4
        assert np.var(pulls[:, q]) == pytest.approx(0.9 + 0.1 * 6.25, rel=0.2)


def test_displaced_tracks_are_rarer_and_worse():
    rng = np.random.default_rng(5)
    phi = rng.uniform(-3.1, 3.1, N)
    t = changed("atlas-itk", tracking={**PLAIN, "max_abs_d0": 1000.0})
    counts, widths = [], []
    for radius in (0.0, 50.0, 200.0, 295.0):
        vertex = np.stack([radius * np.cos(phi), radius * np.sin(phi), 0 * phi, 0 * phi], 1)
        r = record(momenta(5.0, rng.uniform(-1, 1, N), phi, 13), 13, vertex)
        ws, n, _ = simulated(r, t, capacity=4 * N)
        counts.append(n / N)
        widths.append(np.sqrt(np.median(ws.tracks.covariance[:n, 0, 0])) if n else np.inf)
    assert counts[0] == pytest.approx(0.99, abs=0.01)
    assert counts[1] == pytest.approx(0.99 * 0.90, abs=0.02)
    assert counts[2] == pytest.approx(0.99 * 0.55, abs=0.03)
    assert counts[3] == 0.0
    assert widths[1] == pytest.approx(1.5 * widths[0], rel=0.05)
    assert widths[2] == pytest.approx(4.0 * widths[0], rel=0.05)


def test_dense_cores_lose_tracks():
    rng = np.random.default_rng(6)
    t = changed("atlas-itk", tracking={**PLAIN, "dense_loss": 0.04, "dense_widening": 0.1})
    near = record(momenta(np.full(6, 20.0), 0.3 + rng.uniform(-0.004, 0.004, 6), rng.uniform(-0.004, 0.004, 6), 13), 13)
    found = widths = 0.0
    for event in range(300):
        ws, n, _ = simulated(near, t, event=event)
        found += n / 6 / 300
        widths += np.sqrt(ws.tracks.covariance[:n, 0, 0]).mean() / 300
    assert found == pytest.approx(0.99 * (1 - 5 * 0.04), abs=0.04)
    lone, n, _ = simulated(record(near.p4[:1], 13), changed("perfect", tracking={
        "d0_um": [[10.0, 10.0]] * 2, "tail_fraction": 0.0}))
    assert n == 1 and np.sqrt(lone.tracks.covariance[0, 0, 0]) == pytest.approx(0.01)
    ws, n, _ = simulated(near, changed("perfect", tracking={"d0_um": [[10.0, 10.0]] * 2, "dense_widening": 0.1}))
    assert np.allclose(np.sqrt(ws.tracks.covariance[:n, 0, 0]), 0.01 * 1.5)


def test_fakes_come_at_their_rate():
    t = changed("atlas-itk", tracking={"fake_rate": 0.05})
    ws, n, _ = simulated(spread(211, 5.0, 1.0), t, capacity=4 * N)
    fakes = ws.truth.origin[:n] == ORIGIN_FAKE
    assert 0.03 * N < fakes.sum() < 0.06 * N
    assert np.all(ws.truth.particle[:n][fakes] == -1)
    assert np.median(abs(ws.tracks.perigee[:n, 0][fakes])) > 0.3
    assert np.median(ws.tracks.pt[:n][fakes]) < 1.5


def test_electrons_radiate():
    t = changed("atlas-itk", tracking=PLAIN)
    ws, n, _ = simulated(spread(11, 20.0, 0.5), t, capacity=4 * N)
    primary = ws.truth.origin[:n] == ORIGIN_PRIMARY
    ratio = ws.tracks.pt[:n][primary] / 20.0
    a = 0.0865 * np.cosh(0.5) / np.log(2)  # E'/E < 1/2 with the probability of a gamma distribution of shape a
    for share in (0.9, 0.5, 0.25):
        assert (ratio < share).mean() == pytest.approx(stats.gamma.sf(-np.log(share), a), abs=0.015)
    assert np.median(ratio) == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("card", ["atlas-itk", "atlas-run2", "hlt", "perfect"])
def test_covariances_are_positive_definite_on_every_card(card):
    for event in range(4):
        ws, n, _ = simulated(busy_record(event), tables(card), event=event)
        assert n > 20
        covariance = ws.tracks.covariance[:n]
        np.linalg.cholesky(covariance)
        assert np.array_equal(covariance, np.swapaxes(covariance, 1, 2))
        assert np.isfinite(ws.tracks.perigee[:n]).all() and (ws.tracks.pt[:n] >= tables(card).tracking.min_pt).all()
        assert (abs(ws.tracks.perigee[:n, 2]) <= np.pi).all()
        p = 1 / abs(ws.tracks.perigee[:n, 4])
        assert np.allclose(ws.tracks.pt[:n], p * np.sin(ws.tracks.perigee[:n, 3]))


def test_extreme_momenta_give_finite_tracks():
    pt = np.array([0.5, 0.51, 1e3, 7e3, 7e4])
    ws, n, _ = simulated(record(momenta(pt, 2.4, np.arange(5.0), 211), 211), tables())
    assert np.isfinite(ws.tracks.perigee[:n]).all() and np.isfinite(ws.tracks.covariance[:n]).all()
    np.linalg.cholesky(ws.tracks.covariance[:n])
    assert detector_workspace(10, tables()).tracks.pt.shape == (10,)
