"""From a chosen 2 -> 2 scattering to rows of the event: kinematics, masses, colour tags.

Outgoing quarks, which the matrix elements may have taken as massless, are put on the mass shell in the scattering's rest
frame; directions and energy stay::

    row = append_scattering(partons, systems, scattering, x1, x2, cos_theta, phi, scale)   # system number, -1 if full
"""

from __future__ import annotations

import math

from pseudoexp.core.elementary import sincos
from pseudoexp.core.jit import inline, kernel
from pseudoexp.core.species import HIGGS
from pseudoexp.engines.builtin.coupling import BOTTOM_MASS, CHARM_MASS
from pseudoexp.engines.builtin.matrix_elements import Scattering
from pseudoexp.engines.builtin.partons import BEAM_ENERGY, FINAL, INCOMING, SEA, Partons, Systems, append_parton

HIGGS_MASS = 125.0
"""GeV."""
_LIGHT_MASS, _STRANGE_MASS = 0.33, 0.5


@inline
def parton_mass(pdg_id: int) -> float:
    """Return the mass [GeV] of an outgoing quark, gluon or Higgs boson: constituent masses of the light quarks."""
    k = abs(pdg_id)
    if k <= 2:
        return _LIGHT_MASS
    if k == 3:
        return _STRANGE_MASS
    if k == 4:
        return CHARM_MASS
    if k == 5:
        return BOTTOM_MASS
    return HIGGS_MASS if k == HIGGS else 0.0


@inline
def _tag(first: int, local: int) -> int:
    """Return the event's colour tag for a scattering's 1 ... 4."""
    return first + local if local > 0 else 0


@kernel
def append_scattering(partons: Partons, systems: Systems, scattering: Scattering, x1: float, x2: float,
                      cos_theta: float, phi: float, scale: float) -> int:
    """Append the two incoming and two outgoing partons of a new system.

    Parameters
    ----------
    partons, systems : Partons, Systems
        The event; the system's origins are left `SEA`.
    scattering : Scattering
        With `pdg_id` and `colour` chosen.
    x1, x2 : float
        Shares of the beams' momenta.
    cos_theta, phi : float
        Direction of the first outgoing parton in the rest frame, theta from +z.
    scale : float
        Where its showers start [GeV].

    Returns
    -------
    int
        Number of the system, -1 if a list is full or the masses exceed the energy.
    """
    system, first = systems.filled[0], partons.filled[1]
    energy = 2.0 * BEAM_ENERGY * math.sqrt(x1 * x2)
    m3, m4 = parton_mass(scattering.pdg_id[2]), parton_mass(scattering.pdg_id[3])
    if system == len(systems.scale) or partons.filled[0] + 4 > len(partons.status) or energy <= m3 + m4:
        return -1
    for side in range(2):
        e = BEAM_ENERGY * (x1 if side == 0 else x2)
        systems.x[system, side] = x1 if side == 0 else x2
        systems.origin[system, side] = SEA
        systems.partner[system, side] = -1
        systems.incoming[system, side] = append_parton(
            partons, scattering.pdg_id[side], INCOMING, -1, system, 0.0, 0.0, e if side == 0 else -e, e, 0.0,
            _tag(first, scattering.colour[side, 0]), _tag(first, scattering.colour[side, 1]))
    e3 = 0.5 * (energy * energy + m3 * m3 - m4 * m4) / energy
    p = math.sqrt(max(e3 * e3 - m3 * m3, 0.0))
    gamma, gamma_beta = 0.5 * (x1 + x2) / math.sqrt(x1 * x2), 0.5 * (x1 - x2) / math.sqrt(x1 * x2)
    sine, cosine = sincos(phi)
    pt = p * math.sqrt(max(1.0 - cos_theta * cos_theta, 0.0))
    for k in range(2, 4):
        sign = 1.0 if k == 2 else -1.0
        e = e3 if k == 2 else energy - e3
        pz = sign * p * cos_theta
        append_parton(partons, scattering.pdg_id[k], FINAL, -1, system, sign * pt * cosine, sign * pt * sine,
                      gamma * pz + gamma_beta * e, gamma * e + gamma_beta * pz, m3 if k == 2 else m4,
                      _tag(first, scattering.colour[k, 0]), _tag(first, scattering.colour[k, 1]))
    partons.filled[1] = first + 4
    systems.scale[system] = scale
    systems.filled[0] = system + 1
    return system
