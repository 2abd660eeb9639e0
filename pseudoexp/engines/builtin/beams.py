"""What is left of the protons while scatterings take partons from them.

T. Sjostrand, P. Skands, JHEP 03 (2004) 053 (hep-ph/0402078), section 3: densities are those of a proton with the momentum that is
left; a valence quark can be taken only once of each kind there is; a sea quark leaves its companion behind, which can be taken
too; gluons and sea shrink or grow so that the momentum adds up.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.elementary import log, pow
from pseudoexp.core.jit import inline, kernel
from pseudoexp.engines.builtin.companions import companion_density, companion_momentum
from pseudoexp.engines.builtin.dice import Dice, throw
from pseudoexp.engines.builtin.parton_density import EFFECTIVE, GLUON, Densities, all_densities
from pseudoexp.engines.builtin.partons import SEA, SECOND_VALENCE, VALENCE, Partons, Systems

UP, DOWN = 2, 1
_U_MOMENTUM, _D_MOMENTUM = 0.5650, 0.2403
_U_POWER, _D_POWER = 0.4502, 0.4460
_LAMBDA2 = 0.04
"""Momentum shares of both u and of the d valence quark are a ln(Q^2 / 0.04 GeV^2)^-b, within 0.3 % of the densities' own."""
_LOWEST_Q2 = 1.0
LARGEST_GROWTH = 1.33
"""Bounds what gluons and sea are multiplied by when a valence quark has been taken."""


@inline
def momentum_left(systems: Systems, side: int, besides: int) -> float:
    """Return the share of a beam's momentum that no scattering but `besides` (-1: none) has taken, at least 1e-9."""
    left = 1.0
    for k in range(systems.filled[0]):
        if k != besides:
            left -= systems.x[k, side]
    return max(left, 1e-9)


@inline
def valence_taken(partons: Partons, systems: Systems, side: int) -> int:
    """Return the flavour of the first valence quark that has been taken, 0 if none has."""
    for k in range(systems.filled[0]):
        if systems.origin[k, side] == VALENCE:
            return partons.pdg_id[systems.incoming[k, side]]
    return 0


@inline
def left_alone(system: int, side: int, besides: int, partons: Partons, systems: Systems) -> int:
    """Return the flavour of the companion that a system's sea quark left behind and nobody has taken; 0 if there is none."""
    flavour = partons.pdg_id[systems.incoming[system, side]]
    other = systems.partner[system, side]
    if system == besides or abs(flavour) > 6 or systems.origin[system, side] != SEA or (other >= 0 and other != besides):
        return 0
    return -flavour


@inline
def valence_left(flavour: int, side: int, besides: int, partons: Partons, systems: Systems) -> float:
    """Return the number of u or d valence quarks that are left."""
    number = 2.0 if flavour == UP else 1.0
    for k in range(systems.filled[0]):
        if k != besides and systems.origin[k, side] != SEA and partons.pdg_id[systems.incoming[k, side]] == flavour:
            number -= 1.0
    return max(number, 0.0)


@inline
def _companion_share(system: int, side: int, left: float, systems: Systems) -> float:
    """Return the momentum fraction of a sea quark before it was taken."""
    return systems.x[system, side] / (left + systems.x[system, side])


@kernel
def densities_left(densities: Densities, side: int, besides: int, x: float, q2: float, partons: Partons, systems: Systems,
                   out: NDArray[np.float64]) -> float:
    """Fill `out` (COLUMNS,) with x f of all columns but the effective one, of what is left of a proton.

    Parameters
    ----------
    densities : Densities
        Of a whole proton.
    side, besides : int
        Which beam; a system that counts as not having taken anything, -1: none.
    x, q2 : float
        Share of the beam's momentum, below what is left, and the scale squared [GeV^2].
    partons, systems : Partons, Systems
        Who has taken what.
    out : (COLUMNS,)
        Filled.

    Returns
    -------
    float
        The momentum that is left.
    """
    left = momentum_left(systems, side, besides)
    all_densities(densities, x / left, q2, out)
    logarithm = log(max(q2, _LOWEST_Q2) / _LAMBDA2)
    u_momentum, d_momentum = _U_MOMENTUM * pow(logarithm, -_U_POWER), _D_MOMENTUM * pow(logarithm, -_D_POWER)
    u_left = 0.5 * valence_left(UP, side, besides, partons, systems)
    d_left = valence_left(DOWN, side, besides, partons, systems)
    rest = 1.0 - u_left * u_momentum - d_left * d_momentum
    for k in range(systems.filled[0]):
        if left_alone(k, side, besides, partons, systems) != 0:
            share = _companion_share(k, side, left, systems)
            rest -= companion_momentum(share) / (1.0 - share)
    growth = max(rest, 0.0) / (1.0 - u_momentum - d_momentum)
    u, d = out[GLUON + UP] - out[GLUON - UP], out[GLUON + DOWN] - out[GLUON - DOWN]
    for k in range(EFFECTIVE):
        out[k] *= growth
    out[GLUON + UP] = out[GLUON - UP] + u_left * max(u, 0.0)
    out[GLUON + DOWN] = out[GLUON - DOWN] + d_left * max(d, 0.0)
    for k in range(systems.filled[0]):
        flavour = left_alone(k, side, besides, partons, systems)
        if flavour != 0:
            out[GLUON + flavour] += _density_of_companion(k, side, x, left, systems)
    return left


@inline
def _density_of_companion(system: int, side: int, x: float, left: float, systems: Systems) -> float:
    """Return x f of the companion that a system's sea quark left behind."""
    before = left + systems.x[system, side]
    return companion_density(x / before, systems.x[system, side] / before)


@kernel
def decide_origin(system: int, side: int, partons: Partons, systems: Systems, densities: Densities, dice: Dice,
                  work: NDArray[np.float64]) -> None:
    """Decide whether the quark that enters a scattering is a valence quark, a companion or from the sea, by their densities.

    These are taken at its x and scale; `work` (COLUMNS,) is scratch.
    """
    before = systems.partner[system, side]
    if before >= 0:
        systems.partner[before, side] = -1
    systems.origin[system, side], systems.partner[system, side] = SEA, -1
    flavour = partons.pdg_id[systems.incoming[system, side]]
    if abs(flavour) > 6:
        return
    x, q2 = systems.x[system, side], systems.scale[system] * systems.scale[system]
    left = densities_left(densities, side, system, x, q2, partons, systems, work)
    rest = throw(dice) * work[GLUON + flavour]
    for k in range(systems.filled[0]):
        if left_alone(k, side, system, partons, systems) == flavour:
            rest -= _density_of_companion(k, side, x, left, systems)
            if rest < 0.0:
                systems.partner[system, side], systems.partner[k, side] = k, system
                return
    if flavour in (UP, DOWN):
        all_densities(densities, x / left, q2, work)
        number = valence_left(flavour, side, system, partons, systems) / (2.0 if flavour == UP else 1.0)
        if rest < number * (work[GLUON + flavour] - work[GLUON - flavour]):
            systems.origin[system, side] = SECOND_VALENCE if valence_taken(partons, systems, side) != 0 else VALENCE
