"""The strong coupling at one loop, the b quark's running mass and the strength of the Higgs field.

All as PYTHIA has them by default: thresholds at m_c = 1.5, m_b = 4.8 and m_t = 171 GeV, M_Z = 91.188 GeV; the b mass starts from
4.2 GeV at 4.2 GeV and runs with five flavours and alpha_s(M_Z) = 0.125, whatever the coupling elsewhere. The Higgs
field's 1/v^2 = pi alpha_em / (sin^2 theta_W m_W^2) runs with alpha_em (v = 246.6 GeV at M_Z, 245.1 at 250 GeV)::

    coupling = strong_coupling(0.130)       # once, in Python; 0.1365 in the showers
    alpha = alpha_s(coupling, q2)           # kernel; q2 [GeV^2], kept above coupling.lowest (1.07 Lambda_3)^2
    mass = running_b_mass(q)                # kernel; q [GeV]
    inverse_v2 = higgs_strength(q2)         # kernel; GeV^-2
"""

from __future__ import annotations

from typing import NamedTuple

from pseudoexp.core.elementary import exp, log, pow
from pseudoexp.core.jit import inline, kernel

Z_MASS = 91.188
CHARM_MASS, BOTTOM_MASS, TOP_MASS = 1.5, 4.8, 171.0
"""Masses on the shell and thresholds [GeV]."""
_TWELVE_PI = 37.69911184307752
_MARGIN = 1.07
_INVERSE_ALPHA_EM, _ALPHA_EM_SLOPE = 127.91797, 1.45
_PI_PER_WEAK = 3.141592653589793 / (0.2312 * 80.385 * 80.385)
_B_MASS_START, _B_MASS_COUPLING = 4.2, 0.125


class Coupling(NamedTuple):
    """Lambda_QCD^2 [GeV^2] with 3 to 6 flavours; below `lowest` the coupling is frozen."""

    lambda2_3: float
    lambda2_4: float
    lambda2_5: float
    lambda2_6: float
    lowest: float


@kernel
def _lambda_5(at_z: float) -> float:
    """Return Lambda with five flavours [GeV]."""
    return Z_MASS * exp(-0.5 * _TWELVE_PI / (23.0 * at_z))


@kernel
def _make_coupling(at_z: float) -> Coupling:
    """Match the Lambdas so that the coupling is continuous."""
    five = _lambda_5(at_z)
    four = five * pow(BOTTOM_MASS / five, 2.0 / 25.0)
    three = four * pow(CHARM_MASS / four, 2.0 / 27.0)
    six = five * pow(five / TOP_MASS, 2.0 / 21.0)
    return Coupling(three * three, four * four, five * five, six * six, _MARGIN * _MARGIN * three * three)


def strong_coupling(at_z: float) -> Coupling:
    """Return the coupling whose value at M_Z is `at_z`."""
    return Coupling(*_make_coupling(at_z))


@inline
def alpha_s(coupling: Coupling, q2: float) -> float:
    """Return alpha_s(Q^2 [GeV^2])."""
    if q2 > BOTTOM_MASS * BOTTOM_MASS:
        if q2 > TOP_MASS * TOP_MASS:
            return _TWELVE_PI / (21.0 * log(q2 / coupling.lambda2_6))
        return _TWELVE_PI / (23.0 * log(q2 / coupling.lambda2_5))
    if q2 > CHARM_MASS * CHARM_MASS:
        return _TWELVE_PI / (25.0 * log(q2 / coupling.lambda2_4))
    return _TWELVE_PI / (27.0 * log(max(q2, coupling.lowest) / coupling.lambda2_3))


@kernel
def running_b_mass(q: float) -> float:
    """Return the b quark's mass [GeV] at the scale q [GeV], one loop with five flavours."""
    five = _lambda_5(_B_MASS_COUPLING)
    ratio = log(_B_MASS_START / five) / log(max(q, _B_MASS_START) / five)
    return _B_MASS_START * pow(ratio, 12.0 / 23.0)


@kernel
def higgs_strength(q2: float) -> float:
    """Return 1/v^2 [GeV^-2] at Q^2 [GeV^2]; 1/alpha_em runs linearly in ln Q above 10 GeV."""
    return _PI_PER_WEAK / (_INVERSE_ALPHA_EM - 0.5 * _ALPHA_EM_SLOPE * log(q2 / (Z_MASS * Z_MASS)))
