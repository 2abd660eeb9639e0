"""Matrix elements of decays, as weights between 0 and 1 of points uniform in phase space."""

from __future__ import annotations

import math

from pseudoexp.core.elementary import exp, log
from pseudoexp.core.jit import inline, kernel
from pseudoexp.engines.builtin.dice import Dice, throw
from pseudoexp.engines.builtin.phase_space import Products, boosted, direction, momentum

_SOFT = 0.25  # GeV^2: hadrons beyond the third product of a semileptonic decay are damped by exp(-p^2 / 0.25 GeV^2)
_RHO_SQUARED = 0.601


@kernel
def three_pions(products: Products, mass: float) -> float:
    """Return |p_1 x p_2|^2 over its largest value: a vector that decays to three pseudoscalars."""
    p = products.p4
    x = p[0, 1] * p[1, 2] - p[0, 2] * p[1, 1]
    y = p[0, 2] * p[1, 0] - p[0, 0] * p[1, 2]
    z = p[0, 0] * p[1, 1] - p[0, 1] * p[1, 0]
    lightest = min(products.mass[0], min(products.mass[1], products.mass[2]))
    largest = mass * mass / 9.0 - lightest * lightest
    return (x * x + y * y + z * z) / (0.75 * largest * largest)


@kernel
def v_minus_a(products: Products, n: int, mass: float) -> float:
    """Return (P p_1) (p_2 p_h) over its bound, p_h = P - p_1 - p_2: mu -> nu e nu, b -> nu l c, c -> l nu s.

    With E_1 = P p_1 / M, 2 p_2 p_h = M^2 + m_1^2 - 2 M E_1 - m_2^2 - m_h^2, a parabola in E_1 with the maximum A^2 / 16,
    A = M^2 + m_1^2 - m_2^2 - m_h^2, for the least m_h.
    """
    p, m = products.p4, products.mass
    e1, e2 = p[0, 3], p[1, 3]
    px, py, pz = p[0, 0] + p[1, 0], p[0, 1] + p[1, 1], p[0, 2] + p[1, 2]
    product = e2 * (mass - e1 - e2) + p[1, 0] * px + p[1, 1] * py + p[1, 2] * pz
    rest = 0.0
    for i in range(2, n):
        rest += m[i]
    a = mass * mass + m[0] * m[0] - m[1] * m[1] - rest * rest
    weight = 16.0 * mass * e1 * product / (a * a)
    for i in range(3, n):
        weight *= exp(-(p[i, 0] * p[i, 0] + p[i, 1] * p[i, 1] + p[i, 2] * p[i, 2]) / _SOFT)
    return weight


@inline
def _pair_mass(rest: float, lepton: float, mass: float, dice: Dice) -> float:
    """Return a mass q of the lepton pair (Kroll and Wada, Phys. Rev. 98 (1955) 1355).

    dN/dq^2 = (1/q^2) sqrt(1 - 4 l^2/q^2) (1 + 2 l^2/q^2) p(q)^3, times the rho's propagator: drawn as 1/q^2.
    """
    low, high = 4.0 * lepton * lepton, (mass - rest) * (mass - rest)
    longest = momentum(mass, rest, 0.0)
    least = 1.0 / (1.0 - high / _RHO_SQUARED) if high < 0.5 else 4.0
    while True:
        q2 = low * exp(throw(dice) * log(high / low))
        p = momentum(mass, rest, math.sqrt(q2)) / longest
        ratio = low / q2
        form = (1.0 - q2 / _RHO_SQUARED) * (1.0 - q2 / _RHO_SQUARED)
        weight = math.sqrt(max(0.0, 1.0 - ratio)) * (1.0 + 0.5 * ratio) * p * p * p / max(form, 0.0625)
        if weight > throw(dice) * least * least:
            return math.sqrt(q2)


@kernel
def lepton_pair(products: Products, mass: float, dice: Dice) -> None:
    """Fill the momenta of mother -> product 0 + virtual photon -> product 0 + leptons 1 and 2."""
    p, rest, lepton = products.p4, products.mass[0], products.mass[1]
    q = _pair_mass(rest, lepton, mass, dice)
    k = momentum(mass, rest, q)
    x, y, z = direction(dice)
    p[0, 0], p[0, 1], p[0, 2], p[0, 3] = -k * x, -k * y, -k * z, math.sqrt(k * k + rest * rest)
    energy = math.sqrt(k * k + q * q)
    along = momentum(q, lepton, lepton)
    flat = 4.0 * lepton * lepton / (q * q)
    while True:
        ux, uy, uz = direction(dice)
        cosine = ux * x + uy * y + uz * z
        if 1.0 + flat + (1.0 - flat) * cosine * cosine > 2.0 * throw(dice):
            break
    for sign in range(2):
        a = along if sign == 0 else -along
        p[1 + sign, 0], p[1 + sign, 1], p[1 + sign, 2], p[1 + sign, 3] = boosted(
            a * ux, a * uy, a * uz, 0.5 * q, k * x, k * y, k * z, energy, q)
