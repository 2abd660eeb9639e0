"""Kinematics of single four-momenta: the coordinates of a hadron collider.

Transverse momentum, azimuth, pseudorapidity eta = -ln tan(theta/2) and rapidity y = 1/2 ln((E + pz)/(E - pz));
PDG review, section "Kinematics". GeV and rad; azimuths are in (-pi, pi]. All functions take and return
scalars and inline into kernels. None of them returns NaN or infinity for components below 1e150 GeV.
"""

from __future__ import annotations

import math

from pseudoexp.core.elementary import asinh, atan2, cosh, log, sincos, sinh
from pseudoexp.core.jit import inline

PI = 3.141592653589793
TWO_PI = 6.283185307179586
MAX_RAPIDITY = 1e5
"""Rapidity of a momentum along the beam is this plus abs(pz), with the sign of pz (the convention of FastJet)."""


@inline
def pt(px: float, py: float) -> float:
    """Return the transverse momentum [GeV]."""
    return math.sqrt(px * px + py * py)


@inline
def phi(px: float, py: float) -> float:
    """Return the azimuth in (-pi, pi]; 0 for a momentum along the beam."""
    angle = atan2(py, px)
    angle = PI if angle <= -PI else angle
    return 0.0 if (px == 0.0) & (py == 0.0) else angle


@inline
def eta(px: float, py: float, pz: float) -> float:
    """Return the pseudorapidity; +-(MAX_RAPIDITY + abs(pz)) along the beam, 0 for no momentum."""
    transverse = math.sqrt(px * px + py * py)
    if transverse == 0.0:
        if pz == 0.0:
            return 0.0
        return math.copysign(MAX_RAPIDITY + abs(pz), pz)
    if abs(pz) > 1e300 * transverse:
        return math.copysign(MAX_RAPIDITY, pz)
    return asinh(pz / transverse)


@inline
def mass2(px: float, py: float, pz: float, e: float) -> float:
    """Return the squared mass [GeV^2], below zero when rounding (or a spacelike sum) makes it so."""
    return (e + pz) * (e - pz) - (px * px + py * py)


@inline
def mass(px: float, py: float, pz: float, e: float) -> float:
    """Return the mass [GeV]; 0 where the squared mass is negative."""
    return math.sqrt(max(mass2(px, py, pz, e), 0.0))


@inline
def rapidity(px: float, py: float, pz: float, e: float) -> float:
    """Return the rapidity; spacelike momenta count as massless, beam-like ones have +-(MAX_RAPIDITY + abs(pz)).

    1/2 ln((pT^2 + m^2) / (E + |pz|)^2) is used, which keeps its digits at small angles. As in FastJet, a
    momentum with E = |pz| and no pT is given a large finite rapidity, different for different pz.
    """
    transverse2 = px * px + py * py
    effective = transverse2 + max(mass2(px, py, pz, e), 0.0)
    total = e + abs(pz)
    ratio = effective / (total * total) if total > 0.0 else 0.0
    if not ratio > 0.0:
        return -(MAX_RAPIDITY - pz) if pz < 0.0 else MAX_RAPIDITY + pz
    y = 0.5 * log(ratio)
    return -y if pz > 0.0 else y


@inline
def delta_phi(phi1: float, phi2: float) -> float:
    """Return phi1 - phi2 in [-pi, pi] for azimuths of one period each."""
    d = phi1 - phi2
    if d > PI:
        return d - TWO_PI
    if d < -PI:
        return d + TWO_PI
    return d


@inline
def delta_r(eta1: float, phi1: float, eta2: float, phi2: float) -> float:
    """Return the distance in the (eta, phi) or (y, phi) plane."""
    d_eta = eta1 - eta2
    d_phi = delta_phi(phi1, phi2)
    return math.sqrt(d_eta * d_eta + d_phi * d_phi)


@inline
def four_momentum(pt_: float, eta_: float, phi_: float, mass_: float) -> tuple[float, float, float, float]:
    """Return (px, py, pz, E) [GeV] of pT, pseudorapidity, azimuth and mass."""
    s, c = sincos(phi_)
    pz = pt_ * sinh(eta_)
    p = pt_ * cosh(eta_)
    return pt_ * c, pt_ * s, pz, math.sqrt(p * p + mass_ * mass_)
