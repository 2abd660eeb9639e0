"""The weight of a b hadron's light-cone fraction for another r_b of Bowler's factor.

f(z) ~ z^-c (1 - z)^a exp(-s / z) with c = 1 + r_b b m_b^2: the ratio of the densities for two values is a power of z over the
ratio of their integrals, which are summed here in y = ln z. Every fraction that was drawn counts, in discarded attempts as
well: only the product over all draws has the mean 1.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.elementary import exp, log
from pseudoexp.core.jit import kernel
from pseudoexp.engines.builtin.fragmentation_function import BOTTOM_MASS, BOWLER_BOTTOM, LUND_B, shape_powers

VARIED = np.array((0.66, 1.05))
_POINTS = 100
_REACH = 9.0
"""Widths of the peak, towards low z, that the sums take in."""


@kernel
def weigh_fraction(z: float, old: int, new: int, s: float, weights: NDArray[np.float64]) -> None:
    """Multiply `weights` (2,) by the ratios of f(z) for `VARIED` to f(z) between flavours `old` (b) and `new`; s = b mT^2."""
    a, c = shape_powers(old, new)
    step = LUND_B * BOTTOM_MASS * BOTTOM_MASS
    first, second = (VARIED[0] - BOWLER_BOTTOM) * step, (VARIED[1] - BOWLER_BOTTOM) * step
    d = 1.0 - c - max(second, 0.0)
    z0 = 2.0 * s / (s - d + math.sqrt((s - d) * (s - d) + 4.0 * (a + d) * s))  # peak for the largest r_b
    low = log(z0) - _REACH / math.sqrt(a * z0 / ((1.0 - z0) * (1.0 - z0)) + s / z0)
    width = -low / _POINTS
    top = (1.0 - c) * log(z0) - s / z0
    sum0, sum1, sum2 = 0.0, 0.0, 0.0
    for k in range(_POINTS):
        y = low + (k + 0.5) * width
        x = exp(y)
        value = exp(a * log(1.0 - x) + (1.0 - c) * y - s / x - top)
        sum0 += value
        sum1 += value * exp(-first * y)
        sum2 += value * exp(-second * y)
    y = log(z)
    weights[0] *= exp(-first * y) * sum0 / sum1
    weights[1] *= exp(-second * y) * sum0 / sum2
