"""Each distance against scipy or a value worked out by hand, and its behaviour for equal samples."""

import numpy as np
import pytest
from scipy import stats

from pseudoexp.errors import DataError
from pseudoexp.validation.distances import (
    binned_wasserstein,
    chi2_p_value,
    common_edges,
    distance,
    moments,
    rank_correlation,
    total_variation,
)


def test_moments_and_their_errors():
    rng = np.random.default_rng(1)
    samples = rng.exponential(2.0, (400, 1000))
    found = [moments(sample) for sample in samples]
    assert found[0].mean == pytest.approx(samples[0].mean())
    assert found[0].spread == pytest.approx(samples[0].std())
    for value, error in (("mean", "mean_error"), ("spread", "spread_error")):
        scatter = np.std([getattr(m, value) for m in found])
        assert np.mean([getattr(m, error) for m in found]) == pytest.approx(scatter, rel=0.12)
    with pytest.raises(DataError, match="1 values"):
        moments(np.ones(1))


def test_total_variation_by_hand():
    found, expected, _ = total_variation([6, 4], [2, 8])
    assert found == pytest.approx(0.4)
    p = np.array([0.4, 0.6])
    assert expected == pytest.approx(0.5 * np.sqrt(2 / np.pi) * np.sqrt(p * (1 - p) * 0.2).sum())
    assert total_variation([5, 5], [50, 50])[0] == 0
    with pytest.raises(DataError, match="empty"):
        total_variation([0, 0], [1, 1])


def test_expected_total_variation_is_what_equal_samples_show():
    rng = np.random.default_rng(2)
    shape = rng.dirichlet(np.full(40, 2.0))
    found = np.array([total_variation(rng.multinomial(800, shape), rng.multinomial(2500, shape)) for _ in range(400)])
    value, expected, deviation = found.T
    assert value.mean() == pytest.approx(expected.mean(), rel=0.02)
    assert value.std() == pytest.approx(deviation.mean(), rel=0.15)


def test_chi2_is_that_of_a_contingency_table():
    a, b = np.array([30, 50, 20, 60]), np.array([100, 130, 80, 190])
    assert chi2_p_value(a, b) == pytest.approx(stats.chi2_contingency([a, b]).pvalue)


def test_chi2_joins_bins_with_few_entries():
    assert chi2_p_value([20, 1, 0, 20], [22, 0, 2, 19]) == pytest.approx(chi2_p_value([20, 21], [22, 21]))
    assert chi2_p_value([3, 0], [0, 3]) == 1.0


def test_p_values_of_equal_samples_are_uniform():
    rng = np.random.default_rng(3)
    p = [distance(rng.normal(size=3000), rng.normal(size=1000)).p_value for _ in range(200)]
    assert stats.kstest(p, "uniform").pvalue > 0.01


def test_common_edges_hold_every_value():
    few = common_edges(np.array([0.0, 1, 2, 2]), np.array([1.0, 3]))
    assert np.histogram([0, 1, 2, 3], few)[0].tolist() == [1, 1, 1, 1]
    rng = np.random.default_rng(4)
    spike = np.concatenate([np.zeros(600), rng.exponential(size=400)])  # "no vertex", then values
    edges = common_edges(spike, spike[::2])
    assert np.all(np.diff(edges) > 0) and np.histogram(spike, edges)[0].sum() == 1000
    assert np.histogram(spike, edges)[0][0] < 640


def test_wasserstein_is_scipys_in_units_of_the_spread():
    rng = np.random.default_rng(5)
    a, b = rng.normal(0, 2, 900), rng.normal(0.5, 2, 700)
    found = distance(a, b)
    assert found.wasserstein == pytest.approx(stats.wasserstein_distance(a, b) / np.sqrt((a.var() + b.var()) / 2))
    assert found.signed and not distance(np.abs(a), np.abs(b)).signed
    edges = np.linspace(-12, 12, 2001)
    binned = binned_wasserstein(np.histogram(a, edges)[0], np.histogram(b, edges)[0], edges)
    assert binned == pytest.approx(stats.wasserstein_distance(a, b), rel=0.01)


def test_relative_shifts():
    a, b = np.array([8.0, 12.0] * 500), np.array([8.8, 13.2] * 500)
    found = distance(a, b)
    assert found.mean_shift[0] == pytest.approx(0.1) and found.spread_shift[0] == pytest.approx(0.1)
    signed = distance(a - 10, b - 10)
    assert signed.mean_shift[0] == pytest.approx(0.5)  # of the spread
    assert found.excess > 0.9
    with pytest.raises(DataError, match="finite"):
        distance(np.array([1.0, np.nan]), b)


def test_rank_correlation_is_spearmans():
    rng = np.random.default_rng(6)
    x = rng.normal(size=(500, 3))
    x[:, 1] += np.exp(x[:, 0])
    x[:100, 2] = 0.0
    assert rank_correlation(x) == pytest.approx(stats.spearmanr(x).statistic)
    assert rank_correlation(np.ones((5, 2))).tolist() == [[0, 0], [0, 0]]
