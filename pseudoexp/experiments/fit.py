"""Binned likelihoods of mass spectra, many toys at once.

Known background: n_i ~ Poisson(mu s_i + b_i), fitted in the signal strength mu. Free normalisation: n_i ~ Poisson(mu s_i +
beta b_i); for a given signal share phi the best total is the data's, and what is left is multinomial with
p_i = (1 - phi) b_i / B + phi s_i / S. Both are the maximum of a concave function of one variable,
F(x) = sum n_i ln(a_i + x d_i) - c x, and the test statistic is 2 (F(best) - F(0)).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_ITERATIONS = 200
_CLOSE = 1e-12


class Fit(NamedTuple):
    """Of each toy: the signal strength that fits best, and the significance of a signal (negative for a deficit)."""

    strength: Array
    significance: Array


def fit_known(counts: NDArray[np.int64], s: Array, b: Array) -> Fit:
    """Fit counts (toys, bins) with s (bins,) over a known background b (bins,) > 0; sum(s) > 0."""
    total = float(s.sum())
    low = -float((b[s > 0.0] / s[s > 0.0]).min())
    high = counts.sum(axis=1) / total + 1.0
    best = _maximum(counts, b, s, total, np.full(len(counts), low), high)
    return Fit(best, _significance(counts, b, s, total, best))


def fit_shape(counts: NDArray[np.int64], s: Array, b: Array) -> Fit:
    """Fit counts (toys, bins) with s over b > 0, the background's normalisation free; shapes as in `fit_known`."""
    a = b / b.sum()
    d = s / s.sum() - a
    down, up = d < 0.0, d > 0.0
    if not (down.any() and up.any()):  # one bin, or equal shapes: nothing to tell them apart by
        return Fit(np.full(len(counts), np.nan), np.zeros(len(counts)))
    low, high = -float((a[up] / d[up]).min()), float((a[down] / -d[down]).min())
    best = _maximum(counts, a, d, 0.0, np.full(len(counts), low), np.full(len(counts), high))
    return Fit(best * counts.sum(axis=1) / s.sum(), _significance(counts, a, d, 0.0, best))


def _maximum(n: NDArray[np.int64], a: Array, d: Array, c: float, low: Array, high: Array) -> Array:
    """Return where F is largest within [low, high]: Newton's steps, halving the bracket where they leave it."""
    x = np.zeros(len(n))
    low, high = low.copy(), high.copy()
    width = high - low
    active = np.arange(len(n))
    for _ in range(_ITERATIONS):
        if not len(active):
            break
        at, data = x[active], n[active]
        mean = a + at[:, None] * d
        ratio = np.divide(d, mean, out=np.zeros_like(mean), where=data > 0)
        slope = (data * ratio).sum(axis=1) - c
        bend = (data * ratio * ratio).sum(axis=1)
        rising = slope > 0.0
        low[active] = np.where(rising, at, low[active])
        high[active] = np.where(rising, high[active], at)
        step = np.divide(slope, bend, out=np.full(len(at), np.inf), where=bend > 0.0)
        trial = at + step
        inside = (trial > low[active]) & (trial < high[active])
        x[active] = np.where(inside, trial, 0.5 * (low[active] + high[active]))
        active = active[np.abs(x[active] - at) > _CLOSE * width[active]]
    return x


def _significance(n: NDArray[np.int64], a: Array, d: Array, c: float, x: Array) -> Array:
    shift = np.where(n > 0, x[:, None] * d / a, 0.0)
    gain = (n * np.log1p(np.maximum(shift, -1.0 + 1e-15))).sum(axis=1) - c * x
    return np.asarray(np.sign(x) * np.sqrt(2.0 * np.maximum(gain, 0.0)))
