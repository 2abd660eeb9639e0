"""The chi-square survival probability from the core's elementary functions.

For integer degrees of freedom the regularised incomplete gamma function Q(n/2, x/2) is a finite sum on
top of exp(-x/2) (n even) or erfc(sqrt(x/2)) (n odd); Abramowitz and Stegun 26.4.4 and 26.4.5. erfc is the
series 7.1.6 for small and the continued fraction 7.1.14 for large arguments.
"""

from __future__ import annotations

import math

from pseudoexp.core.elementary import exp
from pseudoexp.core.jit import kernel

_SQRT_PI = 1.772453850905516


@kernel
def erfc(x: float) -> float:
    """Return the complementary error function of x >= 0, relative error below 1e-13 where it is over 1e-300."""
    z = x * x
    if x < 2.0:
        term = x
        total = x
        k = 0
        while term > 1e-17 * total and k < 200:
            k += 1
            term *= 2.0 * z / (2 * k + 1)
            total += term
        return 1.0 - 2.0 * exp(-z) * total / _SQRT_PI
    fraction = x
    for k in range(120, 0, -1):
        fraction = x + 0.5 * k / fraction
    return exp(-z) / (fraction * _SQRT_PI)


@kernel
def chi2_survival(chi2: float, ndof: int) -> float:
    """Return the probability that a chi-square variable with `ndof` degrees of freedom exceeds `chi2`.

    Parameters
    ----------
    chi2 : float
        Any value; 1 is returned for values not above 0.
    ndof : int
        Degrees of freedom; 1 is returned for `ndof` < 1 (nothing to test).
    """
    if ndof < 1 or not chi2 > 0.0:
        return 1.0
    half = 0.5 * chi2
    if ndof % 2 == 0:
        term = exp(-half)
        total = term
        order = 1.0
    else:
        root = math.sqrt(half)
        total = erfc(root)
        term = exp(-half) / (_SQRT_PI * root)
        order = 0.5
    while order < 0.5 * ndof:
        term *= half / order
        if ndof % 2 == 1 or order < 0.5 * ndof:
            total += term
        order += 1.0
    return min(total, 1.0)
