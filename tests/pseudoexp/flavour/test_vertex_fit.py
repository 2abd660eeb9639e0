"""The vertex fit against scipy's least squares on the same tracks, and its pulls."""

import numpy as np
import pytest
from flavour_toys import BZ, perigee_of, random_prongs, rows_of, tracks_of
from scipy.optimize import least_squares

from pseudoexp.core.jit import kernel
from pseudoexp.flavour import vertex_fit as vf
from pseudoexp.flavour.impact_parameters import fill_helices
from pseudoexp.flavour.workspace import flavour_workspace

POINT = np.array([3.0, 1.5, -7.0])


@kernel
def residual(tracks, rows, helix, i, x, y, z):
    return vf.residual(tracks, rows, helix, i, x, y, z)


def fit(tracks, start=(0.0, 0.0, -6.0), tolerance=1e-14):
    ws = flavour_workspace()
    rows, n = rows_of(tracks), tracks.pt.size
    fill_helices(tracks, rows, n, BZ, ws.helix)
    ws.position[:] = start
    return vf.fit_vertex(tracks, rows, ws.helix, rows, n, tolerance, ws), ws


@pytest.mark.parametrize("n", [2, 5])
def test_equals_scipy_with_the_same_weights(n):
    tracks = tracks_of(random_prongs(np.random.default_rng(n), POINT, 0.6, -0.8, n), np.random.default_rng(9))
    chi2, ws = fit(tracks)
    weights = []
    for i in range(n):
        _, _, dd, dz, zz, _, _ = residual(tracks, rows_of(tracks), ws.helix, i, *ws.position)
        weights.append(np.linalg.cholesky(np.array([[dd, dz], [dz, zz]])).T)

    def residuals(v):
        out = []
        for i in range(n):
            p = tracks.perigee[i]
            point = (-p[0] * np.sin(p[2]), p[0] * np.cos(p[2]), p[1])
            moved = perigee_of(point, np.sin(p[3]) / abs(p[4]), p[2], 1.0 / np.tan(p[3]), np.sign(p[4]), v[:2])
            out.append(weights[i] @ np.array([moved[0], moved[1] - v[2]]))
        return np.concatenate(out)

    oracle = least_squares(residuals, POINT, jac="3-point", diff_step=1e-4, xtol=1e-15, ftol=1e-15, gtol=1e-15)
    np.testing.assert_allclose(ws.position, oracle.x, atol=1e-6)
    assert chi2 == pytest.approx(2.0 * oracle.cost, rel=1e-5, abs=1e-8)
    np.testing.assert_allclose(ws.covariance, np.linalg.inv(oracle.jac.T @ oracle.jac), rtol=2e-3, atol=1e-9)


def test_agrees_with_the_fit_of_vertex_and_all_momenta():
    n = 4
    tracks = tracks_of(random_prongs(np.random.default_rng(3), POINT, 0.6, -0.8, n), np.random.default_rng(11))
    chi2, ws = fit(tracks)
    whiten = [np.linalg.inv(np.linalg.cholesky(c)) for c in tracks.covariance]

    def residuals(x):
        out = []
        for i in range(n):
            phi, theta, qoverp = x[3 + 3 * i:6 + 3 * i] * [1.0, 1.0, 0.01]
            predicted = perigee_of(x[:3], np.sin(theta) / abs(qoverp), phi, 1.0 / np.tan(theta), np.sign(qoverp))
            out.append(whiten[i] @ (tracks.perigee[i] - predicted))
        return np.concatenate(out)

    start = np.concatenate([POINT, (tracks.perigee[:, 2:] / [1.0, 1.0, 0.01]).ravel()])
    oracle = least_squares(residuals, start, xtol=1e-14, ftol=1e-14, gtol=1e-14)
    covariance = np.linalg.inv(oracle.jac.T @ oracle.jac)[:3, :3]
    sigma = np.sqrt(np.diag(covariance))
    assert (np.abs(ws.position - oracle.x[:3]) < 0.02 * sigma).all()
    np.testing.assert_allclose(np.sqrt(np.diag(ws.covariance)), sigma, rtol=0.02)
    assert chi2 == pytest.approx(2.0 * oracle.cost, rel=0.02)


def test_pulls_and_probability():
    rng = np.random.default_rng(5)
    pulls, chi2s = [], []
    for _ in range(600):
        tracks = tracks_of(random_prongs(rng, POINT, 0.6, -0.8, 3), rng)
        chi2, ws = fit(tracks, tolerance=1e-6)
        chi2s.append(chi2)
        pulls.append((ws.position - POINT) / np.sqrt(np.diag(ws.covariance)))
    np.testing.assert_allclose(np.std(pulls, axis=0), 1.0, atol=0.1)
    np.testing.assert_allclose(np.mean(pulls, axis=0), 0.0, atol=0.15)
    assert np.mean(chi2s) == pytest.approx(3.0, abs=0.35)


def test_parallel_tracks_have_no_vertex():
    tracks = tracks_of([perigee_of((0, 0, 0), 1e5, 0.3, 0.2, 1), perigee_of((-0.1, 0.1, 0), 1e5, 0.3, 0.2, 1)])
    assert fit(tracks)[0] == -1.0


def test_invert3():
    a = np.random.default_rng(1).normal(size=(3, 3))
    m = a @ a.T + np.eye(3)
    out = np.empty((3, 3))
    assert vf.invert3(m, out) == pytest.approx(np.linalg.det(m))
    np.testing.assert_allclose(out, np.linalg.inv(m), rtol=1e-12)
    before = out.copy()
    assert not vf.invert3(np.ones((3, 3)), out) > 0.0
    np.testing.assert_array_equal(out, before)


def test_worst_member_is_the_one_whose_removal_helps_most():
    blamed_wrongly = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        stray = perigee_of(np.add(POINT, [0.2, -0.3, 0.1]), 6.0, 0.65, -0.75, 1)
        tracks = tracks_of([*random_prongs(rng, POINT, 0.6, -0.8, 3), stray], rng)
        tracks.covariance[1:3] *= rng.uniform(1.0, 9.0)  # the stray has to pull on imprecise tracks
        _, ws = fit(tracks)
        rows, own = rows_of(tracks), ws.track_chi2[:4].copy()
        without = [fit(type(tracks)(*(np.delete(a, i, axis=0) for a in tracks)))[0] for i in range(4)]
        found = vf.worst_member(tracks, rows, ws.helix, rows, 4, ws)
        assert without[found] == pytest.approx(min(without), rel=0.05, abs=0.3)
        blamed_wrongly += np.argmax(own) != found
    assert blamed_wrongly > 0
