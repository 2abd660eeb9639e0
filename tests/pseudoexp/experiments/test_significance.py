"""Significances against the formulas by hand, their limits, and each other."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pseudoexp.experiments.significance import asimov, asimov_shape, asimov_spectrum, asimov_with_error, counting, excess


def test_by_hand():
    s, b = 10.0, 100.0
    assert float(asimov(s, b)) == pytest.approx(math.sqrt(2 * (110 * math.log(1.1) - 10)), rel=1e-12)
    assert float(asimov(5.0, 0.1)) == pytest.approx(5.5, abs=0.05)  # far from s / sqrt(b) = 15.8
    error = 20.0
    v = error**2
    z2 = 2 * ((s + b) * math.log((s + b) * (b + v) / (b * b + (s + b) * v)) - b * b / v * math.log(1 + v * s / (b * (b + v))))
    assert asimov_with_error(s, b, error) == pytest.approx(math.sqrt(z2), rel=1e-12)


def test_counts():
    assert counting([100, 110, 90, 0], 100.0) == pytest.approx(
        [0.0, math.sqrt(2 * (110 * math.log(1.1) - 10)), -math.sqrt(2 * (90 * math.log(0.9) + 10)), -math.sqrt(200)], rel=1e-12)


def test_excess_is_exact_for_small_ones():
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workdps(60):
        for x in (1e-12, -1e-9, 3e-5, -9e-4, 0.00099, 0.00101, -0.5, 3.0, 1e6):
            truth = (1 + mpmath.mpf(x)) * mpmath.log1p(mpmath.mpf(x)) - mpmath.mpf(x)
            assert float(excess(x)) == pytest.approx(float(truth), rel=1e-10)
    assert excess([-1.0, 0.0]).tolist() == [1.0, 0.0]


@given(st.floats(1e-3, 1e6), st.floats(1e-3, 1e10))
def test_limits(s, b):
    z = float(asimov(s, b))
    assert 0.0 < z <= s / math.sqrt(b) * (1 + 1e-9)
    if s < 1e-3 * b:
        assert z == pytest.approx(s / math.sqrt(b), rel=1e-3)
    assert asimov_with_error(s, b, 0.0) == z
    if s < b:
        assert asimov_with_error(s, b, 1e-4 * math.sqrt(b)) == pytest.approx(z, rel=1e-3)
    assert asimov_with_error(s, b, 0.1 * b) < z
    if s < 1e-3 * b and b > 10:
        assert asimov_with_error(s, b, 0.1 * b) == pytest.approx(s / math.sqrt(b + 0.01 * b * b), rel=6e-3)


def test_spectra():
    s, b = np.array([1.0, 8.0, 2.0]), np.array([50.0, 40.0, 30.0])
    assert asimov_spectrum(s, b) == pytest.approx(math.sqrt(sum(float(asimov(x, y)) ** 2 for x, y in zip(s, b, strict=True))))
    assert asimov_spectrum(s, b) > asimov(s.sum(), b.sum()) > 0
    assert 0 < asimov_shape(s, b) < asimov_spectrum(s, b)
    assert asimov_shape(0.1 * b, b) == pytest.approx(0.0, abs=1e-12)  # the same shape tells nothing
