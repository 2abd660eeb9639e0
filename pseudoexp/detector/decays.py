"""Decays in flight of strange hadrons (and of the neutral pions they leave): lifetimes, channels, two-body kinematics.

K0S, Lambda, Sigma, Xi, Omega and charged kaons decay on their way through the detector. Every channel is two-body;
the three-body decays of charged kaons (16 %) are counted as mu nu, and charged pions (1 % per GeV and metre) fly on.
Lifetimes and fractions: Review of Particle Physics 2022.
"""

from __future__ import annotations

import math

import numpy as np

from pseudoexp.core import species
from pseudoexp.core.elementary import sincos
from pseudoexp.core.jit import inline

PDG_ID = np.array([310, 3122, 3222, 3112, 3312, 3322, 3334, 321, 111])
"""Species that decay in flight (particle; the antiparticle has the antichannels)."""
C_TAU = np.array([26.844, 78.9, 24.04, 44.34, 49.1, 87.1, 24.61, 3711.0, 2.5e-5])
"""c tau [mm]."""
CHANNELS = np.array([
    [0.6920, 1.0, 1.0], [0.6410, 1.0, 1.0], [0.5160, 1.0, 1.0], [1.0, 1.0, 1.0], [1.0, 1.0, 1.0], [1.0, 1.0, 1.0],
    [0.6780, 0.9140, 1.0], [0.7933, 1.0, 1.0], [1.0, 1.0, 1.0]])
"""Cumulative branching fractions."""
FIRST = np.array([
    [211, 111, 111], [2212, 2112, 2112], [2212, 2112, 2112], [2112, 2112, 2112], [3122, 3122, 3122],
    [3122, 3122, 3122], [3122, 3322, 3312], [-13, 211, 211], [22, 22, 22]])
SECOND = np.array([
    [-211, 111, 111], [-211, 111, 111], [111, 211, 211], [-211, -211, -211], [-211, -211, -211],
    [111, 111, 111], [-321, -211, 111], [14, 111, 111], [22, 22, 22]])
"""PDG numbers of the two products per channel."""


@inline
def decaying(pdg_id: int) -> int:
    """Return the row of the tables above, -1 for what does not decay here."""
    a = abs(pdg_id)
    if a == species.PION or a == species.PHOTON or a == species.PROTON or a == species.NEUTRON or a == species.K0_LONG:
        return -1
    for k in range(PDG_ID.shape[0]):
        if PDG_ID[k] == a:
            return k
    return -1


@inline
def products(row: int, pdg_id: int, u: float) -> tuple[int, int]:
    """Return the PDG numbers of the two products for a uniform number `u`."""
    k = 0
    while k < 2 and u > CHANNELS[row, k]:
        k += 1
    first, second = FIRST[row, k], SECOND[row, k]
    return (first, second) if pdg_id > 0 else (conjugate(first), conjugate(second))


@inline
def conjugate(pdg_id: int) -> int:
    """Return the antiparticle's number."""
    self_conjugate = pdg_id == species.PHOTON or pdg_id == species.PION_ZERO
    return pdg_id if self_conjugate or pdg_id == species.K0_SHORT or pdg_id == species.K0_LONG else -pdg_id


@inline
def two_body(px: float, py: float, pz: float, e: float, m1: float, m2: float, u: float,
             v: float) -> tuple[float, float, float, float]:
    """Return the four-momentum (px, py, pz, E) of the first product, isotropic in the rest frame.

    The second product is the parent minus the first, so that four-momentum is conserved exactly. `u` and `v` are
    uniform. A parent lighter than its products (by rounding) leaves them at rest in its frame.
    """
    mass2 = e * e - px * px - py * py - pz * pz
    mass = math.sqrt(max(mass2, (m1 + m2) * (m1 + m2)))
    e1 = 0.5 * (mass * mass + m1 * m1 - m2 * m2) / mass
    p = math.sqrt(max(e1 * e1 - m1 * m1, 0.0))
    cosine = 2.0 * u - 1.0
    sine = math.sqrt(max(1.0 - cosine * cosine, 0.0))
    sine_phi, cosine_phi = sincos(6.283185307179586 * v)
    qx, qy, qz = p * sine * cosine_phi, p * sine * sine_phi, p * cosine
    along = px * qx + py * qy + pz * qz
    scale = (along / (e + mass) + e1) / mass
    return qx + scale * px, qy + scale * py, qz + scale * pz, (e * e1 + along) / mass
