"""Distances between two one-dimensional samples, each beside what statistics alone would give.

Bins are common to both samples: one per value where there are few different values, else of equal content of both
together. chi^2 compares two histograms of different size (Gagunashvili, arXiv:physics/0605123). The total-variation
distance is half the sum of |p - q|; for samples of one distribution it is not 0 but about
sum sqrt(p (1 - p) (1/n + 1/m) / (2 pi)), which is given beside it. The Wasserstein distance is the area between the
cumulative distributions, here in units of the spread.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from pseudoexp.errors import DataError

BINS = 50
_MIN_CONTENT = 10.0

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Moments:
    """Mean and spread (standard deviation) of n values, with standard errors."""

    n: int
    mean: float
    mean_error: float
    spread: float
    spread_error: float


@dataclass(frozen=True)
class Distance:
    """How far two samples are apart in one observable.

    Attributes
    ----------
    first, second : Moments
        Of the two samples.
    p_value : float
        Probability of a chi^2 as large or larger, for equal distributions.
    total_variation : float
        Total-variation distance of the binned samples, 0 to 1.
    expected, fluctuation : float
        What it is on average for equal distributions, and its standard deviation.
    wasserstein : float
        Wasserstein distance over the spread of both together.
    signed : bool
        There are values below zero.
    """

    first: Moments
    second: Moments
    p_value: float
    total_variation: float
    expected: float
    fluctuation: float
    wasserstein: float
    signed: bool = False

    @property
    def excess(self) -> float:
        """Total-variation distance beyond what statistics alone would give."""
        return self.total_variation - self.expected

    @property
    def mean_shift(self) -> tuple[float, float]:
        """Difference of means over the first mean (over the first spread, where values have both signs), and its error."""
        scale = self.first.spread if self.signed else abs(self.first.mean)
        return _ratio(self.second.mean - self.first.mean, self.first.mean_error, self.second.mean_error, scale)

    @property
    def spread_shift(self) -> tuple[float, float]:
        """Difference of spreads over the first spread, and its error."""
        return _ratio(self.second.spread - self.first.spread, self.first.spread_error, self.second.spread_error,
                      self.first.spread)


def _ratio(difference: float, one: float, other: float, scale: float) -> tuple[float, float]:
    if scale == 0.0:
        return (0.0 if difference == 0.0 else math.inf), 0.0
    return difference / scale, math.hypot(one, other) / scale


def moments(values: Array) -> Moments:
    """Return mean and spread with their errors.

    Raises
    ------
    DataError
        With fewer than two values.
    """
    n = len(values)
    if n < 2:
        raise DataError(f"{n} values have no spread; two are needed")
    mean = float(values.mean())
    centred = values - mean
    variance = float((centred**2).mean())
    fourth = float((centred**4).mean())
    spread = math.sqrt(variance)
    error = math.sqrt(max(fourth - variance**2, 0.0) / n) / (2.0 * spread) if spread > 0.0 else 0.0
    return Moments(n, mean, spread / math.sqrt(n), spread, error)


def common_edges(first: Array, second: Array, bins: int = BINS) -> Array:
    """Return bin edges for two samples; every value is inside.

    Both samples have the same say, whatever their size. The first edge is the smallest value, the last is just above
    the largest.
    """
    values = np.unique(np.concatenate([first, second]))
    if len(values) <= bins:
        inner = 0.5 * (values[1:] + values[:-1])
    else:
        share = np.linspace(0.0, 1.0, bins + 1)[1:-1]
        size = min(len(first), len(second))
        pooled = np.concatenate([_thinned(first, size), _thinned(second, size)])
        inner = np.unique(np.quantile(pooled, share))
        inner = inner[inner > values[0]]
    return np.concatenate([values[:1], inner, [np.nextafter(values[-1], np.inf)]])


def _thinned(values: Array, n: int) -> Array:
    """Return n values at equal distances in the ordered sample."""
    if len(values) == n:
        return values
    return np.sort(values)[((np.arange(n) + 0.5) * len(values) / n).astype(np.int64)]


def histogram(values: Array, edges: Array) -> Array:
    """Return counts per bin."""
    return np.histogram(values, edges)[0].astype(np.float64)


def chi2_p_value(first: ArrayLike, second: ArrayLike) -> float:
    """Return the chi^2 p-value of two histograms of independent entries.

    Neighbouring bins are joined until both together hold ten entries.
    """
    a, b = _joined(np.asarray(first, float), np.asarray(second, float))
    n, m = a.sum(), b.sum()
    if len(a) < 2 or n == 0.0 or m == 0.0:
        return 1.0
    chi2 = float(np.sum((math.sqrt(m / n) * a - math.sqrt(n / m) * b) ** 2 / (a + b)))
    return float(special.chdtrc(len(a) - 1, chi2))


def _joined(a: Array, b: Array) -> tuple[Array, Array]:
    """Join neighbouring bins until each holds enough."""
    kept: list[tuple[float, float]] = []
    x = y = 0.0
    for one, other in zip(a, b, strict=True):
        x, y = x + one, y + other
        if x + y >= _MIN_CONTENT:
            kept.append((x, y))
            x = y = 0.0
    if x + y > 0.0:
        last = kept.pop() if kept else (0.0, 0.0)
        kept.append((last[0] + x, last[1] + y))
    result = np.array(kept).reshape(-1, 2)
    return result[:, 0], result[:, 1]


def total_variation(first: ArrayLike, second: ArrayLike) -> tuple[float, float, float]:
    """Return the total-variation distance of two histograms of counts, its expectation and standard deviation.

    The last two are those of samples of this size from one and the same distribution, estimated from both together.
    """
    a, b = np.asarray(first, float), np.asarray(second, float)
    n, m = a.sum(), b.sum()
    if n == 0.0 or m == 0.0:
        raise DataError("an empty histogram has no distance to another")
    distance = 0.5 * float(np.abs(a / n - b / m).sum())
    p = (a + b) / (n + m)
    variance = p * (1.0 - p) * (1.0 / n + 1.0 / m)
    expected = 0.5 * math.sqrt(2.0 / math.pi) * float(np.sqrt(variance).sum())
    deviation = 0.5 * math.sqrt((1.0 - 2.0 / math.pi) * float(variance.sum()))
    return distance, expected, deviation


def distance(first: ArrayLike, second: ArrayLike, edges: Array | None = None) -> Distance:
    """Compare two samples of one observable.

    Parameters
    ----------
    first, second : (n,), (m,) arrays
        The values, all finite.
    edges : array, optional
        Bin edges; values beyond count in the outermost bins. By default `common_edges`.

    Raises
    ------
    DataError
        If a sample has fewer than two values or one that is not finite.
    """
    a, b = (np.asarray(values, dtype=np.float64) for values in (first, second))
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise DataError("a value is not finite")
    one, two = moments(a), moments(b)
    bins = common_edges(a, b) if edges is None else edges
    inside = [histogram(np.clip(values, bins[0], np.nextafter(bins[-1], -np.inf)), bins) for values in (a, b)]
    spread = math.sqrt(0.5 * (one.spread**2 + two.spread**2))
    area = float(stats.wasserstein_distance(a, b))
    scaled = area / spread if spread > 0.0 else (0.0 if area == 0.0 else math.inf)
    return Distance(one, two, chi2_p_value(*inside), *total_variation(*inside), scaled, bool(min(a.min(), b.min()) < 0.0))


def binned_wasserstein(first: Array, second: Array, edges: Array) -> float:
    """Return the area between the cumulative distributions of two histograms, in units of the axis."""
    cumulated = [np.cumsum(counts) / counts.sum() for counts in (first, second)]
    return float(np.sum(np.abs(cumulated[0] - cumulated[1]) * np.diff(edges)))


def rank_correlation(columns: NDArray[Any]) -> Array:
    """Return Spearman's correlation matrix of the columns (n, k); 0 for a column without spread.

    Ranks, because some inputs have long tails and some a value for "nothing found".
    """
    ranks = np.stack([stats.rankdata(column) for column in columns.T], axis=1)
    centred = ranks - ranks.mean(axis=0)
    size = np.sqrt((centred**2).sum(axis=0))
    unit = centred / np.where(size > 0.0, size, 1.0)
    return np.asarray(unit.T @ unit)
