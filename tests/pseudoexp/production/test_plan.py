"""The interleaving: exact fractions, exact counts, far into a long file."""

from fractions import Fraction
from math import floor

import numpy as np
import pytest

from pseudoexp.benchmark.registry import releases
from pseudoexp.production.plan import class_rows, is_signal, row_seconds, signal_rows


@pytest.mark.parametrize("f", [0.0, 0.1, 0.25, 1 / 3, 0.5, 0.7, 0.999, 1.0])
def test_definition(f):
    exact = Fraction(f).limit_denominator(10**9)
    expected = [floor((r + 1) * exact) > floor(r * exact) for r in range(2000)]
    assert is_signal(f, 0, 2000).tolist() == expected
    assert is_signal(f, 700, 300).tolist() == expected[700:1000]
    assert class_rows(f, 2000) == (sum(expected), 2000 - sum(expected))


def test_third_and_tenth_stay_exact_at_the_end_of_a_long_file():
    start = 99_999_999_999 - 999
    for f, period in ((1 / 3, 3), (0.1, 10)):
        pattern = is_signal(f, start, 990)
        expected = [r for r in range(start + 1, start + 991) if r % period == 0]
        assert (np.flatnonzero(pattern) + start + 1).tolist() == expected
    assert signal_rows(0.1, 10**11) == 10**10


def test_seconds_per_row_are_about_those_of_the_releases():
    for one in releases().values():
        assert row_seconds(one.engine, one.pileup) == pytest.approx(1e-3 * one.ms_per_row, rel=0.15)
