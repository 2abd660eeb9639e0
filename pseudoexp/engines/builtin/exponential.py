"""The logarithm in a third of the time, to about 1e-15 of the larger of itself and one: for exponential random numbers.

The mantissa is brought near one by the inverse of the middle of one of 128 intervals; the rest of the logarithm is a short
polynomial. The exponential function, the other way round, is a power of 2^(1/128) times a short polynomial. As in
`core.elementary` every CPU gives the same bits.
"""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np

from pseudoexp.core.jit import inline

_LN2 = 0.6931471805599453
_MANTISSA = 0x000FFFFFFFFFFFFF
_ONE_BITS = 0x3FF0000000000000
_INVERSE = np.array([256.0 / (257 + 2 * k) for k in range(128)])
_LOG = np.array([float(-Decimal(float(inverse)).ln()) for inverse in _INVERSE])
_STEPS_PER_UNIT = float(128 / Decimal(2).ln())
_STEP = float(Decimal(2).ln() / 128)
_POWER = np.array([float(Decimal(2) ** (Decimal(k) / 128)) for k in range(128)])


@inline
def quick_log(x: float) -> float:
    """Return the natural logarithm of a normal x > 0."""
    bits = np.float64(x).view(np.int64)
    k = (bits >> 45) & 127
    r = np.int64((bits & _MANTISSA) | _ONE_BITS).view(np.float64) * _INVERSE[k] - 1.0
    r2 = r * r
    rest = r - r2 * (0.5 - r * 0.3333333333333333 + r2 * (0.25 - r * 0.2))
    return float((bits >> 52) - 1023) * _LN2 + (_LOG[k] + rest)


@inline
def quick_exp(x: float) -> float:
    """Return e**x for -700 < x < 700, to about 1e-15 (2 + |x|) of itself."""
    k = np.int64(math.floor(x * _STEPS_PER_UNIT + 0.5))
    r = x - k * _STEP
    r2 = r * r
    small = r + r2 * (0.5 + r * 0.16666666666666666 + r2 * 0.041666666666666664)
    scale = np.int64(((k >> 7) + 1023) << 52).view(np.float64)
    power = _POWER[k & 127] * scale
    return float(power + power * small)
