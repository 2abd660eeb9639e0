"""Cross-section of the hard process as a function of pT-hat, the rapidity difference and the rapidity of the pair.

Four *channels* differ in masses and densities: QCD with massless quarks, pairs of c, pairs of b, and the Higgs boson with a b.
With E = exp(y3 - y4), m_T^2 = m^2 + pT^2 and the pair's rapidity y,

    s = m_T3^2 + m_T4^2 + m_T3 m_T4 (E + 1/E),   x1, x2 = sqrt(s/S) exp(+-y),
    dsigma / dpT^2 dy3 dy4 = sum x1 f1 x2 f2 dsigma/dt.

The *unit square* (a, b) covers y3 - y4 = a D(pT) > 0 and |y| = b Y(pT, a) up to their kinematic limits; both orientations
are summed and both signs of y counted, so its integral is dsigma/dln pT. mu_R^2 = m_T3 m_T4, mu_F^2 = min(m_T3^2, m_T4^2).
"""

from __future__ import annotations

import math
from typing import NamedTuple

from pseudoexp.core.elementary import exp, log
from pseudoexp.core.jit import inline, kernel
from pseudoexp.engines.builtin.coupling import BOTTOM_MASS, CHARM_MASS, Coupling, alpha_s, higgs_strength, running_b_mass
from pseudoexp.engines.builtin.matrix_elements import Scattering, heavy_weights, higgs_weights, light_weights
from pseudoexp.engines.builtin.parton_density import Densities, all_densities
from pseudoexp.engines.builtin.partons import BEAM_ENERGY
from pseudoexp.engines.builtin.scatter import HIGGS_MASS

LIGHT, CHARM, BOTTOM, HIGGS_B = range(4)
"""Channels."""
CHANNELS = 4
HIGGS_TO_BB = 0.577
"""Branching ratio of H -> b bbar, part of the cross-section of `HIGGS_B`."""
_S = 4.0 * BEAM_ENERGY * BEAM_ENERGY
_PICOBARN = 0.3893793656e9
_PI = 3.141592653589793


class Point(NamedTuple):
    """Kinematics at one point of the unit square."""

    s: float
    t: float  # of the orientation with 3 forward
    u: float
    x1: float
    x2: float
    cos_theta: float  # of 3 in the rest frame, forward
    scale2: float  # mu_F^2
    jacobian: float  # 0 outside phase space


@inline
def masses(channel: int) -> tuple[float, float]:
    """Return the masses [GeV] of the outgoing pair in the matrix element."""
    if channel == LIGHT:
        return 0.0, 0.0
    if channel == CHARM:
        return CHARM_MASS, CHARM_MASS
    if channel == BOTTOM:
        return BOTTOM_MASS, BOTTOM_MASS
    return HIGGS_MASS, BOTTOM_MASS


@kernel
def point(channel: int, pt: float, a: float, b: float, mirrored: bool) -> Point:
    """Return the kinematics at (a, b) of the unit square; `mirrored` has the pair's rapidity negative."""
    m3, m4 = masses(channel)
    mt3, mt4 = math.sqrt(m3 * m3 + pt * pt), math.sqrt(m4 * m4 + pt * pt)
    cosh_limit = 0.5 * (_S - mt3 * mt3 - mt4 * mt4) / (mt3 * mt4)
    if not cosh_limit > 1.0:
        return Point(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    limit = log(cosh_limit + math.sqrt(cosh_limit * cosh_limit - 1.0))
    e = exp(a * limit)
    s = mt3 * mt3 + mt4 * mt4 + mt3 * mt4 * (e + 1.0 / e)
    tau = min(s / _S, 1.0)
    y_limit = -0.5 * log(tau)
    root, boost = math.sqrt(tau), exp(b * y_limit)
    x1, x2 = min(root * boost, 1.0), root / boost
    if mirrored:
        x1, x2 = x2, x1
    t = m3 * m3 - s * mt3 / (mt3 + mt4 * e)
    u = m4 * m4 - s * mt4 * e / (mt3 + mt4 * e)
    rapidity_factor = math.sqrt(s) / (mt3 + mt4 / e)  # exp(y3) in the rest frame
    pz = 0.5 * mt3 * (rapidity_factor - 1.0 / rapidity_factor)
    return Point(s, t, u, x1, x2, pz / math.sqrt(pz * pz + pt * pt), min(mt3, mt4) * min(mt3, mt4),
                 4.0 * pt * pt * limit * y_limit)


@kernel
def cross_section(densities: Densities, coupling: Coupling, scattering: Scattering, channel: int, at: Point) -> float:
    """Return dsigma / dln pT da db [pb] and leave the subprocesses' weights in `scattering`."""
    if not at.jacobian > 0.0:
        return 0.0
    all_densities(densities, at.x1, at.scale2, scattering.one)
    all_densities(densities, at.x2, at.scale2, scattering.two)
    m3, m4 = masses(channel)
    pt2 = at.scale2 - min(m3, m4) * min(m3, m4)
    scale2 = math.sqrt((pt2 + m3 * m3) * (pt2 + m4 * m4))
    alpha = alpha_s(coupling, scale2)
    factor = _PICOBARN * at.jacobian * alpha / (at.s * at.s)
    if channel == HIGGS_B:
        b_mass = running_b_mass(math.sqrt(at.s))
        strength = HIGGS_TO_BB * b_mass * b_mass * higgs_strength(scale2) / 24.0
        return factor * strength * higgs_weights(scattering, at.s, at.t, at.u, m3 * m3, m4 * m4)
    if channel == LIGHT:
        return factor * alpha * _PI * light_weights(scattering, at.s, at.t, at.u)
    return factor * alpha * _PI * heavy_weights(scattering, at.s, at.t, at.u, m3)
