"""Fits of many toys at once: against scipy's optimiser, the counting formula, and what a fit must cover."""

import numpy as np
import pytest
from scipy import optimize

from pseudoexp.experiments.fit import fit_known, fit_shape
from pseudoexp.experiments.significance import asimov_shape, asimov_spectrum, counting

S, B = np.array([0.5, 6.0, 9.0, 2.0, 0.0]), np.array([30.0, 22.0, 15.0, 11.0, 8.0])


def negative(parameters, n, s, b):
    mean = parameters[0] * s + parameters[1] * b
    if (mean <= 0).any():
        return np.inf
    return float((mean - n * np.log(mean)).sum())


def test_one_bin_is_counting():
    n = np.array([[0], [3], [20], [25], [60]])
    fit = fit_known(n, np.array([5.0]), np.array([20.0]))
    assert fit.significance == pytest.approx(counting(n[:, 0], 20.0), rel=1e-6, abs=1e-6)
    assert fit.strength == pytest.approx((n[:, 0] - 20.0) / 5.0, rel=1e-6, abs=1e-6)
    assert (fit_shape(n, np.array([5.0]), np.array([20.0])).significance == 0.0).all()


@pytest.mark.parametrize("strength", [0.0, 1.0, 4.0])
def test_against_an_optimiser(strength):
    data = np.random.default_rng(5).poisson(strength * S + B, (12, 5))
    known, shape = fit_known(data, S, B), fit_shape(data, S, B)
    for k, n in enumerate(data):
        best = optimize.minimize_scalar(lambda mu, n=n: negative((mu, 1.0), n, S, B), bounds=(-1.6, 20), method="bounded",
                                        options={"xatol": 1e-9})
        gain = negative((0.0, 1.0), n, S, B) - best.fun
        assert known.strength[k] == pytest.approx(best.x, abs=2e-4)
        assert known.significance[k] ** 2 == pytest.approx(2 * gain, rel=1e-5, abs=1e-6)
        both = optimize.minimize(negative, (0.5, 1.0), args=(n, S, B), method="Nelder-Mead",
                                 options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 4000})
        null = negative((0.0, n.sum() / B.sum()), n, S, B)
        assert shape.strength[k] == pytest.approx(both.x[0], abs=5e-4)
        assert shape.significance[k] ** 2 == pytest.approx(2 * (null - both.fun), rel=1e-5, abs=1e-6)
        assert np.sign(shape.significance[k]) == np.sign(shape.strength[k])


def test_the_asimov_data_give_the_expected_significance():
    n = np.round(1000 * (S + B)).astype(np.int64)[None]
    assert fit_known(n, 1000 * S, 1000 * B).significance[0] == pytest.approx(float(asimov_spectrum(1000 * S, 1000 * B)), rel=1e-6)
    assert fit_shape(n, 1000 * S, 1000 * B).significance[0] == pytest.approx(float(asimov_shape(1000 * S, 1000 * B)), rel=1e-6)
    assert fit_known(n, 1000 * S, 1000 * B).strength[0] == pytest.approx(1.0, rel=1e-6)


def test_coverage():
    rng = np.random.default_rng(7)
    s, b = 30 * S, 1000 * B
    for fit in (fit_known, fit_shape):
        null = fit(rng.poisson(b, (4000, 5)), s, b)
        assert null.significance.mean() == pytest.approx(0.0, abs=0.06)
        assert null.significance.std() == pytest.approx(1.0, abs=0.04)
        assert (np.abs(null.significance) < 1.0).mean() == pytest.approx(0.6827, abs=0.03)
        assert (null.significance > 1.6449).mean() == pytest.approx(0.05, abs=0.014)
        signal = fit(rng.poisson(s + b, (4000, 5)), s, b)
        expected = float((asimov_spectrum if fit is fit_known else asimov_shape)(s, b))
        assert np.median(signal.significance) == pytest.approx(expected, abs=0.06)
        assert signal.strength.mean() == pytest.approx(1.0, abs=0.06 / expected)
        assert signal.strength.std() == pytest.approx(1.0 / expected, rel=0.06)


def test_tiny_signals_in_huge_backgrounds():
    s, b = 1e-3 * S, 1e8 * B
    rng = np.random.default_rng(11)
    data = rng.poisson(b, (1500, 5))
    fit = fit_known(data, s, b)
    assert fit.significance.std() == pytest.approx(1.0, abs=0.06)
    by_hand = ((data - b) * s / b).sum(axis=1) / np.sqrt((s * s / b).sum())
    assert fit.significance == pytest.approx(by_hand, abs=2e-3)


def test_no_counts_at_all():
    fit = fit_known(np.zeros((1, 5), int), S, B)
    assert np.isfinite(fit).all() and fit.significance[0] < 0
    assert np.isfinite(fit_shape(np.zeros((1, 5), int), S, B)).all()
