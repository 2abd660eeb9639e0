"""What an electron loses to bremsstrahlung in a layer of material (Bethe and Heitler)."""

from __future__ import annotations

from pseudoexp.core.elementary import exp, log
from pseudoexp.core.jit import inline

_MAX_LOSS = 3.0


@inline
def after_radiation(u: float, radiation_lengths: float) -> float:
    """Return the factor on an electron's q/p after radiating: -ln(E'/E) has a gamma distribution.

    Its shape is a = thickness / ln 2 radiation lengths and small. The quantile is found by bisection of
    F(y) = y^a exp(-y) sum_n y^n / (Gamma(1 + a) (1 + a) ... (n + a)).
    """
    a = radiation_lengths / 0.6931471805599453
    if a <= 0.0:
        return 1.0
    ln_gamma = a * (-0.5772156649 + a * (0.8224670334 + a * (-0.4006856344 + 0.2705808084 * a)))
    target = log(u) + ln_gamma
    low, high = 0.0, _MAX_LOSS
    for _ in range(30):
        y = 0.5 * (low + high)
        total = term = 1.0
        for n in range(1, 16):
            term *= y / (n + a)
            total += term
        if a * log(y) - y + log(total) < target:
            low = y
        else:
            high = y
    return exp(0.5 * (low + high))
