"""The Lund symmetric fragmentation function: the light-cone fraction a hadron takes from what is left of a string.

f(z) = z^-c (1 - z)^a exp(-b mT^2 / z)  (B. Andersson et al., Phys. Rept. 97 (1983) 31), with c = 1 + r b m_Q^2 for the
hadron that holds a heavy quark (M. G. Bowler, Z. Phys. C 11 (1981) 169) and extra powers next to a diquark. Parameters of
the Monash tune (P. Skands et al., arXiv:1404.5630).
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.elementary import exp, log
from pseudoexp.core.jit import inline, kernel
from pseudoexp.core.packed import packed
from pseudoexp.engines.builtin.dice import Dice, throw
from pseudoexp.engines.builtin.exponential import quick_log

LUND_A = 0.68
LUND_B = 0.98
"""1/GeV^2."""
EXTRA_DIQUARK = 0.97
"""Added to a on the side of a diquark."""
BOWLER_CHARM, BOWLER_BOTTOM = 1.32, 0.855
CHARM_MASS, BOTTOM_MASS = 1.5, 4.8
"""GeV, in the Bowler factor."""
_CELLS = 256
_LIGHT_LOW, _LIGHT_HIGH = 0.015, 8.0
_NEAR = 1.1  # where the tangents touch, in widths of the peak: accepts about 6 of 7 trials


class FractionTable(NamedTuple):
    """What is left of f(z) beside z^-2 exp(-s / z), over its maximum, where no heavy quark is in the hadron.

    Kinds: quarks only, a new diquark, an old one, two.
    """

    power: NDArray[np.float64]  # (4, 3) of z and of 1 - z, and the inverse of the maximum
    bounds: NDArray[np.float64]  # (4, 256, 2) least and largest value in equal steps of z


@kernel
def shape_powers(old: int, new: int) -> tuple[float, float]:
    """Return the powers (a, c) of f(z) for the flavour at the end of the string and the one of the next break.

    The diquark's extra power goes to (1 - z) on the old side, as the Monash tune was made, and to z on both.
    """
    code = abs(old)
    a, c = LUND_A, 1.0
    if code > 1000:
        a += EXTRA_DIQUARK
        c -= EXTRA_DIQUARK
    elif code == 4:
        c += BOWLER_CHARM * LUND_B * CHARM_MASS * CHARM_MASS
    elif code == 5:
        c += BOWLER_BOTTOM * LUND_B * BOTTOM_MASS * BOTTOM_MASS
    if abs(new) > 1000:
        c += EXTRA_DIQUARK
    return a, c


@inline
def _log_density(y: float, z: float, a: float, d: float, s: float) -> float:
    return a * log(1.0 - z) + d * y - s / z


@inline
def _slope(z: float, a: float, d: float, s: float) -> float:
    return d + s / z - a * z / (1.0 - z)


@lru_cache(maxsize=1)
def fraction_table() -> FractionTable:
    """Return the table; the bounds are a little wide, so that no rounding matters."""
    power, bounds = np.zeros((4, 3)), np.zeros((4, _CELLS, 2))
    edges = np.linspace(0.0, 1.0, _CELLS + 1)
    for kind, (old, new) in enumerate(((1, 1), (1, 2101), (2101, 1), (2101, 2101))):
        a, c = shape_powers(old, new)
        p = 2.0 - c
        peak = p / (p + a)
        inverse = math.floor(1e6 / (peak**p * (1.0 - peak) ** a)) * 1e-6
        power[kind] = p, a, inverse
        weight = inverse * edges**p * (1.0 - edges) ** a
        bounds[kind, :, 0] = (1.0 - 1e-9) * np.minimum(weight[:-1], weight[1:])
        bounds[kind, :, 1] = (1.0 + 1e-9) * np.maximum(weight[:-1], weight[1:])
        bounds[kind, int(peak * _CELLS), 1] = 1.0
    return packed(FractionTable(power, bounds))


@kernel
def _draw_light(table: FractionTable, dice: Dice, kind: int, s: float) -> float:
    """Return z of a light hadron: 1/z - 1 is exponential, and kept with the probability that the table bounds."""
    while True:
        z = s / (s - quick_log(throw(dice)))
        u = throw(dice)
        cell = int(z * _CELLS)
        if u < table.bounds[kind, cell, 0]:
            return z
        if u < table.bounds[kind, cell, 1]:
            power = table.power[kind]
            if u < power[2] * exp(power[0] * log(z) + power[1] * log(1.0 - z)):
                return z


@inline
def draw_fraction(table: FractionTable, dice: Dice, old: int, new: int, s: float) -> float:
    """Return z in (0, 1) of the hadron made of two flavours; s = b mT^2.

    Without heavy quarks it is drawn directly, unless that would be inefficient.
    """
    code = abs(old)
    if code != 4 and code != 5 and _LIGHT_LOW < s < _LIGHT_HIGH:
        return _draw_light(table, dice, (2 if code > 1000 else 0) + (1 if abs(new) > 1000 else 0), s)
    a, c = shape_powers(old, new)
    return draw_shape(dice, a, c, s)


@kernel
def draw_shape(dice: Dice, a: float, c: float, s: float) -> float:
    """Return z in (0, 1) with density z^-c (1 - z)^a exp(-s / z); a > 0, s > 0, c > 0 - s.

    In y = ln z the logarithm of the density is concave: it lies below its maximum and below its tangents on either
    side, which make a hat of two exponentials and a flat piece between them.
    """
    d = 1.0 - c
    z0 = 2.0 * s / (s - d + math.sqrt((s - d) * (s - d) + 4.0 * (a + d) * s))
    y0 = log(z0)
    top = _log_density(y0, z0, a, d, s)
    width = 1.0 / math.sqrt(a * z0 / ((1.0 - z0) * (1.0 - z0)) + s / z0)
    y = y0 - _NEAR * width
    z = exp(y)
    rise = _slope(z, a, d, s)
    left = y + (top - _log_density(y, z, a, d, s)) / rise
    y = y0 + min(_NEAR * width, -0.6 * y0)
    z = exp(y)
    fall = -_slope(z, a, d, s)
    right = min(y - (top - _log_density(y, z, a, d, s)) / fall, 0.0)
    below = 1.0 / rise
    flat = right - left
    depth = 1.0 - exp(fall * right)
    total = below + flat + depth / fall
    while True:
        u = throw(dice) * total
        hat = 0.0
        if u < below:
            hat = log(u * rise)
            y = left + hat / rise
        elif u < below + flat:
            y = left + (u - below)
        else:
            hat = log(1.0 - (u - below - flat) * fall)
            y = right - hat / fall
        z = exp(y)
        if z < 1.0 and throw(dice) < exp(_log_density(y, z, a, d, s) - top - hat):
            return z
