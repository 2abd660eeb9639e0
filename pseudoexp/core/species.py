"""What a particle is, read off its PDG number.

The digits of the Monte Carlo numbering scheme (Review of Particle Physics, section "Monte Carlo particle
numbering scheme") hold the quark content: a hadron is +-(n nr nL nq1 nq2 nq3 nJ). Charge and flavour follow by
arithmetic and need no table; the masses of what a detector meets are listed. All functions run inside kernels
and in plain Python.
"""

from __future__ import annotations

from pseudoexp.core.jit import inline, kernel

ELECTRON, NU_E, MUON, NU_MU, TAU, NU_TAU = 11, 12, 13, 14, 15, 16
CHARM, BEAUTY, GLUON, PHOTON, HIGGS = 4, 5, 21, 22, 25
PION, PION_ZERO, KAON, K0_LONG, K0_SHORT = 211, 111, 321, 130, 310
NEUTRON, PROTON, LAMBDA = 2112, 2212, 3122
SIGMA_MINUS, SIGMA_PLUS, XI_MINUS, XI_ZERO, OMEGA = 3112, 3222, 3312, 3322, 3334

ELECTRON_MASS = 0.00051099895
MUON_MASS = 0.1056583755
TAU_MASS = 1.77686
PION_MASS = 0.13957039
PION_ZERO_MASS = 0.1349768
KAON_MASS = 0.493677
K0_MASS = 0.497611
PROTON_MASS = 0.93827209
NEUTRON_MASS = 0.93956542
LAMBDA_MASS = 1.115683
"""Masses in GeV (Review of Particle Physics 2022)."""


@inline
def _quark_charge3(flavour: int) -> int:
    """Return three times the charge of quark 1-6 (d u s c b t), 0 for anything else."""
    if flavour < 1 or flavour > 6:
        return 0
    return 2 if flavour % 2 == 0 else -1


@inline
def heaviest_quark(pdg_id: int) -> int:
    """Return the flavour 1-6 of the heaviest quark of a hadron; 0 for what is not a hadron.

    K0S and K0L count as strange. Diquarks, nuclei, R hadrons and generator codes are not hadrons.
    """
    a = abs(pdg_id)
    if a == 130 or a == 310:
        return 3
    group = a // 1_000_000
    if a <= 100 or group > 9 or 1 <= group <= 8:
        return 0
    q1, q2, q3 = (a // 1000) % 10, (a // 100) % 10, (a // 10) % 10
    if a % 10 == 0 or q2 == 0 or q3 == 0 or q1 > 6 or q2 > 6 or q3 > 6:
        return 0
    return max(q1, max(q2, q3))


@inline
def is_hadron(pdg_id: int) -> bool:
    """Return whether the particle is a meson or a baryon."""
    return heaviest_quark(pdg_id) > 0


@inline
def is_baryon(pdg_id: int) -> bool:
    """Return whether the particle is a baryon."""
    return heaviest_quark(pdg_id) > 0 and (abs(pdg_id) // 1000) % 10 > 0


@inline
def has_open_flavour(pdg_id: int, flavour: int) -> bool:
    """Return whether `flavour` is the hadron's heaviest quark and no antiquark of it cancels it (onia)."""
    if heaviest_quark(pdg_id) != flavour:
        return False
    a = abs(pdg_id)
    return (a // 1000) % 10 > 0 or (a // 100) % 10 != (a // 10) % 10


@inline
def is_b_hadron(pdg_id: int) -> bool:
    """Return whether the particle is an open-beauty hadron, ground state or excited; B_c counts as one."""
    return has_open_flavour(pdg_id, 5)


@inline
def is_c_hadron(pdg_id: int) -> bool:
    """Return whether the particle is an open-charm hadron without beauty, ground state or excited."""
    return has_open_flavour(pdg_id, 4)


@inline
def heavy_flavour(pdg_id: int) -> int:
    """Return 5 for an open-beauty hadron, 4 for an open-charm hadron, 15 for a tau, 0 for anything else."""
    a = abs(pdg_id)
    if a == TAU:
        return TAU
    if a < 400 and a % 100 < 40:  # most particles: no digit is above 3
        return 0
    flavour = heaviest_quark(pdg_id)
    if flavour != 4 and flavour != 5:
        return 0
    return flavour if has_open_flavour(pdg_id, flavour) else 0


@inline
def is_lepton(pdg_id: int) -> bool:
    """Return whether the particle is a charged lepton or a neutrino."""
    return 11 <= abs(pdg_id) <= 16


@inline
def is_neutrino(pdg_id: int) -> bool:
    """Return whether the particle is a neutrino."""
    a = abs(pdg_id)
    return NU_E <= a <= NU_TAU and a % 2 == 0


@kernel
def charge3(pdg_id: int) -> int:
    """Return three times the electric charge of a quark, lepton, W, diquark or hadron; 0 for anything else."""
    a = abs(pdg_id)
    sign = 1 if pdg_id > 0 else -1
    if a <= 6:
        return sign * _quark_charge3(a)
    if a <= 100:
        if a == 24:
            return 3 * sign
        return -3 * sign if ELECTRON <= a <= TAU and a % 2 == 1 else 0
    q1, q2, q3 = (a // 1000) % 10, (a // 100) % 10, (a // 10) % 10
    diquark = 1000 < a < 10_000 and q2 > 0 and q3 == 0
    if not diquark and heaviest_quark(pdg_id) == 0:
        return 0
    if q1 > 0:
        return sign * (_quark_charge3(q1) + _quark_charge3(q2) + _quark_charge3(q3))
    total = _quark_charge3(q2) - _quark_charge3(q3)
    return sign * total if q2 % 2 == 0 else -sign * total


@inline
def charge(pdg_id: int) -> float:
    """Return the electric charge in units of the positron's."""
    return charge3(pdg_id) / 3.0


@inline
def is_charged(pdg_id: int) -> bool:
    """Return whether the particle leaves a track if it lives long enough."""
    return charge3(pdg_id) != 0


@inline
def mass(pdg_id: int) -> float:
    """Return the mass [GeV] of a particle that reaches a detector; 0 for photons, neutrinos and unknown numbers."""
    a = abs(pdg_id)
    if a == PION:
        return PION_MASS
    if a == KAON:
        return KAON_MASS
    if a == PROTON:
        return PROTON_MASS
    if a == NEUTRON:
        return NEUTRON_MASS
    if a == ELECTRON:
        return ELECTRON_MASS
    if a == MUON:
        return MUON_MASS
    if a in (K0_LONG, K0_SHORT, 311):
        return K0_MASS
    if a == LAMBDA:
        return LAMBDA_MASS
    return _rare_mass(a)


@inline
def _rare_mass(a: int) -> float:
    """Return the mass [GeV] of the rarer long-lived particles; `a` is positive."""
    if a == PION_ZERO:
        return PION_ZERO_MASS
    if a == TAU:
        return TAU_MASS
    if a == SIGMA_PLUS:
        return 1.18937
    if a == SIGMA_MINUS:
        return 1.197449
    if a == XI_ZERO:
        return 1.31486
    if a == XI_MINUS:
        return 1.32171
    if a == OMEGA:
        return 1.67245
    return 0.0
