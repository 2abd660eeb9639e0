"""The chain fit against scipy's least squares of the same chi-square, and its pulls."""

import numpy as np
import pytest
from flavour_toys import BZ, PV_COVARIANCE, axis_p4, b_jet, perigee_of, rows_of, tracks_of, vertex_at
from scipy.optimize import least_squares

from pseudoexp.core.jit import kernel
from pseudoexp.flavour import chain_fit as cf
from pseudoexp.flavour import vertex_fit as vf
from pseudoexp.flavour.impact_parameters import fill_helices
from pseudoexp.flavour.workspace import flavour_workspace

PRIMARY = np.array([0.01, -0.01, 5.0])
SIGMA = 0.02
CLUSTERS = np.array([0, 0, 0, 1, 1])


@kernel
def residual(tracks, rows, helix, i, x, y, z):
    return vf.residual(tracks, rows, helix, i, x, y, z)


@kernel
def covariance(workspace, k, m):
    return cf.length_covariance(workspace, k, m)


def fit(tracks, clusters, start, vertex, jet, tolerance=1e-14):
    ws = flavour_workspace()
    rows, n = rows_of(tracks), tracks.pt.size
    fill_helices(tracks, rows, n, BZ, ws.helix)
    assert cf.start_axis(jet, vertex, SIGMA, ws)
    ws.members[:n] = rows
    ws.cluster[:n] = clusters
    ws.length[:len(start)] = start
    return cf.fit_chain(tracks, rows, n, len(start), tolerance, ws), ws


def test_equals_scipy_with_the_same_weights():
    rng = np.random.default_rng(1)
    perigees, _, _ = b_jet(rng)
    tracks = tracks_of(perigees[4:], rng)
    vertex, jet = vertex_at(np.add(PRIMARY, [0.005, 0.004, -0.01])), axis_p4(60.0, 0.61, 0.38)
    chi2, ws = fit(tracks, CLUSTERS, [7.0, 14.0], vertex, jet)
    assert chi2 > 0.0
    weights, axis = [], ws.axis.copy()

    def point(x, k):
        u = np.array([np.sin(x[4]) * np.cos(x[3]), np.sin(x[4]) * np.sin(x[3]), np.cos(x[4])])
        return x[:3] + x[5 + k] * u

    solution = np.concatenate([axis, ws.length[:2]])
    for i in range(5):
        _, _, dd, dz, zz, _, _ = residual(tracks, rows_of(tracks), ws.helix, i, *point(solution, CLUSTERS[i]))
        weights.append(np.linalg.cholesky(np.array([[dd, dz], [dz, zz]])).T)
    prior = np.linalg.cholesky(ws.axis_weight).T

    def residuals(x):
        out = [prior @ (x[:5] - ws.axis_prior), x[5:] / cf.SIGMA_LENGTH]
        for i in range(5):
            v, p = point(x, CLUSTERS[i]), tracks.perigee[i]
            moved = perigee_of((-p[0] * np.sin(p[2]), p[0] * np.cos(p[2]), p[1]), np.sin(p[3]) / abs(p[4]), p[2],
                               1.0 / np.tan(p[3]), np.sign(p[4]), v[:2])
            out.append(weights[i] @ np.array([moved[0], moved[1] - v[2]]))
        return np.concatenate(out)

    start = np.add(solution, [0.01, 0.01, 0.02, 0.002, 0.002, 0.3, -0.3])
    oracle = least_squares(residuals, start, jac="3-point", diff_step=1e-5, xtol=1e-15, ftol=1e-15, gtol=1e-15)
    np.testing.assert_allclose(solution[:5], oracle.x[:5], atol=1e-6)
    np.testing.assert_allclose(solution[5:], oracle.x[5:], atol=2e-5)
    assert chi2 == pytest.approx(2.0 * oracle.cost, rel=1e-5)
    expected = np.linalg.inv(oracle.jac.T @ oracle.jac)
    np.testing.assert_allclose(ws.axis_normal, expected[:5, :5], rtol=5e-3, atol=1e-3 * expected[4, 4])
    lengths = [[covariance(ws, k, m) for m in range(2)] for k in range(2)]
    np.testing.assert_allclose(lengths, expected[5:, 5:], rtol=5e-3)


def test_length_pulls():
    rng = np.random.default_rng(2)
    pulls = []
    for _ in range(300):
        perigees, _, _ = b_jet(rng)
        tracks = tracks_of(perigees[4:], rng)
        vertex = vertex_at(rng.multivariate_normal(PRIMARY, PV_COVARIANCE))
        jet = axis_p4(60.0, 0.6 + rng.normal() * SIGMA, 0.4 + rng.normal() * SIGMA * (1 + 0.4**2))
        chi2, ws = fit(tracks, CLUSTERS, [8.0, 13.0], vertex, jet, 1e-6)
        if chi2 >= 0.0:
            sigma = np.sqrt([covariance(ws, 0, 0), covariance(ws, 1, 1)])
            pulls.append((ws.length[:2] - [8.0, 13.0]) / sigma)
    assert len(pulls) > 290
    np.testing.assert_allclose(np.quantile(np.abs(pulls), 0.683, axis=0), 1.0, atol=0.15)


def test_invert5():
    a = np.random.default_rng(3).normal(size=(5, 5))
    m = a @ a.T + 0.1 * np.eye(5)
    inverse = np.linalg.inv(m)
    ours = np.tril(m)
    assert cf.invert5(ours, np.zeros(5))
    np.testing.assert_allclose(ours, inverse, rtol=1e-10, atol=1e-12)
    assert not cf.invert5(-np.eye(5), np.zeros(5))


def test_a_degenerate_primary_vertex_is_refused():
    assert not cf.start_axis(axis_p4(50.0, 0.0, 0.0), vertex_at(PRIMARY, np.zeros((3, 3))), SIGMA, flavour_workspace())
