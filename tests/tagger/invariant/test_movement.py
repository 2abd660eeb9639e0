"""Figures of how a score moves: against scipy, by hand, and of samples whose answer is known."""

import numpy as np
import pytest
from scipy.stats import norm, wasserstein_distance

from tagger.data import Split
from tagger.invariant.movement import guess, movement, wasserstein


def test_wasserstein_is_scipys():
    rng = np.random.default_rng(1)
    a, b, w = rng.normal(0, 2, 400), rng.exponential(1.5, 400), rng.exponential(1, 400)
    deviation = np.sqrt(np.cov(a, aweights=w, ddof=0))
    assert wasserstein(a, b, w) == pytest.approx(wasserstein_distance(a, b, w, w) / deviation, rel=1e-9)
    assert wasserstein(a, a + 0.3, w) == pytest.approx(0.3 / deviation)
    assert wasserstein(a, a, w) == 0.0 and wasserstein(np.ones(3), np.ones(3), np.ones(3)) == 0.0


def test_guesses_of_known_samples():
    rng = np.random.default_rng(2)
    a, event, w = rng.normal(0, 1, 40_000), np.arange(40_000) // 2, np.ones(40_000)
    b = rng.normal(0, 1, 40_000)
    assert guess(a, b, w, event) == pytest.approx(0.5, abs=0.01)
    assert guess(a, b + 1.0, w, event) == pytest.approx(norm.cdf(1 / np.sqrt(2)), abs=0.01)
    assert guess(a, 2.0 * b, w, event) > 0.6  # wider, with the same mean: no cut sees it
    assert guess(a, b + 20.0, w, event) == pytest.approx(1.0, abs=1e-3)


def test_movement_by_hand():
    n = 4
    part = Split(x=np.zeros((n, 1), "f4"), y=np.array([1, 1, 1, 0], "i1"), weight=np.array([1.0, 2.0, 1.0, 5.0]),
                 physical=np.ones(n), event=np.arange(n), pt=np.ones(n, "f4"), mass=np.ones(n, "f4"), flavour=np.zeros(n, "i1"))
    found = movement(np.array([2.0, 0.0, 1.0, 3.0]), np.array([2.0, 1.5, 0.5, 3.0]), part, {0.5: 1.0})
    assert found["hbb"]["changed"]["0.5"] == pytest.approx(0.75) and found["hbb"]["passes"]["0.5"] == pytest.approx([0.5, 0.75])
    assert found["qcd"]["changed"]["0.5"] == 0.0 and found["qcd"]["jets"] == 1
