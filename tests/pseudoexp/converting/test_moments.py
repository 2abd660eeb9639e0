"""Means and spreads in pieces are those of the whole."""

import numpy as np
import pytest

from pseudoexp.converting.moments import Moments


@pytest.mark.parametrize("sizes", [(1, 1), (5, 0, 1000, 3), (700, 700)])
def test_pieces(sizes: tuple[int, ...]) -> None:
    """Whatever the pieces, with a mean much larger than the spread; what is not finite does not count."""
    rng, moments, seen = np.random.default_rng(1), Moments(), []
    for n in sizes:
        values = rng.normal(1e6, 2.0, n)
        moments.add(np.concatenate([values, [np.nan, np.inf, -np.inf]]))
        seen.append(values)
    whole = np.concatenate(seen)
    assert moments.count == len(whole)
    assert moments.mean == pytest.approx(whole.mean(), rel=1e-13)
    assert moments.spread == pytest.approx(whole.std(), rel=1e-6)


def test_what_has_no_spread_has_one() -> None:
    """Constant columns, empty ones, and constants whose rounding looks like a spread: one can divide by it."""
    for values in ([], [3.0] * 10, [0.1] * 1001, [np.nan]):
        moments = Moments()
        for value in values:
            moments.add(np.array([value]))
        assert moments.spread == 1.0
    integers = Moments()
    integers.add(np.array([1, 2, 3, 4], dtype="<i4"))
    assert (integers.mean, integers.spread) == (2.5, pytest.approx(np.sqrt(1.25)))
