"""Significance of a signal over a known background: Cowan, Cranmer, Gross, Vitells, Eur. Phys. J. C 71 (2011) 1554.

The discovery test q0 of a Poisson count n is 2 (n ln(n / b) - n + b); its square root with the sign of n - b is the
significance. With n = s + b (the Asimov data, eq. 97 there) it is the median one to expect. `error` on b: the same with a second
Poisson measurement of b (G. Cowan, Discovery sensitivity for a counting experiment with background uncertainty, 2012).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
_SMALL, _TINY = 1e-3, 1e-6


def excess(x: ArrayLike) -> Array:
    """Return (1 + x) ln(1 + x) - x for x >= -1, exact also where x is small."""
    x = np.asarray(x, dtype=np.float64)
    small = np.abs(x) < _SMALL
    inner = np.where(small | (x <= -1.0), 0.0, x)
    series = x * x * (0.5 - x * (1 / 6 - x * (1 / 12 - x / 20)))
    return np.where(small, series, np.where(x <= -1.0, 1.0, (1.0 + inner) * np.log1p(inner) - inner))


def counting(n: ArrayLike, b: ArrayLike) -> Array:
    """Return the significance of counts n over the background b > 0, negative for a deficit."""
    n, b = np.asarray(n, dtype=np.float64), np.asarray(b, dtype=np.float64)
    return _signed((n - b) / b, b)


def asimov(s: ArrayLike, b: ArrayLike) -> Array:
    """Return the median significance of a signal s over a known background b > 0."""
    s, b = np.asarray(s, dtype=np.float64), np.asarray(b, dtype=np.float64)
    return _signed(s / b, b)


def asimov_with_error(s: float, b: float, error: float) -> float:
    """Return the median significance where the background b is known to +- `error` only."""
    if error <= 0.0:
        return float(asimov(s, b))
    variance = error * error
    if s < _TINY * b:  # the terms below would cancel
        return float(s / np.sqrt(b + variance))
    first = (s + b) * np.log1p(s * b / (b * b + (s + b) * variance))
    second = b * b / variance * np.log1p(variance * s / (b * (b + variance)))
    return float(np.sqrt(max(2.0 * (first - second), 0.0)))


def asimov_spectrum(s: Array, b: Array) -> Array:
    """Return the median significance of spectra s over known b > 0, bins along the last axis."""
    return np.asarray(np.sqrt((asimov(s, b) ** 2).sum(axis=-1)))


def asimov_shape(s: Array, b: Array) -> Array:
    """Return the median significance where the spectrum of the background is known but its normalisation is fitted.

    Without signal the fit scales b to the data's total; what is left is the shape.
    """
    share = (s.sum(axis=-1) / b.sum(axis=-1))[..., None]
    scaled = b * (1.0 + share)
    return np.asarray(np.sqrt((_signed((s - b * share) / scaled, scaled) ** 2).sum(axis=-1)))


def _signed(x: Array, b: Array) -> Array:
    return np.asarray(np.sign(x) * np.sqrt(2.0 * b * excess(x)))
