"""The primary vertex: against scipy's least squares, and pulls on toys."""

import numpy as np
import pytest
from detector_toys import changed, momenta, record, simulated, tables
from scipy import optimize

from pseudoexp.core.jit import kernel
from pseudoexp.detector.primary_vertex import empty_vertex, fit_primary_vertex, vertex_workspace
from pseudoexp.detector.tracking import tracks_workspace

SPOT = np.array([0.015, 0.015, 46.0])


@kernel
def fit(tracks, n, spot, seeds, cut, vertex, ws):
    return fit_primary_vertex(tracks, n, spot, seeds, cut, vertex, ws)


def toy_tracks(seed, n=30, vertex=(0.01, -0.02, 31.0), sigma=(0.02, 0.05)):
    """Return straight tracks from one point with smeared d0 and z0."""
    rng = np.random.default_rng(seed)
    tracks, _ = tracks_workspace(n + 200)
    phi, theta = rng.uniform(-np.pi, np.pi, n), rng.uniform(0.4, np.pi - 0.4, n)
    x, y, z = vertex
    scale = rng.uniform(0.5, 3.0, n)
    tracks.perigee[:n, 0] = -x * np.sin(phi) + y * np.cos(phi) + rng.normal(0, sigma[0] * scale)
    tracks.perigee[:n, 1] = z - (x * np.cos(phi) + y * np.sin(phi)) / np.tan(theta) + rng.normal(0, sigma[1] * scale)
    tracks.perigee[:n, 2:5] = np.stack([phi, theta, np.full(n, 0.2)], 1)
    tracks.covariance[:n] = np.eye(5) * 1e-6
    tracks.covariance[:n, 0, 0], tracks.covariance[:n, 1, 1] = (sigma[0] * scale) ** 2, (sigma[1] * scale) ** 2
    tracks.pt[:n] = 5 * np.sin(theta)
    return tracks, n


def run(tracks, n, spot=SPOT, seeds=4, cut=9.0):
    vertex = empty_vertex()
    score = fit(tracks, n, spot, seeds, cut, vertex, vertex_workspace(n + 200))
    return vertex, score


def least_squares(tracks, n, spot, weight=1.0):
    """Minimise the same chi^2 with scipy, with the residuals written from the helix's point of closest approach."""
    phi, theta = tracks.perigee[:n, 2], tracks.perigee[:n, 3]
    s1, s2 = np.sqrt(tracks.covariance[:n, 0, 0]), np.sqrt(tracks.covariance[:n, 1, 1])

    def residual(v):
        across = -(v[0] * np.sin(phi)) + v[1] * np.cos(phi)
        along = v[0] * np.cos(phi) + v[1] * np.sin(phi)
        r1 = (tracks.perigee[:n, 0] - across) / s1
        r2 = (tracks.perigee[:n, 1] + along / np.tan(theta) - v[2]) / s2
        return np.concatenate([r1, r2, v / spot])

    result = optimize.least_squares(residual, [0.0, 0.0, np.median(tracks.perigee[:n, 1])], xtol=1e-15, ftol=1e-15)
    return result.x, np.linalg.inv(result.jac.T @ result.jac)


@pytest.mark.parametrize("seed", range(4))
def test_equals_least_squares_when_every_track_counts(seed):
    tracks, n = toy_tracks(seed)
    vertex, score = run(tracks, n, cut=100.0)
    position, covariance = least_squares(tracks, n, SPOT)
    assert np.allclose(vertex.position, position, atol=1e-7)
    assert np.allclose(vertex.covariance, covariance, rtol=1e-5, atol=1e-10)
    assert 0.8 < score / (tracks.pt[:n] ** 2).sum() < 1.0


def test_pulls_are_unit_normal():
    rng = np.random.default_rng(3)
    pulls = []
    for seed in range(300):
        true = rng.normal(0, SPOT)
        vertex, _ = run(*toy_tracks(seed, 20, true))
        pulls.append((vertex.position - true) / np.sqrt(np.diag(vertex.covariance)))
    pulls = np.array(pulls)
    assert np.allclose(pulls.mean(0), 0.0, atol=0.2)
    assert np.allclose(pulls.std(0), 1.0, atol=0.15)


def test_displaced_tracks_are_weighed_down():
    tracks, n = toy_tracks(7)
    clean, _ = run(tracks, n)
    tracks.perigee[n:n + 6] = tracks.perigee[:6]
    tracks.covariance[n:n + 6] = tracks.covariance[:6]
    tracks.pt[n:n + 6] = 10.0
    tracks.perigee[n:n + 6, 0] += 2.0
    tracks.perigee[n:n + 6, 1] += 3.0
    vertex, _ = run(tracks, n + 6)
    assert np.allclose(vertex.position, clean.position, atol=1e-3)


def test_hard_vertex_is_the_one_with_the_largest_sum_of_pt2():
    tracks, n = toy_tracks(1, 15, (0.0, 0.0, -20.0))
    tracks.pt[:n] = 4.0
    for k, z in enumerate((-60.0, 5.0, 40.0)):
        other, m = toy_tracks(10 + k, 25, (0.0, 0.0, z))
        for name in ("perigee", "covariance", "pt"):
            getattr(tracks, name)[n:n + m] = getattr(other, name)[:m]
        tracks.pt[n:n + m] = 0.8
        n += m
    vertex, score = run(tracks, n)
    assert vertex.position[2] == pytest.approx(-20.0, abs=0.05)
    assert score == pytest.approx(15 * 16.0, rel=0.15)


def test_without_tracks_it_is_the_beam_spot():
    tracks, _ = toy_tracks(1)
    vertex, score = run(tracks, 0)
    assert np.array_equal(vertex.position, np.zeros(3)) and score == 0.0
    assert np.allclose(vertex.covariance, np.diag(SPOT**2))


def test_prompt_tracks_through_the_whole_detector():
    t = changed("atlas-itk", tracking={"tail_fraction": 0.0, "fake_rate": 0.0}, decays_in_flight=False)
    pulls = []
    for event in range(200):
        rng = np.random.default_rng(event)
        pt, eta = 0.6 + rng.exponential(2.0, 40), rng.uniform(-2.4, 2.4, 40)
        ws, _, _ = simulated(record(momenta(pt, eta, rng.uniform(-3.1, 3.1, 40), 13), 13), t, event=event)
        pulls.append((ws.primary_vertex.position - ws.collision) / np.sqrt(np.diag(ws.primary_vertex.covariance)))
    assert np.allclose(np.std(pulls, axis=0), 1.0, atol=0.17)
    assert tables().vertex_chi2_cut == 9.0
