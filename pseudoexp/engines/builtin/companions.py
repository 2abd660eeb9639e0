"""Companions: the antiquark that a sea quark leaves in its proton, as a parton density of its own.

T. Sjostrand, P. Skands, JHEP 03 (2004) 053 (hep-ph/0402078), section 3.3. A sea quark with momentum fraction s is half of a gluon
that split into a pair. With gluons as (1 - y)^4 / y and y = s + x the companion has

    q_c(x; s) = C (1 - y)^4 / y^2 (s^2 + x^2) / y^2,      0 < x < 1 - s,

normalised to one quark. Fractions are of the momentum before the sea quark was taken.
"""

from __future__ import annotations

from pseudoexp.core.elementary import log
from pseudoexp.core.jit import inline

HIGHEST_COMPANION = 0.45
"""Bounds x q_c(x; s)."""
_NEARLY_ALL = 0.97
"""Above this fraction the integrals, differences of large numbers, are taken as none."""


@inline
def _moment(s: float, logarithm: float, c0: float, c1: float, c2: float, c3: float) -> float:
    """Return the integral from s to 1 of (1 - y)^4 (c0 + c1 y + c2 y^2 + c3 y^3) / y^4; ln s is given."""
    a0, a1, a2, a3 = c0, c1 - 4.0 * c0, c2 - 4.0 * c1 + 6.0 * c0, c3 - 4.0 * c2 + 6.0 * c1 - 4.0 * c0
    a4, a5 = -4.0 * c3 + 6.0 * c2 - 4.0 * c1 + c0, 6.0 * c3 - 4.0 * c2 + c1
    a6, a7 = -4.0 * c3 + c2, c3
    r = 1.0 / s
    s2 = s * s
    return (a0 * (r * r * r - 1.0) / 3.0 + a1 * (r * r - 1.0) / 2.0 + a2 * (r - 1.0) - a3 * logarithm + a4 * (1.0 - s)
            + a5 * (1.0 - s2) / 2.0 + a6 * (1.0 - s2 * s) / 3.0 + a7 * (1.0 - s2 * s2) / 4.0)


@inline
def norm_and_momentum(s: float) -> tuple[float, float]:
    """Return C and the mean x of a companion; C = 0 if there is no room for one."""
    if s >= _NEARLY_ALL:
        return 0.0, (1.0 - s) / 6.0
    logarithm = log(s)
    norm = 1.0 / _moment(s, logarithm, 2.0 * s * s, -2.0 * s, 1.0, 0.0)
    if norm > 0.0:
        return norm, norm * _moment(s, logarithm, -2.0 * s * s * s, 4.0 * s * s, -3.0 * s, 1.0)
    return norm, (1.0 - s) / 6.0


@inline
def companion_density(x: float, s: float, norm: float) -> float:
    """Return x q_c(x; s) for C = `norm`."""
    y = s + x
    if y >= 1.0:
        return 0.0
    rest = (1.0 - y) * (1.0 - y) / (y * y)
    return norm * x * rest * rest * (s * s + x * x)
